"""A database that went back: finding it, by what was signed and is remembered outside it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from audit.errors import AuditError, LogRolledBackError
from audit.store import LogRecord, LogTombstone
from exchange.trail import Trail
from keys.signed_sizes import SignedSize, SignedSizes


@dataclass(frozen=True)
class Loss:
    """A log that holds less than was signed, or whose origin was given up; `log_id` is empty where it is gone whole.

    `is_renamed` where the database says that it goes on under another origin, and nobody gave this one up.
    """

    log_id: str
    origin: str
    found: int
    signed: int
    is_renamed: bool = False

    def __str__(self) -> str:
        """The loss in one line."""
        if not self.log_id:
            return f"{self.origin}: the log is gone; {self.signed} entries of it were signed"
        if self.is_renamed:
            return (
                f"{self.origin}: {self.signed} entries were signed, and the database goes on under another origin with "
                f"{self.found}; that was not decided, or not to the end"
            )
        if self.found >= self.signed:
            return f"{self.origin}: it was given up at {self.signed} entries, and the database still goes on under it"
        return f"{self.origin}: {self.found} entries; {self.signed} were signed, so {self.signed - self.found} are lost"


def find_losses(trail: Trail, sizes: SignedSizes, connection: Connection) -> list[Loss]:
    """Compare every log with the largest state that was ever signed of it, kept outside the database."""
    store, remembered = trail.store, sizes.states()
    losses: list[Loss] = []
    known: set[str] = set()
    for record in store.logs(connection):
        *earlier, _ = origins = [origin.origin for origin in store.origins(connection, record.log_id)]
        known.update(origins)
        losses += _loss_of(trail, sizes, connection, record) or _loss_by_name(trail, sizes, connection, record, earlier)
    for tombstone in store.tombstones(connection):
        origins = [origin.origin for origin in store.origins(connection, tombstone.log_id)]
        known.update(origins)
        losses += _loss_in_tombstone(tombstone, origins[-1], remembered.get(origins[-1]))
    gone = [
        Loss("", origin, 0, state.size)
        for origin, state in sorted(remembered.items())
        if origin not in known and not state.is_given_up
    ]
    return losses + gone


def _loss_of(trail: Trail, sizes: SignedSizes, connection: Connection, record: LogRecord) -> list[Loss]:
    try:
        trail.log.verify_remembered(connection, record.log_id)
    except LogRolledBackError:
        known = sizes.latest(record.origin)
        found = trail.store.tree_size(connection, record.log_id)
        return [Loss(record.log_id, record.origin, found, 0 if known is None else known.size)]
    except AuditError:  # damage of another kind, which the log check names
        return []
    return []


def _loss_by_name(
    trail: Trail, sizes: SignedSizes, connection: Connection, record: LogRecord, earlier: list[str]
) -> list[Loss]:
    """An origin is left by a decision alone, which the signer remembers: a row of the database cannot excuse a loss."""
    for origin in earlier:
        signed = sizes.latest(origin)
        if signed is not None and not signed.is_given_up:
            found = trail.store.tree_size(connection, record.log_id)
            return [Loss(record.log_id, origin, found, signed.size, is_renamed=True)]
    return []


def _loss_in_tombstone(tombstone: LogTombstone, origin: str, signed: SignedSize | None) -> list[Loss]:
    """A disposed log must have gone with all that was signed of it."""
    if signed is None or signed.is_given_up or (signed.size, signed.root) == (tombstone.tree_size, tombstone.root_hash):
        return []
    return [Loss(tombstone.log_id, origin, tombstone.tree_size, signed.size)]


def require_whole(trail: Trail, sizes: SignedSizes, connection: Connection) -> None:
    """Raise LogRolledBackError, naming every loss, unless each log holds all that was signed of it."""
    losses = find_losses(trail, sizes, connection)
    if losses:
        told = "; ".join(str(loss) for loss in losses)
        raise LogRolledBackError(
            f"The database was put back to an older state, or exchanged: {told}. Nothing is recorded or done until "
            "somebody restores a newer backup or decides how the logs go on: exchange log status"
        )
