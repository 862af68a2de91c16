"""The log as evidence: cosignatures, logs that go on under a new origin, logs that were disposed of."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What comes new, statement by statement, as audit/sql_tables.py and audit/triggers.py wrote it. The four tables whose
# rows may go with their log get other triggers than revision 0001 gave them.
NEW = {
    "sqlite": [
        """
CREATE TABLE audit_continuation (
    log_id VARCHAR(40) NOT NULL,
    generation BIGINT NOT NULL,
    origin VARCHAR(255) NOT NULL,
    from_size BIGINT NOT NULL,
    begun_at VARCHAR(27) NOT NULL,
    CONSTRAINT pk_audit_continuation PRIMARY KEY (log_id, generation),
    CONSTRAINT ck_audit_continuation_place CHECK (generation >= 1 AND from_size >= 0),
    CONSTRAINT fk_audit_continuation_log_id FOREIGN KEY(log_id) REFERENCES audit_log (id),
    CONSTRAINT uq_audit_continuation_origin UNIQUE (origin)
)
        """,
        """
CREATE TABLE audit_cosignature (
    log_id VARCHAR(40) NOT NULL,
    tree_size BIGINT NOT NULL,
    witness VARCHAR(255) NOT NULL,
    line TEXT NOT NULL,
    received_at VARCHAR(27) NOT NULL,
    CONSTRAINT pk_audit_cosignature PRIMARY KEY (log_id, tree_size, witness),
    CONSTRAINT ck_audit_cosignature_tree_size CHECK (tree_size >= 0),
    CONSTRAINT fk_audit_cosignature_log_id FOREIGN KEY(log_id) REFERENCES audit_log (id)
)
        """,
        """
CREATE TABLE audit_disposal (
    log_id VARCHAR(40) NOT NULL,
    tree_size BIGINT NOT NULL,
    root_hash BLOB NOT NULL,
    note TEXT NOT NULL,
    disposed_at VARCHAR(27) NOT NULL,
    CONSTRAINT pk_audit_disposal PRIMARY KEY (log_id),
    CONSTRAINT ck_audit_disposal_tree_size CHECK (tree_size >= 1),
    CONSTRAINT ck_audit_disposal_root_hash CHECK (length(root_hash) = 32),
    CONSTRAINT fk_audit_disposal_log_id FOREIGN KEY(log_id) REFERENCES audit_log (id)
)
        """,
        """
CREATE TRIGGER audit_entry_refuse_delete BEFORE DELETE ON audit_entry WHEN NOT EXISTS (SELECT 1 FROM audit_disposal WHERE log_id = OLD.log_id) BEGIN SELECT RAISE(ABORT, 'the log is append-only: delete on audit_entry refused'); END
        """,
        """
CREATE TRIGGER audit_node_refuse_delete BEFORE DELETE ON audit_node WHEN NOT EXISTS (SELECT 1 FROM audit_disposal WHERE log_id = OLD.log_id) BEGIN SELECT RAISE(ABORT, 'the log is append-only: delete on audit_node refused'); END
        """,
        """
CREATE TRIGGER audit_checkpoint_refuse_delete BEFORE DELETE ON audit_checkpoint WHEN NOT EXISTS (SELECT 1 FROM audit_disposal WHERE log_id = OLD.log_id) BEGIN SELECT RAISE(ABORT, 'the log is append-only: delete on audit_checkpoint refused'); END
        """,
        """
CREATE TRIGGER audit_log_refuse_replace BEFORE INSERT ON audit_log WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id OR origin = NEW.origin OR rowid = NEW.rowid) BEGIN SELECT RAISE(ABORT, 'the log is append-only: replacing a row of audit_log refused'); END
        """,
        """
CREATE TRIGGER audit_checkpoint_refuse_replace BEFORE INSERT ON audit_checkpoint WHEN EXISTS (SELECT 1 FROM audit_checkpoint WHERE log_id = NEW.log_id AND tree_size = NEW.tree_size OR rowid = NEW.rowid) BEGIN SELECT RAISE(ABORT, 'the log is append-only: replacing a row of audit_checkpoint refused'); END
        """,
        """
