"""Orders to the signer, complete and approved."""

import uuid

from pki import csr
from pki.profiles import PROFILES
from pki.signer.protocol import CsrEvidence, IssuanceRequest
from tests.conftest import make_csr


def order(profile: str = "tls-client", pem: bytes = b"", **changes: object) -> IssuanceRequest:
    parsed = csr.parse(pem or make_csr())
    requester = str(uuid.uuid4())
    evidence = CsrEvidence(parsed.sha256, requester, str(uuid.uuid4()), "2026-01-02T03:04:05+00:00", False)
    values: dict[str, object] = {
        "request_id": str(uuid.uuid4()),
        "profile": profile,
        "profile_digest": PROFILES[profile].digest,
        "organization": "Our household",
        "common_name": "a device",
        "sans": ("dns:nas.home.arpa",) if PROFILES[profile].san == "required" else (),
        "days": 30,
        "owner": requester,
        "csr": parsed.der,
        "evidence": evidence,
    }
    return IssuanceRequest(**{**values, **changes})
