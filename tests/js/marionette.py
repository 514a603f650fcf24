"""Firefox, driven by its own wire protocol (Marionette): Debian's build needs no driver beside it."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.portal.running import free_port

PREFERENCES = {
    "marionette.port": 0,  # the real one is filled in
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    "app.normandy.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "http://localhost:9/",
    "browser.safebrowsing.provider.mozilla.updateURL": "",
    "extensions.update.enabled": False,
    "security.default_personal_cert": "Select Automatically",  # no window to choose a certificate in
}


class Firefox:
    """One connection. Messages are `length:JSON`, commands [0, number, name, parameters]."""

    def __init__(self, port: int) -> None:
        self.socket = connected(port)
        self.stream = self.socket.makefile("rb")
        self.number = 0
        self.hear()  # its greeting

    def hear(self) -> Any:
        digits = b""
        while (octet := self.stream.read(1)) != b":":
            assert octet, "Firefox has closed the connection"
            digits += octet
        return json.loads(self.stream.read(int(digits)))

    def say(self, command: str, **parameters: Any) -> Any:
        """The command's result. Raises RuntimeError with Firefox's own words."""
        self.number += 1
        message = json.dumps([0, self.number, command, parameters]).encode()
        self.socket.sendall(b"%d:%s" % (len(message), message))
        _, _, error, result = self.hear()
        if error:
            raise RuntimeError(f"{error['error']}: {error['message']}")
        return result

    def go(self, address: str) -> None:
        self.say("WebDriver:Navigate", url=address)

    def run(self, body: str, *given: Any) -> Any:
        """What the async function with this body returns; `args` has what is given."""
        script = f"""const [args, done] = arguments;
            const told = (error) => done({{ error: String(error) }});
            (async () => {{ {body} }})().then((value) => done({{ value }}), told);"""
        asked = {"script": script, "args": [given], "scriptTimeout": 60_000}
        answer = self.say("WebDriver:ExecuteAsyncScript", **asked)["value"]
        if answer is None:  # so Firefox ends a script whose page is being left
            raise RuntimeError("the page was left before the script had ended")
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer.get("value")

    def inside(self) -> None:
        """From now on `run` speaks to the browser itself, no longer to the page."""
        self.say("Marionette:SetContext", value="chrome")

    def outside(self) -> None:
        """Back to the page."""
        self.say("Marionette:SetContext", value="content")


def connected(port: int) -> socket.socket:
    for _ in range(600):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=120)
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise TimeoutError("Firefox did not answer in a minute")


@contextmanager
def firefox(profile: Path, more: dict[str, Any] | None = None) -> Iterator[Firefox]:
    """A running Firefox with this profile and `more` preferences, closed as a person closes it."""
    port = free_port()
    profile.mkdir(exist_ok=True)
    wanted = {**PREFERENCES, "marionette.port": port, **(more or {})}
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in wanted.items()]
    (profile / "user.js").write_text("\n".join(lines))
    path = shutil.which("firefox-esr") or "firefox"
    command = [path, "--headless", "--no-remote", "--marionette", "--remote-allow-system-access"]
    home = {"HOME": str(profile), "PATH": "/usr/bin:/bin", "MOZ_DISABLE_CONTENT_SANDBOX": "1"}
    process = subprocess.Popen(
        [*command, "--profile", profile],
        env=home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        window = Firefox(port)
        window.say("WebDriver:NewSession", capabilities={"alwaysMatch": {"acceptInsecureCerts": False}})
        yield window
        window.say("Marionette:Quit", flags=["eForceQuit"])
        process.wait(30)
    finally:
        process.kill()
        process.wait()
