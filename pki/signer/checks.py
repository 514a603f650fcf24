"""Every reason the signer has for saying no, before anything is built. It trusts no message.

Each function passes (some give what they found) or raises IssuanceRefused; what they check was checked by the
web side too, which is no reason not to check it here.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from pki import hostnames, names
from pki.csr import ParsedCSR
from pki.errors import IssuanceRefused
from pki.profiles import EVERY, PROFILES, CertificateProfile
from pki.signer.entries import COMPROMISED
from pki.signer.journal import Use
from pki.signer.protocol import (
    CsrEvidence,
    DeviceEvidence,
    IssuanceRequest,
    ReleaseEvidence,
    RenewalEvidence,
    ServiceEvidence,
)


@dataclass(frozen=True)
class Service:
    """What one service of the house may have without a person's approval, and nothing else."""

    profile: str
    common_name: str
    days: int


RELEASE_WITHIN, RELEASE_CLOCKS = timedelta(hours=1), timedelta(minutes=5)
DIGESTS = {name: found.digest for name, found in EVERY.items()}

# The whole list. Host names are limited to --hosts and localhost, the owner is "service:<name>".
SERVICES = {
    "portal": Service("tls-server", names.PORTAL, days=90),
    "door": Service("mqtt-client", names.DOOR, days=90),
    "scep": Service("scep-ra", names.SCEP, days=365),
    "ocsp-clients": Service("ocsp-clients", names.OCSP, days=14),
    "ocsp-servers": Service("ocsp-servers", names.OCSP, days=14),
    "ocsp-devices": Service("ocsp-devices", names.OCSP, days=14),
}


def profile(request: IssuanceRequest) -> CertificateProfile:
    """The profile asked for, if it is the same here as where it was approved, and its days are kept."""
    # What is only for our own services is for nobody else.
    known = EVERY if isinstance(request.evidence, ServiceEvidence) else PROFILES
    found = known.get(request.profile)
    if found is None:
        raise IssuanceRefused("There is no such kind of certificate.", code="profile")
    if DIGESTS[found.name] != request.profile_digest:
        raise IssuanceRefused(
            "The rules for this kind of certificate have changed since it was approved.",
            code="profile-changed",
            remedy="Ask for it again, so that it is approved under the present rules.",
        )
    if not 1 <= request.days <= found.max_days:
        raise IssuanceRefused(f"It may be valid for 1 to {found.max_days} days.", code="days")
    return found


def subject(request: IssuanceRequest, profile: CertificateProfile, permitted: tuple[str, ...]) -> x509.Name:
    """The subject, when it and the names are in normal form, suit the profile and are permitted to the CA."""
    found = names.subject(request.organization, request.common_name)
    if [part.value for part in found] != [request.organization, request.common_name]:
        raise IssuanceRefused("The name is not in its normal form.", code="name")
    names.check_for(profile, request.common_name, request.sans)
    if len(set(request.sans)) != len(request.sans) or len(request.sans) > hostnames.MAX_SANS:
        raise IssuanceRefused(f"Host names must differ, and be {hostnames.MAX_SANS} at most.", code="san")
    for san in request.sans:
        _san(san, permitted)
    return found


def _san(san: str, permitted: tuple[str, ...]) -> None:
    if hostnames.san(san) != san:
        raise IssuanceRefused("A host name or address is not in its normal form.", code="san")
    if not hostnames.permitted(san, permitted):
        raise IssuanceRefused(
            f"{san.partition(':')[2]} is outside the names that the CA for servers may certify.",
            code="san-outside",
            remedy="Use a name under home.arpa, internal, local or lan, or a private address. Or add it to "
            "LATCHKEY_HOSTS, stop Latchkey, run `python -m pki.signer --replace-authority servers` with the "
            "signer's --home, start again and trust the new root on your devices.",
        )


