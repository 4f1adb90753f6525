"""The officer's lines of the acceptance list, each with its budget of taps, on a phone in the dark.

A real hub, six agencies, and the console of the police as a process. The officer uses the pages'
own controls in a browser without scripts, unless a line is about a script.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from offramp.agency import operations
from offramp.agency.cases.caseload import case_of
from tests.support.agencies import Town
from tests.support.agency_console import make_account, serve_at_town_time
from tests.support.browser import BROWSER, NO_BROWSER, PATIENCE, Browser
from tests.support.referrals import address, age_of, refer
from tests.support.running_agencies import PASSPHRASE, SIX_ROLES, Running, serve_joined
from tests.support.santa_fe_town import (
    BY,
    consent,
    describe_and_refer,
    linked_town,
    say_yes,
    settle,
)
from tests.support.simulator import HOUR
from tests.support.staff import founder_of
from tests.support.taps import Taps, founder_at

pytestmark = pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)
OFFICER = founder_of("police")
SEND = ".dock button"
YES, NO = "button[value=accepted]", "button[value=declined]"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serve_joined(tmp_path_factory.mktemp("officer"), SIX_ROLES, "santa-fe") as found:
        yield found


@pytest.fixture(scope="module")
def signed_in(town: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taps]:
    profile = tmp_path_factory.mktemp("phone") / "profile"
    with founder_at(town, "police", profile, width=390, dark=True) as officer:
        yield officer


@pytest.fixture
def officer(signed_in: Taps) -> Taps:
    """The officer's phone, which runs no scripts."""
    signed_in.browser.forbid_scripts()
    return signed_in


def answer_scene(officer: Taps, charge: str = "possession", age: str = "27") -> None:
    """Say what is seen, from the first page of the offer to the answer of the rules."""
    officer.begin("/offer")
    officer.press("button[value=arrest]")
    officer.tap("input[value=opioid]")
    officer.tap(f"input[value={charge}]")
    officer.type("person.age", age)
    officer.press(SEND)
    if officer.path == "/offer/scene":
        officer.tap("input[value=no]")
        officer.press(SEND)
    assert officer.path == "/offer/answer", officer.text


def describe(officer: Taps, given: str, family: str, born: str = "") -> None:
    """Describe the person, up to the check."""
    officer.press(YES)
    officer.type("contact.given_name", given)
    officer.type("contact.family_name", family)
    if born:
        officer.type("contact.birth_date", born)
    officer.press(SEND)
    assert officer.heading == "Check and send", officer.text


def cases_of(town: Running, agency: str) -> dict[str, str | None]:
    """Return the cases that an agency has, with the names of their people."""
    with closing(operations.open_office(town.folder / agency, PASSPHRASE)) as office:
        return {case.case: case.person for case in operations.list_cases(office)}


def new_cases(town: Running, before: dict[str, str | None]) -> list[str | None]:
    """Return the names of the people whom the police have referred since."""
    return [name for case, name in cases_of(town, "police").items() if case not in before]


def test_a_yes_is_referred_to_those_who_may_have_it(town: Running, officer: Taps) -> None:
    """O1."""
    before = cases_of(town, "police")
    answer_scene(officer, age=age_of("1991-04-05"))
    describe(officer, "Ana", "Lucero", "4/5/1991")
    officer.press(SEND)
    assert officer.heading == "Sent" and officer.count <= 9
    (case,) = (handle for handle in cases_of(town, "police") if handle not in before)
    town.settle()
    knows = {agency for agency in SIX_ROLES if case in cases_of(town, agency)}
    assert knows == {"police", "crossroads", "program", "prosecutor"}


def test_a_no_keeps_no_name(town: Running, officer: Taps) -> None:
    """O2."""
    before = cases_of(town, "police")
    answer_scene(officer)
    officer.press(NO)
    assert officer.heading == "Recorded" and officer.count <= 7
    assert "The usual process goes on" in officer.text
    assert not any(new_cases(town, before))


def test_where_no_offer_may_be_made_nobody_is_asked_for(officer: Taps) -> None:
    """O3."""
    answer_scene(officer, "promoting_prostitution")
    assert officer.heading == "You may not offer the program" and officer.count <= 5
    assert officer.has("details[open] .why") and officer.has("details[open] .src")
    assert not officer.has(f"{YES}, input:not([type=hidden])") and "contact." not in officer.content


