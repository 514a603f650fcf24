"""What is refused to people, in words for them."""

from dataclasses import dataclass

from django.utils.functional import Promise


@dataclass(frozen=True)
class Refused(Exception):
    """A verb that must not happen: why, and the way out, as sentences."""

    message: str | Promise
    remedy: str | Promise = ""

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()
