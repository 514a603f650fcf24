"""The core of the job in browsers that run no script."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import asking
from tests.browser.conftest import Household
from tests.browser.people import Person

pytestmark = pytest.mark.slow


def test_the_job_is_done_by_forms_and_reloading_alone(household: Household, tmp_path: Path) -> None:
    carla = Person(household.browser, "Carla Kern", javascript=False)
    otto = Person(household.browser, "Otto Roth", javascript=False)
    carla.join(household.dora.invite("Carla Kern", "Requester"))
    otto.join(household.dora.invite("Otto Roth", "Officer"))

    asking.open_form(carla)
    asking.paste(carla, asking.make_request(carla, tmp_path))
    carla.press("Show me what is in it")
    words = asking.words_shown(carla)
    asking.send(carla, "Carla's phone")

    asking.review(otto, "Carla's phone")
    assert asking.words_shown(otto) == words
    otto.press("Approve and issue")
    otto.sees("Approved and issued")
    carla.page.reload()
    carla.sees("Take the certificate")
    assert carla.save("PEM alone")[1].startswith(b"-----BEGIN CERTIFICATE-----")

    carla.follow("Revoke this certificate…")
    carla.page.get_by_role("radio", name="The device is no longer used").check()
    carla.press("Revoke: the doors shut now")
    expect(carla.page.locator(".state.revoked")).to_be_visible()
    carla.press("Sign out")
    carla.sign_in()
    expect(carla.page.get_by_role("heading", name="Hello, Carla Kern")).to_be_visible()
    carla.leave()
    otto.leave()


def test_a_bad_request_keeps_what_was_typed(household: Household) -> None:
    konrad = Person(household.browser, "Konrad Kern", javascript=False)
    konrad.join(household.dora.invite("Konrad Kern", "Requester"))
    asking.open_form(konrad)
    konrad.page.get_by_label("The certification request").fill("Guten Tag")
    konrad.page.get_by_label("What do you call the device?").fill("Konrad's watch")
    konrad.press("Send the request")
    konrad.sees("This needs another look")
    expect(konrad.page.get_by_label("The certification request")).to_have_value("Guten Tag")
    expect(konrad.page.get_by_label("What do you call the device?")).to_have_value("Konrad's watch")
    konrad.leave()
