"""Is all well? The facts behind banner, status page, /healthz and /metrics."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cryptography import x509
from django.conf import settings
from django.db import DatabaseError
from django.template.defaultfilters import filesizeformat
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from door import link
from enrollment import listing
from enrollment.in_words import in_words
from pki import authorities, crl
from pki.errors import PkiError
from pki.signer import client
from pki.signer.protocol import AUTHORITIES, SignerStatus
from portal import alarms, checks, housekeeping, landlock, mail_health, outlook, presence, seccomp, tls
from portal import certificate_lists as lists
from portal.confinement import Confinement, database_at_unix_socket
from portal.fact import Fact, dated

Group = tuple[str, Callable[[], list[Fact]]]  # what it is about, and who looks

ENDS_SOON = timedelta(days=7)
SILENT_AFTER = timedelta(minutes=10)  # housekeeping that did not run for so long has stopped

NO_LANDLOCK = gettext_lazy(
    "This kernel has no Landlock, a fence around programs: a broken-in web process could read the CA keys. "
    "Use Linux 5.13 or later, or run the signer as another user (docs/systemd.md)."
)

LIST_COMES = gettext_lazy(
    "Housekeeping makes the list anew within five minutes while the signer answers. If "
    "this stays, look at Signer and Housekeeping on the status page."
)
UNFENCED = gettext_lazy(
    "The kernel's fence, which keeps the web processes from the CA keys, is not up: this process was not "
    "started by `manage.py up`."
)
NO_FILTER = gettext_lazy(
    "Programs of one machine talk through these: a broken-in web process could have one read the CA keys. "
    "This process was not started by `manage.py up`, or the kernel has no seccomp filters."
)
WAY_OUT = gettext_lazy(
    "A broken-in one could have other programs of this user (tmux, a container engine) "
    "read the CA keys. Run the signer as another user (docs/systemd.md)."
)


def facts() -> list[Fact]:
    """Everything, in the order of the status page. None of them can fail the others."""
    groups: tuple[Group, ...] = (
        (_("Restored from a backup"), outlook.put_back),
        (_("Strange certificate"), outlook.orphans),
        (_("Signer"), signer),
        (_("Authorities"), certificates),
        (_("Revocation lists"), revocation_lists),
        (_("Addresses in certificates"), outlook.published_elsewhere),
        (_("Server certificate"), server_certificate),
        (_("Door"), door),
        (_("Messages"), mail_health.messages),
        (_("Clock"), outlook.clock),
        (_("Backups"), outlook.backups),
        (_("Confinement of the web processes"), confinement),
        (_("Unix sockets"), unix_sockets),
        (_("Disk"), disk),
        (_("Database"), database),
        (_("Housekeeping"), housekept),
    )
    return [fact for group in groups for fact in _guarded(group)]


def problems_at_a_glance() -> list[str]:
    """The troubles that cost nothing to find out, as sentences, for the first page."""
    groups: tuple[Group, ...] = (
        (_("Signer"), signer_at_a_glance),
        (_("Server certificate"), server_certificate),
        (_("Door"), door),
        (_("Restored from a backup"), outlook.put_back),
        (_("Strange certificate"), outlook.orphans),
        (_("Clock"), outlook.clock),
        (_("Backups"), outlook.backups),
        (_("Confinement of the web processes"), confinement),
        (_("Unix sockets"), unix_sockets),
        (_("Disk"), disk),
        (_("Housekeeping"), housekept),
    )
    found = [fact for group in groups for fact in _guarded(group)]
    return [f"{fact.title}: {fact.sentence or fact.word}" for fact in found if not fact.well]


def _guarded(group: Group) -> list[Fact]:
    """What `group` finds; or that it is not known, and why."""
    title, look = group
    try:
        return look()
    except PkiError as error:
        return [Fact(title, False, _("Not known"), in_words(str(error)))]
    except (OSError, ValueError, DatabaseError) as error:
        return [Fact(title, False, _("Not known"), str(error))]


def signer_status() -> SignerStatus | None:
    try:
        return client.status(settings.SIGNER_SOCKET)
    except PkiError:
        return None


def signer_listens() -> bool:
    """Whether somebody accepts connections at the signer's socket; asks nothing."""
    try:
        client.connect(settings.SIGNER_SOCKET).close()
    except OSError:
        return False
    return True


