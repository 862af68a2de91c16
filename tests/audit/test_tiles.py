import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import Connection, Engine

from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.errors import BundleError, LogDamagedError, UnknownLogError
from audit.log import AuditLog
from audit.merkle import leaf_hash, root_of
from audit.note import VerifierKey
from audit.proof import prove_consistency
from audit.store import LeafIndex, LogOrigin, LogStore, StoredCheckpoint, StoredCosignature, StoredEntry
from audit.tile_builder import TileBuilder
from audit.tile_paths import TilePath, parse_tile_path, tiles_of
from audit.tile_sinks import TilesFolderError
from audit.tiles import write_tiles
from tests.audit import tile_reader
from tests.audit.example_log import INSPECTION, ORIGIN, START, FixedSigner, entry_number

KEY = VerifierKey(ORIGIN, FixedSigner().public_key_bytes)
SIZES = (0, 1, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 70_000)


class LogInMemory:
    """As much of a store as an export reads: numbered entries, signed at `size`."""

    def __init__(self, size: int, first_byte: int = 0) -> None:
        self.entries_list = [b"%d" % number for number in range(size)]
        self._signer = FixedSigner(first_byte)

    def root(self, size: int) -> bytes:
        return root_of([leaf_hash(entry) for entry in self.entries_list[:size]])

    def latest_checkpoint(self, _connection: None, log_id: str) -> StoredCheckpoint:
        size = len(self.entries_list)
        note = sign_checkpoint(Checkpoint(ORIGIN, size, self.root(size)), self._signer)
        return StoredCheckpoint(log_id, size, self.root(size), note, START)

    def origins(self, _connection: None, _log_id: str) -> list[LogOrigin]:
        return [LogOrigin(ORIGIN, 0)]

    def cosignatures(self, _connection: None, _log_id: str, _tree_size: int) -> list[StoredCosignature]:
        return []

    def entries(self, _connection: None, log_id: str, start: int, stop: int) -> Iterator[StoredEntry]:
        for index in range(start, stop):
            encoded = self.entries_list[index]
            yield StoredEntry(log_id, LeafIndex(index), encoded, leaf_hash(encoded))


def export(log: LogInMemory) -> bytes:
    out = io.BytesIO()
    write_tiles(cast("LogStore[None]", log), None, INSPECTION, KEY, out)
    return out.getvalue()


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def folder_of(path: Path) -> dict[str, bytes]:
    return {each.relative_to(path).as_posix(): each.read_bytes() for each in path.rglob("*") if each.is_file()}


@pytest.mark.parametrize("size", SIZES)
def test_a_reader_written_from_the_specification_reads_every_entry_and_every_tile(size: int) -> None:
    log = LogInMemory(size)
    written = members(export(log))
    assert tile_reader.read_log(written.__getitem__) == (log.entries_list, log.root(size))
    assert written.keys() == {"checkpoint", *tile_reader.resources(size)}


def test_the_specifications_own_example_has_the_tiles_that_it_counts() -> None:
    paths = list(tiles_of(70_000))
    counted = [(level, sum(path.level == level and path.width == 256 for path in paths)) for level in (0, 1, 2)]
    partial = {path.level: path.width for path in paths if path.width < 256}
    assert counted == [(0, 273), (1, 1), (2, 0)]
    assert partial == {None: 112, 0: 112, 1: 17, 2: 1}


def test_a_log_of_256_entries_is_one_full_tile_and_one_of_a_single_hash() -> None:
    assert [str(path) for path in tiles_of(256)] == ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]


@pytest.mark.parametrize("size", [*range(1, 300), 1000, 65_536, 70_000])
def test_the_builder_knows_the_root_at_every_size(size: int) -> None:
    builder, leaves = TileBuilder(), [leaf_hash(b"%d" % number) for number in range(size)]
    for leaf in leaves:
        list(builder.append_leaf(leaf))
    assert builder.root() == root_of(leaves)


