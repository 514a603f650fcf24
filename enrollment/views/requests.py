"""What a requester does: ask, look, answer, withdraw."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import household
from accounts.addresses import address_of
from accounts.guards import me, requires
from accounts.models import Role
from enrollment import anew, listing, preview, proposals, ra, renewing, seen, states
from enrollment.forms import AnswerForm, SubmitForm, sentence, split_names
from enrollment.models import CertificationRequest, Status
from pki import howto
from pki.profiles import PROFILES
from pki.words import words

UNPROCESSABLE = 422  # RFC 9110 15.5.21: understood, and what is in it will not do


@requires(Role.REQUESTER)
@require_safe
def own(request: HttpRequest) -> HttpResponse:
    page = listing.own(me(request), request.GET)
    rows = [(row, states.of(row), PROFILES[row.profile]) for row in page.rows]
    renewable = renewing.renewable(row.certificate for row in page.rows)
    context = {"page": page, "rows": rows, "renewable": renewable, "check_url": settings.CHECK_URL}
    return render(request, "enrollment/requests.html", context)


@requires(Role.REQUESTER)
@require_http_methods(["GET", "HEAD", "POST"])
def submit(request: HttpRequest) -> HttpResponse:
    """The form; "Show me what is in it" looks only, "Send" asks."""
    if request.method != "POST":
        form = SubmitForm(me(request))
        form.initial = anew.initial(request.session)
        return _submit_page(request, form)
    showing = "show" in request.POST
    form = SubmitForm(me(request), request.POST, request.FILES, showing=showing)
    if not form.is_valid() or form.parsed is None:
        return _submit_page(request, form, UNPROCESSABLE)
    if showing:
        return _submit_page(request, form)
    try:
        made = _send(request, form)
    except ra.Refused as error:
        form.add_error(None, sentence(error))
        return _submit_page(request, form, UNPROCESSABLE)
    anew.note(request.session, made, address=address_of(request))
    return redirect("enrollment:request", made.pk)


def _send(request: HttpRequest, form: SubmitForm) -> CertificationRequest:
    if form.parsed is None:
        raise ra.Refused(_("There is no request in it."), _("Paste the request, or choose its file."))
    return ra.submit(
        by=me(request),
        address=address_of(request),
        csr=form.parsed,
        profile=form.cleaned_data["profile"],
        device=form.cleaned_data["device"],
        note=form.cleaned_data["note"],
        sans=[proposals.shown(san) for san in form.sans],
    )


def _submit_page(request: HttpRequest, form: SubmitForm, status: int = 200) -> HttpResponse:
    help_lines = [(profile, howto.openssl_lines(profile)) for profile in PROFILES.values()]
    first = not CertificationRequest.objects.filter(owner=me(request)).exists()
    explain = first or "csr" in form.errors
    context = {"form": form, "help_lines": help_lines, "explain": explain, **_preview(form)}
    return render(request, "enrollment/submit.html", context, status=status)


@requires(Role.REQUESTER)
@require_POST
def inspect(request: HttpRequest) -> HttpResponse:
    """A fragment for the submit page: what is in the request, or what is wrong with it."""
    form = SubmitForm(me(request), request.POST, request.FILES, showing=True)
    good = form.is_valid() and form.parsed is not None
    context = {"form": form, **_preview(form)}
    return render(request, "enrollment/_inspected.html", context, status=200 if good else UNPROCESSABLE)


def _preview(form: SubmitForm) -> dict[str, object]:
    """What the preview shows; nothing while there is no good request in the form."""
    parsed = form.parsed
    if parsed is None:
        return {}
    profile = PROFILES.get(form.data.get("profile", ""), PROFILES["tls-client"])
    try:
        sans = proposals.checked_sans(profile, split_names(form.data.get("names", "")))
        name = proposals.common_name(form.owner, profile, form.data.get("device", ""), sans)
    except ra.Refused:  # not everything is filled in yet
        sans, name = (), "as you name the device below"
    lines = preview.compare(
        parsed,
        profile,
        organization=household.current().name,
        common_name=name,
        sans=sans,
        days=profile.default_days,
    )
    proposed = preview.proposed_names(parsed, profile)
    return {
        "csr": parsed,
        "words": words(parsed.key_sha256),
        "lines": lines,
        "proposed": proposed,
        "profile": profile,
    }


@requires(Role.REQUESTER)
@require_safe
def detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _detail_page(request, _mine(request, pk), AnswerForm())


def _detail_page(
    request: HttpRequest, item: CertificationRequest, form: AnswerForm, status: int = 200
) -> HttpResponse:
    profile = PROFILES[item.profile]
    context = {
        **_state_context(item),
        "form": form,
        "words": preview.words_of(item),
        "door_url": settings.DOOR_URL,
        "file": proposals.slug(item.common_name) or "certificate",
        "root_url": f"{settings.STATUS_URL}/ca/{profile.authority}-root.cer",
        "talk": item.messages.select_related("author"),
        "lines": preview.stored(item, household.current().name).lines,
        "renewable": bool(renewing.renewable([item.certificate])),
    }
    return render(request, "enrollment/request.html", context, status=status)


@requires(Role.REQUESTER)
@require_safe
def state(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A fragment for the request's page, which asks for it every few seconds."""
    return render(request, "enrollment/_state.html", _state_context(_mine(request, pk)))


def _state_context(item: CertificationRequest) -> dict[str, object]:
    """`version` changes whenever the rest of the page has to change as well."""
    found, tick = states.of(item), seen.of(item.certificate)
    return {
        "item": item,
        "state": found,
        "version": f"{found.name}-{item.messages.count()}-{bool(item.trouble)}-{tick is not None}",
        "Status": Status,
        "profile": PROFILES[item.profile],
        "check_url": settings.CHECK_URL,
        "seen": tick,
        "awaits_seeing": tick is None and seen.may_come_soon(item.certificate),
    }


@requires(Role.REQUESTER)
@require_POST
def withdraw(request: HttpRequest, pk: UUID) -> HttpResponse:
    item = _mine(request, pk)
    try:
        ra.withdraw(request=item, by=me(request), address=address_of(request))
    except ra.Refused as error:
        messages.warning(request, sentence(error))
    return redirect("enrollment:request", pk)


@requires(Role.REQUESTER)
@require_POST
def answer(request: HttpRequest, pk: UUID) -> HttpResponse:
    item = _mine(request, pk)
    form = AnswerForm(request.POST)
    if form.is_valid():
        try:
            ra.answer(
                request=item, by=me(request), address=address_of(request), text=form.cleaned_data["text"]
            )
        except ra.Refused as error:
            form.add_error("text", sentence(error))
        else:
            return redirect("enrollment:request", pk)
    return _detail_page(request, item, form, UNPROCESSABLE)


def _mine(request: HttpRequest, pk: UUID) -> CertificationRequest:
    """The request when it is one's own; anybody else's does not exist."""
    requests = CertificationRequest.objects.select_related(
        "owner", "certificate", "decided_by", "predecessor"
    )
    return get_object_or_404(states.with_question(requests), pk=pk, owner=me(request))
