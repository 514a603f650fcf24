"""QR codes, drawn here: nothing is fetched from anywhere."""

from collections.abc import Iterator

import qrcode
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {0}" shape-rendering="crispEdges">'
    '<path fill="#fff" d="M0 0h{0}v{0}H0z"/><path d="{1}"/></svg>'
)


def svg(text: str, *, mask: int | None = None) -> SafeString:
    """`text` as an inline SVG image, with its quiet zone (ISO/IEC 18004: four modules).

    With `mask`, 0 to 7, that data mask instead of the best of all eight: four times as fast, for sheets.
    """
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=4, mask_pattern=mask)
    code.add_data(text)
    rows: list[list[bool]] = code.get_matrix()
    path = "".join(f"M{x} {y}h{length}v1H{x}z" for y, row in enumerate(rows) for x, length in _runs(row))
    return format_html(_SVG, len(rows), mark_safe(path))  # noqa: S308 coordinates only; the text is not in it


def _runs(row: list[bool]) -> Iterator[tuple[int, int]]:
    """Where dark modules begin, and how many there are."""
    start = None
    for x, dark in enumerate([*row, False]):
        if dark and start is None:
            start = x
        elif not dark and start is not None:
            yield start, x - start
            start = None
