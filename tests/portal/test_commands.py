"""verify_audit and setup_link."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from accounts.models import User
from audit import trail
from audit.models import AuditEvent, AuditHead
from pki import crl
from pki.signer.protocol import AUTHORITIES
from tests.portal import running

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


@pytest.mark.slow
def test_whatever_starts_it_nobody_else_may_write_into_the_data_folder(tmp_path: Path) -> None:
    """A service manager or container without a umask would leave it open to every user of the machine."""
    env = running.environment(tmp_path / "data")
    command = ["sh", "-c", 'umask 0; exec "$0" manage.py migrate -v 0', sys.executable]
    subprocess.run(command, env=env, cwd=settings.BASE_DIR, check=True, timeout=60)
    made = [tmp_path / "data", *(tmp_path / "data").rglob("*")]
    assert len(made) > 3
    assert not [path for path in made if path.lstat().st_mode & 0o022]
