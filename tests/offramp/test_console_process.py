"""The console beside a gateway, with a real hub and agencies, worked by a person in a browser."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import pytest

from exchange.records.ids import new_id
from offramp.agency import operations
from offramp.agency.hub_link.delivery import send_outbox
from offramp.agency.hub_link.link import link_of
from tests.support.agency_console import (
    PASSWORD,
    code_of,
    make_account,
    press,
    serve_with_console,
    type_in,
)
from tests.support.browser import BROWSER, NO_BROWSER, Browser
from tests.support.chance import chance
from tests.support.running_agencies import Running, pull
from tests.support.simulator import part
from tests.support.staff import founder_of

pytestmark = pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)

OFFER = ("offer_and_hand_off", "offer_at_scene")
PERSON = {"given_name": "Zelda", "family_name": "Muñoz Quillfeather", "birth_date": "1999-03-04"}


def heading(browser: Browser) -> str:
    return str(browser.evaluate("document.querySelector('h1').textContent"))


def shown(browser: Browser) -> str:
    return str(browser.evaluate("document.querySelector('main').textContent"))


def test_a_referral_is_found_and_read_in_a_browser(running: Running, tmp_path: Path) -> None:
    """C12 and S4: found without accents, and the name is in no address and no title."""
    to = {"crossroads": OFFER}
    says = {"answer": "accepted"}
    encounter = {"facts": {"encounter.route": "arrest"}}
    parts = (
        part("contact", PERSON, to=to, says=says, use="none"),
        part("encounter", encounter, to=to, says=says, use="none"),
    )
    case = new_id(chance(5))
    with closing(running.office("police")) as office:
        office.compose("referral", parts, case=case)
        send_outbox(link_of(office))
    pull(running, "crossroads")
    person = founder_of("crossroads")
    with closing(running.office("crossroads")) as office:
        operations.sign_in(office, by=person)
        secret = make_account(office, person, person)
        operations.open_case(office, person, case)
    addresses: list[str] = []
    with (
        serve_with_console(running, "crossroads") as address,
        Browser(tmp_path / "profile") as browser,
    ):

        def note() -> None:
            """Note what a browser's history shows of the page."""
            addresses.append(browser.evaluate("document.title + ' ' + location.href"))

        browser.show(width=390, dark=True)
        browser.open(address)
        type_in(browser, "#name", person)
        type_in(browser, "#password", PASSWORD)
        type_in(browser, "#code", code_of(secret))
        press(browser, "form[action='/sign-in'] button")
        note()
        assert heading(browser).endswith("today")
        browser.open(f"{address}/people")
        note()
        assert "Zelda Muñoz Quillfeather" in shown(browser)
        browser.open(f"{address}/people/find")
        type_in(browser, "#q", "munoz zelda")
        press(browser, "form#find button")
        note()
        assert "1 person" in shown(browser)
        press(browser, "tbody a")
        note()
        assert heading(browser) == "Zelda Muñoz Quillfeather"
        browser.open(f"{address}/admin/looked")
        note()
        assert "searched for a person" in shown(browser) and "Zelda" not in shown(browser)
        browser.open(f"{address}/admin/exchange")
        note()
        assert re.search("All sent|wait for the hub", shown(browser))
        browser.open(f"{address}/admin/doctor")
        press(browser, "form[action='/admin/doctor'] button")
        note()
        assert re.search("All well|Something is wrong", shown(browser))
        assert not [text for text in browser.complaints if "Policy" in text]
    assert case not in " ".join(addresses), "an address has another id than the exchange"
    assert not re.search("Zelda|Mu.oz|Quillfeather|1999", " ".join(addresses))
