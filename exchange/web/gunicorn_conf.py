"""How gunicorn is started: `gunicorn -c exchange/web/gunicorn_conf.py MODULE:APP`.

`server_settings` is the whole configuration as data. Importing this module reads no settings; only gunicorn, which runs
the file under the name `__config__`, does.
"""

import ctypes
import importlib
import os
import resource
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from config.settings import Settings

# glibc maps and unmaps every buffer of 1 MiB anew unless told to keep them (mallopt(3): M_TRIM_THRESHOLD, M_TOP_PAD,
# M_MMAP_THRESHOLD); the values are bytes.
_MALLOC: Final = {-1: 128 << 20, -2: 16 << 20, -3: 32 << 20}
_OPEN_FILES: Final = 16_384
_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the workers' heartbeat files, made unnamed and private


def server_settings(settings: "Settings") -> dict[str, Any]:
    """Make gunicorn's settings by name; what is left out keeps gunicorn's default."""
    return {
        "bind": [settings.bind],
        "workers": settings.web_processes,
        # The guarded worker takes transfers out of these threads; without it they need threads of their own.
        "threads": settings.web_threads + (settings.web_transfers if missing_internals() else 0),
        "worker_class": worker_class(),
        "worker_connections": 1000,
        "backlog": 1024,
        "control_socket_disable": True,
        "http_protocols": "h1",
        "http2_cleartext": "off",
        "proxy_protocol": "off",
        "forwarder_headers": "",
        "header_map": "drop",
        "forwarded_allow_ips": settings.trusted_proxy,
        "secure_scheme_headers": {"X-FORWARDED-PROTO": "https"},
        "limit_request_line": 4094,
        "limit_request_fields": 64,
        "limit_request_field_size": 8190,
        "sendfile": False,  # sockets here never block, which sendfile() refuses; files served are small style sheets
        "keepalive": 15,
        "timeout": 60,
        "graceful_timeout": 60,
        "worker_tmp_dir": str(_SHARED_MEMORY) if os.access(_SHARED_MEMORY, os.W_OK) else None,
        "umask": 0o077,
        "accesslog": None,
        "errorlog": "-",
        "loglevel": "info",
        "proc_name": "exchange",
        "on_starting": on_starting,
        "post_fork": post_fork,
    }


def worker_class() -> type | str:
    """Give the guarded worker, or gunicorn's own where the installed gunicorn is not the one it was written for."""
    if missing_internals():
        return "gthread"
    chosen: type = importlib.import_module("exchange.web.guarded_worker").GuardedWorker
    return chosen


def missing_internals() -> tuple[str, ...]:
    """Name what the guarded worker misses in the installed gunicorn; empty when it can be used.

    Imported here and not above, so that a gunicorn whose modules have moved can still be started.
    """
    try:
        return tuple(importlib.import_module("exchange.web.worker_trial").missing_internals())
    except ImportError as error:
        return (str(error.name),)


def on_starting(server: Any) -> None:
    """Say in the log when slow connections are not guarded against."""
    missing = missing_internals()
    if missing:
        server.log.warning("slow connections can hold threads: gunicorn differs in %s", ", ".join(missing))


def post_fork(server: Any, worker: Any) -> None:  # noqa: ARG001 - gunicorn's signature
    """Prepare a worker process: buffers are kept, and there are file descriptors for every connection."""
    keep_buffers()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def keep_buffers() -> None:
    """Tell glibc to keep large buffers; other C libraries have no such setting and need none."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    for parameter, size in _MALLOC.items():
        mallopt(parameter, size)


if __name__ == "__config__":
    from config.settings import load_settings

    globals().update(server_settings(load_settings()))
