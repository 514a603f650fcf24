"""What a browser says it is (RFC 9110 10.1.5): good enough to choose which advice stands first, and for
people to know their own again."""

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

# The first that fits counts: Edge calls itself Chrome too, Chrome Safari, and an iPhone Mac OS X.
SYSTEMS = (
    ("ios", r"iPhone|iPad|iPod"),
    ("android", r"Android"),
    ("windows", r"Windows"),
    ("linux", r"Linux|CrOS|X11"),
    ("macos", r"Macintosh|Mac OS X"),  # an iPad's Safari, too: it asks for the pages of computers
)
BROWSERS = (
    ("firefox", r"Firefox/|FxiOS/|Focus/"),
    ("edge", r"Edg(?:e|A|iOS)?/"),
    ("other", r"OPR/|OPT/|SamsungBrowser/|DuckDuckGo/|Brave/|YaBrowser/|GSA/|FBAN|FBAV|Instagram"),
    ("chrome", r"Chrom(?:e|ium)/|CriOS/"),
    ("safari", r"Safari/"),
)
_SYSTEM_NAMES = {
    "ios": "iPhone / iPad",
    "android": "Android",
    "windows": "Windows",
    "linux": "Linux",
    "macos": "Mac",
}


@dataclass(frozen=True)
class UserAgent:
    """`system` and `browser` are names from the lists above, "" where nothing fits."""

    system: str
    browser: str

    @property
    def words(self) -> str:
        """ "Firefox on Windows", as far as it is known."""
        names = {"firefox": "Firefox", "edge": "Edge", "chrome": "Chrome", "safari": "Safari"}
        browser = names.get(self.browser, _("A browser"))
        if self.system not in _SYSTEM_NAMES:
            return browser
        named = {"browser": browser, "system": _SYSTEM_NAMES[self.system]}
        # Translators: "Firefox on Windows"
        return _("%(browser)s on %(system)s") % named


def read(text: str) -> UserAgent:
    """The header's words for what they claim; nothing may depend on it but advice."""
    return UserAgent(_first(SYSTEMS, text), _first(BROWSERS, text))


def _first(known: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for name, pattern in known if re.search(pattern, text[:1000])), "")
