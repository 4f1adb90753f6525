"""The officer's lines of the acceptance list, each with its budget of taps, on a phone in the dark.

A real hub, six agencies, and the console of the police as a process. The officer uses the pages'
own controls in a browser without scripts, unless a line is about a script.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from html import unescape
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from offramp.adoption import PackFiles
from offramp.agency import operations
from offramp.agency.cases.caseload import case_of
from offramp.documents.offline_card import card_of_tree
from offramp.documents.segments import segment_of
from rules.author.answer_tree import answer_tree
from rules.decide.program import Program
from rules.input.facts import read_facts
from rules.shelf import read_pack
from tests.support.agencies import Town
from tests.support.agency_console import (
    WITHOUT_CERTIFICATES,
    make_account,
    run_agency_console,
    serve_at_town_time,
)
from tests.support.browser import BROWSER, NO_BROWSER, PATIENCE, Browser
from tests.support.card_taps import taps_to_answer
from tests.support.local_day import local_day
from tests.support.referrals import address, age_of, refer
from tests.support.running_agencies import PASSPHRASE, SIX_ROLES, Running, serve_joined
from tests.support.santa_fe_town import (
    BY,
    PACK,
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


class TownOf2014(Town):
    """A town that is founded in the first summer of Santa Fe's program."""

    def _found(self, adopted: PackFiles | None) -> None:
        self.hub.clock = int(datetime(2014, 7, 2, 18, tzinfo=UTC).timestamp())
        super()._found(adopted)


def test_the_answer_follows_the_rules_of_its_day(officer: Taps, tmp_path: Path) -> None:
    """O3: the program took no intent to sell in 2014, and takes it today."""
    answer_scene(officer, "intent_to_sell")
    assert officer.heading == "You may offer the program" and officer.has(YES)
    town = TownOf2014(tmp_path, {name: SIX_ROLES[name] for name in FOUNDED_2014}, pack=PACK)
    secret = make_account(town.at["police"], OFFICER, OFFICER)
    with (
        serve_at_town_time(town, "police") as console,
        Browser(tmp_path / "profile") as browser,
    ):
        browser.show(width=390, dark=True)
        browser.forbid_scripts()
        then = Taps(browser, console.address)
        then.sign_in(OFFICER, secret)
        answer_scene(then, "intent_to_sell")
        assert then.heading == "You may not offer the program" and then.count <= 5
        assert "does not take a charge of selling or intent to sell" in then.text
        assert "Source: The Nation, 2014" in then.text
        assert not then.has(f"{YES}, input:not([type=hidden])") and "contact." not in then.content


FOUNDED_2014 = ("police", "prosecutor", "defender", "clinic")


def test_a_drug_that_cant_be_told_is_asked_first_and_is_no_answer(officer: Taps) -> None:
    """O4: left out within five taps. To say that it can't be told is one tap more."""
    pack = yaml.safe_load((PACK / "pack.yaml").read_text(encoding="utf-8"))
    words = pack["decisions"]["offer"]["while_waiting"]["text"].strip()
    for drug, most in (((), 5), (("not known",), 6)):
        officer.begin("/offer")
        officer.press("button[value=arrest]")
        officer.tap("input[value=possession]")
        for value in drug:
            officer.tap(f"[name='encounter.drugs'][value='{value}']")
        officer.type("person.age", "27")
        officer.press(SEND)
        officer.tap("input[value=no]")
        officer.press(SEND)
        assert officer.heading == "Ask one thing first" and officer.count <= most
        assert words in " ".join(officer.text.split()) and "This is not a no." in officer.text
        assert "may offer" not in officer.text.lower() and "may not" not in officer.text.lower()
        assert not officer.has(f"{YES}, {NO}") and "What drugs were found?" in officer.text


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
    browser.wait_until_loaded()
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
    browser.open_again(check["id"])
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


# What is asked of police, and what was told wrong


