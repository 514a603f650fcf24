"""OpenSSL, NSS, Java and cryptography as readers of a .p12. Each raises BadPassword where it is wrong."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs12


class BadPassword(Exception):
    """The reader says that the file does not open."""


@dataclass(frozen=True)
class Made:
    """A .p12 that a browser made, and what should be in it."""

    path: Path
    password: str
    name: str
    info: bytes  # SubjectPublicKeyInfo, DER
    chain: tuple[bytes, ...]  # DER: leaf, issuing, root


def said(command: list[str | Path], wrong: str) -> str:
    """What the program prints; a failure whose words have `wrong` in them is a BadPassword."""
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", timeout=60, stdin=subprocess.DEVNULL
    )
    output = done.stdout + done.stderr
    if done.returncode and wrong in output:
        raise BadPassword(output)
    assert not done.returncode, output
    return output


def openssl(made: Made, password: str) -> None:
    """Key and leaf have the same localKeyID, and no other certificate has one."""
    command = ["openssl", "pkcs12", "-in", made.path, "-noenc", "-passin", f"pass:{password}"]
    output = said(command, "Mac verify error: invalid password")
    ids = [line for line in output.splitlines() if "localKeyID" in line]
    assert len(ids) == 2 and len(set(ids)) == 1
    assert output.count("-----BEGIN CERTIFICATE-----") == 3
    assert "-----BEGIN PRIVATE KEY-----" in output


def nss(made: Made, password: str) -> None:
    """Imported into a new database, the certificate has its key ("u" for user in the trust flags)."""
    folder = made.path.with_suffix(f".{password}.nss")
    folder.mkdir()
    said(["certutil", "-d", folder, "-N", "--empty-password"], "")
    said(["pk12util", "-d", folder, "-i", made.path, "-W", password], "SEC_ERROR_BAD_PASSWORD")
    listed = said(["certutil", "-d", folder, "-L"], "")
    assert [line for line in listed.splitlines() if line.startswith(made.name) and line.endswith("u,u,u")]
    assert len(said(["certutil", "-d", folder, "-K"], "").splitlines()) == 2  # a heading, and one key


def keytool(made: Made, password: str) -> None:
    command = [
        "keytool",
        "-list",
        "-v",
        "-keystore",
        made.path,
        "-storetype",
        "PKCS12",
        "-storepass",
        password,
    ]
    output = said([*command, "-J-XX:TieredStopAtLevel=1"], "keystore password was incorrect")
    assert "Entry type: PrivateKeyEntry" in output
    assert "Certificate chain length: 3" in output
    assert f"Alias name: {made.name.lower()}" in output


def cryptography(made: Made, password: str) -> None:
    try:
        found = pkcs12.load_pkcs12(made.path.read_bytes(), password.encode())
    except ValueError as error:
        assert "password" in str(error)
        raise BadPassword from error
    assert found.key is not None and found.cert is not None
    assert found.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == made.info
    certificates = [found.cert, *found.additional_certs]
    assert tuple(one.certificate.public_bytes(Encoding.DER) for one in certificates) == made.chain
    assert found.cert.friendly_name == made.name.encode()


READERS = {"openssl": openssl, "nss": nss, "keytool": keytool, "cryptography": cryptography}
