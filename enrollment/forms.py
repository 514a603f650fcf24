"""The forms of requesters. Rules live in `proposals` and `ra`; here they become errors."""

import re
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django import forms
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.languages import later
from accounts.models import User
from enrollment import history, proposals
from enrollment.in_words import in_words
from enrollment.preview import proposed_names
from enrollment.ra import MAX_TEXT, Refused
from pki import csr, objections
from pki.csr import ParsedCSR
from pki.errors import CSRRejected
from pki.names import MAX_NAME
from pki.profiles import PROFILES

# Codes of rejections of what must not even be sent back: keys, and what is too long to be searched for one.
SECRETS = ("private-key", "pkcs12", "too-large")
NAMES_HINT = _("Names and addresses under which it is reached, one a line: nas.home.arpa or 192.168.1.2.")


def _purposes() -> list[tuple[str, str]]:
    """The kinds of certificates, in the language of whoever reads the form."""
    named = ((found.name, gettext(found.title), gettext(found.purpose)) for found in PROFILES.values())
    return [(name, f"{title}\n{purpose}") for name, title, purpose in named]


def sentence(error: Refused | CSRRejected) -> str:
    """What is wrong and the way out, in one line."""
    return f"{in_words(str(error))} {in_words(error.remedy)}".strip()


def _holds_secret(text: bytes) -> bool:
    try:
        csr.parse(text)
    except CSRRejected as error:
        return error.code in SECRETS
    return False


def split_names(text: str) -> list[str]:
    """Host names as typed, separated by blanks, commas or new lines."""
    return re.split(r"[\s,;]+", text.strip()) if text.strip() else []


class SubmitForm(forms.Form):
    """Asking for a certificate. With `showing` only the request itself is looked at."""

    # One of the first two, names where the purpose has them, and all of them when it is sent.
    not_optional = frozenset({"csr", "file", "profile", "device", "names"})

    csr = forms.CharField(
        label=_("The certification request"),
        help_text=_(
            "Paste it here, choose its file below, or drop the file on this page. It holds no secret."
        ),
        widget=forms.Textarea(
            attrs={"class": "mono", "spellcheck": "false", "autocomplete": "off", "rows": 8}
        ),
        required=False,
        strip=False,
    )
    file = forms.FileField(
        label=_("Or its file"),
        help_text=_("PEM or DER, usually ending in .csr or .pem."),
        required=False,
    )
    profile = forms.ChoiceField(
        label=_("What is it for?"),
        widget=forms.RadioSelect,
        choices=_purposes,
        initial="tls-client",
        error_messages={"required": _("Choose what the certificate is for.")},
    )
    device = forms.CharField(
        label=_("What do you call the device?"),
        help_text=_("Your own word for it, for example phone, laptop or garage sensor."),
        max_length=MAX_NAME,
        error_messages={"required": _("Give the device a name, for example phone.")},
    )
    names = forms.CharField(
        label=_("Host names"),
        help_text=later(_("For a web server or an MQTT broker only. %(hint)s"), hint=NAMES_HINT),
        widget=forms.Textarea(
            attrs={"class": "names", "rows": 3, "spellcheck": "false", "autocapitalize": "off"}
        ),
        required=False,
        max_length=4000,
    )
    note = forms.CharField(
        label=_("A note for whoever decides"),
        widget=forms.Textarea(attrs={"rows": 2}),
        required=False,
        max_length=MAX_TEXT,
    )

    def __init__(
        self, owner: User, data: QueryDict | None = None, files: Any = None, *, showing: bool = False
    ) -> None:
        super().__init__(
            None if data is None else data.copy(), files
        )  # a copy: what is shown again may differ
        self.owner = owner
        self.showing = showing
        self.parsed: ParsedCSR | None = None
        self.sans: tuple[str, ...] = ()
        # `csr.parse` takes any bytes: it finds a private key among NULs, which must not be shown again.
        self.fields["csr"].validators.clear()
        if showing:
            self.fields["device"].required = self.fields["profile"].required = False

    def clean(self) -> None:
        self._read_csr()
        profile = self.cleaned_data.get("profile") or "tls-client"
        if self.parsed is not None and profile in PROFILES:
            self._object(self.parsed, profile)
            self._propose_names(self.parsed, profile)
        if not self.showing and "profile" in self.cleaned_data:
            self._check_names(profile)
            self._check_device(profile)

    def _read_csr(self) -> None:
        """The file when there is one, else the text; a good one stands in the text field then, as PEM."""
        file = self.cleaned_data.get("file")
        typed = self.cleaned_data["csr"].encode()
        if (file or "file" in self.errors) and _holds_secret(typed):
            self._show("csr", "")
        if file is None and "file" in self.errors:
            return
        try:
            self.parsed = csr.parse(file.read() if file else typed)
        except CSRRejected as error:
            self.add_error("csr", sentence(error))
            if not file and error.code in SECRETS:
                self._show("csr", "")
        else:
            pem = x509.load_der_x509_csr(self.parsed.der).public_bytes(Encoding.PEM)
            self._show("csr", pem.decode())

    def _object(self, parsed: ParsedCSR, profile: str) -> None:
        try:
            objections.check(parsed, lambda san: proposals.may_be_asked(PROFILES[profile], san))
        except CSRRejected as error:
            self.add_error("csr", sentence(error))

    def _propose_names(self, parsed: ParsedCSR, profile: str) -> None:
        """Never taken silently: they go into the field, to be read and sent by the requester."""
        if "names" in self.cleaned_data and not self.cleaned_data["names"].strip():
            self._show("names", "\n".join(proposed_names(parsed, PROFILES[profile])))

    def _check_names(self, profile: str) -> None:
        if "names" not in self.cleaned_data:
            return
        try:
            self.sans = proposals.checked_sans(PROFILES[profile], split_names(self.cleaned_data["names"]))
        except Refused as error:
            proposed = bool(self.data.get("names")) and not self.cleaned_data["names"].strip()
            hint = (
                gettext("These stand in your request: check them, send again.")
                if proposed
                else sentence(error)
            )
            self.add_error("names", hint)

    def _check_device(self, profile: str) -> None:
        if "device" not in self.cleaned_data or "names" in self.errors:
            return
        try:
            proposals.checked_label(self.cleaned_data["device"])
            chosen, device = PROFILES[profile], self.cleaned_data["device"]
            name = proposals.common_name(self.owner, chosen, device, self.sans)
            history.refuse_taken_name(chosen, name, self.owner)
        except Refused as error:
            self.add_error("device", sentence(error))

    def _show(self, field: str, text: str) -> None:
        """What the field holds when the page is shown again."""
        if isinstance(self.data, QueryDict):
            self.data[field] = text


class AnswerForm(forms.Form):
    text = forms.CharField(
        label=_("Your answer"), widget=forms.Textarea(attrs={"rows": 3}), max_length=MAX_TEXT,
        error_messages={"required": _("Write an answer first.")},
    )  # fmt: skip
