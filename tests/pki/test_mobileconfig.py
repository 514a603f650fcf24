"""The configuration profile, against the keys, types and values of Apple's schema, and openssl."""

import hashlib
import plistlib
import subprocess
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from pki.mobileconfig import Enrolment, profile, sign
from tests.pki.scep_house import House, certificate, house

# Apple's schema (device-management, mdm/profiles): key: (type, required, allowed values).
COMMON = {
    "PayloadType": (str, True, None),
    "PayloadVersion": (int, True, {1}),
    "PayloadIdentifier": (str, True, None),
    "PayloadUUID": (str, True, None),
    "PayloadDisplayName": (str, False, None),
    "PayloadDescription": (str, False, None),
    "PayloadOrganization": (str, False, None),
}
TOP = COMMON | {
    "PayloadType": (str, True, {"Configuration"}),
    "PayloadContent": (list, True, None),
    "PayloadRemovalDisallowed": (bool, False, None),
}
PAYLOADS = {
    "com.apple.security.scep": {"PayloadContent": (dict, True, None)},
    "com.apple.security.root": {
        "PayloadContent": (bytes, True, None),
        "PayloadCertificateFileName": (str, False, None),
    },
    "com.apple.webClip.managed": {
        "URL": (str, True, None),
        "Label": (str, True, None),
        "FullScreen": (bool, False, None),
        "IsRemovable": (bool, False, None),
        "Icon": (bytes, False, None),
        "Precomposed": (bool, False, None),
    },
}
SCEP = {
    "URL": (str, True, None),
    "Name": (str, False, None),
    "Subject": (list, False, None),
    "Challenge": (str, False, None),
    "Keysize": (int, False, {1024, 2048, 4096}),
    "Key Type": (str, False, {"RSA"}),
    "Key Usage": (int, False, {0, 1, 4, 5}),
    "CAFingerprint": (bytes, False, None),
    "Retries": (int, False, None),
    "RetryDelay": (int, False, None),
    "KeyIsExtractable": (bool, False, None),
}
REQUEST = uuid.UUID("6f3c1a52-94c7-4a1e-9a55-2f3f7c1c9d10")


@pytest.fixture
def home() -> House:
    return house()


@pytest.fixture
def enrolment(home: House) -> Enrolment:
    root = home.chain()[1]
    return Enrolment(
        request=REQUEST,
        scep_url="http://portal.home.arpa:8080/scep",
        challenge="one-time & <secret>",
        organization="The Smiths",
        common_name="Anna’s phone",
        ca_root=root,
        roots=(root,),
        door_url="https://door.home.arpa:9443/",
        door_label="Door",
        icon=b"\x89PNG",
    )


def fits(found: dict[str, object], schema: dict[str, tuple[type, bool, set[object] | None]]) -> None:
    assert set(found) <= set(schema), set(found) - set(schema)
    for key, (kind, required, allowed) in schema.items():
        assert not required or key in found, key
        if key in found:
            assert type(found[key]) is kind, key
            assert allowed is None or found[key] in allowed, key


def parts(plist: bytes) -> dict[str, dict[str, object]]:
    return {payload["PayloadType"]: payload for payload in plistlib.loads(plist)["PayloadContent"]}


def test_it_keeps_to_apples_schema(enrolment: Enrolment) -> None:
    top = plistlib.loads(profile(enrolment))
    fits(top, TOP)
    for payload in top["PayloadContent"]:
        fits(payload, COMMON | PAYLOADS[payload["PayloadType"]])
    fits(parts(profile(enrolment))["com.apple.security.scep"]["PayloadContent"], SCEP)
    assert set(parts(profile(enrolment))) == set(PAYLOADS)


def test_the_phone_is_told_to_make_an_rsa_key_of_2048_bits_and_whom_to_ask(enrolment: Enrolment) -> None:
    content = parts(profile(enrolment))["com.apple.security.scep"]["PayloadContent"]
    assert content["Subject"] == [[["O", "The Smiths"]], [["CN", "Anna’s phone"]]]
    assert (content["Keysize"], content["Key Type"], content["Key Usage"]) == (2048, "RSA", 5)
    assert content["CAFingerprint"] == hashlib.sha1(enrolment.ca_root).digest()  # Apple knows no longer one
    assert (content["Retries"], content["RetryDelay"]) == (3, 10)
    assert (content["URL"], content["Challenge"]) == (enrolment.scep_url, enrolment.challenge)


def test_root_and_door_come_along(enrolment: Enrolment) -> None:
    found = parts(profile(enrolment))
    assert found["com.apple.security.root"]["PayloadContent"] == enrolment.roots[0]
    clip = found["com.apple.webClip.managed"]
    assert (clip["URL"], clip["FullScreen"]) == (enrolment.door_url, False)
    bare = parts(profile(replace(enrolment, roots=(), icon=b"")))
    assert set(bare) == set(PAYLOADS) - {"com.apple.security.root"}
    assert "Icon" not in bare["com.apple.webClip.managed"]


def test_the_same_request_gives_the_same_profile_and_another_one_another(enrolment: Enrolment) -> None:
    assert profile(enrolment) == profile(enrolment)
    other = plistlib.loads(profile(replace(enrolment, request=uuid.uuid4())))
    own = plistlib.loads(profile(enrolment))
    named = [own, *own["PayloadContent"], other, *other["PayloadContent"]]
    for key in ("PayloadUUID", "PayloadIdentifier"):
        assert len({payload[key] for payload in named}) == len(named)


def test_two_roots_are_two_payloads(enrolment: Enrolment, home: House) -> None:
    content = plistlib.loads(profile(replace(enrolment, roots=tuple(home.chain()))))["PayloadContent"]
    assert [payload["PayloadDisplayName"] for payload in content[:2]] == ["issuing", "root"]


def test_control_characters_are_refused(enrolment: Enrolment) -> None:
    with pytest.raises(ValueError):
        profile(replace(enrolment, common_name="a\0b"))


@pytest.mark.slow
@pytest.mark.parametrize("key", ["ec", "rsa"])
def test_openssl_verifies_the_signature_and_gives_the_list_back(
    enrolment: Enrolment, home: House, tmp_path: Path, key: str
) -> None:
    signing = home.ra.key if key == "rsa" else ec.generate_private_key(ec.SECP256R1())
    signer = certificate(
        "portal", signing.public_key(), home.issuing, home.issuing_key, "digitalSignature", ca=False
    )
    signed = sign(profile(enrolment), signer, signing, [home.issuing])
    (tmp_path / "root.pem").write_bytes(home.root.public_bytes(Encoding.PEM))
    command = [
        "openssl",
        "cms",
        "-verify",
        "-inform",
        "DER",
        "-binary",
        "-purpose",
        "any",
        "-CAfile",
        "root.pem",
    ]
    done = subprocess.run(command, input=signed, capture_output=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == profile(enrolment)
    damaged = signed.replace(b"Anna", b"Eve!")
    assert subprocess.run(command, input=damaged, capture_output=True, cwd=tmp_path).returncode != 0
