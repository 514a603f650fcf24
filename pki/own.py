"""Where the keys and certificates of our own services lie; portal/services.py makes and renews them."""

from pathlib import Path

from django.conf import settings


def pem(name: str) -> Path:
    """Key (PKCS#8), certificate and issuing CA of the service in one file: all are replaced at once."""
    path: Path = settings.WEB_DIR / "tls" / f"{name}.pem"
    return path


def registrar() -> Path:
    """The folder of SCEP's and OCSP's keys: for the status face and housekeeping (portal/confinement.py)."""
    path: Path = settings.DATA / "ra"
    return path


def approvals() -> Path:
    """The folder of the key that proves approvals: not for the door (portal/confinement.py)."""
    path: Path = settings.DATA / "approvals"
    return path


def responder(authority: str) -> Path:
    """What OCSP answers of `authority` are signed with, as `pem`: no other process may say "good"."""
    return registrar() / f"ocsp-{authority}.pem"


def served() -> tuple[Path, Path]:
    """Certificate chain and key that the portal serves: its own, or those that somebody brought."""
    if settings.TLS_CERT:
        return Path(settings.TLS_CERT), Path(settings.TLS_KEY)
    return pem("portal"), pem("portal")
