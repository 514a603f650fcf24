"""Broker and mail server go and come back, in the middle of presses and letters.

While the broker is away a press is told as not answered; while the mail server is, letters wait. Nothing is
sent twice, and nothing that was promised is missing, when both are back.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.door.broker import Mosquitto
from tests.portal.postbox import MailServer, mail_server
from tests.portal.running import free_port
from tests.soak.household import House, household
from tests.soak.ledger import Ledger
from tests.soak.load import at_work, home, letters, settled, wait_for
from tests.soak.results import Outcome

ALONG = 6  # things that are answered before, while one is away, and after it came back
PATIENCE = 300  # seconds: letters are tried again after a minute, and after more


@dataclass
class Village:
    """The two servers, which somebody may stop and start."""

    house: House
    ledger: Ledger
    broker: Mosquitto
    post: MailServer
    mail: ExitStack

    def without(self, name: str) -> None:
        if name == "broker":
            self.ledger.broker_gone.append(time.monotonic())
            self.broker.stop()
        else:
            self.mail.close()

    def again(self, name: str) -> None:
        if name == "broker":
            self.broker.start()
        else:
            self.mail.enter_context(mail_server(self.post))


def run(begin: int, count: int, folder: Path) -> Iterator[tuple[int, Outcome]]:
    port, post, ledger = free_port(), MailServer(free_port()), Ledger()
    servers = {"LATCHKEY_MQTT_URL": f"mqtt://127.0.0.1:{port}", "EMAIL_URL": mail_url(post)}
    with (
        household(folder, **servers) as house,
        home(folder, ledger, port) as broker,
        ExitStack() as mail,
    ):
        mail.enter_context(mail_server(post))
        village = Village(house, ledger, broker, post, mail)
        for number in range(begin, begin + count):
            yield 1, goes(village, "broker" if number % 2 == 0 else "mail server")


def mail_url(post: MailServer) -> str:
    return f"smtp://127.0.0.1:{post.port}?tls=none&from=latchkey@home.arpa"


def goes(village: Village, name: str) -> Outcome:
    """One of the two goes for a while, and comes back."""
    ledger = village.ledger
    before = ledger.counts()
    with at_work(village.house, ledger, devices=4):
        wait_for(ledger, ALONG)
        village.without(name)
        wait_for(ledger, ALONG)
        village.again(name)
        wait_for(ledger, ALONG)
    lost = settled(village.house, ledger, PATIENCE)
    letters(ledger, village.post)
    lost += ledger.letters_lost(village.house.hand("books"))
    found = ledger.counts()
    found.subtract(before)
    ledger.faults.clear()
    return Outcome(1, lost, found)
