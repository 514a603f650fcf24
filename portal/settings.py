"""Every deploy choice is read here, once, and nowhere else. Fails loudly on what it does not understand."""

import ipaddress
import os
import secrets
import socket
from pathlib import Path

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from pki.signer import home
from portal import locales, server_addresses

VERSION = "0.1.0"
BASE_DIR = Path(__file__).resolve().parent.parent

KNOWN = {
    "LATCHKEY_DATA",
    "LATCHKEY_HOSTS",
    "LATCHKEY_PORTAL_BIND",
    "LATCHKEY_DOOR_BIND",
    "LATCHKEY_DOOR_URL",
    "LATCHKEY_CHECK_BIND",
    "LATCHKEY_STATUS_BIND",
    "LATCHKEY_STATUS_URL",
    "LATCHKEY_TLS_CERT",
    "LATCHKEY_TLS_KEY",
    "LATCHKEY_MQTT_URL",
    "LATCHKEY_SIGNER_SOCKET",
}


def _environment() -> dict[str, str]:
    """Our variables, with `NAME_FILE` read into `NAME`; an unknown `LATCHKEY_*` name stops the start."""
    found: dict[str, str] = {}
    for name, value in os.environ.items():
        base = name.removesuffix("_FILE")
        if not name.startswith("LATCHKEY_") and base not in ("DATABASE_URL", "EMAIL_URL"):
            continue
        if name.startswith("LATCHKEY_") and base not in KNOWN:
            near = ", ".join(sorted(KNOWN))
            raise ImproperlyConfigured(f"{name} is not a setting of Latchkey. It knows: {near}.")
        if name != base:
            try:
                found[base] = Path(value).read_text().strip()
            except OSError as error:
                raise ImproperlyConfigured(
                    f"{name} points to {value}, which cannot be read: {error.strerror}."
                ) from error
        else:
            found.setdefault(name, value)
    return found


def _addresses() -> list[str]:
    """This machine's address on the local network, as the kernel would choose it (nothing is sent)."""
    found = []
    for family, target in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((target, 9))
                address = str(probe.getsockname()[0])
        except OSError:
            continue
        if not ipaddress.ip_address(address).is_loopback:
            found.append(address)
    return found


def _hosts(text: str) -> list[str]:
    """Names and addresses people use, the most useful one first; always with the loopback ones last."""
    named = [part.strip().strip("[]").lower().rstrip(".") for part in text.replace(",", " ").split()]
    if not named:
        name = socket.gethostname().split(".")[0].lower()
        named = [*_addresses(), name, f"{name}.local"]
    return list(dict.fromkeys([*named, "localhost", "127.0.0.1", "::1"]))


def bracketed(host: str) -> str:
    """A host as it stands in a URL: IPv6 addresses in brackets (RFC 3986 3.2.2)."""
    return f"[{host}]" if ":" in host else host


def _bind(name: str, default: str) -> tuple[str, int]:
    """`host:port`, `[::]:port`, `:port` or `port` as a pair; raises on anything else."""
    text = ENV.get(name, default)
    host, _, port = text.rpartition(":")
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise ImproperlyConfigured(f"{name}={text!r} is not an address to listen on; write it as {default}.")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 people's phones must reach it


def _unix_bind(name: str) -> Path | None:
    """`unix:/run/latchkey/door.sock` as a path: a proxy in front (docs/nginx.md) finishes the TLS."""
    kind, _, path = ENV.get(name, "").partition(":")
    if kind != "unix":
        return None
    if not path.startswith("/"):
        raise ImproperlyConfigured(
            f"{name} names no absolute path; write it as unix:/run/latchkey/door.sock."
        )
    return Path(path)


def _reached_at(bind: tuple[str, int]) -> str:
    """`host:port` as people type it: the first of HOSTS, or localhost where nobody else gets in."""
    host, port = bind
    own = host in ("127.0.0.1", "::1", "localhost") and "LATCHKEY_HOSTS" not in ENV
    return f"localhost:{port}" if own else f"{bracketed(HOSTS[0])}:{port}"


