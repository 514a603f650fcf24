"""What people type about doors, groups and PINs. What was typed is kept, PINs excepted."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.forms import NameField
from accounts.freshness import FreshFactorForm
from accounts.languages import later
from accounts.models import User
from door import groups, manage, payload, pins
from door.models import Colour, Door, Group, Outcome, Picture, PinUse

_PLAIN = {"autocomplete": "off", "autocapitalize": "off", "autocorrect": "off", "spellcheck": "false"}
_MONO = {**_PLAIN, "class": "mono"}
OURS, OWN = "ours", "own"
_OUTSIDE = gettext_lazy("Type a number from %(lowest)d to %(highest)d.")
_MADE = {
    "topic": gettext_lazy("Where “open” is published. Empty: made from the name."),
    "state_topic": gettext_lazy(
        "Where the home says what it did, so that people see “opened”. Empty: made from the name."
    ),
}


def _checked(check: Callable[[str], None], text: str) -> str:
    try:
        check(text)
    except ValueError as error:
        raise ValidationError(str(error)) from None
    return text


class NumberField(forms.IntegerField):
    """A whole number within limits, which its errors name."""

    def __init__(self, lowest: int, highest: int, **kwargs: Any) -> None:
        sentence = later(_OUTSIDE, lowest=lowest, highest=highest)
        errors = dict.fromkeys(("required", "invalid", "min_value", "max_value"), sentence)
        super().__init__(min_value=lowest, max_value=highest, error_messages=errors, **kwargs)


class DoorForm(FreshFactorForm):
    """A door. A practice door has no home behind it, so it has none of the fields about one."""

    name = NameField(
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("As people call it, for example Front door."),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Give the door a name, for example Front door.")},
    )
    picture = forms.ChoiceField(
        choices=Picture.choices,
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose a picture.")},
    )
    colour = forms.ChoiceField(
        choices=Colour.choices,
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose a colour.")},
    )
    pin = forms.ChoiceField(
        label="PIN",
        widget=forms.RadioSelect,
        choices=[
            (PinUse.HERE, gettext_lazy("Checked here\neach person sets their own in this portal")),
            (
                PinUse.HOME,
                gettext_lazy("Passed on to the home\nwhich knows the PINs; here nothing is known of them"),
            ),
            (PinUse.NONE, gettext_lazy("No PIN\nwhoever holds an unlocked phone opens the door")),
        ],
    )
    topic = forms.CharField(
        label=gettext_lazy("Topic of the command"),
        help_text=gettext_lazy("Where “open” is published."),
        max_length=payload.TOPIC_BYTES,
        widget=forms.TextInput(attrs=_MONO),
        error_messages={
            "required": gettext_lazy("Name the topic that the home listens at: latchkey/front-door/open")
        },
    )
    state_topic = forms.CharField(
        label=gettext_lazy("Topic of the state"),
        help_text=gettext_lazy(
            "Where the home says what it did, so that people see “opened”. Empty: it says nothing."
        ),
        required=False,
        max_length=payload.TOPIC_BYTES,
        widget=forms.TextInput(attrs=_MONO),
    )
    message = forms.ChoiceField(
        label=gettext_lazy("Message"),
        widget=forms.RadioSelect,
        choices=[
            (
                OURS,
                gettext_lazy(
                    "JSON with nonce, time and deadline (recommended)\na copied or late message opens nothing"
                ),
            ),
            (OWN, gettext_lazy("Own template\nto serve a home that is there already")),
        ],
    )
    template = forms.CharField(
        label=gettext_lazy("Template"),
        help_text=gettext_lazy(
            "What can be filled in: {cn} {user} {pin} {door} {nonce} {time} {deadline}. For "
            "example {cn}:{pin}: which carries no protection against replay, nor against "
            "messages that arrive late."
        ),
        required=False,
        max_length=payload.TEMPLATE_LENGTH,
        widget=forms.TextInput(attrs=_MONO),
    )
    served_by = forms.CharField(
        label=gettext_lazy("Certificate of the home"),
        help_text=gettext_lazy(
            "The common name in the certificate of the home’s broker, or of the controller at "
            "the door. It alone may read the command and write the state."
        ),
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs=_PLAIN),
    )
    presses_per_hour = NumberField(
        1, 1000, label=gettext_lazy("Presses in an hour"), help_text=gettext_lazy("Of one person, at most.")
    )
    valid_seconds = NumberField(
        *(2, 30),
        label=gettext_lazy("Seconds that a press is good for"),
        help_text=gettext_lazy("2 to 30. What reaches the home later opens nothing."),
    )
    position = NumberField(
        0, 9999, label=gettext_lazy("Place in the list"), help_text=gettext_lazy("Small numbers come first.")
    )
    not_optional = ("template",)  # needed with one of the choices above it
    HOME_FIELDS = ("topic", "state_topic", "message", "template", "served_by", "valid_seconds")

    def __init__(self, request: Any, data: Any = None, *, door: Door | None = None) -> None:
        self.door = door
        super().__init__(request, data, initial=_values_of(door or Door()))
        for name in ("topic", "state_topic") if door is None else ():
            self.fields[name].required = False
            self.fields[name].help_text = _MADE[name]
        for name in self.HOME_FIELDS if door and door.practice else ():
            del self.fields[name]

    def clean_topic(self) -> str:
        typed: str = self.cleaned_data["topic"]
        return _checked(payload.check_topic, typed) if typed else typed

    def clean_state_topic(self) -> str:
        typed: str = self.cleaned_data["state_topic"]
        return _checked(payload.check_topic, typed) if typed else typed

    def clean_served_by(self) -> str:
        typed: str = self.cleaned_data["served_by"]
        name = NameField().clean(typed) if typed else typed
        if name == manage.OWN_NAME:
            raise ValidationError(_("This is the door’s own certificate. Name the one of the home."))
        if set(name) & set("/+#$"):
            raise ValidationError(
                _("No device’s certificate has / + # or $ in its name. Look at the certificate.")
            )
        return name

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = self.cleaned_data
        if found.get("message") == OWN:
            self._check_template(found.get("template", ""), found.get("pin"))
        topic, state = found.get("topic"), found.get("state_topic")
        if topic and topic == state:
            self.add_error(
                "state_topic", _("The home cannot answer where it is asked. Choose another topic.")
            )
        for name, text in (("topic", topic), ("state_topic", state)):
            other = manage.shared_topic([text], besides=self.door) if text else None
            if other is not None and name not in self.errors:
                self.add_error(
                    name, _("%(name)s uses this topic already. Choose another one.") % {"name": other.name}
                )
        return found

    def _check_template(self, template: str, pin: str | None) -> None:
        try:
            payload.check_template(template)
        except ValueError as error:
            self.add_error("template", str(error))
        if "pin" in payload.fields_of(template) and pin != PinUse.HOME:
            self.add_error(
                "template", "Leave {pin} out, or choose above that the PIN is passed on to the home."
            )

    def values(self) -> dict[str, Any]:
        """For door.manage. A new door's topics, left empty, are left out: they are made from its name."""
        found = {name: self.cleaned_data[name] for name in manage.FIELDS if name in self.cleaned_data}
        if "message" in self.cleaned_data:
            own = self.cleaned_data["message"] == OWN
            found["payload"] = self.cleaned_data["template"] if own else ""
        if self.door is None:
            found = {key: value for key, value in found.items() if value or "topic" not in key}
        return found


