"""`manage.py up` as a real child process."""

import json
import os
import signal
import socket
import sqlite3
import ssl
import time
from contextlib import closing
from pathlib import Path

import pytest
from cryptography import x509

from portal import landlock, seccomp
from tests.portal.running import (
    HOSTS,
    alive,
    as_installed_by_make_run,
    environment,
    free_port,
    secured,
    sentence,
    up,
    wait_until,
)

pytestmark = pytest.mark.slow


def test_it_serves_both_faces_and_says_where(tmp_path: Path) -> None:
    with up(tmp_path / "data") as running:
        assert running.get("/healthz") == (200, "ok\nsigner up\n")
        assert len(x509.load_der_x509_crl(running.status_face("/crl/clients.crl"))) == 0
        assert x509.load_der_x509_certificate(running.status_face("/ca/servers-root.cer"))
        noted = "SELECT authority, address, program FROM pki_listfetch"  # confined, and may write that
        with closing(sqlite3.connect(running.data / "web/latchkey.sqlite3")) as database:
            (reader,) = database.execute(noted).fetchall()
        assert reader[:2] == ("clients", "127.0.0.1") and reader[2].startswith("Python-urllib/")
        port = running.address[1]
        assert f"https://portal.home.arpa:{port}/setup/" in running.said
        assert "Traceback" not in running.said
        assert "\x1b" not in running.said  # a file is no terminal
        names = x509.load_der_x509_certificate(running.leaf()).extensions
        covered = names.get_extension_for_class(x509.SubjectAlternativeName).value
        assert "portal.home.arpa" in covered.get_values_for_type(x509.DNSName)


def test_a_second_start_keeps_the_certificate(tmp_path: Path) -> None:
    with up(tmp_path / "data") as running:
        first = running.leaf()
    with up(tmp_path / "data") as running:
        assert running.leaf() == first


def test_the_web_processes_are_confined_and_the_status_can_tell(tmp_path: Path) -> None:
    if not landlock.version():
        pytest.skip("this kernel has no Landlock")
    with up(tmp_path / "data") as running:
        children = running.children()
        assert filters(children.pop("signer")) == filters(running.process.pid)
        assert filters(children.pop("dialler")) == filters(running.process.pid)
        assert len(children) == 4
        for pid in children.values():
            assert "NoNewPrivs:\t1" in Path(f"/proc/{pid}/status").read_text()
            assert filters(pid) == filters(running.process.pid) + bool(seccomp.calls())


