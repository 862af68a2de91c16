"""The number of an Annex A item: a label such as L1, P, 1.1 or 7.7, never the result of a calculation."""

import re
from typing import Any, Self

_FORM = re.compile(r"L[1-9]|P|[1-9]\.[1-9][0-9]?")


class ItemNumberError(ValueError):
    """The text does not have the form of an item number."""


class ItemNumber(str):
    """The number of an item. A text whose order is the order of the annex: lists, providers, then 1.1 to 7.7.

    Whether an item of that number exists is for the catalogue to say (3.7 has the form and does not exist).
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Take `text` exactly as it stands.

        Raises:
            ItemNumberError: `text` is not L1, P, 1.1 or of a like form.
        """
        if not _FORM.fullmatch(text):
            raise ItemNumberError("An item number looks like L1, P or 1.1.")
        return super().__new__(cls, text)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The item number that `text` is; nothing is trimmed or mended. Raises ItemNumberError."""
        return cls(text)

    @property
    def order(self) -> tuple[int, int, int]:
        """The place in the annex, for sorting."""
        if self[0] == "L":
            return (0, int(self[1:]), 0)
        if self == "P":
            return (1, 0, 0)
        section, _, item = self.partition(".")
        return (2, int(section), int(item))

    def __lt__(self, other: Any) -> bool:
        return self.order < other.order if isinstance(other, ItemNumber) else NotImplemented

    def __le__(self, other: Any) -> bool:
        return self.order <= other.order if isinstance(other, ItemNumber) else NotImplemented

    def __gt__(self, other: Any) -> bool:
        return self.order > other.order if isinstance(other, ItemNumber) else NotImplemented

    def __ge__(self, other: Any) -> bool:
        return self.order >= other.order if isinstance(other, ItemNumber) else NotImplemented
