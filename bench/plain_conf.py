"""gunicorn's settings for the plain counterpart under the service's own memory settings; all else as by default."""

from __future__ import annotations

from exchange.web.gunicorn_conf import keep_buffers


def post_fork(_server: object, _worker: object) -> None:
    """Tell the C library what the service tells it."""
    keep_buffers()
