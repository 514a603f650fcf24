"""The same pages in Firefox ESR and in WebKitGTK, closed and opened again between asking and finishing."""

import shutil
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.browser import asking, shell
from tests.browser.cast import Cast, cast
from tests.browser.reading import read_by_everyone
from tests.js.browsers import needs, screen, talking
from tests.js.marionette import Firefox, firefox
from tests.portal.running import wait_until

pytestmark = pytest.mark.slow
TLS_1_3 = 4  # nsITransportSecurityInfo
PROTOCOL = """return Services.wm.getMostRecentWindow("navigator:browser")
    .gBrowser.securityUI.secInfo.protocolVersion;"""
KEPT = """await new Promise((done, failed) => {
    const asked = indexedDB.open("latchkey", 1);
    asked.onerror = failed;
    asked.onsuccess = () => {
      const counted = asked.result.transaction("keys").objectStore("keys").count();
      counted.onsuccess = () => done(counted.result);
    };
  })"""
Go, Run = Callable[[str], None], Callable[[str], Any]
Window = tuple[Go, Run]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    with cast(tmp_path_factory.mktemp("elsewhere")) as found:
        yield found


def origin(home: Cast, port: int = 0) -> str:
    return f"https://localhost:{port or home.running.address[1]}"


def cookies(home: Cast) -> list[dict[str, Any]]:
    """As alice has them who is signed in."""
    return [dict(one) for one in home.people["alice"].page.context.cookies()]


@contextmanager
def a_firefox(home: Cast, folder: Path) -> Iterator[Firefox]:
    """With alice signed in; what she saves goes to `folder`, too."""
    wanted = {"browser.download.folderList": 2, "browser.download.dir": str(folder)}
    with firefox(folder / "profile", {**wanted, "browser.download.useDownloadDir": True}) as found:
        found.go(f"{origin(home)}/login")
        for cookie in cookies(home):
            kept = {name: cookie[name] for name in ("name", "value", "path", "secure", "httpOnly")}
            found.say("WebDriver:AddCookie", cookie=kept)
        yield found


@contextmanager
def in_firefox(home: Cast, folder: Path) -> Iterator[Window]:
    with a_firefox(home, folder) as found:
        yield found.go, found.run


@contextmanager
def in_webkit(home: Cast, folder: Path) -> Iterator[Window]:
    with screen() as display, talking(folder, display) as tell:
        tell({})
        served = ssl.DER_cert_to_PEM_cert(home.running.leaf())
        tell({"trust": served, "host": "localhost"})

        def run(body: str) -> Any:
            return tell({"call": body, "with": []})

        tell({"go": f"{origin(home)}/login"})
        for cookie in cookies(home):
            run(f"document.cookie = '{cookie['name']}={cookie['value']}; Secure; Path=/'")
        yield lambda address: tell({"go": address}), run


def until(run: Run, condition: str) -> None:
    def holds() -> bool:
        try:
            return bool(run(f"return {condition}"))
        except RuntimeError:  # the page is being left
            return False

    wait_until(holds, 30, condition)


def shown(part: str) -> str:
    return f"Boolean(document.querySelector('{part}') && !document.querySelector('{part}').hidden)"


def asks(home: Cast, window: Window, device: str) -> str:
    """The path of the request's page."""
    go, run = window
    go(f"{origin(home)}/device?way=page")
    # WebKitGTK says that a page is there before its modules are.
    until(run, "document.readyState === 'complete' && !document.getElementById('ask').disabled")
    run(f"document.getElementById('id_device').value = '{device}'")
    run("document.getElementById('ask').click()")
    until(run, shown("[data-step=here]"))
    return str(run("return location.pathname"))


def finishes(home: Cast, window: Window, path: str, file: Path) -> str:
    """The password; the file is saved."""
    go, run = window
    go(f"{origin(home)}{path}/finish")
    until(run, shown("[data-step=ready]"))
    run("document.getElementById('make').click()")
    until(run, shown("[data-step=made]"))
    run("document.getElementById('save').click()")
    wait_until(lambda: file.is_file() and file.stat().st_size > 0, 30, "saved")
    return str(run("return document.getElementById('password').textContent"))


def journey(
    home: Cast, folder: Path, device: str, browser: Callable[[Cast, Path], AbstractContextManager[Window]]
) -> tuple[str, Path, str]:
    """From asking to the file: the request's path, the file, its password. Everybody reads the file."""
    file = folder / f"alices-{device}.p12"
    with browser(home, folder) as window:
        path = asks(home, window, device)
    asking.approve(home.people["dora"], device)
    with browser(home, folder) as window:
        password = finishes(home, window, path, file)
    read_by_everyone(home, path, file, password)
    return path, file, password


def test_webkit_keeps_the_key_while_it_is_closed(home: Cast, tmp_path: Path) -> None:
    needs(shutil.which("Xvfb"), "xvfb")
    path, _, _ = journey(home, tmp_path, "lantern", in_webkit)
    with in_webkit(home, tmp_path) as (go, run):
        go(f"{origin(home)}{path}/finish")
        until(run, shown("[data-step=ready]"))
        run("document.getElementById('make').click()")
        until(run, shown("[data-step=made]"))
        run("document.getElementById('installed').click()")
        until(run, shown("[data-step=done]"))
        go(f"{origin(home)}{path}/finish")
        until(run, shown("[data-step=gone]"))


def test_firefox_gets_from_the_button_to_the_open_door(home: Cast, tmp_path: Path) -> None:
    """What it made is installed in it; seen at work, the key leaves the page's store by itself."""
    needs(shutil.which("firefox-esr") or shutil.which("firefox"), "firefox-esr")
    store = tmp_path / "profile"
    store.mkdir()
    root = home.running.data / "public" / "ca" / "servers-root.pem"
    shell.run(tmp_path, "certutil", "-d", f"sql:{store}", "-N", "--empty-password")
    shell.run(tmp_path, "certutil", "-d", f"sql:{store}", "-A", "-t", "C,,", "-n", "root", "-i", root)
    path, file, password = journey(home, tmp_path, "reading-lamp", in_firefox)
    shell.run(tmp_path, "pk12util", "-d", f"sql:{store}", "-i", file, "-W", password, "-K", "")
    with a_firefox(home, tmp_path) as found:
        found.go(origin(home) + path)
        assert found.run(f"return {KEPT}") == 1
        found.go(origin(home, home.running.check_address[1]))
        assert "Everything is fine" in found.run("return document.body.innerText")
        found.go(origin(home) + path)
        until(found.run, f"{KEPT} === 0")
        found.go(origin(home, home.running.door_address[1]))
        assert "Front door" in found.run("return document.body.innerText")
        assert protocol(found) == TLS_1_3


def protocol(found: Firefox) -> int:
    """TLS of the page that is shown."""
    found.inside()
    try:
        return int(found.run(PROTOCOL))
    finally:
        found.outside()
