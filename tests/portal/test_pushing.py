"""What the program with Apprise in it may touch: not our data, not our settings, not this machine."""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.conf import settings

from portal import landlock, pusher, pushing
from portal.pushing import Pusher, without_secrets
from portal.undelivered import Undelivered
from tests.portal.postbox import ntfy, own_address

LOOK = """
import json, os, sys
found = {}
for path in PATHS:
    try:
        open(path).close()
        found[path] = "read"
    except OSError as error:
        found[path] = type(error).__name__
print(json.dumps({"files": found, "names": sorted(os.environ)}))
"""


@pytest.mark.parametrize(
    ("address", "reached"),
    [
        ("192.168.1.5", True),
        ("10.1.2.3", True),
        ("fd00::5", True),
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("127.255.1.1", False),
        ("0.0.0.0", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:169.254.169.254", False),
        ("2002:7f00:1::", False),
    ],
)
def test_the_household_is_reached_and_this_machine_is_not(address: str, reached: bool) -> None:
    assert pusher.may_reach(address) == reached


def test_what_a_server_says_is_repeated_without_topics_and_tokens() -> None:
    url = "ntfys://anna:p%40ssword@ntfy.home.arpa/my-topic?token=tk_abcdef"
    said = "403 for my-topic: p@ssword and tk_abcdef are wrong for anna"
    assert without_secrets(said, url) == "403 for …: … and … are wrong for anna"


@pytest.mark.slow
def test_it_reads_neither_our_data_nor_our_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not landlock.version():
        pytest.skip("this kernel has no Landlock")
    secret = settings.WEB_DIR / "secret-key"
    other = tmp_path / "other"
    other.write_text("x")
    program = tmp_path / "look.py"
    paths = [str(secret), str(other), "/etc/passwd", "/proc/1/environ", "/etc/hosts"]
    program.write_text(LOOK.replace("PATHS", repr(paths)))
    monkeypatch.setattr(pushing, "PROGRAM", program)
    monkeypatch.setenv("EMAIL_URL", "smtp://anna:secret@h.org")
    process = pushing._started()
    said = json.loads(process.communicate(timeout=20)[0])
    assert secret.read_text()
    assert said["files"] == dict.fromkeys(paths[:-1], "PermissionError") | {"/etc/hosts": "read"}
    assert set(said["names"]) <= {*pushing.PASSED_ON, "LC_CTYPE"}


@pytest.mark.slow
def test_a_redirection_to_this_machine_leads_nowhere() -> None:
    with ntfy(host="127.0.0.1") as inside:

        class Away(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.send_response(307)
                self.send_header("Location", f"http://127.0.0.1:{inside.port}/")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *words: object) -> None:
                del words

        with ThreadingHTTPServer((own_address(), 0), Away) as outside, Pusher() as sender:
            threading.Thread(target=outside.serve_forever, args=(0.05,), daemon=True).start()
            url = f"ntfy://{own_address()}:{outside.server_port}/hometopic"
            with pytest.raises(Undelivered):
                sender.push(url, title="x", body="x", leaves=lambda: None)
            outside.shutdown()
        assert not inside.published


@pytest.mark.slow
def test_an_address_that_apprise_cannot_read_is_said_before_anything_leaves() -> None:
    left: list[str] = []
    with Pusher() as sender, pytest.raises(Undelivered, match="cannot read this address"):
        sender.push("tgram://nothing", title="x", body="x", leaves=lambda: left.append("x"))
    assert not left


@pytest.mark.slow
def test_of_several_addresses_in_one_none_gets_anything() -> None:
    with ntfy() as first, ntfy() as second, Pusher() as sender:
        both = ",".join(f"ntfy://{own_address()}:{server.port}/hometopic" for server in (first, second))
        with contextlib.suppress(Undelivered):
            sender.push(both, title="x", body="x", leaves=lambda: None)
        assert not second.published


@pytest.mark.slow
def test_nobodys_app_is_told_to_fetch_a_picture_from_elsewhere() -> None:
    with ntfy() as server, Pusher() as sender:
        sender.push(server.url, title="x", body="x", leaves=lambda: None)
    assert server.published == [("hometopic", "x", "x")]
    assert "://" not in server.around[0]
    assert "icon" not in server.around[0].lower()
