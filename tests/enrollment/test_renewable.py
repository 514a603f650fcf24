"""What ends soon is offered to be renewed, on every page about it, until its holder has begun."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from enrollment import ra, renewing, states
from enrollment.models import CertificationRequest, Kind, Status
from portal.templatetags.latchkey import in_days
from tests.conftest import Browser, open_session
from tests.enrollment.acts import HERE, ask
from tests.pictures import faults_in


@pytest.fixture
def ending(signer: object, alice: User, bob: User) -> CertificationRequest:
    """Issued almost a year ago, as far as the database knows."""
    request = ra.approve(request=ask(alice), by=bob, address=HERE)
    assert request.certificate is not None
    request.certificate.not_before = timezone.now() - timedelta(days=353)
    request.certificate.not_after = timezone.now() + timedelta(days=12)
    request.certificate.save()
    return request


def pages(user: User, request: CertificationRequest) -> list[str]:
    browser = open_session(Browser(), user)
    found = ("/requests/", f"/requests/{request.pk}", "/device")
    return [browser.get(path).content.decode() for path in found]


def begin(request: CertificationRequest, status: Status) -> None:
    CertificationRequest.objects.create(
        owner=request.owner,
        kind=Kind.RENEWAL,
        predecessor=request.certificate,
        status=status,
        profile=request.profile,
        days=1,
        csr=b"",
    )


def offers(user: User, request: CertificationRequest, url: str) -> list[bool]:
    return [f'href="{url}/renew"' in page for page in pages(user, request)]


def test_the_word_counts_days_as_the_date_beside_it_does(ending: CertificationRequest) -> None:
    """It ends a few hours before twelve whole days are over; the page says "in 12 days" beside it."""
    assert ending.certificate is not None
    ending.certificate.not_after -= timedelta(minutes=1)
    word = states.of_certificate(ending.certificate).word
    assert word.removeprefix("Ends ") == in_days(ending.certificate.not_after)


def test_list_request_and_device_page_lead_to_the_check_face(
    ending: CertificationRequest, alice: User, settings: Settings
) -> None:
    assert all(offers(alice, ending, settings.CHECK_URL))
    assert all("an officer decides" in page for page in pages(alice, ending)[1:])


@pytest.mark.parametrize(("status", "offered"), [(Status.ISSUED, False), (Status.REJECTED, True)])
def test_what_is_begun_is_not_offered_again(
    ending: CertificationRequest, alice: User, settings: Settings, status: Status, offered: bool
) -> None:
    begin(ending, status)
    assert offers(alice, ending, settings.CHECK_URL) == [offered] * 3


def test_a_young_or_dead_one_is_not_offered(
    ending: CertificationRequest, alice: User, settings: Settings
) -> None:
    certificate = ending.certificate
    assert certificate is not None
    certificate.not_before = timezone.now() - timedelta(days=1)  # made for a guest
    certificate.save()
    assert not any(offers(alice, ending, settings.CHECK_URL))
    certificate.not_before = timezone.now() - timedelta(days=353)
    certificate.revoked_at = timezone.now()
    certificate.save()
    assert not any(offers(alice, ending, settings.CHECK_URL))


def test_nobody_is_offered_somebody_elses(ending: CertificationRequest, alice: User, charlie: User) -> None:
    assert renewing.ending_of(alice) == [ending.certificate]
    assert not renewing.ending_of(charlie)


@pytest.mark.slow
def test_the_pages_that_offer_it_can_be_used_and_read_everywhere(
    ending: CertificationRequest, alice: User
) -> None:
    shown = zip(("list", "request", "device"), pages(alice, ending), strict=True)
    assert not faults_in({f"renewable-{name}": page for name, page in shown})
