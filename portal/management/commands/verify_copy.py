"""`manage.py verify_copy`: used by `restore`, with settings that point into a copy that was never started."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.keeping import notes, proof


class Command(BaseCommand):
    help = "Verify a restored data folder before its first start (LATCHKEY_DATA names it)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("--json", action="store_true", help="one line of JSON for each thing looked at")
        add("--live", type=Path, help="the running household's public folder, which new lists must outdo")
        add("--signer-passphrase-file", type=Path, help="where it is not in the signer's folder")
        add("--restored", help="note the restoration from this file")
        add("--made-at", default="", help="when that was made")

    def handle(self, *args: Any, **options: Any) -> None:
        if (settings.DATA / "run").exists():
            raise CommandError(f"{settings.DATA} was started already. This is for copies that never were.")
        well = True
        for finding in proof.findings(options["live"], options["signer_passphrase_file"]):
            well = well and finding.well
            line = f"{'ok' if finding.well else 'BAD'} {finding.title}: {finding.sentence}"
            self.stdout.write(json.dumps(asdict(finding)) if options["json"] else line)
        if well and options["restored"]:
            notes.restored(options["restored"], options["made_at"])
