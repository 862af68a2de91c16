"""Finding signed checkpoints in what somebody brings back: a note, a pasted mail, a saved mail file.

Forgiving of what mail programs do to lines (other line ends, quotation marks, blanks, breaks in long lines), because
nothing is believed here: every note found is verified afterwards, to the byte.
"""

from __future__ import annotations

import base64
import binascii
import email
import re
from email.message import Message

MOST_NOTES = 200
LONGEST_TEXT = 400 * 1024  # characters; a mail with the checkpoints of hundreds of logs

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_ROOT = re.compile(r"[A-Za-z0-9+/]{43}=")
_BASE64 = re.compile(r"[A-Za-z0-9+/=]+")
_QUOTED = re.compile(r"^(?:[>|]\s?)+")
_MARK = "\u2014 "
_WHOLE = frozenset({4 + 64, 4 + 8 + 64})  # bytes of a signature of a log, and of a witness
_NOT_OF_MAILS = frozenset({"punycode", "idna"})  # of host names alone; they take long over a long text
_MOST_EXTENSIONS = 8
_LONGEST_SIGNATURE = 1024  # characters of a line that is put together again; a witness's takes some 400


def notes_in(content: str | bytes) -> list[str]:
    """Every checkpoint in this text or file, each once, in order; whether one is true is not looked at."""
    if isinstance(content, str):
        return _notes_in_text(content)
    text = content.decode("utf-8", "replace")
    return _notes_in_text(text) or [note for part in _texts_of_mail(content) for note in _notes_in_text(part)]


def _notes_in_text(text: str) -> list[str]:
    lines = [line for line in map(_plain, text[:LONGEST_TEXT].splitlines()) if line]
    found: list[str] = []
    place = 0
    while place + 3 < len(lines) and len(found) < MOST_NOTES:
        if not (_SIZE.fullmatch(lines[place + 1]) and _ROOT.fullmatch(lines[place + 2])):
            place += 1
            continue
        note, place = _note_at(lines, place)
        if note and note not in found:
            found.append(note)
    return found


def _note_at(lines: list[str], start: int) -> tuple[str, int]:
    """The note that begins here, empty when there is none, and where to look on."""
    stop = start + 3
    while stop < len(lines) and stop < start + 3 + _MOST_EXTENSIONS and not lines[stop].startswith(_MARK):
        stop += 1
    text, signatures = lines[start:stop], []
    while stop < len(lines):
        line = lines[stop]
        if line.startswith(_MARK):
            signatures.append(line)
        elif signatures and _BASE64.fullmatch(line) and not _is_whole(signatures[-1]):
            if len(signatures[-1]) > _LONGEST_SIGNATURE:
                break  # each broken line is a look at the whole
            signatures[-1] += line if signatures[-1].count(" ") > 1 else f" {line}"
        else:
            break
        stop += 1
    if not signatures:
        return "", start + 1
    return "\n".join(text) + "\n\n" + "\n".join(signatures) + "\n", stop


def _plain(line: str) -> str:
    """The line without what a mail program puts before, after and between."""
    return " ".join(_QUOTED.sub("", line.replace("\xa0", " ").strip()).split())


def _is_whole(signature: str) -> bool:
    try:
        return len(base64.b64decode(signature.rpartition(" ")[2].encode("ascii"), validate=True)) in _WHOLE
    except (UnicodeError, binascii.Error):
        return False


def _texts_of_mail(content: bytes) -> list[str]:
    """The text parts of a saved mail; none when this is no mail, or one that cannot be read."""
    try:
        parts = email.message_from_bytes(content).walk()  # the old policy: the new one takes long over hostile headers
        return [_text_of(part) for part in parts if part.get_content_maintype() == "text"]
    except (LookupError, ValueError, AssertionError, TypeError, RecursionError):  # what a damaged mail brings it to
        return []


def _text_of(part: Message) -> str:
    content, charset = part.get_payload(decode=True), str(part.get_content_charset("utf-8"))
    if charset in _NOT_OF_MAILS or not isinstance(content, bytes):
        return ""
    return content.decode(charset, "replace")
