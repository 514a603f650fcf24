"""What a backup takes along, and how."""

from pathlib import Path

import pytest

from portal.keeping.snapshot import run_postgresql


@pytest.mark.parametrize(
    ("url", "named", "password"),
    [
        ("postgres://anna:s%40cr%3Aet@db.lan:5433/house?sslmode=require", "anna@db.lan:5433", "s@cr:et"),
        ("postgresql://anna@%2Frun%2Fpg:5433/house", "anna@%2Frun%2Fpg:5433", ""),
        ("postgres://db.lan/house", "db.lan", ""),
    ],
)
def test_the_passwords_of_databases_stand_on_no_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, named: str, password: str
) -> None:
    """A command line is there for every user of the machine to read."""
    program = tmp_path / "pg_dump"
    program.write_text('#!/bin/sh\necho "$@"\necho "$PGPASSWORD"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.delenv("PGPASSWORD", raising=False)
    said = run_postgresql("pg_dump", "--format=custom", url=url).splitlines()
    assert said[0].startswith(f"--format=custom --dbname={url.partition('//')[0]}//{named}/house")
    assert said[1] == password
