"""The CA keys: made, loaded, and used for signing. The only file that names a CA private key.

To the outside an authority is two certificates and, for each, a function that signs a TBS, and one that signs
the digest of a TBS that is too long to hold.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from pki.builder import key_id
from pki.signer import authorities, home
from pki.signer.protocol import AUTHORITIES

# RFC 6979: the same TBS gives the same signature, so what a crash interrupted is done again, not twice.
_DETERMINISTIC = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
_OF_DIGEST = ec.ECDSA(utils.Prehashed(hashes.SHA256()), deterministic_signing=True)


@dataclass(frozen=True)
class Issuer:
    """A CA certificate and its signature: `sign_tbs(tbs) -> DER of ECDSA-Sig-Value` (RFC 5480 A)."""

    certificate: x509.Certificate
    sign_tbs: Callable[[bytes], bytes]
    sign_digest: Callable[[bytes], bytes]  # the same for the SHA-256 of a TBS

    @cached_property
    def id(self) -> str:
        """The SubjectKeyIdentifier in hex: what the journal calls this issuer."""
        return key_id(self.certificate)


@dataclass(frozen=True)
class Authority:
    name: str
    root: Issuer
    issuing: Issuer


def open_authorities(folder: Path, passphrase: bytes, plan: authorities.Plan) -> dict[str, Authority]:
    """The three authorities in `folder`; those that are not there yet are made.

    Raises home.StartRefused when a key cannot be read or does not belong to its certificate.
    """
    for name in AUTHORITIES:
        if not (folder / name).exists():
            _create(folder, name, passphrase, plan)
    return {name: Authority(name, *_load_pair(folder / name, passphrase)) for name in AUTHORITIES}


def _create(folder: Path, name: str, passphrase: bytes, plan: authorities.Plan) -> None:
    """Both CAs of one authority, written beside and put in place by one rename: all of it or nothing."""
    draft = folder / f".new-{name}"
    home.fresh_folder(draft)
    before = home.retired(folder, name)
    generation = f"{datetime.now(UTC):%Y}" + (f"-{before + 1}" if before else "")
    root_key, issuing_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = authorities.root(name, generation, plan, root_key.public_key()).sign(root_key, hashes.SHA256())
    request = authorities.issuing(name, generation, plan, issuing_key.public_key(), root)
    issuing = request.sign(root_key, hashes.SHA256())
    for stem, key, certificate in (("root", root_key, root), ("issuing", issuing_key, issuing)):
        home.write_secret(draft / f"{stem}.key", _sealed(key, passphrase))
        home.write_secret(draft / f"{stem}.cer", certificate.public_bytes(serialization.Encoding.DER))
    home.sync(draft)
    draft.rename(folder / name)
    home.sync(folder)


def _sealed(key: ec.EllipticCurvePrivateKey, passphrase: bytes) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase),
    )


def _load_pair(folder: Path, passphrase: bytes) -> tuple[Issuer, Issuer]:
    return _load(folder, "root", passphrase), _load(folder, "issuing", passphrase)


def _load(folder: Path, stem: str, passphrase: bytes) -> Issuer:
    """One CA; signs once, so that a key that is not the certificate's stops the start, not an issue."""
    path = folder / f"{stem}.key"
    try:
        certificate = x509.load_der_x509_certificate((folder / f"{stem}.cer").read_bytes())
        key = serialization.load_pem_private_key(path.read_bytes(), passphrase)
        public = certificate.public_key()
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(
            public, ec.EllipticCurvePublicKey
        ):
            raise ValueError("not a P-256 key")
        public.verify(key.sign(b"latchkey", _DETERMINISTIC), b"latchkey", _DETERMINISTIC)
    except (OSError, ValueError, TypeError) as error:
        raise home.StartRefused(
            f"{path} cannot be opened ({error}). Restore folder and passphrase from one backup."
        ) from error
    except InvalidSignature:
        raise home.StartRefused(
            f"{path} is not the key of the certificate beside it. Restore the folder from a backup."
        ) from None
    return Issuer(
        certificate,
        lambda tbs: key.sign(tbs, _DETERMINISTIC),
        lambda digest: key.sign(digest, _OF_DIGEST),
    )
