"""Slow clients, counted by their networks: whose connection makes room."""

from types import SimpleNamespace

import pytest

from portal import worker
from portal.crowd import SAME_NETWORK, SLOW, THREADS, Crowd


def test_a_reserve_is_left_for_whoever_is_served() -> None:
    assert SAME_NETWORK < SLOW < THREADS


def test_the_busiest_network_loses_its_oldest_and_nobody_else_anything() -> None:
    crowd: Crowd[str] = Crowd()
    assert crowd.join("visitor", "c") is None
    for n in range(5):
        assert crowd.join(f"a{n}", "a") is None
    for n in range(6):
        assert crowd.join(f"b{n}", "b") is None
    assert [crowd.join("a5", "a"), crowd.join("a6", "a")] == ["a0", "a1"]
    assert [crowd.join(f"visitor {n}", f"elsewhere {n}") for n in range(3)] == ["b0", "a2", "b1"]


def test_with_as_many_networks_as_places_the_oldest_goes() -> None:
    crowd: Crowd[int] = Crowd()
    assert [crowd.join(n, str(n)) for n in range(SLOW + 2)] == [None] * SLOW + [0, 1]


def test_a_network_has_its_share_and_who_leaves_makes_room() -> None:
    crowd: Crowd[int] = Crowd()
    for n in range(SAME_NETWORK):
        assert not crowd.is_full_for("a")
        crowd.join(n, "a")
    assert crowd.is_full_for("a") and not crowd.is_full_for("b")
    crowd.leave(0)
    crowd.leave(0)
    assert not crowd.is_full_for("a")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
def test_one_ipv6_network_counts_as_one_client(one: str, other: str, same: bool) -> None:
    def network(address: str) -> str:
        return worker._network(SimpleNamespace(client=(address, 1, 0, 0)))

    assert (network(one) == network(other)) is same
