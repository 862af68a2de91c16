"""What is done to a log as a whole: put back, exchanged for another, its key taken, its row or its types changed."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, create_engine, text

from audit.entry import Entry
from audit.errors import LogDisposedError
from audit.fsck import Finding, check_log, check_tables
from audit.log import AuditLog
from audit.sql_store import SqlLogStore, install
from audit.store import LogTombstone
from audit.triggers import DISPOSABLE
from tests.audit.evidence_log import (
    SIGNED_AT,
    SIGNER,
    SIZE,
    WITNESS_KEYS,
    Elsewhere,
    check,
    entry_of_day,
    grow,
)
from tests.audit.example_log import INSPECTION, ORIGIN, PERSON, START, FixedSigner, drop_guards

GONE, STRANGER = "ins_" + "9" * 26, "ins_" + "8" * 26
TABLES_OF_A_LOG = ("audit_entry", "audit_node", "audit_checkpoint", "audit_cosignature", "audit_continuation")


@pytest.fixture
def tampered(engine: Engine) -> Iterator[tuple[Connection, Elsewhere]]:
    with engine.connect() as connection:
        elsewhere = grow(connection)
        drop_guards(connection)
        yield connection, elsewhere


def put_back(connection: Connection, size: int) -> None:
    """The database as it was when the log had so many entries, every trace of the rest removed."""
    for statement in (
        "DELETE FROM audit_entry WHERE leaf_index >= :size",
        "DELETE FROM audit_checkpoint WHERE tree_size > :size",
        "DELETE FROM audit_cosignature WHERE tree_size > :size",
        "DELETE FROM audit_continuation WHERE from_size >= :size",
    ):
        connection.execute(text(statement), {"size": size})
    for level in range(1, SIZE.bit_length()):
        remove = text("DELETE FROM audit_node WHERE level = :l AND node_index >= :p")
        connection.execute(remove, {"l": level, "p": size >> level})


def named(findings: tuple[Finding, ...]) -> list[tuple[str, int]]:
    return [(finding.kind, finding.index) for finding in findings]


@pytest.mark.parametrize("size", range(SIZE))
def test_a_database_that_was_put_back_is_named_by_what_is_kept_elsewhere(
    tampered: tuple[Connection, Elsewhere], size: int
) -> None:
    connection, elsewhere = tampered
    put_back(connection, size)
    assert check(connection, None).findings == ()
    only_memory = check(connection, Elsewhere((), elsewhere.remembered))
    only_notes = check(connection, Elsewhere(elsewhere.notes, None))
    assert ("rolled-back", size) in named(only_memory.findings)
    assert ("rolled-back", size) in named(only_notes.findings)
    assert only_memory.first_bad_index == size


def test_a_log_built_anew_with_the_true_key_is_named_by_what_is_kept_elsewhere(
    tampered: tuple[Connection, Elsewhere],
) -> None:
    connection, elsewhere = tampered
    put_back(connection, 10)
    log = AuditLog(SqlLogStore(), SIGNER, lambda: entry_of_day(20).time)
    for index in range(11, 15):
        log.append(connection, INSPECTION, entry_of_day(index))
    log.sign_checkpoint(connection, INSPECTION)
    assert check(connection, None).findings == ()
    assert ("altered", 10) in named(check(connection, elsewhere).findings)


@pytest.mark.parametrize("kept", [True, False])
def test_another_key_is_not_the_key_of_this_log(tampered: tuple[Connection, Elsewhere], kept: bool) -> None:  # noqa: FBT001  a parameter of the test
    connection, elsewhere = tampered
    other = FixedSigner(1).public_key_bytes
    notes = elsewhere.notes if kept else ()
    report = check_log(SqlLogStore(), connection, INSPECTION, other, notes, witnesses=WITNESS_KEYS)
    forged = [index for kind, index in named(report.findings) if kind == "forged"]
    assert sorted(set(forged)) == list(SIGNED_AT)
    assert report.first_bad_index == SIGNED_AT[0]


def test_a_witness_whose_key_is_not_known_proves_nothing(tampered: tuple[Connection, Elsewhere]) -> None:
    connection, _ = tampered
    report = check_log(SqlLogStore(), connection, INSPECTION, SIGNER.public_key_bytes, witnesses=WITNESS_KEYS[:1])
    assert named(report.findings) == [("cosignature", 4), ("cosignature", 13)]
    assert check_log(SqlLogStore(), connection, INSPECTION, SIGNER.public_key_bytes).findings == ()


def test_a_false_cosignature_under_a_kept_note_is_named(tampered: tuple[Connection, Elsewhere]) -> None:
    connection, elsewhere = tampered
    swapped = elsewhere.notes[0].rpartition("\n\n")[0] + "\n\n" + elsewhere.notes[2].rpartition("\n\n")[2]
    report = check(connection, Elsewhere((swapped,), elsewhere.remembered))
    assert [kind for kind, _ in named(report.findings)] == ["forged"]


TYPES = {
    "entry": ("CAST(entry AS TEXT)", "unreadable"),
    "entry ": ("7", "altered"),
    "leaf_hash": ("hex(leaf_hash)", "altered"),
    "leaf_hash ": ("7.5", "altered"),
    "time": ("7", "copy"),
    "event": ("x'00ff'", "copy"),
    "actor": ("x'00ff'", "copy"),
    "subject": ("x'00ff'", "copy"),
    "items": ("x''", "copy"),
    "leaf_index": ("'x'", "missing"),
    "leaf_index ": ("6.5", "missing"),
    "leaf_index  ": ("x'06'", "missing"),
}


@pytest.fixture
def loose() -> Iterator[Connection]:
    """SQLite without guards and without CHECK constraints: a column takes whatever is put into it."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        connection.execute(text("PRAGMA ignore_check_constraints = ON"))
        install(connection)
        grow(connection)
        drop_guards(connection)
        yield connection
    engine.dispose()


