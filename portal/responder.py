"""OCSP answers: signed when asked, or kept signed while nothing changes. In the status face's process."""

import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.utils.http import http_date

from pki import ocsp, own, standing
from pki.ocsp import CertId, Request, Responder, Standing

KEPT_FOR = ocsp.LIFE.total_seconds() / 2  # so that what is sent is good for as long again
MAX_AGE = 60  # seconds a cache between us and who asks may keep an answer without a nonce
MOST = 4096  # answers of a kilobyte
SHORT = 255  # bytes of a request for one certificate (RFC 5019 5)
Mark = tuple[int, int, int]


@dataclass(frozen=True)
class Answer:
    """An answer, and what HTTP says of it."""

    der: bytes
    made: int  # seconds since 1970
    headers: dict[str, str]
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
        asked = _parsed(data) if len(data) <= SHORT else ocsp.parse(data)
    except ocsp.Malformed:
        return ocsp.MALFORMED
    if not any(responder.knows(one) for one in asked.ids):
        return ocsp.UNAUTHORIZED  # RFC 5019 2.2.3: somebody else's certificates
    found = {one.serial: standing.of(authority, one.serial, responder.key_id) for one in asked.ids}
    only = found[asked.ids[0].serial] if len(asked.ids) == 1 and asked.nonce is None else None
    return _signed(responder, asked, found) if only is None else _once(responder, asked, only)


@lru_cache(maxsize=2048)
def _parsed(data: bytes) -> Request:
    """Most ask the same again and again."""
    return ocsp.parse(data)


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
    shared = asked.nonce is None
    return Answer(der, made, _headers(der, made, ends) if shared else {"Cache-Control": "no-store"}, shared)


def _headers(der: bytes, made: int, ends: int) -> dict[str, str]:
    """RFC 5019 6.2. What we say changes with a revocation at once; who keeps it believes it for a minute."""
    return {
        "ETag": f'"{hashlib.sha256(der).hexdigest()}"',
        "Last-Modified": http_date(made),
        "Expires": http_date(ends),
        "Cache-Control": f"max-age={MAX_AGE}, public, no-transform, must-revalidate",
    }


def _responder(authority: str) -> Responder | None:
    """Key and certificate as housekeeping lays them down (portal/services.py); None while there is none."""
    path = own.responder(authority)
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
