"""One connection to the broker, MQTT 5, used once: paho sends again after a reconnect what was not
acknowledged, even with a clean start, and an "open" that goes out late is worse than none.

paho's own network loop is not used: it waits with select(), which fails beyond 1024 descriptors, and opens a
listener on the loopback for each client. Here a thread polls; other threads leave packets and wake it.
"""

import logging
import os
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, LogLevel, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from door.transport import Message

log = logging.getLogger(__name__)

KEEPALIVE = 10  # seconds; the broker takes us for gone after one and a half of it (MQTT 5, 3.1.2.10)
CONNECT_WITHIN = 5.0  # seconds: TCP and TLS, and as long again for the broker's word
LARGEST = 16 * 1024  # bytes of a packet that the broker may send us (3.1.2.11.4)
AT_MOST = 0.5  # seconds between looks at keepalives
NO_LINGER = struct.pack("ii", 1, 0)
BYE, BYE_WITH_WILL = 0x00, 0x04  # 3.14.2.1

Hearing = Callable[[str, bytes, bool], None]  # topic, payload, whether it is a retained one


class Lost(Exception):
    """The connection is over, or never came to be; its text says why."""


class Connection:
    """Opens in its constructor, which raises Lost or OSError (ssl.SSLError included)."""

    def __init__(
        self,
        address: tuple[str, int],
        *,
        context: ssl.SSLContext | None,
        account: tuple[str, str],
        will: tuple[str, bytes],
        hearing: Hearing,
        over: Callable[[], None],
    ) -> None:
        self.busy = 0  # presses under way; their keeper's to count
        self.trouble = ""  # the last one that paho spoke of
        self._hearing, self._over = hearing, over
        self._acks: dict[int, Future[ReasonCode]] = {}
        self._answer: Future[ReasonCode] = Future()
        self._dropped = False
        self._ended = threading.Event()
        self._waker = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._waking = threading.Lock()
        self._client = self._made(context, account, will)
        try:
            self._client.connect(*address, keepalive=KEEPALIVE, clean_start=True, properties=_manners())
        except BaseException:
            os.close(self._waker)
            raise
        threading.Thread(target=self._loop, name="mqtt", daemon=True).start()
        self._wait_for_answer()

    def _made(
        self, context: ssl.SSLContext | None, account: tuple[str, str], will: tuple[str, bytes]
    ) -> Client:
        # Its id is random: brokers hang up on whoever else has the same one, and ids are not secret.
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"latchkey-door-{os.urandom(6).hex()}",
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_WITHIN
        client.on_connect, client.on_publish, client.on_message = (
            self._on_connect,
            self._on_publish,
            self._on_message,
        )
        client.on_log = self._on_log
        client.on_socket_register_write = lambda *_: self._wake()  # else it writes in the caller's thread
        client.will_set(*will, qos=1, retain=True)
        if context:
            client.tls_set_context(context)
        if account[0]:
            client.username_pw_set(account[0], account[1] or None)
        return client

    def _wait_for_answer(self) -> None:
        try:
            reason = self._answer.result(CONNECT_WITHIN)
        except TimeoutError:
            self.drop()
            raise Lost("The broker accepts the connection, but says nothing.") from None
        if reason.is_failure:
            self.drop()
            raise Lost(f"The broker refuses us: {reason}.")

    @property
    def alive(self) -> bool:
        return not (self._ended.is_set() or self._dropped)

    def publish(self, message: Message, within: float) -> ReasonCode:
        """Publish with QoS 1, never retained; gives the reason in the PUBACK (3.4.2.1). Raises Lost.

        Without a PUBACK after `within` seconds the connection is dropped, and the message with it.
        """
        properties = _properties(PacketTypes.PUBLISH)
        properties.MessageExpiryInterval = max(1, message.expires)
        ack = self._send(message.topic, message.payload, retain=False, properties=properties)
        try:
            return ack.result(within)
        except TimeoutError:
            self.drop()
            raise Lost("The broker does not answer.") from None

    def announce(self, topic: str, payload: bytes) -> None:
        """Publish a retained message, and do not wait for the broker's word."""
        self._send(topic, payload, retain=True, properties=None)

    def subscribe(self, topics: Iterable[str]) -> None:
        wanted = [(topic, SubscribeOptions(qos=1)) for topic in topics]
        if wanted:
            self._client.subscribe(wanted)
            self._wake()

    def unsubscribe(self, topics: Iterable[str]) -> None:
        if unwanted := list(topics):
            self._client.unsubscribe(unwanted)
            self._wake()

    def close(self, *, with_will: bool = False) -> None:
        """Say goodbye. `with_will` has the broker publish our will all the same."""
        reason = ReasonCode(PacketTypes.DISCONNECT, identifier=BYE_WITH_WILL if with_will else BYE)
        self._client.disconnect(reasoncode=reason)
        self._wake()
        if not self._ended.wait(1.0):
            self.drop()

    def drop(self) -> None:
        """End it now; what was not sent yet never is."""
        self._dropped = True
        self._wake()

    def _send(
        self, topic: str, payload: bytes, *, retain: bool, properties: Properties | None
    ) -> Future[ReasonCode]:
        """Leave it with paho. The PUBACK may be there before we know the packet's number."""
        info = self._client.publish(topic, payload, qos=1, retain=retain, properties=properties)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise Lost(self.trouble or "The connection to the broker is gone.")
        ack = self._acks.setdefault(info.mid, Future())
        ack.add_done_callback(lambda _: self._acks.pop(info.mid, None))
        self._wake()
        if self._ended.is_set():
            self._fail_all()
        return ack

    def _wake(self) -> None:
        with self._waking:  # once closed, its number may be somebody's socket
            if not self._ended.is_set():
                os.eventfd_write(self._waker, 1)

    def _loop(self) -> None:
        """The connection's thread, until it is over."""
        try:
            while not self._dropped and self._turn() == MQTTErrorCode.MQTT_ERR_SUCCESS:
                pass
        except Exception as error:  # a packet that paho cannot read
            log.warning("mqtt: the broker sent nonsense: %r", error)
        finally:
            self._finish()

    def _turn(self) -> MQTTErrorCode:
        """Wait for something to do, and do it; anything but MQTT_ERR_SUCCESS is the end."""
        client, plug = self._client, self._client.socket()
        if plug is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        poll = select.poll()
        poll.register(self._waker, select.POLLIN)
        poll.register(plug.fileno(), select.POLLIN | (select.POLLOUT if client.want_write() else 0))
        # What TLS has decrypted already, poll() does not see.
        left = isinstance(plug, ssl.SSLSocket) and plug.pending() > 0
        found = dict(poll.poll(0 if left else AT_MOST * 1000))
        if found.pop(self._waker, 0):
            os.eventfd_read(self._waker)
        events = sum(found.values())
        if self._dropped:
            return MQTTErrorCode.MQTT_ERR_CONN_LOST
        if left or events & ~select.POLLOUT:
            result = client.loop_read()
            if result != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return result
        if client.want_write():
            client.loop_write()
        return client.loop_misc()

    def _finish(self) -> None:
        with self._waking:
            self._ended.set()
            os.close(self._waker)
        plug = self._client.socket()
        if isinstance(plug, socket.socket):
            # Closed with a reset: the kernel, too, forgets what it has not sent (socket(7), SO_LINGER).
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            plug.close()
        self._fail_all()
        self._over()

    def _fail_all(self) -> None:
        lost = Lost(self.trouble or "The broker closed the connection.")
        for future in (self._answer, *list(self._acks.values())):
            if not future.done():
                future.set_exception(lost)

    def _on_connect(
        self, client: Client, userdata: Any, flags: ConnectFlags, reason: ReasonCode, properties: Any
    ) -> None:
        if not self._answer.done():
            self._answer.set_result(reason)

    def _on_publish(
        self, client: Client, userdata: Any, mid: int, reason: ReasonCode, properties: Any
    ) -> None:
        # No lock of ours here: paho holds one of its own, which _send takes as well.
        ack = self._acks.setdefault(mid, Future())
        if not ack.done():
            ack.set_result(reason)

    def _on_message(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        try:
            self._hearing(message.topic, bytes(message.payload), bool(message.retain))
        except UnicodeDecodeError:
            log.warning("mqtt: a topic that is not UTF-8")

    def _on_log(self, client: Client, userdata: Any, level: int, text: str) -> None:
        if level == LogLevel.MQTT_LOG_ERR:
            self.trouble = text


def _manners() -> Properties:
    """Nothing is kept for us while we are away (3.1.2.11.2), and no large packets sent."""
    properties = _properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 0
    properties.MaximumPacketSize = LARGEST
    return properties


_properties: Callable[[int], Properties] = Properties  # whose constructor says nothing of its types
