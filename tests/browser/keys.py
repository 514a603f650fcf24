"""Chromium's virtual authenticators (WebDriver extension of WebAuthn Level 3, 11), over its own protocol."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import CDPSession, Page

PHONE = {"transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}
OLD_KEY = {
    "transport": "usb",
    "hasResidentKey": False,
    "hasUserVerification": False,
}  # found by its name only


# A virtual finger takes every offer in a field at once: only pages that want one have them.
NO_OFFERS = 'PublicKeyCredential.isConditionalMediationAvailable = async () => "offers" in sessionStorage'


@dataclass
class Keys:
    """The authenticators that one page sees."""

    page: Page
    cdp: CDPSession
    name: str

    @classmethod
    def of(cls, page: Page, kind: dict[str, Any]) -> "Keys":
        """`kind`: PHONE or OLD_KEY."""
        cdp = page.context.new_cdp_session(page)
        cdp.send("WebAuthn.enable")
        options = {"protocol": "ctap2", "automaticPresenceSimulation": True, **kind}
        found = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        page.add_init_script(NO_OFFERS)
        return cls(page, cdp, found["authenticatorId"])

    def offered(self, offered: bool) -> None:
        """Whether fields offer passkeys from the next page on."""
        verb = "sessionStorage.offers = 1" if offered else "delete sessionStorage.offers"
        self.page.evaluate(verb)

    def counts(self) -> list[int]:
        """The counters of what it holds."""
        return [one["signCount"] for one in self._send("getCredentials")["credentials"]]

    def count_back(self) -> None:
        """Like a copy that was made before the last use."""
        for one in self._send("getCredentials")["credentials"]:
            self._send("removeCredential", credentialId=one["credentialId"])
            self._send("addCredential", credential=one | {"signCount": 0})

    def _send(self, verb: str, **values: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.cdp.send(f"WebAuthn.{verb}", {"authenticatorId": self.name, **values})
        return answer
