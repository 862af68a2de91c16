"""The main job from one end to the other: asked, sent, checked, opened, refused, verified, tampered with, disposed of.

Real browsers on the real service; the files are real, the people and the children are not.
"""

import functools
import hashlib
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import expect
from sqlalchemy import MetaData, create_engine, select, text
from sqlalchemy.engine import Engine

from exchange.clock import LONDON
from exchange.example import last_monday
from tests.scenarios.browser import Visitor
from tests.scenarios.conftest import Visit
from tests.scenarios.looking import faults_of
from tests.scenarios.papers import MIB, write_document, write_list_1, write_scan
from tests.scenarios.service import ROOT, Service, run

AREA = "Invented Area"
# Content never touches the database, so the large file is sent at its full size on one kind of it.
LARGE = {"sqlite": 200 * MIB, "postgresql": 24 * MIB}
MARKER = b"MARKER-that-no-sealed-file-shows"
LOOKS = 120  # how often a page is loaded again before the worker is said to have forgotten a document
TODAY = datetime.now(UTC).astimezone(LONDON).date()
LATEST = TODAY + timedelta(days=30 * 365)  # when everything that can be due is due


@dataclass
class Sent:
    """One file that was sent, and what its receipt says."""

    path: Path
    numbers: tuple[str, ...]
    says: tuple[str, ...]  # what the receipt says of items and date
    document: str = ""
    receipt: str = ""

    @functools.cached_property
    def sha256(self) -> str:
        return digest_of(self.path)


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_the_whole_story(own_service: Service, visit: Visit, tmp_path: Path) -> None:
    service = own_service
    with visit(service) as lead:
        inspection = open_inspection(lead.sign_in("lead"))
    with visit(service) as officer:
        sent = send_three_files(officer.sign_in("officer"), inspection, tmp_path)
        for each in sent:
            verify_receipt(officer, each)
            verify_it_becomes_checked(officer, each)
    with visit(service) as inspector:
        download_all(inspector.sign_in("inspector"), inspection, sent, tmp_path)
    with visit(service) as stranger:
        verify_looks_like_nothing(stranger.sign_in("contributor"), inspection, sent[0])
    with visit(service) as dpo:
        verify_refusals_are_told(dpo.sign_in("dpo"), inspection)
        key = verify_log_is_whole(dpo, inspection)
        verify_evidence_offline(dpo, inspection, key, tmp_path)
        verify_disposal_leaves_nothing(service, inspection, sent, tmp_path)
        verify_certificates(dpo, inspection, sent)
        verify_log_is_whole(dpo, inspection)
        index = change_one_byte(service, inspection)
        verify_damage_is_named(dpo, inspection, index)


def open_inspection(lead: Visitor) -> str:
    """Fill in the form, add the people, and return where the inspection is."""
    monday = last_monday(TODAY)
    lead.press("Open an inspection")
    lead.page.get_by_label("Local area", exact=True).fill(AREA)
    lead.page.get_by_label("Full inspection").check()
    lead.day("Monday of notification", str(monday.day), str(monday.month), str(monday.year))
    lead.press("Open the inspection")
    expect(lead.page.get_by_role("heading", level=1)).to_have_text("People in this inspection")
    for who, role in (
        ("officer", "Nominated officer"),
        ("inspector", "Inspector"),
        ("dpo", "Data protection officer"),
    ):
        lead.page.get_by_label("Email address").fill(f"{who}@example.org")
        lead.page.get_by_label("Role").select_option(label=role)
        lead.press("Add this person")
        expect(lead.page.get_by_role("alert")).to_contain_text(f"was added as {role.lower()}")
    return lead.path.removesuffix("/members")


def send_three_files(officer: Visitor, inspection: str, folder: Path) -> list[Sent]:
    """List 1 as a workbook with its date, one document for two items, and a large file."""
    workbook = Sent(
        write_list_1(folder / "list-1-of-invented-area.xlsx"),
        ("L1",),
        ("Answers List 1: All children and young people with an EHC plan", "Data represents As at 1 October 2025"),
    )
    document = Sent(
        write_document(folder / "how-we-work-together.docx"),
        ("1.1", "1.4"),
        ("Answers 1.1: Local area partnership structure 1.4: Strategic planning", "Data represents Not dated"),
    )
    scan = Sent(
        write_scan(folder / "scanned-strategy.pdf", LARGE[officer.service.database], MARKER),
        ("1.2",),
        ("Answers 1.2: ", "Data represents 1 April 2024 to 31 March 2025"),
    )

    officer.follow(AREA)
    officer.page.get_by_role("row", name=re.compile("List 1")).get_by_role("link", name="Send files").click()
    officer.page.get_by_label("One day").check()
    officer.day("Date, or first day of the period", "1", "10", "2025")
    send(officer, workbook)

    officer.go(f"{inspection}/upload")
    officer.page.get_by_label("1.1: Local area partnership structure").check()
    officer.page.get_by_label("1.4: Strategic planning").check()
    officer.page.get_by_label("No date").check()
    officer.page.get_by_label("Title (optional)").fill("How we work together in Invented Area")
    send(officer, document)

    officer.go(f"{inspection}/items/1.2/upload")
    officer.page.get_by_label("A period").check()
    officer.day("Date, or first day of the period", "1", "4", "2024")
    officer.day("End date, only for a period", "31", "3", "2025")
    send(officer, scan)
    return [workbook, document, scan]


