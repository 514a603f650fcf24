"""What SCEP has to remember: whose a transaction id is, which nonces were seen (RFC 8894 3.2.1).

Only what belongs to a challenge, a certificate or a request of ours is remembered: strangers fill nothing.
"""

import hashlib
from datetime import timedelta

from django.db import IntegrityError, transaction
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
    rows = ScepTransaction.objects.select_related("request__certificate", "request__owner")
    found = rows.filter(transaction_id=asked.transaction_id).first()
    if found is None:
        return None
    if found.key_sha256 != asked.key_sha256:
        raise Refused(TAKEN)
    return found.request


def remember(asked: Transaction, request: CertificationRequest) -> None:
    """From now on this transaction is about `request`. Raises Refused when another key was faster."""
    try:
        with transaction.atomic():
            ScepTransaction.objects.update_or_create(
                transaction_id=asked.transaction_id,
                key_sha256=asked.key_sha256,
                defaults={"request": request},
            )
    except IntegrityError as error:
        raise Refused(TAKEN) from error


def refuse_replay(message: PkiMessage, data: bytes) -> None:
    """Raises Refused when this nonce came before, in another message or in one that is not sent twice."""
    seen = ScepNonce.objects.filter(pk=_name(message.transaction)).first()
    if seen is None:
        return
    if seen.message_sha256 != _digest(data) or message.message_type not in REPEATABLE:
        raise Refused("This nonce was used before: the message is an old one, sent again.")


def note_nonce(message: PkiMessage, data: bytes) -> None:
    """Its nonce is used up."""
    fields = {"message_sha256": _digest(data), "at": timezone.now()}
    ScepNonce.objects.get_or_create(pk=_name(message.transaction), defaults=fields)


def sweep() -> int:
    """Forget old nonces; for housekeeping. Gives how many."""
    return ScepNonce.objects.filter(at__lt=timezone.now() - KEPT).delete()[0]


def _name(asked: Transaction) -> str:
    return _digest(bytes.fromhex(asked.key_sha256) + asked.sender_nonce)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
