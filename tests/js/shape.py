"""The build of a .p12: its tags and object identifiers, without what differs from file to file."""

import subprocess
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

CONSTRUCTED, OID = 0x20, 0x06
WRITING = {
    "compat": ["-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "SHA1"],
    "modern": ["-certpbe", "AES-256-CBC", "-keypbe", "AES-256-CBC", "-macalg", "SHA256"],
}


def elements(data: bytes) -> list[tuple[int, bytes]]:
    """Tag and body of the elements side by side in `data`."""
    found = []
    while data:
        long = data[1] - 128 if data[1] > 127 else 0
        start = 2 + long
        end = start + (int.from_bytes(data[2:start]) if long else data[1])
        found.append((data[0], data[start:end]))
        data = data[end:]
    return found


def shape(data: bytes) -> list[Any]:
    """For each element [tag, what is in it], or an identifier in hex, or the tag of anything else."""
    return [
        [tag, shape(body)] if tag & CONSTRUCTED else body.hex() if tag == OID else tag
        for tag, body in elements(data)
    ]


def inside(data: bytes, *path: int) -> bytes:
    """The body at this path of positions."""
    for position in path:
        data = elements(data)[position][1]
    return data


def shapes(p12: bytes) -> dict[str, list[Any]]:
    """Of the file, of the AuthenticatedSafe in it, and of the bag with the key in that (RFC 7292 4)."""
    safe = inside(p12, 0, 1, 1, 0)
    key = inside(safe, 0, 1, 1, 0)
    return {"file": shape(p12), "safe": shape(safe), "key": shape(key)}


def by_openssl(p12: bytes, password: str, mode: str, folder: Path) -> bytes:
    """The same key and certificates as OpenSSL writes them; the name as long, as it decides an order."""
    found = pkcs12.load_pkcs12(p12, password.encode())
    assert found.key is not None and found.cert is not None
    key = found.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain = [one.certificate.public_bytes(Encoding.PEM) for one in (found.cert, *found.additional_certs)]
    (folder / "all.pem").write_bytes(key + b"".join(chain))
    command = [
        "openssl",
        "pkcs12",
        "-export",
        "-in",
        folder / "all.pem",
        "-name",
        "Alice's phone",
        *WRITING[mode],
    ]
    done = subprocess.run([*command, "-passout", f"pass:{password}"], capture_output=True, check=True)
    return done.stdout
