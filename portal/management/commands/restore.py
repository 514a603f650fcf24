"""`manage.py restore`: a backup becomes a data folder again, or shows that it could (--drill)."""

import shlex
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.keeping import asking, restore
from portal.keeping.bundle import Manifest
from portal.keeping.proof import Finding
from portal.keeping.snapshot import SETTINGS
from portal.keeping.trouble import Trouble


class Command(BaseCommand):
    help = "Restore a backup into an empty folder, or try whether that would work (docs/backup.md)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("file", type=Path, help="what manage.py backup wrote")
        add("--into", type=Path, metavar="FOLDER", help="the new data folder: empty, or not there")
        add("--drill", action="store_true", help="restore into a folder that is thrown away, and verify all")
        add("--passphrase-file", type=Path, help="a file with the passphrase; without it you are asked")
        add("--signer-passphrase-file", type=Path, help="the signer's, if the backup was made without it")
        add("--database", default="", help="URL of an empty PostgreSQL database, if the household uses one")

    def handle(self, *args: Any, **options: Any) -> None:
        with asking.told():
            if bool(options["into"]) == options["drill"]:
                raise Trouble("Say either --into FOLDER, or --drill.")
            if not options["file"].is_file():
                raise Trouble(f"There is no file {options['file']}.")
            source = restore.Source(
                options["file"],
                asking.passphrase(options["passphrase_file"]),
                options["signer_passphrase_file"],
                options["database"],
            )
            with asking.progress() as (say, _):
                if options["drill"]:
                    manifest, noted = restore.drill(source, say, self._tell)
                else:
                    manifest = restore.into(source, options["into"], say, self._tell)
        self.stdout.write(f"The backup is good. It holds everything up to {_moment(manifest)}.")
        if options["into"]:
            self._what_next(options["into"], manifest, bool(source.database))
        elif not noted:
            self.stdout.write("It is not this household's, so nothing was noted here.")

    def _tell(self, finding: Finding) -> None:
        self.stdout.write(f"{'ok  ' if finding.well else 'BAD '} {finding.title}: {finding.sentence}")

    def _what_next(self, folder: Path, manifest: Manifest, postgresql: bool) -> None:
        place = shlex.quote(str(folder.absolute()))
        url = "DATABASE_URL=… " if postgresql else ""
        self.stdout.write(f"Restored into {folder}. Start it:")
        self.stdout.write(f"  set -a; . {place}/{SETTINGS}; set +a")
        self.stdout.write(f"  LATCHKEY_DATA={place} {url}make run")
        self.stdout.write(
            f"What came after {_moment(manifest)} is gone. Certificates issued since are refused at the "
            "door, and named on the status page when somebody shows one."
        )


def _moment(manifest: Manifest) -> str:
    return f"{datetime.fromisoformat(manifest.made_at):%-d %B %Y, %H:%M} UTC"
