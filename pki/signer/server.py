"""The Unix socket: who may connect, one thread for each connection, documents in and out."""

import contextlib
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from pki.errors import PkiError, SignerUnavailable
from pki.signer import checks, wire
from pki.signer.client import reachable
from pki.signer.crls import Written
from pki.signer.home import StartRefused
from pki.signer.log import log
from pki.signer.protocol import MAX_REQUEST, VERSION, SignerStatus
from pki.signer.service import Service

SOFTWARE = "0.1.0"
IDLE_SECONDS = 5.0  # for a whole request to come, and between two
TAKEN_SECONDS = 20.0  # for the other end to take each part of a CRL
MOMENT = 0.05  # seconds: our clients send at once, so who is silent longer makes room when others wait
TICK = 0.01  # seconds in which a free thread takes a connection
PAUSE = 0.5  # seconds after a connection that could not be accepted
THREADS = 8  # connections at once; more wait in the listen queue


def listen(path: Path, mode: int) -> socket.socket:
    """A listening socket at `path`; one that a dead signer left is replaced. Raises StartRefused."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with reachable(path) as address:
        if path.exists() and _answers(address):
            raise StartRefused(
                f"Another program is listening at {path}. Stop it, or give --socket another path."
            )
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            listener.bind(address)
        except OSError as error:
            raise StartRefused(f"The signer cannot listen at {path}: {error.strerror}.") from error
        finally:
            os.umask(before)
    path.chmod(mode)
    listener.listen(128)
    return listener


def _answers(address: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(address)
        except OSError:
            return False
    return True


class Silent:
    """Who is connected and has not sent a whole request yet, and since when."""

    def __init__(self) -> None:
        self._since: dict[socket.socket, float] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def until_heard(self, channel: socket.socket) -> Iterator[None]:
        with self._lock:
            self._since[channel] = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                del self._since[channel]

    def make_room(self) -> None:
        """Hear no more of who is silent for longer than a moment: their threads wake up and take who waits.

        What they sent in the meantime is still read and answered (SHUT_RD on a Unix socket). Under the lock,
        as a channel that left the table may be closed.
        """
        with self._lock:
            for channel, since in self._since.items():
                if time.monotonic() - since > MOMENT:
                    with contextlib.suppress(OSError):
                        channel.shutdown(socket.SHUT_RD)


def serve(listener: socket.socket, service: Service, uids: frozenset[int]) -> None:
    """Answer connections of `uids` until an exception (a signal's SystemExit) ends it.

    A few threads wait for connections: starting one for each costs more than a signature. Meanwhile this
    one sees to it that silent connections do not keep the others waiting: a web process that was broken
    into could open hundreds.
    """
    silent = Silent()
    for _ in range(THREADS):
        threading.Thread(target=_attend, args=(listener, service, uids, silent), daemon=True).start()
    while True:
        select.select([listener], [], [])
        time.sleep(TICK)
        if select.select([listener], [], [], 0)[0]:  # still: no thread is free
            silent.make_room()


def _attend(listener: socket.socket, service: Service, uids: frozenset[int], silent: Silent) -> None:
    """Answer one connection after the other. No trouble with one (no descriptor left) ends the thread:
    a signer without threads would live on and be silent."""
    while listener.fileno() >= 0:
        try:
            channel, _ = listener.accept()
        except OSError as error:
            log("unaccepted", why=str(error))
            time.sleep(PAUSE)
            continue
        with channel:
            uid = peer_uid(channel)
            if uid in uids:
                _converse(channel, service, silent)
            else:
                log("stranger", uid=uid)


def peer_uid(channel: socket.socket) -> int:
    """The user at the other end, as the kernel knows it (SO_PEERCRED, unix(7))."""
    credentials = channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])


def _converse(channel: socket.socket, service: Service, silent: Silent) -> None:
    """Answer the requests of one connection, one after the other, until it closes or talks nonsense."""
    with contextlib.suppress(OSError):
        try:
            while (question := _heard(channel, silent)) is not None:
                _answer(channel, question, service)
        except wire.Malformed as error:
            log("malformed", why=str(error))
            wire.send(channel, {"v": VERSION, **_error("malformed", "malformed", str(error), "")})


def _answer(channel: socket.socket, question: wire.Document, service: Service) -> None:
    """The answer, and the files that follow it."""
    files: list[Written] = []
    try:
        wire.send(channel, {"v": VERSION, **answer(question, service, files)})
        channel.settimeout(TAKEN_SECONDS)
        for file, start, _ in files:
            channel.sendfile(file, start)
    finally:
        for written in files:
            written.file.close()


def _heard(channel: socket.socket, silent: Silent) -> wire.Document | None:
    """The next request. Raises as `wire.receive`; when cut off, it is as if the other end had closed."""
    with silent.until_heard(channel):
        return wire.receive(channel, MAX_REQUEST, IDLE_SECONDS)


def answer(question: wire.Document, service: Service, files: list[Written]) -> wire.Document:
    """`{"ok": …}` or `{"error": …}` for one request; `files` gets what follows it.

    Never raises: no message may end the signer.
    """
    try:
        return {"ok": _do(question, service, files)}
    except wire.Malformed as error:
        log("malformed", why=str(error))
        return _error("malformed", "malformed", str(error), "")
    except PkiError as error:
        log("refused", op=question.get("op"), code=error.code, why=str(error))
        kind = "unavailable" if isinstance(error, SignerUnavailable) else "refused"
        return _error(kind, error.code, str(error), error.remedy)
    except Exception as error:
        # A full disk, a broken journal: asking again later may help, so this is no refusal.
        log("failed", op=question.get("op"), why=repr(error))
        return _error(
            "unavailable", "failed", "The signer could not do this now.", "Look at the signer's log."
        )


def _error(kind: str, code: str, message: str, remedy: str) -> wire.Document:
    return {"error": {"kind": kind, "code": code, "message": message, "remedy": remedy}}


def _do(question: wire.Document, service: Service, files: list[Written]) -> object:
    match question.get("op"):
        case "issue":
            request = wire.to_request(question.get("request"))
            der = service.issue(request)
            log("issued", request=request.request_id, profile=request.profile, owner=request.owner)
            return wire.from_bytes(der)
        case "revoke":
            return _revoke(question, service)
        case "release":
            authority, serial, by = (wire.text(question, name) for name in ("authority", "serial", "by"))
            evidence = wire.to_release(question.get("evidence"))
            service.release(authority, serial, by, evidence)
            log("released", authority=authority, serial=serial, by=by, officer=evidence.officer)
            return None
        case "changes":
            since, serial = question.get("since"), wire.text(question, "serial")
            if type(since) is not int or not 0 <= since < 1 << 63:
                raise wire.Malformed("since is no number of a change")
            return wire.from_changes(service.changes(since, serial))
        case "crl":
            return _crl(question, service, files)
        case "status":
            return wire.from_status(SignerStatus(SOFTWARE, os.getuid(), *service.status()))
    raise wire.Malformed("the message asks for nothing that this signer does")


def _revoke(question: wire.Document, service: Service) -> str:
    authority, serial, reason, by = (
        wire.text(question, name) for name in ("authority", "serial", "reason", "by")
    )
    said = wire.text(question, "invalidity") if "invalidity" in question else ""
    moment = service.revoke(authority, serial, reason, by, checks.moment(said) if said else None)
    log("revoked", authority=authority, serial=serial, reason=reason, by=by)
    return moment.isoformat()


def _crl(question: wire.Document, service: Service, files: list[Written]) -> wire.Document:
    authority, head = wire.text(question, "authority"), wire.text(question, "audit_head")
    try:
        digest = bytes.fromhex(head)
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise wire.Malformed("audit_head is not 64 hex digits")
    after = question.get("after", [0, 0])
    if not isinstance(after, list) or [type(value) for value in after] != [int, int]:
        raise wire.Malformed("after is not two moments")
    with_root = question.get("root", True) is not False
    issuing, root, change = service.crl(authority, digest, (after[0], after[1]), with_root=with_root)
    made = [issuing, root] if root else [issuing]
    files += made
    return {"sizes": [file.size for file in made], "change": change}
