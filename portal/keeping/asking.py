"""The passphrase of a backup, from somebody at a keyboard or from a file; and the progress they see."""

import getpass
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from mnemonic import Mnemonic
from rich.console import Console
from rich.progress import DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from pki.signer import home
from portal.keeping.age import Unreadable
from portal.keeping.snapshot import Say
from portal.keeping.trouble import Trouble

SHORTEST = 16  # characters: the file holds the CA keys and may lie about for years
STRENGTH = 128  # bits of one that is made here: twelve words


def new_passphrase(file: Path | None) -> str:
    """From `file`, or typed twice; an empty line makes one of twelve words, and shows it. Raises Trouble."""
    if file is not None:
        return _from_file(file)
    _needs_terminal()
    print(
        "A passphrase for the backup: at least 16 characters, or an empty line to have one made.",
        file=sys.stderr,
    )
    typed = getpass.getpass("Passphrase: ", sys.stderr)
    if not typed:
        words = Mnemonic("english").generate(STRENGTH)
        print(
            f"\n  {words}\n\nWrite it down on paper now. Without it nobody opens the backup.", file=sys.stderr
        )
        return words
    if len(typed) < SHORTEST:
        raise Trouble(f"A passphrase needs at least {SHORTEST} characters: four or five words of your own.")
    if getpass.getpass("The same again: ", sys.stderr) != typed:
        raise Trouble("The two were not the same. Nothing was made.")
    return typed


def passphrase(file: Path | None) -> str:
    """The one a backup was made with. Raises Trouble."""
    if file is not None:
        return _from_file(file)
    _needs_terminal()
    return getpass.getpass("Passphrase of the backup: ", sys.stderr)


def _from_file(file: Path) -> str:
    try:
        return home.given_passphrase(file).decode()
    except (home.StartRefused, UnicodeDecodeError) as refused:
        raise Trouble(str(refused)) from refused


def _needs_terminal() -> None:
    if not sys.stdin.isatty():
        raise Trouble(
            "Nobody is there to type a passphrase. Give a file that holds it with --passphrase-file."
        )


@contextmanager
def progress() -> Iterator[tuple[Say, Callable[[int], None]]]:
    """Two functions: what is being done, and how many bytes more. Shows nothing where nobody watches."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), DownloadColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task("", total=None)
        yield (
            lambda what: shown.update(task, description=what),
            lambda count: shown.advance(task, count),
        )


@contextmanager
def told() -> Iterator[None]:
    """What goes wrong inside is one sentence and exit code 1. SIGTERM cleans up as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, _end)
    try:
        yield
    except (Trouble, Unreadable) as trouble:
        raise SystemExit(str(trouble)) from None
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        raise SystemExit(f"{error.strerror or error}{place}. Nothing was left behind.") from None
    except MemoryError:
        raise SystemExit("This machine has too little memory to open the file (1 GB at most).") from None
    except KeyboardInterrupt:
        raise SystemExit("Interrupted. Nothing was left behind.") from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
