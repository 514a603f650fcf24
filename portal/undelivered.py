"""What the ways out of the outbox raise."""


class Undelivered(Exception):
    """It did not arrive; `str(error)` are the other end's words. `for_good`: no later try would help."""

    def __init__(self, words: str, *, for_good: bool = False) -> None:
        super().__init__(words)
        self.for_good = for_good


class Away(Undelivered):
    """The mail server does not take any letter at present: not this one's fault."""


class Lost(Exception):
    """Another sender has it."""
