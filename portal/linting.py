"""pkilint over everything the signer signed, a few at a time, and again when pkilint itself changes."""

from importlib.metadata import version

from django.db.models import Q, QuerySet

from pki import authorities, lint
from pki.models import Certificate
from pki.signer.protocol import AUTHORITIES

RELEASE = version("pkilint")
FOUND = f"{RELEASE} found something"
AT_A_TIME = 200
_clean: set[bytes] = set()  # certificates of authorities, PEM, that pkilint found nothing in since we started


class Findings(Exception):
    """pkilint does not like something that was issued."""


def lint_some() -> str:
    """Lint what this release of pkilint has not seen yet. Raises Findings while it dislikes anything.

    pkilint runs in a process of its own: its libraries take 50 MB.
    """
    batch = list(unseen().order_by("pk")[:AT_A_TIME])
    if batch and not _dislikes(batch):
        _mark(batch, RELEASE)
    elif batch:
        for certificate in batch:
            _mark([certificate], FOUND if _dislikes([certificate]) else RELEASE)
    disliked = Certificate.objects.filter(linted_with=FOUND).values_list("serial", flat=True)[:3]
    if disliked:
        raise Findings(f"pkilint found something in certificates with these serials: {', '.join(disliked)}")
    return f"{len(batch)} certificates linted" if batch else ""


def lint_authorities() -> str:
    """Lint the authorities' own certificates, each once in a process's life. Raises Findings."""
    known = [authorities.pem(der) for name in AUTHORITIES for der in authorities.chain(name)]
    fresh = [certificate for certificate in known if certificate not in _clean]
    if fresh and (found := lint.thorough(fresh)):
        raise Findings(f"pkilint found something in the authorities' certificates: {'; '.join(found)}")
    _clean.update(fresh)
    return f"{len(fresh)} certificates of authorities linted" if fresh else ""


def unseen() -> QuerySet[Certificate]:
    """Everything whose mark does not begin with this release; as ranges, which an index can answer."""
    return Certificate.objects.filter(Q(linted_with__lt=RELEASE) | Q(linted_with__gt=FOUND))


def _dislikes(certificates: list[Certificate]) -> list[str]:
    return lint.thorough([authorities.pem(bytes(certificate.der)) for certificate in certificates])


def _mark(certificates: list[Certificate], mark: str) -> None:
    Certificate.objects.filter(pk__in=[certificate.pk for certificate in certificates]).update(
        linted_with=mark
    )
