import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from audit import errors
from audit.bundle import verify_bundle
from audit.checkpoint import open_checkpoint
from audit.merkle import leaf_hash
from audit.note import parse_note, parse_verifier_key, verify_note
from audit.policy import parse_policy
from audit.proof import verify_consistency, verify_inclusion
from audit.receipt import verify_receipt
from audit.tlog_proof import parse_tlog_proof
from tests.audit.make_vectors import FOLDER, STRUCTURES, made
from tests.audit.specimens import ENTRIES, INDEX, KEY, POLICY, SIZE, WITNESS_KEYS, signed

COSIGNED = parse_note(signed(SIZE, "w1", "w2"))
ASKS_FOR_W1 = parse_policy(f"log {KEY}\nwitness w1 {WITNESS_KEYS['w1']}\nquorum w1\n".encode())
LEAST_OF_EACH = 20


def read_json(path: Path) -> dict[str, Any]:
    """The fields of a bare proof; its hashes are in hexadecimal."""

    def read(value: Any) -> Any:
        if isinstance(value, list):
            return [bytes.fromhex(each) for each in value]
        return bytes.fromhex(value) if isinstance(value, str) else value

    return {name: read(value) for name, value in json.loads(path.read_bytes()).items()}


def judge_tlog_proof(path: Path) -> None:
    proof = parse_tlog_proof(path.read_bytes())
    checkpoint = open_checkpoint(proof.note, KEY)
    verify_inclusion(leaf_hash(ENTRIES[INDEX]), proof.index, checkpoint.size, proof.hashes, checkpoint.root)


JUDGES: Mapping[str, Callable[[Path], object]] = {
    "note": lambda path: verify_note(parse_note(path.read_bytes()), [KEY]),
    "vkey": lambda path: parse_verifier_key(path.read_bytes().decode()),
    "checkpoint": lambda path: open_checkpoint(path.read_bytes(), KEY),
    "cosignature": lambda path: ASKS_FOR_W1.verify(parse_note(path.read_bytes())),
    "policy": lambda path: parse_policy(path.read_bytes()).verify(COSIGNED),
    "tlog-proof": judge_tlog_proof,
    "receipt": lambda path: verify_receipt(path.read_bytes(), None, parse_policy(POLICY)),
    "inclusion": lambda path: verify_inclusion(**read_json(path)),
    "consistency": lambda path: verify_consistency(**read_json(path)),
    "bundle": lambda path: verify_bundle(path, KEY, parse_policy(POLICY)),
}


def index_of(structure: str) -> dict[str, tuple[str, str]]:
    index: dict[str, tuple[str, str]] = json.loads((FOLDER / structure / "index.json").read_bytes())
    return index


VECTORS = [(structure, name, *each) for structure in STRUCTURES for name, each in index_of(structure).items()]
BAD = [(structure, name, error, says) for structure, name, error, says in VECTORS if error]
GOOD = [(structure, name) for structure, name, error, _ in VECTORS if not error]


def file_of(structure: str, name: str) -> Path:
    return FOLDER / structure / f"{name}{STRUCTURES[structure][1]}"


def test_the_script_makes_exactly_the_files_that_are_here() -> None:
    here = {path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in FOLDER.rglob("*") if path.is_file()}
    again = made()
    assert here.keys() == again.keys()
    assert [name for name in here if here[name] != again[name]] == []


@pytest.mark.parametrize(("structure", "name", "error", "says"), BAD, ids=[f"{each[0]}/{each[1]}" for each in BAD])
def test_every_mutation_is_refused_with_its_error(structure: str, name: str, error: str, says: str) -> None:
    with pytest.raises(errors.AuditError, match=re.escape(says) if says else None) as refused:
        JUDGES[structure](file_of(structure, name))
    assert type(refused.value) is getattr(errors, error)


@pytest.mark.parametrize(("structure", "name"), GOOD, ids=["/".join(each) for each in GOOD])
def test_every_good_vector_is_accepted(structure: str, name: str) -> None:
    JUDGES[structure](file_of(structure, name))


def test_every_structure_has_good_vectors_and_many_that_differ_from_them_in_one_thing() -> None:
    assert JUDGES.keys() == STRUCTURES.keys()
    for structure in STRUCTURES:
        assert sum(each[0] == structure for each in BAD) >= LEAST_OF_EACH
        assert (structure, "good") in GOOD
        contents = [file_of(structure, name).read_bytes() for name in index_of(structure)]
        assert len(set(contents)) == len(contents)
