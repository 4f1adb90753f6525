"""The officer's pages: the offer at the scene, the referral, and what other agencies ask.

A real hub, six agencies founded with the defaults, and the consoles of police and case management
as processes. The officer uses the pages' own fields.
"""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

import rules
from offramp.agency import operations
from tests.support.accessibility import HAS_AXE, NO_AXE, axe_violations
from tests.support.agency_console import (
    PASSWORD,
    AgencyConsole,
    Caller,
    code_of,
    make_account,
    press,
    run_agency_console,
    type_in,
)
from tests.support.browser import BROWSER, NO_BROWSER, Browser
from tests.support.running_agencies import PASSPHRASE, SIX_ROLES, Running
from tests.support.staff import founder_of

needs_browser = pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)
YES_AT_THE_SCENE = {
    "encounter.charges": ["possession"],
    "encounter.drugs": ["opioid"],
    "person.age": ["27"],
}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    found = Running(tmp_path_factory.mktemp("offer"), SIX_ROLES, "santa-fe")
    try:
        found.join_all()
        yield found
    finally:
        found.stop()


@contextmanager
def _console(town: Running, agency: str) -> Iterator[tuple[AgencyConsole, str]]:
    """Run an agency's console. Return it with the secret of its founder's codes."""
    founder = founder_of(agency)
    with closing(operations.open_office(town.folder / agency, PASSPHRASE)) as office:
        secret = make_account(office, founder, founder)
    with run_agency_console(town.folder / agency, town.passphrase) as console:
        yield console, secret


@pytest.fixture(scope="module")
def police(town: Running) -> Iterator[tuple[AgencyConsole, Caller]]:
    with _console(town, "police") as (console, secret):
        caller = Caller(console)
        caller.get("/sign-in")
        caller.sign_in(founder_of("police"), PASSWORD, code_of(secret))
        yield console, caller


@pytest.fixture
def officer(police: tuple[AgencyConsole, Caller]) -> Caller:
    return police[1]


def _heading(page: httpx.Response) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page.text, re.S)
    assert found, page.text
    return html.unescape(re.sub(r"<[^>]+>", "", found[1])).strip()


def _words(page: httpx.Response) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def _answer_scene(officer: Caller, answers: dict[str, list[str]]) -> httpx.Response:
    """Begin an offer and answer each page of the scene, until the rules answer."""
    officer.get("/offer")
    page = officer.send("/offer", {"route": "arrest"})
    for _ in range(6):
        asked = re.findall(r'name="asked" value="([^"]+)"', page.text)
        if not asked:
            return page
        fields: dict[str, Any] = {"asked": asked}
        fields |= {name: answers.get(name, ["no"] if "[" in name else []) for name in asked}
        page = officer.send("/offer/scene", fields)
    raise AssertionError(_words(page))


def _refer(officer: Caller, contact: dict[str, str]) -> httpx.Response:
    """Say that the person said yes, and who it is. Return the check."""
    _answer_scene(officer, YES_AT_THE_SCENE)
    page = officer.send("/offer/answer", {"answer": "accepted"})
    assert _heading(page) == "Who said yes?"
    asked = re.findall(r'name="asked" value="([^"]+)"', page.text)
    return officer.send("/offer/who", {"asked": asked, **contact})


def _sent(officer: Caller, **fields: str) -> httpx.Response:
    assert officer.page is not None
    return officer.send("/offer/check", {"seen": officer.hidden("seen"), **fields})


def _cases(town: Running, agency: str) -> list[str]:
    with closing(operations.open_office(town.folder / agency, PASSPHRASE)) as office:
        return [case.case for case in operations.list_cases(office)]


# The offer


def test_the_scene_asks_what_the_rules_read_and_says_what_they_say(officer: Caller) -> None:
    page = _answer_scene(officer, YES_AT_THE_SCENE)
    assert _heading(page) == "You may offer the program"
    assert "Say it like this" in page.text and 'lang="es"' in page.text
    assert "What did they say?" in page.text


