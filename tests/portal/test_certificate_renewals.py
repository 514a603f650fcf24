"""Renewing from a certificate's page: what changes, what is replaced, and when the old one ends."""

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from django.test import Client
from django.utils import timezone

from accounts.models import User
from audit.models import AuditEvent
from enrollment import ra, replaced, same_key, seen
from enrollment.models import CertificationRequest, Status
from pki.models import Certificate
from tests.conftest import make_csr
from tests.enrollment.acts import HERE, ask, form, thing
from tests.portal.test_certificate_pages import (
    desk,  # noqa: F401 fixtures
    home,  # noqa: F401
    issued,
    now_of,
    phone,  # noqa: F401
    send,
    text,
)

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("signer")]


def test_renewing_says_what_changes_and_the_request_what_it_replaces(
    phone: Certificate,  # noqa: F811
    home: Client,  # noqa: F811
    desk: Client,  # noqa: F811
    alice: User,
    bob: User,
) -> None:
    path = f"/certificates/{phone.pk}/renew"
    page = text(home.get(path))
    assert "a new one, made by the device" in page and "changed" in page
    assert desk.get(path).status_code == 404
    assert home.post(path)["Location"] == "/requests/new"
    name = CertificationRequest.objects.get(certificate=phone).device
    assert f'value="{name}"' in text(home.get("/requests/new"))  # the same again
    device = thing()
    sent = home.post("/requests/new", form(make_csr(), device=device))
    made = CertificationRequest.objects.get(device=device)
    assert made.predecessor_id == phone.pk and str(made.pk) in sent["Location"]
    assert home.get(path)["Location"].endswith(str(made.pk))  # asked once
    assert "Replaces" in text(desk.get(f"/queue/{made.pk}"))
    new = ra.approve(request=made, by=bob, address=HERE).certificate
    assert new is not None
    assert replaced.revoke() == 0
    seen.note(new.pk, address=HERE, at=timezone.now())
    assert replaced.revoke() == 1
    assert now_of(phone).reason == "superseded"
    assert f"/certificates/{phone.pk}" in text(home.get(f"/certificates/{new.pk}"))
    assert AuditEvent.objects.filter(action="request.renews", target=str(made.pk)).exists()


def test_what_was_renewed_and_never_seen_ends_after_a_time(
    alice: User,
    bob: User,
    home: Client,  # noqa: F811
) -> None:
    old = issued(alice, bob)
    home.post(f"/certificates/{old.pk}/renew")
    device = thing()
    home.post("/requests/new", form(make_csr(), device=device))
    made = CertificationRequest.objects.get(device=device)
    new = ra.approve(request=made, by=bob, address=HERE).certificate
    assert new is not None
    long_ago = timezone.now() - replaced.AFTER - timedelta(hours=1)
    assert replaced.revoke() == 0
    Certificate.objects.filter(pk=new.pk).update(issued_at=long_ago)
    assert replaced.revoke() == 1
    assert now_of(old).reason == "superseded"


def test_of_two_renewals_of_the_same_one_replaces_it(alice: User, bob: User) -> None:
    old, first, second = issued(alice, bob), ask(alice, thing()), ask(alice, thing())
    CertificationRequest.objects.filter(pk__in=[first.pk, second.pk]).update(predecessor=old)
    for request in (first, second):
        request.refresh_from_db()
        assert ra.approve(request=request, by=bob, address=HERE).status == Status.ISSUED
    assert [CertificationRequest.objects.get(pk=found.pk).predecessor_id for found in (first, second)] == [
        old.pk,
        None,
    ]


def test_what_one_has_no_more_cannot_be_renewed(
    phone: Certificate,  # noqa: F811
    home: Client,  # noqa: F811
) -> None:
    send(home, phone)
    path = f"/certificates/{phone.pk}"
    assert home.get(f"{path}/renew")["Location"] == path
    assert "Renew it" not in text(home.get(path))
    home.post(f"{path}/renew")
    device = thing()
    home.post("/requests/new", form(make_csr(), device=device))
    assert CertificationRequest.objects.get(device=device).predecessor_id is None


