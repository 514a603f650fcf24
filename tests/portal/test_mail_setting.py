"""EMAIL_URL: what it may say, and what is said about the rest."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal import server_addresses
from tests.portal.running import environment, sentence

NAME = "EMAIL_URL"


@pytest.mark.parametrize(
    ("text", "host", "port", "tls", "user", "sender"),
    [
        ("smtp://mail.example.org", "mail.example.org", 587, "starttls", "", "latchkey@mail.example.org"),
        ("smtps://mail.example.org", "mail.example.org", 465, "tls", "", "latchkey@mail.example.org"),
        ("smtp://127.0.0.1/?tls=none", "127.0.0.1", 25, "none", "", "latchkey@127.0.0.1"),
        ("smtp://a%40b.org:s%2Fx@h.org:2525", "h.org", 2525, "starttls", "a@b.org", "a@b.org"),
        ("smtps://a:secret@h.org/?from=home@h.org", "h.org", 465, "tls", "a", "home@h.org"),
    ],
)
def test_an_address_is_taken_apart(text: str, host: str, port: int, tls: str, user: str, sender: str) -> None:
    found = server_addresses.mail(NAME, text)
    assert found is not None
    assert (found["host"], found["port"], found["tls"]) == (host, port, tls)
    assert (found["user"], found["sender"]) == (user, sender)


def test_without_it_there_is_no_mail() -> None:
    assert server_addresses.mail(NAME, "") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mail.example.org", "does not begin with smtp://"),
        ("http://mail.example.org", "does not begin with smtp://"),
        ("smtp://", "is no address of a mail server"),
        ("smtp://:587", "is no address of a mail server"),
        ("smtp://h.org:0", "is no address of a mail server"),
        ("smtp://a:secret#1@h.org", "In a password write"),
        ("smtp://h.org/inbox", "is no address of a mail server"),
        ("smtp://[fd00::1", "is no address of a mail server"),
        ("smtp://a@h.org", "a user or a password, and not both"),
        ("smtp://:secret@h.org", "a user or a password, and not both"),
        ("smtp://h.org?tls=yes", "does not go with smtp://"),
        ("smtps://h.org?tls=starttls", "does not go with smtps://"),
        ("smtp://h.org?timeout=5", "knows tls, from and ca"),
        ("smtp://a:secret@h.org?tls=none", "in the open"),
        ("smtp://h.org?from=nobody", "need a sender's address"),
        ("smtp://h.org?from=a@b%0d%0aBcc:x@y", "need a sender's address"),
        ("smtp://h.org?ca=/nothing/there.pem", "no certificates in PEM"),
    ],
)
def test_what_is_wrong_with_one_is_a_sentence_without_the_password(text: str, words: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        server_addresses.mail(NAME, text)
    assert words in str(refusal.value)
    assert "secret" not in str(refusal.value)


@pytest.mark.slow
def test_nonsense_stops_the_start_and_a_file_may_hold_it(tmp_path: Path) -> None:
    file = tmp_path / "mail"
    file.write_text("smtp://a:hidden@h.org?tls=none\n")
    said = sentence("up", env=environment(tmp_path / "data", EMAIL_URL_FILE=str(file)))
    assert "EMAIL_URL would send the password in the open" in said
    assert "hidden" not in said
