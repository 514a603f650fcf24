"""Good requests that ask for too much or are called odd things: the profile is issued, to the byte."""

from pathlib import Path
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID, ObjectIdentifier
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import User
from enrollment import ra
from enrollment.models import CertificationRequest, Status
from pki import authorities, builder, csr, names
from pki.profiles import PROFILES, CertificateProfile
from pki.text import printable
from tests.conftest import Browser, open_session, person
from tests.enrollment.acts import HERE, ask, form, thing
from tests.pki import shapes
from tests.pki.bad_csrs import GOOD, alternatives, asked

pytestmark = pytest.mark.filterwarnings("ignore:Attribute's length must be")

NEW = "/requests/new"
# What no honest request asks for, and a part of the sentence that says so.
REFUSED = {
    "CA:TRUE": "asks to be a CA",
    "foreign names": "not this household",
    "2,000 names": "not this household",
    "UPN": "Windows login name",
    "UPN not UTF-8": "Windows login name",
    "UPN malformed": "Windows login name",
    "NUL": "cannot be seen",
    "newline": "cannot be seen",
    "right to left": "cannot be seen",
    "escape sequences": "cannot be seen",
    "homoglyph": "look alike",
    "10,000 characters": "longer than 200 characters",
    "unknown critical extension": "marked critical",
}
TAKEN = [title for title in GOOD if title not in REFUSED]
Extensions = dict[str, tuple[bool, bytes]]  # dotted OID: critical, DER
TYPED = {"tls-server": "nas.home.arpa", "mqtt-broker": "broker.home.arpa\n192.168.1.2"}


@pytest.fixture
def alice(db: None) -> User:
    """The same account in every test: the signer, which lives longer, knows these few keys as hers."""
    return person("alice", id=UUID(int=2986), is_requester=True)


def send(client: Client, data: bytes, profile: str = "tls-client") -> CertificationRequest:
    file = SimpleUploadedFile("device.csr", data)
    fields = form(b"", profile=profile, names=TYPED.get(profile, ""))
    answer = client.post(NEW, {**fields, "file": file})
    assert answer.status_code == 302, answer.context["form"].errors
    return CertificationRequest.objects.get(pk=answer.headers["Location"].rpartition("/")[2])


def profiles_own(request: CertificationRequest, profile: CertificateProfile) -> Extensions:
    """Every extension that a certificate of this profile has, no more and no less."""
    issuer = x509.load_der_x509_certificate(authorities.chain(profile.authority)[0])
    points, access = builder.published(settings.STATUS_URL, profile.authority)
    wanted: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (builder.key_usage(*profile.key_usage), True),
        (x509.ExtendedKeyUsage([x509.ObjectIdentifier(oid) for oid in profile.ekus]), False),
        (x509.SubjectKeyIdentifier.from_public_key(csr.parse(bytes(request.csr)).public_key), False),
        (builder.issued_by(issuer), False),
        (points, False),
        (builder.asked_at(settings.STATUS_URL, profile.authority, access), False),
    ]
    if profile.san == "required":
        wanted.append((x509.SubjectAlternativeName(names.general_names(request.sans)), False))
    return {value.oid.dotted_string: (critical, value.public_bytes()) for value, critical in wanted}


def assert_only_the_profiles(request: CertificationRequest) -> None:
    """The issued certificate: our subject, the request's key, exactly the profile's extensions."""
    assert request.status == Status.ISSUED and request.certificate is not None, request.reason
    made = x509.load_der_x509_certificate(bytes(request.certificate.der))
    found = {ext.oid.dotted_string: (ext.critical, ext.value.public_bytes()) for ext in made.extensions}
    assert found == profiles_own(request, PROFILES[request.profile])
    assert [(part.oid, part.value) for part in made.subject] == [
        (NameOID.ORGANIZATION_NAME, request.organization),
        (NameOID.COMMON_NAME, request.common_name),
    ]
    assert made.public_key() == csr.parse(bytes(request.csr)).public_key


@pytest.mark.parametrize("title", REFUSED)
def test_what_no_honest_request_asks_for_is_refused_with_a_sentence(
    signer: Path, at_home: Client, title: str
) -> None:
    authorities.publish_certificates()  # with them the names that the household may give itself
    file = SimpleUploadedFile("device.csr", GOOD[title]())
    answer = at_home.post(NEW, {**form(b"", device="my phone", note="please"), "file": file})
    page = answer.content.decode()
    assert answer.status_code == 422 and REFUSED[title] in page
    assert "my phone" in page and "please" in page and "BEGIN CERTIFICATE REQUEST" in page  # all is kept
    assert not CertificationRequest.objects.exists()


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("title", REFUSED)
def test_should_it_come_another_way_the_profile_is_what_is_issued(
    signer: Path, alice: User, bob: User, title: str, profile: str
) -> None:
    sans = TYPED.get(profile, "").split()
    parsed = csr.parse(GOOD[title]())
    request = ra.submit(by=alice, address=HERE, csr=parsed, profile=profile, device=thing(), sans=sans)
    assert_only_the_profiles(ra.approve(request=request, by=bob, address=HERE))


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("title", TAKEN)
def test_whatever_a_request_asks_for_the_profile_is_what_is_issued(
    signer: Path, at_home: Client, bob: User, title: str, profile: str
) -> None:
    request = send(at_home, GOOD[title](), profile)
    assert at_home.get(f"/requests/{request.pk}").status_code == 200
    desk = open_session(Browser(), bob)
    answer = desk.post(
        f"/queue/{request.pk}/decide",
        {
            "action": "approve",
            "common_name": request.common_name,
            "names": TYPED.get(profile, ""),
            "days": "30",
        },
    )
    assert answer.status_code == 302
    request.refresh_from_db()
    assert_only_the_profiles(request)
    assert desk.get(f"/queue/{request.pk}").status_code == 200


