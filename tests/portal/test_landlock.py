"""A broken-in web process: it runs our code with our user id, and tries to get at the CA keys."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings

from portal import landlock, seccomp
from portal.landlock import without
from tests.portal.running import environment, up

needs_landlock = pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock")

# What the intruder does, in a web process that has entered: everything is to be refused.
INTRUDER = """
import contextlib, ctypes, errno, json, os, pathlib, signal, socket, sys
import django; django.setup()
from django.conf import settings
from pki.signer import client
from portal import children, confinement, dialler
data, signer, supervisor = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
line = dialler.Line()
dialling = children.forked(lambda: dialler.serve([line]), keep=[line.diallers.fileno()])()
if pid := os.fork():  # as the supervisor
    status = os.waitpid(pid, 0)[1]
    os.kill(dialling, signal.SIGKILL)
    sys.exit(os.waitstatus_to_exitcode(status))
confinement.enter(line)
assert confinement.Confinement.entered
done = []

def attempt(name, act):
    try:
        act()
        done.append(name)
    except OSError:
        pass

def ptrace(pid):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, pid, None, None) < 0:  # PTRACE_ATTACH
        raise OSError(ctypes.get_errno(), "ptrace")

def peek(pid):
    local = ctypes.create_string_buffer(8)
    class Vector(ctypes.Structure):
        _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))
    here, there = Vector(ctypes.addressof(local), 8), Vector(0x400000, 8)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0) < 0:
        raise OSError(ctypes.get_errno(), "process_vm_readv")

secrets = [f"{root}/{file}" for root, _, files in os.walk(sys.argv[4]) for file in files]
for file in json.loads(sys.argv[5]):
    attempt(f"read {file}", lambda: open(file, "rb").read())
    attempt(f"write {file}", lambda: open(file, "ab"))
    attempt(f"through /proc {file}", lambda: open(f"/proc/self/root{file}", "rb").read())
    attempt(f"link {file}", lambda: os.link(file, settings.WEB_DIR / "stolen"))
    attempt(f"move {file}", lambda: os.rename(file, settings.WEB_DIR / "stolen"))
attempt("list the folder", lambda: os.listdir(data / "signer"))
for pid in (signer, supervisor, dialling):
    attempt(f"mem {pid}", lambda: open(f"/proc/{pid}/mem", "rb").read(1))
    attempt(f"environ {pid}", lambda: open(f"/proc/{pid}/environ", "rb").read()[0])
    attempt(f"cwd {pid}", lambda: os.listdir(f"/proc/{pid}/cwd/"))
    attempt(f"ptrace {pid}", lambda: ptrace(pid))
    attempt(f"process_vm_readv {pid}", lambda: peek(pid))
    attempt(f"signal {pid}", lambda: os.kill(pid, signal.SIGCONT))
for device in [*os.listdir("/sys/block"), "mem", "kmem"]:
    attempt(f"raw {device}", lambda: open(f"/dev/{device}", "rb").read(1))
attempt("kcore", lambda: open("/proc/kcore", "rb").read(1))
attempt("mknod", lambda: os.mknod(settings.WEB_DIR / "tmp" / "disk", 0o60600, os.makedev(254, 0)))
attempt("plant code", lambda: open(settings.BASE_DIR / "pki" / "planted.py", "w"))
attempt("replace the signer's socket", lambda: os.unlink(settings.SIGNER_SOCKET))
attempt("mount over it", lambda: (_ for _ in ()).throw(OSError()) if ctypes.CDLL(None).mount(
    b"none", os.fsencode(data / "signer"), b"tmpfs", 0, None) else None)
def call(number, *words):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, *words) < 0:
        raise OSError(ctypes.get_errno(), str(number))

