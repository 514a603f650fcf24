"""Passkeys (WebAuthn Level 3): made under one name, used instead of the app's code, or alone.

A ceremony is a question (accounts/challenges.py) and an answer that comes back with the page's own form.
Whatever is wrong with an answer leaves a line in the audit, and the question is spent all the same.
"""

from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts import challenges, household, throttle
from accounts.addresses import address_of
from accounts.challenges import ADD, ALONE, FRESH
from accounts.errors import Refused
from accounts.models import Passkey, User
from accounts.passkey_answers import Answer, PasskeyRefused, checked, made, read
from accounts.relying import Party, party
from accounts.words import duration
from audit import trail

MOST = 20  # of one person
ALGORITHMS = (
    -8,
    -7,
    -257,
)  # Ed25519, ECDSA with P-256, RSA: those every authenticator has one of (Level 3, 5.4)
TIMEOUT = challenges.SECONDS * 1000  # milliseconds


def usable(request: HttpRequest, user: User) -> list[Passkey]:
    """The person's passkeys that work under the name in the address bar."""
    here = party(request)
    if here is None:
        return []
    return list(Passkey.objects.filter(user=user, confirmed=True, host=here.host).order_by("pk"))


def question(request: HttpRequest, purpose: str, user: User | None = None) -> dict[str, Any]:
    """What `navigator.credentials.get` asks (PublicKeyCredentialRequestOptionsJSON). Raises Refused."""
    here = _here(request)
    allowed = [_described(passkey) for passkey in usable(request, user)] if user else []
    return {
        "challenge": _challenge(request, purpose, user),
        "rpId": here.host,
        "allowCredentials": allowed,
        "userVerification": "required" if purpose == ALONE else "preferred",
        "timeout": TIMEOUT,
    }


def invitation(request: HttpRequest, user: User) -> dict[str, Any]:
    """What `navigator.credentials.create` asks (PublicKeyCredentialCreationOptionsJSON). Raises Refused."""
    here = _here(request)
    return {
        "challenge": _challenge(request, ADD, user),
        "rp": {"id": here.host, "name": household.current().name},
        # Random bytes that say nothing of the person (Level 3, 14.6.1).
        "user": {"id": handle(user), "name": user.username, "displayName": str(user)},
        "pubKeyCredParams": [{"type": "public-key", "alg": number} for number in ALGORITHMS],
        "excludeCredentials": [_described(passkey) for passkey in usable(request, user)],
        "authenticatorSelection": {"residentKey": "preferred", "userVerification": "preferred"},
        "attestation": "none",
        "extensions": {"credProps": True},
        "timeout": TIMEOUT,
    }


def add(request: HttpRequest, user: User, name: str, text: str) -> Passkey:
    """Keep the passkey that was made for `invitation`. Raises PasskeyRefused."""
    try:
        answer = _answer(request, ADD, text, user)
        here = _party(request)
        found = made(answer, host=here.host, origin=here.origin)
        with transaction.atomic():
            passkey = Passkey(user=user, name=name, host=here.host, **vars(found))
            _keep(passkey)
            detail = {"name": name, "host": here.host}
            me, address = user.username, address_of(request)
            trail.record("passkey.added", actor=me, address=address, target=me, detail=detail)
    except PasskeyRefused as refused:
        _record(request, refused, ADD, user)
        raise
    return passkey


def check(request: HttpRequest, purpose: str, text: str, user: User | None = None) -> Passkey:
    """The passkey that answered. Raises PasskeyRefused, with a line in the audit."""
    whose = user
    try:
        answer = _answer(request, purpose, text, user)
        here = _party(request)
        with transaction.atomic():
            passkey = _locked(answer, user)
            whose = passkey.user
            _check(passkey, answer, here, purpose)
            passkey.set_last_used_timestamp(commit=False)
            passkey.save()
    except PasskeyRefused as refused:
        _record(request, refused, purpose, whose)
        raise
    return passkey


