from pathlib import Path

import pytest
from pytest_django import Settings


@pytest.fixture
def no_signer(settings: Settings, tmp_path: Path) -> None:
    """Nobody answers at the signer's socket, and nothing was ever published."""
    settings.SIGNER_SOCKET = tmp_path / "nobody.sock"
    settings.PUBLIC_DIR = tmp_path / "public"
