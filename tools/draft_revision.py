"""Draft a revision of the database schema from what the models say beyond the newest revision.

    .venv/bin/python tools/draft_revision.py 0002 "add the date a list was moved"

The draft is read, corrected and given its way back by a person before it is committed; the log's triggers are not
seen by it. Once released a revision is never changed.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from alembic import command
from alembic.config import Config

from exchange.database import make_engine
from exchange.migrations import schema


def main() -> None:
    """Bring a throw-away database to the newest revision and write the difference as the next one."""
    if len(sys.argv) != 3:  # noqa: PLR2004  the program, a number and a sentence
        sys.exit(__doc__)
    number, sentence = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{folder}/draft.sqlite3")
        schema.upgrade(engine)
        with engine.connect() as connection:
            config = Config()
            config.set_main_option("script_location", str(schema.FOLDER).replace("%", "%%"))
            config.attributes["connection"] = connection
            command.revision(config, message=sentence, autogenerate=True, rev_id=number)
        engine.dispose()


if __name__ == "__main__":
    main()
