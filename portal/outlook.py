"""What the status page says of clock, backups, addresses in certificates, and strange certificates."""

import ctypes
from datetime import UTC, datetime, timedelta

from cryptography import x509
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import clocks
from audit.models import AuditEvent
from door.gate import ORPHAN
from enrollment.in_words import in_words
from pki import addresses, authorities
from pki.signer.protocol import AUTHORITIES
from portal.fact import Fact, dated
from portal.keeping import notes

TIME_ERROR = 5  # adjtimex(2): nobody has set this clock lately
AHEAD = timedelta(minutes=1)  # by which the last entry may be later than now
SHOWN_FOR = timedelta(days=30)
NAMED = 3  # certificates in a sentence


def clock() -> list[Fact]:
    latest = AuditEvent.objects.values_list("at", flat=True).first()
    if latest and latest > datetime.now(UTC) + AHEAD:
        return [
            Fact(
                _("Clock"),
                False,
                _("Put back"),
                _(
                    "Something was noted at a time that is still to come. Set this machine's clock: "
                    "codes from the app, the doors' hours and revocation lists rely on it."
                ),
                _("Last entry"),
                latest,
            )
        ]
    if doubt := clocks.doubted():
        return [Fact(_("Clock"), False, _("Doubtful"), doubt)]
    kept = {
        True: (_("Set by the network"), ""),
        False: (
            _("On its own"),
            _("Nothing sets it over the network. To change that: timedatectl set-ntp true"),
        ),
        None: (_("Runs"), ""),
    }
    word, sentence = kept[synchronised()]
    return [Fact(_("Clock"), True, word, sentence)]


def synchronised() -> bool | None:
    """Whether somebody (NTP) keeps this machine's clock right; None when the kernel does not say."""
    state = ctypes.CDLL(None, use_errno=True).adjtimex(
        ctypes.create_string_buffer(512)
    )  # all zeros: only read
    return None if state < 0 else state != TIME_ERROR


def backups() -> list[Fact]:
    overdue = {found.what: found for found in notes.overdue()}
    found = []
    for what, title, action in (("backup", _("Backup"), notes.MADE), ("drill", _("Drill"), notes.DRILLED)):
        at = notes.last(action)
        if what in overdue:
            word = _("Too long ago") if at else _("None yet")
            found.append(
                Fact(title, False, word, in_words(overdue[what].sentence), _("Last") if at else "", at)
            )
        elif at:
            found.append(
                Fact(title, True, _("Made") if what == "backup" else _("Went well"), "", _("Last"), at)
            )
        else:
            found.append(Fact(title, True, _("Not due yet"), ""))
    return found


def put_back() -> list[Fact]:
    found = notes.put_back()
    if found is None:
        return []
    made_at, at = found
    sentence = _(
        "Everything is as it was on %(moment)s. What was revoked since is live again: "
        "revoke it now. Then make a new backup: manage.py backup"
    ) % {"moment": dated(datetime.fromisoformat(made_at))}
    return [Fact(_("Restored from a backup"), False, _("Look through it"), sentence, _("Restored"), at)]


def published_elsewhere() -> list[Fact]:
    now = datetime.now(UTC)
    found = addresses.elsewhere(settings.STATUS_URL, now)
    if found:
        return [_elsewhere(url, count, now) for url, count in found.items()]
    old = _of_authorities() - {settings.STATUS_URL, addresses.NONE}
    if old:
        sentence = _("The authorities themselves still name %(addresses)s: let it answer, if you can.") % {
            "addresses": ", ".join(sorted(old))
        }
        return [Fact(_("Addresses in certificates"), True, _("Mostly current"), sentence)]
    return []


def _elsewhere(url: str, count: int, now: datetime) -> Fact:
    named = ", ".join(addresses.subjects(url, now, NAMED)) + (" …" if count > NAMED else "")
    concerned = _("Concerned: %(names)s.") % {"names": named}
    sentence = f"{old_address(url, count)} {concerned}"
    return Fact(_("Addresses in certificates"), False, _("Old address"), sentence)


def old_address(url: str, count: int) -> str:
    """A sentence with the way out."""
    says = ngettext(
        "%(number)d live certificate says that its revocation list is at %(url)s, and it is at %(now)s now.",
        "%(number)d live certificates say that their revocation list is at %(url)s, and it is at %(now)s"
        " now.",
        count,
    ) % {"number": count, "url": url, "now": settings.STATUS_URL}
    way_out = _("Let the old address answer too, set LATCHKEY_STATUS_URL back, or renew them.")
    return f"{says} {way_out}"


def _of_authorities() -> set[str]:
    """What the issuing CAs' certificates say about their roots' lists."""
    files = [authorities.path(name) for name in AUTHORITIES]
    return {
        addresses.of(x509.load_der_x509_certificate(file.read_bytes())) for file in files if file.exists()
    }


def orphans() -> list[Fact]:
    since = datetime.now(UTC) - SHOWN_FOR
    shown = AuditEvent.objects.filter(action=ORPHAN, at__gt=since).first()
    if shown is None:
        return []
    why = str(shown.detail.get("why", ""))
    restored = notes.last(notes.RESTORED)
    advice = (
        _("A backup was put back, and it was issued after that was made: have its owner ask for a new one.")
        if restored
        else _("No backup was put back here, so somebody may have the CA's key: read docs/signer.md.")
    )
    return [
        Fact(
            _("Strange certificate"),
            False,
            _("Was refused"),
            f"{in_words(why)} {advice}",
            _("Last"),
            shown.at,
        )
    ]
