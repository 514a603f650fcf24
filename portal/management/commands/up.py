"""`manage.py up`: everything, until Ctrl-C."""

from typing import Any

from django.core.management.base import BaseCommand

from portal import server
from portal.checks import Obstacle


class Command(BaseCommand):
    help = "Start the signer, the portal, the door, the status face and housekeeping; end with Ctrl-C."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            server.run()
        except Obstacle as obstacle:
            raise SystemExit(str(obstacle)) from None  # the sentence alone, to stderr; ends with 1
        except KeyboardInterrupt:
            return  # before anything was started
