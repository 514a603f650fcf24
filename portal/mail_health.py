"""Whether messages arrive: for the status page."""

from django.conf import settings
from django.db.models import Min
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import deliveries
from portal.fact import Fact

LATE = 3  # tries after which a message that waits is worth a look
SHOWN = 10  # addresses that do not work
WAY_OUT = gettext_lazy(
    "Its owner can correct or pause this address: their name at the top of each page, then Messages. If "
    "nothing arrives anywhere, look at EMAIL_URL (docs/messages.md)."
)


def messages() -> list[Fact]:
    """The mail server, what waits, and each address that does not work, with the server's words."""
    waiting = deliveries.open_ones()
    oldest = waiting.aggregate(oldest=Min("notice__at"))["oldest"]
    late = waiting.filter(tries__gte=LATE).exists()
    if oldest:
        word = _("Late") if late else _("On their way")
        outbox = Fact(
            _("Messages"),
            not late,
            word,
            _("%(number)d wait.") % {"number": waiting.count()},
            _("The oldest from"),
            oldest,
        )
    else:
        outbox = Fact(_("Messages"), True, _("Sent"))
    return [_server(), outbox, *_addresses()]


def _server() -> Fact:
    if settings.MAIL is None:
        return Fact(
            _("Mail"), True, _("Not set up"), _("Without EMAIL_URL nobody is told anything by e-mail.")
        )
    return Fact(
        _("Mail"),
        True,
        _("Set up"),
        _("Letters go out through %(server)s.") % {"server": settings.MAIL["host"]},
    )


def _addresses() -> list[Fact]:
    troubled = deliveries.troubled()
    found = [
        Fact(
            _("Messages to %(person)s") % {"person": channel.user.both_names},
            False,
            _("Not delivered"),
            f"{channel.name}: {channel.trouble.rstrip('.')}. {WAY_OUT}",
            _("Since"),
            channel.trouble_since,
        )
        for channel in troubled[:SHOWN]
    ]
    more = troubled.count() - len(found)
    if more > 0:
        found.append(
            Fact(
                _("Messages to others"),
                False,
                _("Not delivered"),
                _("%(number)d more addresses.") % {"number": more},
            )
        )
    return found
