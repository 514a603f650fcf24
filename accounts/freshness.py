"""A fresh second factor: a login counts for five minutes, then one new code buys five more."""

import time
from typing import Any

from django import forms
from django.http import HttpRequest

from accounts import totp
from accounts.addresses import address_of
from accounts.guards import me
from accounts.models import RecoveryDevice
from accounts.recovery import left
from accounts.words import duration
from audit import trail

SECONDS = 300
_KEY = "fresh_at"
WRONG = (
    "That code did not work. Each code works once: wait until your app shows the next one (30 seconds at"
    " most) and type that."
)


def is_fresh(request: HttpRequest) -> bool:
    """Whether a code was given in this session within the last five minutes."""
    return 0 <= time.time() - float(request.session.get(_KEY, 0)) < SECONDS


def mark_fresh(request: HttpRequest) -> None:
    request.session[_KEY] = time.time()


class CodeInput(forms.TextInput):
    """A code is not shown again: what failed once will not work, and what was right is spent."""

    def format_value(self, value: Any) -> None:
        return None


class CodeField(forms.CharField):
    """Six digits of the app, or a recovery code; blanks and paste welcome."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"inputmode": "text", "autocomplete": "one-time-code", "autocapitalize": "off"}
        attrs |= {"spellcheck": "false", "size": "14"}
        values: dict[str, Any] = {
            "label": "Code",
            "max_length": 40,
            "widget": CodeInput(attrs=attrs),
            "help_text": "The six digits your app shows now, or one of your recovery codes.",
            "error_messages": {"required": "Type the six digits that your app shows now, such as 123 456."},
        }
        super().__init__(**{**values, **kwargs})


class FreshFactorForm(forms.Form):
    """A form whose verb needs a fresh second factor: it has the field `code` only when there is none."""

    def __init__(self, request: HttpRequest, data: Any = None, **kwargs: Any) -> None:
        self.request = request
        super().__init__(data, **kwargs)
        if not is_fresh(request):
            self.fields["code"] = CodeField()

    def full_clean(self) -> None:
        """The code comes after everything else, `clean` of subclasses too, so it is never spent in vain."""
        super().full_clean()
        if self.is_bound and "code" in self.fields and not self.errors:
            self._spend(self.cleaned_data["code"])

    def _spend(self, typed: str) -> None:
        user, address = me(self.request), address_of(self.request)
        device = totp.device_for(user, typed)
        wait = device.seconds_to_wait() if device else 0
        if wait:
            self.add_error("code", f"Too many wrong codes. Wait {duration(wait)}, then type the newest code.")
        elif verified := totp.verify(user, typed):
            mark_fresh(self.request)
            if isinstance(verified, RecoveryDevice):
                detail = {"left": left(user)}
                trail.record("recovery.used", actor=user.username, address=address, detail=detail)
        else:
            trail.record("code.refused", actor=user.username, address=address)
            self.add_error("code", WRONG)
