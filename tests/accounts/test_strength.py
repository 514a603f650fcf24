"""Passwords that are easy to guess are refused, with why and how to mend it; on this machine alone."""

import subprocess
import sys

import pytest
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import translation

from accounts import invitations
from accounts.models import Household, User
from accounts.strength import HardToGuess

pytestmark = pytest.mark.django_db

ANNA = User(username="anna", full_name="Anna Huber", email="anna@huber.example")


def refused(password: str, user: User = ANNA) -> str:
    """What is said; "" when it will do."""
    try:
        HardToGuess().validate(password, user)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


@pytest.mark.parametrize(
    "password",
    [
        "four unrelated words",
        "correct horse battery",
        "Fe4kuuxnLq",
        "x7#qP2!vTz9w",
        "grüne Tinte im Flur",
        "жук едет в лес",
    ],
)
def test_what_is_hard_to_guess_will_do(password: str) -> None:
    assert refused(password) == ""


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("Password12345", "a word, a name or a password"),
        ("P@ssw0rd2026", "a word, a name or a password"),
        ("Passwort12345", "a word, a name or a password"),
        ("Sommer2025!", "a word, a name or a password"),
        ("abcdefghij12", "counts up or down"),
        ("aaaaaaaaaaaaaaa", "repeats itself"),
        ("Anna2026!!", "your name"),
        ("huber-anna-77", "your name"),
        ("Huber", "your name"),
        ("latchkey latchkey", "your name"),
        ("a" * 256, "repeats itself"),
    ],
)
def test_what_is_guessed_early_is_refused_with_why_and_how_to_mend_it(password: str, why: str) -> None:
    said = refused(password)
    assert "of 4, and 3 are needed" in said
    assert why in said
    assert "Add two or three words" in said


def test_the_households_name_makes_nothing_stronger() -> None:
    assert refused("Zwetschkenhof 12") == ""
    Household.objects.update_or_create(pk=1, defaults={"name": "Zwetschkenhof"})
    assert "your household’s" in refused("Zwetschkenhof 12")


def test_it_is_said_in_german_too() -> None:
    with translation.override("de"):
        said = refused("Passwort12345")
    assert "Dieses Passwort ist schwach: 1 von 4" in said
    assert "zwei oder drei Wörter dazu" in said


@pytest.mark.parametrize("common", ["1qaz2wsx3edc", "iloveyou12", "short"])
def test_djangos_own_checks_count_as_well(common: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(common, ANNA)


def test_the_page_says_it_and_takes_the_next_one(browser: Client, alice: User, bob: User) -> None:
    url = f"/invite/{invitations.make(bob, account=alice)}"
    page = browser.post(url, {"password": "Alice2026!!"})
    assert page.status_code == 400
    assert "This password is weak: 1 of 4" in page.content.decode()
    common = browser.post(url, {"password": "password1234"}).content.decode()
    assert "of 4, and 3 are needed" in common
    assert "too common" not in common
    assert browser.post(url, {"password": "four unrelated words"}).status_code == 302


@pytest.mark.slow
def test_the_word_lists_are_loaded_only_when_a_password_is_set() -> None:
    program = (
        "import django, sys; django.setup(); import portal.urls; assert 'zxcvbn' not in sys.modules;"
        "from django.contrib.auth.password_validation import get_default_password_validators as found;"
        "found(); assert 'zxcvbn' in sys.modules"
    )
    environment = {"DJANGO_SETTINGS_MODULE": "tests.settings", "PATH": "/usr/bin:/bin"}
    subprocess.run([sys.executable, "-c", program], cwd=settings.BASE_DIR, env=environment, check=True)
