"""How the status page counts."""

import pytest

from portal.fact import counted


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0 certificates"), (1, "1 certificate"), (2, "2 certificates"), (2000, "2,000 certificates")],
)
def test_one_is_counted_in_the_singular(number: int, expected: str) -> None:
    assert counted(number, "certificate") == expected
