from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, create_engine, text

from audit.entry import Entry
from audit.fsck import MAX_FINDINGS, FsckReport, check_log
from audit.log import AuditLog
from audit.merkle import Frontier, leaf_hash
from audit.search import copies_of
from audit.sql_store import SqlLogStore, install
from audit.triggers import TABLES
from tests.audit.example_log import INSPECTION, ORIGIN, PERSON, START, FixedSigner, entry_number

Log = AuditLog[Connection]
PUBLIC_KEY = FixedSigner().public_key_bytes
SIZE = 13
SIGNED_AT = (4, 13)


def grow(connection: Connection, log: Log, size: int = SIZE) -> None:
    """A log of 13 entries with checkpoints at 4 and 13."""
    for number in range(size):
        log.append(connection, INSPECTION, entry_number(number))
        if number + 1 in SIGNED_AT:
            log.sign_checkpoint(connection, INSPECTION)


def check(connection: Connection, *kept: str) -> FsckReport:
    return check_log(SqlLogStore(), connection, INSPECTION, PUBLIC_KEY, kept)


def run(connection: Connection, statement: str, **values: object) -> None:
    assert connection.execute(text(statement), values).rowcount > 0


def replace_entry(connection: Connection, index: int) -> None:
    """Forge one row so that it agrees with itself."""
    entry = entry_number(1000 + index)
    forged, copies = entry.encode(), copies_of(entry)
    statement = "UPDATE audit_entry SET entry = :e, leaf_hash = :h, time = :t, subject = :s WHERE leaf_index = :i"
    run(connection, statement, e=forged, h=leaf_hash(forged), t=copies.time, s=copies.subject, i=index)


def rebuild_nodes(connection: Connection) -> None:
    """Make the stored nodes agree with the stored leaf hashes, as a careful forger would."""
    leaves = [row[0] for row in connection.execute(text("SELECT leaf_hash FROM audit_entry ORDER BY leaf_index"))]
    frontier = Frontier()
    for leaf in leaves:
        for address, digest in frontier.append(leaf):
            statement = "UPDATE audit_node SET hash = :h WHERE level = :l AND node_index = :p"
            run(connection, statement, h=digest, l=address.level, p=address.position)


def swap_rows(connection: Connection, first: int, second: int) -> None:
    for old, new in [(first, 10_000), (second, first), (10_000, second)]:
        run(connection, "UPDATE audit_entry SET leaf_index = :n WHERE leaf_index = :o", o=old, n=new)


def swap_bytes(connection: Connection, first: int, second: int) -> None:
    rows = dict(connection.execute(text("SELECT leaf_index, entry FROM audit_entry")).all())  # type: ignore[arg-type]
    for index, other in [(first, second), (second, first)]:
        run(connection, "UPDATE audit_entry SET entry = :e WHERE leaf_index = :i", e=rows[other], i=index)


def cut(connection: Connection, size: int) -> None:
    run(connection, "DELETE FROM audit_entry WHERE leaf_index >= :s", s=size)


def cut_with_nodes(connection: Connection, size: int) -> None:
    cut(connection, size)
    for level in range(1, 5):
        statement = text("DELETE FROM audit_node WHERE level = :l AND node_index >= :p")
        connection.execute(statement, {"l": level, "p": size >> level})


def forge(connection: Connection, index: int) -> None:
    replace_entry(connection, index)
    rebuild_nodes(connection)


def set_entry(assignment: str, index: int) -> Callable[[Connection], None]:
    return lambda connection: run(connection, f"UPDATE audit_entry SET {assignment} WHERE leaf_index = {index}")  # noqa: S608 - literals of this file


def do(statement: str) -> Callable[[Connection], None]:
    return lambda connection: run(connection, statement)


ZEROS = {"sqlite": "zeroblob(32)", "postgresql": "decode(repeat('00', 32), 'hex')"}

