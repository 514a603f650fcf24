"""`manage.py setup_link`: the one-time link that makes the first account."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from accounts import setup


class Command(BaseCommand):
    help = "Print the one-time setup link, while there is no account yet."

    def handle(self, *args: Any, **options: Any) -> None:
        token = setup.ensure_token()
        if token is None:
            raise CommandError(
                "There is an account already: sign in, or ask an administrator for an invitation."
            )
        self.stdout.write(settings.PORTAL_URL + reverse("accounts:setup", args=[token]))
