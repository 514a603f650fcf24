"""What the authority, its signer and the backups say, in the language of whoever reads it.

They say it in English: some of them run where there is no Django.
"""

from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from accounts.foreign import translated
from enrollment import said_by_pki, said_by_signer
from pki.revocation import HOLD

BACKUPS = (  # portal/keeping/notes.py
    gettext_noop("Nothing of this is kept anywhere else. Run: manage.py backup"),
    gettext_noop("What came since would be lost. Run: manage.py backup"),
    gettext_noop("The last drill failed. Make a new backup, and run a drill with it."),
    gettext_noop("A backup is good once it was restored. Run: manage.py restore FILE --drill"),
)
STORED = (  # enrollment/issuing.py, enrollment/challenges.py
    gettext_noop("The CA refused to sign: %(why)s"),
    gettext_noop(
        "The CA does not answer at present. The approval stands; it is issued as soon as the CA is back."
    ),
    gettext_noop("Sent by a program (SCEP), with a challenge made in the portal."),
)
OUTBOX = (gettext_noop("No end of it within a minute, several times."),)  # accounts/deliveries.py
KNOWN = (
    *(*said_by_pki.REQUESTS, *said_by_signer.SIGNER, *said_by_signer.LISTS, *said_by_signer.KINDS),
    *(*BACKUPS, *STORED, *OUTBOX, *said_by_pki.NAMES),
)
# Why a certificate ends early: the values of pki.revocation.REASONS, and of a hold.
REASONS = {
    "unspecified": _("No particular reason"),
    "keyCompromise": _("Somebody else may have the key: lost, stolen or copied"),
    "superseded": _("It was replaced by another certificate"),
    "cessationOfOperation": _("The device is no longer used"),
    "affiliationChanged": _("The person or device no longer belongs here"),
    "privilegeWithdrawn": _("It should not have this access any more"),
    HOLD: _("Not sure yet: put it on hold. Nothing opens for it until an officer releases it"),
}


def in_words(sentence: str) -> str:
    """`sentence` in the active language, where it is one of those."""
    return translated(sentence, KNOWN)


in_words_later = lazy(in_words, str)
