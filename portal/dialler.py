"""Connections to the signer, for processes that may make no Unix sockets themselves (portal/seccomp.py).

The dialler is a small child of the supervisor, outside of the confinement. For each byte it gets it connects
to the signer's socket, and to nothing else, and hands the connection over (SCM_RIGHTS, unix(7)) with the same
byte; or, if it could not, the byte and the error's number. It reads nothing more, so there is nothing in it
to break into.
"""

import contextlib
import errno
import gc
import os
import select
import socket
import threading
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

from pki.signer import client

WITHIN = 3.0  # seconds; what was asked while the dialler is started again is answered by the next one


class Line:
    """From one confined process to the dialler. Made before both are forked, so that it outlives each."""

    def __init__(self) -> None:
        self.ours, self.diallers = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.diallers.setblocking(False)  # one who does not fetch its answers holds up nobody else
        self.lock = threading.Lock()  # the process's threads share the line

    def connect(self, path: Path) -> socket.socket:
        """A connection to the signer, for pki.signer.client. The dialler knows `path`: it takes no orders.

        Raises OSError.
        """
        if not self.lock.acquire(timeout=WITHIN):
            raise TimeoutError("the dialler does not answer")
        try:
            self.ours.settimeout(WITHIN)
            asked = os.urandom(1)
            self.ours.send(asked)
            while True:
                answer, connections = self._answer()
                if answer[:1] == asked and connections:
                    return connections[0]
                for connection in connections:  # asked for by somebody who did not wait for it
                    connection.close()
                if answer[:1] in (asked, b""):
                    number = answer[1] if answer[1:] else errno.EMFILE  # its connection found no room here
                    raise OSError(number, f"no connection to {path}")
        finally:
            self.lock.release()

    def _answer(self) -> tuple[bytes, list[socket.socket]]:
        answer, descriptors, _, _ = socket.recv_fds(self.ours, 2, 1)
        connections = [socket.socket(fileno=descriptor) for descriptor in descriptors]
        for connection in connections:
            connection.set_inheritable(False)
        return answer, connections


def serve(lines: Iterable[Line]) -> None:
    """The dialler's life. Ends with its parent."""
    gc.disable()  # it would touch, and so copy, the memory shared with the supervisor; nothing is to collect
    waiting = select.poll()
    channels = {line.diallers.fileno(): line.diallers for line in lines}
    for descriptor in channels:
        waiting.register(descriptor, select.POLLIN)
    while True:
        for descriptor, _ in waiting.poll():
            with contextlib.suppress(OSError):
                if not _answered(channels[descriptor]):
                    waiting.unregister(descriptor)  # shut down at the other end: it would be ready for ever


def _answered(channel: socket.socket) -> bool:
    """Answer one question; False when there will be no more."""
    asked = channel.recv(1)
    if not asked:
        return False
    try:
        with client.directly(settings.SIGNER_SOCKET) as connection:
            socket.send_fds(channel, [asked], [connection.fileno()])
    except OSError as error:
        channel.send(asked + bytes([(error.errno or errno.EIO) % 256]))
    return True
