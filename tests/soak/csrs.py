"""Damaged certification requests through HTTP, at the page that looks into them.

Each is answered with what is in it or with what is wrong, never with a 500. What is taken for good is looked
at again, without our code: it must be signed by its own key, and what is signed must be one of the originals,
or a body that was signed anew with the one key that is used for that. So nothing forged is accepted.
"""

import random
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from html import unescape
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.enrollment.mutations import mutation, originals
from tests.pki import shapes
from tests.soak import web
from tests.soak.household import House, household
from tests.soak.results import Outcome

PIECE = 2_000  # requests
THREADS = 4
SENT = 20  # of so many accepted ones one is also sent, read by both sides and withdrawn
TEXTAREA = re.compile(rb'<textarea name="csr"[^>]*>\s*(.*?)</textarea>', re.DOTALL)


def run(begin: int, count: int, folder: Path) -> Iterator[tuple[int, Outcome]]:
    with household(folder) as house:
        for start in range(begin, begin + count, PIECE):
            size = min(PIECE, begin + count - start)
            yield size, send(house, start, size)


def send(house: House, begin: int, count: int) -> Outcome:
    """The mutations with these numbers, over several connections."""
    found, before = Outcome(), house.pids()
    with ThreadPoolExecutor(THREADS) as pool:
        parts = [range(begin + n, begin + count, THREADS) for n in range(THREADS)]
        desks = [(house.session("alice"), house.session("bob")) for _ in parts]
        for part in pool.map(_send_part, parts, desks):
            found.tried += part.tried
            found.lost += part.lost
            found.counts += part.counts
    if house.pids() != before or house.is_well():
        found.lost.append(f"the household was not well after {begin}: {house.is_well() or 'a process died'}")
    return found


def _send_part(numbers: range, desks: tuple[web.Line, web.Line]) -> Outcome:
    found, (home, desk) = Outcome(), desks
    for number in numbers:
        data = mutation(random.Random(number))
        try:
            lost = _one(home, desk, data, found)
        except Exception as error:
            lost = f"{type(error).__name__}: {error}"
        found.tried += 1
        if lost:
            found.lost.append(f"{number}: {lost}: {data.hex()[:4000]}")
    home.close()
    desk.close()
    return found


def _one(home: web.Line, desk: web.Line, data: bytes, found: Outcome) -> str:
    """What went wrong; "" when it was answered as it should."""
    answer = home.upload("/requests/inspect", data)
    if answer.status == 422:
        found.counts["refused"] += 1
        return ""
    if answer.status != 200:
        return f"answered with {answer.status}"
    found.counts["in order"] += 1
    shown = home.upload("/requests/new", data, show="1", profile="tls-client", device="phone")
    accepted = TEXTAREA.search(shown.body)
    if shown.status != 200 or accepted is None:
        return f"in order, and not shown: {shown.status}"
    if why := forged(unescape(accepted[1].decode()).encode()):
        return f"accepted although {why}"
    return _sent(home, desk, data, found) if found.counts["in order"] % SENT == 1 else ""


def forged(pem: bytes) -> str:
    """Why nobody who has the key can have made this request; "" when it is genuine."""
    csr = x509.load_pem_x509_csr(pem)
    if not csr.is_signature_valid:
        return "its signature is not by its key"
    if csr.tbs_certrequest_bytes in _bodies() or _spki(csr.public_key()) == _spki(shapes.p256().public_key()):
        return ""
    return "nobody signed this"


@cache
def _bodies() -> frozenset[bytes]:
    return frozenset(
        found.tbs_certrequest_bytes for found in map(x509.load_der_x509_csr, originals()) if found
    )


def _spki(key: object) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _sent(home: web.Line, desk: web.Line, data: bytes, found: Outcome) -> str:
    """Stored, read by its requester and by the officer, and withdrawn."""
    sent = home.upload("/requests/new", data, profile="tls-client", device="phone")
    if sent.status == 422:  # another thread's with the same key waits
        return ""
    if sent.status != 302:
        return f"sent, and answered with {sent.status}"
    found.counts["stored and read"] += 1
    path = sent.headers["location"]
    read = [home.ask("GET", path).status, desk.ask("GET", f"/queue/{path.rpartition('/')[2]}").status]
    return "" if read + [home.form(f"{path}/withdraw").status] == [200, 200, 302] else f"not read: {read}"