TAMPERING: dict[str, tuple[Callable[[Connection], object], str, int]] = {
    "entry-bytes-replaced": (set_entry("entry = leaf_hash", 6), "altered", 6),
    "leaf-hash-zeroed": (lambda c: set_entry(f"leaf_hash = {ZEROS[c.dialect.name]}", 5)(c), "altered", 5),
    "entry-and-leaf-hash-replaced": (lambda c: replace_entry(c, 6), "altered", 6),
    "last-entry-and-leaf-hash-replaced": (lambda c: replace_entry(c, 12), "altered", 4),
    "entry-replaced-and-nodes-rebuilt": (lambda c: forge(c, 7), "altered", 4),
    "first-entry-replaced-and-nodes-rebuilt": (lambda c: forge(c, 0), "altered", 0),
    "first-entry-missing": (do("DELETE FROM audit_entry WHERE leaf_index = 0"), "missing", 0),
    "middle-entry-missing": (do("DELETE FROM audit_entry WHERE leaf_index = 7"), "missing", 7),
    "last-entry-missing": (lambda c: cut(c, 12), "truncated", 12),
    "half-missing": (lambda c: cut_with_nodes(c, 7), "truncated", 7),
    "everything-missing": (lambda c: cut_with_nodes(c, 0), "truncated", 0),
    "neighbours-swapped": (lambda c: swap_rows(c, 6, 7), "reordered", 6),
    "distant-entries-swapped": (lambda c: swap_rows(c, 3, 8), "reordered", 3),
    "entry-swapped-with-the-last": (lambda c: swap_rows(c, 3, 12), "reordered", 3),
    "bytes-swapped-without-leaf-hashes": (lambda c: swap_bytes(c, 3, 8), "reordered", 3),
    "actor-column-changed": (set_entry("actor = 'system:worker'", 9), "copy", 9),
    "event-column-changed": (set_entry("event = 'list:viewed'", 9), "copy", 9),
    "time-column-changed": (set_entry("time = '2020-01-01T00:00:00.000000Z'", 9), "copy", 9),
    "subject-column-emptied": (set_entry("subject = NULL", 9), "copy", 9),
    "inspection-column-emptied": (set_entry("inspection = NULL", 9), "copy", 9),
    "items-column-changed": (set_entry("items = '|1.1|'", 9), "copy", 9),
    "low-node-zeroed": (
        lambda c: run(c, f"UPDATE audit_node SET hash = {ZEROS[c.dialect.name]} WHERE level = 1 AND node_index = 3"),  # noqa: S608 - literals of this file
        "node",
        6,
    ),
    "last-low-node-zeroed": (
        lambda c: run(c, f"UPDATE audit_node SET hash = {ZEROS[c.dialect.name]} WHERE level = 1 AND node_index = 5"),  # noqa: S608 - literals of this file
        "node",
        10,
    ),
    "high-node-zeroed": (
        lambda c: run(c, f"UPDATE audit_node SET hash = {ZEROS[c.dialect.name]} WHERE level = 3"),  # noqa: S608 - literals of this file
        "node",
        0,
    ),
    "low-node-missing": (do("DELETE FROM audit_node WHERE level = 1 AND node_index = 4"), "node", 8),
    "high-node-missing": (do("DELETE FROM audit_node WHERE level = 2 AND node_index = 1"), "node", 4),
    "node-too-many": (do("UPDATE audit_node SET level = 9 WHERE level = 3"), "node", 0),
    "checkpoint-of-another-size": (
        do("UPDATE audit_checkpoint SET tree_size = 5 WHERE tree_size = 4"),
        "checkpoint",
        5,
    ),
    "checkpoint-root-zeroed": (
        lambda c: run(c, f"UPDATE audit_checkpoint SET root_hash = {ZEROS[c.dialect.name]} WHERE tree_size = 4"),  # noqa: S608 - literals of this file
        "checkpoint",
        4,
    ),
    "checkpoint-note-emptied": (do("UPDATE audit_checkpoint SET note = '' WHERE tree_size = 13"), "forged", 13),
    "checkpoint-note-of-another-origin": (
        do("UPDATE audit_checkpoint SET note = replace(note, 'exchange', 'elsewhere') WHERE tree_size = 13"),
        "forged",
        13,
    ),
    "origin-changed": (do("UPDATE audit_log SET origin = 'elsewhere.example/log'"), "forged", 4),
}


def test_a_log_that_nobody_touched_is_whole(engine: Engine, log: Log) -> None:
    with engine.begin() as connection:
        grow(connection, log)
        report = check(connection)
        root = log.store.root(connection, INSPECTION)
    assert report == FsckReport(INSPECTION, SIZE, root, len(SIGNED_AT), ())
    assert report.first_bad_index is None


def test_an_empty_log_is_whole(engine: Engine, log: Log) -> None:
    with engine.begin() as connection:
        log.sign_checkpoint(connection, INSPECTION)
        assert check(connection).findings == ()


