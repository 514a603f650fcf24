"""Everything bad through the submit page: 4xx and a sentence, nothing stored, and what was typed stays."""

import base64
import re
import tempfile
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from audit.models import AuditEvent
from enrollment.models import CertificationRequest, Message
from pki import csr
from pki.errors import CSRRejected
from tests.conftest import Browser, make_csr, open_session
from tests.enrollment.acts import form
from tests.pki.bad_csrs import BAD, CODES
from tests.pki.shapes import pem

pytestmark = pytest.mark.usefixtures("no_signer")

NEW, INSPECT = "/requests/new", "/requests/inspect"
MAX_BODY = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
TYPED = {"device": "Anna's old phone", "note": "for the <b>garage</b>", "profile": "mqtt-client"}
TWO_SENTENCES = re.compile(r"[A-Z].{15,}\. [A-Z].{15,}")  # what is wrong, and the way out
SECRETS = [title for title in BAD if CODES[title] in ("private-key", "pkcs12")]


def upload(client: Client, data: bytes, address: str = NEW, **fields: str) -> HttpResponse:
    return client.post(
        address, {**form(b"", **TYPED, **fields), "file": SimpleUploadedFile("device.csr", data)}
    )


def paste(client: Client, data: bytes, address: str = NEW) -> HttpResponse:
    """As it looks when somebody opens the file in an editor and copies all of it."""
    return client.post(address, {**form(b"", **TYPED), "csr": data.decode("latin-1")})


def stored() -> list[object]:
    """What a refusal must leave as it was."""
    tables = (CertificationRequest, Message, AuditEvent)
    files = sorted(str(path) for path in settings.DATA.rglob("*") if "sqlite3" not in path.name)
    return [*(table.objects.count() for table in tables), files]


def assert_refused(answer: HttpResponse) -> None:
    """4xx, the reason and the way out in words, and the rest of the form as it was typed."""
    text = answer.content.decode()
    if answer.status_code == 413:  # nothing of it was read: the browser has it still
        assert "at most 64 KiB" in text and "Go back" in text
        return
    assert answer.status_code == 422
    ((field, (sentence,)),) = answer.context["form"].errors.items()
    assert (field, sentence) == ("file", "The submitted file is empty.") or TWO_SENTENCES.match(sentence)
    assert {name: answer.context["form"][name].value() for name in TYPED} == TYPED
    assert 'value="Anna&#x27;s old phone"' in text and "for the &lt;b&gt;garage" in text


@pytest.mark.parametrize("title", BAD)
def test_bad_input_is_refused_with_a_sentence_and_nothing_is_stored(
    at_home: Client, title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    data, before = BAD[title](), stored()
    chosen = upload(at_home, data)
    assert_refused(chosen)
    if chosen.status_code == 422 and data:
        with pytest.raises(CSRRejected, check=lambda error: error.code == CODES[title]) as rejected:
            csr.parse(data)
        sentence = f"{rejected.value} {rejected.value.remedy}"
        assert chosen.context["form"].errors["csr"] == [sentence]
    assert 400 <= upload(at_home, data, INSPECT).status_code < 500
    if len(data) < MAX_BODY // 2:
        assert_refused(paste(at_home, data))
    assert stored() == before and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "title", [title for title in BAD if CODES[title] not in ("too-large", "empty", "unarmoured")]
)
def test_bad_input_in_the_armour_of_a_request_is_refused_too(at_home: Client, title: str) -> None:
    data = BAD[title]()
    for wrapped in (pem(data), pem(data, "NEW CERTIFICATE REQUEST").replace(b"\n", b"\r\n")):
        if len(wrapped) <= MAX_BODY // 2:
            assert_refused(paste(at_home, wrapped))
    assert not CertificationRequest.objects.exists()


def traces(data: bytes) -> list[str]:
    """Pieces by which a key is found again, in whatever form it is shown."""
    texts = [data.decode("latin-1"), base64.b64encode(data).decode(), data.hex()]
    pieces = [line for text in texts for line in text.replace("\0", "").splitlines()]
    keys = [piece[at : at + 32] for piece in pieces for at in range(0, len(piece) - 31, 32)]
    return [key for key in keys if "-----" not in key and "kty" not in key]


@pytest.mark.parametrize("title", SECRETS)
def test_a_private_key_is_neither_sent_back_nor_logged(
    at_home: Client, title: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    key = BAD[title]()
    text = base64.encodebytes(key) if key[0] == 0x30 else key  # nobody pastes bytes
    typed = form(b"", csr=text.decode("latin-1"))
    for address in (NEW, INSPECT):
        answers = [
            paste(at_home, text, address),
            paste(at_home, text + b"\0" if b"BEGIN" in text else text, address),
            upload(at_home, key, address, csr="garbage"),
            at_home.post(address, {**typed, "file": SimpleUploadedFile("x.csr", b"garbage")}),
            at_home.post(address, {**typed, "file": SimpleUploadedFile("x.csr", b"")}),
        ]
        shown = "".join(answer.content.decode() for answer in answers)
        assert {answer.status_code for answer in answers} == {422}
        logged = caplog.text + "".join(capfd.readouterr())
        assert not [trace for trace in traces(key) if trace in shown.replace("\0", "") or trace in logged]


def test_a_private_key_in_a_text_too_long_to_look_through_is_not_sent_back(at_home: Client) -> None:
    key = BAD["private key, PKCS#8"]()
    answer = paste(at_home, b" " * 70_000 + key)
    assert answer.status_code == 422 and "64 KiB" in answer.content.decode()
    assert not [trace for trace in traces(key) if trace in answer.content.decode()]


@pytest.mark.django_db
@pytest.mark.parametrize("title", ["certificate", "signature changed", "100 MB", "private key, PKCS#8"])
def test_a_browser_with_its_form_token_gets_the_same_answer(alice: User, title: str) -> None:
    browser = open_session(Browser(enforce_csrf_checks=True), alice)
    token = str(browser.get(NEW).context["csrf_token"])
    referer = {"referer": "https://testserver/requests/new"}
    fields = {**form(b"", **TYPED), "csrfmiddlewaretoken": token}
    file = SimpleUploadedFile("device.csr", BAD[title]())
    assert_refused(browser.post(NEW, {**fields, "file": file}, headers=referer))
    good = browser.post(NEW, {**fields, "csr": make_csr().decode()}, headers=referer)
    assert good.status_code == 302 and CertificationRequest.objects.count() == 1
