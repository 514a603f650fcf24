"""The page where somebody makes a challenge for a program; and what officers see of devices and renewals."""

import hashlib
import re

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import User
from audit.models import AuditEvent
from enrollment import ra
from enrollment.models import CertificationRequest, EnrolmentChallenge, Kind
from tests.conftest import Browser, open_session
from tests.enrollment.acts import HERE

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_challenge_is_shown_once_with_the_lines_for_programs(at_home: Client, alice: User) -> None:
    page = at_home.post("/device/program", {"device": "printer in the attic"}).content.decode()
    (challenge,) = re.findall(r"<p class=\"secret\">([a-z2-9]{24})</p>", page)
    made = EnrolmentChallenge.objects.get()
    assert (made.owner, made.device, made.sha256) == (
        alice,
        "printer in the attic",
        hashlib.sha256(challenge.encode()).hexdigest(),
    )
    assert page.count(f"{settings.STATUS_URL}/scep/clients") >= 3
    assert "getcert request" in page and f"-L {challenge}" in page
    assert challenge not in str(list(AuditEvent.objects.values()))
    assert challenge not in at_home.get("/device/program").content.decode()


@pytest.mark.parametrize("device", ["", "x" * 65, "a\u202eb", "<script>alert(1)</script>" * 2 + "y" * 30])
def test_a_name_that_will_not_do_is_kept_and_explained(at_home: Client, device: str) -> None:
    answer = at_home.post("/device/program", {"device": device})
    assert answer.status_code == 422 and not EnrolmentChallenge.objects.exists()
    assert b"<script>alert" not in answer.content


def test_the_officer_approves_a_device_and_reads_that_it_has_no_key_yet(
    signer: object, browser: Browser, alice: User, bob: User
) -> None:
    asked = ra.ask_for_device(by=alice, address=HERE, device="phone")
    open_session(browser, bob)
    page = browser.get(f"/queue/{asked.pk}").content.decode()
    assert "the device makes its key within a week" in page and "Compare by phone" not in page
    typed = {"action": "approve", "common_name": asked.common_name, "days": "365"}
    done = browser.post(f"/queue/{asked.pk}/decide", typed, follow=True).content.decode()
    assert "The device comes for it within a week." in done
    asked.refresh_from_db()
    assert asked.status == "approved"
    assert browser.get("/queue/?status=approved").status_code == 200


def test_several_devices_are_approved_at_once(
    signer: object, browser: Browser, alice: User, bob: User
) -> None:
    made = [ra.ask_for_device(by=alice, address=HERE, device=f"phone {number}") for number in (1, 2)]
    open_session(browser, bob)
    chosen = [str(one.pk) for one in made]
    assert browser.post("/queue/batch", {"chosen": chosen}).status_code == 200
    page = browser.post("/queue/batch", {"chosen": chosen, "confirmed": "1"}).content.decode()
    assert page.count("Approved, waiting for the device") == 2
    assert CertificationRequest.objects.filter(kind=Kind.DEVICE, status="approved").count() == 2
