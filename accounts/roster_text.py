"""What somebody pasted or uploaded -> lines of cells: plain names, or a table as spreadsheets write it."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

MAX_BYTES = 64 * 1024
_DELIMITERS = ",;\t"
# A heading, lower case and letters only -> the column it names.
_HEADINGS = {
    **dict.fromkeys(("name", "fullname", "names"), "name"),
    **dict.fromkeys(("username", "user", "login", "benutzername"), "username"),
    **dict.fromkeys(("email", "mail", "emailaddress", "emailadresse"), "email"),
    **dict.fromkeys(("roles", "role", "rolle", "rollen"), "roles"),
    **dict.fromkeys(("device", "phone", "gerät", "handy"), "device"),
}


@dataclass(frozen=True)
class Line:
    """One person as typed: `cells` by column, `number` from 1; `fault` says why it is not read, or is ""."""

    number: int
    cells: dict[str, str]
    fault: str = ""


def decoded(data: bytes) -> str:
    """A file as text: UTF-16 by its mark, else UTF-8, else Windows' cp1252. Raises ValidationError."""
    if len(data) > MAX_BYTES:
        raise ValidationError(_("This file is too large. Leave out what is not about the people."))
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise ValidationError(_("This is a spreadsheet. Save it as CSV and choose that file."))
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValidationError(_("This file is no text that can be read. Save it as CSV in UTF-8."))


def lines(text: str) -> tuple[list[Line], list[str]]:
    """The people in `text`, and headings of columns that mean nothing here. Raises ValidationError."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    rows = text.split("\n")
    first = next((at for at, row in enumerate(rows) if row.strip() and not re.match(r"sep=.$", row)), None)
    if first is None:
        return [], []
    for delimiter in _DELIMITERS:
        headings = next(csv.reader([rows[first]], delimiter=delimiter), [])
        columns = [_HEADINGS.get(_letters(heading)) for heading in headings]
        if "name" in columns:
            _refuse_twice(columns)
            unused = [heading for heading, column in zip(headings, columns, strict=True) if column is None]
            body = "\n".join(rows[first + 1 :])
            return list(_table(body, columns, delimiter, first + 1)), [
                name for name in unused if name.strip()
            ]
    return [_plain(number, row.strip()) for number, row in enumerate(rows, 1) if row.strip()], []


def _letters(heading: str) -> str:
    return re.sub(r"[\W\d_]", "", heading.casefold())


def _refuse_twice(columns: list[str | None]) -> None:
    twice = {column for column in columns if column and columns.count(column) > 1}
    if twice:
        raise ValidationError(
            _("Two columns say %(headings)s. Keep one of them.") % {"headings": ", ".join(sorted(twice))}
        )


def _plain(number: int, text: str) -> Line:
    """A line that is a name and nothing else."""
    fault = ""
    if re.search(r"[;\t@]", text):
        fault = _(
            "This looks like a table. Name its columns in the first line, for example: name,e-mail,device"
        )
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1].replace('""', '"')
    return Line(number, {"name": text}, fault)


def _table(body: str, columns: list[str | None], delimiter: str, above: int) -> Iterator[Line]:
    """RFC 4180, read kindly. `above`: how many lines stand before `body`."""
    reader, number = csv.reader(io.StringIO(body, newline="\n"), delimiter=delimiter), above + 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield Line(number, _cells(row, columns), _fault(row, columns))
            number = above + reader.line_num + 1
    except csv.Error as error:
        yield Line(number, {"name": ""}, _("This line cannot be read as CSV: %(why)s.") % {"why": error})


def _cells(row: list[str], columns: list[str | None]) -> dict[str, str]:
    return {column: cell.strip() for column, cell in zip(columns, row, strict=False) if column}


def _fault(row: list[str], columns: list[str | None]) -> str:
    if any("\n" in cell for cell in row):
        return _("A quotation mark is not closed here, so that the lines below run into this one.")
    if any(cell.strip() for cell in row[len(columns) :]):
        return _(
            "There are more cells than headings. Put a cell with the separator in it into quotation marks."
        )
    return ""
