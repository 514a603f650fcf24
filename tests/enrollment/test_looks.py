"""The pages in real Chromium: nothing sideways, nothing too small for a thumb, nothing axe objects to."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from enrollment import ra
from enrollment.models import CertificationRequest, Status
from tests.conftest import make_csr
from tests.enrollment.acts import HERE, ask, form
from tests.enrollment.test_submitting import with_names
from tests.pictures import faults_in

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("signer")]


@pytest.fixture
def pages(alice: User, charlie: User, bob: User, browser: Client, sign_in: Callable[..., Client]) -> dict[str, str]:
    """Name -> HTML, as the cast sees them."""
    live = ra.approve(request=ask(alice, "phone"), by=bob, address=HERE)
    gone = ra.approve(request=ask(alice, "old laptop"), by=bob, address=HERE)
    ra.revoke(request=gone, by=alice, address=HERE, reason="superseded")
    refused = ask(charlie, "garage sensor", "mqtt-client")
    ra.reject(request=refused, by=bob, address=HERE, reason="Please name it after its room.")
    asked = ask(alice, "tablet in the kitchen")
    ra.ask(request=asked, by=bob, address=HERE, text="Is this the one with the cracked glass?")
    server = ask(charlie, "NAS", "tls-server", with_names("nas.home.arpa", "bank.example"), ("nas.home.arpa",))
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
            "revoke": f"/requests/{live.pk}/revoke",
        },
        "charlie": {"request-refused": f"/requests/{refused.pk}", "request-waiting": f"/requests/{server.pk}"},
    }
    found: dict[str, str] = {}
    for user in (alice, bob, charlie):
        client = sign_in(browser, user, fresh=user.username != "bob")
        for name, path in paths[user.username].items():
            found[name] = client.get(path).content.decode()
        if user == bob:
            found["batch"] = client.post("/queue/batch", {"chosen": [str(server.pk), str(asked.pk)]}).content.decode()
            sent = {"action": "approve", "common_name": "", "days": "4000", "names": "x y", "code": "1"}
            found["review-errors"] = client.post(f"/queue/{server.pk}/decide", sent).content.decode()
        if user == alice:
            look = {**form(with_names("nas.home.arpa"), profile="tls-server"), "show": "1"}
            found["submit-look"] = client.post("/requests/new", look).content.decode()
            found["submit-errors"] = client.post("/requests/new", form(b"nonsense", device="")).content.decode()
    waiting = CertificationRequest.objects.filter(status=Status.PENDING)
    assert waiting.count() == 2 and make_csr
    return {f"enrollment-{name}": html for name, html in found.items()}


def test_every_page_looks_right(pages: dict[str, str]) -> None:
    assert faults_in(pages) == []
