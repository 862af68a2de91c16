import hashlib
import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from audit.__main__ import main
from audit.bundle import BundleReport, verify_bundle
from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.errors import BundleError, EvidenceError, UnknownLogError
from audit.log import AuditLog
from audit.merkle import leaf_hash
from audit.note import VerifierKey
from tests.audit import rfc9162
from tests.audit.example_log import INSPECTION, ORIGIN, FixedSigner, entry_number

Log = AuditLog[Connection]
KEY = VerifierKey(ORIGIN, FixedSigner().public_key_bytes)
STRANGER = FixedSigner(1)
SIZE = 9
ENTRIES = [entry_number(number).encode() for number in range(SIZE)]
ROOT = rfc9162.tree_hash(ENTRIES)
LATEST = "checkpoints/00000000000000000009.txt"
EARLIER = "checkpoints/00000000000000000004.txt"


@pytest.fixture
def written(engine: Engine, log: Log) -> bytes:
    """The bundle of nine entries, signed at four and at nine; one more is logged and not signed yet."""
    out = io.BytesIO()
    with engine.begin() as connection:
        for number in range(SIZE + 1):
            log.append(connection, INSPECTION, entry_number(number))
            if number + 1 in (4, SIZE):
                log.sign_checkpoint(connection, INSPECTION)
        log.write_bundle(connection, INSPECTION, out)
    return out.getvalue()


def members(written: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(written)) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}


def whole() -> dict[str, bytes]:
    """The members of that same bundle, put together by hand."""
    signer = FixedSigner()
    return {
        "README.txt": b"Read me\n",
        "log.vkey": f"{KEY}\n".encode(),
        "entries.jsonl": b"".join(entry + b"\n" for entry in ENTRIES),
        "leaf-hashes.txt": b"".join(leaf_hash(entry).hex().encode() + b"\n" for entry in ENTRIES),
        EARLIER: sign_checkpoint(Checkpoint(ORIGIN, 4, rfc9162.tree_hash(ENTRIES[:4])), signer).encode(),
        LATEST: sign_checkpoint(Checkpoint(ORIGIN, SIZE, ROOT), signer).encode(),
    }


def pack(path: Path, content: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as bundle:
        for name, data in content.items():
            bundle.writestr(name, data)
    return path


def test_a_bundle_proves_the_log_up_to_its_latest_checkpoint(written: bytes, tmp_path: Path) -> None:
    path = tmp_path / "evidence.zip"
    path.write_bytes(written)
    assert verify_bundle(path, KEY) == BundleReport(KEY, SIZE, ROOT, (4, SIZE))
    assert members(written).keys() == whole().keys()
    assert {name: data for name, data in members(written).items() if name != "README.txt"} == {
        name: data for name, data in whole().items() if name != "README.txt"
    }


def test_a_bundle_of_the_same_log_has_the_same_bytes_on_either_database(written: bytes) -> None:
    expected = "6adcb2ce81540edad1c2639f1e7a0a3bb6b7f0bbeed194912b8d2b173f63c963"
    assert hashlib.sha256(written).hexdigest() == expected


def test_a_bundle_is_written_to_a_pipe_that_cannot_go_back(engine: Engine, log: Log, written: bytes) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.content = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]  # all that a bundle writes is bytes
            self.content += data
            return len(data)

    pipe = Pipe()
    with engine.connect() as connection:
        log.write_bundle(connection, INSPECTION, pipe)  # type: ignore[arg-type]  # a raw stream is enough
    assert members(bytes(pipe.content)) == members(written)


def test_a_log_without_a_checkpoint_has_nothing_to_hand_over(engine: Engine, log: Log) -> None:
    with engine.connect() as connection, pytest.raises(UnknownLogError):
        log.write_bundle(connection, INSPECTION, io.BytesIO())


def test_an_empty_log_is_proved_to_be_empty(engine: Engine, log: Log, tmp_path: Path) -> None:
    path = tmp_path / "evidence.zip"
    with engine.begin() as connection, path.open("wb") as out:
        log.sign_checkpoint(connection, INSPECTION)
        log.write_bundle(connection, INSPECTION, out)
    assert verify_bundle(path, KEY).tree_size == 0


def lines(content: dict[str, bytes], name: str, change: Callable[[list[bytes]], list[bytes]]) -> dict[str, bytes]:
    return {**content, name: b"".join(change(content[name].splitlines(keepends=True)))}


def with_entry(index: int, data: bytes) -> dict[str, bytes]:
    return lines(whole(), "entries.jsonl", lambda old: [*old[:index], data, *old[index + 1 :]])


def forged(index: int) -> dict[str, bytes]:
    """An entry replaced together with its leaf hash."""
    other = entry_number(1000).encode()
    content = with_entry(index, other + b"\n")
    hashed = leaf_hash(other).hex().encode() + b"\n"
    return lines(content, "leaf-hashes.txt", lambda old: [*old[:index], hashed, *old[index + 1 :]])


