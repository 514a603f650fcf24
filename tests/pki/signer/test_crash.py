"""The short form of tests/soak/signer.py."""

import pytest

from tests.soak.signer import torment


@pytest.mark.slow
def test_forty_kills_lose_and_double_nothing(tmp_path):
    assert torment(tmp_path, 40)["certificates"] > 10
