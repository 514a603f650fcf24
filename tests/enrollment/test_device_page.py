"""One button: which way is proposed, what is asked, and the way over to the phone."""

import gzip
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.models import User
from audit.models import AuditEvent
from enrollment import handover, kinds, ra
from enrollment.models import CertificationRequest, HandOver, Status
from tests.conftest import Browser, make_csr
from tests.enrollment.acts import HERE

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
AGENTS = {
    f"{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1": ("iphone", "profile", "compat"),
    f"{IPHONE.replace('17_5', '18_6')} Version/26.0 Mobile/15E148 Safari/604.1": (
        "iphone",
        "profile",
        "modern",
    ),
    "Mozilla/5.0 (iPad; CPU OS 15_8 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1": (
        "ipad",
        "profile",
        "compat",
    ),
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15": (
        "mac",
        "profile",
        "compat",
    ),
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36": (
        "chrome",
        "page",
        "compat",
    ),
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0": (
        "firefox",
        "page",
        "compat",
    ),
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36": (
        "android",
        "page",
        "compat",
    ),
    "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0": ("android", "page", "modern"),
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36": (
        "windows",
        "page",
        "compat",
    ),
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36": (
        "linux",
        "page",
        "compat",
    ),
    "curl/8": ("other", "page", "compat"),
    "": ("other", "page", "compat"),
}


SCRIPTS = settings.BASE_DIR / "static" / "enrollment"
TEMPLATES = settings.BASE_DIR / "templates" / "enrollment"


def test_the_scripts_are_small_ask_for_the_chain_and_tell_that_it_is_installed() -> None:
    """What they import is looked at in tests/js/test_modules.py."""
    asks, finishes = ((SCRIPTS / f"{name}.js").read_text() for name in ("device", "finish"))
    assert "fetch" not in asks and finishes.count("fetch(") == 2
    assert "fetch(place.dataset.chain" in finishes
    assert "fetch(tell.action, {" in finishes and 'id="tell"' in (TEMPLATES / "finish.html").read_text()
    for text in (asks, finishes):
        assert len(gzip.compress(text.encode())) < 2_200
        assert not re.search(r"XMLHttpRequest|sendBeacon|WebSocket|EventSource|innerHTML|eval|Function", text)


@pytest.fixture
def hers(alice: User, browser: Client, sign_in: Callable[..., Client]) -> Client:
    return sign_in(browser, alice)


def asking(**more: str) -> dict[str, str]:
    return {"way": "page", "as": "", "csr": make_csr().decode(), "device": "phone", "note": "", **more}


@pytest.mark.parametrize("agent", AGENTS)
def test_the_device_is_recognised_and_its_way_proposed(agent: str) -> None:
    kind = kinds.of(agent)
    assert (kind.name, kind.way, kinds.build(agent)) == AGENTS[agent]


def test_every_kind_can_be_chosen_and_nothing_else(hers: Client) -> None:
    for kind in kinds.KINDS.values():
        assert kind.title in hers.get(f"/device?as={kind.name}").content.decode()
    assert hers.get("/device?as=../../etc&way=nonsense").status_code == 200


def test_the_page_says_three_steps_and_offers_the_other_way(hers: Client) -> None:
    page = hers.get("/device", headers={"User-Agent": next(iter(AGENTS))}).content.decode()
    assert "You install a profile" in page and page.count("<li><strong>") == 3
    assert 'href="/device?way=page">Make the key in this browser instead</a>' in page
    other = hers.get("/device?way=page", headers={"User-Agent": next(iter(AGENTS))}).content.decode()
    assert "This page makes a key" in other and "<noscript>" in other
    assert other.count("<li><strong>") == 3 and "within 6 days" in other
    assert 'href="/device?way=profile">Use a profile instead</a>' in other


