import io
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.web.form_stream import (
    READ_SIZE,
    BodyCutShortError,
    BodyError,
    BodyReader,
    BodyTooSlowError,
    FieldPart,
    FilePart,
    FormError,
    FormLimitError,
    FormLimits,
    FormStream,
    body_of,
    content_length,
)
from exchange.web.pace import Pace, PaceLimits

BOUNDARY = "----boundary7MA4"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def field(name: str, value: bytes) -> bytes:
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value + b"\r\n"


def file(name: str, file_name: str, content: bytes) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n'
    return head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()


class Pieces:
    """A line that gives at most `size` bytes at a time."""

    def __init__(self, data: bytes, size: int = READ_SIZE) -> None:
        self._stream = io.BytesIO(data)
        self._size = size

    def read(self, size: int, /) -> bytes:
        return self._stream.read(min(size, self._size))


def form(
    data: bytes, *, length: int | None = None, size: int = READ_SIZE, limits: FormLimits | None = None
) -> FormStream:
    reader = BodyReader(Pieces(data, size), len(data) if length is None else length)
    return FormStream(reader, CONTENT_TYPE, limits)


def read_whole(parts: Iterable[FieldPart | FilePart]) -> list[tuple[str, ...] | tuple[str, str, bytes]]:
    return [
        (part.name, part.value) if isinstance(part, FieldPart) else (part.name, part.file_name, b"".join(part.chunks))
        for part in parts
    ]


def test_parts_come_in_the_order_sent_with_their_exact_bytes() -> None:
    content = bytes(range(256)) * 9000
    data = field("item", "café".encode()) + file("answer", "list 1.xlsx", content) + field("note", b"") + END
    assert read_whole(form(data)) == [("item", "café"), ("answer", "list 1.xlsx", content), ("note", "")]


@given(
    content=st.binary(max_size=300)
    | st.builds(lambda n, tail: b"\r\n--" + BOUNDARY.encode()[:n] + tail, st.integers(0, 15), st.binary(max_size=5)),
    size=st.integers(1, 80),
)
def test_a_file_is_the_same_however_the_line_cuts_it(content: bytes, size: int) -> None:
    data = file("a", "a.bin", content) + END
    assert read_whole(form(data, size=size)) == [("a", "a.bin", content)]


@pytest.mark.parametrize("missing", [1, 2, 3, 20, 200])
def test_a_body_shorter_than_promised_raises_wherever_it_ends(missing: int) -> None:
    data = file("a", "a.bin", b"x" * 300) + END
    with pytest.raises(BodyCutShortError):
        read_whole(form(data[:-missing], length=len(data)))


def test_a_file_is_never_complete_after_its_error_was_seen_and_ignored() -> None:
    data = file("a", "a.bin", b"x" * 300) + END
    part = next(iter(form(data[:-100], length=len(data), size=50)))
    assert isinstance(part, FilePart)
    with pytest.raises(BodyCutShortError):
        list(part.chunks)
    with pytest.raises(FormError):
        list(part.chunks)


def test_a_part_left_unread_is_read_past_and_cannot_be_read_later() -> None:
    parts = iter(form(file("a", "a.bin", b"x" * 5000) + field("b", b"2") + END, size=100))
    first = next(parts)
    assert isinstance(first, FilePart)
    next(first.chunks)
    assert next(parts) == FieldPart("b", "2")
    with pytest.raises(FormError):
        next(first.chunks)


def test_a_file_read_to_its_end_stays_ended() -> None:
    parts = iter(form(file("a", "a.bin", b"x") + field("b", b"2") + END))
    first = next(parts)
    assert isinstance(first, FilePart)
    assert b"".join(first.chunks) == b"x"
    next(parts)
    assert list(first.chunks) == []


def test_the_empty_part_of_an_unused_file_input_is_left_out() -> None:
    assert read_whole(form(file("a", "", b"") + field("b", b"2") + END)) == [("b", "2")]


