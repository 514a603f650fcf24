"""What has to be done now and then: approved requests, CRLs, the server certificate, old sessions, lints.

Each step is guarded: one that fails is noted and logged, and the others go on.
"""

import fcntl
import json
import logging
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.db import close_old_connections
from django.utils.translation import gettext_noop as _

from accounts import asking_back, deliveries, throttle
from accounts import challenges as questions
from accounts.session_store import SessionStore
from door import press
from enrollment import challenges, ra, reminders, replaced, urging
from enrollment.protocols import scep_once
from pki import addresses, authorities, crl, revocation, verification
from pki.errors import CertificateRejected, PkiError
from pki.signer.protocol import AUTHORITIES
from pki.verification import AUTHORITY
from portal import alarms, broker_acl, checks, confinement, leaving, linting, news, post, retention, services
from portal.dialler import Line

log = logging.getLogger(__name__)

TICK = 5  # seconds between looks at what is due
MINUTE, HOUR = 60, 3600


@dataclass(frozen=True)
class Step:
    """One duty. `run` gives what it did in a few words, "" when there was nothing to do."""

    name: str
    every: int  # seconds
    run: Callable[[], str]


def requests() -> str:
    """What was approved while the signer was away is issued; what waited too long lapses."""
    issued, lapsed = ra.issue_waiting(), ra.lapse_overdue()
    return ", ".join(f"{count} {what}" for count, what in ((issued, "issued"), (lapsed, "lapsed")) if count)


def certificates() -> str:
    authorities.publish_certificates()
    return ""


def replaced_certificates() -> str:
    """A renewal was seen at work: what it replaced opens nothing any more. Nor what renewed a lost one."""
    revoked = replaced.end_left_over() + replaced.revoke()
    return f"{revoked} revoked" if revoked else ""


def revocations() -> str:
    """What the signer's journal has, and a crash kept from our rows or from the lists."""
    revocation.catch_up()
    return ""


def crls() -> str:
    """Repairs after a crash first; then what is old is made anew."""
    revocation.catch_up()
    old = [name for name in AUTHORITIES if crl_is_old(name) or (name == AUTHORITY and lets_nobody_in())]
    for name in old:
        crl.publish(name)
    return f"new: {', '.join(old)}" if old else ""


def crl_is_old(authority: str) -> bool:
    """Whether one of its two CRLs is missing, not the last one, a day old, or over half its life (RFC 5280
    5.1.2.5)."""
    return not crl.is_the_last(authority) or crl.is_old(authority) or crl.is_old(f"{authority}-root")


def lets_nobody_in() -> str:
    """Why the door refuses everybody, in a sentence; "" while it does not."""
    try:
        verification.current()
    except CertificateRejected as refused:
        return str(refused)
    return ""


def sessions() -> str:
    SessionStore.clear_expired()
    throttle.sweep()
    asking_back.sweep()
    questions.sweep()
    scep_once.sweep()
    challenges.sweep()
    deliveries.sweep()
    urging.sweep()
    return ""


def remind() -> str:
    reminded = reminders.remind()
    return f"{reminded} reminded" if reminded else ""


def addresses_in_certificates() -> str:
    seen = addresses.fill()
    return f"{seen} looked into" if seen else ""


def presses() -> str:
    """What a crash cut off between its row and its answer is over."""
    lost = press.sweep()
    return f"{lost} given up" if lost else ""


def room() -> str:
    """Raises when the disk is nearly full, so that it stands on the status page and in the log."""
    free = shutil.disk_usage(settings.DATA).free
    if free < checks.LITTLE_ROOM:
        raise OSError(f"only {free // 2**20} MB are free for the data folder")
    return ""


