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
from tests.support.languages import texts_of
from tests.support.reading import PLAIN_GRADE, reading_level, words_to_avoid
from tests.support.running_agencies import PASSPHRASE, SIX_ROLES, Running, serve_joined
from tests.support.staff import founder_of

needs_browser = pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)
YES_AT_THE_SCENE = {
    "encounter.charges": ["possession"],
    "encounter.drugs": ["opioid"],
    "person.age": ["27"],
}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serve_joined(tmp_path_factory.mktemp("offer"), SIX_ROLES, "santa-fe") as found:
        yield found


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


DRUG, CHARGE = "encounter.drugs[0]", "encounter.charges[0]"
YES_TYPED = {
    "encounter.charges": "possession",
    "encounter.drugs": "opioid",
    "person.age": "27",
    f"{CHARGE}.violent": "no",
}


@pytest.mark.parametrize("left_out", sorted(YES_AT_THE_SCENE))
def test_what_is_left_out_is_not_known_and_never_a_no(officer: Caller, left_out: str) -> None:
    page = _answer_scene(officer, YES_AT_THE_SCENE | {left_out: []})
    assert _heading(page) == "Ask one thing first"
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


def _known_by_chance(officer: Caller, **known: Any) -> httpx.Response:
    """Reach the offer that may be made, and say what is known beside it."""
    page = _answer_scene(officer, YES_AT_THE_SCENE)
    assert _heading(page) == "You may offer the program"
    assert "Do you know one of these?" in page.text and "How many grams does it weigh?" in page.text
    page = officer.get("/offer/scene")
    assert "If you know it" in page.text
    return _see(officer, **{"encounter.charges[0].violent": "no"}, **known)


@pytest.mark.parametrize(
    ("known", "heading"),
    [
        ({f"{DRUG}.form": "weighed", f"{DRUG}.grams": "8"}, "You may not offer the program"),
        ({f"{DRUG}.form": "weighed", f"{DRUG}.grams": "5.9"}, "You may offer the program"),
        ({f"{CHARGE}.authority": "federal"}, "You may not offer the program"),
    ],
)
def test_what_is_known_by_chance_changes_the_answer_as_decide_does(
    town: Running, officer: Caller, known: dict[str, str], heading: str
) -> None:
    """The card and `decide` read a weight that is known. The officer's pages must, too."""
    page = _known_by_chance(officer, **known)
    assert _heading(page) == heading, _words(page)
    with closing(operations.open_office(town.folder / "police", PASSPHRASE)) as office:
        office.session = None
        typed = {name: [text] for name, text in {**YES_TYPED, **known}.items()}
        scene = operations.read_scene(office, "arrest", typed)
    decided = rules.load("santa-fe").decide("offer", dict(scene.facts))
    assert scene.answer.outcome == decided.outcome
    assert (scene.answer.kind == "go") == (heading == "You may offer the program")


def test_help_for_an_overdose_that_is_known_keeps_the_officer_from_charging(
    officer: Caller,
) -> None:
    page = _known_by_chance(
        officer,
        **{"encounter.overdose_help_sought": "yes", f"{CHARGE}.code": "NMSA 30-31-23"},
    )
    assert "Do not charge the person for this" in _words(page), _words(page)


def test_an_amount_without_its_form_is_asked_and_never_left_unread(officer: Caller) -> None:
    page = _known_by_chance(officer, **{f"{DRUG}.grams": "8"})
    form = "Is it weighed or counted as pills?"
    assert (
        f"Opioid: answer “{form}” too. The amount needs it" in _words(page)
        and 'value="8"' in page.text
    )


def test_a_no_names_what_is_known_by_chance_and_could_turn_it(officer: Caller) -> None:
    """Help in an overdose makes immune, also a person with 8 g."""
    weighed = {f"{DRUG}.form": "weighed", f"{DRUG}.grams": "8"}
    page = _known_by_chance(officer, **weighed)
    assert _heading(page) == "You may not offer the program"
    words = _words(page)
    assert "This no can change: one of these can turn it. Nobody has to find it out now." in words
    assert "Did the person seek help for an overdose" in words
    officer.get("/offer/scene")
    help_sought = {"encounter.overdose_help_sought": "yes", f"{CHARGE}.code": "NMSA 30-31-23"}
    page = _see(officer, **{f"{CHARGE}.violent": "no"}, **weighed, **help_sought)
    assert "Do not charge the person for this" in _words(page), _words(page)