WELL_FORMED = [
    shapes.extension("2.5.29.19", shapes.sequence(b"\1\1\xff", shapes.integer(3)), critical=True),
    shapes.extension("2.5.29.15", b"\3\2\0\xfe", critical=True),
    shapes.extension("2.5.29.37", shapes.sequence(shapes.oid("2.5.29.37.0"))),
    shapes.extension("2.5.29.17", shapes.sequence(shapes.tlv(0x82, b"bank.example"))),
    shapes.extension("2.5.29.14", shapes.tlv(4, b"our own key id")),
    shapes.extension("2.5.29.35", shapes.sequence(shapes.tlv(0x80, b"of another CA"))),
]
KNOWN = [oid.dotted_string for oid in vars(ExtensionOID).values() if isinstance(oid, ObjectIdentifier)]
EXTENSION = st.one_of(
    st.sampled_from(WELL_FORMED),
    st.builds(shapes.extension, st.just("1.2.3.4.5"), st.binary(max_size=40), st.booleans()),
    st.builds(shapes.extension, st.sampled_from(KNOWN), st.binary(max_size=40), st.booleans()),
)
EXTENSIONS = st.lists(EXTENSION, max_size=4, unique=True)
TEXTS = st.text(max_size=80) | st.sampled_from(["a" * 10_000, "\0", "\u202e", "phone\nO=Bank"])


@pytest.mark.slow
@pytest.mark.django_db
@hypothesis_settings(
    max_examples=150,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(title=TEXTS, extensions=EXTENSIONS, profile=st.sampled_from(sorted(PROFILES)))
@example(title="root", extensions=WELL_FORMED, profile="tls-client")
def test_the_extensions_of_a_certificate_never_depend_on_its_request(
    signer: Path, alice: User, bob: User, title: str, extensions: list[bytes], profile: str
) -> None:
    subject = shapes.name(shapes.attribute(title.encode("utf-8", "replace")))
    data = shapes.request(subject, shapes.asking_for(*extensions))
    try:
        parsed = csr.parse(data)
    except csr.CSRRejected as rejected:
        assert rejected.remedy
        return
    request = ra.submit(
        by=alice,
        address=HERE,
        csr=parsed,
        profile=profile,
        device=thing(),
        sans=TYPED.get(profile, "").split(),
    )
    request = ra.approve(request=request, by=bob, address=HERE)
    assert_only_the_profiles(request)
    ra.revoke(request=request, by=bob, address=HERE, reason="superseded")  # the key may be asked for again


@pytest.mark.parametrize("title", GOOD)
@pytest.mark.usefixtures("no_signer")
def test_everything_asked_for_is_shown_in_characters_that_can_be_seen(
    at_home: Client, alice: User, bob: User, title: str
) -> None:
    request = ask(alice, pem=GOOD[title]())
    for client, address in ((at_home, "/requests/"), (open_session(Browser(), bob), "/queue/")):
        page = client.get(f"{address}{request.pk}").content.decode()
        body = page[page.index("<h1") :]
        assert printable(body.replace("\n", "").replace("\\u{", "")) == body.replace("\n", "").replace(
            "\\u{", ""
        )
        assert "<script>alert" not in page and "swordfish" not in page


@pytest.mark.usefixtures("no_signer")
@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("CA:TRUE", "CA:TRUE"),
        ("foreign names", "www.example.com"),
        ("UPN", "administrator@corp.example"),
        ("right to left", "\\u{202E}enohp"),
        ("NUL", "phone\\u{0}.example.com"),
        ("newline", "phone\\u{A}O=Bank"),
        ("unknown critical extension", "1.2.3.4.5"),
        ("homoglyph", "\u0440hone"),
    ],
)
def test_the_officer_sees_what_was_asked_for_and_will_not_be_issued(
    alice: User, bob: User, title: str, shown: str
) -> None:
    request = ask(alice, pem=GOOD[title]())
    lines = open_session(Browser(), bob).get(f"/queue/{request.pk}").context["lines"]
    (line,) = [line for line in lines if shown in f"{line.label} {line.asked}"]
    assert shown not in line.issued and line.word in ("changed", "left out")


@pytest.mark.usefixtures("no_signer")
def test_names_of_a_request_become_no_names_of_a_phone(at_home: Client) -> None:
    data = alternatives(shapes.tlv(0x82, b"nas.home.arpa"), shapes.tlv(0x87, bytes([192, 168, 1, 2])))
    assert send(at_home, data).sans == []
    with pytest.raises(AssertionError, match="already"):
        send(at_home, asked())  # the same key
