"""Drives `pusher.py`: started with the first message of a round, ended with the round."""

import json
import os
import re
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from urllib.parse import unquote

from django.conf import settings

from portal import children, landlock
from portal.confinement import DEVICES, NAMES
from portal.undelivered import Undelivered

SECONDS = 25  # for one message, with Apprise's start
PROGRAM = Path(__file__).with_name("pusher.py")
# What it may read: Python, names and certificates of servers. Neither the data folder nor the settings.
NAMING = ("ld.so.cache", "resolv.conf", "hosts", "host.conf", "nsswitch.conf", "gai.conf", "services")
TRUST = ("ssl", "ca-certificates", "pki", "localtime", "mime.types")
READABLE: tuple[str, ...] = (
    *("/usr", "/bin", "/lib", "/lib32", "/lib64", *NAMES, *DEVICES),
    *(f"/etc/{name}" for name in (*NAMING, *TRUST)),
)
# Of our environment, where settings may hold passwords, it gets these.
PASSED_ON = ("PATH", "LANG", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "http_proxy", "https_proxy", "no_proxy")


class Pusher:
    """A context: inside it messages can be pushed, one after the other."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Pusher":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._end()

    def push(self, url: str, *, title: str, body: str, leaves: Callable[[], None]) -> None:
        """Send to one address; `leaves` is called right before. Raises Undelivered, without the secrets."""
        process = self.process = self.process or _started()
        try:
            self._ask(process, json.dumps({"url": url, "title": title, "body": body}))
            leaves()
            self._ask(process, "go")
        except (OSError, ValueError) as error:
            self._end()
            raise Undelivered("Apprise ended before it said whether it was sent.") from error
        except Undelivered as error:
            raise Undelivered(without_secrets(str(error), url)) from error
        except BaseException:  # it waits for a "go" that does not come
            self._end()
            raise

    def _ask(self, process: subprocess.Popen[bytes], line: str) -> None:
        if process.stdin is None or process.stdout is None:
            raise ValueError("it was started without pipes")
        process.stdin.write(line.encode() + b"\n")
        process.stdin.flush()
        if not select.select([process.stdout], [], [], SECONDS)[0]:
            self._end()
            raise Undelivered(f"No answer within {SECONDS} seconds.")
        answer = json.loads(process.stdout.readline())
        if "trouble" in answer:
            raise Undelivered(str(answer["trouble"]))

    def _end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


def without_secrets(words: str, url: str) -> str:
    """`words` with everything of the address left out that may be a token or a topic."""
    pieces = [piece for part in re.split(r"[/:@?&=#,]+", url) for piece in (part, unquote(part))]
    for piece in sorted(set(pieces[2:]), key=len, reverse=True):  # without the scheme
        if len(piece) > 4:
            words = words.replace(piece, "…")
    return words


def _started() -> subprocess.Popen[bytes]:
    hidden = [settings.DATA, settings.SIGNER_DIR, settings.WEB_DIR]
    trees = [Path(name) for name in (*READABLE, sys.prefix, sys.base_prefix) if Path(name).exists()]
    readable = [path for tree in trees for path in landlock.without(tree, hidden)] + [PROGRAM]
    parent = os.getpid()

    def confine() -> None:
        children.end_with_parent(parent)
        landlock.enter(readable=readable, writable=())

    return subprocess.Popen(
        [sys.executable, "-I", str(PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
        preexec_fn=confine,
    )
