"""Telling people things: written in the caller's transaction, sent after its commit by housekeeping.

What is rolled back was never told. An event is told to a person once, however often it is reported.
"""

from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone, translation
from django.utils.functional import Promise

from accounts import household, kinds, languages
from accounts.models import Channel, Delivery, Household, Notice, User

Words = str | Promise
MAX_SUBJECT, MAX_TEXT = 200, 5000  # characters


def tell(
    people: Iterable[User],
    kind: str,
    *,
    event: str,
    subject: Words,
    text: Words,
    link: str = "",
    to: str = "",
) -> int:
    """Tell `people` (closed accounts are passed over) what happened; how many had not been told yet.

    `event` names what happened, the same for the same thing. `text`: plain, without secrets. Words of
    gettext_lazy, and of `languages.later`, come in each one's language. `link` is a path of the portal. `to`
    is a mail address that was the account's before: it goes there and nowhere else.
    """
    house = household.current()
    notices = [
        _notice(user, house, event=event, kind=kind, subject=subject, text=text, link=link)
        for user in {user.pk: user for user in people if user.is_active}.values()
    ]
    with transaction.atomic(savepoint=False):
        Notice.objects.bulk_create(notices, ignore_conflicts=True)
        # Those that were told before have other primary keys, and are not here.
        fresh = list(Notice.objects.filter(pk__in=[notice.pk for notice in notices]).select_related("user"))
        _address(fresh, kind, to)
    return len(fresh)


def _notice(user: User, house: Household, *, subject: Words, text: Words, **rest: str) -> Notice:
    with translation.override(languages.of(user, house)):
        return Notice(user=user, subject=_line(str(subject)), text=str(text)[:MAX_TEXT], **rest)


def withdraw(event: str, words: str) -> None:
    """What is over by now is not sent any more: what still waits, say for a server that is away."""
    waiting = Delivery.objects.filter(notice__event=event, state=Delivery.State.WAITING)
    waiting.update(state=Delivery.State.GIVEN_UP, trouble=words, changed_at=timezone.now())


def test(channel: Channel, *, event: str, subject: Words, text: Words) -> None:
    """A message to one channel alone, whatever it declines."""
    with transaction.atomic():
        notice = Notice.objects.create(
            user=channel.user, event=event, kind=kinds.TEST, subject=_line(str(subject)), text=str(text)
        )
        Delivery.objects.create(notice=notice, channel=channel)


def channels(people: Iterable[User], to: str = "") -> QuerySet[Channel]:
    """Their channels that work at all: mail needs a server here and an address there. With an address `to`,
    mail alone.

    The one by mail is made when it is first needed, so that nobody has to switch it on.
    """
    by_mail = [Channel(user=user, name="E-mail", by_mail=True) for user in people if user.email or to]
    if settings.MAIL is not None and by_mail:
        have = Channel.objects.filter(by_mail=True, user__in=[channel.user_id for channel in by_mail])
        known = set(have.values_list("user_id", flat=True))
        fresh = [channel for channel in by_mail if channel.user_id not in known]
        Channel.objects.bulk_create(fresh, ignore_conflicts=True)
    reached = Q(by_mail=True) if to else Q(by_mail=False) | ~Q(user__email="")
    working = Q(by_mail=False) if settings.MAIL is None else Q()
    return Channel.objects.filter(reached & working, user__in=people).order_by("-by_mail", "name", "pk")


def _address(notices: list[Notice], kind: str, to: str) -> None:
    """Put one letter for each chosen channel into the outbox."""
    by_person = {notice.user_id: notice for notice in notices}
    chosen = channels([notice.user for notice in notices], to) if notices else Channel.objects.none()
    Delivery.objects.bulk_create(
        Delivery(notice=by_person[channel.user_id], channel=channel, to=to)
        for channel in chosen.filter(paused=False)
        if kind not in channel.declined
    )


def _line(text: str) -> str:
    """One line of printable characters: it becomes a header (RFC 5322 2.2)."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(plain.split())[:MAX_SUBJECT]
