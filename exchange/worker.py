"""The worker: a short list of duties, each done when it is due, until somebody says stop.

Promises: a duty that fails is written to the journal and the next one is still done; nothing is queued, since the rows
themselves say what is due, so a worker may be killed anywhere and several may run; SIGTERM and SIGINT end it at once,
in the middle of a duty too, whose transaction is then rolled back.
"""

from __future__ import annotations

import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from types import FrameType

from audit.errors import AuditError, LogRolledBackError
from exchange import trail
from exchange.accounts.roll_off import roll_off
from exchange.clock import in_london
from exchange.exports.service import WorkerFeed
from exchange.journal import journal
from exchange.notifications.delivery import deliver_due
from exchange.oversight.access_check import check_access
from exchange.oversight.alarms import add_alarm, raise_alarm
from exchange.oversight.alerts import look_for_alerts
from exchange.oversight.logs import inspection_of
from exchange.parts import Parts
from exchange.publishing.alongside import Alongside
from exchange.publishing.keeping import Keeper
from exchange.publishing.log_checks import LogChecks
from exchange.publishing.mailing import mail_checkpoints
from exchange.publishing.witnesses import Witnesses
from exchange.retention.service import run_disposal
from exchange.submissions.checking import check_next
from exchange.submissions.sweep import Sweeper

# A key without a document may belong to an upload that is still on its way; no upload takes a day.
ORPHAN_AGE = timedelta(days=1)
DAILY_ROUND = timedelta(minutes=10)  # how often the worker looks whether a new day has begun

Act = Callable[[], None]


@dataclass(frozen=True)
class Duty:
    """Something to be done again and again, at the latest every so often."""

    name: str
    every: timedelta
    act: Act
    finish: Act | None = None  # waits for what the act has begun beside the others; only where each duty is done once


@dataclass
class Daily:
    """An act that is done once on each London day, and again the same day only if it failed."""

    parts: Parts
    act: Callable[[date], object]
    done_on: date | None = field(default=None, init=False)

    def __call__(self) -> None:
        """Do it unless it was done today."""
        today = in_london(self.parts.clock()).date()
        if today != self.done_on:
            self.act(today)
            self.done_on = today


def duties_of(parts: Parts, go_on: Callable[[], bool]) -> list[Duty]:
    """The list; `go_on` says whether a duty of many small pieces may begin the next piece."""
    every_round = timedelta(seconds=parts.settings.worker_seconds)
    sweeper = Sweeper(parts)

    def read_back() -> None:
        while go_on() and check_next(parts):
            pass

    def sweep_orphans() -> None:
        report = sweeper.sweep(ORPHAN_AGE)
        journal(duty="sweep").info(
            "swept", unfinished=report.unfinished, files=report.files, keys=report.keys, unrecorded=report.unrecorded
        )

    def dispose(day: date) -> None:
        report = run_disposal(parts, day, trail.WORKER)
        counts = {"disposed": len(report.disposed), "held": len(report.held), "failed": len(report.failed)}
        journal(duty="dispose").info("disposal run", **counts)

    def look() -> None:
        check_access(parts, look_for_alerts(parts, go_on))

    return [
        Duty("read back", every_round, read_back),
        Duty("sign checkpoints", every_round, lambda: sign_checkpoints(parts)),
        *publishing_duties(parts, every_round, go_on),
        Duty("look for alerts", every_round, look),
        Duty("compare access", DAILY_ROUND, Daily(parts, lambda _day: check_access(parts))),
        Duty("sweep", timedelta(minutes=parts.settings.sweep_minutes), sweep_orphans),
        Duty("dispose", DAILY_ROUND, Daily(parts, dispose)),
        Duty("roll off", DAILY_ROUND, Daily(parts, lambda day: roll_off(parts, day))),
        *([Duty("feed", every_round, WorkerFeed(parts))] if parts.settings.siem_url else []),
    ]


def publishing_duties(parts: Parts, every_round: timedelta, go_on: Callable[[], bool]) -> list[Duty]:
    """What waits for others or takes long: begun here, done beside the other duties."""
    witnesses = Witnesses(parts)
    keeper = Alongside("keep checkpoints", Keeper(parts))
    checks = Alongside("check logs", LogChecks(parts, go_on), is_heavy=True)
    delivery = Alongside("deliver mail", lambda: deliver_due(parts, go_on))
    return [
        Duty("ask witnesses", every_round, witnesses, witnesses.finish),
        Duty("keep checkpoints", every_round, keeper, keeper.finish),
        Duty("check logs", every_round, checks, checks.finish),
        Duty("mail checkpoints", DAILY_ROUND, Daily(parts, lambda day: mail_checkpoints(parts, day))),
        Duty("deliver mail", every_round, delivery, delivery.finish),
    ]


