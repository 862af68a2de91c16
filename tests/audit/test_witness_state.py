"""The durable state: one history whoever races, whenever the end comes, whatever is done to the folder."""

import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from audit.note import VerifierKey
from audit.witness import state as state_module
from audit.witness.errors import RequestRefusedError, WitnessFolderError
from audit.witness.folder import KEY, STATE, create_folder, open_folder
from audit.witness.state import CosignedState, TrustedLog, WitnessState, advance, state_of
from tests.audit.witness_parts import LOG_KEY, LOG_SIGNER, PREFIX, ExampleLog, make_witness, reopen, state_in
from tests.audit.witness_racer import POINTS

ROOT = Path(__file__).resolve().parents[2]
LOG = ExampleLog()
FORK_AT, LAST = 2, 25
HISTORIES = (ExampleLog("one", FORK_AT), ExampleLog("two", FORK_AT))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_witness(tmp_path / "w1")
    return tmp_path / "w1"


@contextmanager
def racer(folder: Path, log: ExampleLog, *, last: int = LAST, point: str = "") -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.audit.witness_racer", str(folder), log.history, str(log.fork_at), str(last)]
    process = subprocess.Popen(
        [*command, point], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def start(*processes: "subprocess.Popen[str]") -> None:
    for process in processes:
        assert line(process) == "ready"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")


def cosigned_by(process: "subprocess.Popen[str]") -> list[int]:
    assert process.stdout is not None
    return [int(each) for each in process.stdout]


def require_one_history(folder: Path, cosigned: dict[str, list[int]]) -> None:
    """What was handed out is of one history past the fork, and the state is at least as far."""
    past = {history for history, sizes in cosigned.items() if max(sizes, default=0) > FORK_AT}
    assert len(past) <= 1
    (latest,) = state_in(folder).latest()
    assert latest.size >= max(max(sizes, default=0) for sizes in cosigned.values())
    for log in HISTORIES:
        assert log.history not in past or latest.root == log.root(latest.size)


def test_two_processes_with_two_histories_get_one_cosigned(folder: Path) -> None:
    with ExitStack() as stack:
        processes = [stack.enter_context(racer(folder, log)) for log in HISTORIES for _ in range(2)]
        start(*processes)
        found = [cosigned_by(process) for process in processes]
        assert [process.wait() for process in processes] == [0, 0, 0, 0]
    cosigned = {"one": found[0] + found[1], "two": found[2] + found[3]}
    require_one_history(folder, cosigned)
    assert max(cosigned["one"] + cosigned["two"]) == LAST


def test_threads_with_two_histories_get_one_cosigned(folder: Path) -> None:
    cosigned: dict[str, list[int]] = {log.history: [] for log in HISTORIES}
    gate = threading.Barrier(4)

    def race(log: ExampleLog) -> None:
        witness, old = reopen(folder), 0  # each with a lock of its own, as a process has
        gate.wait()
        while old < LAST:
            try:
                old = witness.add_checkpoint(log.request(old, old + 1)).size
                cosigned[log.history].append(old)
            except RequestRefusedError as refused:
                if refused.size is None:
                    return
                old = refused.size

    threads = [threading.Thread(target=race, args=[log]) for log in HISTORIES for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    require_one_history(folder, cosigned)


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_it_remembers_all_that_it_handed_out(folder: Path, point: str) -> None:
    with racer(folder, HISTORIES[0], point=point) as process:
        start(process)
        handed_out = cosigned_by(process)
        assert process.wait() == -signal.SIGKILL
    assert handed_out == [1, 2]
    (latest,) = state_in(folder).latest()
    assert latest.size == (3 if point in ("after-the-commit", "after-the-cosignature") else 2)
    other = HISTORIES[1].request(latest.size, latest.size + 1)
    if latest.size > FORK_AT:
        with pytest.raises(RequestRefusedError):
            reopen(folder).add_checkpoint(other)
    assert reopen(folder).add_checkpoint(HISTORIES[0].request(latest.size, 9)).size == 9


@pytest.mark.parametrize("after", [1, 4, 9])
def test_killed_in_the_midst_of_work_it_remembers_all_that_it_handed_out(folder: Path, after: int) -> None:
    with racer(folder, HISTORIES[0], last=10_000) as process:
        start(process)
        handed_out = [int(line(process)) for _ in range(after)]
        process.kill()
        handed_out += cosigned_by(process)
    require_one_history(folder, {"one": handed_out, "two": []})
    state_in(folder).verify_whole()


def test_a_commit_is_on_the_disk_when_it_returns(folder: Path) -> None:
    with state_in(folder).turn() as turn:
        assert turn.execute("PRAGMA synchronous").fetchone() == (3,)
        assert turn.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert turn.in_transaction


def test_a_turn_that_fails_leaves_nothing(folder: Path) -> None:
    state = state_in(folder)

    def shrink() -> None:
        with state.turn() as turn:
            for size in (5, 4):
                advance(turn, CosignedState(LOG.origin, size, LOG.root(size), "", 0))

    with pytest.raises(sqlite3.IntegrityError):
        shrink()
    assert state.latest() == []


def test_who_waits_too_long_for_a_turn_is_told_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "WAIT_SECONDS", 0)
    state = state_in(folder)
    with state.turn(), pytest.raises(sqlite3.OperationalError), state.turn():
        pass


CHANGES = {
    "smaller": "UPDATE latest SET size = 4",
    "other-root": "UPDATE latest SET root = zeroblob(32)",
    "earlier": "UPDATE latest SET time = time - 1",
    "other-origin": "UPDATE latest SET origin = 'elsewhere.example'",
    "deleted": "DELETE FROM latest",
    "negative": "INSERT INTO latest VALUES ('elsewhere.example', -1, zeroblob(32), '', 0)",
    "short-root": "INSERT INTO latest VALUES ('elsewhere.example', 1, zeroblob(31), '', 0)",
    "size-as-text": "INSERT INTO latest VALUES ('elsewhere.example', 'five', zeroblob(32), '', 0)",
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_file_itself_refuses_to_take_a_state_back(folder: Path, change: str) -> None:
    reopen(folder).add_checkpoint(LOG.request(0, 5))
    with state_in(folder).turn() as turn, pytest.raises(sqlite3.IntegrityError):
        turn.execute(CHANGES[change])
    with state_in(folder).turn() as turn:
        assert state_of(turn, LOG.origin).root == LOG.root(5)


def test_trust_adds_and_takes_nothing_back(folder: Path) -> None:
    state = state_in(folder)
    before = state.trusted()
    state.trust(TrustedLog(LOG_KEY, below=False))
    state.trust(TrustedLog(VerifierKey(PREFIX, LOG_SIGNER.public_key_bytes), below=False))
    assert state.trusted() == [*before, TrustedLog(LOG_KEY, below=False)]


def test_a_new_witness_closes_its_files_to_others(tmp_path: Path) -> None:
    create_folder(tmp_path / "w1", "witness.example/w1")
    rights = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "w1").iterdir()}
    assert rights == {KEY: 0o600, STATE: 0o600}
    assert (tmp_path / "w1").stat().st_mode & 0o777 == 0o700