@pytest.mark.parametrize("column", TYPES)
def test_a_value_of_another_type_is_named_where_it_stands(loose: Connection, column: str) -> None:
    value, kind = TYPES[column]
    loose.execute(text(f"UPDATE audit_entry SET {column} = {value} WHERE leaf_index = 6"))  # noqa: S608 - of this file
    assert (kind, 6) in named(check(loose, None).findings)


ODD_ROWS = {
    "a size that is none": ("UPDATE audit_checkpoint SET tree_size = 'x' WHERE tree_size = 4", "checkpoint", 0),
    "a note of bytes": ("UPDATE audit_checkpoint SET note = 7 WHERE tree_size = 4", "forged", 4),
    "a root of text": ("UPDATE audit_checkpoint SET root_hash = hex(root_hash) WHERE tree_size = 4", "checkpoint", 4),
    "a cosignature of no size": ("UPDATE audit_cosignature SET tree_size = 'x' WHERE tree_size = 10", "cosignature", 0),
    "a line that is none": ("UPDATE audit_cosignature SET line = 7 WHERE tree_size = 10", "cosignature", 10),
    "a witness without name": ("UPDATE audit_cosignature SET witness = x'00' WHERE tree_size = 10", "cosignature", 10),
    "a generation that is none": ("UPDATE audit_continuation SET generation = 'x'", "checkpoint", 7),
    "a continuation of no size": ("UPDATE audit_continuation SET from_size = 'x'", "checkpoint", 0),
    "an origin of bytes": ("UPDATE audit_continuation SET origin = x'00'", "checkpoint", 7),
    "a node of text": ("UPDATE audit_node SET hash = hex(hash) WHERE level = 1 AND node_index = 3", "node", 6),
    "a node below the leaves": ("UPDATE audit_node SET level = 0 WHERE level = 1 AND node_index = 3", "node", 6),
    "a node between two": ("UPDATE audit_node SET node_index = 3.5 WHERE level = 1 AND node_index = 3", "node", 6),
    "a node at a half level": ("UPDATE audit_node SET level = 1.5 WHERE level = 2 AND node_index = 1", "node", 4),
}


@pytest.mark.parametrize("odd", ODD_ROWS)
def test_a_row_that_is_not_of_its_types_stops_no_check(loose: Connection, odd: str) -> None:
    statement, kind, index = ODD_ROWS[odd]
    loose.execute(text(statement))
    assert (kind, index) in named(check(loose, None).findings)


# Across logs


def test_tables_that_nobody_touched_speak_of_known_logs_only(tampered: tuple[Connection, Elsewhere]) -> None:
    connection, _ = tampered
    assert check_tables(SqlLogStore(), connection, SIGNER.public_key_bytes, [ORIGIN + "/2"]) == []


@pytest.mark.parametrize("table", TABLES_OF_A_LOG)
def test_rows_of_no_log_are_named_in_every_table(tampered: tuple[Connection, Elsewhere], table: str) -> None:
    connection, _ = tampered
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT fk_{table}_log_id"))
    connection.execute(text(f"UPDATE {table} SET log_id = '{STRANGER}'"))  # noqa: S608 - names of this file
    found = check_tables(SqlLogStore(), connection)
    assert [(one.kind, one.index, table in one.detail) for one in found] == [("unknown-log", 0, True)]


