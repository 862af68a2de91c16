"""Every way in which keys and sealed files refuse, in one family.

Texts never carry key material. All cryptographic failures of one kind share one text, so that an answer tells an
attacker nothing about which part was wrong; what an operator must know to act (a missing file, its rights) has its own.
"""


class KeysError(Exception):
    """Anything that went wrong with keys or sealed files."""


class IdentifierError(KeysError):
    """A text that should be an opaque identifier is not one; it was not used as a path or as a context."""


class KeyUnavailableError(KeysError):
    """The key is not there: never made, destroyed, retired, or held by another provider."""


class WrongContextError(KeysError):
    """A wrapped key did not open: wrong key, wrong context, or altered bytes, with one text for all three."""

    def __init__(self) -> None:
        super().__init__(
            "A wrapped key does not open: it was altered, or belongs to another document, inspection or provider key. "
            "Nothing was released. Restore the key store from a backup of the same time as the provider key."
        )


class WrappedKeyError(KeysError):
    """A wrapped key's text is not in the one valid encoding, or names a scheme that this version does not know."""


class KeyExistsError(KeysError):
    """A key would have been made a second time; the first one stays as it is."""


class KeyNeededError(KeysError):
    """A key version may not be retired, because something is still wrapped under it."""


class KeyFileError(KeysError):
    """A key file is missing, has unsafe rights, the wrong owner, or content that is not ours."""


class SignedBeforeError(KeysError):
    """A state of a log would be signed that does not extend one that was signed before."""


class FloeError(KeysError):
    """Bytes that are not a FLOE message under this key and associated data."""


class SealedFileError(KeysError):
    """A sealed file does not open, with one text for damage, truncation, extra bytes, wrong key and wrong context."""

    def __init__(self) -> None:
        super().__init__(
            "The sealed file does not open: it is damaged or incomplete, or belongs to another document or key. "
            "Discard anything already read from it, and restore the file from a backup."
        )


class SealingError(KeysError):
    """The Sealer was used wrongly, or the content's length is not the one that was announced."""


class SecretBoxError(KeysError):
    """A small secret does not open, with one text for every cause."""

    def __init__(self) -> None:
        super().__init__(
            "A stored secret does not open: it was altered, or the secret key file is not the one that sealed it. "
            "Restore the secret key file, or have the person enrol again."
        )
