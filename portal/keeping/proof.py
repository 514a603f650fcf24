"""Is a restored copy good? Everything in it is compared with everything else, by the real programs.

Runs in a process of its own whose settings point into the copy (`manage.py verify_copy`), so that nothing of
the running household is touched. The signer that it starts makes lists, which are thrown away, and no
certificate.
"""

import hashlib
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from audit import trail
from pki import builder, crl
from pki.errors import IssuanceRefused, PkiError
from pki.models import Certificate
from pki.signer import client
from pki.signer.authorities import BACKDATED
from pki.signer.protocol import AUTHORITIES, CsrEvidence, IssuanceRequest
from portal import upgrade
from portal.checks import Obstacle
from portal.fact import counted
from portal.keeping.snapshot import JOURNAL

START_WITHIN = 30  # seconds for the signer


@dataclass(frozen=True)
class Finding:
    """One thing looked at, and what was found."""

    title: str
    well: bool
    sentence: str


class Bad(Exception):
    """What is wrong with the copy, as a sentence."""


def findings(live: Path | None, passphrase: Path | None) -> Iterator[Finding]:
    """Look at everything, in order; what builds on something that is not well is left out.

    `live` is the running household's folder of published files, whose lists the new ones must outdo.
    `passphrase` is a file with the signer's, where that is not in its folder.
    """
    try:
        yield Finding("Database", True, _database())
        yield Finding("Audit trail", True, _audit())
        yield Finding("Journal", True, _journal())
        _put_lists_ahead()
        with _signer(passphrase):
            yield Finding("CA keys", True, _authorities())
            yield Finding("Revocation lists", True, _lists(live))
            yield Finding("Issuing", True, _issuing())
    except (Bad, Obstacle, PkiError, sqlite3.Error) as error:
        yield Finding("Not good", False, str(error))


def _database() -> str:
    """Bring it to this version, which an older copy needs before anything else can read it."""
    upgrade.look()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA integrity_check")
            said = cursor.fetchone()[0]
        if said != "ok":
            raise Bad(f"The database is damaged: {said}.")
    call_command("migrate", interactive=False, verbosity=0)
    count = Certificate.objects.count()
    revoked = Certificate.objects.exclude(revoked_at=None).count()
    return f"{counted(count, 'certificate')}, {revoked:,} revoked."


def _audit() -> str:
    verdict = trail.verify()
    if verdict.broken_at is not None:
        raise Bad(f"The audit trail is broken at line {verdict.broken_at}.")
    for name in AUTHORITIES:
        head = crl.current(name).audit_head if crl.path(name).exists() else None
        if head and not trail.contains(head):
            raise Bad(f"The audit trail lacks the line that the revocation list of {name} names.")
    return f"Whole: {counted(verdict.count, 'line')}."