other = sys.argv[6]  # a program of our user's listens there, and would do what it is asked to
connected = {"a pair": socket.socketpair()[0], "the line": line.ours, "the signer's": client.connect("")}
if confinement.Confinement.filtered:
    attempt("another program", lambda: socket.socket(socket.AF_UNIX).connect(other))
    attempt("its name as a high word", lambda: call(41, ctypes.c_ulong(1 << 32 | 1), 1, 0))
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET, 2 | socket.SOCK_CLOEXEC):
        attempt(f"a socket of kind {kind}", lambda: socket.socket(socket.AF_UNIX, kind))
        attempt(f"a pair of kind {kind}", lambda: socket.socketpair(socket.AF_UNIX, kind))
    attempt("io_uring", lambda: call(425, 1, ctypes.create_string_buffer(256)))
    attempt("x32", lambda: call(0x40000000 | 41, 1, 1, 0))
    started = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    if os.spawnl(os.P_WAIT, sys.executable, "python", "-c", started, other) == 0:
        done.append("another program from a program started")
for name, channel in connected.items():
    attempt(f"another program by {name}", lambda: channel.connect(other))
    with contextlib.suppress(OSError):  # what comes of it shows at the other end
        channel.sendto(b"x", other + ".datagrams")

open(settings.WEB_DIR / "tmp" / "mine", "w").write("x")
open(settings.PUBLIC_DIR / "crl" / "clients.crl", "rb").read()
assert len(client.status(settings.SIGNER_SOCKET).authorities) == 3
print(json.dumps(done))
"""


def break_in(env: dict[str, str], signer: int, supervisor: int, secrets: list[str], other: str) -> list[str]:
    """What the intruder managed to do; `other` is where another program of the same user listens."""
    data = env["LATCHKEY_DATA"]
    words = [data, str(signer), str(supervisor), f"{data}/signer", json.dumps(secrets), other]
    done = subprocess.run(
        [sys.executable, "-c", INTRUDER, *words],
        env=env | {"PYTHONPATH": str(settings.BASE_DIR)},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


@contextlib.contextmanager
def asked_for(path: Path) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Another program of the same user, as tmux is one: listens at `path`, and for datagrams beside it."""
    with (
        socket.socket(socket.AF_UNIX) as listener,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as letters,
    ):
        listener.bind(str(path))
        letters.bind(f"{path}.datagrams")
        listener.listen()
        for end in (listener, letters):
            end.setblocking(False)
        yield listener, letters


@pytest.mark.slow
@needs_landlock
@pytest.mark.parametrize("inside", [False, True], ids=["data elsewhere", "data in the checkout"])
def test_a_broken_in_web_process_gets_at_nothing_of_the_signers(tmp_path: Path, inside: bool) -> None:
    data = settings.BASE_DIR / "var" / f"break-in-{os.getpid()}" if inside else tmp_path / "data"
    data.parent.mkdir(exist_ok=True)
    other = Path(tempfile.mkdtemp()) / "other.sock"  # a socket's path has 107 bytes at most
    try:
        with up(data) as running, asked_for(other) as (listener, letters):
            (data / "backups").mkdir()
            (data / "backups/journal.sqlite3").write_bytes(b"a copy")
            secrets = [str(file) for file in (data / "signer").rglob("*") if file.is_file()]
            secrets.append(str(data / "backups/journal.sqlite3"))
            assert (data / "ra/scep.pem").exists()  # SCEP's key, which most faces have no use for
            secrets.append(str(data / "ra/scep.pem"))
            (data / "settings.env").write_text("BROKER_URL=")  # whatever else somebody laid there
            secrets.append(str(data / "settings.env"))
            assert any(file.endswith(".key") for file in secrets)
            env = running.env | {"LATCHKEY_DATA": str(data)}
            managed = break_in(env, running.children()["signer"], running.process.pid, secrets, str(other))
            assert managed == []
            if seccomp.calls():
                for come in (listener.accept, lambda: letters.recv(1)):
                    with pytest.raises(BlockingIOError):
                        come()
            assert "trouble" not in running.said  # what housekeeping starts still works in there
            assert running.get("/healthz")[1] == "ok\nsigner up\n"
    finally:
        shutil.rmtree(other.parent)
        if inside:
            subprocess.run(["rm", "-rf", str(data), f"{data}.log"], check=True)


