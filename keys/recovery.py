"""Opens one sealed file with nothing but itself, the provider's key file and the key store: no database, no service."""

import hashlib
import os
from pathlib import Path

from keys.errors import KeysError
from keys.key_store import FolderKeyStore
from keys.keyring import Keyring
from keys.local_provider import LocalKeyProvider
from keys.sealed_file import SealContext, SealedContent, unseal


def unseal_file(
    sealed_path: Path, inspection_id: str, document_id: str, provider_path: Path, key_store_root: Path, output: Path
) -> SealedContent:
    """Write a document's content to `output` (rights 0600, durable) and give its size and SHA-256 for the receipt.

    Raises KeysError when keys or file do not open, or when `output` exists; OSError when reading or writing fails.
    After any error there is no output.
    """
    keyring = Keyring(LocalKeyProvider.open(provider_path), FolderKeyStore(key_store_root))
    data_key, version = keyring.data_key_with_version(inspection_id, document_id)
    context = SealContext(inspection_id, document_id, version)
    try:
        target = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise KeysError(f"{output} exists already. It was not touched; name another output.") from error
    try:
        return _unseal_into(target, sealed_path, data_key, context)
    except BaseException:
        output.unlink()
        raise


def _unseal_into(target: int, sealed_path: Path, data_key: bytes, context: SealContext) -> SealedContent:
    digest = hashlib.sha256()
    plain_size = 0
    with os.fdopen(target, "wb") as out, sealed_path.open("rb", buffering=0) as source:
        sealed_size = os.fstat(source.fileno()).st_size
        for content in unseal(source, data_key, context, sealed_size=sealed_size):
            out.write(content)
            digest.update(content)
            plain_size += len(content)
        out.flush()
        os.fsync(target)
    return SealedContent(plain_size, digest.hexdigest(), sealed_size)
