"""From the message on an officer's phone to the decision: the link, and one press with one code."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.test import Client

from accounts.models import Notice, User
from enrollment.models import CertificationRequest, Status
from tests.conftest import app_of, next_code
from tests.enrollment.acts import ask, thing

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def link(signer: Path, alice: User, bob: User) -> str:
    """The one in the message."""
    ask(alice, thing())
    return Notice.objects.get(user=bob, kind="decide").link


def approval(page: str) -> tuple[str, dict[str, str]]:
    """Where the page's one primary button leads, with what stands in its form."""
    forms = re.findall(r'<form method="post" action="([^"]+)"[^>]*>(.*?)</form>', page, re.DOTALL)
    ((action, form),) = [(action, form) for action, form in forms if "Approve and issue" in form]
    fields = re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form)
    fields += [
        (name, value) for value, name in re.findall(r'<input[^>]*value="([^"]*)"[^>]*name="([^"]+)"', form)
    ]
    return action, {**dict(fields), "asks_code": "1" if 'name="code"' in form else ""}


def test_with_a_session_it_is_the_link_a_code_and_a_press(
    browser: Client, sign_in: Callable[..., Client], bob: User, link: str
) -> None:
    sign_in(browser, bob, fresh=False)
    page = browser.get(link)  # first tap
    action, form = approval(page.content.decode())
    assert form.pop("asks_code")
    answer = browser.post(action, {**form, "code": next_code(bob)})  # the code, second tap
    assert answer.status_code == 302
    assert CertificationRequest.objects.get().status == Status.ISSUED


def test_without_one_the_code_of_the_login_is_the_only_one(browser: Client, bob: User, link: str) -> None:
    app_of(bob)
    to_login = browser.get(link)  # first tap
    assert urlsplit(to_login.url).path == "/login"
    page = browser.get(to_login.url).content.decode()
    assert f'name="next" value="{link}"' in page
    typed = {"username": "bob", "password": "correct horse battery", "code": next_code(bob), "next": link}
    page = browser.post("/login", typed, follow=True)  # what the phone's keychain fills in, and the code
    assert page.redirect_chain == [(link, 302)]
    action, form = approval(page.content.decode())
    assert not form.pop("asks_code")
    assert browser.post(action, form).status_code == 302  # second tap
    assert CertificationRequest.objects.get().status == Status.ISSUED
