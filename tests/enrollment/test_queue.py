"""The officer's list: what waits, oldest first, found again, page by page."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from enrollment import listing, ra
from enrollment.models import CertificationRequest, Status
from pki.words import words
from tests.enrollment.acts import HERE, ask

pytestmark = pytest.mark.usefixtures("no_signer")


@pytest.fixture
def desk(browser: Client, bob: User, sign_in: Callable[..., Client]) -> Client:
    """bob's browser."""
    return sign_in(browser, bob)


def devices(answer: object) -> list[str]:
    """The names in the list, in its order."""
    return [row.device for row in answer.context["page"].rows]


def many(owner: User, count: int, **fields: object) -> list[CertificationRequest]:
    """Rows made quickly, with keys that are none."""
    made = [
        CertificationRequest(
            owner=owner, profile="tls-client", device=f"d{n:05}", common_name=f"d{n:05}", days=365,
            csr=b"", csr_sha256="", key_sha256=f"{n:064x}", **fields,
        )
        for n in range(count)
    ]  # fmt: skip
    return CertificationRequest.objects.bulk_create(made)


def test_the_oldest_stands_first(desk: Client, alice: User, charlie: User) -> None:
    for owner, name in ((alice, "first"), (charlie, "second"), (alice, "third")):
        ask(owner, name)
    answer = desk.get("/queue/")
    assert devices(answer) == ["first", "second", "third"]
    assert "3 requests wait" in answer.content.decode()


def test_pages_with_equal_times_lose_and_double_nothing(desk: Client, alice: User) -> None:
    many(alice, 2 * listing.PAGE + 20)
    same = timezone.now()
    CertificationRequest.objects.update(created_at=same)
    seen: list[str] = []
    address = "/queue/?purpose=tls-client"
    for _ in range(3):
        answer = desk.get(address)
        seen += devices(answer)
        address = "/queue/" + answer.context["page"].further
    assert sorted(seen) == [f"d{n:05}" for n in range(2 * listing.PAGE + 20)]
    assert answer.context["page"].further == "" and "purpose=tls-client" in answer.context["page"].first


def test_decided_ones_stand_newest_first_and_page_as_well(desk: Client, alice: User) -> None:
    many(alice, listing.PAGE + 3, status=Status.REJECTED)
    first = desk.get("/queue/?status=rejected")
    rest = desk.get("/queue/" + first.context["page"].further)
    times = [row.created_at for row in [*first.context["page"].rows, *rest.context["page"].rows]]
    assert len(times) == listing.PAGE + 3 and times == sorted(times, reverse=True)


def test_a_person_pages_through_their_own(
    browser: Client, alice: User, sign_in: Callable[..., Client]
) -> None:
    many(alice, listing.PAGE + 1)
    client = sign_in(browser, alice)
    first = client.get("/requests/")
    assert len(devices(client.get("/requests/" + first.context["page"].further))) == 1


@pytest.mark.parametrize(
    "search",
    [
        "alice",
        "Alice",
        "kitchen tab",
        "alice's kitchen",
        "WORDS",
        "FINGERPRINT",
        "SPACED",
        "alice' OR 1=1 --",
    ],
)
def test_a_search_finds_by_person_device_name_words_and_key(
    desk: Client, alice: User, charlie: User, search: str
) -> None:
    wanted = ask(alice, "kitchen tablet")
    ask(charlie, "phone")
    key = wanted.key_sha256
    spaced = " ".join(key[n : n + 4] for n in range(0, 64, 4)).upper()
    text = {"WORDS": " ".join(words(key)), "FINGERPRINT": key[:12], "SPACED": spaced}.get(search, search)
    found = devices(desk.get("/queue/", {"q": text}))
    assert found == ([] if "OR" in search.split() else ["kitchen tablet"])


def test_filters_narrow_and_stay_in_the_address(desk: Client, alice: User, bob: User) -> None:
    old, asked, done = ask(alice, "old"), ask(alice, "asked", profile="mqtt-client"), ask(alice, "done")
    CertificationRequest.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=8))
    ra.ask(request=asked, by=bob, address=HERE, text="?")
    ra.reject(request=done, by=bob, address=HERE, reason="no")
    assert devices(desk.get("/queue/?purpose=mqtt-client")) == ["asked"]
    assert devices(desk.get("/queue/?waits=7")) == ["old"]
    assert devices(desk.get("/queue/?question=1")) == ["asked"]
    assert devices(desk.get("/queue/?status=rejected")) == ["done"]
    assert set(devices(desk.get("/queue/?status=any"))) == {"old", "asked", "done"}
    ra.answer(request=asked, by=alice, address=HERE, text="!")
    assert devices(desk.get("/queue/?question=1")) == []


@pytest.mark.parametrize(
    "query",
    [
        "after=x",
        "after=2026-01-01_1",
        "after=2026-01-01T00:00:00_" + "0" * 32,
        "waits=-1",
        "purpose=x",
        "q=%00",
    ],
)
def test_an_odd_address_shows_the_list(desk: Client, alice: User, query: str) -> None:
    ask(alice)
    assert desk.get(f"/queue/?{query}").status_code == 200


def test_the_count_stops_at_a_thousand(alice: User, charlie: User) -> None:
    assert listing.waiting_count() == "0"
    many(alice, 1000)
    assert listing.waiting_count() == "1000"
    ask(charlie)
    assert listing.waiting_count() == "1000+"


def test_the_count_reads_an_index_and_nothing_else(alice: User) -> None:
    with CaptureQueriesContext(connection) as queries:
        listing.waiting_count()
    sql = queries.captured_queries[0]["sql"]
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            plan = " ".join(str(row) for row in cursor.fetchall())
        assert "COVERING INDEX" in plan


@pytest.mark.parametrize("path", ["/queue/", "/queue/?status=any&q=x", "/requests/"])
def test_the_number_of_queries_does_not_grow_with_the_rows(
    browser: Client, alice: User, sign_in: Callable[..., Client], path: str
) -> None:
    alice.is_officer = True
    alice.save()
    client = sign_in(browser, alice)
    client.get(path)  # the household's row is made by whoever comes first
    counts = []
    for rows in (2, 20):
        CertificationRequest.objects.all().delete()
        many(alice, rows)
        with CaptureQueriesContext(connection) as queries:
            client.get(path)
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert not any("OFFSET" in query["sql"] for query in queries.captured_queries)


def test_an_empty_queue_says_what_will_be_here(desk: Client) -> None:
    assert "Nothing waits" in desk.get("/queue/").content.decode()
    assert "Nothing fits" in desk.get("/queue/?q=nobody").content.decode()


def test_places_are_uuids_and_moments(alice: User) -> None:
    assert listing._place(f"2026-01-01T00:00:00+00:00_{UUID(int=1)}") is not None
    assert listing._place("") is None
