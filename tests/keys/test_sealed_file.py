"""Sealed files: what comes out is what went in, and damage is noticed before or at the place where it is."""

import hashlib
import io
import os
from collections.abc import Iterator
from typing import Any

import pytest

from keys import floe
from keys.errors import FloeError, IdentifierError, KeysError
from keys.identifiers import new_identifier
from keys.seal_format import PARAMETERS
from keys.sealed_file import (
    ENC_SEG_LEN,
    SealContext,
    SealedContent,
    SealedFileError,
    Sealer,
    SealingError,
    Unsealer,
    plain_size_of,
    sealed_size_of,
    unseal,
)
from tests.keys.make_vectors import seal
from tests.keys.mutations import MUTATIONS, Message

PLAIN = ENC_SEG_LEN - 32
KEY = os.urandom(32)
CONTEXT = SealContext(new_identifier("ins"), new_identifier("doc"), 1)
SIZES = [0, 1, 1000, PLAIN - 1, PLAIN, PLAIN + 1, 2 * PLAIN, 2 * PLAIN + 7, 5 * PLAIN + 3]


def sealed_bytes(content: bytes, context: SealContext = CONTEXT) -> bytes:
    sink = io.BytesIO()
    sealer = Sealer(KEY, context, sink)
    sealer.write(content)
    sealer.finish()
    return sink.getvalue()


def opened(sealed: bytes, context: SealContext = CONTEXT, key: bytes = KEY) -> bytes:
    return b"".join(unseal(io.BytesIO(sealed), key, context, sealed_size=len(sealed)))


@pytest.fixture(scope="module")
def three_segments() -> tuple[bytes, Message]:
    content = os.urandom(2 * PLAIN + 100)
    other = Message.split(sealed_bytes(os.urandom(2 * PLAIN + 100)), ENC_SEG_LEN)
    return content, Message.split(sealed_bytes(content), ENC_SEG_LEN, other)


@pytest.mark.parametrize("size", SIZES)
def test_a_file_of_any_size_comes_back_and_is_counted_and_hashed(size: int) -> None:
    content = os.urandom(size)
    sink = io.BytesIO()
    sealer = Sealer(KEY, CONTEXT, sink)
    for at in range(0, size, 700_001):
        sealer.write(memoryview(content)[at : at + 700_001])
    said = sealer.finish(expected_size=size)

    sealed = sink.getvalue()
    assert said == SealedContent(size, hashlib.sha256(content).hexdigest(), len(sealed))
    assert sealed_size_of(size) == len(sealed)
    assert plain_size_of(len(sealed)) == size
    assert opened(sealed) == content
    assert Unsealer(io.BytesIO(sealed), KEY, CONTEXT, len(sealed)).plain_size == size


def test_a_known_sealed_file_opens(sealed_files_vector: dict[str, Any]) -> None:
    row = sealed_files_vector
    context = SealContext(row["inspection_id"], row["document_id"], row["key_version"])

    assert context.associated_data().hex() == row["associated_data"]
    content = opened(bytes.fromhex(row["sealed"]), context, bytes.fromhex(row["data_key"]))
    assert content.hex() == row["content"]
    assert hashlib.sha256(content).hexdigest() == row["sha256"]


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_damaged_file_never_reads_to_its_end(name: str, three_segments: tuple[bytes, Message]) -> None:
    content, message = three_segments
    bad = MUTATIONS[name](message)

    released = b""
    with pytest.raises(SealedFileError):  # noqa: PT012 -- the refusal may come at the header or later
        for piece in unseal(io.BytesIO(bad), KEY, CONTEXT, sealed_size=len(bad)):
            released += piece
    assert content.startswith(released)


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_damaged_file_releases_no_damaged_byte_by_range(name: str, three_segments: tuple[bytes, Message]) -> None:
    content, message = three_segments
    bad = MUTATIONS[name](message)

    with pytest.raises(SealedFileError):  # noqa: PT012 -- the refusal may come at open or in the range
        unsealer = Unsealer(io.BytesIO(bad), KEY, CONTEXT, len(bad))
        assert list(unsealer.read_range(0, 0)) == []
        assert content.startswith(b"".join(unsealer.read_range(0, unsealer.plain_size)))


@pytest.mark.parametrize(
    "name", ["last-segment-missing", "last-byte-missing", "byte-appended", "last-segment-repeated"]
)
def test_a_file_of_the_wrong_length_is_refused_before_the_first_byte(
    name: str, three_segments: tuple[bytes, Message]
) -> None:
    bad = MUTATIONS[name](three_segments[1])

    with pytest.raises(SealedFileError):
        Unsealer(io.BytesIO(bad), KEY, CONTEXT, len(bad))


