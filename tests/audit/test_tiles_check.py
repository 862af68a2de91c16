import io
import re
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit import errors
from audit.__main__ import main
from audit.errors import BundleError, EvidenceError
from audit.note import VerifierKey
from audit.policy import parse_policy
from audit.tiles import is_export, verify_tiles
from tests.audit import specimens
from tests.audit.bad_tiles import SIZE, exports, pack, whole
from tests.audit.mutations import flip

POLICY = parse_policy(specimens.POLICY)
VECTORS = exports()
GOOD = [name for name, vector in VECTORS.items() if not vector.error]
BAD = [name for name, vector in VECTORS.items() if vector.error]


def in_folder(content: bytes, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(archive.read(name))
    return folder


def in_zip(content: bytes, folder: Path) -> Path:
    path = folder / "export.zip"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("place", [in_folder, in_zip])
@pytest.mark.parametrize("name", GOOD)
def test_a_good_export_is_proved_as_a_zip_and_as_a_folder(name: str, place: object, tmp_path: Path) -> None:
    assert callable(place)
    path = place(VECTORS[name].content, tmp_path)
    for key, policy in ((specimens.KEY, None), (None, POLICY), (specimens.KEY, POLICY)):
        report = verify_tiles(path, key, policy)
        assert report.key == specimens.KEY
        assert report.cosigned.keys() == (set() if policy is None else {"w1", "w2"})
    assert report.beyond == ("beyond" in name)


@pytest.mark.parametrize("name", BAD)
def test_an_altered_export_is_refused_and_says_where(name: str, tmp_path: Path) -> None:
    vector = VECTORS[name]
    with pytest.raises(errors.AuditError, match=re.escape(vector.says)) as refused:
        verify_tiles(in_zip(vector.content, tmp_path), specimens.KEY, POLICY)
    assert type(refused.value) is getattr(errors, vector.error)


@pytest.mark.parametrize("name", [name for name in BAD if name not in ("path-outside", "compressed")])
def test_the_same_alteration_is_refused_alike_in_a_folder(name: str, tmp_path: Path) -> None:
    vector = VECTORS[name]
    folder = tmp_path / "export"
    folder.mkdir()
    with pytest.raises(errors.AuditError, match=re.escape(vector.says)) as refused:
        verify_tiles(in_folder(vector.content, folder), specimens.KEY, POLICY)
    assert type(refused.value) is getattr(errors, vector.error)


def test_no_alteration_is_the_good_export() -> None:
    contents = [vector.content for vector in VECTORS.values()]
    assert len(set(contents)) == len(contents) >= 50


def test_without_a_key_there_is_nothing_to_judge_it_by(tmp_path: Path) -> None:
    path = in_zip(VECTORS["good"].content, tmp_path)
    for policy in (None, parse_policy(specimens.POLICY_WITHOUT_LOG)):
        with pytest.raises(BundleError, match="does not hold the log's key"):
            verify_tiles(path, None, policy)


def test_the_key_of_another_log_proves_nothing(tmp_path: Path) -> None:
    path = in_zip(VECTORS["good"].content, tmp_path)
    renamed = VerifierKey("elsewhere.example.org/log", specimens.KEY.public_key)
    for key in (renamed, VerifierKey(specimens.KEY.name, specimens.STRANGER.public_key_bytes)):
        with pytest.raises(EvidenceError, match="No known key"):
            verify_tiles(path, key)


def test_a_checkpoint_whose_writing_broke_off_is_passed_over(tmp_path: Path) -> None:
    folder = in_folder(VECTORS["good"].content, tmp_path)
    (folder / "checkpoint.new").write_bytes(b"half a check")
    assert verify_tiles(folder, specimens.KEY).tree_size == SIZE


def test_only_what_holds_a_checkpoint_is_taken_for_an_export(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert not is_export(tmp_path / "folder")
    assert not is_export(tmp_path / "none")
    assert not is_export(in_zip(specimens.pack(specimens.members()), tmp_path))
    assert is_export(in_zip(VECTORS["good"].content, tmp_path))
    assert is_export(in_folder(VECTORS["good"].content, tmp_path / "folder"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(data=st.data())
def test_a_flipped_bit_in_any_file_is_never_proved(data: st.DataObject, tmp_path: Path) -> None:
    content = whole()
    name = data.draw(st.sampled_from(sorted(content)))
    place = data.draw(st.integers(0, len(content[name]) - 1))
    content[name] = flip(content[name], place, data.draw(st.integers(0, 7)))
    with pytest.raises((BundleError, EvidenceError)):
        verify_tiles(in_zip(pack(content), tmp_path), specimens.KEY, POLICY)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(data=st.data())
def test_damage_anywhere_is_proved_all_the_same_or_one_of_our_errors(data: st.DataObject, tmp_path: Path) -> None:
    raw = VECTORS["good"].content
    damaged = flip(raw, data.draw(st.integers(0, len(raw) - 1)), data.draw(st.integers(0, 7)))
    if data.draw(st.booleans()):
        damaged = damaged[: data.draw(st.integers(len(raw) // 2, len(raw)))]
    try:
        report = verify_tiles(in_zip(damaged, tmp_path), specimens.KEY, POLICY)
    except (BundleError, EvidenceError):
        return
    assert report.tree_size == SIZE


def test_the_command_says_what_an_export_proves_and_what_it_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = in_zip(VECTORS["good"].content, tmp_path)
    assert main(["verify", str(path), "--key", str(specimens.KEY)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("PROVED.\n")
    assert "each of the 7 tiles and entry bundles is what they give" in said
    assert "that nothing was logged after the checkpoint" in said
    assert (
        main(["verify", str(in_folder(VECTORS["good"].content, tmp_path / "export")), "--key", str(specimens.KEY)]) == 0
    )


def test_the_command_tells_of_an_export_that_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = in_zip(VECTORS["entry-altered"].content, tmp_path)
    assert main(["verify", str(path), "--key", str(specimens.KEY)]) == 1
    assert capsys.readouterr().out == "NOT PROVED. Entry 5 is not the one that was logged: its leaf hash differs.\n"
    assert main(["verify", str(path)]) == 2
    assert main(["verify", str(path), "--document", str(path), "--key", str(specimens.KEY)]) == 2
