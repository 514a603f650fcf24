"""Whether messages arrive: for the status page."""

from django.conf import settings
from django.db.models import Min

from accounts import deliveries
from portal.fact import Fact

LATE = 3  # tries after which a message that waits is worth a look
SHOWN = 10  # addresses that do not work
WAY_OUT = (
    "Its owner can correct or pause this address: their name at the top of each page, then Messages. If "
    "nothing arrives anywhere, look at EMAIL_URL (docs/messages.md)."
)


def messages() -> list[Fact]:
    """Messages. The mail server, what waits, and each address that does not work, with the server's words."""
    waiting = deliveries.open_ones()
    oldest = waiting.aggregate(oldest=Min("notice__at"))["oldest"]
    late = waiting.filter(tries__gte=LATE).exists()
    if oldest:
        word = "Late" if late else "On their way"
        outbox = Fact("Messages", not late, word, f"{waiting.count()} wait.", "The oldest from", oldest)
    else:
        outbox = Fact("Messages", True, "Sent")
    return [_server(), outbox, *_addresses()]


def _server() -> Fact:
    if settings.MAIL is None:
        return Fact("Mail", True, "None", "Without EMAIL_URL nobody is told anything by e-mail.")
    return Fact("Mail", True, "Set up", f"Letters go out through {settings.MAIL['host']}.")


def _addresses() -> list[Fact]:
    troubled = deliveries.troubled()
    found = [
        Fact(
            f"Messages to {channel.user.both_names}",
            False,
            "Not delivered",
            f"{channel.name}: {channel.trouble.rstrip('.')}. {WAY_OUT}",
            "Since",
            channel.trouble_since,
        )
        for channel in troubled[:SHOWN]
    ]
    more = troubled.count() - len(found)
    if more > 0:
        found.append(Fact("Messages to others", False, "Not delivered", f"{more} more addresses."))
    return found