def test_a_no_that_nothing_known_by_chance_can_turn_says_nothing_of_it(officer: Caller) -> None:
    weighed = {f"{DRUG}.form": "weighed", f"{DRUG}.grams": "8"}
    page = _known_by_chance(officer, **weighed, **{"encounter.overdose_help_sought": "no"})
    assert _heading(page) == "You may not offer the program"
    assert "This no can change" not in page.text


def test_a_slip_of_the_decimal_point_is_shown_with_the_answer_and_leads_back(
    officer: Caller,
) -> None:
    page = _known_by_chance(officer, **{f"{DRUG}.form": "weighed", f"{DRUG}.grams": "2400"})
    assert _heading(page) == "You may not offer the program"
    for answer in (page, officer.get("/offer/not")):
        assert "Opioid: Weight is 2,400 g, an unusual amount. Check it" in _words(answer), _words(
            answer
        )
        assert f'href="/offer/scene#{DRUG}.grams"' in answer.text
    assert f'id="{DRUG}.grams"' in officer.get("/offer/scene").text
    page = _see(
        officer,
        **{f"{CHARGE}.violent": "no", f"{DRUG}.form": "weighed", f"{DRUG}.grams": "2.4"},
    )
    assert _heading(page) == "You may offer the program" and "unusual" not in page.text


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ({f"{DRUG}.form": "weighed", f"{DRUG}.grams": "8"}, "Opioid: Weight is 8 g. Change it"),
        ({"person.age": "17"}, "age is 17"),
    ],
)
def test_a_no_shows_the_number_that_decided(
    officer: Caller, typed: dict[str, str], number: str
) -> None:
    page = _known_by_chance(officer, **typed)
    assert _heading(page) == "You may not offer the program"
    for answer in (page, officer.get("/offer/not")):
        assert number in _words(answer) and "Change it" in _words(answer), _words(answer)
        assert "You may not offer the program" in _words(answer)
    officer.get("/offer")
    officer.send("/offer", {"route": "arrest"})
    assert "the rules say" not in officer.get("/offer/not").text, "no answer of another offer"


