"""Clock, backups, addresses in certificates, strange ones: what the status page says, and when."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from audit import trail
from audit.models import AuditEvent
from door.gate import ORPHAN
from enrollment import ra
from pki import addresses, authorities
from pki.models import Certificate
from portal import banner, outlook
from portal.fact import Fact
from portal.keeping import notes
from tests.conftest import Browser, open_session
from tests.enrollment import acts
from tests.portal.keeping.certificates import HERE, made

pytestmark = pytest.mark.django_db(transaction=True)

OLD = "http://192.168.1.2:8080"


def long_ago(action: str, days: int) -> None:
    at = timezone.now() - timedelta(days=days)
    AuditEvent.objects.filter(action=action).update(at=at)


def words(facts: list[Fact]) -> list[str]:
    return [f"{fact.title}: {fact.word}" for fact in facts]


def test_nothing_has_to_be_kept_before_somebody_has_a_certificate() -> None:
    assert words(outlook.backups()) == ["Backup: Not due yet", "Drill: Not due yet"]
    assert all(fact.well for fact in outlook.backups())


def test_a_first_certificate_asks_for_a_backup_and_a_backup_for_a_drill(alice: User) -> None:
    made(alice)
    first, second = outlook.backups()
    assert (first.well, first.word, second.well) == (False, "None yet", True)
    assert "manage.py backup" in first.sentence
    notes.backed_up("house.tar.age", timezone.now())
    assert all(fact.well for fact in outlook.backups())
    long_ago(notes.MADE, 8)
    assert words([fact for fact in outlook.backups() if not fact.well]) == ["Drill: None yet"]
    notes.drilled("house.tar.age", "2026-01-01", "")
    assert all(fact.well for fact in outlook.backups())


def test_old_backups_and_old_drills_are_due_again(alice: User) -> None:
    made(alice)
    notes.backed_up("house.tar.age", timezone.now())
    notes.drilled("house.tar.age", "2026-01-01", "")
    long_ago(notes.MADE, 31)
    long_ago(notes.DRILLED, 91)
    assert words(outlook.backups()) == ["Backup: Too long ago", "Drill: Too long ago"]


def test_a_drill_that_failed_stands_there_until_one_goes_well(alice: User) -> None:
    made(alice)
    notes.backed_up("house.tar.age", timezone.now())
    notes.drilled("house.tar.age", "2026-01-01", "The journal is damaged.")
    assert "The last drill failed" in outlook.backups()[1].sentence
    notes.drilled("house.tar.age", "2026-01-01", "")
    assert outlook.backups()[1].well


def test_after_a_restoration_what_was_revoked_since_is_asked_for_until_the_next_backup(alice: User) -> None:
    notes.backed_up("house.tar.age", timezone.now())
    assert outlook.put_back() == []
    notes.restored("house.tar.age", "2026-01-02T03:04:05+00:00")
    assert "as it was on 2 January 2026, 03:04." in outlook.put_back()[0].sentence
    notes.backed_up("house.tar.age", timezone.now())
    assert outlook.put_back() == []


def test_a_clock_that_was_put_back_is_noticed() -> None:
    trail.record("login.ok")
    assert outlook.clock()[0].well
    AuditEvent.objects.update(at=timezone.now() + timedelta(hours=3))
    assert words(outlook.clock()) == ["Clock: Put back"]


@pytest.mark.parametrize(
    ("state", "word"), [(True, "Set by the network"), (False, "On its own"), (None, "Runs")]
)
def test_who_keeps_the_clock_right_is_said(
    state: bool | None, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert outlook.synchronised() in (True, False, None)  # the real kernel's answer
    monkeypatch.setattr(outlook, "synchronised", lambda: state)
    assert (outlook.clock()[0].word, outlook.clock()[0].well) == (word, True)


def test_live_certificates_with_an_old_address_are_counted_and_named(
    signer: Path, alice: User, settings: Settings
) -> None:
    made(alice, "phone", url=HERE)
    assert [fact for fact in outlook.published_elsewhere() if not fact.well] == []
    for number in range(5):
        made(alice, f"thing {number}", url=OLD, ends=timezone.now() + timedelta(days=10 - number))
    made(alice, "over", url=OLD, ends=timezone.now() - timedelta(days=1))
    (fact,) = outlook.published_elsewhere()
    assert "5 live certificates say that their revocation list is at http://192.168.1.2:8080" in fact.sentence
    assert "Concerned: thing 0, thing 1, thing 2 …" in fact.sentence
    assert any("5 live certificates" in note for note in banner.notes())
    settings.STATUS_URL = OLD
    (fact,) = outlook.published_elsewhere()
    assert "1 live certificate says that its revocation list" in fact.sentence


def test_issued_certificates_know_their_address_and_older_rows_learn_it(
    signer: Path, alice: User, bob: User, settings: Settings
) -> None:
    request = acts.ask(alice, device=acts.thing())
    certificate = ra.approve(request=request, by=bob, address=acts.HERE).certificate
    assert certificate.status_url == settings.STATUS_URL == HERE
    Certificate.objects.update(status_url="")
    assert addresses.fill() >= 1
    assert set(Certificate.objects.values_list("status_url", flat=True)) == {HERE}
    assert addresses.fill() == 0


def test_authorities_with_an_old_address_are_mentioned_and_no_trouble(
    signer: Path, settings: Settings
) -> None:
    authorities.publish_certificates()
    settings.STATUS_URL = "http://elsewhere.home.arpa:8080"
    (fact,) = outlook.published_elsewhere()
    assert fact.well
    assert HERE in fact.sentence


def test_a_strange_certificate_stands_there_for_a_month_with_what_it_means() -> None:
    assert outlook.orphans() == []
    trail.record(ORPHAN, detail={"why": "The certificate 1f is signed by our CA, and nobody knows it."})
    assert "somebody may have the CA's key" in outlook.orphans()[0].sentence
    notes.restored("house.tar.age", "2026-01-01")
    assert "A backup was put back" in outlook.orphans()[0].sentence
    long_ago(ORPHAN, 31)
    assert outlook.orphans() == []


def test_the_page_says_in_its_headline_how_many_things_need_somebody(
    browser: Browser, alice: User, erin: User
) -> None:
    made(alice)
    trail.record(ORPHAN, detail={"why": "Nobody knows the certificate 1f."})
    open_session(browser, erin)
    page = browser.get("/status").content.decode()
    assert "need you</h1>" in page
    assert page.count("Nobody knows the certificate 1f.") == 1
    assert page.index("Nothing of this is kept anywhere else") < page.index("Everything else is well")
    assert page.index("Everything else is well") < page.index("Housekeeping, step by step")
