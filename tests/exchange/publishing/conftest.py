"""An inspection whose log is witnessed, kept and mailed: real witnesses and a real folder on this machine."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from audit.note import VerifierKey
from audit.policy import Policy, PolicyGroup, PolicyWitness
from audit.witness.answer import Witness
from audit.witness.folder import create_folder, open_folder
from audit.witness.server import WitnessServer
from audit.witness.state import TrustedLog
from config.settings import Settings
from exchange import trail
from exchange.parts import Parts
from exchange.publishing.witnesses import Witnesses
from exchange.submissions.models import Alarm
from exchange.worker import sign_checkpoints
from tests.exchange.inspection_case import Case, case_of

POLL_SECONDS = 0.02  # until a server notices that its test is over


@pytest.fixture
def area(make_area: Callable[..., Any]) -> Any:
    return make_area()


@pytest.fixture
def case(parts: Parts, area: Any) -> Case:
    return case_of(parts, area)


@dataclass
class Party:
    """A witness that another party runs: its folder, whether it is up, and where."""

    name: str
    folder: Path
    parts: Parts
    stack: ExitStack
    port: int = 0
    server: WitnessServer | None = None
    journal: list[str] = field(default_factory=list)

    @property
    def key(self) -> VerifierKey:
        return VerifierKey(self.name, open_folder(self.folder).signer.public_key_bytes, 4)

    def trust_service(self) -> None:
        prefix = VerifierKey(self.parts.settings.log_origin, self.parts.trail.log.public_key)
        open_folder(self.folder).state.trust(TrustedLog(prefix, below=True))

    def start(self) -> None:
        opened, clock = open_folder(self.folder), self.parts.clock
        witness = Witness(self.name, opened.signer, opened.state, lambda: int(clock().timestamp()))
        self.server = WitnessServer(("127.0.0.1", self.port), witness, self.journal.append)
        self.port = self.server.server_port
        thread = threading.Thread(target=self.server.serve_forever, args=[POLL_SECONDS])
        thread.start()
        self.stack.callback(self.stop)

    def stop(self) -> None:
        server, self.server = self.server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def policy_row(self) -> PolicyWitness:
        return PolicyWitness(self.name.rpartition("/")[2], self.key, f"http://127.0.0.1:{self.port}")


MakeParty = Callable[..., Party]


@pytest.fixture
def make_party(tmp_path: Path, parts: Parts) -> Iterator[MakeParty]:
    with ExitStack() as stack:

        def make(short: str = "w1", *, trusting: bool = True) -> Party:
            name = f"witness.example/{short}"
            create_folder(tmp_path / short, name)
            party = Party(name, tmp_path / short, parts, stack)
            if trusting:
                party.trust_service()
            party.start()
            return party

        yield make


@pytest.fixture
def party(make_party: MakeParty) -> Party:
    return make_party()


def asking(parts: Parts, *parties: Party, quorum: int = 1) -> Parts:
    """The service with these witnesses, `quorum` of which must agree."""
    witnesses = tuple(party.policy_row() for party in parties)
    group = PolicyGroup("enough", quorum, tuple(witness.name for witness in witnesses))
    return replace(parts, witness_policy=Policy((), witnesses, (group,), "enough"))


def keeping(parts: Parts, folder: Path, **settings: Any) -> Parts:
    """The service with a folder that checkpoints are kept in."""
    folder.mkdir(exist_ok=True)
    return replace(parts, settings=Settings(**{**parts.settings.model_dump(), "checkpoint_folder": folder, **settings}))


def ask_all(parts: Parts) -> None:
    """One round of the duty, waited for to its end."""
    duty = Witnesses(parts)
    duty()
    duty.finish()


def grow(parts: Parts, log_id: str = trail.SERVICE_LOG, times: int = 1) -> None:
    """Add entries to a log and sign its new state."""
    inspection = None if log_id == trail.SERVICE_LOG else log_id
    for _ in range(times):
        with parts.database.unit_of_work() as unit:
            trail.record(unit, "trail:viewed", actor=trail.HOST, inspection=inspection, details={"filters": []})
    sign_checkpoints(parts)


def alarms(parts: Parts, kind: str = "") -> list[Alarm]:
    with parts.database.read() as session:
        found = list(session.scalars(select(Alarm).order_by(Alarm.raised_at)))
    return [alarm for alarm in found if not kind or alarm.kind == kind]


def clear_alarms(parts: Parts) -> None:
    with parts.database.unit_of_work() as unit:
        for alarm in unit.session.scalars(select(Alarm)):
            alarm.cleared_at, alarm.cleared_by = unit.now, "somebody"


def latest_note(parts: Parts, log_id: str = trail.SERVICE_LOG) -> str:
    with parts.database.read() as session:
        found = parts.trail.store.latest_checkpoint(session.connection(), log_id)
    assert found is not None
    return found.note


def signed_size(parts: Parts, log_id: str = trail.SERVICE_LOG) -> int:
    return int(latest_note(parts, log_id).split("\n")[1])
