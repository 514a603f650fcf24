"""A key made in a browser that is closed and opened again gets into a .p12 that everyone can read."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.js.browsers import BROWSERS
from tests.js.household import Household
from tests.js.readers import READERS, BadPassword, Made
from tests.js.shape import by_openssl, shapes
from tests.js.site import Site, running

pytestmark = pytest.mark.slow
KINDS = {"P-256": ec.EllipticCurvePublicKey, "RSA-2048": rsa.RSAPublicKey}
MODES = ("compat", "modern")
NAME = "Älice's phone"
HOUSE = Household()
# What comes from the modules alone, the same in all browsers.
IN_ONE = pytest.mark.parametrize("files", ["chromium"], indirect=True)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running() as site:
        yield site


@pytest.fixture(scope="module", params=BROWSERS)
def files(
    request: pytest.FixtureRequest, site: Site, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Made]:
    """All that one browser makes, by "kind mode". It is closed between asking and finishing."""
    window, folder = BROWSERS[request.param], tmp_path_factory.mktemp(request.param)
    site.asked.clear()
    with window(folder / "profile", site.address) as step:
        assert step("whyNot") == ""
        asked = {kind: step("ask", f"request {kind}", kind, "whoever") for kind in KINDS}
    leaves = {kind: HOUSE.issue(bytes.fromhex(answer["csr"]), "Alice") for kind, answer in asked.items()}
    made = {}
    with window(folder / "profile", site.address) as step:
        for kind, leaf in leaves.items():
            for mode in MODES:
                answer = step("finish", f"request {kind}", HOUSE.chain(leaf), NAME, mode)
                made[f"{kind} {mode}"] = written(folder / f"{kind}-{mode}.p12", answer, leaf)
        for kind in KINDS:
            step("remove", f"request {kind}")
            assert not step("kept", f"request {kind}")
    for kind, answer in asked.items():
        check(kind, answer, made[f"{kind} compat"])
    return made


def written(path: Path, answer: dict[str, str], leaf: x509.Certificate) -> Made:
    path.write_bytes(bytes.fromhex(answer["p12"]))
    info = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    chain = tuple(one.public_bytes(Encoding.DER) for one in (leaf, HOUSE.issuing, HOUSE.root))
    return Made(path, answer["password"], NAME, info, chain)


def check(kind: str, answer: dict[str, str], made: Made) -> None:
    """The request is for a key of this kind, and the digest is that of its SubjectPublicKeyInfo."""
    csr = x509.load_der_x509_csr(bytes.fromhex(answer["csr"]))
    assert isinstance(csr.public_key(), KINDS[kind])
    assert csr.subject.rfc4514_string() == "CN=whoever"
    assert answer["digest"] == hashlib.sha256(made.info).hexdigest()


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS)
def test_everyone_reads_the_file(files: dict[str, Made], kind: str, mode: str, reader: str) -> None:
    made = files[f"{kind} {mode}"]
    READERS[reader](made, made.password)


@IN_ONE
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("mode", MODES)
def test_no_wrong_password_opens_it(files: dict[str, Made], mode: str, reader: str) -> None:
    with pytest.raises(BadPassword):
        READERS[reader](files[f"P-256 {mode}"], "lusab-babad-gutih-tugad-zosul")


@IN_ONE
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS)
def test_file_is_built_like_openssls(files: dict[str, Made], kind: str, mode: str, tmp_path: Path) -> None:
    """What devices have read for decades: the same elements and algorithms in the same order."""
    made = files[f"{kind} {mode}"]
    written = made.path.read_bytes()
    assert shapes(written) == shapes(by_openssl(written, made.password, mode, tmp_path))


def test_nothing_but_the_scripts_was_asked_of_the_server(files: dict[str, Made], site: Site) -> None:
    assert {method for method, _, _ in site.asked} == {"GET"}
    strange = {
        path for _, path, _ in site.asked if path != "/" and not path.endswith((".js", "/favicon.ico"))
    }
    assert not strange
