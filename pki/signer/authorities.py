"""What the three authorities are: their certificates before any key has signed them (RFC 5280 4.2).

`clients`  people's phones and browsers. May only make client certificates.
`servers`  web servers of the household. Name constraints on root and issuing CA: whoever trusts it trusts
           it for this house and never for a bank.
`devices`  MQTT brokers and devices, both ends. No browser trusts it, and it has no name constraints:
           mbedTLS 2.28, which much of this world runs on, cannot even parse critical ones.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pki.builder import issued_by, key_usage, published

ROOT_DAYS = 20 * 365 + 5
ISSUING_DAYS = 10 * 365 + 2
# Clocks in a household are not all right; a certificate is good at once on a slow one.
BACKDATED = timedelta(hours=1)

EKUS = {
    "clients": (ExtendedKeyUsageOID.CLIENT_AUTH,),
    "servers": (ExtendedKeyUsageOID.SERVER_AUTH,),
    "devices": (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH),
}

# `home.arpa` and not `.home.arpa`: with the dot cryptography calls the chain malformed and OpenSSL refuses
# `home.arpa` itself. A name without a dot in front permits itself and everything below (RFC 5280 4.2.1.10).
HOUSE_NAMES = ("localhost", "home.arpa", "internal", "local", "lan")
HOUSE_NETWORKS = (
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
)
# A type of name that no constraint speaks of is free. Mail addresses and URIs are confined to a domain that
# cannot exist (RFC 6761 6.4): excluding "" is read differently by every library.
NOWHERE = "invalid"


@dataclass(frozen=True)
class Plan:
    """What is written into authorities when they are made."""

    label: str  # the household, for people who see several of these in a list
    hosts: tuple[str, ...]  # names and addresses this house uses, besides the private ones
    status_url: str  # without a slash at the end


def constraints(hosts: Iterable[str]) -> x509.NameConstraints:
    """The names and addresses that `servers` may certify."""
    names = list(HOUSE_NAMES)
    networks = [ipaddress.ip_network(network) for network in HOUSE_NETWORKS]
    for host in hosts:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            if not any(host == name or host.endswith(f".{name}") for name in names):
                names.append(host)
        else:
            if not any(address in network for network in networks):
                networks.append(ipaddress.ip_network(address))
    permitted: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    permitted += [x509.IPAddress(network) for network in networks]
    permitted += [x509.RFC822Name(NOWHERE), x509.UniformResourceIdentifier(NOWHERE)]
    return x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=None)


def permitted(issuing: x509.Certificate) -> tuple[str, ...]:
    """What a CA may certify, as "dns:home.arpa" and "ip:10.0.0.0/8"; () when nothing limits it."""
    try:
        found = issuing.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return ()
    trees = found.permitted_subtrees or []
    names = [f"dns:{tree.value}" for tree in trees if isinstance(tree, x509.DNSName)]
    return (*names, *(f"ip:{tree.value}" for tree in trees if isinstance(tree, x509.IPAddress)))


def root(name: str, generation: str, plan: Plan, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    """A root, not signed yet: self-issued, 20 years, one CA below it."""
    subject = _subject(f"Latchkey {name} root", generation, plan)
    builder = _authority(subject, subject, key, ROOT_DAYS, path_length=1)
    return _constrained(builder, name, plan)


def issuing(
    name: str, generation: str, plan: Plan, key: ec.EllipticCurvePublicKey, root: x509.Certificate
) -> x509.CertificateBuilder:
    """An issuing CA under `root`, not signed yet: 10 years, no CA below it, its uses limited by EKU."""
    subject = _subject(f"Latchkey {name} CA", generation, plan)
    points, access = published(plan.status_url, f"{name}-root")
    builder = _authority(subject, root.subject, key, ISSUING_DAYS, path_length=0)
    builder = builder.add_extension(x509.ExtendedKeyUsage(EKUS[name]), False)
    builder = builder.add_extension(issued_by(root), False)
    builder = builder.add_extension(points, False).add_extension(access, False)
    # Again on the issuing CA, because Java ignores those of a trust anchor.
    return _constrained(builder, name, plan)


def _subject(title: str, generation: str, plan: Plan) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Latchkey"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{title} ({plan.label} {generation})"),
        ]
    )


def _authority(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int, path_length: int
) -> x509.CertificateBuilder:
    start = datetime.now(UTC).replace(microsecond=0) - BACKDATED
    builder = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
    builder = builder.not_valid_before(start).not_valid_after(start + timedelta(days=days, seconds=-1))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), True)
    builder = builder.add_extension(key_usage("keyCertSign", "cRLSign"), True)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), False)


def _constrained(builder: x509.CertificateBuilder, name: str, plan: Plan) -> x509.CertificateBuilder:
    if name != "servers":
        return builder
    return builder.add_extension(constraints(plan.hosts), True)
