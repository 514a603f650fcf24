"""Lines of CSV that no spreadsheet runs."""

import csv
import io
import re
from collections.abc import Iterable

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
