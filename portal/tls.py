"""What the portal serves with: a certificate from `servers` (portal/services.py), or one's own."""

import logging
import ssl
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from cryptography import x509
from django.conf import settings
from django.utils.translation import gettext as _

from door.tls_files import Marks, marks
from pki import authorities, names, own
from pki.errors import IssuanceRefused, SignerUnavailable

log = logging.getLogger(__name__)


def pem() -> Path:
    return own.pem("portal")


def files() -> tuple[Path, Path]:
    """Certificate chain and key that the portal serves."""
    return own.served()


def served() -> x509.Certificate | None:
    """The leaf that the portal serves, or None while there is none."""
    try:
        return x509.load_pem_x509_certificates(files()[0].read_bytes())[0]
    except (OSError, ValueError):
        return None


def sort_hosts(hosts: Iterable[str], permitted: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names for the certificate ("dns:…", "ip:…"), and the hosts that `servers` may not certify."""
    inside, outside = [], []
    for host in hosts:
        try:
            san = names.san(host)
        except IssuanceRefused:
            outside.append(host)
            continue
        inside.append(san) if names.permitted(san, permitted) else outside.append(host)
    return tuple(dict.fromkeys(inside)), tuple(outside)


def wanted() -> tuple[str, ...]:
    return sort_hosts(settings.HOSTS, authorities.permitted("servers"))[0]


def left_out() -> tuple[str, ...]:
    """Those of LATCHKEY_HOSTS that our own server certificate cannot carry; none before there is an authority
    and while the signer does not answer, which is told elsewhere."""
    if settings.TLS_CERT:
        return ()
    try:
        return sort_hosts(settings.HOSTS, authorities.permitted("servers"))[1]
    except SignerUnavailable:
        return ()


def advice(hosts: Iterable[str]) -> str:
    """What to do about hosts that were left out."""
    command = f"{sys.executable} -m pki.signer --home {settings.SIGNER_DIR} --replace-authority servers"
    return _(
        "Browsers will warn about %(hosts)s: the household's root may not vouch for that. Use "
        "a name under home.arpa, internal, local or lan; or set LATCHKEY_TLS_CERT and "
        "LATCHKEY_TLS_KEY to a certificate of your own (Let's Encrypt); or stop Latchkey, "
        "run `%(command)s`, start it again and trust the new root."
    ) % {"hosts": ", ".join(hosts), "command": command}


class _Cache:
    """The context in use, and which files it was made from."""

    context: ssl.SSLContext | None = None
    marks: Marks = ()


def context() -> ssl.SSLContext:
    """The portal's TLS context; made anew when the certificate's file is another one.

    A pair that does not fit (one of two files replaced so far) leaves the old one in use.
    """
    try:
        found = marks(files())
        if _Cache.context is None or found != _Cache.marks:
            _Cache.context, _Cache.marks = new_context(), found
    except (OSError, ssl.SSLError) as error:
        if _Cache.context is None:
            raise
        log.warning("the server certificate cannot be loaded, the old one stays in use: %s", error)
    return _Cache.context


def new_context() -> ssl.SSLContext:
    """TLS 1.2 and later; no client certificate is asked for: that is the door's business."""
    fresh = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    fresh.minimum_version = ssl.TLSVersion.TLSv1_2
    fresh.load_cert_chain(*files())
    return fresh
