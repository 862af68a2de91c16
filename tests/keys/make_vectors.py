"""Makes the known answers of this folder: run it from the project's root as `python -m tests.keys.make_vectors`.

Keys and IVs are the system's randomness, so every run makes new files of the same names; a committed file stays,
because it shows that what was sealed once still opens.
"""

import io
import json
import os
from pathlib import Path
from typing import Any

from keys import floe
from keys.identifiers import new_identifier
from keys.keyring import data_key_context, inspection_key_context
from keys.sealed_file import SealContext, Sealer
from keys.secret_box import seal_secret
from keys.wrapping import wrap_key
from tests.keys.mutations import MUTATIONS, Message, flip

FOLDER = Path(__file__).parent / "vectors"
Rows = list[dict[str, Any]]

# name, segment size, rotation bits, content size, whether an empty last segment follows
SHAPES = [
    ("no-content", 64, 20, 0, False),
    ("one-byte", 64, 20, 1, False),
    ("one-full-segment", 64, 20, 32, False),
    ("one-byte-more-than-a-segment", 64, 20, 33, False),
    ("three-segments", 64, 20, 70, False),
    ("last-segment-full", 64, 20, 96, False),
    ("last-segment-empty", 64, 20, 64, True),
    ("smallest-segments", 33, 20, 5, False),
    ("segments-of-4096-bytes", 4096, 20, 4064 + 17, False),
    ("key-changes-every-four-segments", 40, 2, 83, False),
]


def seal(key: bytes, associated_data: bytes, parameters: floe.Parameters, content: bytes, *, empty_last: bool) -> bytes:
    """Seal a whole message through the random-access functions."""
    segments, sealed = floe.start_sealing(key, associated_data, parameters)
    size = parameters.plain_segment_size
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    if empty_last or not pieces:
        pieces.append(b"")
    for position, piece in enumerate(pieces):
        out = memoryview(bytearray(parameters.segment_size))
        last = position == len(pieces) - 1
        sealed += bytes(out[: segments.seal_into(memoryview(piece), position, out, last=last)])
    return sealed


def good_messages() -> Rows:
    """One row for each shape of message."""
    rows: Rows = []
    for name, segment_size, rotation_bits, size, empty_last in SHAPES:
        key, bound, content = os.urandom(32), f"bound to {name}".encode(), os.urandom(size)
        sealed = seal(key, bound, floe.Parameters(segment_size, rotation_bits), content, empty_last=empty_last)
        rows.append(_row(name, key, bound, sealed, rotation_bits=rotation_bits, content=content.hex()))
    return rows


def bad_messages() -> Rows:
    """One row for each mutation, and for what does not belong together."""
    parameters = floe.Parameters(64)
    key, bound = os.urandom(32), b"bound to this"
    sealed, other = (seal(key, bound, parameters, os.urandom(70), empty_last=False) for _ in range(2))
    message = Message.split(sealed, 64, Message.split(other, 64))
    rows = [_row(name, key, bound, mutate(message)) for name, mutate in MUTATIONS.items()]
    rows.append(_row("another-key", flip(key, 0), bound, sealed))
    rows.append(_row("key-too-short", key[:16], bound, sealed))
    rows.append(_row("bound-to-something-else", key, bound + b"!", sealed))
    rows.append(_row("bound-to-nothing", key, b"", sealed))
    return rows


def sealed_files() -> Rows:
    """Small files as the service seals them."""
    rows: Rows = []
    for name, content in (("empty-file", b""), ("short-file", b"Annex A\n"), ("kilobyte-file", os.urandom(1024))):
        context = SealContext(new_identifier("ins"), new_identifier("doc"), 1)
        key, sink = os.urandom(32), io.BytesIO()
        sealer = Sealer(key, context, sink)
        sealer.write(content)
        digest = sealer.finish().sha256_hex
        rows.append(
            {
                "name": name,
                "data_key": key.hex(),
                "inspection_id": context.inspection_id,
                "document_id": context.document_id,
                "key_version": context.key_version,
                "associated_data": context.associated_data().hex(),
                "content": content.hex(),
                "sha256": digest,
                "sealed": sink.getvalue().hex(),
            }
        )
    return rows


def wrapped_keys() -> Rows:
    """An inspection key and a data key as the key store holds them."""
    inspection_id, document_id, provider_id = new_identifier("ins"), new_identifier("doc"), new_identifier("kek")
    provider_key, inspection_key, data_key = (os.urandom(32) for _ in range(3))
    above = inspection_key_context(inspection_id)
    below = data_key_context(inspection_id, document_id)
    inspection = wrap_key(provider_key, inspection_key, above, key_id=provider_id, key_version=3)
    document = wrap_key(inspection_key, data_key, below, key_id=inspection_id, key_version=1)
    return [
        {
            "name": name,
            "key_encryption_key": outer.hex(),
            "context": context.hex(),
            "key": inner.hex(),
            "text": wrapped.to_json(),
        }
        for name, outer, context, inner, wrapped in (
            ("inspection-key", provider_key, above, inspection_key, inspection),
            ("data-key", inspection_key, below, data_key, document),
        )
    ]


def secrets_in_boxes() -> Rows:
    """Small secrets as the database holds them."""
    key = os.urandom(40)
    return [
        {
            "name": name,
            "key": key.hex(),
            "purpose": purpose,
            "plain": plain.hex(),
            "text": seal_secret(key, purpose, plain),
        }
        for name, purpose, plain in (
            ("no-bytes", "empty", b""),
            ("second-factor", "second-factor/per_1", os.urandom(20)),
        )
    ]


def _row(name: str, key: bytes, associated_data: bytes, sealed: bytes, **more: object) -> dict[str, Any]:
    return {"name": name, "key": key.hex(), "associated_data": associated_data.hex(), **more, "sealed": sealed.hex()}


MAKERS = {
    "floe_good": good_messages,
    "floe_bad": bad_messages,
    "sealed_files": sealed_files,
    "wrapped_keys": wrapped_keys,
    "secret_boxes": secrets_in_boxes,
}


def main() -> None:
    """Write every file anew."""
    FOLDER.mkdir(exist_ok=True)
    for name, make in MAKERS.items():
        (FOLDER / f"{name}.json").write_text(json.dumps(make(), indent=1) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
