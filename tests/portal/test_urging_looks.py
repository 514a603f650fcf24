"""The pages by which certificates are renewed, alone and many at once, in real Chromium."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from enrollment import ra, same_key
from enrollment.models import CertificationRequest
from pki.models import Certificate
from tests.conftest import Browser, open_session
from tests.enrollment.acts import HERE, ask, thing
from tests.pictures import faults_in

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("signer")]


@pytest.fixture
def made(alice: User, charlie: User, bob: User) -> list[Certificate]:
    """A web server, a phone with a page's key, one that a program renews, one revoked, two of charlie's."""
    names = ("tls-server", ("nas.home.arpa", "192.168.1.9")), *((("tls-client", ()),) * 3)
    requests = [ask(alice, thing(), profile, sans=sans) for profile, sans in names]
    requests += [ask(charlie, thing()), ask(charlie, thing())]
    found = [ra.approve(request=one, by=bob, address=HERE).certificate for one in requests]
    known = [one for one in found if one]
    CertificationRequest.objects.filter(certificate=known[1]).update(lapses_at=timezone.now())
    CertificationRequest.objects.filter(certificate=known[2]).update(kind="renewal")
    ra.revoke(request=requests[3], by=alice, address=HERE, reason="superseded")
    soon = {
        "not_before": timezone.now() - timedelta(days=350),
        "not_after": timezone.now() + timedelta(days=12),
    }
    Certificate.objects.filter(pk=known[4].pk).update(**soon)
    return list(Certificate.objects.filter(pk__in=[one.pk for one in known]).order_by("issued_at"))


def test_the_pages_look_right(made: list[Certificate], alice: User, charlie: User, bob: User) -> None:
    home, desk = open_session(Browser(), alice), open_session(Browser(), bob)
    nas, page_made = made[0], made[1]
    same = same_key.ask(made[5], by=charlie, address=HERE)
    chosen = {"chosen": [str(one.pk) for one in made]}
    pages = {
        "key-ours": home.get(f"/certificates/{page_made.pk}/renew"),
        "key-theirs": home.get(f"/certificates/{nas.pk}/renew"),
        "key-refused": home.post(f"/certificates/{page_made.pk}/renew", {"key": "same"}),
        "urge": desk.post("/certificates/renew", chosen),
        "urge-nothing": desk.post("/certificates/renew", {"chosen": str(made[3].pk)}),
        "urged": desk.post("/certificates/renew", {**chosen, "confirmed": "1"}),
        "list": desk.get("/certificates/"),
        "home": home.get("/"),
        "one": home.get(f"/certificates/{nas.pk}"),
        "one-officer": desk.get(f"/certificates/{nas.pk}"),
        "review": desk.get(f"/queue/{same.pk}"),
        "queue": desk.get("/queue/?renewals=1&tick=1"),
        "batch": desk.post("/queue/batch", {"chosen": str(same.pk)}),
    }
    taken = ra.approve(request=same, by=bob, address=HERE)
    pages["taken"] = open_session(Browser(), charlie).get(f"/requests/{taken.pk}")
    html = {f"renewing-{name}": answer.content.decode() for name, answer in pages.items()}
    html["renewing-key-theirs-open"] = html["renewing-key-theirs"].replace(
        '<details class="more">', '<details class="more" open>'
    )
    assert faults_in(html, ("phone-light", "desk-dark")) == []
