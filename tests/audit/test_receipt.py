import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from audit.entry import Entry
from audit.errors import AuditError, EvidenceError, ProofError, ReceiptError, UnknownLogError, VocabularyError
from audit.fields import commit_to
from audit.log import AuditLog
from audit.note import VerifierKey
from audit.policy import parse_policy
from audit.receipt import Opening, make_receipt, parse_receipt, verify_receipt
from tests.audit import specimens
from tests.audit.example_log import INSPECTION, ORIGIN, PERSON, START, FixedSigner, document, entry_number

Log = AuditLog[Connection]
SALT = bytes(range(32))
REASONED = Entry(
    "deadline:moved",
    START,
    PERSON,
    INSPECTION,
    None,
    {"item": "1.1", "due": "2026-03-09T12:00:00.000000Z", "commitment": commit_to("Two lines\nof reason", SALT)},
)
OPENED = {"commitment": Opening(SALT, "Two lines\nof reason")}
KEY = VerifierKey(ORIGIN, FixedSigner().public_key_bytes)
POLICY = parse_policy(specimens.POLICY)
GOOD = specimens.receipt()


def filled(connection: Connection, log: Log) -> None:
    log.append_many(connection, INSPECTION, [entry_number(number) for number in range(4)])
    log.append(connection, INSPECTION, REASONED)
    log.append_many(connection, INSPECTION, [entry_number(number) for number in range(5, 9)])


def test_every_entry_under_a_checkpoint_has_a_receipt_that_verifies(engine: Engine, log: Log) -> None:
    with engine.begin() as connection:
        filled(connection, log)
        checkpoint = log.sign_checkpoint(connection, INSPECTION)
        for index in range(9):
            opened = OPENED if index == 4 else {}
            made = make_receipt(
                log.store, connection, INSPECTION, index, words="Words.", opened=opened, checkpoint=checkpoint
            )
            report = verify_receipt(made, KEY)
            assert (report.index, report.tree_size, report.root_hash) == (index, 9, checkpoint.root_hash)
            assert report.entry == (REASONED if index == 4 else entry_number(index))
    assert report.opened == {}


def test_a_receipt_shows_what_its_commitments_hide(engine: Engine, log: Log) -> None:
    with engine.begin() as connection:
        filled(connection, log)
        checkpoint = log.sign_checkpoint(connection, INSPECTION)
        made = make_receipt(log.store, connection, INSPECTION, 4, words="", opened=OPENED, checkpoint=checkpoint)
    assert verify_receipt(made, KEY).opened == {"commitment": "Two lines\nof reason"}
    assert parse_receipt(made).opened == OPENED


def test_a_receipt_carries_the_signatures_of_the_witnesses(engine: Engine, log: Log) -> None:
    with engine.begin() as connection:
        filled(connection, log)
        checkpoint = log.sign_checkpoint(connection, INSPECTION)
        line = specimens.cosignature("w1", checkpoint.note.rpartition("\n\n")[0] + "\n")
        made = make_receipt(
            log.store, connection, INSPECTION, 0, words="", opened={}, checkpoint=checkpoint, cosignatures=[line]
        )
    policy = parse_policy(f"witness w1 {specimens.WITNESS_KEYS['w1']}\nquorum w1\n".encode())
    assert verify_receipt(made, KEY, policy).cosigned == {"w1": specimens.TIME}


def test_no_receipt_is_made_that_proves_nothing(engine: Engine, log: Log) -> None:
    with engine.begin() as connection:
        filled(connection, log)
        checkpoint = log.sign_checkpoint(connection, INSPECTION)
        log.append(connection, INSPECTION, entry_number(9))

        def make(index: int, opened: dict[str, Opening], size: int = 9) -> bytes:
            changed = dataclasses.replace(checkpoint, tree_size=size)
            return make_receipt(log.store, connection, INSPECTION, index, words="", opened=opened, checkpoint=changed)

        with pytest.raises(ProofError):  # logged, but not signed for yet
            make(9, {})
        with pytest.raises(UnknownLogError):
            make(10, {})
        with pytest.raises(EvidenceError):
            make(4, {"commitment": Opening(SALT, "another reason")})
        with pytest.raises(EvidenceError):
            make(3, OPENED)
        with pytest.raises(EvidenceError):  # the row beside the note is not what the note says
            make(4, OPENED, size=8)
        with pytest.raises(ReceiptError):
            make(4, {"commitment": Opening(SALT[:15], "Two lines\nof reason")})


