"""The soak in small: each way of working is there and finds what it should, so that it cannot rot."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.soak import csrs, messages, mixed, report, results
from tests.soak.household import House, household
from tests.soak.ledger import Ledger
from tests.soak.lines import LINES
from tests.soak.load import at_work, settled, wait_for
from tests.soak.results import Outcome, Total


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with household(tmp_path_factory.mktemp("soak")) as made:
        yield made


@pytest.mark.slow
def test_damaged_requests_are_evaluated_and_none_is_lost(house: House) -> None:
    found = csrs.send(house, 0, 60)
    assert (found.tried, found.lost) == (60, []) and found.counts["refused"] > 30


@pytest.mark.slow
def test_damaged_messages_are_evaluated_and_none_is_lost(house: House) -> None:
    found = messages.send(house, messages.all_kinds(house), 0, 60)
    assert (found.tried, found.lost) == (60, []) and not found.counts["refused unseen"]


@pytest.mark.slow
def test_mixed_requests_reach_every_face_and_every_process_has_a_memory(house: House) -> None:
    found = mixed.send(house, 0, 80)
    assert (found.tried, found.lost) == (80, []) and len(found.counts) > 8
    assert {"portal", "door", "status", "housekeeping", "signer", "dialler"} <= house.memory().keys()


@pytest.mark.slow
def test_what_was_promised_stands_in_the_books(house: House) -> None:
    ledger = Ledger()
    with at_work(house, ledger, devices=1):
        wait_for(ledger, 4)
    assert settled(house, ledger) == [] and ledger.done >= 4
    ledger.asked.add("a thing that nobody stored")
    assert settled(house, ledger) == ["a thing that nobody stored was asked for and is not there"]


def test_a_request_that_nobody_signed_counts_as_forged() -> None:
    good = csrs.shapes.pem(csrs.originals()[0])
    assert csrs.forged(good) == ""
    assert csrs.forged(csrs.shapes.pem(csrs.originals()[0][:-1] + b"\1")) == "its signature is not by its key"


def test_what_was_lost_or_doubled_is_found() -> None:
    books = {
        "requests": [["a", "issued", "1", "k"], ["b", "issued", "2", "k"], ["b", "issued", "3", "k"]],
        "serials": [["clients", "1"], ["clients", "2"], ["clients", "2"]],
        "presses": [["t", "n", "received"], ["t", "m", "received"]],
        "deliveries": [["letter", "sent"]],
        "broken_at": 7,
    }
    ledger = Ledger(asked={"a", "b", "c"}, approved={"d"}, enrolled={"a": "9"}, pressed={"t": 1, "u": 1})
    ledger.heard.update(["n", "n", "strange"])
    assert sorted(ledger.lost(books)) == [
        "a got 9, and the books say 1",
        "b is there 2 times",
        "c was asked for and is not there",
        "d was approved and not issued",
        "press t is there 2 times",
        "press u was answered and is not there",
        "serial ('clients', '2') twice",
        "the audit trail broke at 7",
        "the home heard n 2 times",
        "the home heard strange, which nobody pressed",
        "the home never heard of press t",
    ]
    assert ledger.letters_lost(books) == ["letter letter was sent and never arrived"]


def test_pieces_add_up_to_a_row_of_the_table(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    results.keep("csrs", (0, 10), Outcome(10, counts=Counter(refused=9)), 1, file)
    results.keep("csrs", (10, 30), Outcome(20, ["one", "two"], Counter(refused=20)), 1, file)
    results.keep("disk", (0, 1), Outcome(skipped="only root can mount"), 1, file)
    totals = results.totals(file)
    assert (totals["csrs"].done, totals["csrs"].tried, totals["csrs"].lost) == (30, 30, 2)
    shown = report.table(totals)
    assert "| 30 of 500,000 requests | 28 | 2 |" in shown and "skipped: only root can mount" in shown
    assert "**csrs**: refused 29" in shown and results.commit() in shown
    assert all(f"| {name} |" in shown for name in LINES) and Total().done == 0
