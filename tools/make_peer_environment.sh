#!/bin/sh
# Makes .venv-peers for programs that others wrote and that the log and the witness are tested against. They need
# Python 3.12, and are in no environment of the service.
#
#   tools/make_peer_environment.sh          make it, every file checked against its hash
#   tools/make_peer_environment.sh --find   only say which Python 3.12 there is; fail when there is none
#
# On a machine without Python 3.12 nothing is made, and the tests take the answers of these programs that
# tests/audit/make_peer_vectors.py has recorded.
set -eu
cd "$(dirname "$0")/.."
lock=requirements-peers.lock
folder=.venv-peers

fits() {
    "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null
}

find_python() {
    for name in "${PYTHON312:-}" python3.12 "${HOME:-/nonexistent}"/.pyenv/versions/3.12*/bin/python3.12 python3; do
        if [ -n "$name" ] && fits "$name"; then
            echo "$name"
            return
        fi
    done
    return 1
}

if ! python=$(find_python); then
    echo 'Python 3.12 is not found (PYTHON312=/path/to/python3.12 names it): recorded answers stand for the peers.' >&2
    [ "${1:-}" != --find ] || exit 1
    exit 0
fi
if [ "${1:-}" = --find ]; then
    echo "$python"
    exit 0
fi

if [ "$folder/.installed" -nt "$lock" ] && "$folder/bin/python" -c 'import aics_tlog, aics_witness' 2>/dev/null; then
    exit 0
fi
echo "Installing what $lock pins."
"$python" -m venv --clear "$folder"
if ! .venv/bin/uv pip install --quiet --python "$folder/bin/python" --require-hashes -r "$lock" 2>/dev/null; then
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
fi
touch "$folder/.installed"