def test_the_rules_no_shows_no_field_for_a_person(officer: Caller) -> None:
    answers = YES_AT_THE_SCENE | {"encounter.charges": ["promoting_prostitution"]}
    page = _answer_scene(officer, answers)
    assert _heading(page) == "You may not offer the program"
    assert "Source:" in page.text and "contact." not in page.text
    assert "What did they say?" not in page.text
    officer.get("/offer/answer")
    refused = officer.send("/offer/answer", {"answer": "accepted"})
    assert "don’t let you make this offer" in _words(refused)
    assert "contact." not in officer.get("/offer/check").text


@pytest.mark.parametrize("left_out", sorted(YES_AT_THE_SCENE))
def test_what_is_left_out_is_not_known_and_never_a_no(officer: Caller, left_out: str) -> None:
    page = _answer_scene(officer, YES_AT_THE_SCENE | {left_out: []})
    assert _heading(page) == "Find this out first"
    assert "This is not a no." in page.text
    assert "May offer" not in _words(page) and "What did they say?" not in page.text


def test_each_answer_is_that_of_decide(town: Running) -> None:
    program = rules.load("santa-fe")
    charges = ("possession", "promoting_prostitution", "intent_to_sell", "not known", "none")
    with closing(operations.open_office(town.folder / "police", PASSPHRASE)) as office:
        office.session = None
        for charge in charges:
            for drug in ("opioid", "other", "not known"):
                for age in ("17", "18", "not known"):
                    typed = {
                        "encounter.charges": [charge],
                        "encounter.drugs": [drug],
                        "person.age": [age],
                    }
                    scene = operations.read_scene(office, "arrest", typed)
                    decided = program.decide("offer", dict(scene.facts))
                    expected = decided.outcome if decided.status == "decided" else None
                    assert scene.answer.outcome == expected, typed
                    assert (scene.answer.kind == "wait") == (expected is None), typed


@pytest.mark.parametrize(
    ("name", "texts", "says"),
    [
        ("person.age", ["forty"], "forty"),
        ("person.age", ["900"], "130"),
        ("encounter.drugs", ["opioid", "none"], "not both"),
        ("encounter.charges", ["theft", "not known"], "not both"),
        ("encounter.charges", ["bribery"], "bribery"),
    ],
)
def test_what_is_no_answer_is_asked_again_and_kept(
    officer: Caller, name: str, texts: list[str], says: str
) -> None:
    officer.get("/offer")
    page = officer.send("/offer", {"route": "arrest"})
    asked = re.findall(r'name="asked" value="([^"]+)"', page.text)
    page = officer.send("/offer/scene", {"asked": asked, **YES_AT_THE_SCENE, name: texts})
    assert page.text.count("Please look at this") == 1 and says in _words(page)
    assert "<title>Error: " in page.text
    assert re.search(r'value="possession" checked|value="27"', page.text)


# The referral


def test_a_yes_is_told_to_those_who_may_have_it_once(town: Running, officer: Caller) -> None:
    contact = {"contact.given_name": "Iñaki", "contact.family_name": "O’Brien García"}
    page = _refer(officer, {**contact, "contact.birth_date": "3/4/1999"})
    assert _heading(page) == "Check and send"
    words = _words(page)
    assert "Crossroads : " in words and "Not told: Clinic, Defender" in words
    assert "O'Brien García" in words and "March 4, 1999" in words
    before = len(_cases(town, "police"))
    assert officer.page is not None
    form = {name: officer.hidden(name) for name in ("t", "f", "seen")}
    first = officer.ask("POST", "/offer/check", data=form)
    again = officer.ask("POST", "/offer/check", data=form)
    assert first.status_code == again.status_code == 303
    assert first.headers["location"] == again.headers["location"] == "/offer/sent"
    page = officer.get("/offer/sent")
    assert _heading(page) == "Sent"
    assert len(_cases(town, "police")) == before + 1
    town.settle()
    for agency in ("crossroads", "program", "prosecutor"):
        assert len(_cases(town, agency)) == before + 1, agency
    assert _cases(town, "clinic") == _cases(town, "defender") == []
    noted = officer.send("/offer/sent", {"report_number": "26-004417"})
    assert "26-004417" in noted.text
    assert "nothing to show" in _words(officer.get("/mine"))


