"""Our scripts, style sheets and drawings, without their comments, compressed once and kept in memory.

Files only: a compressed page that holds a secret beside what a stranger can choose tells it by its length
(BREACH), so nothing else is ever compressed here.
"""

import gzip
import re
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware

PACKED = (".css", ".js", ".svg")
LEVEL = 9  # each file once, so that it may take its time
# Whole lines only: within a line it takes a parser to tell a comment from a text. No text of ours goes over
# several lines (tests/portal/test_static_files.py).
_COMMENTS = re.compile(rb"^[ \t]*(?:/\*.*?\*/[ \t]*|//[^\n]*)$", re.MULTILINE | re.DOTALL)


def bare(script: bytes) -> bytes:
    """A script or style sheet without its comments on lines of their own, indentation and empty lines."""
    return re.sub(rb"\n\s+", b"\n", _COMMENTS.sub(b"", script)).strip()


class PackedFiles(WhiteNoiseMiddleware):  # type: ignore[misc]  # WhiteNoise has no types
    """WhiteNoise, which takes compressed files from the disk alone; we have no step that puts them there."""

    def __init__(self, *given: Any, **named: Any) -> None:
        self._packed: dict[str, bytes] = {}  # by path of the address
        super().__init__(*given, **named)

    def add_mime_headers(self, headers: Any, path: str, url: str) -> None:
        """Both forms share an entity tag, so it is a weak one (RFC 9110 8.8.1)."""
        super().add_mime_headers(headers, path, url)
        if path.endswith(PACKED):
            data = Path(path).read_bytes()
            self._packed[url] = gzip.compress(data if path.endswith(".svg") else bare(data), LEVEL, mtime=0)
            headers["ETag"] = f'W/"{Path(path).stat().st_mtime_ns:x}-{len(data):x}"'
            headers["Vary"] = "Accept-Encoding"

    def serve(self, static_file: Any, request: HttpRequest) -> HttpResponseBase:
        """Plain for who takes no gzip, and where only a part is asked for."""
        packed = self._packed.get(request.path_info)
        takes = "gzip" in request.headers.get("Accept-Encoding", "")
        # As for HEAD: the headers alone, and no file is opened.
        found = static_file.get_response("HEAD", request.META) if request.method in ("GET", "HEAD") else None
        if packed is None or not takes or found is None or found.status != HTTPStatus.OK:
            plain: HttpResponseBase = super().serve(static_file, request)
            return plain
        sent = HttpResponse(b"" if request.method == "HEAD" else packed, headers=dict(found.headers))
        sent.headers["Content-Encoding"] = "gzip"
        sent.headers["Content-Length"] = str(len(packed))
        return sent
