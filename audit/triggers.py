"""Database triggers that refuse to change or remove what a log holds.

A log is removed in one way only: by its row in `audit_disposal`, which is refused unless the log's last entry is
`log:closed` and the row repeats the checkpoint signed over it. That row itself takes the entries, nodes, checkpoints
and cosignatures away, in the same statement, so the service needs no right to delete from any table of the log.

The triggers stop the service's own database user and any mistake made with it from altering a log. A database cannot
verify a signature, so that user could forge closing, checkpoint and tombstone and have a log removed: the check across
the tables tells of that. Nor do they stop somebody who owns the database; for that there are the hashes, the signatures
and the copies that others keep.
"""

from typing import Final

TABLES: Final = (
    "audit_log",
    "audit_entry",
    "audit_node",
    "audit_checkpoint",
    "audit_cosignature",
    "audit_continuation",
    "audit_disposal",
)
DISPOSABLE: Final = ("audit_entry", "audit_node", "audit_checkpoint", "audit_cosignature")
"""The tables whose rows go when their log is disposed of; the log's origins and its tombstone stay."""

_KEYS: Final = {
    "audit_log": ("id",),
    "audit_entry": ("log_id", "leaf_index"),
    "audit_node": ("log_id", "level", "node_index"),
    "audit_checkpoint": ("log_id", "tree_size"),
    "audit_cosignature": ("log_id", "tree_size", "witness"),
    "audit_continuation": ("log_id", "generation"),
    "audit_disposal": ("log_id",),
}
_ALSO_UNIQUE: Final = {  # what replaces a row as its key does: a second unique column, and the row's number in SQLite
    "audit_log": ("origin", "rowid"),
    "audit_checkpoint": ("rowid",),
    "audit_cosignature": ("rowid",),
    "audit_continuation": ("origin", "rowid"),
    "audit_disposal": ("rowid",),
}
_NOT_SEALED: Final = "the log is append-only: a log is disposed of once it is closed and sealed by this checkpoint"
_SEALED: Final = (
    "SELECT 1 FROM {schema}audit_checkpoint AS seal"
    " JOIN {schema}audit_entry AS last ON last.log_id = seal.log_id AND last.leaf_index = seal.tree_size - 1"
    " WHERE seal.log_id = {new}log_id AND seal.tree_size = {new}tree_size AND seal.root_hash = {new}root_hash"
    " AND seal.note = {new}note AND last.event = 'log:closed'"
)


def _sqlite(table: str) -> list[str]:
    same_key = " AND ".join(f"{column} = NEW.{column}" for column in _KEYS[table])
    taken = " OR ".join([same_key, *(f"{column} = NEW.{column}" for column in _ALSO_UNIQUE.get(table, ()))])
    allowed = "WHEN NOT EXISTS (SELECT 1 FROM audit_disposal WHERE log_id = OLD.log_id) "
    refusals = [
        f"CREATE TRIGGER {table}_refuse_{act} BEFORE {act.upper()} ON {table} "
        f"{allowed if act == 'delete' and table in DISPOSABLE else ''}"
        f"BEGIN SELECT RAISE(ABORT, 'the log is append-only: {act} on {table} refused'); END"
        for act in ("update", "delete")
    ]
    # INSERT OR REPLACE removes the old row without firing the DELETE trigger, so what is taken is refused beforehand.
    replacement = (
        f"CREATE TRIGGER {table}_refuse_replace BEFORE INSERT ON {table} "  # noqa: S608 - every name stands in this file
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {taken}) "
        f"BEGIN SELECT RAISE(ABORT, 'the log is append-only: replacing a row of {table} refused'); END"
    )
    return [*refusals, replacement]


def _sqlite_disposal() -> list[str]:
    removals = " ".join(f"DELETE FROM {table} WHERE log_id = NEW.log_id;" for table in DISPOSABLE)  # noqa: S608 - as above
    seal = (
        "CREATE TRIGGER audit_disposal_require_seal BEFORE INSERT ON audit_disposal "
        f"WHEN NOT EXISTS ({_SEALED.format(schema='', new='NEW.')}) "
        f"BEGIN SELECT RAISE(ABORT, '{_NOT_SEALED}'); END"
    )
    return [seal, f"CREATE TRIGGER audit_disposal_remove AFTER INSERT ON audit_disposal BEGIN {removals} END"]


