"""What SCEP has to remember: whose a transaction id is, which nonces were seen (RFC 8894 3.2.1).

Only what belongs to a challenge, a certificate or a request of ours is remembered: strangers fill nothing.
"""

import hashlib
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from enrollment.models import CertificationRequest, ScepNonce, ScepTransaction
from enrollment.refusals import Refused
from pki.scep import MessageType, PkiMessage, Transaction

KEPT = timedelta(days=60)  # longer than any request waits
# certmonger waits for an answer by sending the very same message again, nonce and all. That gives nobody
# anything: the answer is enciphered for the key that asked first.
REPEATABLE = (MessageType.PKCS_REQ, MessageType.RENEWAL_REQ)
TAKEN = "This transaction id belongs to another key."


def request_of(asked: Transaction) -> CertificationRequest | None:
    """What this transaction is about, when it was begun. Raises Refused when another key began it."""
    rows = ScepTransaction.objects.filter(transaction_id=asked.transaction_id)
    found = rows.values_list("key_sha256", "request_id").first()
    if found is None:
        return None
    key, request = found
    if key != asked.key_sha256:
        raise Refused(TAKEN)
    return CertificationRequest.objects.select_related("certificate", "owner").get(pk=request)


def remember(message: PkiMessage, data: bytes, request: CertificationRequest) -> None:
    """From now on this transaction is about `request`, and the nonce used up. Raises Refused when another key
    was faster."""
    asked = message.transaction
    whose = {"transaction_id": asked.transaction_id, "key_sha256": asked.key_sha256}
    nonce = ScepNonce(sha256=_name(asked), message_sha256=_digest(data), at=timezone.now())
    with transaction.atomic():
        ScepTransaction.objects.bulk_create(
            [ScepTransaction(**whose, request=request)], ignore_conflicts=True
        )
        if ScepTransaction.objects.filter(**whose).update(request=request) != 1:
            raise Refused(TAKEN)
        ScepNonce.objects.bulk_create([nonce], ignore_conflicts=True)


def refuse_replay(message: PkiMessage, data: bytes) -> None:
    """Raises Refused when this nonce came before, in another message or in one that is not sent twice."""
    seen = ScepNonce.objects.filter(pk=_name(message.transaction)).values_list("message_sha256", flat=True)
    before = seen.first()
    if before is not None and (before != _digest(data) or message.message_type not in REPEATABLE):
        raise Refused("This nonce was used before: the message is an old one, sent again.")


def sweep() -> int:
    """Forget old nonces; for housekeeping. Gives how many."""
    return ScepNonce.objects.filter(at__lt=timezone.now() - KEPT).delete()[0]


def _name(asked: Transaction) -> str:
    return _digest(bytes.fromhex(asked.key_sha256) + asked.sender_nonce)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
