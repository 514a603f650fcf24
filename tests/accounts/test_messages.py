"""The page Messages: addresses, tests, choices; and what may be entered there."""

from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import deliveries, outbox, push_addresses
from accounts.kinds import KINDS
from accounts.message_forms import choices
from accounts.models import Channel, Delivery, Notice, User
from audit.models import AuditEvent
from portal import news, server_addresses
from tests.conftest import let_time_pass, next_code

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[..., Client]
NTFY = "ntfys://ntfy.home.arpa/hometopic"


@pytest.fixture
def mine(browser: Client, sign_in: SignIn, alice: User) -> Client:
    return sign_in(browser, alice)


@pytest.fixture
def by_mail(settings: Settings, alice: User) -> Channel:
    settings.MAIL = server_addresses.mail("EMAIL_URL", "smtp://127.0.0.1?tls=none")
    alice.email = "alice@home.arpa"
    alice.save()
    return outbox.channels([alice]).get()


def add(client: Client, url: str = NTFY) -> Channel:
    answer = client.post("/account/messages/new", {"name": "My phone", "url": url})
    assert answer.status_code == 302, answer.content
    return Channel.objects.get(by_mail=False)


def test_an_address_is_added_tested_and_never_shown(mine: Client, alice: User) -> None:
    channel = add(mine)
    assert b"hometopic" not in bytes(channel.sealed_url)
    assert channel.url == NTFY
    assert Delivery.objects.get().notice.kind == "test"
    for path in ("/account/messages", f"/account/messages/{channel.pk}"):
        page = mine.get(path).content.decode()
        assert "ntfy, ntfy.home.arpa" in page
        assert "hometopic" not in page
    line = AuditEvent.objects.get(action="channel.added")
    assert line.detail == {"name": "My phone", "service": "ntfy, ntfy.home.arpa"}


def test_it_needs_a_fresh_code(browser: Client, sign_in: SignIn, alice: User) -> None:
    sign_in(browser, alice, fresh=False)
    page = browser.post("/account/messages/new", {"name": "x", "url": NTFY})
    assert page.status_code == 400
    assert NTFY in page.content.decode()  # what was typed is kept
    assert not Channel.objects.exists()


def test_what_goes_where_is_chosen_by_kind(mine: Client, by_mail: Channel, alice: User) -> None:
    channel = add(mine)
    Delivery.objects.all().delete()
    mine.post(f"/account/messages/{channel.pk}", {"kinds": ["ends", "revoked"]})
    mine.post(f"/account/messages/{by_mail.pk}", {"kinds": ["decided"]})
    for kind in KINDS:
        outbox.tell([alice], kind, event=kind, subject=kind, text="x")
    went = set(Delivery.objects.values_list("channel__name", "notice__kind"))
    # Officers' kinds were not offered to her, so they are as they were: everything.
    assert went == {
        ("My phone", "ends"),
        ("My phone", "revoked"),
        ("E-mail", "decided"),
        *((name, kind) for name in ("My phone", "E-mail") for kind in ("decide", "back", "house")),
    }


def test_by_default_mail_gets_everything(by_mail: Channel, alice: User) -> None:
    for kind in KINDS:
        outbox.tell([alice], kind, event=kind, subject=kind, text="x")
    assert Delivery.objects.filter(channel=by_mail).count() == len(KINDS)


def test_a_paused_one_gets_nothing_and_nothing_old_later(mine: Client, alice: User) -> None:
    channel = add(mine)
    mine.post(f"/account/messages/{channel.pk}/pause")
    outbox.tell([alice], "ends", event="while paused", subject="x", text="x")
    assert mine.post(f"/account/messages/{channel.pk}/test").status_code == 302
    assert Delivery.objects.get().state == deliveries.GIVEN_UP  # the first test
    mine.post(f"/account/messages/{channel.pk}/pause")
    assert not deliveries.due().exists()
    outbox.tell([alice], "ends", event="after", subject="x", text="x")
    assert deliveries.due().count() == 1


