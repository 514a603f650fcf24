"""Clocks that are wrong: a phone's, or this machine's, as codes tell that were right at another time.

Such a code is never accepted, only explained, and only to whoever gave the right password or has a session.
"""

from datetime import timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts import household
from accounts.timecodes import STEP
from accounts.words import duration
from audit.models import AuditEvent

LATE = 3  # steps: somebody typed slowly, and no clock is wrong
_ACTIONS = ("login.failed", "code.refused")


def explained(steps: int) -> str:
    """What to do about the code of a clock that is `steps` ahead (`accounts.timecodes.off_by`)."""
    if -LATE <= steps <= 1:
        return _("That code is over, or was used: each works once. Type the one that your app shows now.")
    here = timezone.localtime(timezone=ZoneInfo(household.current().time_zone))
    about = {"time": duration(abs(steps) * STEP), "now": date_format(here, "H:i:s")}
    if steps > 0:
        said = _("That is the code of a clock that is about %(time)s fast; it is %(now)s here.") % about
    else:
        said = _("That is the code of a clock that is about %(time)s slow; it is %(now)s here.") % about
    remedy = _(
        "Let your phone set its time by itself (Android: Settings, System, Date & time; iPhone: Settings,"
        " General, Date & Time), then type the newest code. If the time here is wrong, tell an administrator."
    )
    return f"{said} {remedy}"


def doubted() -> str:
    """Why this machine's own clock may be wrong, or "": the codes of several people were off alike today."""
    lines = AuditEvent.objects.filter(
        at__gt=timezone.now() - timedelta(days=1), action__in=_ACTIONS, detail__off__isnull=False
    )
    found = {line.actor or line.target: int(line.detail["off"]) for line in lines.order_by("sequence")}
    fast = [steps for steps in found.values() if steps > LATE]
    slow = [-steps for steps in found.values() if steps < -LATE]
    if _alike(fast):
        said = _(
            "Codes of %(people)s people fit a later time: this machine’s clock may be about %(time)s slow."
        )
        return _with_remedy(said, fast)
    if _alike(slow):
        said = _(
            "Codes of %(people)s people fit an earlier time: this machine’s clock may be about %(time)s fast."
        )
        return _with_remedy(said, slow)
    return ""


def _alike(steps: list[int]) -> bool:
    return len(steps) > 1 and max(steps) - min(steps) <= 2


def _with_remedy(said: str, steps: list[int]) -> str:
    remedy = _("Let it set its time by itself (timedatectl set-ntp true).")
    return said % {"people": len(steps), "time": duration(max(steps) * STEP)} + " " + remedy
