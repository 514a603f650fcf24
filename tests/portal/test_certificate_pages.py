"""One certificate's page, and how it ends early: by its owner, an officer, several at once, by paper."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Throttle, User
from audit.models import AuditEvent
from door.models import Door
from enrollment import ra, revoking, seen
from enrollment.models import CertificationRequest, PaperCode, Status
from enrollment.refusals import Refused
from pki import crl, revocation, verification
from pki.errors import CertificateRejected, SignerUnavailable
from pki.models import Certificate
from tests.conftest import Browser, make_csr, next_code, open_session
from tests.door.acts import practice_door
from tests.enrollment.acts import HERE, ask, thing
from tests.nasty import NASTY

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("signer")]


def issued(owner: User, officer: User, **fields: object) -> Certificate:
    made = ra.approve(request=ask(owner, thing(), **fields), by=officer, address=HERE)
    assert made.certificate is not None
    return made.certificate


@pytest.fixture
def phone(alice: User, bob: User) -> Certificate:
    return issued(alice, bob)


@pytest.fixture
def home(alice: User) -> Client:
    return open_session(Browser(), alice)


@pytest.fixture
def desk(bob: User) -> Client:
    return open_session(Browser(), bob)


def text(answer: HttpResponse) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def send(client: Client, *chosen: Certificate, **fields: str) -> HttpResponse:
    """The revoke page's form, filled in."""
    sent = {"chosen": [str(found.pk) for found in chosen], "confirmed": "1", "reason": "superseded"}
    return client.post("/certificates/revoke", {**sent, **fields})


def now_of(certificate: Certificate) -> Certificate:
    return Certificate.objects.get(pk=certificate.pk)


def is_listed(certificate: Certificate) -> bool:
    return int(certificate.serial, 16) in crl.current(certificate.authority)


def test_the_page_says_what_is_in_it_what_it_opens_and_what_came_before(
    phone: Certificate, home: Client, desk: Client, alice: User
) -> None:
    practice_door()
    assert Door.objects.count() == 1
    seen.note(phone.pk, address="192.0.2.44", at=timezone.now())
    home.get(f"/certificates/{phone.pk}/certificate.pem")
    for client in (home, desk):
        page = text(client.get(f"/certificates/{phone.pk}"))
        assert phone.subject.replace("'", "&#x27;") in page
        for word in ("clientAuth", "digitalSignature", "/crl/clients.crl", "2.5.29.15", "192.0.2.44"):
            assert word in page, word
        for word in (
            "Asked for",
            "Approved",
            "Issued",
            "Seen at work",
            "Downloaded",
            Door.objects.get().name,
        ):
            assert word in page, word
        assert page.index("Asked for") < page.index("Approved") < page.index("Downloaded")


@pytest.mark.parametrize("form", ["pem", "chain.pem", "cer", "p7b"])
def test_it_can_be_had_in_every_form_by_whoever_may_look(
    phone: Certificate, home: Client, erin: User, form: str
) -> None:
    for client in (home, open_session(Browser(), erin)):
        answer = client.get(f"/certificates/{phone.pk}/certificate.{form}")
        assert answer.status_code == 200
        assert "attachment" in answer["Content-Disposition"]
    assert home.get(f"/certificates/{phone.pk}/certificate.exe").status_code == 404


def test_strangers_find_nothing(phone: Certificate, charlie: User, dora: User) -> None:
    for user in (charlie, dora):
        client = open_session(Browser(), user)
        for path in ("", "/certificate.pem", "/paper", "/release"):
            assert client.get(f"/certificates/{phone.pk}{path}").status_code == 404, path
            assert client.post(f"/certificates/{phone.pk}{path}").status_code in (404, 405), path
        for path in ("revoked", "revoked/state"):
            assert client.get(f"/certificates/{path}?c={phone.pk}").status_code == 404
        assert send(client, phone).status_code == 302  # nothing of that was chosen
        assert client.get(f"/certificates/revoke?c={phone.pk}").status_code == 302
    assert now_of(phone).revoked_at is None


def test_an_auditor_looks_and_touches_nothing(phone: Certificate, erin: User) -> None:
    client = open_session(Browser(), erin)
    assert client.get(f"/certificates/{phone.pk}").status_code == 200
    answer = send(client, phone)
    assert "Only its owner or an officer" in text(client.get(f"/certificates/revoke?c={phone.pk}"))
    assert answer.status_code == 302
    assert now_of(phone).revoked_at is None
    with pytest.raises(Refused):
        revoking.revoke(phone, by=erin, address=HERE, reason="superseded")


def test_one_click_and_every_step_is_shown(phone: Certificate, home: Client) -> None:
    answer = send(home, phone, reason="keyCompromise", since="2026-11-01")
    done = text(home.get(answer["Location"]))
    gone = now_of(phone)
    assert gone.reason == "keyCompromise"
    assert gone.invalidity is not None and gone.invalidity.year == 2026
    assert is_listed(phone)
    with pytest.raises(CertificateRejected):
        verification.verify(bytes(phone.der))
    assert "Somebody else may have the key: lost, stolen or copied, since 1 November 2026" in text(
        home.get(f"/certificates/{phone.pk}")
    )
    for word in (
        "written it down",
        "Published, with this certificate on it",
        "shut for it",
        "Nobody has fetched",
    ):
        assert word in done, word


