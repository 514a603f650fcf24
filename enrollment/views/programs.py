"""A challenge for a program that asks by SCEP: a printer, a router, certmonger."""

import shlex

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from accounts.addresses import address_of
from accounts.guards import me, requires
from accounts.models import Role
from enrollment import challenges, mobile
from enrollment.forms import sentence
from enrollment.refusals import Refused
from pki.names import MAX_NAME

UNPROCESSABLE = 422


class ProgramForm(forms.Form):
    device = forms.CharField(
        label=_("What do you call the device?"),
        help_text=_("Your own word for it, for example printer or router."),
        max_length=MAX_NAME,
        error_messages={"required": _("Give the device a name, for example printer.")},
    )


@requires(Role.REQUESTER)
@require_http_methods(["GET", "HEAD", "POST"])
def program(request: HttpRequest) -> HttpResponse:
    """Name the device; then its challenge, shown once."""
    form = ProgramForm(request.POST if request.method == "POST" else None)
    context: dict[str, object] = {"form": form, "url": mobile.scep_url()}
    if form.is_valid():
        device = form.cleaned_data["device"]
        try:
            challenge = challenges.make(by=me(request), address=address_of(request), device=device)
        except Refused as error:
            form.add_error("device", sentence(error))
        else:
            context |= {"device": device, "challenge": challenge, "lines": _lines(device, challenge)}
    return render(request, "enrollment/program.html", context, status=UNPROCESSABLE if form.errors else 200)


def _lines(device: str, challenge: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(program, shell lines) as they were tried (tests/enrollment/protocols/test_scep_programs.py)."""
    url, name = mobile.scep_url(), shlex.quote(f"CN={device}")
    certmonger = (
        f"getcert add-scep-ca -c latchkey -u {url}",
        f"getcert request -c latchkey -I latchkey -k /etc/ssl/private/device.key -f /etc/ssl/certs/device.crt"
        f" -N {name} -L {challenge} -G rsa -g 2048",
    )
    strongswan = (
        f"pki --scepca --url {url} --caout ca.der --raout ra.der",
        "pki --gen --type rsa --size 2048 --outform der > device.key",
        f"pki --scep --url {url} --in device.key --dn {name} --password {challenge} --cacert-enc ra.der"
        " --cacert-sig ra.der --cacert ca.der --cacert ca-1.der --cipher des3 --digest sha256"
        " --maxpolltime 86400 --outform pem > device.crt",
    )
    return (("certmonger", certmonger), ("strongSwan (pki)", strongswan))