ENV = _environment()

DATA = Path(ENV.get("LATCHKEY_DATA", BASE_DIR / "var")).expanduser().absolute()
WEB_DIR = DATA / "web"  # database, web secrets, the portal's own TLS key: the web processes'
PUBLIC_DIR = DATA / "public"  # CRLs and CA certificates, served as they lie
SIGNER_DIR = DATA / "signer"  # CA keys, passphrase, journal: the signer's alone
SIGNER_SOCKET = Path(ENV.get("LATCHKEY_SIGNER_SOCKET", DATA / "run" / "signer.sock"))
SIGNER_APART = "LATCHKEY_SIGNER_SOCKET" in ENV  # somebody else starts it: another user, as in docs/systemd.md
BACKUP_DIR = DATA / "backups"

HOSTS = _hosts(ENV.get("LATCHKEY_HOSTS", ""))
PORTAL_BIND = _bind("LATCHKEY_PORTAL_BIND", "0.0.0.0:8443")
DOOR_SOCKET = _unix_bind("LATCHKEY_DOOR_BIND")
DOOR_BIND = ("127.0.0.1", 9443) if DOOR_SOCKET else _bind("LATCHKEY_DOOR_BIND", "0.0.0.0:9443")
CHECK_BIND = _bind("LATCHKEY_CHECK_BIND", "0.0.0.0:9444")
STATUS_BIND = _bind("LATCHKEY_STATUS_BIND", "0.0.0.0:8080")
PORTAL_URL = f"https://{_reached_at(PORTAL_BIND)}"
DOOR_URL = ENV.get("LATCHKEY_DOOR_URL", f"https://{_reached_at(DOOR_BIND)}").rstrip("/")
CHECK_URL = f"https://{_reached_at(CHECK_BIND)}"
STATUS_URL = ENV.get("LATCHKEY_STATUS_URL", f"http://{_reached_at(STATUS_BIND)}").rstrip("/")
BROKER = server_addresses.broker("LATCHKEY_MQTT_URL", ENV.get("LATCHKEY_MQTT_URL", ""))
MAIL = server_addresses.mail("EMAIL_URL", ENV.get("EMAIL_URL", ""))
TLS_CERT = ENV.get("LATCHKEY_TLS_CERT", "")
TLS_KEY = ENV.get("LATCHKEY_TLS_KEY", "")
if bool(TLS_CERT) != bool(TLS_KEY):
    raise ImproperlyConfigured(
        "LATCHKEY_TLS_CERT and LATCHKEY_TLS_KEY belong together: set both, or neither."
    )


def _secret(name: str) -> str:
    """A secret of the web side, made at the first start, readable by its owner only."""
    path = WEB_DIR / name
    try:
        WEB_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not os.path.lexists(path):
            _make_secret(path)
    except OSError as error:
        raise ImproperlyConfigured(
            f"The data folder {DATA} cannot be used: {error.strerror}. Choose another one with LATCHKEY_DATA."
        ) from error
    return _own_text(path)


def _make_secret(path: Path) -> None:
    """Under its name once it is whole, and on the disk: neither another process that starts now nor the start
    after a power failure must find an empty one."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}.new")
    home.write_secret(draft, secrets.token_urlsafe(48).encode())
    try:
        os.link(draft, path)
        home.sync(path.parent)
    except FileExistsError:  # somebody else's, made at the same moment, is the one that counts
        pass
    finally:
        draft.unlink()


def _own_text(path: Path) -> str:
    """The secret in a file that is ours alone, and no link: a broken-in web process could put one there that
    leads to the CA's passphrase, which the next start would then read for it."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{path} cannot be read: {error.strerror}. It must be a plain file."
        ) from error
    with os.fdopen(handle) as file:
        if os.fstat(handle).st_mode & 0o077:
            raise ImproperlyConfigured(f"{path} can be read by others. Run: chmod 600 {path}")
        found = file.read().strip()
    if not found:  # an empty token would be everybody's
        raise ImproperlyConfigured(
            f"{path} is empty. Take it from a backup, or remove it: a new one is made."
        )
    return found


