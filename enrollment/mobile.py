"""The profile of an approved device, filled in and signed with the certificate that the portal serves."""

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings
from django.utils.translation import gettext as _

from enrollment.in_words import in_words
from enrollment.models import CertificationRequest
from enrollment.refusals import Refused
from pki import authorities, mobileconfig, own
from pki.errors import SignerUnavailable

LABEL = "Door"  # under its icon
ICON = Path("static/door/icon-192.png")
SCEP_PATH = "/scep/clients"


def scep_url() -> str:
    """Where SCEP is answered, as phones reach it."""
    return f"{settings.STATUS_URL}{SCEP_PATH}"


def signed_profile(request: CertificationRequest, challenge: str) -> bytes:
    """The .mobileconfig, CMS in DER. Raises Refused when there is nothing to sign with yet."""
    try:
        plist = mobileconfig.profile(_enrolment(request, challenge))
        return _signed(plist)
    except (OSError, ValueError, SignerUnavailable) as error:
        raise Refused(
            _("The profile cannot be made at present: %(why)s") % {"why": in_words(str(error))},
            _("Try again in a few minutes."),
        ) from error


def _enrolment(request: CertificationRequest, challenge: str) -> mobileconfig.Enrolment:
    # A phone that trusts the portal's certificate anyway needs no root.
    roots = () if settings.TLS_CERT else (authorities.chain("servers")[1],)
    return mobileconfig.Enrolment(
        request=request.pk,
        scep_url=scep_url(),
        challenge=challenge,
        organization=request.organization,
        common_name=request.common_name,
        ca_root=authorities.chain("clients")[1],
        roots=roots,
        door_url=f"{settings.DOOR_URL}/",
        door_label=LABEL,
        icon=(settings.BASE_DIR / ICON).read_bytes(),
    )


def _signed(plist: bytes) -> bytes:
    certificate, key_file = own.served()
    leaf, *chain = x509.load_pem_x509_certificates(certificate.read_bytes())
    key = load_pem_private_key(key_file.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise ValueError("the portal's key is neither RSA nor on a curve")
    return mobileconfig.sign(plist, leaf, key, chain)
