"""The kinds of certificates, as the approvals pin them."""

import dataclasses

import pytest

from pki.profiles import CLIENT_AUTH, PROFILES, SERVER_AUTH, CertificateProfile
from pki.signer.protocol import AUTHORITIES

ALL = pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)


def test_each_profile_belongs_to_its_authority_and_purpose() -> None:
    found = {name: (p.authority, p.ekus, p.san, p.max_days) for name, p in PROFILES.items()}
    assert found == {
        "tls-client": ("clients", (CLIENT_AUTH,), "none", 365),
        "tls-server": ("servers", (SERVER_AUTH,), "required", 90),
        "mqtt-client": ("devices", (CLIENT_AUTH,), "none", 365),
        "mqtt-broker": ("devices", (SERVER_AUTH, CLIENT_AUTH), "required", 365),
    }


@ALL
def test_profiles_are_within_their_own_limits(profile: CertificateProfile) -> None:
    assert profile.authority in AUTHORITIES
    assert 0 < profile.default_days <= profile.max_days
    assert profile.key_usage == ("digitalSignature",)


@ALL
def test_the_digest_changes_with_any_field(profile: CertificateProfile) -> None:
    digests = {profile.digest}
    for field in dataclasses.fields(profile):
        value = getattr(profile, field.name)
        other = (
            value + 1
            if isinstance(value, int)
            else (*value, "x")
            if isinstance(value, tuple)
            else f"{value}x"
        )
        digests.add(dataclasses.replace(profile, **{field.name: other}).digest)
    assert len(digests) == len(dataclasses.fields(profile)) + 1
    assert all(len(digest) == 64 for digest in digests)


@ALL
def test_a_profile_cannot_be_changed(profile: CertificateProfile) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        profile.max_days = 9999
