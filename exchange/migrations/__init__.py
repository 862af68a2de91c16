"""The database schema, one revision after another, for SQLite and PostgreSQL."""
