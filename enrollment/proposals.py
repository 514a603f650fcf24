"""What a certificate will say, proposed from the account and what the requester typed. Never from the CSR."""

import re
import unicodedata

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from accounts.models import User
from enrollment.refusals import Refused
from pki import authorities, hostnames, names
from pki.errors import IssuanceRefused, SignerUnavailable
from pki.profiles import PROFILES, CertificateProfile


def common_name(owner: User, profile: CertificateProfile, device: str, sans: tuple[str, ...]) -> str:
    """The common name to propose. Raises Refused when nothing acceptable can be made of `device`.

    For people "alice's phone": it stands in a phone's certificate picker and in the door's book, so it begins
    with the account's name, which nobody else can have.
    """
    if profile.name == "tls-client":
        return checked_name(profile, _possessive(owner.username, device), sans)
    hosts = [san for san in sans if san.startswith("dns:")]
    if profile.name == "tls-server" and hosts and len(hosts[0]) <= names.MAX_NAME:
        return checked_name(profile, shown(hosts[0]), sans)
    if profile.name_rule == "mqtt":
        return checked_name(profile, slug(device) or f"{slug(owner.username)}-device", sans)
    return checked_name(profile, device, sans)


def checked_label(text: str) -> str:
    """A name as it may stand in a certificate, NFC. Raises Refused."""
    try:
        return names.common_name(text)
    except IssuanceRefused as error:
        raise Refused(str(error), error.remedy) from error


def checked_name(profile: CertificateProfile, text: str, sans: tuple[str, ...]) -> str:
    """`text` as common name under `profile` beside `sans`, NFC. Raises Refused."""
    label = checked_label(text)
    try:
        names.check_for(profile, label, sans)
        names.refuse_reserved(profile, label)
    except IssuanceRefused as error:
        raise Refused(str(error), error.remedy) from error
    return label


def checked_sans(profile: CertificateProfile, typed: list[str]) -> tuple[str, ...]:
    """Typed host names and addresses as "dns:…" and "ip:…", each once. Raises Refused."""
    if profile.san == "none":
        return ()
    if len(typed) > hostnames.MAX_SANS:  # before each is looked at
        raise Refused(
            _("These are %(number)s host names; one certificate has at most %(limit)d.")
            % {"number": number_format(len(typed), force_grouping=True), "limit": hostnames.MAX_SANS},
            _("Leave some out, or ask for several certificates."),
        )
    sans = tuple(dict.fromkeys(_san(text) for text in typed))
    if not sans:
        raise Refused(
            _("Which names will people or devices use to reach it?"),
            _("Write at least one, for example nas.home.arpa or 192.168.1.2."),
        )
    outside = [shown(san) for san in sans if not is_permitted(profile, san)]
    if outside:
        allowed = ", ".join(shown(part) for part in authorities.permitted(profile.authority))
        raise Refused(
            _("This CA may not certify %(names)s.") % {"names": ", ".join(outside)},
            _("It is limited to your own network: %(allowed)s. For a public name use Let's Encrypt.")
            % {"allowed": allowed},
        )
    return sans


def checked_days(profile: CertificateProfile, days: int) -> int:
    """`days` within the profile's limit. Raises Refused."""
    if not 1 <= days <= profile.max_days:
        raise Refused(
            _("%(days)d days is outside what this purpose allows.") % {"days": days},
            _("Choose between 1 and %(limit)d days.") % {"limit": profile.max_days},
        )
    return days


def is_permitted(profile: CertificateProfile, san: str) -> bool:
    """Whether the profile's authority may certify `san`. The signer decides; this says it earlier."""
    try:
        constraints = authorities.permitted(profile.authority)
    except SignerUnavailable:  # it never ran, so nothing is published yet
        return True
    return not constraints or names.permitted(san, constraints)


def may_be_asked(profile: CertificateProfile, san: str) -> bool:
    """Whether a request for this purpose may name `san`: a phone's may not name a foreign website.

    Where names are issued they are confirmed in the form, and judged there.
    """
    return profile.authority != "clients" or is_permitted(PROFILES["tls-server"], san)


def shown(san: str) -> str:
    """ "dns:nas.home.arpa" as people write it."""
    return san.partition(":")[2]


def slug(text: str) -> str:
    """ "Sensor Küche 2" as "sensor-kuche-2": safe in MQTT topics and in file names, at most 64 characters."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    plain = re.sub(r"['\u2019]", "", plain)
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[: names.MAX_NAME].strip("-")


def _possessive(username: str, device: str) -> str:
    """ "alice" and "phone", or "Alice's phone", as "alice's phone"."""
    rest = re.sub(rf"^{re.escape(username)}['\u2019]?s?\s+", "", device.strip(), flags=re.IGNORECASE)
    return f"{username}'s {rest}"


def _san(text: str) -> str:
    try:
        return names.san(text)
    except IssuanceRefused as error:
        raise Refused(str(error), error.remedy) from error
