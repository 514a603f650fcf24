"""`manage.py housekeeping`: every duty once, for a timer outside of `up`. Safe beside it."""

import os
import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal import children, dialler, housekeeping, upgrade
from portal.apart import apart
from portal.checks import Obstacle


class Command(BaseCommand):
    help = "Run every step of housekeeping once: lists, certificates, what lapses, messages."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            outcome = self._tidied()
        except Obstacle as obstacle:
            raise CommandError(str(obstacle)) from None
        if not outcome:
            self.stdout.write("Housekeeping is at work already; it does the same.")
        trouble = {name: said for name, said in outcome.items() if said}
        for name, said in trouble.items():
            self.stderr.write(f"{name}: {said}")
        if trouble:
            raise CommandError(f"{len(trouble)} of {len(outcome)} steps could not be done.")
        if outcome:
            self.stdout.write(f"All {len(outcome)} steps done.")

    def _tidied(self) -> dict[str, str]:
        """As confined as under `up`, for what a broken-in web process may have left in its folders."""
        if apart(upgrade.look)[1]:
            raise Obstacle("The database is of an older Latchkey. Start this one once: make run")
        line = dialler.Line()
        helper = children.forked(lambda: dialler.serve([line]), keep=[line.diallers.fileno()])()
        try:
            return dict(apart(housekeeping.once, line))
        finally:
            os.kill(helper, signal.SIGTERM)
            os.waitpid(helper, 0)
