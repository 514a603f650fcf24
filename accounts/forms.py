"""What people type. Every form keeps what was typed, except passwords and codes."""

from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts import clocks, languages, names, people, throttle, timecodes, totp, zones
from accounts.addresses import address_of
from accounts.freshness import CodeField, FreshFactorForm, SometimesFreshForm
from accounts.guards import me
from accounts.models import Role, User
from accounts.words import duration
from audit import trail

_GOOD = _("Ten characters or more. Four unrelated words are good.")
_NOT_THIS_APPS = _(
    "The app shows another code than that. Type the newest one; if it is refused again, scan the picture"
    " once more."
)
_PLAIN = {"autocapitalize": "off", "autocorrect": "off", "spellcheck": "false"}
ROLE_WORDS = [
    (Role.REQUESTER.value, _("Requester\nasks for certificates for their own devices")),
    (Role.OFFICER.value, _("Officer\nlooks at other people's requests and decides; invites requesters")),
    (Role.AUDITOR.value, _("Auditor\nreads the audit trail")),
    (Role.ADMINISTRATOR.value, _("Administrator\ninvites people, gives roles, changes the household")),
]


class PasswordField(forms.CharField):
    """`kind`: the autocomplete word, current-password or new-password."""

    def __init__(self, kind: str, **kwargs: Any) -> None:
        widget = forms.PasswordInput(attrs={"autocomplete": kind})
        missing = {"required": _("Type a password.") if kind == "new-password" else _("Type your password.")}
        super().__init__(strip=False, max_length=256, widget=widget, error_messages=missing, **kwargs)


class NameField(forms.CharField):
    """A person's or household's name, made plain."""

    def clean(self, value: Any) -> str:
        return names.plain_name(super().clean(value))


def _checked_password(password: str, user: User) -> None:
    """Raises ValidationError with one sentence; the one that says what makes it easy to guess comes first."""
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        useful = [one for one in error.error_list if one.code == "easy_to_guess"]
        raise (useful or error.error_list)[0] from None


class SignInForm(forms.Form):
    username = forms.CharField(
        label=_("User name"),
        max_length=150,
        # "webauthn": the browser offers passkeys here, too (HTML 4.10.18.7; static/accounts/passkey.js)
        widget=forms.TextInput(attrs={"autocomplete": "username webauthn", "autofocus": True, **_PLAIN}),
        error_messages={"required": _("Type your user name, for example anna.")},
    )
    password = PasswordField("current-password", label=_("Password"))
    code = CodeField()


class DetailsForm(forms.Form):
    """The first step of an invitation: who you are and your password. `account` fixes the user name."""

    full_name = NameField(
        label=_("Your name"),
        help_text=_("As people here know you, for example Anna Huber."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": _("Type your name, for example Anna Huber.")},
    )
    username = forms.CharField(
        label=_("User name"),
        max_length=150,
        help_text=_("You sign in with it. Small letters and digits, for example anna."),
        widget=forms.TextInput(attrs={"autocomplete": "username", **_PLAIN}),
        error_messages={"required": _("Choose a user name, for example anna.")},
    )
    password = PasswordField("new-password", label=_("Password"), help_text=_GOOD)

    def __init__(self, data: Any = None, *, account: User | None = None, **kwargs: Any) -> None:
        self.account = account
        super().__init__(data, **kwargs)
        if account is not None:
            del self.fields["full_name"], self.fields["username"]

    def clean_username(self) -> str:
        name = names.username(self.cleaned_data["username"])
        if User.objects.filter(username=name).exists():
            raise ValidationError(
                _("Somebody here is called %(name)s already. Choose another user name.") % {"name": name}
            )
        return name

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = self.cleaned_data
        named = f"{found.get('full_name', '')} {found.get('household', '')}".strip()  # at setup both are new
        user = self.account or User(username=found.get("username", ""), full_name=named)
        if "password" in found:
            try:
                _checked_password(found["password"], user)
            except ValidationError as error:
                self.add_error("password", error)
        return found


class SetupForm(DetailsForm):
    """The very first account, and what the household is called."""

    household = NameField(
        label=_("Name of the household"),
        help_text=_("It stands in the certificates and in people's apps."),
        error_messages={"required": _("Give the household a name, for example Huber.")},
        initial=_("Our household"),
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), initial=zones.of_this_machine, choices=zones.choices)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.order_fields(["full_name", "username", "password", "household", "time_zone"])


