"""People's PINs, and how often a wrong one was typed.

Ten wrong ones in a day close a door for the person until tomorrow; twenty since the last right one, over all
doors, close them all until an officer unlocks. Only a keyed digest of the PIN is stored, under a key that is
not in the database: whoever has that alone cannot try all PINs against it.
"""

import hmac
import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import household
from accounts.errors import Refused
from accounts.models import User
from accounts.sealing import keyed_digest
from audit import trail
from door.models import Door, Pin, Tries
from door.policy import zone

A_DAY = 10  # wrong ones at one door
IN_A_ROW = 20  # wrong ones at all doors, since the last right one
SHORTEST, LONGEST = 6, 12
_KEYPAD = ("147258", "258369", "159753", "753159", "741852", "852963", "963852", "147369", "789456")
_DATES = {6: ("%d%m%y", "%m%d%y", "%y%m%d"), 8: ("%d%m%Y", "%m%d%Y", "%Y%m%d")}
_HAS = "SELECT 1 FROM door_pin WHERE user_id = %s"
Until = Literal["tomorrow", "officer"]


@dataclass(frozen=True)
class PinWrong(Exception):
    """It was not the person's PIN. `left`: tries that are left, 0 when this was the last."""

    left: int


@dataclass(frozen=True)
class PinLocked(Exception):
    """No PIN is looked at: too many were wrong."""

    until: Until


class PinMissing(Exception):
    """The person has not set a PIN yet."""


def put(user: User, pin: str, *, address: str = "") -> None:
    """Set or change a person's PIN. Raises ValueError with a sentence. Wrong tries stay counted."""
    typed = digits(pin)
    refuse_easy(typed)
    with transaction.atomic():
        Pin.objects.update_or_create(user=user, defaults={"digest": _digest(user, typed)})
        trail.record("pin.set", actor=user.username, address=address, target=user.username)


def has(user: User) -> bool:
    """Raw, as the door's page asks it each time: the ORM takes five times as long."""
    with connection.cursor() as cursor:
        cursor.execute(_HAS, [User._meta.pk.get_db_prep_value(user.pk, connection)])
        return cursor.fetchone() is not None


def refuse_easy(pin: str) -> None:
    """Raise ValueError, with a sentence, unless `pin` is six to twelve digits that are not guessed early."""
    if not re.fullmatch(r"[0-9]+", pin) or not SHORTEST <= len(pin) <= LONGEST:
        raise ValueError(
            _("Use %(shortest)d to %(longest)d digits, nothing else.")
            % {"shortest": SHORTEST, "longest": LONGEST}
        )
    steps = {(int(after) - int(before)) % 10 for before, after in zip(pin, pin[1:], strict=False)}
    if len(set(pin)) < 3 or len(steps) == 1:
        raise ValueError(_("This one is guessed first: digits in a row, or always the same. Mix them."))
    if pin in (pin + pin)[1:-1] or pin[::2] == pin[1::2] or pin in _KEYPAD:
        raise ValueError(
            _("This one is guessed early: it repeats itself, or draws a line on the keys. Mix it.")
        )
    if _is_date(pin):
        raise ValueError(_("This looks like a date, and who knows you knows your birthdays. Take another."))


def check(user: User, door: Door, typed: str, *, address: str = "") -> None:
    """Return when `typed` is the person's PIN; raises PinWrong, PinLocked or PinMissing.

    In a transaction of its own, never part of the caller's: a wrong try counts whatever happens afterwards.
    Sixteen in parallel count as sixteen. While it is locked, nothing is compared.
    """
    with transaction.atomic(durable=True):
        left = wrong(user, door, typed, address=address)
    if left is not None:
        raise PinWrong(left)


def wrong(user: User, door: Door, typed: str, *, address: str = "") -> int | None:
    """None when `typed` is the person's PIN, else the tries that are left; raises PinLocked or PinMissing.

    For callers whose own transaction writes down what came of it: it must answer only once that is committed.
    """
    tries = _locked_tries(user, door)
    stored = Pin.objects.filter(user=user).values_list("digest", flat=True).first()
    if stored is None:
        raise PinMissing
    if not hmac.compare_digest(stored, _digest(user, digits(typed[:100]))):
        return _count(tries, address)
    Tries.objects.filter(user=user, running__gt=0).update(running=0)
    return None


def standing(user: User, door: Door) -> int | Until:
    """How many tries are left at this door, or until when no PIN is looked at. Reads only."""
    running = _running(user)
    if running >= IN_A_ROW:
        return "officer"
    today = timezone.localdate(timezone=zone())
    typed = Tries.objects.filter(user=user, door=door, day=today).values_list("today", flat=True).first() or 0
    return min(A_DAY - typed, IN_A_ROW - running) if typed < A_DAY else "tomorrow"


