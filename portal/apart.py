"""What the supervisor does with the web processes' files is done in a child as confined as they are.

The supervisor cannot confine itself, as the signer is its child. Left to follow links that a broken-in web
process put into its own folders, the next start would write and read for it what it may not.
"""

import json
import os
from collections.abc import Callable
from typing import Any

from portal import children, confinement
from portal.checks import Obstacle
from portal.dialler import Line

FAILED = "A part of the start failed; the lines above say why."


def apart(work: Callable[[], Any], line: Line | None = None) -> Any:
    """What `work` gives (plain JSON values), run confined in a fork of this process. Raises its Obstacle.

    `line` is for work that talks to the signer.

    No database connection may be open here: the fork would share it.
    """
    reading, writing = os.pipe()
    keep = [writing, line.ours.fileno()] if line else [writing]
    pid = children.forked(lambda: _tell(writing, work, line), keep=keep)()
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        told = file.read()
    os.waitpid(pid, 0)
    if not told:
        raise Obstacle(FAILED)
    answer = json.loads(told)
    if "obstacle" in answer:
        raise Obstacle(answer["obstacle"])
    return answer["done"]


def _tell(writing: int, work: Callable[[], Any], line: Line | None) -> None:
    confinement.enter(line, registrar=True)  # the start makes what is missing
    try:
        answer = {"done": work()}
    except Obstacle as obstacle:
        answer = {"obstacle": str(obstacle)}
    with os.fdopen(writing, "w") as file:
        json.dump(answer, file)
