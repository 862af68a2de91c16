"""`python -m bench [transfer|log|search|pages|all]`: measure and print."""

from __future__ import annotations

import argparse
import sys

from bench.figures import say
from bench.process_tree import ServerFailedError
from bench.visitor import UnexpectedAnswerError

_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}


def size_of(text: str) -> int:
    """Read bytes from `1G`, `64M` or a plain number."""
    return int(text[:-1]) * _UNITS[text[-1]] if text[-1:] in _UNITS else int(text)


def main(arguments: list[str]) -> int:
    """Measure what was asked for; 2 when a server did not do what is measured."""
    options = _parser().parse_args(arguments)
    try:
        for name, measure in _MEASURES.items():
            if options.what in (name, "all"):
                say(f"== {name}")
                measure(options)
    except (ServerFailedError, UnexpectedAnswerError) as error:
        say(str(error))
        return 2
    return 0


def _transfer(options: argparse.Namespace) -> None:
    from bench.transfer import measure_transfer  # noqa: PLC0415  each measurement loads only what it needs

    measure_transfer(options.size, options.runs, options.memory_sizes)


def _log(options: argparse.Namespace) -> None:
    from bench.appends import measure_appends  # noqa: PLC0415
    from bench.inspections import measure_inspections  # noqa: PLC0415
    from bench.reading import measure_reading  # noqa: PLC0415

    measure_appends(options.runs, options.seconds, options.databases)
    measure_inspections(options.runs, options.seconds, options.databases)
    measure_reading(options.entries, options.databases)


def _pages(options: argparse.Namespace) -> None:
    from bench.pages import measure_pages  # noqa: PLC0415

    measure_pages(options.runs, options.requests)


def _search(options: argparse.Namespace) -> None:
    from bench.search import measure_search  # noqa: PLC0415

    measure_search(options.entries, options.runs, options.databases)


_MEASURES = {"transfer": _transfer, "log": _log, "search": _search, "pages": _pages}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="?", default="all", choices=[*_MEASURES, "all"])
    parser.add_argument("--runs", type=int, default=5, help="runs of each contender (default 5)")
    parser.add_argument("--size", type=size_of, default="1G", help="size of the file transferred (default 1G)")
    text = "sizes at which memory growth is looked at, each in a fresh server (default 64M 1G)"
    parser.add_argument("--memory-sizes", type=size_of, nargs="+", default=[64 << 20, 1 << 30], help=text)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of one run of appends (default 1)")
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"])
    parser.add_argument("--entries", type=int, default=1_000_000, help="entries in the longest log that is read")
    parser.add_argument("--requests", type=int, default=200, help="requests of one run of a page (default 200)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
