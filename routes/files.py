"""The files of pages: a browser asks once for each, because its name changes with its content."""

import hashlib
from io import BytesIO
from pathlib import Path
from typing import Any

import flask_bootstrap
from flask import Flask, Response, abort, send_file

_OURS = Path(__file__).parents[1] / "static"
_BOOTSTRAPS = Path(flask_bootstrap.__file__).with_name("static") / "bootstrap5" / "css" / "bootstrap.min.css"
_STYLESHEET = "tillbook.css"
_FOR_EVER = "public, max-age=31536000, immutable"


def read_all() -> dict[str, bytes]:
    """By name. Bootstrap's stylesheet is in ours: the first paint has to wait for one only."""
    files = {path.name: path.read_bytes() for path in _OURS.iterdir()}
    bootstrap, _, _ = _BOOTSTRAPS.read_bytes().partition(b"/*# sourceMappingURL")
    return files | {_STYLESHEET: bootstrap + files[_STYLESHEET]}


def lasting_name(name: str, content: bytes) -> str:
    """tillbook.0123456789abcdef.css"""
    path = Path(name)
    return f"{path.stem}.{_digest(content)}{path.suffix}"


def register(app: Flask) -> None:
    files = read_all()
    lasting = {name: lasting_name(name, content) for name, content in files.items()}
    contents = files | {lasting[name]: content for name, content in files.items()}

    @app.url_defaults
    def name_by_content(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            values["filename"] = lasting[values["filename"]]

    def send(filename: str) -> Response:
        content = contents.get(filename)
        if content is None:
            abort(404)
        response = send_file(BytesIO(content), download_name=filename, etag=_digest(content))
        if filename not in files:
            response.headers["Cache-Control"] = _FOR_EVER
        return response

    app.view_functions["static"] = send


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
