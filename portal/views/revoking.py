"""Certificates that end early: shown beforehand, done with a fresh code, followed to who relies on them."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.addresses import address_of
from accounts.guards import me, posted, requires
from accounts.models import Role, User
from enrollment import ra, replaced, revoking, states
from enrollment.forms import sentence
from enrollment.models import CertificationRequest
from enrollment.states import State
from pki.errors import SignerUnavailable
from pki.models import Certificate, ListFetch
from pki.revocation import COMPROMISED, HOLD
from portal import certificate_lists as lists
from portal import readers, revoked
from portal.revoke_forms import CodeForm, NameForm, RevokeForm
from portal.views.certificates import visible

UNPROCESSABLE = 422
METHODS = ["GET", "HEAD", "POST"]


@dataclass(frozen=True)
class Row:
    """One certificate in the preview, or what came of it. `why`: why it stays as it is, or ""."""

    certificate: Certificate
    state: State
    who: str
    device: str
    why: str = ""


@requires()
@require_http_methods(METHODS)
def revoke(request: HttpRequest) -> HttpResponse:
    """What will happen, first; then one reason and one code for all that was chosen."""
    chosen = chosen_by(request)
    if not chosen:
        messages.warning(request, _("Choose at least one certificate."))
        return redirect("certificates:list")
    rows = _rows(chosen, me(request))
    able = [row for row in rows if not row.why]
    confirmed = "confirmed" in request.POST
    form = RevokeForm(request, posted(request) if confirmed else None, initial={"reason": "unspecified"})
    if confirmed and form.is_valid():
        _revoke_all(request, [row.certificate for row in able], form)
        return redirect(f"{reverse('certificates:done')}?{_query(chosen)}")
    along = _rows(revoking.same_key(row.certificate for row in able))
    context = {
        "rows": rows,
        "able": able,
        "along": along,
        "followers": replaced.followers(*[row.certificate for row in able]),
        "before": None if len(rows) > 1 else replaced.before(chosen[0]),
        "form": form,
        "several": len(rows) > 1,
        "back": reverse("certificates:one", args=[chosen[0].pk]) if len(chosen) == 1 else "",
    }
    return render(request, "certificates/revoke.html", context, status=UNPROCESSABLE if form.errors else 200)


def _revoke_all(request: HttpRequest, chosen: list[Certificate], form: RevokeForm) -> None:
    """Each by itself: one that is refused says so and keeps none of the others."""
    reason = form.cleaned_data["reason"]
    also = revoking.same_key(chosen) if reason == COMPROMISED else []
    for certificate in chosen:
        try:
            revoking.revoke(
                certificate,
                by=me(request),
                address=address_of(request),
                reason=reason,
                since=form.invalid_since,
                more=True,
            )
        except ra.Refused as error:
            messages.error(request, f"{certificate.subject}: {sentence(error)}")
            if isinstance(error.__cause__, SignerUnavailable):  # a hundred would wait a hundred times as long
                break
    revoking.in_force()
    taken = Certificate.objects.filter(pk__in=[found.pk for found in also], reason=COMPROMISED)
    if names := ", ".join(taken.values_list("subject", flat=True)):
        messages.info(request, _("Revoked as well, as the key is the same: %(names)s.") % {"names": names})


def _obstacle(user: User, certificate: Certificate) -> str:
    if not lists.may_revoke(user, certificate.owner, None, ""):
        return _("Only its owner or an officer can revoke it.")
    if revoking.is_over(certificate, COMPROMISED):
        return _("It has ended already.")
    return ""


def _rows(certificates: list[Certificate], user: User | None = None) -> list[Row]:
    """With two queries, however many there are; for a `user` with why each stays as it is."""
    asked = CertificationRequest.objects.filter(certificate__in=certificates)
    devices = dict(asked.values_list("certificate_id", "device"))
    owners = {found.pk: lists.account_of(found.owner) for found in certificates}
    people = User.objects.in_bulk([key for key in owners.values() if key])
    return [
        Row(
            found,
            states.of_certificate(found),
            people[key].both_names if (key := owners[found.pk]) in people else str(lists.OWN),
            devices.get(found.pk, found.subject),
            _obstacle(user, found) if user else "",
        )
        for found in certificates
    ]


def chosen_by(request: HttpRequest) -> list[Certificate]:
    """What was ticked, or stands in the address, of what one may see at all; by their names."""
    sent = request.POST if request.method == "POST" else request.GET
    ids = lists.chosen([*sent.getlist("chosen"), *sent.getlist("c")], revoking.AT_ONCE)
    found = Certificate.objects.filter(pk__in=ids)
    if not lists.sees_all(me(request)):
        found = found.filter(owner=str(me(request).pk))
    return list(found.order_by("subject", "id"))


def _query(chosen: list[Certificate]) -> str:
    return urlencode([("c", str(found.pk)) for found in chosen])


@requires()
@require_safe
def done(request: HttpRequest) -> HttpResponse:
    """How far it is: read from what is there now, so that it can be looked at again at any time."""
    return _progress(request, "certificates/done.html")


@requires()
@require_safe
def done_state(request: HttpRequest) -> HttpResponse:
    """The fragment that the page asks for again while something is still to happen."""
    return _progress(request, "certificates/_progress.html")


def _progress(request: HttpRequest, template: str) -> HttpResponse:
    chosen = chosen_by(request)
    if not chosen:
        raise Http404
    gone = [found for found in chosen if found.revoked_at is not None]
    steps = revoked.steps(gone) if gone else []
    waits = not all(step.done for step in steps)
    context = {
        "rows": _rows(chosen),
        "gone": gone,
        "steps": steps,
        "version": "-".join(str(int(step.done)) for step in steps),
        "poll": f"{reverse('certificates:done-state')}?{_query(chosen)}" if waits else "",
        "back": chosen[0] if len(chosen) == 1 else None,
        "sees_all": lists.sees_all(me(request)),
        "hold": bool(gone) and all(found.reason == HOLD for found in gone),
    }
    return render(request, template, context)


@requires(Role.OFFICER)
@require_http_methods(METHODS)
def release(request: HttpRequest, pk: UUID) -> HttpResponse:
    """An officer ends a hold: with a fresh code, and never for themselves."""
    certificate = visible(request, pk)
    if certificate.reason != HOLD:
        messages.info(request, _("It is not on hold."))
        return redirect("certificates:one", pk)
    form = CodeForm(request, posted(request))
    if form.is_valid():
        try:
            revoking.release(certificate, by=me(request), address=address_of(request))
        except ra.Refused as error:
            form.add_error(None, sentence(error))
        else:
            _say_released(request, certificate)
            return redirect("certificates:one", pk)
    context = {"row": _rows([certificate])[0], "form": form}
    return render(request, "certificates/release.html", context, status=UNPROCESSABLE if form.errors else 200)


def _say_released(request: HttpRequest, certificate: Certificate) -> None:
    """What is so by now: the signer may have gone after it wrote the release down."""
    if certificate.reason == HOLD:
        said = _(
            "The authority wrote the release down, and then did not answer. It counts again as soon as "
            "housekeeping has followed it up, mostly within five minutes; then this page says so."
        )
        messages.warning(request, said)
    elif revoked.named(certificate):
        messages.warning(
            request, _("Released. The list still names it until housekeeping has made a new one.")
        )
    else:
        messages.success(request, _("Released. It counts again, and the new list no longer names it."))


@requires(Role.OFFICER, Role.AUDITOR)
@require_safe
def list_readers(request: HttpRequest) -> HttpResponse:
    """Who fetched which revocation list, and when last."""
    context = {"rows": readers.everybody(), "may_name": me(request).is_officer}
    return render(request, "certificates/readers.html", context)


@requires(Role.OFFICER)
@require_POST
def name_reader(request: HttpRequest, pk: int) -> HttpResponse:
    """Call a reader by a name that people know: "the broker at home"."""
    fetch = get_object_or_404(ListFetch, pk=pk)
    form = NameForm(request.POST)
    if form.is_valid():
        readers.call(fetch, form.cleaned_data["name"], by=me(request), address=address_of(request))
    else:
        messages.error(request, _("That name does not do: at most 64 letters, and none that cannot be seen."))
    return redirect("certificates:readers")