_POSTGRESQL_REFUSE: Final = """\
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'integrity_constraint_violation',
    MESSAGE = 'the log is append-only: ' || lower(TG_OP) || ' on ' || TG_TABLE_NAME || ' refused';
END
$$"""

# The tables are named with their schema: a temporary table of the same name would otherwise stand before them.
_POSTGRESQL_REFUSE_DELETE: Final = """\
CREATE FUNCTION audit_refuse_delete() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  kept boolean;
BEGIN
  EXECUTE 'SELECT EXISTS (SELECT 1 FROM gone WHERE log_id NOT IN (SELECT log_id FROM '
    || quote_ident(TG_TABLE_SCHEMA) || '.audit_disposal))' INTO kept;
  IF kept THEN
    RAISE EXCEPTION USING
      ERRCODE = 'integrity_constraint_violation',
      MESSAGE = 'the log is append-only: delete on ' || TG_TABLE_NAME || ' refused';
  END IF;
  RETURN NULL;
END
$$"""

_POSTGRESQL_REQUIRE_SEAL: Final = f"""\
CREATE FUNCTION audit_require_seal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  sealed integer;
BEGIN
  EXECUTE replace(
    '{_SEALED.format(schema="{schema}", new="($1).").replace("'", "''")}',
    '{{schema}}', quote_ident(TG_TABLE_SCHEMA) || '.'
  ) INTO sealed USING NEW;
  IF sealed IS NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'integrity_constraint_violation',
      MESSAGE = '{_NOT_SEALED}';
  END IF;
  RETURN NEW;
END
$$"""

# It runs with the rights of the tables' owner: the service itself may delete nothing.
_POSTGRESQL_REMOVE: Final = """\
CREATE FUNCTION audit_remove_disposed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  emptied text;
BEGIN
  FOREACH emptied IN ARRAY ARRAY[{tables}] LOOP
    EXECUTE 'DELETE FROM ' || quote_ident(TG_TABLE_SCHEMA) || '.' || emptied || ' WHERE log_id = $1' USING NEW.log_id;
  END LOOP;
  RETURN NULL;
END
$$""".format(  # noqa: S608 - as above
    tables=", ".join(f"'{table}'" for table in DISPOSABLE)
)


def _postgresql(table: str) -> list[str]:
    changes = "UPDATE OR TRUNCATE" if table in DISPOSABLE else "UPDATE OR DELETE OR TRUNCATE"
    refuse_change = (
        f"CREATE TRIGGER {table}_refuse_change BEFORE {changes} ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()"
    )
    refuse_delete = (
        f"CREATE TRIGGER {table}_refuse_delete AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_delete()"
    )
    return [refuse_change, refuse_delete] if table in DISPOSABLE else [refuse_change]


def _postgresql_disposal() -> list[str]:
    on = "INSERT ON audit_disposal FOR EACH ROW EXECUTE FUNCTION"
    return [
        f"CREATE TRIGGER audit_disposal_require_seal BEFORE {on} audit_require_seal()",
        f"CREATE TRIGGER audit_disposal_remove AFTER {on} audit_remove_disposed()",
    ]


TRIGGERS: Final[dict[str, list[str]]] = {
    "sqlite": [*(statement for table in TABLES for statement in _sqlite(table)), *_sqlite_disposal()],
    "postgresql": [
        _POSTGRESQL_REFUSE,
        _POSTGRESQL_REFUSE_DELETE,
        _POSTGRESQL_REQUIRE_SEAL,
        _POSTGRESQL_REMOVE,
        *(statement for table in TABLES for statement in _postgresql(table)),
        *_postgresql_disposal(),
    ],
}
"""For each database, the statements that guard the tables, in order; run once, after the tables are made."""