@pytest.mark.parametrize(
    ("name", "texts", "says"),
    [
        ("person.age", ["forty"], "forty"),
        ("person.age", ["900"], "130"),
        ("encounter.drugs", ["opioid", "none"], "None and Opioid are both given"),
        ("encounter.charges", ["none", "not known"], "None and “I can’t tell” are both given"),
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


def _scene(officer: Caller, **more: Any) -> httpx.Response:
    """Begin an offer and send the first page of the scene."""
    officer.get("/offer")
    officer.send("/offer", {"route": "arrest"})
    return _see(officer, **more)


def _see(officer: Caller, **more: Any) -> httpx.Response:
    """Send the page of the scene that is shown."""
    assert officer.page is not None
    fields = {"asked": _asked(officer.page), **YES_AT_THE_SCENE, **more}
    return officer.send("/offer/scene", fields)


def _asked(page: httpx.Response) -> list[str]:
    return re.findall(r'name="asked" value="([^"]+)"', page.text)


def _is_ticked(page: httpx.Response, name: str, value: str = "yes") -> bool:
    return f'name="{name}" value="{value}" checked' in page.text


def test_a_value_beside_cant_tell_is_refused_at_its_field_and_both_stay(officer: Caller) -> None:
    page = _scene(officer, **{"person.age": "27", "person.age.unknown": "yes"})
    assert "27 and “I can’t tell” are both given: keep one of the two" in _words(page)
    assert 'id="person.age-e"' in page.text and 'value="27"' in page.text
    assert _is_ticked(page, "person.age.unknown")


def test_what_is_typed_last_counts_over_an_earlier_cant_tell(officer: Caller) -> None:
    page = _scene(officer, **{"person.age": "", "person.age.unknown": "yes"})
    assert _is_ticked(officer.get("/offer/scene"), "person.age.unknown")
    page = _see(officer, **{"person.age": "30", "encounter.charges[0].violent": "no"})
    assert _heading(page) == "You may offer the program"
    page = officer.get("/offer/scene")
    assert 'value="30"' in page.text and not _is_ticked(page, "person.age.unknown")


def test_a_tick_that_is_taken_away_stays_away_on_a_refused_page(officer: Caller) -> None:
    _scene(officer, **{"encounter.charges": ["possession", "theft"]})
    page = _see(officer, **{"encounter.charges": ["possession"], "person.age": "forty"})
    assert _is_ticked(page, "encounter.charges", "possession")
    assert not _is_ticked(page, "encounter.charges", "theft")


def test_known_beside_unknown_are_both_kept(town: Running, officer: Caller) -> None:
    page = _scene(officer, **{"encounter.charges": ["possession", "not known"]})
    assert "The one you can’t tell" in _words(page) and "Please look" not in page.text
    drugs = {"encounter.charges": ("possession",), "encounter.drugs": ("opioid", "not known")}
    with closing(operations.open_office(town.folder / "police", PASSPHRASE)) as office:
        office.session = None
        scene = operations.read_scene(office, "arrest", drugs)
    assert scene.facts["encounter"]["drugs"] == [{"kind": "opioid"}, {}]


def test_what_was_said_of_one_charge_is_never_taken_for_another(officer: Caller) -> None:
    _scene(officer, **{"encounter.charges": ["possession"]})
    page = _see(officer, **{"encounter.charges[0].violent": "no"})
    assert _heading(page) == "You may offer the program"
    officer.get("/offer/scene")
    both = {"encounter.charges": ["burglary", "possession"], "encounter.charges[0].violent": "no"}
    page = _see(officer, **both)
    assert _heading(page) == "This matters, too"
    assert not _is_ticked(page, "encounter.charges[0].violent", "no"), "burglary was not said"
    assert _is_ticked(page, "encounter.charges[1].violent", "no"), "possession was"


@pytest.mark.parametrize(
    ("unknown", "whom"),
    [("person.age", "Ask the person, or look at a paper"), ("encounter.drugs", "Look or ask")],
)
def test_undetermined_says_what_to_ask_whom_and_how_to_go_on(
    officer: Caller, unknown: str, whom: str
) -> None:
    """O4: it is never a no, and never an offer."""
    page = _answer_scene(officer, YES_AT_THE_SCENE | {unknown: ["not known"]})
    words = _words(page)
    assert _heading(page) == "Ask one thing first" and f"{whom}: " in words
    assert "Look or ask before booking." in words, "the pack's own step"
    assert "This is not a no." in words and "What did they say?" not in page.text
    assert page.text.count(f'href="/offer/scene#{unknown}"') == 2
    assert f'id="{unknown}"' in officer.get("/offer/scene").text
    begun = officer.get("/offer")
    assert "You began an offer" in begun.text and 'href="/offer/answer"' in begun.text
    assert _heading(officer.get("/offer/answer")) == "Ask one thing first"
    officer.get("/offer")
    officer.send("/offer", {"route": "arrest"})
    assert "You began an offer" not in officer.get("/offer").text, "a new one takes its place"


# The referral


def test_a_yes_is_told_to_those_who_may_have_it_once(town: Running, officer: Caller) -> None:
    contact = {"contact.given_name": "Iñaki", "contact.family_name": "O’Brien García"}
    page = _refer(officer, {**contact, "contact.birth_date": "3/4/1999"})
    assert _heading(page) == "Check and send"
    words = _words(page)
    assert "Crossroads : " in words and "Not told: Clinic, Defender" in words
    assert "Why 2 agencies don’t get it" in words
    assert "O'Brien García" in words and "March 4, 1999" in words
    known = set(_cases(town, "police"))
    before = len(known)
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
    (case,) = set(_cases(town, "police")) - known
    assert (
        "nothing to show" in _words(officer.get("/mine")) and case[:8] in officer.get("/mine").text
    )


@pytest.mark.parametrize(
    ("number", "says"),
    [
        ("RPT #26-00123", None),
        ("26-123456", None),
        ("2026/00123", None),
        ("SFPD: 26 (00123)", None),
        ("Expediente n.º 7 ñ", None),
        ("#", "has no letter and no digit"),
        ("26-1\u202e7", "has no \\u202e"),
        ("26-\N{GRINNING FACE}", "a report number has no"),
        ("7" * 61, "is too long"),
    ],
)
def test_a_report_number_is_kept_as_people_write_it(
    town: Running, officer: Caller, number: str, says: str | None
) -> None:
    _refer(officer, {"contact.given_name": "Rey"})
    before = set(_cases(town, "police"))
    assert _heading(_sent(officer, same="no")) == "Sent"
    (case,) = set(_cases(town, "police")) - before
    page = officer.send("/offer/sent", {"report_number": number})
    if says is not None:
        assert says in _words(page) and 'id="report_number-e"' in page.text
        return
    assert f"Report number: {number} ." in _words(page)
    with closing(town.office("police")) as office:
        found = operations.find(office, number)
    assert case in {each.case for person in found for each in person.cases}


def test_a_person_known_here_is_asked_about_without_a_default(
    town: Running, officer: Caller
) -> None:
    contact = {"contact.given_name": "Zoe", "contact.family_name": "Vigil"}
    born = {"contact.birth_date": "1990-05-06"}
    # The officer wrote 27 years at the scene. The birth date makes another age.
    words = _words(_refer(officer, contact | born))
    assert re.search(r"makes (\d+) on the day of the encounter: \1 is told in its place", words)
    assert "Confirm that this is right" in _words(_sent(officer))
    assert _heading(_sent(officer, although_odd="yes")) == "Sent"
    page = _refer(officer, {**contact, "contact.given_name": "Zoé"} | born)
    assert "Is this someone you know here already?" in page.text
    assert not re.search(r'name="same"[^>]*checked', page.text)
    page = _sent(officer)
    assert "Choose whether it is one of these people" in _words(page)
    assert _heading(_sent(officer, same="no", although_odd="yes")) == "Sent"
    page = _refer(officer, {**contact, "contact.given_name": "Zoé"} | born)
    same = re.findall(r'name="same" value="([0-9a-f]{32})"', page.text)
    assert _heading(_sent(officer, same=same[0], although_odd="yes")) == "Sent"


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


def test_only_a_drug_without_an_amount_is_to_be_weighed_later(
    town: Running, officer: Caller
) -> None:
    later = "If somebody asks for the weight"
    _refer(officer, {"contact.given_name": "Abe"})
    assert later in _words(_sent(officer))
    _known_by_chance(officer, **{f"{DRUG}.form": "weighed", f"{DRUG}.grams": "2"})
    page = officer.send("/offer/answer", {"answer": "accepted"})
    officer.send("/offer/who", {"asked": _asked(page), "contact.given_name": "Bea"})
    page = _sent(officer)
    assert _heading(page) == "Sent" and later not in _words(page)


def test_a_no_shows_what_another_source_says(officer: Caller) -> None:
    page = _answer_scene(officer, YES_AT_THE_SCENE | {"encounter.charges": ["theft"]})
    assert _heading(page) == "You may not offer the program"
    assert "But another source says: 7 % of the people enrolled had a property charge (" in _words(
        page
    ), _words(page)


def test_pages_in_the_middle_lead_to_their_beginning(police: tuple[AgencyConsole, Caller]) -> None:
    _, officer = police
    officer.get("/offer")
    officer.send("/offer/not", {"reason": "health"})  # ends what was begun
    for path in ("/offer/scene", "/offer/answer", "/offer/who", "/offer/check"):
        assert _heading(officer.get(path)) == "How did you meet the person?", path


def test_an_offer_that_is_over_leads_to_the_beginning_and_is_no_fault(officer: Caller) -> None:
    _refer(officer, {"contact.given_name": "Quentin"})
    assert _heading(_sent(officer)) == "Sent"
    for path in ("/offer/check", "/offer/who", "/offer/answer"):
        page = officer.get(path)
        assert _heading(page) == "How did you meet the person?", path
        assert "That offer is over" in page.text and "Please look at this" not in page.text
        assert "<title>Error" not in page.text
    assert "That offer is over" not in officer.get("/offer").text
    page = officer.send("/offer/who", {"contact.given_name": "Late"})
    assert _heading(page) == "How did you meet the person?"
    assert "Late" not in officer.get("/offer/who").text


@pytest.mark.parametrize("ending", ["declined", "not", "sent", "route"])
def test_what_was_typed_of_one_person_is_not_on_the_next_ones_form(
    officer: Caller, ending: str
) -> None:
    page = _refer(officer, {"contact.given_name": "X99", "contact.family_name": "Secretname"})
    assert "Please look at this" in page.text and "Secretname" in page.text
    if ending == "declined":
        officer.get("/offer/answer")
        officer.send("/offer/answer", {"answer": "declined"})
    elif ending == "not":
        officer.get("/offer/not")
        officer.send("/offer/not", {"reason": "health"})
    elif ending == "sent":
        officer.get("/offer/who")
        officer.send("/offer/who", {"asked": ["contact.given_name"], "contact.given_name": "Al"})
        assert _heading(_sent(officer)) == "Sent"
    _answer_scene(officer, YES_AT_THE_SCENE)
    page = officer.send("/offer/answer", {"answer": "accepted"})
    assert _heading(page) == "Who said yes?"
    assert "Secretname" not in page.text and "X99" not in page.text
    assert "Please look at this" not in page.text


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("contact.given_name", "\N{GRINNING FACE}", "write a name"),
        ("contact.family_name", "\N{SNOWMAN}", "write a name"),
        ("contact.language", "xx", "by its name, such as Spanish"),
        ("contact.language", "Spansih", "did you mean Spanish?"),
    ],
)
def test_a_name_or_language_that_can_not_be_is_asked_about(
    officer: Caller, name: str, text: str, says: str
) -> None:
    page = _refer(officer, {"contact.given_name": "Ada", name: text})
    assert _heading(page) == "Who said yes?" and says in _words(page)


