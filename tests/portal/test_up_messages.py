"""The whole program sends: from its confined housekeeping, by mail and to a server like ntfy's."""

import os
import signal
from pathlib import Path

import pytest

from tests.portal.postbox import PASSWORD, USER, mail_server, ntfy, secured
from tests.portal.running import Running, manage, up, wait_until

pytestmark = pytest.mark.slow

TELL = """
from accounts import outbox
from accounts.models import Channel, User
user, made = User.objects.get_or_create(username="anna", email="anna@home.arpa")
if made:
    channel = Channel(user=user, name="phone")
    channel.url = "{url}"
    channel.save()
outbox.tell([user], "ends", event="{event}", subject="It ends: {event}", text="Soon.")
"""


def tell(running: Running, url: str, event: str) -> None:
    done = manage("shell", "-c", TELL.format(url=url, event=event), env=running.env)
    assert done.returncode == 0, done.stderr


def test_messages_leave_the_confined_housekeeping_once_each(tmp_path: Path) -> None:
    options, pem = secured(tmp_path)
    authority = tmp_path / "ca.pem"
    authority.write_text(pem)
    with mail_server(**options) as server, ntfy() as phone:
        user, password = USER.replace("@", "%40"), PASSWORD.replace("/", "%2F")
        url = f"smtp://{user}:{password}@127.0.0.1:{server.port}/?ca={authority}"
        with up(tmp_path / "data", EMAIL_URL=url) as running:
            tell(running, phone.url, "one")
            wait_until(lambda: len(server.letters) == 1 and len(phone.published) == 1, 30, "sent")
            for pid in set(running.children().values()) - {running.process.pid}:
                os.kill(pid, signal.SIGKILL)  # housekeeping among them; all are started again
            tell(running, phone.url, "two")
            wait_until(lambda: len(server.letters) == 2 and len(phone.published) == 2, 60, "sent again")
            assert "Traceback" not in running.said
        tell(running, phone.url, "three")
        manage("housekeeping", env=running.env)  # outside of `up` it stays until they have left
        assert [letter["Subject"] for letter in server.letters] == [
            f"It ends: {n}" for n in ("one", "two", "three")
        ]
        assert len(phone.published) == 3
        assert PASSWORD not in running.said
