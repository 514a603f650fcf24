"""How many days before the end reminders are sent, for each profile."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.freshness import FreshFactorForm
from enrollment.reminders import DAYS, MAX_DAYS, MAX_REMINDERS, days_of
from pki.profiles import PROFILES


class DaysField(forms.CharField):
    """ "30, 14, 7, 1" as [30, 14, 7, 1]; nothing is []."""

    def to_python(self, value: Any) -> Any:
        parts = re.split(r"[\s,;]+", str(value or "").strip())
        found = [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 5]
        if len(found) != len([part for part in parts if part]):
            raise ValidationError("Write days as numbers with commas between, for example 30, 14, 7, 1.")
        if any(not 1 <= days <= MAX_DAYS for days in found) or len(set(found)) > MAX_REMINDERS:
            raise ValidationError(f"At most {MAX_REMINDERS} reminders, from 1 to {MAX_DAYS} days before.")
        return sorted(set(found), reverse=True)

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value


class RemindersForm(FreshFactorForm):
    """A field for each profile."""

    def __init__(self, request: Any, data: Any = None, *, chosen: dict[str, list[int]]) -> None:
        super().__init__(request, data)
        for profile in PROFILES.values():
            self.fields[profile.name] = DaysField(
                label=profile.title,
                required=False,
                max_length=80,
                initial=days_of(profile.name, chosen)[::-1],
                help_text=f"Good for {profile.default_days} days. Empty: no reminders.",
                widget=forms.TextInput(attrs={"autocomplete": "off", "class": "short"}),
            )
        self.order_fields([*PROFILES])

    def plan(self) -> dict[str, list[int]]:
        """What differs from the default."""
        typed = {name: self.cleaned_data[name] for name in PROFILES}
        return {name: days for name, days in typed.items() if days != list(DAYS)}
