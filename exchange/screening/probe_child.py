"""The child that looks at strangers' bytes: reads frames, answers each with one MIME type, holds nothing else.

A frame is a 4-byte big-endian length and that many bytes. The child says `ready` (with `filtered` or `limited`) once it
is confined; an empty answer means that the bytes could not be judged. It ends when its input ends.
"""

import os
import signal
import struct
from collections.abc import Callable

from exchange.screening.confinement import confine
from exchange.screening.container_look import look_inside

MOST_HEAD = 1024 * 1024
CPU_SECONDS_PER_PROBE = 3.0
_LENGTH = struct.Struct(">I")
_CONTAINERS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


def main() -> None:
    """Load the detector, give everything up, then answer until the input ends."""
    # pylibmagic points python-magic at the library and database it carries, so it is imported first; both are imported
    # here and not above because only the child may load a parser of strangers' bytes.
    import pylibmagic  # noqa: PLC0415  # see above

    # isort: split
    import magic  # noqa: PLC0415  # see above

    detect = magic.Magic(mime=True, magic_file=str(pylibmagic.data / "magic.mgc")).from_buffer
    detect(b"warm up: what is loaded late is loaded now")
    look_inside(b"PK\x03\x04")
    _write(b"ready filtered" if confine() else b"ready limited")
    while (head := _read_frame()) is not None:
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS_PER_PROBE)  # its signal ends the process; nothing handles it
        answer = _judge(detect, head)
        signal.setitimer(signal.ITIMER_PROF, 0)
        _write(answer)


def _judge(detect: Callable[[bytes], str], head: bytes) -> bytes:
    try:
        inside = look_inside(head) if head.startswith(_CONTAINERS) else None
        return (inside or detect(head)).encode("ascii")
    except Exception:  # noqa: BLE001  # whatever a parser throws, the answer is that it could not tell
        return b""


def _read_frame() -> bytes | None:
    prefix = _read_exactly(_LENGTH.size)
    if prefix is None:
        return None
    size = _LENGTH.unpack(prefix)[0]
    return _read_exactly(size) if size <= MOST_HEAD else None


def _read_exactly(size: int) -> bytes | None:
    found = bytearray()
    while len(found) < size:
        piece = os.read(0, size - len(found))
        if not piece:
            return None
        found += piece
    return bytes(found)


def _write(payload: bytes) -> None:
    os.write(1, _LENGTH.pack(len(payload)) + payload)
