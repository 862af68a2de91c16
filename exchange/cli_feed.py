"""The command `exchange log feed`: every entry of every log to standard output or to a syslog receiver."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from config.settings import load_settings
from exchange import trail
from exchange.errors import InvalidError
from exchange.installation import installed_parts

if TYPE_CHECKING:
    from exchange.exports.cursors import GivenCursors, KeptCursors
    from exchange.exports.feed import Feed
    from exchange.parts import Parts

    Commands = argparse._SubParsersAction[Any]  # noqa: SLF001  the one name argparse has for it

PATIENCE_SECONDS = 30.0


def add_feed(acts: Commands) -> None:
    """Add `feed` to the commands about the log."""
    text = "send every entry of every log to a SIEM, in the schema of docs/siem.md"
    feed = acts.add_parser("feed", help=text, description=text)
    feed.add_argument("--follow", action="store_true", help="go on as entries come, until stopped")
    feed.add_argument(
        "--after",
        metavar="CURSOR",
        action="append",
        default=[],
        help="begin after this entry, like service:41; once for each log, others begin where they stand",
    )
    feed.add_argument(
        "--to",
        metavar="RECEIVER",
        default="-",
        help="syslog+tls://HOST:PORT, syslog+tcp://… or syslog+udp://…; - for JSON lines to standard output",
    )
    feed.add_argument("--name", metavar="NAME", default="", help="keep the cursor of standard output under this name")
    feed.set_defaults(run=run_feed)


def run_feed(options: argparse.Namespace) -> int:
    """Send what waits, or follow; the cursor of a receiver is kept, that of standard output only under a name."""
    from exchange.exports.cursors import parse_cursors, require_within_logs  # noqa: PLC0415  a command loads what it does and no more
    from exchange.exports.feed import Feed, sender_of  # noqa: PLC0415
    from exchange.exports.receivers import STANDARD_OUTPUT, open_receiver  # noqa: PLC0415

    after = parse_cursors(options.after)
    if options.name and options.to != STANDARD_OUTPUT:
        raise InvalidError("A receiver's cursor is kept under its address. Nothing was sent. Leave out --name.")
    settings = load_settings()
    with installed_parts(settings) as parts:
        require_within_logs(parts, after)
        receiver = open_receiver(options.to, sender_of(settings), settings.siem_authorities_file)
        cursors = _cursors(parts, options, after)
        with closing(Feed(parts, receiver, cursors, seconds=PATIENCE_SECONDS)) as feed:
            try:
                return _follow(parts, feed) if options.follow else _once(feed)
            finally:
                cursors.give_back()


def _cursors(parts: Parts, options: argparse.Namespace, after: dict[str, int]) -> GivenCursors | KeptCursors:
    from exchange.exports.cursors import GivenCursors, KeptCursors, record_begun  # noqa: PLC0415  as above

    kept_as = options.name or (options.to if options.to != "-" else "")
    if after or not kept_as:  # somebody reads what was read before, or what no cursor is kept of
        with parts.database.unit_of_work() as unit:
            record_begun(unit, options.to, actor=trail.HOST)
    return KeptCursors(parts, kept_as, after, actor=trail.HOST) if kept_as else GivenCursors(after)


def _once(feed: Feed) -> int:
    from exchange.exports.feed import FeedStoppedError  # noqa: PLC0415  as above

    taken = 0
    try:
        while more := feed.pump():
            taken += more
    except FeedStoppedError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Entries handed over: {taken:,}.", file=sys.stderr)
    return 0


def _follow(parts: Parts, feed: Feed) -> int:
    from exchange.worker import Duty, Worker  # noqa: PLC0415  as above

    every = timedelta(seconds=parts.settings.worker_seconds)
    return Worker(parts, [Duty("feed", every, feed)]).run_until_stopped()
