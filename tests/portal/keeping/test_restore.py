"""Backups of a running household, and what comes of them: real programs, over a real data folder."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

from tests.portal.door_clients import Crowd, visit
from tests.portal.door_hand import hand
from tests.portal.running import environment, manage, up, wait_until

pytestmark = pytest.mark.slow

OK = b"HTTP/1.1 200 OK\r\n"
QUICK = {"DJANGO_SETTINGS_MODULE": "tests.quick_settings"}
SLOW = {"DJANGO_SETTINGS_MODULE": "portal.settings"}  # stretching leaves a second to interrupt it in


@dataclass
class House:
    """A household that runs; `backup` was made after `early` and `lost`, before `late`."""

    crowd: Crowd
    word: Path
    backup: Path
    early: Path
    lost: Path
    late: Path

    def manage(self, *words: str, word: Path | None = None) -> subprocess.CompletedProcess[str]:
        return manage(
            *words, f"--passphrase-file={word or self.word}", env=self.crowd.running.env, seconds=90
        )

    def refused(self, *words: str, word: Path | None = None) -> str:
        """What a command says that does not succeed: one sentence, not a traceback."""
        done = self.manage(*words, word=word)
        assert done.returncode == 1, done.stdout
        assert "Traceback" not in done.stderr
        return done.stderr

    def lines(self, action: str) -> list[dict[str, str]]:
        return lines(self.crowd.running.data, action)

    def copies(self) -> set[str]:
        """What lies in the folder of copies: drafts of backups would."""
        return {path.name for path in (self.crowd.running.data / "backups").iterdir()}


def lines(data: Path, action: str) -> list[dict[str, str]]:
    """Details of the audit trail's lines of this kind."""
    with closing(sqlite3.connect(data / "web/latchkey.sqlite3")) as database:
        rows = database.execute("SELECT detail FROM audit_auditevent WHERE action = ?", [action]).fetchall()
    return [json.loads(detail) for (detail,) in rows]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    (folder / "clients").mkdir()
    word = folder / "word"
    word.write_text("correct horse battery staple\n")
    word.chmod(0o600)
    with up(folder / "data", **QUICK) as running, hand(running.env) as hands:
        crowd = Crowd(running, hands, folder / "clients")
        early, lost = crowd.good("early phone"), crowd.good("lost phone")
        crowd.revoke(lost)
        backup = folder / "house.tar.age"
        done = manage("backup", str(backup), f"--passphrase-file={word}", env=running.env, seconds=90)
        assert done.returncode == 0, done.stderr
        assert "written and read again" in done.stdout
        yield House(crowd, word, backup, early, lost, crowd.good("late phone"))


def test_a_backup_is_ours_alone_and_stands_in_the_trail(house: House) -> None:
    assert house.backup.stat().st_mode & 0o777 == 0o600
    assert house.backup.read_bytes().startswith(b"age-encryption.org/v1\n-> scrypt ")
    assert len(house.lines("backup.made")) == 1
    assert house.copies() == set()


def test_a_drill_verifies_everything_leaves_nothing_and_is_noted(house: House) -> None:
    published = {
        path.name: path.read_bytes() for path in (house.crowd.running.data / "public").rglob("*.crl")
    }
    done = house.manage("restore", str(house.backup), "--drill")
    assert done.returncode == 0, done.stderr
    for said in (
        "Audit trail: Whole",
        "certificates, 1 revoked",
        "All 6 opened",
        "1 certificate on them",
    ):
        assert said in done.stdout
    assert len(house.lines("backup.drill")) == 1
    assert house.copies() == set()
    after = {path.name: path.read_bytes() for path in (house.crowd.running.data / "public").rglob("*.crl")}
    assert after == published


