"""One's own PIN; and an officer lets somebody try again."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.addresses import address_of
from accounts.errors import Refused
from accounts.freshness import FreshFactorForm
from accounts.guards import me, posted, requires
from accounts.models import Role, User
from door import pins, policy
from door.forms import PinForm
from door.models import PinUse, Tries
from door.views.manage import METHODS


@requires()
@require_http_methods(METHODS)
def pin(request: HttpRequest) -> HttpResponse:
    """Set or change it, with a fresh second factor. It is never shown."""
    user, address = me(request), address_of(request)
    form = PinForm(request, posted(request))
    if form.is_valid():
        pins.put(user, form.cleaned_data["pin"], address=address)
        messages.success(request, _("Your PIN is set. Type it at the door from now on."))
        return redirect("doors:list")
    own = policy.openings(user, timezone.now())
    asking = [opening.door for opening in own if opening.door.pin == PinUse.HERE]
    context = {"form": form, "pin_set": pins.has(user), "asking": asking}
    return render(request, "door/portal/pin.html", context, status=422 if form.errors else 200)


@requires(Role.OFFICER)
@require_http_methods(METHODS)
def unlock(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A person may try again at all doors; with a fresh code."""
    person = get_object_or_404(User, pk=pk)
    form = FreshFactorForm(request, posted(request))
    if form.is_valid():
        try:
            pins.unlock(person, by=me(request), address=address_of(request))
            messages.success(request, _("%(person)s may try again.") % {"person": person.both_names})
            return redirect("doors:list")
        except Refused as refused:
            form.add_error(None, str(refused))
    tries = Tries.objects.filter(user=person, running__gt=0).select_related("door").order_by("door__name")
    context = {"form": form, "person": person, "tries": tries}
    return render(request, "door/portal/unlock.html", context, status=422 if form.errors else 200)
