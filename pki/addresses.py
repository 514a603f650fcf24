"""Under which address certificates say that their revocation list is found: it cannot be changed in them.

Kept in a column, so that after a change of LATCHKEY_STATUS_URL those that point to the old one are found
among a million at once.
"""

from collections import Counter
from datetime import datetime

from cryptography import x509
from django.db.models import QuerySet

from pki.models import Certificate

NONE = "-"  # it names no list
AT_A_TIME = 500
SERVICES = "service:"  # what the owner of a service's certificate begins with


def of(certificate: x509.Certificate) -> str:
    """The status URL in the certificate's CRL distribution points (RFC 5280 4.2.1.13), or NONE."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except (x509.ExtensionNotFound, ValueError):
        return NONE
    names = [name.value for point in found for name in point.full_name or []]
    bases = [name.partition("/crl/")[0] for name in names if isinstance(name, str) and "/crl/" in name]
    return bases[0][:200] if bases else NONE


def fill() -> int:
    """Look into certificates that were issued before there was the column, some at a time; gives how many."""
    rows = list(Certificate.objects.filter(status_url="", revoked_at=None)[:AT_A_TIME])
    for row in rows:
        row.status_url = of(x509.load_der_x509_certificate(bytes(row.der)))
    Certificate.objects.bulk_update(rows, ["status_url"])
    return len(rows)


def elsewhere(current: str, now: datetime) -> dict[str, int]:
    """How many live certificates of people point to each other address than `current`."""
    ours = Counter(url for url, end, revoked_at in of_services() if end > now and revoked_at is None)
    found: dict[str, int] = {}
    for url in _known():
        count = _live(url, now).count() - ours[url] if url not in ("", NONE, current) else 0
        found |= {url: count} if count > 0 else {}
    return found


def of_services() -> list[tuple[str, datetime, datetime | None]]:
    """Address, end and revocation of our own services' certificates, which are renewed by themselves.

    Few, and so read by their owner alone (an account's UUID comes before "service:…"): with one condition
    more the databases walk through everybody's.
    """
    rows = Certificate.objects.filter(owner__gte=SERVICES)
    return list(rows.values_list("status_url", "not_after", "revoked_at"))


def subjects(url: str, now: datetime, limit: int) -> list[str]:
    """Common names of live certificates that point to `url`, the longest-lived first."""
    rows = _live(url, now).filter(owner__lt=SERVICES).order_by("-not_after")
    return list(rows.values_list("subject", flat=True)[:limit])


def _live(url: str, now: datetime) -> QuerySet[Certificate]:
    return Certificate.objects.filter(status_url=url, revoked_at=None, not_after__gt=now)


def _known() -> list[str]:
    """Every address there is: one step in the index for each, instead of a walk through it."""
    found: list[str] = []
    rows = (
        Certificate.objects.filter(revoked_at=None)
        .order_by("status_url")
        .values_list("status_url", flat=True)
    )
    while (url := rows.filter(status_url__gt=found[-1]).first() if found else rows.first()) is not None:
        found.append(url)
    return found
