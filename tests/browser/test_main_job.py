"""The whole job in real browsers, with nothing but what the pages say; `openssl` judges what comes out."""

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import asking, shell
from tests.browser.conftest import Household
from tests.browser.people import Person
from tests.portal.running import Running

pytestmark = pytest.mark.slow

CHAIN = "Download with chain (PEM)"
Hand = Callable[[Person, Path], None]


def fetch_authority(running: Running, folder: Path, authority: str = "clients") -> None:
    """root.pem and issuing.pem of an authority, and both CRLs in crls.pem, from the status face."""
    for name, path in (("root", f"{authority}-root"), ("issuing", authority)):
        certificate = ssl.DER_cert_to_PEM_cert(running.status_face(f"/ca/{path}.cer"))
        (folder / f"{name}.pem").write_text(certificate)
    crls = ""
    for path in (authority, f"{authority}-root"):
        (folder / "one.crl").write_bytes(running.status_face(f"/crl/{path}.crl"))
        crls += shell.run(folder, "openssl", "crl", "-inform", "DER", "-in", "one.crl")
    (folder / "crls.pem").write_text(crls)


def verdict(folder: Path, *words: str, leaf: str = "leaf.pem") -> str:
    """What `openssl verify` says of the certificate, against the authority's root alone."""
    command = ["openssl", "verify", *words, "-CAfile", "root.pem", "-untrusted", "issuing.pem", leaf]
    done = shell.attempt(folder, *command)
    return "OK" if done.returncode == 0 else done.stdout + done.stderr


def test_from_the_request_to_a_certificate_that_openssl_accepts_until_it_is_revoked(
    household: Household, tmp_path: Path
) -> None:
    alice, bob = household.alice, household.bob
    asking.open_form(alice)
    asking.paste(alice, asking.make_request(alice, tmp_path))
    alice.sees("A good request: P-256")
    words = asking.words_shown(alice)
    page = asking.send(alice, "Alice's phone")
    assert asking.words_shown(alice) == words

    asking.review(bob, "Alice's phone")
    assert asking.words_shown(bob) == words
    bob.unfold("Ask a question")
    bob.page.get_by_label("Your question").fill("Is it the new one?")
    bob.press("Send the question")
    alice.sees("Is it the new one?")  # the page follows by itself
    alice.page.get_by_label("Your answer").fill("Yes, the blue one.")
    alice.press("Send the answer")
    asking.review(bob, "Alice's phone")
    bob.sees("Yes, the blue one.")
    bob.press("Approve and issue")
    bob.sees("Approved and issued")
    alice.sees("Take the certificate")
    assert alice.page.url == page

    take_all_forms(alice, tmp_path)
    fetch_authority(household.running, tmp_path)
    assert verdict(tmp_path, "-purpose", "sslclient", "-crl_check_all", "-CRLfile", "crls.pem") == "OK"
    assert "purpose" in verdict(tmp_path, "-purpose", "sslserver")

    alice.follow("Revoke this certificate…")
    alice.page.get_by_role("radio", name="It was replaced by another certificate").check()
    alice.press("Revoke: the doors shut now")
    alice.sees("Published, with this certificate on it")
    fetch_authority(household.running, tmp_path)
    assert "certificate revoked" in verdict(tmp_path, "-crl_check_all", "-CRLfile", "crls.pem")


def take_all_forms(person: Person, folder: Path) -> None:
    """Download each, let openssl read it, follow the page's next step; leaves leaf.pem."""
    chain, content = person.save(CHAIN)
    (folder / chain).write_bytes(content)
    line = person.page.locator("pre", has_text="pkcs12").first.inner_text()
    shell.type_lines(folder, f"{line.strip()} -passout pass:test")
    name, leaf = person.save("PEM alone")
    assert chain == name.replace(".pem", "-chain.pem")
    assert content.startswith(leaf)
    (folder / "leaf.pem").write_bytes(leaf)
    _, der = person.save("DER (.cer)")
    assert ssl.DER_cert_to_PEM_cert(der).split() == leaf.decode().split()
    _, bundle = person.save("PKCS#7 (.p7b)")
    (folder / "all.p7b").write_bytes(bundle)
    listed = shell.run(folder, "openssl", "pkcs7", "-inform", "DER", "-in", "all.p7b", "-print_certs")
    assert listed.count("BEGIN CERTIFICATE") == 3
    assert leaf.decode().strip() in listed
    own = shell.run(folder, "openssl", "pkey", "-in", "device.key", "-pubout")
    assert shell.run(folder, "openssl", "x509", "-in", "leaf.pem", "-noout", "-pubkey") == own


