"""Lengths of time in words."""


def duration(seconds: int) -> str:
    """ "40 seconds", "3 minutes": rounded up, so that nobody comes back too early."""
    if seconds < 120:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    return f"{-(-seconds // 60)} minutes"
