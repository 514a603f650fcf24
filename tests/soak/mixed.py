"""Mixed requests to every face, as a busy household sends them; and the memory of each process.

Each visit is one of the list below, in an order that its number decides. Nothing may be answered with a 5xx,
no connection may break, and no process may be another one at the end than at the beginning.
"""

import base64
import random
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from cryptography import x509

from tests.conftest import make_csr
from tests.pki.ocsp_requests import asked
from tests.pki.scep_client import Phone
from tests.soak import messages, web
from tests.soak.hand import DOOR
from tests.soak.household import House, household
from tests.soak.results import Outcome

PIECE = 2_500  # requests
THREADS = 6
WARM = 600  # requests before memory is looked at: by then every page has been made once
SIGNED_OUT = ("/", "/login", "/help", "/help/devices", "/trust", "/lost", "/healthz", "/back", "/nothing")
ALICE = ("/", "/requests/", "/requests/new", "/certificates/", "/doors/history", "/account", "/device")
BOB = ("/", "/queue/", "/queue/?q=phone", "/people", "/certificates/?q=phone", "/certificates/timeline")
ERIN = ("/audit", "/audit?action=request", "/status", "/certificates/list.csv")
PLAIN = ("/", "/crl/clients.crl", "/crl/servers-root.crl", "/ca/servers-root.cer", "/crl/nothing.crl")


@dataclass
class Visitors:
    """One thread's connections."""

    nobody: web.Line
    alice: web.Line
    bob: web.Line
    erin: web.Line
    status: web.Line
    door: web.Line
    check: web.Line
    stranger: web.Line
    house: House
    poll: bytes
    question: bytes


def run(begin: int, count: int, folder: Path) -> Iterator[tuple[int, Outcome]]:
    with household(folder) as house:
        before: dict[str, int] = {}
        send(house, -WARM, min(WARM, count))
        for start in range(begin, begin + count, PIECE):
            before = before or house.memory()
            size = min(PIECE, begin + count - start)
            found = send(house, start, size)
            found.notes["PSS, MiB"] = grown(before, house.memory())
            found.lost += [f"{house.tracebacks()} tracebacks in the log"] if house.tracebacks() else []
            yield size, found


def grown(before: dict[str, int], after: dict[str, int]) -> str:
    """From when everything was used once to now, for each process."""
    names = sorted(before.keys() | after.keys())
    pairs = [f"{name} {before.get(name, 0) / 1024:.0f} → {after.get(name, 0) / 1024:.0f}" for name in names]
    total = f"together {sum(before.values()) / 1024:.0f} → {sum(after.values()) / 1024:.0f}"
    return ", ".join([*pairs, total])


def send(house: House, begin: int, count: int) -> Outcome:
    """The visits with these numbers, over several connections to each face."""
    found, before = Outcome(), house.pids()
    parts = [range(begin + n, begin + count, THREADS) for n in range(THREADS)]
    visitors = [_visitors(house) for _ in parts]
    with ThreadPoolExecutor(THREADS) as pool:
        for part in pool.map(_visits, visitors, parts):
            found.tried += part.tried
            found.lost += part.lost
            found.counts += part.counts
    after = house.pids()
    if {name: after[name] for name in before} != before:  # the check face may have come meanwhile
        found.lost.append(f"a process died after {begin}")
    return found


def _visitors(house: House) -> Visitors:
    running = house.running
    ra, issuer = messages.registrar(house), messages.issuing(house)
    leaf = x509.load_pem_x509_certificate(house.device.read_bytes())
    phone = Phone(ra, name="mixed")
    return Visitors(
        nobody=web.portal(running),
        alice=house.session("alice"),
        bob=house.session("bob"),
        erin=house.session("erin"),
        status=web.status(running),
        door=web.door(running, house.device),
        check=web.check(running, house.device),
        stranger=web.check(running, None),
        house=house,
        poll=phone.poll(issuer),
        question=asked(leaf, issuer),
    )


