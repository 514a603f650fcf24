"""What the cast does, in one line each."""

import secrets

from accounts.models import User
from enrollment import ra
from enrollment.models import CertificationRequest
from pki import csr
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
