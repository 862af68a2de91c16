"""Signed states of the logs, in SQLite or PostgreSQL: checkpoints, and what witnesses wrote under them."""

from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql

from audit.entry import parse_time, time_text
from audit.errors import UnknownLogError
from audit.sql_tables import audit_checkpoint, audit_cosignature
from audit.store import StoredCheckpoint, StoredCosignature


class SqlCheckpoints:
    """The part of `audit.sql_store.SqlLogStore` that keeps what was signed."""

    def add_checkpoint(self, connection: Connection, checkpoint: StoredCheckpoint) -> None:
        """Keep a signed checkpoint; one for each size."""
        row = (
            checkpoint.log_id,
            checkpoint.tree_size,
            checkpoint.root_hash,
            checkpoint.note,
            time_text(checkpoint.signed_at),
        )
        connection.execute(audit_checkpoint.insert().values(row))

    def latest_checkpoint(self, connection: Connection, log_id: str) -> StoredCheckpoint | None:
        """The checkpoint of the greatest size, or None when nothing was signed yet."""
        rows = audit_checkpoint.c
        query = select(audit_checkpoint).where(rows.log_id == log_id).order_by(rows.tree_size.desc()).limit(1)
        row = connection.execute(query).first()
        return None if row is None else _stored_checkpoint(row)

    def checkpoint_at(self, connection: Connection, log_id: str, tree_size: int) -> StoredCheckpoint | None:
        """The checkpoint of exactly this size, or None."""
        rows = audit_checkpoint.c
        query = select(audit_checkpoint).where(rows.log_id == log_id, rows.tree_size == tree_size)
        row = connection.execute(query).first()
        return None if row is None else _stored_checkpoint(row)

    def checkpoints(self, connection: Connection, log_id: str, above: int = -1) -> list[StoredCheckpoint]:
        """Every checkpoint of a size greater than `above`, smallest first."""
        rows = audit_checkpoint.c
        query = select(audit_checkpoint).where(rows.log_id == log_id, rows.tree_size > above).order_by(rows.tree_size)
        return [_stored_checkpoint(row) for row in connection.execute(query)]

    def add_cosignature(self, connection: Connection, cosignature: StoredCosignature) -> None:
        """Keep a witness's line under a checkpoint; one that is there already stays as it is.

        Raises UnknownLogError when no checkpoint of this size is kept, as in a log that was disposed of meanwhile.
        """
        if self.checkpoint_at(connection, cosignature.log_id, cosignature.tree_size) is None:
            raise UnknownLogError(
                f"The log {cosignature.log_id} has no checkpoint of {cosignature.tree_size} entries to cosign."
            )
        row = {
            "log_id": cosignature.log_id,
            "tree_size": cosignature.tree_size,
            "witness": cosignature.witness,
            "line": cosignature.line,
            "received_at": time_text(cosignature.received_at),
        }
        if connection.dialect.name == "postgresql":
            connection.execute(postgresql.insert(audit_cosignature).values(row).on_conflict_do_nothing())
            return
        rows = audit_cosignature.c  # on SQLite one writer at a time, and a trigger that refuses a taken key
        there = select(rows.witness).where(
            rows.log_id == cosignature.log_id,
            rows.tree_size == cosignature.tree_size,
            rows.witness == cosignature.witness,
        )
        if connection.execute(there).first() is None:
            connection.execute(audit_cosignature.insert().values(row))

    def cosignatures(self, connection: Connection, log_id: str, tree_size: int) -> list[StoredCosignature]:
        """The witnesses' lines under the checkpoint of this size, by witness."""
        rows = audit_cosignature.c
        query = select(audit_cosignature).where(rows.log_id == log_id, rows.tree_size == tree_size)
        return [_stored_cosignature(row) for row in connection.execute(query.order_by(rows.witness))]

    def all_cosignatures(self, connection: Connection, log_id: str, above: int = -1) -> list[StoredCosignature]:
        """The witnesses' lines under every checkpoint of a size greater than `above`, by size and witness."""
        rows = audit_cosignature.c
        query = select(audit_cosignature).where(rows.log_id == log_id, rows.tree_size > above)
        return [_stored_cosignature(row) for row in connection.execute(query.order_by(rows.tree_size, rows.witness))]

    def latest_cosigned(self, connection: Connection, log_id: str) -> dict[str, int]:
        """For each witness that ever cosigned, the greatest size it did so."""
        rows = audit_cosignature.c
        query = select(rows.witness, func.max(rows.tree_size).label("size")).where(rows.log_id == log_id)
        return {row.witness: row.size for row in connection.execute(query.group_by(rows.witness))}


def _stored_checkpoint(row: Any) -> StoredCheckpoint:
    return StoredCheckpoint(row.log_id, row.tree_size, row.root_hash, row.note, parse_time(row.signed_at))


def _stored_cosignature(row: Any) -> StoredCosignature:
    return StoredCosignature(row.log_id, row.tree_size, row.witness, row.line, parse_time(row.received_at))
