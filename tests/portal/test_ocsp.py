"""The status face as OCSP responder: statuses, caching, and that nothing is an accident."""

import base64
import random
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.x509 import ocsp as pyca
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID
from django.db import DatabaseError
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from pki import lint, own, revocation
from pki.signer.protocol import AUTHORITIES
from portal import responder, revoked, services
from tests.pki.ocsp_requests import cert_id, several
from tests.portal.ocsp_house import issued, loaded, post, question, responders, said, status

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.urls("portal.urls_status")]
NONCE = b"0123456789abcdef"


@pytest.fixture(autouse=True)
def folder(signer: Path, settings: Settings, tmp_path: Path) -> None:
    settings.PUBLIC_DIR = tmp_path
    settings.MIDDLEWARE = settings.STATUS_MIDDLEWARE
    responders()


def get(data: bytes, authority: str = "clients", **headers: str) -> HttpResponse:
    return Client().get(f"/ocsp/{authority}/{quote(base64.b64encode(data), safe='')}", headers=headers)


@pytest.mark.parametrize("profile", ["tls-client", "tls-server", "mqtt-client", "mqtt-broker"])
def test_a_certificate_says_where_to_ask_and_there_it_is_good(profile: str) -> None:
    row = issued(profile)
    leaf, _ = loaded(row)
    access = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    (address,) = (
        a.access_location.value for a in access if a.access_method == AuthorityInformationAccessOID.OCSP
    )
    assert address == f"http://portal.home.arpa:8080/ocsp/{row.authority}"
    assert status(row) == status(row, NONCE) == "GOOD"


@pytest.mark.parametrize("nonce", [None, NONCE])
def test_revoked_means_revoked_for_the_very_next_question(nonce: bytes | None) -> None:
    row = issued()
    assert status(row, nonce) == "GOOD"
    row = revocation.revoke(row, revocation.HOLD, by="bob", address="")
    found = said(post(question(row, nonce)))
    assert found.certificate_status.name == "REVOKED"
    assert (found.revocation_reason, found.revocation_time_utc) == (
        x509.ReasonFlags.certificate_hold,
        row.revoked_at,
    )
    officer = "11111111-1111-4111-8111-111111111111"
    revocation.release(row, officer=officer, one_person=False, by="bob", address="")
    assert status(row, nonce) == "GOOD"
    revocation.revoke(row, "keyCompromise", by="bob", address="")
    assert said(post(question(row, nonce))).revocation_reason is x509.ReasonFlags.key_compromise


def test_what_we_never_issued_is_unknown_and_another_ca_s_unauthorized() -> None:
    leaf, issuer = loaded(issued())
    assert said(post(several(cert_id(issuer, 12345)))).certificate_status.name == "UNKNOWN"
    other = issued("tls-server")
    assert said(post(question(other), "clients")).response_status.name == "UNAUTHORIZED"
    both = several(cert_id(issuer, leaf.serial_number), cert_id(loaded(other)[1], int(other.serial, 16)))
    found = said(post(both))
    assert [single.certificate_status.name for single in found.responses] == ["GOOD", "UNKNOWN"]


def test_one_that_a_replaced_authority_issued_is_unknown() -> None:
    row = issued()
    of_before = issued("tls-server")
    data = question(row)
    row.der = of_before.der  # another issuer's, under a name that stayed
    row.save()
    assert said(post(data)).certificate_status.name == "UNKNOWN"


def test_the_responder_s_certificate_is_for_that_only_and_short() -> None:
    for authority in AUTHORITIES:
        certificate = x509.load_pem_x509_certificates(own.responder(authority).read_bytes())[0]
        found = certificate.extensions
        usages = found.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert list(usages) == [ExtendedKeyUsageOID.OCSP_SIGNING]
        assert found.get_extension_for_class(x509.OCSPNoCheck)
        assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days <= 14
        assert oct(own.responder(authority).stat().st_mode)[-3:] == "600"
    assert services.renew_ocsp() == ""


def test_the_portal_says_how_a_certificate_stands_without_a_key_of_ocsp() -> None:
    row = issued()
    assert not revoked.steps_of_programs([row])[0].done
    for authority in AUTHORITIES:  # as it is to the portal: out of reach
        own.responder(authority).unlink()
        assert own.responder(authority).parent == own.registrar()
    try:
        row = revocation.revoke(row, "superseded", by="bob", address="")
        assert revoked.steps_of_programs([row])[0].done
    finally:
        services.renew_ocsp()


def test_keys_that_every_face_could_read_go_once_there_are_others() -> None:
    before = [own.pem(f"ocsp-{authority}") for authority in AUTHORITIES]
    for path in before:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"of an older version")
    services.renew_ocsp()
    assert not [path for path in before if path.exists()]
    assert status(issued()) == "GOOD"


