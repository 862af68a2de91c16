"""What the peers are asked: checkpoints and proofs of a log of ours, each whole and in every way altered."""

from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import Connection, Engine

from audit.checkpoint import open_checkpoint
from audit.cosignature import cosign, cosignatures_of, with_signatures
from audit.errors import AuditError
from audit.log import AuditLog
from audit.merkle import leaf_hash
from audit.note import COSIGNER, VerifierKey, parse_note, parse_verifier_key
from audit.proof import verify_consistency, verify_inclusion
from audit.witness.answer import Witness
from audit.witness.folder import KEY, STATE, open_folder
from audit.witness.state import TrustedLog, WitnessState
from tests.audit.example_log import INSPECTION, FixedSigner, entry_number
from tests.audit.peers import Question
from tests.audit.witness_parts import LOG_KEY, NAME, NOW, STRANGER, Clock, ExampleLog

SIZES = (1, 5, 11)
OURS, FORK = ExampleLog(), ExampleLog("two", fork_at=3)
COSIGNER_OF_NOTES = FixedSigner(60)
COSIGNER_KEY = VerifierKey("witness.example/w9", COSIGNER_OF_NOTES.public_key_bytes, COSIGNER)


def ask_of(log: AuditLog[Connection], engine: Engine) -> list[Question]:
    """Fill the log, and ask about everything in it. The question's `good` says what the answer has to be."""
    notes: dict[int, str] = {}
    done = 0
    with engine.begin() as connection:
        for size in SIZES:
            log.append_many(connection, INSPECTION, [entry_number(each) for each in range(done, size)])
            notes[size] = log.sign_checkpoint(connection, INSPECTION).note
            done = size
        key = log.verifier_key(connection, INSPECTION)
        questions = list(_checkpoints(key, notes))
        questions += _inclusions(log, connection)
        questions += _consistencies(log, connection)
    return questions


def judge(question: Question) -> bool:
    """What our own verifiers say."""
    kinds = {"checkpoint": _judge_checkpoint, "inclusion": _judge_inclusion, "consistency": _judge_consistency}
    try:
        kinds[question["kind"]](question)
    except AuditError:
        return False
    return True


def _judge_checkpoint(question: Question) -> None:
    found = open_checkpoint(question["note"], parse_verifier_key(question["key"]))
    keys = [parse_verifier_key(key, COSIGNER) for key in question["witnesses"]]
    seen = cosignatures_of(parse_note(question["note"]), keys)
    if (found.size, found.root.hex(), len(seen)) != (question["size"], question["root"], len(keys)):
        raise AuditError


def _judge_inclusion(question: Question) -> None:
    leaf, proof = leaf_hash(question["entry"].encode()), [bytes.fromhex(each) for each in question["proof"]]
    verify_inclusion(leaf, question["index"], question["size"], proof, bytes.fromhex(question["root"]))


def _judge_consistency(question: Question) -> None:
    roots = bytes.fromhex(question["old_root"]), bytes.fromhex(question["new_root"])
    proof = [bytes.fromhex(each) for each in question["proof"]]
    verify_consistency(question["old"], question["new"], *roots, proof)


def _checkpoints(key: VerifierKey, notes: dict[int, str]) -> Iterator[Question]:
    for size, note in notes.items():
        root = open_checkpoint(note, key).root.hex()
        good = {"kind": "checkpoint", "good": True, "note": note, "key": str(key), "origin": key.name}
        good |= {"size": size, "root": root, "witnesses": []}
        bad = good | {"good": False}
        yield good
        yield bad | {"note": note.replace(f"\n{size}\n", f"\n{size + 1}\n")}
        yield bad | {"note": note.replace(key.name + "\n", key.name + "x\n", 1)}
        yield bad | {"note": note[:-8] + ("AAAA" if note[-8:-4] != "AAAA" else "BBBB") + note[-4:]}
        yield bad | {"key": str(VerifierKey(key.name, STRANGER.public_key_bytes))}
        line = cosign(parse_note(note).text, COSIGNER_KEY.name, COSIGNER_OF_NOTES, NOW)
        cosigned = {"note": with_signatures(note, [line]), "witnesses": [str(COSIGNER_KEY)]}
        yield good | cosigned
        yield bad | cosigned | {"note": note}
        other = cosign(
            parse_note(note.replace(f"\n{size}\n", "\n99\n")).text, COSIGNER_KEY.name, COSIGNER_OF_NOTES, NOW
        )
        yield bad | cosigned | {"note": with_signatures(note, [other])}


