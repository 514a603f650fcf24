"""TLS to the broker: the authority `devices` must have certified it for its name, and not revoked it."""

import ssl
from pathlib import Path

from django.conf import settings

from door import tls_files
from door.tls_files import Marks


def certificate() -> Path:
    """The door's own: key, certificate and issuing CA in one file; portal/services.py makes and renews it."""
    path: Path = settings.WEB_DIR / "tls" / "door-mqtt.pem"
    return path


def _authorities() -> list[Path]:
    # The issuing CA as well: a broker that sends only its own certificate is understood all the same.
    return [settings.PUBLIC_DIR / "ca" / f"{name}.cer" for name in ("devices-root", "devices")]


def _lists() -> list[Path]:
    return [settings.PUBLIC_DIR / "crl" / f"{name}.crl" for name in ("devices", "devices-root")]


def marks() -> Marks:
    """Changes with each of the files: what was made from them is then out of date."""
    return tls_files.marks((certificate(), *_authorities(), *_lists()))


def context() -> ssl.SSLContext:
    """A new one, from what lies there now. Raises OSError (ssl.SSLError included)."""
    fresh = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies, host name included
    fresh.minimum_version = ssl.TLSVersion.TLSv1_2
    fresh.hostname_checks_common_name = False  # a CN is no host name (RFC 9525 6.3)
    fresh.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    for path in _authorities():
        fresh.load_verify_locations(cadata=path.read_bytes())
    lists = [path.read_bytes() for path in _lists() if path.exists()]
    if lists:
        for der in lists:
            tls_files.load_list(fresh, der)
        whole = len(lists) == len(_lists())
        fresh.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN if whole else ssl.VERIFY_CRL_CHECK_LEAF
    fresh.load_cert_chain(certificate())
    return fresh