def signer_at_a_glance() -> list[Fact]:
    return [] if signer_listens() else [_signer_down()]


def _signer_down() -> Fact:
    sentence = _("It does not answer. What is approved waits, and is issued as soon as it is back.")
    return Fact(_("Signer"), False, _("Down"), sentence)


def signer() -> list[Fact]:
    status = signer_status()
    if status is None:
        return [_signer_down()]
    said = ngettext(
        "%(issued)s certificate issued, %(revoked)s revoked, version %(version)s",
        "%(issued)s certificates issued, %(revoked)s revoked, version %(version)s",
        status.issued,
    ) % {
        "issued": number_format(status.issued, force_grouping=True),
        "revoked": number_format(status.revoked, force_grouping=True),
        "version": status.version,
    }
    return [Fact(_("Signer"), True, _("Answers"), said)]


def certificates() -> list[Fact]:
    found = []
    for name in AUTHORITIES:
        issuing = x509.load_der_x509_certificate(authorities.path(name).read_bytes())
        end = issuing.not_valid_after_utc
        well = end - datetime.now(UTC) > timedelta(days=365)  # a leaf of a year must still fit in
        word = _("Valid") if well else _("Ends soon")
        sentence = _("Signs for %(whom)s.") % {"whom": lists.AUTHORITIES[name]}
        found.append(
            Fact(_("Authority %(name)s") % {"name": name}, well, word, sentence, _("Valid until"), end)
        )
    return found


def revocation_lists() -> list[Fact]:
    found = []
    for name in AUTHORITIES:
        published, root = crl.current(name), crl.current(f"{name}-root")
        end = min(published.ends, root.ends)
        word, sentence = _list_state(end)
        well = not sentence
        label = _("It ended") if word == _("Lapsed") else _("Good until")
        sentence = sentence or _("Of %(whom)s: %(number)s revoked. %(published)s") % {
            "whom": lists.AUTHORITIES[name],
            "number": number_format(len(published), force_grouping=True),
            "published": _published(name),
        }
        found.append(Fact(_("Revocation list %(name)s") % {"name": name}, well, word, sentence, label, end))
    return found


def _published(name: str) -> str:
    """When the list came to lie there: its own thisUpdate is an hour before, for slow clocks."""
    at = datetime.fromtimestamp(crl.path(name).stat().st_mtime, UTC)
    return _("Published %(when)s.") % {"when": dated(at)}


def _list_state(end: datetime) -> tuple[str, str]:
    """A list's state in a word, and what is wrong with it, "" for nothing."""
    left = end - datetime.now(UTC)
    if left <= timedelta(0):
        lapsed = _("Servers may refuse everybody by now.")
        return _("Lapsed"), f"{lapsed} {LIST_COMES}"
    if left < alarms.LISTS_LEFT:
        due = _("It should be new each day.")
        return _("Lapses soon"), f"{due} {LIST_COMES}"
    return _("Current"), ""


def server_certificate() -> list[Fact]:
    leaf = tls.served()
    if leaf is None:
        return [Fact(_("Server certificate"), False, _("Missing"), _("The portal has none to serve with."))]
    end, left_out = leaf.not_valid_after_utc, tls.left_out()
    if end < datetime.now(UTC):
        return [
            Fact(_("Server certificate"), False, _("Expired"), _("Browsers refuse it."), _("It ended"), end)
        ]
    if end - datetime.now(UTC) < ENDS_SOON:
        return [
            Fact(
                _("Server certificate"),
                False,
                _("Ends soon"),
                _("It could not be renewed yet."),
                _("It ends"),
                end,
            )
        ]
    if left_out:
        return [Fact(_("Server certificate"), False, _("Names missing"), tls.advice(left_out))]
    return [Fact(_("Server certificate"), True, _("Valid"), "", _("Valid until"), end)]


