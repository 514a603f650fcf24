"""What a person is told and where: their addresses, their choices, what was sent lately."""

import secrets
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from accounts import deliveries, kinds, outbox, push_addresses
from accounts.addresses import address_of
from accounts.freshness import FreshFactorForm
from accounts.guards import me, posted, requires
from accounts.message_forms import ChannelForm, NewChannelForm
from accounts.models import CalendarLink, Channel, Delivery, Notice
from audit import trail

LATELY = 20
TEST_SUBJECT = gettext_lazy("A test")
TEST_TEXT = gettext_lazy("Messages of Latchkey reach you here. There is nothing to do.")
TESTS_AN_HOUR = 10  # of one person: an address may be somebody else's


@require_safe
@requires()
def overview(request: HttpRequest) -> HttpResponse:
    user = me(request)
    context = {
        "channels": [(channel, _where(channel)) for channel in outbox.channels([user])],
        "by_mail_missing": _mail_missing(request),
        "notices": _lately(request),
        "calendar": CalendarLink.objects.filter(user=user).first(),
    }
    return render(request, "accounts/messages.html", context)


@sensitive_post_parameters("url")
@requires()
def add(request: HttpRequest) -> HttpResponse:
    """A new address; a test goes out at once."""
    form = NewChannelForm(request, posted(request))
    if form.is_valid():
        channel = Channel(user=me(request), name=form.cleaned_data["name"])
        channel.url = form.cleaned_data["url"]
        with transaction.atomic():
            channel.save()
            _test(channel)
            _record(request, "channel.added", channel)
        messages.success(
            request,
            "Added. A test is on its way: reload this page in a few seconds to see whether it arrived.",
        )
        return redirect("accounts:channel", channel.pk)
    context = {"form": form, "services": dict.fromkeys(push_addresses.SERVICES.values())}
    return render(request, "accounts/channel_new.html", context, status=400 if form.errors else 200)


@requires()
def channel(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One address: does it work, and what goes there."""
    found = _own(request, pk)
    form = ChannelForm(request, found, posted(request))
    if form.is_valid():
        found.declined = form.declined()
        with transaction.atomic():
            found.save(update_fields=["declined"])
            _record(request, "channel.changed", found)
        messages.success(request, "Saved.")
        return redirect("accounts:messages")
    return _channel_page(request, found, form)


@require_POST
@requires()
def test(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = _own(request, pk)
    hour_ago = timezone.now() - timedelta(hours=1)
    lately = Notice.objects.filter(user=me(request), kind=kinds.TEST, at__gt=hour_ago)
    if found.paused:
        messages.error(request, "It is paused. Resume it first; nothing is sent before.")
    elif lately.count() >= TESTS_AN_HOUR:
        messages.error(request, f"{TESTS_AN_HOUR} tests an hour are enough. See what became of them first.")
    else:
        _test(found)
        messages.success(request, _("A test is on its way. Reload this page in a few seconds."))
    return redirect("accounts:channel", found.pk)


@require_POST
@requires()
def pause(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Pause, with a fresh factor, or go on. What waits for a paused address is not sent later, when it is
    old."""
    found = _own(request, pk)
    if not found.paused and (refused := _not_fresh(request, found)):
        return refused
    with transaction.atomic():
        found.paused = not found.paused
        found.trouble, found.trouble_since = "", None
        found.save(update_fields=["paused", "trouble", "trouble_since"])
        if found.paused:
            deliveries.give_up(found, "Paused.")
        _record(request, "channel.paused" if found.paused else "channel.resumed", found)
    messages.success(request, _("Paused: nothing is sent there.") if found.paused else _("It goes on."))
    return redirect("accounts:channel", found.pk)


@require_POST
@requires()
def remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = _own(request, pk)
    if found.by_mail:
        messages.error(request, "Your e-mail address stands in your account: change it there, or pause this.")
        return redirect("accounts:channel", found.pk)
    if refused := _not_fresh(request, found):
        return refused
    with transaction.atomic():
        _record(request, "channel.removed", found)
        found.delete()
    messages.success(
        request, _("%(name)s is removed; nothing is sent there any more.") % {"name": found.name}
    )
    return redirect("accounts:messages")


def _not_fresh(request: HttpRequest, found: Channel) -> HttpResponse | None:
    """The page again while no fresh factor came: a thief of a session would switch warnings off first."""
    given = FreshFactorForm(request, request.POST)
    if given.is_valid():
        return None
    form = ChannelForm(request, found)
    form.errors["code"] = given.errors["code"]
    return _channel_page(request, found, form)


def _channel_page(request: HttpRequest, found: Channel, form: ChannelForm) -> HttpResponse:
    last = found.deliveries.select_related("notice").order_by("-changed_at").first()
    context = {"channel": found, "where": _where(found), "form": form, "last": last}
    return render(request, "accounts/channel.html", context, status=400 if form.errors else 200)


def _own(request: HttpRequest, pk: UUID) -> Channel:
    return get_object_or_404(Channel.objects.select_related("user"), pk=pk, user=me(request))


def _where(channel: Channel) -> str:
    if channel.by_mail:
        return channel.user.email or "no address"
    try:
        return push_addresses.shown(channel.url)
    except ValueError:
        return "not readable any more: remove it and add it anew"


def _mail_missing(request: HttpRequest) -> str:
    """Why nothing comes by e-mail, and the way out; "" when it may."""
    if settings.MAIL is None:
        return _("This household sends no e-mail: whoever looks after the machine can set EMAIL_URL.")
    return "" if me(request).email else _("Your account has no e-mail address.")


def _lately(request: HttpRequest) -> list[Notice]:
    ways = Prefetch("deliveries", Delivery.objects.select_related("channel").order_by("channel__name"))
    return list(Notice.objects.filter(user=me(request)).order_by("-at").prefetch_related(ways)[:LATELY])


def _test(channel: Channel) -> None:
    outbox.test(channel, event=f"test {secrets.token_hex(8)}", subject=TEST_SUBJECT, text=TEST_TEXT)


def _record(request: HttpRequest, action: str, channel: Channel) -> None:
    user = me(request)
    detail: dict[str, object] = {"name": channel.name, "service": _where(channel)}
    if channel.declined:
        detail["declined"] = channel.declined
    trail.record(
        action, actor=user.username, address=address_of(request), target=user.username, detail=detail
    )