def test_a_receipt_of_the_specimens_verifies_against_key_or_policy() -> None:
    by_key = verify_receipt(GOOD, specimens.KEY)
    by_policy = verify_receipt(GOOD, None, POLICY)
    both = verify_receipt(GOOD, specimens.KEY, parse_policy(specimens.POLICY_WITHOUT_LOG))
    assert by_key.key == by_policy.key == both.key == specimens.KEY
    assert by_key.cosigned == {}
    assert by_policy.cosigned == both.cosigned == {"w1": specimens.TIME, "w2": specimens.TIME}
    assert by_key.opened == {"name_commitment": specimens.NAME, "title_commitment": specimens.TITLE}


def test_the_words_of_a_receipt_are_never_believed() -> None:
    report = verify_receipt(
        specimens.receipt(beside=specimens.extra(words="You sent a million pounds.")), specimens.KEY
    )
    assert report.sentence == (
        f"{PERSON} submitted document {document(5)} (csv, 30 bytes) for 1.1. Date of its data: as-at:2026-02-27."
    )


def test_without_a_key_there_is_nothing_to_judge_by() -> None:
    with pytest.raises(ReceiptError, match="does not hold the log's key"):
        verify_receipt(GOOD, None)
    with pytest.raises(ReceiptError, match="does not hold the log's key"):
        verify_receipt(GOOD, None, parse_policy(specimens.POLICY_WITHOUT_LOG))


def test_a_policy_that_names_another_log_only_proves_nothing() -> None:
    other = parse_policy(f"log {VerifierKey('elsewhere', specimens.LOG.public_key_bytes)}\nquorum none\n".encode())
    for key in (None, specimens.KEY):
        with pytest.raises(EvidenceError):
            verify_receipt(GOOD, key, other)


def test_the_key_given_and_the_policy_must_both_agree() -> None:
    stranger = VerifierKey(ORIGIN, specimens.STRANGER.public_key_bytes)
    with pytest.raises(EvidenceError):
        verify_receipt(GOOD, stranger, POLICY)


def test_the_document_is_compared_to_the_last_bit(tmp_path: Path) -> None:
    path = tmp_path / "document"
    path.write_bytes(specimens.DOCUMENT)
    assert verify_receipt(GOOD, specimens.KEY, None, path).document == path
    for content in (specimens.DOCUMENT[:-1], specimens.DOCUMENT + b"\n", b""):
        path.write_bytes(content)
        with pytest.raises(EvidenceError, match="not the one of the entry"):
            verify_receipt(GOOD, specimens.KEY, None, path)


def test_an_entry_that_names_no_document_says_nothing_about_one(tmp_path: Path) -> None:
    path = tmp_path / "document"
    path.write_bytes(specimens.DOCUMENT)
    with pytest.raises(EvidenceError, match="names no SHA-256"):
        verify_receipt(specimens.receipt(3), specimens.KEY, None, path)


def test_a_document_that_cannot_be_opened_is_no_verdict(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(ReceiptError, match="cannot be opened"):
            verify_receipt(GOOD, specimens.KEY, None, path)


def test_an_event_of_a_later_vocabulary_is_proved_without_words() -> None:
    later = Entry("submission:praised", START, PERSON, INSPECTION, None, {"stars": 5}).encode()
    report = verify_receipt(specimens.receipt(entries=[*specimens.ENTRIES[:5], later], size=6), specimens.KEY)
    assert report.sentence == f"An act that this version of the software has no words for: {later.decode()}"


def test_what_was_logged_but_is_no_entry_is_refused() -> None:
    for logged in (b"{}", b"no JSON", specimens.ENTRIES[5] + b" "):
        made = specimens.receipt(entries=[*specimens.ENTRIES[:5], logged], size=6)
        with pytest.raises(EvidenceError, match="cannot be read"):
            verify_receipt(made, specimens.KEY)


@settings(max_examples=400)
@given(st.data())
def test_a_flipped_bit_anywhere_but_in_the_words_is_refused(data: st.DataObject) -> None:
    raw = bytearray(GOOD)
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        report = verify_receipt(bytes(raw), None, POLICY)
    except AuditError as error:
        assert not isinstance(error, VocabularyError)  # noqa: PT017  either of ours, and no other
        assert isinstance(error, ReceiptError | EvidenceError)  # noqa: PT017
        return
    assert report == verify_receipt(GOOD, None, POLICY)
    assert parse_receipt(bytes(raw)).words != parse_receipt(GOOD).words