def door() -> list[Fact]:
    said = _("Holders of a certificate get in at %(url)s, nobody else.") % {"url": settings.DOOR_URL}
    if not presence.is_there("door"):
        found = Fact(
            _("Door"), False, _("Down"), _("Nobody gets in. It is started again; the program's log says why.")
        )
    elif sentence := housekeeping.lets_nobody_in():
        found = Fact(
            _("Door"),
            False,
            _("Shut"),
            _("The door refuses everybody: %(why)s %(way_out)s")
            % {"why": in_words(sentence), "way_out": LIST_COMES},
        )
    else:
        found = Fact(_("Door"), True, _("Listens"), said)
    return [found, *broker()]


def door_lets_in() -> bool:
    """Whether the door runs and does not refuse everybody."""
    return presence.is_there("door") and not housekeeping.lets_nobody_in()


def broker() -> list[Fact]:
    if settings.BROKER is None:
        return [
            Fact(
                _("Broker"),
                True,
                _("Not set up"),
                _("Without LATCHKEY_MQTT_URL only the practice door opens."),
            )
        ]
    state = link.read()
    word = _("Connected") if state.connected else _("Away")
    found = [Fact(_("Broker"), state.connected, word, state.word, _("Since"), state.since)]
    if sentence := link.warning():
        found.append(Fact(_("Broker"), False, _("In the open"), sentence))
    return found


def confinement() -> list[Fact]:
    if Confinement.entered:
        return [
            Fact(
                "Landlock",
                True,
                _("On"),
                _(
                    "The kernel keeps the web processes from the CA keys, even if somebody broke into them "
                    "(version %(version)s)."
                )
                % {"version": landlock.version()},
            )
        ]
    if not landlock.version():
        return [Fact("Landlock", False, _("Missing"), str(NO_LANDLOCK))]
    return [Fact("Landlock", False, _("Off"), str(UNFENCED))]


def unix_sockets() -> list[Fact]:
    if sentence := unix_sockets_open():
        return [Fact(_("Unix sockets"), settings.SIGNER_APART, _("Open"), sentence)]
    if Confinement.filtered:
        sentence = _(
            "Programs of one machine talk through these. The web processes cannot, so they have no other one "
            "read the CA keys."
        )
        return [Fact(_("Unix sockets"), True, _("Closed"), sentence)]
    return [Fact(_("Unix sockets"), False, _("Open"), str(NO_FILTER))]


def unix_sockets_open() -> str:
    """Why the web processes can open Unix sockets although they confine themselves; "" if they cannot."""
    if seccomp.calls() is None:
        why = _("System calls are filtered on 64-bit x86 and ARM only")
    elif database_at_unix_socket():
        why = _("The web processes need Unix sockets for the database (DATABASE_URL without a host name)")
    else:
        return ""
    if settings.SIGNER_APART:
        own = _("The signer runs on its own and may be another user's (docs/systemd.md).")
        return f"{why}. {own}"
    return f"{why}. {WAY_OUT}"


def disk() -> list[Fact]:
    free = shutil.disk_usage(settings.DATA).free
    well = free > checks.LITTLE_ROOM
    word = _("Room") if well else _("Nearly full")
    said = _("%(size)s free for the data folder.") % {"size": filesizeformat(free)}
    return [Fact(_("Disk"), well, word, said)]


def database() -> list[Fact]:
    waiting = listing.waiting_count()
    name = settings.DATABASES["default"]["ENGINE"].rpartition(".")[2]
    return [
        Fact(
            _("Database"),
            True,
            _("Answers"),
            _("%(database)s; %(waiting)s requests wait in the queue")
            % {"database": name, "waiting": waiting},
        )
    ]


def housekept() -> list[Fact]:
    at, steps = housekeeping.last()
    trouble = [_trouble(name, said) for name, said in steps.items() if said]
    if at is None or datetime.now(UTC) - at > SILENT_AFTER:
        return [
            Fact(_("Housekeeping"), False, _("Silent"), _("It has stopped."), _("Last run"), at),
            *trouble,
        ]
    return [Fact(_("Housekeeping"), True, _("Runs"), "", _("Last run"), at), *trouble]


def _trouble(name: str, said: str) -> Fact:
    title = _("Housekeeping: %(step)s") % {"step": _(name)}
    return Fact(title, False, _("Trouble"), in_words(said))
