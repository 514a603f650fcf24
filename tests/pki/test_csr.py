"""What parses, what is refused with which sentence, and that nothing else ever comes out."""

import dataclasses
import random
from importlib.resources import files

import pytest
from cryptography.x509.oid import ExtensionOID, ObjectIdentifier

from pki import armour, csr
from pki.csr import ParsedCSR
from pki.errors import CSRRejected
from pki.refusals import REFUSALS, refusal
from tests.pki.bad_csrs import BAD, CODES, GOOD
from tests.pki.shapes import (
    NULL,
    asking_for,
    attribute,
    extension,
    integer,
    name,
    oid,
    pem,
    request,
    sequence,
    tlv,
)

# The module silences this at import; pytest starts each test with filters of its own.
pytestmark = pytest.mark.filterwarnings("ignore:Attribute's length must be")

VECTORS = sorted(
    files("cryptography_vectors").joinpath("x509", "requests").iterdir(), key=lambda path: path.name
)
EXTENSIONS = [oid.dotted_string for oid in vars(ExtensionOID).values() if isinstance(oid, ObjectIdentifier)]
VALUES = (
    *(b"", NULL, integer(5), sequence(), sequence(integer(5)), sequence(oid("1.2.3")), tlv(3, b"\7\x80")),
    *(
        sequence(tlv(0x82, b"a.example"), tlv(0x87, bytes(4))),
        sequence(tlv(0xA0, tlv(0xA0, tlv(0x86, b"http://x")))),
    ),
    *(
        sequence(b"\1\1\xff", integer(0)),
        sequence(sequence(oid("1.3.6.1.5.5.7.48.2"), tlv(0x86, b"http://x"))),
    ),
    *(
        sequence(sequence(oid("2.5.29.32.0"), sequence(sequence(oid("1.2.3"), tlv(0x16, b"http://x"))))),
        tlv(4, b"id"),
    ),
)
FIVE = (
    "challenge-unstructured.pem",
    "challenge.pem",
    "ec_sha256.der",
    "ec_sha256_old_header.pem",
    "rsa_sha256.der",
)


def outcome(data: bytes) -> ParsedCSR | CSRRejected:
    """Whatever `parse` answers; any other exception fails the test."""
    try:
        return csr.parse(data)
    except CSRRejected as error:
        return error


@pytest.mark.parametrize("title", BAD)
def test_bad_input_is_refused_with_a_sentence_and_a_way_out(title: str) -> None:
    data = BAD[title]()
    with pytest.raises(CSRRejected) as rejected:
        csr.parse(data)
    assert rejected.value.code == CODES[title]
    assert str(rejected.value).endswith(".")
    assert rejected.value.remedy


@pytest.mark.parametrize("title", [title for title in BAD if title.startswith("private key")])
def test_a_private_key_is_not_echoed_anywhere_in_its_refusal(title: str) -> None:
    error = outcome(BAD[title]())
    assert isinstance(error, CSRRejected)
    assert "BEGIN EC" not in f"{error}{error.remedy}{error.args}"
    assert error.__cause__ is None
    assert "new key" in error.remedy


def test_every_refusal_is_met_by_some_bad_input() -> None:
    assert set(REFUSALS) == set(CODES.values())


@pytest.mark.parametrize("title", GOOD)
def test_a_request_that_asks_for_too_much_still_parses(title: str) -> None:
    parsed = csr.parse(GOOD[title]())
    texts = [text for pair in (*parsed.subject, *parsed.extensions) for text in pair]
    texts += [*parsed.sans, parsed.common_name or ""]
    assert all(text.isprintable() for text in texts)
    assert all(len(text) < 20_000 for text in texts)


def test_a_parsed_request_is_the_same_from_pem_and_from_der() -> None:
    assert csr.parse(pem(request())) == csr.parse(request())
    assert csr.parse(csr.parse(pem(request())).der) == csr.parse(request())


def test_what_was_asked_is_told_in_plain_words() -> None:
    parsed = csr.parse(GOOD["CA:TRUE"]())
    assert (parsed.key_text, parsed.signature_text) == ("P-256", "ECDSA with SHA-256")
    assert (parsed.common_name, parsed.subject) == ("phone", (("CN", "phone"),))
    assert parsed.extensions == (("basicConstraints", "critical, CA:TRUE, path length 3"),)


def test_names_that_were_asked_for_are_told_with_their_kind() -> None:
    assert csr.parse(GOOD["foreign names"]()).sans == (
        "dns:www.example.com",
        "dns:*.bank.example",
        "ip:8.8.8.8",
    )
    assert csr.parse(GOOD["UPN"]()).sans == ("upn:administrator@corp.example",)
    assert csr.parse(GOOD["UPN not UTF-8"]()).sans == ("other:1.3.6.1.4.1.311.20.2.3 0c:02:ff:fe",)
    mail, uri = csr.parse(GOOD["e-mail and URI"]()).sans
    assert (mail, uri) == ("email:boss@example.com", "uri:https://example.com/?<script>")
    assert csr.parse(GOOD["directory name"]()).sans == ("other:CN=admin, OU=x",)


