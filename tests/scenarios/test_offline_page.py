"""The page for people: by keyboard, by drag and drop, narrow, without Ed25519, and with nothing that leaves."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from audit.__main__ import main
from audit.entry import Entry
from audit.evidence import checkpoint_name
from audit.fields import commit_to
from audit.merkle import leaf_hash, root_of
from audit.offline_page import offline_page
from tests.audit import specimens
from tests.audit.example_log import INSPECTION, PERSON, START, entry_number
from tests.audit.test_verify_command import exported, with_continuation
from tests.scenarios.looking import AXE, LOOK, PICTURES, evaluate
from tests.scenarios.offline import reader

KEY = str(specimens.KEY)
Listening = tuple[str, list[str]]
WIDTHS = (1280, 390, 320)  # 320 CSS pixels: 1280 at 400 %


@pytest.fixture
def listening() -> Iterator[Listening]:
    """An address on this machine, and the paths that anybody asked it for."""
    heard: list[str] = []

    class Ear(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            self.send_error(404)

        do_POST = do_GET  # noqa: N815  the library's own name

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Ear) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", heard
        server.shutdown()
        thread.join()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with evidence of each kind, a document and a policy."""
    (tmp_path / "receipt.tlog-proof").write_bytes(specimens.receipt())
    (tmp_path / "unproved.tlog-proof").write_bytes(specimens.receipt(hashes=[bytes(32)] * 4))
    (tmp_path / "document.csv").write_bytes(specimens.DOCUMENT)
    (tmp_path / "evidence.zip").write_bytes(specimens.pack(specimens.members()))
    (tmp_path / "policy").write_bytes(specimens.POLICY)
    return tmp_path


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id || document.activeElement.tagName.toLowerCase()"))


def test_a_document_is_proved_by_its_receipt_and_the_witnesses(browser: Browser, files: Path) -> None:
    with reader(browser, files) as person:
        person.choose(files / "document.csv", files / "receipt.tlog-proof")
        person.give(KEY, files / "policy")
        assert person.check() == "proved"
        assert "stands at index 5 of the log, among the 13 entries" in person.said()
        assert "the document given is, to the last bit, the one" in person.said()
        assert "2 saw that same checkpoint" in person.said()
        assert person.still_open() == ["that what an entry says is true, or that everything that happened was logged"]
        rows = person.rows()
        assert ("Document", "document.csv") in rows
        assert ("Opened", f"title_commitment: {specimens.TITLE}") in rows
        assert any(name == "It says" and "submitted document" in value for name, value in rows)
        assert "Judged: document.csv, receipt.tlog-proof" in person.page.locator("#result").inner_text()


def test_what_is_not_proved_is_said(browser: Browser, files: Path) -> None:
    with reader(browser, files) as person:
        person.choose(files / "evidence.zip")
        assert person.check() == "proved"
        assert [each.partition(":")[0] for each in person.still_open()] == [
            "that the key is the service's",
            "that nothing was logged after the last checkpoint",
            "that no other log was shown to somebody else",
            "that what an entry says is true, or that everything that happened was logged",
        ]
        person.choose(files / "receipt.tlog-proof")
        person.give(KEY)
        assert person.check() == "proved"
        assert "that any file is the document: choose it together with the receipt" in person.still_open()


