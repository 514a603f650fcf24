"""What requesters and officers do, as sequences of clicks."""

import base64
from pathlib import Path

from playwright.sync_api import expect

from tests.browser import shell
from tests.browser.people import Person

DROP = """(encoded) => {
  const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], "device.csr"));
  const options = {dataTransfer: transfer, bubbles: true, cancelable: true};
  document.body.dispatchEvent(new DragEvent("drop", options));
}"""


def open_form(person: Person, purpose: str = "Phone or browser") -> None:
    person.go("My requests")
    person.follow("Hand in a request")
    person.page.get_by_role("radio", name=purpose).check()


def make_request(
    person: Person, folder: Path, purpose: str = "Phone or browser", *, rsa: bool = False
) -> Path:
    """Type the page's own lines into a shell. The form for this purpose has to be open."""
    help_text = person.page.locator("#howto")
    if help_text.get_attribute("open") is None:
        help_text.locator("summary").click()
    section = help_text.locator(".stack", has=person.page.get_by_role("heading", name=purpose, exact=True))
    lines = section.locator("pre").inner_text().strip().splitlines()
    if rsa:
        lines[0] = help_text.locator(".hint code").inner_text()
    shell.type_lines(folder, "\n".join(lines))
    return folder / "device.csr"


def paste(person: Person, file: Path) -> None:
    person.page.get_by_label("The certification request").fill(file.read_text())


def choose(person: Person, file: Path) -> None:
    person.page.get_by_label("Or its file").set_input_files(file)


def drop(person: Person, file: Path) -> None:
    person.page.evaluate(DROP, base64.b64encode(file.read_bytes()).decode())


def words_shown(person: Person) -> list[str]:
    """The four words of a key, as this person's page shows them."""
    found = person.page.locator("ol.words li")
    expect(found).to_have_count(4)
    return found.all_inner_texts()


def send(person: Person, device: str) -> str:
    """Name the device and send; gives the address of the request's page."""
    person.page.get_by_label("What do you call the device?").fill(device)
    person.press("Send the request")
    expect(person.page.get_by_role("heading", name=device, exact=True)).to_be_visible()
    return person.page.url


def ask(person: Person, folder: Path, device: str, purpose: str = "Phone or browser") -> str:
    """All of it in the shortest way."""
    open_form(person, purpose)
    choose(person, make_request(person, folder, purpose))
    expect(person.page.get_by_role("heading", name="What is in it")).to_be_visible()
    return send(person, device)


def review(officer: Person, device: str) -> None:
    """From the queue to the request."""
    officer.go("Queue")
    officer.page.get_by_role("link", name=device, exact=True).click()


def approve(officer: Person, device: str) -> None:
    review(officer, device)
    code = officer.page.locator("form.card").get_by_label("Code", exact=True)
    if code.is_visible():  # on a busy machine more than five minutes may have gone since the last one
        code.fill(officer.app.code())
    officer.press("Approve and issue")
    officer.sees("Approved and issued")


def look_again(officer: Person, device: str) -> None:
    """At a request that was decided."""
    officer.go("Queue")
    officer.page.get_by_label("State").select_option(label="Issued")
    officer.press("Show")
    officer.page.get_by_role("link", name=device, exact=True).click()
