"""Which certificates are live ones of ours, and why the others are not."""

import hashlib
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from pytest_django import Settings

from pki import authorities, crl, issuance, revocation, verification
from pki.errors import CertificateRejected
from pki.models import Certificate
from pki.signer import client
from tests.pki.orders import order
from tests.portal.door_clients import CA, DAY, SERVER, foreign_ca, make_leaf

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def published(settings: Settings, tmp_path: Path, signer: Path) -> Path:
    """The authority's certificates and a list without lines, in a folder of the test's own."""
    settings.PUBLIC_DIR = tmp_path
    authorities.publish_certificates()
    crl.publish("clients")
    return tmp_path


@pytest.fixture
def clients(settings: Settings) -> CA:
    """The CA with its key, out of the tests' own signer."""
    folder = settings.SIGNER_DIR
    passphrase = (folder / "passphrase").read_bytes().strip()
    key = load_pem_private_key((folder / "clients/issuing.key").read_bytes(), passphrase)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return CA(x509.load_der_x509_certificate((folder / "clients/issuing.cer").read_bytes()), key)


def live() -> Certificate:
    return issuance.issue(order())


def known(leaf: x509.Certificate, **columns: object) -> bytes:
    """In the database, as if it had been issued; gives the DER."""
    der = leaf.public_bytes(Encoding.DER)
    values = {
        "request_id": uuid.uuid4(),
        "owner": str(uuid.uuid4()),
        "authority": "clients",
        "profile": "tls-client",
        "serial": f"{leaf.serial_number:x}",
        "fingerprint": hashlib.sha256(der).hexdigest(),
        "subject": "odd",
        "der": der,
        "not_before": leaf.not_valid_before_utc,
        "not_after": leaf.not_valid_after_utc,
    }
    Certificate.objects.create(**values | columns)
    return der


def why_not(der: bytes) -> str:
    with pytest.raises(CertificateRejected) as rejected:
        verification.verify(der)
    assert str(rejected.value).endswith(".")
    return rejected.value.code


def test_a_live_one_is_what_the_database_says() -> None:
    row = live()
    found = verification.verify(bytes(row.der))
    assert (found.id, found.owner, found.subject) == (row.pk, row.owner, row.subject)
    assert (found.fingerprint, found.serial, found.not_after) == (row.fingerprint, row.serial, row.not_after)


@pytest.mark.parametrize(
    ("reason", "code"), [("keyCompromise", "revoked"), ("unspecified", "revoked"), (revocation.HOLD, "hold")]
)
def test_revoked_or_on_hold_it_counts_no_more(reason: str, code: str) -> None:
    row = live()
    assert verification.verify(bytes(row.der))
    revocation.revoke(row, reason, by="bob", address="")
    assert why_not(bytes(row.der)) == code


def test_the_row_is_enough(published: Path) -> None:
    row = live()
    Certificate.objects.filter(pk=row.pk).update(revoked_at=row.not_before, reason="superseded")
    assert why_not(bytes(row.der)) == "revoked"


def test_the_list_is_enough(signer: Path) -> None:
    """After a restored backup the database may have forgotten it."""
    row = live()
    client.revoke(signer, "clients", row.serial, "keyCompromise", "bob")
    assert verification.verify(bytes(row.der))
    crl.publish("clients")
    assert why_not(bytes(row.der)) == "revoked"


def test_strangers_and_orphans_are_told_apart(clients: CA) -> None:
    assert why_not(b"") == "foreign"
    assert why_not(b"no certificate") == "foreign"
    for ca in (foreign_ca("Somebody"), foreign_ca("", clients.certificate)):
        assert why_not(make_leaf(ca, "x")[0].public_bytes(Encoding.DER)) == "foreign"
    assert why_not(make_leaf(clients, "x")[0].public_bytes(Encoding.DER)) == "orphan"


def test_of_what_the_database_knows_the_certificate_itself_must_fit(clients: CA) -> None:
    assert verification.verify(known(make_leaf(clients, "right")[0]))
    assert why_not(known(make_leaf(clients, "x", ekus=[])[0])) == "purpose"
    assert why_not(known(make_leaf(clients, "x", ekus=[SERVER])[0])) == "purpose"
    assert why_not(known(make_leaf(clients, "x", start=DAY, end=2 * DAY)[0])) == "validity"
    assert why_not(known(make_leaf(clients, "x", end=-timedelta(seconds=1))[0])) == "validity"
    assert why_not(known(make_leaf(foreign_ca("", clients.certificate), "x")[0])) == "signature"
    assert why_not(known(make_leaf(clients, "x")[0], profile="mqtt-client")) == "profile"
    assert why_not(known(make_leaf(clients, "x")[0], authority="devices")) == "profile"


@pytest.mark.parametrize("profile", ["tls-server", "mqtt-client", "mqtt-broker"])
def test_certificates_of_the_other_authorities_open_nothing(profile: str) -> None:
    device = f"device-{uuid.uuid4().hex[:8]}"  # a name has one owner
    assert why_not(bytes(issuance.issue(order(profile, common_name=device)).der)) == "profile"


@pytest.mark.parametrize(
    "name", ["crl/clients.crl", "crl/clients-root.crl", "ca/clients.cer", "ca/clients-root.cer"]
)
@pytest.mark.parametrize("data", [None, b"", b"0\x03garbled"])
def test_without_a_file_nobody_is_live_and_with_it_again_they_are(
    published: Path, name: str, data: bytes | None
) -> None:
    der, file = bytes(live().der), published / name
    before = file.read_bytes()
    file.unlink() if data is None else file.write_bytes(data)
    assert why_not(der) in ("list", "authority")
    file.write_bytes(before)
    assert verification.verify(der)


def test_lists_of_somebody_else_are_none(published: Path) -> None:
    der = bytes(live().der)
    (published / "crl/clients.crl").write_bytes(crl_of("servers"))
    assert why_not(der) == "list"


def test_with_a_ca_that_its_root_revoked_nobody_is_live(
    published: Path, clients: CA, settings: Settings
) -> None:
    der, folder = bytes(live().der), settings.SIGNER_DIR
    assert verification.verify(der)
    key = load_pem_private_key(
        (folder / "clients/root.key").read_bytes(), (folder / "passphrase").read_bytes().strip()
    )
    before = x509.load_der_x509_crl((published / "crl/clients-root.crl").read_bytes())
    entry = x509.RevokedCertificateBuilder().serial_number(clients.certificate.serial_number)
    made = x509.CertificateRevocationListBuilder().issuer_name(before.issuer)
    made = made.last_update(before.last_update_utc).next_update(before.next_update_utc)
    made = made.add_revoked_certificate(entry.revocation_date(before.last_update_utc).build())
    (published / "crl/clients-root.crl").write_bytes(
        made.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    )
    assert why_not(der) == "authority"


def crl_of(authority: str) -> bytes:
    crl.publish(authority)
    return crl.published(authority)


def test_a_list_that_is_over_or_not_yet_due_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    der = bytes(live().der)
    assert verification.verify(der)
    now = verification.time.time()
    for days in (-1, 8):
        monkeypatch.setattr(verification.time, "time", lambda days=days: now + days * 86400)
        assert why_not(der) == "list"


def test_a_list_is_read_once_for_each_version() -> None:
    first = verification.current()
    assert verification.current() is first
    crl.publish("clients")
    assert verification.current() is not first
