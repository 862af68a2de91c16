import resource
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.config import Config

from exchange.web import guarded_worker, gunicorn_conf, worker_trial

SETTINGS: Any = SimpleNamespace(bind="127.0.0.1:8000", web_processes=3, web_threads=5, trusted_proxy="")


def configured(settings: Any = SETTINGS) -> Config:
    cfg = Config()
    for name, value in gunicorn_conf.server_settings(settings).items():
        cfg.set(name, value)
    return cfg


def test_gunicorn_takes_every_setting() -> None:
    cfg = configured()
    assert (cfg.workers, cfg.threads, cfg.address) == (3, 5, [("127.0.0.1", 8000)])
    assert cfg.worker_class is guarded_worker.GuardedWorker


def test_nobody_is_believed_and_nothing_else_is_opened() -> None:
    cfg = configured()
    assert (cfg.forwarded_allow_ips, cfg.forwarder_headers) == ([], [])
    assert cfg.control_socket_disable
    assert cfg.accesslog is None
    assert (cfg.http2_cleartext, cfg.proxy_protocol, cfg.umask) == ("off", "off", 0o077)


def test_only_the_configured_proxy_is_believed() -> None:
    cfg = configured(SimpleNamespace(**{**vars(SETTINGS), "trusted_proxy": "192.0.2.7"}))
    assert cfg.forwarded_allow_ips == ["192.0.2.7"]
    assert cfg.secure_scheme_headers == {"X-FORWARDED-PROTO": "https"}


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def warning(self, text: str, *values: object) -> None:
        self.lines.append(text % values)


def test_an_unknown_server_falls_back_to_its_own_worker_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_trial, "server_version", "26.0")
    log = Log()
    gunicorn_conf.on_starting(SimpleNamespace(log=log))
    assert gunicorn_conf.worker_class() == "gthread"
    assert log.lines == ["slow connections can hold threads: gunicorn differs in gunicorn 27"]


def test_a_server_whose_modules_moved_falls_back_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "exchange.web.worker_trial")
    monkeypatch.setitem(sys.modules, "gunicorn.workers.gthread", None)
    assert gunicorn_conf.worker_class() == "gthread"
    assert gunicorn_conf.missing_internals() == ("gunicorn.workers.gthread",)


def test_the_known_server_starts_without_a_warning() -> None:
    log = Log()
    gunicorn_conf.on_starting(SimpleNamespace(log=log))
    assert log.lines == []


def test_a_worker_has_descriptors_for_every_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    set_to: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (256, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda _which, limits: set_to.append(limits))
    gunicorn_conf.post_fork(None, None)
    assert set_to == [(4096, 4096)]


def test_a_c_library_without_the_setting_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gunicorn_conf.ctypes, "CDLL", lambda _name: SimpleNamespace())
    gunicorn_conf.keep_buffers()


def test_a_certificate_is_refused_because_the_promises_would_not_hold() -> None:
    cfg = configured()
    cfg.set("certfile", "cert.pem")
    with pytest.raises(RuntimeError, match="TLS belongs to the server in front"):
        guarded_worker.GuardedWorker.check_config(cfg, Log())


def test_run_as_a_configuration_file_it_reads_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setenv("EXCHANGE_EXAMPLE", "1")
    monkeypatch.setenv("EXCHANGE_DATA_FOLDER", str(tmp_path))
    monkeypatch.setenv("EXCHANGE_WEB_THREADS", "7")
    assert runpy.run_path(gunicorn_conf.__file__, run_name="__config__")["threads"] == 7
