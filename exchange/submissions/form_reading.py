"""Reading the upload form from its stream: fields first, then file after file, each sealed as it arrives.

Promises: the token, the fields and the person's right to send are settled before the first byte of a file is read;
nothing of the form is spooled; every file has an outcome, a receipt or a sentence that says why not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from werkzeug.datastructures import MultiDict

from exchange.submissions.receiving import FileRefusedError, Received
from exchange.web.form_stream import FieldPart, FilePart, FormError, FormStream

FILES = "files"


@dataclass
class Outcomes:
    """What became of each file, in the order sent."""

    received: list[Received] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def files(self) -> int:
        """How many files the form brought."""
        return len(self.received) + len(self.refused)


@dataclass(frozen=True)
class FormFields:
    """The fields of a form, and the stream standing before its first file."""

    fields: MultiDict[str, str]
    first: FilePart | None
    rest: Iterator[FieldPart | FilePart]


def read_fields(stream: FormStream) -> FormFields:
    """Read up to the first file, which is not touched yet. Raises what the stream raises."""
    fields: MultiDict[str, str] = MultiDict()
    parts = iter(stream)
    for part in parts:
        if isinstance(part, FilePart):
            return FormFields(fields, part, parts)
        fields.add(part.name, part.value)
    return FormFields(fields, None, iter(()))


def receive_files(form: FormFields, receive: Callable[[FilePart, bool], Received]) -> Outcomes:
    """Hand each file to `receive`, with whether it is one of several as far as the form has been read.

    Raises:
        FormError: a field stands between the files, where this service's own pages never put one.
    """
    outcomes = Outcomes()
    part: FieldPart | FilePart | None = form.first
    while part is not None:
        if not isinstance(part, FilePart) or part.name != FILES:
            raise FormError("The form has a part where only files belong. Files received before it were kept.")
        try:
            outcomes.received.append(receive(part, outcomes.files > 0))
        except FileRefusedError as error:
            outcomes.refused.append(error.message)
        part = next(form.rest, None)
    return outcomes
