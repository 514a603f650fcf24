"""The messages between the web side and the signer: documents, never bytes to sign.

On the wire: four bytes length (big-endian), then that many bytes of UTF-8 JSON. A request is
`{"v": 1, "op": "issue" | "revoke" | "crl" | "status", …}`, an answer `{"v": 1, "ok": …}` or
`{"v": 1, "error": {"kind", "code", "message", "remedy"}}`. One request and one answer at a time per
connection.
"""

from dataclasses import dataclass

VERSION = 1
MAX_REQUEST = 256 * 1024  # bytes; a CSR is at most 64 KiB
MAX_ANSWER = 64 * 1024 * 1024  # bytes; a CRL can be long

AUTHORITIES = ("clients", "servers", "devices")


@dataclass(frozen=True)
class CsrEvidence:
    """A person approved exactly this CSR. Accounts are UUIDs, the digest is hex, `at` is ISO 8601 UTC."""

    csr_sha256: str
    requester: str
    approver: str
    at: str
    one_person: bool  # the household's switch was on: requester and approver may be the same


@dataclass(frozen=True)
class ServiceEvidence:
    """No person approved: one of the signer's short fixed list of service certificates."""

    service: str  # "portal" or "door"


# Why a key may have a certificate. Two more kinds come with their features and join here, in wire.py and in
# checks.py: `device` (approved before there is a key: account, names, digest of a one-time challenge) and
# `renewal` (the same owner and names as a live predecessor in the journal). Until then they are refused.
Evidence = CsrEvidence | ServiceEvidence


@dataclass(frozen=True)
class IssuanceRequest:
    """All that makes a certificate. The CSR gives the key and nothing else."""

    request_id: str  # UUID; repeating it returns the same certificate
    profile: str
    profile_digest: str  # hex; refused when the signer's profile of that name differs
    organization: str  # O=
    common_name: str  # CN=
    sans: tuple[str, ...]  # "dns:nas.home.arpa", "ip:192.168.1.2"
    days: int
    owner: str  # account UUID, or "service:portal"
    csr: bytes  # DER
    evidence: Evidence


@dataclass(frozen=True)
class AuthorityStatus:
    """What the signer says of one authority."""

    name: str
    root: bytes  # DER
    issuing: bytes  # DER
    permitted: tuple[str, ...]  # what it may certify ("dns:home.arpa", "ip:10.0.0.0/8"); () = anything


@dataclass(frozen=True)
class SignerStatus:
    version: str
    uid: int
    authorities: tuple[AuthorityStatus, ...]
    issued: int
    revoked: int


@dataclass(frozen=True)
class CrlPair:
    """The current CRLs of one authority, DER: of its issuing CA and of its root."""

    issuing: bytes
    root: bytes
