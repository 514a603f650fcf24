"""Who comes to the door, well or badly equipped, and how: the same cases for every way the door is served.

Each client is a file with its key, its certificate and what it sends along; whoever has none is None.
"""

import base64
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pki import builder
from tests.portal.door_hand import Hand
from tests.portal.running import Running

CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
DAY = timedelta(days=1)
TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
SOON = 2  # seconds
HOW = {"revoked": "keyCompromise", "on hold": "certificateHold"}
Address = tuple[str, int]


class Case(NamedTuple):
    """Somebody who must get no byte of an answer, and how far they come."""

    name: str
    handshake: bool  # whether TLS lets them in: then it is the request that is left unanswered
    kept: str  # how they could be connected already, or why that cannot be


NEVER_IN = "never got in, so there is neither an open connection nor a session"
CASES = (
    Case("no certificate", False, NEVER_IN),
    Case("foreign CA", False, NEVER_IN),
    Case("self-made CA of the same name", False, NEVER_IN),
    Case("server certificate", False, NEVER_IN),
    Case("device certificate", False, NEVER_IN),
    Case("serverAuth from the clients CA", False, NEVER_IN),
    Case("not yet valid", False, NEVER_IN),
    Case("expired", False, "its end comes while it is connected"),
    Case("revoked", False, "is revoked while it is connected"),
    Case("on hold", False, "is put on hold while it is connected"),
    Case("no EKU", True, "the handshake keeps the connection, no request on it is ever answered"),
    Case("orphan", True, "the handshake keeps the connection, no request on it is ever answered"),
)


@dataclass
class CA:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    along: tuple[x509.Certificate, ...] = ()  # what clients have to send for their chain


@dataclass
class Crowd:
    """Makes clients for a running household. `hand` works in it, `folder` takes the files."""

    running: Running
    hand: Hand
    folder: Path
    ids: dict[Path, str] = field(default_factory=dict)  # primary keys of those in the database

    @property
    def trust(self) -> Path:
        """What a client trusts the door by."""
        return self.running.data / "public/ca/servers-root.pem"

    def good(
        self, device: str = "phone", owner: str = "alice", big: bool = False, profile: str = "tls-client"
    ) -> Path:
        """A live one, through request, approval and signer, with its issuing CA unless it is a client's."""
        key = rsa.generate_private_key(65537, 2048) if big else ec.generate_private_key(ec.SECP256R1())
        csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
        pem = csr.public_bytes(Encoding.PEM).decode()
        done = self.hand("issue", pem=pem, owner=owner, device=device, profile=profile, sans=[])
        leaf = x509.load_der_x509_certificate(base64.b64decode(done["der"]))
        issuing = self.running.data / "public/ca/devices.cer"
        along = [] if profile == "tls-client" else [x509.load_der_x509_certificate(issuing.read_bytes())]
        file = self._write(device, key, leaf, *along)
        self.ids[file] = done["id"]
        return file

    def odd(self, name: str, ca: CA | None = None, *, known: bool = True, **changes: object) -> Path:
        """One that the signer would not make; by the right key unless `ca` is given."""
        ca = ca or self.clients_ca()
        leaf, key = make_leaf(ca, name, **changes)
        file = self._write(name, key, leaf, *ca.along)
        if known:
            der = base64.b64encode(leaf.public_bytes(Encoding.DER)).decode()
            self.ids[file] = self.hand("enter", der=der, owner="alice")["id"]
        return file

    def client(self, case: str) -> Path | None:
        """The client of one of CASES, complete at this moment."""
        return _MAKERS[case](self)

    def turning(self, case: str) -> tuple[Path | None, Callable[[], None]]:
        """A client that is live, and what makes it the case's; for the others the client, and nothing."""
        if case == "expired":
            file = self.odd("ending", end=timedelta(seconds=SOON))
            return file, lambda: time.sleep(SOON + 1)
        if case in HOW:
            file = self.good(f"{case} later")
            return file, lambda: self.revoke(file, HOW[case])
        return self.client(case), lambda: None

    def revoke(self, file: Path, reason: str = "keyCompromise") -> None:
        self.hand("revoke", id=self.ids[file], reason=reason)

    def revoked(self, reason: str) -> Path:
        file = self.good(f"{reason} before")
        self.revoke(file, reason)
        return file

    def clients_ca(self) -> CA:
        """The household's own: tests may look into the signer's folder of their own household."""
        folder = self.running.data / "signer"
        passphrase = (folder / "passphrase").read_bytes().strip()
        key = load_pem_private_key((folder / "clients/issuing.key").read_bytes(), passphrase)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return CA(x509.load_der_x509_certificate((folder / "clients/issuing.cer").read_bytes()), key)

    def written(self, name: str, key: object, der: str) -> Path:
        """A file with the key and this certificate, DER in base64."""
        return self._write(name, key, x509.load_der_x509_certificate(base64.b64decode(der)))

    def _write(self, name: str, key: object, *certificates: x509.Certificate) -> Path:
        file = self.folder / f"{re.sub(r'[^a-zA-Z0-9]', '-', name)}-{len(list(self.folder.iterdir()))}.pem"
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined]
        file.write_bytes(secret + b"".join(found.public_bytes(Encoding.PEM) for found in certificates))
        return file


