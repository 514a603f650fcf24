"""Who people are: accounts, their roles, second factors, invitations; and the household they belong to."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone
from django_otp.models import Device, ThrottlingMixin, TimestampMixin

from accounts.sealing import keyed_digest, seal, unseal
from accounts.timecodes import matching_step


class Role(models.TextChoices):
    REQUESTER = "requester", "Requester"
    OFFICER = "officer", "Officer"
    AUDITOR = "auditor", "Auditor"
    ADMINISTRATOR = "administrator", "Administrator"


def role_words(roles: Iterable[str]) -> str:
    """ "Requester, Officer", in the order of `Role`."""
    return ", ".join(role.label for role in Role if role.value in roles) or "None"


class Household(models.Model):
    """What holds for everybody here. One row, made when it is first asked for."""

    name = models.CharField(max_length=64, default="Our household")  # O= in certificates
    time_zone = models.CharField(max_length=64, default="UTC")
    one_person = models.BooleanField(default=False)  # the switch: an officer may decide on their own word
    # Profile -> days before the end at which a reminder is sent; what is not there has enrollment's default.
    reminder_days = models.JSONField(default=dict)


class UserManager(BaseUserManager["User"]):
    def create_user(self, username: str, password: str | None = None, **fields: object) -> "User":
        user = self.model(username=self.model.normalize_username(username), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person. Several roles each; `invited_by` and `reset_by` may not decide for them alone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(max_length=64, unique=True)  # lower case letters, digits, . _ -
    full_name = models.CharField(max_length=100, blank=True)
    email = models.EmailField(blank=True)
    is_active = models.BooleanField(default=True)
    is_requester = models.BooleanField(default=False)
    is_officer = models.BooleanField(default=False)
    is_auditor = models.BooleanField(default=False)
    is_administrator = models.BooleanField(default=False)
    invited_by = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="invited"
    )
    reset_by = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="reset"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.full_name or self.username

    @property
    def both_names(self) -> str:
        """ "Bob Berger (mallory)": for whoever judges people. A full name is free and may be another's."""
        return f"{self.full_name} ({self.username})" if self.full_name else self.username

    @property
    def roles(self) -> frozenset[str]:
        """The `Role` values this person has."""
        return frozenset(role.value for role in Role if getattr(self, f"is_{role.value}"))

    @property
    def role_words(self) -> str:
        return role_words(self.roles)

    # What django.contrib.admin asks. It may look at everything and change nothing (portal/admin.py).
    @property
    def is_staff(self) -> bool:
        return self.is_administrator

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return self.is_active and self.is_administrator and ".view_" in perm

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and self.is_administrator


class SlowDevice(TimestampMixin, ThrottlingMixin, Device):
    """A second factor that makes whoever errs wait: 1, 2, 4 … seconds, half an hour at most.

    Only people who know the password, or hold a session, get as far as erring here.
    """

    class Meta:
        abstract = True

    def get_throttle_factor(self) -> int:
        return 1

    def throttle_increment(self, commit: bool = True) -> None:
        """Count a failure, up to twelve: without that cap a thief could lock the owner out for years."""
        self.throttling_failure_count = min(self.throttling_failure_count, 11)
        super().throttle_increment(commit=commit)

    def seconds_to_wait(self) -> int:
        """Until the next code is looked at; 0 when it would be now."""
        allowed, why = self.verify_is_allowed()
        if allowed or not why:
            return 0
        until: datetime = why["locked_until"]
        return max(1, -((timezone.now() - until) // timedelta(seconds=1)))

    def verify_token(self, token: str) -> bool:
        """Called by `django_otp.verify_token` only: that locks the row, so that one code counts once."""
        if not self.verify_is_allowed()[0]:
            return False
        if not self.accepts(token):
            self.throttle_increment()
            return False
        self.throttle_reset(commit=False)
        self.set_last_used_timestamp(commit=False)
        self.save()
        return True

    def accepts(self, token: str) -> bool:
        """Whether the token is right, using it up; `verify_token` saves the row."""
        raise NotImplementedError


class TotpDevice(SlowDevice):
    """A TOTP app (RFC 6238: SHA-1, 30 s, six digits). Its secret is stored encrypted."""

    sealed_secret = models.BinaryField()  # see accounts/sealing.py
    last_step = models.BigIntegerField(default=-1)  # the last time step accepted: a code works once

    @property
    def secret(self) -> bytes:
        return unseal(bytes(self.sealed_secret), f"totp of {self.user_id}")

    @secret.setter
    def secret(self, value: bytes) -> None:
        self.sealed_secret = seal(value, f"totp of {self.user_id}")

    def accepts(self, token: str) -> bool:
        step = matching_step(self.secret, token, after=self.last_step)
        if step is not None:
            self.last_step = step
        return step is not None


class RecoveryDevice(SlowDevice):
    """A person's set of recovery codes; each works once."""

    def digest(self, code: str) -> str:
        """What is stored of a normalised code, hex."""
        return keyed_digest(code, f"recovery of {self.user_id}")

    def accepts(self, token: str) -> bool:
        deleted, _ = self.codes.filter(digest=self.digest(token)).delete()
        return deleted == 1


class RecoveryCode(models.Model):
    device = models.ForeignKey(RecoveryDevice, on_delete=models.CASCADE, related_name="codes")
    digest = models.CharField(max_length=64)  # HMAC-SHA-256 of the code, hex

    class Meta:
        constraints = [models.UniqueConstraint(fields=["device", "digest"], name="recovery_code_once")]


class InvitationGroup(models.Model):
    """People who were invited together, such as "Spring 2027"."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=64)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    once = models.UUIDField(unique=True)  # of the form that made it: sent twice, it makes nothing twice

    def __str__(self) -> str:
        return self.name


class Invitation(models.Model):
    """A single-use link: to set up an account, or to set a lost password and TOTP anew (`account` set)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of the token in the link, hex
    full_name = models.CharField(max_length=100, blank=True)
    roles = models.JSONField(default=list)
    account = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE, related_name="resets")
    # None: made in the terminal of this machine, by whoever may run its commands.
    made_by = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="invitations")
    made_at = models.DateTimeField(auto_now_add=True)
    lapses_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    # Of those invited together: which group, what was proposed for them, and who it came to be.
    group = models.ForeignKey(
        InvitationGroup, null=True, blank=True, on_delete=models.PROTECT, related_name="invitations"
    )
    username = models.CharField(max_length=64, blank=True)
    email = models.EmailField(blank=True)
    device = models.CharField(max_length=64, blank=True)
    joined = models.OneToOneField(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="came_by"
    )

    @property
    def has_lapsed(self) -> bool:
        return self.lapses_at <= timezone.now()

    def __str__(self) -> str:
        return f"{self.account or self.full_name}, by {self.made_by or 'the terminal'}"

    @property
    def role_words(self) -> str:
        return role_words(self.roles)


