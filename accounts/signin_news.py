"""Lines of the audit trail about sessions, told to whom they concern: that is how a thief is noticed."""

from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import household, kinds, outbox, signins, unusual
from accounts.languages import later
from accounts.models import User
from accounts.useragent import UserAgent
from audit.models import AuditEvent

NOT_ME = "/not-me"
_SUBJECTS = {
    unusual.BROWSER: gettext_lazy("A new browser signed in to your account"),
    unusual.NETWORK: gettext_lazy("Signed in to your account from a new network"),
    unusual.ATTEMPTS: gettext_lazy("Signed in to your account after many wrong attempts"),
}


def signed_in(line: AuditEvent) -> None:
    """An unusual sign-in, to the person themselves."""
    why = [reason for reason in _SUBJECTS if reason in line.detail.get("why", ())]
    if why:
        _tell(line, kinds.SIGN_IN, _SUBJECTS[why[0]], _story(line, why), link=NOT_ME)


def ended(line: AuditEvent) -> None:
    """Somebody else ended their sessions."""
    if line.actor != line.target:
        text = later(
            gettext_lazy(
                "%(by)s ended every session of yours. Sign in again to go on; your password and your apps and"
                " passkeys are what they were."
            ),
            by=line.actor,
        )
        _tell(
            line,
            kinds.ACCOUNT,
            gettext_lazy("You were signed out everywhere"),
            text,
            link="/account/sessions",
        )


TELLERS = {unusual.ACTION: signed_in, "session.ended": ended}


def _tell(line: AuditEvent, kind: str, subject: outbox.Words, text: outbox.Words, link: str) -> None:
    users = User.objects.filter(username=line.target)
    outbox.tell(users, kind, event=f"audit {line.sequence}", subject=subject, text=text, link=link)


def _written(line: AuditEvent, why: list[str]) -> str:
    said = line.detail
    facts = {
        "browser": UserAgent(str(said.get("system", "")), str(said.get("browser", ""))).words,
        "address": line.address or _("an address that cannot be seen"),
        "when": date_format(
            timezone.localtime(line.at, ZoneInfo(household.current().time_zone)), _("j F Y, H:i")
        ),
        "factor": signins.factor_words(str(said.get("factor", ""))),
    }
    reasons = {
        unusual.BROWSER: _("This browser was not seen with your account before."),
        unusual.NETWORK: _("You did not come from this network before."),
        unusual.ATTEMPTS: _("Before that, %(wrong)s attempts failed.") % {"wrong": said.get("wrong", 0)},
    }
    happened = _("%(browser)s, from %(address)s, %(when)s. Signed in with: %(factor)s.") % facts
    way_out = _(
        "If that was you, there is nothing to do. If not, open “This was not me” in the portal at once: it"
        " ends every other session, and you choose a new password."
    )
    return "\n\n".join([happened, " ".join(reasons[reason] for reason in why), way_out])


_story = lazy(_written, str)  # in the language of whoever reads it
