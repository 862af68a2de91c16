"""The bundle of a log that witnesses cosigned and that went on under a new origin."""

import zipfile
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from audit.bundle import verify_bundle
from audit.cosignature import COSIGNER, cosign, cosignatures_of
from audit.errors import LogDamagedError, UnknownLogError
from audit.log import AuditLog
from audit.note import VerifierKey, parse_note
from audit.store import LogContinuation, StoredCosignature
from tests.audit.example_log import INSPECTION, ORIGIN, START, FixedSigner, entry_number

Log = AuditLog[Connection]
NEXT = ORIGIN + "/2"
WITNESS = FixedSigner(7)
WITNESS_KEY = VerifierKey("witness.example", WITNESS.public_key_bytes, COSIGNER)


def fill(connection: Connection, log: Log, start: int, stop: int) -> None:
    log.append_many(connection, INSPECTION, [entry_number(number) for number in range(start, stop)])
    signed = log.sign_checkpoint(connection, INSPECTION)
    line = cosign(parse_note(signed.note).text, WITNESS_KEY.name, WITNESS, int(START.timestamp()))
    log.store.add_cosignature(
        connection, StoredCosignature(INSPECTION, signed.tree_size, WITNESS_KEY.name, line, START)
    )


def written(connection: Connection, log: Log, folder: Path) -> Path:
    path = folder / "evidence.zip"
    with path.open("wb") as out:
        log.write_bundle(connection, INSPECTION, out)
    return path


def test_checkpoints_carry_the_cosignatures_that_came_for_them(engine: Engine, log: Log, tmp_path: Path) -> None:
    with engine.begin() as connection:
        fill(connection, log, 0, 3)
        fill(connection, log, 3, 5)
        path = written(connection, log, tmp_path)
    with zipfile.ZipFile(path) as bundle:
        notes = [parse_note(bundle.read(name)) for name in bundle.namelist() if name.startswith("checkpoints/")]
        assert "another origin" not in bundle.read("README.txt").decode()
    assert [cosignatures_of(note, [WITNESS_KEY]) for note in notes] == [{"witness.example": START.timestamp()}] * 2
    assert verify_bundle(path, VerifierKey(ORIGIN, FixedSigner().public_key_bytes)).checkpoint_sizes == (3, 5)


def test_a_log_that_went_on_is_proved_under_its_present_origin(engine: Engine, log: Log, tmp_path: Path) -> None:
    with engine.begin() as connection:
        fill(connection, log, 0, 3)
        log.store.continue_log(connection, LogContinuation(INSPECTION, 1, NEXT, 3, START))
        fill(connection, log, 3, 5)
        path = written(connection, log, tmp_path)
    with zipfile.ZipFile(path) as bundle:
        assert "Up to 3 entries this log bore another origin" in bundle.read("README.txt").decode()
    report = verify_bundle(path, VerifierKey(NEXT, FixedSigner().public_key_bytes))
    assert (report.tree_size, report.checkpoint_sizes) == (5, (5,))


def test_a_present_origin_that_signed_nothing_yet_proves_nothing(engine: Engine, log: Log, tmp_path: Path) -> None:
    with engine.begin() as connection:
        fill(connection, log, 0, 3)
        log.store.continue_log(connection, LogContinuation(INSPECTION, 1, NEXT, 3, START))
        with pytest.raises(UnknownLogError):
            written(connection, log, tmp_path)


def test_a_cosignature_that_is_no_line_stops_the_bundle(engine: Engine, log: Log, tmp_path: Path) -> None:
    with engine.begin() as connection:
        fill(connection, log, 0, 3)
        log.store.add_cosignature(connection, StoredCosignature(INSPECTION, 3, "other.example", "no line", START))
        with pytest.raises(LogDamagedError, match="Run the log check"):
            written(connection, log, tmp_path)