WEIGHT = "How many grams does it weigh?"
GRAMS = "encounter.drugs[0].grams"


def weigh(town: Running, officer: Taps, case: str, grams: str) -> None:
    """Have the program ask for what it lacks, and answer with a weight alone."""
    with closing(town.office("program")) as office:
        operations.open_case(office, founder_of("program"), case)
        operations.ask(office, case, "eligibility")
    town.settle()
    officer.begin("/asked")
    officer.press("main form[action='/asked'] button")
    assert "Asked by Program. If you can’t say yet, leave it empty" in officer.text
    assert "Opioid: a number of g" in officer.text and "(1/1" not in officer.text
    assert "Who gets this now: Program. Another agency that may know it" in officer.text
    assert "(can follow)" not in officer.text and "Nobody else" not in officer.text
    local = address(town, case, "police").removeprefix("/people/")
    officer.type(f"{local}.{GRAMS}", grams)
    officer.press(f"form[action='/asked/{local}'] p button")


def missing_at_program(town: Running, case: str) -> list[str]:
    """Return the questions on which eligibility depends still, as the program has them."""
    with closing(town.office("program")) as office:
        operations.open_case(office, founder_of("program"), case)
        opened = operations.open_decision(office, case, "eligibility")
        return [fact.question for fact in opened.missing]


def answers_of_police(town: Running, case: str) -> list[tuple[Any, Any]]:
    """Return what police answered in a case: for each part, the agencies and the facts."""
    with closing(town.office("police")) as office:
        sent = [each for each in office.working_set().outbox.values() if each.case == case]
        return [
            (sorted(part["to"]), content["facts"])
            for record in sent
            if record.kind == "answer"
            for part in record.parts
            for content in part["content"].values()
        ]


def test_a_weight_alone_is_sent_to_who_asked_in_two_taps(town: Running, officer: Taps) -> None:
    """O10. To open the question, which is in the officer's name, is one of the two."""
    case = refer(town, "Wanda", "Weigher")
    assert WEIGHT in missing_at_program(town, case)
    weigh(town, officer, case, "2.4")
    assert officer.heading == "Sent" and "Program has it." in officer.text
    assert officer.count <= 2
    ((to, facts),) = answers_of_police(town, case)
    (drug,) = facts.pop("encounter.drugs")
    assert to == ["program"] and not facts
    assert {name: drug[name] for name in drug if name != "id"} == {"kind": "opioid", "grams": 2.4}
    town.settle()
    left = missing_at_program(town, case)
    assert left and WEIGHT not in left, "what was left out is still asked"
    officer.open("/asked")
    assert WEIGHT not in officer.text and "Is it weighed or counted as pills?" in officer.text


def test_an_unusual_weight_is_checked_before_it_is_sent(town: Running, officer: Taps) -> None:
    """O10 with a typing error: nothing is sent until the officer says that it is right."""
    case = refer(town, "Umar", "Unusual")
    weigh(town, officer, case, "2400")
    assert officer.heading == "Check and send" and "unusual amount" in officer.text
    assert "Who gets this" in officer.text and not answers_of_police(town, case)
    officer.press(SEND)
    assert "Confirm that this is right" in officer.text and not answers_of_police(town, case)


def test_a_wrong_weight_is_corrected_in_five_taps(
    town: Running, officer: Taps, tmp_path: Path
) -> None:
    """O11, to what the recipient sees."""
    case = refer(town, "Wilma", "Wrongweight")
    weigh(town, officer, case, "2.4")
    town.settle()
    missing_at_program(town, case)
    officer.begin("/mine")
    officer.press(f"a[href='{address(town, case, 'police')}/mistake']")
    officer.press("button[value=detail]")
    officer.press(f"button[value='{GRAMS}']")
    officer.type(GRAMS, "1.8")
    officer.press(SEND)
    assert officer.heading == "Check and send"
    assert "Program was told “2.4 g”, and gets “1.8 g”" in officer.text
    officer.press(SEND)
    assert officer.heading == "Corrected" and officer.count <= 5
    town.settle()
    with founder_at(town, "program", tmp_path / "desk", width=1280) as program:
        program.open(f"{address(town, case, 'program')}/open")
        program.press("form[action$='/open'] button")
        program.open(address(town, case, "program"))
        struck, whole = program.browser.evaluate(
            "(s => [s.innerText, s.parentNode.innerText])(document.querySelector('main dd s'))"
        )
    assert "2.4 g" in struck and "1.8 g" not in struck
    assert whole.startswith(struck) and "1.8 g" in whole.removeprefix(struck)
    assert "2.4 g" not in whole.removeprefix(struck)