def other_checkpoint(name: str, size: int, root: bytes, signer: FixedSigner | None = None) -> dict[str, bytes]:
    return {**whole(), name: sign_checkpoint(Checkpoint(ORIGIN, size, root), signer or FixedSigner()).encode()}


DAMAGE: dict[str, tuple[Callable[[], dict[str, bytes]], str]] = {
    "entry-altered": (lambda: with_entry(6, entry_number(60).encode() + b"\n"), "Entry 6 "),
    "entry-altered-with-leaf-hash": (lambda: forged(6), "from entry 4 "),
    "entry-altered-before-first-checkpoint": (lambda: forged(2), "from entry 0 "),
    "entry-missing": (lambda: with_entry(6, b""), "counts 9 entries; the bundle holds 8"),
    "entry-added": (lambda: with_entry(8, ENTRIES[8] + b"\n" + ENTRIES[8] + b"\n"), "the bundle holds 10"),
    "entry-in-another-spelling": (lambda: with_entry(3, ENTRIES[3] + b" \n"), "Entry 3 "),
    "entries-swapped": (
        lambda: lines(whole(), "entries.jsonl", lambda old: [*old[:2], old[3], old[2], *old[4:]]),
        "Entry 2 ",
    ),
    "entries-empty": (lambda: {**whole(), "entries.jsonl": b""}, "the bundle holds 0"),
    "leaf-hash-altered": (
        lambda: lines(whole(), "leaf-hashes.txt", lambda old: [b"0" * 64 + b"\n", *old[1:]]),
        "hash 0 ",
    ),
    "leaf-hash-in-capitals": (
        lambda: lines(whole(), "leaf-hashes.txt", lambda old: [old[0].upper(), *old[1:]]),
        "hash 0 ",
    ),
    "leaf-hash-missing": (lambda: lines(whole(), "leaf-hashes.txt", lambda old: old[:-1]), "hash 8 "),
    "leaf-hash-added": (lambda: lines(whole(), "leaf-hashes.txt", lambda old: [*old, old[0]]), "counts 9"),
    "checkpoint-of-another-key": (lambda: other_checkpoint(LATEST, SIZE, ROOT, STRANGER), "proves nothing"),
    "checkpoint-of-another-size": (lambda: other_checkpoint(LATEST, 4, rfc9162.tree_hash(ENTRIES[:4])), "another size"),
    "checkpoint-of-another-root": (
        lambda: other_checkpoint(LATEST, SIZE, rfc9162.tree_hash(ENTRIES[:8])),
        "from entry 4",
    ),
    "earlier-checkpoint-of-another-root": (lambda: other_checkpoint(EARLIER, 4, ROOT), "not those"),
    "checkpoint-not-a-note": (lambda: {**whole(), LATEST: b"no note"}, "proves nothing"),
    "checkpoint-beyond-the-entries": (
        lambda: other_checkpoint("checkpoints/00000000000000000010.txt", 10, ROOT),
        "counts 10 entries",
    ),
    "key-of-somebody-else": (
        lambda: {**whole(), "log.vkey": f"{VerifierKey(ORIGIN, STRANGER.public_key_bytes)}\n".encode()},
        "not with the key you trust",
    ),
    "key-unreadable": (lambda: {**whole(), "log.vkey": b"\xff"}, "cannot be read"),
}

NO_BUNDLE: dict[str, tuple[Callable[[], dict[str, bytes]], str]] = {
    "no-members": (dict, "no zip"),
    "no-entries": (lambda: {name: data for name, data in whole().items() if name != "entries.jsonl"}, "entries.jsonl"),
    "no-checkpoints": (
        lambda: {name: data for name, data in whole().items() if not name.startswith("checkpoints/")},
        "no checkpoint",
    ),
    "unknown-member": (lambda: {**whole(), "extra.txt": b""}, "does not have"),
    "member-outside": (lambda: {**whole(), "../evil.txt": b""}, "does not have"),
    "key-too-large": (lambda: {**whole(), "log.vkey": bytes(300_000)}, "too large"),
    "entry-without-end": (lambda: {**whole(), "entries.jsonl": ENTRIES[0]}, "has no end"),
    "entry-too-long": (lambda: {**whole(), "entries.jsonl": bytes(70_000) + b"\n"}, "too long"),
}


def test_the_bundle_put_together_by_hand_is_proved(tmp_path: Path) -> None:
    assert verify_bundle(pack(tmp_path / "evidence.zip", whole()), KEY).root_hash == ROOT


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_evidence_is_refused_and_says_where(damage: str, tmp_path: Path) -> None:
    content, says = DAMAGE[damage]
    with pytest.raises(EvidenceError, match=says):
        verify_bundle(pack(tmp_path / "evidence.zip", content()), KEY)


