"""The lists of certificates: who sees what, found how, in which order, to the end and not twice."""

import csv
import io
import json
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from audit.models import AuditEvent
from pki import catalogue, search_words, searching
from pki.catalogue import Wanted
from pki.models import Certificate, CertificateWord
from pki.words import words
from portal.certificate_lists import purposes
from portal.views.certificates import LONGEST_SEARCH
from tests.conftest import Browser, open_session
from tests.nasty import NASTY

pytestmark = pytest.mark.django_db
SENT = [text.encode("utf-8", "replace").decode() for text in NASTY]


def certificate(owner: User | str, subject: str, days: float = 100, **fields: Any) -> Certificate:
    """A row as issuing leaves it; nothing here looks into the DER."""
    now = timezone.now()
    values = {
        "request_id": uuid4(),
        "owner": str(owner.pk) if isinstance(owner, User) else owner,
        "authority": "clients",
        "profile": "tls-client",
        "serial": f"7{secrets.token_hex(19)}",
        "fingerprint": secrets.token_hex(32),
        "key_sha256": secrets.token_hex(32),
        "subject": subject,
        "der": b"",
        "not_before": now - timedelta(days=1),
        "not_after": now + timedelta(days=days),
    }
    made = Certificate.objects.create(**{**values, **fields})
    found = search_words.of(made.subject, made.sans)
    CertificateWord.objects.bulk_create(CertificateWord(certificate=made, word=w.encode()) for w in found)
    return made


def names(wanted: Wanted) -> list[str]:
    """All pages' rows, with three on a page."""
    found = []
    while True:
        page = catalogue.page(wanted, 3)
        found += [entry.subject for entry in page.entries]
        if not page.after:
            return found
        wanted = Wanted(**{**vars(wanted), "after": page.after})


@pytest.fixture
def some(alice: User, charlie: User) -> dict[str, Certificate]:
    now = timezone.now()
    made = [
        certificate(alice, "alice's phone", 200),
        certificate(alice, "alice's tablet", 10),
        certificate(alice, "alice's old phone", -5),
        certificate(charlie, "charlie's phone", 50, revoked_at=now, reason="keyCompromise"),
        certificate(charlie, "charlie's laptop", 60, revoked_at=now, reason="certificateHold"),
        certificate(charlie, "nas.home.arpa", 70, profile="tls-server", sans=["dns:nas.home.arpa"]),
        certificate("service:portal", "own-service", 80, profile="tls-server"),
    ]
    return {found.subject: found for found in made}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("current", ["alice's tablet", "nas.home.arpa", "own-service", "alice's phone"]),
        ("live", ["nas.home.arpa", "own-service", "alice's phone"]),
        ("ending", ["alice's tablet"]),
        ("expired", ["alice's old phone"]),
        ("revoked", ["charlie's phone"]),
        ("hold", ["charlie's laptop"]),
    ],
)
def test_each_state_by_its_end(some: dict[str, Certificate], state: str, expected: list[str]) -> None:
    assert names(Wanted(state=state)) == expected


@pytest.mark.parametrize("state", catalogue.STATES)
@pytest.mark.parametrize("sort", catalogue.SORTS)
@pytest.mark.parametrize("profile", ["", "tls-server"])
def test_pages_follow_one_another_without_a_gap_or_a_double(
    some: dict[str, Certificate], alice: User, state: str, sort: str, profile: str
) -> None:
    for number in range(7):  # equal in what they are sorted by
        certificate(alice, "twin", 20, not_after=some["alice's phone"].not_after)
        certificate(alice, f"more {number}", 20, revoked_at=timezone.now(), reason="superseded")
    wanted = Wanted(state=state, sort=sort, profile=profile)
    whole = [entry.subject for entry in catalogue.page(wanted, 1000).entries]
    assert names(wanted) == whole
    if sort == "name" and state in ("current", "any"):
        assert whole == sorted(whole)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("phone", ["alice's phone"]),
        ("PHO ali", ["alice's phone"]),
        ("hone", []),
        ("nas.home.arpa", ["nas.home.arpa"]),
        ("home", ["nas.home.arpa"]),
        ("nothing like it", []),
        ("!!!", []),
    ],
)
def test_words_are_found_by_their_beginning(
    some: dict[str, Certificate], typed: str, expected: list[str]
) -> None:
    assert names(Wanted(q=typed)) == expected


def test_numbers_are_found_with_and_without_blanks_and_colons(some: dict[str, Certificate]) -> None:
    for found in some.values():
        for digits in (found.serial, found.fingerprint, found.key_sha256):
            shown = ":".join(digits[at : at + 2] for at in range(0, len(digits), 2)).upper()
            grouped = " ".join(digits[at : at + 4] for at in range(0, 16, 4))
            for typed in (digits, shown, grouped, digits[:9]):
                assert found.subject in names(Wanted(q=typed, state="any"))
        assert found.subject in names(Wanted(q=" ".join(words(found.key_sha256)), state="any"))