def test_without_a_fresh_code_nothing_happens(phone: Certificate, alice: User) -> None:
    stale = open_session(Browser(), alice, fresh=False)
    answer = send(stale, phone)
    assert answer.status_code == 422
    assert now_of(phone).revoked_at is None
    assert send(stale, phone, code=next_code(alice)).status_code == 302
    assert now_of(phone).revoked_at is not None


@pytest.mark.parametrize(
    "fields",
    [
        {"reason": ""},
        {"reason": "removeFromCRL"},
        {"since": "tomorrow"},
        {"since": "9999-01-01"},
        {"since": "0001-01-01"},
    ],
)
def test_what_will_not_do_comes_back_with_a_sentence(
    phone: Certificate, home: Client, fields: dict[str, str]
) -> None:
    answer = send(home, phone, **fields)
    assert answer.status_code == 422
    assert "This needs another look" in text(answer)
    assert now_of(phone).revoked_at is None


def test_sent_twice_it_is_done_once(phone: Certificate, home: Client, desk: Client) -> None:
    first, second = send(home, phone), send(desk, phone, reason="keyCompromise")
    assert first["Location"] == second["Location"]
    assert AuditEvent.objects.filter(action="certificate.revoked", target=str(phone.pk)).count() in (1, 2)
    assert now_of(phone).revoked_at is not None


def test_several_at_once_are_previewed_and_each_has_a_line(alice: User, bob: User, desk: Client) -> None:
    three = [issued(alice, bob) for _ in range(3)]
    revoking.revoke(three[0], by=alice, address=HERE, reason="superseded")
    preview = desk.post("/certificates/revoke", {"chosen": [str(found.pk) for found in three]})
    assert preview.status_code == 200
    page = text(preview)
    assert "Revoke 2 certificates" in page and "Nothing. It has ended already." in page
    assert all(now_of(found).revoked_at is None for found in three[1:])
    lists = AuditEvent.objects.filter(action="crl.published")
    before = lists.count()
    done = text(desk.get(send(desk, *three)["Location"]))
    assert lists.count() == before + 1  # one for both
    assert done.count("state revoked") == 3
    assert all(is_listed(found) for found in three)
    assert now_of(three[0]).reason == "superseded"


def test_a_compromised_key_takes_its_other_certificates_along(
    alice: User, bob: User, desk: Client, settings: Settings, tmp_path: Path
) -> None:
    pem = make_csr(key=ec.generate_private_key(ec.SECP256R1()))
    first = issued(alice, bob, pem=pem)
    revoking.revoke(first, by=alice, address=HERE, reason=revocation.HOLD)
    second = issued(alice, bob, pem=pem)  # the same key may be asked for while the first is on hold
    preview = text(desk.get(f"/certificates/revoke?c={second.pk}"))
    assert "The same key is in 1 other certificate" in preview
    here, settings.SIGNER_SOCKET = settings.SIGNER_SOCKET, tmp_path / "nobody.sock"
    assert "Revoked as well" not in text(desk.get(send(desk, second, reason="keyCompromise")["Location"]))
    settings.SIGNER_SOCKET = here
    assert "Revoked as well" in text(desk.get(send(desk, second, reason="keyCompromise")["Location"]))
    assert now_of(second).reason == "keyCompromise"
    assert now_of(first).reason == "keyCompromise"
    with pytest.raises(Refused, match="nobody can use it again"):
        ask(alice, thing(), pem=pem)


def test_nobody_waits_for_a_message_to_whom_is_here_no_more(
    phone: Certificate, desk: Client, alice: User
) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    page = text(desk.get(send(desk, phone)["Location"]))
    assert "How far it has come" in page and "A message is on its way" not in page


def test_a_hold_is_released_by_an_officer_and_never_by_its_owner(
    phone: Certificate, home: Client, desk: Client, alice: User, bob: User
) -> None:
    send(home, phone, reason=revocation.HOLD)
    assert now_of(phone).reason == revocation.HOLD and is_listed(phone)
    assert "On hold" in text(home.get(f"/certificates/{phone.pk}"))
    assert home.post(f"/certificates/{phone.pk}/release").status_code == 404
    User.objects.filter(pk=alice.pk).update(is_officer=True)
    alice.refresh_from_db()
    assert "somebody else decides" in text(home.post(f"/certificates/{phone.pk}/release"))
    with pytest.raises(Refused):
        revoking.release(now_of(phone), by=alice, address=HERE)
    stale = open_session(Browser(), bob, fresh=False)
    assert stale.post(f"/certificates/{phone.pk}/release").status_code == 422
    assert now_of(phone).reason == revocation.HOLD
    assert desk.post(f"/certificates/{phone.pk}/release").status_code == 302
    released = now_of(phone)
    assert (released.revoked_at, released.reason) == (None, "")
    assert not is_listed(phone)
    assert verification.verify(bytes(phone.der)).serial == phone.serial
    line = AuditEvent.objects.get(action="certificate.released", target=str(phone.pk))
    assert line.actor == "bob"
    assert "Released" in text(home.get(f"/certificates/{phone.pk}"))