def test_a_reason_for_no_offer_is_three_taps(town: Running, officer: Taps) -> None:
    """O5."""
    before = cases_of(town, "police")
    answer_scene(officer)
    officer.count = 0
    officer.press("#answer a[href='/offer/not']")
    officer.tap("input[value=safety]")
    officer.press(SEND)
    assert officer.heading == "Recorded" and officer.count <= 3
    with closing(operations.open_office(town.folder / "police", PASSPHRASE)) as office:
        noted = [event.body for event in office.working_set().noted]
    assert noted[-1]["determination"]["reason"] == "safety", noted[-1]
    assert not any(new_cases(town, before))


def test_a_form_without_a_network_stays_and_is_sent_once(town: Running, signed_in: Taps) -> None:
    """O6 with scripts: the form stays on the screen, and each try is one tap."""
    officer, before = signed_in, cases_of(town, "police")
    browser = officer.browser
    browser.call("Emulation.setScriptExecutionDisabled", value=False)
    answer_scene(officer)
    describe(officer, "Nora", "Offgrid")
    browser.call("Network.emulateNetworkConditions", offline=True, **NO_LIMITS)
    try:
        for _ in range(3):
            officer.count = 0
            officer.tap(SEND)
            wait_until(browser, "document.querySelector('main #away:not([hidden])')")
            assert officer.path == "/offer/check" and officer.count == 1
            assert "No signal. Nothing was sent." in officer.text and "Nora" in officer.text
        kept = browser.evaluate("localStorage.length + sessionStorage.length")
        assert kept == 0 and new_cases(town, before) == []
    finally:
        browser.call("Network.emulateNetworkConditions", offline=False, **NO_LIMITS)
    officer.count = 0
    officer.press(SEND)
    assert officer.heading == "Sent" and officer.count == 1
    assert new_cases(town, before) == ["Nora Offgrid"]


NO_LIMITS = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}


def wait_until(browser: Browser, expression: str) -> None:
    """Wait until something is true in the page."""
    browser.evaluate(
        "new Promise((done) => { const look = () => "
        f"({expression}) ? done() : setTimeout(look, 10); look(); }})"
    )


@contextmanager
def held_answers(browser: Browser) -> Iterator[None]:
    """Hold each answer to the form back, so that a test can send it again or lose the answer."""
    browser.events.clear()
    pattern = {"urlPattern": "*/offer/check", "requestStage": "Response"}
    browser.call("Fetch.enable", patterns=[pattern])
    try:
        yield
    finally:
        browser.call("Fetch.disable")


def test_an_answer_that_is_lost_thrice_leaves_one_record(town: Running, officer: Taps) -> None:
    """O6 without scripts: the console has the form, and its answer doesn't arrive."""
    before, browser = cases_of(town, "police"), officer.browser
    answer_scene(officer)
    describe(officer, "Nico", "Offgrid")
    with held_answers(browser):
        officer.tap(SEND)
        for number in range(3):
            if number:
                browser.call("Page.reload")  # the browser sends the same form again
            paused = browser.wait_for("Fetch.requestPaused")["params"]
            assert paused["request"]["method"] == "POST"
            browser.call("Fetch.failRequest", requestId=paused["requestId"], errorReason="Failed")
            browser.wait_for("Page.loadEventFired")
    browser.call("Page.reload")
    browser.wait_for("Page.loadEventFired")
    assert officer.heading == "Sent"
    assert new_cases(town, before) == ["Nico Offgrid"]


def test_a_double_tap_and_back_leave_one_record(town: Running, officer: Taps) -> None:
    """O7."""
    before, browser = cases_of(town, "police"), officer.browser
    answer_scene(officer)
    describe(officer, "Dora", "Doubletap")
    officer.double_tap(SEND)
    wait_until_heading(officer, "Sent")
    visited = browser.call("Page.getNavigationHistory")["entries"]
    (check,) = (entry for entry in visited[-3:] if entry["url"].endswith("/offer/check"))
    browser.events.clear()
    browser.call("Page.navigateToHistoryEntry", entryId=check["id"])
    browser.wait_for("Page.loadEventFired")
    assert "That offer is over" in officer.text and not officer.has(SEND)
    assert new_cases(town, before) == ["Dora Doubletap"]


def wait_until_heading(officer: Taps, heading: str) -> None:
    end = time.monotonic() + PATIENCE
    while officer.heading != heading:
        assert time.monotonic() < end, officer.text
        time.sleep(0.02)


