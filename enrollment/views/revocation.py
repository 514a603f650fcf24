"""Revoking a certificate: by its owner, or by an officer."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.addresses import address_of
from accounts.guards import me, requires
from accounts.models import Role
from enrollment import ra, replaced, states
from enrollment.forms import RevokeForm, sentence
from enrollment.models import CertificationRequest, Status


@requires(Role.REQUESTER, Role.OFFICER)
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Says what will happen, and asks once, with a reason and a fresh code."""
    item = _revocable(request, pk)
    back = "enrollment:request" if item.owner_id == me(request).pk else "enrollment:review"
    if item.certificate is None or item.certificate.revoked_at is not None:
        messages.info(request, "There is nothing left to revoke here.")
        return redirect(back, pk)
    form = RevokeForm(
        request, request.POST if request.method == "POST" else None, initial={"reason": "unspecified"}
    )
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            ra.revoke(request=item, by=me(request), address=address_of(request), reason=reason)
        except ra.Refused as error:
            form.add_error(None, sentence(error))
        else:
            messages.success(request, "Revoked. The new revocation list is published.")
            return redirect(back, pk)
    context = {
        "item": item,
        "form": form,
        "state": states.of(item),
        "back": back,
        "followers": replaced.followers(item.certificate),
        "before": replaced.before(item),
    }
    return render(request, "enrollment/revoke.html", context, status=422 if form.errors else 200)


def _revocable(request: HttpRequest, pk: UUID) -> CertificationRequest:
    """An issued request of one's own, or for an officer anybody's."""
    user = me(request)
    issued = CertificationRequest.objects.filter(status=Status.ISSUED).select_related("owner", "certificate")
    item = get_object_or_404(issued, pk=pk)
    if item.owner_id != user.pk and not user.is_officer:
        raise Http404
    return item
