"""A letter by SMTP (RFC 5321), step by step, so that it is known whether the text had left."""

import smtplib
import ssl
from collections.abc import Callable
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from django.utils.translation import gettext as _

from portal.undelivered import Away, Undelivered

SECONDS = 20  # for each word of the server; the whole round is bounded, too (portal/post.py)


def letter(
    *,
    sender: str,
    name: str,
    to: str,
    subject: str,
    text: str,
    message_id: str,
    at: datetime,
    language: str = "",
) -> EmailMessage:
    """`name` of the sender as people read it. Raises Undelivered for an address that mail does not know."""
    made = EmailMessage(policy=SMTP)
    try:
        made["From"] = Address(display_name=name, addr_spec=sender)
        made["To"] = Address(addr_spec=to)
    except (ValueError, IndexError) as error:
        raise Undelivered(
            _("%(to)s is no address that mail can be sent to.") % {"to": to}, for_good=True
        ) from error
    made["Subject"] = subject
    made["Date"] = format_datetime(at)
    made["Message-ID"] = message_id  # the same with each try: who got it already can tell
    if language:
        made["Content-Language"] = language  # RFC 3282
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834 5: no answer from a holiday's robot
    made.set_content(text, cte="quoted-printable")
    return made


def send(server: dict[str, Any], made: EmailMessage, *, leaves: Callable[[], None]) -> None:
    """Hand `made` over to `server` (settings.MAIL). `leaves` is called right before its text goes out.

    Raises Away while the server takes nothing from us, Undelivered when it does not take this one.
    """
    sender, to = (made[name].addresses[0].addr_spec for name in ("From", "To"))
    smtp = _connected(server)
    try:
        _agreed(smtp.mail(sender), Away)
        _agreed(smtp.rcpt(to), Undelivered)
        leaves()
        _agreed(smtp.data(made.as_bytes()), Undelivered)
    except smtplib.SMTPResponseException as error:  # DATA itself refused
        _agreed((error.smtp_code, error.smtp_error), Undelivered)
    except (smtplib.SMTPException, OSError) as error:
        raise Away(f"{server['host']}: {_why(error)}") from error
    except UnicodeEncodeError as error:
        raise Undelivered(
            _("%(to)s is no address that mail can be sent to.") % {"to": to}, for_good=True
        ) from error
    finally:
        _say_goodbye(smtp)


def _connected(server: dict[str, Any]) -> smtplib.SMTP:
    """A connection that is encrypted and signed in to as EMAIL_URL says."""
    smtp = None
    try:
        smtp = _opened(server)
        if server["user"]:
            smtp.login(server["user"], server["password"])
        smtp.ehlo_or_helo_if_needed()
    except (smtplib.SMTPException, OSError) as error:
        if smtp:
            smtp.close()
        raise Away(f"{server['host']}: {_why(error)}") from error
    return smtp


def _opened(server: dict[str, Any]) -> smtplib.SMTP:
    context = ssl.create_default_context(cadata=server["ca"] or None)
    context.hostname_checks_common_name = False  # a CN is no host name (RFC 9525 6.3)
    if server["tls"] == "tls":
        return smtplib.SMTP_SSL(server["host"], server["port"], timeout=SECONDS, context=context)
    smtp = smtplib.SMTP(server["host"], server["port"], timeout=SECONDS)
    if server["tls"] == "starttls":
        try:
            smtp.starttls(context=context)  # raises where there is none: never in the open (RFC 3207 6)
        except BaseException:
            smtp.close()
            raise
    return smtp


def _why(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _words(error.smtp_code, error.smtp_error)
    return getattr(error, "verify_message", "") or getattr(error, "strerror", "") or str(error)


def _agreed(answer: tuple[int, bytes | str], otherwise: type[Undelivered]) -> None:
    """5yz is for good, 4yz for now (RFC 5321 4.2.1)."""
    code, text = answer
    if not 200 <= code < 300:
        for_good = code >= 500 and otherwise is Undelivered
        raise otherwise(_words(code, text), for_good=for_good)


def _words(code: int, text: bytes | str) -> str:
    said = text.decode(errors="replace") if isinstance(text, bytes) else text
    return " ".join(f"{code} {said}".split())


def _say_goodbye(smtp: smtplib.SMTP) -> None:
    """The letter's fate is known by now; a failing QUIT changes nothing."""
    try:
        smtp.quit()
    except (smtplib.SMTPException, OSError):
        smtp.close()
