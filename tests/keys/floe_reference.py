"""A slow reader of c2sp.org/FLOE, written from its text alone: HKDF-Expand by hand, one segment after another.

It shares nothing with the package but AES-GCM, so that the two can disagree.
"""

import hmac

from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def floe_kdf(key: bytes, header: bytes, purpose: bytes, associated_data: bytes, size: int) -> bytes:
    """HKDF-Expand with SHA-384 (RFC 5869, section 2.3); one block is enough for every size that FLOE asks for."""
    return hmac.digest(key, header[:42] + purpose + associated_data + b"\x01", "sha384")[:size]


def read(key: bytes, associated_data: bytes, sealed: bytes, rotation_bits: int = 20) -> bytes:
    """Open a message; any refusal is an AssertionError or InvalidTag."""
    header, body = sealed[:74], sealed[74:]
    assert header[:2] == b"\0\0"
    assert header[6:10] == b"\0\0\0\x20"
    segment_size = int.from_bytes(header[2:6], "big")
    assert header[42:] == floe_kdf(key, header, b"HEADER_TAG:", associated_data, 32)
    message_key = floe_kdf(key, header, b"MESSAGE_KEY:", associated_data, 48)
    content, position = b"", 0
    while True:
        segment, body = body[:segment_size], body[segment_size:]
        last = not body
        assert segment[:4] == (len(segment).to_bytes(4, "big") if last else b"\xff\xff\xff\xff")
        masked = position - position % 2**rotation_bits
        dek = floe_kdf(message_key, header, b"DEK:" + masked.to_bytes(8, "big"), associated_data, 32)
        bound = position.to_bytes(8, "big") + bytes([last])
        content += AESGCM(dek).decrypt(segment[4:16], segment[16:], bound)
        position += 1
        if last:
            return content
