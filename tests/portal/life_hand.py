"""The hand in a household whose days fly past: also keeps house, renews, invites."""

import base64
import time
from typing import Any

from tests.portal import door_hand
from tests.portal.door_hand import HERE, Acts

SLOW = ("lints", "lints of the authorities")  # pkilint's start takes seconds


class Life(Acts):
    def __init__(self, **modules: Any) -> None:
        super().__init__(**modules)
        self.housekeeping, self.renewing = modules["housekeeping"], modules["renewing"]
        self.invitations, self.errors = modules["invitations"], modules["errors"]
        self.post, self.deliveries = modules["post"], modules["deliveries"]

    def move_in(self, name: str, email: str, role: str) -> dict[str, Any]:
        self.users.create_user(name, full_name=name.title(), email=email, **{role: True})
        return {}

    def ask(self, pem: str, owner: str, device: str) -> dict[str, Any]:
        by, parsed = self.users.get(username=owner), self.csr.parse(pem.encode())
        asked = self.ra.submit(by=by, address=HERE, csr=parsed, profile="tls-client", device=device, sans=[])
        return {"id": str(asked.pk)}

    def decide(self, id: str, days: int) -> dict[str, Any]:
        """By bob, for `days`."""
        bob = self.users.get(username="bob")
        done = self.ra.approve(request=self.requests.get(pk=id), by=bob, address=HERE, days=days)
        return self._made(done)

    def renew(self, id: str, pem: str) -> dict[str, Any]:
        """As the check face does for whom shows the certificate."""
        old, parsed = self.certificates.get(pk=id), self.csr.parse(pem.encode())
        return self._made(
            self.ra.renew(predecessor=old, csr=parsed, proof=self.renewing.shown(), address=HERE)
        )

    def _made(self, request: Any) -> dict[str, Any]:
        made = request.certificate
        return {"id": str(made.pk), "der": base64.b64encode(bytes(made.der)).decode()}

    def reason(self, id: str) -> dict[str, Any]:
        """Why it is revoked; "" for live."""
        return {"reason": self.certificates.get(pk=id).reason}

    def invite(self) -> dict[str, Any]:
        roles = frozenset({"requester"})
        return {"token": self.invitations.make(self.users.get(username="dora"), roles=roles)}

    def invited(self, token: str) -> dict[str, Any]:
        try:
            self.invitations.find(token)
        except self.errors.Refused as refused:
            return {"said": str(refused)}
        return {"said": ""}

    def keep(self, everything: bool = False) -> dict[str, Any]:
        """Every duty of housekeeping once, beside the one that runs; what is wrong with each."""
        steps = [step for step in self.housekeeping.STEPS if everything or step.name not in SLOW]
        while not (outcome := self.housekeeping.tidy(steps)):
            time.sleep(0.02)  # the other one is at it
        self.post.finish()
        while self.deliveries.due().exists() or self.deliveries.at_work().exists():
            time.sleep(0.02)  # the other one's sender is at it
        return {"trouble": {name: said for name, said in outcome.items() if said}}


if __name__ == "__main__":
    door_hand.main(
        Life,
        housekeeping="portal.housekeeping",
        renewing="enrollment.renewing",
        invitations="accounts.invitations",
        errors="accounts.errors",
        post="portal.post",
        deliveries="accounts.deliveries",
    )
