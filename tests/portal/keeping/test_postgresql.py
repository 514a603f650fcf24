"""A household on PostgreSQL: its backup holds a dump; drill and restoration load it where one says."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.portal.door_clients import Crowd, visit
from tests.portal.door_hand import hand
from tests.portal.running import Running, environment, manage, up
from tests.postgres import cluster, needs_postgresql

pytestmark = [pytest.mark.slow, needs_postgresql]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Crowd, Path, str]]:
    """A running one with a client, a passphrase, and the URL of its database."""
    folder = tmp_path_factory.mktemp("house")
    (folder / "clients").mkdir()
    word = folder / "word"
    word.write_text("correct horse battery staple")
    word.chmod(0o600)
    quick = "tests.quick_settings"
    with (
        cluster() as url,
        up(folder / "data", DATABASE_URL=url, DJANGO_SETTINGS_MODULE=quick) as running,
        hand(running.env) as hands,
    ):
        yield Crowd(running, hands, folder / "clients"), word, url


def databases(url: str) -> set[str]:
    with psycopg.connect(url) as database:
        return {name for (name,) in database.execute("SELECT datname FROM pg_database").fetchall()}


def test_a_drill_loads_the_dump_beside_and_a_restoration_where_one_says(
    house: tuple[Crowd, Path, str], tmp_path: Path
) -> None:
    crowd, word, url = house
    running: Running = crowd.running
    phone, backup, key = crowd.good("phone"), str(tmp_path / "b.age"), f"--passphrase-file={word}"
    done = manage("backup", backup, key, env=running.env, seconds=90)
    assert done.returncode == 0, done.stderr
    before = databases(url)
    done = manage("restore", backup, "--drill", key, env=running.env, seconds=90)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All 6 opened" in done.stdout
    assert databases(url) == before

    into = ("restore", backup, "--into", str(tmp_path / "again"), key)
    bare = environment(tmp_path / "other")
    assert "give its URL with --database" in manage(*into, env=bare).stderr
    assert "is not empty" in manage(*into, f"--database={url}", env=bare).stderr
    assert not (tmp_path / "again").exists()
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("CREATE DATABASE again")
    fresh = url.rpartition("/")[0] + "/again"
    done = manage(*into, f"--database={fresh}", env=bare, seconds=90)
    assert done.returncode == 0, done.stdout + done.stderr
    with up(tmp_path / "again", DATABASE_URL=fresh) as second:
        trust = second.data / "public/ca/servers-root.pem"
        assert visit(second.door_address, phone, trust).startswith(b"HTTP/1.1 200 OK")
