"""A fresh second factor: a login counts for five minutes, then one new code, or a passkey, buys five more."""

import time
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import clocks, passkeys, recovery, totp
from accounts.addresses import address_of
from accounts.guards import me
from accounts.models import RecoveryDevice
from accounts.passkey_answers import MAX_ANSWER
from accounts.words import duration
from audit import trail

SECONDS = 300
_KEY = "fresh_at"
TWO = gettext_lazy(
    "After so many wrong codes one alone does not count for some weeks. Type two in a row: the code that your"
    " app shows now, and behind it, in the same field, the next one."
)
WRONG = gettext_lazy(
    "That code did not work. Each code works once: wait until your app shows the next one (30 seconds at"
    " most) and type that."
)


def is_fresh(request: HttpRequest) -> bool:
    """Whether a second factor was given in this session within the last five minutes."""
    return 0 <= time.time() - float(request.session.get(_KEY, 0)) < SECONDS


def mark_fresh(request: HttpRequest) -> None:
    request.session[_KEY] = time.time()


class CodeInput(forms.TextInput):
    """A code is not shown again: what failed once will not work, and what was right is spent."""

    def format_value(self, value: Any) -> None:
        return None


class AnswerInput(forms.HiddenInput):
    """What static/accounts/passkey.js puts in is for one request."""

    def __init__(self) -> None:
        super().__init__(attrs={"data-answer": True})

    def format_value(self, value: Any) -> None:
        return None


class CodeField(forms.CharField):
    """Six digits of the app, or a recovery code; blanks and paste welcome."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"inputmode": "text", "autocomplete": "one-time-code", "autocapitalize": "off"}
        attrs |= {"spellcheck": "false", "size": "14"}
        values: dict[str, Any] = {
            "label": gettext_lazy("Code"),
            "max_length": 40,
            "widget": CodeInput(attrs=attrs),
            "help_text": gettext_lazy("The six digits your app shows now, or one of your recovery codes."),
            "error_messages": {
                "required": gettext_lazy("Type the six digits that your app shows now, such as 123 456.")
            },
        }
        super().__init__(**{**values, **kwargs})


class FreshFactorForm(forms.Form):
    """A form whose verb needs a fresh second factor: it has the field `code` only when there is none.

    Beside it stands the hidden field `passkey` for people who have one that works at this address
    (static/accounts/passkey.js fills it; templates/parts/fresh_code.html shows both).
    """

    def __init__(self, request: HttpRequest, data: Any = None, **kwargs: Any) -> None:
        self.request = request
        super().__init__(data, **kwargs)
        if not is_fresh(request):
            self.fields["code"] = CodeField()
            if passkeys.usable(request, me(request)):
                self.fields["passkey"] = forms.CharField(
                    required=False, max_length=MAX_ANSWER, widget=AnswerInput()
                )

    def full_clean(self) -> None:
        """A code comes after everything else, `clean` of subclasses too, so it is never spent in vain.

        A passkey comes first: it counts even if something else has to be mended.
        """
        sentence = self._answer() if self.is_bound else ""
        super().full_clean()
        if sentence:
            self.add_error("code", sentence)
        elif self.is_bound and "code" in self.fields and not self.errors:
            self._spend(self.cleaned_data["code"])

    def _answer(self) -> str:
        """Why the passkey's answer is not good; "" when it is, or none came."""
        text = self.data.get(self.add_prefix("passkey"), "")
        if not text or "passkey" not in self.fields:
            return ""
        if sentence := passkeys.freshen(self.request, me(self.request), text):
            self.fields["code"].required = False  # it was not what they meant to give
            return sentence
        mark_fresh(self.request)
        del self.fields["code"], self.fields["passkey"]
        return ""

    def _spend(self, typed: str) -> None:
        user, address = me(self.request), address_of(self.request)
        wait = totp.seconds_to_wait(user, typed)
        if wait:
            words = _("Too many wrong codes. Wait %(time)s, then type the newest code.")
            self.add_error("code", words % {"time": duration(wait)})
        elif totp.needs_two(user, typed):
            self.add_error("code", str(TWO))
        else:
            self._judge(typed, address)

    def _judge(self, typed: str, address: str) -> None:
        user = me(self.request)
        verdict = totp.judge(user, typed)
        if verdict.device is None:
            detail = None if verdict.off is None else {"off": verdict.off}
            trail.record("code.refused", actor=user.username, address=address, detail=detail)
            self.add_error("code", str(WRONG) if verdict.off is None else clocks.explained(verdict.off))
            return
        mark_fresh(self.request)
        if isinstance(verdict.device, RecoveryDevice):
            detail = {"left": recovery.left(user)}
            trail.record("recovery.used", actor=user.username, address=address, detail=detail)


class SometimesFreshForm(FreshFactorForm):
    """One that needs the factor for some of what it can do only."""

    not_optional = ("code",)

    def __init__(self, request: HttpRequest, data: Any = None, **kwargs: Any) -> None:
        super().__init__(request, data, **kwargs)
        if "code" in self.fields:
            self.fields["code"].required = False

    def matters(self) -> bool:
        """Whether it is needed for what was sent; asked once all else is clean."""
        raise NotImplementedError

    def _spend(self, typed: str) -> None:
        if not self.matters():
            return
        if typed:
            super()._spend(typed)
        else:
            self.add_error("code", self.fields["code"].error_messages["required"])
