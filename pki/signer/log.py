"""One line on stderr for each event: `event=issued request=… profile=…`. No secrets."""

import json
import re
import sys


def log(event: str, **facts: object) -> None:
    """Write `event` and its facts; what is not plain is quoted as ASCII JSON: no value forges a line."""
    words = [f"{name}={_plain(str(value))}" for name, value in facts.items()]
    print(" ".join([f"event={event}", *words]), file=sys.stderr, flush=True)


def _plain(text: str) -> str:
    text = text[:500]
    return text if re.fullmatch(r"[\w.:/@+-]+", text, re.ASCII) else json.dumps(text)