def test_a_witness_is_made_once(folder: Path) -> None:
    before = [(folder / name).read_bytes() for name in (KEY, STATE)]
    with pytest.raises(WitnessFolderError):
        create_folder(folder, "witness.example/w2")
    assert [(folder / name).read_bytes() for name in (KEY, STATE)] == before


@pytest.mark.parametrize("left", [KEY, STATE])
def test_a_witness_is_not_made_over_half_of_one(folder: Path, left: str) -> None:
    (folder / (STATE if left == KEY else KEY)).unlink()
    kept = (folder / left).read_bytes()
    with pytest.raises(WitnessFolderError):
        create_folder(folder, "witness.example/w1")
    with pytest.raises(WitnessFolderError):
        open_folder(folder)
    assert (folder / left).read_bytes() == kept
    assert [path.name for path in folder.iterdir()] == [left]


def test_a_key_that_cannot_be_written_leaves_no_witness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.link", refuse)
    with pytest.raises(WitnessFolderError):
        create_folder(tmp_path / "w1", "witness.example/w1")
    monkeypatch.undo()
    assert [path.name for path in (tmp_path / "w1").iterdir()] == [STATE]
    with pytest.raises(WitnessFolderError):
        open_folder(tmp_path / "w1")


@pytest.mark.parametrize("swapped", [KEY, STATE])
def test_key_and_state_of_two_witnesses_do_not_start(folder: Path, tmp_path: Path, swapped: str) -> None:
    make_witness(tmp_path / "other")
    shutil.copy(tmp_path / "other" / swapped, folder / swapped)
    with pytest.raises(WitnessFolderError, match="do not belong together"):
        open_folder(folder)


