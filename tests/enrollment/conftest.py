from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from tests.conftest import open_session


@pytest.fixture
def no_signer(settings: Settings, tmp_path: Path) -> None:
    """Nobody answers at the signer's socket, and nothing was ever published."""
    settings.SIGNER_SOCKET = tmp_path / "nobody.sock"
    settings.PUBLIC_DIR = tmp_path / "public"


@pytest.fixture
def at_home(browser: Client, alice: User) -> Client:
    """alice's browser."""
    return open_session(browser, alice)
