"""A record as a syslog message (RFC 5424) and as it goes over TCP, TLS (octet counting) or UDP (one datagram)."""

from __future__ import annotations

from typing import Final

from exchange.exports.siem import Record, json_line

FACILITY: Final = 13
"""Log audit (RFC 5424, table 1)."""
APP_NAME: Final = "exchange"
LONGEST_MSGID: Final = 32
LONGEST_HOST: Final = 255
LONGEST_DATAGRAM: Final = 8_192
"""Bytes of one message over UDP: what common receivers take; a longer one goes without its details and says so."""


def message_of(record: Record, host: str, enterprise: int) -> bytes:
    """The message: header, structured data of what finds the entry again, and the whole record as JSON."""
    severity = record["severity"]
    if not isinstance(severity, int):
        raise TypeError("a severity is a number")
    header = (
        f"<{FACILITY * 8 + severity}>1 {record['time']} {_printable(host, LONGEST_HOST)} {APP_NAME} - "
        f"{_printable(str(record['event']), LONGEST_MSGID)}"
    )
    return f"{header} {_data(record, enterprise)} ".encode("ascii") + json_line(record)


def counted(message: bytes) -> bytes:
    """The message as a frame of a stream: its length in bytes, a space, itself (RFC 6587, 3.4.1; RFC 5425, 4.3)."""
    return b"%d %b" % (len(message), message)


def datagram(record: Record, host: str, enterprise: int) -> bytes:
    """The message as one datagram: without its details where it would be too long for many receivers."""
    message = message_of(record, host, enterprise)
    if len(message) <= LONGEST_DATAGRAM:
        return message
    return message_of({**record, "items": [], "details": {}, "cut": True}, host, enterprise)


def _data(record: Record, enterprise: int) -> str:
    values = {name: record[name] for name in ("schema", "log", "index", "event", "outcome", "actor")}
    values["leafHash"] = record["leaf_hash"]
    said = " ".join(f'{name}="{_escaped(str(value))}"' for name, value in values.items())
    return f"[entry@{enterprise} {said}]"


def _escaped(value: str) -> str:
    """As RFC 5424, 6.3.3 asks; what is not printable ASCII, as only somebody with the database can bring in, is ?."""
    value = "".join(character if " " <= character <= "~" else "?" for character in value)
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def _printable(text: str, longest: int) -> str:
    kept = "".join(character for character in text if "!" <= character <= "~")[:longest]
    return kept or "-"
