"""Officers ask many owners to renew: what is shown, who is told what and how often, and for how long."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Notice, User
from audit.models import AuditEvent
from enrollment import ra, same_key, urging
from enrollment.models import CertificationRequest, EnrolmentChallenge, Kind, RenewalWanted, Status
from pki.models import Certificate
from tests.conftest import Browser, open_session
from tests.enrollment.acts import HERE, ask, hold

pytestmark = pytest.mark.usefixtures("no_signer")
WANTED = "/certificates/renew"


@pytest.fixture
def desk(bob: User) -> Client:
    """bob's browser; his code is an old one, as nothing here needs a fresh one."""
    return open_session(Browser(), bob, fresh=False)


def urge(officer: User, *chosen: Certificate) -> list[Certificate]:
    plans = [urging.plan(found, officer) for found in chosen]
    return [plan.certificate for plan in urging.ask(plans, by=officer, address=HERE)]


def press(desk: Client, *chosen: Certificate, **fields: str) -> str:
    answer = desk.post(WANTED, {"chosen": [str(one.pk) for one in chosen], **fields})
    assert answer.status_code == 200
    return answer.content.decode()


def told(user: User) -> list[Notice]:
    return list(Notice.objects.filter(user=user, kind="renew").order_by("at"))


def change(certificate: Certificate, **fields: object) -> None:
    CertificationRequest.objects.filter(certificate=certificate).update(**fields)


def test_each_owner_gets_one_message_for_all_of_theirs(alice: User, charlie: User, bob: User) -> None:
    phone, nas, other = hold(alice), hold(alice, profile="tls-server"), hold(charlie)
    assert len(urge(bob, phone, other, nas)) == 3
    (of_alice,), (of_charlie,) = told(alice), told(charlie)
    assert "renew 2 certificates" in of_alice.subject and of_alice.link == "/"
    assert phone.subject in of_alice.text and nas.subject in of_alice.text and "Bob" in of_alice.text
    assert of_charlie.link == f"/certificates/{other.pk}/renew" and other.subject in of_charlie.subject
    lines = AuditEvent.objects.filter(action="certificate.renewal-wanted", actor="bob")
    assert {line.target for line in lines} == {str(one.pk) for one in (phone, nas, other)}


def test_very_many_are_told_in_a_message_that_is_not_cut_off(alice: User, bob: User) -> None:
    urge(bob, *(hold(alice) for _ in range(21)))
    assert "and 1 more" in told(alice)[0].text and "Until then nothing stops" in told(alice)[0].text


def test_within_a_day_nobody_is_asked_twice(alice: User, bob: User) -> None:
    phone = hold(alice)
    plans = [urging.plan(phone, bob)]
    assert len(urging.ask(plans, by=bob, address=HERE)) == 1
    assert urging.ask(plans, by=bob, address=HERE) == []  # two officers who both saw the preview
    assert "within the last day" in urging.plan(phone, bob).why
    RenewalWanted.objects.update(at=timezone.now() - urging.AGAIN)
    assert urge(bob, phone) == [phone]
    assert len(told(alice)) == 2
    assert RenewalWanted.objects.count() == 1


def test_only_officers_ask(alice: User, charlie: User, erin: User, dora: User) -> None:
    phone = hold(alice)
    for somebody in (alice, charlie, erin, dora):
        with pytest.raises(ra.Refused, match="Only an officer"):
            urging.ask([], by=somebody, address=HERE)
        visitor = open_session(Browser(), somebody)
        assert visitor.post(WANTED, {"chosen": str(phone.pk), "confirmed": "1"}).status_code == 404
    assert not RenewalWanted.objects.exists()


def test_asking_makes_no_request(desk: Client, alice: User) -> None:
    press(desk, hold(alice), confirmed="1")
    assert not CertificationRequest.objects.filter(status=Status.PENDING).exists()


def test_the_way_is_the_one_that_the_device_can_go(alice: User, bob: User) -> None:
    ours, theirs, ripe = hold(alice), hold(alice), hold(alice)
    change(ours, lapses_at=timezone.now())
    for young in (ours, theirs):
        Certificate.objects.filter(pk=young.pk).update(not_after=timezone.now() + timedelta(days=300))
    ways = [urging.plan(Certificate.objects.get(pk=one.pk), bob).way for one in (ours, theirs, ripe)]
    assert ways == [urging.NEW_KEY, urging.SAME_KEY, urging.CHECK_PAGE]
    found = urging.plan(theirs, bob)
    assert found.until is not None
    assert abs(found.until - timezone.now() - timedelta(days=365)) < timedelta(hours=1)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"revoked_at": timezone.now(), "reason": "superseded"}, "revoked"),
        ({"revoked_at": timezone.now(), "reason": "certificateHold"}, "on hold"),
        ({"not_after": timezone.now()}, "has ended"),
        ({"owner": "service:portal"}, "Latchkey's own"),
        ({"owner": str(uuid4())}, "Latchkey's own"),
    ],
)
def test_what_cannot_be_renewed_says_why(alice: User, bob: User, fields: dict[str, object], why: str) -> None:
    phone = hold(alice)
    Certificate.objects.filter(pk=phone.pk).update(**fields)
    found = urging.plan(Certificate.objects.get(pk=phone.pk), bob)
    assert why in found.why and not found.way
    assert urging.ask([found], by=bob, address=HERE) == []


