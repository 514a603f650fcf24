"""What a revocation has reached by now: the journal, the list, the door, and who else reads the list."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Notice, User
from audit.models import AuditEvent
from pki import authorities, crl, standing, verification
from pki.errors import CertificateRejected, PkiError
from pki.models import Certificate
from pki.revocation import HOLD
from portal import readers
from portal.certificate_lists import account_of
from portal.readers import Reader


@dataclass(frozen=True)
class Step:
    """One thing that happens; `sentence` says whether it did."""

    title: str
    done: bool
    sentence: str
    at: datetime | None = None
    readers: list[Reader] = field(default_factory=list)
    number: int | None = None  # of the list, for who compares lists


def steps(gone: list[Certificate]) -> list[Step]:
    """From the click outwards. `gone` are revoked or on hold, at least one."""
    makers: tuple[Callable[[list[Certificate]], list[Step]], ...] = (
        *(_journal, _lists, steps_of_programs, _door, _told, _readers),
    )
    return [step for make in makers for step in make(gone)]


def _journal(gone: list[Certificate]) -> list[Step]:
    """The rows follow the journal: what stands there was written down by the signer first."""
    last = max(found.revoked_at for found in gone if found.revoked_at)
    held = all(found.reason == HOLD for found in gone)
    title = _("Put on hold") if held else _("Revoked")
    return [Step(title, True, _("The authority has written it down, for every list from now on."), last)]


def _lists(gone: list[Certificate]) -> list[Step]:
    found = []
    for authority in sorted({certificate.authority for certificate in gone}):
        title = _("Revocation list of %(authority)s") % {"authority": authority}
        some = [certificate for certificate in gone if certificate.authority == authority]
        missing = [certificate for certificate in some if not named(certificate)]
        if missing:
            said = _(
                "The new list is not published yet. Housekeeping makes it as soon as the signer answers."
            )
            found.append(Step(title, False, said))
        else:
            said = _(
                "Published, with this certificate on it: brokers and web sites that read it refuse what is"
                " there."
            )
            if some[1:]:
                said = _(
                    "Published, with all %(all)d certificates on it: brokers and web sites that read it "
                    "refuse what is there."
                ) % {"all": len(some)}
            found.append(Step(title, True, said, number=crl.current(authority).number))
    return found


def named(certificate: Certificate) -> bool:
    """Whether the published list names it."""
    try:
        return int(certificate.serial, 16) in crl.current(certificate.authority)
    except (OSError, ValueError):
        return False


def steps_of_programs(gone: list[Certificate]) -> list[Step]:
    """What a stranger who asks is told."""
    title, waiting = _("Programs that ask"), [found for found in gone if not _says_revoked(found)]
    if waiting:
        said = _(
            "Programs that ask about one certificate instead of reading the list (by OCSP) get no answer yet."
            " Housekeeping sees to that."
        )
        return [Step(title, False, said)]
    said = _(
        "Programs that ask about one certificate instead of reading the list (by OCSP) hear that it"
        " is revoked."
    )
    return [Step(title, True, said)]


def _says_revoked(certificate: Certificate) -> bool:
    """As the status face answers, from the same row; its keys are not for the portal."""
    try:
        issuer = x509.load_der_x509_certificate(authorities.chain(certificate.authority)[0])
    except PkiError:
        return False
    key = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    found = standing.of(certificate.authority, int(certificate.serial, 16), key)
    return found is not None and found.revoked_at is not None


def _told(gone: list[Certificate]) -> list[Step]:
    """Their owners, in the portal and over what they chose."""
    owners = [key for found in gone if (key := account_of(found.owner))]
    here = User.objects.filter(pk__in=owners, is_active=True).values_list("pk", flat=True)
    people = [found for found in gone if account_of(found.owner) in set(here)]
    if not people:  # services of our own, and accounts that are closed
        return []
    missing = [found for found in people if not _is_told(found)]
    if missing:
        return [Step(_("The owner"), False, _("A message is on its way."))]
    return [Step(_("The owner"), True, _("Told here, and over what they chose for messages."))]


def _is_told(certificate: Certificate) -> bool:
    lines = AuditEvent.objects.filter(target=str(certificate.pk), action="certificate.revoked")
    last = lines.order_by("-sequence").values_list("sequence", flat=True).first()
    return Notice.objects.filter(event=f"audit {last}").exists()


def _door(gone: list[Certificate]) -> list[Step]:
    """Asked as the door asks, with each certificate that could open it."""
    keys = [certificate for certificate in gone if certificate.profile == verification.PROFILE]
    if not keys:
        return []
    let_in = [certificate for certificate in keys if _lets_in(certificate)]
    if let_in:
        return [Step(_("The door"), False, _("It still lets this certificate in. Look at the status page."))]
    return [Step(_("The door"), True, _("It is shut for it, on open connections too."))]


def _lets_in(certificate: Certificate) -> bool:
    try:
        verification.verify(bytes(certificate.der))
    except (CertificateRejected, PkiError):
        return False
    return True


def _readers(gone: list[Certificate]) -> list[Step]:
    """Brokers and web sites: they know when they have read the list again."""
    found = []
    for authority in sorted({certificate.authority for certificate in gone}):
        numbers = [readers.number_with(c) for c in gone if c.authority == authority]
        needed = None if None in numbers else max(number for number in numbers if number is not None)
        known = readers.of(authority, needed)
        title = _("Who reads the list of %(authority)s") % {"authority": authority}
        if not known:
            said = _("Nobody has fetched it so far. Programs that do appear here.")
            found.append(Step(title, True, said))
            continue
        late = [reader for reader in known if not reader.has_it]
        said = ngettext(
            "%(number)d still has the old one.", "%(number)d still have the old one.", len(late)
        ) % {"number": len(late)}
        said = said if late else _("All who read it have the new one.")
        found.append(Step(title, not late, said, readers=known))
    return found
