"""The pair of brokers for a household that runs: certificates through its own people and its own signer.

A program: started with the environment of a running `manage.py up`, whose LATCHKEY_MQTT_URL names the port
of the broker that is to come. It prints the home broker's port when both run, and ends them with its stdin.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django

SECONDS = 60
TOP = Path(__file__).resolve().parent.parent.parent


@contextmanager
def pair(env: dict[str, str], folder: Path) -> Iterator[int]:
    """Both brokers, with every door of the household served by the one at home; gives that one's port."""
    folder.mkdir()
    command = [sys.executable, "-m", "tests.portal.pair_child", str(folder)]
    with subprocess.Popen(command, env=env, cwd=TOP, stdin=-1, stdout=-1, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            said = process.stdout.readline()
            assert said, "the pair of brokers did not start"
            yield int(said)
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
        sys.stdin.read()


if __name__ == "__main__":
    django.setup()
    main(Path(sys.argv[1]))
