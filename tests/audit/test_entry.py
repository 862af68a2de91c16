import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.entry import MAX_ENTRY_BYTES, MAX_INTEGER, Entry, decode
from audit.errors import EntryError
from tests.audit.example_log import INSPECTION, PERSON, START, entry_number

ENCODED = (
    b'{"actor":"per_pppppppppppppppppppppppppp","details":{"document":"doc_00000000000000000000000003"},'
    b'"event":"receipt:viewed","inspection":"ins_77777777777777777777777777","subject":null,'
    b'"time":"2026-03-02T09:00:03.000000Z","version":1}'
)

PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=60)
DETAIL = st.one_of(
    PRINTABLE,
    st.integers(-MAX_INTEGER, MAX_INTEGER),
    st.booleans(),
    st.none(),
    st.lists(PRINTABLE, max_size=5),
)
ENTRIES = st.builds(
    Entry,
    event=st.sampled_from(["submission:accepted", "sign-out:done"]),
    time=st.datetimes(timezones=st.just(UTC)),
    actor=st.sampled_from([PERSON, "system:worker", "anonymous"]),
    inspection=st.sampled_from([INSPECTION, None]),
    subject=st.sampled_from([PERSON, "service", None]),
    details=st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True), DETAIL, max_size=6),
)


def test_an_entry_has_these_bytes() -> None:
    assert entry_number(3).encode() == ENCODED


@given(ENTRIES)
def test_decoding_gives_back_what_was_encoded(entry: Entry) -> None:
    assert decode(entry.encode()) == entry


@given(ENTRIES)
def test_the_encoding_is_ascii_json_with_sorted_keys(entry: Entry) -> None:
    fields = json.loads(entry.encode().decode("ascii"))
    assert list(fields) == sorted(fields)
    assert list(fields["details"]) == sorted(fields["details"])


@given(ENTRIES, st.data())
def test_a_flipped_bit_is_another_entry_or_none(entry: Entry, data: st.DataObject) -> None:
    encoded = bytearray(entry.encode())
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        other = decode(bytes(encoded))
    except EntryError:
        return
    assert other != entry
    assert other.encode() == encoded


MUTATIONS = {
    "empty": b"",
    "not-json": b"entry",
    "array": b"[]",
    "number": b"1",
    "null": b"null",
    "trailing-newline": ENCODED + b"\n",
    "leading-space": b" " + ENCODED,
    "byte-order-mark": b"\xef\xbb\xbf" + ENCODED,
    "space-after-colon": ENCODED.replace(b'"version":1', b'"version": 1'),
    "version-as-text": ENCODED.replace(b'"version":1', b'"version":"1"'),
    "version-as-float": ENCODED.replace(b'"version":1', b'"version":1.0'),
    "version-as-true": ENCODED.replace(b'"version":1', b'"version":true'),
    "version-two": ENCODED.replace(b'"version":1', b'"version":2'),
    "version-twice": ENCODED.replace(b'"version":1', b'"version":1,"version":1'),
    "version-missing": ENCODED.replace(b',"version":1', b""),
    "unknown-key": ENCODED.replace(b'"version":1', b'"version":1,"zebra":1'),
    "keys-unsorted": b'{"version":1,' + ENCODED[1:].replace(b',"version":1', b""),
    "null-key-left-out": ENCODED.replace(b'"subject":null,', b""),
    "details-not-an-object": ENCODED.replace(b'{"document":"doc_00000000000000000000000003"}', b"[]"),
    "details-nested": ENCODED.replace(b'"doc_00000000000000000000000003"', b'{"a":1}'),
    "details-list-of-numbers": ENCODED.replace(b'"doc_00000000000000000000000003"', b"[1]"),
    "details-key-in-capitals": ENCODED.replace(b'"document"', b'"Document"'),
    "letter-escaped": ENCODED.replace(b"receipt", b"\\u0072eceipt"),
    "letter-not-ascii": ENCODED.replace(b"doc_", "dóc_".encode()),
    "letter-escaped-not-ascii": ENCODED.replace(b"doc_", b"d\\u00f3c_"),
    "control-character": ENCODED.replace(b"doc_", b"doc\\n"),
    "delete-character": ENCODED.replace(b"doc_", b"doc\x7f"),
    "float": ENCODED.replace(b'"doc_00000000000000000000000003"', b"0.5"),
    "exponent": ENCODED.replace(b'"doc_00000000000000000000000003"', b"1e3"),
    "not-a-number": ENCODED.replace(b'"doc_00000000000000000000000003"', b"NaN"),
    "minus-zero": ENCODED.replace(b'"doc_00000000000000000000000003"', b"-0"),
    "integer-too-large": ENCODED.replace(b'"doc_00000000000000000000000003"', b"9007199254740992"),
    "integer-of-ten-thousand-digits": ENCODED.replace(b'"doc_00000000000000000000000003"', b"1" * 10_000),
    "brackets-ten-thousand-deep": ENCODED.replace(b'"doc_00000000000000000000000003"', b"[" * 10_000 + b"]" * 10_000),
    "longer-than-the-longest": ENCODED + b" " * MAX_ENTRY_BYTES,
    "time-without-zone": ENCODED.replace(b".000000Z", b".000000"),
    "time-with-offset": ENCODED.replace(b".000000Z", b".000000+00:00"),
    "time-in-milliseconds": ENCODED.replace(b".000000Z", b".000Z"),
    "time-on-no-calendar": ENCODED.replace(b"2026-03-02", b"2026-02-30"),
    "time-as-number": ENCODED.replace(b'"2026-03-02T09:00:03.000000Z"', b"1772442003"),
    "time-with-lower-case-t": ENCODED.replace(b"02T09", b"02t09"),
    "actor-by-name": ENCODED.replace(b"per_pppppppppppppppppppppppppp", b"Ada Lovelace"),
    "actor-null": ENCODED.replace(b'"per_pppppppppppppppppppppppppp"', b"null"),
    "inspection-short": ENCODED.replace(b"ins_77777777777777777777777777", b"ins_7"),
    "event-without-colon": ENCODED.replace(b"receipt:viewed", b"receiptviewed"),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_bytes_that_are_no_canonical_entry_are_refused(mutation: str) -> None:
    assert MUTATIONS[mutation] != ENCODED
    with pytest.raises(EntryError):
        decode(MUTATIONS[mutation])


@pytest.mark.parametrize("time", [START.replace(tzinfo=None), START.astimezone(timezone(timedelta(hours=1)))])
def test_a_time_that_is_not_utc_is_refused(time: datetime) -> None:
    with pytest.raises(EntryError):
        Entry("sign-out:done", time, PERSON)


def test_an_entry_that_is_too_long_to_encode_is_refused() -> None:
    details = {f"field_{number}": "x" * 1000 for number in range(70)}
    with pytest.raises(EntryError):
        Entry("sign-out:done", START, PERSON, details=details).encode()


def test_an_entry_keeps_its_own_copy_of_its_details() -> None:
    details = {"items": ["1.1"]}
    entry = Entry("list:viewed", START, PERSON, INSPECTION, None, details)
    details["items"].append("1.2")
    details["more"] = ["1"]
    assert dict(entry.details) == {"items": ("1.1",)}
