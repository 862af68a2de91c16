#!/bin/sh
# Makes .venv where there is none and installs what a lock pins, every file checked against its hash.
#
#   tools/make_environment.sh LOCK [LOCK ...]
#
# uv does it in seconds where it is at hand; plain pip does it as well, and does it again should uv not reach a registry.
set -eu
cd "$(dirname "$0")/.."

find_python() {
    for name in "${PYTHON:-}" python3.11 python3.12 python3.13 python3.14 python3; do
        if [ -n "$name" ] && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    echo 'Python 3.11 or newer is not found: install it, or name it with PYTHON=/path/to/python3.' >&2
    exit 1
}

if ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    python=$(find_python)
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "$python cannot make environments: install its venv module (Debian: apt-get install python3-venv)." >&2
        exit 1
    fi
    echo "Making .venv with $("$python" --version)."
    "$python" -m venv --clear .venv
fi

for lock in "$@"; do
    echo "Installing what $lock pins."
    if command -v uv >/dev/null 2>&1 &&
        uv pip install --quiet --python .venv/bin/python --require-hashes -r "$lock" 2>/dev/null; then
        continue
    fi
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
done
