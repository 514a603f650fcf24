"""Nobody but holders of a live certificate gets a byte of an answer."""

import base64
import binascii
import logging
import re
import select
import threading
import time
from collections.abc import Iterable
from typing import ClassVar
from urllib.parse import unquote_to_bytes
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from accounts import addresses
from audit import trail
from door.identity import Holder, holder_of
from pki.errors import CertificateRejected

log = logging.getLogger(__name__)

# What a proxy in front sets on the Unix socket, and nobody reads anywhere else.
CERTIFICATE = "HTTP_X_LATCHKEY_CLIENT_CERT"  # PEM, percent-encoded: nginx's $ssl_client_escaped_cert
ADDRESS = "HTTP_X_REAL_IP"

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/=\n]+)\n-----END CERTIFICATE-----\n?")
ORPHAN = "certificate.orphan"  # shown, signed by our CA, and not in the books
SELDOM = 600  # seconds between two lines about the same certificate
REMEMBERED = 100  # certificates in that time; of more than these, nothing is said


class HoldersOnly:
    """WSGI: lets a request through with `latchkey.holder` set, or has its connection closed unanswered.

    The client is who the TLS layer says. Behind a proxy (settings.DOOR_SOCKET) it is who the forwarded
    certificate names, which is verified here once more.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        forwarded = str(environ.pop(CERTIFICATE, ""))
        address = str(environ.pop(ADDRESS, ""))
        if settings.DOOR_SOCKET:
            environ["wsgi.url_scheme"] = "https"
            environ["REMOTE_ADDR"] = addresses.plain(address)
        holder = admitted(environ["gunicorn.socket"], forwarded, str(environ["REMOTE_ADDR"]))
        if holder is None or (environ["REQUEST_METHOD"] == "POST" and has_left(environ["gunicorn.socket"])):
            raise StopIteration  # gunicorn's worker closes the connection, and that is all
        environ["latchkey.holder"] = holder
        return self.app(environ, start_response)


def admitted(channel: object, forwarded: str, address: str) -> Holder | None:
    """Who is at the other end, None for whoever may not be answered.

    `channel` is the connection's socket, `forwarded` the proxy's header, `address` for the log.
    """
    close_old_connections()  # Django does so where a request begins, which is later
    try:
        return holder_of(_from_header(forwarded) if settings.DOOR_SOCKET else _from_tls(channel))
    except CertificateRejected as refused:
        report(refused, address)
    except DatabaseError:
        log.warning("the database does not answer: the door refuses everybody", exc_info=True)
    return None


def has_left(channel: object) -> bool:
    """Whether the client has closed its end: nobody waits for an answer any more.

    What was sent before may be seconds old, if this machine was paused or short of everything; a door must
    not open when nobody stands there any more. Browsers never close their half alone.
    """
    poll = select.poll()
    poll.register(channel, select.POLLRDHUP)  # type: ignore[arg-type]
    return bool(poll.poll(0))


def _from_tls(channel: object) -> bytes:
    """The certificate of this connection, resumed or not. Raises CertificateRejected."""
    peer = getattr(channel, "getpeercert", None)
    try:
        der = peer(True) if peer else None
    except ValueError:  # the handshake is not done
        der = None
    if not der:
        raise CertificateRejected("There is no certificate.", code="none")
    return bytes(der)


def _from_header(text: str) -> bytes:
    """The one certificate in the header. Raises CertificateRejected.

    Read strictly, though it does no harm to be lax: what is not byte for byte ours has another fingerprint.
    """
    found = _PEM.fullmatch(unquote_to_bytes(text))
    try:
        return base64.b64decode(found[1].replace(b"\n", b""), validate=True) if found else _no_certificate()
    except binascii.Error:
        return _no_certificate()


def _no_certificate() -> bytes:
    raise CertificateRejected("There is no certificate.", code="none")


class _Said:
    """Which certificates the log was told of lately, so that nobody can fill the disk."""

    at: ClassVar[dict[str, float]] = {}
    lock = threading.Lock()


def report(refused: CertificateRejected, address: str) -> None:
    """One line for a certificate of ours that does not count. Of strangers nothing is said."""
    if refused.code in ("none", "foreign") or not _is_news(str(refused)):
        return
    log.warning("refused=%s address=%s %s", refused.code, address or "-", refused)
    if refused.code == "orphan":  # a backup was put back, or somebody has the CA's key: not to be missed
        try:
            trail.record(ORPHAN, address=address, detail={"why": str(refused)})
        except DatabaseError:
            log.exception("not noted in the audit trail")


def _is_news(sentence: str) -> bool:
    now = time.monotonic()
    with _Said.lock:
        for old in [what for what, at in _Said.at.items() if now - at > SELDOM]:
            del _Said.at[old]
        if sentence in _Said.at or len(_Said.at) >= REMEMBERED:
            return False
        _Said.at[sentence] = now
        return True
