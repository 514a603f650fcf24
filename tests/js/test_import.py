"""Chromium and Firefox take the .p12 in, and open a door over TLS 1.3 that asks for a client certificate."""

import base64
import json
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.js.browsers import chromium_window, needs
from tests.js.household import Household
from tests.js.marionette import firefox
from tests.js.site import running
from tests.pictures import SWITCHES, chromium_path, driver

pytestmark = pytest.mark.slow
HOUSE = Household()
KINDS = ("P-256", "RSA-2048")
MODES = ("compat", "modern")
IMPORT = """
    const database = Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB);
    database.addCertFromBase64(args[2], "C,,");
    const file = Cc["@mozilla.org/file/local;1"].createInstance(Ci.nsIFile);
    file.initWithPath(args[0]);
    return database.importPKCS12File(file, args[1]);"""


class Door(BaseHTTPRequestHandler):
    """Says which TLS it was and whose certificate came."""

    def do_GET(self) -> None:
        connection: ssl.SSLSocket = self.connection
        holder = dict(part[0] for part in connection.getpeercert()["subject"])
        body = f"{connection.version()} {holder['commonName']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address; it lets nobody in without a certificate of the household."""
    folder = tmp_path_factory.mktemp("door")
    key = HOUSE.server_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain = [HOUSE.server, HOUSE.issuing]
    (folder / "door.pem").write_bytes(key + b"".join(one.public_bytes(Encoding.PEM) for one in chain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(folder / "door.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    # Chromium sends the leaf alone: a door has to know the issuing CA itself.
    known = HOUSE.root.public_bytes(Encoding.PEM) + HOUSE.issuing.public_bytes(Encoding.PEM)
    context.load_verify_locations(cadata=known.decode())
    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        with serving(server):
            yield f"https://localhost:{server.server_port}/"


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, str]]:
    """A .p12 and its password for each kind and mode, made in Chromium."""
    folder, made = tmp_path_factory.mktemp("made"), {}
    with running() as site, chromium_window(folder / "profile", site.address) as step:
        for kind in KINDS:
            csr = step("ask", kind, kind, "whoever")["csr"]
            chain = HOUSE.chain(HOUSE.issue(bytes.fromhex(csr), f"Alice {kind}"))
            for mode in MODES:
                answer = step("finish", kind, chain, "Alice's phone", mode)
                path = folder / f"{kind}-{mode}.p12"
                path.write_bytes(bytes.fromhex(answer["p12"]))
                made[f"{kind} {mode}"] = path, answer["password"]
    return made


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS)
def test_chromium_opens_the_door(
    files: dict[str, tuple[Path, str]], door: str, tmp_path: Path, kind: str, mode: str
) -> None:
    path, password = files[f"{kind} {mode}"]
    database = tmp_path / ".pki" / "nssdb"
    database.mkdir(parents=True)
    (tmp_path / "root.pem").write_bytes(HOUSE.root.public_bytes(Encoding.PEM))
    for command in (
        ["certutil", "-N", "--empty-password"],
        ["certutil", "-A", "-n", "root", "-t", "C,,", "-i", tmp_path / "root.pem"],
        ["pk12util", "-i", path, "-W", password],
    ):
        subprocess.run([*command, "-d", f"sql:{database}"], check=True, capture_output=True)
    assert opened_by_chromium(tmp_path, door) == f"TLSv1.3 Alice {kind}"


def opened_by_chromium(home: Path, address: str) -> str:
    """The page, by a Chromium that chooses a certificate without asking: as its user settings have it."""
    chosen = {f"{address.rstrip('/')},*": {"setting": {"filters": [{}]}}}
    settings = {"profile": {"content_settings": {"exceptions": {"auto_select_certificate": chosen}}}}
    default = home / "profile" / "Default"
    default.mkdir(parents=True)
    (default / "Preferences").write_text(json.dumps(settings))
    with driver() as playwright:
        context = playwright.chromium.launch_persistent_context(
            home / "profile",
            executable_path=chromium_path(),
            args=SWITCHES,
            env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        )
        try:
            page = context.pages[0]
            page.goto(address, timeout=20_000)
            return page.inner_text("body")
        finally:
            context.close()


@pytest.mark.parametrize(("kind", "mode"), list(zip(KINDS, MODES, strict=True)))
def test_firefox_opens_the_door(
    files: dict[str, tuple[Path, str]], door: str, tmp_path: Path, kind: str, mode: str
) -> None:
    """Two of the four, as each start takes seconds; it reads with NSS, which reads all of them elsewhere."""
    needs(shutil.which("firefox-esr") or shutil.which("firefox"), "firefox-esr")
    root = base64.b64encode(HOUSE.root.public_bytes(Encoding.DER)).decode()
    path, password = files[f"{kind} {mode}"]
    with firefox(tmp_path / "profile") as window:
        window.inside()
        assert window.run(IMPORT, str(path), "not it", root) != 0
        assert window.run(IMPORT, str(path), password, root) == 0
        window.outside()
        window.go(door)
        assert window.run("return document.body.textContent") == f"TLSv1.3 Alice {kind}"
