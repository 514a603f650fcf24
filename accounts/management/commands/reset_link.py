"""`manage.py reset_link anna`: the way back in when nobody is left who could reset the account."""

from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from accounts import invitations, names
from accounts.models import User


class Command(BaseCommand):
    help = "Print a link, good once and for an hour, that sets a new password and app for an account."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: object, username: str, **options: object) -> None:
        account = User.objects.filter(username=names.normalised(username), is_active=True).first()
        if account is None:
            active = User.objects.filter(is_active=True).values_list("username", flat=True)[:20]
            known = ", ".join(map(names.printable, active))  # what moves the cursor never reaches a terminal
            typed = names.printable(username)
            raise CommandError(f"There is no active account “{typed}”. There are: {known or 'none yet'}.")
        token = invitations.make(None, account=account, hours=1)
        self.stdout.write(settings.PORTAL_URL + reverse("accounts:invitation", args=[token]))