def openssl(*arguments: object, **options: object) -> bytes:
    command = ["openssl", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, timeout=60, **options).stdout


@pytest.mark.parametrize("ends", ["seen", "after a time"])
def test_a_printer_keeps_its_key_and_gets_a_new_certificate(
    alice: User,
    bob: User,
    home: Client,  # noqa: F811
    desk: Client,  # noqa: F811
    tmp_path: Path,
    ends: str,
) -> None:
    key, device = tmp_path / "printer.key", thing()
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    home.post(
        "/requests/new", form(openssl("req", "-new", "-key", key, "-subj", "/CN=printer"), device=device)
    )
    old = ra.approve(
        request=CertificationRequest.objects.get(device=device), by=bob, address=HERE
    ).certificate
    assert old is not None
    asked = home.post(f"/certificates/{old.pk}/renew", {"key": "same"})["Location"]
    assert "The key stays the same" in text(desk.get(asked.replace("requests", "queue")))
    desk.post(
        f"{asked.replace('requests', 'queue')}/decide",
        {"action": "approve", "common_name": old.subject, "days": 365},
    )
    new = Certificate.objects.get(request__predecessor=old)
    assert "The key stayed the same" in text(home.get(asked))
    pem = home.get(f"{asked}/certificate.pem").content
    shown = x509.load_pem_x509_certificate(pem)
    was = x509.load_der_x509_certificate(bytes(old.der))
    assert openssl("x509", "-pubkey", "-noout", input=pem) == openssl("pkey", "-in", key, "-pubout")
    assert shown.serial_number != was.serial_number and shown.subject == was.subject
    assert replaced.revoke() == 0
    if ends == "seen":
        seen.note(new.pk, address=HERE, at=timezone.now())
    else:
        Certificate.objects.filter(pk=new.pk).update(issued_at=timezone.now() - replaced.AFTER)
    assert replaced.revoke() == 1
    assert (now_of(old).reason, now_of(new).revoked_at) == ("superseded", None)


def test_the_page_says_that_it_should_be_renewed_until_somebody_asked(
    phone: Certificate,  # noqa: F811
    home: Client,  # noqa: F811
    desk: Client,  # noqa: F811
) -> None:
    path, button = f"/certificates/{phone.pk}", "Ask its owner to renew it"
    assert button in text(desk.get(path)) and button not in text(home.get(path))
    desk.post("/certificates/renew", {"chosen": str(phone.pk), "confirmed": "1"})
    assert "Your officer asks you to renew this" in text(home.get(path))
    page = text(desk.get(path))
    assert "asked its owner" in page and button not in page
    assert "Its owner was asked to renew it" in page  # its history
    home.post(f"{path}/renew", {"key": "same"})
    assert "asks you to renew" not in text(home.get(path))


def test_a_key_that_is_compromised_while_it_waits_is_not_certified_again(alice: User, bob: User) -> None:
    old = issued(alice, bob)
    waits = same_key.ask(old, by=alice, address=HERE)
    ra.revoke(request=old.request, by=alice, address=HERE, reason="keyCompromise")
    with pytest.raises(ra.Refused, match="revoked meanwhile"):
        ra.approve(request=waits, by=bob, address=HERE)
    CertificationRequest.objects.filter(pk=waits.pk).update(predecessor=None)  # the signer by itself
    waits.refresh_from_db()
    refused = ra.approve(request=waits, by=bob, address=HERE)
    assert refused.status == Status.REJECTED and "compromised" in refused.reason
    assert not Certificate.objects.filter(key_sha256=old.key_sha256, revoked_at=None).exists()


def test_when_the_key_is_stolen_later_both_end(alice: User, bob: User) -> None:
    old = issued(alice, bob)
    new = ra.approve(request=same_key.ask(old, by=alice, address=HERE), by=bob, address=HERE).certificate
    assert new is not None
    ra.revoke(request=new.request, by=alice, address=HERE, reason="keyCompromise")
    assert {now_of(old).reason, now_of(new).reason} == {"keyCompromise"}