@pytest.mark.parametrize("name", [".", KEY, STATE])
def test_a_folder_that_others_can_read_does_not_start(folder: Path, name: str) -> None:
    (folder / name).chmod(0o755)
    with pytest.raises(WitnessFolderError, match="chmod"):
        open_folder(folder)


@pytest.mark.parametrize("name", [KEY, STATE])
def test_a_link_in_place_of_a_file_does_not_start(folder: Path, tmp_path: Path, name: str) -> None:
    shutil.move(folder / name, tmp_path / name)
    (folder / name).symlink_to(tmp_path / name)
    with pytest.raises(WitnessFolderError):
        open_folder(folder)


DAMAGE = {
    "key-empty": (KEY, b""),
    "key-no-key": (KEY, b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
    "state-empty": (STATE, b""),
    "state-no-database": (STATE, b"x" * 8192),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_does_not_start(folder: Path, damage: str) -> None:
    name, content = DAMAGE[damage]
    (folder / name).write_bytes(content)
    with pytest.raises(WitnessFolderError):
        open_folder(folder)


def test_a_state_damaged_within_does_not_start(folder: Path) -> None:
    witness = reopen(folder)
    for size in range(1, 60):
        witness.add_checkpoint(ExampleLog(origin=f"{PREFIX}/{size}").request(0, size))
    content = bytearray((folder / STATE).read_bytes())
    content[5 * 4096 :] = bytes(len(content) - 5 * 4096)
    (folder / STATE).write_bytes(content)
    with pytest.raises(WitnessFolderError):
        open_folder(folder)


def test_another_database_is_no_state(folder: Path) -> None:
    (folder / STATE).unlink()
    with closing(sqlite3.connect(folder / STATE)) as database:
        database.execute("CREATE TABLE witness (vkey)")
    (folder / STATE).chmod(0o600)
    with pytest.raises(WitnessFolderError, match="is not the state of a witness"):
        open_folder(folder)


def test_a_missing_state_is_never_made_anew(folder: Path) -> None:
    (folder / STATE).unlink()
    with pytest.raises(WitnessFolderError):
        WitnessState(folder / STATE)
    assert not (folder / STATE).exists()


def test_an_older_copy_of_the_whole_folder_is_what_a_witness_cannot_know(folder: Path, tmp_path: Path) -> None:
    """The limit that docs/witness.md names: a restored witness would cosign again what it forgot, so it is retired."""
    reopen(folder).add_checkpoint(LOG.request(0, 2))
    shutil.copytree(folder, tmp_path / "copy")
    reopen(folder).add_checkpoint(HISTORIES[0].request(2, 5))
    (tmp_path / "copy").chmod(0o700)
    assert reopen(tmp_path / "copy").add_checkpoint(HISTORIES[1].request(2, 5)).size == 5
