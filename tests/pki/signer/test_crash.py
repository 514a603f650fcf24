"""The short form of tests/crash_signer.py."""

import pytest

from tests.crash_signer import torment


@pytest.mark.slow
def test_forty_kills_lose_and_double_nothing(tmp_path):
    assert "none lost, none doubled" in torment(tmp_path, 40)
