"""Lists of any length, read without taking them into memory; and what is none."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from pki import crlfile

KEY = ec.generate_private_key(ec.SECP256R1())
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a CA")])
NOW = datetime(2026, 1, 2, 3, 4, 5)


def signed(count: int, ends: bool = True) -> tuple[bytes, list[int]]:
    random.seed(count)
    serials = [random.getrandbits(158) | 1 << 158 for _ in range(count)]
    lines = [x509.RevokedCertificateBuilder(serial, NOW, []).build() for serial in serials]
    builder = x509.CertificateRevocationListBuilder(NAME, NOW, NOW + timedelta(days=7), [], lines)
    builder = builder.add_extension(x509.CRLNumber(5), False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER), serials


def lying(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "a.crl"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("count", [0, 1, 3, 40_000])
def test_it_is_read_as_cryptography_reads_it(tmp_path: Path, count: int) -> None:
    data, serials = signed(count)
    found = crlfile.read(lying(tmp_path, data))
    assert len(found) == count and found.number == 5 and found.audit_head is None
    assert found.frame.last_update_utc == NOW.replace(tzinfo=UTC) and found.frame.issuer == NAME
    assert found.is_signed_by(KEY.public_key())
    assert all(serial in found for serial in [*serials[:3], *serials[-3:], *serials[27_000:27_010]])
    assert not any(serial + 2 in found for serial in serials[:3]) and 1 not in found


def test_another_key_and_a_changed_line_are_noticed(tmp_path: Path) -> None:
    data, serials = signed(3)
    found = crlfile.read(lying(tmp_path, data))
    assert not found.is_signed_by(ec.generate_private_key(ec.SECP256R1()).public_key())
    at = data.index(serials[1].to_bytes(20, "big"))
    changed = data[: at + 5] + bytes([data[at + 5] ^ 1]) + data[at + 6 :]
    assert not crlfile.read(lying(tmp_path, changed)).is_signed_by(KEY.public_key())


def test_the_bytes_of_a_serial_elsewhere_are_no_line(tmp_path: Path) -> None:
    data, _ = signed(1)
    assert 6 not in crlfile.read(lying(tmp_path, data))  # 02 01 06 stands nowhere; 02 01 05 in the extensions
    assert 5 not in crlfile.read(lying(tmp_path, data))


def test_it_stays_itself_when_another_one_takes_its_place(tmp_path: Path) -> None:
    old, new = signed(1), signed(2)
    path = lying(tmp_path, old[0])
    found = crlfile.read(path)
    (tmp_path / "new").write_bytes(new[0])
    (tmp_path / "new").replace(path)
    assert old[1][0] in found and new[1][0] not in found


def test_one_that_is_cut_short_afterwards_is_no_answer(tmp_path: Path) -> None:
    data, serials = signed(3)
    path = lying(tmp_path, data)
    found = crlfile.read(path)
    path.write_bytes(data[:50])
    with pytest.raises(OSError, match="cut short"):
        assert serials[2] in found


def test_nothing_but_a_crl_is_one(tmp_path: Path) -> None:
    data, _ = signed(2)
    for end in range(len(data)):
        with pytest.raises(ValueError):
            assert crlfile.read(lying(tmp_path, data[:end])).frame
    with pytest.raises(ValueError):
        crlfile.read(lying(tmp_path, data + b"\0"))
    with pytest.raises(FileNotFoundError):
        crlfile.read(tmp_path / "none")


def test_any_changed_byte_gives_a_crl_or_a_value_error(tmp_path: Path) -> None:
    data, serials = signed(2)
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        try:
            found = crlfile.read(lying(tmp_path, bytes(changed)))
            assert not found.is_signed_by(KEY.public_key()) and len(found) >= 0
            assert serials[0] in found or serials[0] not in found
        except ValueError:
            pass
