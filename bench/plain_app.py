"""The counterpart: a plain Flask application that saves the same form, with no encryption, hash or log."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from flask import Flask, Response, request, send_from_directory

FOLDER = Path(os.environ["BENCH_PLAIN_FOLDER"])

app = Flask(__name__)


@app.post("/upload")
def upload() -> str:
    """Save the one file of the form, as the framework's documentation shows it."""
    name = secrets.token_hex(8)
    request.files["files"].save(FOLDER / name)
    return name


@app.get("/files/<name>")
def download(name: str) -> Response:
    """Hand a saved file out."""
    return send_from_directory(FOLDER, name)


@app.get("/page")
def page() -> str:
    """Show a page of one line."""
    return "<!DOCTYPE html><title>Plain</title><p>A plain page.</p>"
