"""The hand in a household that is run hard: signs people in, makes doors, and reads the books afterwards.

A program: see tests/portal/door_hand.py.
"""

from typing import Any

from tests.portal import door_hand
from tests.portal.door_hand import Acts

MORE = {
    "conftest": "tests.conftest",
    "door": "door.models",
    "trail": "audit.trail",
    "housekeeping": "portal.housekeeping",
    "errors": "pki.errors",
}
DOOR = "garage"


class Soak(Acts):
    def __init__(self, **modules: Any) -> None:
        super().__init__(**modules)
        self.modules = modules

    def move_in(self, people: dict[str, list[str]]) -> dict[str, Any]:
        """Name -> roles; each with a mail address."""
        for name, roles in people.items():
            flags = dict.fromkeys((f"is_{role}" for role in roles), True)
            self.users.create_user(name, full_name=name.title(), email=f"{name}@home.arpa", **flags)
        return {}

    def session(self, name: str) -> dict[str, Any]:
        """The cookie of a browser in which this person has just signed in."""
        conftest = self.modules["conftest"]
        client = conftest.open_session(conftest.Browser(), self.users.get(username=name))
        return {"cookie": client.cookies["__Host-latchkey"].value}

    def install_door(self, owner: str) -> dict[str, Any]:
        """A door without a PIN, which may be pressed as often as one likes."""
        models = self.modules["door"]
        values = {"slug": DOOR, "name": "Garage", "topic": f"latchkey/{DOOR}/open"}
        door = models.Door.objects.create(
            **values, pin=models.PinUse.NONE, presses_per_hour=10**6, valid_seconds=20
        )
        models.Rule.objects.create(door=door, person=self.users.get(username=owner))
        return {}

    def waiting(self, owner: str) -> dict[str, Any]:
        """Requests that wait for somebody's word."""
        found = self.requests.filter(owner__username=owner, status="pending").values_list("pk", "device")
        return {"requests": [[str(pk), device] for pk, device in found]}

    def lose_one(self, owner: str) -> dict[str, Any]:
        """One of their phones is gone: it is revoked, and lists published. The first phone stays. Gives why
        the signer could not do it now, "" for done."""
        users = {"owner": str(self.users.get(username=owner).pk), "revoked_at": None}
        found = self.certificates.filter(**users, profile="tls-client").order_by("-not_before").first()
        try:
            if found is not None and found.subject != f"{owner}'s phone":
                self.revocation.revoke(found, "keyCompromise", by="bob", address=door_hand.HERE)
            self.crl.publish("clients")
        except self.modules["errors"].PkiError as error:
            return {"trouble": str(error)}
        return {"trouble": ""}

    def keys(self) -> dict[str, Any]:
        """The keys of all certificates that people have, SHA-256 of their SubjectPublicKeyInfo."""
        found = self.certificates.filter(profile="tls-client").values_list("key_sha256", flat=True)
        return {"keys": list(found)}

    def books(self) -> dict[str, Any]:
        """Everything that may not be lost or doubled."""
        door, accounts = self.modules["door"], self.modules["accounts"]
        requests = self.requests.values_list("device", "status", "certificate__serial", "key_sha256")
        presses = door.Press.objects.values_list("token", "nonce", "outcome")
        deliveries = accounts.Delivery.objects.values_list("pk", "state")
        return {
            "requests": [list(row) for row in requests],
            "serials": list(self.certificates.values_list("authority", "serial")),
            "presses": [[str(token), nonce, outcome] for token, nonce, outcome in presses],
            "deliveries": [[str(pk), state] for pk, state in deliveries],
            "broken_at": self.modules["trail"].verify().broken_at,
        }

    def keep_house(self) -> dict[str, Any]:
        """All duties of housekeeping; gives what is wrong by name."""
        outcome = self.modules["housekeeping"].once()
        return {"trouble": {name: said for name, said in outcome.items() if said}}


if __name__ == "__main__":
    door_hand.main(Soak, **MORE)
