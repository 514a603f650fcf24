"""The main job from end to end through HTTP, with a CSR made by the openssl command."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from accounts.models import User
from audit import trail
from audit.models import AuditEvent
from enrollment.models import CertificationRequest, Status
from pki import authorities, howto
from pki.profiles import PROFILES
from tests.enrollment.acts import form, thing

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("signer")]


@pytest.mark.parametrize("profile", PROFILES)
def test_a_request_goes_in_an_officer_approves_and_the_certificate_comes_out(
    alice: User, bob: User, browser: Client, sign_in: Callable[..., Client], tmp_path: Path, profile: str
) -> None:
    for line in howto.openssl_lines(PROFILES[profile]):
        subprocess.run(line, shell=True, check=True, cwd=tmp_path, capture_output=True)
    pem = (tmp_path / "device.csr").read_bytes()
    names = "nas.home.arpa\n192.168.1.2" if PROFILES[profile].san == "required" else ""

    sent = sign_in(browser, alice).post(
        "/requests/new", form(pem, profile=profile, device=thing(), names=names)
    )
    request = CertificationRequest.objects.get()
    assert sent.headers["Location"] == f"/requests/{request.pk}"
    desk = sign_in(browser, bob)
    assert "thing" in desk.get("/queue/").content.decode()
    assert desk.get(f"/queue/{request.pk}").status_code == 200
    typed = {"action": "approve", "common_name": request.common_name, "days": "30", "names": names}
    done = desk.post(f"/queue/{request.pk}/decide", typed, follow=True)
    assert "Approved and issued" in done.content.decode()

    at_home = sign_in(browser, alice)
    assert (
        "Live" in at_home.get("/requests/").content.decode()
        or "Ends in" in at_home.get("/requests/").content.decode()
    )
    chain, root = tmp_path / "chain.pem", tmp_path / "root.pem"
    chain.write_bytes(at_home.get(f"/requests/{request.pk}/certificate.chain.pem").content)
    root.write_bytes(authorities.pem(authorities.chain(PROFILES[profile].authority)[1]))
    verify = ["openssl", "verify", "-x509_strict", "-CAfile", root, "-untrusted", chain, chain]
    assert b"OK" in subprocess.run(verify, check=True, capture_output=True).stdout
    joined = ["openssl", "pkcs12", "-export", "-inkey", "device.key", "-in", "chain.pem", "-out", "x.p12"]
    subprocess.run([*joined, "-passout", "pass:x"], check=True, cwd=tmp_path, capture_output=True)

    request.refresh_from_db()
    assert request.status == Status.ISSUED
    story = list(AuditEvent.objects.order_by("sequence").values_list("action", flat=True))
    wanted = ["request.submitted", "request.approved", "request.issued", "certificate.downloaded"]
    assert [action for action in story if action in wanted] == wanted
    assert trail.verify().broken_at is None
