"""With a keyboard alone: sign in, send a file, read the receipt, sign out; what has the focus can always be seen."""

from pathlib import Path

from playwright.sync_api import FileChooser, Page, expect

from exchange.example import PASSWORD
from tests.scenarios.browser import Visitor
from tests.scenarios.conftest import Visit
from tests.scenarios.papers import write_document
from tests.scenarios.service import Service

MOST_STOPS = 80
NAME = """() => { const it = document.activeElement, id = it.id && document.querySelector(`label[for="${it.id}"]`)
  if (it === document.body) return ''  // between the last stop and the first, the browser's own
  return [it.getAttribute('aria-label'), id && id.innerText, it.innerText, it.name].filter(Boolean).join(' | ') }"""
PLACE = """() => { const box = document.activeElement.getBoundingClientRect()
  return {x: box.x - 8, y: box.y - 8, width: box.width + 16, height: box.height + 16} }"""


def tab_to(page: Page, wanted: str) -> None:
    """Press Tab until what is wanted has the focus; at each stop the focus is seen."""
    passed = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        name = page.evaluate(NAME)
        passed.append(name)
        if name:
            verify_focus_is_seen(page, name)
        if wanted in name:
            return
    raise AssertionError(f"Tab never comes to {wanted!r}; it came to {passed}")


def verify_focus_is_seen(page: Page, name: str) -> None:
    """What has the focus looks otherwise than without it, and stands on the screen."""
    place = page.evaluate(PLACE)
    height = page.viewport_size["height"] if page.viewport_size else 0
    assert 0 <= place["y"] + place["height"] / 2 <= height, f"{name!r} has the focus and is off the screen"
    clip = {**place, "x": max(0, place["x"]), "y": max(0, place["y"])}
    focused = page.screenshot(clip=clip)
    page.evaluate("() => { window.focusedBefore = document.activeElement; document.activeElement.blur() }")
    assert page.screenshot(clip=clip) != focused, f"{name!r} has the focus and does not show it"
    page.evaluate("() => window.focusedBefore.focus()")


def test_a_file_is_sent_with_a_keyboard_alone(shared_service: Service, visit: Visit, tmp_path: Path) -> None:
    paper = write_document(tmp_path / "typed.docx", "Sent without a mouse.")
    with visit(shared_service) as officer:
        page = officer.page
        sign_in_by_keyboard(officer)
        tab_to(page, "Example Area")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Example Area")
        officer.go(f"/inspections/{shared_service.inspection}/items/3.2/upload")
        tab_to(page, "One day")
        for _ in range(3):
            page.keyboard.press("ArrowDown")
        expect(page.get_by_label("No date", exact=True)).to_be_checked()
        tab_to(page, "Title (optional)")
        page.keyboard.type("Typed by hand")
        tab_to(page, "Choose files")
        with page.expect_file_chooser() as waiting:
            page.keyboard.press("Space")
        chooser: FileChooser = waiting.value
        chooser.set_files(str(paper))
        expect(page.locator("#files")).to_contain_text("typed.docx")
        tab_to(page, "Send")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Receipt")
        assert "Typed by hand" in officer.text()
        tab_to(page, "Sign out")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("You are signed out.")


def sign_in_by_keyboard(officer: Visitor) -> None:
    """The first stop is the link past the navigation; the password is never shown unless asked."""
    page = officer.page
    officer.go("/sign-in")
    tab_to(page, "Skip to main content")
    page.keyboard.press("Enter")
    tab_to(page, "Email address")
    page.keyboard.type("officer@example.org")
    tab_to(page, "Password")
    page.keyboard.type(PASSWORD)
    tab_to(page, "Sign in")
    page.keyboard.press("Space")
    expect(page.get_by_text("Signed in as Example Nominated Officer")).to_be_visible()
