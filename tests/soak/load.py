"""People and devices at work while something goes wrong; each asks until it is answered, and notes it.

What is asked again is the same thing: the same certification request, the same press, the same SCEP message.
"""

import random
import re
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

from paho.mqtt.client import MQTTMessage

from tests.conftest import make_csr
from tests.door.broker import Mosquitto, Visitor
from tests.door.broker import running as broker_running
from tests.pki.scep_client import Phone
from tests.portal.postbox import MailServer
from tests.soak import messages, web
from tests.soak.hand import DOOR
from tests.soak.household import BACK, House
from tests.soak.ledger import Ledger, signer_agrees

PAUSE = 0.05  # seconds before somebody asks again
LATER = (502, 503, 504)
REVIEW = re.compile(rb'href="/queue/([0-9a-f-]{36})"')
SESSION = 200  # seconds: a decision wants a second factor of the last five minutes
GIVE_UP = 240  # seconds for one thing to be answered at last

Ask = Callable[[], web.Answer]


@dataclass
class Load:
    """Threads over a house; `stop` ends them after what they are at."""

    house: House
    ledger: Ledger
    challenges: list[tuple[str, str]]  # devices that are approved, and the challenge of each
    stop: threading.Event = field(default_factory=threading.Event)
    sessions: dict[str, tuple[web.Line, float]] = field(default_factory=dict)
    may_sign_in: bool = True  # not while nothing can be stored

    def line(self, name: str) -> web.Line:
        """The browser of this person, who signs in anew now and then."""
        line, since = self.sessions.get(name, (None, 0.0))
        if line is None or (self.may_sign_in and time.monotonic() - since > SESSION):
            line = self.house.session(name)
            self.sessions[name] = line, time.monotonic()
        return line

    def answered(self, what: str, ask: Ask, *, well: tuple[int, ...]) -> tuple[web.Answer | None, int]:
        """The answer at last and how often nobody gave one before; None when everything ends."""
        begun, tries = time.monotonic(), 0
        while time.monotonic() - begun < GIVE_UP:
            try:
                found = ask()
            except (OSError, HTTPException):
                found = None
            if found is not None and _asks_to_sign_in(found):
                self.sessions.clear()
            elif found is not None and found.status in well:
                return found, tries
            elif found is not None and found.status in LATER:
                self.ledger.busy += 1
            elif found is not None:
                self.ledger.fault(f"{what} was answered with {found.status}")
                return None, tries
            tries += 1
            if self.stop.is_set() and not self.may_sign_in:  # this household ends in its trouble
                return None, tries
            time.sleep(PAUSE)
        self.ledger.fault(f"{what} was not answered within {GIVE_UP} s")
        return None, tries


def _asks_to_sign_in(answer: web.Answer) -> bool:
    """The session has ended, or a decision wants a new second factor: the clock has jumped."""
    stale = answer.status == 422 and b'name="code"' in answer.body
    return stale or answer.headers.get("location", "").startswith("/login")


def asks_and_approves(load: Load) -> None:
    """alice asks by her browser, bob finds the request and approves it."""
    device, pem = f"thing-{secrets.token_hex(5)}", make_csr()
    fields = {"profile": "tls-client", "device": device}
    send = lambda: load.line("alice").upload("/requests/new", pem, **fields)  # noqa: E731 asked again and again
    answer, tries = load.answered("a request", send, well=(302, 422))
    if answer is None:
        return
    if answer.status == 422 and not tries:  # after an answer that was lost, it is there already
        load.ledger.fault(f"a good request was refused: {said(answer)}")
        return
    load.ledger.asked.add(device)
    find = lambda: load.line("bob").ask("GET", f"/queue/?q={device}")  # noqa: E731
    answer, _ = load.answered("the queue", find, well=(200,))
    if answer is None:
        return
    found = REVIEW.search(answer.body)
    if found is None:
        load.ledger.fault(f"{device} was sent, and is not in the queue")
        return
    path = f"/queue/{found[1].decode()}/decide"
    decision = {"action": "approve", "common_name": f"alice's {device}", "days": "30"}
    approve = lambda: load.line("bob").form(path, **decision)  # noqa: E731
    answer, tries = load.answered("an approval", approve, well=(302, 422))
    if answer is not None and (answer.status == 302 or tries):
        load.ledger.approved.add(device)
    elif answer is not None:
        load.ledger.fault(f"a good approval was refused: {said(answer)}")


def said(answer: web.Answer) -> str:
    """What a page says is wrong."""
    found = re.findall(
        rb'class="[^"]*(?:error|notice|problem|warn)[^"]*"[^>]*>(.*?)</', answer.body, re.DOTALL
    )
    return b" ".join(b" ".join(found).split()).decode()[:300]


