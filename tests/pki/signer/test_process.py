"""The signer as a process: how it starts, what it refuses, how it ends, what others can see of it."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from django.conf import settings

from pki.errors import IssuanceRefused
from pki.signer import client
from tests.pki.signer.makers import portal_request, request
from tests.pki.signer.process import Signer

pytestmark = pytest.mark.slow


@pytest.fixture
def signer(tmp_path):
    made = Signer(tmp_path)
    yield made
    if made.process:
        made.stop(signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_ready_serves_and_ends_cleanly(signer, number):
    signer.start()
    assert client.issue(signer.socket, request())
    status, log = signer.stop(number)
    assert status == 0 and log.splitlines()[-1] == "event=ended"
    assert not signer.socket.exists()
    assert not list(signer.home.glob("*-wal"))


def test_what_it_issued_is_there_after_a_restart(signer):
    signer.start()
    wanted = request()
    before, roots = client.issue(signer.socket, wanted), client.status(signer.socket).authorities
    signer.stop()
    signer.start()
    assert client.issue(signer.socket, wanted) == before
    assert client.status(signer.socket).authorities == roots
    assert client.status(signer.socket).issued == 1


def test_everything_it_writes_is_its_users_alone(signer):
    signer.start()
    for path in [signer.home, *signer.home.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
    assert signer.socket.stat().st_mode & 0o777 == 0o600


def test_its_memory_cannot_be_read_and_it_leaves_no_core(signer):
    signer.start()
    process = Path("/proc") / str(signer.process.pid)
    # A process that is not dumpable belongs to root in /proc (proc(5)); nobody else of its user can read it.
    assert (process / "mem").stat().st_uid == 0
    limits = (process / "limits").read_text()
    assert [line.split()[4:6] for line in limits.splitlines() if "core file" in line] == [["0", "0"]]


def test_its_log_has_no_secret_and_one_line_for_each_event(signer):
    signer.start()
    client.issue(signer.socket, request())
    with pytest.raises(IssuanceRefused):
        client.issue(signer.socket, request(common_name="line\nevent=forged"))
    _, log = signer.stop()
    assert (signer.home / "passphrase").read_text() not in log
    assert all(line.startswith("event=") for line in log.splitlines())
    assert not any(line.startswith("event=forged") for line in log.splitlines())


def test_a_second_signer_on_the_same_folder_refuses_with_a_sentence(signer):
    signer.start()
    assert "Another signer is running" in signer.refusal()
    assert client.status(signer.socket).version


def test_a_passphrase_others_can_read_refuses_with_the_command_to_run(signer):
    signer.start()
    signer.stop()
    (signer.home / "passphrase").chmod(0o644)
    assert signer.refusal().strip().endswith(f"Run: chmod 600 {signer.home / 'passphrase'}")


def test_a_missing_authority_key_refuses_with_a_sentence(signer):
    signer.start()
    signer.stop()
    (signer.home / "clients" / "issuing.key").unlink()
    assert "Restore folder and passphrase from one backup" in signer.refusal()


def test_a_killed_signer_starts_again_over_its_old_socket(signer):
    signer.start()
    client.issue(signer.socket, request())
    signer.stop(signal.SIGKILL)
    assert signer.socket.exists()
    signer.start()
    assert client.status(signer.socket).issued == 1


def test_a_new_host_outside_the_constraints_needs_a_replaced_authority(signer):
    signer.start("--hosts", "portal.home.arpa")
    outside = portal_request(("dns:portal.example",))
    old = client.status(signer.socket).authorities
    signer.stop()

    signer.start("--hosts", "portal.home.arpa portal.example")
    with pytest.raises(IssuanceRefused) as refusal:
        client.issue(signer.socket, outside)
    assert refusal.value.code == "san-outside"
    assert "Another signer is running" in signer.refusal("--replace-authority", "servers")
    signer.stop()

    command = signer.command("--replace-authority", "servers")
    subprocess.run(command, cwd=settings.BASE_DIR, check=True, capture_output=True)
    signer.start("--hosts", "portal.home.arpa portal.example")
    leaf = x509.load_der_x509_certificate(client.issue(signer.socket, outside))
    new = client.status(signer.socket).authorities
    assert (new[0], new[2]) == (old[0], old[2]) and new[1] != old[1]
    root = x509.load_der_x509_certificate(new[1].root)
    assert root.subject != x509.load_der_x509_certificate(old[1].root).subject
    leaf.verify_directly_issued_by(x509.load_der_x509_certificate(new[1].issuing))


def test_a_passphrase_from_a_credential_file(signer, tmp_path):
    credential = tmp_path / "credential"
    credential.write_text("correct horse battery staple")
    credential.chmod(0o400)
    signer.start("--passphrase-file", str(credential))
    signer.stop()
    assert not (signer.home / "passphrase").exists()
    credential.chmod(0o600)
    credential.write_text("something else entirely")
    assert "cannot be opened" in signer.refusal("--passphrase-file", str(credential))


def test_odd_hosts_and_labels_do_not_stop_the_start(signer):
    options = ["--hosts", "NAS.home.arpa., my_machine, [FD00::1] 192.168.001.2", "--label", "Ä\n" * 40]
    signer.start(*options)
    servers = client.status(signer.socket).authorities[1]
    assert client.issue(signer.socket, portal_request(("dns:nas.home.arpa", "ip:fd00::1")))
    assert "\n" not in x509.load_der_x509_certificate(servers.root).subject.rfc4514_string()
    assert f"dns:{socket.gethostname().split('.')[0].lower()}" in servers.permitted
    _, log = signer.stop()
    assert "event=ignored host=my_machine" in log


def test_a_folder_that_cannot_be_made_is_said_in_a_sentence(signer):
    signer.home.parent.mkdir(exist_ok=True)
    signer.home.write_text("a file in its place")
    assert signer.refusal().startswith("The signer cannot start or go on: ")


def test_a_journal_that_is_broken_is_said_in_a_sentence(signer):
    signer.start()
    signer.stop()
    (signer.home / "journal.sqlite3").write_bytes(b"this is no database" * 100)
    assert "file is not a database" in signer.refusal()


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to become another user")
def test_it_runs_as_another_user_by_its_arguments_alone(signer, tmp_path):
    nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    trial = [*nobody, sys.executable, "-c", "import pki.signer.server"]
    if subprocess.run(trial, cwd=settings.BASE_DIR, capture_output=True).returncode:
        pytest.skip("another user cannot run this Python from this checkout")
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(folder.stat().st_mode | 0o011)
    signer.home.mkdir(mode=0o700)
    signer.socket.parent.mkdir()
    for folder in (signer.home, signer.socket.parent):
        os.chown(folder, 65534, 65534)
    signer.process = subprocess.Popen(
        [*nobody, *signer.command(), "--allow-uid", "0", "--socket-mode", "0660"],
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert signer.process.stdout.readline() == "ready\n"
    assert client.status(signer.socket).uid == 65534
