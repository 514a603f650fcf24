"""The messages between the web side and the signer: documents, never bytes to sign.

On the wire: four bytes length (big-endian), then that many bytes of UTF-8 JSON. A request is
`{"v": 1, "op": "issue" | "revoke" | "release" | "changes" | "crl" | "status", …}`, an answer
`{"v": 1, "ok": …}` or `{"v": 1, "error": {"kind", "code", "message", "remedy"}}`. One request and one answer
at a time per connection. The answer to "crl" holds the sizes of one CRL or two, which follow it.
"""

from dataclasses import dataclass
from typing import NamedTuple

VERSION = 1
MAX_REQUEST = 256 * 1024  # bytes; a CSR is at most 64 KiB
MAX_ANSWER = 1024 * 1024  # bytes

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

    service: str  # one of checks.SERVICES


@dataclass(frozen=True)
class DeviceEvidence:
    """A person approved a device before it had a key: the first key that presents the challenge gets it.

    The challenge itself stands in the CSR, as its challengePassword (RFC 2985 5.4.1), so that it is the new
    key that presents it. What was approved is repeated here: the request must not differ from it.
    """

    challenge_sha256: str  # hex, of the challenge's UTF-8
    expires: str  # ISO 8601 UTC, at most claims.DEVICE_DAYS after `at`
    profile: str
    organization: str
    common_name: str
    days: int
    requester: str
    approver: str
    at: str
    one_person: bool


@dataclass(frozen=True)
class RenewalEvidence:
    """The same certificate again with a new key and later dates, for whoever holds the old key.

    `proof` says how that was shown, and `signed` shows it (base64):
    "signature"   the old key's signature over claims.signed_text(new CSR)
    "scep"        the pkiMessage that the old key signed; `content_key` opens its envelope
    "mutual-tls"  nothing: the web side says that it saw the certificate in a handshake
    """

    predecessor: str  # serial in hex, of the authority that the profile belongs to
    at: str  # ISO 8601 UTC: when it was shown
    proof: str
    signed: str
    content_key: str  # hex


# Why a key may have a certificate. What each kind would give to somebody who broke into the web side stands
# in claims.py and in docs/signer.md.
Evidence = CsrEvidence | ServiceEvidence | DeviceEvidence | RenewalEvidence


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
class ReleaseEvidence:
    """An officer ends a hold."""

    officer: str  # account UUID
    at: str  # ISO 8601 UTC
    one_person: bool  # the household's switch was on: it may be the officer's own


class Change(NamedTuple):
    """One step in a certificate's life: revoked, held or released. Moments in seconds since 1970."""

    id: int
    authority: str
    serial: str
    at: int
    reason: str  # RFC 5280 5.3.1; "": released
    revoked_at: int  # the first moment, which stays when the reason changes
    invalidity: int | None  # RFC 5280 5.3.2
    by: str


@dataclass(frozen=True)
class Changes:
    same: bool  # whether this is the journal that was asked before
    steps: tuple[Change, ...]  # oldest first; not all of them, when there are many
    last: dict[str, int]  # for each authority, the number of its last step
