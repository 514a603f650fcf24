"""Renewing with the same key: only one's own, only a key that its owner brought, and never a spoiled one."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from enrollment import anew, ra, same_key
from enrollment.models import CertificationRequest, Kind, Status
from pki.models import Certificate
from tests.conftest import Browser, make_csr, open_session
from tests.enrollment.acts import HERE, ask, hold

pytestmark = pytest.mark.usefixtures("no_signer")


def again(certificate: Certificate, by: User) -> CertificationRequest:
    return same_key.ask(certificate, by=by, address=HERE)


def before(certificate: Certificate) -> CertificationRequest:
    return CertificationRequest.objects.get(certificate=certificate)


def test_everything_but_the_dates_is_asked_for_again(alice: User) -> None:
    old = hold(alice, profile="tls-server")
    Certificate.objects.filter(pk=old.pk).update(subject="as the officer named it")
    old.refresh_from_db()
    made, first = again(old, alice), before(old)
    assert (made.status, made.kind, made.predecessor_id) == (Status.PENDING, Kind.CSR, old.pk)
    assert made.keeps_key and bytes(made.csr) == bytes(first.csr)
    assert (made.device, made.profile, made.sans) == (first.device, first.profile, first.sans)
    assert made.common_name == "as the officer named it"


def test_it_is_asked_once(alice: User) -> None:
    old = hold(alice)
    made = again(old, alice)
    with pytest.raises(ra.Refused, match="being renewed already"):
        again(old, alice)
    CertificationRequest.objects.filter(pk=made.pk).update(predecessor=None)  # as if it came at this moment
    with pytest.raises(ra.Refused, match="asked for this key already"):
        again(old, alice)
    ra.withdraw(request=made, by=alice, address=HERE)
    assert again(old, alice).pk != made.pk


def test_somebody_elses_is_refused(alice: User, charlie: User) -> None:
    with pytest.raises(ra.Refused, match="somebody else's"):
        again(hold(alice), charlie)


@pytest.mark.parametrize(
    "fields",
    [
        {"lapses_at": timezone.now()},  # a page made the key
        {"kind": Kind.DEVICE, "csr": b""},
        {"kind": Kind.RENEWAL},
    ],
)
def test_a_key_that_is_ours_or_the_devices_is_refused(alice: User, fields: dict[str, object]) -> None:
    old = hold(alice)
    CertificationRequest.objects.filter(certificate=old).update(**fields)
    assert not same_key.possible(before(old))
    with pytest.raises(ra.Refused, match="made for this one certificate"):
        again(old, alice)


def test_one_whose_request_is_gone_is_refused(alice: User) -> None:
    old = hold(alice)
    CertificationRequest.objects.filter(certificate=old).update(certificate=None)
    with pytest.raises(ra.Refused, match="made for this one certificate"):
        again(old, alice)


@pytest.mark.parametrize(
    "fields",
    [
        {"revoked_at": timezone.now(), "reason": "superseded"},
        {"revoked_at": timezone.now(), "reason": "certificateHold"},
        {"revoked_at": timezone.now(), "reason": "keyCompromise"},
        {"not_after": timezone.now() - timedelta(days=1)},
    ],
)
def test_what_counts_no_more_is_refused(alice: User, fields: dict[str, object]) -> None:
    with pytest.raises(ra.Refused, match="counts no more"):
        again(hold(alice, **fields), alice)


def test_a_key_that_was_compromised_elsewhere_is_refused(alice: User) -> None:
    key = make_csr()
    gone = hold(alice, key)
    Certificate.objects.filter(pk=gone.pk).update(revoked_at=timezone.now(), reason="superseded")
    old = hold(alice, key)
    Certificate.objects.filter(pk=gone.pk).update(reason="keyCompromise")
    with pytest.raises(ra.Refused, match="nobody can use it again"):
        again(old, alice)


def test_only_the_predecessor_may_be_live_with_this_key(alice: User) -> None:
    key = make_csr()
    other = hold(alice, key, not_after=timezone.now())
    old = hold(alice, key)
    Certificate.objects.filter(pk=other.pk).update(not_after=timezone.now() + timedelta(days=5))
    with pytest.raises(ra.Refused, match="live certificate for this key"):
        again(old, alice)
    with pytest.raises(ra.Refused, match="live certificate for this key"):
        ask(alice, pem=key)


def test_a_request_that_is_not_accepted_today_is_refused(alice: User) -> None:
    old = hold(alice)
    CertificationRequest.objects.filter(certificate=old).update(csr=b"none")
    with pytest.raises(ra.Refused, match="not be accepted today") as caught:
        again(old, alice)
    assert "new key" in caught.value.remedy


def test_twenty_that_wait_are_enough_here_too(alice: User) -> None:
    old = hold(alice)
    for number in range(20):
        ask(alice, f"phone {number}")
    with pytest.raises(ra.Refused, match="wait already"):
        again(old, alice)


def test_the_page_offers_it_where_the_key_came_with_a_request(at_home: Client, alice: User) -> None:
    nas, phone = hold(alice, profile="tls-server"), hold(alice)
    CertificationRequest.objects.filter(certificate=phone).update(lapses_at=timezone.now())
    page = at_home.get(f"/certificates/{nas.pk}/renew").content.decode()
    assert "Ask again with the same key" in page and "A new key is better" in page
    assert (
        "Ask again with the same key" not in at_home.get(f"/certificates/{phone.pk}/renew").content.decode()
    )
    answer = at_home.post(f"/certificates/{phone.pk}/renew", {"key": "same"})
    assert answer.status_code == 422 and "Renew it with a new key." in answer.content.decode()


def test_the_button_asks_and_leads_to_the_request_once(at_home: Client, alice: User, charlie: User) -> None:
    path = f"/certificates/{hold(alice).pk}/renew"
    assert open_session(Browser(), charlie).post(path, {"key": "same"}).status_code == 404
    first, second = (at_home.post(path, {"key": "same"})["Location"] for _ in range(2))
    made = CertificationRequest.objects.get(status=Status.PENDING)
    assert first == second == f"/requests/{made.pk}"


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ("tls-client", "by SCEP"),
        ("tls-server", "there is no way to do so yet"),
        ("mqtt-broker", "An officer, each time"),
    ],
)
def test_the_page_says_who_must_look(at_home: Client, alice: User, profile: str, words: str) -> None:
    assert words in at_home.get(f"/certificates/{hold(alice, profile=profile).pk}/renew").content.decode()


def test_the_officer_reads_that_the_key_stays_and_what_changes(alice: User, bob: User) -> None:
    old = hold(alice)
    made, desk = again(old, alice), open_session(Browser(), bob)
    page = desk.get(f"/queue/{made.pk}").content.decode()
    assert "The key stays the same: whoever copied it" in page
    assert "Until when: about" in page and f"/certificates/{old.pk}" in page
    assert "same common name" not in page and "was sent before" not in page
    assert ", same key" in desk.get("/queue/").content.decode()


@pytest.mark.parametrize("reason", ["cessationOfOperation", "superseded", "certificateHold"])
def test_what_was_revoked_while_it_waits_gives_its_key_no_new_life(
    alice: User, bob: User, reason: str
) -> None:
    old = hold(alice)
    made, desk = again(old, alice), open_session(Browser(), bob)
    Certificate.objects.filter(pk=old.pk).update(revoked_at=timezone.now(), reason=reason)
    made = CertificationRequest.objects.get(pk=made.pk)
    with pytest.raises(ra.Refused, match="revoked meanwhile"):
        ra.approve(request=made, by=bob, address=HERE)
    assert "revoked meanwhile, or put on hold" in desk.get(f"/queue/{made.pk}").content.decode()
    assert (
        "Left out: What it renews was revoked"
        in desk.post("/queue/batch", {"chosen": str(made.pk)}).content.decode()
    )
    assert ra.reject(request=made, by=bob, address=HERE, reason="gone").status == Status.REJECTED


def test_of_a_new_key_and_the_same_one_the_second_is_not_approved(alice: User, bob: User) -> None:
    old = hold(alice)
    made, fresh = again(old, alice), ask(alice, "fresh")
    CertificationRequest.objects.filter(pk=fresh.pk).update(predecessor=old, status=Status.APPROVED)
    with pytest.raises(ra.Refused, match="renewed otherwise"):
        ra.approve(request=made, by=bob, address=HERE)


def test_the_queue_finds_renewals_ticks_them_and_says_what_they_replace(alice: User, bob: User) -> None:
    plain, same = ask(alice, "plain"), again(hold(alice), alice)
    fresh, old = ask(alice, "fresh"), hold(alice)
    CertificationRequest.objects.filter(pk=fresh.pk).update(predecessor=old)
    desk = open_session(Browser(), bob)
    found = desk.get("/queue/?renewals=1")
    assert [row.pk for row in found.context["page"].rows] == [same.pk, fresh.pk]
    page = desk.get(found.context["tick"] and "/queue/" + found.context["tick"]).content.decode()
    assert page.count(" checked aria") == 2 and ", new key" in page
    assert " checked aria" not in desk.get("/queue/?tick=1").content.decode()
    shown = desk.post("/queue/batch", {"chosen": [str(one.pk) for one in (plain, same, fresh)]})
    assert shown.content.decode().count("Renews <a") == 2


def test_what_may_be_renewed_knows_how_it_came(alice: User) -> None:
    found = before(hold(alice))
    assert not anew.by_device(found) and not anew.by_program(found) and not anew.by_device(None)
    found.kind = Kind.RENEWAL
    assert anew.by_program(found) and not anew.by_device(found)
    found.challenge_sha256 = "00"
    assert anew.by_device(found) and not anew.by_program(found)
