"""What others make of our lists and OCSP answers: openssl, curl, nginx, NSS, GnuTLS.

One household for all: its certificates are good, on hold, or revoked from the beginning.
"""

import base64
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings

from tests.portal.door_clients import Crowd
from tests.portal.door_hand import hand
from tests.portal.nginx import nginx
from tests.portal.running import free_port, up, wait_until

pytestmark = pytest.mark.slow


class Case(NamedTuple):
    """A certificate of ours, and how it stands."""

    leaf: Path  # PEM: key and certificate
    word: str  # openssl's: "good" or "revoked"
    reason: str


class House(NamedTuple):
    folder: Path
    data: Path
    status: str  # http://127.0.0.1:port
    cases: dict[str, Case]
    crowd: Crowd

    def file(self, name: str, *contents: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(b"".join(contents))
        return path

    def ca(self, name: str) -> bytes:
        der = (self.data / f"public/ca/{name}.cer").read_bytes()
        return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)

    def lists(self) -> Path:
        """Both lists of the clients authority, as anybody fetches them, in PEM."""
        found = []
        for name in ("clients", "clients-root"):
            der = run("curl", "-sf", f"{self.status}/crl/{name}.crl").stdout
            found.append(x509.load_der_x509_crl(der).public_bytes(Encoding.PEM))
        return self.file("lists.pem", *found)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("tools")
    address = f"127.0.0.1:{free_port()}"
    more = {"LATCHKEY_STATUS_BIND": address, "LATCHKEY_STATUS_URL": f"http://{address}"}
    with up(folder / "data", **more) as running, hand(running.env) as order:
        crowd = Crowd(running, order, folder)
        cases = {}
        for name, reason in (("good", ""), ("revoked", "keyCompromise"), ("held", "certificateHold")):
            leaf = crowd.good(f"tools-{name}")
            if reason:
                order("revoke", id=crowd.ids[leaf], reason=reason)
            cases[name] = Case(leaf, "revoked" if reason else "good", reason)
        found = House(folder, folder / "data", f"http://{address}", cases, crowd)
        found.file("issuing.pem", found.ca("clients"))
        found.file("root.pem", found.ca("clients-root"))
        wait_until(lambda: b"Response verify OK" in asked(found, cases["good"].leaf).stderr, 20, "answers")
        yield found


def run(*command: object, fails: bool = False) -> "subprocess.CompletedProcess[bytes]":
    done = subprocess.run([str(word) for word in command], capture_output=True, timeout=30)
    assert fails or done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    return done


def asked(house: House, leaf: Path, *more: object) -> "subprocess.CompletedProcess[bytes]":
    """`openssl ocsp`, as docs/revocation-lists.md has it."""
    command = ["openssl", "ocsp", "-issuer", house.folder / "issuing.pem", "-cert", leaf]
    command += ["-CAfile", house.data / "public/ca/clients.pem", "-url", f"{house.status}/ocsp/clients"]
    return run(*command, *more, fails=True)


@pytest.mark.parametrize("name", ["good", "revoked", "held"])
@pytest.mark.parametrize("more", [(), ("-no_nonce",), ("-sha256",)], ids=["nonce", "no nonce", "sha256"])
def test_openssl_asks_by_post(house: House, name: str, more: tuple[str, ...]) -> None:
    case = house.cases[name]
    hashed = [word for word in more if word == "-sha256"]
    command = ["openssl", "ocsp", "-issuer", house.folder / "issuing.pem", *hashed, "-cert", case.leaf]
    command += ["-CAfile", house.data / "public/ca/clients.pem", "-url", f"{house.status}/ocsp/clients"]
    done = run(*command, *(word for word in more if word not in hashed))
    assert b"Response verify OK" in done.stderr and b"WARNING" not in done.stderr
    assert f"{case.leaf}: {case.word}".encode() in done.stdout
    assert (case.reason.encode() in done.stdout) if case.reason else b"Reason" not in done.stdout


def test_it_is_revoked_for_the_next_question_though_an_answer_was_kept(house: House) -> None:
    """Revoked in one process, asked of another; the list that lies there names it, too."""
    leaf = house.crowd.good("tools-turning")
    before = len((house.data / "public/crl/clients.crl").read_bytes())
    assert b": good" in asked(house, leaf, "-no_nonce").stdout
    house.crowd.hand("revoke", id=house.crowd.ids[leaf], reason="superseded")
    for more in ((), ("-no_nonce",)):
        assert b": revoked" in asked(house, leaf, *more).stdout
    assert len((house.data / "public/crl/clients.crl").read_bytes()) > before


def test_openssl_asks_about_several_and_unknown_ones_at_once(house: House) -> None:
    others = ["-cert", house.cases["revoked"].leaf, "-serial", "0x1234567890123456789012345678901234567890"]
    done = asked(house, house.cases["good"].leaf, *others)
    assert [line.rpartition(b": ")[2] for line in done.stdout.splitlines() if line[:1] not in b"\t"] == [
        b"good",
        b"revoked",
        b"unknown",
    ]


def test_curl_asks_by_get_and_openssl_reads_the_answer(house: House) -> None:
    for name, case in house.cases.items():
        question, answer = (house.folder / f"{name}.{kind}" for kind in ("ocsp-request", "ocsp-answer"))
        ids = ["-issuer", house.folder / "issuing.pem", "-cert", case.leaf]
        run("openssl", "ocsp", *ids, "-no_nonce", "-reqout", question)
        path = quote(base64.b64encode(question.read_bytes()), safe="")
        run("curl", "-sf", "-D", house.folder / "head", "-o", answer, f"{house.status}/ocsp/clients/{path}")
        assert b"application/ocsp-response" in (house.folder / "head").read_bytes()
        read = ["-respin", answer, "-CAfile", house.data / "public/ca/clients.pem"]
        assert f"{case.leaf}: {case.word}".encode() in run("openssl", "ocsp", *ids, *read).stdout