_MAKERS: dict[str, Callable[[Crowd], Path | None]] = {
    "no certificate": lambda crowd: None,
    "foreign CA": lambda crowd: crowd.odd("foreign", foreign_ca("Somebody else"), known=False),
    "self-made CA of the same name": lambda crowd: crowd.odd("twin", twin_of(crowd.clients_ca())),
    "server certificate": lambda crowd: crowd.running.data / "web/tls/portal.pem",
    "device certificate": lambda crowd: crowd.good("lamp", profile="mqtt-client"),
    "serverAuth from the clients CA": lambda crowd: crowd.odd("server", ekus=[SERVER]),
    "not yet valid": lambda crowd: crowd.odd("future", start=DAY, end=2 * DAY),
    "expired": lambda crowd: crowd.odd("past", start=-2 * DAY, end=-DAY),
    "revoked": lambda crowd: crowd.revoked("keyCompromise"),
    "on hold": lambda crowd: crowd.revoked("certificateHold"),
    "no EKU": lambda crowd: crowd.odd("no eku", ekus=[]),
    "orphan": lambda crowd: crowd.odd("orphan", known=False),
}


def make_leaf(
    ca: CA,
    name: str,
    start: timedelta = -DAY,
    end: timedelta = DAY,
    ekus: list[x509.ObjectIdentifier] | None = None,
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A leaf as the profile tls-client has it; `start` and `end` from now, `ekus` [] for no extension."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC).replace(microsecond=0)
    made = (
        x509.CertificateBuilder()
        .issuer_name(ca.certificate.subject)
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + start)
        .not_valid_after(now + end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(builder.key_usage("digitalSignature"), True)
        .add_extension(builder.issued_by(ca.certificate), False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    )
    if ekus != []:
        made = made.add_extension(x509.ExtendedKeyUsage(ekus or [CLIENT]), False)
    return made.sign(ca.key, hashes.SHA256()), key


def foreign_ca(name: str, like: x509.Certificate | None = None) -> CA:
    """A root of one's own. `like`: with the subject and the key identifier of that one."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC).replace(microsecond=0)
    subject = like.subject if like else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    if like:
        identifier = like.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    made = (
        x509.CertificateBuilder()
        .issuer_name(subject)
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .add_extension(builder.key_usage("keyCertSign", "cRLSign"), True)
        .add_extension(identifier, False)
        .sign(key, hashes.SHA256())
    )
    return CA(made, key, (made,))


def twin_of(ca: CA) -> CA:
    return foreign_ca("", like=ca.certificate)


class Caller:
    """A client in Python, over one connection. Without `version` it takes what the door offers."""

    def __init__(
        self,
        address: Address,
        client: Path | None,
        trust: Path,
        version: ssl.TLSVersion = TLS_1_3,
        before: "Caller | None" = None,
    ) -> None:
        """`before`: resume the session of that one, if it got one. Raises OSError."""
        self.context = before.context if before else client_context(client, trust, version)
        plain = socket.create_connection(address, timeout=10)
        try:
            session = before.channel.session if before else None
            self.channel = self.context.wrap_socket(plain, server_hostname="localhost", session=session)
        except BaseException:
            plain.close()
            raise
        self.host = f"localhost:{address[1]}"
        self.alert = ""  # why TLS ended: a TLS 1.3 client hears of its refusal when it reads

    def ask(self, path: str = "/", *lines: str) -> bytes:
        """The whole answer to a GET, b"" when the connection ends without one; it stays open otherwise."""
        head = [f"GET {path} HTTP/1.1", f"Host: {self.host}", *lines]
        try:
            self.channel.sendall("\r\n".join([*head, "", ""]).encode())
            return self._answer()
        except OSError as error:
            self.alert = getattr(error, "reason", "") or ""
            return b""

    def _answer(self) -> bytes:
        got = b""
        while b"\r\n\r\n" not in got:
            more = self.channel.recv(65536)
            if not more:
                return got
            got += more
        head, _, body = got.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        while length and len(body) < int(length[1]):
            body += self.channel.recv(65536)
        return head + b"\r\n\r\n" + body

    def close(self) -> None:
        self.channel.close()


def client_context(client: Path | None, trust: Path, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(trust))
    context.minimum_version = context.maximum_version = version
    if client:
        context.load_cert_chain(client)
    return context


def visit(
    address: Address,
    client: Path | None,
    trust: Path,
    version: ssl.TLSVersion = TLS_1_3,
    before: Caller | None = None,
) -> bytes:
    """One GET on a connection of its own; b"" for no byte of an answer."""
    try:
        caller = Caller(address, client, trust, version, before)
    except OSError:
        return b""
    try:
        return caller.ask()
    finally:
        caller.close()


def s_client(
    address: Address,
    client: Path | None,
    trust: Path,
    version: ssl.TLSVersion = TLS_1_3,
    *,
    session_in: Path | None = None,
    session_out: Path | None = None,
) -> bytes:
    """The same with `openssl s_client`: what it received inside of TLS."""
    command = ["openssl", "s_client", "-quiet", "-connect", f"{address[0]}:{address[1]}"]
    command += ["-servername", "localhost", "-CAfile", str(trust), "-verify_return_error"]
    command += ["-tls1_3" if version == TLS_1_3 else "-tls1_2"]
    if client:
        command += ["-cert", str(client), "-key", str(client)]
        along = client.read_text().split("-----BEGIN CERTIFICATE-----")[2:]
        if along:
            chain = client.with_suffix(".along")
            chain.write_text("".join(f"-----BEGIN CERTIFICATE-----{part}" for part in along))
            command += ["-cert_chain", str(chain)]
    command += ["-sess_in", str(session_in)] if session_in and session_in.exists() else []
    command += ["-sess_out", str(session_out)] if session_out else []
    request = f"GET / HTTP/1.1\r\nHost: localhost:{address[1]}\r\nConnection: close\r\n\r\n"
    done = subprocess.run(command, input=request.encode(), capture_output=True, timeout=20)
    return done.stdout
