"""A press, from the thumb to the home: judged once, sent once, and nothing that opens a door later."""

import re
import secrets
import time
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from audit import trail
from door import payload, pins, policy, transport
from door.identity import Holder
from door.models import Door, Outcome, PinUse, Press
from door.policy import Opening
from pki import verification

HOUR = timedelta(hours=1)
LOST_AFTER = timedelta(seconds=30)  # a press that is still "sending" by then was cut off in between
# A refusal that costs nothing to cause is written down once in a while, or it would fill the disk.
SAID_AGAIN_AFTER = timedelta(minutes=1)
RATIONED = (Outcome.OUTSIDE, Outcome.TOO_MANY, Outcome.LOCKED)
# What counts against "presses per hour": all that was sent, or was about to be.
SENT = (Outcome.SENDING, Outcome.RECEIVED, Outcome.OPENED, Outcome.UNANSWERED, Outcome.DENIED)
PIN = re.compile(r"[0-9]{1,16}")


class NoSuchDoor(LookupError):
    """There is no such door for this person."""


class PinUnfit(ValueError):
    """What was typed cannot be a PIN: nothing was counted, nothing was sent."""


def press(holder: Holder, door: Door, *, pin: str, token: UUID, address: str) -> Press:
    """The press of this person with this `token`, made now unless it was before: a double tap opens once.

    `pin` as typed, "" where the door asks none; `address` as text. The row is written first, then the message
    goes out, then its outcome is written: after at most three seconds (the transport's) it is RECEIVED,
    UNANSWERED, or a refusal. Raises NoSuchDoor, PinUnfit, pins.PinMissing.
    """
    begun = time.monotonic()
    made, message = _take(holder, door.slug, pins.digits(pin[:100]), token, address)
    if message is not None:
        _send(made, message, begun)
    return made


def opening(user: User, slug: str, at: datetime) -> Opening:
    """The door of this name as this person may open it, now or later. Raises NoSuchDoor."""
    for found in policy.openings(user, at):
        if found.door.slug == slug:
            return found
    raise NoSuchDoor(slug)


def again_at(user: User, door: Door, at: datetime) -> datetime | None:
    """When this person may press again after too many presses; None: now."""
    sent = Press.objects.filter(user=user, door=door, outcome__in=SENT, at__gt=at - HOUR).order_by("-at")
    moments = list(sent.values_list("at", flat=True)[: door.presses_per_hour])
    return moments[-1] + HOUR if moments and len(moments) >= door.presses_per_hour else None


def sweep() -> int:
    """Close what was cut off between its row and its answer; for the housekeeping. Returns how many."""
    now = timezone.now()
    lost = Press.objects.filter(outcome=Outcome.SENDING, at__lt=now - LOST_AFTER)
    return lost.update(outcome=Outcome.UNANSWERED, finished_at=now)


@transaction.atomic
def _take(
    holder: Holder, slug: str, pin: str, token: UUID, address: str
) -> tuple[Press, transport.Message | None]:
    """The row, and what is to be sent for it, if anything.

    Everything that is counted, wrong PINs too, is counted in this one transaction, and a person's presses
    come one after the other: of eight with the same token that arrive together, seven find the first one's.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=holder.user.pk)
    # It may have taken a while to get here, and a revocation that was quicker counts.
    if not (user.is_active and verification.is_still_live(holder.certificate)):
        raise NoSuchDoor(slug)
    known = Press.objects.filter(user=user, token=token).select_related("door").first()
    if known is not None:
        return known, None
    now = timezone.now()
    found = opening(user, slug, now)
    refusal = _refusal(user, found, pin, now, address)
    if refusal in RATIONED and (said := _said_lately(user, found.door, refusal, now)):
        return said, None
    made = _written(holder, found.door, token, address, refusal or Outcome.SENDING)
    return made, None if refusal else _message(made, holder, pin)


def _refusal(user: User, opening: Opening, pin: str, at: datetime, address: str) -> Outcome | None:
    """Why not, in the order in which each reason makes the next one meaningless; None: it may be sent."""
    if not opening.now:
        return Outcome.OUTSIDE
    if again_at(user, opening.door, at) is not None:
        return Outcome.TOO_MANY
    if opening.door.pin == PinUse.NONE:
        return None
    try:
        return _refused_pin(user, opening.door, pin, address)
    except pins.PinLocked:
        return Outcome.LOCKED


def _refused_pin(user: User, door: Door, pin: str, address: str) -> Outcome | None:
    """Raises PinLocked, PinMissing, PinUnfit: what cannot be a PIN is a slip, and not counted."""
    fits = PIN.fullmatch(pin)
    if not fits or door.pin == PinUse.HOME:
        pins.gate(user, door)
    if not fits:
        raise PinUnfit
    if door.pin == PinUse.HERE and pins.wrong(user, door, pin, address=address) is not None:
        return Outcome.WRONG_PIN
    return None


def _said_lately(user: User, door: Door, outcome: Outcome, at: datetime) -> Press | None:
    """The same refusal, if it was written within the last minute."""
    lately = Press.objects.filter(user=user, door=door, outcome=outcome, at__gt=at - SAID_AGAIN_AFTER)
    return lately.select_related("door").order_by("-at").first()


def _written(holder: Holder, door: Door, token: UUID, address: str, outcome: Outcome) -> Press:
    made = Press.objects.create(
        door=door,
        user=holder.user,
        token=token,
        certificate=holder.certificate.id,
        device=holder.certificate.subject[:64],
        address=address,
        nonce=secrets.token_hex(16),
        outcome=outcome,
    )
    trail.record(
        "door.pressed",
        actor=holder.user.username,
        address=address,
        target=door.slug,
        detail={"outcome": outcome.value, "device": made.device, "press": str(made.pk)},
    )
    return made


def _message(made: Press, holder: Holder, pin: str) -> transport.Message:
    """What the home is told. The PIN travels only to a home that checks it itself."""
    door = made.door
    body = payload.render(
        door,
        cn=holder.certificate.subject,
        user=holder.user.username,
        pin=pin if door.pin == PinUse.HOME else "",
        nonce=made.nonce,
        at=made.at,
        deadline=made.at + timedelta(seconds=door.valid_seconds),
    )
    topic = door.topic or f"practice/{door.slug}"
    return transport.Message(topic=topic, payload=body, expires=door.valid_seconds)


def _send(made: Press, message: transport.Message, begun: float) -> None:
    """Publish outside any transaction. A home that has confirmed by then keeps the last word.

    `begun`: when it was pressed, on the monotonic clock. Behind a locked database it may have waited, and
    whoever pressed is not in front of the door any more.
    """
    try:
        if time.monotonic() - begun > made.door.valid_seconds:
            raise transport.HomeSilent("It waited for too long.")
        transport.current().publish(message)
    except transport.HomeSilent:
        change = {"outcome": Outcome.UNANSWERED, "finished_at": timezone.now()}
    else:
        change = {"outcome": Outcome.RECEIVED, "received_at": timezone.now()}
    Press.objects.filter(pk=made.pk, outcome=Outcome.SENDING).update(**change)
    made.refresh_from_db(fields=["outcome", "received_at", "finished_at"])
