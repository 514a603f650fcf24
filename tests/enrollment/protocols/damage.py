"""Good SCEP messages of every kind, cut off, with bits turned, with pieces moved; alike for the same dice."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.enrollment.protocols.acts import again
from tests.pki.scep_client import Phone


@dataclass
class Kind:
    """A good message of one kind, its parts, and who sent it."""

    sender: Phone
    message_type: str
    content: bytes

    def good(self) -> bytes:
        return again(self.sender).ask(self.content, self.message_type)


def flipped(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 8))):
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def cut(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data))]


def moved(data: bytes, dice: random.Random) -> bytes:
    """A piece of it once more, elsewhere."""
    start, to = dice.randrange(len(data)), dice.randrange(len(data))
    return data[:to] + data[start : start + dice.randrange(64)] + data[to:]


CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (flipped, flipped, flipped, cut, moved)


def mutations(kinds: list[Kind], dice: random.Random) -> Iterator[bytes]:
    """Endless. Nine of ten are changed from outside; the tenth is signed anew, changed within."""
    while True:
        for kind in kinds:
            good = kind.good()
            for _ in range(45):
                yield dice.choice(CHANGES)(good, dice)
            for _ in range(5):
                yield changed_within(kind, dice)


def changed_within(kind: Kind, dice: random.Random) -> bytes:
    """What only the holder of a key could send: a damaged envelope, damaged contents, or other attributes."""
    sender, change, where = again(kind.sender), dice.choice(CHANGES), dice.randrange(3)
    if where == 0:
        return sender.sign(change(sender.seal(kind.content), dice), kind.message_type)
    if where == 1:
        return sender.ask(change(kind.content, dice), kind.message_type)
    return sender.ask(kind.content, str(dice.choice((17, 19, 20, 21, 22, dice.randrange(100)))))
