"""Every mutation of every row of a small log, one at a time: each is named with its kind and its index.

Whoever owns the database drops the triggers first. On SQLite every case is tried, on PostgreSQL each of a sample.
"""

# ruff: noqa: S608  every statement is made of the literals of this file

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.cosignature import cosign
from audit.merkle import leaf_hash
from audit.note import parse_note
from audit.search import copies_of
from tests.audit.evidence_log import (
    CONTINUED_AT,
    COSIGNED,
    NEXT,
    SIGNED_AT,
    SIZE,
    WITNESSES,
    Elsewhere,
    check,
    entry_of_day,
    grow,
    note_of,
)
from tests.audit.example_log import ORIGIN, FixedSigner, drop_guards, entry_number

SAMPLE = 41  # one of so many on PostgreSQL, beside the first of each table
ENTRY_COLUMNS = "log_id, leaf_index, entry, leaf_hash, time, event, actor, inspection, subject, items"


@dataclass(frozen=True)
class Case:
    """A mutation in one statement or more, and what must be said of it."""

    name: str
    statements: tuple[tuple[str, dict[str, Any]], ...]
    kind: str
    index: int
    first: int | None = None  # the smallest index named, where that is another's

    def do(self, connection: Connection) -> None:
        for statement, values in self.statements:
            assert connection.execute(text(statement), values).rowcount > 0, self.name


def case(name: str, kind: str, index: int, statement: str, /, first: int | None = None, **values: Any) -> Case:
    return Case(name, ((statement, values),), kind, index, first)


def flipped(value: bytes | str) -> Iterator[tuple[int, bytes | str]]:
    """The value with one bit changed, once for each place; the bit moves along."""
    for place in range(len(value)):
        if isinstance(value, bytes):
            yield place, value[:place] + bytes([value[place] ^ 1 << place % 8]) + value[place + 1 :]
        else:
            other = chr(ord(value[place]) ^ 1 << place % 5)
            yield place, value[:place] + other + value[place + 1 :]


# Entries


def entry_bits() -> Iterator[Case]:
    for index in range(SIZE):
        encoded = entry_of_day(index).encode()
        for column, value in (("entry", encoded), ("leaf_hash", leaf_hash(encoded))):
            update = f"UPDATE audit_entry SET {column} = :v WHERE leaf_index = :i"
            for place, changed in itertools.islice(flipped(value), index % 3, None, 3):
                yield case(f"{column} {index} bit at {place}", "altered", index, update, v=changed, i=index)


COPIES = {
    "time": ["2026-03-02T09:00:00.000001Z", "then", ""],
    "event": ["log:closed", "log:continued", "receipt:viewed:", "tea:drunk"],
    "actor": ["anonymous", "system:worker", ""],
    "inspection": [None, "ins_" + "8" * 26, "service"],
    "subject": ["service", "doc_" + "9" * 26, ""],
    "items": ["|1.2|", "|", "1.1"],
}


def entry_copies() -> Iterator[Case]:
    for index, column in itertools.product(range(SIZE), COPIES):
        for value in COPIES[column]:
            if value != getattr(copies_of(entry_of_day(index)), column):
                update = f"UPDATE audit_entry SET {column} = :v WHERE leaf_index = :i"
                yield case(f"{column} {index} {value!r}", "copy", index, update, v=value, i=index)


def entry_places() -> Iterator[Case]:
    remove, move = (
        "DELETE FROM audit_entry WHERE leaf_index = :i",
        "UPDATE audit_entry SET leaf_index = :n WHERE leaf_index = :i",
    )
    for index in range(SIZE):
        lost = "truncated" if index == SIZE - 1 else "missing"
        yield case(f"delete {index}", lost, index, remove, i=index)
        for new in (SIZE + 1, 1000, 2**40):
            yield case(f"move {index} to {new}", lost, index, move, i=index, n=new)
        if index != SIZE - 1:
            yield case(f"move {index} behind the last", "missing", index, move, i=index, n=SIZE)
    for size in range(SIZE):
        yield case(f"cut at {size}", "truncated", size, "DELETE FROM audit_entry WHERE leaf_index >= :s", s=size)