CREATE TRIGGER audit_cosignature_refuse_update BEFORE UPDATE ON audit_cosignature BEGIN SELECT RAISE(ABORT, 'the log is append-only: update on audit_cosignature refused'); END
        """,
        """
CREATE TRIGGER audit_cosignature_refuse_delete BEFORE DELETE ON audit_cosignature WHEN NOT EXISTS (SELECT 1 FROM audit_disposal WHERE log_id = OLD.log_id) BEGIN SELECT RAISE(ABORT, 'the log is append-only: delete on audit_cosignature refused'); END
        """,
        """
CREATE TRIGGER audit_cosignature_refuse_replace BEFORE INSERT ON audit_cosignature WHEN EXISTS (SELECT 1 FROM audit_cosignature WHERE log_id = NEW.log_id AND tree_size = NEW.tree_size AND witness = NEW.witness OR rowid = NEW.rowid) BEGIN SELECT RAISE(ABORT, 'the log is append-only: replacing a row of audit_cosignature refused'); END
        """,
        """
CREATE TRIGGER audit_continuation_refuse_update BEFORE UPDATE ON audit_continuation BEGIN SELECT RAISE(ABORT, 'the log is append-only: update on audit_continuation refused'); END
        """,
        """
CREATE TRIGGER audit_continuation_refuse_delete BEFORE DELETE ON audit_continuation BEGIN SELECT RAISE(ABORT, 'the log is append-only: delete on audit_continuation refused'); END
        """,
        """
CREATE TRIGGER audit_continuation_refuse_replace BEFORE INSERT ON audit_continuation WHEN EXISTS (SELECT 1 FROM audit_continuation WHERE log_id = NEW.log_id AND generation = NEW.generation OR origin = NEW.origin OR rowid = NEW.rowid) BEGIN SELECT RAISE(ABORT, 'the log is append-only: replacing a row of audit_continuation refused'); END
        """,
        """
CREATE TRIGGER audit_disposal_refuse_update BEFORE UPDATE ON audit_disposal BEGIN SELECT RAISE(ABORT, 'the log is append-only: update on audit_disposal refused'); END
        """,
        """
CREATE TRIGGER audit_disposal_refuse_delete BEFORE DELETE ON audit_disposal BEGIN SELECT RAISE(ABORT, 'the log is append-only: delete on audit_disposal refused'); END
        """,
        """
CREATE TRIGGER audit_disposal_refuse_replace BEFORE INSERT ON audit_disposal WHEN EXISTS (SELECT 1 FROM audit_disposal WHERE log_id = NEW.log_id OR rowid = NEW.rowid) BEGIN SELECT RAISE(ABORT, 'the log is append-only: replacing a row of audit_disposal refused'); END
        """,
        """
CREATE TRIGGER audit_disposal_require_seal BEFORE INSERT ON audit_disposal WHEN NOT EXISTS (SELECT 1 FROM audit_checkpoint AS seal JOIN audit_entry AS last ON last.log_id = seal.log_id AND last.leaf_index = seal.tree_size - 1 WHERE seal.log_id = NEW.log_id AND seal.tree_size = NEW.tree_size AND seal.root_hash = NEW.root_hash AND seal.note = NEW.note AND last.event = 'log:closed') BEGIN SELECT RAISE(ABORT, 'the log is append-only: a log is disposed of once it is closed and sealed by this checkpoint'); END
        """,
        """
CREATE TRIGGER audit_disposal_remove AFTER INSERT ON audit_disposal BEGIN DELETE FROM audit_entry WHERE log_id = NEW.log_id; DELETE FROM audit_node WHERE log_id = NEW.log_id; DELETE FROM audit_checkpoint WHERE log_id = NEW.log_id; DELETE FROM audit_cosignature WHERE log_id = NEW.log_id; END
        """,
    ],
    "postgresql": [
        """