@pytest.mark.parametrize("mutation", NO_BUNDLE)
def test_a_zip_that_is_no_bundle_is_refused(mutation: str, tmp_path: Path) -> None:
    content, says = NO_BUNDLE[mutation]
    with pytest.raises(BundleError, match=says):
        verify_bundle(pack(tmp_path / "evidence.zip", content()), KEY)


def test_a_compressed_bundle_is_refused_before_it_unfolds(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="neither compressed"):
        verify_bundle(pack(tmp_path / "evidence.zip", whole(), zipfile.ZIP_DEFLATED))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "evidence.zip", whole())
    with zipfile.ZipFile(path, "a") as bundle:
        bundle.writestr("entries.jsonl", b"")
    with pytest.raises(BundleError):
        verify_bundle(path)


def test_a_directory_that_points_before_the_file_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "evidence.zip", whole())
    raw = path.read_bytes()
    directory_place = raw.rindex(b"PK\x05\x06") + 16
    moved = int.from_bytes(raw[directory_place : directory_place + 4], "little") + 200
    path.write_bytes(raw[:directory_place] + moved.to_bytes(4, "little") + raw[directory_place + 4 :])
    with pytest.raises(BundleError):
        verify_bundle(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_bit_in_an_entry_names_the_entry(data: st.DataObject, tmp_path: Path) -> None:
    path = pack(tmp_path / "evidence.zip", whole())
    raw = bytearray(path.read_bytes())
    index = data.draw(st.integers(0, SIZE - 1))
    place = raw.index(ENTRIES[index]) + data.draw(st.integers(0, len(ENTRIES[index]) - 1))
    raw[place] ^= 1 << data.draw(st.integers(0, 7))
    if raw[place] == ord("\n"):
        return  # that is an entry more, and told so
    path.write_bytes(raw)
    with pytest.raises(EvidenceError, match=f"Entry {index} "):
        verify_bundle(path, KEY)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(data=st.data())
def test_damage_anywhere_is_proved_all_the_same_or_one_of_our_errors(data: st.DataObject, tmp_path: Path) -> None:
    path = pack(tmp_path / "evidence.zip", whole())
    raw = bytearray(path.read_bytes())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(raw[: data.draw(st.integers(len(raw) // 2, len(raw)))] if data.draw(st.booleans()) else raw)
    try:
        report = verify_bundle(path, KEY)
    except (BundleError, EvidenceError):
        return
    assert report.root_hash == ROOT


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(Path.cwd())!r})\n" + PROGRAM]
    return subprocess.run([*program, *arguments], capture_output=True, text=True, check=False)


PROGRAM = """
import runpy
sys.modules.update(dict.fromkeys(["sqlalchemy", "flask", "exchange", "config", "keys"]))  # importing one of them fails
sys.argv[0] = "audit"
runpy.run_module("audit", run_name="__main__", alter_sys=True)
"""


def test_the_command_needs_neither_the_service_nor_a_database(tmp_path: Path) -> None:
    done = command("verify", str(pack(tmp_path / "evidence.zip", whole())), "--key", str(KEY))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("PROVED.\n")
    assert "\nNot proved by this: " in done.stdout
    assert "that the key is the service's" not in done.stdout


def test_without_a_key_the_command_says_what_that_leaves_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(pack(tmp_path / "evidence.zip", whole()))]) == 0
    assert "that the key is the service's" in capsys.readouterr().out


def test_evidence_that_fails_gives_exit_code_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damaged = DAMAGE["entry-altered"][0]()
    assert main(["verify", str(pack(tmp_path / "evidence.zip", damaged)), "--key", str(KEY)]) == 1
    assert capsys.readouterr().out == "NOT PROVED. Entry 6 is not the one that was logged: its leaf hash differs.\n"


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip", bytes(100)])
def test_a_file_that_is_no_bundle_gives_exit_code_two_and_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert main(["verify", str(path)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Cannot verify. ")
    assert said.err.count("\n") == 1


def test_a_file_that_is_not_there_gives_exit_code_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(tmp_path / "none")]) == 2
    assert main(["verify", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("Cannot verify. ") == 2


def test_a_key_that_was_mistyped_gives_exit_code_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = pack(tmp_path / "evidence.zip", whole())
    assert main(["verify", str(path), "--key", str(KEY).replace("exchange", "exchanger")]) == 2
    assert "mistyped" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["\x1b[2K\rPROVED.", "\nPROVED.\n", "\x9b2K", "\u202eDEVORP"])
def test_a_name_in_a_bundle_writes_nothing_over_the_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    forged = whole() | {f"checkpoints/{name}": b"no note"}
    main(["verify", str(pack(tmp_path / "evidence.zip", forged))])
    said = capsys.readouterr()
    (line,) = (said.out + said.err).splitlines()
    assert line.isprintable()
    assert not line.startswith("PROVED")
