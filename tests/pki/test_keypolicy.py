"""Which keys are certified; the refused ones are among the bad requests of test_csr.py."""

import badkeys
import pytest
from badkeys.checks import allchecks
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519

from pki import csr, keypolicy
from pki.errors import CSRRejected
from pki.keypolicy import WEAKNESSES
from tests.pki.bad_csrs import BAD, rsa_key

Y_OF_ORDER_8 = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
SMALL_ORDER = (
    bytes(32),
    b"\1" + bytes(31),
    bytes(31) + b"\x80",
    b"\xec" + b"\xff" * 30 + b"\x7f",
    Y_OF_ORDER_8,
)
NOT_CANONICAL = b"\xee" + b"\xff" * 30 + b"\x7f"  # 1 again, written as p + 1


@pytest.mark.parametrize(
    "curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: curve.name
)
def test_the_three_nist_curves_are_accepted(curve: ec.EllipticCurve) -> None:
    key = ec.generate_private_key(curve).public_key()
    assert keypolicy.check(key) is key
    assert keypolicy.describe(key) == f"P-{curve.key_size}"


def test_ed25519_and_rsa_2048_are_accepted() -> None:
    assert keypolicy.describe(keypolicy.check(ed25519.Ed25519PrivateKey.generate().public_key())) == "Ed25519"
    assert keypolicy.describe(keypolicy.check(rsa_key().public_key())) == "RSA 2048"


@pytest.mark.parametrize("bits", [2047, 4097])
def test_rsa_keys_just_outside_the_sizes_are_refused(bits: int) -> None:
    key = rsa.RSAPublicNumbers(65537, (1 << bits) - 1).public_key()
    with pytest.raises(CSRRejected, match=f"{bits:,} bits") as refused:
        keypolicy.check(key)
    assert refused.value.code == "key-size"


def test_a_key_that_cannot_sign_is_refused() -> None:
    with pytest.raises(CSRRejected) as refused:
        keypolicy.check(x25519.X25519PrivateKey.generate().public_key())
    assert refused.value.code == "key-type"


@pytest.mark.parametrize("encoded", [*SMALL_ORDER, NOT_CANONICAL], ids=bytes.hex)
def test_ed25519_keys_of_small_order_are_refused_in_every_spelling(encoded: bytes) -> None:
    with pytest.raises(CSRRejected, match="prove nothing"):
        keypolicy.check(ed25519.Ed25519PublicKey.from_public_bytes(encoded))


def test_every_weakness_is_an_offline_check_of_badkeys() -> None:
    assert "blocklist" not in WEAKNESSES  # ends the process when its file is missing
    assert set(WEAKNESSES) <= set(allchecks)
    assert all(allchecks[name]["type"] == "rsa" for name in WEAKNESSES)
    left_out = {name for name, entry in allchecks.items() if entry["type"] == "rsa"} - set(WEAKNESSES)
    assert left_out == {"rsawarnings"}


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("ROCA", "CVE-2017-15361"),
        ("Fermat", "close together"),
        ("shared prime", "other people's keys"),
        ("small factor", "small factor"),
        ("pattern", "repeats itself"),
        ("xz backdoor", "CVE-2024-3094"),
    ],
)
def test_the_sentence_names_the_fault_of_the_key(title: str, words: str) -> None:
    with pytest.raises(CSRRejected, match=words) as refused:
        csr.parse(BAD[title]())
    assert "Do not use this key anywhere" in refused.value.remedy


def test_a_huge_key_never_reaches_the_slow_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(badkeys, "checkrsa", lambda n, **rest: asked.append(n))
    request = BAD["RSA-16384"]()
    with pytest.raises(CSRRejected, match="16,384 bits"):
        csr.parse(request)
    assert not asked
