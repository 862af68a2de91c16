"""The first schema: accounts, inspections, documents, releases, retention, and the log with its guards."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The log's tables and triggers, statement by statement, as audit/sql_store.py and audit/triggers.py wrote them.
LOG = {
    "sqlite": [
        """
CREATE TABLE audit_log (
    id VARCHAR(40) NOT NULL,
    origin VARCHAR(255) NOT NULL,
    created_at VARCHAR(27) NOT NULL,
    CONSTRAINT pk_audit_log PRIMARY KEY (id),
    CONSTRAINT uq_audit_log_origin UNIQUE (origin)
)
        """,
        """
CREATE TABLE audit_checkpoint (
    log_id VARCHAR(40) NOT NULL,
    tree_size BIGINT NOT NULL,
    root_hash BLOB NOT NULL,
    note TEXT NOT NULL,
    signed_at VARCHAR(27) NOT NULL,
    CONSTRAINT pk_audit_checkpoint PRIMARY KEY (log_id, tree_size),
    CONSTRAINT ck_audit_checkpoint_tree_size CHECK (tree_size >= 0),
    CONSTRAINT ck_audit_checkpoint_root_hash CHECK (length(root_hash) = 32),
    CONSTRAINT fk_audit_checkpoint_log_id FOREIGN KEY(log_id) REFERENCES audit_log (id)
)
        """,
        """
CREATE TABLE audit_entry (
    log_id VARCHAR(40) NOT NULL,
    leaf_index BIGINT NOT NULL,
    entry BLOB NOT NULL,
    leaf_hash BLOB NOT NULL,
    time VARCHAR(27) NOT NULL,
    event VARCHAR(80) NOT NULL,
    actor VARCHAR(80) NOT NULL,
    inspection VARCHAR(40),
    subject VARCHAR(40),
    items TEXT NOT NULL,
    CONSTRAINT pk_audit_entry PRIMARY KEY (log_id, leaf_index),
    CONSTRAINT ck_audit_entry_leaf_index CHECK (leaf_index >= 0),
    CONSTRAINT ck_audit_entry_leaf_hash CHECK (length(leaf_hash) = 32),
    CONSTRAINT fk_audit_entry_log_id FOREIGN KEY(log_id) REFERENCES audit_log (id)
)
 WITHOUT ROWID
        """,
        """
CREATE INDEX ix_audit_entry_log_id_actor_leaf_index ON audit_entry (log_id, actor, leaf_index)
        """,
        """
CREATE INDEX ix_audit_entry_log_id_event_leaf_index ON audit_entry (log_id, event, leaf_index)
        """,
        """
CREATE INDEX ix_audit_entry_log_id_subject_leaf_index ON audit_entry (log_id, subject, leaf_index)
        """,
        """
CREATE TABLE audit_node (
    log_id VARCHAR(40) NOT NULL,
    level SMALLINT NOT NULL,
    node_index BIGINT NOT NULL,
    hash BLOB NOT NULL,
    CONSTRAINT pk_audit_node PRIMARY KEY (log_id, level, node_index),
    CONSTRAINT ck_audit_node_place CHECK (level >= 1 AND node_index >= 0),
    CONSTRAINT ck_audit_node_hash CHECK (length(hash) = 32),
    CONSTRAINT fk_audit_node_log_id FOREIGN KEY(log_id) REFERENCES audit_log (id)
)
 WITHOUT ROWID
        """,
        """
CREATE TRIGGER audit_log_refuse_update BEFORE UPDATE ON audit_log BEGIN SELECT RAISE(ABORT, 'the log is append-only: update on audit_log refused'); END
        """,
        """
CREATE TRIGGER audit_log_refuse_delete BEFORE DELETE ON audit_log BEGIN SELECT RAISE(ABORT, 'the log is append-only: delete on audit_log refused'); END
        """,
        """
CREATE TRIGGER audit_log_refuse_replace BEFORE INSERT ON audit_log WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'the log is append-only: replacing a row of audit_log refused'); END
        """,
        """
CREATE TRIGGER audit_entry_refuse_update BEFORE UPDATE ON audit_entry BEGIN SELECT RAISE(ABORT, 'the log is append-only: update on audit_entry refused'); END
        """,
        """
CREATE TRIGGER audit_entry_refuse_delete BEFORE DELETE ON audit_entry BEGIN SELECT RAISE(ABORT, 'the log is append-only: delete on audit_entry refused'); END
        """,
        """
