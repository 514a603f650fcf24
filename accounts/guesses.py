"""How often a code may be guessed: so seldom that a year of guessing stays below one in ten thousand.

Who knows the password may err with the app's codes as often as `FREE` and once more every `FORGIVEN`, over
all apps and sessions of the account, whatever succeeds in between. From then on a single code is not looked
at: the app must show two in a row (as RFC 4226 7.4 resynchronises). Nobody guesses twelve digits, and whoever
has the app is never locked out: it takes them half a minute more.
"""

from datetime import datetime, timedelta

FREE = 6  # wrong codes in a row, or at any pace
FORGIVEN = timedelta(days=30)  # after which one of them is forgotten
LONGEST_WAIT = 16  # seconds, between two tries of either kind; a power of two


def left_over(wrong: int, since: datetime, now: datetime) -> tuple[int, datetime]:
    """How many wrong codes still count, and since when; `wrong` of them counted at `since`."""
    forgiven = min(max(0, (now - since) // FORGIVEN), wrong)
    return (wrong - forgiven, since + forgiven * FORGIVEN) if wrong > forgiven else (0, now)
