"""The protocol's frames and documents, from and to Python values. Every field is checked; nothing unknown passes."""

import base64
import binascii
import hashlib
import json
import socket
import time
from dataclasses import asdict, fields
from typing import Any

from pki.signer.protocol import (
    VERSION,
    AuthorityStatus,
    CrlPair,
    CsrEvidence,
    IssuanceRequest,
    ServiceEvidence,
    SignerStatus,
)

Document = dict[str, Any]
Answer = Any  # what stands under "ok": one kind of value for each operation
_EVIDENCE: dict[str, type[CsrEvidence | ServiceEvidence]] = {"csr": CsrEvidence, "service": ServiceEvidence}


class Malformed(Exception):
    """What came is no message of this protocol."""


def send(channel: socket.socket, document: Document) -> None:
    """Write one frame: the length in four bytes (big-endian), then UTF-8 JSON."""
    body = json.dumps(document, separators=(",", ":")).encode()
    channel.sendall(len(body).to_bytes(4, "big") + body)


def receive(channel: socket.socket, limit: int, seconds: float) -> Document | None:
    """Read one frame of at most `limit` bytes within `seconds`; None when the other end has closed.

    Raises Malformed, TimeoutError or another OSError.
    """
    deadline = time.monotonic() + seconds
    head = _read(channel, 4, deadline)
    if not head:
        return None
    size = int.from_bytes(head, "big")
    if size > limit:
        raise Malformed(f"a message of {size} bytes is longer than {limit}")
    try:
        document = json.loads(_read(channel, size, deadline))
    except (ValueError, RecursionError) as error:
        raise Malformed("the message is not JSON") from error
    if not isinstance(document, dict) or document.get("v") != VERSION:
        raise Malformed(f"the message is not of version {VERSION}")
    return document


def _read(channel: socket.socket, size: int, deadline: float) -> bytes:
    """Exactly `size` bytes, or none at all when the other end closed before the first."""
    content = bytearray()
    while len(content) < size:
        channel.settimeout(max(deadline - time.monotonic(), 0.001))
        part = channel.recv(min(size - len(content), 1 << 20))
        if not part and content:
            raise Malformed("the message ends early")
        if not part:
            break
        content += part
    return bytes(content)


def text(document: Document, name: str) -> str:
    """The text field `name`, or Malformed."""
    value = document.get(name)
    if not isinstance(value, str):
        raise Malformed(f"{name} is not text")
    return value


def from_request(request: IssuanceRequest) -> Document:
    """IssuanceRequest as JSON values; bytes are base64."""
    kind = next(kind for kind, cls in _EVIDENCE.items() if isinstance(request.evidence, cls))
    document = {field.name: getattr(request, field.name) for field in fields(request)}
    document |= {"sans": list(request.sans), "csr": base64.b64encode(request.csr).decode()}
    return document | {"evidence": {"kind": kind, **asdict(request.evidence)}}


def to_request(document: object) -> IssuanceRequest:
    """The IssuanceRequest in `document`; raises Malformed on a missing, unknown or wrongly typed field."""
    if not isinstance(document, dict):
        raise Malformed("there is no request in the message")
    values = dict(document)
    evidence = values.pop("evidence", None)
    kind = evidence.pop("kind", None) if isinstance(evidence, dict) else None
    if kind not in _EVIDENCE:
        raise Malformed("the request names no evidence that this signer knows")
    sans = values.get("sans")
    if not isinstance(sans, list) or not all(isinstance(san, str) for san in sans):
        raise Malformed("sans is not a list of text")
    values |= {"sans": tuple(sans), "csr": to_bytes(values.get("csr"))}
    values["evidence"] = _strict(_EVIDENCE[kind], evidence)
    return _strict(IssuanceRequest, values)


def _strict(kind: type[Any], values: Document) -> Any:
    """A dataclass from exactly its fields, each of exactly its type."""
    expected = {field.name: field.type for field in fields(kind)}
    if set(values) != set(expected):
        raise Malformed(f"{kind.__name__} has the fields {', '.join(expected)} and no others")
    for name, value in values.items():
        if expected[name] in (str, int, bool) and type(value) is not expected[name]:
            raise Malformed(f"{name} is not of the right type")
    return kind(**values)


def digest(request: IssuanceRequest) -> str:
    """SHA-256 in hex over a canonical form of the request: equal for equal requests."""
    return hashlib.sha256(json.dumps(from_request(request), sort_keys=True).encode()).hexdigest()


def to_bytes(value: object) -> bytes:
    """Bytes from base64, or Malformed."""
    try:
        return base64.b64decode(value, validate=True)  # type: ignore[arg-type]
    except (TypeError, ValueError, binascii.Error) as error:
        raise Malformed("a field is not base64") from error


def from_bytes(content: bytes) -> str:
    return base64.b64encode(content).decode()


def from_status(status: SignerStatus) -> Document:
    known = [
        {
            "name": a.name,
            "root": from_bytes(a.root),
            "issuing": from_bytes(a.issuing),
            "permitted": list(a.permitted),
        }
        for a in status.authorities
    ]
    return asdict(status) | {"authorities": known}


def to_status(document: Document) -> SignerStatus:
    authorities = tuple(
        AuthorityStatus(a["name"], to_bytes(a["root"]), to_bytes(a["issuing"]), tuple(a["permitted"]))
        for a in document["authorities"]
    )
    return SignerStatus(**(document | {"authorities": authorities}))


def from_pair(pair: CrlPair) -> Document:
    return {"issuing": from_bytes(pair.issuing), "root": from_bytes(pair.root)}


def to_pair(document: Document) -> CrlPair:
    return CrlPair(to_bytes(document["issuing"]), to_bytes(document["root"]))
