"""Requests as the web side sends them, and certificates made past the signer's checks."""

import hashlib
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from pki import builder, hostnames, names
from pki.profiles import PROFILES
from pki.signer.crls import Written
from pki.signer.keys import Authority
from pki.signer.protocol import CsrEvidence, IssuanceRequest, ServiceEvidence
from pki.signer.service import Service

HEAD = bytes(range(32))  # of an audit trail
STATUS_URL = "http://portal.home.arpa:8080"
HOSTS = ("portal.home.arpa", "203.0.113.9", "nas", "localhost", "127.0.0.1", "::1")
SANS = ("dns:nas.home.arpa", "dns:localhost", "ip:192.168.1.2", "ip:fd00::1")


def csr(key: Any = None) -> bytes:
    key = key or ec.generate_private_key(ec.SECP256R1())
    blank = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    digest = hashes.SHA256() if not type(key).__name__.startswith("Ed") else None
    return blank.sign(key, digest).public_bytes(Encoding.DER)


def request(
    profile: str = "tls-client", der: bytes = b"", owner: str = "", **changes: Any
) -> IssuanceRequest:
    """An approved request that the signer accepts, unless `changes` spoil it."""
    der, owner, chosen = der or csr(), owner or str(uuid.uuid4()), PROFILES[profile]
    evidence = CsrEvidence(
        csr_sha256=hashlib.sha256(der).hexdigest(),
        requester=owner,
        approver=str(uuid.uuid4()),
        at="2026-01-01T00:00:00Z",
        one_person=False,
    )
    good = IssuanceRequest(
        request_id=str(uuid.uuid4()),
        profile=profile,
        profile_digest=chosen.digest,
        organization="The Smiths",
        common_name="Anna's phone"
        if chosen.name_rule == "label"
        else f"lamp-{owner[:8]}",  # a device's name has one owner
        sans=SANS if chosen.san == "required" else (),
        days=chosen.default_days,
        owner=owner,
        csr=der,
        evidence=evidence,
    )
    return replace(good, **changes)


def portal_request(
    sans: tuple[str, ...] = ("dns:portal.home.arpa", "ip:127.0.0.1"), **changes: Any
) -> IssuanceRequest:
    """What the portal asks for itself."""
    changes = {"common_name": "Latchkey portal", "sans": sans, **changes}
    return replace(request("tls-server"), **{**by_itself("portal"), **changes})


def door_request(**changes: Any) -> IssuanceRequest:
    """What the door's own certificate for the broker is asked for with."""
    changes = {"common_name": "latchkey-door", "days": 90, **changes}
    return replace(request("mqtt-client"), **{**by_itself("door"), **changes})


def by_itself(service: str) -> dict[str, Any]:
    return {"owner": f"service:{service}", "evidence": ServiceEvidence(service)}


def past_all_checks(authority: Authority, profile: str, common_name: str, *sans: str) -> x509.Certificate:
    """What a broken signer could make: any names, signed by the real issuing CA."""
    template = builder.Template(PROFILES[profile], authority.issuing.certificate, STATUS_URL)
    now = datetime.now(UTC).replace(microsecond=0)
    wanted = builder.Wanted(
        subject=names.subject("The Smiths", common_name),
        sans=hostnames.general_names(sans),
        key=ec.generate_private_key(ec.SECP256R1()).public_key(),
        serial=x509.random_serial_number(),
        not_before=now - timedelta(minutes=1),
        not_after=now + timedelta(days=1),
    )
    tbs = template.rehearse(wanted).tbs_certificate_bytes
    return x509.load_der_x509_certificate(builder.assemble(tbs, authority.issuing.sign_tbs(tbs)))


def pem(der: bytes) -> bytes:
    """A certificate in PEM."""
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


def crl_pem(der: bytes) -> bytes:
    return x509.load_der_x509_crl(der).public_bytes(Encoding.PEM)


def lists(service: Service, name: str = "clients") -> tuple[bytes, bytes]:
    """New CRLs of issuing CA and root, DER."""
    issuing, root, _ = service.crl(name, HEAD)
    return content(issuing), content(root)


def content(written: Written) -> bytes:
    with written.file as file:
        file.seek(written.start)
        found = file.read()
    assert len(found) == written.size
    return found