def send(officer: Visitor, sent: Sent) -> None:
    officer.choose_files(sent.path)
    officer.press("Send")
    expect(officer.page.get_by_role("heading", level=1)).to_have_text("Receipt", timeout=120_000)
    expect(officer.page.get_by_role("alert")).to_contain_text("received and recorded")
    sent.receipt = officer.path
    sent.document = officer.path.rpartition("/")[2]


def verify_receipt(officer: Visitor, sent: Sent) -> None:
    """It says what was sent, so that the sender can compare it with their own file."""
    officer.go(sent.receipt)
    said = " ".join(officer.text().split())
    assert sent.path.name in said
    assert f"({sent.path.stat().st_size:,} bytes)" in said
    assert sent.sha256 in said.replace(" ", "")
    for words in sent.says:
        assert words in said
    assert re.search(r"Received \w+day \d{1,2} \w+ \d{4} at \d{1,2}:\d\d[ap]m", said)
    assert re.search(r"Entry number \d+", said)


def verify_it_becomes_checked(officer: Visitor, sent: Sent) -> None:
    """The worker reads every sealed file back; the receipt says so when it has."""
    for _ in range(LOOKS):
        officer.go(sent.receipt)
        if "every byte is as received" in officer.text():
            return
    raise AssertionError(f"{sent.path.name} was not checked: {officer.text()}")


def download_all(inspector: Visitor, inspection: str, sent: list[Sent], folder: Path) -> None:
    """From the checklist to the item to the file: the bytes are those that were sent."""
    for each in sent:
        for number in each.numbers:
            inspector.go(f"{inspection}/items/{number}")
            row = inspector.page.get_by_role("row").filter(has_text=each.path.name)
            got = inspector.download(row.get_by_role("link", name="Download"), folder / f"got-{each.path.name}")
            assert got.stat().st_size == each.path.stat().st_size
            assert digest_of(got) == each.sha256
            got.unlink()


def verify_looks_like_nothing(stranger: Visitor, inspection: str, sent: Sent) -> None:
    """Somebody of another inspection sees no more than for an inspection that there is not."""
    nowhere = "/inspections/ins_00000000000000000000000000"
    assert stranger.go(nowhere) == 404
    nothing = stranger.text()
    assert "Page not found" in nothing
    for path in (inspection, f"{inspection}/items/L1", f"{inspection}/upload", sent.receipt, f"{sent.receipt}/content"):
        assert stranger.go(path) == 404
        assert stranger.text() == nothing


def verify_refusals_are_told(dpo: Visitor, inspection: str) -> None:
    """The officer of the inspection reads in its trail who was refused what."""
    dpo.go(f"{inspection}/trail")
    refused = dpo.page.get_by_role("row").filter(has_text="Refused").filter(has_text="Example Contributor")
    expect(refused).to_have_count(5)


def verify_log_is_whole(dpo: Visitor, inspection: str) -> str:
    """Verify now, and return the log's public key as the page gives it."""
    dpo.go(f"{inspection}/trail")
    dpo.press("Verify the log now")
    expect(dpo.page.get_by_role("heading", level=1)).to_have_text("The log is whole")
    row = dpo.page.locator(".govuk-summary-list__row").filter(has_text="The log’s public key")
    return row.locator("dd").inner_text().strip()


def verify_evidence_offline(dpo: Visitor, inspection: str, key: str, folder: Path) -> None:
    """The evidence is proved by the audit package alone, under the key that the page showed, without any service."""
    dpo.go(f"{inspection}/desk")
    link = dpo.page.get_by_role("link", name="Download the evidence (zip)")
    bundle = dpo.download(link, folder / "evidence.zip")
    alone = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    proved = run(sys.executable, "-m", "audit", "verify", str(bundle), "--key", key, environ=alone, folder=folder)
    assert proved.returncode == 0, proved.stdout + proved.stderr
    assert proved.stdout.startswith("PROVED.")
    assert inspection.rpartition("/")[2] in proved.stdout


