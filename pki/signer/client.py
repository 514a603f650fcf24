"""The web side's end of the signer's socket: one connection per call."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from pki.errors import IssuanceRefused, SignerUnavailable
from pki.signer import wire
from pki.signer.protocol import (
    MAX_ANSWER,
    VERSION,
    Changes,
    IssuanceRequest,
    ReleaseEvidence,
    SignerStatus,
)

CONNECT_TIMEOUT = 3.0  # seconds
RETRY = 0.02  # seconds
ANSWER_TIMEOUT = 20.0  # seconds for a whole answer
CRL_TIMEOUT = 60.0  # seconds to fetch one; of a million lines it is 40 MB
ISSUE_TIMEOUT = 90.0  # seconds; pkilint takes a while on a slow board
MAX_SOCKET_PATH = 107  # bytes, sun_path without its NUL (unix(7))
_WAIT = (
    "What was asked is kept and will be done when the signer is back. Its log says why it does not answer."
)


def issue(path: Path, request: IssuanceRequest) -> bytes:
    """The certificate, DER; the same for the same request. Raises IssuanceRefused or SignerUnavailable."""
    return wire.to_bytes(_ask(path, {"op": "issue", "request": wire.from_request(request)}, ISSUE_TIMEOUT))


def revoke(
    path: Path, authority: str, serial: str, reason: str, by: str, invalidity: datetime | None = None
) -> datetime:
    """Revoke the certificate with this serial (hex); gives the moment (UTC) it was first revoked.

    `reason` as in RFC 5280 5.3.1; certificateHold is not for good, keyCompromise takes all certificates of
    the key along. `invalidity`: since when it is suspected to be bad (5.3.2). Raises IssuanceRefused (code
    "unknown": never issued) or SignerUnavailable.
    """
    question = {"op": "revoke", "authority": authority, "serial": serial, "reason": reason, "by": by}
    if invalidity is not None:
        question["invalidity"] = invalidity.isoformat()
    return datetime.fromisoformat(_ask(path, question))


def release(path: Path, authority: str, serial: str, by: str, evidence: ReleaseEvidence) -> None:
    """End a hold. Raises IssuanceRefused (codes "no-hold", "self-release") or SignerUnavailable."""
    question = {"op": "release", "authority": authority, "serial": serial, "by": by}
    _ask(path, {**question, "evidence": dict(vars(evidence))})


def changes(path: Path, since: int, serial: str) -> Changes:
    """What was revoked, held and released after step `since`, which was about `serial`; 0, "" for all."""
    return wire.to_changes(_ask(path, {"op": "changes", "since": since, "serial": serial}))


def crl(
    path: Path,
    authority: str,
    audit_head: str,
    issuing: BinaryIO,
    root: BinaryIO | None,
    after: tuple[int, int] = (0, 0),
) -> int:
    """New CRLs of the authority, DER, into two files, with the audit trail's head (64 hex digits) inside.

    Without a file for it the root makes none: its list names no certificates of people and things.
    `after`: thisUpdate (seconds since 1970) of those that are published; the new ones are newer. Gives the
    number of the last change that they know. Raises SignerUnavailable and OSError.
    """

    files = [issuing] if root is None else [issuing, root]

    def read(channel: socket.socket, found: wire.Answer) -> int:
        for file, size in zip(files, found["sizes"], strict=True):
            wire.copy(channel, file, size, CRL_TIMEOUT)
        return int(found["change"])

    question = {"op": "crl", "authority": authority, "audit_head": audit_head, "after": list(after)}
    return int(_ask(path, {**question, "root": root is not None}, more=read))


def status(path: Path) -> SignerStatus:
    """Version, user, authorities and counts of the signer. Raises SignerUnavailable."""
    return wire.to_status(_ask(path, {"op": "status"}))


def _ask(
    path: Path,
    question: wire.Document,
    seconds: float = ANSWER_TIMEOUT,
    more: Callable[[socket.socket, wire.Answer], wire.Answer] = lambda _, found: found,
) -> wire.Answer:
    """Send `question`, give the answer's `ok`; an error comes back as the exception it was.

    `more` reads what follows the answer.
    """
    try:
        with _connected(path) as channel:
            channel.settimeout(seconds)
            wire.send(channel, {"v": VERSION, **question})
            answer = wire.receive(channel, MAX_ANSWER, seconds)
            if answer and "ok" in answer:
                return more(channel, answer["ok"])
    except (OSError, wire.Malformed) as error:
        raise SignerUnavailable("The signer does not answer.", code="unavailable", remedy=_WAIT) from error
    if answer is None:
        raise SignerUnavailable("The signer ended before it answered.", code="unavailable", remedy=_WAIT)
    fault = answer.get("error", {})
    kind = SignerUnavailable if fault.get("kind") == "unavailable" else IssuanceRefused
    raise kind(fault.get("message", ""), code=fault.get("code", ""), remedy=fault.get("remedy", ""))


def _connected(path: Path) -> socket.socket:
    """Within CONNECT_TIMEOUT: a full listen queue is EAGAIN at once and not waited for."""
    deadline = time.monotonic() + CONNECT_TIMEOUT
    while True:
        try:
            return connect(path)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(RETRY)


def directly(path: Path) -> socket.socket:
    """A connection to the socket at `path`. Raises OSError: BlockingIOError when too many wait there."""
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        channel.settimeout(CONNECT_TIMEOUT)
        with reachable(path) as address:
            channel.connect(address)
    except OSError:
        channel.close()
        raise
    return channel


# How every connection to the signer is made. Replaced once, by processes that confine themselves: they may
# make no Unix sockets any more, and are handed connected ones.
connect: Callable[[Path], socket.socket] = directly


@contextmanager
def reachable(path: Path) -> Iterator[str]:
    """An address for the socket at `path`: longer paths than the kernel takes go through a descriptor."""
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
