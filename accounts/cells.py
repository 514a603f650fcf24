"""What lists are exported as: CSV that no spreadsheet runs, and JSON."""

import csv
import io
import re
from collections.abc import Iterable, Iterator

from django.http import StreamingHttpResponse

MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
# The beginning of a cell that a spreadsheet would run, full-width signs too.
_FORMULA = re.compile(r"(^|[;|][\s\"]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")


def harmless(printable: str) -> str:
    """An apostrophe makes a spreadsheet take the cell as text; also behind the semicolon at which those of
    half of Europe begin a new cell. `printable`: without control characters."""
    return _FORMULA.sub(r"\1'", printable)


def line(cells: Iterable[str]) -> str:
    """One line of RFC 4180 with its end."""
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()


def attachment(lines: Iterator[str], name: str, form: str) -> StreamingHttpResponse:
    """`lines` as the file "latchkey-doors.csv", written as they come; `form` is one of MEDIA_TYPES."""
    response = StreamingHttpResponse(lines, content_type=MEDIA_TYPES[form])
    response.headers["Content-Disposition"] = f'attachment; filename="latchkey-{name}.{form}"'
    return response


def array(elements: Iterable[str]) -> Iterator[str]:
    """One array of JSON texts, a line for each."""
    yield "["
    for number, element in enumerate(elements):
        yield f"{',' if number else ''}\n{element}"
    yield "\n]\n"