def verify_disposal_leaves_nothing(service: Service, inspection: str, sent: list[Sent], folder: Path) -> None:
    """A run as of a later day: no sealed file, no key, no name; a copy made before opens no more."""
    place = Path(inspection).name, f"{sent[2].document}.floe"
    copy, opened = folder / "copied" / place[0] / place[1], folder / "opened.pdf"
    copy.parent.mkdir(parents=True)
    shutil.copy(service.settings.store_folder.joinpath(*place), copy)
    before = service.exchange("unseal", str(copy), "--output", str(opened))
    assert before.returncode == 0, before.stderr
    assert digest_of(opened) == sent[2].sha256
    opened.unlink()
    secrets = [MARKER, *(each.path.name.encode() for each in sent), b"How we work together in Invented Area"]
    assert readable_in(service, secrets) == set(secrets[1:]), "names stand in the database until then, content never"

    done = service.exchange("retention", "run", "--as-of", LATEST.isoformat(), "--reason", "Rehearsal")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 failed" in done.stdout

    assert service.exchange("unseal", str(copy), "--output", str(opened)).returncode != 0
    assert not opened.exists()
    assert list(service.settings.store_folder.rglob("*.floe")) == []
    keys = {path.name for path in service.settings.key_store_folder.rglob("*") if path.is_file()}
    assert not {f"{each.document}.json" for each in sent} & keys
    assert readable_in(service, secrets) == set()


def readable_in(service: Service, secrets: list[bytes]) -> set[bytes]:
    """Which of these stand anywhere in the data folder's files or the database's rows."""
    found = set()
    for path in service.folder.rglob("*"):
        if path.is_file():
            held = path.read_bytes()
            found |= {secret for secret in secrets if secret in held}
    with engine_of(service) as engine, engine.connect() as connection:
        tables = MetaData()
        tables.reflect(connection)
        for table in tables.sorted_tables:
            rows = repr(connection.execute(select(table)).all()).encode()
            found |= {secret for secret in secrets if secret in rows}
    return found


def verify_certificates(dpo: Visitor, inspection: str, sent: list[Sent]) -> None:
    """Each document that is gone has a certificate that says which, why and when."""
    for each in sent:
        dpo.go(f"{inspection}/disposal")
        gone = dpo.page.get_by_role("row").filter(has_text="Disposed of").filter(has_text=each.document[-6:].upper())
        gone.get_by_role("link", name="Certificate").click()
        said = " ".join(dpo.text().split())
        assert said.startswith(f"{AREA} Certificate of disposal")
        assert each.document in said
        assert each.sha256 in said.replace(" ", "")
        assert each.path.name not in said


@contextmanager
def engine_of(service: Service) -> Iterator[Engine]:
    """The database as its owner opens it, past the service."""
    engine = create_engine(service.settings.connection_url())
    try:
        yield engine
    finally:
        engine.dispose()


def change_one_byte(service: Service, inspection: str) -> int:
    """As the owner of the database could: drop the triggers, change a byte of an entry; returns its index."""
    log_id = inspection.rpartition("/")[2]
    with engine_of(service) as engine, engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            triggers = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
            for trigger in triggers:
                connection.execute(text(f'DROP TRIGGER "{trigger}"'))
        else:
            connection.execute(text("DROP FUNCTION audit_refuse_change() CASCADE"))
        mine = {"log": log_id}
        rows = connection.execute(text("SELECT leaf_index, entry FROM audit_entry WHERE log_id = :log"), mine).all()
        index, entry = next(
            (row.leaf_index, bytes(row.entry)) for row in rows if b"submission:accepted" in bytes(row.entry)
        )
        changed = re.sub(rb'("size":)(\d)', lambda found: found[1] + bytes([found[2][0] ^ 1]), entry, count=1)
        assert sum(a != b for a, b in zip(changed, entry, strict=True)) == 1
        there = text("UPDATE audit_entry SET entry = :entry WHERE log_id = :log AND leaf_index = :index")
        connection.execute(there, {**mine, "entry": changed, "index": index})
    return int(index)


def verify_damage_is_named(dpo: Visitor, inspection: str, index: int) -> None:
    """Verification names the index, and an alarm stands until somebody clears it."""
    dpo.go(f"{inspection}/trail")
    dpo.press("Verify the log now")
    expect(dpo.page.get_by_role("heading", level=1)).to_have_text("The log is damaged")
    expect(dpo.main).to_contain_text(f"The first bad index is {index}.")
    assert faults_of(dpo, "story-log-damaged") == []
    dpo.follow("See the alarms")
    expect(dpo.main).to_contain_text("The log is not as it was written")
    expect(dpo.main).to_contain_text("Not cleared")
    dpo.go(f"{inspection}/trail")
    expect(dpo.main).to_contain_text("1 alarm is not cleared.")
