"""What the household must look after, told to officers and administrators: lists, backups, drills."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts import kinds, outbox
from accounts.languages import later
from accounts.models import User
from accounts.outbox import Words
from enrollment.in_words import in_words_later
from pki import crl
from pki.signer.protocol import AUTHORITIES
from portal.keeping import notes

LISTS_LEFT = timedelta(days=4)  # of a revocation list's seven days; it is made anew after one
Alarm = tuple[str, Words, Words]  # event, subject, text


def tell() -> str:
    """Tell what is overdue: of a list once as it comes near and once when it is over, of a backup weekly."""
    overseers = User.objects.filter(Q(is_officer=True) | Q(is_administrator=True), is_active=True)
    told = 0
    for event, subject, text in chain(_backups(), _lists()):
        told += outbox.tell(overseers, kinds.HOUSE, event=event, subject=subject, text=text, link="/status")
    return f"{told} told" if told else ""


def _lists() -> Iterator[Alarm]:
    """Raises OSError or ValueError for a list that is missing or broken: housekeeping notes that. So last."""
    now = datetime.now(UTC)
    for name in (kind for authority in AUTHORITIES for kind in (authority, f"{authority}-root")):
        end = crl.current(name).ends
        named = {"name": name, "end": f"{end:%Y-%m-%d %H:%M} UTC"}
        if end <= now:
            yield (
                f"list {name} {end:%Y-%m-%dT%H:%M} lapsed",
                later(_("The revocation list %(name)s has lapsed"), **named),
                later(
                    _("It was good until %(end)s. The door and other servers may refuse everybody by now."),
                    **named,
                ),
            )
        elif end - now < LISTS_LEFT:
            yield (
                f"list {name} {end:%Y-%m-%dT%H:%M} soon",
                later(_("The revocation list %(name)s is overdue"), **named),
                later(
                    _(
                        "It should be new each day, and is good until %(end)s. Look at Signer on the status"
                        " page."
                    ),
                    **named,
                ),
            )


def _backups() -> Iterator[Alarm]:
    week = f"{datetime.now(UTC):%G-W%V}"
    for found in notes.overdue():
        subjects = {"backup": _("A backup is overdue"), "drill": _("Try a backup: a drill is overdue")}
        yield (
            f"{found.what} overdue {week}",
            subjects.get(found.what, found.what),
            in_words_later(found.sentence),
        )
