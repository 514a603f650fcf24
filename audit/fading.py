"""What is private in old lines of the trail fades: addresses, and who pressed at which door.

Lines fade in order, some at a time, and each time is a line of the trail itself, which says how far: one that
lost its private part without that is found, as any other change is. Lines that are older than commitments
(audit/chain.py) cannot be recomputed without their address; for them that line has a digest of what is left.
"""

from datetime import datetime
from itertools import takewhile

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from audit import chain, marks, trail
from audit.chain import FADED, PRESSES
from audit.models import AuditEvent

AT_A_TIME = 500  # lines
_PRIVATE = ~Q(address__in=("", FADED)) | (Q(action__in=PRESSES) & ~Q(actor=FADED))


class Broken(Exception):
    """The trail was changed. What does not fit is not made to by letting it fade."""


def fade(before: datetime, *, days: int) -> int:
    """Let some of the lines fade that are older than `before`; how many, 0 when none is left.

    `days` is the household's setting, for the audit. Raises Broken.
    """
    with transaction.atomic():
        first = _reached() + 1
        last = _last(first, before)
        if last < first:
            return 0
        found = AuditEvent.objects.filter(sequence__range=(first, last))
        for event in found.order_by("sequence"):
            if not chain.is_whole(event):
                raise Broken(
                    _("Line %(line)s of the audit trail does not fit, so nothing fades.")
                    % {"line": event.sequence}
                )
        found.exclude(address="").update(address=FADED, salt="")
        found.filter(action__in=PRESSES).update(actor=FADED, address=FADED, detail={}, salt="")
        detail = {"first": first, "last": last, "days": days}
        digest = marks.digest_of_old(first, last)
        trail.record(marks.ACTION, detail=detail | ({"digest": digest} if digest else {}))
    return last - first + 1


def _reached() -> int:
    """The last line that has faded; 0 while none has."""
    noted = AuditEvent.objects.filter(action=marks.ACTION).order_by("-sequence").first()
    return int(noted.detail["last"]) if noted else 0


def _last(first: int, before: datetime) -> int:
    """The last of the next lines that fade together; 0 for none.

    One after the other, up to the first that is too young. A line from the future was written while the clock
    was wrong, and holds up nothing.
    """
    now = timezone.now()
    lines = AuditEvent.objects.filter(sequence__gte=first).order_by("sequence")
    private = lines.filter(_PRIVATE).values_list("sequence", flat=True).first()
    if private is None:
        return 0
    some = lines.filter(sequence__gte=private).values_list("sequence", "at")[:AT_A_TIME]
    old = list(takewhile(lambda line: not before <= line[1] <= now, some))
    return old[-1][0] if old else 0
