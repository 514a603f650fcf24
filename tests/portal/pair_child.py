"""The pair of brokers for a household that runs: certificates through its own people and its own signer.

A program: started with the environment of a running `manage.py up`, whose LATCHKEY_MQTT_URL names the port
of the broker that is to come. It prints the home broker's port when both run, kills and starts the portal's
broker at the lines "stop" and "start", and ends both with its stdin.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import django

SECONDS = 60
TOP = Path(__file__).resolve().parent.parent.parent


@dataclass
class Pair:
    home_port: int
    process: subprocess.Popen[str]

    def portal(self, word: str) -> None:
        """ "stop" kills the broker beside the portal, "start" starts it again."""
        assert self.process.stdin is not None and self.process.stdout is not None
        print(word, file=self.process.stdin, flush=True)
        assert self.process.stdout.readline() == f"{word}\n"


@contextmanager
def pair(env: dict[str, str], folder: Path) -> Iterator[Pair]:
    """Both brokers, with every door of the household served by the one at home."""
    folder.mkdir()
    command = [sys.executable, "-m", "tests.portal.pair_child", str(folder)]
    with subprocess.Popen(command, env=env, cwd=TOP, stdin=-1, stdout=-1, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            said = process.stdout.readline()
            assert said, "the pair of brokers did not start"
            yield Pair(int(said), process)
        finally:
            process.stdin.close()
            process.wait(SECONDS)


def main(folder: Path) -> None:
    from accounts.models import User  # noqa: PLC0415 what follows needs django.setup()
    from door.models import Door  # noqa: PLC0415
    from tests.portal import mosquittos  # noqa: PLC0415

    alice = User.objects.get(username="alice")
    officer = User.objects.filter(is_officer=True).exclude(pk=alice.invited_by_id).first()
    with mosquittos.household(folder, alice, officer) as made:
        made.portal.port = int(os.environ["LATCHKEY_MQTT_URL"].rpartition(":")[2])
        Door.objects.update(served_by=made.named("home"))
        made.set_up()
        made.portal.start()
        made.home.start()
        print(made.home.port, flush=True)
        for line in sys.stdin:
            {"stop": made.portal.stop, "start": made.portal.start}[line.strip()]()
            print(line, end="", flush=True)


if __name__ == "__main__":
    django.setup()
    main(Path(sys.argv[1]))
