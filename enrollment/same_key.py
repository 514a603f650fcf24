"""The same certificate again for the same key, where a device can do no better: a printer, a broker, a web
server whose key nobody reaches. The request of then is asked once more, and a person decides as always."""

from django.utils.translation import gettext as _

from accounts.models import User
from enrollment import anew, proposals, ra
from enrollment.in_words import in_words
from enrollment.models import CertificationRequest, Kind
from enrollment.refusals import Refused
from pki import csr, objections
from pki.errors import CSRRejected
from pki.models import Certificate
from pki.profiles import PROFILES


def possible(before: CertificationRequest | None) -> bool:
    """Whether the key of what `before` led to is one that its owner brought.

    Those that a page or a profile made stay where nobody could put a certificate beside them: they are
    forgotten after the .p12 is made, or belong to the device.
    """
    return before is not None and before.kind == Kind.CSR and not before.made_in_browser


def ask(certificate: Certificate, *, by: User, address: str) -> CertificationRequest:
    """A request for the same key, names, purpose and device, PENDING; it replaces `certificate`.

    Raises Refused: not one's own, over, asked for already, a key of ours, or one that is not accepted today.
    """
    before = anew.request_of(certificate)
    if certificate.owner != str(by.pk):
        raise Refused(_("This is somebody else's certificate."), _("Ask its owner to renew it."))
    if not anew.may_be(certificate):
        raise Refused(_("It counts no more, or is being renewed already."), _("Look under Your requests."))
    if before is None or not possible(before):
        raise Refused(_("Its key was made for this one certificate."), _("Renew it with a new key."))
    return ra.submit(
        by=by,
        address=address,
        csr=_parsed(before),
        profile=certificate.profile,
        device=before.device,
        sans=[proposals.shown(san) for san in certificate.sans],
        renews=certificate,
    )


def _parsed(before: CertificationRequest) -> csr.ParsedCSR:
    """As if it had just come: what is accepted may have become less since."""
    try:
        found = csr.parse(bytes(before.csr))
        objections.check(found, lambda san: proposals.may_be_asked(PROFILES[before.profile], san))
        return found
    except CSRRejected as error:
        raise Refused(
            _("The request of then would not be accepted today: %(why)s") % {"why": in_words(str(error))},
            _("Renew it with a new key."),
        ) from error
