"""Damaged SCEP messages through HTTP, to the status face.

A network may ask thirty times in vain, then once a second (enrollment/protocols/scep_limits.py). So that each
message is really looked at, they come from thousands of addresses: 127.0.0.0/8 is all ours.
"""

import hashlib
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from functools import cache
from itertools import islice
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7

from tests.enrollment.protocols.acts import about
from tests.enrollment.protocols.damage import Kind, mutations
from tests.pki.scep_client import Phone, rsa_key
from tests.pki.shapes import sequence, spki
from tests.soak import web
from tests.soak.household import House, household
from tests.soak.results import Outcome

PIECE = 2_000  # messages
THREADS = 4
EACH = 25  # messages from one address, below what it may send in vain
FIRST_ADDRESS = 0x7F010001  # 127.1.0.1
WHERE = "/scep/clients?operation=PKIOperation"
WELL = {(200, "application/x-pki-message"), (400, "text/plain; charset=utf-8")}


def run(begin: int, count: int, folder: Path) -> Iterator[tuple[int, Outcome]]:
    with household(folder) as house:
        kinds = all_kinds(house)
        for start in range(begin, begin + count, PIECE):
            size = min(PIECE, begin + count - start)
            yield size, send(house, kinds, start, size)


def registrar(house: House) -> x509.Certificate:
    """Whom SCEP messages are enciphered for."""
    answer = web.status(house.running).ask("GET", "/scep/clients?operation=GetCACert")
    given = pkcs7.load_der_pkcs7_certificates(answer.body)
    return next(one for one in given if isinstance(one.public_key(), rsa.RSAPublicKey))


@cache
def _registrar_in(folder: Path) -> x509.Certificate:
    """From the file, for when nobody answers."""
    (found, *_) = x509.load_pem_x509_certificates((folder / "ra/scep.pem").read_bytes())
    return found


def registrar_of(house: House) -> x509.Certificate:
    """The same, also while nobody answers."""
    return _registrar_in(house.running.data)


def issuing(house: House) -> x509.Certificate:
    """The CA of people's certificates."""
    return x509.load_der_x509_certificate((house.running.data / "public/ca/clients.cer").read_bytes())


def all_kinds(house: House) -> list[Kind]:
    """A phone's first request, a printer's, a poll, a renewal, and the two that fetch."""
    face, ra, issuer = web.status(house.running), registrar(house), issuing(house)
    holder, newcomer, printer = (Phone(ra, name=name) for name in ("holder", "newcomer", "printer"))
    challenge = house.hand("device", owner="alice", device="enrolled")["challenge"]
    reply = holder.read(face.ask("POST", WHERE, holder.ask(holder.csr(challenge))).body)
    (holder.certificate,) = reply.certificates
    of_device = house.hand("device", owner="alice", device="new")["challenge"]
    of_person = house.hand("challenge", owner="alice", device="printer")["challenge"]
    names = sequence(issuer.subject.public_bytes(), printer.certificate.subject.public_bytes())
    wanted = about(issuer, holder.certificate.serial_number)
    return [
        Kind(newcomer, "19", newcomer.csr(of_device)),
        Kind(printer, "19", printer.csr(of_person)),
        Kind(printer, "20", names),
        Kind(holder, "17", Phone(ra, name="renewed").csr()),
        Kind(holder, "21", wanted),
        Kind(holder, "22", wanted),
    ]


def send(house: House, kinds: list[Kind], begin: int, count: int) -> Outcome:
    """`count` messages, over several connections."""
    found, before = Outcome(), house.pids()
    sizes = [len(range(n, count, THREADS)) for n in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        jobs = [
            pool.submit(_send_part, house, kinds, begin + sum(sizes[:n]), size)
            for n, size in enumerate(sizes)
            if size
        ]
        for part in (job.result() for job in jobs):
            found.tried += part.tried
            found.lost += part.lost
            found.counts += part.counts
    if house.pids() != before or house.is_well():
        found.lost.append(f"the household was not well after {begin}: {house.is_well() or 'a process died'}")
    found.lost += _strange_keys(house)
    return found


def _send_part(house: House, kinds: list[Kind], begin: int, count: int) -> Outcome:
    """From number `begin`; every thread has phones of its own, as a nonce belongs to one message."""
    found = Outcome()
    own = [Kind(copy(kind.sender), kind.message_type, kind.content) for kind in kinds]
    source = mutations(own, random.Random(begin))
    line, source_of = web.status(house.running), -1
    for number, data in enumerate(islice(source, count), start=begin):
        if number // EACH != source_of:
            source_of = number // EACH
            line.close()
            line = web.status(house.running, _address(source_of))
        _one(line, data, number, found)
    line.close()
    return found


def _address(number: int) -> str:
    value = FIRST_ADDRESS + number
    return ".".join(str(value >> shift & 0xFF) for shift in (24, 16, 8, 0))


def _one(line: web.Line, data: bytes, number: int, found: Outcome) -> None:
    try:
        answer = line.ask("POST", WHERE, data, Content_Type="application/x-pki-message")
    except Exception as error:
        found.tried += 1
        found.lost.append(f"{number}: {type(error).__name__}: {error}: {data.hex()[:4000]}")
        return
    if answer.status == 429:  # refused unseen: survived, but it was not looked at
        found.counts["refused unseen"] += 1
        return
    found.tried += 1
    found.counts["answered with a message" if answer.status == 200 else "refused"] += 1
    if (answer.status, answer.headers.get("content-type", "")) not in WELL:
        found.lost.append(f"{number}: answered with {answer.status}: {data.hex()[:4000]}")


def _strange_keys(house: House) -> list[str]:
    """Certificates for keys that none of our phones has."""
    ours = {_digest(name) for name in ("holder", "newcomer", "printer", "renewed")}
    phone = x509.load_pem_x509_certificate(house.device.read_bytes())
    ours.add(hashlib.sha256(spki(phone)).hexdigest())
    return [
        f"a certificate for a strange key: {key}" for key in house.hand("keys")["keys"] if key not in ours
    ]


def _digest(name: str) -> str:
    return hashlib.sha256(spki(rsa_key(name))).hexdigest()
