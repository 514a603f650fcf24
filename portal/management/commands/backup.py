"""`manage.py backup`: everything in one encrypted file, while Latchkey runs."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from portal.keeping import asking, keep, snapshot


class Command(BaseCommand):
    help = "Write database, journal, keys, secrets and settings into one encrypted file (docs/backup.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("file", nargs="?", type=Path, help="the new file; without it, one in the data folder's backups/")
        add("--passphrase-file", type=Path, help="a file with the passphrase; without it you are asked")
        add("--signer-home", type=Path, help="the signer's folder, where it is another user's")
        add(
            "--without-signer-passphrase",
            action="store_true",
            help="leave out what opens the CA keys: keep that on paper, a restoration needs it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        signer = options["signer_home"] or settings.SIGNER_DIR
        with asking.told():
            target = options["file"] or _usual()
            keep.check_target(target)
            snapshot.check_signer(signer)
            passphrase = asking.new_passphrase(options["passphrase_file"])
            with asking.progress() as (say, more):
                apart = options["without_signer_passphrase"]
                length = keep.make(target, passphrase, signer, apart=apart, say=say, more=more)
        self.stdout.write(f"{target}: {length / 2**20:.1f} MB, written and read again.")
        if apart or not (signer / "passphrase").exists():
            self.stdout.write(
                "The signer's passphrase is not in it: keep that apart, a restoration needs it."
            )
        self.stdout.write(f"Keep it on another machine. Try it: manage.py restore {target} --drill")


def _usual() -> Path:
    settings.BACKUP_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    place: Path = settings.BACKUP_DIR
    return place / f"latchkey-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.tar.age"
