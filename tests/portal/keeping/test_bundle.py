"""One file and the folder again: whole, or a sentence and nothing."""

import io
import random
import tarfile
from pathlib import Path

import pytest

from portal.keeping import age, bundle
from portal.keeping.age import Unreadable
from portal.keeping.bundle import FORMAT, Manifest
from portal.keeping.trouble import Trouble

WORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(age, "WORK", 4)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A few files, one of them empty, one longer than a chunk."""
    place = tmp_path / "copied"
    for name, content in (("web/key", b"secret"), ("web/empty", b""), ("public/crl/a.crl", bytes(200_000))):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    (place / "public/crl/a.crl").chmod(0o644)
    return place


def saved(folder: Path, target: Path) -> Manifest:
    found = Manifest(FORMAT, "1.0.0", "2026-01-01T00:00:00+00:00", "", bundle.digests(folder))
    bundle.save(folder, found, target, WORD, lambda count: None)
    return found


def unpacked(data: bytes, place: Path) -> Manifest:
    place.mkdir()
    return bundle.unpack(io.BytesIO(data), place, WORD)


def test_everything_comes_back_and_secrets_are_nobody_elses(folder: Path, tmp_path: Path) -> None:
    manifest = saved(folder, tmp_path / "b.age")
    assert (tmp_path / "b.age").stat().st_mode & 0o777 == 0o600
    assert unpacked((tmp_path / "b.age").read_bytes(), tmp_path / "again") == manifest
    assert bundle.digests(tmp_path / "again") == manifest.files
    assert (tmp_path / "again/web/key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "again/public/crl/a.crl").stat().st_mode & 0o777 == 0o644


def test_no_file_is_written_over_and_no_half_of_one_is_left(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "b.age").write_text("mine")
    with pytest.raises(Trouble, match="exists already"):
        saved(folder, tmp_path / "b.age")
    assert (tmp_path / "b.age").read_text() == "mine"
    assert not (tmp_path / ".b.age.part").exists()


def test_what_cannot_be_read_back_is_no_backup(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(age, "opened", lambda file, passphrase: iter([b"other"]))
    with pytest.raises(Trouble, match="cannot be read back"):
        saved(folder, tmp_path / "b.age")
    assert [path.name for path in tmp_path.iterdir()] == ["copied"]


def test_hundreds_of_damaged_files_give_a_sentence_each(folder: Path, tmp_path: Path) -> None:
    saved(folder, tmp_path / "b.age")
    data, chance = (tmp_path / "b.age").read_bytes(), random.Random(7)
    for number in range(400):
        changed = bytearray(data)
        place = chance.randrange(len(data))
        match number % 4:
            case 0:
                changed[place] ^= 1 << chance.randrange(8)
            case 1:
                del changed[place:]
            case 2:
                del changed[place : place + chance.randrange(1, 100)]
            case _:
                changed[place:place] = chance.randbytes(chance.randrange(1, 100))
        with pytest.raises((Unreadable, Trouble)):
            unpacked(bytes(changed), tmp_path / f"again-{number}")


def archive(*entries: tuple[str, bytes]) -> bytes:
    """A tar archive that somebody made who knows the passphrase."""
    plain, target = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as made:
        for name, content in entries:
            heading = tarfile.TarInfo(name)
            heading.size = len(content)
            if content == b"link":
                heading.type, heading.linkname, heading.size = tarfile.SYMTYPE, "/etc/passwd", 0
            made.addfile(heading, io.BytesIO(content))
    age.seal([plain.getvalue()], target, WORD)
    return target.getvalue()


LIST = b'{"format": 1, "version": "1", "made_at": "", "household": "", "files": {}}'


@pytest.mark.parametrize(
    "entries",
    [
        (),
        (("web/key", b"x"),),
        (("manifest.json", b"{"),),
        (("manifest.json", b'{"format": 1}'),),
        (("manifest.json", LIST.replace(b"1,", b"2,", 1)),),
        (("manifest.json", LIST), ("web/key", b"x")),
        (("manifest.json", LIST), ("../out", b"x")),
        (("manifest.json", LIST), ("web/\0é", b"x")),
        (("manifest.json", LIST), ("/tmp/out", b"x")),
        (("manifest.json", LIST), ("web/key", b"link")),
        (("manifest.json", LIST.replace(b"{}", b'{"web/key": ""}')),),
    ],
)
def test_what_no_backup_wrote_is_refused(entries: tuple[tuple[str, bytes], ...], tmp_path: Path) -> None:
    with pytest.raises(Trouble, match=r"no (whole )?backup of Latchkey|another Latchkey"):
        unpacked(archive(*entries), tmp_path / "again")
    assert not (tmp_path / "out").exists()


def test_what_is_no_archive_at_all_is_refused(tmp_path: Path) -> None:
    target = io.BytesIO()
    age.seal([b"a letter" * 100], target, WORD)
    with pytest.raises(Trouble, match="no backup of Latchkey"):
        unpacked(target.getvalue(), tmp_path / "again")
