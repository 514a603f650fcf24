"""The journal's file: its version, its promises."""

import sqlite3

import pytest

from pki.signer.home import StartRefused
from pki.signer.journal import MIGRATIONS, Journal

FACTS = {
    "request_id": "r",
    "request_sha256": "d",
    "issuer": "i",
    "authority": "clients",
    "serial": "ab",
    "profile": "tls-client",
    "owner": "alice",
    "common_name": "phone",
    "sans": "[]",
    "key_sha256": "k",
    "not_before": 1,
    "not_after": 2,
    "evidence": "{}",
    "reserved_at": 1,
    "tbs": b"tbs",
    "claim": None,
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.sqlite3"


def test_a_new_journal_has_the_current_version(path):
    Journal(path).close()
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)


def test_a_journal_of_a_newer_version_refuses_to_start_with_the_way_out(path):
    sqlite3.connect(path).execute("PRAGMA user_version = 99").close()
    with pytest.raises(StartRefused, match=r"newer Latchkey.*restore the backup"):
        Journal(path)


def test_an_older_journal_is_copied_and_then_migrated(path, monkeypatch):
    journal = Journal(path)
    journal.reserve(FACTS)
    journal.close()
    monkeypatch.setattr(
        "pki.signer.journal.MIGRATIONS", (*MIGRATIONS, "ALTER TABLE lints ADD COLUMN more TEXT")
    )
    Journal(path).close()
    (copy,) = path.parent.glob(f"journal.sqlite3.version-{len(MIGRATIONS)}-*")
    for file, version in ((path, len(MIGRATIONS) + 1), (copy, len(MIGRATIONS))):
        database = sqlite3.connect(file)
        assert database.execute("PRAGMA user_version").fetchone() == (version,)
        assert database.execute("SELECT count(*) FROM certificates").fetchone() == (1,)


def test_a_migration_that_fails_changes_nothing(path, monkeypatch):
    Journal(path).close()
    monkeypatch.setattr("pki.signer.journal.MIGRATIONS", (*MIGRATIONS, "CREATE TABLE more (a); nonsense"))
    with pytest.raises(sqlite3.OperationalError):
        Journal(path)
    database = sqlite3.connect(path)
    assert database.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    assert database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'more'").fetchone() == (0,)


@pytest.mark.parametrize("changes", [{"serial": "cd"}, {"request_id": "s"}])
def test_neither_a_request_nor_a_serial_stands_in_it_twice(path, changes):
    journal = Journal(path)
    journal.reserve(FACTS)
    with pytest.raises(sqlite3.IntegrityError):
        journal.reserve(FACTS | changes)
    journal.reserve(FACTS | {"serial": "cd", "request_id": "s"})


def test_a_reservation_is_unsigned_until_its_signature_comes(path):
    journal = Journal(path)
    row = journal.reserve(FACTS)
    assert journal.unsigned() == [row] == [journal.find("r")]
    assert journal.counts() == (0, 0)
    journal.signed(row, b"signature")
    assert journal.unsigned() == []
    assert journal.find("r").signature == b"signature"
    assert journal.counts() == (1, 0)


def test_what_was_never_signed_cannot_be_revoked(path):
    journal = Journal(path)
    row = journal.reserve(FACTS)
    assert journal.revoke("clients", "ab", "superseded", "bob", 5) is None
    journal.signed(row, b"signature")
    assert journal.revoke("clients", "ab", "superseded", "bob", 6) == 6
    assert journal.counts() == (1, 1)


def test_a_reservation_is_flushed_to_the_disk_before_anything_is_signed(path):
    journal = Journal(path)
    journal.reserve(FACTS)
    assert journal._database.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert journal._database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