def is_asked(request: HttpRequest, purpose: str, text: str) -> bool:
    """Whether this answers a question that waits for this browser. It goes on waiting."""
    try:
        return challenges.waits(request, purpose, read(text).challenge)
    except PasskeyRefused:
        return False


def freshen(request: HttpRequest, user: User, text: str) -> str:
    """Check the answer that makes a session fresh, slowed down like codes; the sentence why not, or ""."""
    keys = {f"passkey {user.pk}": throttle.PAIR}
    if wait := throttle.begin(keys):
        return _("Too many attempts. Try again in %(time)s.") % {"time": duration(wait)}
    try:
        check(request, FRESH, text, user)
    except PasskeyRefused as refused:
        return str(refused)
    throttle.succeeded(keys)
    return ""


def handle(user: User) -> str:
    """By what an authenticator knows the account: base64url of the 128 random bits of its key here."""
    return challenges.encoded(user.pk.bytes)


def _answer(request: HttpRequest, purpose: str, text: str, user: User | None) -> Answer:
    answer = read(text)
    if not challenges.spend(request, purpose, answer.challenge, user):
        raise PasskeyRefused("stale")
    return answer


def _locked(answer: Answer, user: User | None) -> Passkey:
    """The row, until the transaction's end: of two answers at once one sees the other's counter."""
    rows = Passkey.objects.select_for_update(of=("self",)).select_related("user")
    passkey: Passkey | None = rows.filter(credential_id=answer.credential_id, confirmed=True).first()
    if passkey is None or not passkey.user.is_active or (user is not None and passkey.user_id != user.pk):
        raise PasskeyRefused("unknown")
    return passkey


def _check(passkey: Passkey, answer: Answer, here: Party, purpose: str) -> None:
    """Level 3, 7.2: steps 5 to 22."""
    if passkey.host != here.host:
        raise PasskeyRefused("elsewhere")
    named = answer.user_handle
    if named != passkey.user.pk.bytes and (named is not None or purpose == ALONE):
        raise PasskeyRefused("unknown")
    count, verified, passkey.synced = checked(
        answer, host=here.host, origin=here.origin, public_key=bytes(passkey.public_key)
    )
    if purpose == ALONE and not verified:
        raise PasskeyRefused("unverified")
    if (count or passkey.sign_count) and count <= passkey.sign_count:
        raise PasskeyRefused("counter")
    passkey.sign_count = count


def _keep(passkey: Passkey) -> None:
    User.objects.select_for_update().get(pk=passkey.user_id)  # two at once are counted one after the other
    if Passkey.objects.filter(user=passkey.user).count() >= MOST:
        raise PasskeyRefused("many")
    try:
        with transaction.atomic():
            passkey.save(force_insert=True)
    except IntegrityError:
        raise PasskeyRefused("taken") from None


def _record(request: HttpRequest, refused: PasskeyRefused, purpose: str, user: User | None) -> None:
    """`user`: whose passkey or account it is, as far as that is known. A copy in use is told to them."""
    actor = request.user.username if isinstance(request.user, User) else ""
    action = "passkey.copied" if refused.why == "counter" else "passkey.refused"
    detail = {"why": refused.why, "purpose": purpose}
    target = user.username if user else ""
    trail.record(action, actor=actor, address=address_of(request), target=target, detail=detail)


def _challenge(request: HttpRequest, purpose: str, user: User | None) -> str:
    found = challenges.ask(request, purpose, user)
    if found is None:
        raise Refused(_("Too many passkeys are being asked for from your network."), _("Wait five minutes."))
    return found


def _here(request: HttpRequest) -> Party:
    found = party(request)
    if found is None:
        raise Refused(
            _("Passkeys need a name: browsers make none for an address of digits."),
            _("Open the portal by a name, or use a code of your app."),
        )
    return found


def _party(request: HttpRequest) -> Party:
    found = party(request)
    if found is None:
        raise PasskeyRefused("elsewhere")
    return found


def _described(passkey: Passkey) -> dict[str, Any]:
    return {"type": "public-key", "id": passkey.credential_id, "transports": passkey.transports}
