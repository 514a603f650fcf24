"""What is refused to people, in words for them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Refused(Exception):
    """A verb that must not happen: why, and the way out, as sentences."""

    message: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()
