"""A data folder as the first Latchkey left it: started by this one, everything is there and works.

The folder is made by this version and taken back, to the first migrations and the first journal;
those never change, so the tables are what the first version made.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pki.signer.journal import MIGRATIONS
from tests.portal.door_clients import Crowd, visit
from tests.portal.door_hand import hand
from tests.portal.running import environment, manage, sentence, up

pytestmark = pytest.mark.slow

BACK = """
from audit import chain
from audit.models import AuditEvent, AuditHead
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
head = "0" * 64
for line in AuditEvent.objects.order_by("sequence"):  # as a line was written that had no commitment
    line.previous, line.salt, line.commitment = head, "", ""
    line.digest = head = chain.digest_of(line)
    line.save()
AuditHead.objects.update(digest=head)
executor = MigrationExecutor(connection)
ours = ("enrollment", "door", "pki", "accounts", "audit")
executor.migrate([node for node in executor.loader.graph.nodes if node[0] in ours and node[1][:4] == "0001"])
"""
OK = b"HTTP/1.1 200 OK\r\n"
Rows = dict[str, list[tuple[object, ...]]]
KEPT = {  # what people would miss: these columns were there from the first day
    "accounts_user": "username, full_name, password, is_officer",
    "pki_certificate": "fingerprint, serial, owner, subject, revoked_at, reason",
    "enrollment_certificationrequest": "id, status, device, created_at",
    "audit_auditevent": "sequence, at, actor, action, digest",
}


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[Path]]]:
    """The folder as it was then; and clients: one live, one revoked."""
    folder = tmp_path_factory.mktemp("old")
    (folder / "clients").mkdir()
    with up(folder / "data") as running, hand(running.env) as hands:
        crowd = Crowd(running, hands, folder / "clients")
        clients = [crowd.good("live phone"), crowd.good("lost phone")]
        crowd.revoke(clients[1])
    with closing(sqlite3.connect(folder / "data/web/latchkey.sqlite3")) as database, database:
        database.executescript("DELETE FROM door_rule; DELETE FROM door_door;")  # made by a migration
    done = manage("shell", "--no-imports", "-c", BACK, env=running.env, seconds=90)
    assert done.returncode == 0, done.stderr
    first_journal(folder / "data/signer/journal.sqlite3")
    for found in (folder / "data/public/crl").iterdir():
        found.unlink()  # it carries the head of the trail as it was
    (folder / "data/VERSION").write_text("0.0.1\n")
    yield folder / "data", clients


def first_journal(path: Path) -> None:
    """The same entries in the tables of the first version."""
    before = path.with_name("new.sqlite3")
    path.rename(before)
    for beside in path.parent.glob("journal.sqlite3-*"):
        beside.unlink()
    with closing(sqlite3.connect(path)) as made:
        made.executescript(MIGRATIONS[0])
        made.execute("ATTACH ? AS new", (str(before),))
        for (table,) in made.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
            names = ", ".join(row[1] for row in made.execute(f"PRAGMA main.table_info({table})"))
            made.execute(f"INSERT INTO main.{table} ({names}) SELECT {names} FROM new.{table}")
        made.execute("PRAGMA user_version = 1")
        made.commit()
    before.unlink()
    path.chmod(0o600)


def rows(data: Path) -> Rows:
    with closing(sqlite3.connect(data / "web/latchkey.sqlite3")) as database:
        found = {table: f"SELECT {columns} FROM {table} ORDER BY 1" for table, columns in KEPT.items()}
        return {table: database.execute(query).fetchall() for table, query in found.items()}


def test_everything_is_there_after_the_upgrade_and_a_copy_of_before(
    old: tuple[Path, list[Path]], tmp_path: Path
) -> None:
    before, (live, lost) = rows(old[0]), old[1]
    shutil.copytree(old[0], data := tmp_path / "data")
    with up(data) as running, hand(running.env) as hands:
        assert "Before the upgrade everything was copied to" in running.said
        crowd = Crowd(running, hands, tmp_path)
        assert visit(running.door_address, live, crowd.trust).startswith(OK)
        assert visit(running.door_address, lost, crowd.trust) == b""
        assert visit(running.door_address, crowd.good("new phone"), crowd.trust).startswith(OK)
        assert "is whole" in manage("verify_audit", env=running.env).stdout
        after = rows(data)
    for table, kept in before.items():
        assert kept
        assert set(kept) <= set(after[table]), table
    (copy,) = (data / "backups").iterdir()
    with closing(sqlite3.connect(copy / "latchkey.sqlite3")) as copied:
        assert "accounts_delivery" not in {
            name for (name,) in copied.execute("SELECT name FROM sqlite_master")
        }
    with closing(sqlite3.connect(copy / "journal.sqlite3")) as copied:
        assert copied.execute("PRAGMA user_version").fetchone() == (1,)
    (kept_by_signer,) = (data / "signer").glob("journal.sqlite3.version-1-*")
    assert kept_by_signer.stat().st_mode & 0o077 == 0


def test_a_backup_of_then_is_restored_now(old: tuple[Path, list[Path]], tmp_path: Path) -> None:
    """Packed as it was: the restoration brings it to this version and proves it."""
    shutil.copytree(old[0], data := tmp_path / "data")
    word = tmp_path / "word"
    word.write_text("correct horse battery staple")
    word.chmod(0o600)
    for words in (["backup", str(tmp_path / "b.age")], ["restore", str(tmp_path / "b.age"), "--drill"]):
        done = manage(*words, f"--passphrase-file={word}", env=environment(data), seconds=90)
        assert done.returncode == 0, done.stdout + done.stderr
    assert ", 1 revoked" in done.stdout


def test_a_folder_of_a_newer_version_is_left_alone(old: tuple[Path, list[Path]], tmp_path: Path) -> None:
    shutil.copytree(old[0], data := tmp_path / "data")
    (data / "VERSION").write_text("99.0.0\n")
    before = rows(data)
    with closing(sqlite3.connect(data / "web/latchkey.sqlite3")) as database:
        applied = database.execute("SELECT count(*) FROM django_migrations").fetchone()
    said = sentence("up", env=environment(data))
    assert "belongs to a newer Latchkey (99.0.0)" in said
    assert rows(data) == before
    with closing(sqlite3.connect(data / "web/latchkey.sqlite3")) as database:
        assert database.execute("SELECT count(*) FROM django_migrations").fetchone() == applied