CREATE TABLE audit_continuation (
    log_id VARCHAR(40) NOT NULL,
    generation BIGINT NOT NULL,
    origin VARCHAR(255) NOT NULL,
    from_size BIGINT NOT NULL,
    begun_at VARCHAR(27) NOT NULL,
    CONSTRAINT pk_audit_continuation PRIMARY KEY (log_id, generation),
    CONSTRAINT ck_audit_continuation_place CHECK (generation >= 1 AND from_size >= 0),
    CONSTRAINT fk_audit_continuation_log_id FOREIGN KEY(log_id) REFERENCES audit_log (id),
    CONSTRAINT uq_audit_continuation_origin UNIQUE (origin)
)
        """,
        """
CREATE TABLE audit_cosignature (
    log_id VARCHAR(40) NOT NULL,
    tree_size BIGINT NOT NULL,
    witness VARCHAR(255) NOT NULL,
    line TEXT NOT NULL,
    received_at VARCHAR(27) NOT NULL,
    CONSTRAINT pk_audit_cosignature PRIMARY KEY (log_id, tree_size, witness),
    CONSTRAINT ck_audit_cosignature_tree_size CHECK (tree_size >= 0),
    CONSTRAINT fk_audit_cosignature_log_id FOREIGN KEY(log_id) REFERENCES audit_log (id)
)
        """,
        """
CREATE TABLE audit_disposal (
    log_id VARCHAR(40) NOT NULL,
    tree_size BIGINT NOT NULL,
    root_hash BYTEA NOT NULL,
    note TEXT NOT NULL,
    disposed_at VARCHAR(27) NOT NULL,
    CONSTRAINT pk_audit_disposal PRIMARY KEY (log_id),
    CONSTRAINT ck_audit_disposal_tree_size CHECK (tree_size >= 1),
    CONSTRAINT ck_audit_disposal_root_hash CHECK (length(root_hash) = 32),
    CONSTRAINT fk_audit_disposal_log_id FOREIGN KEY(log_id) REFERENCES audit_log (id)
)
        """,
        """
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
$$
        """,
        """
CREATE FUNCTION audit_require_seal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  sealed integer;
BEGIN
  EXECUTE replace(
    'SELECT 1 FROM {schema}audit_checkpoint AS seal JOIN {schema}audit_entry AS last ON last.log_id = seal.log_id AND last.leaf_index = seal.tree_size - 1 WHERE seal.log_id = ($1).log_id AND seal.tree_size = ($1).tree_size AND seal.root_hash = ($1).root_hash AND seal.note = ($1).note AND last.event = ''log:closed''',
    '{schema}', quote_ident(TG_TABLE_SCHEMA) || '.'
  ) INTO sealed USING NEW;
  IF sealed IS NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'integrity_constraint_violation',
      MESSAGE = 'the log is append-only: a log is disposed of once it is closed and sealed by this checkpoint';
  END IF;
  RETURN NEW;
END
$$
        """,
        """
CREATE FUNCTION audit_remove_disposed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  emptied text;
BEGIN
  FOREACH emptied IN ARRAY ARRAY['audit_entry', 'audit_node', 'audit_checkpoint', 'audit_cosignature'] LOOP
    EXECUTE 'DELETE FROM ' || quote_ident(TG_TABLE_SCHEMA) || '.' || emptied || ' WHERE log_id = $1' USING NEW.log_id;
  END LOOP;
  RETURN NULL;
END
$$
        """,
        """
CREATE TRIGGER audit_entry_refuse_change BEFORE UPDATE OR TRUNCATE ON audit_entry FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()
        """,
        """
CREATE TRIGGER audit_entry_refuse_delete AFTER DELETE ON audit_entry REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_delete()
        """,
        """
CREATE TRIGGER audit_node_refuse_change BEFORE UPDATE OR TRUNCATE ON audit_node FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()
        """,
        """
