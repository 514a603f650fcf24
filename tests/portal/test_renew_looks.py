"""How renewing looks, at each step: phone and desk, day and night, English and German."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from enrollment.models import CertificationRequest
from pki import issuance, revocation
from pki.models import Certificate
from pki.signer import client
from portal import arrivals
from tests.conftest import make_csr
from tests.enrollment.acts import HERE, ask
from tests.pictures import ALL, faults_in
from tests.portal.test_renew import Past, _order, face, holder, old, past, sends, showing, successors
from tests.portal.test_renew_by_profile import IPHONE, begins

__all__ = ["face", "holder", "old", "past"]
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def page(certificate: Certificate, path: str, language: str, agent: str = "") -> str:
    headers = {"accept-language": language, "user-agent": agent}
    return showing(bytes(certificate.der)).get(path, headers=headers).content.decode()


@pytest.mark.parametrize(("language", "wanted"), [("en", ALL), ("de", ("phone-light", "desk-dark"))])
def test_every_step_can_be_used_and_read_everywhere(
    old: Certificate,
    past: Past,
    charlie: User,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    language: str,
    wanted: tuple[str, ...],
) -> None:
    monkeypatch.setattr(arrivals, "ENDS_SOON", timedelta(days=100))
    wanted_young = _order(f"alice's new phone {language}")
    young = issuance._store(wanted_young, client.issue(past.socket, wanted_young))
    pages = {"ending": page(old, "/", language), "early": page(young, "/renew", language)}
    pages["begin"] = page(old, "/renew", language)
    pages["begin-iphone"] = page(old, "/renew", language, IPHONE)
    pem = make_csr()
    ask(charlie, pem=pem)
    pages["refused"] = sends(old, pem).content.decode()
    begins(old)
    pages["profile"] = page(old, "/renew", language, IPHONE)
    socket, settings.SIGNER_SOCKET = settings.SIGNER_SOCKET, settings.DATA / "nobody.sock"
    sends(old)
    pages["waits"] = page(old, "/renew", language)
    CertificationRequest.objects.filter(predecessor=old).delete()
    settings.SIGNER_SOCKET = socket
    sends(old)
    pages["on-its-way"] = page(old, "/", language)
    pages["gone"] = page(old, "/renew", language)  # another browser: its key is not there
    CertificationRequest.objects.update(challenge_sha256="0")
    pages["made-by-device"] = page(old, "/renew", language)
    made = CertificationRequest.objects.select_related("certificate").get(predecessor=old).certificate
    assert made is not None
    revocation.revoke(made, "keyCompromise", by="bob", address=HERE)
    pages["dead"] = page(old, "/renew", language)
    assert successors(old) == ["issued"]
    assert made.not_after > timezone.now()
    assert not faults_in({f"renew-{name}-{language}": html for name, html in pages.items()}, wanted)
