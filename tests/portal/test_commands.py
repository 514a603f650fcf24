"""verify_audit and setup_link."""

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from audit import trail
from audit.models import AuditEvent, AuditHead
from pki import crl
from pki.signer.protocol import AUTHORITIES

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def published(signer: Path) -> None:
    trail.record("login.ok", actor="alice")
    for authority in AUTHORITIES:
        crl.publish(authority)


def verify() -> str:
    out = io.StringIO()
    call_command("verify_audit", stdout=out)
    return out.getvalue()


def test_a_whole_trail_is_said_to_be_whole(published: None) -> None:
    assert f"is whole: {AuditEvent.objects.count()} lines" in verify()


def test_a_changed_line_is_named(published: None) -> None:
    AuditEvent.objects.filter(sequence=2).update(actor="nobody")
    with pytest.raises(CommandError, match="broken at line 2"):
        verify()


def test_lines_cut_off_at_the_end_show_against_the_revocation_lists(published: None) -> None:
    AuditEvent.objects.filter(sequence__gt=1).delete()
    first = AuditEvent.objects.get()
    AuditHead.objects.update(sequence=1, digest=first.digest)
    with pytest.raises(CommandError, match="lacks lines"):
        verify()


def test_the_setup_link_is_there_until_there_is_an_account() -> None:
    out = io.StringIO()
    call_command("setup_link", stdout=out)
    assert out.getvalue().startswith("https://portal.home.arpa:8443/setup/")
    User.objects.create_user("dora", "correct horse battery", is_administrator=True)
    with pytest.raises(CommandError, match="sign in"):
        call_command("setup_link")
