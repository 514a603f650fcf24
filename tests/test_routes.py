"""Every route of both faces x every kind of visitor has an expected answer; one without fails here.

alice asked for a certificate (one request waits, one is issued); charlie is another requester; bob is the
officer, erin the auditor, dora the administrator. POST is sent empty: what matters is who gets as far as the
form.
"""

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Invitation, InvitationGroup, User
from door.models import Group
from enrollment import ra
from enrollment.models import CertificationRequest
from pki import authorities, crl
from pki.csr import parse
from pki.models import Certificate, ListFetch
from tests.conftest import Browser, make_csr, open_session
from tests.door.acts import practice_door

VISITORS = ("nobody", "alice", "charlie", "bob", "erin", "dora")

# name: (GET, POST), each in the order of VISITORS
EXPECTED: dict[str, tuple[str, str]] = {
    "accounts:account": ("302 200 200 200 200 200", "302 200 200 200 200 200"),
    "accounts:anew": ("302 404 404 200 404 200", "302 404 404 400 404 400"),
    "accounts:anew-one": ("302 404 404 200 404 200", "302 404 404 400 404 400"),
    "accounts:app": ("302 200 200 200 200 200", "302 400 400 400 400 400"),
    "accounts:app-confirm": ("302 302 302 302 302 302", "302 302 302 302 302 302"),
    "accounts:back": ("200 200 200 200 200 200", "400 400 400 400 400 400"),
    "accounts:back-state": ("200 200 200 200 200 200", "405 405 405 405 405 405"),
    "accounts:channel": ("302 404 404 404 404 404", "302 404 404 404 404 404"),
    "accounts:channel-new": ("302 200 200 200 200 200", "302 400 400 400 400 400"),
    "accounts:channel-pause": ("302 405 405 405 405 405", "302 404 404 404 404 404"),
    "accounts:channel-remove": ("302 405 405 405 405 405", "302 404 404 404 404 404"),
    "accounts:channel-test": ("302 405 405 405 405 405", "302 404 404 404 404 404"),
    "accounts:factor": ("302 404 404 404 404 404", "302 404 404 404 404 404"),
    "accounts:factor-rename": ("302 405 405 405 405 405", "302 404 404 404 404 404"),
    "accounts:household": ("302 404 404 404 404 200", "302 404 404 404 404 400"),
    "accounts:invitation": ("410 410 410 410 410 410", "410 410 410 410 410 410"),
    "accounts:invitation-app": ("410 410 410 410 410 410", "410 410 410 410 410 410"),
    "accounts:invite": ("302 404 404 200 404 200", "302 404 404 400 404 400"),
    "accounts:link": ("302 404 404 302 404 302", "302 404 404 302 404 302"),
    "accounts:links": ("302 404 404 302 404 302", "302 404 404 405 404 405"),
    "accounts:links-csv": ("302 404 404 302 404 302", "302 404 404 405 404 405"),
    "accounts:links-forget": ("302 404 404 405 404 405", "302 404 404 302 404 302"),
    "accounts:login": ("200 302 302 302 302 302", "400 302 302 302 302 302"),
    "accounts:login-passkey": ("405 405 405 405 405 405", "200 200 200 200 200 200"),
    "accounts:logout": ("302 405 405 405 405 405", "302 302 302 302 302 302"),
    "accounts:messages": ("302 200 200 200 200 200", "302 405 405 405 405 405"),
    "accounts:passkey": ("302 200 200 200 200 200", "302 400 400 400 400 400"),
    "accounts:passkey-fresh": ("302 405 405 405 405 405", "302 200 200 200 200 200"),
    "accounts:passkey-invitation": ("302 405 405 405 405 405", "302 400 400 400 400 400"),
    "accounts:passkey-make": ("302 302 302 302 302 302", "302 302 302 302 302 302"),
    "accounts:not-me": ("200 200 200 200 200 200", "200 302 302 302 302 302"),
    "accounts:password": ("302 200 200 200 200 200", "302 400 400 400 400 400"),
    "accounts:people": ("302 404 404 200 404 200", "302 404 404 200 404 200"),
    "accounts:person": ("302 404 404 200 404 200", "302 404 404 200 404 400"),
    "accounts:person-active": ("302 404 404 404 404 200", "302 404 404 404 404 302"),
    "accounts:person-back": ("302 404 404 200 404 200", "302 404 404 302 404 302"),
    "accounts:person-reset": ("302 404 404 200 404 200", "302 404 404 302 404 302"),
    "accounts:person-sessions": ("302 404 404 200 404 200", "302 404 404 302 404 302"),
    "accounts:profile": ("302 200 200 200 200 200", "302 400 400 400 400 400"),
    "accounts:recovery": ("302 200 200 200 200 200", "302 302 302 302 302 302"),
    "accounts:session-end": ("302 405 405 405 405 405", "302 302 302 302 302 302"),
    "accounts:sessions": ("302 200 200 200 200 200", "302 405 405 405 405 405"),
    "accounts:sessions-others": ("302 405 405 405 405 405", "302 302 302 302 302 302"),
    "accounts:setup": ("410 410 410 410 410 410", "410 410 410 410 410 410"),
    "accounts:setup-app": ("410 410 410 410 410 410", "410 410 410 410 410 410"),
    "accounts:together": ("302 404 404 200 404 200", "302 404 404 400 404 400"),
    "accounts:withdraw-link": ("302 405 405 405 405 405", "302 404 404 404 404 404"),
    "certificates:done": ("302 200 404 200 200 404", "302 405 405 405 405 405"),
    "certificates:done-state": ("302 200 404 200 200 404", "302 405 405 405 405 405"),
    "certificates:download": ("302 200 404 200 200 404", "302 405 405 405 405 405"),
    "certificates:export": ("302 200 200 200 200 200", "302 405 405 405 405 405"),
    "certificates:list": ("302 200 200 200 200 200", "302 405 405 405 405 405"),
    "certificates:lost": ("200 200 200 200 200 200", "422 422 422 422 422 422"),
    "certificates:one": ("302 200 404 200 200 404", "302 405 405 405 405 405"),
    "certificates:paper": ("302 200 404 404 404 404", "302 302 404 404 404 404"),
    "certificates:reader": ("302 404 404 405 404 404", "302 404 404 302 404 404"),
    "certificates:readers": ("302 404 404 200 200 404", "302 404 404 405 405 404"),
    "certificates:release": ("302 404 404 302 404 404", "302 404 404 302 404 404"),
    "certificates:renew": ("302 200 404 404 404 404", "302 302 404 404 404 404"),
    "certificates:revoke": ("302 200 302 200 200 302", "302 302 302 302 302 302"),
    "certificates:timeline": ("302 200 200 200 200 200", "302 405 405 405 405 405"),
    "certificates:urge": ("302 404 404 302 404 404", "302 404 404 302 404 404"),
    "doors:door": ("302 404 404 200 404 404", "302 404 404 405 404 404"),
    "doors:edit": ("302 404 404 200 404 404", "302 404 404 422 404 404"),
    "doors:export": ("302 200 200 200 200 200", "302 405 405 405 405 405"),
    "doors:group": ("302 404 404 200 404 404", "302 404 404 422 404 404"),
    "doors:group-new": ("302 404 404 200 404 404", "302 404 404 422 404 404"),
    "doors:group-remove": ("302 404 404 200 404 404", "302 404 404 302 404 404"),
    "doors:groups": ("302 404 404 200 404 404", "302 404 404 405 404 404"),
    "doors:history": ("302 200 200 200 200 200", "302 405 405 405 405 405"),
    "doors:list": ("302 200 200 200 200 200", "302 405 405 405 405 405"),
    "doors:new": ("302 404 404 200 404 404", "302 404 404 422 404 404"),
    "doors:pin": ("302 200 200 200 200 200", "302 422 422 422 422 422"),
    "doors:retire": ("302 404 404 200 404 404", "302 404 404 302 404 404"),
    "doors:rule": ("302 404 404 200 404 404", "302 404 404 422 404 404"),
    "doors:rule-new": ("302 404 404 200 404 404", "302 404 404 422 404 404"),
    "doors:rule-remove": ("302 404 404 200 404 404", "302 404 404 302 404 404"),
    "doors:unlock": ("302 404 404 200 404 404", "302 404 404 302 404 404"),
    "enrollment:answer": ("302 405 405 404 404 404", "302 422 404 404 404 404"),
    "enrollment:batch": ("302 404 404 405 404 404", "302 404 404 302 404 404"),
    "enrollment:calendar": ("302 200 200 200 200 200", "302 302 302 302 302 302"),
    "enrollment:calendar-feed": ("404 404 404 404 404 404", "405 405 405 405 405 405"),
    "enrollment:calendar-withdraw": ("302 405 405 405 405 405", "302 302 302 302 302 302"),
    "enrollment:decide": ("302 404 404 405 404 404", "302 404 404 422 404 404"),
    "enrollment:device": ("302 200 200 404 404 404", "302 405 405 404 404 404"),
    "enrollment:device-finish": ("302 302 404 404 404 404", "302 405 405 404 404 404"),
    "enrollment:device-from": ("302 410 410 404 404 404", "302 405 405 404 404 404"),
    "enrollment:device-link": ("302 302 302 404 404 404", "302 200 200 404 404 404"),
    "enrollment:device-profile": ("302 302 404 404 404 404", "302 302 404 404 404 404"),
    "enrollment:device-start": ("302 302 302 404 404 404", "302 422 422 404 404 404"),
    "enrollment:download": ("302 200 404 404 404 404", "302 405 405 404 404 404"),
    "enrollment:inspect": ("302 405 405 404 404 404", "302 422 422 404 404 404"),
    "enrollment:installed": ("302 405 405 404 404 404", "302 204 404 404 404 404"),
    "enrollment:program": ("302 200 200 404 404 404", "302 422 422 404 404 404"),
    "enrollment:progress": ("302 404 404 200 404 200", "302 404 404 405 404 405"),
    "enrollment:progress-group": ("302 404 404 200 404 200", "302 404 404 405 404 405"),
    "enrollment:qr": ("302 200 404 404 404 404", "302 405 405 404 404 404"),
    "enrollment:queue": ("302 404 404 200 404 404", "302 404 404 405 404 404"),
    "enrollment:reminders": ("302 404 404 404 404 200", "302 404 404 404 404 302"),
    "enrollment:request": ("302 200 404 404 404 404", "302 405 405 404 404 404"),
    "enrollment:requests": ("302 200 200 404 404 404", "302 405 405 404 404 404"),
    "enrollment:review": ("302 404 404 200 404 404", "302 404 404 405 404 404"),
    "enrollment:state": ("302 200 404 404 404 404", "302 405 405 404 404 404"),
    "enrollment:submit": ("302 200 200 404 404 404", "302 422 422 404 404 404"),
    "enrollment:withdraw": ("302 405 405 404 404 404", "302 302 404 404 404 404"),
    "portal:audit": ("302 404 404 404 200 200", "302 405 405 405 405 405"),
    "portal:audit_export": ("302 404 404 404 200 200", "302 405 405 405 405 405"),
    "portal:evening": ("302 404 404 404 404 200", "302 405 405 405 405 405"),
    "portal:evening-officer": ("302 404 404 404 404 302", "302 404 404 404 404 400"),
    "portal:evening-step": ("302 404 404 404 404 200", "302 404 404 404 404 302"),
    "portal:healthz": ("200 200 200 200 200 200", "405 405 405 405 405 405"),
    "portal:help": ("200 200 200 200 200 200", "405 405 405 405 405 405"),
    "portal:help_devices": ("200 200 200 200 200 200", "405 405 405 405 405 405"),
    "portal:home": ("302 200 200 200 200 200", "302 405 405 405 405 405"),
    "portal:leave": ("302 404 404 404 404 200", "302 404 404 404 404 302"),
    "portal:left": ("302 404 404 404 404 404", "302 404 404 404 404 405"),
    "portal:left-state": ("302 404 404 404 404 404", "302 404 404 404 404 405"),
    "portal:metrics": ("200 200 200 200 200 200", "405 405 405 405 405 405"),
    "portal:status": ("302 404 404 200 200 200", "302 405 405 405 405 405"),
    "portal:trust": ("200 200 200 200 200 200", "405 405 405 405 405 405"),
    "portal:words": ("200 200 200 200 200 200", "405 405 405 405 405 405"),
    "portal:trust_root": ("200 200 200 200 200 200", "405 405 405 405 405 405"),
}
# The status face knows nobody: it answers whoever asks alike.
EXPECTED_OF_STATUS = dict.fromkeys(
    ("crl", "pki:certificate", "pki:crl", "status:face"),
    ("200 200 200 200 200 200", "405 405 405 405 405 405"),
) | {
    "ocsp": ("400 400 400 400 400 400", "415 415 415 415 415 415"),
    "ocsp_get": ("200 200 200 200 200 200", "415 415 415 415 415 415"),
    "scep:clients": ("400 400 400 400 400 400", "400 400 400 400 400 400"),
}


