"""A small CA of a household, for SCEP: root, EC issuing CA, RSA RA; and a responder over plain HTTP."""

import base64
import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from pki import csr, scep
from pki.builder import issued_by, key_usage
from pki.errors import MessageRejected
from pki.failinfo import FailInfo
from pki.profiles import CMC_RA
from tests.pki.scep_client import named, rsa_key


def certificate(
    name: str, key: object, issuer: x509.Certificate | None, signing: object, *usage: str, ca: bool
):
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    above = issuer.subject if issuer else named(name)
    builder = x509.CertificateBuilder(above, named(name), key, x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=30))
    builder = builder.add_extension(x509.BasicConstraints(ca, None), True)
    builder = builder.add_extension(key_usage(*usage), True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), False)
    if issuer:  # as our own are: the CA for clients certifies clients, and the RA is none
        purpose = ExtendedKeyUsageOID.CLIENT_AUTH if ca else x509.ObjectIdentifier(CMC_RA)
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), False)
        builder = builder.add_extension(issued_by(issuer), False)
    return builder.sign(signing, hashes.SHA256())


@dataclass(frozen=True)
class House:
    root: x509.Certificate
    issuing: x509.Certificate
    issuing_key: ec.EllipticCurvePrivateKey
    ra: scep.Ra

    def issue(self, der: bytes) -> bytes:
        """A certificate for the key of this CSR, with the name that was approved."""
        key = csr.parse(der).public_key
        return certificate(
            "approved", key, self.issuing, self.issuing_key, "digitalSignature", ca=False
        ).public_bytes(Encoding.DER)

    def chain(self) -> list[bytes]:
        return [one.public_bytes(Encoding.DER) for one in (self.issuing, self.root)]


@cache
def house() -> House:
    root_key, issuing_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = certificate("root", root_key.public_key(), None, root_key, "keyCertSign", "cRLSign", ca=True)
    ca = ("keyCertSign", "cRLSign")
    issuing = certificate("issuing", issuing_key.public_key(), root, root_key, *ca, ca=True)
    key, usage = rsa_key("the RA"), ("digitalSignature", "keyEncipherment")
    ra = certificate("RA", key.public_key(), issuing, issuing_key, *usage, ca=False)
    return House(root, issuing, issuing_key, scep.Ra(key, ra))


@dataclass
class Responder:
    """SCEP over HTTP, as small as it can be: one challenge; what is asked waits for `approved`."""

    house: House
    challenge: str = "secret"
    waits: bool = False  # for an officer
    single_des: bool = False
    waiting: dict[str, bytes] = field(default_factory=dict)  # transaction id: CSR
    seen: list[str] = field(default_factory=list)  # what was asked, for the tests

    def answer(self, data: bytes) -> bytes | None:
        """The reply; None stands for HTTP 400."""
        try:
            return self.decide(scep.decode(data, self.house.ra, single_des=self.single_des))
        except scep.Answerable as error:
            self.seen.append(f"refused {error.code}")
            return scep.failure(self.house.ra, error.transaction, error.fail_info)
        except MessageRejected as error:
            self.seen.append(f"rejected {error.code}")
            return None

    def decide(self, message: scep.PkiMessage) -> bytes:
        ra, transaction = self.house.ra, message.transaction
        ours = transaction.signer.issuer == self.house.issuing.subject
        about = f"{transaction.cipher.name} {len(transaction.transaction_id)}{' renewal' if ours else ''}"
        self.seen.append(f"{message.message_type.name} {about}")
        # certmonger does not poll: it sends the same PKCSReq again.
        again = self.waiting.get(transaction.transaction_id) == message.content
        if again or message.message_type is scep.MessageType.CERT_POLL:
            if transaction.transaction_id not in self.waiting:
                return scep.failure(ra, transaction, FailInfo.BAD_CERT_ID)
            self.waits = False  # meanwhile the officer has said yes
            return self.issued(transaction, self.waiting[transaction.transaction_id])
        assert isinstance(message.content, bytes)
        if not ours and csr.challenge(message.content) != self.challenge:
            return scep.failure(ra, transaction, FailInfo.BAD_REQUEST)
        if self.waits:
            self.waiting[transaction.transaction_id] = message.content
            return scep.pending(ra, transaction)
        return self.issued(transaction, message.content)

    def issued(self, transaction: scep.Transaction, der: bytes) -> bytes:
        return scep.success(self.house.ra, transaction, certificates=[self.house.issue(der)])

    def get(self, operation: str, message: str) -> tuple[str, bytes] | None:
        match operation:
            case "GetCACaps":
                return "text/plain", scep.CAPABILITIES.encode()
            case "GetCACert":
                return "application/x-x509-ca-ra-cert", scep.ca_certificates(
                    self.house.ra.certificate, self.house.chain()
                )
            case "PKIOperation":
                reply = self.answer(base64.b64decode(message))
                return reply and ("application/x-pki-message", reply)
        return None


def handler(responder: Responder) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            self.reply(responder.get(query["operation"][0], query.get("message", [""])[0].replace(" ", "+")))

        def do_POST(self) -> None:
            reply = responder.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.reply(reply and ("application/x-pki-message", reply))

        def reply(self, found: tuple[str, bytes] | None) -> None:
            kind, body = found or ("text/plain", b"")
            self.send_response(200 if found else 400)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        log_message: Callable[..., None] = lambda *words: None

    return Handler


@contextlib.contextmanager
def served(responder: Responder) -> Iterator[str]:
    """The responder's address while it answers."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(responder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/scep"
        server.shutdown()
