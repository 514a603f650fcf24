"""Where the renewal of a certificate stands that arrived at the check face: what to offer to who shows it."""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from django.utils import timezone

from enrollment import proposals, renewing
from enrollment.models import CertificationRequest
from pki.models import Certificate
from pki.profiles import PROFILES
from pki.verification import LiveCertificate


@dataclass(frozen=True)
class Standing:
    """`old` arrived; `origin` is the request it came from, `successor` the one that renews it."""

    old: Certificate
    origin: CertificationRequest | None
    successor: CertificationRequest | None

    @property
    def opens_at(self) -> datetime:
        return renewing.opens_at(self.old)

    @property
    def step(self) -> str:
        """What comes next: "never" for its kind, "early", "open"; once begun "profile" (to be installed),
        "waits" (for the CA), "made", or "dead" when the new one is."""
        if self.successor is not None:
            return _begun(self.successor)
        if not PROFILES[self.old.profile].renews_itself:
            return "never"
        return "early" if timezone.now() < self.opens_at else "open"

    @property
    def finishes(self) -> bool:
        """Whether key and new certificate are to be joined in the browser that has the key."""
        return self.step == "made" and self.successor is not None and self.successor.renewed_in_browser

    @property
    def big(self) -> bool:
        """Whether its key is RSA: then the device may want that again."""
        key = x509.load_der_x509_certificate(bytes(self.old.der)).public_key()
        return isinstance(key, rsa.RSAPublicKey)

    @property
    def file(self) -> str:
        """A name for the new one's file, without its ending."""
        return proposals.slug(self.old.subject) or "certificate"

    @property
    def replaces(self) -> Certificate | None:
        """The one before it, while that opens the door as well."""
        before = self.origin.predecessor if self.origin else None
        ended = before is None or before.revoked_at is not None or before.not_after < timezone.now()
        return None if ended else before


def of(live: LiveCertificate) -> Standing:
    """Of a certificate that was verified just now."""
    old = Certificate.objects.get(pk=live.id)
    requests = CertificationRequest.objects.select_related("predecessor").defer("csr")
    return Standing(old, requests.filter(certificate=old).first(), renewing.successor_of(old))


def _begun(successor: CertificationRequest) -> str:
    if successor.certificate is not None:
        dead = successor.certificate.revoked_at is not None
        return "dead" if dead or successor.certificate.not_after < timezone.now() else "made"
    if successor.waits_for_key:
        lapsed = successor.lapses_at is None or successor.lapses_at <= timezone.now()
        return "open" if lapsed else "profile"
    return "waits"
