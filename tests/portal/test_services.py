"""The door's certificate for the broker: made through the funnel, kept apart, renewed in time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID
from pytest_django import Settings

from audit.models import AuditEvent
from door import broker_tls
from pki import authorities
from pki.errors import SignerUnavailable
from pki.models import Certificate
from portal import services

pytestmark = pytest.mark.django_db(transaction=True)

BROKER = {"host": "broker.home.arpa", "port": 8883, "tls": True, "user": "", "password": ""}


@pytest.fixture(autouse=True)
def none_yet(settings: Settings) -> None:
    settings.BROKER = BROKER
    broker_tls.certificate().unlink(missing_ok=True)


def present() -> x509.Certificate:
    found = services.present(services.DOOR)
    assert found is not None
    return found


def test_the_door_gets_one_that_says_who_it_is_and_can_nothing_else(signer: Path) -> None:
    assert services.renew_door() == "new certificate for the broker: there is none yet"
    leaf, data = present(), broker_tls.certificate().read_bytes()
    assert leaf.subject.rfc4514_string().startswith("CN=latchkey-door,")
    usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc < timedelta(days=91)
    assert load_pem_private_key(data, None).public_key() == leaf.public_key()
    assert (
        x509.load_pem_x509_certificates(data)[1].public_bytes(services.Encoding.DER)
        == authorities.chain("devices")[0]
    )
    assert broker_tls.certificate().stat().st_mode & 0o777 == 0o600
    assert Certificate.objects.get().owner == "service:door"


def test_each_new_one_is_audited(signer: Path) -> None:
    services.renew_door()
    event = AuditEvent.objects.get(action="service.issued")
    assert (event.target, event.detail["why"]) == ("door", "there is none yet")


def test_it_is_renewed_when_two_thirds_of_its_life_are_over(
    signer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.renew_door()
    assert services.renew_door() == ""

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> "Later":
            return cls.fromtimestamp((datetime.now(UTC) + timedelta(days=61)).timestamp(), UTC)

    before = present()
    monkeypatch.setattr(services, "datetime", Later)
    assert "two thirds" in services.renew_door()
    assert present() != before


def test_it_is_renewed_when_the_authority_is_another_one(
    signer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.renew_door()
    monkeypatch.setattr(services, "_issuing", lambda service: authorities.chain("clients")[0])
    assert services.why_due(services.DOOR, ()) == "the authority changed"


def test_a_broken_file_is_none(signer: Path) -> None:
    services.renew_door()
    broker_tls.certificate().write_bytes(b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n")
    assert "there is none yet" in services.renew_door()


def test_a_signer_that_is_down_leaves_the_old_one(signer: Path, settings: Settings) -> None:
    services.renew_door()
    before = present()
    settings.SIGNER_SOCKET = settings.DATA / "nobody.sock"
    Certificate.objects.update(revoked_at=before.not_valid_before_utc)
    with pytest.raises(SignerUnavailable):
        services.renew_door()
    assert present() == before


@pytest.mark.parametrize("broker", [None, {**BROKER, "tls": False}])
def test_without_tls_none_is_needed(settings: Settings, broker: dict[str, object] | None) -> None:
    settings.BROKER = broker
    assert services.renew_door() == ""
    assert services.present(services.DOOR) is None
