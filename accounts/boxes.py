"""Sealed boxes in the session: for what outlives one request but must not be readable in the database."""

import json
from typing import Any

from django.http import HttpRequest

from accounts.sealing import seal, unseal


def put(request: HttpRequest, name: str, data: dict[str, Any]) -> None:
    """Keep `data` (plain JSON values) for this browser session under `name`."""
    request.session[f"box {name}"] = seal(json.dumps(data).encode(), f"session box {name}").decode()


def get(request: HttpRequest, name: str, *, ttl: int) -> dict[str, Any] | None:
    """What was put there at most `ttl` seconds ago."""
    sealed = request.session.get(f"box {name}")
    if sealed is None:
        return None
    try:
        data: dict[str, Any] = json.loads(unseal(sealed.encode(), f"session box {name}", ttl=ttl))
    except ValueError:
        drop(request, name)
        return None
    return data


def has(request: HttpRequest, name: str) -> bool:
    """Whether something was put there and not taken away, however long ago."""
    return f"box {name}" in request.session


def drop(request: HttpRequest, name: str) -> None:
    request.session.pop(f"box {name}", None)
