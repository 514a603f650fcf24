"""The protocol's frames and documents, to and from Python values. Each field is checked, none is ignored."""

import base64
import binascii
import hashlib
import json
import socket
import time
from dataclasses import fields
from typing import Any, BinaryIO, TypeVar

from pki.signer.protocol import (
    VERSION,
    AuthorityStatus,
    Change,
    Changes,
    CsrEvidence,
    DeviceEvidence,
    Evidence,
    IssuanceRequest,
    ReleaseEvidence,
    RenewalEvidence,
    ServiceEvidence,
    SignerStatus,
)

T = TypeVar("T", bound=Evidence | IssuanceRequest | ReleaseEvidence)
_KINDS: dict[str, type[Evidence]] = {
    "csr": CsrEvidence,
    "service": ServiceEvidence,
    "device": DeviceEvidence,
    "renewal": RenewalEvidence,
}
Document = dict[str, Any]
Answer = Any  # what stands under "ok": one kind of value for each operation


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
    """The text field `name` of at most 300 characters, or Malformed."""
    value = document.get(name)
    if not isinstance(value, str) or len(value) > 300:
        raise Malformed(f"{name} is not a short text")
    return value


def from_request(request: IssuanceRequest) -> Document:
    """IssuanceRequest as JSON values; bytes are base64."""
    document = dict(vars(request))
    document |= {"sans": list(request.sans), "csr": from_bytes(request.csr)}
    return document | {"evidence": from_evidence(request.evidence)}


def from_evidence(evidence: Evidence) -> Document:
    (kind,) = (name for name, known in _KINDS.items() if type(evidence) is known)
    return {"kind": kind, **vars(evidence)}


def to_request(document: object) -> IssuanceRequest:
    """The IssuanceRequest in `document`; raises Malformed on a missing, unknown or wrongly typed field."""
    if not isinstance(document, dict):
        raise Malformed("there is no request in the message")
    values = dict(document)
    sans = values.get("sans")
    if not isinstance(sans, list) or not all(isinstance(san, str) for san in sans):
        raise Malformed("sans is not a list of text")
    values |= {"sans": tuple(sans), "csr": to_bytes(values.get("csr"))}
    values["evidence"] = _to_evidence(values.get("evidence"))
    return _strict(IssuanceRequest, values)


def _to_evidence(document: object) -> Evidence:
    values = dict(document) if isinstance(document, dict) else {}
    kind = _KINDS.get(str(values.pop("kind", "")))
    if kind is not None:
        return _strict(kind, values)
    raise Malformed("the request names no evidence that this signer knows")


def _strict(kind: type[T], values: Document) -> T:
    """A dataclass from exactly its fields, each of exactly its type."""
    expected = {field.name: field.type for field in fields(kind)}
    if set(values) != set(expected):
        raise Malformed(f"{kind.__name__} has the fields {', '.join(expected)} and no others")
    for name, value in values.items():
        if expected[name] in (str, int, bool) and type(value) is not expected[name]:
            raise Malformed(f"{name} is not of the right type")
    return kind(**values)


def digest(request: IssuanceRequest, key: bytes) -> str:
    """SHA-256 in hex over a canonical form of the request: equal for equal requests.

    `key` is what stands for its key: the CSR, or the key's digest where any CSR of one key is the same.
    """
    document = from_request(request) | {"csr": from_bytes(key)}
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def to_bytes(value: object) -> bytes:
    """Bytes from base64, or Malformed."""
    try:
        return base64.b64decode(value if isinstance(value, str) else b"!", validate=True)
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
    return dict(vars(status)) | {"authorities": known}


def to_status(document: Document) -> SignerStatus:
    authorities = tuple(
        AuthorityStatus(a["name"], to_bytes(a["root"]), to_bytes(a["issuing"]), tuple(a["permitted"]))
        for a in document["authorities"]
    )
    return SignerStatus(**(document | {"authorities": authorities}))


def to_release(document: object) -> ReleaseEvidence:
    """The ReleaseEvidence in `document`; raises Malformed as to_request."""
    return _strict(ReleaseEvidence, dict(document) if isinstance(document, dict) else {})


def from_changes(changes: Changes) -> Document:
    return dict(vars(changes)) | {"steps": [list(step) for step in changes.steps]}


def to_changes(document: Document) -> Changes:
    return Changes(document["same"], tuple(Change(*step) for step in document["steps"]), document["last"])


def copy(channel: socket.socket, file: BinaryIO, size: int, seconds: float) -> None:
    """Read exactly `size` bytes that follow a document into `file`. Raises as `receive`."""
    deadline = time.monotonic() + seconds
    while size:
        channel.settimeout(max(deadline - time.monotonic(), 0.001))
        part = channel.recv(min(size, 1 << 16))
        if not part:
            raise Malformed("the message ends early")
        file.write(part)
        size -= len(part)
