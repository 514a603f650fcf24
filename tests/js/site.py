"""A small site on the loopback address: our modules under the portal's own content security policy."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from portal.middleware import CONTENT_SECURITY_POLICY

TOP = Path(__file__).resolve().parents[2]
FOLDERS = {"/static/js/": TOP / "static" / "js", "/tests/": Path(__file__).parent}
PAGE = b'<!doctype html><title>loading</title><script type="module" src="/tests/steps.js"></script>'


class Site(ThreadingHTTPServer):
    """Answers its page and the modules; `asked` has the method, path and body of everything that arrived."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Visit)
        self.asked: list[tuple[str, str, bytes]] = []

    @property
    def address(self) -> str:
        return f"http://localhost:{self.server_port}/"  # a secure context, though without TLS


class Visit(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append(("GET", self.path, b""))
        folder, _, name = self.path.rpartition("/")
        file = FOLDERS.get(folder + "/", TOP / "nowhere") / name
        if self.path == "/":
            self.answer(200, "text/html", PAGE)
        elif name.endswith(".js") and file.is_file():
            self.answer(200, "text/javascript", file.read_bytes())
        else:
            self.answer(404, "text/plain", b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append(("POST", self.path, body))
        self.answer(204, "text/plain", b"")

    def answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the terminal."""


@contextmanager
def running() -> Iterator[Site]:
    with Site() as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        try:
            yield site
        finally:
            site.shutdown()
            thread.join()
