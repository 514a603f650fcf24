"""What stands in the way of `make run` is said in a sentence, before anything is installed."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from django.conf import settings

SCRIPT = settings.BASE_DIR / "deploy" / "bootstrap.py"


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, over an empty checkout that holds the requirements alone."""
    spec = importlib.util.spec_from_file_location("bootstrap", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "requirements.txt").write_text("")
    monkeypatch.setattr(module, "TOP", str(tmp_path))
    monkeypatch.setattr(module, "VENV", str(tmp_path / ".venv"))
    monkeypatch.setattr(module, "PYTHON", str(tmp_path / ".venv/bin/python"))
    return module


def obstacle(bootstrap: ModuleType, *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        bootstrap.main(list(words))
    assert str(ended.value).startswith("Latchkey cannot start: ")
    return str(ended.value)


def test_a_python_that_is_too_old_is_said_when_there_is_no_newer_one(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST", (99, 0))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "needs Python 3.11 or later" in obstacle(bootstrap)


def test_a_newer_python_beside_it_is_taken(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(program: str, words: list[str]) -> None:
        raise SystemExit(program)

    monkeypatch.setattr(bootstrap, "OLDEST", (99, 0))
    monkeypatch.setattr(bootstrap, "works", lambda python: True)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if name == "python3.12" else None)
    monkeypatch.setattr(bootstrap.os, "execv", taken)
    with pytest.raises(SystemExit, match="/usr/bin/python3.12"):
        bootstrap.newer_python()


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_missing_venv_module_is_said_with_the_package(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        bootstrap.importlib.util, "find_spec", lambda name: None if name == module else real(name)
    )
    assert "sudo apt install python3." in obstacle(bootstrap)


def test_too_little_room_is_said(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=7 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert "only 7 MB are free" in obstacle(bootstrap)


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("NewConnectionError: Failed to establish a new connection", "no network"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "not the one that was pinned"),
        ("a\nERROR: something else\n", "ERROR: something else"),
    ],
)
def test_what_pip_says_becomes_a_sentence(bootstrap: ModuleType, output: str, sentence: str) -> None:
    assert sentence in bootstrap.why_pip_failed(output)


def test_whoever_waits_reads_which_package_of_how_many_is_fetched(
    bootstrap: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    said = [
        "Collecting django==5.2 (from -r x)\n",
        "  Downloading django\n",
        "Collecting qrcode==8.0 (from y)\n",
    ]
    for count in range(1, 4):
        bootstrap.tell(said[:count], 7)
    bootstrap.tell(["Installing collected packages: django, qrcode\n"], 7)
    assert capsys.readouterr().out.splitlines() == [
        "  1 of 7: django 5.2",
        "  2 of 7: qrcode 8.0",
        "  All fetched. Unpacking them.",
    ]


def test_what_is_installed_is_not_installed_again(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(bootstrap, "make_venv", lambda: calls.append("venv"))
    monkeypatch.setattr(bootstrap, "pip", calls.append)
    Path(bootstrap.VENV, "bin").mkdir(parents=True)
    Path(bootstrap.PYTHON).touch()
    bootstrap.install("requirements.txt")
    assert len(calls) == 2
    bootstrap.install("requirements.txt")
    assert len(calls) == 2
    Path(bootstrap.TOP, "requirements.txt").write_text("# changed\n")
    bootstrap.install("requirements.txt")
    assert len(calls) == 4


def test_a_missing_program_fails_in_ci_and_is_named_elsewhere(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "there", lambda program: program != "javac")
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(bootstrap.Obstacle, match="default-jdk-headless"):
        bootstrap.debian_packages()
    monkeypatch.setenv("CI", "")
    bootstrap.debian_packages()
    assert "Skipping the tests that need: default-jdk-headless" in capsys.readouterr().out


@pytest.mark.slow
def test_an_empty_checkout_gets_its_venv(bootstrap: ModuleType) -> None:
    bootstrap.main([])
    assert subprocess.run([bootstrap.PYTHON, "-c", ""], timeout=10).returncode == 0
    assert bootstrap.installed("requirements.txt") == bootstrap.fingerprint("requirements.txt")


def test_the_script_parses_for_pythons_that_are_too_old() -> None:
    compile(SCRIPT.read_text(), str(SCRIPT), "exec", dont_inherit=True)
    newer = ("match ", ":=", " | None", "removeprefix", "async ")
    assert not [word for word in newer if word in SCRIPT.read_text()]


@pytest.mark.slow
def test_make_help_lists_the_targets() -> None:
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    done = subprocess.run(["make", "help"], cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=20)
    for target in ("run", "demo", "test", "check", "bench", "lock"):
        assert f"make {target} " in done.stdout
    assert sys.executable not in done.stdout


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("", "requirements.txt"),
        ("sqlite:///x", "requirements.txt"),
        ("postgres://x", "requirements-postgresql.txt"),
    ],
)
def test_the_driver_of_postgresql_is_installed_for_such_a_database(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, url: str, file: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    assert bootstrap.requirements(False) == file
    assert bootstrap.requirements(True) == "requirements-dev.txt"


def test_every_pinned_file_holds_all_that_the_program_runs_on() -> None:
    pinned = [
        line.split(" ")[0]
        for line in (settings.BASE_DIR / "requirements.txt").read_text().splitlines()
        if "==" in line
    ]
    for name in ("requirements-dev.txt", "requirements-postgresql.txt"):
        lines = (settings.BASE_DIR / name).read_text().splitlines()
        assert not [one for one in pinned if not any(line.startswith(one) for line in lines)], name
