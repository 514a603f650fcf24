"""What officers type about who may open a door, and when."""

from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.freshness import FreshFactorForm
from accounts.models import User
from door.models import Group, Rule
from door.policy import zone
from door.words import DAYS

EVERY_DAY, SOME_DAYS = "every", "some"
EVERYBODY = "everybody"
YEARS = (2000, 2999)


class ClockField(forms.TimeField):
    """Hours and minutes, or nothing."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TimeInput(attrs={"type": "time", "class": "short"}, format="%H:%M")
        wrong = {"invalid": gettext_lazy("Type hours and minutes, for example 8:00 or 17:30.")}
        super().__init__(required=False, widget=widget, error_messages=wrong, **kwargs)


class DayField(forms.DateField):
    """A day, or nothing."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateInput(attrs={"type": "date", "class": "short"}, format="%Y-%m-%d")
        wrong = {"invalid": gettext_lazy("Type a day as year-month-day, for example 2026-12-31.")}
        super().__init__(required=False, widget=widget, error_messages=wrong, **kwargs)


class RuleForm(FreshFactorForm):
    """Who may open a door, and when."""

    who = forms.ChoiceField(
        label=gettext_lazy("Who"), error_messages={"required": gettext_lazy("Choose who may open this door.")}
    )
    when = forms.ChoiceField(
        label=gettext_lazy("Days"),
        widget=forms.RadioSelect,
        initial=EVERY_DAY,
        error_messages={"required": gettext_lazy("Choose every day, or only some.")},
        choices=[
            (EVERY_DAY, gettext_lazy("Every day")),
            (SOME_DAYS, gettext_lazy("Only on the days chosen here")),
        ],
    )
    days = forms.TypedMultipleChoiceField(
        label=gettext_lazy("On these days"),
        coerce=int,
        required=False,
        choices=list(enumerate(DAYS)),
        widget=forms.CheckboxSelectMultiple(attrs={"class": "weekdays"}),
    )
    starts = ClockField(label=gettext_lazy("From"))
    ends = ClockField(label=gettext_lazy("To"))
    first_day = DayField(label=gettext_lazy("First day"))
    last_day = DayField(label=gettext_lazy("Last day"))
    not_optional = ("days", "starts", "ends", "first_day", "last_day")  # the page says it for both of a pair

    def __init__(self, request: Any, data: Any = None, *, rule: Rule | None = None, **kwargs: Any) -> None:
        initial = {**(_rule_values(rule) if rule else {}), **kwargs.pop("initial", {})}
        super().__init__(request, data, initial=initial, **kwargs)
        who = self.fields["who"]
        assert isinstance(who, forms.ChoiceField)
        who.choices = _everybody_who(rule)

    def clean_who(self) -> dict[str, Any]:
        kind, _colon, pk = str(self.cleaned_data["who"]).partition(":")
        person = User.objects.filter(pk=UUID(pk)).first() if kind == "person" else None
        group = Group.objects.filter(pk=UUID(pk)).first() if kind == "group" else None
        return {"person": person, "group": group}

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = self.cleaned_data
        if found.get("when") == SOME_DAYS and not found.get("days") and "days" not in self.errors:
            self.add_error("days", _("Choose at least one day, or “Every day” above."))
        self._check_hours(found)
        self._check_days(found)
        return found

    def _check_hours(self, found: dict[str, Any]) -> None:
        if self.errors.keys() & {"starts", "ends"}:
            return
        starts, ends = found.get("starts"), found.get("ends")
        if (starts is None) != (ends is None):
            missing = "starts" if starts is None else "ends"
            self.add_error(missing, _("Type both times, or leave both empty for the whole day."))
        elif starts is not None and starts == ends:
            self.add_error("ends", _("The two times are the same. For the whole day leave both empty."))

    def _check_days(self, found: dict[str, Any]) -> None:
        first, last = found.get("first_day"), found.get("last_day")
        for name, day in (("first_day", first), ("last_day", last)):
            if day and not YEARS[0] <= day.year <= YEARS[1]:
                self.add_error(name, _("Look at the year: it has four digits, such as 2026."))
                return
        if last and last < timezone.localdate(timezone=zone()):
            self.add_error("last_day", _("This day is over. Choose today or a later one."))
        elif first and last and last < first:
            self.add_error("last_day", _("The last day comes before the first. Change one of the two."))

    def values(self) -> dict[str, Any]:
        """For door.manage."""
        found = self.cleaned_data
        mask = Rule.EVERY_DAY if found["when"] == EVERY_DAY else sum(1 << day for day in set(found["days"]))
        times = {name: found[name] for name in ("starts", "ends", "first_day", "last_day")}
        return {**found["who"], "weekdays": mask, **times}


def _rule_values(rule: Rule) -> dict[str, Any]:
    person, group = rule.person_id, rule.group_id
    who = f"person:{person}" if person else f"group:{group}" if group else EVERYBODY
    values = {name: getattr(rule, name) for name in ("starts", "ends", "first_day", "last_day")}
    when = EVERY_DAY if rule.weekdays == Rule.EVERY_DAY else SOME_DAYS
    days = [number for number in range(7) if rule.weekdays >> number & 1]
    return {**values, "who": who, "when": when, "days": [] if when == EVERY_DAY else days}


def _everybody_who(rule: Rule | None) -> list[Any]:
    """Everybody; the groups; the people, and whom `rule` names though they left."""
    called = [(f"group:{group.pk}", group.name) for group in Group.objects.order_by("name")]
    named = Q(is_active=True) | Q(pk=rule.person_id if rule else None)
    found = User.objects.filter(named).order_by("full_name", "username")
    people = [(f"person:{person.pk}", person.both_names) for person in found]
    kinds = [(_("Groups"), called), (_("People"), people)]
    return [
        ("", _("Choose…")),
        (EVERYBODY, _("Everybody with a certificate")),
        *(kind for kind in kinds if kind[1]),
    ]
