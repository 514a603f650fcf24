"""What may stand in a certificate as a name, and what is said when it may not."""

import ipaddress
import subprocess
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from pki import names
from pki.errors import IssuanceRefused
from pki.profiles import PROFILES
from tests.nasty import AWKWARD, DECEIVING, HIDDEN, NASTY
from tests.pki.shapes import p256

HOME = ("dns:home.arpa", "dns:localhost", "ip:10.0.0.0/8", "ip:fe80::/10")


def refusal(make, *arguments) -> IssuanceRefused:
    with pytest.raises(IssuanceRefused) as refused:
        make(*arguments)
    assert str(refused.value)[-1] in "." and refused.value.remedy
    return refused.value


def test_there_are_sixty_nasty_strings() -> None:
    assert len(NASTY) == len(set(NASTY)) == 60


@pytest.mark.parametrize("text", [*HIDDEN, *DECEIVING], ids=ascii)
def test_names_that_hide_or_deceive_are_refused(text: str) -> None:
    error = refusal(names.common_name, text)
    assert error.code == "name"
    assert f"{error}{error.remedy}".isprintable()
    assert refusal(names.organization, text).code == "name"


@pytest.mark.parametrize("text", AWKWARD, ids=ascii)
def test_awkward_but_honest_names_are_taken(text: str) -> None:
    assert names.common_name(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_everything_can_be_shown(text: str) -> None:
    assert names.printable(text).isprintable()


@given(st.text(st.characters(codec=None)))
def test_what_is_shown_is_printable_and_tells_what_was_there(text: str) -> None:
    shown = names.printable(text)
    assert shown.isprintable()
    assert undone(shown) == text


def undone(shown: str) -> str:
    first, *rest = shown.split("\\u{")
    parts = [part.partition("}") for part in rest]
    return first + "".join(chr(int(digits, 16)) + after for digits, _, after in parts)


def test_printable_shows_piled_accents_and_odd_blanks() -> None:
    assert names.printable("a\u00a0b") == "a\\u{A0}b"
    assert names.printable("e" + "\u0301" * 5) == "e" + "\u0301" * 3 + "\\u{301}\\u{301}"
    assert names.printable("\\u{41}") == "\\u{5C}u{41}"
    assert names.printable("DOMAIN\\user") == "DOMAIN\\user"


@given(st.text(max_size=80))
def test_a_name_that_is_taken_stays_as_it_is_and_fits_into_a_subject(text: str) -> None:
    try:
        name = names.common_name(text)
    except IssuanceRefused as refused:
        assert refused.code == "name"
        return
    assert names.common_name(name) == name == unicodedata.normalize("NFC", name)
    assert 0 < len(name.encode()) <= 64
    subject = names.subject("The household", name)
    assert subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value == name


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("  Anna's   phone ", "Anna's phone"),
        ("Anna\u00a0M\u00fcller", "Anna M\u00fcller"),
        ("Mu\u0308ller", "M\u00fcller"),
        ("\u0410\u043d\u043d\u0430 phone", "\u0410\u043d\u043d\u0430 phone"),  # two words, two alphabets
        ("\u0397\u03bb\u03b9\u03ac\u03b4\u03b1", "\u0397\u03bb\u03b9\u03ac\u03b4\u03b1"),
        ("a" * 64, "a" * 64),
        ("Anna \U0001f4f1", "Anna \U0001f4f1"),
    ],
)
def test_names_are_put_into_their_normal_form(typed: str, name: str) -> None:
    assert names.common_name(typed) == name


def test_the_refusal_says_which_letter_it_is_about() -> None:
    assert "\\u{202E}, right-to-left override" in str(refusal(names.common_name, "a\u202eb"))
    assert "Cyrillic and Latin" in str(refusal(names.common_name, "p\u0430ypal"))
    assert "styled form of \u201cA\u201d" in str(refusal(names.common_name, "\uff21nna"))
    assert "64 bytes" in refusal(names.common_name, "a" * 65).remedy


def test_the_limit_can_be_smaller() -> None:
    assert names.common_name("abc", 3) == "abc"
    refusal(names.common_name, "abcd", 3)


