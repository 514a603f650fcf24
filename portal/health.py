"""Is all well? The facts behind banner, status page, /healthz and /metrics."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cryptography import x509
from django.conf import settings
from django.db import DatabaseError
from django.template.defaultfilters import filesizeformat

from door import link
from enrollment import listing
from pki import authorities, crl
from pki.errors import PkiError
from pki.signer import client
from pki.signer.protocol import AUTHORITIES, SignerStatus
from portal import alarms, checks, housekeeping, landlock, mail_health, outlook, presence, seccomp, tls
from portal import certificate_lists as lists
from portal.confinement import Confinement, database_at_unix_socket
from portal.fact import Fact, counted, dated

ENDS_SOON = timedelta(days=7)
SILENT_AFTER = timedelta(minutes=10)  # housekeeping that did not run for so long has stopped

NO_LANDLOCK = (
    "This kernel has no Landlock, a fence around programs: a broken-in web process could read the CA keys. "
    "Use Linux 5.13 or later, or run the signer as another user (docs/systemd.md)."
)

LIST_COMES = (
    "Housekeeping makes the list anew within five minutes while the signer answers. If this stays, look at "
    "Signer and Housekeeping on the status page."
)
UNFENCED = (
    "The kernel's fence, which keeps the web processes from the CA keys, is not up: this process was not "
    "started by `manage.py up`."
)
NO_FILTER = (
    "Programs of one machine talk through these: a broken-in web process could have one read the CA keys. "
    "This process was not started by `manage.py up`, or the kernel has no seccomp filters."
)
WAY_OUT = (
    "A broken-in one could have other programs of this user (tmux, a container engine) read the CA keys. "
    "Run the signer as another user (docs/systemd.md)."
)


SIGNER_DOWN = Fact(
    "Signer",
    False,
    "Down",
    "It does not answer. What is approved waits, and is issued as soon as it is back.",
)


def facts() -> list[Fact]:
    """Everything, in the order of the status page. None of them can fail the others."""
    groups: tuple[Callable[[], list[Fact]], ...] = (
        outlook.put_back,
        outlook.orphans,
        signer,
        certificates,
        revocation_lists,
        outlook.published_elsewhere,
        server_certificate,
        door,
        mail_health.messages,
        outlook.clock,
        outlook.backups,
        confinement,
        unix_sockets,
        disk,
        database,
        housekept,
    )
    return [fact for group in groups for fact in _guarded(group)]


def problems_at_a_glance() -> list[str]:
    """The troubles that cost nothing to find out, as sentences, for the first page."""
    groups = (
        signer_at_a_glance,
        server_certificate,
        door,
        outlook.put_back,
        outlook.orphans,
        outlook.clock,
        outlook.backups,
        confinement,
        unix_sockets,
        disk,
        housekept,
    )
    found = [fact for group in groups for fact in _guarded(group)]
    return [f"{fact.title}: {fact.sentence or fact.word}" for fact in found if not fact.well]


def _guarded(group: Callable[[], list[Fact]]) -> list[Fact]:
    try:
        return group()
    except (PkiError, OSError, ValueError, DatabaseError) as error:
        title = (group.__doc__ or "").partition(".")[0]
        return [Fact(title, False, "Not known", str(error))]


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
    """Signer."""
    return [] if signer_listens() else [SIGNER_DOWN]


def signer() -> list[Fact]:
    """Signer."""
    status = signer_status()
    if status is None:
        return [SIGNER_DOWN]
    said = f"{counted(status.issued, 'certificate')} issued, {status.revoked:,} revoked"
    said += f", version {status.version}"
    return [Fact("Signer", True, "Answers", said)]


def certificates() -> list[Fact]:
    """Authorities."""
    found = []
    for name in AUTHORITIES:
        issuing = x509.load_der_x509_certificate(authorities.path(name).read_bytes())
        end = issuing.not_valid_after_utc
        well = end - datetime.now(UTC) > timedelta(days=365)  # a leaf of a year must still fit in
        word, sentence = "Valid" if well else "Ends soon", f"Signs for {lists.AUTHORITIES[name]}."
        found.append(Fact(f"Authority {name}", well, word, sentence, "Valid until", end))
    return found


def revocation_lists() -> list[Fact]:
    """Revocation lists."""
    found = []
    for name in AUTHORITIES:
        published, root = crl.current(name), crl.current(f"{name}-root")
        end = min(published.ends, root.ends)
        word, sentence = _list_state(end)
        well = not sentence
        label = "It ended" if word == "Lapsed" else "Good until"
        sentence = sentence or f"Of {lists.AUTHORITIES[name]}: {len(published):,} revoked. {_published(name)}"
        found.append(Fact(f"Revocation list {name}", well, word, sentence, label, end))
    return found


def _published(name: str) -> str:
    """When the list came to lie there: its own thisUpdate is an hour before, for slow clocks."""
    at = datetime.fromtimestamp(crl.path(name).stat().st_mtime, UTC)
    return f"Published {dated(at)}."


def _list_state(end: datetime) -> tuple[str, str]:
    """A list's state in a word, and what is wrong with it, "" for nothing."""
    left = end - datetime.now(UTC)
    if left <= timedelta(0):
        return "Lapsed", "Servers may refuse everybody by now. " + LIST_COMES
    if left < alarms.LISTS_LEFT:
        return "Lapses soon", "It should be new each day. " + LIST_COMES
    return "Current", ""


