"""The outbox against real servers: none lost, none doubled."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction
from pytest_django import Settings

from accounts import deliveries, outbox
from accounts.models import Channel, Delivery, Notice, User
from portal import post, server_addresses
from tests.portal.postbox import PASSWORD, USER, MailServer, mail_server, ntfy, secured
from tests.portal.running import free_port, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def use(settings: Settings, port: int, more: str = "?tls=none") -> None:
    settings.MAIL = server_addresses.mail("EMAIL_URL", f"smtp://127.0.0.1:{port}/{more}")


@pytest.fixture
def server(settings: Settings) -> Iterator[MailServer]:
    with mail_server() as found:
        use(settings, found.port)
        yield found


@pytest.fixture
def anna(alice: User) -> User:
    alice.email = "alice@home.arpa"
    alice.save()
    return alice


def told(*people: User, event: str = "something", **words: str) -> int:
    text = {"subject": "Something happened", "text": "Look at it.", "link": "/queue/", **words}
    return outbox.tell(people, "decided", event=event, **text)


def letter_of(event: str = "something") -> Delivery:
    return Delivery.objects.get(notice__event=event)


def as_if_later() -> None:
    """The pauses are over."""
    Delivery.objects.filter(state=deliveries.WAITING).update(due_at="2020-01-01T00:00:00Z")


def add(user: User, url: str, name: str = "My phone") -> Channel:
    made = Channel(user=user, name=name)
    made.url = url
    made.save()
    return made


def test_a_letter_says_what_happened_and_where_to_look(server: MailServer, anna: User) -> None:
    assert told(anna, subject="Ärger\nBcc: all@example.org") == 1
    assert post.deliver_due() == 1
    (letter,) = server.letters
    assert letter["Subject"] == "Ärger Bcc: all@example.org"
    assert (letter["To"], letter["Bcc"], letter["Auto-Submitted"]) == (
        "alice@home.arpa",
        None,
        "auto-generated",
    )
    body = letter.get_content().replace("\r\n", "\n")
    assert "Look at it.\n\nhttps://portal.home.arpa:8443/queue/" in body
    assert "https://portal.home.arpa:8443/account/messages" in body
    assert letter_of().state == deliveries.SENT
    assert post.deliver_due() == 0


def test_one_event_is_told_once_to_each_person(server: MailServer, anna: User, bob: User) -> None:
    assert told(anna, anna) == 1
    assert told(anna, bob) == 1
    post.deliver_due()
    assert len(server.letters) == 1  # bob has no address; he reads it in the portal
    assert Notice.objects.count() == 2


def test_nothing_is_sent_of_what_was_rolled_back(server: MailServer, anna: User) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        told(anna)
        raise RuntimeError
    assert post.deliver_due() == 0
    assert not server.letters
    assert told(anna) == 1  # it was never told


def test_by_starttls_and_with_a_password(settings: Settings, anna: User, tmp_path: Path) -> None:
    options, pem = secured(tmp_path)
    with mail_server(**options) as server:
        use(settings, server.port, "?from=home@home.arpa")
        settings.MAIL |= {"user": USER, "password": PASSWORD, "ca": pem}
        told(anna)
        assert post.deliver_due() == 1
        assert server.sessions[0].ssl
        assert server.sessions[0].authenticated
        told(anna, event="another")
        settings.MAIL |= {"password": "wrong"}
        assert post.deliver_due() == 0
        assert "535" in letter_of("another").trouble
        settings.MAIL |= {"password": PASSWORD, "ca": ""}
        as_if_later()
        assert post.deliver_due() == 0
        assert "self-signed certificate" in letter_of("another").trouble


def test_a_name_in_the_cn_is_no_host_name(settings: Settings, anna: User, tmp_path: Path) -> None:
    options, pem = secured(tmp_path, common_name="localhost")
    with mail_server(**options) as server:
        use(settings, server.port, "?from=home@home.arpa")
        settings.MAIL |= {"host": "localhost", "user": USER, "password": PASSWORD, "ca": pem}
        told(anna)
        assert post.deliver_due() == 0
        assert "Hostname mismatch" in letter_of().trouble


def test_never_in_the_open_where_starttls_is_wanted(settings: Settings, anna: User) -> None:
    with mail_server() as server:
        use(settings, server.port, "")
        told(anna)
        assert post.deliver_due() == 0
        assert "STARTTLS" in letter_of().trouble
        assert not server.letters


def test_a_server_that_was_away_gets_everything_once(settings: Settings, anna: User) -> None:
    use(settings, free_port())
    for number in range(5):
        told(anna, event=f"event {number}")
    assert post.deliver_due() == 0
    tries = sorted(Delivery.objects.values_list("tries", flat=True))
    assert tries == [0, 0, 0, 0, 1]  # one tried, and the others wait with it
    assert not deliveries.due().exists()
    assert "Connection refused" in deliveries.troubled().get().trouble
    with mail_server(MailServer(settings.MAIL["port"])) as server:
        as_if_later()
        assert post.deliver_due() == 5
        as_if_later()
        assert post.deliver_due() == 0
        assert len(set(server.ids)) == len(server.ids) == 5
    assert not deliveries.troubled().exists()


def test_the_pauses_grow_and_after_three_days_it_is_given_up(server: MailServer, anna: User) -> None:
    server.at = lambda stage: "451 try again later" if stage == "RCPT" else ""
    told(anna)
    pauses = []
    for _ in range(7):
        as_if_later()
        post.deliver_due()
        found = letter_of()
        pauses.append(round((found.due_at - found.changed_at).total_seconds() / 60))
    assert pauses == [1, 5, 15, 60, 180, 360, 360]
    Notice.objects.update(at=found.notice.at - timedelta(days=3))
    as_if_later()
    post.deliver_due()
    assert (letter_of().state, letter_of().trouble) == (deliveries.GIVEN_UP, "451 try again later")


def test_a_mailbox_that_is_not_there_is_tried_once(server: MailServer, anna: User) -> None:
    server.at = lambda stage: "550 no such person here" if stage == "RCPT" else ""
    told(anna)
    post.deliver_due()
    assert letter_of().state == deliveries.GIVEN_UP
    assert deliveries.troubled().get().trouble == "550 no such person here"


def test_two_senders_at_once_send_once(server: MailServer, anna: User) -> None:
    for number in range(8):
        told(anna, event=f"event {number}")
    senders = [post.start() for _ in range(2)]
    for pid in senders:
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert len(server.ids) == len(set(server.ids)) == 8


def killed_at(server: MailServer, stage: str) -> None:
    """A sender that is gone, kill -9, when the server is at `stage`."""
    reached, gone = threading.Event(), threading.Event()

    def hold(now: str) -> str:
        if now == stage:
            reached.set()
            gone.wait(10)
        return ""

    server.at = hold
    pid = post.start()
    assert reached.wait(20)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    server.at = lambda stage: ""
    gone.set()


def test_killed_before_the_text_left_it_is_sent_once(
    server: MailServer, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(anna)
    killed_at(server, "RCPT")
    assert letter_of().state == deliveries.TAKEN
    assert post.deliver_due() == 0  # nobody else takes it while it may be on its way
    monkeypatch.setattr(deliveries, "LEASE", timedelta(0))
    assert deliveries.recover() == 1
    assert post.deliver_due() == 1
    assert len(server.letters) == 1


def test_killed_between_sent_and_noted_it_comes_under_the_same_id(
    server: MailServer, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one window that SMTP leaves open (RFC 1047)."""
    told(anna)
    killed_at(server, "ACCEPTED")
    assert letter_of().state == deliveries.LEAVING
    monkeypatch.setattr(deliveries, "LEASE", timedelta(0))
    deliveries.recover()
    assert post.deliver_due() == 1
    assert len(server.letters) == 2
    assert len(set(server.ids)) == 1


