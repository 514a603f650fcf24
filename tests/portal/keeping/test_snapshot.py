"""What is copied while others make and remove files."""

import os
from pathlib import Path

from portal.keeping import snapshot


def test_files_that_go_while_it_copies_are_left_out(tmp_path: Path) -> None:
    for name in ("a", "b", "gone/c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    os.symlink("a", tmp_path / "z-link")
    found = snapshot._files(tmp_path)
    assert next(found) == tmp_path / "a"
    (tmp_path / "b").unlink()
    (tmp_path / "gone/c").unlink()
    (tmp_path / "gone").rmdir()
    assert list(found) == []
