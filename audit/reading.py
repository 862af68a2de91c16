"""What a reader of a whole log notes of its entries besides their hashes.

That is why the first unreadable one is, and where the log went on under a new origin after its database was put back.
"""

from dataclasses import dataclass, field

from audit.continuing import CONTINUED
from audit.entry import Entry, decode
from audit.errors import AuditError


@dataclass(slots=True)
class EntryNotes:
    """Notes of entries read one after another: why the first unreadable one is, and a sentence for each going on."""

    unreadable: str = ""
    went_on: list[str] = field(default_factory=list)

    def read(self, index: int, encoded: bytes) -> None:
        """Note what this entry, which stands at `index`, gives cause to."""
        try:
            entry = decode(encoded)
        except AuditError as error:
            self.unreadable = self.unreadable or f"Entry {index} cannot be read: {error}"
            return
        if entry.event == CONTINUED:
            self.went_on.append(_sentence(index, entry))


def _sentence(index: int, entry: Entry) -> str:
    kept, signed = entry.details.get("from_size"), entry.details.get("signed_size")
    said = f"At entry {index} the log went on under a new origin:"
    if type(kept) is int and type(signed) is int:
        said += f" {signed} entries had been signed for before,"
        if signed > kept:
            said += f" {kept} of them were kept, so {signed - kept} are lost;"
        else:
            said += f" and whether they are among the {kept} that it then held cannot be told from this;"
    return f"{said} checkpoints kept of the old origin will not fit."
