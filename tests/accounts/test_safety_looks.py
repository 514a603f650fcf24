"""The pages about sessions, networks and forgetting in Chromium: they fit, the thumb hits, axe is content."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts import household
from accounts.models import Household, User
from tests.accounts.test_signins import FIREFOX, SAFARI, at_home
from tests.conftest import Browser
from tests.pictures import faults_in

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

LAN = "192.168.7.0/24"


def of(page: Client, path: str, **post: str) -> str:
    answer = page.post(path, post, follow=True) if post else page.get(path, follow=True)
    return answer.content.decode()


@pytest.fixture
def pages(alice: User, bob: User, dora: User, sign_in: Callable, forget_codes: Callable) -> dict[str, str]:
    html = {"safety-not-me-stranger": of(Browser(), "/not-me")}
    computer = at_home(alice, FIREFOX)
    for agent, address in ((SAFARI, "2001:db8:85a3:8d3:1319:8a2e:370:7348"), (FIREFOX, "203.0.113.80")):
        forget_codes(alice)
        last = at_home(alice, agent, address)
    last.post("/logout")
    html["safety-sessions"] = of(computer, "/account/sessions")
    User.objects.filter(pk=alice.pk).update(language="de")
    html["safety-sessions-de"] = of(computer, "/account/sessions")
    html["safety-not-me"] = of(computer, "/not-me")
    officer = sign_in(Browser(), bob, fresh=False)
    html["safety-person"] = of(officer, f"/people/{alice.pk}")
    html["safety-person-sessions"] = of(officer, f"/people/{alice.pk}/sessions")
    administrator = sign_in(Browser(REMOTE_ADDR="127.0.0.1"), dora, fresh=False)
    html["safety-household"] = of(administrator, "/household")
    wrong = {"name": "Ours", "time_zone": "UTC", "portal_networks": "192.168.7.1/24", "officer_networks": LAN}
    html["safety-household-wrong"] = of(administrator, "/household", **wrong)
    User.objects.filter(pk=dora.pk).update(language="de")
    household.current()
    Household.objects.update(officer_networks=[LAN])
    html["safety-elsewhere-de"] = of(administrator, "/household")
    html["safety-home-withheld"] = of(officer, "/")
    Household.objects.update(officer_networks=[], portal_networks=["127.0.0.0/8", LAN])
    html["safety-household-de"] = of(administrator, "/household")
    html["safety-outside"] = of(Browser(REMOTE_ADDR="203.0.113.9"), "/")
    return html


def test_the_pages_fit_the_window_the_thumb_and_the_rules_of_axe(pages: dict[str, str]) -> None:
    faults = faults_in(pages, ("phone-light", "desk-dark"))
    assert not faults, "\n".join(faults)
