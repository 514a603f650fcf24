"""When disk or database refuse, which is nobody's mistake: what is wrong, and what helps."""

import errno
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.utils.translation import gettext as _

STATUS = 503  # RFC 9110 15.6.4: unable for now
AGAIN = 30  # seconds after which asking once more makes sense

FULL, READ_ONLY, BUSY, SILENT = "full", "read-only", "busy", "silent"
_ERRNO = {errno.ENOSPC: FULL, errno.EDQUOT: FULL, errno.EROFS: READ_ONLY}
_SQLITE = {"SQLITE_FULL": FULL, "SQLITE_READONLY": READ_ONLY, "SQLITE_BUSY": BUSY, "SQLITE_LOCKED": BUSY}
# PostgreSQL's appendix A: disk_full, read_only_sql_transaction, lock_not_available, deadlock_detected.
_SQLSTATE = {"53100": FULL, "25006": READ_ONLY, "55P03": BUSY, "40P01": BUSY}


@dataclass(frozen=True)
class Trouble:
    """Three sentences: what, why nothing was saved, and the way out."""

    title: str
    message: str
    remedy: str


def trouble(error: BaseException | None) -> Trouble | None:
    """Why `error` came, when the disk or the database is to blame; None for everything else."""
    for found in _causes(error):
        if kind := _kind(found):
            return _in_words(kind)
    return None


def later(answer: HttpResponse) -> HttpResponse:
    """The answer, saying when to come again (RFC 9110 10.2.3)."""
    answer.headers["Retry-After"] = str(AGAIN)
    return answer


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """What it was caused by first, which knows best."""
    if error is not None:
        yield from _causes(error.__cause__)
        yield error


def _kind(error: BaseException) -> str:
    if isinstance(error, sqlite3.Error):
        name = getattr(error, "sqlite_errorname", "")
        return next((kind for start, kind in _SQLITE.items() if name.startswith(start)), "")
    if state := getattr(error, "sqlstate", ""):
        return _SQLSTATE.get(state, "")
    if isinstance(error, OSError):
        return _ERRNO.get(error.errno or 0, "")
    return SILENT if isinstance(error, OperationalError | InterfaceError) else ""


def _in_words(kind: str) -> Trouble:
    room = _("Make room on the machine that runs Latchkey, then try again.")
    return {
        FULL: Trouble(_("The disk is full"), _("So nothing could be saved."), room),
        READ_ONLY: Trouble(
            _("Nothing can be saved"),
            _("The disk with the data folder takes nothing any more."),
            _("Look at the disk of the machine that runs Latchkey, then try again."),
        ),
        BUSY: Trouble(
            _("The database is busy"),
            _("Something else holds it, so nothing was saved."),
            _("Try again in a minute."),
        ),
        SILENT: Trouble(
            _("The database does not answer"), _("So nothing was saved."), _("Try again in a minute.")
        ),
    }[kind]