SECRET_KEY = _secret("secret-key")
METRICS_TOKEN = _secret("metrics-token")  # opens /metrics to other machines
SEALING_KEY = _secret("sealing-key")  # encrypts TOTP secrets at rest; never in the database

DEBUG = False
ALLOWED_HOSTS = [bracketed(host) for host in HOSTS]
ROOT_URLCONF = "portal.urls"
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "portal.admin_config.WindowConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",  # its templates, which ours in templates/django/forms override
    "django_otp",
    "audit",
    "accounts",
    "pki",
    "enrollment",
    "door",
    "portal",
]
MIDDLEWARE = [
    "portal.middleware.SecurityHeaders",
    "portal.static_files.PackedFiles",
    "accounts.languages.Languages",
    "portal.middleware.WellFormed",
    "accounts.networks.HouseholdOnly",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "accounts.languages.OwnLanguage",
    "accounts.middleware.VerifiedSessionOnly",
    "django.contrib.messages.middleware.MessageMiddleware",
]
# The door is sessionless: who it is stands in the client certificate, seen anew with each request.
DOOR_MIDDLEWARE = [
    "portal.middleware.SecurityHeaders",
    "portal.static_files.PackedFiles",
    "accounts.languages.Languages",
    "portal.middleware.WellFormed",
    "door.middleware.OwnCookiesOnly",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "door.middleware.InTheHousehold",
]
DOOR_CSRF_COOKIE = "__Host-latchkey-door"
# The check face has no session either, and takes whoever comes. Its only forms renew a certificate.
CHECK_MIDDLEWARE = [name for name in DOOR_MIDDLEWARE if not name.endswith(".OwnCookiesOnly")]
CHECK_CSRF_COOKIE = "__Host-latchkey-check"
STATUS_MIDDLEWARE = ["portal.middleware.SecurityHeaders", "django.middleware.common.CommonMiddleware"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context.household",
            ]
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

_default_database = f"sqlite:///{WEB_DIR / 'latchkey.sqlite3'}"
DATABASES = {"default": dj_database_url.parse(ENV.get("DATABASE_URL", _default_database), conn_max_age=600)}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE: in DEFERRED mode a read that becomes a write fails behind "database is locked", and wrong
    # codes went uncounted. FULL: an approval that was answered is on the disk.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # temp_store: SQLite chose its folder for temporary files before the confinement took that away.
        # secure_delete: what is forgotten is overwritten; not every build of SQLite does so by itself.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
        "PRAGMA temp_store=MEMORY; PRAGMA secure_delete=ON;",
    }

SESSION_ENGINE = "accounts.session_store"
SESSION_COOKIE_NAME = "__Host-latchkey"
CSRF_COOKIE_NAME = "__Host-latchkey-csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_AGE = 15 * 60  # seconds without a request; the household may choose others
# Not every request: accounts/sessions.py writes once a minute, as a page view is not worth a transaction.
SESSION_SAVE_EVERY_REQUEST = False
CSRF_FAILURE_VIEW = "portal.errors.csrf_failure"

PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "full_name", "email")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.strength.HardToGuess"},
]

PLAIN_NAME = "portal.plainnames.plain_name"  # the rule for names of people and the household
FOUR_WORDS = "pki.words.words"  # what people compare by telephone

DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
FILE_UPLOAD_HANDLERS = ["portal.uploads.CappedUpload"]
SCEP_SINGLE_DES = False  # 56 bits; switched on by tests with a program that knows nothing else

LANGUAGE_CODE = "en"
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGES = locales.found(LOCALE_PATHS[0])
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        # What strangers send is answered, not logged line by line: no 404s, no traceback for a wrong Host.
        "django.request": {"level": "ERROR"},
        "django.security": {"level": "CRITICAL"},
        # Who pressed which door: a line each.
        "door.press": {"level": "INFO"},
    },
}