def presses(load: Load) -> None:
    """alice's phone presses, and looks what came of it."""
    token, line = str(uuid.uuid4()), web.door(load.house.running, load.house.device)
    answer, _ = load.answered("a press", lambda: line.form(f"/doors/{DOOR}/open", token=token), well=(303,))
    if answer is not None:
        load.ledger.pressed[token] = time.monotonic()
        load.answered("a press's page", lambda: line.ask("GET", answer.headers["location"]), well=(200,))
    line.close()


def enrols(load: Load) -> None:
    """A phone comes for what was approved, over SCEP, with the very same message until it is answered."""
    if not load.challenges:
        time.sleep(PAUSE)
        return
    device, challenge = load.challenges.pop()
    phone = Phone(messages.registrar_of(load.house), name=device)
    sent = phone.ask(phone.csr(challenge))
    while True:
        ask = lambda: _from_elsewhere(load).ask("POST", messages.WHERE, sent)  # noqa: E731
        answer, _ = load.answered("an enrolment", ask, well=(200,))
        if answer is None:
            return
        reply = phone.read(answer.body)
        if reply.status == "0":
            load.ledger.enrolled[device] = f"{reply.certificates[0].serial_number:x}"
            return
        if reply.status != "3":  # PENDING (RFC 8894 3.2.1.3): the signer was away
            load.ledger.fault(f"an enrolment was refused: {reply.fail_info}")
            return
        time.sleep(0.5)


def _from_elsewhere(load: Load) -> web.Line:
    """A network that has asked for nothing yet."""
    return web.status(load.house.running, f"127.{random.randrange(2, 250)}.{random.randrange(256)}.7")


def looks(load: Load) -> None:
    """Strangers and programs read what is public."""
    running = load.house.running
    for line, path in (
        (web.status(running), "/crl/clients.crl"),
        (web.portal(running), "/login"),
        (web.check(running, load.house.device), "/"),
        (web.door(running, load.house.device), "/"),
    ):
        load.answered(path, lambda line=line, path=path: line.ask("GET", path), well=(200,))
        line.close()


WORK = (asks_and_approves, presses, enrols, looks)


def _again_and_again(load: Load, work: Callable[[Load], None]) -> None:
    while not load.stop.is_set():
        try:
            work(load)
        except Exception as error:
            load.ledger.fault(f"{work.__name__}: {type(error).__name__}: {error}")
            time.sleep(PAUSE)


@contextmanager
def at_work(house: House, ledger: Ledger, devices: int = 25) -> Iterator[Load]:
    """Everybody works until the end of the block, and to the end of what they are at then."""
    made = [f"phone-{secrets.token_hex(5)}" for _ in range(devices)]
    challenges = [(name, house.hand("device", owner="alice", device=name)["challenge"]) for name in made]
    load = Load(house, ledger, challenges)
    for name in ("alice", "bob"):
        load.line(name)
    messages.registrar_of(house)
    threads = [threading.Thread(target=_again_and_again, args=(load, work), daemon=True) for work in WORK]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.stop.set()
        for thread in threads:
            thread.join(GIVE_UP + 30)
            if thread.is_alive():
                ledger.fault("somebody still waits for an answer")


def wait_for(ledger: Ledger, more: int, seconds: float = BACK) -> None:
    """Until so much more was answered, or some patience is over."""
    goal, deadline = ledger.done + more, time.monotonic() + seconds
    while ledger.done < goal and time.monotonic() < deadline:
        time.sleep(0.1)
    if ledger.done < goal:
        ledger.fault(
            f"only {ledger.done - goal + more} of {more} things were answered within {seconds:.0f} s"
        )


def settled(house: House, ledger: Ledger, seconds: float = BACK) -> list[str]:
    """What was lost, when nothing is on its way any more."""
    deadline = time.monotonic() + seconds
    if said := house.wait_until_well(seconds):
        return [f"not everybody came back: {said}"]
    books: dict[str, Any] = house.hand("books")
    while (waits := ledger.unsettled(books)) and time.monotonic() < deadline:
        time.sleep(1)
        books = house.hand("books")
    late = [f"still on their way: {waits}"] if waits else []
    return [*late, *ledger.lost(books), *signer_agrees(house.running.data, books)]


@contextmanager
def home(folder: Path, ledger: Ledger, port: int) -> Iterator[Mosquitto]:
    """The broker, and somebody at home who listens."""
    with broker_running(folder, port=port) as broker:
        listener = Visitor(port, f"latchkey/{DOOR}/open")

        def heard(client: object, userdata: object, message: MQTTMessage) -> None:
            found = re.search(rb'"nonce":"(\w+)"', message.payload)
            ledger.heard[found[1].decode() if found else "nonsense"] += 1

        listener.client.on_message = heard
        try:
            yield broker
        finally:
            listener.client.disconnect()
            listener.client.loop_stop()


def letters(ledger: Ledger, post: MailServer) -> None:
    """Note what the mail server has got by now."""
    ledger.letters.clear()
    ledger.letters.update(post.ids)
