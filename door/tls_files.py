"""What TLS contexts are made from: which versions of files, and revocation lists."""

import os
import ssl
import tempfile
from base64 import encodebytes
from collections.abc import Iterable
from pathlib import Path

Marks = tuple[tuple[int, int, int] | None, ...]


def marks(files: Iterable[str | Path]) -> Marks:
    """Changes with each of the files, one that comes or goes included: what was made from them is then out
    of date."""
    return tuple(map(_mark, files))


def _mark(file: str | Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def load_list(context: ssl.SSLContext, der: bytes) -> None:
    """A CRL into a context, which takes it only from a file, and only as PEM. Raises ssl.SSLError."""
    with tempfile.NamedTemporaryFile() as file:
        # RFC 7468 5: the label of a CRL
        file.write(b"-----BEGIN X509 CRL-----\n" + encodebytes(der) + b"-----END X509 CRL-----\n")
        file.flush()
        context.load_verify_locations(cafile=file.name)
