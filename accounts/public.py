"""The one list of what can be reached without a verified second factor. Everything else cannot."""

PUBLIC = frozenset(
    {
        "accounts:login",
        "accounts:login-passkey",  # the question to a passkey; the answer opens
        "accounts:back",  # asking to get back in; it opens nothing before somebody compared the words
        "accounts:back-state",
        "accounts:setup",  # the token in the address opens it, while there is no account
        "accounts:setup-app",
        "accounts:invitation",  # likewise, until it is used or lapses
        "accounts:invitation-app",
        "accounts:not-me",  # where a message leads; to whoever is not signed in it says how to
        "enrollment:calendar-feed",  # the token in the address opens it: calendars cannot sign in
        "portal:healthz",
        "portal:metrics",  # guards itself: loopback or token
        "portal:trust",  # how to trust the household's server certificate
        "portal:trust_root",
        "portal:help",  # the same for everybody
        "portal:help_devices",
        "portal:words",
        "certificates:lost",  # the code on paper opens it; it can end one certificate and nothing else
    }
)