def test_bytes_without_a_file_name_are_refused() -> None:
    with pytest.raises(FormError):
        read_whole(form(file("a", "", b"content") + END))


@pytest.mark.parametrize("split", range(1, 8))
def test_the_line_break_after_the_last_boundary_may_arrive_alone(split: int) -> None:
    data = field("a", b"1") + END
    stream = Pieces(data, len(data) - split)
    assert read_whole(FormStream(BodyReader(stream, len(data)), CONTENT_TYPE)) == [("a", "1")]


def test_the_last_line_break_may_be_left_out() -> None:
    assert read_whole(form(field("a", b"1") + END.rstrip())) == [("a", "1")]


BAD_FORMS = {
    "last-boundary-missing": field("a", b"1"),
    "bytes-after-the-last-boundary": field("a", b"1") + END + b"more",
    "bytes-before-the-first-boundary": b"hello\r\n" + field("a", b"1") + END,
    "other-boundary": (field("a", b"1") + END).replace(BOUNDARY.encode(), b"other"),
    "bare-line-feeds": (field("a", b"1") + END).replace(b"\r\n", b"\n"),
    "name-missing": field("a", b"1").replace(b'; name="a"', b"") + END,
    "name-empty": field("", b"1") + END,
    "name-with-line-break": field("a%0Ab", b"1") + END,
    "file-name-with-nul": file("a", "a\0.csv", b"1") + END,
    "file-name-not-utf-8": file("a", "QQ", b"1").replace(b"QQ", b"\xff\xfe") + END,
    "value-not-utf-8": field("a", b"\xff") + END,
    "not-form-data": field("a", b"1").replace(b"form-data", b"attachment") + END,
    "disposition-missing": field("a", b"1").replace(b"Content-Disposition", b"X-Other") + END,
    "part-length-too-large": field("a", b"1").replace(b"\r\n\r\n", b"\r\nContent-Length: 9\r\n\r\n") + END,
    "part-length-too-small": field("a", b"12").replace(b"\r\n\r\n", b"\r\nContent-Length: 1\r\n\r\n") + END,
}


@pytest.mark.parametrize("name", BAD_FORMS)
@pytest.mark.parametrize("size", [7, READ_SIZE])
def test_a_damaged_form_is_refused(name: str, size: int) -> None:
    with pytest.raises(FormError):
        read_whole(form(BAD_FORMS[name], size=size))


LARGE_FORMS = {
    "fields": field("a", b"1") * 4 + END,
    "files": file("a", "a.bin", b"1") * 3 + END,
    "unchosen-files": file("a", "", b"") * 30 + END,
    "field-bytes": field("a", b"12345") + END,
    "header-bytes": field("a" * 600, b"1") + END,
    "headers": field("a", b"1").replace(b"\r\n\r\n", b"\r\nX-A: 1\r\nX-B: 1\r\n\r\n") + END,
}


@pytest.mark.parametrize("name", LARGE_FORMS)
def test_a_form_past_a_limit_is_refused(name: str) -> None:
    limits = FormLimits(fields=3, field_bytes=4, files=2, header_bytes=500, headers=2)
    with pytest.raises(FormLimitError):
        read_whole(form(LARGE_FORMS[name], limits=limits))


def test_a_form_at_its_limits_is_read() -> None:
    limits = FormLimits(fields=3, field_bytes=4, files=2, header_bytes=500, headers=2)
    data = field("a", b"1234") * 3 + file("f", "a.bin", b"1") * 2 + END
    assert len(read_whole(form(data, limits=limits))) == 5


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "multipart/form-data",
        "multipart/mixed; boundary=a",
        'multipart/form-data; boundary=""',
        'multipart/form-data; boundary="a\nb"',
        "multipart/form-data; boundary=" + "b" * 71,
    ],
)
def test_only_a_form_with_a_proper_boundary_is_read(content_type: str) -> None:
    with pytest.raises(FormError):
        FormStream(BodyReader(io.BytesIO(b""), 0), content_type)


