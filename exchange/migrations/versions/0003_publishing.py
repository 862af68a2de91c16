"""Publishing: checkpoints that left the building, and mail that waits to be sent."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the outbox, how far each log was followed outside and checked, and what an alarm says besides its kind."""
    op.add_column("alarm", sa.Column("source", sa.String(length=255), server_default=sa.text("''"), nullable=False))
    op.add_column("alarm", sa.Column("detail", sa.String(length=300), server_default=sa.text("''"), nullable=False))
    op.create_table(
        "outgoing_mail",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("person_id", sa.String(length=30), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_outgoing_mail_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing_mail")),
    )
    op.create_index(op.f("ix_outgoing_mail_person_id"), "outgoing_mail", ["person_id"], unique=False)
    op.create_index("ix_outgoing_mail_state", "outgoing_mail", ["state", "due_at"], unique=False)
    op.create_table(
        "mailed_checkpoint",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("log_id", sa.String(length=40), nullable=False),
        sa.Column("person_id", sa.String(length=30), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mail_id", sa.String(length=30), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_mailed_checkpoint_person_id_person")),
        sa.ForeignKeyConstraint(
            ["mail_id"], ["outgoing_mail.id"], name=op.f("fk_mailed_checkpoint_mail_id_outgoing_mail")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailed_checkpoint")),
        sa.UniqueConstraint("log_id", "person_id", "size", name=op.f("uq_mailed_checkpoint_log_id")),
    )
    op.create_index(op.f("ix_mailed_checkpoint_person_id"), "mailed_checkpoint", ["person_id"], unique=False)
    op.create_index(op.f("ix_mailed_checkpoint_mail_id"), "mailed_checkpoint", ["mail_id"], unique=False)
    op.create_table(
        "witness_state",
        sa.Column("log_id", sa.String(length=40), nullable=False),
        sa.Column("witness", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("followed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("behind_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("alarmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("log_id", "witness", name=op.f("pk_witness_state")),
    )
    op.create_table(
        "kept_state",
        sa.Column("log_id", sa.String(length=40), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.String(length=255), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.String(length=80), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("log_id", name=op.f("pk_kept_state")),
    )
    op.create_table(
        "log_check",
        sa.Column("log_id", sa.String(length=40), nullable=False),
        sa.Column("extent", sa.String(length=10), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("findings", sa.Integer(), nullable=False),
        sa.Column("first_index", sa.BigInteger(), nullable=True),
        sa.Column("first_kind", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "extent", name=op.f("pk_log_check")),
    )


def downgrade() -> None:
    """Take it away again; the mail that waits is lost, the logs stay."""
    for table in ("log_check", "kept_state", "witness_state"):
        op.drop_table(table)
    op.drop_index(op.f("ix_mailed_checkpoint_mail_id"), table_name="mailed_checkpoint")
    op.drop_index(op.f("ix_mailed_checkpoint_person_id"), table_name="mailed_checkpoint")
    op.drop_table("mailed_checkpoint")
    op.drop_index("ix_outgoing_mail_state", table_name="outgoing_mail")
    op.drop_index(op.f("ix_outgoing_mail_person_id"), table_name="outgoing_mail")
    op.drop_table("outgoing_mail")
    op.drop_column("alarm", "detail")
    op.drop_column("alarm", "source")
