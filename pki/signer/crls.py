"""One CRL of one CA (RFC 5280 5): numbered, written to a file piece by piece, signed, compared."""

import hashlib
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import IO, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from pki import builder, der
from pki.crlfile import CrlFile
from pki.errors import SignerUnavailable
from pki.signer.authorities import BACKDATED
from pki.signer.entries import DAY
from pki.signer.journal import Journal
from pki.signer.keys import Authority, Issuer

CRL_DAYS = 7
BUFFER = 1 << 18  # bytes
ROOM = 16  # bytes in front of the TBS for the header of all, whose length is known last
_PREHASHED = ec.ECDSA(utils.Prehashed(hashes.SHA256()))


class Written(NamedTuple):
    """A CRL in a file that has no name and goes when it is closed."""

    file: IO[bytes]
    start: int  # offset of its first byte; it goes to the file's end
    size: int


class Pair(NamedTuple):
    """The CRLs of one authority, and the number of the last change that they know."""

    issuing: Written
    root: Written | None
    change: int


def pair(
    authority: Authority,
    journal: Journal,
    audit_head: bytes,
    after: tuple[int, int] = (0, 0),
    *,
    with_root: bool = True,
) -> Pair:
    """New CRLs of issuing CA and, `with_root`, of its root. Whoever gets them closes the files.

    `after`: thisUpdate of those that are published, which a journal from a backup may not know.
    """
    with journal.lock:
        change = journal.last_change(authority.name)
        issuing = make(authority.issuing, journal, audit_head, after[0])
    try:
        root = make(authority.root, journal, audit_head, after[1]) if with_root else None
        return Pair(issuing, root, change)
    except BaseException:
        issuing.file.close()
        raise


def make(issuer: Issuer, journal: Journal, audit_head: bytes, after: int = 0) -> Written:
    """A new complete CRL of `issuer`, DER. `audit_head` is 32 bytes. Raises SignerUnavailable.

    However many lines it has, they are never in memory all at once.
    """
    with journal.lock:  # so that of two CRLs the one with the higher number knows at least as much
        now, before = int(time.time()), journal.last_crl(issuer.id)[1]
        number, this_update = _reserve(issuer, journal, after)
        validity = (
            datetime.fromtimestamp(this_update, UTC),
            datetime.fromtimestamp(now, UTC) + timedelta(days=CRL_DAYS),
        )
        frame = builder.rehearse_crl(issuer.certificate, number, validity, audit_head).tbs_certlist_bytes
        # What expired leaves when a CRL from after its end was there for a day (RFC 5280 3.3).
        with journal.crl_lines(issuer.id, min(now - DAY, before)) as (size, lines):
            return _signed(issuer, frame, size, lines, journal)


def _signed(issuer: Issuer, frame: bytes, size: int, lines: Iterator[bytes], journal: Journal) -> Written:
    # Whoever gets the file closes it.
    file = tempfile.TemporaryFile(buffering=BUFFER, dir=journal.folder)  # noqa: SIM115
    try:
        digest = hashlib.sha256()
        file.seek(ROOM)
        for piece in _pieces(frame, size, lines):
            digest.update(piece)
            file.write(piece)
        tbs_size = file.tell() - ROOM
        end = builder.signed_with(issuer.sign_digest(digest.digest()))
        file.write(end)
        head = der.head(der.SEQUENCE, tbs_size + len(end))
        start = ROOM - len(head)
        file.seek(start)
        file.write(head)
        file.flush()
        _compare(CrlFile(file, start), frame, digest.digest(), issuer)
        return Written(file, start, len(head) + tbs_size + len(end))
    except BaseException:
        file.close()
        raise


def _pieces(frame: bytes, size: int, lines: Iterator[bytes]) -> Iterator[bytes]:
    """The TBS `frame`, which has no lines, with `size` bytes of them before its last part, the extensions."""
    inside = der.header(frame, 0)[1]
    extensions = der.children(frame, limit=6)[4][2]  # after version, algorithm, issuer and the two times
    head = der.head(der.SEQUENCE, size) if size else b""  # RFC 5280 5.1.2.6: absent when nobody is revoked
    yield der.head(der.SEQUENCE, len(frame) - inside + len(head) + size)
    yield frame[inside:extensions]
    yield head
    yield from lines
    yield frame[extensions:]


def _reserve(issuer: Issuer, journal: Journal, after: int) -> tuple[int, int]:
    """CRL number and thisUpdate (seconds), durably: both only grow, also after a backup was restored.

    OpenSSL keeps the older of two CRLs of the same second, and refuses everybody on one from the future.
    """
    number, this_update = journal.last_crl(issuer.id)
    clock = time.time_ns()
    now = clock // 10**9
    number = max(clock, number + 1)
    after = after if after < now else 0  # no word of the web side's makes us wait for the clock
    this_update = max(now - int(BACKDATED.total_seconds()), this_update + 1, after + 1)
    if this_update > now:
        raise SignerUnavailable(
            "The last CRL is from the future: this machine's clock was put back.",
            code="clock",
            remedy="Set the clock. The list is made as soon as the time of the last one has passed.",
        )
    journal.number_crl(issuer.id, number, this_update)
    return number, this_update


def _compare(found: CrlFile, frame: bytes, digest: bytes, issuer: Issuer) -> None:
    """What was written is read as what was built, and signed by whom it names."""
    public = issuer.certificate.public_key()
    try:
        if not isinstance(public, ec.EllipticCurvePublicKey) or found.frame.tbs_certlist_bytes != frame:
            raise ValueError
        public.verify(found.frame.signature, digest, _PREHASHED)
    except (InvalidSignature, ValueError):
        raise SignerUnavailable("The signed CRL is not the one that was built.", code="compare") from None