CREATE TRIGGER audit_node_refuse_delete AFTER DELETE ON audit_node REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_delete()
        """,
        """
CREATE TRIGGER audit_checkpoint_refuse_change BEFORE UPDATE OR TRUNCATE ON audit_checkpoint FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()
        """,
        """
CREATE TRIGGER audit_checkpoint_refuse_delete AFTER DELETE ON audit_checkpoint REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_delete()
        """,
        """
CREATE TRIGGER audit_cosignature_refuse_change BEFORE UPDATE OR TRUNCATE ON audit_cosignature FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()
        """,
        """
CREATE TRIGGER audit_cosignature_refuse_delete AFTER DELETE ON audit_cosignature REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_delete()
        """,
        """
CREATE TRIGGER audit_continuation_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_continuation FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()
        """,
        """
CREATE TRIGGER audit_disposal_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_disposal FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()
        """,
        """
CREATE TRIGGER audit_disposal_require_seal BEFORE INSERT ON audit_disposal FOR EACH ROW EXECUTE FUNCTION audit_require_seal()
        """,
        """
CREATE TRIGGER audit_disposal_remove AFTER INSERT ON audit_disposal FOR EACH ROW EXECUTE FUNCTION audit_remove_disposed()
        """,
    ],
}
DISPOSABLE = ("audit_entry", "audit_node", "audit_checkpoint", "audit_cosignature")
CHANGED = DISPOSABLE[:3]
REMOVED = ("audit_disposal", "audit_continuation", "audit_cosignature")
REPLACING = {  # of revision 0001, on SQLite: what each refused to replace then
    "audit_log": "id = NEW.id",
    "audit_checkpoint": "log_id = NEW.log_id AND tree_size = NEW.tree_size",
}
FUNCTIONS = ("audit_refuse_delete", "audit_require_seal", "audit_remove_disposed")


def upgrade() -> None:
    connection = op.get_bind()
    is_sqlite = connection.dialect.name == "sqlite"
    for table in CHANGED:
        op.execute(f"DROP TRIGGER {table}_refuse_delete" if is_sqlite else f"DROP TRIGGER {table}_refuse_change ON {table}")
    for table in REPLACING if is_sqlite else ():
        op.execute(f"DROP TRIGGER {table}_refuse_replace")
    for statement in NEW[connection.dialect.name]:
        connection.exec_driver_sql(statement.strip())


def downgrade() -> None:
    connection = op.get_bind()
    is_sqlite = connection.dialect.name == "sqlite"
    for table in REMOVED:
        if connection.execute(sa.text(f"SELECT 1 FROM {table} LIMIT 1")).first():
            raise RuntimeError(
                f"The log holds rows in {table}, and no command of this service removes them. Nothing was changed. "
                "To go back, restore a backup from before the upgrade."
            )
    for table in REMOVED:
        op.drop_table(table)
    for table in CHANGED:
        if is_sqlite:
            op.execute(f"DROP TRIGGER {table}_refuse_delete")
            op.execute(
                f"CREATE TRIGGER {table}_refuse_delete BEFORE DELETE ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'the log is append-only: delete on {table} refused'); END"
            )
        else:
            op.execute(f"DROP TRIGGER {table}_refuse_change ON {table}")
            op.execute(f"DROP TRIGGER {table}_refuse_delete ON {table}")
            op.execute(
                f"CREATE TRIGGER {table}_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()"
            )
    for table, taken in REPLACING.items() if is_sqlite else ():
        op.execute(f"DROP TRIGGER {table}_refuse_replace")
        op.execute(
            f"CREATE TRIGGER {table}_refuse_replace BEFORE INSERT ON {table} "
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {taken}) "
            f"BEGIN SELECT RAISE(ABORT, 'the log is append-only: replacing a row of {table} refused'); END"
        )
    if not is_sqlite:
        for function in FUNCTIONS:
            op.execute(f"DROP FUNCTION {function}()")
