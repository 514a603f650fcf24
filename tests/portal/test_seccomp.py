"""The filter of system calls, run as the kernel runs it; tests/portal/test_landlock.py tries the real one."""

import errno
import os
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import dj_database_url
import pytest
from django.conf import settings

from accounts.models import User
from portal import banner, confinement, health, seccomp
from portal.seccomp import ALLOW, MACHINES, REFUSE, X32, Calls, Step
from tests.conftest import Browser, open_session
from tests.portal.running import up
from tests.postgres import database_url, needs_postgresql  # noqa: F401 a fixture

X86_64, AARCH64 = MACHINES["x86_64"], MACHINES["aarch64"]
UNIX, STREAM, DATAGRAM = socket.AF_UNIX, socket.SOCK_STREAM, socket.SOCK_DGRAM


def verdict(steps: list[Step], architecture: int, number: int, *arguments: int) -> int:
    """What the filter says to this call."""
    words = {seccomp.NUMBER: number, seccomp.ARCHITECTURE: architecture}
    words |= {seccomp.FIRST + 8 * index: value & 0xFFFFFFFF for index, value in enumerate(arguments)}
    held, at = 0, 0
    while True:
        operation, yes, no, constant = steps[at]
        at += 1
        match operation:
            case seccomp.RETURN:
                return constant
            case seccomp.LOAD:
                held = words[constant]
            case seccomp.AND:
                held &= constant
            case seccomp.EQUAL:
                at += yes if held == constant else no
            case seccomp.AT_LEAST:
                at += yes if held >= constant else no


@pytest.mark.parametrize("known", MACHINES.values(), ids=MACHINES)
def test_unix_sockets_are_refused_and_all_others_are_not(known: Calls) -> None:
    steps = seccomp.program(known, unix_sockets=False)

    def says(number: int, *arguments: int) -> int:
        return verdict(steps, known.architecture, number, *arguments)

    for kind in (STREAM, DATAGRAM, socket.SOCK_SEQPACKET, STREAM | socket.SOCK_CLOEXEC):
        assert says(known.socket, UNIX, kind) == REFUSE
        assert says(known.socket, 1 << 32 | UNIX, kind) == REFUSE
        for family in (socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK):
            assert says(known.socket, family, kind) == ALLOW
    for kind in (DATAGRAM, socket.SOCK_SEQPACKET, socket.SOCK_RAW, DATAGRAM | socket.SOCK_CLOEXEC):
        assert says(known.socketpair, UNIX, kind) == REFUSE
    for kind in (STREAM, STREAM | socket.SOCK_CLOEXEC, STREAM | socket.SOCK_NONBLOCK):
        assert says(known.socketpair, UNIX, kind) == ALLOW
    assert says(known.io_uring_setup, 1) == REFUSE
    others = set(range(500)) - {known.socket, known.socketpair, known.io_uring_setup}
    assert {says(number, UNIX, DATAGRAM) for number in others} == {ALLOW}


@pytest.mark.parametrize("known", MACHINES.values(), ids=MACHINES)
def test_a_database_that_needs_them_leaves_unix_sockets_open_but_not_io_uring(known: Calls) -> None:
    steps = seccomp.program(known, unix_sockets=True)
    assert verdict(steps, known.architecture, known.socket, UNIX, STREAM) == ALLOW
    assert verdict(steps, known.architecture, known.socketpair, UNIX, DATAGRAM) == ALLOW
    assert verdict(steps, known.architecture, known.io_uring_setup, 1) == REFUSE


def test_the_same_calls_under_other_numbers_are_refused() -> None:
    steps = seccomp.program(X86_64, unix_sockets=False)
    i386 = 0x40000003
    assert verdict(steps, i386, 359, UNIX, STREAM) == REFUSE  # socket as int 0x80 knows it
    assert verdict(steps, X86_64.architecture, X32 | X86_64.socket, UNIX, STREAM) == REFUSE
    assert verdict(steps, AARCH64.architecture, AARCH64.socket, UNIX, STREAM) == REFUSE
    assert REFUSE & 0xFFFF == errno.EPERM


@pytest.mark.django_db
@pytest.mark.parametrize("what", ["armv7l", "riscv64", "a 32-bit Python"])
def test_on_other_architectures_nothing_is_entered_or_promised(
    what: str, monkeypatch: pytest.MonkeyPatch, signer: object
) -> None:
    if what == "a 32-bit Python":
        monkeypatch.setattr(sys, "maxsize", 2**31 - 1)
    else:
        monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine=what))
    assert seccomp.enter(unix_sockets=False) is False
    assert any("64-bit x86 and ARM only" in note for note in banner.notes())


@pytest.mark.parametrize(
    ("url", "needed"),
    [
        ("sqlite:////somewhere/latchkey.sqlite3", False),
        ("postgresql://latchkey@db.home.arpa/latchkey", False),
        ("postgresql://127.0.0.1:5432/latchkey", False),
        ("postgresql://[::1]/latchkey", False),
        ("postgresql:///latchkey", True),
        ("postgresql://latchkey@%2Frun%2Fpostgresql/latchkey", True),
        ("postgresql:///latchkey?host=/run/postgresql", True),
        ("postgresql:///latchkey?host=db.home.arpa", False),
    ],
)
def test_whether_the_database_is_reached_by_a_unix_socket(
    url: str, needed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.DATABASES, "default", dj_database_url.parse(url))
    assert confinement.database_at_unix_socket() is needed


@pytest.fixture
def at_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "database_at_unix_socket", lambda: True)
    monkeypatch.setattr(confinement.Confinement, "filtered", True)


@pytest.mark.django_db
def test_status_page_first_page_and_banner_say_that_unix_sockets_stay_open(
    at_a_socket: None, signer: object, browser: Browser, dora: User
) -> None:
    open_session(browser, dora)
    for address in ("/status", "/"):
        assert "have other programs of this user" in browser.get(address).content.decode()
    assert any("DATABASE_URL without a host name" in note for note in banner.notes())


@pytest.mark.slow
@needs_postgresql
def test_with_postgresql_at_a_unix_socket_all_of_it_runs_and_says_so(
    tmp_path: Path,
    database_url: str,  # noqa: F811
) -> None:
    with up(tmp_path / "data", DATABASE_URL=database_url) as running:
        assert running.get("/healthz") == (200, "ok\nsigner up\n")
        assert "need Unix sockets for the database" in running.said


@pytest.mark.django_db
def test_with_a_signer_of_another_user_open_unix_sockets_are_no_trouble(
    at_a_socket: None, signer: object, settings: pytest.FixtureRequest
) -> None:
    settings.SIGNER_APART = True
    (fact,) = health.unix_sockets()
    assert (fact.well, fact.word) == (True, "Open")
    assert "DATABASE_URL without a host name" in fact.sentence
    assert not any("Unix sockets" in note for note in banner.notes())


def test_where_the_filter_is_entered_the_status_page_says_what_it_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(confinement.Confinement, "filtered", True)
    monkeypatch.setattr(health, "unix_sockets_open", lambda: "")
    (fact,) = health.unix_sockets()
    assert (fact.well, fact.word) == (True, "Closed")
