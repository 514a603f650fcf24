"""The listeners people and programs talk to: gunicorn around Django, which was loaded before the fork.

One process each: gunicorn's worker without its arbiter (and without its control socket), as restarting who
dies is our supervisor's work already, and a process less is 18 MB less.
"""

import contextlib
import ctypes
import gc
import os
import socket
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from wsgiref.types import WSGIApplication

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import set_urlconf
from gunicorn import sock
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from door import gate, mqtt
from portal import check_tls, confinement, door_tls, presence, tls
from portal.crowd import THREADS
from portal.dialler import Line
from portal.middleware import legible
from portal.worker import CheckWorker, DoorWorker, PatientWorker

KEEP_ALIVE = 15
# With what else is open, less than the 1024 descriptors that most systems allow: one too many ends the face.
CONNECTIONS = 500
# Python looks for cycles after each 700 new objects, which are a few requests here: a twentieth of all work.
# What there was before the fork is left out already, so that looking seldom costs next to no memory.
COLLECT = (20_000, 20, 20)
# glibc gives each thread a heap of its own and keeps what was freed in each: with sixteen threads the portal
# grew to 200 MB, with two heaps it stays near 110. Python's threads take turns, so none waits for a heap.
M_ARENA_MAX, HEAPS = -8, 2  # mallopt(3)
GRACE = 2  # seconds for requests at work when the face ends


Wrapper = Callable[[WSGIApplication], WSGIApplication]


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
        return self.wrap(legible(get_wsgi_application()))


def portal(listener: socket.socket, ready: Callable[[], None], line: Line) -> None:
    """Serve the portal face: TLS, no client certificate asked for. Returns when told to end."""
    confinement.enter(line)
    _serve(listener, ready, _secure(tls.context))


def status(listener: socket.socket, ready: Callable[[], None], line: Line) -> None:
    """Serve the status face: plain HTTP, signed objects, and SCEP, for which it asks the signer."""
    settings.ROOT_URLCONF = "portal.urls_status"
    settings.MIDDLEWARE = settings.STATUS_MIDDLEWARE
    set_urlconf(None)
    confinement.enter(line, registrar=True)
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


def check(listener: socket.socket, line: Line) -> None:
    """Serve the check face: whoever comes is told what certificate arrived, and may renew it by the signer.

    No connection is kept: an open one would go on showing what arrived when it was made, and people come here
    to try again. Returns when nobody comes any more.
    """
    settings.ROOT_URLCONF = "portal.urls_check"
    settings.MIDDLEWARE = settings.CHECK_MIDDLEWARE
    settings.CSRF_COOKIE_NAME = settings.CHECK_CSRF_COOKIE
    settings.CSRF_FAILURE_VIEW = "portal.views.check.csrf_failure"
    set_urlconf(None)
    confinement.enter(line)
    more = {**_secure(check_tls.context), "keepalive": 0}
    _serve(listener, lambda: None, more, CheckWorker)


def _secure(context: Callable[[], ssl.SSLContext | check_tls.Asking]) -> dict[str, Any]:
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
    _share_heaps()
    face = Face({**options, **more}, wrap)
    log = Logger(face.cfg)
    listeners = sock.create_sockets(face.cfg, log)
    worker(0, os.getppid(), listeners, face, face.cfg.timeout, face.cfg, log).init_process()


def _share_heaps() -> None:
    """Before the first thread. Other C libraries than glibc have no such switch, and no such heaps."""
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, HEAPS)