def test_page_and_command_say_alike_where_a_log_went_on(
    browser: Browser, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evidence = []
    for signed in (12, 7):
        entries = with_continuation(signed)
        evidence += [(f"bundle-{signed}.zip", specimens.members((4, 10), entries))]
        evidence += [(f"tiles-{signed}.zip", exported(entries))]
    with reader(browser, files) as person:
        person.give(KEY)
        for name, content in evidence:
            (files / name).write_bytes(specimens.pack(content))
            person.choose(files / name)
            assert person.check() == "proved"
            assert main(["verify", str(files / name), "--key", KEY]) == 0
            proved = capsys.readouterr().out.splitlines()[-2].removeprefix("Proved: ")
            assert "At entry 8 the log went on under a new origin: " in proved
            assert person.said() == proved[0].upper() + proved[1:]


def test_a_policy_can_be_pasted_but_not_given_twice(browser: Browser, files: Path) -> None:
    with reader(browser, files) as person:
        person.page.get_by_text("Ask for witnesses").click()
        person.page.get_by_label("Policy, as text").fill(specimens.POLICY.decode().strip())
        person.choose(files / "receipt.tlog-proof")
        assert person.check() == "proved"
        person.give("", files / "policy")
        assert person.check() == "unusable"
        assert "not both" in person.said()


def test_two_files_have_to_be_one_receipt_and_one_document(browser: Browser, files: Path) -> None:
    with reader(browser, files) as person:
        assert person.check() == "unusable"
        assert person.said() == "No file was chosen."
        for chosen in (("receipt.tlog-proof", "unproved.tlog-proof"), ("evidence.zip", "document.csv")):
            person.choose(*(files / name for name in chosen))
            assert person.check() == "unusable"
            assert person.said() == "Choose one piece of evidence, or one receipt and one document."


def test_an_old_verdict_does_not_stand_beside_a_new_file(browser: Browser, files: Path) -> None:
    with reader(browser, files) as person:
        changes: list[Callable[[], None]] = [
            lambda: person.choose(files / "document.csv"),
            lambda: person.page.fill("#key", "another"),
            lambda: person.page.set_input_files("#policy-file", str(files / "policy")),
        ]
        for change in changes:
            person.choose(files / "evidence.zip")
            person.page.fill("#key", "")
            person.page.set_input_files("#policy-file", [])
            assert person.check() == "proved"
            change()
            assert person.page.locator("#result").is_hidden()
            assert person.page.locator("#status").inner_text() == ""


def test_files_can_be_dropped_anywhere_on_the_page(browser: Browser, files: Path) -> None:
    with reader(browser, files) as person:
        dropped = person.page.evaluate_handle(
            """(bytes) => {
              const transfer = new DataTransfer();
              transfer.items.add(new File([Uint8Array.from(bytes)], "dropped.zip"));
              return transfer;
            }""",
            list((files / "evidence.zip").read_bytes()),
        )
        for event in ("dragover", "drop"):
            person.page.dispatch_event("h1", event, {"dataTransfer": dropped})
        assert person.page.locator("#chosen").inner_text() == "Chosen: dropped.zip"
        assert person.check() == "proved"


def test_the_keyboard_is_enough_and_the_focus_can_be_seen(browser: Browser, files: Path) -> None:
    with reader(browser, files) as person:
        page, order = person.page, []
        person.choose(files / "receipt.tlog-proof")
        page.evaluate("document.activeElement.blur()")
        while "check" not in order:
            page.keyboard.press("Tab")
            order.append(focused(page))
            style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert (order[-1], style) == (order[-1], "solid")
            if order[-1] == "key":
                page.keyboard.type(KEY)
        assert order == ["a", "evidence", "key", "summary", "check"]
        page.keyboard.press("Enter")
        assert person.verdict() == "proved"
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert focused(page) == "policy-text"


def test_what_happens_is_said_to_a_screen_reader(browser: Browser, tmp_path: Path) -> None:
    size = 5000
    entries = [entry_number(number).encode() for number in range(size)]
    leaves = [leaf_hash(entry) for entry in entries]
    content = specimens.members((1,), entries[:1])
    del content[checkpoint_name(1)]
    text = specimens.Checkpoint(specimens.ORIGIN, size, root_of(leaves))
    content |= {
        "entries.jsonl": b"".join(entry + b"\n" for entry in entries),
        "leaf-hashes.txt": b"".join(leaf.hex().encode() + b"\n" for leaf in leaves),
        checkpoint_name(size): specimens.sign_checkpoint(text, specimens.LOG).encode(),
    }
    (tmp_path / "large.zip").write_bytes(specimens.pack(content))
    with reader(browser, tmp_path) as person:
        person.page.evaluate(
            """() => {
              const place = document.getElementById("status");
              place.said = [];
              new MutationObserver(() => place.said.push(place.textContent)).observe(place, { childList: true });
            }"""
        )
        assert person.page.locator("#status").get_attribute("aria-live") == "polite"
        person.choose(tmp_path / "large.zip")
        assert person.check() == "proved"
        said = person.page.evaluate("document.getElementById('status').said")
        assert person.page.evaluate("document.getElementById('bar').max") == size
    assert "Checking." in said
    assert said[-1].startswith("PROVED. These 5000 entries, in this order")


def test_everybody_can_use_it_at_every_width(browser: Browser, files: Path) -> None:
    faults: dict[str, object] = {}
    with reader(browser, files) as person:
        states: dict[str, Callable[[], object]] = {
            "fresh": lambda: None,
            "unusable": lambda: (person.choose(files / "receipt.tlog-proof"), person.check()),
            "proved": lambda: (person.choose(files / "receipt.tlog-proof"), person.give(KEY), person.check()),
            "not-proved": lambda: (person.choose(files / "unproved.tlog-proof"), person.check()),
            "policy": lambda: person.page.get_by_text("Ask for witnesses").click(),
        }
        evaluate(person.page, AXE + ";0")
        for state, reach in states.items():
            reach()
            for width in WIDTHS:
                person.page.set_viewport_size({"width": width, "height": 900})
                if PICTURES:
                    person.page.screenshot(path=Path(PICTURES) / f"offline-{state}-{width}.png", full_page=True)
                if found := evaluate(person.page, LOOK):
                    faults[f"{state} at {width}"] = found
                if (reached := evaluate(person.page, "document.documentElement.scrollWidth")) > width:
                    faults[f"{state} scrolls sideways at {width}"] = reached
            person.page.set_viewport_size({"width": 1280, "height": 900})
    assert faults == {}


@pytest.mark.parametrize(
    ("before", "says"),
    [
        ("crypto.subtle.importKey = () => { throw new DOMException('', 'NotSupportedError') }", "Ed25519"),
        ("crypto.subtle.verify = async () => true", "Ed25519"),
        ("crypto.subtle.verify = async () => false", "Ed25519"),
        ("Object.defineProperty(Crypto.prototype, 'subtle', { value: undefined })", "Ed25519"),
        ("crypto.subtle.digest = async () => new ArrayBuffer(32)", "SHA-256"),
    ],
)
def test_a_browser_that_cannot_judge_says_so_and_proves_nothing(
    browser: Browser, files: Path, before: str, says: str
) -> None:
    with reader(browser, files, before=before) as person:
        person.choose(files / "evidence.zip")
        person.give(KEY)
        assert person.check() == "unusable"
        assert "This browser c" in person.said()
        assert says in person.said()
        assert person.rows() == []


def test_a_file_that_vanishes_while_it_is_read_is_no_verdict(browser: Browser, files: Path) -> None:
    with reader(browser, files) as person:
        person.choose(files / "evidence.zip")
        person.page.evaluate("() => { Blob.prototype.arrayBuffer = () => Promise.reject(new Error('gone')) }")
        assert person.check() == "unusable"
        assert "Nothing was judged" in person.said()


def test_nothing_in_a_file_becomes_part_of_the_page(browser: Browser, tmp_path: Path) -> None:
    markup = "<img src=x onerror=document.title='taken'><script>document.title='taken'</script>\u202egnp.\u2066"
    salt = bytes(32)
    details = {**specimens.SUBMITTED.details, "title_commitment": commit_to(markup, salt)}
    entry = Entry("submission:accepted", START + timedelta(seconds=1), PERSON, INSPECTION, None, details).encode()
    beside = specimens.extra(entry=entry.decode(), opened={"title_commitment": {"salt": salt.hex(), "value": markup}})
    path = tmp_path / "<b>x<i>&amp;.tlog-proof"
    path.write_bytes(specimens.receipt(0, 2, entries=[entry, specimens.ENTRIES[1]], beside=beside))
    with reader(browser, tmp_path) as person:
        person.choose(path)
        person.give(KEY)
        assert person.check() == "proved"
        shown = dict(person.rows())["Opened"]
        assert shown == "title_commitment: " + markup.replace("\u202e", "\\u{202e}").replace("\u2066", "\\u{2066}")
        assert person.page.locator("#result img, #result script, #result b, #chosen b").count() == 0
        assert "taken" not in person.page.title()
        assert f"Chosen: {path.name}" == person.page.locator("#chosen").inner_text()


ATTEMPTS = {
    "fetch": "fetch(ADDRESS).then(done, failed)",
    "beacon": "navigator.sendBeacon(ADDRESS, 'content'); await 0; failed()",
    "request": "const it = new XMLHttpRequest(); it.onloadend = failed; it.open('GET', ADDRESS); it.send()",
    "socket": "const it = new WebSocket(ADDRESS.replace('http', 'ws')); it.onopen = done; it.onerror = failed",
    "event source": "const it = new EventSource(ADDRESS); it.onopen = done; it.onerror = failed",
    "picture": "const it = new Image(); it.onload = done; it.onerror = failed; it.src = ADDRESS",
    "stylesheet": "const it = add('link'); it.rel = 'stylesheet'; it.onerror = failed; it.href = ADDRESS",
    "script": "const it = add('script'); it.onload = done; it.onerror = failed; it.src = ADDRESS",
    "module": "import(ADDRESS).then(done, failed)",
    "frame": "document.onsecuritypolicyviolation = failed; add('iframe').src = ADDRESS",
    "form": "document.onsecuritypolicyviolation = failed; const it = add('form'); it.action = ADDRESS; it.submit()",
    "script in the page": "const it = add('script'); it.textContent = 'globalThis.taken = 1'; taken; done()",
    "script in an attribute": "const it = add('p'); it.setAttribute('onclick', 'taken = 1'); it.click(); taken; done()",
    "script from text": "setTimeout(() => { try { done(Function('return 1')()) } catch (error) { failed(error) } })",
}
ATTEMPT = """async (ADDRESS) => {
  const add = (name) => document.body.appendChild(document.createElement(name));
  try {
    await new Promise(async (done, failed) => { try { BODY } catch (error) { failed(error) } });
    return "done";
  } catch {
    return "refused";
  }
}"""


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_the_pages_own_policy_lets_nothing_leave_and_no_other_script_run(
    browser: Browser, tmp_path: Path, listening: Listening, attempt: str
) -> None:
    address, heard = listening
    (tmp_path / "verify.html").write_bytes(offline_page())
    context = browser.new_context()
    page = context.new_page()
    page.goto((tmp_path / "verify.html").as_uri())
    assert page.evaluate(ATTEMPT.replace("BODY", ATTEMPTS[attempt]), address) == "refused"
    context.close()
    assert heard == []


def test_what_listens_would_have_heard_it(browser: Browser, tmp_path: Path, listening: Listening) -> None:
    """The attempts above fail for the page's policy, not for want of anybody who listens."""
    address, heard = listening
    (tmp_path / "bare.html").write_text("<!DOCTYPE html><title>Bare</title><body></body>")
    context = browser.new_context()
    page = context.new_page()
    page.goto((tmp_path / "bare.html").as_uri())
    assert page.evaluate(ATTEMPT.replace("BODY", ATTEMPTS["picture"]), address) == "refused"  # what comes is no picture
    context.close()
    assert heard == ["/"]


def test_without_scripts_it_says_what_else_there_is(browser: Browser, tmp_path: Path) -> None:
    with reader(browser, tmp_path, java_script_enabled=False) as person:
        assert "python -m audit verify FILE" in person.page.locator("noscript").inner_text()
        assert person.page.locator("form").is_hidden()
