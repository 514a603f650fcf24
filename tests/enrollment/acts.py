"""What the cast does, in one line each."""

import secrets
from datetime import timedelta

from django.utils import timezone

from accounts.models import User
from enrollment import ra
from enrollment.models import CertificationRequest, Status
from pki import csr
from pki.models import Certificate
from pki.profiles import PROFILES
from tests.conftest import make_csr

HERE = "192.0.2.1"


def thing() -> str:
    """A device's name that no other test has used: all share the signer, which gives each name one owner."""
    return f"thing {secrets.token_hex(4)}"


def ask(
    by: User, device: str = "phone", profile: str = "tls-client", pem: bytes = b"", sans: tuple[str, ...] = ()
) -> CertificationRequest:
    """A request that waits."""
    parsed = csr.parse(pem or make_csr())
    return ra.submit(by=by, address=HERE, csr=parsed, profile=profile, device=device, sans=list(sans))


def form(pem: bytes, **fields: str) -> dict[str, str]:
    """What the submit page sends."""
    return {
        "csr": pem.decode(),
        "profile": "tls-client",
        "device": "phone",
        "names": "",
        "note": "",
        **fields,
    }


def hold(by: User, pem: bytes = b"", profile: str = "tls-client", **fields: object) -> Certificate:
    """A live certificate of a request that was issued, as rows alone: no signer is asked."""
    sans = ("nas.home.arpa",) if PROFILES[profile].san == "required" else ()
    asked, now = ask(by, thing(), profile, pem, sans), timezone.now()
    values: dict[str, object] = {"not_before": now - timedelta(days=60), "not_after": now + timedelta(days=9)}
    made = Certificate.objects.create(
        owner=str(by.pk),
        authority=PROFILES[profile].authority,
        profile=profile,
        serial=secrets.token_hex(8),
        fingerprint=secrets.token_hex(32),
        key_sha256=asked.key_sha256,
        subject=asked.common_name,
        sans=asked.sans,
        der=b"",
        request_id=asked.pk,
        **{**values, **fields},
    )
    CertificationRequest.objects.filter(pk=asked.pk).update(status=Status.ISSUED, certificate=made)
    return made
