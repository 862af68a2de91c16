"""Files that the service makes itself, as attachments."""

from __future__ import annotations

from exchange.web.headers import FILE_POLICY


def attachment(file_name: str) -> dict[str, str]:
    """The headers of a file that is kept and never shown within the service; the name is of our own making."""
    return {"Content-Disposition": f'attachment; filename="{file_name}"', "Content-Security-Policy": FILE_POLICY}
