"""A small application behind the edge, for tests that need a real server."""

from collections.abc import Iterator

from flask import Flask, request

from exchange.web.edge import Edge, EdgePolicy
from exchange.web.form_stream import FieldPart, FormStream

flask_app = Flask(__name__)
flask_app.config["PROPAGATE_EXCEPTIONS"] = True
PIECE = bytes(1 << 20)


@flask_app.get("/")
def page() -> str:
    return "a page"


@flask_app.get("/seen")
def seen() -> dict[str, str]:
    return {
        "address": request.environ["REMOTE_ADDR"],
        "scheme": request.scheme,
        "script_name": request.environ["SCRIPT_NAME"],
        "path": request.path,
        "host": request.host,
    }


@flask_app.get("/download")
def download() -> tuple[Iterator[bytes], dict[str, str]]:
    return (PIECE for _ in range(64)), {"Content-Length": str(64 << 20)}


@flask_app.post("/count")
def count() -> dict[str, int]:
    return {"bytes": len(request.get_data())}


@flask_app.put("/raw")
def raw() -> dict[str, int]:
    return {"bytes": sum(len(piece) for piece in iter(lambda: request.stream.read(1 << 20), b""))}


@flask_app.post("/unread")
def unread() -> tuple[str, int]:
    return "refused", 403


@flask_app.get("/broken")
def broken() -> str:
    raise KeyboardInterrupt


@flask_app.get("/failing")
def failing() -> str:
    raise RuntimeError("an error nobody expected")


@flask_app.post("/form")
def form() -> dict[str, object]:
    parts = FormStream.from_environ(request.environ)
    return {
        part.name: part.value if isinstance(part, FieldPart) else [part.file_name, sum(map(len, part.chunks))]
        for part in parts
    }


app = Edge(flask_app.wsgi_app, EdgePolicy(frozenset({"exchange.test"}), "127.0.0.77", 1 << 33))
