"""The signer's folder: what lies open to others refuses to start, with the command that mends it."""

import os
from pathlib import Path

import pytest

from pki.signer import home
from pki.signer.home import StartRefused


@pytest.fixture
def folder(tmp_path) -> Path:
    path = tmp_path / "signer"
    path.mkdir(mode=0o700)
    return path


def test_the_folder_is_made_for_its_owner_only(tmp_path):
    os.close(home.enter(tmp_path / "a" / "signer"))
    assert (tmp_path / "a" / "signer").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o770, 0o755])
def test_a_folder_others_can_read_refuses_to_start(folder, mode):
    folder.chmod(mode)
    with pytest.raises(StartRefused, match=f"can be read by others. Run: chmod 700 {folder}"):
        home.enter(folder)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
@pytest.mark.parametrize("name", ["passphrase", "clients/root.key", "journal.sqlite3"])
def test_a_secret_others_can_read_refuses_to_start(folder, name, mode):
    path = folder / name
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text("secret")
    path.chmod(mode)
    with pytest.raises(StartRefused, match=f"Run: chmod 600 {path}"):
        home.enter(folder)


def test_a_second_signer_on_the_same_folder_is_refused(folder):
    lock = home.enter(folder)
    with pytest.raises(StartRefused, match="Another signer is running"):
        home.enter(folder)
    os.close(lock)
    os.close(home.enter(folder))


def test_the_passphrase_is_made_once_and_is_long(folder):
    first = home.passphrase(folder, None)
    assert len(first) >= 40 and home.passphrase(folder, None) == first
    assert (folder / "passphrase").stat().st_mode & 0o777 == 0o600


def test_keys_without_their_passphrase_refuse_to_start(folder):
    (folder / "clients").mkdir()
    (folder / "clients" / "root.key").write_text("sealed")
    with pytest.raises(StartRefused, match="Restore it from a backup"):
        home.passphrase(folder, None)


def given(folder: Path, text: str, mode: int) -> Path:
    path = folder / "credential"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_passphrase_may_be_given_as_a_file(folder):
    path = given(folder, "a long enough passphrase\n", 0o400)
    assert home.passphrase(folder, path) == b"a long enough passphrase"
    assert not (folder / "passphrase").exists()


def test_a_given_passphrase_others_can_read_refuses_to_start(folder):
    with pytest.raises(StartRefused, match="chmod 600"):
        home.passphrase(folder, given(folder, "a long enough passphrase", 0o644))


def test_a_given_passphrase_that_is_too_short_refuses_to_start(folder):
    with pytest.raises(StartRefused, match="openssl rand"):
        home.passphrase(folder, given(folder, "short", 0o600))


def test_a_given_passphrase_that_is_missing_refuses_to_start(folder):
    with pytest.raises(StartRefused, match="cannot be read"):
        home.passphrase(folder, folder / "nothing")


def test_a_retired_authority_is_kept_aside(folder):
    (folder / "servers").mkdir()
    (folder / "servers" / "root.key").write_text("sealed")
    place = home.retire(folder, "servers")
    assert not (folder / "servers").exists()
    assert (place / "root.key").read_text() == "sealed"
    assert home.retired(folder, "servers") == 1
    with pytest.raises(StartRefused, match="no authority"):
        home.retire(folder, "servers")
