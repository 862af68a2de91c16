"""A checkpoint is found in whatever a mail program made of it, and nothing else is."""

import email.message
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.cosignature import cosign, with_signatures
from exchange.publishing.found_notes import MOST_NOTES, notes_in
from tests.audit.example_log import FixedSigner

ORIGIN = "exchange.example.org/log/service"


def note_of(size: int = 42, origin: str = ORIGIN, cosigners: int = 2) -> str:
    checkpoint = Checkpoint(origin, size, bytes(range(32)))
    note = sign_checkpoint(checkpoint, FixedSigner())
    lines = [cosign(checkpoint.text(), f"w{number}.example", FixedSigner(number), 5) for number in range(cosigners)]
    return with_signatures(note, lines)


NOTE = note_of()
MAIL = f"Dear officer,\n\nplease keep this.\n\n---- from here ----\n{NOTE}---- up to here ----\n\nRegards\n"


def wrapped(text: str, width: int) -> str:
    """As a mail program breaks long lines: at a blank where there is one, else anywhere."""
    lines = []
    for line in text.splitlines():
        rest = line
        while len(rest) > width:
            cut = rest.rfind(" ", 3, width)
            cut = cut if cut > 0 else width
            lines.append(rest[:cut])
            rest = rest[cut:].strip()
        lines.append(rest)
    return "\n".join(lines) + "\n"


SHAPES = {
    "the note alone": NOTE,
    "the whole mail": MAIL,
    "other line ends": MAIL.replace("\n", "\r\n"),
    "quoted in an answer": "".join(f"> {line}\n" for line in MAIL.splitlines()),
    "quoted twice": "".join(f">> {line}\n" for line in MAIL.splitlines()),
    "quoted with blanks": "".join(f"> > {line}\n" for line in MAIL.splitlines()),
    "indented": "".join(f"    {line}\n" for line in MAIL.splitlines()),
    "blanks behind": "".join(f"{line}  \n" for line in MAIL.splitlines()),
    "an empty line between all lines": MAIL.replace("\n", "\n\n"),
    "blanks that do not break": MAIL.replace(" ", "\xa0"),
    "broken at 76": wrapped(MAIL, 76),
    "broken at 60": wrapped(MAIL, 60),
    "no last line end": MAIL.rstrip("\n"),
    "a word after the note": f"{NOTE}Regards\n",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_note_is_found_to_the_byte(shape: str) -> None:
    assert notes_in(SHAPES[shape]) == [NOTE]


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64", "8bit"])
@pytest.mark.parametrize("is_html_too", [False, True])
def test_the_note_is_found_in_a_saved_mail(encoding: str, is_html_too: bool) -> None:  # noqa: FBT001
    message = email.message.EmailMessage(policy=SMTP)
    message["Subject"] = "Signed checkpoints to keep"
    message.set_content(MAIL, cte=encoding)
    if is_html_too:
        message.add_alternative("<p>the same</p>", subtype="html")
        message.add_attachment(b"\xff\xfe", maintype="application", subtype="octet-stream", filename="a.bin")
    assert notes_in(message.as_bytes()) == [NOTE]


def test_several_notes_are_found_in_order_and_each_once() -> None:
    other, third = note_of(43), note_of(7, "exchange.example.org/log/ins_1", cosigners=0)
    assert notes_in(f"{MAIL}\n{other}\n{third}\n{MAIL}") == [NOTE, other, third]


@pytest.mark.parametrize(
    "text",
    ["", "\n\n\n", "no checkpoint at all", NOTE.partition("\n\n")[0], ORIGIN, "a\n1\nb\n", "\x00" * 50, "—\n" * 50],
)
def test_where_there_is_none_none_is_found(text: str) -> None:
    assert notes_in(text) == []
    assert notes_in(text.encode()) == []


@pytest.mark.parametrize(
    "mail",
    [
        b"Content-Type: text/plain; " + b"(" * 2000 + b"\n\nwords",
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000)),
        b"Content-Type: message/rfc822\n\n" * 3000,
    ],
)
def test_a_mail_made_to_exhaust_its_reader_holds_none(mail: bytes) -> None:
    assert notes_in(mail) == []


def test_a_signature_broken_into_lines_without_end_is_not_put_together_without_end() -> None:
    text, _, signature = note_of(42, cosigners=0).partition("\n\n")
    name = signature.rpartition(" ")[0]
    (found,) = notes_in(f"{text}\n\n{name} " + "AAAA\n" * 20_000)
    assert len(found) < 2000


def test_no_more_notes_are_taken_than_anybody_has() -> None:
    text = "".join(note_of(size, cosigners=0) for size in range(MOST_NOTES + 20))
    assert len(notes_in(text)) == MOST_NOTES


@given(st.binary(max_size=2000))
def test_no_bytes_bring_it_down(content: bytes) -> None:
    assert notes_in(content) == []


@given(st.text(max_size=300), st.text(max_size=300))
def test_words_before_and_after_change_nothing(before: str, after: str) -> None:
    assert notes_in(f"{before}\n---- from here ----\n{NOTE}---- up to here ----\n{after}") == [NOTE]
