"""A broken-in web process leaves something in its folders for the next start, which is not confined."""

import json
from pathlib import Path

import pytest
from django.test import override_settings

from portal import checks, landlock
from portal.apart import apart
from portal.checks import Obstacle
from tests.portal.running import environment, sentence, up


def obstacle() -> None:
    raise Obstacle("There is no room.")


def test_what_was_done_apart_comes_back() -> None:
    assert apart(lambda: ["a", 1, None]) == ["a", 1, None]


def test_an_obstacle_met_apart_is_raised_here() -> None:
    with pytest.raises(Obstacle, match="There is no room"):
        apart(obstacle)


def test_work_that_breaks_is_an_obstacle_too() -> None:
    with pytest.raises(Obstacle, match="the lines above say why"):
        apart(lambda: 1 // 0)


def test_nothing_outside_the_web_folders_can_be_written_apart(tmp_path: Path) -> None:
    if not landlock.version():
        pytest.skip("this kernel has no Landlock")
    with pytest.raises(Obstacle):
        apart(lambda: (tmp_path / "new").write_text("x"))
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_the_next_start_writes_through_no_link_that_was_left_for_it(tmp_path: Path) -> None:
    if not landlock.version():
        pytest.skip("this kernel has no Landlock")
    victim = tmp_path / "Makefile"
    victim.write_text("run:\n")
    data = tmp_path / "data"
    with up(data):
        pass
    steps = {"at": "2020-01-01T00:00:00+00:00", "steps": {"$(shell id)": ""}}
    (data / "web/housekeeping.json").write_text(json.dumps(steps))
    (data / "web/housekeeping.new").symlink_to(victim)
    (data / "public/crl/clients.lock").unlink()
    (data / "public/crl/clients.lock").symlink_to(tmp_path / "made")
    with up(data) as running:
        assert running.get("/healthz")[0] == 200
    assert victim.read_text() == "run:\n"
    assert not (tmp_path / "made").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["secret-key", "sealing-key", "metrics-token"])
def test_the_next_start_reads_no_secret_through_a_link(tmp_path: Path, name: str) -> None:
    data = tmp_path / "data"
    (data / "web").mkdir(parents=True)
    passphrase = tmp_path / "passphrase"
    passphrase.touch(0o600)
    (data / "web" / name).symlink_to(passphrase)
    assert "It must be a plain file." in sentence("up", env=environment(data))


@pytest.mark.slow
def test_the_next_start_takes_no_empty_secret(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "web").mkdir(parents=True)
    (data / "web/metrics-token").touch(0o600)
    assert "is empty" in sentence("up", env=environment(data))
    assert sorted(path.name for path in (data / "web").glob("*")) == ["metrics-token", "secret-key"]


@pytest.mark.parametrize("place", ["", "program", "programs/latchkey"])
def test_a_database_beside_the_program_stops_the_start(tmp_path: Path, place: str) -> None:
    with (
        override_settings(BASE_DIR=tmp_path / place),
        pytest.raises(Obstacle, match="a folder of its own"),
    ):
        checks.database_apart(tmp_path)
    checks.database_apart(tmp_path / "database")
    checks.database_apart(None)


def test_folders_that_others_can_read_stop_the_start(tmp_path: Path) -> None:
    for name in ("WEB_DIR", "BACKUP_DIR"):
        folder = tmp_path / name
        folder.mkdir(mode=0o700)
        with override_settings(DATA=tmp_path, **{name: folder}):
            checks.private_folders()
            folder.chmod(0o750)
            with pytest.raises(Obstacle, match=f"chmod 700 {folder}"):
                checks.private_folders()
