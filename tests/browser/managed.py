"""A Chromium that a household manages: it holds a client certificate, and a policy says where to show it.

Without the policy AutoSelectCertificateForUrls a Chromium without a screen waits for ever for somebody to
choose. It reads policies from /etc/chromium only, so the browser runs in a mount namespace of its own, in
which another folder lies there: nothing on the machine changes, and nobody else's browser hears of it.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser import shell
from tests.browser.cast import NAMES
from tests.pictures import chromium, chromium_path

POLICIES = Path("/etc/chromium")
PROGRAM = """#!/bin/sh
exec {unshare} sh -c 'mount --bind "{folder}" {policies} && exec {chromium} "$@"' sh "$@"
"""


def namespace() -> str:
    """How to get one here. Without any the test is skipped, or fails when CI=true."""
    command = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    trial = [*command, "mount", "--bind", "/tmp", str(POLICIES)]
    if shutil.which("unshare") and subprocess.run(trial, capture_output=True, timeout=10).returncode == 0:
        return " ".join(command)
    if os.environ.get("CI") == "true":
        pytest.fail(f"A mount over {POLICIES} is not possible here. Run the tests as root.")
    pytest.skip(f"needs a mount over {POLICIES}: Chromium, and a kernel that lets this user do it")


def program(folder: Path, url: str) -> Path:
    """A Chromium that shows whatever client certificate it holds to `url`, unasked."""
    managed = folder / "policies" / "managed"
    managed.mkdir(parents=True)
    policy = {"AutoSelectCertificateForUrls": [json.dumps({"pattern": url, "filter": {}})]}
    (managed / "latchkey.json").write_text(json.dumps(policy))
    found = folder / "chromium"
    words = {"unshare": namespace(), "folder": folder, "policies": POLICIES, "chromium": chromium_path()}
    found.write_text(PROGRAM.format(**words))
    found.chmod(0o755)
    return found


@contextmanager
def holding(folder: Path, door: str, root: Path, p12: Path, password: str) -> Iterator[Browser]:
    """Chromium that trusts `root` (PEM) and holds the certificate in `p12`, for the door at that address."""
    folder.mkdir()
    home = shell.trust(folder / "home", root)
    store = f"sql:{home / '.pki' / 'nssdb'}"
    shell.run(folder, "pk12util", "-d", store, "-i", p12, "-W", password, "-K", "")
    with chromium(NAMES, home=home, path=program(folder / "managed", door)) as browser:
        yield browser
