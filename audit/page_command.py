"""`python -m audit page [FILE]`: writes the page that verifies evidence in a browser, to FILE or to standard output.

Give FILE where the shell re-encodes what it redirects (Windows PowerShell): one changed byte is another SHA-256.
Exit codes: 0 written; 2 not written.
"""

import argparse
import hashlib
import sys
from pathlib import Path
from typing import Final

from audit.command import UNUSABLE, Command, plain
from audit.offline_page import offline_page


def _run(options: argparse.Namespace) -> int:
    page = offline_page()
    if options.file is None:
        sys.stdout.buffer.write(page)
        return 0
    try:
        options.file.write_bytes(page)
    except OSError as error:
        print(f"{plain(str(options.file))} cannot be written: {error.strerror}.", file=sys.stderr)
        return UNUSABLE
    print(f"{hashlib.sha256(page).hexdigest()}  {plain(str(options.file))}")
    return 0


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", nargs="?", help="where to write it; standard output if none")


COMMAND: Final = Command("page", "write the page that verifies evidence in a browser", _add_arguments, _run)