@pytest.mark.parametrize(
    ("broken", "said", "reason"),
    [
        ("pki.signer.client.changes", "wrote the release down, and then did not answer", revocation.HOLD),
        ("pki.crl.publish", "The list still names it", ""),
    ],
)
def test_a_release_is_said_only_as_far_as_it_came(
    phone: Certificate, home: Client, desk: Client, broken: str, said: str, reason: str
) -> None:
    """The signer goes after it wrote the release down, or before the list is made."""
    send(home, phone, reason=revocation.HOLD)

    def away(*_: object, **__: object) -> None:
        raise SignerUnavailable("The signer does not answer.")

    with pytest.MonkeyPatch.context() as gone:
        gone.setattr(broken, away)
        page = text(desk.post(f"/certificates/{phone.pk}/release", follow=True))
    assert said in page and "no longer names it" not in page
    assert now_of(phone).reason == reason and is_listed(phone)
    revocation.in_force()
    assert now_of(phone).reason == "" and not is_listed(phone)


def paper_code(client: Client, certificate: Certificate) -> str:
    page = text(client.post(f"/certificates/{certificate.pk}/paper", follow=True))
    found = re.search(r'class="code">([0-9a-z-]{24})<', page)
    assert found, page
    return found[1]


def test_nasty_text_as_a_code_or_a_choice_is_answered(phone: Certificate, home: Client) -> None:
    for nasty in (text.encode("utf-8", "replace").decode() for text in NASTY):
        Throttle.objects.all().delete()
        for answer in (
            Browser().post("/lost", {"code": nasty, "confirmed": nasty}),
            Browser().get("/lost", {"code": nasty}),
            home.post("/certificates/revoke", {"chosen": nasty, "reason": nasty, "since": nasty}),
            home.get("/certificates/revoked", {"c": nasty}),
        ):
            assert answer.status_code < 500, ascii(nasty)
            assert "<script>alert" not in answer.content.decode()
    assert now_of(phone).revoked_at is None


def test_while_the_signer_is_away_it_says_that_nothing_was_done(
    phone: Certificate, home: Client, alice: User, bob: User, settings: Settings, tmp_path: Path
) -> None:
    code, other = paper_code(home, phone), issued(alice, bob)
    settings.SIGNER_SOCKET = tmp_path / "nobody.sock"
    done = text(home.get(send(home, phone, other)["Location"]))
    assert "Nothing was revoked" in done and done.count("The signer does not answer") == 1
    answer = Browser().post("/lost", {"code": code, "confirmed": "1"})
    assert answer.status_code == 422
    assert now_of(phone).revoked_at is None
    assert PaperCode.objects.get().used_at is None


def test_what_renewed_it_and_what_it_renews_lead_to_one_another(alice: User, bob: User, home: Client) -> None:
    old, new = issued(alice, bob), issued(alice, bob)
    CertificationRequest.objects.filter(certificate=new).update(predecessor=old, status=Status.ISSUED)
    assert f"/certificates/{new.pk}" in text(home.get(f"/certificates/{old.pk}"))
    assert f"/certificates/{old.pk}" in text(home.get(f"/certificates/{new.pk}"))


def test_a_certificate_of_our_own_can_be_looked_at(erin: User, phone: Certificate) -> None:
    Certificate.objects.filter(pk=phone.pk).update(owner="service:portal")
    CertificationRequest.objects.filter(certificate=phone).update(certificate=None)
    page = text(open_session(Browser(), erin).get(f"/certificates/{phone.pk}"))
    assert "Latchkey itself" in page


def test_an_expired_one_opens_nothing_and_cannot_be_revoked(
    phone: Certificate, home: Client, sign_in: Callable[..., Client]
) -> None:
    Certificate.objects.filter(pk=phone.pk).update(not_after=timezone.now() - timedelta(days=1))
    page = text(home.get(f"/certificates/{phone.pk}"))
    assert "Nothing: it has ended." in page and "Revoke it" not in page
    assert "ended already" in text(home.get(f"/certificates/revoke?c={phone.pk}"))
    assert home.get(f"/certificates/{uuid4()}").status_code == 404


def test_the_request_s_page_leads_there_and_says_what_came_of_it(
    phone: Certificate, home: Client, desk: Client
) -> None:
    asked = CertificationRequest.objects.get(certificate=phone)
    for client, page in ((home, f"/requests/{asked.pk}"), (desk, f"/queue/{asked.pk}")):
        assert f"/certificates/revoke?c={phone.pk}" in text(client.get(page))
    send(desk, phone, reason="privilegeWithdrawn")
    assert "it opens nothing any more" in text(home.get(f"/requests/{asked.pk}"))
    assert "Revoked" in text(desk.get(f"/queue/{asked.pk}"))