def _journal() -> str:
    """Whatever the database knows stands in the journal, with the same bytes; the journal may know more."""
    rows = Certificate.objects.values_list("authority", "serial", "fingerprint", "revoked_at")
    with closing(sqlite3.connect(settings.SIGNER_DIR / JOURNAL)) as journal:
        if (said := journal.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            raise Bad(f"The signer's journal is damaged: {said}.")
        for authority, serial, fingerprint, revoked_at in rows.iterator(chunk_size=2000):
            _compare(journal, authority, serial, fingerprint, revoked_at is not None)
        total = journal.execute("SELECT count(*) FROM certificates").fetchone()[0]
    more = total - Certificate.objects.count()
    said = f"{counted(total, 'certificate')}; each one of the database is there with the same bytes."
    return f"{said} {more:,} still being issued, to be finished." if more else said


def _compare(
    journal: sqlite3.Connection, authority: str, serial: str, fingerprint: str, revoked: bool
) -> None:
    query = """SELECT tbs, signature, reason FROM certificates LEFT JOIN revocations USING (authority, serial)
               WHERE authority = ? AND serial = ?"""
    tbs, signature, reason = journal.execute(query, (authority, serial)).fetchone() or (None, None, None)
    if tbs is None or signature is None:
        raise Bad(f"The journal does not know the certificate {serial} of {authority}.")
    if hashlib.sha256(builder.assemble(tbs, signature)).hexdigest() != fingerprint:
        raise Bad(f"The certificate {serial} of {authority} is another one in the journal.")
    if revoked and reason is None:
        raise Bad(f"The certificate {serial} of {authority} is revoked, and the journal does not know.")


def _put_lists_ahead() -> None:
    """Have the first lists made here dated later than any the household published after the copy was made.

    thisUpdate is an hour back, for slow clocks, plus a second for each list of a busy second (crls.py). The
    copy does not know of those seconds; half of the hour is more than there ever are.
    """
    ahead = int(time.time() - BACKDATED.total_seconds() / 2)
    with closing(sqlite3.connect(settings.SIGNER_DIR / JOURNAL)) as journal, journal:
        journal.execute("UPDATE crls SET this_update = max(this_update, ?)", (ahead,))


@contextmanager
def _signer(passphrase: Path | None) -> Iterator[None]:
    """The real signer over the copy, until the end."""
    command = [sys.executable, "-m", "pki.signer", "--home", str(settings.SIGNER_DIR)]
    command += ["--socket", str(settings.SIGNER_SOCKET), "--status-url", settings.STATUS_URL]
    command += ["--passphrase-file", str(passphrase)] if passphrase else []
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            if process.stdout is None or process.stdout.readline() != "ready\n":
                _, said = process.communicate(timeout=START_WITHIN)
                raise Bad(said.strip().rpartition("\n")[2] or "The signer does not start.")
            yield
        finally:
            process.terminate()


def _authorities() -> str:
    """The signer opened its keys, and signed with each; its certificates are those that were published."""
    for known in client.status(settings.SIGNER_SOCKET).authorities:
        for name, der in ((known.name, known.issuing), (f"{known.name}-root", known.root)):
            published = settings.PUBLIC_DIR / "ca" / f"{name}.cer"
            if not published.exists() or published.read_bytes() != der:
                raise Bad(f"The published certificate {name}.cer is not the one of the signer's key.")
    return f"All {2 * len(AUTHORITIES)} opened, and the keys of their certificates."


def _lists(live: Path | None) -> str:
    """New lists are newer than any that anybody may have seen, and leave nobody out who is revoked."""
    folders = [crl.path("clients").parent, *([live / "crl"] if live else [])]
    before = [path for folder in folders for path in sorted(folder.glob("*.crl"))]
    older = [(path.name, _parsed(path.read_bytes(), path.name)) for path in before]
    entries = 0
    for authority in AUTHORITIES:
        crl.publish(authority)
        entries += _complete(_parsed(crl.published(authority), authority), authority)
    for name, old in older:
        _outdoes(_parsed((folders[0] / name).read_bytes(), name), old, name)
    listed = counted(entries, "certificate")
    return f"Made anew, with higher numbers and later dates than before, {listed} on them."


def _parsed(der: bytes, name: str) -> x509.CertificateRevocationList:
    try:
        return x509.load_der_x509_crl(der)
    except ValueError as error:
        raise Bad(f"{name} is no revocation list.") from error


def _outdoes(fresh: x509.CertificateRevocationList, old: x509.CertificateRevocationList, name: str) -> None:
    """Two lists of one CA: number and thisUpdate grew (RFC 5280 5.2.3, 5.1.2.4)."""
    later = fresh.last_update_utc > old.last_update_utc and _number(fresh) > _number(old)
    if old.issuer == fresh.issuer and not later:
        raise Bad(f"A new {name} would not be newer than the last one. Is this machine's clock right?")


def _number(found: x509.CertificateRevocationList) -> int:
    return found.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def _complete(fresh: x509.CertificateRevocationList, authority: str) -> int:
    """Whatever the database knows as revoked is on the new list, as long as it has not ended."""
    listed = {entry.serial_number for entry in fresh}  # asked for one, the library walks through them all
    revoked = Certificate.objects.filter(authority=authority, not_after__gt=datetime.now(UTC))
    for certificate in revoked.exclude(revoked_at=None).iterator(chunk_size=2000):
        issued_by = x509.load_der_x509_certificate(bytes(certificate.der)).issuer
        if issued_by == fresh.issuer and int(certificate.serial, 16) not in listed:
            raise Bad(f"The certificate {certificate.serial} is revoked, and missing on the new list.")
    return len(listed)


def _issuing() -> str:
    """The signer answers, and remembers: a request that was made before, with other contents, is refused."""
    known = Certificate.objects.order_by("issued_at").last()
    if known is None:
        return "Nothing was issued yet."
    evidence = CsrEvidence("0" * 64, known.owner, known.owner, datetime.now(UTC).isoformat(), False)
    forged = IssuanceRequest(
        request_id=str(known.request_id),
        profile=known.profile,
        profile_digest="",
        organization="",
        common_name=known.subject,
        sans=(),
        days=1,
        owner=known.owner,
        csr=b"",
        evidence=evidence,
    )
    try:
        client.issue(settings.SIGNER_SOCKET, forged)
    except IssuanceRefused as refused:
        if refused.code == "request-id":
            return "The signer answers, and makes nothing twice."
        raise Bad(f"The signer forgot a request: {refused}") from refused
    raise Bad("The signer answered a forged request.")