@pytest.mark.parametrize("number", [0, 1, 999, 1000, 1234, 999_999, 1_000_000, 1_234_067])
def test_a_path_is_spelled_as_the_specification_spells_it(number: int) -> None:
    assert str(TilePath(3, number)) == tile_reader.path_of("3", number)
    assert parse_tile_path(str(TilePath(3, number, 7))) == TilePath(3, number, 7)
    assert parse_tile_path(str(TilePath(None, number))) == TilePath(None, number)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/00/000",
        "tile/01/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/Entries/000",
        "tile/data/000",
        "tile/0/x000/001",
        "tile/0/001/234",
        "tile/0/x001/x234",
        "tile/0/x001/234/",
        "/tile/0/000",
        "./tile/0/000",
        "tile/0/../0/000",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/1000",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000\n",
        "tile/0/٠٠٠",
        "tile/entries/x001/x000/x000/x000/x000/x000/000",
        "checkpoint.txt",
    ],
)
def test_any_other_spelling_of_a_path_is_refused(path: str) -> None:
    with pytest.raises(BundleError):
        parse_tile_path(path)


def test_the_same_log_is_the_same_zip_on_a_stream_that_can_go_back_and_on_one_that_cannot(tmp_path: Path) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.content = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]  # all that an export writes is bytes
            self.content += data
            return len(data)

    pipe = Pipe()
    write_tiles(cast("LogStore[None]", LogInMemory(300)), None, INSPECTION, KEY, pipe)  # type: ignore[arg-type]
    assert bytes(pipe.content) == export(LogInMemory(300))
    expected = "58f3103de8d91e5014b5e71738dae1adb432da79ee008dc1073f9d279b5792da"
    assert hashlib.sha256(pipe.content).hexdigest() == expected


def signed_log(engine: Engine, log: AuditLog[Connection], sizes: Iterable[int], folder: Path) -> None:
    """Grow a log to each size in turn; sign it and export it to the folder each time."""
    size = 0
    for wanted in sizes:
        with engine.begin() as connection:
            log.append_many(connection, INSPECTION, [entry_number(number) for number in range(size, wanted)])
            log.sign_checkpoint(connection, INSPECTION)
            write_tiles(log.store, connection, INSPECTION, KEY, folder)
        size = wanted


def test_a_folder_grows_with_its_log_and_nothing_in_it_changes(
    engine: Engine, log: AuditLog[Connection], tmp_path: Path
) -> None:
    folder = tmp_path / "log"
    before: dict[str, bytes] = {}
    for size in (1, 300, 301, 600):
        with engine.begin() as connection:
            present = log.store.tree_size(connection, INSPECTION)
            log.append_many(connection, INSPECTION, [entry_number(number) for number in range(present, size)])
            log.sign_checkpoint(connection, INSPECTION)
            assert write_tiles(log.store, connection, INSPECTION, KEY, folder).size == size
        after = folder_of(folder)
        assert {name: after[name] for name in before if name != "checkpoint"} == {
            name: content for name, content in before.items() if name != "checkpoint"
        }
        assert len(tile_reader.read_log(after.__getitem__)[0]) == size
        before = after


def test_exporting_again_writes_nothing_that_was_there(
    engine: Engine, log: AuditLog[Connection], tmp_path: Path
) -> None:
    folder = tmp_path / "log"
    signed_log(engine, log, [300], folder)
    for place in folder.rglob("*"):
        if place.is_file() and place.name != "checkpoint":
            place.chmod(0o444)
    written = {place: place.stat().st_mtime_ns for place in folder.rglob("*") if place.is_file()}
    signed_log_again(engine, log, folder)
    assert {place for place, time in written.items() if place.stat().st_mtime_ns != time} <= {folder / "checkpoint"}


def signed_log_again(engine: Engine, log: AuditLog[Connection], folder: Path) -> None:
    with engine.begin() as connection:
        write_tiles(log.store, connection, INSPECTION, KEY, folder)


def test_a_log_without_a_checkpoint_has_nothing_to_export(
    engine: Engine, log: AuditLog[Connection], tmp_path: Path
) -> None:
    with engine.begin() as connection, pytest.raises(UnknownLogError):
        write_tiles(log.store, connection, INSPECTION, KEY, tmp_path / "log")
    assert not (tmp_path / "log").exists()