CREATE TRIGGER audit_entry_refuse_replace BEFORE INSERT ON audit_entry WHEN EXISTS (SELECT 1 FROM audit_entry WHERE log_id = NEW.log_id AND leaf_index = NEW.leaf_index) BEGIN SELECT RAISE(ABORT, 'the log is append-only: replacing a row of audit_entry refused'); END
        """,
        """
CREATE TRIGGER audit_node_refuse_update BEFORE UPDATE ON audit_node BEGIN SELECT RAISE(ABORT, 'the log is append-only: update on audit_node refused'); END
        """,
        """
CREATE TRIGGER audit_node_refuse_delete BEFORE DELETE ON audit_node BEGIN SELECT RAISE(ABORT, 'the log is append-only: delete on audit_node refused'); END
        """,
        """
CREATE TRIGGER audit_node_refuse_replace BEFORE INSERT ON audit_node WHEN EXISTS (SELECT 1 FROM audit_node WHERE log_id = NEW.log_id AND level = NEW.level AND node_index = NEW.node_index) BEGIN SELECT RAISE(ABORT, 'the log is append-only: replacing a row of audit_node refused'); END
        """,
        """
CREATE TRIGGER audit_checkpoint_refuse_update BEFORE UPDATE ON audit_checkpoint BEGIN SELECT RAISE(ABORT, 'the log is append-only: update on audit_checkpoint refused'); END
        """,
        """
CREATE TRIGGER audit_checkpoint_refuse_delete BEFORE DELETE ON audit_checkpoint BEGIN SELECT RAISE(ABORT, 'the log is append-only: delete on audit_checkpoint refused'); END
        """,
        """
CREATE TRIGGER audit_checkpoint_refuse_replace BEFORE INSERT ON audit_checkpoint WHEN EXISTS (SELECT 1 FROM audit_checkpoint WHERE log_id = NEW.log_id AND tree_size = NEW.tree_size) BEGIN SELECT RAISE(ABORT, 'the log is append-only: replacing a row of audit_checkpoint refused'); END
        """,
    ],
    "postgresql": [
        """
CREATE TABLE audit_log (
    id VARCHAR(40) NOT NULL,
    origin VARCHAR(255) NOT NULL,
    created_at VARCHAR(27) NOT NULL,
    CONSTRAINT pk_audit_log PRIMARY KEY (id),
    CONSTRAINT uq_audit_log_origin UNIQUE (origin)
)
        """,
        """
CREATE TABLE audit_checkpoint (
    log_id VARCHAR(40) NOT NULL,
    tree_size BIGINT NOT NULL,
    root_hash BYTEA NOT NULL,
    note TEXT NOT NULL,
    signed_at VARCHAR(27) NOT NULL,
    CONSTRAINT pk_audit_checkpoint PRIMARY KEY (log_id, tree_size),
    CONSTRAINT ck_audit_checkpoint_tree_size CHECK (tree_size >= 0),
    CONSTRAINT ck_audit_checkpoint_root_hash CHECK (length(root_hash) = 32),
    CONSTRAINT fk_audit_checkpoint_log_id FOREIGN KEY(log_id) REFERENCES audit_log (id)
)
        """,
        """
CREATE TABLE audit_entry (
    log_id VARCHAR(40) NOT NULL,
    leaf_index BIGINT NOT NULL,
    entry BYTEA NOT NULL,
    leaf_hash BYTEA NOT NULL,
    time VARCHAR(27) NOT NULL,
    event VARCHAR(80) NOT NULL,
    actor VARCHAR(80) NOT NULL,
    inspection VARCHAR(40),
    subject VARCHAR(40),
    items TEXT NOT NULL,
    CONSTRAINT pk_audit_entry PRIMARY KEY (log_id, leaf_index),
    CONSTRAINT ck_audit_entry_leaf_index CHECK (leaf_index >= 0),
    CONSTRAINT ck_audit_entry_leaf_hash CHECK (length(leaf_hash) = 32),
    CONSTRAINT fk_audit_entry_log_id FOREIGN KEY(log_id) REFERENCES audit_log (id)
)
        """,
        """
CREATE INDEX ix_audit_entry_log_id_actor_leaf_index ON audit_entry (log_id, actor, leaf_index)
        """,
        """
CREATE INDEX ix_audit_entry_log_id_event_leaf_index ON audit_entry (log_id, event, leaf_index)
        """,
        """
