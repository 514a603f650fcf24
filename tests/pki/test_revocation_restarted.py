"""kill -9 of web process and signer in a revocation: after both were started again every place that can be
asked (row, list, OCSP, door, trail) says the same. More places to die: test_revocation_killed.py."""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from django.db import connections
from pytest_django import Settings

from audit import trail
from audit.models import AuditEvent
from pki import authorities, builder, crl, issuance, revocation, standing, verification
from pki.errors import CertificateRejected
from pki.models import Certificate
from tests.pki.orders import order
from tests.pki.signer.process import Signer

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

# Where the web process is killed: a function, at which of its calls, and whether before or after it.
BEFORE_JOURNAL = ("pki.signer.client.revoke", 1, "before")
AFTER_JOURNAL = [
    ("pki.signer.client.revoke", 1, "after"),
    ("pki.revocation._record", 1, "before"),  # the row is written, and not committed
    ("pki.revocation._take_over", 1, "before"),
    ("pki.crl.publish", 1, "before"),
    ("pki.publication._sync_folder", 1, "before"),  # the list is in its place, what it knows is not noted
]
Place = tuple[str, int, str]


@pytest.fixture(scope="module")
def own_signer() -> Iterator[Signer]:
    """A signer that can be killed; nobody else's."""
    folder = Path(tempfile.mkdtemp(prefix="latchkey-killed-"))
    signer = Signer(folder)
    signer.start()
    yield signer
    if signer.process is not None:
        signer.stop()
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def household(own_signer: Signer, settings: Settings, tmp_path: Path) -> None:
    settings.SIGNER_SOCKET, settings.PUBLIC_DIR = own_signer.socket, tmp_path / "public"
    authorities.publish_certificates()
    for authority in ("clients", "servers", "devices"):
        crl.publish(authority)


def die(place: Place) -> None:
    """From now on this process kills itself at `place`."""
    dotted, call, when = place
    module_name, _, name = dotted.rpartition(".")
    module = import_module(module_name)
    real: Callable[..., Any] = getattr(module, name)
    calls = 0

    def deadly(*given: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        found = real(*given, **named)
        if calls == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    setattr(module, name, deadly)


def revoke_and_die(certificate: Certificate, reason: str, place: Place) -> None:
    """A process of its own, as a web process is one, that does not survive `place`."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            die(place)
            revocation.revoke(certificate, reason, by="alice", address="192.0.2.1")
        finally:
            os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL, f"{place} was never reached"


def restart(signer: Signer) -> None:
    """Both begin anew; housekeeping's first round repairs."""
    signer.stop(signal.SIGKILL)
    signer.start()
    revocation.catch_up()


def everywhere(certificate: Certificate) -> dict[str, str]:
    """What each place that somebody can ask says of it: the reason, or ""."""
    row = Certificate.objects.get(pk=certificate.pk)
    listed = x509.load_der_x509_crl(crl.published("clients"))
    entry = listed.get_revoked_certificate_by_serial_number(int(certificate.serial, 16))
    issuer = x509.load_der_x509_certificate(authorities.chain("clients")[0])
    found = standing.of("clients", int(certificate.serial, 16), bytes.fromhex(builder.key_id(issuer)))
    try:
        verification.verify(bytes(certificate.der))
        door = ""
    except CertificateRejected:
        door = row.reason
    lines = AuditEvent.objects.filter(action="certificate.revoked", target=str(certificate.pk))
    lines = lines.order_by("sequence")
    return {
        "row": row.reason if row.revoked_at else "",
        "list": reason_of(entry),
        "OCSP": row.reason if found and found.revoked_at else "",
        "door": door,
        "trail": ",".join(str(line.detail["reason"]) for line in lines),
    }


def reason_of(entry: x509.RevokedCertificate | None) -> str:
    return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value if entry else ""


def test_killed_before_the_journal_it_is_not_revoked_and_everything_says_so(own_signer: Signer) -> None:
    certificate = issuance.issue(order())
    revoke_and_die(certificate, "superseded", BEFORE_JOURNAL)
    restart(own_signer)
    assert set(everywhere(certificate).values()) == {""}
    revocation.revoke(certificate, "superseded", by="alice", address="")
    assert set(everywhere(certificate).values()) == {"superseded"}


@pytest.mark.parametrize("place", AFTER_JOURNAL, ids=lambda place: "-".join(map(str, place)))
def test_killed_after_the_journal_it_is_in_force_everywhere(own_signer: Signer, place: Place) -> None:
    certificate = issuance.issue(order())
    revoke_and_die(certificate, "keyCompromise", place)
    restart(own_signer)
    assert set(everywhere(certificate).values()) == {"keyCompromise"}
    assert trail.verify().broken_at is None


@pytest.mark.parametrize("place", AFTER_JOURNAL[::4], ids=lambda place: "-".join(map(str, place)))
def test_a_hold_made_final_and_killed_is_final_everywhere(own_signer: Signer, place: Place) -> None:
    certificate = issuance.issue(order())
    revocation.revoke(certificate, revocation.HOLD, by="alice", address="")
    revoke_and_die(certificate, "keyCompromise", place)
    restart(own_signer)
    found = everywhere(certificate)
    assert found.pop("trail") == "certificateHold,keyCompromise"
    assert set(found.values()) == {"keyCompromise"}
