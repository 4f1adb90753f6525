"""Make the pictures of the documentation: `python -m tests.support.pictures` from the root.

Each is made in a real browser, of a page that the program serves or writes.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

from offramp.agency import operations
from offramp.cli import main as run
from offramp.documents.operations import make_card
from tests.conftest import ROOT
from tests.support.agency_console import (
    PASSWORD,
    code_of,
    make_account,
    press,
    run_agency_console,
    type_in,
)
from tests.support.browser import Browser
from tests.support.console_process import run_console
from tests.support.running_agencies import PASSPHRASE, SIX_ROLES, Running
from tests.support.staff import founder_of

FOLDER = ROOT / "docs" / "pictures"


def main() -> None:
    """Write every picture."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        card = folder / "card.html"
        card.write_text(make_card("santa-fe").html, encoding="utf-8")
        with run_console(folder) as console, Browser(folder / "profile") as browser:
            browser.show(width=390, height=620)
            browser.open(card.as_uri())
            browser.picture(FOLDER / "card-question.png", full=False)
            browser.show(width=390, height=620, dark=True)
            answer = browser.evaluate("document.querySelector('section.go').id")
            browser.open("about:blank")
            browser.open(f"{card.as_uri()}#{answer}")
            browser.picture(FOLDER / "card-answer.png", full=False)
            browser.show(width=1280, height=720)
            browser.open(f"{console.address}/packs/santa-fe")
            browser.picture(FOLDER / "console-rules.png", full=False)
            browser.show(width=390, height=720)
            browser.open(f"{console.address}/packs/santa-fe/try")
            browser.picture(FOLDER / "console-try.png", full=False)
            memo = folder / "memo.html"
            sides = ("santa-fe@2014-04-01", "santa-fe@2018-10-01")
            assert run(["change", *sides, "--decision", "eligibility", "--html", str(memo)]) == 0
            browser.show(width=1280, height=900)
            browser.open(memo.as_uri())
            browser.picture(FOLDER / "memo.png", full=False)
        draw_officer(folder)


def draw_officer(folder: Path) -> None:
    """Write the pictures of an officer's phone, of a hub and six agencies that run."""
    town = Running(folder, SIX_ROLES, "santa-fe")
    try:
        town.join_all()
        officer = founder_of("police")
        with closing(operations.open_office(folder / "police", PASSPHRASE)) as office:
            secret = make_account(office, officer, officer)
        with (
            run_agency_console(folder / "police", town.passphrase) as console,
            Browser(folder / "phone") as browser,
        ):
            browser.show(width=390, height=720)
            browser.open(f"{console.address}/sign-in")
            type_in(browser, "#name", officer)
            type_in(browser, "#password", PASSWORD)
            type_in(browser, "#code", code_of(secret))
            press(browser, "form[action='/sign-in'] button")
            browser.open(f"{console.address}/offer")
            press(browser, "button[value=arrest]")
            browser.click("input[value=possession]")
            browser.click("input[value=opioid]")
            type_in(browser, "[id='person.age']", "27")
            browser.evaluate("scrollTo(0, 0)")
            browser.picture(FOLDER / "officer-scene.png", full=False)
            press(browser, ".dock button")
            browser.click("input[value=no]")
            press(browser, ".dock button")
            browser.picture(FOLDER / "officer-answer.png", full=False)
            press(browser, "button[value=accepted]")
            type_in(browser, "[id='contact.given_name']", "Ana")
            type_in(browser, "[id='contact.family_name']", "Muñoz")
            press(browser, ".dock button")
            browser.show(width=390, height=900)
            browser.evaluate("scrollTo(0, document.body.scrollHeight)")
            browser.picture(FOLDER / "officer-check.png", full=False)
    finally:
        town.stop()


if __name__ == "__main__":
    main()
