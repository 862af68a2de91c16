#!/bin/sh
# Sees to what the tests need and pip cannot bring: PostgreSQL's programs, a Chromium with a font to draw, and Pango,
# which sets the receipts in PDF.
#
# As root on Debian it installs what is missing; anywhere else it names what is missing, in one sentence, and fails.
set -eu
cd "$(dirname "$0")/.."

has_postgresql() {
    [ -n "${EXCHANGE_TEST_POSTGRES_URL:-}" ] || command -v initdb >/dev/null 2>&1 ||
        ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1
}

has_chromium() {
    [ -n "${EXCHANGE_TEST_CHROMIUM:-}" ] || command -v chromium >/dev/null 2>&1 ||
        command -v chromium-browser >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1
}

has_pango() {
    "${EXCHANGE_TEST_PYTHON:-.venv/bin/python}" -c 'import weasyprint' >/dev/null 2>&1
}

missing=
has_postgresql || missing="$missing postgresql"
has_chromium || missing="$missing chromium fonts-liberation"
has_pango || missing="$missing libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-liberation"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "The tests need these programs, please install them (names as in Debian):$missing." >&2
    exit 1
fi
echo "Installing$missing."
apt-get update -qq
# shellcheck disable=SC2086  # several names on purpose
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
if ! has_postgresql || ! has_chromium || ! has_pango; then
    echo "Debian's packages$missing were installed, but their programs are not found." >&2
    exit 1
fi
