"""Why no certificate arrived, most likely first, for the system and the browser somebody has.

From what Apple, Google, Microsoft and Mozilla describe and what desktop browsers were seen to do; no real
phone was at hand, as the help pages say.
"""

from django.utils.translation import gettext as _

from accounts.useragent import UserAgent

PAGES = {"ios": "iphone", "android": "android", "windows": "windows", "macos": "macos", "linux": "linux"}


def page_for(browser: UserAgent) -> str:
    """The part of the portal's help on devices that fits, "" where none does."""
    if browser.browser == "firefox" and browser.system in ("windows", "macos", "linux"):
        return "firefox"
    return PAGES.get(browser.system, "")


def when_nothing_came(browser: UserAgent) -> list[str]:
    """Reasons, as sentences with the way out. The last two fit everywhere."""
    return [
        *_OF_SYSTEM.get(browser.system, lambda _browser: [])(browser),
        _("It was made on another device or in another browser. A certificate works only where its key is."),
        _("There is none yet. The portal shows how far your request has come."),
    ]


def _on_ios(browser: UserAgent) -> list[str]:
    if browser.browser != "safari":
        return [_("On an iPhone or iPad only Safari can show certificates. Open this page in Safari.")]
    return [
        _(
            "It was loaded, but not installed. Open Settings: near the top stands “Profile Downloaded”. Tap "
            "it, then Install. It waits there for eight minutes; after that, load it again."
        ),
        _("A .p12 file lies in Files until it is opened: tap it there, then go on in Settings as above."),
    ]


def _on_android(browser: UserAgent) -> list[str]:
    wrong_kind = _(
        "It was installed as something else. In Settings, search for “install a certificate”: it has to be a "
        "“VPN & app user certificate”, neither a “CA certificate” nor a “Wi-Fi certificate”."
    )
    if browser.browser == "chrome":
        return [wrong_kind]
    return [_("Not every browser uses the certificates of Android. Try this page in Chrome."), wrong_kind]


def _on_windows(browser: UserAgent) -> list[str]:
    if browser.browser == "firefox":
        return [_firefox()]
    return [
        _("It lies in another store. Open the .p12 file again and choose “Current User”, then “Personal”.")
    ]


def _on_macos(browser: UserAgent) -> list[str]:
    if browser.browser == "firefox":
        return [_firefox()]
    return [
        _(
            "It came without its key, or to another keychain. In Keychain Access it has to stand under "
            "“login”, “My Certificates”. Open the .p12 file again if it does not."
        )
    ]


def _on_linux(browser: UserAgent) -> list[str]:
    if browser.browser == "firefox":
        return [_firefox()]
    return [
        _(
            "The browser has a list of its own: Settings, Privacy and security, Security, Manage "
            "certificates, Your certificates. Import the .p12 file there."
        )
    ]


def _firefox() -> str:
    return _(
        "Firefox has a list of its own: Settings, Privacy & Security, View Certificates, Your Certificates. "
        "Import the .p12 file there."
    )


_OF_SYSTEM = {
    "ios": _on_ios,
    "android": _on_android,
    "windows": _on_windows,
    "macos": _on_macos,
    "linux": _on_linux,
}


def to_choose_again(browser: UserAgent) -> str:
    """How to be asked once more which certificate to show."""
    if browser.browser == "firefox":
        return _(
            "Firefox remembers what was chosen, also Cancel: Settings, Privacy & Security, View "
            "Certificates, Authentication Decisions; delete the line with this address. Or close Firefox "
            "altogether."
        )
    if browser.browser == "safari":
        return _(
            "Safari remembers what was chosen, also Cancel. Close it altogether (on an iPhone or iPad: swipe "
            "it away in the app switcher) and open this page again."
        )
    return _(
        "The browser remembers what was chosen, also Cancel, until it is closed altogether: all windows, not "
        "only this tab. Then open this page again."
    )
