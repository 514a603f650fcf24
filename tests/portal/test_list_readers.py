"""Who reads the revocation lists: noted at the status face, named by officers, shown after a revocation."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from audit.models import AuditEvent
from enrollment import ra, revoking
from pki import crl
from pki.models import Certificate, ListFetch
from portal import readers
from tests.conftest import Browser, open_session
from tests.enrollment.acts import HERE, ask, thing
from tests.nasty import NASTY

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("signer")]
BROKER, SITE = "192.0.2.10", "2001:db8::7"


@pytest.fixture
def phone(alice: User, bob: User) -> Certificate:
    made = ra.approve(request=ask(alice, thing()), by=bob, address=HERE).certificate
    assert made is not None
    crl.publish("clients")
    return made


def fetch(settings: Settings, address: str, program: str, **headers: str) -> HttpResponse:
    """The list of `clients`, as the status face gives it."""
    portal = settings.ROOT_URLCONF, settings.MIDDLEWARE
    settings.ROOT_URLCONF, settings.MIDDLEWARE = "portal.urls_status", settings.STATUS_MIDDLEWARE
    try:
        return Browser().get(
            "/crl/clients.crl", REMOTE_ADDR=address, headers={"User-Agent": program, **headers}
        )
    finally:
        settings.ROOT_URLCONF, settings.MIDDLEWARE = portal


def shown(user: User, certificate: Certificate) -> str:
    page = open_session(Browser(), user).get(f"/certificates/revoked?c={certificate.pk}").content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_each_reader_is_noted_with_the_number_it_has(phone: Certificate, settings: Settings) -> None:
    answer = fetch(settings, BROKER, "curl/7.88.1 (x86_64)")
    assert answer.status_code == 200
    found = ListFetch.objects.get()
    assert (found.address, found.program, found.authority) == (BROKER, "curl/7.88.1", "clients")
    assert found.number == str(crl.current("clients").number)
    assert fetch(settings, BROKER, "curl/7.88.1", **{"If-None-Match": answer["ETag"]}).status_code == 304
    assert ListFetch.objects.get().last_at == found.last_at  # within the minute nothing is written
    ListFetch.objects.update(last_at=timezone.now() - timedelta(minutes=2))
    fetch(settings, BROKER, "curl/7.88.1", **{"If-None-Match": answer["ETag"]})
    again = ListFetch.objects.get()
    assert again.last_at > found.last_at and again.since == found.since


def test_after_a_revocation_it_says_who_knows_and_who_does_not(
    phone: Certificate, settings: Settings, alice: User, bob: User
) -> None:
    fetch(settings, BROKER, "Mosquitto/2")
    fetch(settings, SITE, "nginx")
    readers.call(ListFetch.objects.get(address=BROKER), "The broker at home", by=bob, address=HERE)
    revoking.revoke(phone, by=alice, address=HERE, reason="superseded")
    before = shown(alice, phone)
    assert "2 still have the old one" in before
    fetch(settings, BROKER, "Mosquitto/2")
    after = shown(bob, phone)
    assert "1 still has the old one" in after
    assert "The broker at home has it since" in after
    assert re.search(r"2001:db8::7 \( ?nginx ?\) asked last .* still has the old one", after), after
    assert SITE not in shown(alice, phone)  # strangers' addresses are for those who look after the household
    fetch(settings, SITE, "nginx")
    assert "All who read it have the new one" in shown(bob, phone)


def test_an_officer_names_a_reader_and_an_auditor_only_looks(
    phone: Certificate, settings: Settings, bob: User, erin: User
) -> None:
    fetch(settings, BROKER, "nginx")
    found = ListFetch.objects.get()
    desk, auditor = open_session(Browser(), bob), open_session(Browser(), erin)
    assert auditor.post(f"/certificates/readers/{found.pk}", {"name": "x"}).status_code == 404
    desk.post(f"/certificates/readers/{found.pk}", {"name": "The website"})
    for client in (desk, auditor):
        assert "The website" in client.get("/certificates/readers").content.decode()
    assert AuditEvent.objects.get(action="reader.named").detail["name"] == "The website"
    assert desk.post("/certificates/readers/999999", {"name": "x"}).status_code == 404


def test_strangers_fill_no_table_and_push_out_nobody_with_a_name(
    phone: Certificate, settings: Settings, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "MOST", 12)
    fetch(settings, BROKER, "Mosquitto/2")
    readers.call(ListFetch.objects.get(), "The broker at home", by=bob, address=HERE)
    for number in range(20):
        fetch(settings, SITE, f"scanner/{number}")
    assert ListFetch.objects.filter(address=SITE).count() <= readers.EACH
    for number in range(20):
        fetch(settings, f"198.51.100.{number}", "scanner")
    assert ListFetch.objects.filter(name="").count() <= 12
    assert readers.everybody()[0].name == readers.of("clients", None)[0].fetch.name == "The broker at home"


def test_who_asks_under_ever_new_names_writes_no_more_than_others(
    phone: Certificate, settings: Settings
) -> None:
    for number in range(readers.EACH):
        fetch(settings, SITE, f"scanner/{number}")
    with CaptureQueriesContext(connection) as asked:
        for number in range(20):
            assert fetch(settings, SITE, f"another/{number}").status_code == 200
    assert {query["sql"].split()[0] for query in asked.captured_queries} == {"SELECT"}
    ListFetch.objects.update(since=timezone.now() - 2 * readers.ANEW)
    fetch(settings, SITE, "curl/8")
    assert ListFetch.objects.filter(program="curl/8").exists()


def test_many_addresses_push_out_nobody_who_asks_regularly(phone: Certificate, settings: Settings) -> None:
    fetch(settings, BROKER, "nginx")
    for number in range(2 * readers.NEW):
        fetch(settings, f"198.51.100.{number}", "scanner")
    assert ListFetch.objects.count() == readers.NEW
    assert ListFetch.objects.filter(address=BROKER).exists()


def test_nasty_programs_and_names_are_kept_as_text(phone: Certificate, settings: Settings, bob: User) -> None:
    desk = open_session(Browser(), bob)
    for text in (
        text.encode("ascii", "ignore").decode().translate({10: "", 13: "", 0: ""}) for text in NASTY
    ):
        assert fetch(settings, BROKER, text).status_code == 200
    row = ListFetch.objects.order_by("pk")[0]
    for text in (text.encode("utf-8", "replace").decode() for text in NASTY):
        assert desk.post(f"/certificates/readers/{row.pk}", {"name": text}).status_code == 302
        page = desk.get("/certificates/readers").content.decode()
        assert "<script>alert" not in page and "<img src=x" not in page


def test_a_database_that_takes_nothing_keeps_nobody_from_the_list(
    phone: Certificate, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object) -> None:
        raise OSError("read-only")

    monkeypatch.setattr(readers, "_write", broken)
    assert fetch(settings, BROKER, "nginx").status_code == 200
    assert not ListFetch.objects.exists()