def test_a_failing_one_is_shown_with_the_servers_words(
    mine: Client, by_mail: Channel, browser: Client, sign_in: SignIn, bob: User, alice: User
) -> None:
    outbox.tell([alice], "ends", event="x", subject="It ends", text="x")
    delivery = deliveries.due().get()
    deliveries.take(delivery)
    deliveries.failed(delivery, "550 mailbox <full>")
    page = mine.get("/account/messages").content.decode()
    assert "Does not work" in page
    assert "550 mailbox &lt;full&gt;" in page
    assert "Waiting, next try" in page
    status = sign_in(browser, bob).get("/status").content.decode()
    assert "550 mailbox &lt;full&gt;. Its owner can correct or pause this address" in status
    assert "Alice (alice)" in status


def test_hearing_less_needs_a_fresh_code(mine: Client, sign_in: SignIn, alice: User) -> None:
    """A thief of a session must not switch warnings off."""
    channel, page = add(mine), "/account/messages/"
    page += str(channel.pk)
    sign_in(mine, alice, fresh=False)
    for path, data in (("/pause", {}), ("/remove", {}), ("", {"kinds": ["account"]})):
        for code in ("", "000000"):
            let_time_pass(alice)
            answer = mine.post(page + path, {**data, "code": code})
            assert answer.status_code == 400
            assert 'name="code"' in answer.content.decode()
    found = Channel.objects.get(pk=channel.pk)
    assert (found.paused, found.declined) == (False, [])
    everything = [kind for kind, _words in choices(alice)]
    assert mine.post(page, {"kinds": everything}).status_code == 302
    let_time_pass(alice)
    assert mine.post(f"{page}/pause", {"code": next_code(alice)}).status_code == 302
    sign_in(mine, alice, fresh=False)
    assert mine.post(f"{page}/pause").status_code == 302  # to hear more needs none
    assert not Channel.objects.get(pk=channel.pk).paused


def test_tests_are_not_piled_up(mine: Client) -> None:
    channel = add(mine)
    for _ in range(15):
        mine.post(f"/account/messages/{channel.pk}/test")
    assert Delivery.objects.count() == 10


def test_removed_is_removed(mine: Client, by_mail: Channel) -> None:
    channel = add(mine)
    assert mine.post(f"/account/messages/{channel.pk}/remove").status_code == 302
    mine.post(f"/account/messages/{by_mail.pk}/remove")
    assert list(Channel.objects.all()) == [by_mail]  # that one stands in the account
    assert not Delivery.objects.exists()


def test_nobody_reaches_anothers(mine: Client, browser: Client, sign_in: SignIn, charlie: User) -> None:
    channel = add(mine)
    sign_in(browser, charlie)
    for path in ("", "/test", "/pause", "/remove"):
        assert browser.post(f"/account/messages/{channel.pk}{path}").status_code == 404


@pytest.mark.parametrize("email", ["thief@home.arpa", ""])
def test_a_changed_mail_address_is_told_at_the_old_one_and_the_new_one(
    mine: Client, by_mail: Channel, alice: User, email: str
) -> None:
    news.tell()
    mine.post("/account/profile", {"full_name": "Alice", "email": email})
    news.tell()
    told = Delivery.objects.filter(notice__kind="account")
    assert {one.to for one in told} == ({"alice@home.arpa", ""} if email else {"alice@home.arpa"})
    assert "another e-mail address now" in told.get(to="alice@home.arpa").notice.text


def test_the_old_address_is_told_by_mail_only(mine: Client, by_mail: Channel, alice: User) -> None:
    channel = add(mine)
    news.tell()
    Delivery.objects.all().delete()
    mine.post("/account/profile", {"full_name": "Alice", "email": "alice@work.home.arpa"})
    news.tell()
    went = Delivery.objects.values_list("channel", "to")
    assert sorted(went, key=str) == sorted(
        [(by_mail.pk, "alice@home.arpa"), (by_mail.pk, ""), (channel.pk, "")], key=str
    )


