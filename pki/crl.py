"""Certificate revocation lists (RFC 5280 5): fetched from the signer, published as files."""

import base64
import json
import logging
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings

from audit import trail
from pki import crlfile, publication
from pki.crlfile import CrlFile
from pki.signer import client

log = logging.getLogger(__name__)

AGE = timedelta(days=1)  # of a CRL that is made anew
PEM_BLOCK = 48 << 12  # bytes; whole lines of 64 characters (RFC 7468 2)


def publish(authority: str, *, with_root: bool = True) -> None:
    """Fetch a new CRL of `authority` and publish it, and that of its root. Raises SignerUnavailable.

    A leaf more on the one changes nothing in the other, so after a revocation it may do `with_root` when that
    is due. The audit trail's head goes inside, so that cutting the trail's end later would show.
    """
    # Fetching under the lock: of two at once, the one that asked later also writes later.
    with publication.one_at_a_time(path(authority).with_suffix(".lock")):
        _note_missing_lines(authority)
        head = trail.head()
        with (
            publication.replacing(path(f"{authority}-root")) if with_root else nullcontext() as root,
            publication.replacing(path(authority)) as issuing,
        ):
            after = _made(authority), _made(f"{authority}-root")
            change = client.crl(settings.SIGNER_SOCKET, authority, head, issuing, root, after)
        if authority == "devices":
            _write_pem(authority)
        number = current(authority).number
        publication.write(_known(authority), json.dumps({"number": number, "change": change}).encode())
    trail.record("crl.published", target=authority, detail={"number": number, "head": head})


def _note_missing_lines(authority: str) -> None:
    """Write down that the audit trail lost lines, before the new list replaces the one that shows it.

    Somebody who can edit the database can cut or rewrite the trail and wait for the next list. This line then
    stands in that list; cutting it off in turn only makes another one.
    """
    try:
        before = current(authority)
        lost, number = before.audit_head, before.number
    except FileNotFoundError:
        return
    except ValueError:
        log.error("crl=%s what was published is no list any more; it is made anew", authority)
        return
    if lost and not trail.contains(lost):
        log.error("audit trail: no line has the head %s of the last CRL of %s", lost, authority)
        trail.record(trail.LINES_MISSING, target=authority, detail={"head": lost, "number": number})


def is_old(name: str) -> bool:
    """Whether the CRL is missing, damaged, a day old, or over half its life (RFC 5280 5.1.2.5)."""
    try:
        found = current(name)
    except (FileNotFoundError, ValueError):
        return True
    made = found.frame.last_update_utc
    return datetime.now(UTC) > made + min(AGE, (found.ends - made) / 2)


def root_is_due(authority: str) -> bool:
    """Whether the root has to make one, too: its own is old, or what lies there may be a backup's."""
    return not is_the_last(authority) or is_old(f"{authority}-root")


def _made(name: str) -> int:
    """thisUpdate of what is published, in seconds since 1970; 0 where nothing is."""
    try:
        return int(current(name).frame.last_update_utc.timestamp())
    except (OSError, ValueError):
        return 0


def knows(authority: str, change: int) -> bool:
    """Whether the published CRL was made when `change` (revoked, held or released) was the signer's last one.

    A greater number is another journal's, of before a backup was restored, or from a moment later: one CRL
    more does no harm.
    """
    return _noted(authority).get("change", -1) == change


def forget(authority: str) -> None:
    """No longer believe what was noted of the published CRL: its number of a change was another journal's."""
    _known(authority).unlink(missing_ok=True)


def is_the_last(authority: str) -> bool:
    """Whether what lies there is the CRL that was published last, and not an older one, or none."""
    try:
        return _noted(authority).get("number") == current(authority).number
    except (OSError, ValueError):
        return False


def _noted(authority: str) -> dict[str, int]:
    try:
        return dict(json.loads(_known(authority).read_bytes()))
    except (OSError, ValueError, TypeError):
        return {}


def _known(authority: str) -> Path:
    """What the published CRL knows. Written after it: at worst one is made that says nothing new."""
    return path(authority).with_suffix(".json")


def published(authority: str) -> bytes:
    """The CRL as it lies there, DER. Raises FileNotFoundError before the first publication."""
    return path(authority).read_bytes()


def current(name: str) -> CrlFile:
    """The CRL as it lies there. Raises FileNotFoundError, and ValueError when it is none."""
    return crlfile.read(path(name))


def path(name: str) -> Path:
    """Where the CRL `name` ("clients", "clients-root") lies."""
    return Path(settings.PUBLIC_DIR) / "crl" / f"{name}.crl"


def pem_path(name: str) -> Path:
    """Where the CRL lies in PEM: of `devices`, for Mosquitto, which reads nothing else (docs/brokers.md)."""
    return path(name).with_suffix(".pem")


def pem(der: bytes) -> bytes:
    """The CRL `der` in PEM (RFC 7468)."""
    return b"-----BEGIN X509 CRL-----\n" + _base64_lines(der) + b"-----END X509 CRL-----\n"


def _write_pem(name: str) -> None:
    """The CRL in PEM (RFC 7468 5), block by block."""
    with path(name).open("rb") as file, publication.replacing(pem_path(name)) as armoured:
        armoured.write(b"-----BEGIN X509 CRL-----\n")
        while block := file.read(PEM_BLOCK):
            armoured.write(_base64_lines(block))
        armoured.write(b"-----END X509 CRL-----\n")


def _base64_lines(block: bytes) -> bytes:
    text = base64.b64encode(block)
    return b"".join(text[at : at + 64] + b"\n" for at in range(0, len(text), 64))