# The card


POSSESSION = {
    "person": {"age": 27},
    "encounter": {
        "route": "arrest",
        "overdose_help_sought": False,
        "charges": [
            {
                "conduct": "possession",
                "violent": False,
                "authority": "state",
                "code": "NMSA 30-31-23",
            }
        ],
        "drugs": [{"kind": "opioid"}],
    },
}


def without_policy_and_script(html: str) -> str:
    """Return a card without the two lines in which a served one and a file differ."""
    html = re.sub("<meta http-equiv=.*>\n", "", html, count=1)
    return re.sub('<script src="/card/card.js" defer></script>\n', "", html, count=1)


def test_the_card_answers_signed_out_and_without_a_network(town: Running, tmp_path: Path) -> None:
    """O13: a phone keeps the card that the command writes, and opens it after the console ends.

    `test_offline_card.py` holds each of its paths to `decide`.
    """
    folder, day, pack = town.folder / "police", local_day(), read_pack("santa-fe")
    segment = segment_of(pack, day.isoformat())
    tree = answer_tree(Program(pack), "offer", day)
    file = card_of_tree(tree, segment, day).html
    facts = {**read_facts(POSSESSION, pack.vocabulary).known, "encounter.date": day}
    with Browser(tmp_path / "phone") as browser:
        browser.show(width=390, dark=True)
        with run_agency_console(folder, town.passphrase) as console:
            officer = Taps(browser, console.address)
            officer.open("/sign-in")
            officer.press("a[href='/card/']")
            browser.evaluate("navigator.serviceWorker.ready.then(() => true)")
            assert browser.complaints == []
            url, headers = f"http://127.0.0.1:{console.port}/card/", {"host": console.host}
            served = httpx.get(url, headers=headers, verify=WITHOUT_CERTIFICATES)
            again = {**headers, "if-none-match": served.headers["etag"]}
            assert httpx.get(url, headers=again, verify=WITHOUT_CERTIFICATES).status_code == 304
        assert "set-cookie" not in served.headers and "no-cache" in served.headers["cache-control"]
        assert without_policy_and_script(served.text) == without_policy_and_script(file)
        assert tree.program.digest in served.text and served.text.count("<script") == 1
        browser.open("about:blank")
        officer.begin("/card/")
        kept = unescape(browser.evaluate("document.body.innerHTML")).strip()
        assert kept == unescape(served.text).partition("<body>")[2].partition("</body>")[0].strip()
        screens = [1, *taps_to_answer(tree, segment, facts)]
        for screen, target in pairwise(screens):
            officer.tap(f"#s{screen} a[href='#s{target}']")
            wait_until(browser, f"document.querySelector('#s{target}').offsetHeight")
        shown = browser.evaluate(
            "[...document.querySelectorAll('section h2')].filter(h => h.offsetHeight)"
            ".map(h => h.innerText)"
        )
        # One more than the budget: Santa Fe asks for the section of law, too.
        assert shown == ["MAY OFFER"] and officer.count <= 6 + 1
        assert browser.evaluate("document.cookie + localStorage.length") == "0"
        officer.open("/offer")
        assert "card" not in browser.evaluate("document.title").lower(), "nothing else is kept"


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