class Throttle(models.Model):
    """Failed attempts under one key (an account's name, an address), for accounts/throttle.py."""

    key = models.CharField(max_length=128, unique=True)
    failures = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()


class Channel(models.Model):
    """One way by which a person is told things: their e-mail address, or an address that Apprise knows."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="channels")
    name = models.CharField(max_length=40)
    by_mail = models.BooleanField(default=False)  # to User.email, as it is when something is sent
    sealed_url = models.BinaryField(default=bytes)  # Apprise's addresses hold tokens: see accounts/sealing.py
    declined = models.JSONField(default=list)  # names of kinds (accounts/kinds.py) that do not go here
    paused = models.BooleanField(default=False)
    trouble = models.CharField(max_length=300, blank=True)  # the server's words, while it does not work
    trouble_since = models.DateTimeField(null=True, blank=True)
    worked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(by_mail=True), name="one_channel_by_mail"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.user}"

    @property
    def url(self) -> str:
        return unseal(bytes(self.sealed_url), f"channel {self.pk}").decode()

    @url.setter
    def url(self, value: str) -> None:
        self.sealed_url = seal(value.encode(), f"channel {self.pk}")


class Notice(models.Model):
    """Something a person was told, once: in the portal, and over the channels they chose."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    event = models.CharField(max_length=120)  # what happened, named so that the same one is told once
    kind = models.CharField(max_length=32)
    subject = models.CharField(max_length=200)
    text = models.TextField()
    link = models.CharField(max_length=200, blank=True)  # a path of the portal
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["user", "-at"]), models.Index(fields=["at"])]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["event", "user"], name="each_event_told_once")
        ]

    def __str__(self) -> str:
        return self.subject


class Delivery(models.Model):
    """One notice on its way over one channel: the outbox (accounts/deliveries.py has its steps)."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        TAKEN = "taken", "Connecting"  # a sender has it; nothing has left
        LEAVING = "leaving", "Sending"  # from here on the other end may have it
        SENT = "sent", "Sent"
        GIVEN_UP = "given up", "Not delivered"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)  # in its Message-ID, too
    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="deliveries")
    to = models.CharField(max_length=254, blank=True)  # a mail address to use instead of the present one
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    tries = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    trouble = models.CharField(max_length=300, blank=True)  # why the last try failed

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(state__in=["waiting", "taken", "leaving"]),
                name="deliveries_open",
            )
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["notice", "channel"], name="once_per_channel")
        ]

    def __str__(self) -> str:
        return f"{self.notice} by {self.channel}"


class CalendarLink(models.Model):
    """A secret address under which a calendar reads when certificates end. One a person; revocable."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="calendar_link")
    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of the token in the address, hex
    everybody = models.BooleanField(default=False)  # an officer's: everybody's certificates
    made_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"calendar of {self.user}"


class Followed(models.Model):
    """Up to which line of the audit trail people were told what it says. One row."""

    sequence = models.BigIntegerField()
