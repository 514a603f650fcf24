"""Triple DES, the key derivation of PKCS #12, and proquints against published answers and other programs."""

import secrets
import socket
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import cryptography_vectors
import pytest

from tests.js.browsers import Step, chromium_window
from tests.js.site import running

pytestmark = pytest.mark.slow
NIST = Path(cryptography_vectors.__file__).parent / "ciphers" / "3DES"
# NIST's known answers (SP 800-20): every entry of every table, then 10 long messages with three keys.
TABLES = ("subtab", "permop", "invperm", "vartext", "varkey")
# Steve Henson's test vectors; RFC 7292 itself has none. Purpose, password, salt, rounds, key.
DERIVED = (
    (1, "smeg", "0a58cf64530d823f", 1, "8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3"),
    (2, "smeg", "0a58cf64530d823f", 1, "79993dfe048d3b76"),
    (1, "smeg", "642b99ab44fb4b1f", 1, "f3a95fec48d7711e985cfe67908c5ab79fa3d7c5caa5d966"),
    (2, "smeg", "642b99ab44fb4b1f", 1, "c0a38d64a79bea1d"),
    (3, "smeg", "3d83c0e4546ac140", 1, "8d967d88f6caa9d714800ab3d48051d63f73a312"),
    (1, "queeg", "05dec959acff72f7", 1000, "ed2034e36328830ff09df1e1a07dd357185dac0d4f9eb3d4"),
    (2, "queeg", "05dec959acff72f7", 1000, "11dedad7758d4860"),
    (1, "queeg", "1682c0fc5b3f7ec5", 1000, "483dd6e919d7de2e8e648ba8f862f3fbfbdc2bcb2c02957f"),
    (2, "queeg", "1682c0fc5b3f7ec5", 1000, "9d461d1b00355c50"),
    (3, "queeg", "263216fcc2fab31c", 1000, "5ec4c7a80df652294c3925b6489a7ab857c83476"),
)
# Addresses of the Internet and their proquints, as arXiv 0901.4016 lists them.
PROQUINTS = {
    "127.0.0.1": "lusab-babad",
    "63.84.220.193": "gutih-tugad",
    "63.118.7.35": "gutuk-bisog",
    "140.98.193.141": "mudof-sakat",
    "64.255.6.200": "haguz-biram",
    "128.30.52.45": "mabiv-gibot",
    "147.67.119.2": "natag-lisaf",
    "212.58.253.68": "tibup-zujah",
    "216.35.68.215": "tobog-higil",
    "216.68.232.21": "todah-vobij",
    "198.81.129.136": "sinid-makam",
    "12.110.110.204": "budov-kuras",
}


@pytest.fixture(scope="module")
def step(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Step]:
    with running() as site, chromium_window(tmp_path_factory.mktemp("profile"), site.address) as step:
        yield step


def answers(file: str) -> list[dict[str, str]]:
    """The encryptions in one of NIST's files."""
    text = (NIST / file).read_text().partition("[DECRYPT]")[0]
    blocks = text.replace("\r", "").split("\n\n")
    found = [dict(line.split(" = ") for line in block.splitlines() if " = " in line) for block in blocks]
    return [one for one in found if "CIPHERTEXT" in one]


def key_of(one: dict[str, str]) -> str:
    return one["KEYs"] * 3 if "KEYs" in one else one["KEY1"] + one["KEY2"] + one["KEY3"]


@pytest.mark.parametrize("file", [*(f"CBC/TCBC{table}.rsp" for table in TABLES), "CBC/TCBCMMT3.rsp"])
def test_triple_des_gives_nists_answers(step: Step, file: str) -> None:
    wanted = answers(file)
    assert len(wanted) >= 10
    got = step("ciphers", [[key_of(one), one["IV"], one["PLAINTEXT"]] for one in wanted])
    for one, sealed in zip(wanted, got, strict=True):
        assert len(sealed) == len(one["CIPHERTEXT"]) + 16, "a block of padding"
        assert sealed.startswith(one["CIPHERTEXT"])


def test_triple_des_gives_the_answer_of_sp_800_67(step: Step) -> None:
    key = "0123456789abcdef23456789abcdef01456789abcdef0123"
    for plain, sealed in (
        ("5468652071756663", "a826fd8ce53b855f"),
        ("6b2062726f776e20", "cce21c8112256fe6"),
        ("666f78206a756d70", "68d5c05dd9b6b900"),
    ):
        assert step("ciphers", [[key, "00" * 8, plain]])[0].startswith(sealed)


def test_triple_des_pads_as_openssl_does(step: Step) -> None:
    given = [[secrets.token_hex(24), secrets.token_hex(8), secrets.token_hex(size)] for size in range(25)]
    for one, got in zip(given, step("ciphers", given), strict=True):
        key, iv, plain = one
        command = ["openssl", "enc", "-des-ede3-cbc", "-K", key, "-iv", iv]
        assert got == subprocess.run(command, input=bytes.fromhex(plain), capture_output=True).stdout.hex()


def test_key_derivation_gives_the_published_answers(step: Step) -> None:
    given = [["SHA-1", *one[:4], len(one[4]) // 2] for one in DERIVED]
    assert step("derived", given) == [one[4] for one in DERIVED]


@pytest.mark.parametrize(("hash", "size"), [("SHA-1", 24), ("SHA-256", 32), ("SHA-256", 70)])
def test_key_derivation_agrees_with_openssl(step: Step, hash: str, size: int) -> None:
    """Passwords and salts around the block's 64 octets, and keys of several blocks."""
    lengths = ((1, 1), (8, 31), (8, 32), (64, 8), (65, 40), (20, 100))
    given = [
        [hash, 1 + n % 3, "p" * long, secrets.token_hex(salt), 3, size]
        for n, (salt, long) in enumerate(lengths)
    ]
    assert step("derived", given) == [by_openssl(*one) for one in given]


def by_openssl(hash: str, purpose: int, password: str, salt: str, rounds: int, size: int) -> str:
    options = {
        "digest": hash.replace("-", "") if hash == "SHA-1" else "SHA256",
        "hexpass": (password + "\0").encode("utf-16-be").hex(),
        "hexsalt": salt,
        "iter": str(rounds),
        "id": str(purpose),
    }
    given = [part for name, value in options.items() for part in ("-kdfopt", f"{name}:{value}")]
    command = ["openssl", "kdf", "-keylen", str(size), "-binary", *given, "PKCS12KDF"]
    return subprocess.run(command, capture_output=True, check=True).stdout.hex()


@pytest.mark.parametrize(("address", "words"), list(PROQUINTS.items()))
def test_passwords_are_written_as_proquints(step: Step, address: str, words: str) -> None:
    numbers = struct.unpack("!HH", socket.inet_aton(address))
    assert step("passwordOf", [*numbers, 0, 0, 0]) == f"{words}-babab-babab-babab"