def test_a_person_is_found_by_name(some: dict[str, Certificate], charlie: User, erin: User) -> None:
    User.objects.filter(pk=charlie.pk).update(full_name="Karl Übermüller")
    page = open_session(Browser(), erin).get("/certificates/", {"q": "Übermü"}).content.decode()
    assert "nas.home.arpa" in page
    assert "alice" not in page


def test_when_many_fit_they_are_listed_by_their_word_and_each_once(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "FEW", 5)
    monkeypatch.setattr(searching, "STEP", 4)
    for number in range(20):
        certificate(alice, f"phone phones {number:02}", 50)
        certificate(alice, f"tablet {number:02}", 50)
    found = names(Wanted(q="pho"))
    assert sorted(found) == [f"phone phones {number:02}" for number in range(20)]
    assert names(Wanted(q="pho 07")) == ["phone phones 07"]
    assert catalogue.page(Wanted(q="pho")).many
    assert not catalogue.page(Wanted(q="pho 07")).many


def test_a_rare_one_among_many_ends_each_page_in_time(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "FEW", 2)
    monkeypatch.setattr(searching, "STEP", 5)
    monkeypatch.setattr(searching, "WALKED", 10)
    for number in range(30):
        certificate(alice, f"phone {number:02}", 50)
    certificate(alice, "phone zz", 50, profile="mqtt-client")
    assert catalogue.page(Wanted(q="phone", profile="mqtt-client")).after  # ten were looked at, and no more
    assert names(Wanted(q="phone", profile="mqtt-client")) == ["phone zz"]


@pytest.mark.parametrize("count", [8, 9])
def test_the_last_full_stride_is_the_end(count: int, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "FEW", 2)
    monkeypatch.setattr(searching, "STEP", 4)
    for number in range(count):
        certificate(alice, f"phone {number}", 50)
    first = catalogue.page(Wanted(q="phone"), 8)
    assert len(first.entries) == 8
    last = catalogue.page(Wanted(q="phone", after=first.after))
    assert (len(last.entries), last.after) == (count - 8, "")


def test_everybody_sees_their_own_and_officers_and_auditors_all(
    some: dict[str, Certificate], alice: User, bob: User, erin: User, dora: User
) -> None:
    seen = {}
    for user in (alice, bob, erin, dora):
        page = open_session(Browser(), user).get("/certificates/?state=any&whose=all").content.decode()
        seen[user.username] = {name for name in some if name.replace("'", "&#x27;") in page}
    own = {name for name in some if name.startswith("alice")}
    assert seen == {"alice": own, "bob": set(some), "erin": set(some), "dora": set()}


def test_the_export_has_all_pages_and_only_what_one_sees(
    some: dict[str, Certificate], alice: User, erin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "EXPORTED", 2)
    for user, count in ((alice, 3), (erin, len(some))):
        client = open_session(Browser(), user)
        for query in ("state=any", "state=any&q=a"):
            text = body(client, f"/certificates/list.csv?{query}")
            lines = list(csv.DictReader(io.StringIO(text)))
            assert len(lines) == (count if "q=" not in query else len(lines)), user
        found = json.loads(body(client, "/certificates/list.json?state=any"))
        assert len(found) == count
        assert {line["serial"] for line in found} <= {c.serial for c in some.values()}
    assert AuditEvent.objects.filter(action="certificates.exported").count() == 6


def body(client: Client, address: str) -> str:
    return b"".join(client.get(address).streaming_content).decode()