def evidence(request: IssuanceRequest, hosts: frozenset[str]) -> None:
    """Who asked and who approved, or which service it is for; claims.py looks at the rest."""
    match request.evidence:
        case ServiceEvidence():
            _service(request, request.evidence.service, hosts)
        case RenewalEvidence():
            _uuids(request.owner)
            moment(request.evidence.at)
        case _:
            _approval(request, request.evidence)


def _approval(request: IssuanceRequest, evidence: CsrEvidence | DeviceEvidence) -> None:
    _uuids(request.owner, evidence.requester, evidence.approver)
    moment(evidence.at)
    names.refuse_reserved(PROFILES[request.profile], request.common_name)
    if request.owner != evidence.requester:
        raise IssuanceRefused(
            "The certificate would belong to somebody who did not ask for it.", code="owner"
        )
    if evidence.requester == evidence.approver and not evidence.one_person:
        raise IssuanceRefused("Nobody approves their own request.", code="self-approval")


def moment(text: str) -> datetime:
    """An ISO 8601 moment with its time zone, or IssuanceRefused(code="evidence")."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise IssuanceRefused("The evidence does not say when it was given.", code="evidence")
    return found


def release(owner: str, evidence: ReleaseEvidence, now: datetime) -> None:
    """An officer said so, just now, and of somebody else's certificate."""
    _uuids(evidence.officer)
    if not -RELEASE_CLOCKS <= now - moment(evidence.at) <= RELEASE_WITHIN:
        raise IssuanceRefused("The officer's word is not from today.", code="release-said")
    if evidence.officer == owner and not evidence.one_person:
        raise IssuanceRefused("Nobody releases their own certificate.", code="self-release")


def _service(request: IssuanceRequest, service: str, hosts: frozenset[str]) -> None:
    rule = SERVICES.get(service)
    if rule is None or request.owner != f"service:{service}":
        raise IssuanceRefused("No such service gets certificates without an approval.", code="service")
    asked = (request.profile, request.common_name)
    if asked != (rule.profile, rule.common_name) or request.days > rule.days:
        raise IssuanceRefused("This service gets no such certificate.", code="service")
    foreign = [san for san in request.sans if san.partition(":")[2] not in hosts]
    if foreign:
        raise IssuanceRefused(
            f"{foreign[0].partition(':')[2]} is not a name of this service.",
            code="service-name",
            remedy="Give the same LATCHKEY_HOSTS to the portal and to the signer, and restart both.",
        )


def request_id(text: str) -> None:
    _uuids(text)


def _uuids(*texts: str) -> None:
    for text in texts:
        try:
            if str(uuid.UUID(text)) == text:
                continue
        except ValueError:
            pass
        raise IssuanceRefused("A request or account is not named by a UUID.", code="uuid")


def pinned(request: IssuanceRequest, csr: ParsedCSR) -> None:
    """The CSR is the one that was approved, byte for byte."""
    if isinstance(request.evidence, CsrEvidence) and csr.sha256 != request.evidence.csr_sha256:
        raise IssuanceRefused("This is not the CSR that was approved.", code="csr-changed")


def key(owner: str, uses: list[Use], of_a_ca: bool) -> None:
    """The key is nobody else's, was never compromised and is not a CA's."""
    if of_a_ca:
        raise IssuanceRefused("This is the key of a CA.", code="key-ca", remedy="Make a new key.")
    if any(use.reason in COMPROMISED for use in uses):
        raise IssuanceRefused(
            "A certificate for this key was revoked because the key is compromised.",
            code="key-compromised",
            remedy="Make a new key and a new CSR.",
        )
    if any(use.owner != owner for use in uses):
        raise IssuanceRefused(
            "This key belongs to somebody else's certificate.",
            code="key-owner",
            remedy="Make a new key and a new CSR.",
        )


def device_name(owner: str, owners: set[str]) -> None:
    """Nobody else has a live certificate of this name: at the broker the name is who one is."""
    if owners - {owner}:
        raise IssuanceRefused(
            "Somebody else's device has this name, and would be taken for the same one.",
            code="name-owner",
            remedy="Choose another name, or revoke the other certificate first.",
        )
