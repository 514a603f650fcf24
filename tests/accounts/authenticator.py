"""An authenticator in software (WebAuthn Level 3, 6): answers as one does, and as one never should."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

HOST, ORIGIN = "portal.home.arpa", "https://portal.home.arpa:8443"
PRESENT, VERIFIED, COPIED, MADE = 0x01, 0x04, 0x18, 0x40  # flags (6.1); COPIED: can be backed up, and is
Json = dict[str, Any]


def text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def data(text: str) -> bytes:
    return urlsafe_b64decode(text + "==")


class Authenticator:
    """Holds one passkey. `count`: its counter, None if it stays at 0; `verifies`: asks for a finger."""

    def __init__(self, *, count: int | None = 0, verifies: bool = True) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(32)
        self.count, self.verifies = count, verifies
        self.user = b""

    def create(self, question: Json, *, origin: str = ORIGIN, host: str = HOST, **changes: Any) -> str:
        """The answer to `navigator.credentials.create`, attestation none. `changes` go into its JSON."""
        self.user = data(question["user"]["id"])
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(self._cose())
        whole = {"fmt": "none", "attStmt": {}, "authData": self._data(host, MADE) + attested}
        response = {
            "clientDataJSON": self._client("webauthn.create", question["challenge"], origin),
            "attestationObject": text(cbor2.dumps(whole)),
            "transports": ["internal", "hybrid"],
        }
        return self._answer(response, {"credProps": {"rk": True}}, changes)

    def get(self, question: Json, *, origin: str = ORIGIN, host: str = HOST, **changes: Any) -> str:
        """The answer to `navigator.credentials.get`."""
        if self.count is not None:
            self.count += 1
        client = self._client("webauthn.get", question["challenge"], origin)
        said = self._data(host)
        signature = self.key.sign(said + hashlib.sha256(data(client)).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": client,
            "authenticatorData": text(said),
            "signature": text(signature),
            "userHandle": text(self.user),
        }
        return self._answer(response, {}, changes)

    def _answer(self, response: Json, results: Json, changes: Json) -> str:
        """`changes`: names of the response's own members, or of the whole's."""
        whole = {"id": text(self.id), "rawId": text(self.id), "type": "public-key"}
        whole |= {"response": response, "clientExtensionResults": results}
        for name, value in changes.items():
            (response if name in response else whole)[name] = value
        return json.dumps(whole)

    def _client(self, kind: str, challenge: str, origin: str) -> str:
        said = {"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}
        return text(json.dumps(said).encode())

    def _data(self, host: str, flags: int = 0) -> bytes:
        flags |= PRESENT | (VERIFIED if self.verifies else 0) | (COPIED if self.count is None else 0)
        return hashlib.sha256(host.encode()).digest() + bytes([flags]) + (self.count or 0).to_bytes(4, "big")

    def _cose(self) -> dict[int, int | bytes]:
        """RFC 9053 7.1.1."""
        point = self.key.public_key().public_numbers()
        return {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
