"""What stands in the way of a backup, a drill or a restoration."""


class Trouble(Exception):
    """Why there is none: a sentence with the way out."""
