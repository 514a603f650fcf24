"""`manage.py reset_link anna`: the way back in when nobody is left who could reset the account."""

import io
import os
import pwd
from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from qrcode.main import QRCode

from accounts import invitations, names, people
from accounts.models import User

HOURS = 1


class Command(BaseCommand):
    help = (
        "Print a link and its QR code, good once and for an hour, that sets a new password and app for an"
        " account. Without a name: list the accounts, and who could reset each in the portal. Officers,"
        " administrators and auditors are told of each link."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", nargs="?", default="")

    def handle(self, *args: object, username: str, **options: object) -> None:
        _refuse_others()
        if not username:
            self._list()
            return
        account = User.objects.filter(username=names.normalised(username), is_active=True).first()
        if account is None:
            known = ", ".join(_shown(user) for user in _active()[:20])
            typed = names.printable(username)
            raise CommandError(f"There is no active account “{typed}”. There are: {known or 'none yet'}.")
        others = people.who_may_reset(account)
        if others:
            self.stderr.write(
                f"{_shown(account)} need not be reset here: {_names(others)} can do it in the portal, under"
                " People, and compare four words with them first. The link works all the same; everybody"
                " who watches is told of it."
            )
        self._print(settings.PORTAL_URL + reverse("accounts:invitation", args=[_token(account)]))

    def _print(self, url: str) -> None:
        self.stdout.write(url)
        code, drawn = QRCode(border=2), io.StringIO()
        code.add_data(url)
        code.print_ascii(out=drawn, invert=True)
        self.stdout.write(drawn.getvalue())
        self.stdout.write(f"Good once, for {HOURS} hour. Whoever opens it first has the account.")

    def _list(self) -> None:
        """Who is here, and who could let them in again without this command."""
        for user in _active():
            others = people.who_may_reset(user)
            way = f"{_names(others)} can reset it in the portal" if others else "can be reset here only"
            self.stdout.write(f"{_shown(user):20} {user.role_words}: {way}")
        self.stdout.write("For a link: manage.py reset_link NAME")


def _refuse_others() -> None:
    """Files made by somebody else, root too, would keep Latchkey itself out; and who is not the data's owner
    has no business here."""
    owner = Path(settings.WEB_DIR).stat().st_uid
    if os.geteuid() != owner:
        try:
            name = pwd.getpwuid(owner).pw_name
        except KeyError:
            name = f"#{owner}"
        raise CommandError(f"The data folder belongs to {name}. Run this as that user: sudo -u {name} …")


def _token(account: User) -> str:
    return invitations.make(None, account=account, hours=HOURS)


def _active() -> list[User]:
    return list(User.objects.filter(is_active=True).order_by("username"))


def _names(users: list[User]) -> str:
    shown = [_shown(user) for user in users[:5]]
    return ", ".join(shown) + (f" and {len(users) - 5} more" if users[5:] else "")


def _shown(user: User) -> str:
    """What moves the cursor never reaches a terminal."""
    return names.printable(user.username)