def test_no_cell_runs_as_a_formula(alice: User) -> None:
    for text in ("=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "a;=1"):
        certificate(alice, text)
    text = body(open_session(Browser(), alice), "/certificates/list.csv")
    cells = [cell for line in csv.reader(io.StringIO(text)) for cell in line]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert ";=" not in text


@pytest.mark.slow
@pytest.mark.parametrize("address", ["/certificates/", "/certificates/timeline", "/certificates/list.csv"])
def test_nasty_text_in_the_address_is_answered_with_a_page(
    address: str, some: dict[str, Certificate], bob: User
) -> None:
    client = open_session(Browser(), bob)
    for text in SENT:
        fields = ("q", "after", "state", "profile", "sort", "since", "until", "whose", "by")
        answer = client.get(address, dict.fromkeys(fields, text))
        assert answer.status_code == 200, ascii(text)
        for field in ("q", "after"):
            answer = client.get(address, {field: text, "state": "any", "sort": "name"})
            assert answer.status_code == 200, ascii(text)
            if "csv" not in address:
                assert "<script>alert" not in answer.content.decode()


@pytest.mark.parametrize("after", ["x_y", "2026-01-01_x", f"0001-01-01T00:00:00+23:59_{UUID(int=7)}", "_"])
def test_a_place_that_nobody_made_is_the_beginning(
    some: dict[str, Certificate], bob: User, after: str
) -> None:
    client = open_session(Browser(), bob)
    for sort in catalogue.SORTS:
        assert client.get("/certificates/", {"after": after, "sort": sort}).status_code == 200


def test_the_timeline_counts_what_ends_in_each_month(
    some: dict[str, Certificate], alice: User, erin: User, sign_in: Callable[..., Client]
) -> None:
    for user, expected in ((alice, 2), (erin, 4)):
        for unit in ("month", "week"):
            answer = sign_in(Browser(), user).get(f"/certificates/timeline?by={unit}")
            bars = answer.context["bars"]
            assert len(bars) == 13
            if unit == "month":
                assert sum(bar.count for bar in bars) == expected
            assert all(a.last == b.first for a, b in zip(bars, bars[1:], strict=False))
    tablet = some["alice's tablet"]
    bar = next(b for b in bars if b.first <= timezone.localdate(tablet.not_after) < b.last)
    listed = sign_in(Browser(), erin).get(f"/certificates/?since={bar.first}&until={bar.until}")
    assert "tablet" in listed.content.decode()


def shown(user: User, **query: str) -> str:
    answer = open_session(Browser(), user).get("/certificates/", query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_after_a_lost_phone_the_list_says_what_became_of_it(alice: User, bob: User, charlie: User) -> None:
    assert "Here will be the certificates" in shown(alice)
    certificate(alice, "lost phone", revoked_at=timezone.now(), reason="keyCompromise")
    for page in (shown(alice), shown(alice, state="current", q="", sort="end")):
        assert "None of your certificates is in use now. 1 has ended, was revoked or is on hold." in page
        assert "Here will be" not in page
    assert "state=any" in shown(alice) and "lost phone" in shown(alice, state="any")
    certificate(alice, "old phone", -5)
    certificate(alice, "held phone", revoked_at=timezone.now(), reason="certificateHold")
    certificate(alice, "new phone", 50)
    assert "3 have ended, were revoked or are on hold." in shown(alice)
    assert "3 have ended" in shown(bob)
    assert "ended, was revoked" not in shown(charlie) + shown(bob, whose="mine")
    assert "have ended" not in shown(alice, q="phone") + shown(alice, state="any")


def test_what_is_not_in_use_is_counted_to_a_thousand_and_no_further(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "COUNTED", 2)
    for number in range(4):
        certificate(alice, f"phone {number}", -5)
    assert catalogue.gone(None) == 3
    assert "2+ have ended" in shown(alice)


def test_the_filter_offers_each_title_once_and_only_what_people_can_have(alice: User, bob: User) -> None:
    offered = {user.username: [title for _, title in purposes(user)] for user in (alice, bob)}
    assert offered["alice"] == ["Phone or browser", "Web server", "MQTT device", "MQTT broker"]
    assert offered["bob"] == [*offered["alice"], "SCEP", "OCSP"]
    assert "OCSP" not in shown(alice) and shown(bob).count(">OCSP<") == 1


@pytest.mark.parametrize("state", catalogue.STATES)
def test_equal_titles_are_found_together_and_told_apart(alice: User, bob: User, state: str) -> None:
    for authority in ("clients", "servers", "devices"):
        named = {"profile": f"ocsp-{authority}", "authority": authority}
        certificate("service:portal", f"responder of {authority}", 10, **named)
    certificate(alice, "phone", 10)
    found = names(Wanted(profile="ocsp-servers", state=state, sort="issued"))
    assert len(found) == (3 if state in ("current", "ending", "any") else 0)
    page = shown(bob, profile="ocsp-clients")
    for what in ("phones and browsers", "web servers", "MQTT devices"):
        assert f"OCSP for {what}" in page
    assert '<option value="ocsp-clients" selected>' in shown(bob, profile="ocsp-devices")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("q", "phone " * 30, f"longer than {LONGEST_SEARCH} characters"),
        ("state", "lost", "This state is not known here"),
        ("profile", "fridge", "This purpose is not known here"),
        ("profile", "ocsp-clients", "This purpose is not known here"),
        ("sort", "size", "This order is not known here"),
        ("whose", "nobody", "This choice is not known here"),
        ("since", "soon", "This is no date"),
        ("after", "x_y", "a place that the list does not know"),
        ("after", "x" * 400, "a place that the list does not know"),
    ],
)
def test_what_the_filter_does_not_know_is_said_and_everything_is_shown(
    some: dict[str, Certificate], alice: User, field: str, value: str, said: str
) -> None:
    page = shown(alice, **{field: value})
    assert said in page
    assert "alice&#x27;s phone" in page and "alice&#x27;s tablet" in page
    assert "Ensure this" not in page and "Select a valid" not in page
    if field == "q":
        assert f'value="{value.strip()}"' in page or f'value="{value}"' in page  # what was typed is kept


def test_a_place_of_its_own_is_no_trouble(some: dict[str, Certificate], alice: User) -> None:
    for query in ({}, {"sort": "name"}, {"q": "alice"}):
        wanted = Wanted(owners=(str(alice.pk),), **query)
        page = shown(alice, after=catalogue.page(wanted, 1).after, **query)
        assert "does not know" not in page and "error-summary" not in page
