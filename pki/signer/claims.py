"""Evidence that can be used once, each use a claim in the journal: a device's approval, a renewal.

The signer never sees a person. Who broke into the web side can tell it anything; so each kind of evidence
must give such an intruder as little as can be, and leave a trace:

`csr` and `device`  Approvals that nobody gave can be invented: for any account, within the profiles' limits
    and the names that the CA may certify, never for a key that is somebody else's. The journal keeps whom
    each names as requester and approver; the chained audit trail has no counterpart to an invented one.
    `device` adds nothing to this. One approval is good for one key, whatever the web side says later, and for
    a week at the longest. Reading is not enough: database and backups hold the challenge's digest, and the
    CSR must hold the challenge, under the new key's signature. Who takes a profile from somebody's
    phone or network and is quicker is found out, because the phone is then refused.
`renewal`  Nobody approves, so nothing may change but serial, key and dates. Owner, names and uses are read
    from a certificate that is live in the journal; it lasts no longer than that one did; and each has one
    successor, so there are never more lines of certificates than approvals. What was revoked, held or has
    expired stays so.
    "signature" and "scep" the signer verifies itself: without the old key an intruder gets nothing.
    "mutual-tls" is the web side's word. An intruder can put a key of their own in the place of each
    certificate that is in the last third of its life, once, and of that one's successor months later. Its
    owner then is refused the renewal, the journal says "mutual-tls", and revoking the successor ends the
    line. That is less than an invented approval gives, hence accepted; for TLS clients only.
`service`  Fixed names from a fixed list (checks.py), nothing else.
"""

import hashlib
import hmac
from datetime import datetime, timedelta

from pki import csr
from pki.csr import ParsedCSR
from pki.errors import IssuanceRefused, SignerUnavailable
from pki.profiles import PROFILES
from pki.signer import checks
from pki.signer.protocol import DeviceEvidence, IssuanceRequest, RenewalEvidence

DEVICE_DAYS = 7  # from an approval by device to its end
MIN_CHALLENGE = 20  # characters; 100 bits in base 32
CLOCKS = timedelta(minutes=5)  # how far apart they may be


def of(request: IssuanceRequest) -> str | None:
    """What this request uses up, as a text for the journal; None when it uses up nothing."""
    match request.evidence:
        case DeviceEvidence():
            return f"device {request.evidence.challenge_sha256}"
        case RenewalEvidence():
            return f"renewal {PROFILES[request.profile].authority} {request.evidence.predecessor}"
    return None


def used(request: IssuanceRequest) -> IssuanceRefused:
    """The refusal for a claim that is used up already."""
    if isinstance(request.evidence, DeviceEvidence):
        return IssuanceRefused(
            "This approval was used already, with another key or other contents.",
            code="device-used",
            remedy="If that was not you, tell an officer: somebody else may have used your profile. "
            "Otherwise ask for this device anew.",
        )
    return IssuanceRefused(
        "This certificate was renewed already, and has one successor only.",
        code="renewed",
        remedy="If that was not you, tell an officer. Otherwise ask for a new certificate.",
    )


def device(request: IssuanceRequest, evidence: DeviceEvidence, parsed: ParsedCSR, now: datetime) -> None:
    """The request is what was approved, in time, and its key presents the challenge; or IssuanceRefused."""
    asked = (request.profile, request.organization, request.common_name, request.days)
    if asked != (evidence.profile, evidence.organization, evidence.common_name, evidence.days):
        raise IssuanceRefused("This is not what was approved for the device.", code="device-changed")
    if PROFILES[request.profile].san != "none":
        raise IssuanceRefused("Servers are approved with their key, not before it.", code="device-profile")
    at, expires = checks.moment(evidence.at), checks.moment(evidence.expires)
    if at > now + CLOCKS:  # no refusal: that would be final, and the approval is good
        raise SignerUnavailable(
            "This approval is from the future: this machine's clock was put back.",
            code="clock",
            remedy="Set the clock. The certificate is made as soon as that time has come.",
        )
    if expires > at + timedelta(days=DEVICE_DAYS) or expires < now:
        raise IssuanceRefused(
            "The approval of this device has lapsed.", code="device-lapsed", remedy="Ask for it anew."
        )
    challenge = csr.challenge(parsed.der)
    digest = hashlib.sha256(challenge.encode()).hexdigest()
    if len(challenge) < MIN_CHALLENGE or not hmac.compare_digest(digest, evidence.challenge_sha256):
        raise IssuanceRefused(
            "The challenge in the CSR is not the one of this approval.",
            code="challenge",
            remedy="Install the profile that was made for this device.",
        )
