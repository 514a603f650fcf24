"""How far people have come, of a group and of everybody."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote
from uuid import uuid4

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Invitation, InvitationGroup, User
from audit.models import AuditEvent
from enrollment import progress, ra, seen
from enrollment.models import CertificationRequest, Installed, Kind
from pki.models import Certificate
from tests.conftest import open_session
from tests.enrollment.acts import HERE, ask, thing
from tests.pictures import faults_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def group(bob: User) -> InvitationGroup:
    return InvitationGroup.objects.create(name="Spring 2027", made_by=bob, once=uuid4())


def invitation(group: InvitationGroup | None, name: str, by: User, *, hours: int = 24) -> Invitation:
    lapses_at = timezone.now() + timedelta(hours=hours)
    return Invitation.objects.create(
        digest=uuid4().hex, full_name=name, roles=["requester"], made_by=by, group=group, lapses_at=lapses_at
    )


def member(group: InvitationGroup, name: str) -> User:
    """Somebody who joined by an invitation of the group."""
    link = invitation(group, name, group.made_by)
    user = User.objects.create(
        username=name.lower(),
        full_name=name,
        is_requester=True,
        email=f"{name.lower()}@example.org",
        invited_by=group.made_by,
    )
    Invitation.objects.filter(pk=link.pk).update(used_at=timezone.now(), joined=user)
    return user


def stage_of(group: InvitationGroup, name: str) -> str:
    return next(row.stage for row in progress.page(group, QueryDict()).rows if row.name.startswith(name))


def test_somebody_goes_through_all_stages(signer: Path, group: InvitationGroup, dora: User) -> None:
    link = invitation(group, "Zoe", group.made_by)
    assert stage_of(group, "Zoe") == "invited"
    Invitation.objects.filter(pk=link.pk).update(lapses_at=timezone.now())
    assert stage_of(group, "Zoe") == "lapsed"
    link.delete()
    zoe = member(group, "Zoe")
    assert stage_of(group, "Zoe") == "joined"
    request = ask(zoe, thing())
    assert stage_of(group, "Zoe") == "requested"
    User.objects.filter(pk=dora.pk).update(is_officer=True)
    request = ra.approve(request=request, by=User.objects.get(pk=dora.pk), address=HERE)
    assert request.certificate is not None and stage_of(group, "Zoe") == "approved"
    Installed.objects.create(request=request)
    assert stage_of(group, "Zoe") == "installed"
    seen.note(request.certificate.pk, address=HERE, at=timezone.now())
    assert stage_of(group, "Zoe") == "seen"
    Certificate.objects.filter(pk=request.certificate.pk).update(revoked_at=timezone.now())
    assert stage_of(group, "Zoe") == "joined"
    assert progress.counts(group) == {**dict.fromkeys(progress.STAGES, 0), "joined": 1}


def test_a_device_that_fetched_its_certificate_itself_has_installed_it(
    signer: Path, group: InvitationGroup, dora: User
) -> None:
    User.objects.filter(pk=dora.pk).update(is_officer=True)
    request = ask(member(group, "Zoe"), thing())
    request = ra.approve(request=request, by=User.objects.get(pk=dora.pk), address=HERE)
    CertificationRequest.objects.filter(pk=request.pk).update(kind=Kind.DEVICE)
    assert stage_of(group, "Zoe") == "installed"


def test_the_owner_of_a_request_says_that_it_is_installed_once_in_the_audit(
    signer: Path, browser: Client, alice: User, charlie: User, bob: User
) -> None:
    request = ask(alice, thing())
    path = f"/requests/{request.pk}/installed"
    open_session(browser, alice)
    assert browser.post(path).status_code == 404  # nothing is issued yet
    ra.approve(request=request, by=bob, address=HERE)
    assert [browser.post(path).status_code for _ in range(2)] == [204, 204]
    assert AuditEvent.objects.filter(action="certificate.installed", target=str(request.pk)).count() == 1
    open_session(browser, charlie)
    assert browser.post(path).status_code == 404


def test_the_page_leads_to_what_comes_next(
    browser: Client, group: InvitationGroup, bob: User, dora: User
) -> None:
    mine, lapsed = invitation(group, "Anna", bob), invitation(group, "Bea", bob, hours=-1)
    theirs = invitation(group, "Cleo", dora)
    member(group, "Dana")
    request = ask(member(group, "Edda"), "phone")
    page = open_session(browser, bob).get(f"/progress/{group.pk}").content.decode()
    for link in (mine, lapsed):
        assert f"/people/links/{link.pk}/anew" in page
    assert f"/people/links/{theirs.pk}/anew" not in page
    assert f"/queue/{request.pk}" in page and "Link lapsed" in page
    reminder = re.search(r'href="(mailto:dana[^"]+)"', page)
    assert reminder and "https://testserver/device" in unquote(reminder[1])
    assert f"/people/groups/{group.pk}/anew" in page
    page = open_session(browser, dora).get(f"/progress/{group.pk}").content.decode()
    assert f"/people/links/{theirs.pk}/anew" in page and "/queue/" not in page  # she is no officer


def test_the_filter_is_in_the_address(browser: Client, group: InvitationGroup, bob: User) -> None:
    invitation(group, "Anna", bob)
    invitation(group, "Bea", bob, hours=-1)
    member(group, "Dana")
    ask(member(group, "Edda"), "phone")
    open_session(browser, bob)
    names = {"invited": "Anna", "lapsed": "Bea", "joined": "Dana", "requested": "Edda"}
    for state, name in names.items():
        page = browser.get(f"/progress/{group.pk}?state={state}").content.decode()
        assert [other for other in names.values() if f"<bdi>{other}" in page] == [name]
    for state in ("seen", "nonsense", "%00"):
        assert browser.get(f"/progress/{group.pk}?state={state}").status_code == 200


def test_everybody_is_people_who_request_and_links_that_are_open_or_lapsed_lately(
    browser: Client, group: InvitationGroup, alice: User, bob: User, charlie: User
) -> None:
    User.objects.filter(pk=charlie.pk).update(is_active=False)
    invitation(group, "Anna", bob)
    invitation(None, "Bea", bob, hours=-24)
    invitation(None, "Long ago", bob, hours=-24 * 61)
    page = open_session(browser, bob).get("/progress/").content.decode()
    for name in ("Anna", "Bea", "Alice", "Spring 2027"):
        assert name in page
    for name in ("Long ago", "Charlie", "<bdi>Bob"):
        assert name not in page


@pytest.fixture
def crowd(group: InvitationGroup) -> Callable[[int], None]:
    """People of the group, a third of them not joined, some with requests."""

    def make(count: int) -> None:
        for n in range(count):
            if n % 3 == 0:
                invitation(group, f"Person {n:03}", group.made_by)
            else:
                user = member(group, f"Person{n:03}")
                if n % 3 == 1:
                    CertificationRequest.objects.create(
                        owner=user, profile="tls-client", device="phone", common_name="x", days=1, csr=b""
                    )

    return make


def test_every_one_of_two_hundred_is_on_exactly_one_page(
    browser: Client, group: InvitationGroup, bob: User, crowd: Callable[[int], None]
) -> None:
    crowd(200)
    open_session(browser, bob)
    path, found, pages = f"/progress/{group.pk}", [], 0
    while path:
        page = browser.get(path).content.decode()
        found += re.findall(r"<bdi>(Person ?\d{3})", page)
        further = re.search(r'rel="next" href="([^"]+)"', page)
        path = f"/progress/{group.pk}{further[1].replace('&amp;', '&')}" if further else ""
        pages += 1
    assert len(found) == len(set(found)) == 200 and pages == 4
    assert "<b>200</b>" in page


def test_a_page_of_fifty_asks_the_database_no_more_than_one_of_five(
    browser: Client, group: InvitationGroup, bob: User, crowd: Callable[[int], None]
) -> None:
    open_session(browser, bob)
    browser.get("/progress/")  # writes to the session, as once a minute
    asked = []
    for count in (5, 195):
        crowd(count) if count == 5 else [member(group, f"More{n:03}") for n in range(count)]
        for path in (f"/progress/{group.pk}", "/progress/"):
            with CaptureQueriesContext(connection) as queries:
                assert browser.get(path).status_code == 200
            asked.append(len(queries))
    assert asked[:2] == asked[2:], asked
    assert max(asked) <= 16, asked


@pytest.mark.parametrize(
    "after", ["", "x", "l.x.y", "p.00000000-0000-0000-0000-000000000000", "l.\0.\0", "l" * 999]
)
def test_a_place_that_we_did_not_make_is_the_first_page(
    browser: Client, group: InvitationGroup, bob: User, after: str
) -> None:
    member(group, "Dana")
    open_session(browser, bob)
    answer = browser.get(f"/progress/{group.pk}", {"after": after})
    assert answer.status_code == 200 and "Dana" in answer.content.decode()


def certified(person: User, officer: User) -> CertificationRequest:
    return ra.approve(request=ask(person, thing()), by=officer, address=HERE)


@pytest.mark.slow
def test_every_state_has_a_word_and_a_shape_and_the_page_fits_its_windows(
    signer: Path, browser: Client, group: InvitationGroup, bob: User, dora: User
) -> None:
    User.objects.filter(pk=dora.pk).update(is_officer=True)
    dora.refresh_from_db()
    invitation(group, "Anna Huber", bob)
    invitation(group, "Bea", bob, hours=-30)
    member(group, "Cleo")
    ask(member(group, "Dana"), thing())
    certified(member(group, "Edda"), dora)
    Installed.objects.create(request=certified(member(group, "Frida"), dora))
    last = certified(member(group, "Gerda"), dora)
    assert last.certificate is not None
    seen.note(last.certificate.pk, address=HERE, at=timezone.now())
    open_session(browser, bob)
    paths = {
        "group": f"/progress/{group.pk}",
        "all": "/progress/",
        "seen": f"/progress/{group.pk}?state=seen",
    }
    html = {f"progress-{name}": browser.get(path).content.decode() for name, path in paths.items()}
    assert all(f'class="state {stage}"' in html["progress-group"] for stage in progress.STAGES)
    faults = faults_in(html, ("phone-light", "desk-dark"))
    assert not faults, "\n".join(faults)