@pytest.mark.parametrize("tampering", TAMPERING)
def test_tampering_is_named_with_its_kind_and_first_index(raw: Engine, log: Log, tampering: str) -> None:
    act, kind, index = TAMPERING[tampering]
    with raw.begin() as connection:
        grow(connection, log)
        act(connection)
        report = check(connection)
    assert (report.findings[0].kind, report.first_bad_index) == (kind, index), report.findings


STRAY = (
    "INSERT INTO audit_entry (log_id, leaf_index, entry, leaf_hash, time, event, actor, inspection, subject, items) "
    "SELECT log_id, {}, entry, leaf_hash, time, event, actor, inspection, subject, items FROM audit_entry "
    "WHERE leaf_index = 3"
)

# What a column of SQLite takes, whatever its type says; each makes the log unreadable or shows an entry that is none.
MISPLACED = {
    "below-the-first": (STRAY.format(-1), "stray"),
    "between-two": (STRAY.format(3.5), "stray"),
    "no-number": (STRAY.format("'x'"), "stray"),
    "bytes-as-text": ("UPDATE audit_entry SET entry = CAST(entry AS TEXT) WHERE leaf_index = 3", "unreadable"),
    "node-without-number": (
        "INSERT INTO audit_node SELECT log_id, 1, 'x', hash FROM audit_node WHERE level = 1 AND node_index = 0",
        "stray",
    ),
    "time-of-a-checkpoint": ("UPDATE audit_checkpoint SET signed_at = 'then' WHERE tree_size = 4", "checkpoint"),
    "time-of-the-log": ("UPDATE audit_log SET created_at = 'then'", "unreadable"),
    "origin-that-no-key-bears": ("UPDATE audit_log SET origin = 'a b'", "unreadable"),
}


@pytest.mark.parametrize("misplaced", MISPLACED)
def test_rows_that_no_entry_can_be_are_named_and_stop_no_check(misplaced: str) -> None:
    statement, kind = MISPLACED[misplaced]
    log = AuditLog(SqlLogStore(), FixedSigner(), lambda: START)
    with create_engine("sqlite://").begin() as connection:
        connection.execute(text("PRAGMA ignore_check_constraints = ON"))
        install(connection)
        for table in TABLES:
            connection.exec_driver_sql(f"DROP TRIGGER {table}_refuse_update")
        log.create(connection, INSPECTION, ORIGIN)
        grow(connection, log)
        run(connection, statement)
        assert [finding.kind for finding in check(connection).findings] == [kind]


def test_a_row_below_the_first_entry_is_named(raw: Engine, log: Log) -> None:
    with raw.begin() as connection:
        grow(connection, log)
        if connection.dialect.name == "postgresql":
            loosened = "ALTER TABLE audit_entry DROP CONSTRAINT ck_audit_entry_leaf_index"
        else:
            loosened = "PRAGMA ignore_check_constraints = ON"
        connection.execute(text(loosened))
        run(connection, STRAY.format(-1))
        assert [(finding.kind, finding.index) for finding in check(connection).findings] == [("stray", 0)]


def test_one_alteration_is_one_finding(raw: Engine, log: Log) -> None:
    with raw.begin() as connection:
        grow(connection, log)
        set_entry("entry = leaf_hash", 6)(connection)
        assert [finding.kind for finding in check(connection).findings] == ["altered"]


def test_two_alterations_are_both_named(raw: Engine, log: Log) -> None:
    with raw.begin() as connection:
        grow(connection, log)
        replace_entry(connection, 2)
        replace_entry(connection, 9)
        assert [(finding.kind, finding.index) for finding in check(connection).findings] == [
            ("altered", 2),
            ("altered", 8),
        ]


def test_bytes_that_are_no_entry_are_named_though_the_tree_was_built_from_them(raw: Engine, log: Log) -> None:
    with raw.begin() as connection:
        log.append(connection, INSPECTION, entry_number(0))
        junk = b"no entry"
        run(connection, "UPDATE audit_entry SET entry = :e, leaf_hash = :h", e=junk, h=leaf_hash(junk))
        report = check(connection)
    assert [(finding.kind, finding.index) for finding in report.findings] == [("unreadable", 0)]


def test_a_log_rolled_back_with_every_trace_is_caught_by_a_checkpoint_kept_elsewhere(raw: Engine, log: Log) -> None:
    with raw.begin() as connection:
        grow(connection, log)
        kept = log.sign_checkpoint(connection, INSPECTION).note
        cut_with_nodes(connection, 4)
        run(connection, "DELETE FROM audit_checkpoint WHERE tree_size = 13")
        assert check(connection).findings == ()
        report = check(connection, kept)
    assert [(finding.kind, finding.index) for finding in report.findings] == [("rolled-back", 4)]


