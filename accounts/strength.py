"""Whether a password is hard to guess, by zxcvbn: words, names, dates, keyboard lines, and their disguises.

Django loads this module when a password is set for the first time, and not before: with its word lists it
takes some 14 MB. Nothing leaves the machine. What it cannot know is which passwords were stolen elsewhere
since its lists were made (docs/getting-back-in.md).
"""

import re
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from zxcvbn import zxcvbn

from accounts import household
from accounts.models import User

ENOUGH = 3  # of 4: more than 10^8 guesses, and each costs the thief of a database a slow hash
LOOKED_AT = 72  # characters; what comes after can only make it stronger, and the work grows fast
# What zxcvbn's lists, English ones, lack: German words that passwords are made of, most frequent first.
_GERMAN = """
passwort hallo schatz sommer winter herbst schalke fussball qwertz qwertzuiop qwertzuiopü frühling fruehling
geheim sonne sonnenschein liebe ichliebedich mama papa familie baby engel zuhause haustür haustuer wohnung
schlüssel schluessel garten katze hund pferd bayern wien berlin hamburg münchen muenchen österreich
oesterreich deutschland montag dienstag mittwoch donnerstag freitag samstag sonntag januar jänner jaenner
februar märz maerz april mai juni juli august september oktober november dezember
"""
_STRENGTH: tuple[str | Promise, ...] = (
    gettext_lazy("very weak"),
    gettext_lazy("weak"),
    gettext_lazy("middling"),
)
_WHY: dict[str, str | Promise] = {
    "dictionary": gettext_lazy("It is built on a word, a name or a password that everybody tries first."),
    "own": gettext_lazy("It is built on your name, your household’s or ours, which are tried first."),
    "spatial": gettext_lazy("It follows the keys of a keyboard."),
    "repeat": gettext_lazy("It repeats itself."),
    "sequence": gettext_lazy("It counts up or down, as abc and 6543 do."),
    "regex": gettext_lazy("It is built on a year."),
    "date": gettext_lazy("It is built on a date."),
    "bruteforce": gettext_lazy("It is too short for its letters."),
}


class HardToGuess:
    """A validator for AUTH_PASSWORD_VALIDATORS."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raises ValidationError: how strong it is, why, and how to mend it."""
        own = _own_words(user)
        rest = _without(own, password[:LOOKED_AT])
        found = zxcvbn(rest or " ", user_inputs=[*own, *_GERMAN.split()])
        if found["score"] >= ENOUGH:
            return
        said = _("This password is %(strength)s: %(score)d of 4, and 3 are needed.") % {
            "strength": _STRENGTH[found["score"]],
            "score": found["score"],
        }
        why = _WHY["own" if rest != password[:LOOKED_AT] else _longest(found["sequence"], own)]
        mend = _(
            "Add two or three words that have nothing to do with it or with you; blanks may stand between."
        )
        raise ValidationError(f"{said} {why} {mend}", code="easy_to_guess")

    def get_help_text(self) -> str:
        return _("Four unrelated words are good.")


def _own_words(user: User | None) -> list[str]:
    """What somebody who knows the person tries first: names, in parts and whole."""
    names = [household.current().name, "latchkey"]
    if user is not None:
        names += [user.username, user.full_name, user.email]
    parts = [part for name in names for part in re.split(r"[\W_]+", name) if len(part) > 2]
    return [word.lower() for word in dict.fromkeys([*parts, *names]) if word]


def _without(own: Iterable[str], password: str) -> str:
    """What is left when somebody knows the person: their own words make nothing stronger. Perhaps nothing."""
    for word in sorted((word for word in own if len(word) > 3), key=len, reverse=True):
        password = re.sub(re.escape(word), "", password, flags=re.IGNORECASE)
    return password


def _longest(sequence: list[dict[str, object]], own: Iterable[str]) -> str:
    """The kind of the longest part that zxcvbn recognised."""
    part = max(sequence, key=lambda match: len(str(match["token"])))
    if part.get("dictionary_name") == "user_inputs" and part.get("matched_word") in set(own):
        return "own"
    return str(part["pattern"])
