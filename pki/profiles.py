"""The kinds of certificates, as frozen values (RFC 5280 4.2). An approval pins a profile's digest."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Literal

CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"  # RFC 5280 4.2.1.12
SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
CMC_RA = "1.3.6.1.5.5.7.3.28"  # RFC 6402 2.10
OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"  # RFC 6960 4.2.2.2


@dataclass(frozen=True)
class CertificateProfile:
    """What a certificate of this kind carries, whatever the CSR asked for.

    Common to all, and made by the builder: basicConstraints CA:FALSE, critical; key identifiers (4.2.1.1,
    4.2.1.2); caIssuers, OCSP and CRL distribution point of the status face. A responder's has nocheck instead
    of OCSP.
    """

    name: str
    authority: str  # "clients", "servers" or "devices": the only one that issues it
    title: str  # "Phone or browser"
    purpose: str  # one sentence for people
    key_usage: tuple[str, ...]  # names as RFC 5280 4.2.1.3 writes them; critical
    ekus: tuple[str, ...]  # dotted OIDs
    san: Literal["none", "required"]
    default_days: int
    max_days: int
    name_rule: Literal["label", "mqtt"]  # see names.check_for
    # Who holds it may have the next one, same names and no longer, without an officer. Not where somebody who
    # stole it once would have everybody's traffic from then on: there a person looks each time.
    renews_itself: bool

    @property
    def signs_ocsp(self) -> bool:
        return OCSP_SIGNING in self.ekus

    @property
    def digest(self) -> str:
        """SHA-256 in hex over the canonical JSON of all fields: it changes with any of them."""
        canonical = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


_ALL = (
    CertificateProfile(
        name="tls-client",
        authority="clients",
        title="Phone or browser",
        purpose="Lets this phone or browser through to pages that ask for a certificate.",
        key_usage=("digitalSignature",),
        ekus=(CLIENT_AUTH,),
        san="none",
        default_days=365,
        max_days=365,
        name_rule="label",
        renews_itself=True,
    ),
    CertificateProfile(
        name="tls-server",
        authority="servers",
        title="Web server",
        purpose="Proves to browsers that they talk to this web server of the household.",
        key_usage=("digitalSignature",),
        ekus=(SERVER_AUTH,),
        san="required",
        default_days=90,
        max_days=90,
        name_rule="label",
        renews_itself=True,
    ),
    CertificateProfile(
        name="mqtt-client",
        authority="devices",
        title="MQTT device",
        purpose="Lets this device connect to the MQTT broker.",
        key_usage=("digitalSignature",),
        ekus=(CLIENT_AUTH,),
        san="none",
        default_days=365,
        max_days=365,
        name_rule="mqtt",
        renews_itself=True,
    ),
    CertificateProfile(
        name="mqtt-broker",
        authority="devices",
        title="MQTT broker",
        purpose="Proves to devices that they talk to this broker, and lets it connect to other brokers.",
        key_usage=("digitalSignature",),
        ekus=(SERVER_AUTH, CLIENT_AUTH),
        san="required",
        default_days=365,
        max_days=365,
        name_rule="mqtt",
        renews_itself=False,
    ),
)

# What no person can ask for. SCEP needs an RSA key that both signs and enciphers (RFC 8894 2.1, 2.3), in a
# certificate that is no CA's. Not clientAuth: the process that holds this key is the most exposed of all, and
# web sites that trust our CA for their visitors would let it in.
_OWN = (
    CertificateProfile(
        name="scep-ra",
        authority="clients",
        title="SCEP",
        purpose="Lets phones and other devices send their requests sealed.",
        key_usage=("digitalSignature", "keyEncipherment"),
        ekus=(CMC_RA,),
        san="none",
        default_days=365,
        max_days=365,
        name_rule="label",
        renews_itself=False,
    ),
    # One for each CA, which must have made it itself (RFC 6960 4.2.2.2). Short-lived: who reads an answer
    # does not ask whether the responder was revoked (id-pkix-ocsp-nocheck, 4.2.2.2.1).
    *(
        CertificateProfile(
            name=f"ocsp-{authority}",
            authority=authority,
            title="OCSP",
            purpose="Says of the authority's certificates whether they are revoked.",
            key_usage=("digitalSignature",),
            ekus=(OCSP_SIGNING,),
            san="none",
            default_days=14,
            max_days=14,
            name_rule="label",
            renews_itself=False,
        )
        for authority in ("clients", "servers", "devices")
    ),
)

PROFILES: dict[str, CertificateProfile] = {profile.name: profile for profile in _ALL}
EVERY = PROFILES | {profile.name: profile for profile in _OWN}