@pytest.mark.parametrize("safe", ["", "/", "/+="])
def test_a_question_in_the_address_is_answered_however_it_is_escaped(safe: str) -> None:
    row = issued()
    leaf, issuer = loaded(row)
    ids = [cert_id(issuer, serial) for serial in (leaf.serial_number, *range(4))]
    encoded = base64.b64encode(several(*ids))
    for address in (
        quote(encoded, safe=safe),
        "/" + quote(encoded, safe=safe),
        quote(encoded, safe=safe).rstrip("="),
    ):
        found = said(Client().get(f"/ocsp/clients/{address}"))
        assert [single.certificate_status.name for single in found.responses][0] == "GOOD"


def test_an_answer_may_be_kept_for_a_minute() -> None:
    answer = get(question(issued()))
    found = said(answer)
    assert answer["Cache-Control"] == "max-age=60, public, no-transform, must-revalidate"
    assert parsedate_to_datetime(answer["Last-Modified"]) == found.this_update_utc
    assert parsedate_to_datetime(answer["Expires"]) == found.next_update_utc


def test_who_has_it_already_is_told_so() -> None:
    data = question(issued())
    answer = get(data)
    again = get(data, **{"if-none-match": answer["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", answer["ETag"])


def test_with_a_nonce_it_is_signed_anew_and_kept_by_nobody() -> None:
    row = issued()
    answers = [get(question(row, NONCE)) for _ in range(2)]
    assert answers[0].content != answers[1].content and {a["Cache-Control"] for a in answers} == {"no-store"}
    assert all(said(a).extensions[0].value.nonce == NONCE for a in answers)
    assert get(question(row)).content == get(question(row)).content


def test_a_kept_answer_is_signed_anew_after_half_its_life(monkeypatch: pytest.MonkeyPatch) -> None:
    row = issued()
    first = post(question(row)).content
    now = time.time()
    monkeypatch.setattr("portal.responder.time.time", lambda: now + responder.KEPT_FOR + 1)
    assert post(question(row)).content != first


def test_bad_questions_get_an_answer_without_a_signature() -> None:
    data = question(issued())
    for bad in (b"x", data[:-1], data + b"x", question(issued(), None)[:40], bytes(20_000)):
        assert said(post(bad)).response_status.name == "MALFORMED_REQUEST"
    for path in ("a", "%00", "MEM=", "%C3%A4", "A" * 7000):
        assert said(Client().get(f"/ocsp/clients/{path}")).response_status.name == "MALFORMED_REQUEST"


def test_who_asks_in_another_way_is_told_how() -> None:
    for answer, code in (
        (Client().get("/ocsp/clients"), 400),
        (Client().get("/ocsp/clients//"), 400),
        (post(b"x", media_type="text/plain"), 415),
        (post(b"x", "nobody"), 404),
        (Client().put("/ocsp/clients", b""), 405),
        (post(bytes(300_000)), 413),
    ):
        assert answer.status_code == code, answer.content
    assert b"RFC 6960" in Client().get("/ocsp/clients").content


def test_without_its_certificate_or_database_it_says_try_later(monkeypatch: pytest.MonkeyPatch) -> None:
    data = question(issued())
    for trouble in (DatabaseError("locked"), RuntimeError("anything")):
        with monkeypatch.context() as patch:
            patch.setattr("pki.standing.of", lambda *_: (_ for _ in ()).throw(trouble))  # noqa: B023 used at once
            assert said(post(data)).response_status.name == "TRY_LATER"
    path = own.responder("clients")
    for content in (b"", b"garbage", path.read_bytes()[:-200], own.responder("servers").read_bytes()[:300]):
        kept = path.read_bytes()
        path.write_bytes(content)
        try:
            assert said(post(data)).response_status.name == "TRY_LATER"
        finally:
            path.write_bytes(kept)
    assert said(post(data)).response_status.name == "SUCCESSFUL"


def test_mutated_questions_never_end_in_a_fault() -> None:
    random.seed(5019)
    data = question(issued(), NONCE)
    for _ in range(400):
        changed = bytearray(data)
        for _ in range(random.randint(1, 3)):
            changed[random.randrange(len(changed))] = random.randrange(256)
        found = said(post(bytes(changed)))
        assert found.response_status is not pyca.OCSPResponseStatus.TRY_LATER


def test_pkilint_finds_nothing_in_answers() -> None:
    row, gone = issued(), issued()
    revocation.revoke(gone, "keyCompromise", by="bob", address="")
    _, issuer = loaded(row)
    questions = [question(row), question(row, NONCE), question(gone), several(cert_id(issuer, 7))]
    answers = [post(data).content for data in questions]
    assert [said(post(data)).response_status.name for data in questions] == ["SUCCESSFUL"] * 4
    begin, end = (b"-----%s OCSP RESPONSE-----\n" % word for word in (b"BEGIN", b"END"))
    assert lint.thorough(begin + base64.encodebytes(der) + end for der in answers) == []