STEPS = (
    Step(_("CA certificates"), HOUR, certificates),
    Step(_("requests"), 2 * TICK, requests),
    Step(_("replaced certificates"), MINUTE, replaced_certificates),
    Step(_("departures"), MINUTE, leaving.finish),
    Step(_("revocations"), 2 * TICK, revocations),
    Step(_("revocation lists"), 5 * MINUTE, crls),
    Step(_("server certificate"), HOUR, services.renew_portal),
    Step(_("door's certificate"), 5 * MINUTE, services.renew_door),
    Step(_("SCEP's certificate"), 5 * MINUTE, services.renew_scep),
    Step(_("OCSP's certificates"), 5 * MINUTE, services.renew_ocsp),
    Step(_("rules of the broker"), 2 * TICK, broker_acl.publish),
    Step(_("sessions"), HOUR, sessions),
    Step(_("presses"), MINUTE, presses),
    Step(_("what is forgotten"), HOUR, retention.forget),
    Step(_("addresses in certificates"), 5 * MINUTE, addresses_in_certificates),
    Step(_("lints"), 5 * MINUTE, linting.lint_some),
    Step(_("lints of the authorities"), HOUR, linting.lint_authorities),
    Step(_("reminders"), 10 * MINUTE, remind),
    Step(_("alarms"), HOUR, alarms.tell),
    Step(_("news"), 2 * TICK, news.tell),
    Step(_("messages"), TICK, post.send),
    Step(_("room on the disk"), 5 * MINUTE, room),
)
# Before anybody is served:
FIRST = frozenset(
    {"CA certificates", "revocation lists", "server certificate", "door's certificate", "SCEP's certificate"}
)


def tidy(steps: Iterable[Step] = STEPS) -> dict[str, str]:
    """Run the steps, one after the other; gives for each what is wrong, "" for well.

    Of two that run at once the second does nothing, and gives nothing.
    """
    with _alone() as alone:
        outcome = {step.name: _guarded(step) for step in steps} if alone else {}
        if outcome:
            _note(outcome)
    return outcome


def once() -> dict[str, str]:
    """Every step, as `tidy`; then waits for what it began."""
    outcome = tidy()
    post.finish()
    return outcome


def _guarded(step: Step) -> str:
    try:
        done = step.run()
    except PkiError as error:
        log.warning("step=%r trouble=%r", step.name, str(error))
        return str(error)
    except Exception as error:
        log.exception("step=%r failed", step.name)
        return f"{type(error).__name__}: {error}"
    if done:
        log.info("step=%r done=%r", step.name, done)
    return ""


@contextmanager
def _alone() -> Iterator[bool]:
    with (settings.WEB_DIR / "housekeeping.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _file() -> Path:
    path: Path = settings.WEB_DIR / "housekeeping.json"
    return path


def last() -> tuple[datetime | None, dict[str, str]]:
    """When it last ran (None: never) and each step's trouble, "" for well. For the status page."""
    try:
        noted = json.loads(_file().read_text())
        return datetime.fromisoformat(noted["at"]), dict(noted["steps"])
    except (OSError, ValueError, KeyError):
        return None, {}


def ran() -> dict[str, datetime]:
    """When each step last ran, to a minute; without those that never did."""
    try:
        noted = json.loads(_file().read_text())
        return {name: datetime.fromisoformat(at) for name, at in noted["ran"].items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return {}


class _Unwritten:
    """When steps ran that the note does not know of yet."""

    ran: ClassVar[dict[str, datetime]] = {}


def _note(outcome: dict[str, str]) -> None:
    """Add to what was noted; at most once a minute while nothing changes, for the sake of SD cards."""
    now, (before, steps) = datetime.now(UTC), last()
    _Unwritten.ran |= dict.fromkeys(outcome, now)
    if before and steps == steps | outcome and now - before < timedelta(seconds=MINUTE):
        return
    times = {name: at.isoformat(timespec="seconds") for name, at in (ran() | _Unwritten.ran).items()}
    temporary = _file().with_suffix(".new")
    temporary.unlink(missing_ok=True)  # a link there is not followed
    temporary.write_text(json.dumps({"at": now.isoformat(), "steps": steps | outcome, "ran": times}))
    temporary.replace(_file())
    _Unwritten.ran.clear()


def loop(ready: Callable[[], None], line: Line) -> None:
    """The housekeeping process: until told to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    confinement.enter(line, registrar=True)
    ready()
    due = {step.name: 0.0 for step in STEPS}
    while True:
        now = time.monotonic()
        steps = [step for step in STEPS if now >= due[step.name]]
        due |= {step.name: now + step.every for step in steps}
        tidy(steps)
        close_old_connections()
        time.sleep(TICK)
