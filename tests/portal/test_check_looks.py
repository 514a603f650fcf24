"""How the check face and the help on devices look: phone and desk, day and night, English and German."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.utils import timezone

from accounts.models import User
from enrollment import seen
from enrollment.models import CertificationRequest
from pki import revocation
from tests.conftest import Browser, open_session
from tests.pictures import ALL, faults_in
from tests.portal.test_check import AGENTS, HERE, der, look, published, request_, stranger

__all__ = ["der", "look", "published", "request_"]

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("language", "wanted"), [("en", ALL), ("de", ("phone-light", "desk-dark"))])
def test_the_check_face_can_be_used_and_read_everywhere(
    look: Callable[..., HttpResponse],
    der: bytes,
    request_: CertificationRequest,
    bob: User,
    language: str,
    wanted: tuple[str, ...],
) -> None:
    pages = {"live": look(der, language=language), "foreign": look(stranger("W" * 64), language=language)}
    for agent, name in (
        (list(AGENTS)[0], "iphone"),
        (list(AGENTS)[3], "android"),
        (list(AGENTS)[11], "firefox"),
    ):
        pages[f"none-{name}"] = look(None, language=language, agent=agent)
    pages["nothing"] = look(None, "/nowhere", language=language)
    assert request_.certificate is not None
    revocation.revoke(request_.certificate, "keyCompromise", by=bob.username, address=HERE)
    pages["revoked"] = look(der, language=language)
    shown = {f"check-{name}-{language}": answer.content.decode() for name, answer in pages.items()}
    assert not faults_in(shown, wanted)


def test_the_help_on_devices_and_the_tick_can_be_used_and_read_everywhere(
    request_: CertificationRequest, alice: User, bob: User
) -> None:
    assert request_.certificate is not None
    seen.note(request_.certificate.pk, address=HERE, at=timezone.now() - timedelta(minutes=3))
    pages = {
        "help-devices": open_session(Browser(), alice).get("/help/devices"),
        "seen-request": open_session(Browser(), alice).get(f"/requests/{request_.pk}"),
        "seen-review": open_session(Browser(), bob).get(f"/queue/{request_.pk}"),
    }
    assert not faults_in({name: answer.content.decode() for name, answer in pages.items()})
