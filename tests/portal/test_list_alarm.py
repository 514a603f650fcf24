"""A revocation list that is not made anew is an alarm days before it lapses."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import CertificateRevocationListBuilder, Name
from django.utils import timezone
from pytest_django import Settings

from pki import crl, publication
from pki.signer.protocol import AUTHORITIES
from portal import health


@pytest.fixture
def published(settings: Settings, tmp_path: Path) -> Path:
    settings.PUBLIC_DIR = tmp_path
    for name in AUTHORITIES:
        for suffix in ("", "-root"):
            lay(f"{name}{suffix}", timedelta(days=6))
    return tmp_path


def lay(name: str, left: timedelta) -> None:
    """A list that ends so long from now."""
    end = datetime.now(UTC).replace(tzinfo=None) + left
    builder = CertificateRevocationListBuilder(Name([]), end - timedelta(days=7), end)
    made = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    publication.write(crl.path(name), made.public_bytes(Encoding.DER))


def words() -> list[tuple[bool, str]]:
    return [(fact.well, fact.word) for fact in health.revocation_lists()]


def test_fresh_lists_are_well(published: Path) -> None:
    assert words() == [(True, "Current")] * 3
    with timezone.override("Asia/Tokyo"):
        fact = health.revocation_lists()[0]
    assert "Of phones and browsers: 0 revoked." in fact.sentence
    assert (fact.label, fact.moment) == ("Good until", crl.current("clients").ends)
    laid = datetime.fromtimestamp(crl.path("clients").stat().st_mtime, ZoneInfo("Asia/Tokyo"))
    assert f"Published {laid.day} {laid:%B %Y, %H:%M}." in fact.sentence


@pytest.mark.parametrize("name", ["servers", "servers-root"])
@pytest.mark.parametrize(("left", "word"), [(3, "Lapses soon"), (0, "Lapsed")])
def test_one_that_was_not_made_anew_is_told(published: Path, name: str, left: int, word: str) -> None:
    lay(name, timedelta(days=left, seconds=-1))
    assert words() == [(True, "Current"), (False, word), (True, "Current")]
    assert "Housekeeping" in health.revocation_lists()[1].sentence