def test_who_is_switched_off_or_may_not_ask_is_not_asked(alice: User, bob: User) -> None:
    phone = hold(alice)
    User.objects.filter(pk=alice.pk).update(is_requester=False)
    assert "cannot ask" in urging.plan(phone, bob).why
    User.objects.filter(pk=alice.pk).update(is_requester=True, is_active=False)
    assert "cannot ask" in urging.plan(phone, bob).why


def test_a_program_that_renews_by_itself_needs_nobody(alice: User, bob: User) -> None:
    printer, other = hold(alice), hold(alice)
    made = CertificationRequest.objects.get(certificate=printer)
    EnrolmentChallenge.objects.create(owner=alice, sha256="0", lapses_at=timezone.now(), request=made)
    change(other, kind=Kind.RENEWAL)
    assert all("SCEP" in urging.plan(one, bob).why for one in (printer, other))


def test_ones_own_is_renewed_and_not_asked_for(bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_requester=True)
    bob.refresh_from_db()
    assert "your own" in urging.plan(hold(bob), bob).why


def test_what_is_asked_for_already_leads_to_the_request(desk: Client, alice: User, bob: User) -> None:
    phone = hold(alice)
    made = same_key.ask(phone, by=alice, address=HERE)
    assert "request waits" in urging.plan(phone, bob).why
    page = press(desk, phone)
    assert "Nothing to ask for" in page and f"/queue/{made.pk}" in page
    CertificationRequest.objects.filter(pk=made.pk).update(status=Status.ISSUED)
    assert "renewed already" in urging.plan(phone, bob).why


def test_it_stands_on_the_owners_pages_until_they_asked(
    at_home: Client, alice: User, charlie: User, bob: User
) -> None:
    phone = hold(alice)
    urge(bob, phone)
    asks = f'href="/certificates/{phone.pk}/renew"'
    assert "Your officer asks you to renew" in at_home.get("/").content.decode()
    assert [found.certificate for found in urging.wanted(alice)] == [phone]
    assert asks in at_home.get("/").content.decode()
    assert "asks you" not in open_session(Browser(), charlie).get("/").content.decode()
    made = same_key.ask(phone, by=alice, address=HERE)
    assert urging.wanted(alice) == [] and urging.wanted_of(phone) is None
    ra.withdraw(request=made, by=alice, address=HERE)
    assert len(urging.wanted(alice)) == 1


def test_what_is_renewed_or_over_is_swept(alice: User, bob: User) -> None:
    renewed, gone, ended, held, stays = (hold(alice) for _ in range(5))
    urge(bob, renewed, gone, ended, held, stays)
    made = ask(alice)
    CertificationRequest.objects.filter(pk=made.pk).update(predecessor=renewed, status=Status.ISSUED)
    now = timezone.now()
    Certificate.objects.filter(pk=gone.pk).update(revoked_at=now, reason="superseded")
    Certificate.objects.filter(pk=ended.pk).update(not_after=now)
    Certificate.objects.filter(pk=held.pk).update(revoked_at=now, reason="certificateHold")
    assert urging.sweep() == 3
    assert {row.certificate_id for row in RenewalWanted.objects.all()} == {held.pk, stays.pk}


def test_the_page_shows_first_and_then_what_came_of_it(desk: Client, alice: User, charlie: User) -> None:
    phone, nas, gone = hold(alice), hold(charlie, profile="tls-server"), hold(alice)
    Certificate.objects.filter(pk=gone.pk).update(revoked_at=timezone.now(), reason="superseded")
    page = press(desk, phone, nas, gone)
    assert "Ask to renew 2 certificates" in page and "Ask 2 people" in page and "It was revoked." in page
    assert 'name="code"' not in page
    assert not RenewalWanted.objects.exists()
    page = press(desk, phone, nas, gone, confirmed="1")
    assert "2 people are asked" in page and "It was revoked." in page
    assert "Nobody was asked" in press(desk, phone, nas, gone, confirmed="1")
    assert len(told(alice)) == len(told(charlie)) == 1


def test_nothing_chosen_leads_back_to_the_list(desk: Client) -> None:
    for chosen in ({}, {"chosen": "nonsense"}, {"chosen": str(uuid4()), "confirmed": "1"}):
        assert desk.post(WANTED, chosen)["Location"] == "/certificates/"


def test_the_list_offers_it_to_officers_only(desk: Client, at_home: Client, alice: User) -> None:
    hold(alice)
    button = f'formaction="{WANTED}"'
    assert button in desk.get("/certificates/").content.decode()
    assert button not in at_home.get("/certificates/").content.decode()
