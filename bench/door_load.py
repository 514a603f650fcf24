"""One client of bench/door.py: new connections one after the other, each with a full handshake and a page.

    python -m bench.door_load DEVICE.pem

Reads lines "PORT SECONDS" and answers each with one line of JSON: the milliseconds of every visit, and the
CPU milliseconds it cost here.
"""

import json
import socket
import ssl
import sys
import time

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost:%d\r\nAccept: text/html\r\n\r\n"
PATIENCE = 10  # seconds


def context(device: str) -> ssl.SSLContext:
    """It does not look at the server's chain: the time belongs to the servers."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.load_cert_chain(device)
    return made


def visit(made: ssl.SSLContext, port: int) -> bytes:
    """The page. Raises unless it is answered in full."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain,
        made.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as browsers do
        secure.sendall(REQUEST % port)
        head, _, body = secure.recv(65536).partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        while len(body) < length:
            body += secure.recv(65536)
    if not head.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(head.decode(errors="replace"))
    return body


def visits(made: ssl.SSLContext, port: int, seconds: float) -> dict[str, object]:
    times, cpu = [], time.process_time()
    end = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end:
        visit(made, port)
        times.append((time.perf_counter() - begun) * 1000)
    return {"times": times, "cpu": (time.process_time() - cpu) * 1000}


def main(device: str) -> None:
    made = context(device)
    for line in sys.stdin:
        port, seconds = line.split()
        print(json.dumps(visits(made, int(port), float(seconds))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