def test_on_an_iphone_another_browser_is_sent_to_safari(hers: Client) -> None:
    chrome = hers.get("/device", headers={"User-Agent": f"{IPHONE} CriOS/140.0 Mobile/15E148 Safari/604.1"})
    assert "Open this page in <strong>Safari</strong>" in chrome.content.decode()
    safari = hers.get("/device", headers={"User-Agent": next(iter(AGENTS))})
    assert "Open this page in" not in safari.content.decode()


def test_home_and_ones_requests_have_the_button(hers: Client) -> None:
    for path in ("/", "/requests/"):
        assert 'href="/device">Put a certificate on this device</a>' in hers.get(path).content.decode()


def test_a_request_made_in_the_page_is_one_like_any_other_and_lapses_after_six_days(
    hers: Client, alice: User
) -> None:
    sent = hers.post("/device/start", asking(note="my new one"))
    made = CertificationRequest.objects.get()
    assert sent.headers["Location"] == f"/requests/{made.pk}"
    assert (made.owner, made.profile, made.common_name) == (alice, "tls-client", "alice's phone")
    assert made.made_in_browser and made.note == "my new one"
    left = made.lapses_at - timezone.now()
    assert timedelta(days=5, hours=23) < left <= timedelta(days=6)
    CertificationRequest.objects.update(lapses_at=timezone.now() - timedelta(seconds=1))
    assert ra.lapse_overdue() == 1
    page = hers.get(f"/requests/{made.pk}").content.decode()
    assert "nobody decided within six days" in page and 'data-over="1"' in page


def test_requester_and_officer_see_the_same_four_words(
    hers: Client, bob: User, sign_in: Callable[..., Client]
) -> None:
    hers.post("/device/start", asking())
    made = CertificationRequest.objects.get()
    words = re.search(r'<ol class="words">.*?</ol>', hers.get(f"/requests/{made.pk}").content.decode())
    assert words and words[0].count("<li>") == 4
    assert words[0] in sign_in(Browser(), bob).get(f"/queue/{made.pk}").content.decode()


def test_what_was_typed_stays_when_something_is_wrong(hers: Client) -> None:
    sent = asking(device="", note="the blue one")
    answer = hers.post("/device/start", sent)
    page = answer.content.decode()
    assert answer.status_code == 422 and "the blue one" in page
    assert "Give the device a name" in page
    assert sent["csr"].splitlines()[1].replace("+", "&#x2B;")[:20] in page  # its key needs no second one
    assert not CertificationRequest.objects.exists()


