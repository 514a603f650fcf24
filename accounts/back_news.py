"""Lines of the audit trail about ways back in, told to whom they concern: the person, and who watches."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import asking_back, kinds, news, outbox, people
from accounts.languages import later
from accounts.models import Notice, User
from audit.models import AuditEvent


def asked(line: AuditEvent) -> None:
    """Somebody asks for an account; for a name that nobody has, nobody is told."""
    account = _account(line)
    if account is None:
        return
    event = asking_back.event_of(str(line.detail.get("asking", "")))
    if _told_lately(account):
        return
    _tell(
        [account],
        event,
        kinds.ACCOUNT,
        _("Somebody asks to get back into your account"),
        _(
            "Nothing is changed so far: somebody who may let you in compares four words with you first. If"
            " it was not you, tell an officer at once."
        ),
    )
    waits = asking_back.of(account)
    if waits is not None and event == asking_back.event_of(waits.pk):
        _tell(
            people.who_may_reset(account),
            event,
            kinds.BACK,
            _("%(name)s asks to get back in"),
            _(
                "Call %(name)s at a number that you know, or see them, and compare four words: they stand"
                " in the portal, on the page of %(name)s."
            ),
            link=f"/people/{account.pk}/back",
            name=account.both_names,
        )


def _told_lately(account: User) -> bool:
    """Whoever asks again and again in somebody's name does not ring everybody's phone each time: the portal
    shows the newest asking, and who means it calls."""
    hour_ago = timezone.now() - timedelta(hours=1)
    return Notice.objects.filter(user=account, event__startswith="back ", at__gt=hour_ago).exists()


def allowed(line: AuditEvent) -> None:
    """On their other ways of being told: this is how they notice that somebody else was let in."""
    account = _account(line)
    subject = _("A browser may set your password and app anew")
    text = _(
        "%(by)s compared four words with somebody who asked to get back into your account. If it was not"
        " you, tell another officer or an administrator at once."
    )
    if account is not None:
        _tell([account], f"audit {line.sequence}", kinds.ACCOUNT, subject, text, by=line.actor)


def guessed(line: AuditEvent) -> None:
    """Wrong codes, again and again: whoever types them knows the password or has an open session."""
    account = _account(line)
    subject = _("Wrong codes for your account")
    text = _(
        "Somebody who knows your password, or sits at a browser in which you are signed in, typed wrong"
        " codes again and again. For some weeks now your app’s codes count only two in a row: the one that"
        " shows, and behind it the next one. If it was not you, change your password."
    )
    if account is not None:
        _tell([account], f"audit {line.sequence}", kinds.ACCOUNT, subject, text, link="/account/password")


def link_made(line: AuditEvent) -> None:
    """The person is told of every link; of one that was made on the machine, everybody who watches too."""
    news.tell(line)
    account = _account(line)
    if account is None or line.actor:
        return
    watching = User.objects.filter(Q(is_officer=True) | Q(is_administrator=True) | Q(is_auditor=True))
    _tell(
        list(watching.exclude(pk=account.pk)),
        f"audit {line.sequence}",
        kinds.BACK,
        _("A way back in for %(name)s was made on the machine"),
        _(
            "In the terminal of the machine that runs Latchkey, somebody made a link with which a new"
            " password and app can be set for %(name)s. If you know nothing of it, ask who has access to"
            " the machine."
        ),
        name=account.both_names,
    )


def _account(line: AuditEvent) -> User | None:
    return User.objects.filter(username=line.target, is_active=True).first()


def _tell(
    to: list[User],
    event: str,
    kind: str,
    subject: Promise,
    text: Promise,
    link: str = "/account",
    **named: object,
) -> None:
    words = {"subject": later(subject, **named), "text": later(text, **named)}
    outbox.tell(to, kind, event=event, link=link, **words)


TELLERS = {
    "person.asked-back": asked,
    "person.let-back": allowed,
    "person.reset-link": link_made,
    "app.guessed": guessed,
}
