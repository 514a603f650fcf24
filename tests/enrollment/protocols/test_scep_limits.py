"""Who asks in vain is slowed down, alone; only so much is done at once; no envelope is an oracle."""

import time
from collections.abc import Callable

import pytest
from cryptography import x509
from django.http import HttpResponse

from accounts.models import User
from audit.models import AuditEvent
from enrollment import challenges
from enrollment.models import Status
from enrollment.protocols import scep_limits
from enrollment.protocols.scep_limits import AT_WORK, EACH, IN_VAIN, OF_ONE, TRIES, USEFUL, Limits
from pki import crl, scep
from tests.enrollment.acts import HERE
from tests.enrollment.protocols.acts import Phones, about, again, approved, enrolled, refused
from tests.enrollment.protocols.conftest import WHERE, Face
from tests.pki.scep_client import Phone
from tests.pki.scep_house import house

Clock = Callable[[float], None]


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The monotonic clock, which stands still until it is told how many seconds went by."""
    now = [time.monotonic()]
    monkeypatch.setattr(scep_limits.time, "monotonic", lambda: now[0])

    def go(seconds: float) -> None:
        now[0] += seconds

    return go


def post_from(face: Face, address: str, data: bytes) -> HttpResponse:
    where = f"{WHERE}?operation=PKIOperation"
    return face.client.post(where, data, "application/x-pki-message", REMOTE_ADDR=address)


def exhaust(face: Face, address: str) -> None:
    for _ in range(IN_VAIN):
        assert post_from(face, address, b"no message").status_code == 400


def test_wrong_challenges_are_refused_without_a_look_after_a_while(
    face: Face, phone: Phones, alice: User, bob: User, passes: Clock
) -> None:
    mine, thief = phone(), phone("thief")
    for _ in range(IN_VAIN):
        refused(face.asks(thief, again(thief).ask(thief.csr("guessed"))))
    _, challenge = approved(alice, bob)
    late = face.post(mine.ask(mine.csr(challenge)))
    assert late.status_code == 429 and late.headers["Retry-After"] == "1"
    assert b"in vain" in late.content and b"Try again in 1 s" in late.content
    passes(EACH + 0.01)  # the same network: a household behind one address
    assert face.asks(again(mine), mine.ask(mine.csr(challenge))).status == "0"


def test_it_is_noted_once_and_strangers_cannot_fill_the_trail(face: Face, passes: Clock) -> None:
    def lines() -> int:
        return AuditEvent.objects.filter(action="scep.throttled").count()

    exhaust(face, "192.0.2.7")
    assert lines() == 0
    for _ in range(5):
        assert post_from(face, "192.0.2.7", b"x").status_code == 429
    assert lines() == 1
    line = AuditEvent.objects.get(action="scep.throttled")
    assert (line.address, line.detail["network"]) == ("192.0.2.7", "192.0.2.7")
    for number in range(scep_limits.NOTES + 5):
        exhaust(face, f"198.51.100.{number}")
        assert post_from(face, f"198.51.100.{number}", b"x").status_code == 429
    assert lines() == scep_limits.NOTES
    passes(scep_limits.NOTED_AGAIN + 1)
    exhaust(face, "192.0.2.7")
    assert post_from(face, "192.0.2.7", b"x").status_code == 429
    assert lines() == scep_limits.NOTES + 1


def test_one_network_shuts_out_nobody_else(
    face: Face, phone: Phones, alice: User, bob: User, passes: Clock
) -> None:
    exhaust(face, "2001:db8:0:1::66")
    assert post_from(face, "2001:db8:0:1:ffff::1", b"x").status_code == 429  # the same /64
    _, challenge = approved(alice, bob)
    mine = phone()
    answer = post_from(face, "2001:db8:0:2::1", mine.ask(mine.csr(challenge)))
    assert mine.read(answer.content).status == "0"


def test_what_leads_to_a_certificate_costs_little(
    face: Face, phone: Phones, alice: User, bob: User, passes: Clock, fresh_limits: Limits
) -> None:
    """A hundred phones at a feast come through one address."""
    mine = phone()
    enrolled(face, mine, alice, bob)
    fresh_limits.paid_until.clear()
    for _ in range(10):
        assert face.asks(again(mine), mine.ask(phone("next").csr(), "17")).status == "0"
    (until,) = fresh_limits.paid_until.values()
    assert until - scep_limits.time.monotonic() == pytest.approx(10 * EACH * USEFUL)
    assert 100 * USEFUL < IN_VAIN


def test_what_is_everybodys_and_waiting_count(
    face: Face, phone: Phones, alice: User, issuing: x509.Certificate, passes: Clock, fresh_limits: Limits
) -> None:
    """Each poll is remembered, and each list costs a signature."""
    crl.publish("clients")
    printer, lists = phone("printer"), about(issuing, 1)
    asked = printer.ask(printer.csr(challenges.make(by=alice, address=HERE, device="printer")))
    assert face.asks(printer, asked).status == "3"
    assert face.asks(again(printer), printer.poll(issuing)).status == "3"
    assert face.asks(again(printer), printer.ask(lists, "22")).crls
    (until,) = fresh_limits.paid_until.values()
    assert until - scep_limits.time.monotonic() == pytest.approx(3 * EACH)
    assert face.get("GetCACaps").status_code == face.get("GetCACert").status_code == 200


def test_only_so_many_are_worked_on_at_once(face: Face, fresh_limits: Limits, passes: Clock) -> None:
    for place in range(OF_ONE):
        assert fresh_limits.enter("127.0.0.1"), place
    busy = face.post(b"x")
    assert busy.status_code == 503 and busy.headers["Retry-After"] == "2"
    assert post_from(face, "192.0.2.1", b"x").status_code == 400  # others still are
    for place in range(AT_WORK - OF_ONE):
        assert fresh_limits.enter(f"10.0.0.{place}")
    assert post_from(face, "192.0.2.1", b"x").status_code == 503
    fresh_limits.leave("10.0.0.0")
    assert post_from(face, "192.0.2.1", b"x").status_code == 400
    for _ in range(OF_ONE):
        fresh_limits.leave("127.0.0.1")
    assert face.post(b"x").status_code == 400
    assert fresh_limits.at_work.total() == AT_WORK - OF_ONE - 1


def test_a_phones_message_cannot_be_tried_out_bit_by_bit(
    face: Face, phone: Phones, alice: User, bob: User
) -> None:
    """Kept from arriving, changed, signed with the thief's key: that works a few times at most."""
    request, challenge = approved(alice, bob)
    mine, thief = phone(), phone("thief")
    kept = mine.seal(mine.csr(challenge))
    for turn in range(TRIES):
        changed = bytearray(kept)
        changed[-80 - turn] ^= 1
        refused(face.asks(again(thief), thief.sign(bytes(changed))), "1")
    refused(face.asks(again(thief), thief.sign(kept)), "1")  # not looked into, whatever is in it
    request.refresh_from_db()
    assert request.status == Status.APPROVED and not request.key_sha256
    assert face.asks(mine, mine.ask(mine.csr(challenge))).status == "0"  # the phone enciphers anew


def test_an_envelope_that_may_not_be_opened_is_like_any_other_that_cannot() -> None:
    home = house()
    sender = Phone(home.ra.certificate)
    with pytest.raises(scep.Answerable) as refusal:
        scep.decode(sender.ask(sender.csr()), home.ra, may_open=lambda key: False)
    assert (refusal.value.code, refusal.value.content_key) == ("sealed", None)


def test_no_more_is_remembered_than_there_is_room_for(
    fresh_limits: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scep_limits, "REMEMBERED", 10)
    for number in range(100):
        assert fresh_limits.begin(f"10.0.0.{number}", 0.0) == 0
        scep_limits.opened_in_vain(bytes([number]))
    assert len(fresh_limits.paid_until) == len(fresh_limits.tried) == 10