def filters(pid: int) -> int:
    """How many filters of system calls this process has."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("Seccomp_filters:")[2].split()[0])


def test_without_its_dialler_nothing_is_lost(tmp_path: Path) -> None:
    """What is asked meanwhile waits for the next one."""
    with up(tmp_path / "data") as running:
        for _ in range(2):
            before = running.children()["dialler"]
            os.kill(before, signal.SIGKILL)
            assert running.get("/healthz")[1] == "ok\nsigner up\n"
            assert running.children()["dialler"] != before


def open_files(pid: int) -> set[str]:
    """What a process has open beside stdin, stdout and stderr; sockets and pipes by their number."""
    links = [entry for entry in Path(f"/proc/{pid}/fd").iterdir() if int(entry.name) > 2]
    return {os.readlink(link) for link in links}


def test_no_child_has_the_lock_or_the_listener_of_another(tmp_path: Path) -> None:
    with up(tmp_path / "data") as running:
        ours = open_files(running.process.pid)
        assert any(name.endswith("/run/lock") for name in ours)
        shared = {
            name: ours & open_files(pid) for name, pid in running.children().items() if name != "signer"
        }
        # Its ends of four lines and of that of the check face, which does not run before somebody comes;
        # listener and line of portal and status face, the door's listener, housekeeping's line.
        # Who has no line cannot reach the signer: the door.
        assert len(shared.pop("dialler")) == 5
        assert sorted(len(names) for names in shared.values()) == [1, 1, 2, 2], shared
        assert len(set.union(*shared.values())) == 6
        assert all(name.startswith("socket:") for name in set.union(*shared.values()))


def test_whoever_dies_comes_back(tmp_path: Path) -> None:
    with up(tmp_path / "data") as running:
        before = running.children()
        assert len(before) == 6
        for pid in before.values():
            os.kill(pid, signal.SIGKILL)
        old = set(before.values())
        wait_until(lambda: len(set(running.children().values()) - old) == 6, 10, "six new children")
        wait_until(lambda: "signer up" in running.get("/healthz")[1], 10, "the signer answers again")
        assert running.status_face("/crl/devices.crl")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_ends_cleanly_and_leaves_nobody(tmp_path: Path, number: int) -> None:
    with up(tmp_path / "data") as running:
        family = running.everybody()
        assert running.end(number) == 0
        assert not alive(family)
        assert "Traceback" not in running.said


def test_killed_outright_it_leaves_nobody_either(tmp_path: Path) -> None:
    with up(tmp_path / "data") as running:
        family = running.everybody()
        running.end(signal.SIGKILL)
        wait_until(lambda: not alive(family), 10, "everybody gone")


def test_a_port_in_use_is_named_together_with_its_holder(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = sentence("up", env=environment(tmp_path / "data", LATCHKEY_PORTAL_BIND=f"127.0.0.1:{port}"))
    assert f"Port {port} is in use" in said
    assert f"process {os.getpid()}" in said
    assert "LATCHKEY_PORTAL_BIND=" in said


def test_two_on_one_data_folder_are_told_apart(tmp_path: Path) -> None:
    with up(tmp_path / "data") as running:
        said = sentence("up", env=environment(tmp_path / "data"))
        assert f"process {running.process.pid}" in said
        assert running.get("/healthz")[0] == 200


def test_a_changed_host_makes_a_new_certificate(tmp_path: Path) -> None:
    with up(tmp_path / "data") as running:
        first = running.leaf()
    with up(tmp_path / "data", LATCHKEY_HOSTS=f"{HOSTS} 192.168.7.8") as running:
        leaf = x509.load_der_x509_certificate(running.leaf())
        assert running.leaf() != first
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "192.168.7.8" in [str(address) for address in names.get_values_for_type(x509.IPAddress)]


def test_a_foreign_name_that_comes_later_is_left_out_and_explained(tmp_path: Path) -> None:
    with up(tmp_path / "data"):
        pass
    with up(tmp_path / "data", LATCHKEY_HOSTS=f"{HOSTS} bank.example") as running:
        assert running.get("/healthz")[0] == 200
        assert "Browsers will warn about bank.example" in running.said
        assert "LATCHKEY_TLS_CERT" in running.said
        names = x509.load_der_x509_certificate(running.leaf()).extensions
        covered = names.get_extension_for_class(x509.SubjectAlternativeName).value
        assert "bank.example" not in covered.get_values_for_type(x509.DNSName)


def test_without_its_signer_the_old_certificate_serves_and_the_first_page_says_so(tmp_path: Path) -> None:
    with up(tmp_path / "data") as running:
        first = running.leaf()
    (tmp_path / "data/signer/passphrase").chmod(0o644)
    with up(tmp_path / "data") as running:
        assert "can be read by others" in running.said
        assert "is issued as soon as it is back" in running.said
        assert running.leaf() == first
        assert running.get("/healthz") == (200, "ok\nsigner down\n")


def test_a_renewed_certificate_is_served_without_a_restart(tmp_path: Path) -> None:
    with up(tmp_path / "data") as running:
        first = running.leaf()
        pem = running.data / "web/tls/portal.pem"
        other = tmp_path / "other"
        with up(other) as donor:
            (tmp_path / "new").write_bytes((donor.data / "web/tls/portal.pem").read_bytes())
        os.replace(tmp_path / "new", pem)
        trusting = ssl.create_default_context(cafile=str(other / "public/ca/servers-root.pem"))
        with secured(running, trusting) as secure:
            assert secure.getpeercert(True) != first


def test_slow_clients_do_not_stop_the_others(tmp_path: Path) -> None:
    with up(tmp_path / "data") as running:
        elsewhere = ("127.0.0.2", 0)
        silent = [socket.create_connection(running.address, source_address=elsewhere) for _ in range(40)]
        for begun in (b"", b"\x16\x03\x01"):  # nothing, then the beginning of a handshake and no more
            for client in silent:
                client.send(begun)
            began = time.monotonic()
            assert running.get("/healthz")[0] == 200
            assert time.monotonic() - began < 2
        for client in silent:
            client.close()


def test_a_handshake_that_does_not_end_is_cut_off(tmp_path: Path) -> None:
    with up(tmp_path / "data") as running, socket.create_connection(running.address, timeout=15) as client:
        client.send(b"\x16\x03\x01")
        assert client.recv(100) == b""


def test_tls_1_1_is_refused(tmp_path: Path) -> None:
    with up(tmp_path / "data") as running:
        old = running.context()
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.minimum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(OSError), socket.create_connection(running.address, timeout=5) as plain:
            old.wrap_socket(plain, server_hostname="localhost")


def test_a_hundred_megabytes_are_refused_before_they_arrive(tmp_path: Path) -> None:
    with up(tmp_path / "data") as running:
        before = resident(running.main_processes())
        port = running.address[1]
        head = (
            f"POST /login HTTP/1.1\r\nHost: portal.home.arpa:{port}\r\n"
            f"Cookie: __Host-latchkey-csrf={'a' * 32}\r\n"
            f"Referer: https://portal.home.arpa:{port}/login\r\nOrigin: https://portal.home.arpa:{port}\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 104857600\r\n\r\n"
        )
        with secured(running) as secure:
            secure.sendall(head.encode() + b"--x\r\n" + b"x" * 200_000)
            assert secure.recv(64).startswith(b"HTTP/1.1 413")
        assert resident(running.main_processes()) - before < 20 * 1024


def resident(pids: set[int]) -> int:
    """Proportional set size of these processes, KiB."""
    lines = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids]
    return sum(int(text.partition("\nPss:")[2].split()[0]) for text in lines)


def test_all_of_it_stays_under_160_megabytes(tmp_path: Path) -> None:
    with up(tmp_path / "data", **as_installed_by_make_run(tmp_path / "without")) as running:
        running.get("/login")
        assert resident(running.main_processes()) < 160 * 1024


def test_an_older_data_folder_is_copied_before_it_is_migrated(tmp_path: Path) -> None:
    with up(tmp_path / "data"):
        pass
    (tmp_path / "data/VERSION").write_text("0.0.9\n")
    with up(tmp_path / "data") as running:
        assert "everything was copied to" in running.said
    (copy,) = (tmp_path / "data/backups").iterdir()
    assert sorted(file.name for file in copy.iterdir()) == ["journal.sqlite3", "latchkey.sqlite3"]
    assert copy.stat().st_mode & 0o077 == 0
    with sqlite3.connect(copy / "latchkey.sqlite3") as database:
        assert database.execute("select count(*) from audit_auditevent").fetchone()[0] > 0
    assert (tmp_path / "data/VERSION").read_text().strip() != "0.0.9"


def test_a_newer_data_folder_is_left_alone(tmp_path: Path) -> None:
    with up(tmp_path / "data"):
        pass
    with sqlite3.connect(tmp_path / "data/web/latchkey.sqlite3") as database:
        database.execute(
            "insert into django_migrations (app, name, applied) values ('pki', '0999_later', '2030-01-01')"
        )
    assert "belongs to a newer Latchkey" in sentence("up", env=environment(tmp_path / "data"))
    (tmp_path / "data/VERSION").write_text("9.0\n")
    assert "belongs to a newer Latchkey (9.0)" in sentence("up", env=environment(tmp_path / "data"))


def test_the_demo_has_people_and_requests_in_every_state(tmp_path: Path) -> None:
    for _ in range(2):  # the second wipes what the first made
        with up(tmp_path / "data", "demo", LATCHKEY_DOOR_BIND=f"127.0.0.1:{free_port()}") as running:
            file = tmp_path / "data/credentials.json"
            assert file.stat().st_mode & 0o777 == 0o600
            found = json.loads(file.read_text())
            assert set(found) == {"portal", "door", "status", "root", "accounts"}
            roles = {role for account in found["accounts"] for role in account["roles"]}
            assert roles == {"requester", "officer", "auditor", "administrator"}
            assert all(account["totp_uri"].startswith("otpauth://") for account in found["accounts"])
            with sqlite3.connect(tmp_path / "data/web/latchkey.sqlite3") as database:
                rows = database.execute("select distinct status from enrollment_certificationrequest")
                states = {row[0] for row in rows}
            assert states >= {"pending", "issued", "rejected", "withdrawn", "lapsed"}
            assert running.get("/login")[0] == 200


def test_the_demo_wipes_nobody_elses_folder(tmp_path: Path) -> None:
    with up(tmp_path / "data"):
        pass
    assert "no demo folder" in sentence("demo", env=environment(tmp_path / "data"))
    assert (tmp_path / "data/web/latchkey.sqlite3").exists()
