"""Which public keys are good enough to be certified, and which are known to be broken."""

import badkeys
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from pki.refusals import refusal

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
RSA_BITS = range(2048, 4096 + 1)
RSA_EXPONENT = 65537

# badkeys' checks that need no network and no downloaded file, each with what it finds. Named one by one: the
# default set includes `blocklist`, which ends the whole process (sys.exit) when its data file is missing, so
# published keys (Debian's of 2008, for instance) are not found here. `rsawarnings` is left out: size and
# exponent have their own rules.
WEAKNESSES = {
    "fermat": "its two primes lie so close together that Fermat's method finds them at once",
    "roca": "it was made by a chip with the ROCA fault (CVE-2017-15361)",
    "rsainvalid": "its numbers make no valid RSA key",
    "rsapoly": "the pattern of zeros in its modulus lets it be factored",
    "rsabias": "its modulus has far too many zeros or ones to come from a sound random generator",
    "sharedprimes": "one of its primes is also in other people's keys, so both can be factored",
    "smalld": "its private exponent is so small that Wiener's method finds it",
    "smallfactors": "its modulus has a small factor: the key is damaged or made wrongly",
    "pattern": "its modulus repeats itself, as no random number does",
    "xzbackdoor": "it carries the trigger of the xz backdoor (CVE-2024-3094)",
}

# Ed25519 points of order 1, 2, 4 and 8 by their y coordinate modulo p: with such a key everybody can sign.
_P = 2**255 - 19
_ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = {0, 1, _P - 1, _ORDER_8, _P - _ORDER_8}


def check(public_key: CertificatePublicKeyTypes) -> PublicKey:
    """Gives the key back when it may be certified; raises CSRRejected (codes key-*) otherwise.

    RSA of 2048 to 4096 bits with e = 65537 (FIPS 186-5 A.1.1), P-256, P-384, P-521, Ed25519. Known-weak RSA
    keys are found by badkeys' offline checks; its blocklist of published keys is not among them: it needs a
    file that the operator downloads, and without it ends the process.
    """
    match public_key:
        case rsa.RSAPublicKey():
            _check_rsa(public_key)
            return public_key
        case ec.EllipticCurvePublicKey() if public_key.curve.name in CURVES:
            return public_key
        case ec.EllipticCurvePublicKey():
            accepted = ", ".join(CURVES.values())
            raise refusal(
                "key-type", f"The curve {public_key.curve.name} is not accepted; accepted are {accepted}."
            )
        case ed25519.Ed25519PublicKey():
            _check_ed25519(public_key)
            return public_key
    raise refusal("key-type")


def describe(public_key: PublicKey) -> str:
    """ "P-256", "RSA 2048", "Ed25519"."""
    match public_key:
        case rsa.RSAPublicKey():
            return f"RSA {public_key.key_size}"
        case ec.EllipticCurvePublicKey():
            return CURVES[public_key.curve.name]
        case _:
            return "Ed25519"


def _check_rsa(public_key: rsa.RSAPublicKey) -> None:
    """Size and exponent first: they cost nothing, and the checks after them are slow on huge numbers."""
    if public_key.key_size not in RSA_BITS:
        raise refusal(
            "key-size", f"This RSA key has {public_key.key_size:,} bits; accepted are 2048 to 4096."
        )
    numbers = public_key.public_numbers()
    if numbers.e != RSA_EXPONENT:
        raise refusal("key-exponent")
    for name in badkeys.checkrsa(numbers.n, e=numbers.e, checks=WEAKNESSES):
        raise refusal("key-weak", f"This RSA key is known to be weak: {WEAKNESSES[name]}.")


def _check_ed25519(public_key: ed25519.Ed25519PublicKey) -> None:
    y = int.from_bytes(public_key.public_bytes_raw(), "little") & (
        2**255 - 1
    )  # without the sign of x (RFC 8032 5.1.2)
    if y % _P in _SMALL_ORDER:
        raise refusal("key-weak", "This Ed25519 key is known to be weak: signatures of it prove nothing.")
