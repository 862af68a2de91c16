"""The file of signed sizes: what was signed is remembered durably, and only forward."""

import json
import multiprocessing
from pathlib import Path

import pytest

from keys.errors import KeyExistsError, KeyFileError, SignedBeforeError
from keys.signed_sizes import SignedSize, SignedSizes

ORIGIN, OTHER = "exchange.example/log/service", "exchange.example/log/ins_00000000000000000000000001"
ROOT, ANOTHER_ROOT = b"\x01" * 32, b"\x02" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "log-signed.json"


@pytest.fixture
def sizes(path: Path) -> SignedSizes:
    return SignedSizes.create(path)


def test_what_is_remembered_is_there_for_whoever_opens_the_file_next(sizes: SignedSizes, path: Path) -> None:
    sizes.advance(ORIGIN, 7, ROOT)
    assert SignedSizes.open(path).latest(ORIGIN) == SignedSize(7, ROOT)
    assert SignedSizes.open(path).latest(OTHER) is None
    assert path.stat().st_mode & 0o777 == 0o600


def test_one_that_has_it_open_notices_what_another_remembers(sizes: SignedSizes, path: Path) -> None:
    another = SignedSizes.open(path)
    sizes.advance(ORIGIN, 7, ROOT)
    assert another.latest(ORIGIN) == SignedSize(7, ROOT)


def test_the_same_state_again_changes_nothing(sizes: SignedSizes, path: Path) -> None:
    sizes.advance(ORIGIN, 7, ROOT)
    before = path.stat().st_ino
    sizes.advance(ORIGIN, 7, ROOT)
    assert path.stat().st_ino == before


@pytest.mark.parametrize(("size", "root"), [(6, ROOT), (0, ROOT), (7, ANOTHER_ROOT)])
def test_a_state_that_does_not_go_forward_is_refused(sizes: SignedSizes, size: int, root: bytes) -> None:
    sizes.advance(ORIGIN, 7, ROOT)
    with pytest.raises(SignedBeforeError, match="7 entries was signed before"):
        sizes.advance(ORIGIN, size, root)
    assert sizes.latest(ORIGIN) == SignedSize(7, ROOT)


def test_one_origin_says_nothing_of_another(sizes: SignedSizes) -> None:
    sizes.advance(ORIGIN, 7, ROOT)
    sizes.advance(OTHER, 1, ANOTHER_ROOT)
    assert dict(sizes.states()) == {ORIGIN: SignedSize(7, ROOT), OTHER: SignedSize(1, ANOTHER_ROOT)}


def test_an_origin_that_was_given_up_takes_no_more(sizes: SignedSizes, path: Path) -> None:
    sizes.advance(ORIGIN, 7, ROOT)
    sizes.give_up(ORIGIN)
    with pytest.raises(SignedBeforeError):
        sizes.advance(ORIGIN, 8, ANOTHER_ROOT)
    assert SignedSizes.open(path).latest(ORIGIN) == SignedSize(7, ROOT, is_given_up=True)


def test_giving_up_what_was_never_signed_changes_nothing(sizes: SignedSizes) -> None:
    sizes.give_up(ORIGIN)
    assert sizes.latest(ORIGIN) is None


def test_it_is_made_once(sizes: SignedSizes, path: Path) -> None:
    sizes.advance(ORIGIN, 7, ROOT)
    with pytest.raises(KeyExistsError):
        SignedSizes.create(path)
    assert sizes.latest(ORIGIN) == SignedSize(7, ROOT)


def test_a_missing_file_stops_everything(sizes: SignedSizes, path: Path) -> None:
    path.unlink()
    with pytest.raises(KeyFileError, match="Restore the newest copy"):
        sizes.latest(ORIGIN)
    with pytest.raises(KeyFileError):
        sizes.advance(ORIGIN, 1, ROOT)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("signed-sizes/1", "signed-sizes/2"),
        lambda text: text.replace('"size": 7', '"size": 7.0'),
        lambda text: text.replace('"size": 7', '"size": -7'),
        lambda text: text.replace('"size": 7', '"size": true'),
        lambda text: text.replace(ROOT.hex(), ROOT.hex()[2:]),
        lambda text: text.replace(ROOT.hex(), "no root"),
        lambda text: text + " ",
        lambda text: text[:-20],
        lambda text: json.dumps(json.loads(text)),
        lambda _text: "",
        lambda _text: "[]",
        lambda _text: '{"origins": 1}',
        lambda _text: '{"origins": {"a": []}}',
    ],
)
def test_a_damaged_file_is_refused_and_not_taken_as_empty(sizes: SignedSizes, path: Path, damage: object) -> None:
    sizes.advance(ORIGIN, 7, ROOT)
    assert callable(damage)
    path.write_text(damage(path.read_text()))
    with pytest.raises(KeyFileError, match="damaged"):
        SignedSizes.open(path)


def test_a_file_that_others_can_read_is_refused(sizes: SignedSizes, path: Path) -> None:
    sizes.advance(ORIGIN, 7, ROOT)
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        SignedSizes.open(path)


def _advance_each(path: Path, origin: str) -> None:
    sizes = SignedSizes.open(path)
    for size in range(1, 21):
        sizes.advance(origin, size, size.to_bytes(32, "big"))


def test_several_processes_lose_nothing_of_each_other(sizes: SignedSizes, path: Path) -> None:
    origins = [f"exchange.example/log/{number}" for number in range(4)]
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_advance_each, args=(path, origin)) for origin in origins]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert {origin: state.size for origin, state in sizes.states().items()} == dict.fromkeys(origins, 20)