def entry_swaps() -> Iterator[Case]:
    for first, second in itertools.combinations(range(SIZE), 2):
        yield swap(f"rows {first} and {second}", "audit_entry", "leaf_index", first, second, "reordered")
        yield Case(
            f"bytes {first} and {second}",
            tuple(
                (
                    "UPDATE audit_entry SET entry = :v WHERE leaf_index = :i",
                    {"i": here, "v": entry_of_day(there).encode()},
                )
                for here, there in ((first, second), (second, first))
            ),
            "reordered",
            first,
        )


def swap(name: str, table: str, key: str, first: int, second: int, kind: str) -> Case:
    move = f"UPDATE {table} SET {key} = :n WHERE {key} = :o"
    steps = [(first, 10_000), (second, first), (10_000, second)]
    return Case(f"{table} {name}", tuple((move, {"o": old, "n": new}) for old, new in steps), kind, min(first, second))


def entry_insertions() -> Iterator[Case]:
    forged = entry_number(99).encode()
    add = (
        f"INSERT INTO audit_entry ({ENTRY_COLUMNS}) SELECT log_id, :n, :e, :h, time, event, actor, inspection, :s,"
        " items FROM audit_entry WHERE leaf_index = 2"
    )
    values = {"e": forged, "h": leaf_hash(forged), "s": copies_of(entry_number(99)).subject}
    yield case("insert behind the last", "node", SIZE - 1, add, n=SIZE, **values)
    for place in (SIZE + 1, 500, 2**50):
        yield case(f"insert at {place}", "stray", place, add, n=place, **values)


def entry_replacements() -> Iterator[Case]:
    """A whole row replaced by one that agrees with itself: the pair it is in, or the signed range, is named."""
    for index in range(SIZE):
        entry = entry_number(100 + index)
        values = {**copies_of(entry)._asdict(), "e": entry.encode(), "h": leaf_hash(entry.encode()), "i": index}
        update = (
            "UPDATE audit_entry SET entry = :e, leaf_hash = :h, time = :time, event = :event, actor = :actor,"
            " inspection = :inspection, subject = :subject, items = :items WHERE leaf_index = :i"
        )
        first = index & ~1 if index < SIZE - 1 else SIGNED_AT[-2]
        yield Case(f"replace {index}", ((update, values),), "altered", first)


# Nodes


def addresses() -> Iterator[tuple[int, int]]:
    for level in range(1, SIZE.bit_length()):
        for position in range(SIZE >> level):
            yield level, position


def node_mutations() -> Iterator[Case]:
    where = "WHERE level = :l AND node_index = :p"
    for level, position in addresses():
        key = {"l": level, "p": position}
        first = position << level
        for byte in range(32):
            digest = bytes(byte) + b"\x01" + bytes(31 - byte)
            name = f"node {level}/{position} replaced, {byte}"
            yield case(name, "node", first, f"UPDATE audit_node SET hash = :h {where}", h=digest, **key)
        yield case(f"node {level}/{position} deleted", "node", first, f"DELETE FROM audit_node {where}", **key)
        for to_level, to_position in ((9, 0), (40, 3), (1, 400), (level, (SIZE >> level) + 3)):
            moved = f"UPDATE audit_node SET level = :nl, node_index = :np {where}"
            name = f"node {level}/{position} moved to {to_level}/{to_position}"
            stray = min(to_position << to_level, SIZE)
            yield case(name, "node", first, moved, first=min(first, stray), nl=to_level, np=to_position, **key)
    for level, position in ((9, 0), (40, 3), (1, 400), (2, 9), (4, 1), (62, 0)):
        add = "INSERT INTO audit_node SELECT log_id, :nl, :np, hash FROM audit_node WHERE level = 1 AND node_index = 0"
        index = min(position << level, SIZE)
        yield case(f"junk node {level}/{position}", "stray", index, add, nl=level, np=position)
    add = "INSERT INTO audit_node SELECT log_id, 1, 6, hash FROM audit_node WHERE level = 1 AND node_index = 0"
    yield case("a node over an entry that is not there", "truncated", SIZE, add)


def node_swaps() -> Iterator[Case]:
    for level in range(1, 3):
        for first, second in itertools.combinations(range(SIZE >> level), 2):
            move = "UPDATE audit_node SET node_index = :n WHERE node_index = :o AND level = :l"
            steps = [(first, 10_000), (second, first), (10_000, second)]
            statements = tuple((move, {"o": old, "n": new, "l": level}) for old, new in steps)
            yield Case(f"nodes {level}: {first} and {second}", statements, "node", first << level)


