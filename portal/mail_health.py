"""Whether messages arrive: for the status page."""

from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db.models import Min

from accounts import deliveries

LATE = 3  # tries after which a message that waits is worth a look
SHOWN = 10  # addresses that do not work


class Found(NamedTuple):
    """A fact of the status page, as portal/health.py shows it."""

    title: str
    well: bool
    word: str
    sentence: str = ""
    label: str = ""
    moment: datetime | None = None


def facts() -> list[Found]:
    """The mail server, what waits, and each address that does not work, with the server's words."""
    waiting = deliveries.open_ones()
    oldest = waiting.aggregate(oldest=Min("notice__at"))["oldest"]
    late = waiting.filter(tries__gte=LATE).exists()
    said = f"{waiting.count()} on their way." if oldest else "Everything was sent."
    label = "The oldest from" if oldest else ""
    return [
        _server(),
        Found("Messages", not late, "Late" if late else "Sent", said, label, oldest),
        *_addresses(),
    ]


def _server() -> Found:
    if settings.MAIL is None:
        return Found("Mail", True, "None", "Without EMAIL_URL nobody is told anything by e-mail.")
    return Found("Mail", True, "Set up", f"Letters go out through {settings.MAIL['host']}.")


def _addresses() -> list[Found]:
    troubled = deliveries.troubled()
    found = [
        Found(
            f"Messages to {channel.user.both_names}",
            False,
            "Not delivered",
            f"{channel.name}: {channel.trouble}",
            "Since",
            channel.trouble_since,
        )
        for channel in troubled[:SHOWN]
    ]
    more = troubled.count() - len(found)
    if more > 0:
        found.append(Found("Messages to others", False, "Not delivered", f"{more} more addresses."))
    return found
