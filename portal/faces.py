"""The listeners people and programs talk to: gunicorn around Django, which was loaded before the fork.

One process each: gunicorn's worker without its arbiter (and without its control socket), as restarting who
dies is our supervisor's work already, and a process less is 18 MB less.
"""

import contextlib
import gc
import io
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Any
from urllib.parse import urlsplit
from wsgiref.types import WSGIApplication

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import set_urlconf
from gunicorn import sock
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import TConn, ThreadWorker

from accounts.addresses import network_of, plain
from door import gate, mqtt
from portal import confinement, door_tls, presence, tls
from portal.crowd import THREADS, Crowd
from portal.dialler import Line

READ_WITHIN = 5  # seconds for the handshake and the request's head
BODY_WITHIN = 20  # seconds for the body, which is small
TAKEN_WITHIN = 20  # seconds for the client to take each part of the answer
DONE_WITHIN = 120  # seconds for all of it; an export of the audit trail takes its time
KEEP_ALIVE = 15
# With what else is open, less than the 1024 descriptors that most systems allow: one too many ends the face.
CONNECTIONS = 500
# Python looks for cycles after each 700 new objects, which are a few requests here: a twentieth of all work.
# What there was before the fork is left out already, so that looking seldom costs next to no memory.
COLLECT = (20_000, 20, 20)
GRACE = 2  # seconds for requests at work when the face ends


Wrapper = Callable[[WSGIApplication], WSGIApplication]


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's threads, with limits to how many of them slow clients may hold, and how long.

    As shipped, a client that sends half a handshake keeps its thread for ever; and the thread that accepts
    connections waits up to two seconds for each that is closed. A few such clients stop the face.
    """

    wsgi: WSGIApplication

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.deadlines: dict[TConn, float] = {}
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
        """Called by the worker's loop every second or more often. No arbiter wants to be told."""
        now = time.monotonic()
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


class Face(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """One listener, configured here and nowhere else: no configuration file, no command line."""

    def __init__(self, options: dict[str, Any], wrap: Wrapper) -> None:
        self.options = options
        self.wrap = wrap
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> WSGIApplication:
        return self.wrap(get_wsgi_application())


def portal(listener: socket.socket, ready: Callable[[], None], line: Line) -> None:
    """Serve the portal face: TLS, no client certificate asked for. Returns when told to end."""
    confinement.enter(line)
    _serve(listener, ready, _secure(tls.context))


def status(listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve the status face: plain HTTP, signed objects only, made by others: it cannot reach the signer."""
    settings.ROOT_URLCONF = "portal.urls_status"
    settings.MIDDLEWARE = settings.STATUS_MIDDLEWARE
    set_urlconf(None)
    confinement.enter()
    _serve(listener, ready, {})


def door(listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve the door: to holders of a live certificate, and to nobody else. It cannot reach the signer.

    TLS in this process; or plain HTTP at a Unix socket, where a proxy did that and forwards the certificate.
    """
    settings.ROOT_URLCONF = "portal.urls_door"
    settings.MIDDLEWARE = settings.DOOR_MIDDLEWARE
    settings.CSRF_COOKIE_NAME = settings.DOOR_CSRF_COOKIE
    settings.CSRF_FAILURE_VIEW = "door.views.faults.csrf_failure"
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, urlsplit(settings.DOOR_URL).hostname or ""]
    set_urlconf(None)
    confinement.enter()
    mark = presence.take("door")
    secure = {} if settings.DOOR_SOCKET else _secure(door_tls.context)
    mqtt.start()
    try:
        _serve(listener, ready, secure, DoorWorker, gate.HoldersOnly)
    finally:
        mqtt.stop()
        mark.close()


def _secure(context: Callable[[], ssl.SSLContext]) -> dict[str, Any]:
    """gunicorn's options for TLS with this context, which it asks for with each connection."""
    certificate, key = tls.files()
    return {
        "certfile": str(certificate),
        "keyfile": str(key),
        "ssl_context": lambda config, default: context(),
        "do_handshake_on_connect": False,
    }


def _serve(
    listener: socket.socket,
    ready: Callable[[], None],
    more: dict[str, Any],
    worker: type[PatientWorker] = PatientWorker,
    wrap: Wrapper = lambda app: app,
) -> None:
    options = {
        # gunicorn closes the descriptor it is given; the supervisor's own must stay for a restart.
        "bind": f"fd://{os.dup(listener.fileno())}",
        "threads": THREADS,
        "worker_connections": CONNECTIONS,
        "keepalive": KEEP_ALIVE,
        "graceful_timeout": GRACE,
        "limit_request_line": 8190,  # SCEP over GET carries a whole message in the address
        "worker_tmp_dir": str(confinement.temporary_folder()),
        # Nobody in front of us: X-Forwarded-* is what a client says. A proxy at our Unix socket has its own
        # two headers (door/gate.py), but gunicorn would believe it more.
        "forwarded_allow_ips": "",
        "secure_scheme_headers": {},
        "forwarder_headers": "",
        "loglevel": "error",  # who does not trust us yet ends each handshake with an alert: no news
        "post_worker_init": lambda worker: ready(),
    }
    gc.set_threshold(*COLLECT)
    face = Face({**options, **more}, wrap)
    log = Logger(face.cfg)
    listeners = sock.create_sockets(face.cfg, log)
    worker(0, os.getppid(), listeners, face, face.cfg.timeout, face.cfg, log).init_process()
