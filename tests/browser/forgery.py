"""What somebody who stole the servers CA could do: a certificate for any name, and a server that shows it."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SECONDS = 10
PEM = serialization.Encoding.PEM
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def forge(signer_home: Path, host: str) -> bytes:
    """A key, a leaf for `host` signed with the stolen issuing CA, and that CA's certificate, in PEM."""
    stolen = signer_home / "servers"
    passphrase = (signer_home / "passphrase").read_bytes().strip()
    ca_key = serialization.load_pem_private_key((stolen / "issuing.key").read_bytes(), passphrase)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    issuer = x509.load_der_x509_certificate((stolen / "issuing.cer").read_bytes())
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = _leaf(host, issuer, key.public_key()).sign(ca_key, hashes.SHA256())
    secret = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return secret + leaf.public_bytes(PEM) + issuer.public_bytes(PEM)


def _leaf(
    host: str, issuer: x509.Certificate, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    """As good as any, whatever the name."""
    now = datetime.now(UTC)
    usage = x509.KeyUsage(True, *[False] * 8)
    own_id = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]))
        .issuer_name(issuer.subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(False, None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own_id), critical=False)
    )


@contextlib.contextmanager
def serving(chain: Path) -> Iterator[int]:
    """An HTTPS server on the loopback with the key and certificates in `chain`; gives its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        stop = threading.Event()
        thread = threading.Thread(target=_serve, args=(listener, context, stop), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stop.set()
            thread.join(SECONDS)


def _serve(listener: socket.socket, context: ssl.SSLContext, stop: threading.Event) -> None:
    while not stop.is_set():
        with contextlib.suppress(OSError):  # nobody came, or they left when they saw the certificate
            plain, _ = listener.accept()
            plain.settimeout(SECONDS)
            with plain, context.wrap_socket(plain, server_side=True) as secure:
                secure.recv(65536)
                secure.sendall(ANSWER)
