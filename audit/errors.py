"""One family of errors, so that a caller can catch everything that the log refuses with `AuditError`."""


class AuditError(Exception):
    """Anything that the log refuses or finds wrong; the message is a sentence for a person."""


class EntryError(AuditError):
    """An entry that is not in the one canonical form."""


class VocabularyError(AuditError):
    """An event that the vocabulary does not know, or whose fields are not exactly those it lists."""


class ProofError(AuditError):
    """A proof that does not prove what it is shown for."""


class NoteError(AuditError):
    """A signed note, verifier key or checkpoint that is malformed, or not signed by the key it must be signed by."""


class LogExistsError(AuditError):
    """A log that is created a second time."""


class UnknownLogError(AuditError):
    """A log, entry or checkpoint that does not exist."""


class LogDisposedError(UnknownLogError):
    """A log that was disposed of whole: its tombstone says when, and what it held by size and root hash."""


class LogClosedError(AuditError):
    """An addition to a log whose last entry says that it was closed, or a disposal of one that was not."""


class TransactionError(AuditError):
    """An append outside a transaction that can hold the lock on the log's head."""


class LogDamagedError(AuditError):
    """Stored parts of a log contradict each other; nothing may be added or signed before a person has looked."""


class LogRolledBackError(AuditError):
    """The database holds less of a log than was signed before, or something else; a person has to decide."""


class QuorumError(NoteError):
    """A checkpoint that fewer witnesses cosigned than the policy asks for."""


class PolicyError(AuditError):
    """A file that cannot be read as a policy of logs, witnesses and a quorum."""


class ReceiptError(AuditError):
    """A file that cannot be read as a receipt, or cannot be judged with what was given beside it."""


class WitnessAbsentError(AuditError):
    """A witness that did not answer; nothing is wrong with the log, and it may be asked again."""


class WitnessRefusedError(AuditError):
    """A witness that will not cosign, or whose cosignature is not what was asked for; a person has to look.

    `kind` is one of: unknown-log, unknown-key, fork, inconsistent, ahead, wrong-cosignature, wrong-key, wrong-time,
    unexpected-answer. `size` is the size that the witness says it has cosigned, if it says one.
    """

    def __init__(self, kind: str, words: str, size: int | None = None) -> None:
        super().__init__(words)
        self.kind = kind
        self.size = size


class BundleError(AuditError):
    """A file that cannot be read as an evidence bundle."""


class EvidenceError(AuditError):
    """A well-formed bundle or receipt whose contents do not prove themselves."""