def routes(
    patterns: list[URLPattern | URLResolver], above: str = "", path: str = ""
) -> Iterator[tuple[str, str]]:
    """(name, path) of every view."""
    for pattern in patterns:
        here = path + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            space = f"{above}{pattern.namespace}:" if pattern.namespace else above
            yield from routes(pattern.url_patterns, space, here)
        else:
            yield f"{above}{pattern.name or here}", here


ALL = sorted(set(routes(get_resolver("portal.urls").url_patterns)))
ALL_OF_STATUS = sorted(set(routes(get_resolver("portal.urls_status").url_patterns)))


@pytest.fixture
def stage(
    signer: object, alice: User, charlie: User, bob: User, erin: User, dora: User
) -> dict[str, CertificationRequest]:
    """What the addresses point at: a request of alice's that waits and one that is issued."""
    del signer, charlie, erin, dora
    made = {}
    for name in ("waits", "issued"):
        made[name] = ra.submit(
            by=alice,
            address="192.168.7.20",
            csr=parse(make_csr()),
            profile="tls-client",
            device=name,
            sans=[],
        )
    made["issued"] = ra.approve(request=made["issued"], by=bob, address="192.168.7.21")
    return made


def address(path: str, stage: dict[str, CertificationRequest], someone: User) -> str:
    """The route's path with something real in its holes."""
    if path.startswith("admin/"):
        return "/" + path.replace("<path:object_id>", str(someone.pk)).replace(
            "<path:content_type_id>", "1"
        ).replace("^(?P<app_label>auth|audit|accounts|enrollment|pki)/$", "accounts/").replace(
            "(?P<url>.*)$", "nothing"
        )
    if path.startswith(("people/groups/", "people/links/<uuid:pk>/anew", "progress/<")):
        return "/" + path.replace("<uuid:pk>", str(invited_together(someone, path).pk))
    if path.startswith("doors/"):
        return "/" + in_the_house(path, someone)
    if path.startswith("certificates/"):
        return "/" + of_one(path, stage["issued"].certificate)
    of_certificate = "certificate." in path or path.endswith(("revoke", "qr", "installed"))
    target = someone.pk if path.startswith("people/") else stage["issued" if of_certificate else "waits"].pk
    path = path.replace("<uuid:pk>", str(target)).replace("<str:token>", "wrong")
    path = path.replace("<slug:name>", "names").replace("<slug:kind>/<int:pk>", "app/0")
    form = "cer" if path.startswith("trust") else "csv" if path.startswith("audit") else "pem"
    return "/" + path.replace("<str:form>", form)


