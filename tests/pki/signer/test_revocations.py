"""Holds and their release, compromised keys, and the numbered changes that the web side follows."""

import json
import sqlite3
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from pki.errors import IssuanceRefused
from pki.signer import entries, wire
from pki.signer.journal import MIGRATIONS, Journal
from pki.signer.protocol import MAX_ANSWER, Change, Changes, ReleaseEvidence
from pki.signer.service import CHANGES
from tests.pki.signer.makers import csr, lists, request

OFFICER = str(uuid.uuid4())


def issued(service, key=None, owner=""):
    leaf = x509.load_der_x509_certificate(service.issue(request(der=csr(key), owner=owner)))
    return f"{leaf.serial_number:x}"


def word(officer=OFFICER, ago=0, one_person=False):
    return ReleaseEvidence(officer, (datetime.now(UTC) - timedelta(seconds=ago)).isoformat(), one_person)


def listed(service, serial):
    crl = x509.load_der_x509_crl(lists(service)[0])
    return crl.get_revoked_certificate_by_serial_number(int(serial, 16))


def code(act, *arguments):
    with pytest.raises(IssuanceRefused) as refusal:
        act(*arguments)
    return refusal.value.code


def test_a_released_hold_leaves_the_list_and_its_history_stays(fresh):
    serial, other = issued(fresh), issued(fresh)
    for one in (serial, other):
        fresh.revoke("clients", one, "certificateHold", "alice")
    fresh.release("clients", serial, "bob", word())
    assert listed(fresh, serial) is None and listed(fresh, other) is not None
    steps = fresh.changes(0, "").steps
    assert [(step.serial, step.reason, step.by) for step in steps] == [
        (serial, "certificateHold", "alice"),
        (other, "certificateHold", "alice"),
        (serial, "", "bob"),
    ]
    ((evidence,),) = fresh.journal._all("SELECT evidence FROM changes WHERE evidence <> ''")
    assert OFFICER in evidence
    fresh.revoke("clients", serial, "keyCompromise", "alice")
    assert listed(fresh, serial) is not None


@pytest.mark.parametrize("reason", [None, "keyCompromise", "unspecified", "superseded"])
def test_what_is_not_on_hold_is_not_released(fresh, reason):
    serial = issued(fresh)
    if reason:
        fresh.revoke("clients", serial, "certificateHold", "alice")
        fresh.revoke("clients", serial, reason, "alice")
    assert code(fresh.release, "clients", serial, "bob", word()) == "no-hold"
    assert (listed(fresh, serial) is not None) == bool(reason)


@pytest.mark.parametrize(
    ("evidence", "refused"),
    [
        (word("bob"), "uuid"),
        (word(ago=3 * 3600), "release-said"),
        (word(ago=-3600), "release-said"),
        (ReleaseEvidence(OFFICER, "yesterday", False), "evidence"),
    ],
)
def test_a_release_needs_an_officers_fresh_word(fresh, evidence, refused):
    serial = issued(fresh)
    fresh.revoke("clients", serial, "certificateHold", "alice")
    assert code(fresh.release, "clients", serial, "bob", evidence) == refused
    assert listed(fresh, serial) is not None


def test_nobody_releases_their_own_unless_they_live_alone(fresh):
    serial = issued(fresh, owner=OFFICER)
    fresh.revoke("clients", serial, "certificateHold", "bob")
    assert code(fresh.release, "clients", serial, "bob", word()) == "self-release"
    fresh.release("clients", serial, "bob", word(one_person=True))


def test_a_compromised_key_takes_all_its_certificates_along_and_gets_none_again(fresh):
    key, owner = ec.generate_private_key(ec.SECP256R1()), str(uuid.uuid4())
    first, second = (issued(fresh, key, owner) for _ in range(2))
    stranger = issued(fresh)
    fresh.revoke("clients", first, "superseded", "alice")
    assert listed(fresh, second) is None
    fresh.revoke("clients", second, "keyCompromise", "alice")
    for serial in (first, second):
        assert listed(fresh, serial).extensions[0].value.reason.value == "keyCompromise"
    assert listed(fresh, stranger) is None
    assert code(fresh.issue, request(der=csr(key), owner=owner)) == "key-compromised"


def test_a_compromised_key_ends_what_is_being_signed_for_it(fresh, monkeypatch):
    key, owner = ec.generate_private_key(ec.SECP256R1()), str(uuid.uuid4())
    serial, finish = issued(fresh, key, owner), fresh._finish

    def reported_meanwhile(row):
        monkeypatch.undo()
        fresh.revoke("clients", serial, "keyCompromise", "alice")
        return finish(row)

    monkeypatch.setattr(fresh, "_finish", reported_meanwhile)
    wanted = request(der=csr(key), owner=owner)
    for _ in range(2):
        assert code(fresh.issue, wanted) == "revoked"
    ((second,),) = fresh.journal._all("SELECT serial FROM certificates WHERE serial <> ?", serial)
    assert listed(fresh, second).extensions[0].value.reason.value == "keyCompromise"


