"""Requests with a bad key, by name: really bad, and signed by that key. WEAK_KEYS[name] is (code, maker)."""

import math
from collections.abc import Callable

import gmpy2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448

from tests.pki import shapes
from tests.pki.shapes import attribute, name, oid, prime, sequence

Make = Callable[[], bytes]

# One of two primes of a key found in a public certificate (Certificate Transparency, crt.sh id 5534506057);
# it is also in other people's keys.
SHARED = int(
    "f97e6869f1b6fba6b580e39ed2c318b7addb3c4141686df19279a1a025cd6d12442915d2a0acbd86a7726df832bde985"
    "0b9df0eff5c837dbcf0465bf629888bc9e6d332f04afd06fc7b97cbea861eed2a1b16ec188732a2ac05dee0f5c4be2cf"
    "c891f6ba2a2b2b41aa48bd2f4353e8bdd40995a86c8465a155bb72d05362f8b9",
    16,
)
# The product of the first primes to which the chips of CVE-2017-15361 bound their primes.
ROCA = 0x924CBA6AE99DFA084537FACC54948DF0C23DA044D8CABE0EDD75BC6


def good_primes() -> list[int]:
    return [prime(1024, "good p"), prime(1024, "good q")]


def close_primes() -> list[int]:
    p = prime(1024, "close")
    return [p, int(gmpy2.next_prime(p + (1 << 200)))]


def roca_prime(exponent: int) -> int:
    """p = k * M + 65537^a mod M: the form of the faulty chips' primes."""
    rest = pow(65537, exponent, ROCA)
    k = ((3 << 1022) + prime(1020, f"ROCA {exponent}")) // ROCA
    while not gmpy2.is_prime(k * ROCA + rest):
        k += 1
    return k * ROCA + rest


def small_factor() -> list[int]:
    return [65521, prime(1024, "small factor"), prime(1016, "its other")]


def beginning_with(head: bytes, size: int = 2048) -> list[int]:
    """Two primes whose product, of `size` bits, begins with these bytes (at most a third of it)."""
    p = prime(size // 2, "any")
    free = size - 8 * len(head)
    wanted = int.from_bytes(head, "big") << free | prime(1024, "rest") << (free - 1024)
    return [p, int(gmpy2.next_prime(wanted // p))]


def xz_head() -> bytes:
    """a * b + c = 0 modulo 2^64, in the first words of the modulus as the xz backdoor reads them."""
    first = b"\0\xc1\xc2\xc3\xc4\xc5\xc6\xc7"
    a, b = (int.from_bytes(first[at : at + 4], "little") for at in (0, 4))
    return (first + (-a * b % 2**64).to_bytes(8, "little"))[1:]


def huge_key() -> bytes:
    """RSA-16384 from 32 primes of 512 bits: two of 8192 would take minutes to find."""
    primes = [prime(512, f"huge {number}") for number in range(31)]
    return shapes.rsa_request([*primes, int(gmpy2.next_prime((3 << 16382) // math.prod(primes)))])


def fits_three(p: int) -> bool:
    return math.gcd(3, p - 1) == 1


def smooth_e() -> bytes:
    return shapes.rsa_request([prime(1024, "three", fits_three), prime(1024, "three too", fits_three)], e=3)


def small_order() -> bytes:
    """The Ed25519 key of order 1: this signature of it holds for every message (RFC 8032 5.1.7)."""
    point = b"\1" + bytes(31)
    algorithm = sequence(oid("1.3.101.112"))
    body = shapes.tbs(sequence(algorithm, shapes.bits(point)), name(attribute("phone")))
    return sequence(body, algorithm, shapes.bits(point + bytes(32)))


WEAK_KEYS: dict[str, tuple[str, Make]] = {
    "RSA-1024": ("key-size", lambda: shapes.rsa_request([prime(512, "short"), prime(512, "short too")])),
    "RSA-16384": ("key-size", huge_key),
    "RSA with e = 3": ("key-exponent", smooth_e),
    "ROCA": ("key-weak", lambda: shapes.rsa_request([roca_prime(4711), roca_prime(815)])),
    "Fermat": ("key-weak", lambda: shapes.rsa_request(close_primes())),
    "shared prime": ("key-weak", lambda: shapes.rsa_request([SHARED, prime(1024, "unshared")])),
    "small factor": ("key-weak", lambda: shapes.rsa_request(small_factor())),
    "pattern": ("key-weak", lambda: shapes.rsa_request(beginning_with(b"\xca" * 40))),
    "xz backdoor": ("key-weak", lambda: shapes.rsa_request(beginning_with(xz_head()))),
    "Ed25519 of small order": ("key-weak", small_order),
    "P-192": ("key-type", lambda: shapes.built(ec.generate_private_key(ec.SECP192R1()), hashes.SHA256())),
    "secp256k1": ("key-type", lambda: shapes.built(ec.generate_private_key(ec.SECP256K1()), hashes.SHA256())),
    "Ed448": ("key-type", lambda: shapes.built(ed448.Ed448PrivateKey.generate())),
    "DSA": ("key-type", lambda: shapes.built(dsa.generate_private_key(1024), hashes.SHA256())),
}
