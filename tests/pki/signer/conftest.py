"""A signer's inside without its process: three authorities and a journal in a folder of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pki.signer.authorities import Plan
from pki.signer.journal import Journal
from pki.signer.keys import Authority, open_authorities
from pki.signer.service import Service
from tests.pki.signer.makers import HOSTS, STATUS_URL

PLAN = Plan("tests", HOSTS, STATUS_URL)
PASSPHRASE = b"a passphrase for tests"


@pytest.fixture(scope="session")
def private(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder nobody else can read."""
    folder = tmp_path_factory.mktemp("signer")
    folder.chmod(0o700)
    return folder


@pytest.fixture(scope="session")
def authorities(private: Path) -> dict[str, Authority]:
    return open_authorities(private, PASSPHRASE, PLAN)


@pytest.fixture(scope="session")
def service(authorities: dict[str, Authority], private: Path) -> Iterator[Service]:
    journal = Journal(private / "journal.sqlite3")
    yield Service(authorities, journal, STATUS_URL, frozenset(HOSTS))
    journal.close()


@pytest.fixture
def fresh(authorities: dict[str, Authority], tmp_path: Path) -> Iterator[Service]:
    """The same authorities over an empty journal, for tests that break or count things."""
    journal = Journal(tmp_path / "journal.sqlite3")
    yield Service(authorities, journal, STATUS_URL, frozenset(HOSTS))
    journal.close()
