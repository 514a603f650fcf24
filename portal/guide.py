"""The words that pages use, explained; and which part of the help belongs to which page."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Word:
    """`anchor` stands in addresses, so it stays; pages link to it where they use the word first."""

    anchor: str
    title: str | Promise
    text: str | Promise


WORDS = (
    Word(
        "key",
        _("Key"),
        _("A secret number that a device makes and keeps. Its public half may be shown to anybody."),
    ),
    Word(
        "certificate",
        _("Certificate"),
        _(
            "A signed statement: this public key belongs to this name, from this day to that day. It is no "
            "secret, and opens nothing without its key."
        ),
    ),
    Word(
        "request",
        _("Request (CSR)"),
        _(
            "A device asks for a certificate: its public key and a wished name, signed with the key to prove "
            "that it has it. Written out, a certification request."
        ),
    ),
    Word(
        "authority",
        _("Authority (CA)"),
        _(
            "Who signs certificates. There are three here: for clients (phones and browsers), for servers, "
            "and for devices (MQTT). Each has a key of its own, which no web page can read."
        ),
    ),
    Word(
        "root",
        _("Root"),
        _("An authority’s own certificate, the one you decide to trust. All others follow from it."),
    ),
    Word(
        "trust",
        _("Trust"),
        _(
            "To tell a browser or a device that it may believe a root. The root of your servers can vouch "
            "for names of your household only."
        ),
    ),
    Word(
        "officer",
        _("Officer"),
        _(
            "A person who approves or refuses requests. Never their own, unless the household is switched to "
            "one person."
        ),
    ),
    Word(
        "factor",
        _("Second factor"),
        _(
            "What you have, beside the password that you know: six digits from an app (TOTP), or a passkey. "
            "It is asked for at signing in, and again for each decision."
        ),
    ),
    Word(
        "passkey",
        _("Passkey"),
        _(
            "A key that your phone, your computer or a security key keeps for this portal, and uses when you "
            "unlock it. It works at this portal’s name only, so no false page can get it out of you."
        ),
    ),
    Word(
        "recovery",
        _("Recovery code"),
        _("One of ten codes on paper. Each replaces the second factor once, for the day your phone is gone."),
    ),
    Word(
        "fingerprint",
        _("Fingerprint, four words"),
        _(
            "A short name for a key or a certificate, computed from itself. Equal fingerprints, or the same "
            "four words, mean the same key. Four words are good to read out by phone."
        ),
    ),
    Word(
        "revoke",
        _("Revoke, hold"),
        _(
            "To declare a certificate invalid before its last day: the door is shut for it at once. That "
            "cannot be undone. A hold can, by an officer."
        ),
    ),
    Word(
        "list",
        _("Revocation list (CRL)"),
        _("The signed list of revoked certificates. Other servers fetch it to know what to refuse."),
    ),
    Word(
        "ocsp",
        _("OCSP"),
        _("The question whether one certificate is still good, and the signed answer; a list of one line."),
    ),
    Word(
        "signer",
        _("Signer"),
        _(
            "The program that has the authorities’ keys and signs with them, apart from the web pages."
            " Whoever breaks into the pages does not have its keys."
        ),
    ),
    Word(
        "totp",
        _("Authenticator app (TOTP)"),
        _(
            "An app that shows six other digits every thirty seconds, computed from a key that it shares with"
            " the portal and from the time. So its clock has to be right."
        ),
    ),
    Word(
        "mqtt",
        _("MQTT"),
        _("The language in which devices of a house send each other short messages, by way of a broker."),
    ),
    Word(
        "broker",
        _("Broker"),
        _(
            "The program that passes messages on in a house (MQTT). The door tells it “open”, the lock hears "
            "it. Mosquitto is one; Home Assistant brings one along."
        ),
    ),
    Word(
        "pin",
        _("PIN"),
        _(
            "Six digits or more, typed at a door that asks for them. Whoever finds an unlocked phone still "
            "does not get in."
        ),
    ),
)

# The beginning of a view's name -> the part of templates/portal/help.html; the first that fits counts.
PARTS = (
    ("portal:evening", "evening"),
    ("portal:trust", "warning"),
    ("portal:status", "status"),
    ("portal:audit", "status"),
    ("portal:leave", "people"),
    ("portal:left", "people"),
    ("certificates:lost", "lost"),
    ("certificates:paper", "lost"),
    ("certificates:", "certificates"),
    ("doors:", "doors"),
    ("enrollment:device", "this-device"),
    ("enrollment:queue", "queue"),
    ("enrollment:review", "queue"),
    ("enrollment:batch", "queue"),
    ("enrollment:decide", "queue"),
    ("enrollment:progress", "people"),
    ("enrollment:calendar", "messages"),
    ("enrollment:reminders", "messages"),
    ("enrollment:", "requests"),
    ("accounts:messages", "messages"),
    ("accounts:channel", "messages"),
    ("accounts:household", "household"),
    ("accounts:people", "people"),
    ("accounts:person", "people"),
    ("accounts:invite", "people"),
    ("accounts:link", "people"),
    ("accounts:together", "people"),
    ("accounts:anew", "people"),
    ("accounts:", "signing-in"),
)


def part_of(view_name: str) -> str:
    """The anchor that fits the page of this view, "" for the beginning of the help."""
    return next((part for begin, part in PARTS if view_name.startswith(begin)), "")
