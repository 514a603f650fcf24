"""Duties that come round: each guarded, safe twice at once."""

import fcntl
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.models import User
from accounts.session_store import SessionStore, row_of
from audit import trail
from enrollment import ra
from enrollment.models import CertificationRequest, Status
from pki import crl, csr
from pki.errors import SignerUnavailable
from pki.models import Certificate
from portal import housekeeping, linting, services, tls
from portal.housekeeping import Step, tidy
from tests.conftest import make_csr
from tests.portal.running import manage, up, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def clean(settings: object) -> None:
    """No trace of an earlier test in the folder."""
    for path in (housekeeping._file(), tls.pem()):
        path.unlink(missing_ok=True)


def step(name: str) -> Step:
    return next(found for found in housekeeping.STEPS if found.name == name)


def fails() -> str:
    raise RuntimeError("on purpose")


def test_a_step_that_fails_stops_no_other_and_is_remembered() -> None:
    done: list[str] = []
    steps = [
        Step("first", 1, fails),
        Step("second", 1, lambda: done.append("x") or ""),
    ]
    assert tidy(steps) == {"first": "RuntimeError: on purpose", "second": ""}
    assert done == ["x"]
    at, noted = housekeeping.last()
    assert at is not None
    assert noted == {"first": "RuntimeError: on purpose", "second": ""}
    tidy([Step("first", 1, lambda: "")])
    assert housekeeping.last()[1] == {"first": "", "second": ""}


