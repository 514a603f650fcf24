"""`manage.py demo`: a throw-away household with people and requests in every state."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from portal import demo, server
from portal.checks import Obstacle


class Command(BaseCommand):
    help = "Wipe the demo's data folder, fill it with people and requests, and start everything."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with server.only_one(settings.DATA / "run" / "lock"):
                demo.wipe()
            server.run(demo.fill)
        except Obstacle as obstacle:
            raise SystemExit(str(obstacle)) from None  # the sentence alone, to stderr; ends with 1
