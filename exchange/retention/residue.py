"""What a database keeps of erased text for a while: the old pages of SQLite's journal, the dead rows of PostgreSQL."""

from __future__ import annotations

from exchange.database import Database

TABLES = ("document", "document_item")
OF_LOGS = (
    *("audit_entry", "audit_node", "audit_checkpoint", "audit_cosignature"),
    *("person", "membership", "assignment", "release", "certificate", "hold", "alarm", "support_act"),
)


def remove_residue(database: Database, *, whole_logs: bool = False) -> None:
    """Make the database let go of erased names now, not at some later time of its own choosing.

    SQLite overwrites erased rows itself (`secure_delete`) but its write-ahead log holds the old pages until it is
    emptied. PostgreSQL frees dead rows at a vacuum; its own write-ahead log and backups are beyond this, and are what
    'beyond use until' on a certificate speaks of. Where others are reading at this moment the next run does the rest.
    """
    connection = database.engine.raw_connection()
    try:
        driver = connection.driver_connection
        if driver is None:  # a connection that was just taken from the pool has one
            return
        if database.engine.dialect.name == "sqlite":
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return
        driver.autocommit = True
        try:
            for table in TABLES + (OF_LOGS if whole_logs else ()):
                driver.execute(f"VACUUM {table}")
        finally:
            driver.autocommit = False
    finally:
        connection.close()