def gate(user: User, door: Door) -> None:
    """Raise PinLocked before a PIN is passed on to the home, as `check` would."""
    with transaction.atomic():
        _locked_tries(user, door)


def note_wrong(user: User, door: Door, *, address: str = "") -> int:
    """The home said that the PIN was wrong: it counts as here. Returns the tries that are left."""
    with transaction.atomic(durable=True):
        try:
            tries = _locked_tries(user, door)
        except PinLocked:  # an answer that came late
            return 0
        return _count(tries, address)


def note_right(user: User, door: Door) -> None:
    """The home opened after a PIN that it checks: the wrong ones at this door were not in a row.

    At this door only: the home's PIN says nothing about who types those that are checked here.
    """
    Tries.objects.filter(user=user, door=door, running__gt=0).update(running=0)


def unlock(user: User, *, by: User, address: str = "") -> None:
    """An officer lets a person try again, at all doors. Raises Refused."""
    with transaction.atomic():
        if not (by.is_active and by.is_officer):
            raise Refused(_("Only officers may do this."), _("Ask one."))
        if by.pk == user.pk and not household.current().one_person:
            raise Refused(_("You cannot unlock your own tries."), _("Ask another officer."))
        found = Tries.objects.filter(user=user)
        detail = found.aggregate(today=Sum("today", default=0), running=Sum("running", default=0))
        found.update(today=0, running=0)
        trail.record("pin.unlocked", actor=by.username, address=address, target=user.username, detail=detail)


def locks() -> list[tuple[User, str]]:
    """Who is locked out, with a sentence each; by name."""
    today = timezone.localdate(timezone=zone())
    everybody = User.objects.filter(is_active=True)
    rows = Tries.objects.filter(user__in=everybody)
    many = rows.values("user").annotate(all=Sum("running")).filter(all__gte=IN_A_ROW)
    stuck = set(many.values_list("user", flat=True))
    found = {
        user: _(
            "%(person)s typed %(number)d wrong PINs: every door stays shut for them until an officer unlocks"
            " their tries."
        )
        % {"person": user.both_names, "number": IN_A_ROW}
        for user in everybody.filter(pk__in=stuck)
    }
    for row in (
        rows.filter(day=today, today__gte=A_DAY).exclude(user__in=stuck).select_related("user", "door")
    ):
        found[row.user] = _(
            "%(person)s typed %(number)d wrong PINs at %(door)s today: it stays shut for them until tomorrow,"
            " unless an officer unlocks their tries."
        ) % {"person": row.user.both_names, "number": A_DAY, "door": row.door}
    return sorted(found.items(), key=lambda item: item[1])


def alarms() -> list[str]:
    """What officers should know: who typed so many wrong PINs that a door is locked."""
    return [sentence for _person, sentence in locks()]


def digits(typed: str) -> str:
    """What was typed, without blanks and hyphens; digits of other scripts as ours."""
    plain = re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", typed))
    return "".join(str(unicodedata.decimal(char, char)) for char in plain)


def _digest(user: User, pin: str) -> str:
    return keyed_digest(pin, f"pin of {user.pk}")


def _locked_tries(user: User, door: Door) -> Tries:
    """The count at this door, after everybody else who counts for this person. Raises PinLocked."""
    # no_key: a press is being written meanwhile, and its foreign key must not wait for us.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    today = timezone.localdate(timezone=zone())
    tries, _made = Tries.objects.get_or_create(user=user, door=door, defaults={"day": today})
    if tries.day != today:
        tries.day, tries.today = today, 0
    if _running(user) >= IN_A_ROW:
        raise PinLocked("officer")
    if tries.today >= A_DAY:
        raise PinLocked("tomorrow")
    return tries


def _running(user: User) -> int:
    total: int = Tries.objects.filter(user=user).aggregate(all=Sum("running", default=0))["all"]
    return total


def _count(tries: Tries, address: str) -> int:
    """One more wrong one; what is left."""
    tries.today, tries.running = tries.today + 1, tries.running + 1
    tries.save()
    left = max(0, min(A_DAY - tries.today, IN_A_ROW - _running(tries.user)))
    if left == 0:
        who = {"actor": tries.user.username, "address": address}
        trail.record("pin.locked", **who, target=tries.door.slug, detail={"today": tries.today})
    return left


def _is_date(pin: str) -> bool:
    def fits(pattern: str) -> bool:
        try:
            found: date = datetime.strptime(pin, pattern).date()
        except ValueError:
            return False
        return len(pin) == 6 or 1900 <= found.year <= 2040

    return any(fits(pattern) for pattern in _DATES.get(len(pin), ()))
