"""A certificate for the device in one's hand: which way, asking, the way over to the phone, and the end."""

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from accounts import links
from accounts import qr as codes
from accounts.addresses import address_of
from accounts.freshness import FreshFactorForm, is_fresh
from accounts.guards import me, posted, requires
from accounts.models import Invitation, Role
from enrollment import anew, handover, kinds, proposals, ra, renewing, states
from enrollment.device_forms import DeviceForm, NameForm
from enrollment.forms import sentence
from enrollment.models import CertificationRequest, Kind, Status
from enrollment.renewing import KEPT_FOR
from enrollment.views import downloads
from pki import mobileconfig

GONE, UNPROCESSABLE = 410, 422
HANDED = "handed over"  # in the session: what was typed on the computer


@requires(Role.REQUESTER)
@require_safe
def choose(request: HttpRequest) -> HttpResponse:
    """The one button leads here: the way that fits the device, and the other one below."""
    kind = _kind(request)
    initial = {"device": _proposed(request) or gettext(kind.call), **request.session.get(HANDED, {})}
    return _page(request, DeviceForm(me(request), initial=initial))


def _proposed(request: HttpRequest) -> str:
    """What whoever invited them calls the device, for the first request."""
    came_by = Invitation.objects.filter(joined=me(request), joined__requests=None)
    return came_by.values_list("device", flat=True).first() or ""


@requires(Role.REQUESTER)
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """Ask: with the request of the key that the page made, or for person and device without a key yet."""
    if request.method != "POST":  # a phone's browser opens its windows anew
        return redirect("enrollment:device")
    form = DeviceForm(me(request), request.POST)
    if form.is_valid():
        try:
            made = _ask(request, form)
        except ra.Refused as error:
            form.add_error(None, sentence(error))
        else:
            request.session.pop(HANDED, None)
            anew.note(request.session, made, address=address_of(request))
            return redirect("enrollment:request", made.pk)
    return _page(request, form, UNPROCESSABLE)


def _ask(request: HttpRequest, form: DeviceForm) -> CertificationRequest:
    by, address = me(request), address_of(request)
    device, note = form.cleaned_data["device"], form.cleaned_data["note"]
    if form.parsed is None:
        return ra.ask_for_device(by=by, address=address, device=device, note=note)
    return ra.submit(
        by=by,
        address=address,
        csr=form.parsed,
        profile="tls-client",
        device=device,
        note=note,
        sans=[],
        lapses_at=timezone.now() + KEPT_FOR,
    )


def _kind(request: HttpRequest) -> kinds.Kind:
    chosen = request.POST.get("as") or request.GET.get("as", "")
    return kinds.of(request.headers.get("User-Agent", ""), chosen)


def _page(request: HttpRequest, form: DeviceForm, status: int = 200) -> HttpResponse:
    kind = _kind(request)
    way = request.POST.get("way") or request.GET.get("way", "")
    guessed = not (request.POST.get("as") or request.GET.get("as"))
    context = {
        "form": form,
        "kind": kind,
        "kinds": kinds.KINDS.values(),
        "guessed": guessed,
        "way": way if way in ("profile", "page") else kind.way,
        "safari": kinds.is_safari(request.headers.get("User-Agent", "")),
        "days": KEPT_FOR.days,
        "ending": renewing.ending_of(me(request)),
        "check_url": settings.CHECK_URL,
    }
    return render(request, "enrollment/device.html", context, status=status)


@requires(Role.REQUESTER)
@require_http_methods(["GET", "HEAD", "POST"])
def link(request: HttpRequest) -> HttpResponse:
    """A QR code that takes one to the same place on the phone, with what was typed, or to one's request."""
    if request.method != "POST":
        return redirect("enrollment:device")
    typed = NameForm(request.POST)
    known = typed.cleaned_data if typed.is_valid() else {}
    item = None
    if request.POST.get("request"):
        item = get_object_or_404(CertificationRequest, pk=_uuid(request.POST["request"]), owner=me(request))
    token = handover.make(
        me(request),
        address=address_of(request),
        device=known.get("device", ""),
        note=known.get("note", ""),
        request=item,
    )
    url = links.reached(request, reverse("enrollment:device-from", args=[token]))
    context = {"url": url, "qr": codes.svg(url), "minutes": handover.MINUTES, "item": item}
    return render(request, "enrollment/device_link.html", context)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@requires(Role.REQUESTER)
@require_GET
def taken_over(request: HttpRequest, token: str) -> HttpResponse:
    """Behind the login, on the phone: uses the code up and goes on where the computer was."""
    try:
        found = handover.take(token, by=me(request), address=address_of(request))
    except ra.Refused as error:
        return render(request, "enrollment/device_gone.html", {"error": error}, status=GONE)
    if found.request is not None:
        return redirect("enrollment:request", found.request.pk)
    typed = {"device": found.device, "note": found.note}
    request.session[HANDED] = {name: text for name, text in typed.items() if text}
    return redirect("enrollment:device")


@requires(Role.REQUESTER)
@require_safe
def finish(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Where the page joins key and certificate in a .p12. All of that happens in the browser."""
    item = _mine(request, pk)
    if not item.made_in_browser or states.of(item).name not in ("live", "ending"):
        return redirect("enrollment:request", pk)
    context = {
        "item": item,
        **kinds.installing(request.headers.get("User-Agent", ""), _kind(request)),
        "file": proposals.slug(item.common_name) or "certificate",
        "door_url": settings.DOOR_URL,
        "check_url": settings.CHECK_URL,
        "days": KEPT_FOR.days,
    }
    return render(request, "enrollment/finish.html", context)


@requires(Role.REQUESTER)
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The signed profile, with a fresh second factor: the challenge in it makes a certificate.

    A form comes first where the last factor is old; once it is good it leads here again by GET, because
    phones take a profile from an address they go to. Fetching it uses nothing up; enrolling does.
    """
    item = _mine(request, pk)
    if item.kind != Kind.DEVICE or item.status != Status.APPROVED:
        return redirect("enrollment:request", pk)
    form = FreshFactorForm(request, posted(request))
    if form.is_valid():
        return redirect("enrollment:device-profile", pk)
    if not is_fresh(request):
        status = UNPROCESSABLE if form.errors else 200
        return render(request, "enrollment/profile.html", {"item": item, "form": form}, status=status)
    return _profile(request, item)


def _profile(request: HttpRequest, item: CertificationRequest) -> HttpResponse:
    try:
        data = ra.profile_for(item, by=me(request), address=address_of(request))
    except ra.Refused as error:
        context = {"error": error, "item": item}
        return render(request, "enrollment/device_gone.html", context, status=UNPROCESSABLE)
    name = f"{proposals.slug(item.common_name) or 'device'}.mobileconfig"
    return downloads.attachment(data, mobileconfig.CONTENT_TYPE, name)


def _mine(request: HttpRequest, pk: UUID) -> CertificationRequest:
    found = CertificationRequest.objects.select_related("owner", "certificate")
    return get_object_or_404(found.defer("csr"), pk=pk, owner=me(request))
