"""A small log that has everything the check holds it to: checkpoints, cosignatures, a later origin, kept states."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from audit.cosignature import COSIGNER, cosign, with_signatures
from audit.entry import Entry
from audit.fsck import FsckReport, check_log
from audit.log import AuditLog
from audit.note import VerifierKey, parse_note
from audit.sql_store import SqlLogStore
from audit.store import LogContinuation, StoredCosignature
from tests.audit.example_log import INSPECTION, ORIGIN, PERSON, START, FixedSigner, entry_number

SIZE, CONTINUED_AT, SIGNED_AT = 13, 7, (4, 7, 10, 13)
NEXT = ORIGIN + "/2"
SECONDS = int(START.timestamp())
SIGNER = FixedSigner()
WITNESSES = {"first.example": FixedSigner(11), "second.example": FixedSigner(12)}
WITNESS_KEYS = [VerifierKey(name, signer.public_key_bytes, COSIGNER) for name, signer in WITNESSES.items()]
COSIGNED = [(4, "first.example"), (4, "second.example"), (10, "first.example"), (13, "second.example")]


@dataclass(frozen=True)
class Remembered:
    """What the signer remembers of the present origin."""

    size: int
    root: bytes


@dataclass(frozen=True)
class Elsewhere:
    """What is kept outside the database."""

    notes: tuple[str, ...]
    remembered: Remembered | None


def day(number: int) -> timedelta:
    return timedelta(days=number)


def entry_of_day(index: int) -> Entry:
    """One entry a day, so that times that were exchanged contradict one another."""
    time = START + day(index)
    if index == CONTINUED_AT:
        details = {"from_size": CONTINUED_AT, "signed_size": 9, "generation": 2, "commitment": "0" * 64}
        return Entry("log:continued", time, "system:host", INSPECTION, None, details)
    if index % 4 == 1:
        return Entry("submission:refused", time, PERSON, INSPECTION, None, {"reason": "empty", "items": ["1.1", "1.4"]})
    return Entry("receipt:viewed", time, PERSON, INSPECTION, None, entry_number(index).details)


def grow(connection: Connection) -> Elsewhere:
    """Make the log in a database that has its tables."""
    now = [START]
    store = SqlLogStore()
    log = AuditLog(store, SIGNER, lambda: now[0])
    log.create(connection, INSPECTION, ORIGIN)
    for index in range(SIZE):
        now[0] = START + day(index)
        if index == CONTINUED_AT:
            store.continue_log(connection, LogContinuation(INSPECTION, 2, NEXT, index, now[0]))
        log.append(connection, INSPECTION, entry_of_day(index))
        if index + 1 in SIGNED_AT:
            log.sign_checkpoint(connection, INSPECTION)
    for size, witness in COSIGNED:
        text = parse_note(note_of(connection, size)).text
        time = SECONDS + (size - 1) * 86_400 + 60
        line = cosign(text, witness, WITNESSES[witness], time)
        row = StoredCosignature(INSPECTION, size, witness, line, START + day(size - 1) + timedelta(minutes=1))
        store.add_cosignature(connection, row)
    kept = [with_signatures(note_of(connection, size), lines_of(connection, size)) for size in SIGNED_AT]
    return Elsewhere(tuple(kept), Remembered(SIZE, store.root(connection, INSPECTION)))


def note_of(connection: Connection, size: int) -> str:
    kept = SqlLogStore().checkpoint_at(connection, INSPECTION, size)
    assert kept is not None
    return kept.note


def lines_of(connection: Connection, size: int) -> list[str]:
    return [one.line for one in SqlLogStore().cosignatures(connection, INSPECTION, size)]


def check(connection: Connection, elsewhere: Elsewhere | None) -> FsckReport:
    """The whole check, with what is kept elsewhere or without."""
    notes = () if elsewhere is None else elsewhere.notes
    remembered = None if elsewhere is None else elsewhere.remembered
    public_key = SIGNER.public_key_bytes
    return check_log(
        SqlLogStore(), connection, INSPECTION, public_key, notes, witnesses=WITNESS_KEYS, remembered=remembered
    )
