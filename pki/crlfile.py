"""A CRL in a file, however long (RFC 5280 5.1): read without taking its lines into memory.

cryptography reads the frame, which is everything but the lines. A million of these would take it a second and
half a gigabyte; whether one serial number is among them takes a look through the file.
"""

import hashlib
import os
from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import IO

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.x509.oid import SignatureAlgorithmOID

from pki import builder, der

BLOCK = 1 << 20  # bytes read at once
BEGINNING = 4096  # bytes; version, algorithm, issuer and dates are far shorter
END = 1 << 16  # bytes at most, for extensions and signature
LONGEST = 64  # bytes of a serial number and of what stands around it
_TIMES = (der.UTC_TIME, der.GENERALIZED_TIME)
_PREHASHED = ec.ECDSA(utils.Prehashed(hashes.SHA256()))


class CrlFile:
    """One CRL. It holds its file open, and stays this one when another takes the file's place."""

    def __init__(self, file: IO[bytes], start: int = 0) -> None:
        """The CRL from offset `start` to the end of the file. Raises ValueError when it is none."""
        self._file = file
        beginning = os.pread(file.fileno(), BEGINNING, start)
        tag, tbs, end = der.header(beginning, 0)
        parts = der.children(beginning, tbs, limit=7)
        times = [at for at, (tag, _, _) in enumerate(parts) if tag in _TIMES]
        if tag != der.SEQUENCE or not times or start + end != os.fstat(file.fileno()).st_size:
            raise ValueError("this is no CRL")
        head_end = parts[times[-1]][2]
        after = parts[times[-1] + 1 : times[-1] + 2]
        _, first, lines_end = after[0] if after and after[0][0] == der.SEQUENCE else (0, head_end, head_end)
        _, inside, tbs_end = der.header(beginning, tbs)
        self._tbs = start + tbs, start + tbs_end  # the first byte, and the one after the last
        self._lines = start + first, start + lines_end
        if not head_end <= first <= lines_end <= tbs_end <= end or end - lines_end > END:
            raise ValueError("this is no CRL")
        rest = os.pread(file.fileno(), end - lines_end, start + lines_end)
        tail = tbs_end - lines_end
        self._whole = der.sequence(der.sequence(beginning[inside:head_end], rest[:tail]), rest[tail:])

    @cached_property
    def frame(self) -> x509.CertificateRevocationList:
        """The CRL without its lines: issuer, dates, extensions, signature. Raises ValueError."""
        try:
            found = x509.load_der_x509_crl(self._whole)
            len(found.extensions)  # parsed here and now, not by whoever asks later
        except (x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
            raise ValueError(str(error)) from error
        return found

    @property
    def ends(self) -> datetime:
        """Until when it counts (UTC); one that does not say so is over (RFC 5280 5.1.2.5 wants an end)."""
        return self.frame.next_update_utc or self.frame.last_update_utc

    @property
    def number(self) -> int:
        """The CRL number (RFC 5280 5.2.3): it only ever grows. Raises ValueError where there is none."""
        try:
            return self.frame.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        except x509.ExtensionNotFound as error:
            raise ValueError(str(error)) from error

    @property
    def audit_head(self) -> str | None:
        """The audit trail's head, 64 hex digits; None when there is none."""
        return builder.audit_head(self.frame)

    def is_signed_by(self, key: PublicKeyTypes) -> bool:
        """Whether `key` made its signature, ECDSA with SHA-256 as all of ours are."""
        if not isinstance(key, ec.EllipticCurvePublicKey) or (
            self.frame.signature_algorithm_oid != SignatureAlgorithmOID.ECDSA_WITH_SHA256
        ):
            return False
        digest = hashlib.sha256()
        for block in self._blocks(*self._tbs):
            digest.update(block)
        try:
            key.verify(self.frame.signature, digest.digest(), _PREHASHED)
        except InvalidSignature:
            return False
        return True

    def __contains__(self, serial: int) -> bool:
        """Whether `serial` has a line. One of ours is long and random, so it stands nowhere by chance; what
        stands around it (RFC 5280 5.1: a SEQUENCE before, a time after) is looked at all the same."""
        wanted = der.integer(serial)
        before = b""
        for block in self._blocks(*self._lines):
            text = before + block
            at = text.find(wanted)
            while at >= 0:
                if text[at - 2 : at - 1] == b"\x30" and text[at + len(wanted) : at + len(wanted) + 1] in (
                    b"\x17",
                    b"\x18",
                ):
                    return True
                at = text.find(wanted, at + 1)
            before = text[-LONGEST:]
        return False

    def __len__(self) -> int:
        """How many lines; each is shorter than 128 bytes, so that its second byte is its length."""
        count, left = 0, b""
        for block in self._blocks(*self._lines):
            text, at = left + block, 0
            while at + 1 < len(text) and (following := at + 2 + text[at + 1]) <= len(text):
                count, at = count + 1, following
            left = text[at:]
        return count

    def _blocks(self, start: int, end: int) -> Iterator[bytes]:
        while start < end:
            block = os.pread(self._file.fileno(), min(BLOCK, end - start), start)
            if not block:
                raise OSError("the list was cut short")
            start += len(block)
            yield block


def read(path: Path) -> CrlFile:
    """The CRL that lies at `path`. Raises FileNotFoundError, another OSError, or ValueError."""
    return CrlFile(path.open("rb"))