@pytest.mark.parametrize(
    "csr",
    ["", " ", "nonsense", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----"],
)
def test_no_request_or_a_bad_one_is_refused_with_a_way_out(hers: Client, csr: str) -> None:
    answer = hers.post("/device/start", asking(csr=csr))
    assert answer.status_code == 422
    assert "This needs another look" in answer.content.decode()
    assert not CertificationRequest.objects.exists()


@pytest.mark.parametrize("way", ["", "x", "\0", "csr"])
def test_a_way_that_there_is_not_is_refused(hers: Client, way: str) -> None:
    assert hers.post("/device/start", asking(way=way)).status_code == 422
    assert hers.post("/device/start", {}).status_code == 422


def test_the_same_key_twice_is_refused(hers: Client) -> None:
    sent = asking()
    hers.post("/device/start", sent)
    again = hers.post("/device/start", {**sent, "device": "other"})
    assert again.status_code == 422 and "You have asked for this key already" in again.content.decode()


def test_asking_for_a_device_makes_a_request_without_a_key(
    hers: Client, alice: User, bob: User, browser: Client, sign_in: Callable[..., Client]
) -> None:
    hers.post("/device/start", asking(way="profile", csr="", device="iPhone"))
    made = CertificationRequest.objects.get()
    assert (made.kind, made.key_sha256, made.status) == ("device", "", Status.PENDING)
    page = hers.get(f"/requests/{made.pk}").content.decode()
    assert "The words of your key" not in page and "made by the device" in page
    desk = sign_in(browser, bob)
    review = desk.get(f"/queue/{made.pk}").content.decode()
    assert "Approve this device" in review and "Compare by phone" not in review
    assert "would not be accepted" not in review
    assert desk.post("/queue/batch", {"chosen": [str(made.pk)]}).status_code == 200


def test_the_code_takes_what_was_typed_to_the_phone_once(hers: Client, alice: User) -> None:
    shown = hers.post("/device/link", {"device": "Anna's phone", "note": "new"})
    assert shown.status_code == 200 and "<svg" in shown.content.decode()
    path = shown.context["url"].removeprefix("http://testserver").removeprefix("https://testserver")
    assert path.startswith("/device/from/")
    assert path.rpartition("/")[2] not in str(list(HandOver.objects.values()))  # its digest alone is kept
    taken = hers.get(path)
    assert taken.headers["Location"] == "/device"
    page = hers.get("/device").content.decode()
    assert "Anna&#x27;s phone" in page and "new" in page
    assert hers.get(path).status_code == 410
    actions = list(AuditEvent.objects.values_list("action", flat=True))
    assert actions.count("handover.made") == actions.count("handover.used") == 1


def test_the_code_of_a_request_leads_to_it_and_only_to_ones_own(
    hers: Client, alice: User, charlie: User
) -> None:
    mine = ra.ask_for_device(by=alice, address=HERE, device="iPhone")
    other = ra.ask_for_device(by=charlie, address=HERE, device="iPad")
    shown = hers.post("/device/link", {"request": str(mine.pk)})
    taken = hers.get("/" + shown.context["url"].split("/", 3)[3])
    assert taken.headers["Location"] == f"/requests/{mine.pk}"
    for wrong in (str(other.pk), "nonsense", "\0"):
        assert hers.post("/device/link", {"request": wrong}).status_code == 404


def test_no_code_works_for_another_person_or_later_and_looking_does_not_use_it_up(
    hers: Client, alice: User, charlie: User, sign_in: Callable[..., Client]
) -> None:
    token = handover.make(alice, address=HERE, device="x")
    assert HandOver.objects.get().lapses_at <= timezone.now() + timedelta(minutes=10)
    assert hers.head(f"/device/from/{token}").status_code == 405
    assert sign_in(Browser(), charlie).get(f"/device/from/{token}").status_code == 410
    nobody = Browser().get(f"/device/from/{token}")
    assert nobody.headers["Location"] == f"/login?next=/device/from/{token}".replace("/", "%2F").replace(
        "%2Flogin", "/login", 1
    )
    HandOver.objects.update(lapses_at=timezone.now() - timedelta(seconds=1))
    assert hers.get(f"/device/from/{token}").status_code == 410
    first, second = handover.make(alice, address=HERE), handover.make(alice, address=HERE)
    assert hers.get(f"/device/from/{first}").status_code == 410  # the newer one took its place
    assert hers.get(f"/device/from/{second}").status_code == 302


@pytest.mark.usefixtures("signer")
def test_finishing_is_for_live_certificates_made_in_a_browser(hers: Client, alice: User, bob: User) -> None:
    hers.post("/device/start", asking())
    made = CertificationRequest.objects.get()
    path = f"/requests/{made.pk}/finish"
    assert hers.get(path).status_code == 302
    ra.approve(request=made, by=bob, address=HERE)
    page = hers.get(path).content.decode()
    assert f'data-key="{made.key_sha256}"' in page and 'data-form="compat"' in page
    for kind in (*kinds.KINDS, "nonsense"):
        found = hers.get(f"{path}?as={kind}").content.decode()
        assert found.count("<summary>") == (6 if kind == "nonsense" else 5)
    assert f"/requests/{made.pk}/finish" in hers.get(f"/requests/{made.pk}").content.decode()
    ra.revoke(request=made, by=alice, address=HERE, reason="superseded")
    assert hers.get(path).status_code == 302
