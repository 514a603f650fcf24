"""The pages about certificates in real Chromium: nothing sideways, nothing too small for a thumb."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from enrollment import ra, revoking, seen
from pki.models import Certificate, ListFetch
from tests.conftest import Browser, open_session
from tests.door.acts import practice_door
from tests.enrollment.acts import HERE, ask, thing
from tests.pictures import SITE, chromium, faults_in, looks, picture, serve
from tests.portal.test_certificate_lists import certificate

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("signer")]


@pytest.fixture
def phone(alice: User, charlie: User, bob: User) -> Certificate:
    """A live one, seen; beside it one on hold, one revoked, one that ends soon; and who reads the list."""
    made = [
        ra.approve(request=ask(owner, thing()), by=bob, address=HERE).certificate
        for owner in (alice, alice, alice, charlie)
    ]
    live, held, gone, ending = [found for found in made if found]
    revoking.revoke(held, by=bob, address=HERE, reason="certificateHold")
    revoking.revoke(gone, by=alice, address=HERE, reason="keyCompromise")
    Certificate.objects.filter(pk=ending.pk).update(not_after=timezone.now() + timedelta(days=12))
    seen.note(live.pk, address="192.0.2.44", at=timezone.now() - timedelta(hours=3))
    practice_door()
    now = timezone.now()
    for address, name, minutes, number in (
        ("192.0.2.10", "The broker at home", 2, "9" * 19),
        ("192.0.2.11", "The website", 90, "1"),
        ("2001:db8::7", "", 30, "1"),
    ):
        moment = now - timedelta(minutes=minutes)
        ListFetch.objects.create(
            address=address,
            name=name,
            program="curl/7.88.1",
            authority="clients",
            number=number,
            since=moment,
            last_at=moment,
        )
    return live


def test_the_pages_look_right(phone: Certificate, alice: User, bob: User) -> None:
    home, desk = open_session(Browser(), alice), open_session(Browser(), bob)
    own = list(Certificate.objects.filter(owner=str(alice.pk)))
    gone = next(found for found in own if found.reason == "keyCompromise")
    held = next(found for found in own if found.reason == "certificateHold")
    everything = [str(found.pk) for found in Certificate.objects.all()]
    stale = open_session(Browser(), alice, fresh=False)
    pages = {
        "mine": home.get("/certificates/?state=any"),
        "none": open_session(Browser(), alice).get("/certificates/?q=nothing"),
        "all": desk.get("/certificates/?state=any"),
        "timeline": desk.get("/certificates/timeline"),
        "timeline-weeks": desk.get("/certificates/timeline?by=week"),
        "one": home.get(f"/certificates/{phone.pk}"),
        "one-held": desk.get(f"/certificates/{held.pk}"),
        "revoke": stale.get(f"/certificates/revoke?c={phone.pk}"),
        "revoke-errors": stale.post(
            "/certificates/revoke", {"chosen": phone.pk, "confirmed": 1, "since": "x"}
        ),
        "revoke-several": desk.post("/certificates/revoke", {"chosen": everything}),
        "done": desk.get(f"/certificates/revoked?c={gone.pk}"),
        "release": desk.get(f"/certificates/{held.pk}/release"),
        "readers": desk.get("/certificates/readers"),
        "renew": home.get(f"/certificates/{phone.pk}/renew"),
        "paper": home.get(f"/certificates/{phone.pk}/paper"),
        "slip": home.post(f"/certificates/{phone.pk}/paper", follow=True),
        "lost": Browser().get("/lost"),
    }
    code = pages["slip"].context["code"]
    pages["lost-confirm"] = Browser().post("/lost", {"code": code})
    pages["lost-errors"] = Browser().post("/lost", {"code": "wrong"})
    pages["lost-done"] = Browser().post("/lost", {"code": code, "confirmed": "1"})
    html = {f"certificate-{name}": answer.content.decode() for name, answer in pages.items()}
    assert faults_in(html, ("phone-dark", "desk-light")) == []


def test_the_timeline_fits_a_phone(alice: User) -> None:
    """The commonest household has one bar, a year from now: it is seen at once, in letters to read."""
    certificate(alice, "alice's phone", 360)
    pages = {"timeline": open_session(Browser(), alice).get("/certificates/timeline").content.decode()}
    with chromium() as browser:
        for look, page in looks(browser, ("phone-light", "desk-dark")):
            serve(page, pages)
            page.goto(f"{SITE}/timeline")
            picture(page, f"timeline-own-{look}")
            drawn = page.locator(".timeline rect, .timeline text")
            places = drawn.evaluate_all("found => found.map(e => e.getBoundingClientRect().toJSON())")
            assert len(places) > 13
            width = page.evaluate("innerWidth")
            assert all(place["left"] >= 0 and place["right"] <= width for place in places)
            size = "e => parseFloat(getComputedStyle(e).fontSize) * e.getScreenCTM().a"
            assert page.locator(".timeline text").first.evaluate(size) >= 11
