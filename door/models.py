"""Doors, who may open them and when, people's PINs, and every press."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from accounts.models import User

PRACTICE = gettext_noop("Practice door")  # as its migration called it


class PinUse(models.TextChoices):
    """What becomes of the PIN at a door."""

    NONE = "none", _("No PIN")
    HERE = "here", _("Checked here")
    HOME = "home", _("Passed on to the home")


class Picture(models.TextChoices):
    """The drawings a door can have; each is templates/door/pictures/<value>.svg."""

    DOOR = "door", _("Door")
    GATE = "gate", _("Gate")
    GARAGE = "garage", _("Garage")
    CELLAR = "cellar", _("Cellar")
    MAILBOX = "mailbox", _("Mailbox")
    LAMP = "lamp", _("Lamp")


class Colour(models.TextChoices):
    """The colours of a door's button; each is a class of static/door/door.css."""

    TEAL = "teal", _("Teal")
    BLUE = "blue", _("Blue")
    PURPLE = "purple", _("Purple")
    RED = "red", _("Red")
    BROWN = "brown", _("Brown")
    GREY = "grey", _("Grey")


class Door(models.Model):
    """One thing that opens at a message. A retired one stays for the sake of its history."""

    slug = models.SlugField(max_length=40, unique=True)  # in addresses and topics
    name = models.CharField(max_length=60)
    picture = models.CharField(max_length=16, choices=Picture.choices, default=Picture.DOOR)
    colour = models.CharField(max_length=16, choices=Colour.choices, default=Colour.TEAL)
    position = models.PositiveSmallIntegerField(default=100)
    # Its presses go to the log and nowhere else; shown while no broker is set.
    practice = models.BooleanField(default=False)
    topic = models.CharField(max_length=200, blank=True)  # where "open" is published
    payload = models.CharField(max_length=500, blank=True)  # a template; "" is our JSON (door/payload.py)
    state_topic = models.CharField(max_length=200, blank=True)  # where the home says what it did, or ""
    # Common name of the device's certificate (home broker, controller) that reads the one, writes the other.
    served_by = models.CharField(max_length=64, blank=True)
    pin = models.CharField(max_length=8, choices=PinUse.choices, default=PinUse.HERE)
    presses_per_hour = models.PositiveSmallIntegerField(default=20)  # of one person
    valid_seconds = models.PositiveSmallIntegerField(default=5)  # from press to deadline; also message expiry
    retired_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name

    @property
    def called(self) -> str:
        """Its name for people: nobody chose that of the practice door, so it is in their language."""
        is_ours = self.practice and self.name == PRACTICE
        return gettext(PRACTICE) if is_ours else self.name


class Group(models.Model):
    """People who may open the same doors: "Family", "Cleaners"."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=60, unique=True)
    members = models.ManyToManyField(User, blank=True, related_name="door_groups")

    def __str__(self) -> str:
        return self.name


class Rule(models.Model):
    """Who may open a door, and when. A door without a rule opens for nobody; one fitting rule is enough.

    `person` and `group` both empty: everybody who has a certificate. Days and hours are those of the
    household's zone.
    """

    EVERY_DAY: ClassVar = 0b1111111

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    door = models.ForeignKey(Door, on_delete=models.CASCADE, related_name="rules")
    person = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.CASCADE, related_name="rules")
    weekdays = models.PositiveSmallIntegerField(default=EVERY_DAY)  # bit 0 is Monday
    starts = models.TimeField(
        null=True, blank=True
    )  # both or neither; `ends` before `starts` passes midnight
    ends = models.TimeField(null=True, blank=True)
    first_day = models.DateField(null=True, blank=True)
    last_day = models.DateField(null=True, blank=True)  # inclusive

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(person=None) | models.Q(group=None), name="rule_for_person_or_group"
            ),
            models.CheckConstraint(
                condition=models.Q(starts=None, ends=None)
                | models.Q(starts__isnull=False, ends__isnull=False),
                name="rule_hours_both_or_none",
            ),
        ]


class Pin(models.Model):
    """A person's PIN for the doors that check it here: only a keyed digest is kept."""

    user = models.OneToOneField(User, primary_key=True, on_delete=models.CASCADE, related_name="door_pin")
    digest = models.CharField(max_length=64)  # accounts/sealing.py keyed_digest, hex
    set_at = models.DateTimeField(auto_now=True)


class Tries(models.Model):
    """Wrong PINs of one person at one door."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    door = models.ForeignKey(Door, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()  # in the household's zone; `today` counts only on it
    today = models.PositiveSmallIntegerField(default=0)
    running = models.PositiveSmallIntegerField(default=0)  # since the last right one, or the last unlock

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "door"], name="tries_once")]


class Outcome(models.TextChoices):
    """What became of a press. The first two are on their way; the others are final.

    The door's page says it in the same words (door/telling.py).
    """

    SENDING = "sending", _("Sending")
    RECEIVED = "received", _("Received by the broker")
    OPENED = "opened", _("Opened")
    PRACTICE = "practice", _("Practice")  # no broker: it is in the log, and nothing opens
    UNANSWERED = "unanswered", _("The home does not answer")  # nothing will open later
    DENIED = "denied", _("Refused by the home")
    WRONG_PIN = "wrong-pin", _("Wrong PIN")
    OUTSIDE = "outside", _("Outside the hours")
    TOO_MANY = "too-many", _("Too many presses")
    LOCKED = "locked", _("Locked")


class Press(models.Model):
    """Somebody pressed a door's button, and what became of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Their indexes are below.
    door = models.ForeignKey(Door, on_delete=models.PROTECT, related_name="presses", db_index=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="presses", db_index=False)
    token = models.UUIDField()  # of the page's form: the same press sent twice is one press
    certificate = models.UUIDField()  # primary key of the pki Certificate
    device = models.CharField(max_length=64)  # its common name at that time
    address = models.CharField(max_length=45, blank=True)
    nonce = models.CharField(max_length=32, unique=True)  # in the payload; the home repeats it
    outcome = models.CharField(max_length=16, choices=Outcome.choices, default=Outcome.SENDING)
    at = models.DateTimeField(auto_now_add=True)
    received_at = models.DateTimeField(null=True, blank=True)  # PUBACK
    finished_at = models.DateTimeField(null=True, blank=True)  # opened, denied, or given up

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "token"], name="press_once")]
        indexes: ClassVar = [
            models.Index(fields=["-at", "-id"], name="press_newest"),
            models.Index(fields=["user", "-at", "-id"], name="press_newest_of_user"),
            models.Index(fields=["door", "-at", "-id"], name="press_newest_of_door"),
            models.Index(fields=["outcome", "-at", "-id"], name="press_newest_of_outcome"),
        ]
