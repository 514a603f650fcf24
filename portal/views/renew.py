"""Renewing a certificate at the check face, by showing it: a new key, the same names, nobody has to approve.

Whose certificate it is stands in the TLS connection and nowhere else, verified anew with each request. So no
address here names a request: everybody sees the successor of what they showed. The browser shows it with
forms of other sites as well, hence Django's tokens and its look at Origin, as at the door; and the
fingerprint in the form: what was read on the page is what is renewed.
"""

from collections.abc import Callable, Mapping
from functools import wraps

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.addresses import address_of
from enrollment import kinds, ra, renewing
from enrollment.models import CertificationRequest, Status
from enrollment.views import downloads
from pki import csr, mobileconfig
from pki.csr import ParsedCSR
from pki.errors import CSRRejected
from portal import renewals
from portal.arrivals import Arrival
from portal.renewals import Standing
from portal.views import check

UNPROCESSABLE = 422


def _shown(
    view: Callable[[HttpRequest, Arrival, Standing], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """With the live certificate that arrived and where its renewal stands; else the page about what came."""

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        arrival = check.arrived(request)
        if arrival.live is None:
            return check.told(request, arrival, UNPROCESSABLE if request.method == "POST" else 200)
        return view(request, arrival, renewals.of(arrival.live))

    return guarded


@require_http_methods(["GET", "HEAD", "POST"])
@_shown
def renew(request: HttpRequest, arrival: Arrival, standing: Standing) -> HttpResponse:
    """The page for where it stands; and with a key's request the successor, issued at once."""
    if request.method != "POST":
        return _page(request, arrival, standing)
    try:
        _as_read(request, arrival)
        parsed = _other_key(csr.parse(request.POST.get("csr", "").encode()), standing)
        made = ra.renew(
            predecessor=standing.old, csr=parsed, proof=renewing.shown(), address=address_of(request)
        )
        _refuse_refused(made)
    except (ra.Refused, CSRRejected) as error:
        return _refused(request, arrival, error)
    return HttpResponseRedirect(reverse("renew"), status=303)


@require_POST
@_shown
def make_profile(request: HttpRequest, arrival: Arrival, standing: Standing) -> HttpResponse:
    """For a device that makes its key by itself: its profile waits on the page then."""
    try:
        _as_read(request, arrival)
        ra.renew_by_profile(predecessor=standing.old, address=address_of(request))
    except ra.Refused as error:
        return _refused(request, arrival, error)
    return HttpResponseRedirect(reverse("renew"), status=303)


@require_safe
@_shown
def profile(request: HttpRequest, arrival: Arrival, standing: Standing) -> HttpResponse:
    """The signed profile with a one-time challenge. Fetching it uses nothing up; enrolling does."""
    if standing.step != "profile" or standing.successor is None:
        return _page(request, arrival, standing)
    waiting = standing.successor
    try:
        data = ra.profile_for(waiting, by=waiting.owner, address=address_of(request))
    except ra.Refused as error:
        return _refused(request, arrival, error)
    return downloads.attachment(data, mobileconfig.CONTENT_TYPE, f"{standing.file}.mobileconfig")


@require_safe
@_shown
def chain(request: HttpRequest, arrival: Arrival, standing: Standing) -> HttpResponse:
    """The new certificate with its issuers, for the page that has the key. It is no secret."""
    made = standing.successor.certificate if standing.successor else None
    if made is None:
        return _page(request, arrival, standing, status=404)
    ending, media_type, make = downloads.FORMS["p7b"]
    return downloads.attachment(make(made), media_type, standing.file + ending)


def _as_read(request: HttpRequest, arrival: Arrival) -> None:
    """The form is about the certificate that arrived with it: browsers may show another one each time."""
    if request.POST.get("of", "") != arrival.fingerprint:
        raise ra.Refused(
            _("Another certificate arrived than the one on the page before. Nothing was made."),
            _("Look whether this is the one that you mean, and begin again."),
        )


def _other_key(parsed: ParsedCSR, standing: Standing) -> ParsedCSR:
    if parsed.key_sha256 == standing.old.key_sha256:
        raise ra.Refused(
            _("This is the key of the old certificate. A new one comes with a new key."),
            _("Press the button again: the page makes one."),
        )
    return parsed


def _refuse_refused(made: CertificationRequest) -> None:
    if made.status == Status.REJECTED:
        raise ra.Refused(made.reason, renewing.ask())


def _refused(request: HttpRequest, arrival: Arrival, error: ra.Refused | CSRRejected) -> HttpResponse:
    """The page for where it stands now, and above it why nothing was made."""
    if arrival.live is None:
        return check.told(request, arrival, UNPROCESSABLE)
    problem = {"problem": str(error), "remedy": error.remedy}
    return _page(request, arrival, renewals.of(arrival.live), problem, UNPROCESSABLE)


def _page(
    request: HttpRequest,
    arrival: Arrival,
    standing: Standing,
    more: Mapping[str, object] | None = None,
    status: int = 200,
) -> HttpResponse:
    agent = request.headers.get("User-Agent", "")
    kind = kinds.of(agent)
    way = request.GET.get("way", "")
    context = {
        "arrival": arrival,
        "standing": standing,
        # A profile that nothing came for yet makes room for a key.
        "step": "open" if (standing.step, way) == ("profile", "page") else standing.step,
        "csrf_token": get_token(request),
        "way": way if way in ("profile", "page") else kind.way,
        "other_browser": kind.small and kind.way == "profile" and not kinds.is_safari(agent),
        **kinds.installing(agent, kind),
        "days": renewing.KEPT_FOR.days,
        **(more or {}),
    }
    return check.show(
        request, "check/finish.html" if standing.finishes else "check/renew.html", context, status
    )
