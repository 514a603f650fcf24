"""What a CSR asks for, beside what will be issued: for the requester and for the officer."""

import hashlib
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from enrollment.models import CertificationRequest
from pki import csr as csr_parser
from pki import names
from pki.csr import ParsedCSR
from pki.errors import CSRRejected, IssuanceRefused
from pki.profiles import CLIENT_AUTH, PROFILES, SERVER_AUTH, CertificateProfile
from pki.words import words

LEFT_OUT, CHANGED, ADDED = gettext_noop("left out"), gettext_noop("changed"), gettext_noop("added")
# Extensions with a line of their own, or that follow from the key; what else a CSR asks for is left out.
ELSEWHERE = ("subjectAlternativeName", "extendedKeyUsage", "subjectKeyIdentifier")
EKUS = {
    CLIENT_AUTH: ("clientAuth", gettext_noop("to identify itself")),
    SERVER_AUTH: ("serverAuth", gettext_noop("to be a server")),
}


@dataclass(frozen=True)
class Line:
    """One fact: what was asked, what will be issued ("" = nothing), and a word when they differ."""

    label: str
    asked: str
    issued: str
    word: str = ""


def compare(
    csr: ParsedCSR,
    profile: CertificateProfile,
    *,
    organization: str,
    common_name: str,
    sans: tuple[str, ...],
    days: int,
) -> list[Line]:
    """Both sides, fact by fact, the important ones first. All text is printable."""
    return [
        Line(_("Key"), csr.key_text, csr.key_text),
        _line(_("Common name"), csr.common_name or "", common_name),
        *_alternative_names(csr.sans, sans),
        *_subject(csr, organization),
        _purpose(csr, profile),
        Line(_("Valid for"), "", _length(days)),
        *_extensions(csr, profile),
    ]


@dataclass(frozen=True)
class Stored:
    """A stored request, looked at again. `fault`: why it would not be accepted today, "" for well."""

    csr: ParsedCSR | None
    lines: list[Line]
    fault: str


def stored(request: CertificationRequest, organization: str) -> Stored:
    """What `request` asks for beside what will be issued (or was); rules may have become stricter since."""
    data = bytes(request.csr)
    if not data:  # a device that has no key yet
        return Stored(None, _without_key(request, organization), "")
    try:
        parsed = csr_parser.parse(data)
    except CSRRejected as error:
        why = _("This request would not be accepted today.")
        return Stored(None, [], f"{why} {error} {error.remedy}")
    lines = compare(
        parsed,
        PROFILES[request.profile],
        organization=request.organization or organization,
        common_name=request.common_name,
        sans=tuple(request.sans),
        days=request.days,
    )
    same = hashlib.sha256(data).hexdigest() == request.csr_sha256
    changed = _("This is not the request that was sent: it was changed here.")
    return Stored(parsed, lines, "" if same else changed)


def _length(days: int) -> str:
    return ngettext("%(days)d day", "%(days)d days", days) % {"days": days}


def words_of(request: CertificationRequest) -> tuple[str, ...]:
    """The four words of its key; () while its device has none."""
    return words(request.key_sha256) if request.key_sha256 else ()


def _without_key(request: CertificationRequest, organization: str) -> list[Line]:
    """What a device will get: all of it from its approval, as nothing was asked by the device itself."""
    return [
        Line(
            _("Key"),
            _("no key yet: person and device are approved"),
            _("made by the device, within a week"),
        ),
        Line(_("Person"), request.owner.both_names, ""),
        Line(_("Device"), request.device, ""),
        Line(_("Common name"), "", request.common_name),
        Line(_("Organization"), "", request.organization or organization),
        Line(_("Valid for"), "", _length(request.days)),
    ]


def proposed_names(csr: ParsedCSR, profile: CertificateProfile) -> list[str]:
    """Host names and addresses of the CSR that can be proposed for the form, as people type them."""
    if profile.san == "none":
        return []
    wanted = [san.partition(":")[2] for san in csr.sans if san.startswith(("dns:", "ip:"))]
    return [name for name in wanted if _is_name(name)]


def _is_name(text: str) -> bool:
    try:
        names.san(text)
    except IssuanceRefused:
        return False
    return True


def _line(label: str, asked: str, issued: str) -> Line:
    if asked == issued:
        return Line(label, asked, issued)
    if not issued:
        return Line(label, asked, issued, LEFT_OUT)
    return Line(label, asked, issued, CHANGED if asked else ADDED)


def _subject(csr: ParsedCSR, organization: str) -> list[Line]:
    """The rest of the subject: our organization and nothing of theirs. A CSR gives a key, not a name."""
    rest = [(label.removeprefix("+ "), value) for label, value in csr.subject]  # "+": of a multi-valued RDN
    if ("CN", csr.common_name) in rest:
        rest.remove(("CN", csr.common_name or ""))  # has a line of its own
    asked = next((value for label, value in rest if label == "O"), "")
    others = [(label, value) for label, value in rest if (label, value) != ("O", asked)]
    lines = [_line(_("Organization"), asked, organization)]
    return lines + [
        Line(_("Subject %(part)s") % {"part": label}, value, "", LEFT_OUT) for label, value in others
    ]


def _alternative_names(asked: tuple[str, ...], issued: tuple[str, ...]) -> list[Line]:
    lines = [Line(_("Host name"), _san(san), _san(san)) for san in asked if san in issued]
    lines += [Line(_("Host name"), "", _san(san), ADDED) for san in issued if san not in asked]
    return lines + [
        Line(_("Alternative name"), _san(san), "", LEFT_OUT) for san in asked if san not in issued
    ]


def _san(san: str) -> str:
    kind, _, value = san.partition(":")
    return value if kind in ("dns", "ip") else f"{value} ({kind})"


def _purpose(csr: ParsedCSR, profile: CertificateProfile) -> Line:
    """Extended key usage (RFC 5280 4.2.1.12), with what it means."""
    asked = next((text for name, text in csr.extensions if name == "extendedKeyUsage"), "")
    names, meanings = zip(*(EKUS[oid] for oid in profile.ekus), strict=True)
    differs = asked and set(asked.removeprefix("critical, ").split(", ")) != set(names)
    meaning = _(" and ").join(_(meaning) for meaning in meanings)
    issued = f"{', '.join(names)}: {meaning}"
    return Line(_("Use"), asked, issued, CHANGED if differs else "")


def _extensions(csr: ParsedCSR, profile: CertificateProfile) -> list[Line]:
    given = {
        "keyUsage": (_("Key usage"), ", ".join(profile.key_usage)),
        "basicConstraints": (_("May sign as a CA"), "CA:FALSE"),
    }
    lines = []
    for name, text in csr.extensions:
        if name in given:
            label, value = given[name]
            lines.append(_line(label, text.removeprefix("critical, "), value))
        elif name not in ELSEWHERE:
            lines.append(Line(name, text, "", LEFT_OUT))
    return lines
