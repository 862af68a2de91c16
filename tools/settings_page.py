"""Write docs/settings.md from the settings themselves; `--check` only says whether the page is up to date."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "settings.md"
sys.path.insert(0, str(ROOT))

from config.settings import SettingRow, settings_table  # noqa: E402  # found only once the root is on the path

HEAD = """\
# Settings

Every setting is an environment variable. `exchange settings` prints this list; `exchange settings --check` checks the
values that are set, and names every problem at once. A variable that begins with `EXCHANGE_` and is none of these is an
error.

This page is written by `tools/settings_page.py` from `config/settings.py`.

| Variable | Meaning | Default |
|---|---|---|
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(_line(row) for row in settings_table())


def _line(row: SettingRow) -> str:
    default = "required" if row.required else f"`{row.default}`" if row.default else "empty"
    return f"| `{row.variable}` | {row.description.replace('|', chr(92) + '|')} | {default} |\n"


def main() -> int:
    """Write the page, or compare it; 1 when it differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, say whether the page is up to date")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    print("docs/settings.md is out of date: run .venv/bin/python tools/settings_page.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
