"""A running household and those who come to its faces; each file of tests has its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.portal.door_clients import Crowd
from tests.portal.door_hand import hand
from tests.portal.running import up


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    folder = tmp_path_factory.mktemp("crowd")
    (folder / "clients").mkdir()
    with up(folder / "data") as running, hand(running.env) as hands:
        yield Crowd(running, hands, folder / "clients")


@pytest.fixture(scope="module")
def phone(crowd: Crowd) -> Path:
    """The certificate of one that is live."""
    return crowd.good()
