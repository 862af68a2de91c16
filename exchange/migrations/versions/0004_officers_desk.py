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


def downgrade() -> None:
    """Take it away again."""
    for table in ("refused_place", "known_place", "alert_finding", "alert_position", "alert_threshold"):
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
