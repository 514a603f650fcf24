"""Text from strangers, made safe to show."""

import unicodedata

MAX_MARKS = 3  # accents on one letter; more only serve to smear a line

# Control, format (bidi, zero width), unassigned, private use, surrogates, line and paragraph separators.
_HIDDEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
# Invisible or blank, though their category says letter, symbol or mark.
_BLANK = {"\u034f", "\u115f", "\u1160", "\u17b4", "\u17b5", "\u2800", "\u3164", "\uffa0"}


def hidden(character: str) -> bool:
    """Whether one character cannot be seen, or changes how its neighbours are drawn."""
    variation_selector = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    mongolian = "\u180b" <= character <= "\u180f"
    return (
        unicodedata.category(character) in _HIDDEN or character in _BLANK or variation_selector or mongolian
    )


def escaped(character: str) -> str:
    """\\u{202E} for one character."""
    return f"\\u{{{ord(character):X}}}"


def printable(text: str) -> str:
    """`text` safe to show anywhere: whatever hides, reorders or smears becomes visible, as in \\u{202E}.

    That is control, format, bidi, unassigned, private-use and surrogate characters, blanks other than the
    plain one, and accents piled on each other. What looks like such an escape has its backslash escaped.
    """
    shown = []
    marks = 0
    for character in text.replace("\\u{", "\\u{5C}u{"):
        marks = marks + 1 if unicodedata.combining(character) else 0
        blank = unicodedata.category(character) == "Zs" and character != " "
        shown.append(escaped(character) if blank or marks > MAX_MARKS or hidden(character) else character)
    return "".join(shown)
