"""Uploads are certification requests: small. Anything else is refused before it is read."""

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict


class CappedUpload(MemoryFileUploadHandler):
    """Keeps files in memory; refuses a body over `DATA_UPLOAD_MAX_MEMORY_SIZE` bytes by its Content-Length.

    Django's own limit does not count files: it would spool 100 MB to the disk and answer 200. A `StopUpload`
    raised here ends as a 500; `RequestDataTooBig` becomes the 413 page of portal/errors.py.
    """

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> tuple[QueryDict, MultiValueDict[str, Any]] | None:
        if content_length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestDataTooBig(f"A body of {content_length} bytes was refused.")
        super().handle_raw_input(input_data, META, content_length, boundary, encoding)
        return None
