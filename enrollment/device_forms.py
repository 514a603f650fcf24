"""Asking for a certificate for the device in one's hand."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from enrollment import proposals
from enrollment.forms import sentence
from enrollment.ra import MAX_TEXT, Refused
from pki import csr, objections
from pki.csr import ParsedCSR
from pki.errors import CSRRejected
from pki.names import MAX_NAME
from pki.profiles import PROFILES

PROFILE = PROFILES["tls-client"]
NO_KEY = _(
    "No key arrived: the page makes it with JavaScript, which was not ready yet or is switched off. Press the"
    " button again; if that does not help, switch JavaScript on, or hand in a request that you made yourself."
)


class NameForm(forms.Form):
    """What one may say about the device, and need not yet: for the way to the phone."""

    device = forms.CharField(
        label=_("What do you call this device?"),
        help_text=_(
            "Your own word for it. The officer reads it, and so do you in the list of your requests."
        ),
        max_length=MAX_NAME,
        required=False,
        error_messages={"required": _("Give the device a name, for example phone.")},
    )
    note = forms.CharField(
        label=_("A note for whoever decides"),
        widget=forms.Textarea(attrs={"rows": 2}),
        required=False,
        max_length=MAX_TEXT,
    )


class DeviceForm(NameForm):
    """`way`: the device makes its key by a profile, or the page made one; then `csr` holds its request."""

    way = forms.ChoiceField(
        choices=[("profile", ""), ("page", "")],
        widget=forms.HiddenInput,
        error_messages={"required": _("Choose a way."), "invalid_choice": _("Choose one of the two ways.")},
    )
    csr = forms.CharField(widget=forms.HiddenInput, required=False, strip=False)

    def __init__(self, owner: User, data: QueryDict | None = None, **more: Any) -> None:
        super().__init__(data, **more)
        self.owner = owner
        self.parsed: ParsedCSR | None = None
        self.fields["device"].required = True
        self.fields["csr"].validators.clear()  # csr.parse takes any bytes, and says what is wrong with them

    def clean(self) -> None:
        self._check_device()
        if self.cleaned_data.get("way") == "page":
            self._read()

    def _check_device(self) -> None:
        if "device" not in self.cleaned_data:
            return
        try:
            proposals.checked_label(self.cleaned_data["device"])
            proposals.common_name(self.owner, PROFILE, self.cleaned_data["device"], ())
        except Refused as error:
            self.add_error("device", sentence(error))

    def _read(self) -> None:
        """As on the page where requests are handed in (enrollment/forms.py)."""
        sent = self.cleaned_data.get("csr", "")
        if not sent.strip():
            self.add_error(None, NO_KEY)
            return
        try:
            self.parsed = csr.parse(sent.encode())
            objections.check(self.parsed, lambda san: proposals.may_be_asked(PROFILE, san))
        except CSRRejected as error:
            self.add_error(None, sentence(error))
