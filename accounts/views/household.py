"""What holds for everybody: the name, who gets in from where and for how long, what is forgotten when."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from accounts import household as households
from accounts import networks
from accounts.addresses import address_of
from accounts.guards import me, posted, requires
from accounts.household_form import FIELDS, HouseholdForm
from accounts.models import Role

LOOPBACK = ("127.0.0.0/8", "::1/128")


@requires(Role.ADMINISTRATOR)
def household(request: HttpRequest) -> HttpResponse:
    form = HouseholdForm(request, posted(request), household=households.current())
    if form.is_valid():
        values = {name: form.cleaned_data[name] for name in FIELDS}
        households.change(values, by=me(request), address=address_of(request))
        messages.success(request, _("Saved."))
        return redirect("accounts:household")
    address = address_of(request)
    context = {"form": form, "address": address, "is_proxy": networks.holds(LOOPBACK, address)}
    return render(request, "accounts/household.html", context, status=400 if form.errors else 200)
