"""A key is for one person or device, and once spoiled for nobody."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from enrollment import ra
from enrollment.models import CertificationRequest, Status
from pki import csr
from pki.models import Certificate
from tests.conftest import make_csr
from tests.enrollment.acts import HERE, ask

pytestmark = pytest.mark.usefixtures("no_signer")


def certificate(owner: User, pem: bytes, **fields: object) -> Certificate:
    """A live certificate for the key of `pem`."""
    parsed, now = csr.parse(pem), timezone.now()
    values: dict[str, object] = {"owner": str(owner.pk), "authority": "clients", "profile": "tls-client"}
    values |= {
        "serial": "1",
        "fingerprint": parsed.sha256,
        "key_sha256": parsed.key_sha256,
        "subject": "phone",
    }
    values |= {"der": b"", "not_before": now, "not_after": now + timedelta(days=9), "request_id": owner.pk}
    return Certificate.objects.create(**{**values, **fields})


def test_the_same_key_waits_only_once(alice: User) -> None:
    pem = make_csr()
    ask(alice, pem=pem)
    with pytest.raises(ra.Refused, match="asked for this key already") as caught:
        ask(alice, pem=pem)
    assert "withdraw" in caught.value.remedy
    assert CertificationRequest.objects.count() == 1


def test_a_key_that_waits_for_somebody_else_is_theirs(alice: User, charlie: User) -> None:
    pem = make_csr()
    ask(alice, pem=pem)
    with pytest.raises(ra.Refused, match="another account"):
        ask(charlie, pem=pem)


@pytest.mark.parametrize("end", [Status.REJECTED, Status.WITHDRAWN, Status.LAPSED])
def test_after_a_refusal_the_same_key_may_be_sent_again(alice: User, end: Status) -> None:
    pem = make_csr()
    first = ask(alice, pem=pem)
    CertificationRequest.objects.filter(pk=first.pk).update(status=end)
    assert ask(alice, pem=pem).status == Status.PENDING


def test_a_live_certificate_is_named(alice: User) -> None:
    pem = make_csr()
    certificate(alice, pem)
    with pytest.raises(ra.Refused, match="live certificate for this key: “phone”"):
        ask(alice, pem=pem)


def test_the_key_of_an_expired_or_replaced_certificate_may_be_used_again(alice: User) -> None:
    pem = make_csr()
    certificate(alice, pem, not_after=timezone.now())
    assert ask(alice, pem=pem)
    other = make_csr()
    certificate(
        alice, other, revoked_at=timezone.now(), reason="superseded", serial="2", request_id=ask(alice).pk
    )
    assert ask(alice, pem=other)


def test_a_certificate_of_another_account_holds_its_key_for_ever(alice: User, charlie: User) -> None:
    pem = make_csr()
    certificate(alice, pem, not_after=timezone.now())
    with pytest.raises(ra.Refused, match="another account"):
        ask(charlie, pem=pem)


def test_a_compromised_key_is_refused_to_everybody(alice: User, charlie: User) -> None:
    pem = make_csr()
    certificate(alice, pem, revoked_at=timezone.now(), reason="keyCompromise")
    for somebody in (alice, charlie):
        with pytest.raises(ra.Refused, match="nobody can use it again"):
            ask(somebody, pem=pem)


def test_the_database_itself_keeps_one_open_request_for_a_key(alice: User) -> None:
    request = ask(alice)
    request.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        request.save(force_insert=True)


def test_two_that_arrive_at_once_are_told_apart(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    pem = make_csr()
    ask(alice, pem=pem)
    seen: list[str] = []

    def first_look(key: str, owner: User, *, renews: Certificate | None = None) -> None:
        assert renews is None
        seen.append(key)  # as if the other one were not there yet

    monkeypatch.setattr("enrollment.history.refuse_used_key", first_look)
    with pytest.raises(ra.Refused, match="twice at once"):
        ra.submit(by=alice, address=HERE, csr=csr.parse(pem), profile="tls-client", device="phone", sans=[])
    assert len(seen) == 2