def _inclusions(log: AuditLog[Connection], connection: Connection) -> Iterator[Question]:
    size = SIZES[-1]
    root = log.store.root(connection, INSPECTION, size).hex()
    for index in range(size):
        entry = log.store.entry(connection, INSPECTION, index).encoded.decode()
        proof = [each.hex() for each in log.store.inclusion_proof(connection, INSPECTION, index, size)]
        good = {"kind": "inclusion", "good": True, "entry": entry, "index": index, "size": size}
        good |= {"proof": proof, "root": root}
        bad = good | {"good": False}
        yield good
        yield bad | {"index": (index + 1) % size}
        yield bad | {"entry": entry.replace("receipt:viewed", "receipt:viewer")}
        yield bad | {"proof": proof[1:]}
        yield bad | {"proof": proof[:-1]}
        yield bad | {"proof": [*proof, "00" * 32]}
        yield bad | {"index": size + index}
        yield bad | {"root": "00" * 32}


def _consistencies(log: AuditLog[Connection], connection: Connection) -> Iterator[Question]:
    new = SIZES[-1]
    new_root = log.store.root(connection, INSPECTION, new).hex()
    for old in range(1, new + 1):
        proof = [each.hex() for each in log.store.consistency_proof(connection, INSPECTION, old, new)]
        old_root = log.store.root(connection, INSPECTION, old).hex()
        good = {"kind": "consistency", "good": True, "old": old, "new": new, "proof": proof}
        good |= {"old_root": old_root, "new_root": new_root}
        bad = good | {"good": False}
        yield good
        yield bad | {"old_root": "00" * 32}
        yield bad | {"new_root": "00" * 32}
        yield bad | {"proof": [*proof, "00" * 32]}
        if old < new:
            yield bad | {"proof": proof[:-1]}
            yield bad | {"old": new, "new": old}
            yield bad | {"old_root": new_root, "new_root": old_root}


def fixed_witness(folder: Path) -> Witness:
    """A witness of ours whose key and clock are the same in every run, so that its answers are."""
    folder.mkdir(mode=0o700)
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(70, 102)))
    key = VerifierKey(NAME, private.public_key().public_bytes_raw(), COSIGNER)
    WitnessState.create(folder / STATE, str(key))
    (folder / KEY).touch(0o600)
    (folder / KEY).write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    opened = open_folder(folder)
    opened.state.trust(TrustedLog(LOG_KEY, below=False))
    return Witness(NAME, opened.signer, opened.state, Clock())


def steps_of_a_client() -> tuple[list[Question], list[str]]:
    """Notes for their client to submit to our witness, and what has to come of each: `cosigned` or its error."""
    plan = [
        (OURS, 5, 0, "cosigned"),
        (OURS, 11, 5, "cosigned"),
        (OURS, 11, 11, "cosigned"),
        (OURS, 12, 0, "cosigned"),  # a 409, and again from the size that it names
        (FORK, 12, 12, "rejected 409"),
        (FORK, 15, 12, "rejected 422"),
        (OURS, 7, 5, "WitnessAhead"),
        (ExampleLog(origin="elsewhere.example"), 5, 0, "rejected 404"),
        (ExampleLog(signer=STRANGER), 13, 12, "rejected 403"),
    ]
    steps = []
    for log, size, old, _ in plan:
        starts = [each for each in {old, 11, 12} if 0 < each < size]
        proofs = {f"{start} {size}": [each.hex() for each in log.proof(start, size)] for start in starts}
        steps.append({"note": log.signed(size), "old": old, "proofs": proofs})
    return steps, [outcome for *_, outcome in plan]
