"""Subject and subject alternative names from what people typed, never from a CSR (RFC 5280 4.1.2.6, 4.2.1.6).

The common name is a label for people ("NAS in the attic"); what programs compare are the alternative names,
made in pki/hostnames.py. `check_for` is the one place that holds a name against a profile.
"""

import re
import unicodedata
from collections.abc import Sequence

from cryptography import x509
from cryptography.x509.oid import NameOID

from pki.errors import IssuanceRefused
from pki.hostnames import general_names, permitted, san
from pki.profiles import CertificateProfile
from pki.text import MAX_MARKS, escaped, hidden, printable

__all__ = [
    "check_for",
    "common_name",
    "general_names",
    "looks_like_host",
    "organization",
    "permitted",
    "printable",
    "san",
    "subject",
]

# Our own services' common names; the door's is also its name at the MQTT broker, whose rules go by it. The
# portal's is a label: one that looks like a host falls under the name constraints.
PORTAL, DOOR, SCEP, OCSP = "Latchkey portal", "latchkey-door", "Latchkey SCEP", "Latchkey OCSP"

MAX_NAME = 64  # ub-common-name, ub-organization-name (RFC 5280 A.1)
_ALIKE = {"LATIN", "GREEK", "CYRILLIC"}  # scripts whose letters are drawn alike


def common_name(text: str, limit: int = MAX_NAME) -> str:
    """What somebody typed -> a CN in NFC, at most `limit` bytes of UTF-8; or IssuanceRefused(code="name")."""
    return _label(text, "name", limit)


def organization(text: str) -> str:
    """The household's name -> O, by the same rules; raises IssuanceRefused(code="name")."""
    return _label(text, "name of the household", MAX_NAME)


def subject(organization: str, common_name: str) -> x509.Name:
    """O, then CN, both as UTF8String, both checked again; raises IssuanceRefused(code="name")."""
    pairs = [(NameOID.ORGANIZATION_NAME, _label(organization, "name of the household", MAX_NAME))]
    pairs += [(NameOID.COMMON_NAME, _label(common_name, "name", MAX_NAME))]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])


def check_for(profile: CertificateProfile, common_name: str, sans: Sequence[str]) -> None:
    """Returns when this CN and these SANs ("dns:…", "ip:…") suit the profile.

    Raises IssuanceRefused with code "name" or "san". A CN that looks like a host name must be one of the DNS
    names when there are names at all: OpenSSL holds such a CN against the name constraints when
    the certificate has only IP addresses, and then refuses the certificate.
    """
    if profile.san == "none" and sans:
        raise _refused(
            f"A certificate for “{profile.title}” carries no host names.",
            "Leave the host names empty.",
            "san",
        )
    if profile.san == "required" and not sans:
        remedy = (
            "Write the names and addresses under which people reach it, such as nas.home.arpa or 192.168.1.2."
        )
        raise _refused(f"A certificate for “{profile.title}” needs at least one host name.", remedy, "san")
    if profile.name_rule == "mqtt" and re.search(r"[/+#$]", common_name):
        remedy = "Use another name, such as lamp-kitchen."
        raise _refused("The name must not contain / + # or $, which have a meaning in MQTT topics.", remedy)
    if sans and looks_like_host(common_name) and f"dns:{common_name.lower()}" not in sans:
        remedy = "Use a label such as “NAS in the attic”, or add this name to the host names."
        raise _refused(
            "The name looks like a host name or an address, but is none of the host names.", remedy
        )


def refuse_reserved(profile: CertificateProfile, common_name: str) -> None:
    """Raises IssuanceRefused(code="name-reserved") for a person's device that would pass for the door."""
    if profile.name_rule == "mqtt" and common_name.casefold() == DOOR:
        remedy = "Use another name, such as lamp-kitchen."
        raise _refused(f"The name {DOOR} is the door's own at the MQTT broker.", remedy, "name-reserved")


def looks_like_host(common_name: str) -> bool:
    """Whether OpenSSL takes this CN for a host name (x509_vfy: letters, digits, - _ and a dot inside)."""
    return (
        re.fullmatch(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?", common_name) is not None
        and "." in common_name
    )


def _refused(sentence: str, remedy: str, code: str = "name") -> IssuanceRefused:
    return IssuanceRefused(sentence, code=code, remedy=remedy)


def _label(text: str, what: str, limit: int) -> str:
    """NFC, blanks collapsed, every rule checked. `what` is what the sentences call it."""
    if len(text) > 20 * limit:  # before anything that looks at each character
        raise _too_long(what, limit)
    for character in text:
        if hidden(character):
            found = unicodedata.name(character, "a control or unassigned character").lower()
            remedy = "Type the name anew instead of pasting it, with letters, digits and plain punctuation."
            raise _refused(
                f"The {what} contains an invisible character: {escaped(character)}, {found}.", remedy
            )
    label = " ".join(unicodedata.normalize("NFC", text).split())
    if not any(unicodedata.category(character)[0] in "LN" for character in label):
        raise _refused(
            f"The {what} is empty or has no letter or digit.", "Write a name, such as “Anna's phone”."
        )
    if len(label.encode()) > limit:
        raise _too_long(what, limit)
    check_lookalikes(label, what)
    return label


def _too_long(what: str, limit: int) -> IssuanceRefused:
    # In bytes, the stricter reading of RFC 5280 A.1: several verifiers count so.
    return _refused(
        f"The {what} is too long.", f"Use at most {limit} bytes: letters beyond a-z take two to four each."
    )


def check_lookalikes(label: str, what: str) -> None:
    """Letters that only look like others: styled forms, piled accents, words that mix alphabets (UTS 39).

    Raises IssuanceRefused, whose sentence calls `label` by `what` it is.
    """
    marks = MAX_MARKS if label and unicodedata.combining(label[0]) else 0
    for character in label:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks > MAX_MARKS:
            raise _refused(
                f"The {what} has accents without a letter, or too many on one.", "Leave some of them out."
            )
        plain = unicodedata.normalize("NFKC", character)
        if plain != character and unicodedata.category(character)[0] in "LN":
            raise _refused(
                f"The {what} contains “{character}”, a styled form of “{plain}”.", f"Write “{plain}” instead."
            )
    for word in re.findall(r"\w+", label):
        scripts = {unicodedata.name(c, "?").split()[0] for c in word if c.isalpha()} & _ALIKE
        if len(scripts) > 1:
            mixed = " and ".join(script.title() for script in sorted(scripts))
            remedy = "Type this word anew in one alphabet."
            raise _refused(f"“{printable(word)}” mixes {mixed} letters that look alike.", remedy)
