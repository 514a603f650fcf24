"""Trusting the household's servers root never lets anybody play a bank, not even with the CA's own key."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error

from tests.browser import forgery, shell
from tests.portal.running import Running

pytestmark = pytest.mark.slow

CONNECT = Path(__file__).with_name("Connect.java")


@pytest.fixture
def forged(running: Running, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a server that shows a forged certificate for the host `request.param`."""
    chain = tmp_path / "chain.pem"
    chain.write_bytes(forgery.forge(running.data / "signer", request.param))
    with forgery.serving(chain) as port:
        yield port


def root(running: Running) -> Path:
    return running.data / "public" / "ca" / "servers-root.pem"


def by_openssl(running: Running, host: str, port: int, folder: Path) -> str:
    where = ["-connect", f"127.0.0.1:{port}", "-servername", host, "-verify_hostname", host]
    command = ["openssl", "s_client", *where, "-CAfile", root(running), "-verify_return_error", "-brief"]
    done = shell.attempt(folder, *command)
    return done.stdout + done.stderr


def by_java(running: Running, host: str, port: int, folder: Path) -> str:
    return shell.run(folder, "java", CONNECT, root(running), host, str(port))


def by_chromium(browser: Browser, host: str, port: int) -> str:
    page = browser.new_page()
    try:
        answer = page.goto(f"https://{host}:{port}/login", timeout=20_000)
        return f"status {answer.status}" if answer else "nothing"
    except Error as error:
        return error.message
    finally:
        page.close()


@pytest.mark.parametrize("forged", ["bank.example"], indirect=True)
def test_a_bank_is_refused_by_openssl_java_and_chromium(
    running: Running, browser: Browser, forged: int, tmp_path: Path
) -> None:
    host = "bank.example"
    assert "permitted subtree violation" in by_openssl(running, host, forged, tmp_path)
    assert "name constraints" in by_java(running, host, forged, tmp_path)
    assert "ERR_CERT_INVALID" in by_chromium(browser, host, forged)


@pytest.mark.parametrize("forged", ["shop.home.arpa"], indirect=True)
def test_the_same_forgery_for_a_name_of_the_household_is_accepted(
    running: Running, browser: Browser, forged: int, tmp_path: Path
) -> None:
    """So it was the name, and nothing else, that the bank failed by."""
    host = "shop.home.arpa"
    assert "Verification: OK" in by_openssl(running, host, forged, tmp_path)
    assert by_java(running, host, forged, tmp_path) == "accepted\n"
    assert by_chromium(browser, host, forged) == "status 200"


def test_the_portal_is_accepted_by_all_three(running: Running, browser: Browser, tmp_path: Path) -> None:
    host, port = "portal.home.arpa", running.address[1]
    assert "Verification: OK" in by_openssl(running, host, port, tmp_path)
    assert by_java(running, host, port, tmp_path) == "accepted\n"
    assert by_chromium(browser, host, port) == "status 200"
