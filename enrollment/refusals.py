"""The one way the registration authority says no."""


class Refused(Exception):
    """`str(error)` is a sentence for people, `remedy` the way out."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy
