from typing import Any, ClassVar, TypeVar

from django.db import models

_M = TypeVar("_M", bound=models.Model)

class DeviceManager(models.Manager[_M]): ...

class Device(models.Model):
    objects: ClassVar[DeviceManager[Any]]
    user: models.ForeignKey[Any, Any]
    name: models.CharField[str, str]
    confirmed: models.BooleanField[bool, bool]
    class Meta:
        abstract = True

    @property
    def persistent_id(self) -> str: ...
    def verify_is_allowed(self) -> tuple[bool, dict[str, Any] | None]: ...
    def verify_token(self, token: str) -> bool: ...

class ThrottlingMixin(models.Model):
    throttling_failure_count: models.PositiveIntegerField[int, int]
    class Meta:
        abstract = True

    def throttle_reset(self, commit: bool = True) -> None: ...
    def throttle_increment(self, commit: bool = True) -> None: ...
    def get_throttle_factor(self) -> int: ...

class TimestampMixin(models.Model):
    last_used_at: models.DateTimeField[Any, Any]
    class Meta:
        abstract = True

    def set_last_used_timestamp(self, commit: bool = True) -> None: ...