def of_one(path: str, certificate: Certificate | None) -> str:
    """A route about the issued certificate."""
    assert certificate is not None
    times = {"since": timezone.now(), "last_at": timezone.now()}
    reader, _ = ListFetch.objects.get_or_create(authority="clients", number="1", defaults=times)
    path = path.replace("<uuid:pk>", str(certificate.pk)).replace("<int:pk>", str(reader.pk))
    query = f"?c={certificate.pk}" if "revoke" in path else ""
    return path.replace("<str:form>", "csv" if "list." in path else "pem") + query


def invited_together(by: User, path: str) -> InvitationGroup | Invitation:
    """A group that `by` made, or the link in it that was not used."""
    once = uuid4()
    group = InvitationGroup.objects.create(name="Spring", made_by=by, once=once)
    lapses_at = timezone.now() + timedelta(hours=1)
    link = Invitation.objects.create(
        digest=once.hex, full_name="Zoe", roles=["requester"], made_by=by, group=group, lapses_at=lapses_at
    )
    return link if "links/<" in path else group


def in_the_house(path: str, someone: User) -> str:
    """A route about doors: the practice door, its rule."""
    door = practice_door()
    group, _ = Group.objects.get_or_create(name="Family")
    target = group.pk if "groups/" in path else someone.pk if "tries/" in path else door.rules.get().pk
    path = path.replace("<slug:slug>", door.slug).replace("<uuid:pk>", str(target))
    return path.replace("<str:form>", "csv")


