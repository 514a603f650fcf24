"""`python -m pki.signer`: the process that holds the CA keys. Plain arguments, no environment."""

import argparse
import ctypes
import os
import re
import resource
import signal
import socket
import sqlite3
import sys
from pathlib import Path
from types import FrameType

from pki import hostnames
from pki.errors import IssuanceRefused
from pki.signer import home, server
from pki.signer.authorities import Plan
from pki.signer.home import StartRefused
from pki.signer.journal import Journal
from pki.signer.keys import open_authorities
from pki.signer.log import log
from pki.signer.protocol import AUTHORITIES
from pki.signer.service import Service
from pki.text import printable

PR_SET_DUMPABLE = 4  # prctl(2)


def main() -> int:
    options = _options()
    _close_up()
    try:
        if options.replace_authority:
            return _replace(options.home, options.replace_authority)
        _run(options)
    except StartRefused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except (OSError, sqlite3.Error) as error:  # a full disk, a folder we may not write in, a broken journal
        print(f"The signer cannot start or go on: {error}.", file=sys.stderr)
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pki.signer", description="Latchkey's signer.")
    parser.add_argument("--home", type=Path, required=True, help="its folder: CA keys, passphrase, journal")
    parser.add_argument("--socket", type=Path, help="where it listens")
    parser.add_argument("--hosts", default="", help="names and addresses people use, separated by blanks")
    parser.add_argument("--status-url", default="", help="where CRLs and CA certificates are published")
    parser.add_argument("--label", default="home", help="a word for this household, in the CAs' names")
    parser.add_argument("--allow-uid", type=int, action="append", default=[], help="another user who may ask")
    parser.add_argument("--socket-mode", type=lambda text: int(text, 8), default=0o600, help="0600, or 0660")
    parser.add_argument(
        "--passphrase-file", type=Path, help="instead of HOME/passphrase; a systemd credential"
    )
    parser.add_argument("--replace-authority", choices=AUTHORITIES, help="lay this CA aside, and end")
    options = parser.parse_args()
    if not options.replace_authority and not (options.socket and options.status_url):
        parser.error("--socket and --status-url are needed")
    if options.status_url and not re.fullmatch(r"https?://[!-~]+", options.status_url):
        parser.error("--status-url is not an address such as http://192.168.1.2:8080")
    return options


def _close_up() -> None:
    """No core dumps, no debugger of the same user: keys are in this memory. New files are ours alone."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_DUMPABLE)")


def _replace(folder: Path, name: str) -> int:
    lock = home.enter(folder)
    print(f"{home.retire(folder, name)} holds the old authority; the next start makes a new one.")
    os.close(lock)
    return 0


def _run(options: argparse.Namespace) -> None:
    lock = home.enter(options.home)
    passphrase = home.passphrase(options.home, options.passphrase_file)
    hosts = _hosts(options.hosts)
    machine = _hosts(socket.gethostname().partition(".")[0])
    plan = Plan(_label(options.label), (*hosts, *machine), options.status_url.rstrip("/"))
    journal = Journal(options.home / "journal.sqlite3")
    authorities = open_authorities(options.home, passphrase, plan)
    service = Service(authorities, journal, plan.status_url, frozenset({*hosts, "localhost"}))
    recovered = service.recover()
    listener = server.listen(options.socket, options.socket_mode)
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    if recovered:
        log("recovered", certificates=recovered)
    print("ready", flush=True)
    try:
        server.serve(listener, service, frozenset({os.getuid(), *options.allow_uid}))
    finally:
        journal.close()  # waits for the commit in progress
        options.socket.unlink(missing_ok=True)
        os.close(lock)
        log("ended")


def _hosts(text: str) -> tuple[str, ...]:
    """Names and addresses in their normal form. One that no certificate can carry is left out, not fatal."""
    found = []
    for part in text.replace(",", " ").split():
        try:
            found.append(hostnames.san(part).partition(":")[2])
        except IssuanceRefused as error:
            log("ignored", host=part, why=str(error))
    return tuple(dict.fromkeys(found))


def _label(text: str) -> str:
    """At most 30 bytes: with the rest of the CA's name they fit into a CN (64, RFC 5280 A.1)."""
    return printable(text).encode()[:30].decode(errors="ignore").strip() or "home"


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
