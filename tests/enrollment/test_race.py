"""Sixteen officers approve the same requests at the same time: each is issued once."""

import os
import threading
from pathlib import Path

import pytest
from django.db import connection

from accounts.models import User
from audit import trail
from audit.models import AuditEvent
from enrollment import ra
from enrollment.history import WAITING_EACH
from enrollment.models import CertificationRequest, Status
from pki.models import Certificate
from tests.conftest import person
from tests.enrollment.acts import HERE, ask

OFFICERS = 16
REQUESTS = int(os.environ.get("RACE_REQUESTS", "25"))  # the long form takes 500


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_sixteen_officers_at_once_make_one_certificate_each(signer: Path, alice: User) -> None:
    askers = [alice, *(person(f"asker-{n}", is_requester=True) for n in range(REQUESTS // WAITING_EACH))]
    requests = [ask(askers[n // WAITING_EACH], f"phone {n}") for n in range(REQUESTS)]
    officers = [person(f"officer-{n}", is_officer=True) for n in range(OFFICERS)]
    start, late, faults = threading.Barrier(OFFICERS), [0] * OFFICERS, []

    def approve_all(n: int) -> None:
        start.wait()
        try:
            for request in CertificationRequest.objects.filter(pk__in=[item.pk for item in requests]):
                try:
                    ra.approve(request=request, by=officers[n], address=HERE)
                except ra.Refused:
                    late[n] += 1
        except Exception as error:
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=approve_all, args=(n,)) for n in range(OFFICERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert CertificationRequest.objects.filter(status=Status.ISSUED).count() == REQUESTS
    assert (
        Certificate.objects.count() == Certificate.objects.values("key_sha256").distinct().count() == REQUESTS
    )
    assert sum(late) == REQUESTS * (OFFICERS - 1)
    for action in ("request.approved", "request.issued"):
        assert AuditEvent.objects.filter(action=action).count() == REQUESTS
    assert trail.verify().broken_at is None