def test_a_log_that_lost_entries_is_not_written_over_what_was_exported(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    write_tiles(cast("LogStore[None]", LogInMemory(300)), None, INSPECTION, KEY, folder)
    before = folder_of(folder)
    with pytest.raises(TilesFolderError, match="does not extend"):
        write_tiles(cast("LogStore[None]", Extending(LogInMemory(299))), None, INSPECTION, KEY, folder)
    assert folder_of(folder) == before


class Extending(LogInMemory):
    """A log that proves whatever it can prove of its own history."""

    def __init__(self, log: LogInMemory) -> None:
        super().__init__(0)
        self.entries_list = log.entries_list

    def consistency_proof(self, _connection: None, _log_id: str, old: int, new: int) -> tuple[bytes, ...]:
        leaves = [leaf_hash(entry) for entry in self.entries_list]
        return prove_consistency(
            old,
            new,
            lambda addresses: {
                address: root_of(leaves[address.position << address.level : (address.position + 1) << address.level])
                for address in addresses
            },
        )


def test_another_history_of_the_same_length_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    folder, other = tmp_path / "log", Extending(LogInMemory(400))
    write_tiles(cast("LogStore[None]", LogInMemory(300)), None, INSPECTION, KEY, folder)
    before = folder_of(folder)
    other.entries_list[17] = b"another"
    with pytest.raises(TilesFolderError, match="does not extend"):
        write_tiles(cast("LogStore[None]", other), None, INSPECTION, KEY, folder)
    assert folder_of(folder) == before


def test_the_log_of_somebody_else_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    write_tiles(cast("LogStore[None]", LogInMemory(3)), None, INSPECTION, KEY, folder)
    stranger = VerifierKey(ORIGIN, FixedSigner(1).public_key_bytes)
    with pytest.raises(TilesFolderError):
        write_tiles(cast("LogStore[None]", Stranger(5)), None, INSPECTION, stranger, folder)


class Stranger(LogInMemory):
    def __init__(self, size: int) -> None:
        super().__init__(size, first_byte=1)


@pytest.mark.parametrize("name", ["tile/0/000", "tile/entries/000", "tile/0/001.p/44", "tile/1/000.p/1"])
def test_a_file_that_was_changed_is_left_as_it_is_and_named(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "log"
    write_tiles(cast("LogStore[None]", LogInMemory(300)), None, INSPECTION, KEY, folder)
    (folder / name).write_bytes(b"damaged")
    before = folder_of(folder)
    with pytest.raises(TilesFolderError, match=name):
        write_tiles(cast("LogStore[None]", Extending(LogInMemory(300))), None, INSPECTION, KEY, folder)
    assert folder_of(folder) == before


def test_a_file_that_was_lost_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    write_tiles(cast("LogStore[None]", LogInMemory(300)), None, INSPECTION, KEY, folder)
    before = folder_of(folder)
    (folder / "tile/0/000").unlink()
    write_tiles(cast("LogStore[None]", Extending(LogInMemory(300))), None, INSPECTION, KEY, folder)
    assert folder_of(folder) == before


def test_the_rest_of_an_export_that_broke_off_is_written_anew(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    write_tiles(cast("LogStore[None]", LogInMemory(100)), None, INSPECTION, KEY, folder)
    (folder / "tile/0/000").write_bytes(b"half a ti")
    write_tiles(cast("LogStore[None]", Extending(LogInMemory(300))), None, INSPECTION, KEY, folder)
    assert len(tile_reader.read_log(folder_of(folder).__getitem__)[0]) == 300


@pytest.mark.parametrize("index", [0, 256, 299])
def test_entries_that_are_not_what_was_signed_for_get_no_checkpoint(tmp_path: Path, index: int) -> None:
    class Altered(LogInMemory):
        def entries(self, _connection: None, log_id: str, start: int, stop: int) -> Iterator[StoredEntry]:
            self.entries_list[index] = b"another"
            return super().entries(None, log_id, start, stop)

    with pytest.raises(LogDamagedError):
        write_tiles(cast("LogStore[None]", Altered(300)), None, INSPECTION, KEY, tmp_path / "log")
    assert not (tmp_path / "log" / "checkpoint").exists()
    out = io.BytesIO()
    with pytest.raises(LogDamagedError):
        write_tiles(cast("LogStore[None]", Altered(300)), None, INSPECTION, KEY, out)
    assert not zipfile.is_zipfile(io.BytesIO(out.getvalue()))
