"""Issue, revoke, CRL, status: every check again, then the signature.

Intent before ink: serial and TBS are in the journal, on the disk, before the key touches them; the signature
is deterministic; so whatever a crash interrupts is finished with the same bytes, and nothing is lost or
doubled.
"""

import json
import time
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pki import builder, csr, hostnames, lint
from pki.errors import IssuanceRefused, SignerUnavailable
from pki.profiles import EVERY, CertificateProfile
from pki.signer import authorities, checks, claims, crls, entries, renewals, wire
from pki.signer.authorities import BACKDATED
from pki.signer.journal import Journal, Row
from pki.signer.keys import Authority
from pki.signer.protocol import (
    AuthorityStatus,
    Changes,
    DeviceEvidence,
    IssuanceRequest,
    ReleaseEvidence,
    RenewalEvidence,
)

LINT_AGAIN = 86400  # seconds after which pkilint looks at a kind of certificate again
CHANGES = 200  # steps in one answer: with the longest names they are under MAX_ANSWER
# RFC 5280 5.3.1; removeFromCRL is for delta CRLs, which there are none of.
REASONS = frozenset(reason.value for reason in x509.ReasonFlags) - {"removeFromCRL"}


class Service:
    """The three authorities and the journal, and what may be done with them."""

    def __init__(
        self, known: dict[str, Authority], journal: Journal, status_url: str, hosts: frozenset[str]
    ) -> None:
        self.authorities = known
        self.journal = journal
        self.status_url = status_url
        self.hosts = hosts
        self.issuers = {issuer.id: issuer for a in known.values() for issuer in (a.root, a.issuing)}
        self.ca_keys = {csr.key_digest(issuer.certificate.public_key()) for issuer in self.issuers.values()}
        self.permitted = {name: authorities.permitted(a.issuing.certificate) for name, a in known.items()}
        self.templates = {
            name: builder.Template(profile, known[profile.authority].issuing.certificate, status_url)
            for name, profile in EVERY.items()
        }
        self.linters = f"pkilint {version('pkilint')}, cryptography {version('cryptography')}"

    def issue(self, request: IssuanceRequest) -> bytes:
        """The certificate (DER) for `request`; the same again for the same request.

        Raises IssuanceRefused or CSRRejected, which are final, or SignerUnavailable.
        """
        checks.request_id(request.request_id)
        parsed = csr.parse(request.csr) if isinstance(request.evidence, DeviceEvidence) else None
        # A phone that asks again for its approval signs a new CSR: the same key is the same request.
        digest = wire.digest(request, bytes.fromhex(parsed.key_sha256) if parsed else request.csr)
        row = self._repeated(request, digest)
        if row is None:
            parsed = parsed or csr.parse(request.csr)
            checks.pinned(request, parsed)
            profile = checks.profile(request)
            subject = checks.subject(request, profile, self.permitted[profile.authority])
            checks.evidence(request, self.hosts)
            if isinstance(request.evidence, DeviceEvidence):
                claims.device(request, request.evidence, parsed, datetime.now(UTC))
            leaf = self._rehearse(request, subject, profile, parsed)
            self._lint(leaf, profile, parsed.key_text)
            row = self._reserve(request, digest, parsed, leaf)
        der = self._finish(row)
        self._refuse_ended(request, row)
        return der

    def _repeated(self, request: IssuanceRequest, digest: str) -> Row | None:
        row = self.journal.find(request.request_id)
        if row is not None and row.request_sha256 != digest:
            if isinstance(request.evidence, DeviceEvidence):
                raise claims.used(request)
            raise IssuanceRefused("This request was made before, with other contents.", code="request-id")
        return row

    def _rehearse(
        self,
        request: IssuanceRequest,
        subject: x509.Name,
        profile: CertificateProfile,
        parsed: csr.ParsedCSR,
    ) -> x509.Certificate:
        issuer = self.authorities[profile.authority].issuing.certificate
        now = datetime.now(UTC).replace(microsecond=0)
        # notAfter is the last second that counts (RFC 5280 4.1.2.5), and a leaf never outlives its issuer.
        end = min(now + timedelta(days=request.days, seconds=-1), issuer.not_valid_after_utc)
        wanted = builder.Wanted(
            subject=subject,
            sans=hostnames.general_names(request.sans),
            key=parsed.public_key,
            serial=x509.random_serial_number(),
            not_before=max(now - BACKDATED, issuer.not_valid_before_utc),
            not_after=end,
        )
        return self.templates[profile.name].rehearse(wanted)

    def _lint(self, leaf: x509.Certificate, profile: CertificateProfile, key_text: str) -> None:
        """Our lints on each; pkilint on the first of its kind, and again on the first of each day.

        A kind is a profile, an issuer, a type of key, and the libraries' versions. pkilint takes a quarter of
        a second: on every 256th certificate it cost more than all the rest together.
        """
        issuer = self.authorities[profile.authority].issuing
        lint.check(leaf, profile, issuer.certificate, self.status_url)
        kind = f"{checks.DIGESTS[profile.name]} {issuer.id} {key_text} {self.linters}"
        now = int(time.time())
        if self.journal.linted(kind) > now - LINT_AGAIN:
            return
        findings = lint.thorough([leaf.public_bytes(Encoding.PEM)])
        if findings:
            raise IssuanceRefused(f"pkilint objects: {'; '.join(findings)}.", code="lint")
        self.journal.record_lint(kind, now)

    def _reserve(
        self, request: IssuanceRequest, digest: str, parsed: csr.ParsedCSR, leaf: x509.Certificate
    ) -> Row:
        """Serial and TBS into the journal; under one lock with the checks that rely on what is in it."""
        facts = {
            "request_id": request.request_id,
            "request_sha256": digest,
            "issuer": self.templates[request.profile].issuer_id,
            "authority": self.templates[request.profile].profile.authority,
            "serial": f"{leaf.serial_number:x}",
            "profile": request.profile,
            "owner": request.owner,
            "common_name": request.common_name,
            "sans": json.dumps(request.sans),
            "key_sha256": parsed.key_sha256,
            "not_before": int(leaf.not_valid_before_utc.timestamp()),
            "not_after": int(leaf.not_valid_after_utc.timestamp()),
            "evidence": json.dumps(wire.from_evidence(request.evidence)),
            "claim": claims.of(request),
            "reserved_at": int(time.time()),
            "tbs": leaf.tbs_certificate_bytes,
        }
        with self.journal.lock:
            uses = self.journal.uses(parsed.key_sha256)
            checks.key(request.owner, uses, parsed.key_sha256 in self.ca_keys)
            if facts["authority"] == "devices":
                owners = self.journal.device_owners(request.common_name, int(time.time()))
                checks.device_name(request.owner, owners)
            # Another connection may have brought the same request meanwhile: then its reservation counts.
            known = self._repeated(request, digest)
            if known is None:
                self._check_claim(request, leaf)
            return known or self.journal.reserve(facts)

    def _check_claim(self, request: IssuanceRequest, leaf: x509.Certificate) -> None:
        """What can be used once was not used yet, and what is renewed is live: under the journal's lock."""
        claim = claims.of(request)
        if claim is not None and self.journal.claimed(claim):
            raise claims.used(request)
        if isinstance(request.evidence, RenewalEvidence):
            authority = EVERY[request.profile].authority
            issued = self.journal.issued(authority, request.evidence.predecessor)
            renewals.check(request, request.evidence, issued, leaf, datetime.now(UTC))

    def _finish(self, row: Row) -> bytes:
        """The certificate of a reservation: signed now if it is not yet, compared, stored."""
        if row.signature is not None:
            return builder.assemble(row.tbs, row.signature)
        issuer = self.issuers[row.issuer]
        signature = issuer.sign_tbs(row.tbs)
        der = builder.assemble(row.tbs, signature)
        leaf = x509.load_der_x509_certificate(der)
        leaf.verify_directly_issued_by(issuer.certificate)
        if leaf.tbs_certificate_bytes != row.tbs or f"{leaf.serial_number:x}" != row.serial:
            raise SignerUnavailable(
                "The signed certificate is not the one that was reserved.", code="compare"
            )
        self.journal.signed(row, signature)
        return der

    def _refuse_ended(self, request: IssuanceRequest, row: Row) -> None:
        """Nobody gets what was revoked since it was reserved, or whose predecessor was: the web side would
        take it for live, as it knows the change already and had no row to note it in."""
        with self.journal.lock:
            reason = self.journal.reason(row.authority, row.serial)
            if not reason and isinstance(request.evidence, RenewalEvidence):
                before = self.journal.reason(row.authority, request.evidence.predecessor)
                if before in entries.ENDS_ALL:
                    reason = before
                    self.journal.revoke(row.authority, row.serial, reason, "signer", int(time.time()))
        if reason:
            raise IssuanceRefused(
                "It was revoked before anybody had it.", code="revoked", remedy="Ask for a new certificate."
            )

    def recover(self) -> int:
        """Finish what the last process reserved and did not sign; gives how many."""
        rows = self.journal.unsigned()
        for row in rows:
            if row.issuer in self.issuers:
                self._finish(row)
            else:  # its authority was laid aside; nobody ever got an answer
                self.journal.abandon(row)
        return len(rows)

    def revoke(
        self, authority: str, serial: str, reason: str, by: str, invalidity: datetime | None = None
    ) -> datetime:
        """Revoke the certificate; gives the moment (UTC) of its first revocation, which stays.

        The first reason stays, too, unless that is certificateHold and this one is final, or the key is
        compromised: then all certificates of this key go with it. `invalidity` (UTC): since when it is
        suspected to be bad (RFC 5280 5.3.2).
        """
        if reason not in REASONS:
            raise IssuanceRefused("This is no reason for a revocation (RFC 5280 5.3.1).", code="reason")
        since = None if invalidity is None else int(invalidity.timestamp())
        if since is not None and not 0 <= since <= time.time() + claims.CLOCKS.total_seconds():
            raise IssuanceRefused("It cannot have become invalid later than now.", code="invalidity")
        moment = self.journal.revoke(authority, serial, reason, by, int(time.time()), since)
        if moment is None:
            raise IssuanceRefused("This CA never issued such a certificate.", code="unknown")
        return datetime.fromtimestamp(moment, UTC)

    def release(self, authority: str, serial: str, by: str, evidence: ReleaseEvidence) -> None:
        """End a hold. Raises IssuanceRefused: no hold, or not an officer's fresh word on somebody else's."""
        checks.release(self.journal.owner(authority, serial), evidence, datetime.now(UTC))
        said = json.dumps(vars(evidence))
        if not self.journal.release(authority, serial, by, int(time.time()), said):
            raise IssuanceRefused(
                "This certificate is not on hold. What was revoked for good stays revoked.", code="no-hold"
            )

    def changes(self, since: int, serial: str) -> Changes:
        """What was revoked, held and released after step `since`, which was about `serial`.

        If it was not, this is another journal (an older backup of it): then from the beginning.
        """
        same = since == 0 or self.journal.serial_of_change(since) == serial
        steps = self.journal.changes(since if same else 0, CHANGES)
        last = {name: self.journal.last_change(name) for name in self.authorities}
        return Changes(same, tuple(steps), last)

    def crl(
        self,
        authority: str,
        audit_head: bytes,
        after: tuple[int, int] = (0, 0),
        *,
        with_root: bool = True,
    ) -> crls.Pair:
        """New CRLs of the authority's issuing CA and root, newer than `after`. `audit_head` is 32 bytes."""
        found = self.authorities.get(authority)
        if found is None:
            raise IssuanceRefused("There is no such authority.", code="authority")
        return crls.pair(found, self.journal, audit_head, after, with_root=with_root)

    def status(self) -> tuple[tuple[AuthorityStatus, ...], int, int]:
        """The authorities' certificates; how many certificates were issued, and revoked."""
        known = tuple(
            AuthorityStatus(name, _der(a.root.certificate), _der(a.issuing.certificate), self.permitted[name])
            for name, a in self.authorities.items()
        )
        return (known, *self.journal.counts())


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
