"""The pages in real Chromium: nothing sideways, nothing too small for a thumb, nothing axe objects to."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from enrollment import ra
from enrollment.models import CertificationRequest
from tests.enrollment.acts import HERE, ask, form
from tests.enrollment.test_submitting import with_names
from tests.pictures import SITE, chromium, faults_in, serve

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("signer")]


@pytest.fixture
def pages(
    alice: User, charlie: User, bob: User, browser: Client, sign_in: Callable[..., Client]
) -> dict[str, str]:
    """Name -> HTML, as the cast sees them."""
    live = ra.approve(request=ask(alice, "phone"), by=bob, address=HERE)
    gone = ra.approve(request=ask(alice, "old laptop"), by=bob, address=HERE)
    ra.revoke(request=gone, by=alice, address=HERE, reason="superseded")
    refused = ask(charlie, "garage sensor", "mqtt-client")
    ra.reject(request=refused, by=bob, address=HERE, reason="Please name it after its room.")
    asked = ask(alice, "tablet in the kitchen")
    ra.ask(request=asked, by=bob, address=HERE, text="Is this the one with the cracked glass?")
    server = ask(
        charlie, "NAS", "tls-server", with_names("nas.home.arpa", "bank.example"), ("nas.home.arpa",)
    )
    CertificationRequest.objects.filter(pk=server.pk).update(note="Under the stairs.\nFor photos.")
    paths = {
        "bob": {
            "queue": "/queue/",
            "queue-any": "/queue/?status=any&q=a",
            "queue-nothing": "/queue/?q=nobody",
            "review": f"/queue/{server.pk}",
            "review-issued": f"/queue/{live.pk}",
        },
        "alice": {
            "requests": "/requests/",
            "submit": "/requests/new",
            "request-live": f"/requests/{live.pk}",
            "request-question": f"/requests/{asked.pk}",
            "request-revoked": f"/requests/{gone.pk}",
        },
        "charlie": {
            "request-refused": f"/requests/{refused.pk}",
            "request-waiting": f"/requests/{server.pk}",
        },
    }
    found: dict[str, str] = {}
    for user in (alice, bob, charlie):
        client = sign_in(browser, user, fresh=user.username != "bob")
        for name, path in paths[user.username].items():
            found[name] = client.get(path).content.decode()
        if user == bob:
            found["batch"] = client.post(
                "/queue/batch", {"chosen": [str(server.pk), str(asked.pk)]}
            ).content.decode()
            sent = {"action": "approve", "common_name": "", "days": "4000", "names": "x y", "code": "1"}
            found["review-errors"] = client.post(f"/queue/{server.pk}/decide", sent).content.decode()
        if user == alice:
            look = {**form(with_names("nas.home.arpa"), profile="tls-server"), "show": "1"}
            found["submit-look"] = client.post("/requests/new", look).content.decode()
            found["submit-errors"] = client.post(
                "/requests/new", form(b"nonsense", device="")
            ).content.decode()
    return {f"enrollment-{name}": html for name, html in found.items()}


def test_every_page_looks_right(pages: dict[str, str]) -> None:
    assert faults_in(pages, ("phone-dark", "desk-light")) == []


def test_the_pages_about_devices_look_right(
    alice: User, bob: User, browser: Client, sign_in: Callable[..., Client]
) -> None:
    waits = ra.ask_for_device(by=alice, address=HERE, device="iPad", note="The one on the fridge.")
    ready = ra.ask_for_device(by=alice, address=HERE, device="iPhone")
    ra.approve(request=ready, by=bob, address=HERE)
    found: dict[str, str] = {}
    for user, where in ((bob, "queue"), (alice, "requests")):
        client = sign_in(browser, user)
        for name, item in (("waits", waits), ("ready", ready)):
            found[f"{where}-{name}"] = client.get(f"/{where}/{item.pk}").content.decode()
    found["program"] = client.get("/device/program").content.decode()
    found["program-made"] = client.post("/device/program", {"device": "printer"}).content.decode()
    found["program-errors"] = client.post("/device/program", {"device": ""}).content.decode()
    pages = {f"device-{name}": html for name, html in found.items()}
    assert faults_in(pages, ("phone-dark", "desk-light")) == []


def test_what_is_in_a_pasted_or_chosen_request_appears_at_once(
    alice: User, browser: Client, sign_in: Callable[..., Client]
) -> None:
    client, pem = sign_in(browser, alice), with_names("nas.home.arpa")
    fragment = client.post("/requests/inspect", form(pem, profile="tls-server")).content.decode()
    pages = {"new": client.get("/requests/new").content.decode(), "requests/inspect": fragment}
    with chromium() as program:
        for fill in (
            lambda page: page.fill("#id_csr", pem.decode()),
            lambda page: page.set_input_files("#id_file", {"name": "x", "mimeType": "", "buffer": pem}),
        ):
            page = program.new_page()
            serve(page, pages)
            page.goto(f"{SITE}/new")
            assert not page.is_visible("#id_names")
            page.check("#id_profile_1")
            assert page.is_visible("#id_names") and page.inner_text("#preview") == ""
            fill(page)
            page.wait_for_selector("#preview .pair")
            assert "A good request: P-256" in page.inner_text("#summary")
            assert page.input_value("#id_names") == "nas.home.arpa"
            page.fill("#id_names", "")
            page.wait_for_timeout(600)
            assert page.input_value("#id_names") == ""  # offered once, not forced


def test_a_waiting_page_follows_what_happens(
    alice: User, bob: User, browser: Client, sign_in: Callable[..., Client]
) -> None:
    request = ask(alice)
    path, client = f"requests/{request.pk}", sign_in(browser, alice)
    pages = {path: client.get(f"/{path}").content.decode()}
    ra.approve(request=request, by=bob, address=HERE)
    after = client.get(f"/{path}").content.decode()
    pages[f"{path}/state"] = client.get(f"/{path}/state").content.decode()
    with chromium() as program:
        page = program.new_page()
        serve(page, pages)
        page.goto(f"{SITE}/{path}")
        assert "Waiting" in page.inner_text("#state")
        pages[path] = after
        page.wait_for_selector("text=Take the certificate", timeout=10_000)
