"""The check face's TLS: asks for a client certificate and takes whichever comes, to say what it is.

Python's ssl refuses in the handshake what it cannot verify (CERT_OPTIONAL is optional only for those who send
nothing); who holds the wrong certificate then sees the browser's own page, ERR_BAD_SSL_CLIENT_AUTH_CERT or
the like, and learns nothing. That is the very person this face is for: Python's ssl names no acceptable CAs,
so browsers offer an ID card's or an employer's certificate, too. OpenSSL lets a server decide for itself
(SSL_CTX_set_verify), and pyOpenSSL has that call.

What that costs in safety: nothing opens here, and who somebody is comes from the allow-list as everywhere
(pki/verification.py), which looks at the bytes anew and trusts no handshake. That the other end has the key,
TLS proves with any certificate (RFC 8446 4.4.3). No names of CAs are sent, as the door sends none: what
arrives here is what would arrive there.
"""

import contextlib
import errno
import logging
import socket
import threading
from collections.abc import Iterator

from OpenSSL import SSL, crypto

from door import tls_files
from door.tls_files import Marks
from portal import tls

log = logging.getLogger(__name__)


class Channel(socket.socket):
    """One connection with TLS on it, with as much of ssl.SSLSocket as gunicorn uses."""

    def __init__(self, plain: socket.socket, context: SSL.Context) -> None:
        super().__init__(plain.family, plain.type, plain.proto, fileno=plain.detach())
        self._tls: SSL.Connection | None = SSL.Connection(context, self)
        self._tls.set_accept_state()

    def do_handshake(self) -> None:
        """Raises OSError."""
        with _as_of_sockets():
            self._open().do_handshake()

    def getpeercert(self, binary_form: bool = False) -> bytes | None:
        """The client's certificate (DER), None when it sent none; its key signed this handshake."""
        del binary_form  # there is no other
        found = self._tls.get_peer_certificate() if self._tls else None
        return crypto.dump_certificate(crypto.FILETYPE_ASN1, found) if found else None

    def recv(self, size: int, flags: int = 0) -> bytes:
        if self._tls is None:
            return super().recv(size, flags)
        if flags:
            raise ValueError("Nobody can peek into TLS.")
        with _as_of_sockets():
            try:
                return self._tls.recv(size)
            except (SSL.ZeroReturnError, SSL.SysCallError):  # the end, said or not
                return b""

    def sendall(self, data: bytes, flags: int = 0) -> None:  # type: ignore[override]
        with _as_of_sockets():
            self._open().sendall(data, flags)

    def send(self, data: bytes, flags: int = 0) -> int:  # type: ignore[override]
        self.sendall(data, flags)
        return len(data)

    def shutdown(self, how: int) -> None:
        """Ends TLS with its own word first (RFC 8446 6.1); what is read after that is thrown away."""
        ended, self._tls = self._tls, None
        if ended:
            with contextlib.suppress(SSL.Error):
                ended.shutdown()
        super().shutdown(how)

    def close(self) -> None:
        self._tls = None
        super().close()

    def _open(self) -> SSL.Connection:
        if self._tls is None:
            raise OSError(errno.ENOTCONN, "TLS has ended")
        return self._tls


@contextlib.contextmanager
def _as_of_sockets() -> Iterator[None]:
    """TLS troubles as a socket's: gunicorn passes over a connection that was reset."""
    try:
        yield
    except (SSL.WantReadError, SSL.WantWriteError) as error:  # only when the socket does not wait
        raise BlockingIOError(errno.EAGAIN, "TLS waits for the other end") from error
    except SSL.Error as error:
        raise ConnectionResetError(errno.ECONNRESET, f"TLS: {error}") from error


class Asking:
    """Stands where gunicorn expects an ssl.SSLContext: the one method of it that gunicorn calls."""

    def __init__(self, context: SSL.Context) -> None:
        self.context = context

    def wrap_socket(self, plain: socket.socket, **named: object) -> Channel:
        """`named` is what gunicorn says of the handshake: it asks for that itself."""
        del named
        return Channel(plain, self.context)


class _Cache:
    """The context in use, and which files it was made from."""

    held: tuple[Marks, Asking] | None = None
    lock = threading.Lock()


def context() -> Asking:
    """The face's context; made anew with another server certificate. Raises OSError, SSL.Error."""
    with _Cache.lock:
        try:
            marks = tls_files.marks(tls.files())
            if _Cache.held is None or _Cache.held[0] != marks:
                _Cache.held = marks, Asking(new_context())
        except (OSError, SSL.Error) as error:
            if _Cache.held is None:
                raise
            log.warning("the server certificate cannot be loaded, the old one stays in use: %s", error)
        return _Cache.held[1]


def new_context() -> SSL.Context:
    """TLS 1.3 only, as at the door; no sessions: each look is a handshake of its own."""
    fresh = SSL.Context(SSL.TLS_SERVER_METHOD)
    fresh.set_min_proto_version(SSL.TLS1_3_VERSION)
    fresh.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    fresh.set_options(SSL.OP_NO_TICKET)
    fresh.set_session_id(b"check")  # OpenSSL wants one where certificates are asked for
    fresh.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    certificate, key = map(str, tls.files())
    fresh.use_certificate_chain_file(certificate)
    fresh.use_privatekey_file(key)
    return fresh
