"""What holds for everybody, as an administrator sets it."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts import languages, networks
from accounts.addresses import address_of
from accounts.forms import SetupForm
from accounts.freshness import FreshFactorForm
from accounts.models import Household
from accounts.sessions import HOURS_CHOICES, IDLE_CHOICES

FADE_CHOICES = (
    (7, _("after a week")),
    (30, _("after 30 days")),
    (90, _("after 90 days")),
    (365, _("after a year")),
    (0, _("never")),
)
HOUSEHOLD = ("name", "time_zone", "language", "one_person")
SAFETY = ("portal_networks", "officer_networks", "idle_minutes", "session_hours")
FIELDS = (*HOUSEHOLD, *SAFETY, "fade_days")


class NetworksField(forms.CharField):
    """Networks, one a line; a list of texts in their one form."""

    def __init__(self, **kwargs: Any) -> None:
        plain = {"rows": "3", "autocapitalize": "off", "autocorrect": "off", "spellcheck": "false"}
        super().__init__(required=False, max_length=5000, widget=forms.Textarea(attrs=plain), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        return networks.read(super().clean(value))


def _idle_choices() -> list[tuple[int, str]]:
    return [(count, ngettext("%d minute", "%d minutes", count) % count) for count in IDLE_CHOICES]


def _hours_choices() -> list[tuple[int, str]]:
    return [(count, ngettext("%d hour", "%d hours", count) % count) for count in HOURS_CHOICES]


class HouseholdForm(FreshFactorForm):
    name = SetupForm.base_fields["household"]
    time_zone = SetupForm.base_fields["time_zone"]
    language = forms.ChoiceField(
        label=_("Language"),
        choices=languages.choices,
        required=False,
        help_text=_(
            "Of what is sent to people who chose none for themselves. Pages speak as the browser asks."
        ),
    )
    one_person = forms.BooleanField(
        label=_("One-person household"),
        required=False,
        help_text=_(
            "Officers may then decide on their own requests, and for people they invited or reset. It costs"
            " you the second pair of eyes: whoever gets hold of one officer's account can make certificates"
            " for themselves, and nobody is asked. Every such decision is marked in the audit."
        ),
    )
    portal_networks = NetworksField(
        label=_("The portal answers in these networks only"),
        help_text=_(
            "One a line, such as 192.168.1.0/24 or 2001:db8:1::/48. Empty: everywhere. The door, revocation"
            " by a code on paper and what certificates need are not touched."
        ),
    )
    officer_networks = NetworksField(
        label=_("Officers, auditors and administrators work in these networks only"),
        help_text=_("Elsewhere they see what every person sees, their own things. Empty: everywhere."),
    )
    idle_minutes = forms.TypedChoiceField(
        label=_("Somebody who does nothing is signed out after"),
        coerce=int,
        required=False,
        choices=_idle_choices,
    )
    session_hours = forms.TypedChoiceField(
        label=_("Everybody is signed out after"),
        coerce=int,
        required=False,
        choices=_hours_choices,
    )
    fade_days = forms.TypedChoiceField(
        label=_("Forget who was where"),
        coerce=int,
        required=False,
        choices=FADE_CHOICES,
        help_text=_(
            "Who opened which door and when, and from which addresses people came, in the audit trail as"
            " well. It does not come back. What was asked for, decided and issued stays, and the trail can"
            " still be verified."
        ),
    )
    not_optional = ("language", *SAFETY, "fade_days")  # nobody is asked whether they may stay empty

    def __init__(self, request: Any, data: Any = None, *, household: Household) -> None:
        super().__init__(request, data, initial={name: getattr(household, name) for name in FIELDS})
        self.networks_open = bool(household.portal_networks or household.officer_networks)

    def clean(self) -> dict[str, Any]:
        """Who sends nothing of a field leaves it as it is; a box that is not ticked sends nothing."""
        found: dict[str, Any] = self.cleaned_data
        for name in {*FIELDS, "one_person"} - {"name", "time_zone", "one_person"}:
            if self.add_prefix(name) not in self.data or found.get(name) == "":
                found[name] = self.initial[name]
        return found

    def clean_portal_networks(self) -> list[str]:
        return self._with_me("portal_networks")

    def clean_officer_networks(self) -> list[str]:
        return self._with_me("officer_networks")

    def _with_me(self, name: str) -> list[str]:
        """Nobody locks themselves out."""
        wanted: list[str] = self.cleaned_data[name]
        address = address_of(self.request)
        if not networks.holds(wanted, address):
            raise ValidationError(
                gettext(
                    "You come from %(address)s now, which is not in there: you would lock yourself out. Add"
                    " its network as well, or open this page from inside."
                )
                % {"address": address or gettext("an address that cannot be seen")}
            )
        return wanted