CREATE INDEX ix_audit_entry_log_id_subject_leaf_index ON audit_entry (log_id, subject, leaf_index)
        """,
        """
CREATE TABLE audit_node (
    log_id VARCHAR(40) NOT NULL,
    level SMALLINT NOT NULL,
    node_index BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    CONSTRAINT pk_audit_node PRIMARY KEY (log_id, level, node_index),
    CONSTRAINT ck_audit_node_place CHECK (level >= 1 AND node_index >= 0),
    CONSTRAINT ck_audit_node_hash CHECK (length(hash) = 32),
    CONSTRAINT fk_audit_node_log_id FOREIGN KEY(log_id) REFERENCES audit_log (id)
)
        """,
        """
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'integrity_constraint_violation',
    MESSAGE = 'the log is append-only: ' || lower(TG_OP) || ' on ' || TG_TABLE_NAME || ' refused';
END
$$
        """,
        """
CREATE TRIGGER audit_log_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()
        """,
        """
CREATE TRIGGER audit_entry_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()
        """,
        """
CREATE TRIGGER audit_node_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_node FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()
        """,
        """
CREATE TRIGGER audit_checkpoint_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoint FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()
        """,
    ],
}
LOG_TABLES = ("audit_checkpoint", "audit_node", "audit_entry", "audit_log")


def upgrade() -> None:
    connection = op.get_bind()
    for statement in LOG[connection.dialect.name]:
        connection.exec_driver_sql(statement.strip())
    op.create_table(
        "attempt_counter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("bucket", sa.String(length=64), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt_counter")),
        sa.UniqueConstraint("bucket", "window_start", name=op.f("uq_attempt_counter_bucket")),
    )
    op.create_index("ix_attempt_counter_window_start", "attempt_counter", ["window_start"], unique=False)
    op.create_table(
        "person",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("organisation", sa.String(length=120), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("totp_sealed", sa.String(length=300), nullable=False),
        sa.Column("totp_last_step", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("email", name=op.f("uq_person_email")),
    )
    op.create_table(
        "inspection",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("local_area", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("notified_on", sa.Date(), nullable=False),
        sa.Column("catalogue_version", sa.String(length=20), nullable=False),
        sa.Column("schedule_version", sa.String(length=20), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.String(length=30), nullable=False),
        sa.Column("fieldwork_ended_on", sa.Date(), nullable=True),
        sa.Column("report_issued_on", sa.Date(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["opened_by"], ["person.id"], name=op.f("fk_inspection_opened_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspection")),
    )
    op.create_table(
        "invitation",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=30), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("made_by", sa.String(length=30), nullable=False),
        sa.Column("agreed_by", sa.String(length=30), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_invitation_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_hash")),
    )
    op.create_index(op.f("ix_invitation_person_id"), "invitation", ["person_id"], unique=False)
    op.create_table(
        "legal_note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("waived", sa.Boolean(), nullable=False),
        sa.Column("checked_on", sa.Date(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_by", sa.String(length=30), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["answered_by"], ["person.id"], name=op.f("fk_legal_note_answered_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_note")),
    )
    op.create_index(op.f("ix_legal_note_code"), "legal_note", ["code"], unique=False)
    op.create_table(
        "service_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(length=30), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_service_role_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_role")),
        sa.UniqueConstraint("person_id", "role", name=op.f("uq_service_role_person_id")),
    )
    op.create_index(op.f("ix_service_role_person_id"), "service_role", ["person_id"], unique=False)
    op.create_table(
        "sign_in_session",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=30), nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_because", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("browser", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_sign_in_session_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_in_session_token_hash")),
    )
    op.create_index(op.f("ix_sign_in_session_person_id"), "sign_in_session", ["person_id"], unique=False)
    op.create_table(
        "alarm",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("inspection_id", sa.String(length=30), nullable=True),
        sa.Column("subject", sa.String(length=60), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cleared_by", sa.String(length=30), nullable=False),
        sa.Column("cleared_because", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspection.id"], name=op.f("fk_alarm_inspection_id_inspection")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
    )
    op.create_index(op.f("ix_alarm_inspection_id"), "alarm", ["inspection_id"], unique=False)
    op.create_table(
        "assignment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("inspection_id", sa.String(length=30), nullable=False),
        sa.Column("person_id", sa.String(length=30), nullable=False),
        sa.Column("number", sa.String(length=8), nullable=False),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("assigned_by", sa.String(length=30), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["inspection_id"], ["inspection.id"], name=op.f("fk_assignment_inspection_id_inspection")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_assignment_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
    )
    op.create_index(op.f("ix_assignment_inspection_id"), "assignment", ["inspection_id"], unique=False)
    op.create_index(op.f("ix_assignment_person_id"), "assignment", ["person_id"], unique=False)
    op.create_index(
        "uq_assignment_live",
        "assignment",
        ["inspection_id", "person_id", "number"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "document",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("inspection_id", sa.String(length=30), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("file_kind", sa.String(length=12), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("sealed_size", sa.BigInteger(), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("data_date_kind", sa.String(length=20), nullable=False),
        sa.Column("data_date_start", sa.Date(), nullable=True),
        sa.Column("data_date_end", sa.Date(), nullable=True),
        sa.Column("record_class", sa.String(length=2), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("submitted_by", sa.String(length=30), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("check_claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disposed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("salt", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["inspection_id"], ["inspection.id"], name=op.f("fk_document_inspection_id_inspection")
        ),
        sa.ForeignKeyConstraint(["submitted_by"], ["person.id"], name=op.f("fk_document_submitted_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
    )
    op.create_index(op.f("ix_document_inspection_id"), "document", ["inspection_id"], unique=False)
    op.create_index(op.f("ix_document_state"), "document", ["state"], unique=False)
    op.create_index(op.f("ix_document_submitted_by"), "document", ["submitted_by"], unique=False)
    op.create_table(
        "membership",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("inspection_id", sa.String(length=30), nullable=False),
        sa.Column("person_id", sa.String(length=30), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("granted_by", sa.String(length=30), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=30), nullable=False),
        sa.ForeignKeyConstraint(
            ["inspection_id"], ["inspection.id"], name=op.f("fk_membership_inspection_id_inspection")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_membership_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
    )
    op.create_index(op.f("ix_membership_inspection_id"), "membership", ["inspection_id"], unique=False)
    op.create_index(op.f("ix_membership_person_id"), "membership", ["person_id"], unique=False)
    op.create_index(
        "uq_membership_live",
        "membership",
        ["inspection_id", "person_id", "role"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "requested_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("inspection_id", sa.String(length=30), nullable=False),
        sa.Column("number", sa.String(length=8), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["inspection_id"], ["inspection.id"], name=op.f("fk_requested_item_inspection_id_inspection")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requested_item")),
        sa.UniqueConstraint("inspection_id", "number", name=op.f("uq_requested_item_inspection_id")),
    )
    op.create_index(op.f("ix_requested_item_inspection_id"), "requested_item", ["inspection_id"], unique=False)
    op.create_table(
        "certificate",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("inspection_id", sa.String(length=30), nullable=False),
        sa.Column("document_id", sa.String(length=30), nullable=False),
        sa.Column("record_class", sa.String(length=2), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("schedule_version", sa.String(length=20), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("items", sa.String(length=400), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disposed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by", sa.String(length=30), nullable=False),
        sa.Column("backups_until", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_certificate_document_id_document")),
        sa.ForeignKeyConstraint(
            ["inspection_id"], ["inspection.id"], name=op.f("fk_certificate_inspection_id_inspection")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate")),
        sa.UniqueConstraint("document_id", name=op.f("uq_certificate_document_id")),
    )
    op.create_index(op.f("ix_certificate_inspection_id"), "certificate", ["inspection_id"], unique=False)
    op.create_table(
        "document_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.String(length=30), nullable=False),
        sa.Column("inspection_id", sa.String(length=30), nullable=False),
        sa.Column("number", sa.String(length=8), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_document_item_document_id_document")),
        sa.ForeignKeyConstraint(
            ["inspection_id"], ["inspection.id"], name=op.f("fk_document_item_inspection_id_inspection")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_item")),
    )
    op.create_index(op.f("ix_document_item_document_id"), "document_item", ["document_id"], unique=False)
    op.create_index(op.f("ix_document_item_inspection_id"), "document_item", ["inspection_id"], unique=False)
    op.create_index(
        "uq_document_item_same_bytes",
        "document_item",
        ["inspection_id", "number", "sha256"],
        unique=True,
        sqlite_where=sa.text("live"),
        postgresql_where=sa.text("live"),
    )
    op.create_table(
        "hold",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("inspection_id", sa.String(length=30), nullable=False),
        sa.Column("document_id", sa.String(length=30), nullable=True),
        sa.Column("ground", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("placed_by", sa.String(length=30), nullable=False),
        sa.Column("review_on", sa.Date(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.String(length=30), nullable=False),
        sa.Column("lifted_because", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_hold_document_id_document")),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspection.id"], name=op.f("fk_hold_inspection_id_inspection")),
        sa.ForeignKeyConstraint(["placed_by"], ["person.id"], name=op.f("fk_hold_placed_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
    )
    op.create_index(op.f("ix_hold_document_id"), "hold", ["document_id"], unique=False)
    op.create_index(op.f("ix_hold_inspection_id"), "hold", ["inspection_id"], unique=False)
    op.create_table(
        "release",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("inspection_id", sa.String(length=30), nullable=False),
        sa.Column("document_id", sa.String(length=30), nullable=False),
        sa.Column("person_id", sa.String(length=30), nullable=False),
        sa.Column("range_start", sa.BigInteger(), nullable=False),
        sa.Column("range_stop", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("bytes_sent", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_release_document_id_document")),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspection.id"], name=op.f("fk_release_inspection_id_inspection")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_release_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
    )
    op.create_index(op.f("ix_release_document_id"), "release", ["document_id"], unique=False)
    op.create_index(op.f("ix_release_inspection_id"), "release", ["inspection_id"], unique=False)
    op.create_index(op.f("ix_release_person_id"), "release", ["person_id"], unique=False)


def downgrade() -> None:
    connection = op.get_bind()
    if connection.execute(sa.text("SELECT 1 FROM audit_entry LIMIT 1")).first():
        raise RuntimeError(
            "The log holds entries, and no command of this service removes them. Nothing was changed. "
            "To begin again, make a new database."
        )
    op.drop_index(op.f("ix_release_person_id"), table_name="release")
    op.drop_index(op.f("ix_release_inspection_id"), table_name="release")
    op.drop_index(op.f("ix_release_document_id"), table_name="release")
    op.drop_table("release")
    op.drop_index(op.f("ix_hold_inspection_id"), table_name="hold")
    op.drop_index(op.f("ix_hold_document_id"), table_name="hold")
    op.drop_table("hold")
    op.drop_index(
        "uq_document_item_same_bytes",
        table_name="document_item",
        sqlite_where=sa.text("live"),
        postgresql_where=sa.text("live"),
    )
    op.drop_index(op.f("ix_document_item_inspection_id"), table_name="document_item")
    op.drop_index(op.f("ix_document_item_document_id"), table_name="document_item")
    op.drop_table("document_item")
    op.drop_index(op.f("ix_certificate_inspection_id"), table_name="certificate")
    op.drop_table("certificate")
    op.drop_index(op.f("ix_requested_item_inspection_id"), table_name="requested_item")
    op.drop_table("requested_item")
    op.drop_index(
        "uq_membership_live",
        table_name="membership",
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.drop_index(op.f("ix_membership_person_id"), table_name="membership")
    op.drop_index(op.f("ix_membership_inspection_id"), table_name="membership")
    op.drop_table("membership")
    op.drop_index(op.f("ix_document_submitted_by"), table_name="document")
    op.drop_index(op.f("ix_document_state"), table_name="document")
    op.drop_index(op.f("ix_document_inspection_id"), table_name="document")
    op.drop_table("document")
    op.drop_index(
        "uq_assignment_live",
        table_name="assignment",
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.drop_index(op.f("ix_assignment_person_id"), table_name="assignment")
    op.drop_index(op.f("ix_assignment_inspection_id"), table_name="assignment")
    op.drop_table("assignment")
    op.drop_index(op.f("ix_alarm_inspection_id"), table_name="alarm")
    op.drop_table("alarm")
    op.drop_index(op.f("ix_sign_in_session_person_id"), table_name="sign_in_session")
    op.drop_table("sign_in_session")
    op.drop_index(op.f("ix_service_role_person_id"), table_name="service_role")
    op.drop_table("service_role")
    op.drop_index(op.f("ix_legal_note_code"), table_name="legal_note")
    op.drop_table("legal_note")
    op.drop_index(op.f("ix_invitation_person_id"), table_name="invitation")
    op.drop_table("invitation")
    op.drop_table("inspection")
    op.drop_table("person")
    op.drop_index("ix_attempt_counter_window_start", table_name="attempt_counter")
    op.drop_table("attempt_counter")
    for table in LOG_TABLES:
        op.drop_table(table)
    if connection.dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_refuse_change()")