class AppForm(forms.Form):
    """Confirms a new app by its first code. After `is_valid`, `step` is the time step of that code."""

    code = CodeField(
        help_text=_("The six digits that the app shows for this account now."), label=_("Code from the app")
    )
    step: int

    def __init__(self, secret: bytes, data: Any = None) -> None:
        self.secret = secret
        super().__init__(data)
        self.fields["code"].widget.attrs |= {"inputmode": "numeric"}

    def clean_code(self) -> str:
        code = totp.digits(self.cleaned_data["code"])
        step = timecodes.matching_step(self.secret, code)
        if step is None:
            off = timecodes.off_by(self.secret, code) if timecodes.is_code(code) else None
            raise ValidationError(_NOT_THIS_APPS if off is None else clocks.explained(off))
        self.step = step
        return code


class ProfileForm(SometimesFreshForm):
    """One's own name and mail address. Another address needs a fresh factor: that is where alarms go."""

    full_name = DetailsForm.base_fields["full_name"]
    email = forms.EmailField(
        label=_("E-mail"), required=False, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=languages.own_choices,
        help_text=_("Of these pages, and of what is sent to you."),
    )

    def matters(self) -> bool:
        return bool(self.cleaned_data["email"] != self.initial["email"])


class PasswordForm(FreshFactorForm):
    old = PasswordField("current-password", label=_("Present password"))
    new = PasswordField("new-password", label=_("New password"), help_text=_GOOD)

    def clean_old(self) -> str:
        """Slowed down like a login: who found an open session must not guess the password here."""
        typed: str = self.cleaned_data["old"]
        user = me(self.request)
        keys = {f"password {user.pk}": throttle.PAIR}
        if wait := throttle.begin(keys):
            raise ValidationError(_("Too many attempts. Try again in %(time)s.") % {"time": duration(wait)})
        if not user.check_password(typed):
            trail.record("password.refused", actor=user.username, address=address_of(self.request))
            raise ValidationError(
                _(
                    "This is not your present password. Type it once more; if it is forgotten, an officer"
                    " lets you back in."
                )
            )
        throttle.succeeded(keys)
        return typed

    def clean_new(self) -> str:
        typed: str = self.cleaned_data["new"]
        _checked_password(typed, me(self.request))
        return typed


class RolesForm(FreshFactorForm):
    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=ROLE_WORDS,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one role.")},
    )


class InviteForm(FreshFactorForm):
    """A new link. Officers see no roles: theirs to give is requester only."""

    full_name = NameField(
        label=_("Whom is it for?"),
        help_text=_("Their name. They can correct it when they use the link."),
        error_messages={"required": _("Type the name of whom you invite, for example Anna Huber.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    roles = RolesForm.base_fields["roles"]
    hours = forms.TypedChoiceField(
        label=_("The link is good for"),
        coerce=int,
        initial=72,
        choices=[(1, _("one hour")), (24, _("one day")), (72, _("three days")), (168, _("a week"))],
    )

    def __init__(self, request: Any, data: Any = None, **kwargs: Any) -> None:
        super().__init__(request, data, **kwargs)
        self.fields["roles"].initial = [Role.REQUESTER.value]
        if not me(request).is_administrator:
            del self.fields["roles"]

    def chosen(self) -> frozenset[str]:
        return frozenset(self.cleaned_data.get("roles", [Role.REQUESTER.value]))


assert set(people.ROLES) == {role for role, _ in ROLE_WORDS}  # a new role needs its words
