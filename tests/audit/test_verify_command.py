from pathlib import Path

import pytest

from audit.__main__ import COMMANDS, main
from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.entry import Detail, Entry
from audit.note import VerifierKey
from tests.audit import bad_tiles, rfc9162, specimens
from tests.audit.example_log import INSPECTION, ORIGIN, START, entry_number

KEY = ["--key", str(specimens.KEY)]
HALF_A_CHARACTER = str(specimens.KEY).replace("exchange", "\udcff")
Said = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a receipt, its document, a bundle and a policy."""
    (tmp_path / "receipt.tlog-proof").write_bytes(specimens.receipt())
    (tmp_path / "document.csv").write_bytes(specimens.DOCUMENT)
    (tmp_path / "evidence.zip").write_bytes(specimens.pack(specimens.members()))
    (tmp_path / "policy").write_bytes(specimens.POLICY)
    (tmp_path / "list.xlsx").write_bytes(specimens.pack({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b""}))
    (tmp_path / "kept").write_text(specimens.signed(7))
    (tmp_path / "tiles.zip").write_bytes(specimens.pack(exported(specimens.ENTRIES)))
    return tmp_path


def exported(entries: list[bytes]) -> dict[str, bytes]:
    """An export of these entries as tiles."""
    return bad_tiles.parts(entries) | {"checkpoint": bad_tiles.note(entries)}


def with_continuation(signed_size: int, from_size: int = 7) -> list[bytes]:
    """The entries of a log that went on at its entry 8."""
    details: dict[str, Detail] = {
        "from_size": from_size,
        "signed_size": signed_size,
        "generation": 2,
        "commitment": "0" * 64,
    }
    entry = Entry("log:continued", START, "system:host", INSPECTION, None, details)
    return [*map(Entry.encode, map(entry_number, range(8))), entry.encode(), entry_number(9).encode()]


def verify(folder: Path, *arguments: str) -> int:
    """Run the command; what begins with @ is a file in the folder."""
    return main(["verify", *(str(folder / each[1:]) if each.startswith("@") else each for each in arguments)])


def sentences(said: Said) -> tuple[str, str]:
    """What was proved and what was not, one sentence each, in the last two lines."""
    *_, proved, open_ = said.readouterr().out.splitlines()
    assert proved.startswith("Proved: ")
    assert open_.startswith("Not proved by this: ")
    assert proved.count(". ") == open_.count(". ") == 0
    return proved, open_


def test_a_receipt_is_recognised_by_its_content(folder: Path, capsys: Said) -> None:
    (folder / "anything.zip").write_bytes(specimens.receipt())
    assert verify(folder, "@anything.zip", *KEY) == 0
    proved, still_open = sentences(capsys)
    assert "index 5 of the log, among the 13 entries" in proved
    assert "document given" not in proved
    assert "that any file is the document" in still_open
    assert "that no other log was shown to somebody else" in still_open


def test_a_receipt_says_its_entry_in_words_and_opens_what_it_commits_to(folder: Path, capsys: Said) -> None:
    verify(folder, "@receipt.tlog-proof", *KEY)
    said = capsys.readouterr().out
    assert said.startswith("PROVED.\n")
    assert "submitted document doc_" in said
    assert f"name_commitment: {specimens.NAME}" in said
    assert f"title_commitment: {specimens.TITLE}" in said
    assert "You sent a file." not in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["@receipt.tlog-proof", "--document", "@document.csv"],
        ["@document.csv", "--receipt", "@receipt.tlog-proof"],
    ],
)
def test_a_document_is_proved_with_its_receipt_either_way_round(
    folder: Path, capsys: Said, arguments: list[str]
) -> None:
    assert verify(folder, *arguments, *KEY) == 0
    proved, still_open = sentences(capsys)
    assert "the document given is, to the last bit, the one whose SHA-256 it names" in proved
    assert "any file" not in still_open


def test_a_document_that_looks_like_evidence_is_still_a_document(folder: Path, capsys: Said) -> None:
    for name in ("@evidence.zip", "@receipt.tlog-proof"):
        assert verify(folder, name, "--receipt", "@receipt.tlog-proof", *KEY) == 1
        assert "The document is not the one of the entry" in capsys.readouterr().out


def test_a_policy_brings_the_key_and_asks_the_witnesses(folder: Path, capsys: Said) -> None:
    for name in ("@receipt.tlog-proof", "@evidence.zip"):
        assert verify(folder, name, "--policy", "@policy") == 0
        out = capsys.readouterr().out
        assert "Seen by    w1, 2026-03-02 09:00:00 UTC" in out
        assert "of the policy's witnesses 2 saw that same checkpoint, as many as the policy asks for." in out
        assert "the key is the service's" not in out
        assert "no other log" not in out


def test_a_policy_that_asks_for_more_witnesses_is_not_met(folder: Path, capsys: Said) -> None:
    (folder / "policy").write_bytes(specimens.POLICY.replace(b"most 2", b"most 3"))
    for name in ("@receipt.tlog-proof", "@evidence.zip"):
        assert verify(folder, name, "--policy", "@policy", *KEY) == 1
        assert "The policy asks for the quorum most; cosigned by: w1, w2." in capsys.readouterr().out


def test_a_bundle_with_a_key_that_the_policy_does_not_name_is_refused(folder: Path, capsys: Said) -> None:
    other = VerifierKey(ORIGIN, specimens.STRANGER.public_key_bytes)
    (folder / "policy").write_bytes(f"log {other}\nquorum none\n".encode())
    assert verify(folder, "@evidence.zip", "--policy", "@policy", *KEY) == 1
    assert "which the policy does not name" in capsys.readouterr().out


def test_a_policy_of_witnesses_alone_leaves_open_whose_the_key_of_a_bundle_is(folder: Path, capsys: Said) -> None:
    (folder / "policy").write_bytes(specimens.POLICY_WITHOUT_LOG)
    assert verify(folder, "@evidence.zip", "--policy", "@policy") == 0
    assert "that the key is the service's" in sentences(capsys)[1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["@none"], "cannot be opened"),
        (["@"], "Cannot verify. "),
        (["@document.csv"], "neither a receipt nor evidence in a zip"),
        (["@document.csv"], "If this is a document, give its receipt with --receipt."),
        (["@list.xlsx"], "If this is a document, give its receipt with --receipt."),
        (["@receipt.tlog-proof", *KEY, "--checkpoint", "@kept"], "of one entry alone"),
        (["@evidence.zip", *KEY, "--checkpoint", "@none"], "cannot be opened"),
        (["@evidence.zip", *KEY, "--checkpoint", "@document.csv"], "document.csv is no signed checkpoint"),
        (["@receipt.tlog-proof"], "does not hold the log's key"),
        (["@receipt.tlog-proof", "--key", "words"], "A verifier key is written"),
        (["@receipt.tlog-proof", "--key", HALF_A_CHARACTER], "The name of a key"),
        (["@receipt.tlog-proof", "--key", str(specimens.WITNESS_KEYS["w1"])], "not an Ed25519 key of a log"),
        (["@receipt.tlog-proof", *KEY, "--policy", "@none"], "cannot be opened"),
        (["@receipt.tlog-proof", *KEY, "--policy", "@document.csv"], "of the policy"),
        (["@receipt.tlog-proof", *KEY, "--document", "@none"], "cannot be opened"),
        (["@evidence.zip", *KEY, "--document", "@document.csv"], "is no receipt"),
        (["@document.csv", *KEY, "--receipt", "@evidence.zip"], "does not begin as"),
        (
            ["@document.csv", *KEY, "--receipt", "@receipt.tlog-proof", "--document", "@document.csv"],
            "Give the document",
        ),
    ],
)
def test_where_there_is_nothing_to_judge_the_command_says_why(
    folder: Path, capsys: Said, arguments: list[str], says: str
) -> None:
    assert verify(folder, *arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Cannot verify. ")
    assert says in said.err
    assert said.err.count("\n") == 1


def test_a_file_too_long_to_be_a_receipt_is_not_read_whole(folder: Path, capsys: Said) -> None:
    with (folder / "long").open("wb") as file:
        file.write(b"c2sp.org/tlog-proof@v1\n")
        file.truncate(2**40)
    assert verify(folder, "@long", *KEY) == 2
    assert "more than 1048576 bytes" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["\x1b[2K\rPROVED.", "\nPROVED.\n", "\x9b2K", "\u202eDEVORP", "\u2028PROVED."])
def test_a_value_in_a_receipt_writes_nothing_over_the_verdict(folder: Path, capsys: Said, name: str) -> None:
    opened = {"name_commitment": {"salt": "00" * 16, "value": name}}
    (folder / "forged").write_bytes(specimens.receipt(beside=specimens.extra(opened=opened)))
    assert verify(folder, "@forged", *KEY) == 1
    logged = specimens.receipt(beside=specimens.extra(entry=name))
    (folder / "forged").write_bytes(logged)
    assert verify(folder, "@forged", *KEY) == 1
    said = capsys.readouterr().out
    assert len(said.splitlines()) == 2
    assert all(line.isprintable() and line.startswith("NOT PROVED.") for line in said.splitlines())


def test_a_value_that_was_logged_is_shown_in_one_line(folder: Path, capsys: Said) -> None:
    (folder / "policy").write_bytes(
        specimens.POLICY.replace(b"witness w1", b"witness \xff\xc2\x9b").replace(b" w1 ", b" \xff\xc2\x9b ")
    )
    assert verify(folder, "@receipt.tlog-proof", "--policy", "@policy") == 0
    assert all(line.isprintable() for line in capsys.readouterr().out.splitlines())


@pytest.mark.parametrize("name", ["@evidence.zip", "@tiles.zip"])
def test_evidence_says_where_the_log_went_on_under_a_new_origin(folder: Path, capsys: Said, name: str) -> None:
    assert verify(folder, name, *KEY) == 0
    assert "went on" not in capsys.readouterr().out
    entries = with_continuation(12)
    (folder / "evidence.zip").write_bytes(specimens.pack(specimens.members((4, 10), entries)))
    (folder / "tiles.zip").write_bytes(specimens.pack(exported(entries)))
    assert verify(folder, name, *KEY) == 0
    *_, proved, _ = capsys.readouterr().out.splitlines()
    assert proved.startswith("Proved: these 10 entries")
    assert proved.endswith(
        ". At entry 8 the log went on under a new origin: 12 entries had been signed for before, 7 of them were kept, "
        "so 5 are lost; checkpoints kept of the old origin will not fit."
    )
    assert ("put between since the first of them" in proved) == (name == "@evidence.zip")


def test_where_no_fewer_entries_were_kept_none_is_said_to_be_lost(folder: Path, capsys: Said) -> None:
    (folder / "tiles.zip").write_bytes(specimens.pack(exported(with_continuation(7))))
    assert verify(folder, "@tiles.zip", *KEY) == 0
    said = capsys.readouterr().out
    assert "7 entries had been signed for before, and whether they are among the 7 that it then held cannot be" in said
    assert "lost" not in said


@pytest.mark.parametrize("name", ["@evidence.zip", "@tiles.zip"])
def test_evidence_agrees_with_each_checkpoint_that_was_kept(folder: Path, capsys: Said, name: str) -> None:
    assert verify(folder, name, *KEY, "--checkpoint", "@kept") == 0
    assert "; it agrees with the checkpoint that you kept, of 7 entries." in sentences(capsys)[0]
    kept = ["--checkpoint", "@kept"]
    for size in (0, specimens.SIZE, 1):
        (folder / f"kept-{size}").write_text(specimens.signed(size, "w1"))
        kept += ["--checkpoint", f"@kept-{size}"]
    assert verify(folder, name, *KEY, *kept) == 0
    assert "; it agrees with the checkpoints that you kept, of 0, 1, 7 and 13 entries." in sentences(capsys)[0]


def of_another_origin() -> str:
    checkpoint = Checkpoint(specimens.OTHER_ORIGIN, 7, rfc9162.tree_hash(specimens.ENTRIES[:7]))
    return sign_checkpoint(checkpoint, specimens.LOG)


LONGER = [*specimens.ENTRIES, entry_number(13).encode()]
OTHERS = [*specimens.ENTRIES[:3], entry_number(99).encode(), *specimens.ENTRIES[4:]]


@pytest.mark.parametrize("name", ["@evidence.zip", "@tiles.zip"])
@pytest.mark.parametrize(
    ("kept", "says"),
    [
        (specimens.signed(14, entries=LONGER), "counts 14 entries; the evidence has 13: entries are missing"),
        (
            specimens.signed(7, entries=OTHERS),
            "first 7 entries of the evidence are not those that it was signed for",
        ),
        (specimens.signed(0).replace("\n0\n", "\n7\n"), "is not signed by the key of the evidence: The signature of"),
        (specimens.signed(7, signer=specimens.STRANGER), "is not signed by the key of the evidence: No known key"),
        (of_another_origin(), f"is of the log {specimens.OTHER_ORIGIN}; the evidence is of {ORIGIN}."),
    ],
)
def test_a_kept_checkpoint_that_does_not_fit_says_why(
    folder: Path, capsys: Said, name: str, kept: str, says: str
) -> None:
    (folder / "false").write_text(kept)
    assert verify(folder, name, *KEY, "--checkpoint", "@kept", "--checkpoint", "@false") == 1
    said = capsys.readouterr().out
    assert said.startswith("NOT PROVED. The checkpoint that you kept (")
    assert says in said


def test_a_checkpoint_of_the_old_origin_is_told_where_the_log_went_on(folder: Path, capsys: Said) -> None:
    (folder / "tiles.zip").write_bytes(specimens.pack(exported(with_continuation(12))))
    (folder / "old").write_text(of_another_origin())
    assert verify(folder, "@tiles.zip", *KEY, "--checkpoint", "@old") == 1
    assert "At entry 8 the log went on under a new origin" in capsys.readouterr().out


def test_each_subcommand_has_one_row_and_helps_itself(capsys: Said) -> None:
    assert len({command.name for command in COMMANDS}) == len(COMMANDS)
    for command in COMMANDS:
        with pytest.raises(SystemExit, match="0"):
            main([command.name, "--help"])
        assert command.purpose in " ".join(capsys.readouterr().out.split())