def test_a_log_that_was_dropped_whole_is_named_by_what_was_signed(tampered: tuple[Connection, Elsewhere]) -> None:
    connection, _ = tampered
    for table in TABLES_OF_A_LOG:
        connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - names of this file
    connection.execute(text("DELETE FROM audit_log"))
    assert check_tables(SqlLogStore(), connection) == []
    found = check_tables(SqlLogStore(), connection, signed_origins=[ORIGIN])
    assert [(one.kind, ORIGIN in one.detail) for one in found] == [("missing", True)]


@pytest.fixture
def disposed(engine: Engine) -> Iterator[Connection]:
    """A service's log that tells of the disposal of another."""
    log = AuditLog(SqlLogStore(), SIGNER, lambda: START)
    with engine.connect() as connection:
        log.create(connection, "service", "exchange.example.org/log/service")
        log.create(connection, GONE, "exchange.example.org/log/gone")
        log.append(connection, GONE, Entry("log:closed", START, PERSON, GONE))
        seal = log.sign_checkpoint(connection, GONE)
        log.store.dispose_log(connection, LogTombstone(GONE, 1, seal.root_hash, seal.note, START))
        details = {"tree_size": 1, "root": seal.root_hash.hex()}
        log.append(connection, "service", Entry("log:disposed", START, "system:worker", None, GONE, details))
        drop_guards(connection)
        yield connection


TOMBSTONES = {
    "deleted": ("DELETE FROM audit_disposal", {"missing"}),
    "of another size": ("UPDATE audit_disposal SET tree_size = 2", {"checkpoint", "stray"}),
    "of another root": (
        "UPDATE audit_disposal SET root_hash = (SELECT leaf_hash FROM audit_entry)",
        {"checkpoint", "stray"},
    ),
    "with another note": ("UPDATE audit_disposal SET note = replace(note, 'gone', 'gane')", {"forged"}),
    "at no time": ("UPDATE audit_disposal SET disposed_at = 'then'", {"forged"}),
    "at another time": ("UPDATE audit_disposal SET disposed_at = '2020-01-01T00:00:00.000000Z'", {"stray"}),
    "of no log": ("UPDATE audit_disposal SET log_id = 'service'", {"missing", "forged", "stray"}),
    "that nobody told of": ("DELETE FROM audit_entry WHERE event = 'log:disposed'", {"stray"}),
}


def test_a_tombstone_that_nobody_touched_is_whole(disposed: Connection) -> None:
    assert check_tables(SqlLogStore(), disposed, SIGNER.public_key_bytes) == []
    with pytest.raises(LogDisposedError):
        check_log(SqlLogStore(), disposed, GONE, SIGNER.public_key_bytes)


@pytest.mark.parametrize("change", TOMBSTONES)
def test_a_tombstone_that_was_changed_is_named(disposed: Connection, change: str) -> None:
    statement, kinds = TOMBSTONES[change]
    disposed.execute(text(statement))
    found = {one.kind for one in check_tables(SqlLogStore(), disposed, SIGNER.public_key_bytes)}
    assert kinds <= found


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_row_in_no_place_at_all_hides_nothing_else(disposed: Connection) -> None:
    copied = "entry, leaf_hash, time, event, actor, inspection, subject, items FROM audit_entry"
    statement = f"INSERT INTO audit_entry SELECT log_id, 'nowhere', {copied} WHERE event = 'log:disposed'"
    disposed.execute(text(statement))
    disposed.execute(text("DELETE FROM audit_disposal"))
    found = check_tables(SqlLogStore(), disposed, SIGNER.public_key_bytes)
    assert "missing" in {one.kind for one in found}


@pytest.mark.parametrize("table", DISPOSABLE)
def test_a_disposed_log_that_still_has_rows_is_named(disposed: Connection, table: str) -> None:
    values = {
        "audit_entry": "0, (SELECT entry FROM audit_entry), (SELECT leaf_hash FROM audit_entry),"
        " '', '', '', '', '', ''",
        "audit_node": "1, 0, (SELECT leaf_hash FROM audit_entry)",
        "audit_checkpoint": "1, (SELECT leaf_hash FROM audit_entry), 'note', 'then'",
        "audit_cosignature": "1, 'w', 'line', 'then'",
    }
    disposed.execute(text(f"INSERT INTO {table} VALUES ('{GONE}', {values[table]})"))  # noqa: S608 - of this file
    found = check_tables(SqlLogStore(), disposed, SIGNER.public_key_bytes)
    assert [(one.kind, table in one.detail) for one in found] == [("stray", True)]