def test_of_two_at_once_the_second_does_nothing() -> None:
    with (settings.WEB_DIR / "housekeeping.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert tidy([Step("first", 1, fails)]) == {}


def test_a_damaged_note_is_no_trouble() -> None:
    housekeeping._file().write_text("{")
    assert housekeeping.last() == (None, {})


def test_what_was_approved_without_a_signer_is_issued_once_it_is_back(
    signer: Path, alice: User, bob: User, settings: object
) -> None:
    there = settings.SIGNER_SOCKET
    settings.SIGNER_SOCKET = settings.DATA / "nobody.sock"
    request = ra.submit(
        by=alice, address="", csr=csr.parse(make_csr()), profile="tls-client", device="phone", sans=[]
    )
    assert ra.approve(request=request, by=bob, address="").status == Status.APPROVED
    settings.SIGNER_SOCKET = there
    assert tidy([step("requests")]) == {"requests": ""}
    request.refresh_from_db()
    assert request.status == Status.ISSUED


def test_what_waited_too_long_lapses(alice: User) -> None:
    request = ra.submit(
        by=alice, address="", csr=csr.parse(make_csr()), profile="tls-client", device="phone", sans=[]
    )
    long_ago = timezone.now() - timedelta(days=40)
    CertificationRequest.objects.filter(pk=request.pk).update(created_at=long_ago)
    tidy([step("requests")])
    request.refresh_from_db()
    assert request.status == Status.LAPSED


def test_crls_are_made_when_missing_and_left_alone_while_fresh(signer: Path) -> None:
    crl.path("devices").unlink(missing_ok=True)
    assert tidy([step("revocation lists")]) == {"revocation lists": ""}
    first = crl.published("devices")
    assert not housekeeping.crl_is_old("devices")
    tidy([step("revocation lists")])
    assert crl.published("devices") == first
    assert trail.contains(crl.current("devices").audit_head or "")


def test_a_crl_a_day_old_or_broken_is_made_anew(signer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tidy([step("revocation lists")])
    monkeypatch.setattr(crl, "AGE", timedelta(0))
    assert housekeeping.crl_is_old("devices")
    before = x509.load_der_x509_crl(crl.published("devices"))
    tidy([step("revocation lists")])
    after = x509.load_der_x509_crl(crl.published("devices"))
    assert after.last_update_utc > before.last_update_utc
    crl.path("clients-root").write_bytes(b"broken")
    assert housekeeping.crl_is_old("clients")


def test_the_server_certificate_is_made_kept_and_renewed_at_two_thirds(
    signer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "there is none yet" in services.renew_portal()
    assert tls.pem().stat().st_mode & 0o777 == 0o600
    leaf = tls.served()
    assert leaf is not None
    assert services.covered(leaf) >= {"dns:portal.home.arpa", "ip:192.168.7.7"}
    assert services.renew_portal() == ""

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> "Later":
            return cls.fromtimestamp((datetime.now(UTC) + timedelta(days=61)).timestamp(), UTC)

    monkeypatch.setattr(services, "datetime", Later)
    assert "two thirds" in services.why_due(services.PORTAL, tls.wanted())
    assert "two thirds" in services.renew_portal()


def test_a_signer_that_is_down_leaves_the_old_server_certificate(signer: Path, settings: object) -> None:
    services.renew_portal()
    before = tls.served()
    settings.HOSTS = [*settings.HOSTS, "192.168.7.99"]
    settings.SIGNER_SOCKET = settings.DATA / "nobody.sock"
    with pytest.raises(SignerUnavailable):
        services.renew_portal()
    assert tls.served() == before


def test_hosts_outside_the_constraints_and_no_hosts_at_all_are_left_out(signer: Path) -> None:
    permitted = ("dns:home.arpa", "dns:local", "ip:192.168.0.0/16")
    hosts = ["nas.home.arpa", "bank.example", "192.168.1.2", "8.8.8.8", "my_machine"]
    inside, outside = tls.sort_hosts(hosts, permitted)
    assert inside == ("dns:nas.home.arpa", "ip:192.168.1.2")
    assert outside == ("bank.example", "8.8.8.8", "my_machine")
    assert "bank.example, 8.8.8.8" in tls.advice(outside)


def test_old_sessions_go(alice: User) -> None:
    for days in (-1, 1):
        store = SessionStore()
        store["x"] = 1
        store.save()
        ends = timezone.now() + timedelta(days=days)
        Session.objects.filter(pk=row_of(store.session_key or "")).update(expire_date=ends)
    tidy([step("sessions")])
    assert Session.objects.count() == 1


def test_little_room_stands_on_the_status_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping.checks, "LITTLE_ROOM", 2**62)
    assert "are free for the data folder" in tidy([step("room on the disk")])["room on the disk"]


@pytest.mark.slow
def test_pkilint_looks_once_at_everything_that_was_issued(signer: Path) -> None:
    services.renew_portal()
    assert linting.lint_some() == "1 certificates linted"
    assert set(Certificate.objects.values_list("linted_with", flat=True)) == {linting.RELEASE}
    assert linting.lint_some() == ""
    Certificate.objects.update(linted_with="0.1 of long ago")
    assert linting.unseen().count() == 1


def test_what_pkilint_dislikes_is_remembered_and_blocks_no_other(
    signer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.renew_portal()
    tls.pem().unlink()
    services.renew_portal()
    bad = Certificate.objects.order_by("pk")[0]

    def dislikes(documents: list[bytes]) -> list[str]:
        return ["pkix.something"] if linting.authorities.pem(bytes(bad.der)) in documents else []

    monkeypatch.setattr(linting.lint, "thorough", dislikes)
    for _ in range(2):
        with pytest.raises(linting.Findings, match=bad.serial):
            linting.lint_some()
    assert not linting.unseen().exists()
    assert Certificate.objects.filter(linted_with=linting.RELEASE).count() == 1


@pytest.mark.slow
def test_pkilint_looks_once_at_the_authorities_themselves(signer: Path) -> None:
    linting._clean.clear()
    assert linting.lint_authorities() == "6 certificates of authorities linted"
    assert linting.lint_authorities() == ""


def test_what_pkilint_dislikes_in_an_authority_is_said_until_it_is_gone(
    signer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linting._clean.clear()
    monkeypatch.setattr(linting.lint, "thorough", lambda documents: ["pkix.something"])
    for _ in range(2):
        with pytest.raises(linting.Findings, match="pkix.something"):
            linting.lint_authorities()


def test_the_note_is_not_written_again_and_again() -> None:
    tidy([Step("first", 1, lambda: "")])
    before = os.stat(housekeeping._file()).st_mtime_ns
    tidy([Step("first", 1, lambda: "")])
    assert os.stat(housekeeping._file()).st_mtime_ns == before
    assert json.loads(housekeeping._file().read_text())["steps"] == {"first": ""}


def test_each_step_is_noted_with_its_time_also_when_the_note_waits() -> None:
    tidy([Step("first", 1, lambda: "")])
    before = housekeeping.ran()["first"]
    tidy([Step("second", 1, lambda: "")])
    tidy([Step("first", 1, lambda: "")])  # within the minute: not written
    assert housekeeping.ran()["first"] == before
    tidy([Step("first", 1, fails)])
    assert housekeeping.ran()["first"] >= housekeeping.ran()["second"] >= before


def test_a_note_of_an_older_version_has_no_times() -> None:
    housekeeping._file().write_text('{"at": "2026-01-01T00:00:00+00:00", "steps": {"first": ""}}')
    assert housekeeping.ran() == {}


@pytest.mark.slow
def test_the_command_does_everything_once_beside_a_running_household(tmp_path: Path) -> None:
    with up(tmp_path / "data") as running:
        listed = tmp_path / "data/public/crl/devices.crl"
        listed.unlink()
        with (tmp_path / "data/web/housekeeping.lock").open("a") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            assert "at work already" in manage("housekeeping", env=running.env).stdout
            assert not listed.exists()
        wait_until(lambda: "steps done" in manage("housekeeping", env=running.env).stdout, 20, "its turn")
        assert listed.exists()
    without = manage("housekeeping", env=running.env)
    assert without.returncode == 1
    assert "The signer does not answer" in without.stderr
    assert "Traceback" not in without.stderr