@pytest.mark.parametrize("typed", ["Spanish", "espa\u00f1ol", "es"])
def test_a_language_is_written_as_people_call_it(officer: Caller, typed: str) -> None:
    page = _refer(officer, {"contact.given_name": "Ada", "contact.language": typed})
    assert _heading(page) == "Check and send", _words(page)
    assert "Spanish" in _words(page) and not re.search(r"\bes\b", _words(page))


def test_each_answer_is_changed_on_the_page_with_its_question(officer: Caller) -> None:
    known = {"contact.given_name": "Ada", "contact.language": "nv"}
    page = _refer(officer, known)
    links = re.findall(r'<a href="(/offer/[a-z]+)#([^"]+)">Change', page.text)
    assert ("/offer/scene", "person.age") in links and len(links) > 4
    for path, name in links:
        assert f'id="{name}"' in officer.get(path).text, (path, name)


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
            if "Open what came first" in page.text:
                page = manager.send(f"{path}/open")
            if _heading(page) == "Uma Lovato":
                case = path
        assert case is not None
        page = manager.get(case)
        assert "Open what came first" not in page.text and f"{case}/tell/intake" in page.text
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


# Questions of other agencies


def _asked_case(town: Running, officer: Caller, name: str) -> tuple[str, str]:
    """Refer somebody, have the program ask police. Return the case and the form's address."""
    _refer(officer, {"contact.given_name": name})
    before = set(_cases(town, "police"))
    assert _heading(_sent(officer, same="no")) == "Sent"
    (case,) = set(_cases(town, "police")) - before
    town.settle()
    with closing(town.office("program")) as office:
        operations.open_case(office, founder_of("program"), case)
        operations.ask(office, case, "eligibility")
    town.settle()
    officer.get("/asked")
    page = officer.send("/asked")
    (address,) = re.findall(r'href="(/people/[0-9a-f]+/tell/answer)"', page.text)
    return case, address


