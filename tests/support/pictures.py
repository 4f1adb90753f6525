"""Make the pictures of the documentation: `python -m tests.support.pictures` from the root.

Each is made in a real browser, of a page that the program serves or writes.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import closing
from pathlib import Path

from offramp.agency import operations
from offramp.agency.folder.settings import read_settings, write_settings
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
from tests.support.demo_consoles import demo_consoles
from tests.support.participant import BORN, MANAGER, Participant
from tests.support.running_agencies import PASSPHRASE, SIX_ROLES, Running
from tests.support.santa_fe_town import consent, linked_town, refer, screen, settle, state
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
        draw_participant(folder / "town")
        draw_consent(folder / "consent")
        draw_decision(folder / "decision")
        draw_first(folder / "demo")
    with tempfile.TemporaryDirectory() as name:
        draw_admin(Path(name))


def draw_first(folder: Path) -> None:
    """Write the pictures that the README opens with, of the running demonstration."""
    with demo_consoles(folder / "town") as addresses, Browser(folder / "phone") as browser:
        browser.show(width=390, height=760)
        police, managers = addresses["police"], addresses["case-management"]
        browser.open(f"{police}/sign-in")
        press(browser, "button[value='Officer Dana Lund']")
        browser.open(f"{police}/offer")
        press(browser, "button[value=arrest]")
        browser.click("input[value=possession]")
        browser.click("input[value=opioid]")
        type_in(browser, "[id='person.age']", "27")
        press(browser, ".dock button")
        browser.click("input[value=no]")
        press(browser, ".dock button")
        browser.picture(FOLDER / "first-offer.png", full=False)
        browser.open(f"{managers}/sign-in")
        press(browser, "button[value='Rosa Quintana']")
        browser.open(f"{managers}/today")
        browser.picture(FOLDER / "first-today.png", full=False)
        browser.open(f"{managers}/people")
        person = browser.evaluate(
            "[...document.querySelectorAll('a')].find(a => a.text.includes('Ana')).href"
        )
        browser.open(f"{person}/consent")
        browser.click("input[name=set][value=hand_off]")
        press(browser, "button[name=lang][value=en]")
        browser.picture(FOLDER / "first-consent.png", full=False)


def draw_participant(folder: Path) -> None:
    """Write the pictures of a participant's own page, of a town in memory."""
    ana = Participant(folder)
    ana.prosecutor_tells("filing_decision", "charge_status", {"facts": {"case.charge_held": True}})
    words = " ".join(operations.issue_code(ana.office, MANAGER, ana.case).words)
    with ana.console() as console, Browser(folder / "own-phone") as browser:
        browser.show(width=390, height=900)
        browser.open(f"{console.address}/my")
        type_in(browser, "#code", words)
        type_in(browser, "#year", str(BORN))
        press(browser, ".dock button")
        browser.picture(FOLDER / "own-page.png", full=False)
        browser.show(width=390, height=900, dark=True)
        press(browser, "button[value=es]")
        browser.picture(FOLDER / "own-page-es.png", full=False)


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


def draw_admin(folder: Path) -> None:
    """Write the pictures of an admin's pages, of a hub and four agencies that run."""
    town = Running(folder)
    try:
        town.join_all()
        (folder / "backups").mkdir()
        agency, admin = folder / "defender", founder_of("defender")
        more = {"backup_folder": str(folder / "backups")}
        write_settings(agency, read_settings(agency).model_copy(update=more))
        with closing(operations.open_office(agency, PASSPHRASE)) as office:
            operations.add_person(office, admin, "Kit Newman", ["admin"])
            secret = make_account(office, admin, "Kit Newman")
        with closing(operations.open_office(folder / "clinic", PASSPHRASE)) as office:
            operations.sign_in(office, by=founder_of("clinic"))
            operations.make_spare_key(office)
        with (
            run_agency_console(agency, town.passphrase) as console,
            Browser(folder / "screen") as browser,
        ):
            browser.show(width=820, height=900)
            browser.open(f"{console.address}/sign-in")
            type_in(browser, "#name", "Kit Newman")
            type_in(browser, "#password", PASSWORD)
            type_in(browser, "#code", code_of(secret))
            press(browser, "form[action='/sign-in'] button")
            browser.open(f"{console.address}/admin/directory")
            browser.picture(FOLDER / "admin-directory.png", full=False)
            browser.open(f"{console.address}/admin/backup")
            press(browser, "form[action='/admin/backup'] button")
            press(browser, "form[action='/admin/backup/drill'] button")
            # The folder's name on this machine is nobody's business.
            browser.show(width=820, height=720)
            browser.picture(FOLDER / "admin-backup.png", full=False)
    finally:
        town.stop()