def sign_checkpoints(parts: Parts) -> None:
    """Sign the state of every log that has grown; one that cannot be signed raises an alarm, and the others go on.

    Raises:
        audit.errors.AuditError: what stopped the last log that could not be signed.
    """
    damage: AuditError | None = None
    for log_id in _grown_logs(parts):
        try:
            with parts.database.unit_of_work() as unit:
                parts.trail.log.sign_checkpoint(unit.session.connection(), log_id)
        except AuditError as error:
            damage = error
            _raise_alarm(parts, log_id, "log-rolled-back" if isinstance(error, LogRolledBackError) else "log-damaged")
    if damage is not None:
        raise damage


def _grown_logs(parts: Parts) -> list[str]:
    with parts.database.read() as session:
        connection, store = session.connection(), parts.trail.store
        grown = []
        for record in store.logs(connection):
            latest = store.latest_checkpoint(connection, record.log_id)
            if latest is None or store.tree_size(connection, record.log_id) != latest.tree_size:
                grown.append(record.log_id)
    return grown


def _raise_alarm(parts: Parts, log_id: str, kind: str) -> None:
    inspection = inspection_of(log_id)
    try:
        with parts.database.unit_of_work() as unit:
            raise_alarm(unit, kind=kind, inspection=inspection, subject=log_id)
    except AuditError:  # the service's own log is the damaged one: the alarm stands without its entry
        with parts.database.unit_of_work() as unit:
            add_alarm(unit, kind=kind, inspection=inspection, subject=log_id)


class Worker:
    """Does the duties of one installation."""

    def __init__(self, parts: Parts, duties: list[Duty] | None = None) -> None:
        self._parts = parts
        self._stopping = threading.Event()
        self._in_a_duty = False
        self._duties = duties if duties is not None else duties_of(parts, lambda: not self._stopping.is_set())
        self._journal = journal(process="worker")

    def run_once(self) -> int:
        """Do every duty once; return 0, or 1 when one failed."""
        failed = []
        with self._signals(), suppress(KeyboardInterrupt):
            failed = [duty.name for duty in self._duties if not self._stopping.is_set() and not self._do_whole(duty)]
        return 1 if failed else 0

    def run_until_stopped(self) -> int:
        """Do duties as they fall due, until SIGTERM or SIGINT; return 0."""
        self._journal.info("started", duties=[duty.name for duty in self._duties])
        with self._signals() as signalled, suppress(KeyboardInterrupt):
            due = {duty.name: 0.0 for duty in self._duties}
            while not self._stopping.is_set():
                for duty in self._duties:
                    if due[duty.name] <= time.monotonic() and not self._stopping.is_set():
                        self._do(duty)
                        due[duty.name] = time.monotonic() + duty.every.total_seconds()
                if select.select([signalled], [], [], max(0.0, min(due.values()) - time.monotonic()))[0]:
                    signalled.recv(1)
        self._journal.info("stopped")
        return 0

    def _do_whole(self, duty: Duty) -> bool:
        return self._do(duty) and (duty.finish is None or self._do(replace(duty, act=duty.finish)))

    def _do(self, duty: Duty) -> bool:
        try:
            self._in_a_duty = True
            duty.act()
        except Exception as error:  # noqa: BLE001  whatever one duty meets, the others are done
            self._journal.error("duty failed", duty=duty.name, failure=error)
            return False
        finally:
            self._in_a_duty = False
        return True

    @contextmanager
    def _signals(self) -> Iterator[socket.socket]:
        """Give a socket that becomes readable with SIGTERM and SIGINT, which also break off a duty that is being done.

        Waiting on it misses none: after the last instruction and before the wait, a signal would leave an ordinary
        lock waiting to the end of its time.
        """

        def stop(_number: int, _frame: FrameType | None) -> None:
            if not self._stopping.is_set():
                self._stopping.set()
                if self._in_a_duty:
                    raise KeyboardInterrupt

        signalled, sender = socket.socketpair()
        with signalled, sender:
            sender.settimeout(0)
            descriptor = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
            before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
            try:
                yield signalled
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)
                signal.set_wakeup_fd(descriptor)