def test_what_is_restored_runs_and_refuses_what_came_after(house: House, tmp_path: Path) -> None:
    done = house.manage("restore", str(house.backup), "--into", str(tmp_path / "again"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "again").stat().st_mode & 0o777 == 0o700
    kept = subprocess.run(
        ["sh", "-c", 'set -a; . "$1"; exec env', "sh", str(tmp_path / "again/settings.env")],
        capture_output=True,
        text=True,
    )
    hosts = house.crowd.running.env["LATCHKEY_HOSTS"]
    assert f"LATCHKEY_HOSTS={hosts}" in kept.stdout.splitlines()
    with up(tmp_path / "again") as running, hand(running.env) as hands:
        crowd = Crowd(running, hands, tmp_path)
        answers = [
            visit(running.door_address, who, crowd.trust) for who in (house.early, house.lost, house.late)
        ]
        assert answers[0].startswith(OK)
        assert answers[1:] == [b"", b""]
        assert len(lines(running.data, "backup.restored")) == 1
        assert "does not know it" in lines(running.data, "certificate.orphan")[0]["why"]
        new = crowd.good("new phone")
        assert visit(running.door_address, new, crowd.trust).startswith(OK)


def test_only_an_empty_folder_is_restored_into(house: House, tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("mine")
    assert "is not empty" in house.refused("restore", str(house.backup), "--into", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["letter"]


def test_the_default_data_folder_of_a_fresh_clone_counts_as_empty(house: House, tmp_path: Path) -> None:
    env = environment(tmp_path / "data")
    words = (
        "restore",
        str(house.backup),
        "--into",
        str(tmp_path / "data"),
        f"--passphrase-file={house.word}",
    )
    done = manage(*words, env=env, seconds=90)
    assert done.returncode == 0, done.stderr
    key = Path("web/sealing-key")
    assert (tmp_path / "data" / key).read_bytes() == (house.crowd.running.data / key).read_bytes()


def test_a_wrong_passphrase_or_a_damaged_file_leaves_nothing(house: House, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong horse battery staple")
    wrong.chmod(0o600)
    target = tmp_path / "again"
    words = ("restore", str(house.backup), "--into", str(target))
    assert "passphrase is wrong" in house.refused(*words, word=wrong)
    cut = tmp_path / "cut.age"
    cut.write_bytes(house.backup.read_bytes()[:-100_000])
    assert "damaged or not complete" in house.refused("restore", str(cut), "--into", str(target))
    wrong.chmod(0o644)
    assert "can be read by others" in house.refused(*words, word=wrong)
    assert "There is no file" in house.refused("restore", str(tmp_path / "none"), "--drill")
    assert "Say either" in house.refused("restore", str(house.backup))
    assert not target.exists()


def limited(house: House, *words: str) -> subprocess.CompletedProcess[str]:
    """With files of 300 kB at most: as on a disk that fills up on the way."""
    line = f"ulimit -f 300; exec {sys.executable} manage.py {' '.join(words)} --passphrase-file={house.word}"
    env = house.crowd.running.env
    return subprocess.run(
        ["bash", "-c", line], env=env, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=90
    )


def test_a_full_disk_is_a_sentence_and_leaves_nothing(house: House, tmp_path: Path) -> None:
    for words in (
        ("backup", str(tmp_path / "b.age")),
        ("restore", str(house.backup), "--into", str(tmp_path / "again")),
        ("restore", str(house.backup), "--drill"),
    ):
        done = limited(house, *words)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert list(tmp_path.iterdir()) == []
    assert house.copies() == set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_whatever_ends_a_backup_leaves_no_half_of_one(house: House, tmp_path: Path, number: int) -> None:
    part = tmp_path / ".b.age.part"
    command = [
        sys.executable,
        "manage.py",
        "backup",
        str(tmp_path / "b.age"),
        f"--passphrase-file={house.word}",
    ]
    with subprocess.Popen(
        command, env=house.crowd.running.env | SLOW, cwd=settings.BASE_DIR, stderr=subprocess.PIPE, text=True
    ) as process:
        wait_until(part.exists, 30, "the file is being written")
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert not (tmp_path / "b.age").exists()
    if number == signal.SIGKILL:  # then the next one clears up
        assert house.copies() != set()
        assert house.manage("backup", str(tmp_path / "b.age")).returncode == 0
    else:
        assert said == "Interrupted. Nothing was left behind.\n"
    assert not part.exists()
    assert house.copies() == set()


def test_copies_fit_together_while_certificates_are_issued_and_revoked(house: House, tmp_path: Path) -> None:
    stop, made = threading.Event(), []

    def issue() -> None:
        while not stop.is_set():
            file = house.crowd.good(f"busy {len(made)}")
            house.crowd.revoke(file)
            made.append(file)

    busy = threading.Thread(target=issue)
    busy.start()
    try:
        names = [tmp_path / f"{number}.age" for number in range(2)]
        assert [house.manage("backup", str(name)).stderr for name in names] == ["", ""]
    finally:
        stop.set()
        busy.join()
    assert len(made) > 5
    for name in names:
        done = house.manage("restore", str(name), "--drill")
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_signers_passphrase_can_stay_apart(house: House, tmp_path: Path) -> None:
    backup, own = tmp_path / "apart.age", house.crowd.running.data / "signer/passphrase"
    assert "keep that apart" in house.manage("backup", str(backup), "--without-signer-passphrase").stdout
    assert "made without the signer's passphrase" in house.refused("restore", str(backup), "--drill")
    done = house.manage("restore", str(backup), "--drill", f"--signer-passphrase-file={own}")
    assert done.returncode == 0, done.stderr


def test_a_signer_of_another_user_is_named_with_the_way_out(house: House, tmp_path: Path) -> None:
    data, env = house.crowd.running.data, house.crowd.running.env
    apart = env | {
        "LATCHKEY_SIGNER_SOCKET": str(data / "run/signer.sock"),
        "LATCHKEY_DATA": str(tmp_path / "web"),
    }
    words = ("backup", str(tmp_path / "b.age"), f"--passphrase-file={house.word}")
    done = manage(*words, env=apart)
    assert (done.returncode, "systemctl start latchkey-backup" in done.stderr) == (1, True)


def test_without_anybody_to_ask_a_passphrase_is_not_guessed(house: House) -> None:
    done = manage("backup", env=house.crowd.running.env)
    assert "--passphrase-file" in done.stderr
    assert done.returncode == 1


def test_a_manipulated_copy_is_found_out(house: House, tmp_path: Path) -> None:
    """What an honest backup could not hold: verify_copy compares everything with everything."""
    assert house.manage("restore", str(house.backup), "--into", str(tmp_path / "again")).returncode == 0
    env = environment(tmp_path / "again") | {"LATCHKEY_SIGNER_SOCKET": str(tmp_path / "s.sock")}
    journal, database = tmp_path / "again/signer/journal.sqlite3", tmp_path / "again/web/latchkey.sqlite3"
    for path, change, said in (
        (journal, "DELETE FROM revocations", "is revoked, and the journal does not know"),
        (journal, "UPDATE certificates SET tbs = zeroblob(10)", "is another one in the journal"),
        (journal, "DELETE FROM certificates", "The journal does not know the certificate"),
        (database, "UPDATE audit_auditevent SET actor = 'eve' WHERE sequence = 2", "is broken at line 2"),
        (journal, "DELETE FROM crl_pieces", "is revoked, and missing on the new list"),
    ):
        before = path.read_bytes()
        with closing(sqlite3.connect(path)) as changed, changed:
            changed.execute(change)
        done = manage("verify_copy", env=env)
        assert said in done.stdout, done.stdout + done.stderr
        for beside in path.parent.glob(f"{path.name}*"):
            beside.unlink()
        path.write_bytes(before)
        path.chmod(0o600)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become others")
def test_the_webs_user_backs_up_the_signers_folder_with_the_units_capability(
    house: House, tmp_path: Path
) -> None:
    """As deploy/systemd/latchkey-backup.service does: two users, and one capability to read."""
    assert house.manage("restore", str(house.backup), "--into", str(tmp_path / "again")).returncode == 0
    data, signer = tmp_path / "again", tmp_path / "signer"
    (data / "signer").rename(signer)
    (data / "backups").mkdir()
    for path in (data, *data.rglob("*"), tmp_path):
        shutil.chown(path, "nobody", "nogroup")
    env = environment(data, **QUICK) | {"LATCHKEY_SIGNER_SOCKET": str(tmp_path / "s.sock")}
    with closing(sqlite3.connect(signer / "journal.sqlite3")) as journal:
        journal.execute("SELECT count(*) FROM certificates").fetchone()  # open, as while the signer runs
        word = tmp_path / "word"
        word.write_text(house.word.read_text())
        word.chmod(0o600)
        shutil.chown(word, "nobody", "nogroup")
        words = ("backup", str(tmp_path / "b.age"), f"--passphrase-file={word}", f"--signer-home={signer}")
        done = as_nobody(env, *words)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "b.age").owner() == "nobody"
    drilled = manage("restore", str(tmp_path / "b.age"), "--drill", f"--passphrase-file={word}", env=env)
    assert "The backup is good" in drilled.stdout, drilled.stderr


def as_nobody(env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    may = "+dac_read_search"
    become = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", f"--inh-caps={may}"]
    command = [*become, f"--ambient-caps={may}", sys.executable, "manage.py", *words]
    return subprocess.run(command, env=env, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=90)