def test_a_person_known_here_is_asked_about_without_a_default(
    town: Running, officer: Caller
) -> None:
    contact = {"contact.given_name": "Zoe", "contact.family_name": "Vigil"}
    born = {"contact.birth_date": "1990-05-06"}
    _refer(officer, contact | born)
    assert _heading(_sent(officer)) == "Sent"
    page = _refer(officer, {**contact, "contact.given_name": "Zoé"} | born)
    assert "Is this someone you know here already?" in page.text
    assert not re.search(r'name="same"[^>]*checked', page.text)
    page = _sent(officer)
    assert "Choose whether it is one of these people" in _words(page)
    assert _heading(_sent(officer, same="no")) == "Sent"
    page = _refer(officer, {**contact, "contact.given_name": "Zoé"} | born)
    same = re.findall(r'name="same" value="([0-9a-f]{32})"', page.text)
    assert _heading(_sent(officer, same=same[0])) == "Sent"


def test_a_check_that_changed_is_shown_again(officer: Caller) -> None:
    _refer(officer, {"contact.given_name": "Ada"})
    page = officer.send("/offer/check", {"seen": "0" * 64})
    assert "Check it once more" in _words(page) and _heading(page) == "Check and send"


def test_a_name_is_needed_and_nothing_else(officer: Caller) -> None:
    page = _refer(officer, {"contact.given_name": "", "contact.family_name": "Only Family"})
    assert _heading(page) == "Who said yes?" and "Please look at this" in page.text
    assert "Only Family" in page.text
    assert _heading(_refer(officer, {"contact.given_name": "Ada"})) == "Check and send"


def test_a_no_keeps_no_name_and_counts(town: Running, officer: Caller) -> None:
    before = _offers(town)
    _answer_scene(officer, YES_AT_THE_SCENE)
    page = officer.send("/offer/answer", {"answer": "declined"})
    assert _heading(page) == "Recorded" and "usual process" in page.text
    officer.get("/offer/not")
    assert _heading(officer.send("/offer/not", {"reason": "safety"})) == "Recorded"
    officer.get("/offer/not")
    assert "Choose one reason" in _words(officer.send("/offer/not", {"reason": "whim"}))
    after = _offers(town)
    assert after["declined"] - before["declined"] == 1
    assert after["not_offered"] - before["not_offered"] == 1
    assert after["people"] == before["people"]


def _offers(town: Running) -> dict[str, int]:
    """Count the noted offers of the police, and the people whom they know."""
    with closing(operations.open_office(town.folder / "police", PASSPHRASE)) as office:
        working_set = office.working_set()
        noted = [event.body for event in working_set.noted]
        return {
            "declined": sum(
                (body.get("facts") or {}).get("offer.accepted") is False for body in noted
            ),
            "not_offered": sum("determination" in body for body in noted),
            "people": sum(bool(case.person) for case in operations.list_cases(office)),
        }


def test_pages_in_the_middle_lead_to_their_beginning(police: tuple[AgencyConsole, Caller]) -> None:
    _, officer = police
    officer.get("/offer")
    officer.send("/offer/not", {"reason": "health"})  # ends what was begun
    for path in ("/offer/scene", "/offer/answer", "/offer/who", "/offer/check"):
        assert _heading(officer.get(path)) == "How did you meet the person?", path


# What other agencies ask, and the case manager's forms


def test_case_management_opens_and_tells_of_a_first_interview(
    town: Running, officer: Caller
) -> None:
    _refer(officer, {"contact.given_name": "Uma", "contact.family_name": "Lovato"})
    assert _heading(_sent(officer)) == "Sent"
    town.settle()
    with _console(town, "crossroads") as (console, secret):
        manager = Caller(console)
        manager.get("/sign-in")
        manager.sign_in(founder_of("crossroads"), PASSWORD, code_of(secret))
        page = manager.get("/people")
        paths = re.findall(r'href="(/people/[0-9a-f]+)"', page.text)
        case = None
        for path in paths:
            page = manager.get(path)
            if "not opened" in page.text:
                page = manager.send(f"{path}/open")
            if _heading(page) == "Uma Lovato":
                case = path
        assert case is not None
        page = manager.get(case)
        assert "not opened" not in page.text and f"{case}/tell/intake" in page.text
        assert f"{case}/tell/weigh" not in page.text
        page = manager.get(f"{case}/tell/intake")
        asked = re.findall(r'name="asked" value="([^"]+)"', page.text)
        page = manager.send(f"{case}/tell/intake", {"asked": asked, asked[0]: "not a day"})
        assert "Please look at this" in page.text and "not a day" in page.text
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        page = manager.send(f"{case}/tell/intake", {"asked": asked, asked[0]: moment})
        assert _heading(page) == "Check and send"
        page = manager.send(f"{case}/tell/intake/check", {"seen": manager.hidden("seen")})
        assert _heading(page) in ("Sent", "Kept here")
        assert manager.get(f"{case}/tell/weigh").status_code == 404
        assert manager.get(f"{case}/tell/refer").status_code == 404


