"""Database triggers that refuse to change or remove what a log holds.

They stop the service's own database user and any mistake made with it. They do not stop somebody who owns the
database; for that there are the hashes, the signatures and the copies that others keep.
"""

from typing import Final

TABLES: Final = ("audit_log", "audit_entry", "audit_node", "audit_checkpoint")

_KEYS: Final = {
    "audit_log": ("id",),
    "audit_entry": ("log_id", "leaf_index"),
    "audit_node": ("log_id", "level", "node_index"),
    "audit_checkpoint": ("log_id", "tree_size"),
}


def _sqlite(table: str) -> list[str]:
    same_key = " AND ".join(f"{column} = NEW.{column}" for column in _KEYS[table])
    refusals = [
        f"CREATE TRIGGER {table}_refuse_{act} BEFORE {act.upper()} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'the log is append-only: {act} on {table} refused'); END"
        for act in ("update", "delete")
    ]
    # INSERT OR REPLACE removes the old row without firing the DELETE trigger, so a taken key is refused beforehand.
    replacement = (
        f"CREATE TRIGGER {table}_refuse_replace BEFORE INSERT ON {table} "  # noqa: S608 - every name stands in this file
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same_key}) "
        f"BEGIN SELECT RAISE(ABORT, 'the log is append-only: replacing a row of {table} refused'); END"
    )
    return [*refusals, replacement]


_POSTGRESQL_FUNCTION: Final = """\
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'integrity_constraint_violation',
    MESSAGE = 'the log is append-only: ' || lower(TG_OP) || ' on ' || TG_TABLE_NAME || ' refused';
END
$$"""


def _postgresql(table: str) -> list[str]:
    guard = f"CREATE TRIGGER {table}_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
    return [f"{guard} FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()"]


TRIGGERS: Final[dict[str, list[str]]] = {
    "sqlite": [statement for table in TABLES for statement in _sqlite(table)],
    "postgresql": [_POSTGRESQL_FUNCTION, *(statement for table in TABLES for statement in _postgresql(table))],
}
"""For each database, the statements that guard the tables, in order; run once, after the tables are made."""
