"""The list of whom to invite, as typed or from a file. Nothing of it is lost when something is wrong."""

from typing import Any
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import roster, roster_text, together
from accounts.forms import NameField, RolesForm
from accounts.freshness import FreshFactorForm
from accounts.guards import me
from accounts.models import InvitationGroup, Role

_SHOWN = 5  # faults in the summary; the list below it has all
_EXAMPLE = "name,e-mail,device\nAnna Huber,anna@example.org,phone\n"
_ANEW = gettext_lazy("A part of this page is missing. Copy your list and open the page anew.")
HOURS = [
    *((24, gettext_lazy("one day")), (72, gettext_lazy("three days"))),
    *((168, gettext_lazy("a week")), (336, gettext_lazy("two weeks"))),
]


class HoursField(forms.TypedChoiceField):
    def __init__(self) -> None:
        super().__init__(
            label=gettext_lazy("The links are good for"), coerce=int, initial=together.HOURS, choices=HOURS
        )


class TogetherForm(forms.Form):
    """After `is_valid`, `entries` has one for each person. Faulty or not, they are there to be shown."""

    name = NameField(
        label=gettext_lazy("What do you call this group?"),
        help_text=gettext_lazy("To find it again, for example Spring 2027."),
        error_messages={"required": gettext_lazy("Give the group a name, for example Spring 2027.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    text = forms.CharField(
        label=gettext_lazy("Whom do you invite?"),
        help_text=gettext_lazy(
            "One name a line. Or a table from a spreadsheet whose first line names the columns: "
            "name, and if you like username, e-mail, roles, device."
        ),
        required=False,
        strip=False,
        max_length=roster_text.MAX_BYTES,
        error_messages={
            "max_length": gettext_lazy("This is too long to be read at once. Make two lists of it.")
        },
        widget=forms.Textarea(attrs={"rows": 10, "placeholder": _EXAMPLE, "spellcheck": "false"}),
    )
    file = forms.FileField(label=gettext_lazy("Or a file (CSV)"), required=False, allow_empty_file=True)
    roles = RolesForm.base_fields["roles"]
    hours = HoursField()
    once = forms.UUIDField(
        widget=forms.HiddenInput, initial=uuid4, error_messages={"required": _ANEW, "invalid": _ANEW}
    )
    not_optional = ("text", "file")

    def __init__(self, request: HttpRequest, data: Any = None, files: MultiValueDict[str, Any] | None = None):
        self.by, self.entries, self.unused = me(request), list[roster.Entry](), list[str]()
        self.unreadable: ValidationError | None = None
        super().__init__(self._with_file(data, files), files)
        self.fields["roles"].initial = [Role.REQUESTER.value]
        if not self.by.is_administrator:
            del self.fields["roles"]

    def _with_file(self, data: Any, files: MultiValueDict[str, Any] | None) -> Any:
        """What was typed, with what is in the file: a file cannot be sent back to be looked at again."""
        file = files.get("file") if files else None
        if data is None or file is None or data.get("text", "").strip():
            return data
        try:
            text = roster_text.decoded(file.read())
        except ValidationError as error:
            self.unreadable = error
            return data
        data = data.copy()
        data["text"] = text
        return data

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if InvitationGroup.objects.filter(name__iexact=name).exists():
            raise ValidationError(
                _("There is a group %(name)s already. Choose another name.") % {"name": name}
            )
        return name

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = self.cleaned_data
        if self.unreadable:
            self.add_error("file", self.unreadable)
        elif "text" in given:
            try:
                roles = frozenset(given.get("roles", [Role.REQUESTER.value]))
                self.entries, self.unused = roster.read(given["text"], by=self.by, roles=roles)
                self._faults()
            except ValidationError as error:
                self.add_error("text", error)
        return given

    def _faults(self) -> None:
        faults = [
            _("Line %(line)s: %(fault)s") % {"line": entry.line, "fault": fault}
            for entry in self.entries
            for fault in entry.faults
        ]
        for fault in faults[:_SHOWN]:
            self.add_error("text", fault)
        if len(faults) > _SHOWN:
            self.add_error(
                "text", _("And %(number)d more, in the list below.") % {"number": len(faults) - _SHOWN}
            )


class AnewForm(FreshFactorForm):
    """New links for people who have not joined."""

    hours = HoursField()