def test_a_file_whose_recorded_size_differs_is_refused(three_segments: tuple[bytes, Message]) -> None:
    message = three_segments[1]
    sealed = message.header + b"".join(message.segments)
    for size in (len(sealed) - 1, len(sealed) + 1, len(sealed) - ENC_SEG_LEN, len(sealed) + ENC_SEG_LEN, 0, 74, 105):
        with pytest.raises(SealedFileError):
            Unsealer(io.BytesIO(sealed), KEY, CONTEXT, size)
        with pytest.raises(SealedFileError):
            list(unseal(io.BytesIO(sealed), KEY, CONTEXT, sealed_size=size))


def test_bytes_behind_a_whole_file_are_refused_though_its_recorded_size_is_right() -> None:
    sealed = sealed_bytes(b"content")
    longer = sealed + b"more"
    with pytest.raises(SealedFileError):
        list(unseal(io.BytesIO(longer), KEY, CONTEXT, sealed_size=len(sealed)))
    with pytest.raises(SealedFileError):
        Unsealer(io.BytesIO(longer), KEY, CONTEXT, len(sealed))


@pytest.mark.parametrize(
    "context",
    [
        SealContext(new_identifier("ins"), CONTEXT.document_id, 1),
        SealContext(CONTEXT.inspection_id, new_identifier("doc"), 1),
        SealContext(CONTEXT.inspection_id, CONTEXT.document_id, 2),
        SealContext(CONTEXT.document_id, CONTEXT.inspection_id, 1),
    ],
    ids=["another-inspection", "another-document", "another-key-version", "identifiers-swapped"],
)
def test_a_file_opens_only_for_what_it_was_sealed_for(context: SealContext) -> None:
    sealed = sealed_bytes(b"content")
    with pytest.raises(SealedFileError):
        opened(sealed, context)


@pytest.mark.parametrize("key", [os.urandom(32), KEY[:16], b""], ids=["another", "short", "none"])
def test_a_file_opens_only_with_its_key(key: bytes) -> None:
    with pytest.raises(SealedFileError):
        opened(sealed_bytes(b"content"), CONTEXT, key)


def test_every_refusal_says_the_same() -> None:
    sealed = sealed_bytes(b"content")
    texts = set()
    for bad, key in ((sealed[:-1], KEY), (sealed, os.urandom(32)), (b"", KEY), (sealed + b"\0", KEY)):
        with pytest.raises(SealedFileError) as refusal:
            opened(bad, key=key)
        texts.add(str(refusal.value))
    assert len(texts) == 1


def test_an_empty_last_segment_after_another_is_refused() -> None:
    sealed = seal(KEY, CONTEXT.associated_data(), floe.Parameters(ENC_SEG_LEN), bytes(PLAIN), empty_last=True)
    assert floe.open_message(KEY, CONTEXT.associated_data(), sealed) == bytes(PLAIN)

    with pytest.raises(SealedFileError):
        opened(sealed)


def test_a_file_with_another_segment_size_is_refused() -> None:
    sealed = seal(KEY, CONTEXT.associated_data(), floe.Parameters(4096), b"content", empty_last=False)
    assert floe.open_message(KEY, CONTEXT.associated_data(), sealed) == b"content"

    with pytest.raises(SealedFileError):
        opened(sealed)


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 0), (0, 1), (5, 2 * PLAIN + 100), (PLAIN - 1, PLAIN + 1), (PLAIN, 2 * PLAIN), (7, 9)]
)
def test_a_range_is_that_slice_of_the_content(start: int, stop: int, three_segments: tuple[bytes, Message]) -> None:
    content, message = three_segments
    sealed = message.header + b"".join(message.segments)
    unsealer = Unsealer(io.BytesIO(sealed), KEY, CONTEXT, len(sealed))

    assert b"".join(unsealer.read_range(start, stop)) == content[start:stop]
    assert b"".join(unsealer.read_range(0, len(content))) == content


@pytest.mark.parametrize(("start", "stop"), [(-1, 1), (2, 1), (0, 8), (8, 9)])
def test_a_range_outside_the_content_is_refused(start: int, stop: int) -> None:
    sealed = sealed_bytes(b"content")
    unsealer = Unsealer(io.BytesIO(sealed), KEY, CONTEXT, len(sealed))
    with pytest.raises(ValueError, match="outside"):
        unsealer.read_range(start, stop)


def test_a_range_reads_only_the_segments_that_it_touches() -> None:
    class CountingSource(io.BytesIO):
        count = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            self.count += len(data)
            return data

    sealed = sealed_bytes(bytes(8 * PLAIN))
    source = CountingSource(sealed)
    unsealer = Unsealer(source, KEY, CONTEXT, len(sealed))
    source.count = 0

    assert b"".join(unsealer.read_range(3 * PLAIN, 3 * PLAIN + 10)) == bytes(10)
    assert source.count == ENC_SEG_LEN


def test_a_source_that_gives_little_at_a_time_is_read_whole() -> None:
    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 100_003))

    content = os.urandom(PLAIN + 50)
    sealed = sealed_bytes(content)
    assert b"".join(unseal(Trickle(sealed), KEY, CONTEXT, sealed_size=len(sealed))) == content