# What was signed


def checkpoint_mutations(connection: Connection) -> Iterator[Case]:
    where = "WHERE tree_size = :s"
    for size in SIGNED_AT:
        note = note_of(connection, size)
        for place, changed in flipped(note):
            update = f"UPDATE audit_checkpoint SET note = :v {where}"
            yield case(f"note {size} changed at {place}", "forged", size, update, v=changed, s=size)
        for byte in range(32):
            root = bytes(byte) + b"\x01" + bytes(31 - byte)
            update = f"UPDATE audit_checkpoint SET root_hash = :v {where}"
            yield case(f"root {size} replaced, {byte}", "checkpoint", size, update, v=root, s=size)
        yield case(f"checkpoint {size} deleted", "checkpoint", size, f"DELETE FROM audit_checkpoint {where}", s=size)
        for new in (size - 1, size + 1):
            update = f"UPDATE audit_checkpoint SET tree_size = :n {where}"
            yield case(f"checkpoint {size} filed under {new}", "checkpoint", min(size, new), update, n=new, s=size)
        for time in ("2020-01-01T00:00:00.000000Z", "2030-01-01T00:00:00.000000Z", "then", ""):
            update = f"UPDATE audit_checkpoint SET signed_at = :v {where}"
            yield case(f"checkpoint {size} of {time!r}", "checkpoint", size, update, v=time, s=size)
        origin = ORIGIN if size <= CONTINUED_AT else NEXT
        yield from forged_checkpoints(connection, size, origin)
    for first, second in itertools.combinations(SIGNED_AT, 2):
        yield swap(f"{first} and {second}", "audit_checkpoint", "tree_size", first, second, "checkpoint")


def forged_checkpoints(connection: Connection, size: int, origin: str) -> Iterator[Case]:
    """Notes well signed by other keys, of other origins, or by the log's own key for another tree."""
    update = "UPDATE audit_checkpoint SET note = :v WHERE tree_size = :s"
    root = parse_root(connection, size)
    stranger = sign_checkpoint(Checkpoint(origin, size, root), FixedSigner(1))
    elsewhere = sign_checkpoint(Checkpoint("elsewhere.example", size, root), FixedSigner())
    smaller = sign_checkpoint(Checkpoint(origin, size - 1, root), FixedSigner())
    yield case(f"note {size} by another key", "forged", size, update, v=stranger, s=size)
    yield case(f"note {size} of another origin", "forged", size, update, v=elsewhere, s=size)
    yield case(f"note {size} of a smaller tree", "checkpoint", size, update, first=size - 1, v=smaller, s=size)
    insert = (
        "INSERT INTO audit_checkpoint SELECT log_id, :n, root_hash, :v, signed_at FROM audit_checkpoint"
        " WHERE tree_size = :s"
    )
    added = sign_checkpoint(Checkpoint(origin, size - 1, root), FixedSigner(1))
    yield case(f"forged checkpoint {size - 1} added", "forged", size - 1, insert, v=added, n=size - 1, s=size)


def parse_root(connection: Connection, size: int) -> bytes:
    root: bytes = connection.execute(
        text("SELECT root_hash FROM audit_checkpoint WHERE tree_size = :s"), {"s": size}
    ).scalar_one()
    return root


def cosignature_mutations(connection: Connection) -> Iterator[Case]:
    where = "WHERE tree_size = :s AND witness = :w"
    for size, witness in COSIGNED:
        key = {"s": size, "w": witness}
        line: str = connection.execute(text(f"SELECT line FROM audit_cosignature {where}"), key).scalar_one()
        update = f"UPDATE audit_cosignature SET line = :v {where}"
        for place, changed in flipped(line):
            yield case(f"line {size} {witness} changed at {place}", "cosignature", size, update, v=changed, **key)
        note = parse_note(note_of(connection, size)).text
        other = parse_note(note_of(connection, 7)).text
        false = {
            "by a stranger": cosign(note, witness, FixedSigner(30), 5),
            "of another checkpoint": cosign(other, witness, WITNESSES[witness], 5),
            "twice": line + line,
            "nothing": "",
        }
        for name, value in false.items():
            yield case(f"line {size} {witness} {name}", "cosignature", size, update, v=value, **key)
        changes = {
            "witness": ["third.example", ""],
            "received_at": ["2020-01-01T00:00:00.000000Z", "then", "9999-01-01T00:00:00.000000Z"],
        }
        for column, values in changes.items():
            for value in values:
                update_it = f"UPDATE audit_cosignature SET {column} = :v {where}"
                yield case(f"{column} {size} {witness} {value!r}", "cosignature", size, update_it, v=value, **key)
        for new in (1, 7):
            moved = f"UPDATE audit_cosignature SET tree_size = :n {where}"
            yield case(
                f"cosignature {size} {witness} filed under {new}", "cosignature", min(new, size), moved, n=new, **key
            )
        yield case(
            f"cosignature {size} {witness} deleted",
            "cosignature",
            size,
            f"DELETE FROM audit_cosignature {where}",
            **key,
        )
        early = cosign(note, witness, WITNESSES[witness], 86_400)
        yield case(
            f"cosignature {size} {witness} older than its checkpoint", "checkpoint", size, update, v=early, **key
        )


