"""No page is a dead end: each, those about what went wrong too, has a way on in its main part."""

import re

import pytest
from django.test import Client

from accounts.models import User
from enrollment.models import CertificationRequest
from tests.conftest import Browser, open_session
from tests.test_routes import ALL, VISITORS, address, stage

__all__ = ["stage"]
MAIN = re.compile(r"<main.*?</main>", re.DOTALL)
WAY_ON = re.compile(r"<a [^>]*href=|<button|<form")


def is_dead_end(html: str) -> bool:
    found = MAIN.search(html)
    return found is not None and not WAY_ON.search(found[0])


@pytest.mark.slow
@pytest.mark.django_db
def test_every_page_has_a_way_on(stage: dict[str, CertificationRequest], charlie: User) -> None:
    dead = set()
    for name, path in ALL:
        for visitor in VISITORS if not name.startswith("admin") else ():
            browser: Client = Browser()
            if visitor != "nobody":
                open_session(browser, User.objects.get(username=visitor))
            for method in ("get", "post"):
                answer = getattr(browser, method)(address(path, stage, charlie))
                html = b"" if answer.streaming else answer.content
                if html.startswith(b"<!doctype html") and is_dead_end(html.decode()):
                    dead.add(f"{method} {name} {answer.status_code} for {visitor}")
    assert dead == set()
