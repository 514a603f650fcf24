"""Clients that take their answers slowly, or keep all connections: others are served all the same."""

import resource
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress

import pytest

from tests.portal.running import Running, up, wait_until
from tests.portal.visitor import Visitor

pytestmark = pytest.mark.slow

SLOW, MANY = "127.0.0.2", "127.0.0.3"  # where they come from
SEVERAL = 6  # at once: few enough for one address
FILES = 900  # that a process may have open; most systems allow 1024
LITTLE = 2048  # bytes that a slow client's kernel takes
MOST = 5_000_000  # bytes that the other kernel keeps for it, generously


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with ExitStack() as stack:
        with such_a_limit():
            found = stack.enter_context(up(tmp_path_factory.mktemp("greedy") / "data"))
        yield found
        assert "Traceback" not in found.said


@contextmanager
def such_a_limit() -> Iterator[None]:
    """For what is started meanwhile."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def opened(stack: ExitStack, running: Running, source: str, taking: int = 0) -> socket.socket:
    """A TLS connection; `taking`: bytes that fit into its kernel."""
    plain = stack.enter_context(socket.socket())
    if taking:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, taking)
    plain.settimeout(30)
    plain.bind((source, 0))
    plain.connect(running.address)
    return stack.enter_context(running.context().wrap_socket(plain, server_hostname="localhost"))


def test_who_does_not_read_what_was_asked_for_stops_nobody_else(running: Running) -> None:
    another = Visitor(running)
    request = another.head("GET", "/static/latchkey/latchkey.css")
    wanted = MOST // 14_000

    def ask(stack: ExitStack) -> None:
        with suppress(OSError):  # one too many of the same address, or cut off in the end
            client = opened(stack, running, SLOW, LITTLE)
            for _ in range(wanted // 20):
                client.sendall(request * 20)
            client.recv(1)

    with ExitStack() as stack:
        threads = [threading.Thread(target=ask, args=(stack,)) for _ in range(24)]
        for thread in threads:
            thread.start()
        for _ in range(12):
            assert another.ask("GET", "/login")[0] in (200, 302)
            time.sleep(1)
    for thread in threads:
        thread.join()


def test_more_connections_than_a_process_may_have_files_end_nothing(running: Running) -> None:
    before, another = running.main_processes(), Visitor(running)
    request = another.head("GET", "/static/latchkey/icon.svg")

    def keep(stack: ExitStack) -> None:
        for _ in range(FILES // SEVERAL + 20):
            with suppress(OSError):  # turned away: no longer kept open, and in no hurry to go
                client = opened(stack, running, MANY)
                client.sendall(request)
                client.recv(9)

    with ExitStack() as stack:
        with ThreadPoolExecutor(SEVERAL) as pool:
            list(pool.map(keep, [stack] * SEVERAL))
        assert another.ask("GET", "/login")[0] in (200, 302)
    wait_until(lambda: running.main_processes() == before, 5, "the same processes as before")
