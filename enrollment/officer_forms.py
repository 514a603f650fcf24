"""The forms of officers. Rules live in `proposals` and `ra`; here they become errors."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.freshness import FreshFactorForm
from enrollment import proposals
from enrollment.forms import NAMES_HINT, sentence, split_names
from enrollment.models import CertificationRequest
from enrollment.ra import MAX_TEXT, Refused
from pki.names import MAX_NAME
from pki.profiles import PROFILES


class AskForm(forms.Form):
    text = forms.CharField(
        label=_("Your question"),
        help_text=_("For example: is this the new phone, or the old one?"),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=MAX_TEXT,
        error_messages={"required": _("Write the question first.")},
    )


class ApproveForm(FreshFactorForm):
    """What will be issued, editable inside the profile's limits."""

    common_name = forms.CharField(
        label=_("Common name"),
        max_length=MAX_NAME,
        error_messages={"required": _("Write the name the certificate shows, for example alice's phone.")},
    )
    names = forms.CharField(
        label=_("Host names"),
        help_text=NAMES_HINT,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        error_messages={"required": _("Write at least one name, for example nas.home.arpa.")},
    )
    days = forms.IntegerField(
        label=_("Valid for, in days"),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        error_messages={"required": _("Write for how many days, for example 90.")},
    )

    def __init__(
        self, http: HttpRequest, request: CertificationRequest, data: Mapping[str, Any] | None = None
    ) -> None:
        self.profile = PROFILES[request.profile]
        initial = {
            "common_name": request.common_name,
            "names": "\n".join(proposals.shown(san) for san in request.sans),
            "days": request.days,
        }
        super().__init__(http, data, initial=initial, auto_id="approve_%s")
        self.fields["days"].help_text = gettext("At most %(days)d.") % {"days": self.profile.max_days}
        if self.profile.san == "none":
            del self.fields["names"]

    def clean(self) -> None:
        """Everything `ra.approve` would refuse, said before the code is spent."""
        checks = (
            ("names", lambda text: proposals.checked_sans(self.profile, split_names(text))),
            ("days", lambda days: proposals.checked_days(self.profile, days)),
            ("common_name", lambda text: proposals.checked_name(self.profile, text, self.sans)),
        )
        for field, check in checks:
            if field in self.cleaned_data and "names" not in self.errors:
                self._check(field, check)

    @property
    def sans(self) -> tuple[str, ...]:
        """The names as checked so far; () where the profile has none."""
        typed = split_names(self.cleaned_data.get("names", ""))
        return proposals.checked_sans(self.profile, typed) if typed else ()

    def _check(self, field: str, check: Any) -> None:
        try:
            check(self.cleaned_data[field])
        except Refused as error:
            self.add_error(field, sentence(error))


class RefuseForm(FreshFactorForm):
    reason = forms.CharField(
        label=_("Why?"),
        help_text=_("The requester reads this. Say what to do differently; the same key may be sent again."),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=MAX_TEXT,
        error_messages={"required": _("Write why, so that the next request can be better.")},
    )


class BatchForm(FreshFactorForm):
    """One code for several approvals."""
