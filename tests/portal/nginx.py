"""A real nginx with deploy/nginx/latchkey-door.conf, on free ports and in a folder of its own."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from tests.portal.running import wait_until

CONFIGURATION = settings.BASE_DIR / "deploy" / "nginx" / "latchkey-door.conf"
PROGRAM = "/usr/sbin/nginx"
AROUND = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {blocks}
}}
"""


def program() -> str:
    """nginx, which lies where PATH does not look. Without one the test is skipped, or fails when CI=true."""
    found = shutil.which("nginx") or (PROGRAM if Path(PROGRAM).exists() else "")
    if not found and os.environ.get("CI") == "true":
        pytest.fail("nginx is missing. On Debian: apt-get install nginx")
    if not found:
        pytest.skip("needs nginx")
    return found


def door_block(data: Path, door_socket: Path, port: int) -> str:
    """The file as we give it away, with this machine's paths and port in it."""
    text: str = CONFIGURATION.read_text()
    for theirs, ours in (
        ("/run/latchkey-door/door.sock", str(door_socket)),
        ("/var/lib/latchkey-web/", f"{data}/"),
        ("listen 9443", f"listen 127.0.0.1:{port}"),
        ("    listen [::]:9443 ssl default_server;\n", ""),
    ):
        assert theirs in text, theirs
        text = text.replace(theirs, ours)
    return text


@contextmanager
def nginx(folder: Path, blocks: str, port: int) -> Iterator[int]:
    """Serving `blocks` (of http); ready when `port` answers. Gives its master's process id."""
    folder.mkdir(parents=True, exist_ok=True)
    user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""  # else its workers could not read ours
    configuration = folder / "nginx.conf"
    configuration.write_text(AROUND.format(user=user, folder=folder, blocks=blocks))
    log = folder / "error.log"
    command = [program(), "-p", str(folder), "-c", str(configuration), "-e", str(log)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _listens(port) or process.poll() is not None, 10, "nginx listens")
        assert process.poll() is None, log.read_text()
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
