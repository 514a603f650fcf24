"""What is looked at before anything starts. Each obstacle is one sentence with the way out."""

import os
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from django.conf import settings

from pki import own

ROOM = 100 * 1024 * 1024  # bytes that must be free to start
LITTLE_ROOM = 500 * 1024 * 1024  # bytes under which the status page warns


class Obstacle(Exception):
    """Why Latchkey cannot start: a sentence with the way out."""


def before_start() -> None:
    """All checks that need no database. Raises Obstacle."""
    data_folder(settings.DATA)
    private_folders()
    newer(settings.DATA / "VERSION")
    if settings.TLS_CERT:
        own_certificate(Path(settings.TLS_CERT), Path(settings.TLS_KEY))


def data_folder(data: Path) -> None:
    """It can be made, written to, and has room."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        (data / "public").mkdir(exist_ok=True)  # the confined processes are granted what exists
        free = shutil.disk_usage(data).free
    except OSError as error:
        raise Obstacle(
            f"The data folder {data} cannot be made: {error.strerror}. Choose another one with LATCHKEY_DATA."
        ) from error
    if not os.access(data, os.W_OK | os.X_OK):
        raise Obstacle(
            f"The data folder {data} is not writable for this user. Choose another one with LATCHKEY_DATA."
        )
    try:
        with tempfile.TemporaryFile(dir=data):  # a disk that Linux stopped after an error says no only now
            pass
    except OSError as error:
        raise Obstacle(
            f"The data folder {data} takes no files: {error.strerror}. Look at its disk (dmesg), or choose "
            "another folder with LATCHKEY_DATA."
        ) from error
    if free < ROOM:
        raise Obstacle(
            f"Only {free // 2**20} MB are free where {data} lies; {ROOM // 2**20} MB are needed. "
            "Make room, or choose another place with LATCHKEY_DATA."
        )


def private_folders() -> None:
    """Database and copies are read by us alone: the database holds who everybody is, and what they did."""
    for folder in (settings.WEB_DIR, settings.BACKUP_DIR, own.registrar()):
        if folder.exists() and folder.stat().st_mode & 0o077:
            raise Obstacle(f"{folder} can be read by others. Run: chmod 700 {folder}")


def database_apart(folder: Path | None) -> None:
    """The web processes may write in the database's folder: nothing that others run or trust lies in it."""
    if folder is None:
        return
    trusted = (settings.BASE_DIR, Path(sys.prefix), settings.DATA, settings.SIGNER_DIR, Path.home())
    if any(place.resolve().is_relative_to(folder.resolve()) for place in trusted):
        raise Obstacle(
            f"The database's folder {folder} holds other things too, and the web processes may write in it. "
            "Give the database a folder of its own with DATABASE_URL."
        )


def release(version: str) -> tuple[int, ...]:
    """ "1.2.3" as numbers; what is no number counts as 0."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.strip().split("."))


def newer(file: Path) -> None:
    """The folder was not used by a newer Latchkey already."""
    try:
        found = file.read_text().strip()
    except FileNotFoundError:
        return
    if release(found) > release(settings.VERSION):
        raise Obstacle(newer_sentence(file.parent, found))


def newer_sentence(data: Path, what: str) -> str:
    return (
        f"The data folder {data} belongs to a newer Latchkey ({what}); this is {settings.VERSION}. "
        f"Start the newer one, or put back a copy from {data / 'backups'}."
    )


def own_certificate(certificate: Path, key: Path) -> None:
    """LATCHKEY_TLS_CERT and LATCHKEY_TLS_KEY: readable, a pair, not expired, the key nobody else's."""
    _apart(certificate, key)
    leaf = _certificate(certificate)
    if leaf.not_valid_after_utc < datetime.now(UTC):
        raise Obstacle(
            f"The certificate {certificate} ended on {leaf.not_valid_after_utc:%Y-%m-%d}. "
            "Renew it, or unset LATCHKEY_TLS_CERT."
        )
    data = _read(key, "LATCHKEY_TLS_KEY")
    if key.stat().st_mode & 0o007:
        raise Obstacle(f"Everybody can read the key {key}. Run: chmod o= {key.resolve()}")
    try:
        public = load_pem_private_key(data, None).public_key()
    except (TypeError, ValueError) as error:
        raise Obstacle(
            f"{key} is no private key in PEM without a passphrase ({error}). Set LATCHKEY_TLS_KEY to one."
        ) from error
    if _spki(public) != _spki(leaf.public_key()):
        raise Obstacle(
            f"The key {key} does not belong to the certificate {certificate}. "
            "Check LATCHKEY_TLS_CERT and LATCHKEY_TLS_KEY."
        )


def _apart(*files: Path) -> None:
    """Landlock grants folders, and cannot leave the signer's out of one that is granted."""
    for file in files:
        if settings.DATA.resolve().is_relative_to(file.resolve().parent):
            raise Obstacle(
                f"{file} lies in a folder that holds the data folder too, where the confined portal misses "
                "its renewal. Move certificate and key to a folder of their own."
            )


def _certificate(path: Path) -> x509.Certificate:
    data = _read(path, "LATCHKEY_TLS_CERT")
    try:
        return x509.load_pem_x509_certificates(data)[0]
    except ValueError as error:
        raise Obstacle(
            f"{path} holds no certificate in PEM. Set LATCHKEY_TLS_CERT to the full chain (fullchain.pem)."
        ) from error


def _read(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Obstacle(f"{setting} points to {path}, which cannot be read: {error.strerror}.") from error


def _spki(public: PublicKeyTypes) -> bytes:
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