def answers(path: str, method: str) -> str:
    """The status each visitor gets, in the order of VISITORS."""
    got = []
    for visitor in VISITORS:
        browser: Client = Browser()
        if visitor != "nobody":
            open_session(browser, User.objects.get(username=visitor))
        got.append(str(getattr(browser, method)(path).status_code))
    return " ".join(got)


def test_every_route_has_an_expected_answer() -> None:
    assert {name for name, _ in ALL if not name.startswith("admin")} == set(EXPECTED)
    assert {name for name, _ in ALL_OF_STATUS} == set(EXPECTED_OF_STATUS)


@pytest.mark.parametrize(("name", "path"), [route for route in ALL if not route[0].startswith("admin")])
def test_everybody_gets_the_expected_answer(
    name: str, path: str, stage: dict[str, CertificationRequest], charlie: User
) -> None:
    where = address(path, stage, charlie)
    assert (answers(where, "get"), answers(where, "post")) == EXPECTED[name], where


@pytest.mark.parametrize(("name", "path"), ALL_OF_STATUS)
def test_the_status_face_answers_everybody_alike(
    name: str, path: str, stage: dict[str, CertificationRequest], settings: Settings
) -> None:
    authorities.publish_certificates()
    crl.publish("clients")
    settings.ROOT_URLCONF, settings.MIDDLEWARE = "portal.urls_status", settings.STATUS_MIDDLEWARE
    where = "/" + path.replace("<str:name>", "clients")
    assert (answers(where, "get"), answers(where, "post")) == EXPECTED_OF_STATUS[name], where


@pytest.mark.parametrize(("name", "path"), [route for route in ALL if route[0].startswith("admin")])
def test_djangos_admin_shows_itself_to_administrators_only_and_changes_nothing(
    name: str, path: str, stage: dict[str, CertificationRequest], charlie: User
) -> None:
    where = address(path, stage, charlie)
    before = User.objects.count(), CertificationRequest.objects.count()
    assert "200" not in answers(where, "get").split()[:-1], where
    assert "200" not in answers(where, "post").split()[:-1] or name.endswith("_changelist"), where
    assert (User.objects.count(), CertificationRequest.objects.count()) == before
    assert User.objects.get(pk=charlie.pk).roles == {"requester"}
