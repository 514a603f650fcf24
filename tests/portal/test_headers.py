"""What every response carries, whatever became of the request."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path

from accounts.models import User
from portal import errors
from portal.middleware import HEADERS
from portal.urls import urlpatterns as real
from tests.conftest import Browser, open_session
from tests.test_routes import ALL, address, stage  # noqa: F401 a fixture


def breaks(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("on purpose")


urlpatterns = [path("trust/breaks", breaks), *real]
handler400, handler404, handler500 = errors.bad_request, errors.not_found, errors.server_error


def missing(response: HttpResponse) -> list[str]:
    return [name for name in HEADERS if name not in response.headers]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_every_route_carries_the_headers(stage: object, dora: User) -> None:  # noqa: F811
    for name, route in ALL:
        browser = open_session(Browser(), dora)
        response = browser.get(address(route, stage, dora))
        assert not missing(response), name


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/nothing", "/static/latchkey/latchkey.css", "/requests/"])
def test_errors_static_files_and_redirects_carry_them(browser: Browser, path: str) -> None:
    assert not missing(browser.get(path))


@pytest.mark.django_db
@override_settings(ROOT_URLCONF="tests.portal.test_headers")
def test_a_broken_page_carries_them_and_says_so_in_words(browser: Browser, dora: User) -> None:
    open_session(browser, dora)
    browser.raise_request_exception = False
    response = browser.get("/trust/breaks")
    assert response.status_code == 500
    assert not missing(response)
    assert "Something broke" in response.content.decode()
    assert "on purpose" not in response.content.decode()


@pytest.mark.django_db
def test_nothing_inline_may_run_and_nobody_may_frame(browser: Browser) -> None:
    policy = browser.get("/healthz").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.django_db
def test_pages_are_not_kept_by_caches_but_static_files_may_be(browser: Browser) -> None:
    assert browser.get("/login").headers["Cache-Control"] == "no-store"
    assert "max-age" in browser.get("/static/latchkey/latchkey.css").headers["Cache-Control"]


@pytest.mark.django_db
def test_there_is_no_strict_transport_security_while_faces_share_a_host(browser: Browser) -> None:
    assert "Strict-Transport-Security" not in browser.get("/healthz").headers


@override_settings(ROOT_URLCONF="portal.urls_status")
@pytest.mark.parametrize("path", ["/", "/crl/nothing.crl", "/nothing"])
def test_the_status_face_carries_them_too_and_sets_no_cookie(path: str) -> None:
    with override_settings(
        MIDDLEWARE=["portal.middleware.SecurityHeaders", "django.middleware.common.CommonMiddleware"]
    ):
        response = Browser().get(path)
    assert not missing(response)
    assert not response.cookies
