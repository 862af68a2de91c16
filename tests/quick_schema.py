"""The newest schema in milliseconds, for tests that only need it to be there.

Promises: the first upgrade of each kind of database in a process is the real one; what it sent is sent again to the
next empty database, in one transaction. A database that is not empty, or another revision, gets the real upgrade. The
revisions themselves are tested without this.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event, inspect

from exchange.migrations import schema

Upgrade = Callable[..., None]


class QuickSchema:
    """Stands in for `schema.upgrade`."""

    def __init__(self, upgrade: Upgrade = schema.upgrade) -> None:
        self._upgrade = upgrade
        self._sent: dict[str, list[str]] = {}

    def __call__(self, engine: Engine, revision: str = "head") -> None:
        """Bring a database to a revision."""
        with engine.connect() as connection:
            is_empty = not inspect(connection).get_table_names()
        if revision != "head" or not is_empty:
            self._upgrade(engine, revision)
        elif engine.dialect.name in self._sent:
            self._send_again(engine)
        else:
            self._sent[engine.dialect.name] = self._listen(engine)

    def _listen(self, engine: Engine) -> list[str]:
        sent: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: Any) -> None:
            word = statement.split(maxsplit=1)[0].upper()
            if word not in {"SELECT", "PRAGMA"}:
                assert not parameters, "a statement with parameters cannot be sent again as text"
                sent.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        try:
            self._upgrade(engine)
        finally:
            event.remove(engine, "before_cursor_execute", note)
        return sent

    def _send_again(self, engine: Engine) -> None:
        with engine.execution_options(write=True).begin() as connection:
            cursor = connection.connection.cursor()
            if engine.dialect.name == "postgresql":
                cursor.execute(";\n".join(self._sent["postgresql"]))
            else:
                for statement in self._sent["sqlite"]:
                    cursor.execute(statement)
            cursor.close()


quick_schema = QuickSchema()
