"""The door's TLS: who has no certificate of ours is refused in the handshake.

Why just so was measured: a context that lives on accepts what was revoked since, a resumed session is not
looked at again, and a ticket outlives the certificate. So: TLS 1.3 only, no tickets, and a new context for
each version of the lists. What a handshake cannot know any more, because the connection is open already, the
gate asks with each request (door/gate.py).

Python's ssl sends no names of acceptable CAs (RFC 8446 4.2.4; it has no switch for that), so browsers offer
whatever they hold. nginx in front of the door sends them.
"""

import logging
import ssl
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from door.tls_files import Marks, load_list, marks
from pki import authorities, crl
from pki.verification import AUTHORITY
from portal import tls

log = logging.getLogger(__name__)

# None in the chain may be on its issuer's list, root included, and each of these lists must be there.
CHECKS = ssl.VerifyFlags.VERIFY_CRL_CHECK_CHAIN | ssl.VerifyFlags.VERIFY_X509_STRICT


# Bytes, some 10,000 lines: from here on a list makes each handshake dearer, and OpenSSL takes half a kilobyte
# of memory for each line. Then the gate alone holds to it, which finds one line in it (pki/verification.py).
LONG_LIST = 400_000


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
    trusted, served = marks(clients), marks(server)
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
    for der in anchors:
        with _unless_garbled("certificate"):
            fresh.load_verify_locations(cadata=der)
    if max(map(len, lists), default=0) > LONG_LIST:
        fresh.verify_flags &= ~ssl.VerifyFlags.VERIFY_CRL_CHECK_CHAIN
        return fresh
    for der in lists:
        with _unless_garbled("x509 crl"):
            load_list(fresh, der)
    return fresh


@contextmanager
def _unless_garbled(kind: str) -> Iterator[None]:
    try:
        yield
    except ssl.SSLError as error:
        log.warning("%s of the door cannot be read, it refuses everybody: %s", kind, error)


def _files() -> tuple[tuple[str, ...], tuple[str, ...]]:
    if not _Cache.files[0]:
        names = (AUTHORITY, f"{AUTHORITY}-root")
        clients = [*(authorities.path(name) for name in names), *(crl.path(name) for name in names)]
        _Cache.files = tuple(map(str, clients)), tuple(map(str, tls.files()))
    return _Cache.files


def _contents(files: Iterable[str]) -> tuple[list[bytes], list[bytes]]:
    """The two CA certificates and the lists that are there."""
    found = [Path(file).read_bytes() if Path(file).exists() else b"" for file in files]
    return [der for der in found[:2] if der], [der for der in found[2:] if der]