def _cant_tell(page: httpx.Response) -> dict[str, Any]:
    """Return the fields of a form in which everything is "I can't tell"."""
    fields: dict[str, Any] = {"asked": _asked(page)}
    for name in fields["asked"]:
        is_text = f'name="{name}.unknown"' in page.text
        fields |= {name: "", f"{name}.unknown": "yes"} if is_text else {name: "not known"}
    return fields


def test_a_weight_after_cant_tell_counts_and_cant_tell_closes_the_rest(
    town: Running, officer: Caller
) -> None:
    case, address = _asked_case(town, officer, "Wei")
    fields = _cant_tell(officer.get(address))
    weight = next(name for name in fields["asked"] if name.endswith(".grams"))
    assert _heading(officer.send(address, fields)) == "Check and send"
    page = officer.get(address)
    assert _is_ticked(page, f"{weight}.unknown")
    page = officer.send(address, {**fields, weight: "2.9"})
    assert "2.9 and “I can’t tell” are both given" in _words(page)
    assert 'value="2.9"' in page.text and _is_ticked(page, f"{weight}.unknown")
    page = officer.send(address, {**fields, weight: "2,9", f"{weight}.unknown": []})
    assert "write it with a point, such as 2.9" in _words(page)
    page = officer.send(address, {**fields, weight: "2.9", f"{weight}.unknown": []})
    assert _heading(page) == "Check and send" and "2.9 g" in _words(page)
    assert "Not known here" in _words(page)
    sent = officer.send(f"{address}/check", {"seen": officer.hidden("seen")})
    assert _heading(sent) == "Sent"
    assert "Nobody waits for you." in officer.get("/asked").text
    town.settle()
    with closing(town.office("program")) as office:
        operations.open_case(office, founder_of("program"), case)
        missing = operations.open_decision(office, case, "eligibility").missing
    assert not any("grams" in fact.question for fact in missing)
    known_by_police = [fact for fact in missing if fact.role == "police"]
    assert known_by_police
    assert {fact.not_knowing for fact in known_by_police} == {("Police",)}


