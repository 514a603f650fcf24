"""gunicorn's threads, made so that slow clients cannot stop a face; and the door's, which say nothing."""

import contextlib
import io
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from typing import Any
from wsgiref.types import WSGIApplication

from django.conf import settings
from gunicorn.workers.gthread import TConn, ThreadWorker

from accounts.addresses import network_of, plain
from door import gate
from portal.crowd import Crowd

READ_WITHIN = 5  # seconds for the handshake and the request's head
BODY_WITHIN = 20  # seconds for the body, which is small
TAKEN_WITHIN = 20  # seconds for the client to take each part of the answer
QUIET = 300  # seconds without a visitor
DONE_WITHIN = 120  # seconds for all of it; an export of the audit trail takes its time
LOOK = 0.25  # seconds between looks at who is too slow


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's threads, with limits to how many of them slow clients may hold, and how long.

    As shipped, a client that sends half a handshake keeps its thread for ever; and the thread that accepts
    connections waits up to two seconds for each that is closed. A few such clients stop the face.
    """

    wsgi: WSGIApplication

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.deadlines: dict[TConn, float] = {}
        self.look_at = 0.0  # when to look at the deadlines again, on the monotonic clock
        self.sending: Crowd[TConn] = Crowd()
        self.mine = threading.local()  # its `conn` is the one that this thread serves

    def handle(self, conn: TConn) -> Any:
        if not _from_proxy(conn) and self.sending.is_full_for(_network(conn)):
            conn.close()
            return False
        self._join(conn)
        self.deadlines[conn] = time.monotonic() + READ_WITHIN
        conn.data_ready = conn.data_ready or _has_data(conn)  # spares gunicorn four system calls
        kept = False
        try:
            kept = super().handle(conn)
        finally:
            self.sending.leave(conn)
            self.deadlines.pop(conn, None)
            if not kept:
                self._close(conn)
        return kept

    def _join(self, conn: TConn) -> None:
        """Count it among those that are slow to send or to take, which may cost another one its place.

        A proxy waits for slow clients itself.
        """
        if _from_proxy(conn):
            return
        if too_many := self.sending.join(conn, _network(conn)):
            _wake(too_many)

    def handle_request(self, req: Any, conn: TConn) -> Any:
        """With the body read first: while it comes in, its thread counts against its network."""
        self.deadlines[conn] = time.monotonic() + BODY_WITHIN
        _read_body(req, conn)
        self._at_work(conn)
        self.mine.conn = conn
        return super().handle_request(req, conn)

    def load_wsgi(self) -> None:
        super().load_wsgi()
        app = self.wsgi
        # Not one generator: the gate ends connections by StopIteration, which may not leave one (PEP 479).
        self.wsgi = lambda environ, start: self._parts(app(environ, start), self.mine.conn)

    def _parts(self, answer: Iterable[bytes], conn: TConn) -> Iterator[bytes]:
        """The answer. Who takes it slowly counts as who sends slowly: gunicorn writes while this waits."""
        try:
            for part in answer:
                self._join(conn)
                self.deadlines[conn] = time.monotonic() + TAKEN_WITHIN
                yield part
                self._at_work(conn)
        finally:
            getattr(answer, "close", lambda: None)()

    def _at_work(self, conn: TConn) -> None:
        """It is our turn, not the client's."""
        self.sending.leave(conn)
        self.deadlines[conn] = time.monotonic() + DONE_WITHIN

    def finish_request(self, conn: TConn, fs: Future[Any]) -> None:
        """In the thread that accepts: what is not kept alive was closed in its own."""
        if fs.cancelled():
            conn.close()
        elif not fs.exception() and fs.result():
            super().finish_request(conn, fs)
            return
        self.nr_conns -= 1

    def on_client_socket_readable(self, conn: TConn, client: Any) -> None:
        """A kept connection has news. If it is that the client is gone, no other thread need look at it."""
        if not _gone(conn):
            super().on_client_socket_readable(conn, client)
            return
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self.nr_conns -= 1
        conn.close()

    def _close(self, conn: TConn) -> None:
        self._join(conn)  # waits for the other end as well
        try:
            with contextlib.suppress(OSError):
                conn.close(graceful=True)
        finally:
            self.sending.leave(conn)

    def notify(self) -> None:
        """Called by the worker's loop with each event, and every second. No arbiter wants to be told."""
        now = time.monotonic()
        if now < self.look_at:
            return
        self.look_at = now + LOOK
        for conn, deadline in list(self.deadlines.items()):
            if now > deadline:
                self.deadlines.pop(conn, None)
                _wake(conn)


class DoorWorker(PatientWorker):
    """Says nothing at all to who has no live certificate, not even that a request is malformed."""

    def handle_request(self, req: Any, conn: TConn) -> Any:
        """A client that waits for "100 Continue" is looked at before it gets that."""
        if req._expected_100_continue and gate.admitted(conn.sock, _forwarded(req), "") is None:
            return False
        return super().handle_request(req, conn)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """In gunicorn's words, to holders. Behind a proxy the proxy has the words: what it lets through and
        gunicorn does not, is nobody's honest request."""
        if settings.DOOR_SOCKET is None and gate.admitted(client, "", "") is not None:
            super().handle_error(req, client, addr, exc)


class CheckWorker(PatientWorker):
    """Ends when nobody has come for a while; the supervisor starts it again for the next visitor."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.quiet_since = time.monotonic()

    def notify(self) -> None:
        super().notify()
        now = time.monotonic()
        if self.nr_conns:
            self.quiet_since = now
        elif now - self.quiet_since > QUIET:
            self.alive = False

    def accept(self, listener: socket.socket) -> None:
        super().accept(listener)
        self.quiet_since = time.monotonic()


def _forwarded(req: Any) -> str:
    """The header that the gate reads, before there is an environ."""
    name = gate.CERTIFICATE.removeprefix("HTTP_").replace("_", "-")
    return ",".join(value for found, value in req.headers if found == name)


def _has_data(conn: TConn) -> bool:
    """Whether something came already, as it does (TCP_DEFER_ACCEPT, portal/ports.py)."""
    try:
        return bool(conn.sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except (OSError, ValueError):  # nothing yet; or TLS, whose sockets cannot be peeked into
        return False


def _from_proxy(conn: TConn) -> bool:
    """At a Unix socket there are no addresses."""
    return not isinstance(conn.client, tuple)


def _network(conn: TConn) -> str:
    """What counts as one client."""
    return network_of(plain(conn.client[0]))


def _wake(conn: TConn) -> None:
    """End a connection whose thread waits inside TLS: by the plain socket's shutdown."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(conn.sock, socket.SHUT_RDWR)


def _gone(conn: TConn) -> bool:
    """Whether the end of the connection is all that there is to read."""
    try:
        return not socket.socket.recv(conn.sock, 1, socket.MSG_PEEK)
    except OSError:
        return False


def _read_body(req: Any, conn: TConn) -> None:
    """The body into memory, unless it is larger than Django takes: then it is refused and never read."""
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if any(name == "CONTENT-LENGTH" and int(value) > most for name, value in req.headers):
        req.force_close()
        return
    if req._expected_100_continue:  # RFC 9110 10.1.1: such a client waits for our word before it sends
        conn.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        req._expected_100_continue = False
    body = req.body.read(most + 1)
    if len(body) > most:  # in chunks, without a length
        req.force_close()
    req.body = io.BytesIO(body)