def _sign_in(browser: Browser, console: AgencyConsole, secret: str) -> None:
    browser.open(f"{console.address}/sign-in")
    type_in(browser, "#name", founder_of("police"))
    type_in(browser, "#password", PASSWORD)
    type_in(browser, "#code", code_of(secret))
    press(browser, "form[action='/sign-in'] button")


@needs_browser
@pytest.mark.skipif(not HAS_AXE, reason=NO_AXE)
def test_axe_finds_nothing_on_the_officers_pages_and_their_faults(
    town: Running, tmp_path: Path
) -> None:
    found: dict[tuple[str, int], list[str]] = {}

    def check(name: str) -> None:
        for width, dark in ((320, True), (390, False), (820, True), (1280, False)):
            browser.show(width=width, dark=dark)
            time.sleep(0.3)  # the colors of buttons change slowly
            found[name, width] = axe_violations(browser)
            wide = browser.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, (name, width)

    with _console(town, "police") as (console, secret), Browser(tmp_path / "profile") as browser:
        _sign_in(browser, console, secret)
        browser.open(f"{console.address}/offer")
        check("offer")
        press(browser, "button[value=arrest]")
        browser.click("input[value=opioid]")
        type_in(browser, "[id='person.age']", "forty")
        press(browser, ".dock button")
        check("scene with a fault")
        type_in(browser, "[id='person.age']", "")
        browser.evaluate("document.getElementById('person.age').value = '27'")
        browser.click("input[value=possession]")
        press(browser, ".dock button")
        check("scene, more questions")
        browser.click("input[value=no]")
        press(browser, ".dock button")
        check("answer")
        press(browser, "button[value=accepted]")
        check("who")
        type_in(browser, "[id='contact.given_name']", "A" * 90)
        press(browser, ".dock button")
        check("who with a fault")
        browser.evaluate("document.getElementById('contact.given_name').value = 'Ana'")
        type_in(browser, "[id='contact.family_name']", "Muñoz O’Brien-García y López de Hoyos")
        press(browser, ".dock button")
        check("check")
        press(browser, ".dock button")
        check("sent")
        for path in ("/offer/not", "/asked", "/mine"):
            browser.open(console.address + path)
            check(path)
    assert {page: lines for page, lines in found.items() if lines} == {}


@needs_browser
def test_an_offer_and_its_referral_take_at_most_nine_taps_on_a_phone(
    town: Running, tmp_path: Path
) -> None:
    with _console(town, "police") as (console, secret), Browser(tmp_path / "profile") as browser:
        browser.show(width=390, dark=True)
        browser.forbid_scripts()
        _sign_in(browser, console, secret)
        browser.open(f"{console.address}/offer")
        taps = [
            "button[value=arrest]",
            "input[value=opioid]",
            "input[value=possession]",
            "#age",
            ".dock button",
            "input[value=no]",
            ".dock button",
            "button[value=accepted]",
            "#name",
            ".dock button",
            ".dock button",
        ]
        typed = {"#age": ("[id='person.age']", "27"), "#name": ("[id='contact.given_name']", "Io")}
        for tap in taps:
            if tap in typed:
                type_in(browser, *typed[tap])
            elif tap.startswith("input"):
                browser.click(tap)
            else:
                press(browser, tap)
        assert browser.evaluate("document.querySelector('h1').innerText") == "Sent"
        assert sum(tap not in typed for tap in taps) <= 9
