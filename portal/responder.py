"""OCSP answers: signed when asked, or kept signed while nothing changes. In the status face's process."""

import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from pki import ocsp, own, standing
from pki.ocsp import CertId, Request, Responder, Standing

KEPT_FOR = ocsp.LIFE.total_seconds() / 2  # so that what is sent is good for as long again
MOST = 4096  # answers of a kilobyte
Mark = tuple[int, int, int]


@dataclass(frozen=True)
class Answer:
    """An answer, and from when to when it counts: seconds since 1970."""

    der: bytes
    made: int
    ends: int
    etag: str
    shared: bool  # good for everybody who asks the same: it has no nonce in it


@dataclass(frozen=True)
class _Kept:
    responder: Responder
    standing: Standing
    answer: Answer


_responders: dict[str, tuple[Mark, Responder]] = {}
_kept: dict[CertId, _Kept] = {}


def answer(authority: str, data: bytes) -> Answer | int:
    """The answer to the request `data`, or the status of an unsigned one (RFC 6960 4.2.1)."""
    responder = _responder(authority)
    if responder is None:
        return ocsp.TRY_LATER
    try:
        asked = ocsp.parse(data)
    except ocsp.Malformed:
        return ocsp.MALFORMED
    if not any(responder.knows(one) for one in asked.ids):
        return ocsp.UNAUTHORIZED  # RFC 5019 2.2.3: somebody else's certificates
    found = {one.serial: standing.of(authority, one.serial, responder.key_id) for one in asked.ids}
    only = found[asked.ids[0].serial] if len(asked.ids) == 1 and asked.nonce is None else None
    return _signed(responder, asked, found) if only is None else _once(responder, asked, only)


def _once(responder: Responder, asked: Request, now: Standing) -> Answer:
    """The answer that many ask for: kept, but never for longer than it is true."""
    (one,) = asked.ids
    kept = _kept.get(one)
    same = kept is not None and (kept.responder, kept.standing) == (responder, now)
    if kept and same and 0 <= time.time() - kept.answer.made < KEPT_FOR:
        return kept.answer
    if len(_kept) >= MOST:
        _kept.clear()
    made = _signed(responder, asked, {one.serial: now})
    _kept[one] = _Kept(responder, now, made)
    return made


def _signed(responder: Responder, asked: Request, found: dict[int, Standing | None]) -> Answer:
    now = datetime.now(UTC).replace(microsecond=0)
    der = responder.answer(asked.ids, found.get, now, asked.nonce)
    made = int(now.timestamp())
    ends = min(made + int(ocsp.LIFE.total_seconds()), int(responder.ends.timestamp()))
    return Answer(der, made, ends, f'"{hashlib.sha256(der).hexdigest()}"', asked.nonce is None)


def _responder(authority: str) -> Responder | None:
    """Key and certificate as housekeeping lays them down (portal/services.py); None while there is none."""
    path = own.pem(f"ocsp-{authority}")
    try:
        found = path.stat()
        mark = (found.st_mtime_ns, found.st_ino, found.st_size)
        kept = _responders.get(authority)
        if kept is None or kept[0] != mark:
            kept = _responders[authority] = mark, _read(path)
    except (OSError, ValueError, TypeError, InvalidSignature):
        return None
    return kept[1] if kept[1].ends > datetime.now(UTC) else None


def _read(path: Path) -> Responder:
    pem = path.read_bytes()
    key = load_pem_private_key(pem, None)
    certificate, issuer = x509.load_pem_x509_certificates(pem)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("the answers are signed with ECDSA")
    return Responder(issuer, certificate, key)
