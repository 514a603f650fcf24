"""The one way the registration authority says no."""

from django.utils.functional import Promise


class Refused(Exception):
    """`str(error)` is a sentence for people, `remedy` the way out."""

    def __init__(self, message: str | Promise, remedy: str | Promise = "") -> None:
        super().__init__(str(message))
        self.remedy = str(remedy)