@pytest.mark.parametrize(
    ("rsa", "binary", "hand"),
    [(True, False, asking.choose), (False, True, asking.drop), (True, True, asking.choose)],
    ids=["an RSA key, PEM, file chosen", "an EC key, DER, file dropped", "an RSA key, DER, file chosen"],
)
def test_every_kind_of_request_comes_through(
    household: Household, tmp_path: Path, rsa: bool, binary: bool, hand: Hand
) -> None:
    alice = household.alice
    asking.open_form(alice)
    file = asking.make_request(alice, tmp_path, rsa=rsa)
    hand(alice, shell.der(tmp_path) if binary else file)
    alice.sees("A good request: RSA 2048" if rsa else "A good request: P-256")
    device = f"laptop {rsa} {binary}"
    page = asking.send(alice, device)
    asking.approve(household.bob, device)
    alice.page.goto(page)
    (tmp_path / "leaf.pem").write_bytes(alice.save("PEM alone")[1])
    fetch_authority(household.running, tmp_path)
    assert verdict(tmp_path, "-purpose", "sslclient") == "OK"
    own = shell.run(tmp_path, "openssl", "pkey", "-in", "device.key", "-pubout")
    assert shell.run(tmp_path, "openssl", "x509", "-in", "leaf.pem", "-noout", "-pubkey") == own


@pytest.mark.parametrize(
    ("purpose", "authority", "device", "good", "bad"),
    [
        ("Web server", "servers", "the nas", "sslserver", "sslclient"),
        ("MQTT device", "devices", "lamp-hall", "sslclient", "sslserver"),
    ],
)
def test_servers_and_devices_get_theirs_from_their_own_authority(
    household: Household, tmp_path: Path, purpose: str, authority: str, device: str, good: str, bad: str
) -> None:
    alice = household.alice
    page = asking.ask(alice, tmp_path, device, purpose)
    asking.approve(household.bob, device)
    alice.page.goto(page)
    (tmp_path / "leaf.pem").write_bytes(alice.save("PEM alone")[1])
    fetch_authority(household.running, tmp_path, authority)
    names = ["-verify_hostname", "nas.home.arpa"] if authority == "servers" else []
    assert verdict(tmp_path, "-purpose", good, *names) == "OK"
    assert "purpose" in verdict(tmp_path, "-purpose", bad)


def test_host_names_are_proposed_and_never_taken_silently(household: Household, tmp_path: Path) -> None:
    alice = household.alice
    asking.open_form(alice, "Web server")
    asking.choose(alice, asking.make_request(alice, tmp_path, "Web server"))
    expect(alice.page.get_by_label("Host names")).to_have_value("nas.home.arpa\n192.168.1.2")


def test_a_refused_request_says_why_and_the_same_key_may_come_again(
    household: Household, tmp_path: Path
) -> None:
    alice, bob = household.alice, household.bob
    asking.ask(alice, tmp_path, "a phone nobody knows")
    asking.review(bob, "a phone nobody knows")
    bob.unfold("Refuse")
    bob.page.get_by_label("Why?").fill("Call me first, please.")
    bob.press("Refuse this request")
    alice.sees("Call me first, please.")
    alice.follow("Ask again")
    asking.choose(alice, tmp_path / "device.csr")
    alice.sees("A good request")
    asking.send(alice, "a phone we talked about")
    asking.review(bob, "a phone we talked about")
    bob.sees("Other requests with this key")
    bob.press("Approve and issue")
    alice.sees("Take the certificate")


def test_a_withdrawn_request_leaves_the_queue(household: Household, tmp_path: Path) -> None:
    alice, bob = household.alice, household.bob
    asking.ask(alice, tmp_path, "sent back to the shop")
    alice.press("Withdraw this request")
    alice.sees("Withdrawn by you")
    bob.go("Queue")
    expect(bob.page.get_by_role("link", name="sent back to the shop")).to_have_count(0)


def test_several_are_approved_at_once(household: Household, tmp_path: Path) -> None:
    alice, bob = household.alice, household.bob
    pages = [asking.ask(alice, tmp_path / device, device) for device in ("first", "second")]
    bob.go("Queue")
    for device in ("first", "second"):
        bob.page.get_by_role("checkbox", name=f"Choose {device} of").check()
    bob.press("Approve the chosen ones…")
    bob.press("Approve and issue 2")
    expect(bob.page.locator(".state.live")).to_have_count(2)
    for page in pages:
        alice.page.goto(page)
        alice.sees("Take the certificate")


def test_who_invited_somebody_does_not_approve_for_them(household: Household, tmp_path: Path) -> None:
    asking.ask(household.alice, tmp_path, "a phone for bob to see")
    asking.review(household.dora, "a phone for bob to see")
    household.dora.sees("You invited")
    expect(household.dora.page.get_by_role("button", name="Approve and issue")).to_have_count(0)


def test_a_recovery_code_opens_once(household: Household) -> None:
    dora = Person(household.browser, "Dora Winter")
    dora.page.goto(household.dora.page.url)
    dora.sign_in(household.recovery_codes[0])
    dora.sees("9 are left")
    dora.press("Sign out")
    dora.sign_in(household.recovery_codes[0])
    dora.sees("This needs another look")
    dora.leave()
