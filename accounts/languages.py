"""In which language somebody is spoken to: on a page, and in what is sent to them.

A page: what the person chose; else what the browser asks for; else the household's. A letter has no browser.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.functional import Promise, lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation.trans_real import parse_accept_lang_header

from accounts import household
from accounts.models import Household, User

AS_THE_BROWSER = ""


class Languages:
    """Middleware: the language of a request, until `speak` knows better. It reads no cookie: those of other
    programs on this host come along, and whoever is signed in has said what they want."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        translation.activate(asked_for(request) or of_household())
        try:
            return _labelled(self.get_response(request))
        finally:
            translation.deactivate()  # the thread answers somebody else next


class OwnLanguage:
    """Middleware, after it is known who asks: their choice counts."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        speak(request.user)
        return self.get_response(request)


def by_the_browser(view: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For a page on a face without these middlewares, whose answers must not wait for the database."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        with translation.override(asked_for(request) or settings.LANGUAGE_CODE):
            return _labelled(view(request))

    return answer


def speak(user: object) -> None:
    """Go on in the language that this person chose; without a choice as it is."""
    if isinstance(user, User) and _is_ours(user.language):
        translation.activate(user.language)


def asked_for(request: HttpRequest) -> str:
    """The best of ours that Accept-Language names (RFC 9110 12.5.4); "" when it names none."""
    for code, _weight in parse_accept_lang_header(request.headers.get("Accept-Language", "").lower()):
        if code == "*":
            break
        try:
            return translation.get_supported_language_variant(code)
        except LookupError:
            continue
    return ""


def of(user: User, house: Household | None = None) -> str:
    """For what is sent to them. `house` saves asking for it again."""
    if _is_ours(user.language):
        return user.language
    return of_household(house)


def of_household(house: Household | None = None) -> str:
    """An error page needs a language too when the database does not answer."""
    try:
        code = (house or household.current()).language
    except DatabaseError:
        return settings.LANGUAGE_CODE
    return code if _is_ours(code) else settings.LANGUAGE_CODE


def choices() -> list[tuple[str, str]]:
    """Code and own name, for forms."""
    return list(settings.LANGUAGES)


def own_choices() -> list[tuple[str, Any]]:
    return [(AS_THE_BROWSER, _("As the browser says")), *choices()]


def later(words: str | Promise, **fields: object) -> str:
    """`words` (of gettext_lazy) with `fields` put in, when somebody comes to read it: in their language."""
    return _filled(words, fields)


def _fill(words: str | Promise, fields: dict[str, object]) -> str:
    return str(words) % fields


_filled = lazy(_fill, str)


def _is_ours(code: str) -> bool:
    """Its folder may have gone since somebody chose it."""
    return any(code == known for known, _name in settings.LANGUAGES)


def _labelled(response: HttpResponseBase) -> HttpResponseBase:
    """Content-Language and Vary (RFC 9110 8.5, 12.5.5) for what people read."""
    if response.headers.get("Content-Type", "").startswith("text/html"):
        response.headers.setdefault("Content-Language", translation.get_language() or settings.LANGUAGE_CODE)
        patch_vary_headers(response, ("Accept-Language",))
    return response
