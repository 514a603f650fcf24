"""The portal's settings over a throw-away data folder, with a fast hasher."""

import os
import tempfile

for name in [n for n in os.environ if n.startswith("LATCHKEY_")]:
    del os.environ[name]
os.environ["LATCHKEY_DATA"] = tempfile.mkdtemp(prefix="latchkey-test-")
os.environ["LATCHKEY_HOSTS"] = "portal.home.arpa testserver 192.168.7.7"
os.environ["LATCHKEY_STATUS_URL"] = "http://portal.home.arpa:8080"

from portal.settings import *  # noqa: E402, F403 after the environment it reads; all of it is ours

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":  # noqa: F405 from the line above
    # A real file: in memory, threads would share one connection's locks and prove nothing about IMMEDIATE.
    DATABASES["default"]["TEST"] = {"NAME": str(WEB_DIR / "tests.sqlite3")}  # noqa: F405 as well
