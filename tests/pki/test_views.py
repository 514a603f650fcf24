"""The status face: signed objects with the right media types and cache headers, and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from pki import publication


@pytest.fixture(autouse=True)
def published(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """A CRL and a certificate, as far as the views look at them."""
    settings.ROOT_URLCONF = "portal.urls_status"
    settings.MIDDLEWARE = settings.STATUS_MIDDLEWARE
    settings.PUBLIC_DIR = tmp_path
    publication.write(tmp_path / "crl" / "clients.crl", b"a list")
    publication.write(tmp_path / "ca" / "clients-root.cer", b"a root")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "media_type", "content", "seconds"),
    [
        ("/crl/clients.crl", "application/pkix-crl", b"a list", 300),
        ("/ca/clients-root.cer", "application/pkix-cert", b"a root", 86400),
    ],
)
def test_a_file_is_served_as_it_lies_there(
    client: Client, path: str, media_type: str, content: bytes, seconds: int
) -> None:
    answer = client.get(path)
    assert answer.status_code == 200 and b"".join(answer.streaming_content) == content
    assert answer.headers["Content-Type"] == media_type
    assert answer.headers["Cache-Control"] == f"public, max-age={seconds}"
    assert answer.headers["Content-Length"] == str(len(content))
    assert answer.headers["ETag"] and answer.headers["Last-Modified"]


def test_head_tells_the_length_without_the_content(client: Client) -> None:
    answer = client.head("/crl/clients.crl")
    assert answer.status_code == 200 and answer.content == b""
    assert (
        answer.headers["Content-Length"] == "6" and answer.headers["Content-Type"] == "application/pkix-crl"
    )


def test_whoever_has_it_already_gets_304(client: Client, published: Path) -> None:
    first = client.get("/crl/clients.crl")
    assert b"".join(first.streaming_content) == b"a list"
    for header in (
        {"If-None-Match": first.headers["ETag"]},
        {"If-Modified-Since": first.headers["Last-Modified"]},
    ):
        again = client.get("/crl/clients.crl", headers=header)
        assert again.status_code == 304 and again.content == b""
        assert again.headers["Cache-Control"] == "public, max-age=300"
    publication.write(published / "crl" / "clients.crl", b"a newer list")
    newer = client.get("/crl/clients.crl", headers={"If-None-Match": first.headers["ETag"]})
    assert newer.status_code == 200 and b"".join(newer.streaming_content) == b"a newer list"


@pytest.mark.parametrize(
    "path",
    [
        "/crl/nobody.crl",
        "/crl/devices.crl",
        "/ca/clients.cer",
        "/crl/..%2fsecret.crl",
        "/ca/.cer",
        "/crl/clients.lock",
    ],
)
def test_what_is_not_published_is_404_in_plain_text(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_nothing_can_be_sent_there(client: Client) -> None:
    assert client.post("/crl/clients.crl", b"x", content_type="text/plain").status_code == 405


def test_publishing_leaves_no_half_file_behind(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr("os.replace", broken)
    with pytest.raises(OSError, match="no room"):
        publication.write(published / "crl" / "clients.crl", b"never seen")
    assert [path.name for path in (published / "crl").iterdir()] == ["clients.crl"]
    assert (published / "crl" / "clients.crl").read_bytes() == b"a list"


def test_what_is_published_can_be_read_by_everybody(published: Path) -> None:
    assert (published / "crl" / "clients.crl").stat().st_mode & 0o777 == 0o644