def test_a_person_referred_before_is_asked_about_with_one_more_tap(
    town: Running, officer: Taps
) -> None:
    """O8, with an accent less and the day and month swapped."""
    first = refer(town, "Zoé", "Vigíl", birth_date="1990-05-06")
    for choice, is_joined in (("Same person", True), ("Someone else", False)):
        before = cases_of(town, "police")
        answer_scene(officer, age=age_of("1990-06-05"))
        describe(officer, "Zoe", "Vigil", "6/5/1990")
        assert "Is this someone you know here already?" in officer.text
        assert not officer.has("input[name=same]:checked")
        selector = "input[name=same][value=no]" if not is_joined else "input[name=same]"
        label = "document.querySelector(" + repr(selector) + ").closest('label').innerText"
        assert choice in officer.browser.evaluate(label)
        officer.tap(selector)
        officer.press(SEND)
        assert officer.heading == "Sent" and officer.count <= 9 + 1
        (case,) = (handle for handle in cases_of(town, "police") if handle not in before)
        with closing(operations.open_office(town.folder / "police", PASSPHRASE)) as office:
            assert (operations.same_person(office, first, case).link == "same") is is_joined
        officer.open(address(town, case, "police"))
        assert ("Another case of this person: see both" in officer.text) is is_joined
        assert "Perhaps the same person" not in officer.text, "it is asked once"


def test_what_is_not_the_officers_is_not_here_in_three_equal_answers(
    town: Running, officer: Taps
) -> None:
    """O14: a care page of an own case, a guessed id, and another agency's id."""
    case = refer(town, "Olaf", "Own")
    own, theirs = address(town, case, "police"), address(town, case)
    guessed = f"/people/{'0123456789abcdef0123'[: len(own) - len('/people/')]}"
    refused = []
    for path in (f"{own}/consent", f"{guessed}/consent", f"{theirs}/consent"):
        officer.open(path)
        assert officer.heading == "Not here"
        refused.append(officer.content.replace(path, "PATH"))
    assert refused[0] == refused[1] == refused[2]
    with closing(operations.open_office(town.folder / "police", PASSPHRASE)) as office:
        looks = operations.list_looks(office, person=OFFICER, only_refused=True).looks
    assert [look.refused for look in looks][-3:] == ["not-here"] * 3


# What other agencies know of a person, beside a hub in memory


BEN = ("Ben Archuleta", "1992-01-02")


def refer_four(town: Town) -> None:
    """Refer four people. One lets police know how it goes."""
    names = ("Ina Inside", "Ned Saidno", "Pia Nopolice", "Yve Yesterday")
    inside, said_no, no_police, _ = (describe_and_refer(town, name, "1990-01-02") for name in names)
    office = town.at["crossroads"]
    town.settle()
    for case, no_to in ((inside, ()), (said_no, SIX_ROLES), (no_police, ["police"])):
        operations.open_case(office, BY, case)
        say_yes(office, case, "plan", no_to=no_to)
    town.settle()
    # What the person didn't agree to is told to nobody.
    draft = operations.draft_status(office, inside, "engaged", ())
    assert {to for part in draft.parts for to in part.to} == {"police", "county"}
    operations.send_status(office, draft)
    settle(town, inside)


def admit_for_another_department(town: Town) -> None:
    """Have another department refer a person into the program."""
    case = describe_and_refer(town, *BEN, by="county")
    settle(town, case)
    consent(town, case)
    for agency in ("prosecutor", "program"):
        by = founder_of(agency)
        operations.determine(town.at[agency], by, case, "admission", "admitted", "discretion")
        settle(town, case)
    known = case_of(town.at["program"].working_set(), case).known
    assert known["person.enrolled"].value is True


def test_what_others_know_of_a_person_is_not_shown_to_police(tmp_path: Path) -> None:
    """O9 and O12."""
    with linked_town(tmp_path, {**SIX_ROLES, "county": "police"}) as town:
        refer_four(town)
        town.hub.clock += 24 * HOUR
        secret = make_account(town.at["police"], OFFICER, OFFICER)
        with (
            serve_at_town_time(town, "police") as console,
            Browser(tmp_path / "profile") as browser,
        ):
            browser.show(width=390, dark=True)
            browser.forbid_scripts()
            officer = Taps(browser, console.address)
            officer.sign_in(OFFICER, secret)
            shown = []
            for does in (lambda: admit_for_another_department(town), lambda: None):
                answer_scene(officer, age=age_of(BEN[1], town.hub.clock))
                describe(officer, *BEN[0].split(), BEN[1])
                shown.append(officer.content)
                does()
            assert "Archuleta" in shown[0] and shown[0] == shown[1]
            officer.press(SEND)
            assert officer.path == "/offer/sent"
            rows = officer.browser.evaluate(
                "[...document.querySelectorAll('[aria-labelledby=last] li')].map(row => {"
                "row.querySelector('a').remove(); return row.innerText.trim().split(': ')})"
            )
    said = {who.split(", ")[-1].split()[0]: word for who, word in rows}
    assert said["Ina"] != said["Ned"] == said["Pia"] == said["Yve"] == said["Ben"], said