def test_two_sealings_of_the_same_content_share_nothing() -> None:
    first, second = sealed_bytes(bytes(1000)), sealed_bytes(bytes(1000))
    assert first[10:42] != second[10:42]
    assert first[74:] != second[74:]


def test_nothing_can_follow_the_end() -> None:
    sealer = Sealer(KEY, CONTEXT, io.BytesIO())
    sealer.write(b"content")
    sealer.finish()
    with pytest.raises(SealingError):
        sealer.write(b"more")
    with pytest.raises(SealingError):
        sealer.finish()


def test_content_of_another_length_than_announced_is_refused() -> None:
    sealer = Sealer(KEY, CONTEXT, io.BytesIO())
    sealer.write(b"content")
    with pytest.raises(SealingError, match="7 bytes arrived of 8"):
        sealer.finish(expected_size=8)
    with pytest.raises(SealingError):
        sealer.finish()


def test_leaving_the_block_abandons_what_was_not_finished() -> None:
    with Sealer(KEY, CONTEXT, io.BytesIO()) as sealer:
        sealer.write(b"content")
    with pytest.raises(SealingError):
        sealer.finish()


def _end_by_finish(sealer: Sealer) -> None:
    sealer.finish()


@pytest.mark.parametrize("end", [Sealer.abandon, _end_by_finish], ids=["abandoned", "finished"])
@pytest.mark.parametrize("size", [11, PLAIN, 3 * PLAIN + 5, 5 * PLAIN])
def test_no_plaintext_stays_in_the_buffers(end: Any, size: int) -> None:
    sealer = Sealer(KEY, CONTEXT, io.BytesIO())
    sealer.write(b"\xaa" * size)
    buffers = list(sealer._ring)
    assert any(0xAA in buffer for buffer in buffers)

    end(sealer)

    assert not any(any(buffer) for buffer in buffers)


def test_the_callers_buffer_may_be_used_again_after_each_write() -> None:
    sink, buffer, content = io.BytesIO(), bytearray(300_000), b""
    sealer = Sealer(KEY, CONTEXT, sink)
    for number in range(12):
        buffer[:] = bytes([number]) * len(buffer)
        sealer.write(buffer)
        content += buffer
    said = sealer.finish()

    assert said.sha256_hex == hashlib.sha256(content).hexdigest()
    assert opened(sink.getvalue()) == content


def test_memory_stays_bounded_whatever_the_size() -> None:
    class Nowhere:
        def write(self, data: memoryview, /) -> int:
            return len(data)

    sealer = Sealer(KEY, CONTEXT, Nowhere())
    for _ in range(40):
        sealer.write(bytes(ENC_SEG_LEN))
    assert sum(len(buffer) for buffer in sealer._ring) + len(sealer._sealed) <= 8 * 1024 * 1024
    assert sealer.finish().plain_size == 40 * ENC_SEG_LEN


@pytest.mark.parametrize(
    ("inspection", "document"),
    [("../etc", CONTEXT.document_id), (CONTEXT.inspection_id, "doc_"), ("", "")],
    ids=["path", "short", "nothing"],
)
def test_a_context_takes_only_identifiers(inspection: str, document: str) -> None:
    with pytest.raises(IdentifierError):
        SealContext(inspection, document, 1)


@pytest.mark.parametrize("version", [0, -1, 1 << 32])
def test_a_context_takes_only_versions_that_can_be_encoded(version: int) -> None:
    with pytest.raises(KeysError):
        SealContext(CONTEXT.inspection_id, CONTEXT.document_id, version)


def test_no_two_contexts_share_their_bytes() -> None:
    contexts: Iterator[SealContext] = (
        SealContext(inspection, document, version)
        for inspection in (CONTEXT.inspection_id, CONTEXT.document_id)
        for document in (CONTEXT.inspection_id, CONTEXT.document_id)
        for version in (1, 2, 256)
    )
    assert len({context.associated_data() for context in contexts}) == 12


@pytest.mark.parametrize("size", [-1, 0, 73, 74, 105, 74 + ENC_SEG_LEN + 31, 74 + ENC_SEG_LEN + 32])
def test_a_size_that_no_sealed_file_has_is_refused(size: int) -> None:
    with pytest.raises(SealedFileError):
        plain_size_of(size)


def test_a_negative_content_size_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="negative"):
        sealed_size_of(-1)


def test_a_data_key_of_the_wrong_size_seals_nothing() -> None:
    with pytest.raises(FloeError):
        Sealer(KEY[:31], CONTEXT, io.BytesIO())


def test_the_parameters_are_those_of_the_format_document() -> None:
    assert sealed_bytes(b"")[:10].hex() == "00000010000000000020"
    assert PARAMETERS.rotation_bits == 20
    assert len(sealed_bytes(b"")) == 106
