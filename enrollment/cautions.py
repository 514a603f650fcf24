"""What an officer should notice before deciding."""

from django.utils.translation import gettext as _

from accounts import independence
from accounts.models import Household, User
from enrollment import anew, history, proposals
from enrollment.history import History
from enrollment.models import CertificationRequest, Status
from enrollment.preview import Stored
from enrollment.refusals import Refused
from pki.csr import ParsedCSR
from pki.profiles import PROFILES


def of(
    request: CertificationRequest, stored: Stored, past: History, officer: User, household: Household
) -> list[str]:
    """Sentences, the graver ones first; none when everything is as usual."""
    return [
        *_about_independence(request, officer, household),
        *([stored.fault] if stored.fault else []),
        *_about_names(request, stored.csr),
        *_about_key(request, stored.csr, past),
        *_about_person(request, past, officer),
    ]


def blocker(request: CertificationRequest, officer: User, household: Household) -> tuple[str, str] | None:
    """Why this officer may not approve, and the way out; None when they may."""
    try:
        independence.may_decide_for(officer, request.owner, household)
    except independence.NotIndependent as error:
        way_out = _(
            "If there is nobody else: an administrator can switch on “one-person household”; it is audited."
        )
        return error.sentence, f"{error.remedy} {way_out}"
    try:
        anew.refuse_spent_key(request)
    except Refused as error:
        return str(error), error.remedy
    return None


def _about_independence(request: CertificationRequest, officer: User, household: Household) -> list[str]:
    """With the one-person switch off the blocker says who may not."""
    if household.one_person and not independence.is_independent(officer, request.owner):
        return [
            _("You decide here without a second person: the one-person switch is on, and the audit says so.")
        ]
    if independence.invited_by_owner(officer, request.owner):
        told = _("%(who)s invited you. Decide as you would for anybody; the audit says so.")
        return [told % {"who": request.owner.both_names}]
    return []


def _about_names(request: CertificationRequest, csr: ParsedCSR | None) -> list[str]:
    found = []
    profile = PROFILES[request.profile]
    outside = [proposals.shown(san) for san in request.sans if not proposals.is_permitted(profile, san)]
    if outside:
        told = _("Outside what this CA may certify: %(names)s. Take it out, or the CA refuses.")
        found.append(told % {"names": ", ".join(outside)})
    twin = history.name_in_use(request, request.common_name)
    if twin is not None:
        told = _("There is a live certificate with the same common name, of %(who)s.")
        found.append(told % {"who": twin.owner.both_names})
    asked = csr.extensions if csr else ()
    if any(name == "basicConstraints" and "CA:TRUE" in text for name, text in asked):
        found.append(_("The request asks to be a CA. It will not be one; ask where this request comes from."))
    return found


def _about_key(request: CertificationRequest, csr: ParsedCSR | None, past: History) -> list[str]:
    found = []
    if request.keeps_key:
        found.append(
            _(
                "The key stays the same: whoever copied it in all this time has a certificate for it again."
                " Right for a device that cannot make a new one; ask, if it could."
            )
        )
    elif past.of_key:
        latest = past.of_key[0]
        told = _("This key was sent before: by %(who)s, “%(device)s”, %(state)s.")
        names = {"who": latest.owner.both_names, "device": latest.device}
        found.append(told % {**names, "state": latest.get_status_display()})
    if csr and csr.key_text == "RSA 2048":
        found.append(_("RSA 2048 is the weakest key that is accepted. P-256 is stronger and smaller."))
    return found


def _about_person(request: CertificationRequest, past: History, officer: User) -> list[str]:
    if past.first and request.owner_id == officer.pk:
        told = _(
            "Your first request. Compare the four words on this screen with those on the device that asked."
        )
        return [told] if request.key_sha256 else []
    if past.first:
        return [
            _("The first request of this person. Make sure that it is them: compare the four words by phone.")
        ]
    if request.status == Status.PENDING and not history.known_address(request):
        told = _("Sent from %(address)s, where this person never asked from before.")
        return [told % {"address": request.address or "?"}]
    return []
