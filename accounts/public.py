"""The one list of what can be reached without a verified second factor. Everything else cannot."""

PUBLIC = frozenset(
    {
        "accounts:login",
        "accounts:setup",  # the token in the address opens it, while there is no account
        "accounts:setup-app",
        "accounts:invitation",  # likewise, until it is used or lapses
        "accounts:invitation-app",
        "enrollment:calendar-feed",  # the token in the address opens it: calendars cannot sign in
        "portal:healthz",
        "portal:metrics",  # guards itself: loopback or token
        "portal:trust",  # how to trust the household's server certificate
        "portal:trust_root",
        "portal:help",  # words explained; the same for everybody
        "portal:help_devices",
        "certificates:lost",  # the code on paper opens it; it can end one certificate and nothing else
    }
)
