"""The least an application behind nginx can do, for gunicorn: bench/door.py puts the door beside it."""

from collections.abc import Callable, Iterable
from typing import Any

PAGE = b"<!doctype html><title>Doors</title><h1>Doors</h1>"


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(PAGE)))])
    return [PAGE]