def _values_of(door: Door) -> dict[str, Any]:
    values = {name: getattr(door, name) for name in manage.FIELDS}
    return values | {"message": OWN if door.payload else OURS, "template": door.payload}


class GroupForm(FreshFactorForm):
    name = NameField(
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("For example Family, or Cleaners."),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Give the group a name, for example Family.")},
    )
    members = forms.MultipleChoiceField(
        label=gettext_lazy("Members"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, request: Any, data: Any = None, *, group: Group | None = None) -> None:
        self.group = group
        inside = list(group.members.values_list("pk", flat=True)) if group else []
        initial = {"name": group.name, "members": inside} if group else {}
        super().__init__(request, data, initial=initial)
        members = self.fields["members"]
        assert isinstance(members, forms.MultipleChoiceField)
        people = User.objects.filter(Q(is_active=True) | Q(pk__in=inside)).order_by("full_name", "username")
        members.choices = [(str(person.pk), person.both_names) for person in people]

    def chosen(self) -> QuerySet[User]:
        """The members."""
        return User.objects.filter(pk__in=self.cleaned_data["members"])

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if groups.taken(name, besides=self.group):
            raise ValidationError(
                _("There is a group called %(name)s already. Choose another name.") % {"name": name}
            )
        return name


class PinForm(FreshFactorForm):
    """One's own PIN, twice: nobody can look at what was set."""

    pin = forms.CharField(
        label=gettext_lazy("New PIN"),
        max_length=40,
        help_text=gettext_lazy("Six digits or more, and no birthday."),
    )
    again = forms.CharField(label=gettext_lazy("The same again"), max_length=40)

    def __init__(self, request: Any, data: Any = None) -> None:
        super().__init__(request, data)
        for name in ("pin", "again"):
            attrs = {"inputmode": "numeric", "autocomplete": "new-password"}
            self.fields[name].widget = forms.PasswordInput(attrs=attrs)
            self.fields[name].error_messages["required"] = _("Type your new PIN: six digits or more.")

    def clean_pin(self) -> str:
        return _checked(pins.refuse_easy, pins.digits(self.cleaned_data["pin"]))

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = self.cleaned_data
        if "pin" in found and "again" in found and pins.digits(found["again"]) != found["pin"]:
            self.add_error("again", _("The two are not the same. Type both once more."))
        return found


class HistoryForm(forms.Form):
    """What the address asks for. Everything may be left out."""

    q = forms.CharField(label=gettext_lazy("Search"), required=False, max_length=100)
    door = forms.CharField(required=False, max_length=40)
    outcome = forms.ChoiceField(required=False, choices=[("", ""), *Outcome.choices])
    since = forms.DateField(
        label=gettext_lazy("From"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label=gettext_lazy("To"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    not_optional = ("q", "since", "until")  # a filter says so by itself
    after = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)
