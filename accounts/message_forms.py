"""What people say about their messages: addresses, and which kinds go where."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import names, push_addresses
from accounts.freshness import FreshFactorForm, SometimesFreshForm
from accounts.guards import me
from accounts.kinds import KINDS, concerning
from accounts.languages import later
from accounts.models import Channel, User

AT_MOST = 10  # addresses of one person


def choices(user: User) -> list[tuple[str, str]]:
    return [(kind.name, f"{kind.title}\n{kind.explained}") for kind in concerning(user)]


class ChannelForm(SometimesFreshForm):
    """What goes over one channel. A kind that does not concern the person now stays as it was.

    Less than before needs a fresh factor: a thief of a session would switch warnings off first.
    """

    def __init__(self, request: HttpRequest, channel: Channel, data: Any = None) -> None:
        self.channel = channel
        self.offered = choices(channel.user)
        super().__init__(request, data)
        self.fields["kinds"] = forms.MultipleChoiceField(
            label=_("What goes there"),
            required=False,
            choices=self.offered,
            initial=[name for name, _ in self.offered if name not in channel.declined],
            widget=forms.CheckboxSelectMultiple,
        )

    def declined(self) -> list[str]:
        offered = {name for name, _ in self.offered}
        kept = [name for name in self.channel.declined if name not in offered and name in KINDS]
        return sorted({*kept, *(offered - set(self.cleaned_data["kinds"]))})

    def matters(self) -> bool:
        return not set(self.declined()) <= set(self.channel.declined)


class NewChannelForm(FreshFactorForm):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=40,
        help_text=gettext_lazy("As you call it, for example My phone."),
        error_messages={"required": gettext_lazy("Give it a name, for example My phone.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=push_addresses.MAX_LENGTH,
        help_text=gettext_lazy("As Apprise writes it. It is kept encrypted, and not shown again."),
        error_messages={
            "required": later(gettext_lazy("Type the address. %(example)s"), example=push_addresses.EXAMPLE)
        },
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false", "inputmode": "url"}
        ),
    )

    def clean_name(self) -> str:
        return names.plain_name(self.cleaned_data["name"])

    def clean_url(self) -> str:
        return push_addresses.check(self.cleaned_data["url"])

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if Channel.objects.filter(user=me(self.request)).count() >= AT_MOST:
            raise ValidationError(
                _("You have %(number)d addresses already. Remove one that you do not need.")
                % {"number": AT_MOST}
            )
        return found


class CalendarForm(FreshFactorForm):
    """A new link for a calendar; officers choose whose certificates are in it."""

    everybody = forms.BooleanField(
        label=gettext_lazy("Everybody's certificates"),
        required=False,
        help_text=gettext_lazy("As an officer you may see them all. Without this it has your own only."),
    )

    def __init__(self, request: Any, data: Any = None) -> None:
        super().__init__(request, data)
        if not me(request).is_officer:
            del self.fields["everybody"]
