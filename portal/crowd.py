"""Who may hold a thread while it waits for what the client sends, or takes. Plain Python."""

import threading
from collections import Counter
from typing import Generic, TypeVar

T = TypeVar("T")

THREADS = 16  # of a face
SLOW = 12  # threads for connections that are still sending; the others are left for whoever is served
SAME_NETWORK = 8  # of these for one network


class Crowd(Generic[T]):
    """Connections that are still sending, each with its network; the oldest stands first.

    The rule when there are too many: the busiest network loses its oldest. So two or three networks that send
    half of everything only drive out their own, and a visitor from elsewhere, who is done in milliseconds, is
    never the one to go. With as many networks as threads it is the oldest of all, who had the most time.
    """

    def __init__(self) -> None:
        self._network: dict[T, str] = {}
        self._lock = threading.Lock()

    def is_full_for(self, network: str) -> bool:
        with self._lock:
            return Counter(self._network.values())[network] >= SAME_NETWORK

    def join(self, who: T, network: str) -> T | None:
        """Note `who`; gives the one that has to make room, who is forgotten, or None."""
        with self._lock:
            self._network[who] = network
            if len(self._network) <= SLOW:
                return None
            ((busiest, _),) = Counter(self._network.values()).most_common(1)  # the older one among equals
            oldest = next(one for one, its in self._network.items() if its == busiest)
            del self._network[oldest]
            return oldest

    def leave(self, who: T) -> None:
        """Who sent everything, or is gone; also who was forgotten already."""
        with self._lock:
            self._network.pop(who, None)