def test_a_subject_is_organisation_then_common_name_as_utf8() -> None:
    subject = names.subject("M\u00fcller family", "Anna's phone")
    assert subject.rfc4514_string() == "CN=Anna's phone,O=M\u00fcller family"
    for kind in (b"\x55\x04\x0a", b"\x55\x04\x03"):  # each followed by the tag of UTF8String
        assert kind + b"\x0c" in subject.public_bytes()
    refusal(names.subject, "ok", "a\0b")
    refusal(names.subject, "a\0b", "ok")


@pytest.mark.parametrize(
    ("typed", "san"),
    [
        ("nas.home.arpa", "dns:nas.home.arpa"),
        (" NAS.Home.Arpa. ", "dns:nas.home.arpa"),
        ("nas", "dns:nas"),
        ("DNS:nas.lan", "dns:nas.lan"),
        ("b\u00fccher.home.arpa", "dns:xn--bcher-kva.home.arpa"),
        ("xn--bcher-kva.home.arpa", "dns:xn--bcher-kva.home.arpa"),
        ("192.168.1.2", "ip:192.168.1.2"),
        ("IP Address:192.168.1.2", "ip:192.168.1.2"),
        ("[FD00::0001]", "ip:fd00::1"),
        ("::ffff:10.0.0.1", "ip:10.0.0.1"),
        ("ip:::1", "ip:::1"),
        (".".join(["a" * 63] * 3 + ["b" * 61]), "dns:" + ".".join(["a" * 63] * 3 + ["b" * 61])),
    ],
)
def test_host_names_and_addresses_are_put_into_their_normal_form(typed: str, san: str) -> None:
    assert names.san(typed) == names.san(san) == san


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "",
            ".",
            "..",
            "a..b",
            ".home.arpa",
            "-a.lan",
            "a-.lan",
            "a_b.lan",
            "*.home.arpa",
            "*",
            "a b",
            "a\tb",
        ),
        *("https://nas.home.arpa", "nas.home.arpa:8443", "nas/path", "user@nas.lan", "dns:", "dns:10.0.0.1"),
        *("ip:nas.lan", "10.0.0.0/8", "256.1.1.1", "1.2.3", "127.1", "2130706433", "0x7f.0x1", "010.0.0.1.2"),
        *("0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "fe80::1%eth0", "a" * 64, "a." * 127 + "ab"),
        *(
            "\u202enas.lan",
            "nas\0.lan",
            "nas.lan\nevil.lan",
            "a" * 10_000,
            "\u00fc" * 200,
            "uri:https://x.lan",
        ),
    ],
    ids=lambda typed: ascii(typed)[:40],
)
def test_what_is_no_host_is_refused_with_the_way_out(typed: str) -> None:
    error = refusal(names.san, typed)
    assert error.code == "san"
    assert f"{error}{error.remedy}".isprintable()


@given(
    st.text(max_size=60) | st.ip_addresses().map(str) | st.from_regex(r"[a-zA-Z0-9.\-]{1,40}", fullmatch=True)
)
def test_a_san_is_stable_and_fits_into_a_certificate(text: str) -> None:
    try:
        san = names.san(text)
    except IssuanceRefused:
        return
    assert names.san(san) == san
    (name,) = names.general_names([san])
    assert san in (f"dns:{name.value}", f"ip:{name.value}")
    assert names.permitted(san, ())


def test_general_names_take_the_normal_form_only() -> None:
    assert names.general_names(["dns:nas.lan", "ip:10.0.0.1"]) == [
        x509.DNSName("nas.lan"),
        x509.IPAddress(ipaddress.ip_address("10.0.0.1")),
    ]
    for san in ("NAS.lan", "nas.lan", "dns:NAS.lan", "ip:10.0.0.1/32", "email:a@b", "dns:*.lan"):
        assert refusal(names.general_names, [san]).code == "san"


