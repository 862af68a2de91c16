"""The officer's desk: alerts and their thresholds, known places, breaches, subject access packs."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make what is new."""
    make_alerts()
    make_places()
    make_breaches()
    make_feed()


def downgrade() -> None:
    """Take it away again."""
    for table in (
        "feed_cursor",
        "feed_receiver",
        "breach_step",
        "breach_document",
        "breach",
        "refused_place",
        "known_place",
        "alert_finding",
        "alert_position",
        "alert_threshold",
    ):
        op.drop_table(table)


def make_alerts() -> None:
    """Thresholds, positions and findings; what the logs hold already was recorded before there were thresholds."""
    op.create_table(
        "alert_threshold",
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.String(length=30), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_alert_threshold")),
    )
    op.create_table(
        "alert_position",
        sa.Column("log_id", sa.String(length=40), nullable=False),
        sa.Column("next_index", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", name=op.f("pk_alert_position")),
    )
    op.execute(
        "INSERT INTO alert_position (log_id, next_index) "
        "SELECT log_id, max(leaf_index) + 1 FROM audit_entry GROUP BY log_id"
    )
    op.create_table(
        "alert_finding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_finding")),
    )
    op.create_index("ix_alert_finding_rule", "alert_finding", ["rule", "subject", "found_at"], unique=False)


def make_places() -> None:
    """Networks that people sign in from, and networks in which something was refused; both as keyed hashes."""
    op.create_table(
        "known_place",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(length=30), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=32), nullable=False),
        sa.Column("mark", sa.LargeBinary(length=32), nullable=False),
        sa.Column("is_first", sa.Boolean(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_known_place_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_known_place")),
    )
    for column in ("person_id", "first_seen_at", "last_seen_at"):
        op.create_index(op.f(f"ix_known_place_{column}"), "known_place", [column], unique=False)
    op.create_table(
        "refused_place",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refused_place")),
    )
    op.create_index("ix_refused_place_mark", "refused_place", ["mark", "refused_at"], unique=False)
    op.create_index(op.f("ix_refused_place_refused_at"), "refused_place", ["refused_at"], unique=False)


def make_breaches() -> None:
    """Breaches as they are known now, the documents concerned, and every step with its words."""
    op.create_table(
        "breach",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("inspection_id", sa.String(length=30), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(length=30), nullable=False),
        sa.Column("aware_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("happened", sa.Text(), nullable=False),
        sa.Column("children", sa.Integer(), nullable=True),
        sa.Column("ico_decision", sa.String(length=20), nullable=False),
        sa.Column("ico_reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ico_words", sa.Text(), nullable=False),
        sa.Column("people_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("people_told", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(length=30), nullable=False),
        sa.Column("closed_because", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspection.id"], name=op.f("fk_breach_inspection_id_inspection")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_breach_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_breach")),
    )
    op.create_index(op.f("ix_breach_inspection_id"), "breach", ["inspection_id"], unique=False)
    op.create_table(
        "breach_document",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("breach_id", sa.String(length=30), nullable=False),
        sa.Column("document_id", sa.String(length=30), nullable=False),
        sa.ForeignKeyConstraint(["breach_id"], ["breach.id"], name=op.f("fk_breach_document_breach_id_breach")),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_breach_document_document_id_document")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_breach_document")),
        sa.UniqueConstraint("breach_id", "document_id", name=op.f("uq_breach_document_breach_id")),
    )
    for column in ("breach_id", "document_id"):
        op.create_index(op.f(f"ix_breach_document_{column}"), "breach_document", [column], unique=False)
    op.create_table(
        "breach_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("breach_id", sa.String(length=30), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_by", sa.String(length=30), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["breach_id"], ["breach.id"], name=op.f("fk_breach_step_breach_id_breach")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_breach_step")),
    )
    op.create_index(op.f("ix_breach_step_breach_id"), "breach_step", ["breach_id"], unique=False)


def make_feed() -> None:
    """Receivers of the feed, and how far each has each log."""
    op.create_table(
        "feed_receiver",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_by", sa.String(length=30), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_feed_receiver")),
    )
    op.create_table(
        "feed_cursor",
        sa.Column("receiver", sa.String(length=255), nullable=False),
        sa.Column("log_id", sa.String(length=40), nullable=False),
        sa.Column("next_index", sa.BigInteger(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["receiver"], ["feed_receiver.name"], name=op.f("fk_feed_cursor_receiver_feed_receiver")),
        sa.PrimaryKeyConstraint("receiver", "log_id", name=op.f("pk_feed_cursor")),
    )
