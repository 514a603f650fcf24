"""The outbox's steps: each a compare-and-swap UPDATE, so that of two senders one has a letter.

    WAITING -> TAKEN -> LEAVING -> SENT, or back to WAITING with a longer pause, or GIVEN_UP

TAKEN is before anything leaves: whoever dies there has sent nothing. LEAVING is committed right before the
text goes out: whoever dies there may have sent it, and nobody can know (RFC 1047). It is sent again then, as
a letter twice is better than none: with the same Message-ID, by which mail servers and readers drop doubles.
"""

from datetime import timedelta

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from accounts.models import Channel, Delivery, Notice, User

WAITING, TAKEN, LEAVING = Delivery.State.WAITING, Delivery.State.TAKEN, Delivery.State.LEAVING
SENT, GIVEN_UP = Delivery.State.SENT, Delivery.State.GIVEN_UP

MINUTE = 60
PAUSES = (MINUTE, 5 * MINUTE, 15 * MINUTE, 60 * MINUTE, 180 * MINUTE, 360 * MINUTE)  # seconds; the last stays
GIVE_UP_AFTER = timedelta(days=3)
LEASE = timedelta(minutes=3)  # a sender is ended long before (portal/post.py); after that nobody has it
CUT_OFF = "No end of it within a minute, several times."
KEPT = timedelta(days=400)  # notices, so that what was told is not told again


def due() -> QuerySet[Delivery]:
    """What a sender may take now, the oldest first."""
    found = Delivery.objects.filter(
        state=WAITING, due_at__lte=timezone.now(), channel__paused=False, channel__user__is_active=True
    )
    return found.select_related("notice", "channel__user").order_by("due_at", "pk")


def take(delivery: Delivery) -> bool:
    """Whether it is ours to send: of several who ask one hears True."""
    delivery.tries += 1
    rows = Delivery.objects.filter(pk=delivery.pk, state=WAITING, due_at__lte=timezone.now())
    return rows.update(state=TAKEN, changed_at=timezone.now(), tries=F("tries") + 1) == 1


def leaves(delivery: Delivery) -> bool:
    """To be asked right before the text goes out: whether it is still ours."""
    return _move(delivery, TAKEN, LEAVING)


def sent(delivery: Delivery) -> None:
    _move(delivery, LEAVING, SENT, trouble="")
    Channel.objects.filter(pk=delivery.channel_id).update(
        worked_at=timezone.now(), trouble="", trouble_since=None
    )


def failed(delivery: Delivery, words: str, *, for_good: bool = False) -> None:
    """It did not leave, and why, in the other end's words; `for_good`: no later try would help."""
    now = timezone.now()
    hopeless = for_good or now - delivery.notice.at > GIVE_UP_AFTER
    pause = PAUSES[min(max(delivery.tries, 1), len(PAUSES)) - 1]
    state = GIVEN_UP if hopeless else WAITING
    for source in (TAKEN, LEAVING):
        _move(delivery, source, state, trouble=words[:300], due_at=now + timedelta(seconds=pause))
    channel = Channel.objects.filter(pk=delivery.channel_id)
    channel.filter(trouble_since=None).update(trouble_since=now)
    channel.update(trouble=words[:300])


def put_off(like: Delivery) -> None:
    """The mail server is away: what else waits for it is not tried before `like` is."""
    until = Delivery.objects.values_list("due_at", flat=True).get(pk=like.pk)
    others = Delivery.objects.filter(state=WAITING, channel__by_mail=True, due_at__lt=until)
    others.update(due_at=until)


def recover() -> int:
    """Give back what a sender that is gone had taken; how many.

    The first time at once: we may have been ended. Again and again it is the other end that hangs, and then
    the pauses grow as after any failure.
    """
    found = list(at_work().filter(changed_at__lt=timezone.now() - LEASE).select_related("notice"))
    for delivery in found:
        if delivery.tries > 1:
            failed(delivery, CUT_OFF)
        else:
            _move(delivery, delivery.state, WAITING, due_at=timezone.now())
    return len(found)


def at_work() -> QuerySet[Delivery]:
    """What a sender has, or had."""
    return Delivery.objects.filter(state__in=[TAKEN, LEAVING])


def give_up(channel: Channel, words: str) -> None:
    """Nothing that waits goes over this channel any more."""
    waiting = Delivery.objects.filter(channel=channel, state=WAITING)
    waiting.update(state=GIVEN_UP, trouble=words, changed_at=timezone.now())


def readdressed(user: User) -> None:
    """Their e-mail address is another one now: nothing is known of whether it works."""
    mail = Channel.objects.filter(user=user, by_mail=True)
    mail.update(worked_at=None, trouble="", trouble_since=None)


def sweep() -> int:
    """Forget what was told long ago; how many."""
    old = Notice.objects.filter(at__lt=timezone.now() - KEPT)
    return old.delete()[0]


def open_ones() -> QuerySet[Delivery]:
    """Everything that has not arrived and may still."""
    return Delivery.objects.filter(state__in=[WAITING, TAKEN, LEAVING])


def troubled() -> QuerySet[Channel]:
    """Addresses that do not work, of people who are still here."""
    found = Channel.objects.filter(~Q(trouble=""), paused=False, user__is_active=True)
    return found.select_related("user").order_by("trouble_since", "pk")


def _move(delivery: Delivery, source: str, target: str, **fields: object) -> bool:
    rows = Delivery.objects.filter(pk=delivery.pk, state=source)
    return rows.update(state=target, changed_at=timezone.now(), **fields) == 1