def test_an_empty_body_is_not_a_form() -> None:
    with pytest.raises(FormError):
        read_whole(form(b""))


def test_a_body_reader_never_reads_past_its_length() -> None:
    stream = io.BytesIO(b"bodynext request")
    assert BodyReader(stream, 4).read() == b"body"
    assert stream.read() == b"next request"


def test_reading_all_of_a_body_takes_as_many_reads_as_the_line_needs() -> None:
    assert BodyReader(Pieces(b"0123456789", 3), 10).readall() == b"0123456789"


def test_lines_and_buffers_can_be_read_as_from_any_stream() -> None:
    reader = BodyReader(io.BytesIO(b"one\ntwo\n...."), 12)
    assert reader.readline() == b"one\n"
    buffer = bytearray(4)
    assert reader.readinto(buffer) == 4
    assert buffer == b"two\n"
    assert reader.remaining == 4


def test_a_short_body_raises_again_on_every_later_read() -> None:
    reader = BodyReader(io.BytesIO(b"abc"), 5)
    assert reader.read(3) == b"abc"
    for _ in range(3):
        with pytest.raises(BodyCutShortError, match="3 of 5 bytes"):
            reader.read(1)


class FailingLine:
    def __init__(self, error: OSError) -> None:
        self._error = error

    def read(self, _size: int, /) -> bytes:
        raise self._error


@pytest.mark.parametrize(
    ("error", "expected"),
    [(TimeoutError(), BodyTooSlowError), (ConnectionResetError(), BodyCutShortError), (OSError(), BodyCutShortError)],
)
def test_a_broken_line_says_what_happened(error: OSError, expected: type[BodyError]) -> None:
    with pytest.raises(expected):
        BodyReader(FailingLine(error), 5).read()


class SlowLine:
    """Every read takes `seconds` on the clock and brings `size` bytes."""

    def __init__(self, seconds: float, size: int) -> None:
        self.now = 0.0
        self._seconds = seconds
        self._size = size

    def clock(self) -> float:
        return self.now

    def read(self, size: int, /) -> bytes:
        self.now += self._seconds
        return bytes(min(size, self._size))


LIMITS = PaceLimits(idle_seconds=30, grace_seconds=10, bytes_per_second=100)


def test_a_body_slower_than_the_least_pace_is_given_up() -> None:
    line = SlowLine(seconds=1, size=90)
    reader = BodyReader(line, 100_000, Pace(LIMITS, line.clock))
    with pytest.raises(BodyTooSlowError):
        list(reader.chunks())
    assert line.now == pytest.approx(100, abs=2)


def test_a_body_at_the_least_pace_is_received() -> None:
    line = SlowLine(seconds=1, size=100)
    assert sum(map(len, BodyReader(line, 100_000, Pace(LIMITS, line.clock)).chunks())) == 100_000


def test_time_the_service_takes_is_not_held_against_the_client() -> None:
    line = SlowLine(seconds=0.1, size=10)
    reader = BodyReader(line, 100, Pace(LIMITS, line.clock))
    for _ in range(10):
        line.now += 1000
        assert reader.read(10)


def test_draining_stops_at_its_limit_and_never_raises() -> None:
    reader = BodyReader(io.BytesIO(bytes(1000)), 2000)
    reader.drain(300)
    assert reader.received == 300
    reader.drain(10_000)
    assert reader.received == 1000


@pytest.mark.parametrize("text", ["-1", "+1", "1 ", "0x10", "1_0", "٣", "1" * 19, "1,1"])
def test_a_length_that_is_not_plain_digits_is_refused(text: str) -> None:
    with pytest.raises(BodyError):
        content_length({"CONTENT_LENGTH": text})


def test_a_request_has_one_reader() -> None:
    environ = {"wsgi.input": io.BytesIO(b"abc"), "CONTENT_LENGTH": "3"}
    reader = body_of(environ)
    assert body_of({**environ, "wsgi.input": reader}) is reader
    assert reader.length == 3
    assert reader.readable()
