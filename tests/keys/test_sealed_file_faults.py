"""The Sealer when its sink fails: it says so, keeps no plaintext, and never claims that something was sealed."""

import hashlib
import io
import os
import threading

import pytest

from keys.identifiers import new_identifier
from keys.sealed_file import ENC_SEG_LEN, SealContext, Sealer, SealingError, unseal

KEY = os.urandom(32)
CONTEXT = SealContext(new_identifier("ins"), new_identifier("doc"), 1)
CONTENT = os.urandom(3 * ENC_SEG_LEN)


class FullDisk(io.BytesIO):
    """Fails at the given write, before or after it has taken the bytes."""

    def __init__(self, fails_at: int, *, stored: bool) -> None:
        super().__init__()
        self.left, self.stored = fails_at, stored

    def write(self, data: memoryview, /) -> int:  # type: ignore[override] -- a sink takes views
        self.left -= 1
        if self.left < 0 and not self.stored:
            raise OSError(28, "No space left on device")
        count = super().write(data)
        if self.left < 0:
            raise OSError(5, "Input/output error")
        return count


@pytest.mark.parametrize("stored", [False, True], ids=["failed-not-stored", "failed-but-stored"])
@pytest.mark.parametrize("fails_at", range(5))
def test_a_failing_sink_ends_the_sealing_and_wipes_the_content(fails_at: int, stored: bool) -> None:  # noqa: FBT001
    sink = FullDisk(fails_at, stored=stored)
    with pytest.raises(OSError, match=r"No space|Input/output"):  # noqa: PT012 -- any of the three steps may meet it
        sealer = Sealer(KEY, CONTEXT, sink)
        buffers = sealer._ring
        sealer.write(CONTENT)
        buffers = list(sealer._ring)
        sealer.finish()
    if fails_at:
        assert not any(any(buffer) for buffer in buffers)
        with pytest.raises(SealingError):
            sealer.write(b"more")
        with pytest.raises(SealingError):
            sealer.finish()


def test_a_sink_that_takes_nothing_is_an_error_and_no_endless_loop() -> None:
    class Stuck:
        def write(self, _: memoryview, /) -> int:
            return 0

    with pytest.raises(SealingError, match="takes no more"):
        Sealer(KEY, CONTEXT, Stuck())


def test_a_sink_that_takes_a_part_is_offered_the_rest() -> None:
    class Slow(io.BytesIO):
        def write(self, data: memoryview, /) -> int:  # type: ignore[override] -- a sink takes views
            return super().write(data[:60_001])

    sink = Slow()
    sealer = Sealer(KEY, CONTEXT, sink)
    sealer.write(CONTENT)
    said = sealer.finish()

    assert said.sealed_size == len(sink.getvalue())
    assert b"".join(unseal(io.BytesIO(sink.getvalue()), KEY, CONTEXT, sealed_size=said.sealed_size)) == CONTENT


def test_a_sink_that_gives_no_count_has_taken_everything() -> None:
    class Silent:
        def __init__(self) -> None:
            self.taken = b""

        def write(self, data: memoryview, /) -> None:
            self.taken += data

    sink = Silent()
    sealer = Sealer(KEY, CONTEXT, sink)
    sealer.write(b"content")
    assert sealer.finish().sealed_size == len(sink.taken)


def test_no_hashing_thread_outlives_its_sealer() -> None:
    def hashing() -> int:
        return sum(thread.name.startswith("seal-hash") for thread in threading.enumerate())

    before = hashing()
    finished, abandoned = Sealer(KEY, CONTEXT, io.BytesIO()), Sealer(KEY, CONTEXT, io.BytesIO())
    for sealer in (finished, abandoned):
        sealer.write(CONTENT)
    assert hashing() == before + 2
    assert finished.finish().sha256_hex == hashlib.sha256(CONTENT).hexdigest()
    abandoned.abandon()
    assert hashing() == before


def test_a_small_file_starts_no_thread() -> None:
    sealer = Sealer(KEY, CONTEXT, io.BytesIO())
    sealer.write(CONTENT[: ENC_SEG_LEN - 32])
    assert sealer._hasher is None
    sealer.abandon()


def test_a_buffer_is_not_filled_again_before_it_has_been_hashed() -> None:
    overtaken = threading.Event()

    class LateHash:
        """Takes its first bytes only once the Sealer has gone on for as long as it can."""

        def __init__(self) -> None:
            self.inner = hashlib.sha256()

        def update(self, data: memoryview) -> None:
            overtaken.wait(0.3)
            self.inner.update(data)

        def hexdigest(self) -> str:
            return self.inner.hexdigest()

    class CountingSink(io.BytesIO):
        writes = 0

        def write(self, data: memoryview, /) -> int:  # type: ignore[override] -- a sink takes views
            self.writes += 1
            if self.writes > 5:
                overtaken.set()
            return super().write(data)

    content = os.urandom(6 * ENC_SEG_LEN)
    sealer = Sealer(KEY, CONTEXT, CountingSink())
    sealer._hash = LateHash()  # type: ignore[assignment] -- all that the Sealer needs of it
    sealer.write(content)

    assert sealer.finish().sha256_hex == hashlib.sha256(content).hexdigest()