def other_rows() -> Iterator[Case]:
    update = "UPDATE audit_continuation SET {} = :v"
    for column, values in {
        "generation": [1, 3],
        "from_size": [0, 6, 8],
        "begun_at": ["2020-01-01T00:00:00.000000Z", "then"],
        "origin": [ORIGIN],
    }.items():
        for value in values:
            index = value if column == "from_size" and isinstance(value, int) else CONTINUED_AT
            yield case(f"continuation {column} {value!r}", "checkpoint", index, update.format(column), v=value)
    yield case("continuation origin elsewhere", "forged", 10, update.format("origin"), v="elsewhere.example")
    yield case("continuation deleted", "checkpoint", CONTINUED_AT, "DELETE FROM audit_continuation")
    added = "INSERT INTO audit_continuation SELECT log_id, 3, 'third.example', 9, begun_at FROM audit_continuation"
    yield case("continuation added", "checkpoint", 9, added)
    yield case("first origin changed", "forged", 4, "UPDATE audit_log SET origin = :v", v="elsewhere.example/log")
    yield case("created later", "copy", 0, "UPDATE audit_log SET created_at = :v", v="2027-01-01T00:00:00.000000Z")


@pytest.fixture
def tampered(engine: Engine) -> Iterator[tuple[Connection, Elsewhere]]:
    with engine.connect() as connection:
        elsewhere = grow(connection)
        drop_guards(connection)
        yield connection, elsewhere


CASES: dict[str, Callable[[Connection], Iterator[Case]]] = {
    "bits of entries": lambda _: entry_bits(),
    "copies beside entries": lambda _: entry_copies(),
    "places of entries": lambda _: entry_places(),
    "entries exchanged": lambda _: entry_swaps(),
    "entries added": lambda _: entry_insertions(),
    "entries replaced whole": lambda _: entry_replacements(),
    "nodes": lambda _: node_mutations(),
    "nodes exchanged": lambda _: node_swaps(),
    "checkpoints": checkpoint_mutations,
    "cosignatures": cosignature_mutations,
    "origins and times": lambda _: other_rows(),
}
SOME_CASES = 3000


def test_the_log_that_nobody_touched_is_whole(tampered: tuple[Connection, Elsewhere]) -> None:
    connection, elsewhere = tampered
    assert check(connection, elsewhere).findings == ()
    assert check(connection, None).findings == ()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_there_are_thousands_of_cases_and_no_two_are_one(tampered: tuple[Connection, Elsewhere]) -> None:
    names = [(group, one.name) for group, make in CASES.items() for one in make(tampered[0])]
    assert len(names) == len(set(names)) > SOME_CASES


@pytest.mark.parametrize("group", CASES)
def test_every_mutation_is_named_with_its_kind_and_its_index(
    tampered: tuple[Connection, Elsewhere], group: str
) -> None:
    connection, elsewhere = tampered
    step = 1 if connection.dialect.name == "sqlite" else SAMPLE
    cases = list(CASES[group](connection))[::step]
    wrong = []
    for one in cases:
        with connection.begin_nested() as savepoint:
            one.do(connection)
            report = check(connection, elsewhere)
            savepoint.rollback()
        found = {(finding.kind, finding.index) for finding in report.findings}
        if (one.kind, one.index) not in found or report.first_bad_index != (
            one.index if one.first is None else one.first
        ):
            wrong.append((one.name, (one.kind, one.index), report.findings[:3]))
    assert not wrong, wrong[:10]