def server_certificate() -> list[Fact]:
    """Server certificate."""
    leaf = tls.served()
    if leaf is None:
        return [Fact("Server certificate", False, "Missing", "The portal has none to serve with.")]
    end, left_out = leaf.not_valid_after_utc, tls.left_out()
    if end < datetime.now(UTC):
        return [Fact("Server certificate", False, "Expired", "Browsers refuse it.", "It ended", end)]
    if end - datetime.now(UTC) < ENDS_SOON:
        return [
            Fact("Server certificate", False, "Ends soon", "It could not be renewed yet.", "It ends", end)
        ]
    if left_out:
        return [Fact("Server certificate", False, "Names missing", tls.advice(left_out))]
    return [Fact("Server certificate", True, "Valid", "", "Valid until", end)]


def door() -> list[Fact]:
    """Door."""
    said = f"Holders of a certificate get in at {settings.DOOR_URL}, nobody else."
    if not presence.is_there("door"):
        found = Fact(
            "Door", False, "Down", "Nobody gets in. It is started again; the program's log says why."
        )
    elif sentence := housekeeping.lets_nobody_in():
        found = Fact("Door", False, "Shut", f"The door refuses everybody: {sentence} {LIST_COMES}")
    else:
        found = Fact("Door", True, "Listens", said)
    return [found, *broker()]


def door_lets_in() -> bool:
    """Whether the door runs and does not refuse everybody."""
    return presence.is_there("door") and not housekeeping.lets_nobody_in()


def broker() -> list[Fact]:
    """Broker."""
    if settings.BROKER is None:
        return [Fact("Broker", True, "None", "Without LATCHKEY_MQTT_URL only the practice door opens.")]
    state = link.read()
    word = "Connected" if state.connected else "Away"
    found = [Fact("Broker", state.connected, word, state.word, "Since", state.since)]
    if sentence := link.warning():
        found.append(Fact("Broker", False, "In the open", sentence))
    return found


def confinement() -> list[Fact]:
    """Confinement of the web processes."""
    if Confinement.entered:
        return [
            Fact(
                "Landlock",
                True,
                "On",
                "The kernel keeps the web processes from the CA keys, even if somebody broke into them "
                f"(version {landlock.version()}).",
            )
        ]
    if not landlock.version():
        return [Fact("Landlock", False, "Missing", NO_LANDLOCK)]
    return [Fact("Landlock", False, "Off", UNFENCED)]


def unix_sockets() -> list[Fact]:
    """Unix sockets of the web processes."""
    if sentence := unix_sockets_open():
        return [Fact("Unix sockets", settings.SIGNER_APART, "Open", sentence)]
    if Confinement.filtered:
        sentence = (
            "Programs of one machine talk through these. The web processes cannot, so they have no other one "
            "read the CA keys."
        )
        return [Fact("Unix sockets", True, "Closed", sentence)]
    return [Fact("Unix sockets", False, "Open", NO_FILTER)]


def unix_sockets_open() -> str:
    """Why the web processes can open Unix sockets although they confine themselves; "" if they cannot."""
    if seccomp.calls() is None:
        why = "System calls are filtered on 64-bit x86 and ARM only"
    elif database_at_unix_socket():
        why = "The web processes need Unix sockets for the database (DATABASE_URL without a host name)"
    else:
        return ""
    if settings.SIGNER_APART:
        return f"{why}. The signer runs on its own and may be another user's (docs/systemd.md)."
    return f"{why}. {WAY_OUT}"


def disk() -> list[Fact]:
    """Disk."""
    free = shutil.disk_usage(settings.DATA).free
    well = free > checks.LITTLE_ROOM
    word = "Room" if well else "Nearly full"
    return [Fact("Disk", well, word, f"{filesizeformat(free)} free for the data folder.")]


def database() -> list[Fact]:
    """Database."""
    waiting = listing.waiting_count()
    name = settings.DATABASES["default"]["ENGINE"].rpartition(".")[2]
    return [
        Fact(
            "Database",
            True,
            "Answers",
            f"{name}; {waiting} requests wait in the queue",
        )
    ]


def housekept() -> list[Fact]:
    """Housekeeping."""
    at, steps = housekeeping.last()
    trouble = [Fact(f"Housekeeping: {name}", False, "Trouble", said) for name, said in steps.items() if said]
    if at is None or datetime.now(UTC) - at > SILENT_AFTER:
        return [Fact("Housekeeping", False, "Silent", "It has stopped.", "Last run", at), *trouble]
    return [Fact("Housekeeping", True, "Runs", "", "Last run", at), *trouble]