def test_a_log_that_was_forked_is_caught_by_a_checkpoint_kept_elsewhere(raw: Engine, log: Log) -> None:
    with raw.begin() as connection:
        grow(connection, log)
        kept = log.sign_checkpoint(connection, INSPECTION).note
        cut_with_nodes(connection, 4)
        run(connection, "DELETE FROM audit_checkpoint WHERE tree_size = 13")
        for number in range(100, 120):
            log.append(connection, INSPECTION, entry_number(number))
        log.sign_checkpoint(connection, INSPECTION)
        assert check(connection).findings == ()
        report = check(connection, kept)
    assert [(finding.kind, finding.index) for finding in report.findings] == [("altered", 4), ("checkpoint", 13)]


def test_a_log_that_is_damaged_everywhere_is_not_listed_to_the_end(raw: Engine, log: Log) -> None:
    with raw.begin() as connection:
        log.append_many(connection, INSPECTION, [entry_number(number) for number in range(3000)])
        connection.execute(text("UPDATE audit_entry SET actor = 'anonymous'"))
        report = check(connection)
    assert len(report.findings) == MAX_FINDINGS
    assert report.first_bad_index == 0


def test_a_long_log_is_checked_across_pages(raw: Engine, log: Log) -> None:
    with raw.begin() as connection:
        log.append_many(connection, INSPECTION, [entry_number(number) for number in range(2100)])
        assert check(connection).findings == ()
        swap_rows(connection, 1023, 2050)
        report = check(connection)
    assert [(finding.kind, finding.index) for finding in report.findings] == [("reordered", 1023)]


FLIPS = [
    ("audit_entry", "entry", "leaf_index"),
    ("audit_entry", "leaf_hash", "leaf_index"),
    ("audit_node", "hash", "node_index"),
    ("audit_checkpoint", "root_hash", "tree_size"),
    ("audit_checkpoint", "note", "tree_size"),
]


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=150)
@given(st.data())
def test_one_flipped_bit_anywhere_is_found_and_named(data: st.DataObject) -> None:
    engine = create_engine("sqlite://")
    log = AuditLog(SqlLogStore(), FixedSigner(), lambda: START)
    with engine.begin() as connection:
        connection.execute(text("PRAGMA user_version = 1"))
        install(connection)
        for table in TABLES:
            connection.exec_driver_sql(f"DROP TRIGGER {table}_refuse_update")
        log.create(connection, INSPECTION, ORIGIN)
        grow(connection, log)
        table, column, place = data.draw(st.sampled_from(FLIPS))
        level = "level" if table == "audit_node" else "0"
        found = connection.exec_driver_sql(f"SELECT {place}, {level}, {column} FROM {table} ORDER BY 1, 2").all()  # noqa: S608 - literals of this file
        key, at_level, value = data.draw(st.sampled_from([tuple(row) for row in found]))
        raw = bytearray(value.encode() if isinstance(value, str) else value)
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 6 if column == "note" else 7))
        flipped = raw.decode(errors="replace") if column == "note" else bytes(raw)
        and_level = f" AND level = {at_level}" if table == "audit_node" else ""
        statement = f"UPDATE {table} SET {column} = ? WHERE {place} = ?{and_level}"  # noqa: S608 - literals of this file
        connection.exec_driver_sql(statement, (flipped, key))
        report = check(connection)
    engine.dispose()
    kind = {"entry": "altered", "leaf_hash": "altered", "hash": "node", "root_hash": "checkpoint", "note": "forged"}[
        column
    ]
    assert [(finding.kind, finding.index) for finding in report.findings] == [(kind, key << at_level)]


def test_a_log_of_another_persons_entries_is_not_theirs(raw: Engine, log: Log) -> None:
    with raw.begin() as connection:
        entry = Entry("inspection:closed", START, PERSON, INSPECTION)
        log.append(connection, INSPECTION, entry)
        foreign = Entry("inspection:closed", START, PERSON, "ins_" + "8" * 26).encode()
        run(connection, "UPDATE audit_entry SET entry = :e, leaf_hash = :h", e=foreign, h=leaf_hash(foreign))
        assert [finding.kind for finding in check(connection).findings] == ["unreadable"]
