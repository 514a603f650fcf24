"""What der.js writes is what others read, and it reads DER alone; passwords are as random as they say."""

import math
from collections import Counter
from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.js.browsers import Step, chromium_window
from tests.js.household import Household
from tests.js.site import running

pytestmark = pytest.mark.slow
FEW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NOT_DER = "RangeError: This is not DER."
ROTTEN = {
    "nothing after the tag": "30",
    "no body": "0401",
    "body cut short": "0403aabb",
    "indefinite length": "30800000",
    "long form of a short length": "04810100",
    "a zero before the length": "0482008000",
    "five octets of length": "048500000000010000",
    "length of 4 GB": "0484ffffffff00",
    "reserved length": "04ff",
    "tag of two octets": "1f0100",
    "length of ten octets": "048a" + "ff" * 10,
    "second element cut short": "05000401",
}


@pytest.fixture(scope="module")
def step(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Step]:
    with running() as site, chromium_window(tmp_path_factory.mktemp("profile"), site.address) as step:
        yield step


def encoded(tag: int, body: bytes) -> bytes:
    size = len(body)
    octets = size.to_bytes(max(1, math.ceil(size.bit_length() / 8)))
    return bytes([tag]) + (octets if size < 128 else bytes([128 + len(octets)]) + octets) + body


def whole(tree: tuple[int, object]) -> bytes:
    tag, body = tree
    return encoded(tag, body if isinstance(body, bytes) else b"".join(map(whole, body)))


def plain(tree: tuple[int, object]) -> list[object]:
    """As the page tells it."""
    tag, body = tree
    return [tag, body.hex() if isinstance(body, bytes) else [plain(one) for one in body]]


LEAVES = st.tuples(st.sampled_from([1, 2, 3, 4, 5, 6, 12, 0x80]), st.binary(max_size=300))
TREES = st.recursive(
    LEAVES, lambda below: st.tuples(st.sampled_from([0x30, 0x31, 0xA0]), st.lists(below, max_size=4))
)


@FEW
@given(trees=st.lists(st.lists(TREES, max_size=3), min_size=20, max_size=20))
def test_whatever_is_encoded_is_read_as_it_was(step: Step, trees: list[list[tuple[int, object]]]) -> None:
    given = [b"".join(map(whole, side_by_side)).hex() for side_by_side in trees]
    assert step("trees", given) == [[plain(one) for one in side_by_side] for side_by_side in trees]


@FEW
@given(bodies=st.lists(st.binary(max_size=70_000), min_size=5, max_size=5))
def test_lengths_are_as_short_as_can_be(step: Step, bodies: list[bytes]) -> None:
    assert step("elements", [[4, body.hex()] for body in bodies]) == [
        encoded(4, body).hex() for body in bodies
    ]


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65535, 65536])
def test_lengths_at_their_edges(step: Step, size: int) -> None:
    wanted = encoded(4, bytes(size)).hex()
    assert step("elements", [[4, "00" * size]]) == [wanted]
    assert step("trees", [wanted]) == [[[4, "00" * size]]]


@FEW
@given(values=st.lists(st.integers(0, 2**31 - 1), min_size=50, max_size=50), long=st.integers(0, 2**256))
def test_integers_are_positive_and_short(step: Step, values: list[int], long: int) -> None:
    wanted = [encoded(2, value.to_bytes(value.bit_length() // 8 + 1)).hex() for value in [*values, long]]
    assert step("integers", [*values, long.to_bytes(33).hex()]) == wanted


@FEW
@given(arcs=st.lists(st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=8), min_size=20, max_size=20))
def test_object_identifiers_are_as_cryptography_writes_them(step: Step, arcs: list[list[int]]) -> None:
    dotted = ["1.2." + ".".join(map(str, some)) for some in arcs]
    assert step("oids", dotted) == [written_oid(one) for one in dotted]


def written_oid(dotted: str) -> str:
    """Taken from a name, as cryptography has no function for it alone."""
    attribute = x509.NameAttribute(x509.ObjectIdentifier(dotted), "x")
    name = x509.Name([attribute]).public_bytes()
    start = name.index(b"\x06")
    return name[start : start + 2 + name[start + 1]].hex()


@FEW
@given(members=st.lists(st.binary(max_size=5), max_size=6))
def test_members_of_a_set_are_in_order(step: Step, members: list[bytes]) -> None:
    wanted = encoded(0x31, b"".join(sorted(encoded(4, one) for one in members))).hex()
    assert step("sets", [[one.hex() for one in members]]) == [wanted]


@pytest.mark.parametrize("given", ROTTEN.values(), ids=list(ROTTEN))
def test_what_is_not_der_is_not_read(step: Step, given: str) -> None:
    assert step("trees", [given]) == [NOT_DER]


def test_a_certificate_cut_short_anywhere_is_not_read(step: Step) -> None:
    certificate = Household().server.public_bytes(Encoding.DER)
    assert set(step("trees", [certificate[:end].hex() for end in range(1, len(certificate))])) == {NOT_DER}


def test_passwords_hold_eighty_bits_and_are_easy_to_type(step: Step) -> None:
    many = step("passwords", 2000)
    assert len(set(many)) == len(many)
    assert all(len(one) == 29 and [len(group) for group in one.split("-")] == [5] * 5 for one in many)
    for place in range(29):
        seen = Counter(one[place] for one in many)
        wanted = {1: 4, 3: 4, 5: 1}.get(place % 6, 16)
        assert len(seen) == wanted, f"letters at place {place}"
        assert max(seen.values()) < 1.6 * len(many) / wanted, f"a letter too often at place {place}"
