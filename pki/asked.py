"""What a CSR asks for, as printable text for people to see. None of it is ever issued."""

import re
from collections.abc import Iterable

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID, ObjectIdentifier

from pki import der
from pki.text import printable

MAX_ENTRIES = 50  # of one list
MAX_TEXT = 200  # characters of one value
MAX_BYTES = 32  # of a value that has no text

UPN = "1.3.6.1.4.1.311.20.2.3"  # Microsoft's user principal name, a UTF8String (MS-WCCE 2.2.2.7.7.3)
_LABELS = {
    NameOID.EMAIL_ADDRESS: "emailAddress",
    NameOID.SERIAL_NUMBER: "serialNumber",
    NameOID.SURNAME: "SN",
    NameOID.GIVEN_NAME: "GN",
    NameOID.TITLE: "title",
}


def _camel(name: str) -> str:
    """KEY_USAGE -> keyUsage, as the RFCs write it."""
    first, *rest = name.split("_")
    return first.lower() + "".join(part.title() for part in rest)


def _names(holder: type) -> dict[ObjectIdentifier, str]:
    return {oid: _camel(name) for name, oid in vars(holder).items() if isinstance(oid, ObjectIdentifier)}


_EXTENSIONS = _names(ExtensionOID)
_PURPOSES = _names(ExtendedKeyUsageOID)


def text(value: str) -> str:
    """At most 200 characters of `value`, printable; says how long it really is."""
    if len(value) <= MAX_TEXT:
        return printable(value)
    return f"{printable(value[:MAX_TEXT])}… ({len(value):,} characters)"


def binary(value: bytes) -> str:
    """At most 32 bytes in hex; says how many there really are."""
    shown = value[:MAX_BYTES].hex(":")
    return shown if len(value) <= MAX_BYTES else f"{shown}… ({len(value):,} bytes)"


def subject(name: x509.Name) -> tuple[tuple[str, str], ...]:
    """(label, value) of each attribute; a "+" marks the further ones of a multi-valued RDN."""
    pairs = []
    for rdn in name.rdns:
        for position, attribute in enumerate(rdn):
            label = _LABELS.get(attribute.oid, attribute.rfc4514_attribute_name)
            value = attribute.value
            shown = text(value) if isinstance(value, str) else binary(value)
            pairs.append((f"+ {label}" if position else label, shown))
    left_out = len(pairs) - MAX_ENTRIES
    return (*pairs[:MAX_ENTRIES], *([("…", f"{left_out:,} more")] if left_out > 0 else []))


def first_common_name(pairs: tuple[tuple[str, str], ...]) -> str | None:
    """The first CN that says anything, among what `subject` gave."""
    return next((value for label, value in pairs if label in ("CN", "+ CN") and value), None)


def sans(extensions: x509.Extensions) -> tuple[str, ...]:
    """The subject alternative names: "dns:…" "ip:…" "email:…" "uri:…" "upn:…" "other:…"."""
    for extension in extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            return general_names(list(extension.value))
    return ()


def general_names(names: list[x509.GeneralName]) -> tuple[str, ...]:
    shown = [_general_name(name) for name in names[:MAX_ENTRIES]]
    left_out = len(names) - MAX_ENTRIES
    return (*shown, *([f"other:… {left_out:,} more"] if left_out > 0 else []))


def _general_name(name: x509.GeneralName) -> str:
    match name:
        case x509.DNSName():
            return f"dns:{text(name.value)}"
        case x509.IPAddress():
            return f"ip:{name.value}"
        case x509.RFC822Name():
            return f"email:{text(name.value)}"
        case x509.UniformResourceIdentifier():
            return f"uri:{text(name.value)}"
        case x509.OtherName():
            return _other_name(name)
        case x509.DirectoryName():
            return "other:" + ", ".join(f"{label}={value}" for label, value in subject(name.value))
        case x509.RegisteredID():
            return f"other:{name.value.dotted_string}"
    return f"other:{text(repr(name))}"


def _other_name(name: x509.OtherName) -> str:
    if name.type_id.dotted_string == UPN:
        try:
            tag, start, end = der.header(name.value, 0)
            if tag == der.UTF8_STRING and end == len(name.value):
                return f"upn:{text(name.value[start:end].decode())}"
        except ValueError:  # BadDER and UnicodeDecodeError both
            pass
    return f"other:{name.type_id.dotted_string} {binary(name.value)}"


def extensions(found: x509.Extensions) -> tuple[tuple[str, str], ...]:
    """(name, what was asked) of each extension; "critical" where it was marked so."""
    pairs = []
    for extension in list(found)[:MAX_ENTRIES]:
        name = _EXTENSIONS.get(extension.oid, extension.oid.dotted_string)
        shown = _value(extension.value)
        pairs.append((name, f"critical, {shown}" if extension.critical else shown))
    left_out = len(found) - MAX_ENTRIES
    return (*pairs, *([("…", f"{left_out:,} more")] if left_out > 0 else []))


def _value(value: x509.ExtensionType) -> str:
    match value:
        case x509.BasicConstraints():
            length = "" if value.path_length is None else f", path length {value.path_length}"
            return f"CA:TRUE{length}" if value.ca else "CA:FALSE"
        case x509.KeyUsage():
            return _key_usage(value)
        case x509.ExtendedKeyUsage():
            return _listed(_PURPOSES.get(oid, oid.dotted_string) for oid in value)
        case x509.SubjectAlternativeName():
            return _listed(general_names(list(value)))
        case x509.SubjectKeyIdentifier():
            return binary(value.digest)
        case x509.UnrecognizedExtension():
            return binary(value.value)
    return text(re.sub(r"<(\w+)\(", r"\1(", repr(value)).replace(")>", ")"))


def _listed(entries: Iterable[str]) -> str:
    found = list(entries)
    shown = ", ".join(found[: MAX_ENTRIES + 1])
    return shown if len(found) <= MAX_ENTRIES + 1 else f"{shown}, … {len(found):,} in all"


def _key_usage(usage: x509.KeyUsage) -> str:
    """RFC 5280 4.2.1.3. The last two bits mean nothing, and cryptography raises, without keyAgreement."""
    flags = [
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
    ]
    flags += ["key_cert_sign", "crl_sign"]
    if usage.key_agreement:
        flags += ["encipher_only", "decipher_only"]
    return ", ".join(_camel(flag) for flag in flags if getattr(usage, flag)) or "none"
