"""The numbers behind /metrics, in Prometheus' text format 0.0.4."""

import shutil
from collections.abc import Iterator

from django.conf import settings
from django.db.models import Count

from enrollment.models import CertificationRequest, Status
from pki import crl
from pki.signer.protocol import AUTHORITIES
from portal import health, housekeeping, tls

Sample = tuple[str, str, float]  # name, labels, value


def text() -> str:
    """All samples, each metric with its type line once."""
    lines: list[str] = []
    for name, labels, value in _samples():
        heading = f"# TYPE {name} gauge"
        if heading not in lines:
            lines.append(heading)
        lines.append(f"{name}{labels} {value:.15g}")
    return "\n".join([*lines, ""])


def _samples() -> Iterator[Sample]:
    yield "latchkey_signer_up", "", float(health.signer_listens())
    yield "latchkey_door_up", "", float(health.door_lets_in())
    yield from _requests()
    for authority in AUTHORITIES:
        try:
            ends = housekeeping.ends(crl.current(authority))
        except (OSError, ValueError):
            continue
        yield "latchkey_crl_next_update_seconds", f'{{authority="{authority}"}}', ends.timestamp()
    leaf = tls.served()
    if leaf:
        yield "latchkey_server_certificate_not_after_seconds", "", leaf.not_valid_after_utc.timestamp()
    yield "latchkey_disk_free_bytes", "", float(shutil.disk_usage(settings.DATA).free)
    at, steps = housekeeping.last()
    yield "latchkey_housekeeping_last_run_seconds", "", at.timestamp() if at else 0.0
    yield "latchkey_housekeeping_steps_in_trouble", "", float(sum(bool(said) for said in steps.values()))


def _requests() -> Iterator[Sample]:
    """Counted over the index that begins with the status."""
    counted = CertificationRequest.objects.order_by().values_list("status").annotate(number=Count("pk"))
    numbers = dict(counted)
    for status in Status.values:
        yield "latchkey_requests", f'{{status="{status}"}}', float(numbers.get(status, 0))
