"""What is asked before a certificate ends early."""

from datetime import UTC, date, datetime

from django import forms
from django.utils import timezone

from accounts.freshness import FreshFactorForm
from enrollment.revoking import REASONS
from portal.certificate_lists import midnight

EARLIEST = date(2000, 1, 1)


class RevokeForm(FreshFactorForm):
    """Reason, since when, and a fresh code."""

    reason = forms.ChoiceField(
        label="Why?",
        widget=forms.RadioSelect,
        choices=list(REASONS.items()),
        error_messages={"required": "Choose a reason; if none fits, the first one."},
    )
    since = forms.DateField(
        label="Since when is it lost, or its key known to others?",
        required=False,
        widget=forms.DateInput({"type": "date"}),
        help_text="Only if you know: others then distrust what was done with it from that day on.",
        error_messages={"invalid": "Write the day as 2026-11-23, or leave it empty."},
    )

    def clean_since(self) -> date | None:
        day: date | None = self.cleaned_data["since"]
        if day is not None and day > timezone.localdate():
            raise forms.ValidationError("This day is still to come. Write an earlier one, or leave it empty.")
        if day is not None and day < EARLIEST:
            raise forms.ValidationError("This is too long ago. Write a later day, or leave it empty.")
        return day

    @property
    def invalid_since(self) -> datetime | None:
        """The beginning of that day here, in UTC and whole seconds (RFC 5280 5.3.2)."""
        found = midnight(self.cleaned_data.get("since"))
        return found.astimezone(UTC).replace(microsecond=0) if found else None


class CodeForm(FreshFactorForm):
    """Nothing but a fresh code."""


class LostForm(forms.Form):
    """The code from the paper."""

    code = forms.CharField(
        label="The code on the paper",
        max_length=200,
        widget=forms.TextInput(
            {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false", "class": "mono"}
        ),
        help_text="Twenty letters and digits, such as abcd-efgh-2345-6789-jkmn.",
        error_messages={"required": "Type the code that stands on the paper."},
    )


class NameForm(forms.Form):
    """What an officer calls a reader of the lists."""

    name = forms.CharField(label="Name", required=False, max_length=64)
