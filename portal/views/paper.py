"""The code on paper: made by the owner, and used by whoever has it, without signing in."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import boxes, throttle
from accounts import qr as codes
from accounts.addresses import address_of, network_of
from accounts.guards import me, posted, requires
from accounts.links import reached
from accounts.throttle import Keys, Limit
from accounts.words import duration
from enrollment import ra, revoking
from enrollment.forms import sentence
from enrollment.models import PaperCode
from pki.models import Certificate
from portal import revoked
from portal.revoke_forms import CodeForm, LostForm
from portal.views.certificates import visible

UNPROCESSABLE, TOO_MANY = 422, 429
METHODS = ["GET", "HEAD", "POST"]
_MADE = "code on paper for"
# Ten codes typed wrongly cost nothing; after that each try from this network waits twice as long. A right one
# never waits: nobody guesses 99 bits, and somebody else's guesses must not keep a lost phone's door open.
GUESSES = Limit(free=10, cap=900)


@requires()
@require_http_methods(METHODS)
def paper(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Make a code for one's own certificate, and show it: once, to be printed.

    Made by the POST and shown by the next GET, so that loading the page again makes no other one.
    """
    certificate = visible(request, pk)
    if certificate.owner != str(me(request).pk):
        raise Http404
    made = boxes.get(request, f"{_MADE} {pk}", ttl=900)
    if made is not None and request.method == "GET":
        boxes.drop(request, f"{_MADE} {pk}")
        return _slip(request, certificate, made["code"])
    form = CodeForm(request, posted(request))
    before = PaperCode.objects.filter(certificate=certificate, used_at=None).first()
    context: dict[str, object] = {"certificate": certificate, "form": form, "before": before}
    if form.is_valid():
        try:
            code = revoking.make_paper_code(certificate, by=me(request), address=address_of(request))
        except ra.Refused as error:
            form.add_error(None, sentence(error))
        else:
            boxes.put(request, f"{_MADE} {pk}", {"code": code})
            return redirect("certificates:paper", pk)
    return render(request, "certificates/paper.html", context, status=UNPROCESSABLE if form.errors else 200)


def _slip(request: HttpRequest, certificate: Certificate, code: str) -> HttpResponse:
    plain = reached(request, reverse("certificates:lost"))
    address = f"{plain}?{urlencode({'code': code})}"
    context = {"certificate": certificate, "code": code, "address": plain, "qr": codes.svg(address)}
    return render(request, "certificates/slip.html", {**context, "made": timezone.now()})


@require_http_methods(METHODS)
def lost(request: HttpRequest) -> HttpResponse:
    """For anybody: the code, then what it ends, then it is done. Looking at the page changes nothing."""
    if request.method != "POST":
        return _ask(request, LostForm(initial={"code": request.GET.get("code", "")[:200]}))
    form = LostForm(request.POST)
    if not form.is_valid():
        return _ask(request, form, UNPROCESSABLE)
    try:
        found = revoking.by_paper(form.cleaned_data["code"])
    except ra.Refused as error:
        if wait := throttle.begin(_keys(request)):
            form.add_error(
                "code",
                _("Too many wrong codes. Wait %(wait)s, then send it again.") % {"wait": duration(wait)},
            )
            return _ask(request, form, TOO_MANY)
        form.add_error("code", sentence(error))
        return _ask(request, form, UNPROCESSABLE)
    return _use(request, found, form)


def _use(request: HttpRequest, found: PaperCode, form: LostForm) -> HttpResponse:
    if "confirmed" not in request.POST:
        context = {"certificate": revoking.ended_by(found), "code": form.cleaned_data["code"]}
        return render(request, "certificates/lost_confirm.html", context)
    try:
        gone = revoking.use_paper(found, address=address_of(request))
    except ra.Refused as error:
        form.add_error("code", sentence(error))
        return _ask(request, form, UNPROCESSABLE)
    steps = [step for step in revoked.steps([gone]) if not step.readers]
    return render(request, "certificates/lost_done.html", {"certificate": gone, "steps": steps})


def _ask(request: HttpRequest, form: LostForm, status: int = 200) -> HttpResponse:
    return render(request, "certificates/lost.html", {"form": form}, status=status)


def _keys(request: HttpRequest) -> Keys:
    return {f"paper {network_of(address_of(request))}"[:128]: GUESSES}
