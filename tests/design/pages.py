"""The shared templates filled with plausible people, for pictures and for tests of the markup."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from django import forms
from django.conf import settings
from django.template.backends.django import DjangoTemplates
from django.utils import timezone

from portal.templatetags.latchkey import STATES

DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class AskForm(forms.Form):
    csr = forms.CharField(
        label="The request",
        help_text="Paste it, or choose the file below. It begins with -----BEGIN CERTIFICATE REQUEST-----.",
        widget=forms.Textarea(attrs={"class": "mono", "spellcheck": "false"}),
        error_messages={"required": "Paste the request or choose its file."},
    )
    file = forms.FileField(label="Or its file", required=False)
    purpose = forms.ChoiceField(
        widget=forms.RadioSelect,
        choices=[
            ("tls-client", "Phone or browser\nShows a website or the door who you are"),
            ("tls-server", "Web server\nA site in this household, with its host names"),
            ("mqtt-client", "MQTT device\nA lamp, a sensor, a lock"),
        ],
        error_messages={"required": "Choose what the certificate is for."},
    )
    device = forms.CharField(label="Name of the device", help_text="For example: Anna's phone")
    one_person = forms.BooleanField(
        label="One-person household", help_text="Costs the second pair of eyes.", required=False
    )
    code = forms.CharField(
        label="Code from your app",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
    )


class Person(SimpleNamespace):
    def __str__(self) -> str:
        return str(self.name)


def _frame(view: str) -> dict[str, Any]:
    """What the context processors would give an officer who administers and asks, too."""
    return {
        "user": Person(name="Bob Builder", is_authenticated=True, is_verified=True),
        "my_roles": frozenset({"requester", "officer", "auditor", "administrator"}),
        "household": SimpleNamespace(name="The Examples"),
        "request": SimpleNamespace(resolver_match=SimpleNamespace(view_name=view)),
    }


def _row(device: str, status: str) -> SimpleNamespace:
    asked = timezone.now() - timedelta(hours=2)
    return SimpleNamespace(
        id="6f1b6c1e-9df1-4d1c-9d85-2f2d3c2a1b00",
        device=device,
        who="Alice Example",
        purpose="Phone or browser",
        status=status,
        created_at=asked,
    )


def contents() -> dict[str, tuple[str, dict[str, Any]]]:
    """Page name -> template and context."""
    now = timezone.now()
    rows = [_row("Alice’s phone", "pending"), _row("The printer in the hall, second floor", "approved")]
    facts = {
        "states": [name for name in STATES if name not in ("pending", "rejected")],
        "words": ("marble", "velvet", "tiger", "orbit"),
        "digest": DIGEST,
        "codes": [f"k7d{n}-w9mx-t4{n}q" for n in range(10)],
        "asked": now - timedelta(hours=2),
        "ends": now + timedelta(days=12, minutes=1),
        "rows": rows,
    }
    queue, officer = _frame("enrollment:queue"), _frame("portal:home")
    return {
        "words": ("design/words.html", {**officer, **facts}),
        "form": ("design/form.html", {**_frame("enrollment:submit"), "form": AskForm()}),
        "form-errors": ("design/form.html", {**queue, "form": AskForm({"device": "Anna's phone"})}),
        "list": ("design/list.html", {**queue, **facts}),
        "review": ("design/review.html", {**_frame("enrollment:review"), **facts, "form": AskForm()}),
        "home": (
            "portal/home.html",
            {**officer, "waiting": 3, "mine": rows, "door_url": "https://localhost:9443"},
        ),
        "help": ("portal/help.html", officer),
        "trust": ("portal/trust.html", {"fingerprint": DIGEST, "permitted": ["home.arpa", "10.0.0.0/8"]}),
        "error": (
            "error.html",
            {**officer, "title": "Nothing is here", "message": "It is not yours to see."},
        ),
        "error-bare": ("error.html", {}),
    }


def render(template: str, context: dict[str, Any]) -> str:
    """The page's HTML, with this folder's templates beside the real ones."""
    options = dict(settings.TEMPLATES[0]["OPTIONS"], context_processors=[])
    folders = [settings.BASE_DIR / "templates", settings.BASE_DIR / "tests" / "design" / "templates"]
    engine = DjangoTemplates({"NAME": "design", "DIRS": folders, "APP_DIRS": True, "OPTIONS": options})
    return str(engine.get_template(template).render(context))
