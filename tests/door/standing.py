"""The door's face over real https in a thread of this process, for tests with a real browser in front.

No client certificate is asked for here: that somebody holds one is given. The listener's own tests prove it.
"""

import contextlib
import datetime
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.wsgi import get_wsgi_application
from django.db import connections

from door.identity import Holder


class Server(ThreadingMixIn, WSGIServer):
    """`away`: closes every connection without an answer, as the door does once a certificate is revoked."""

    daemon_threads = True
    away = False


class Quiet(WSGIRequestHandler):
    server: Server

    def log_message(self, *words: object) -> None:
        pass

    def handle(self) -> None:
        if not self.server.away:
            super().handle()


def server_certificate(folder: Path) -> Path:
    """A self-signed one for localhost with its P-256 key, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    alternative = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    leaf = builder.add_extension(alternative, critical=False).sign(key, hashes.SHA256())
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path = folder / "server.pem"
    pem = serialization.Encoding.PEM
    path.write_bytes(leaf.public_bytes(pem) + key.private_bytes(pem, pkcs8, plain))
    return path


@contextlib.contextmanager
def standing(holder: Holder, folder: Path) -> Iterator[tuple[str, Server]]:
    """Its address, and the server."""
    django = get_wsgi_application()

    def application(environ: dict[str, object], start_response: object) -> Iterator[bytes]:
        environ |= {"latchkey.holder": holder, "wsgi.url_scheme": "https"}
        try:
            yield from django(environ, start_response)
        finally:
            connections.close_all()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_certificate(folder))
    with make_server("127.0.0.1", 0, application, Server, Quiet) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"https://localhost:{server.server_port}", server
        finally:
            server.shutdown()
            thread.join()
