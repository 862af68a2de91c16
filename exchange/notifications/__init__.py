"""Mail that the service sends: an outbox in the database, and its delivery."""
