"""The door's TLS: who has no certificate of ours is refused in the handshake.

Why just so was measured: a context that lives on accepts what was revoked since, a resumed session is not
looked at again, and a ticket outlives the certificate. So: TLS 1.3 only, no tickets, and a new context for
each version of the lists. What a handshake cannot know any more, because the connection is open already, the
gate asks with each request (door/gate.py).

Python's ssl sends no names of acceptable CAs (RFC 8446 4.2.4; it has no switch for that), so browsers offer
whatever they hold. nginx in front of the door sends them.
"""

import base64
import logging
import os
import ssl
import tempfile
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from pki import authorities, crl
from pki.verification import AUTHORITY
from portal import tls

log = logging.getLogger(__name__)

Marks = tuple[tuple[int, int, int] | None, ...]

# None in the chain may be on its issuer's list, root included, and each of these lists must be there.
CHECKS = ssl.VerifyFlags.VERIFY_CRL_CHECK_CHAIN | ssl.VerifyFlags.VERIFY_X509_STRICT


class _Cache:
    """The context in use, and which files it was made from."""

    context: ssl.SSLContext | None = None
    files: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())  # of clients, of the server
    trusted: Marks = ()
    served: Marks = ()
    lock = threading.Lock()


def context() -> ssl.SSLContext:
    """The door's context. Called for each connection: a few stat calls, as long as no file is another one.

    Raises OSError while there is no server certificate to serve with.
    """
    clients, server = _files()
    trusted, served = _marks(clients), _marks(server)
    if _Cache.context and (trusted, served) == (_Cache.trusted, _Cache.served):
        return _Cache.context
    with _Cache.lock:  # one thread makes it: long lists take a while
        if _Cache.context is None or (trusted, served) != (_Cache.trusted, _Cache.served):
            _Cache.context = _renewed(clients, trusted)
            _Cache.trusted, _Cache.served = trusted, served
        return _Cache.context


def _renewed(clients: Iterable[str], trusted: Marks) -> ssl.SSLContext:
    try:
        fresh = new_context(*_contents(clients))
        fresh.load_cert_chain(*tls.files())
        return fresh
    except (OSError, ssl.SSLError) as error:
        if _Cache.context is None or trusted != _Cache.trusted:
            raise  # an old certificate may serve on, old lists may not
        log.warning("the server certificate cannot be loaded, the old one stays in use: %s", error)
        return _Cache.context


def new_context(anchors: Sequence[bytes], lists: Sequence[bytes]) -> ssl.SSLContext:
    """A context that lets in whom the CA certificates `anchors` vouch for and the CRLs `lists` do not name.

    All DER; the server's own certificate is still to be loaded. A CRL that cannot be read is left out, as one
    that is missing: then OpenSSL refuses everybody whom it concerns.
    """
    fresh = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    fresh.minimum_version = ssl.TLSVersion.TLSv1_3
    fresh.num_tickets = 0
    fresh.options |= ssl.OP_NO_TICKET
    fresh.verify_mode = ssl.CERT_REQUIRED
    fresh.verify_flags |= CHECKS
    for kind, found in [("CERTIFICATE", der) for der in anchors] + [("X509 CRL", der) for der in lists]:
        _load(fresh, kind, found)
    return fresh


def _load(fresh: ssl.SSLContext, kind: str, der: bytes) -> None:
    """From a file, as Python's ssl takes CRLs from nowhere else."""
    body = base64.encodebytes(der)
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"-----BEGIN %s-----\n%s-----END %s-----\n" % (kind.encode(), body, kind.encode()))
        file.flush()
        try:
            fresh.load_verify_locations(cafile=file.name)
        except ssl.SSLError as error:
            log.warning("%s of the door cannot be read, it refuses everybody: %s", kind.lower(), error)


def _files() -> tuple[tuple[str, ...], tuple[str, ...]]:
    if not _Cache.files[0]:
        names = (AUTHORITY, f"{AUTHORITY}-root")
        clients = [*(authorities.path(name) for name in names), *(crl.path(name) for name in names)]
        _Cache.files = tuple(map(str, clients)), tuple(map(str, tls.files()))
    return _Cache.files


def _marks(files: Iterable[str]) -> Marks:
    return tuple(map(_mark, files))


def _mark(file: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _contents(files: Iterable[str]) -> tuple[list[bytes], list[bytes]]:
    """The two CA certificates and the lists that are there."""
    found = [Path(file).read_bytes() if Path(file).exists() else b"" for file in files]
    return [der for der in found[:2] if der], [der for der in found[2:] if der]