def test_an_answer_of_nothing_but_cant_tell_is_an_answer(town: Running, officer: Caller) -> None:
    _, address = _asked_case(town, officer, "Uli")
    fields = _cant_tell(officer.get(address))
    left_open = {name: "" for name in fields["asked"] if f"{name}.unknown" in fields}
    some = {name: text for name, text in fields.items() if not name.endswith(".unknown")}
    page = officer.send(address, {**some, **left_open})
    assert _heading(page) == "Check and send", "what is left empty can follow"
    assert _heading(officer.send(address, fields)) == "Check and send"
    page = officer.send(f"{address}/check", {"seen": officer.hidden("seen")})
    assert _heading(page) == "Sent"
    assert "Nobody waits for you." in officer.get("/asked").text
    assert officer.get(address).status_code == 422


# Words


def test_the_officers_pages_are_in_short_plain_sentences(officer: Caller) -> None:
    """V10 and V11: grade 5, sentences of 20 words, and no word to avoid."""
    pages = {"offer": officer.get("/offer")}
    pages["scene"] = officer.send("/offer", {"route": "arrest"})
    pages["answer"] = _answer_scene(officer, YES_AT_THE_SCENE)
    pages["who"] = officer.send("/offer/answer", {"answer": "accepted"})
    for path in ("/offer/not", "/asked", "/mine"):
        pages[path] = officer.get(path)
    for name, page in pages.items():
        assert page.status_code == 200, name
        texts = texts_of(page.text, "en")
        assert words_to_avoid(texts, "en") == [], name
        level = reading_level(texts)
        assert level.long == (), (name, level)
        assert level.grade <= PLAIN_GRADE, (name, level)
