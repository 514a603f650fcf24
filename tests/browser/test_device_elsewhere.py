"""The same page in Firefox ESR, closed and opened again between asking and finishing."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.browser import asking, shell
from tests.browser.cast import Cast, cast
from tests.js.browsers import needs
from tests.js.marionette import Firefox, firefox
from tests.js.readers import Made, nss, openssl
from tests.portal.running import wait_until

pytestmark = pytest.mark.slow
FILE = "alices-reading-lamp.p12"


@contextmanager
def window(home: Cast, profile: Path, saved: Path) -> Iterator[Firefox]:
    """Firefox, which knows the household's root, with alice signed in."""
    wanted = {"browser.download.folderList": 2, "browser.download.dir": str(saved)}
    with firefox(profile, {**wanted, "browser.download.useDownloadDir": True}) as found:
        found.go(f"{address(home)}/login")
        for cookie in home.people["alice"].page.context.cookies():
            kept = {name: cookie[name] for name in ("name", "value", "path", "secure", "httpOnly")}
            found.say("WebDriver:AddCookie", cookie=kept)
        yield found


def address(home: Cast) -> str:
    return f"https://localhost:{home.running.address[1]}"


def until(found: Firefox, condition: str) -> None:
    def holds() -> bool:
        try:
            return bool(found.run(f"return {condition}"))
        except RuntimeError:  # the page is being left
            return False

    wait_until(holds, 30, condition)


def shown(part: str) -> str:
    return f"document.querySelector('{part}') && !document.querySelector('{part}').hidden"


def test_firefox_keeps_the_key_while_it_is_closed(tmp_path: Path) -> None:
    needs(shutil.which("firefox-esr") or shutil.which("firefox"), "firefox-esr")
    profile, saved = tmp_path / "profile", tmp_path / "saved"
    (tmp_path / "house").mkdir()
    profile.mkdir()
    saved.mkdir()
    with cast(tmp_path / "house") as home:
        root = home.running.data / "public" / "ca" / "servers-root.pem"
        shell.run(tmp_path, "certutil", "-d", f"sql:{profile}", "-N", "--empty-password")
        shell.run(tmp_path, "certutil", "-d", f"sql:{profile}", "-A", "-t", "C,,", "-n", "root", "-i", root)
        with window(home, profile, saved) as found:
            found.go(f"{address(home)}/device")
            until(found, "!document.getElementById('ask').disabled")
            assert found.run("return document.body.innerText.includes('Firefox on a computer')")
            found.run("document.getElementById('id_device').value = 'reading lamp'")
            found.run("document.getElementById('ask').click()")
            until(found, shown("[data-step=here]"))
            path = found.run("return location.pathname")
        asking.approve(home.people["dora"], "reading lamp")
        with window(home, profile, saved) as found:
            found.go(f"{address(home)}{path}/finish")
            until(found, shown("[data-step=ready]"))
            found.run("document.getElementById('make').click()")
            until(found, shown("[data-step=made]"))
            password = found.run("return document.getElementById('password').textContent")
            found.run("document.getElementById('save').click()")
            wait_until(lambda: (saved / FILE).is_file() and (saved / FILE).stat().st_size > 0, 30, "saved")
            found.run("document.getElementById('installed').click()")
            until(found, shown("[data-step=done]"))
            found.go(f"{address(home)}{path}/finish")
            until(found, shown("[data-step=gone]"))
    made = Made(saved / FILE, password, "alice's reading lamp", b"", ())
    openssl(made, password)
    nss(made, password)