def test_openssl_verifies_whole_chains_against_both_lists(house: House) -> None:
    command = ["openssl", "verify", "-crl_check_all", "-x509_strict", "-CRLfile", house.lists()]
    command += ["-CAfile", house.folder / "root.pem", "-untrusted", house.folder / "issuing.pem"]
    for case in house.cases.values():
        done = run(*command, case.leaf, fails=True)
        assert (done.returncode == 0) == (case.word == "good"), done.stderr
        assert case.word == "good" or b"certificate revoked" in done.stderr
    crl = run("openssl", "crl", "-in", house.lists(), "-verify", "-CAfile", house.folder / "issuing.pem")
    assert b"verify OK" in crl.stderr + crl.stdout


def visit(house: House, port: int, leaf: Path) -> bytes:
    context = ssl.create_default_context(cafile=str(house.data / "public/ca/servers-root.pem"))
    context.load_cert_chain(leaf)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return b"".join(iter(lambda: secure.recv(4096), b""))


@pytest.fixture(scope="module")
def nss(house: House) -> str:
    """NSS' database, as Chromium and Firefox have one, with our CAs and certificates in it."""
    place = house.folder / "nss"
    place.mkdir()
    database = f"sql:{place}"
    run("certutil", "-N", "-d", database, "--empty-password")
    for name, trust in (("root", "CT,C,C"), ("issuing", ",,")):
        run("certutil", "-A", "-d", database, "-n", name, "-t", trust, "-i", house.folder / f"{name}.pem")
    for name, case in house.cases.items():
        content = case.leaf.read_bytes()
        leaf = house.file(f"{name}.cer", content[content.index(b"-----BEGIN CERT") :])
        run("certutil", "-A", "-d", database, "-n", name, "-t", ",,", "-i", leaf)
    return database


def test_nss_asks_by_ocsp(house: House, nss: str) -> None:
    for name, case in house.cases.items():
        for act in (("-S", name), ("-V", name, "-u", "c")):
            done = run("ocspclnt", "-d", nss, *act, fails=True)
            said = done.stdout + done.stderr
            assert (b"succeeded" in said) == (case.word == "good"), (name, said)
            assert case.word == "good" or b"revoked" in said


def test_nss_takes_our_lists(house: House, nss: str) -> None:
    for name in ("clients", "clients-root"):
        run("crlutil", "-I", "-d", nss, "-t", "1", "-i", house.data / f"public/crl/{name}.crl")
    for name, case in house.cases.items():
        done = run("certutil", "-V", "-d", nss, "-n", name, "-u", "C", fails=True)
        said = done.stdout + done.stderr
        assert (b"is valid" in said) == (case.word == "good"), (name, said)
        assert case.word == "good" or b"revoked" in said


def test_gnutls_asks_and_verifies(house: House) -> None:
    for case in house.cases.values():
        command = ["ocsptool", f"--ask={house.status}/ocsp/clients", f"--load-cert={case.leaf}"]
        command += [f"--load-issuer={house.folder / 'issuing.pem'}"]
        command += [f"--load-trust={house.data / 'public/ca/clients.pem'}"]
        said = run(*command, fails=True).stdout
        assert f"Certificate Status: {case.word}".encode() in said, said
        assert b"Signature Verified" in said or b"Success" in said, said


DOCS = (settings.BASE_DIR / "docs" / "revocation-lists.md").read_text()


def block(language: str) -> str:
    """The first block of code in this language, as people copy it from the docs."""
    return DOCS.split(f"```{language}\n", 1)[1].split("```", 1)[0]


def test_the_commands_of_the_docs_do_what_they_say(house: House, tmp_path: Path) -> None:
    shell = block("sh").replace("http://portal.home.arpa:8080", house.status)
    for case in house.cases.values():
        shutil.copy(case.leaf, tmp_path / "phone.pem")
        done = subprocess.run(
            ["sh", "-e"], cwd=tmp_path, input=shell.encode(), capture_output=True, timeout=60
        )
        assert (b"phone.pem: OK" in done.stdout) == (case.word == "good"), done
        if case.word == "good":
            assert b"phone.pem: good" in done.stdout and b"Response verify OK" in done.stderr


@pytest.mark.parametrize("way", ["ssl_ocsp", "ssl_crl"])
def test_the_docs_lines_for_nginx_keep_the_revoked_out(house: House, tmp_path: Path, way: str) -> None:
    port = free_port()
    site = block("nginx")
    if way == "ssl_crl":
        site = re.sub(r"ssl_ocsp +leaf;.*", "ssl_crl /etc/nginx/lists.pem;", site)
    for theirs, ours in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("/etc/nginx/site.pem", f"{house.data}/web/tls/portal.pem"),
        ("/etc/nginx/clients.pem", f"{house.data}/public/ca/clients.pem"),
        ("/etc/nginx/lists.pem", str(house.lists())),
        ("root /var/www/html;", 'return 200 "in\\n";'),
    ):
        assert theirs in site or "lists" in theirs
        site = site.replace(theirs, ours)
    with nginx(tmp_path / "nginx", site, port):
        for case in house.cases.values():
            answer = visit(house, port, case.leaf)
            assert answer.startswith(b"HTTP/1.1 200" if case.word == "good" else b"HTTP/1.1 400"), answer