def test_messages_are_read_in_the_portal_without_any_address(mine: Client, alice: User) -> None:
    outbox.tell([alice], "ends", event="x", subject="It <b>ends</b>", text="x", link="/requests/")
    page = mine.get("/account/messages").content.decode()
    assert '<a href="/requests/"><bdi>It &lt;b&gt;ends&lt;/b&gt;</bdi></a>' in page
    assert "This household sends no e-mail" in page
    assert Notice.objects.count() == 1


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (NTFY, "ntfy, ntfy.home.arpa"),
        ("ntfy://a-secret-topic", "ntfy"),
        ("ntfy://192.168.1.5:8080/topic?priority=high", "ntfy, 192.168.1.5"),
        ("tgram://123456789:abcdefg_hijklmnop/12315544/", "Telegram"),
        ("matrixs://bot:secret@matrix.org/!room", "Matrix, matrix.org"),
        ("hassio://homeassistant.local/token", "Home Assistant, homeassistant.local"),
        ("mailtos://anna:secret@example.org", "E-mail"),
    ],
)
def test_known_services_are_taken(text: str, where: str) -> None:
    assert push_addresses.check(f" {text}\n") == text
    assert push_addresses.shown(text) == where


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no address of a notification service"),
        ("a-topic", "no address of a notification service"),
        ("file:///etc/passwd", "file:// are not used here"),
        ("json://192.168.1.1/admin", "json:// are not used here"),
        ("mqtt://broker.home.arpa/latchkey/front/open", "mqtt:// are not used here"),
        ("syslog://localhost", "syslog:// are not used here"),
        ("dbus://", "dbus:// are not used here"),
        ("apprise://host/token", "apprise:// are not used here"),
        ("ntfy://localhost/topic", "own machine"),
        ("ntfy://127.0.0.1/topic", "own machine"),
        ("ntfy://127.1.2.3:8443/topic", "own machine"),
        ("ntfy://[::1]/topic", "own machine"),
        ("ntfy://169.254.169.254/topic", "own machine"),
        ("ntfy://0.0.0.0/topic", "own machine"),
        ("ntfy://", "Something is missing"),
        ("ntfy://[fd00::1/topic", "cannot be read"),
        ("ntfy://host:port/topic", "cannot be read"),
        ("ntfy://host/topic?attach=file:///etc/passwd", "Leave this option out: attach"),
        ("tgram://1:a/2?template=/etc/passwd", "Leave this option out: template"),
        ("mailto://a:b@c.org?pgppub=/etc/passwd", "Leave this option out: pgppub"),
        ("ntfy://host/topic?wait=99999", "Leave this option out: wait"),
        ("ntfy://host/topic\nntfy://other/topic", "a blank or a special letter"),
        ("ntfy://host/topic ntfy://other/topic", "a blank or a special letter"),
        ("ntfy://hóst/topic", "a blank or a special letter"),
        ("ntfy://host/topic,mqtt://broker.home.arpa/latchkey/front/open", "more than one address"),
        ("ntfy://host/topic?to=a,json://192.168.1.1/admin", "more than one address"),
        ("ntfy://host/topic?to=a;attach=/etc/passwd", "Leave this option out: attach"),
        ("ntfy://host/topic#x?attach=/etc/passwd", "Leave this option out: attach"),
        ("ntfy://host/topic?to=a#&attach=/etc/passwd", "Leave this option out: attach"),
        ("ntfy://host/topic?to=a?attach=/etc/passwd", "Leave this option out: attach"),
        ("ntfy://host/topic?attach", "Leave this option out: attach"),
    ],
)
def test_others_are_refused_with_the_way_out(text: str, words: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        push_addresses.check(text)
    assert words in refusal.value.message


def test_of_a_new_mail_address_nothing_is_known_yet(mine: Client, by_mail: Channel, alice: User) -> None:
    Channel.objects.update(worked_at=timezone.now())
    for email, known in (("alice@home.arpa", True), ("alice@work.home.arpa", False)):
        mine.post("/account/profile", {"full_name": "Alice", "email": email})
        assert ("Not tried yet" not in mine.get(f"/account/messages/{by_mail.pk}").content.decode()) == known


def test_who_hears_of_less_stands_in_the_audit(mine: Client) -> None:
    """A thief of a session must not switch warnings off unseen."""
    channel = add(mine)
    mine.post(f"/account/messages/{channel.pk}", {"kinds": ["account"]})
    mine.post(f"/account/messages/{channel.pk}/pause")
    mine.post(f"/account/messages/{channel.pk}/pause")
    lines = AuditEvent.objects.filter(action__startswith="channel.").order_by("sequence")
    actions = ["channel.added", "channel.changed", "channel.paused", "channel.resumed"]
    assert [line.action for line in lines] == actions
    assert "revoked" in lines[1].detail["declined"]