def test_killed_at_any_moment_none_is_lost(
    server: MailServer, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        told(anna, event=f"event {number}")
    monkeypatch.setattr(deliveries, "LEASE", timedelta(0))
    kills = 0
    while deliveries.open_ones().exists():
        pid = post.start()
        time.sleep(0.1 + 0.017 * kills)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        kills += 1
        deliveries.recover()
        as_if_later()
        assert kills < 200
    assert len(set(server.ids)) == 8
    assert len(server.ids) - 8 <= kills


def test_a_server_that_hangs_is_left_after_a_minute_and_nobody_waits_for_it(
    server: MailServer, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post, "ROUND", 1)
    reached, release = threading.Event(), threading.Event()
    server.at = lambda stage: "" if stage != "RCPT" else str([reached.set(), release.wait(20)])[:0]
    told(anna)
    post.send()
    assert reached.wait(20)
    told(anna, event="another")
    post.send()  # comes back, and begins no second round
    assert letter_of("another").state == deliveries.WAITING
    post.finish()  # the kernel ended it
    assert not release.is_set()
    monkeypatch.setattr(deliveries, "LEASE", timedelta(0))
    Delivery.objects.filter(notice__event="another").delete()
    post.send()  # it is taken up again at once, as we may have been ended ourselves
    post.finish()
    deliveries.recover()
    release.set()
    assert letter_of().trouble == deliveries.troubled().get().trouble == deliveries.CUT_OFF
    assert not deliveries.due().exists()


def test_notifications_reach_a_server_like_ntfys(anna: User, caplog: pytest.LogCaptureFixture) -> None:
    with ntfy() as server:
        add(anna, server.url)
        told(anna)
        assert post.deliver_due() == 1
        ((topic, title, message),) = server.published
        assert (topic, title) == ("hometopic", "Something happened")
        assert message == "Look at it.\n\nhttps://portal.home.arpa:8443/queue/"
        server.status = 503
        told(anna, event="another")
        assert post.deliver_due() == 0
        trouble = deliveries.troubled().get().trouble
        assert "503" in trouble
        assert "hometopic" not in trouble + caplog.text
    as_if_later()
    assert post.deliver_due() == 0  # away
    with ntfy(server):
        server.status = 200
        as_if_later()
        assert post.deliver_due() == 1
        assert len(server.published) == 2
    assert not deliveries.troubled().exists()


def test_killed_while_it_pushes_nothing_is_lost(anna: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "LEASE", timedelta(0))
    with ntfy() as server:
        add(anna, server.url)
        told(anna)
        pid = post.start()
        wait_until(lambda: letter_of().state != deliveries.WAITING, 10, "taken")
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        assert letter_of().state == deliveries.TAKEN
        deliveries.recover()
        assert post.deliver_due() == 1
        assert len(server.published) == 1


def test_no_address_of_this_machine_is_reached(anna: User) -> None:
    with ntfy(host="127.0.0.1") as server:
        add(anna, server.url)
        add(anna, server.url.replace("127.0.0.1", "localhost"), "by name")
        told(anna)
        assert post.deliver_due() == 0
        assert not server.published
    assert all("own machine" in found.trouble for found in deliveries.troubled())
