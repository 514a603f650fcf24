"""Second factors as rows: the TOTP app, recovery codes, and how many wrong codes were typed."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import models
from django.utils import timezone
from django_otp.models import Device, ThrottlingMixin, TimestampMixin

from accounts import guesses
from accounts.sealing import keyed_digest, seal, unseal
from accounts.timecodes import DIGITS, is_near, matching_pair, matching_step
from audit import trail


class SlowDevice(TimestampMixin, ThrottlingMixin, Device):
    """A second factor that makes whoever errs wait: 1, 2, 4 … seconds, 16 at most.

    Only people who know the password, or hold a session, get as far as erring here. The wait is short, so
    that one of them does not keep the owner out; what keeps them from guessing is in accounts/guesses.py, and
    the length of recovery codes.
    """

    class Meta:
        abstract = True

    def get_throttle_factor(self) -> int:
        return 1

    def throttle_increment(self, commit: bool = True) -> None:
        """Count a failure, as far as the longest wait: django-otp's is 2 ** (count - 1) seconds."""
        most = guesses.LONGEST_WAIT.bit_length() - 1
        self.throttling_failure_count = min(self.throttling_failure_count, most)
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
        if not (self.is_sure(token) or self.verify_is_allowed()[0]) or not self.looks_at(token):
            return False
        if not self.accepts(token):
            self.throttle_increment()
            self.missed(token)
            return False
        self.throttle_reset(commit=False)
        self.set_last_used_timestamp(commit=False)
        self.save()
        return True

    def is_sure(self, token: str) -> bool:
        """Whether the token is right, and of a kind that nobody guesses: it need not wait then."""
        return False

    def looks_at(self, token: str) -> bool:
        """Whether a token of this form is looked at now; if not, it is neither spent nor counted."""
        return True

    def accepts(self, token: str) -> bool:
        """Whether the token is right, using it up; `verify_token` saves the row."""
        raise NotImplementedError

    def missed(self, token: str) -> None:
        """The token was looked at, and wrong."""


class TotpDevice(SlowDevice):
    """A TOTP app (RFC 6238: SHA-1, 30 s, six digits). Its secret is stored encrypted."""

    sealed_secret = models.BinaryField()  # see accounts/sealing.py
    last_step = models.BigIntegerField(default=-1)  # the last time step accepted: a code works once
    # The one whose code was called early (accounts/clocks.py): it was perhaps guessed, and is never accepted.
    told_step = models.BigIntegerField(default=-1)

    @property
    def secret(self) -> bytes:
        return unseal(bytes(self.sealed_secret), f"totp of {self.user_id}")

    @secret.setter
    def secret(self, value: bytes) -> None:
        self.sealed_secret = seal(value, f"totp of {self.user_id}")

    def looks_at(self, token: str) -> bool:
        """After too many wrong ones only two codes in a row."""
        return len(token) == 2 * DIGITS or WrongCodes.one_will_do(self.user_id)

    def accepts(self, token: str) -> bool:
        match = matching_pair if len(token) == 2 * DIGITS else matching_step
        step = match(self.secret, token, after=self.last_step)
        if step is None or step == self.told_step:
            return False
        self.last_step = step
        return True

    def missed(self, token: str) -> None:
        """A code that this app did show, used or just over, was not guessed."""
        six = len(token) == DIGITS and token.isascii() and token.isdigit()
        if six and not is_near(self.secret, token):
            WrongCodes.add(self.user_id, self.user.get_username())


class WrongCodes(models.Model):
    """How many wrong codes of somebody's apps still count, and since when (accounts/guesses.py)."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="wrong_codes"
    )
    count = models.PositiveSmallIntegerField(default=0)
    since = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.count} of {self.user_id}"

    @classmethod
    def one_will_do(cls, user_id: UUID) -> bool:
        """Whether a single code of this account's apps is looked at."""
        found = cls.objects.filter(pk=user_id).first()
        return found is None or found._left()[0] < guesses.FREE

    @classmethod
    def add(cls, user_id: UUID, username: str) -> None:
        """One more; the owner hears of it when it is the last that single codes may be. In a transaction."""
        row, _ = cls.objects.select_for_update().get_or_create(pk=user_id)
        left, row.since = row._left()
        row.count = left + 1
        row.save()
        if row.count >= guesses.FREE:
            trail.record("app.guessed", target=username, detail={"wrong": row.count})

    @classmethod
    def take_back(cls, user_id: UUID) -> None:
        """What was counted last was no guess: another app of the same person showed that code."""
        cls.objects.filter(pk=user_id, count__gt=0).update(count=models.F("count") - 1)

    def _left(self) -> tuple[int, datetime]:
        return guesses.left_over(self.count, self.since, timezone.now())


class RecoveryDevice(SlowDevice):
    """A person's set of recovery codes; each works once, and at once: who types wrong ones holds up no right
    one (accounts/recovery.py)."""

    def digest(self, code: str) -> str:
        """What is stored of a normalised code, hex."""
        return keyed_digest(code, f"recovery of {self.user_id}")

    def is_sure(self, token: str) -> bool:
        return self.codes.filter(digest=self.digest(token)).exists()

    def accepts(self, token: str) -> bool:
        deleted, _ = self.codes.filter(digest=self.digest(token)).delete()
        return deleted == 1


class RecoveryCode(models.Model):
    device = models.ForeignKey(RecoveryDevice, on_delete=models.CASCADE, related_name="codes")
    digest = models.CharField(max_length=64)  # HMAC-SHA-256 of the code, hex

    class Meta:
        constraints = [models.UniqueConstraint(fields=["device", "digest"], name="recovery_code_once")]
