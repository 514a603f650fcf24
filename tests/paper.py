"""What is printed, and what a scanner reads from it."""

import shutil
import subprocess
from pathlib import Path

from playwright.sync_api import Page

from tests.js.browsers import needs


def printed(page: Page, path: Path) -> Path:
    """What the browser prints of this page, as PDF."""
    page.pdf(path=path, prefer_css_page_size=True)
    return path


def read_back(pdf: Path) -> list[set[str]]:
    """The texts of the QR codes on each printed page, read from a scan of 150 dots per inch."""
    needs(shutil.which("pdftoppm"), "poppler-utils")
    needs(shutil.which("zbarimg"), "zbar-tools")
    scan = ["pdftoppm", "-r", "150", "-gray", pdf, pdf.with_suffix("")]
    subprocess.run(scan, check=True)
    read = ["zbarimg", "--raw", "-q", "-Sdisable", "-Sqrcode.enable"]
    found = []
    for picture in sorted(pdf.parent.glob(f"{pdf.stem}-*.pgm")):
        done = subprocess.run([*read, picture], check=True, capture_output=True, text=True)
        found.append(set(done.stdout.split()))
    return found
