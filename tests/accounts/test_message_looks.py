"""The pages about messages in Chromium: they fit, the thumb hits, axe has nothing to say."""

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import Settings

from accounts import deliveries, outbox
from accounts.models import Channel, User
from portal import server_addresses
from tests.pictures import faults_in

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def pages(
    browser: Client, sign_in: Callable[..., Client], bob: User, dora: User, settings: Settings
) -> dict[str, str]:
    settings.MAIL = server_addresses.mail("EMAIL_URL", "smtp://127.0.0.1?tls=none")
    bob.email = "bob@home.arpa"
    bob.save()
    sign_in(browser, bob)
    html = {"messages-none": browser.get("/account/messages").content.decode()}
    new = {"name": "Bob’s phone", "url": "ntfys://ntfy.home.arpa/topic"}
    browser.post("/account/messages/new", new)
    mail, phone = Channel.objects.order_by("-by_mail")
    for number, subject in enumerate(
        ("Alice asks for a certificate: the phone", "Bob’s laptop ends in 7 days")
    ):
        outbox.tell([bob], "decide", event=str(number), subject=subject, text="x", link="/queue/")
    first, *_ = deliveries.due().filter(channel=mail)
    deliveries.take(first)
    deliveries.leaves(first)
    deliveries.sent(first)
    second = deliveries.due().filter(channel=phone).first()
    assert second is not None
    deliveries.take(second)
    deliveries.failed(second, "ntfy.home.arpa: Connection refused")
    html["messages"] = browser.get("/account/messages").content.decode()
    html["messages-channel"] = browser.get(f"/account/messages/{phone.pk}").content.decode()
    wrong = {"name": "", "url": "json://192.168.1.5/admin"}
    html["messages-new"] = browser.post("/account/messages/new", wrong).content.decode()
    html["messages-calendar"] = browser.post("/account/calendar", follow=True).content.decode()
    html["messages-status"] = browser.get("/status").content.decode()
    sign_in(browser, bob, fresh=False)
    html["messages-channel-code"] = browser.post(f"/account/messages/{phone.pk}/pause").content.decode()
    html["profile-code"] = browser.get("/account/profile").content.decode()
    sign_in(browser, dora, fresh=False)
    html["messages-reminders"] = browser.get("/household/reminders").content.decode()
    return html


def test_the_pages_fit_the_window_the_thumb_and_the_rules_of_axe(pages: dict[str, str]) -> None:
    faults = faults_in(pages, ("phone-light", "desk-dark"))
    assert not faults, "\n".join(faults)
