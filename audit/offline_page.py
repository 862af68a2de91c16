"""The page that verifies evidence in a browser: one file, which loads nothing and can send nothing anywhere.

`audit/page/` holds its parts: the markup, the style, and modules, which are joined into one script in the order that
stands below. The policy in the page allows this one script and this one style, by their hashes, and no connection.
"""

import base64
import hashlib
import json
import re
from functools import lru_cache
from importlib.resources import files
from typing import Final

from audit.events import VOCABULARY

VERSION: Final = "1.0"
"""The page's own version: a change of what it accepts or says is a new one."""

SCRIPTS: Final = (
    "bytes.js",
    "sha256.js",
    "merkle.js",
    "note.js",
    "policy.js",
    "entry.js",
    "vocabulary.js",
    "receipt.js",
    "zip.js",
    "bundle.js",
    "tile-paths.js",
    "tiles.js",
    "telling.js",
    "judge.js",
    "view.js",
    "main.js",
)
_IMPORT: Final = re.compile(r"^import (?P<names>\{[^}]*\}) from \"\./(?P<module>[a-z0-9-]+\.js)\";$", re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?P<what>(?:async )?function\*?|class|const) (?P<name>\w+)", re.MULTILINE)
_SLOT: Final = re.compile(r"\{\{([a-z]+)\}\}")


@lru_cache(maxsize=1)
def offline_page() -> bytes:
    """The whole page, in ASCII; the same bytes each time."""
    style, script = _part("page.css"), _joined()
    values = {
        "policy": (
            f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; connect-src 'none'; "
            "form-action 'none'; base-uri 'none'"
        ),
        "style": style,
        "script": script,
        "vocabulary": _vocabulary(),
        "version": VERSION,
    }
    return _SLOT.sub(lambda slot: values[slot[1]], _part("page.html")).encode("ascii")


def _joined() -> str:
    """The modules in one script, each in a function of its own. Raises ValueError where the order above is wrong."""
    joined, before = ["const modules = {};"], set[str]()
    for name in SCRIPTS:
        source = _part(name)
        if missing := {match["module"] for match in _IMPORT.finditer(source)} - before:
            raise ValueError(f"{name} imports {', '.join(sorted(missing))}, which stands after it.")
        exports = ", ".join(match["name"] for match in _EXPORT.finditer(source))
        body = _EXPORT.sub(r"\g<what> \g<name>", _IMPORT.sub(r'const \g<names> = modules["\g<module>"];', source))
        joined.append(f'modules["{name}"] = (() => {{\n{body}return {{ {exports} }};\n}})();')
        before.add(name)
    return "\n".join(joined)


def _vocabulary() -> str:
    """What the log may say, so that the page can say it in words and tell what it has no words for."""
    rows = {
        event.name: {
            "log": event.log,
            "meaning": event.meaning,
            "fields": dict(event.fields),
            "subject": event.subject,
        }
        for event in VOCABULARY.values()
    }
    return json.dumps(rows, sort_keys=True, separators=(",", ":")).replace("<", "\\u003c")


def _part(name: str) -> str:
    return files("audit").joinpath("page", name).read_text("ascii").replace("\r\n", "\n")


def _hash(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"
