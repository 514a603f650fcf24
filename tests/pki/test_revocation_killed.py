"""The web process is killed (SIGKILL) between any two steps of a revocation.

Either it did not happen, or it is in force everywhere as soon as housekeeping looks, and told once.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.utils.module_loading import import_string
from pytest_django import Settings

from audit.models import AuditEvent
from pki import crl, issuance, revocation
from pki.models import Certificate
from tests.pki.orders import order

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

# Where it dies: before this is called for the so-many-eth time.
STEPS = [
    ("pki.signer.client.revoke", 1),
    ("pki.revocation._note_at_once", 1),
    ("audit.trail.record", 1),
    ("pki.revocation.in_force", 1),
    ("pki.signer.client.changes", 1),
    ("pki.revocation._take_over", 1),
    ("pki.revocation._rows", 1),
    ("pki.signer.client.crl", 1),
    ("os.replace", 1),
    ("os.replace", 2),
    ("os.replace", 3),  # when the root's list is due
    ("audit.trail.record", 2),
]


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> None:
    settings.PUBLIC_DIR = tmp_path


def die_at(where: str, time: int, patch: pytest.MonkeyPatch) -> None:
    real: Callable[..., Any] = import_string(where)
    left = [time]

    def counted(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **named)

    patch.setattr(where, counted)


@pytest.mark.parametrize(("where", "time"), STEPS)
def test_it_happened_everywhere_or_nowhere(
    signer: Path, monkeypatch: pytest.MonkeyPatch, where: str, time: int
) -> None:
    certificate = issuance.issue(order())
    revocation.catch_up()
    if time == 3:
        crl.forget("clients")
    connections.close_all()  # a file of SQLite must not be open across a fork
    child = os.fork()
    if child == 0:
        try:
            die_at(where, time, monkeypatch)
            revocation.revoke(certificate, "keyCompromise", by="alice", address="192.0.2.1")
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    revocation.catch_up()
    found = Certificate.objects.get(pk=certificate.pk)
    happened = where != "pki.signer.client.revoke"
    assert (found.revoked_at is not None, found.reason) == (happened, "keyCompromise" * happened)
    assert (int(found.serial, 16) in crl.current("clients")) == happened
    told = AuditEvent.objects.filter(action="certificate.revoked", target=str(found.pk))
    assert [line.actor for line in told] == ["alice"] * happened
