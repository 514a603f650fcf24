"""The RA's key and certificate, as portal/services.py lays them down: the present one, and the one before.

Clients keep the RA's certificate: what was enciphered for the last one is still read, and answered with it.
"""

from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings

from enrollment.protocols import scep_limits
from pki import own, scep
from pki.errors import SignerUnavailable

Mark = tuple[int, int, int]


def present() -> Path:
    return own.registrar() / "scep.pem"


def before() -> Path:
    return own.registrar() / "scep-before.pem"


@dataclass
class _Kept:
    """What was read last, and which version of its file that was."""

    mark: Mark
    ra: scep.Ra


_kept: dict[Path, _Kept] = {}  # replaced whole, by any thread


def ra() -> scep.Ra:
    """The RA of today. Raises SignerUnavailable while there is none yet."""
    found = _read(present())
    if found is None:
        raise SignerUnavailable("There is no certificate for SCEP yet.", remedy="Try again in a minute.")
    return found


def decode(data: bytes) -> tuple[scep.PkiMessage, scep.Ra]:
    """The message and whom it was enciphered for. Raises as scep.decode does."""
    newest = ra()
    try:
        return _opened(data, newest), newest
    except scep.Answerable as error:
        older = _read(before()) if error.code == "recipient" else None
        if older is None:
            raise
    return _opened(data, older), older


def _opened(data: bytes, registrar: scep.Ra) -> scep.PkiMessage:
    single_des = settings.SCEP_SINGLE_DES
    try:
        return scep.decode(data, registrar, single_des=single_des, may_open=scep_limits.may_open)
    except scep.Answerable as error:
        if error.content_key is not None:
            scep_limits.opened_in_vain(error.content_key)
        raise


def _read(path: Path) -> scep.Ra | None:
    """None where nothing usable lies."""
    try:
        found = path.stat()
        mark = (found.st_mtime_ns, found.st_ino, found.st_size)
        kept = _kept.get(path)
        if kept is None or kept.mark != mark:
            kept = _kept[path] = _Kept(mark, _parsed(path.read_bytes()))
    except (OSError, ValueError):
        return None
    return kept.ra


def _parsed(pem: bytes) -> scep.Ra:
    key = load_pem_private_key(pem, None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("SCEP needs an RSA key")
    return scep.Ra(key, x509.load_pem_x509_certificates(pem)[0])
