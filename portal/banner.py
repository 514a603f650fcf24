"""What `manage.py up` says when everything runs: a few calm lines, a link and its QR code; then silence."""

import io
from pathlib import Path

import qrcode
from django.conf import settings
from django.urls import reverse
from rich.console import Console
from rich.text import Text

from accounts import setup
from portal import health, landlock, outlook, tls

Line = tuple[str, str]  # name and value


def gather() -> tuple[str, list[str]]:
    """The one-time setup link, "" once there is an account, and the notes. Reads what the web may write."""
    token = setup.ensure_token()
    link = settings.PORTAL_URL + reverse("accounts:setup", args=[token]) if token else ""
    return link, notes()


def show(link: str, noted: list[str], copy: Path | None, more: list[Line]) -> None:
    """Print the banner; `copy` is the backup made before an upgrade. Plain text where stdout is a file."""
    console = Console(highlight=False, soft_wrap=True)
    copied = [f"Before the upgrade everything was copied to {copy}."] if copy else []
    named = [(f"{name:<10}", "bold", text) for name, text in [*lines(link), *more, ("End", "Ctrl-C")]]
    named += [("Note      ", "bold yellow", note) for note in [*copied, *noted]]
    # In one write: who waits for the last line in a log has the others too.
    console.print(Text("\n").join(Text.assemble((name, style), text) for name, style, text in named))
    if link and console.is_terminal:
        console.print(Text(qr(link)))


def lines(link: str) -> list[Line]:
    """Name and value of each line. `link` is the one-time setup link, "" once there is an account."""
    found = [
        ("Latchkey", f"{settings.VERSION}, data in {settings.DATA}"),
        ("Portal", settings.PORTAL_URL),
        ("Door", f"{settings.DOOR_URL} (opens for holders of a certificate only)"),
        ("Trust", f"{settings.PORTAL_URL}{reverse('portal:trust')} tells browsers and phones to trust it"),
        ("Status", f"{settings.STATUS_URL} (revocation lists and CA certificates)"),
    ]
    if link:
        found.append(("Set up", f"{link} (works once, makes the first account)"))
    return found


def notes() -> list[str]:
    """What somebody should know or do."""
    found = []
    if not landlock.version():
        found.append(health.NO_LANDLOCK)
    if (sentence := health.unix_sockets_open()) and not settings.SIGNER_APART:
        found.append(sentence)
    if left_out := tls.left_out():
        found.append(tls.advice(left_out))
    found += [fact.sentence for fact in outlook.published_elsewhere() if not fact.well]
    return [*found, *(fact.sentence for fact in health.signer() if not fact.well)]


def qr(text: str) -> str:
    """A QR code of half blocks, light on dark as on most terminals; cameras read the inverse too."""
    code = qrcode.QRCode(border=2, error_correction=qrcode.constants.ERROR_CORRECT_L)
    code.add_data(text)
    out = io.StringIO()
    code.print_ascii(out, invert=True)
    return out.getvalue()
