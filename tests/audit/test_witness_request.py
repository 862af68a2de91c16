import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.witness.errors import MalformedRequestError
from audit.witness.request import MAX_REQUEST_BYTES, format_request, parse_request
from tests.audit.witness_parts import ExampleLog

LOG = ExampleLog()
REQUEST = LOG.request(5, 11)
HEAD, NOTE = REQUEST.split(b"\n\n", 1)
FIRST, *PROOF = HEAD.split(b"\n")
HASH = base64.b64encode(b"h" * 32)


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 5), (5, 11), (11, 11), (4, 8)])
def test_what_a_log_asks_is_what_the_witness_reads(old: int, new: int) -> None:
    request = parse_request(LOG.request(old, new))
    assert (request.old_size, request.checkpoint.size, request.signed) == (old, new, LOG.signed(new))
    assert request.proof == (LOG.proof(old, new) if 0 < old < new else ())
    assert format_request(request.old_size, request.proof, request.signed) == LOG.request(old, new)


def head(*lines: bytes) -> bytes:
    return b"\n".join(lines) + b"\n\n" + NOTE


MUTATIONS = {
    "empty": b"",
    "newlines-alone": b"\n\n\n\n",
    "not-utf-8": REQUEST.replace(b"exchange", b"exchang\xff"),
    "zero-byte": REQUEST.replace(b"exchange", b"exchang\x00"),
    "old-line-missing": head(*PROOF),
    "old-line-alone": FIRST + b"\n\n",
    "old-without-size": head(b"old", *PROOF),
    "old-with-two-spaces": head(b"old  5", *PROOF),
    "old-with-tab": head(b"old\t5", *PROOF),
    "old-in-capitals": head(b"OLD 5", *PROOF),
    "old-with-space-after": head(b"old 5 ", *PROOF),
    "old-negative": head(b"old -5", *PROOF),
    "old-with-plus": head(b"old +5", *PROOF),
    "old-with-leading-zero": head(b"old 05", *PROOF),
    "old-of-two-zeros": head(b"old 00", *PROOF),
    "old-with-underscore": head(b"old 1_0", *PROOF),
    "old-in-other-digits": head("old ٥".encode(), *PROOF),
    "old-of-forty-digits": head(b"old " + b"9" * 40, *PROOF),
    "old-beyond-63-bits": head(b"old 9223372036854775808", *PROOF),
    "carriage-returns": REQUEST.replace(b"\n", b"\r\n"),
    "proof-line-not-base64": head(FIRST, b"*" * 44),
    "proof-line-of-31-bytes": head(FIRST, base64.b64encode(b"h" * 31)),
    "proof-line-of-33-bytes": head(FIRST, base64.b64encode(b"h" * 33)),
    "proof-line-without-padding": head(FIRST, HASH.rstrip(b"=")),
    "proof-line-with-other-padding-bits": head(FIRST, HASH[:-2] + b"h="),
    "proof-line-with-space-before": head(FIRST, b" " + HASH),
    "proof-line-in-url-alphabet": head(FIRST, base64.urlsafe_b64encode(b"\xff" * 32)),
    "two-hashes-in-a-line": head(FIRST, HASH + HASH),
    "sixty-four-proof-lines": head(FIRST, *[HASH] * 64),
    "no-empty-line": HEAD + b"\n" + NOTE,
    "two-empty-lines": HEAD + b"\n\n\n" + NOTE,
    "checkpoint-missing": HEAD + b"\n\n",
    "checkpoint-unsigned": HEAD + b"\n\n" + NOTE.split(b"\n\n")[0] + b"\n",
    "checkpoint-without-final-newline": REQUEST[:-1],
    "checkpoint-without-root": HEAD + b"\n\n" + b"\n".join(NOTE.split(b"\n")[:2]) + b"\n\n" + NOTE.split(b"\n\n")[1],
    "checkpoint-size-beyond-63-bits": REQUEST.replace(b"\n11\n", b"\n9223372036854775808\n"),
    "checkpoint-size-with-leading-zero": REQUEST.replace(b"\n11\n", b"\n011\n"),
    "something-after": REQUEST + b"more\n",
    "too-long": REQUEST + NOTE.split(b"\n\n")[1] * (MAX_REQUEST_BYTES // 100),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_malformed_request_is_refused(mutation: str) -> None:
    assert MUTATIONS[mutation] != REQUEST
    with pytest.raises(MalformedRequestError) as refused:
        parse_request(MUTATIONS[mutation])
    assert refused.value.status == 400


def test_a_proof_of_63_hashes_is_read() -> None:
    assert len(parse_request(head(FIRST, *[HASH] * 63)).proof) == 63


@given(st.binary(max_size=300))
def test_hostile_bytes_are_malformed_and_nothing_worse(body: bytes) -> None:
    with pytest.raises(MalformedRequestError):
        parse_request(body)


@given(st.data())
def test_a_request_altered_anywhere_is_read_exactly_or_not_at_all(data: st.DataObject) -> None:
    altered = bytearray(REQUEST)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(altered)))
        altered[start : start + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        request = parse_request(bytes(altered))
    except MalformedRequestError:
        return
    assert format_request(request.old_size, request.proof, request.signed) == bytes(altered)