def test_what_was_revoked_is_not_handed_out_again(fresh):
    wanted = request(der=csr())
    serial = f"{x509.load_der_x509_certificate(fresh.issue(wanted)).serial_number:x}"
    fresh.revoke("clients", serial, "superseded", "alice")
    assert code(fresh.issue, wanted) == "revoked"


def test_an_invalidity_date_is_on_the_list(fresh):
    serial, since = issued(fresh), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    fresh.revoke("clients", serial, "keyCompromise", "alice", since)
    found = listed(fresh, serial).extensions.get_extension_for_class(x509.InvalidityDate).value
    assert found.invalidity_date_utc == since
    assert fresh.changes(0, "").steps[0].invalidity == since.timestamp()
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert code(fresh.revoke, "clients", issued(fresh), "keyCompromise", "alice", tomorrow) == "invalidity"


def test_changes_come_in_order_and_only_the_new_ones(fresh):
    serials = [issued(fresh) for _ in range(3)]
    for serial in serials:
        fresh.revoke("clients", serial, "superseded", "alice")
    assert fresh.revoke("clients", serials[0], "superseded", "alice")  # says nothing new
    found = fresh.changes(0, "")
    assert [step.serial for step in found.steps] == serials and found.same
    assert found.last == {"clients": found.steps[-1].id, "servers": 0, "devices": 0}
    rest = fresh.changes(found.steps[0].id, serials[0])
    assert rest.same and [step.serial for step in rest.steps] == serials[1:]
    assert fresh.changes(found.steps[-1].id, serials[-1]).steps == ()


def test_the_longest_names_do_not_make_an_answer_that_nobody_reads():
    """Who broke into the web side says who revoked: the lists must go on after they were thrown out."""
    names = "\N{GRINNING FACE}" * 300
    step = Change(1 << 62, "servers", "f" * 40, 1 << 40, "cessationOfOperation", 1 << 40, 1 << 40, names)
    found = wire.from_changes(Changes(True, (step,) * CHANGES, {"clients": 1}))
    assert len(json.dumps({"v": 1, "ok": found})) < MAX_ANSWER


def test_another_journal_is_noticed(fresh):
    serial = issued(fresh)
    fresh.revoke("clients", serial, "superseded", "alice")
    for since, about in ((1, "abc"), (7, serial)):
        found = fresh.changes(since, about)
        assert not found.same and found.steps[0].serial == serial


def test_many_lines_fill_several_pieces_and_each_can_be_changed(fresh, monkeypatch):
    monkeypatch.setattr(entries, "PIECE", 100)
    serials = [issued(fresh) for _ in range(9)]
    for serial in serials:
        fresh.revoke("clients", serial, "certificateHold", "alice")
    assert fresh.journal._all("SELECT count(*) FROM crl_pieces")[0][0] > 3
    fresh.revoke("clients", serials[4], "affiliationChanged", "alice")
    for serial in serials[:4]:
        fresh.release("clients", serial, "bob", word())
    assert {serial for serial in serials if listed(fresh, serial)} == set(serials[4:])
    assert listed(fresh, serials[4]).extensions[0].value.reason.value == "affiliationChanged"


def test_what_was_revoked_before_the_lines_were_kept_is_on_the_list(tmp_path: Path, monkeypatch):
    """A journal of version 3, and its revocations, become one of today."""
    path = tmp_path / "journal.sqlite3"
    with monkeypatch.context() as patch:
        patch.setattr("pki.signer.journal.MIGRATIONS", MIGRATIONS[:3])
        Journal(path).close()
    end = int(time.time()) + 86400
    with sqlite3.connect(path) as database:
        rows = [("clients", f"{n:x}", "ca", 1_700_000_000 + n, "superseded", end, "bob") for n in range(1, 5)]
        database.executemany("INSERT INTO revocations VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    database.close()
    journal = Journal(path)
    with journal.crl_lines("ca", 0) as (size, lines):
        content = b"".join(lines)
    assert size == len(content)
    expected = [entries.encoded(f"{n:x}", 1_700_000_000 + n, "superseded", None) for n in range(1, 5)]
    assert content == b"".join(expected)
    assert [step.serial for step in journal.changes(0, 9)] == ["1", "2", "3", "4"]
    journal.close()
