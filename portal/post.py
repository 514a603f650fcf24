"""The sender: takes what is due out of the outbox and hands it to mail servers and Apprise.

Each round is a process of its own with a time limit, and housekeeping does not wait for it: a server that
hangs holds up no broker's rules and no repair after a crash.
"""

import logging
import os
import signal
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import connections
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import deliveries, household, languages
from accounts.models import Delivery
from portal import children, letters
from portal.pushing import Pusher
from portal.undelivered import Away, Lost, Undelivered

log = logging.getLogger(__name__)

ROUND = 60  # seconds, after which the kernel ends it; less than deliveries.LEASE
AT_A_TIME = 100
CHOICES = "/account/messages"


class _Round:
    """The sender that is at work; 0 for none."""

    pid = 0


def send() -> str:
    """Housekeeping's step: begins a round, if anything is due and the last one is over."""
    if not _is_over(os.WNOHANG):
        return ""
    back = deliveries.recover()
    if deliveries.due().exists():
        _Round.pid = start()
    return f"{back} taken up again" if back else ""


def finish() -> None:
    """Wait for the round: for who ends after it, and would take it along."""
    _is_over(0)


def _is_over(options: int) -> bool:
    pid, status = os.waitpid(_Round.pid, options) if _Round.pid else (-1, 0)
    if not pid:
        return False
    _Round.pid = 0
    if ended := os.waitstatus_to_exitcode(status):
        log.warning("messages=cut off, code=%s", ended)
    return True


def start() -> int:
    """A sender for one round; its process id."""
    connections.close_all()  # SQLite's do not survive a fork
    return children.forked(_bounded)()


def _bounded() -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(ROUND)
    deliver_due()


def deliver_due() -> int:
    """Send what is due, here and now; how many arrived."""
    with Pusher() as pusher:
        return sum(_delivered(delivery, pusher) for delivery in deliveries.due()[:AT_A_TIME])


def _delivered(delivery: Delivery, pusher: Pusher) -> bool:
    if not deliveries.take(delivery):
        return False
    try:
        with translation.override(languages.of(delivery.channel.user)):
            _by_mail(delivery) if delivery.channel.by_mail else _by_apprise(delivery, pusher)
    except Lost:
        return False
    except Undelivered as error:
        _failed(delivery, error)
        return False
    deliveries.sent(delivery)
    return True


def _failed(delivery: Delivery, error: Undelivered) -> None:
    if not delivery.channel.trouble:  # once, when it begins
        log.warning("channel=%s trouble=%r", delivery.channel_id, str(error))
    deliveries.failed(delivery, str(error), for_good=error.for_good)
    if isinstance(error, Away):
        deliveries.put_off(delivery)


def _leaves(delivery: Delivery) -> None:
    if not deliveries.leaves(delivery):
        raise Lost


def _by_mail(delivery: Delivery) -> None:
    to = delivery.to or delivery.channel.user.email
    if settings.MAIL is None or not to:
        raise Undelivered(_("There is no mail server any more, or no address."), for_good=True)
    sender = str(settings.MAIL["sender"])
    made = letters.letter(
        sender=sender,
        name=f"{household.current().name} (Latchkey)",
        to=to,
        subject=delivery.notice.subject,
        text=text_of(delivery),
        message_id=message_id(delivery.pk, sender),
        at=delivery.notice.at,
        language=languages.of(delivery.channel.user),
    )
    letters.send(settings.MAIL, made, leaves=partial(_leaves, delivery))


def _by_apprise(delivery: Delivery, pusher: Pusher) -> None:
    try:
        url = delivery.channel.url
    except ValueError as error:  # sealed with a key that is gone
        raise Undelivered(_("The address cannot be read any more: enter it anew."), for_good=True) from error
    title, leaves = delivery.notice.subject, partial(_leaves, delivery)
    pusher.push(url, title=title, body=short_text_of(delivery), leaves=leaves)


def message_id(pk: UUID, sender: str) -> str:
    """Of a delivery, for ever the same (RFC 5322 3.6.4)."""
    return f"<{pk}@{sender.rpartition('@')[2]}>"


def text_of(delivery: Delivery) -> str:
    """A letter: what happened and what to do, the link, and where one chooses what is sent."""
    house = household.current()
    with translation.override(languages.of(delivery.channel.user, house)):
        choice = _("You choose what is sent to you: %(url)s") % {"url": f"{settings.PORTAL_URL}{CHOICES}"}
    foot = f"{house.name}. {choice}"
    return f"{short_text_of(delivery)}\n\n-- \n{foot}\n"  # RFC 3676 4.3


def short_text_of(delivery: Delivery) -> str:
    notice = delivery.notice
    return f"{notice.text}\n\n{settings.PORTAL_URL}{notice.link}" if notice.link else notice.text