def _visits(visitors: Visitors, numbers: range) -> Outcome:
    found = Outcome()
    for number in numbers:
        dice = random.Random(number)
        visit = dice.choices(VISITS, WEIGHTS)[0]
        found.tried += 1
        name = visit.__name__.strip("_").replace("_", " ")
        found.counts[name] += 1
        try:
            answer = visit(visitors, dice)
        except Exception as error:
            found.lost.append(f"{number}: {name}: {type(error).__name__}: {error}")
            continue
        if answer.status >= 500:
            found.lost.append(f"{number}: {name}: answered with {answer.status}")
    for line in (
        visitors.nobody,
        visitors.alice,
        visitors.bob,
        visitors.erin,
        visitors.status,
        visitors.door,
    ):
        line.close()
    return found


def _portal_signed_out(visitors: Visitors, dice: random.Random) -> web.Answer:
    return visitors.nobody.ask("GET", dice.choice(SIGNED_OUT))


def _portal_wrong_password(visitors: Visitors, dice: random.Random) -> web.Answer:
    fields = {"username": f"nobody-{dice.randrange(10**9)}", "password": "guessed", "code": "123456"}
    return visitors.nobody.form("/login", **fields)


def _portal_requester(visitors: Visitors, dice: random.Random) -> web.Answer:
    return visitors.alice.ask("GET", dice.choice(ALICE))


def _portal_officer(visitors: Visitors, dice: random.Random) -> web.Answer:
    return visitors.bob.ask("GET", dice.choice(BOB))


def _portal_auditor(visitors: Visitors, dice: random.Random) -> web.Answer:
    return visitors.erin.ask("GET", dice.choice(ERIN))


def _portal_asks_and_withdraws(visitors: Visitors, dice: random.Random) -> web.Answer:
    fields = {"profile": "tls-client", "device": f"laptop {dice.randrange(10**9)}"}
    sent = visitors.alice.upload("/requests/new", make_csr(), **fields)
    if sent.status != 302:
        return sent
    return visitors.alice.form(f"{sent.headers['location']}/withdraw")


def _status_plain(visitors: Visitors, dice: random.Random) -> web.Answer:
    return visitors.status.ask("GET", dice.choice(PLAIN))


def _ocsp_post(visitors: Visitors, dice: random.Random) -> web.Answer:
    return visitors.status.ask(
        "POST", "/ocsp/clients", visitors.question, Content_Type="application/ocsp-request"
    )


def _ocsp_get(visitors: Visitors, dice: random.Random) -> web.Answer:
    question = base64.b64encode(visitors.question).decode()
    return visitors.status.ask("GET", f"/ocsp/clients/{quote(question, safe='')}")


def _scep_reads(visitors: Visitors, dice: random.Random) -> web.Answer:
    operation = dice.choice(("GetCACaps", "GetCACert"))
    return visitors.status.ask("GET", f"/scep/clients?operation={operation}")


def _scep_asks(visitors: Visitors, dice: random.Random) -> web.Answer:
    """A poll for what nobody asked, from somewhere else each time."""
    source = f"127.{dice.randrange(2, 250)}.{dice.randrange(256)}.{dice.randrange(1, 255)}"
    line = web.status(visitors.house.running, source)
    try:
        return line.ask("POST", messages.WHERE, visitors.poll)
    finally:
        line.close()


def _door_page(visitors: Visitors, dice: random.Random) -> web.Answer:
    return visitors.door.ask("GET", dice.choice(("/", "/history", "/help")))


def _door_press(visitors: Visitors, dice: random.Random) -> web.Answer:
    token = str(uuid.UUID(int=dice.getrandbits(128)))
    return visitors.door.form(f"/doors/{DOOR}/open", token=token)


def _check_face(visitors: Visitors, dice: random.Random) -> web.Answer:
    return dice.choice((visitors.check, visitors.stranger)).ask("GET", "/")


Visit = Callable[[Visitors, random.Random], web.Answer]
SHARES: dict[Visit, int] = {
    _portal_signed_out: 14,
    _portal_wrong_password: 1,
    _portal_requester: 12,
    _portal_officer: 10,
    _portal_auditor: 4,
    _portal_asks_and_withdraws: 2,
    _status_plain: 12,
    _ocsp_post: 8,
    _ocsp_get: 8,
    _scep_reads: 5,
    _scep_asks: 3,
    _door_page: 12,
    _door_press: 5,
    _check_face: 4,
}
VISITS, WEIGHTS = list(SHARES), list(SHARES.values())