def test_nasty_subjects_are_shown_escaped_and_cut() -> None:
    assert csr.parse(GOOD["NUL"]()).common_name == "phone\\u{0}.example.com"
    assert csr.parse(GOOD["right to left"]()).common_name == "\\u{202E}enohp"
    long = csr.parse(GOOD["10,000 characters"]()).common_name
    assert long == "a" * 200 + "… (10,000 characters)"


def test_long_lists_are_cut_and_say_so() -> None:
    assert csr.parse(GOOD["2,000 names"]()).sans[-1] == "other:… 1,950 more"
    assert csr.parse(GOOD["1,000 units"]()).subject[-1] == ("…", "950 more")
    assert csr.parse(GOOD["100 unknown extensions"]()).extensions[-1] == ("…", "50 more")


def test_the_first_common_name_counts_even_inside_a_multi_valued_rdn() -> None:
    assert csr.parse(GOOD["two names"]()).common_name == "first"
    assert csr.parse(GOOD["empty name"]()).common_name is None
    several = csr.parse(GOOD["several in one RDN"]())
    assert several.common_name == "phone"
    assert sorted(several.subject) == [("+ CN", "phone"), ("OU", "x")]


def test_a_challenge_password_is_never_shown() -> None:
    parsed = dataclasses.replace(csr.parse(GOOD["challenge password"]()), der=b"")
    assert "swordfish" not in repr(parsed)


def test_a_panic_in_a_parser_is_a_rejection_and_an_interrupt_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):
        """As pyo3 raises it for a panic in Rust."""

    for raised, expected in ((PanicException, CSRRejected), (KeyboardInterrupt, KeyboardInterrupt)):
        monkeypatch.setattr(armour, "unpack", lambda data, raised=raised: (_ for _ in ()).throw(raised()))
        with pytest.raises(expected):
            csr.parse(request())


def test_a_refusal_can_say_more_than_the_table() -> None:
    assert str(refusal("key-size", "This RSA key has 5 bits.")) == "This RSA key has 5 bits."


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.name)
def test_the_public_vectors_parse_or_are_rejected(path) -> None:
    assert isinstance(outcome(path.read_bytes()), ParsedCSR | CSRRejected)


def flipped(der: bytes, bit: int) -> bytes:
    changed = bytearray(der)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def check_flips(file: str, step: int) -> None:
    good = csr.parse(files("cryptography_vectors").joinpath("x509", "requests", file).read_bytes())
    for bit in range(step % 8, len(good.der) * 8, step):
        answer = outcome(flipped(good.der, bit))
        assert isinstance(answer, CSRRejected) or answer.key_sha256 == good.key_sha256


@pytest.mark.parametrize("file", FIVE)
def test_flipped_bits_never_change_the_key(file: str) -> None:
    check_flips(file, step=61)


@pytest.mark.slow
@pytest.mark.parametrize("file", FIVE)
def test_no_flipped_bit_at_all_changes_the_key(file: str) -> None:
    check_flips(file, step=1)


def mutated(data: bytes, source: random.Random) -> bytes:
    """One to four random changes: a bit, a byte, a cut, a doubled or a moved piece."""
    changed = bytearray(data)
    for _ in range(source.randint(1, 4)):
        at, size = source.randrange(len(changed) or 1), source.randint(1, 40)
        match source.randrange(5):
            case 0 if changed:
                changed[at] ^= 1 << source.randrange(8)
            case 1 if changed:
                changed[at] = source.choice((0, 0x30, 0x7F, 0x80, 0x84, 0xFF))
            case 2:
                del changed[at : at + size]
            case 3:
                changed[at:at] = changed[at : at + size]
            case 4:
                changed[at:at] = source.randbytes(size)
    return bytes(changed)


def check_signed_mutations(count: int, seed: int) -> None:
    """Mutated subjects and extensions under a good signature, so that they reach the parsers behind it."""
    source = random.Random(seed)
    codes = set()
    for _ in range(count):
        kind = source.choice(EXTENSIONS)
        value = mutated(source.choice(VALUES), source)
        subject = (
            mutated(name(attribute("phone")), source) if source.random() < 0.2 else name(attribute("phone"))
        )
        answer = outcome(request(subject, asking_for(extension(kind, value, source.random() < 0.5))))
        codes.add(answer.code if isinstance(answer, CSRRejected) else "")
    assert {"", "extensions"} <= codes <= {"", "extensions", "subject", "damaged", "nested", "truncated"}


def check_mutations(count: int, seed: int) -> None:
    source = random.Random(seed)
    titles = ("P-256", "P-256, PEM", "UPN", "directory name", "RSA-2048", "unknown critical extension")
    samples = [GOOD[title]() for title in titles]
    keys = {csr.parse(sample).key_sha256 for sample in samples}
    for _ in range(count):
        answer = outcome(mutated(source.choice(samples), source))
        assert isinstance(answer, CSRRejected) or answer.key_sha256 in keys


def test_a_thousand_mutations_parse_or_are_rejected() -> None:
    check_mutations(1_000, seed=1)


def test_mutated_extensions_under_a_good_signature_parse_or_are_rejected() -> None:
    check_signed_mutations(500, seed=3)


@pytest.mark.slow
def test_many_mutated_extensions_under_a_good_signature_parse_or_are_rejected() -> None:
    check_signed_mutations(10_000, seed=4)


@pytest.mark.slow
def test_twenty_thousand_mutations_parse_or_are_rejected() -> None:
    check_mutations(20_000, seed=2)