@pytest.mark.parametrize(
    ("san", "allowed"),
    [
        ("dns:home.arpa", True),
        ("dns:nas.home.arpa", True),
        ("dns:a.b.home.arpa", True),
        ("dns:localhost", True),
        ("dns:evilhome.arpa", False),
        ("dns:home.arpa.example", False),
        ("dns:arpa", False),
        ("dns:www.example.com", False),
        ("ip:10.255.255.255", True),
        ("ip:11.0.0.0", False),
        ("ip:fe80::1", True),
        ("ip:2001:db8::1", False),
    ],
)
def test_permitted_follows_the_subtrees(san: str, allowed: bool) -> None:
    assert names.permitted(san, HOME) is allowed


def test_a_kind_of_name_without_constraint_is_free() -> None:
    assert names.permitted("ip:8.8.8.8", ("dns:home.arpa",))
    assert not names.permitted(
        "ip:8.8.8.8", ("ip:fe80::/10",)
    )  # both versions are one kind (RFC 5280 4.2.1.10)
    assert names.permitted("dns:anything.example", ())


def check(profile: str, *rest) -> None:
    names.check_for(PROFILES[profile], *rest)


def test_server_profiles_need_names_and_client_profiles_have_none() -> None:
    check("tls-client", "Anna's phone", ())
    check("tls-server", "NAS in the attic", ("dns:nas.lan",))
    assert refusal(check, "tls-client", "Anna's phone", ("dns:nas.lan",)).code == "san"
    assert refusal(check, "mqtt-broker", "Broker", ()).code == "san"


@pytest.mark.parametrize("name", ["a/b", "a+b", "a#b", "$SYS"])
def test_mqtt_names_have_no_character_with_a_meaning_in_topics(name: str) -> None:
    check("tls-client", name, ())
    assert refusal(check, "mqtt-client", name, ()).code == "name"


@pytest.mark.parametrize("name", ["nas.lan", "NAS.lan", "192.168.1.2", "www.example.com", "a_b.c"])
def test_a_server_name_that_looks_like_a_host_must_be_one_of_the_hosts(name: str) -> None:
    assert refusal(check, "tls-server", name, ("ip:192.168.1.2",)).code == "name"
    check("tls-client", name, ())


def test_a_server_may_be_called_by_its_host_name_or_by_a_label() -> None:
    check("tls-server", "NAS.lan", ("dns:nas.lan", "ip:192.168.1.2"))
    for label in ("nas", "NAS in the attic", "v1.2 of the NAS", "Anna's"):
        check("tls-server", label, ("ip:192.168.1.2",))


def issue_under_constraints(folder: Path, label: str) -> None:
    """root.pem, limited to home.arpa and 10.0.0.0/8, and a leaf.pem for 10.0.0.1 called `label`."""
    permitted = [*names.general_names(["dns:home.arpa"]), x509.IPAddress(ipaddress.ip_network("10.0.0.0/8"))]
    sans = x509.SubjectAlternativeName(names.general_names(["ip:10.0.0.1"]))
    root, leaf = names.subject("Home", "Root"), names.subject("Home", label)
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(root, root, p256().public_key(), 1, now, now + timedelta(days=1))
    builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
    builder = builder.add_extension(x509.NameConstraints(permitted, None), critical=True)
    (folder / "root.pem").write_bytes(builder.sign(p256(), hashes.SHA256()).public_bytes(Encoding.PEM))
    builder = x509.CertificateBuilder(root, leaf, p256().public_key(), 2, now, now + timedelta(days=1))
    builder = builder.add_extension(sans, critical=False)
    (folder / "leaf.pem").write_bytes(builder.sign(p256(), hashes.SHA256()).public_bytes(Encoding.PEM))


@pytest.mark.slow
@pytest.mark.parametrize(
    "label", ["nas", "NAS in the attic", "10.0.0.1", "www.example.com", "a_b.c", "v1.2 of it"]
)
def test_openssl_agrees_on_which_names_look_like_a_host(label: str, tmp_path: Path) -> None:
    issue_under_constraints(tmp_path, label)
    command = ["openssl", "verify", "-CAfile", "root.pem", "leaf.pem"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (answer.returncode != 0) == names.looks_like_host(label), answer.stderr