def draw_decision(folder: Path) -> None:
    """Write the pictures of a prosecutor's queue and of a decision beside the rules."""
    folder.mkdir()
    with linked_town(folder) as town:
        town.hub.clock = int(time.time())
        for name in ("Ana Delgado", "Ben Archuleta"):
            case = refer(town, name, "1992-01-02")
            if name != "Ana Delgado":
                state(town, "police", "weigh", case, {"encounter.drugs[0].grams": "9.1 g"})
                settle(town, case)
            screen(town, case)
            consent(town, case)
            if name == "Ana Delgado":
                operations.ask(town.at["program"], case, "admission")
                settle(town, case)
        local = town.at["prosecutor"].accounts.local_id(case)
        refer(town, "Carl Montoya", "1970-05-06")
        person = founder_of("prosecutor")
        secret = make_account(town.at["prosecutor"], person, person)
        for office in town.at.values():
            office.close()
    passphrase = folder / "passphrase"
    passphrase.touch(0o600)
    passphrase.write_bytes(PASSPHRASE)
    with (
        run_agency_console(folder / "prosecutor", passphrase) as console,
        Browser(folder / "desk") as browser,
    ):
        browser.show(width=1280, height=640)
        browser.open(f"{console.address}/sign-in")
        type_in(browser, "#name", person)
        type_in(browser, "#password", PASSWORD)
        type_in(browser, "#code", code_of(secret))
        press(browser, "form[action='/sign-in'] button")
        browser.open(f"{console.address}/queue")
        browser.picture(FOLDER / "prosecutor-queue.png", full=False)
        browser.open(f"{console.address}/queue/{local}/eligibility")
        browser.click("input[name=outcome][value=eligible]")
        browser.click("input[name=reason][value=discretion]")
        browser.evaluate("scrollTo(0, 0)")
        browser.show(width=1280, height=900)
        browser.picture(FOLDER / "prosecutor-decision.png", full=False)
        press(browser, "#decide .dock button")
        browser.show(width=390, height=900)
        browser.picture(FOLDER / "prosecutor-check.png", full=False)


def draw_consent(folder: Path) -> None:
    """Write the pictures of a consent form in a person's hand, and of what the person allows."""
    folder.mkdir()
    with linked_town(folder) as town:
        town.hub.clock = int(time.time())
        case = refer(town, "Ana Delgado", "1992-01-02")
        path = f"/people/{town.at['crossroads'].accounts.local_id(case)}"
        person = founder_of("crossroads")
        secret = make_account(town.at["crossroads"], person, person)
        for office in town.at.values():
            office.close()
    passphrase = folder / "passphrase"
    passphrase.touch(0o600)
    passphrase.write_bytes(PASSPHRASE)
    agency = folder / "crossroads"
    with run_agency_console(agency, passphrase) as console, Browser(folder / "tablet") as browser:
        browser.show(width=820, height=1000)
        browser.open(f"{console.address}/sign-in")
        type_in(browser, "#name", person)
        type_in(browser, "#password", PASSWORD)
        type_in(browser, "#code", code_of(secret))
        press(browser, "form[action='/sign-in'] button")
        browser.open(f"{console.address}{path}/consent")
        browser.click("input[name=set][value=hand_off]")
        press(browser, "button[name=lang][value=es]")
        browser.picture(FOLDER / "consent-question.png", full=False)
        for _ in range(6):
            press(browser, "button[name=answer][value=yes]")
        type_in(browser, "#typed", "Ana Delgado")
        press(browser, "button[value=sign]")
        press(browser, "a.btn.wide")
        with closing(operations.open_office(agency, PASSPHRASE)) as office:
            secret = make_account(office, person, person)
        type_in(browser, "#password", PASSWORD)
        type_in(browser, "#code", code_of(secret))
        press(browser, ".dock button")
        browser.open(f"{console.address}{path}/consents")
        browser.show(width=1280, height=900)
        browser.click("summary")
        browser.evaluate("scrollTo(0, 0)")
        browser.picture(FOLDER / "consents.png", full=False)


if __name__ == "__main__":
    main()
