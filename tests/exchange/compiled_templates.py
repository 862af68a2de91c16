"""Templates compiled once in a process: every test has an application of its own, and they all show the same pages."""

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket


class CompiledTemplates(BytecodeCache):
    """A cache in memory; Jinja compares the source with what was compiled, so a changed template is compiled anew."""

    def __init__(self) -> None:
        self._compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill a bucket with what was compiled before."""
        if bucket.key in self._compiled:
            bucket.bytecode_from_string(self._compiled[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled now."""
        self._compiled[bucket.key] = bucket.bytecode_to_string()


def jinja_options() -> dict[str, object]:
    """Flask's options for Jinja, with one cache for every application made from now on."""
    return {**Flask.jinja_options, "bytecode_cache": CompiledTemplates()}