@pytest.mark.slow
@needs_landlock
@pytest.mark.parametrize("registrar", [False, True])
def test_the_ras_key_is_for_who_speaks_scep(tmp_path: Path, registrar: bool) -> None:
    code = (
        "import sys, django; django.setup()\n"
        "from portal import confinement\n"
        "from pki import own\n"
        "file = own.registrar() / 'scep.pem'\n"
        "file.parent.mkdir(parents=True); file.write_text('secret')\n"
        "confinement.enter(registrar=sys.argv[1] == 'True')\n"
        "try: print(file.read_text())\n"
        "except PermissionError: print('refused')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(registrar)],
        env=environment(tmp_path / "data") | {"PYTHONPATH": str(settings.BASE_DIR)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.stdout == ("secret\n" if registrar else "refused\n"), done.stderr


@pytest.mark.slow
@needs_landlock
def test_a_program_inside_the_data_folder_can_still_be_read(tmp_path: Path) -> None:
    (tmp_path / "data/lib").mkdir(parents=True)
    (tmp_path / "data/lib/of_the_program.py").touch()
    code = (
        "import django; django.setup()\n"
        "from portal import confinement\n"
        "confinement.enter()\n"
        "import of_the_program\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(tmp_path / "data") | {"PYTHONPATH": f"{settings.BASE_DIR}:{tmp_path}/data/lib"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@needs_landlock
def test_a_database_at_a_unix_socket_can_be_reached_from_inside(tmp_path: Path) -> None:
    code = (
        "import socket, sys, threading, django; django.setup()\n"
        "from portal import confinement\n"
        "server = socket.socket(socket.AF_UNIX); server.bind(sys.argv[1]); server.listen()\n"
        "confinement.enter()\n"
        "client = socket.socket(socket.AF_UNIX); client.connect(sys.argv[1]); print('reached')\n"
    )
    for folder in (tmp_path, Path("/tmp")):
        address = folder / f"db-{os.getpid()}.sock"
        try:
            done = subprocess.run(
                [sys.executable, "-c", code, str(address)],
                env=environment(
                    tmp_path / "data", DATABASE_URL=f"postgresql://{quote(str(folder), safe='')}/x"
                )
                | {"PYTHONPATH": str(settings.BASE_DIR)},
                capture_output=True,
                text=True,
                timeout=30,
            )
        finally:
            address.unlink(missing_ok=True)
        assert done.stdout == "reached\n", done.stderr


@pytest.mark.slow
@needs_landlock
def test_of_run_only_what_looks_names_up_can_be_read(tmp_path: Path) -> None:
    code = (
        "import json, os, socket, ssl, django; django.setup()\n"
        "from portal import confinement\n"
        "confinement.enter()\n"
        "def may(path):\n"
        "    try: return bool(os.listdir(path)) or True\n"
        "    except PermissionError: return False\n"
        "    except FileNotFoundError: return None\n"
        "places = ['/run', '/run/user', '/run/lock', '/run/dbus', '/run/postgresql']\n"
        "ssl.create_default_context()\n"
        "found = socket.getaddrinfo('localhost', 443)[0][4][0]\n"
        "print(json.dumps([[may(place) for place in places], found]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(tmp_path / "data") | {"PYTHONPATH": str(settings.BASE_DIR)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    (run, *others, postgresql), found = json.loads(done.stdout)
    assert run is False and True not in others and postgresql is not False
    assert found in ("127.0.0.1", "::1")


def test_a_tree_is_taken_apart_around_what_is_hidden(tmp_path: Path) -> None:
    for name in ("a/secret/key", "a/open/file", "b/file"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to(tmp_path / "a/secret")
    hidden = [tmp_path / "a/secret"]
    granted = sorted(path.relative_to(tmp_path).as_posix() for path in without(tmp_path, hidden))
    assert granted == ["a/open", "b"]
    assert list(without(tmp_path / "a/secret/deeper", hidden)) == []
    assert list(without(tmp_path / "b", hidden)) == [tmp_path / "b"]


def test_without_landlock_nothing_is_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "version", lambda: 0)
    assert landlock.enter(readable=[], writable=[]) is False
