"""What a browser sends, looked through for secrets; and pictures of what its pages show."""

import base64
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request

from tests.pictures import faults_of, picture
from tests.portal.running import wait_until

# The key as it lies in the browser, in PKCS#8: read by the test the way that the page reads it.
KEY = """async () => {
  const { get } = await import("/static/js/store.js");
  const id = document.querySelector("[data-key]").dataset.key;
  const kept = await get(id);
  if (!kept) return "";
  const bytes = new Uint8Array(await crypto.subtle.exportKey("pkcs8", kept.key));
  return Array.from(bytes, (octet) => octet.toString(16).padStart(2, "0")).join("");
}"""


@dataclass
class Watched:
    """Everything a browser sends: addresses, headers and bodies."""

    sent: list[bytes] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)  # the browser's own: what the policy forbids

    def follow(self, context: BrowserContext) -> None:
        context.on("request", self.note)
        context.on("console", self.hear)

    def hear(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.complaints.append(said.text)

    def note(self, request: Request) -> None:
        heads = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
        self.sent += [request.url.encode(), heads.encode(), request.post_data_buffer or b""]

    def holds(self, secret: bytes) -> bool:
        """In any of the ways in which it could be written, also within a form."""
        ways = {secret, secret.hex().encode(), secret.hex().upper().encode()}
        for offset in range(3):  # base64 writes the same bytes in three ways, by where they begin
            written = base64.b64encode(bytes(offset) + secret)[4:-4]
            ways |= {written, written.replace(b"+", b"-").replace(b"/", b"_")}
        sent = b"\n".join(self.sent)
        texts = (sent, unquote_to_bytes(sent.replace(b"+", b" ")), unquote_to_bytes(sent))
        flat = [text.replace(b"\n", b"").replace(b"\r", b"") for text in texts]
        return any(way in text for way in ways for text in (*texts, *flat))


def forgets_key(page: Page) -> None:
    """Soon. A promise is always true to `wait_for_function`, so the key is asked for again and again here."""
    wait_until(lambda: page.evaluate(KEY) == "", 15, "the browser has forgotten the key")


def look(page: Page, name: str) -> None:
    """A picture, and nothing wrong with how it looks."""
    picture(page, f"device-{name}")
    assert faults_of(page) == [], name
