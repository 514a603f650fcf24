"""What is printed, and what a scanner or a phone's camera reads from paper and screens."""

import shutil
import subprocess
from pathlib import Path

import zxingcpp
from PIL import Image
from playwright.sync_api import Page

from tests.js.browsers import needs


def printed(page: Page, path: Path) -> Path:
    """What the browser prints of this page, as PDF."""
    page.pdf(path=path, prefer_css_page_size=True)
    return path


def read_back(pdf: Path) -> list[set[str]]:
    """The texts of the QR codes on each printed page, read from a scan of 150 dots per inch."""
    needs(shutil.which("pdftoppm"), "poppler-utils")
    scan = ["pdftoppm", "-r", "150", "-gray", pdf, pdf.with_suffix("")]
    subprocess.run(scan, check=True)
    return [codes_in(picture) for picture in sorted(pdf.parent.glob(f"{pdf.stem}-*.pgm"))]


def codes_in(picture: Path) -> set[str]:
    """The texts of the QR codes on a picture."""
    found = zxingcpp.read_barcodes(Image.open(picture), formats=zxingcpp.BarcodeFormat.QRCode)
    return {str(code.text) for code in found}
