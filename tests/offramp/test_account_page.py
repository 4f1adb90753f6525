"""The account of a worked case: what it names, and its counts beside those of the case's page.

A town in memory works one case from the referral to the exit. The case manager then reads the
account in both languages, the page of the case, and the person's own page.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from offramp.agency import operations
from offramp.agency.cases.caseload import utc
from offramp.agency.cases.draft import Draft
from offramp.agency.operations import evidence
from rules.input.json_text import parse_json
from tests.support.agencies import Town
from tests.support.santa_fe_town import (
    BY,
    ENCOUNTER,
    consent,
    describe_and_refer,
    interview,
    linked_town,
    screen,
    settle,
    state,
)
from tests.support.simulator import part

SCENE = ("offer_and_hand_off", "offer_at_scene")
LANGUAGES = ("en", "es")
UNWEIGHED = {name: answer for name, answer in ENCOUNTER.items() if not name.endswith(".grams")}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with (
        linked_town(tmp_path_factory.mktemp("account")) as town,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(evidence, "link_of", lambda office: town.link(office.agency))
        yield town


@pytest.fixture(scope="module")
def worked(town: Town) -> str:
    """Return a case that was worked through: each kind of thing happens in it once or more."""
    case = describe_and_refer(town, "Lena Ortiz", "1994-03-02", UNWEIGHED)
    settle(town, case)
    screen(town, case)
    consent(town, case)
    program, crossroads = town.at["program"], town.at["crossroads"]
    corrected = {"contact.birth_date": "1994-02-03"}
    operations.correct(town.at["police"], BY, case, corrected)
    settle(town, case)
    operations.ask(program, case, "eligibility")
    settle(town, case)
    drugs = {"encounter": {"drugs": [{"kind": "opioid", "form": "weighed", "grams": 2.1}]}}
    operations.note_facts(town.at["police"], case, _parsed(drugs))
    settle(town, case)
    operations.send_answer(program, operations.decide(program, case, "eligibility"))
    interview(town, case)
    operations.determine(program, BY, case, "admission", "admitted", "discretion")
    settle(town, case)
    operations.send_status(crossroads, operations.draft_status(crossroads, case, "engaged"))
    settle(town, case)
    operations.recall(crossroads, BY, case, "wrong_recipient", record="status", recipient="program")
    settle(town, case)
    operations.revoke_consent(crossroads, case, recipient="prosecutor")
    settle(town, case)
    state(town, "crossroads", "exit", case, {"enrollment.since": utc(town.hub.clock)[:10]})
    settle(town, case)
    return case


def _parsed(facts: Mapping[str, Any]) -> Any:
    return parse_json(json.dumps(facts))


def account(town: Town, case: str, language: str) -> operations.AccountPage:
    (page,) = operations.describe_account(town.at["crossroads"], case, language)
    return page


def test_what_was_told_is_named_by_its_details_and_not_by_its_whole_kind(town: Town) -> None:
    """Police tell the case managers an age alone. What they tell the program, nobody here read."""
    parts = [
        part("contact", {"facts": {"person.age": 30}}, to={to: SCENE}, says={"answer": "accepted"})
        for to in ("crossroads", "program")
    ]
    sent = operations.send_record(town.at["police"], "referral", Draft(tuple(parts)))
    settle(town, sent.case)
    consent(town, sent.case)  # a case manager has the hub's account after a consent
    phrases = {
        "en": ("your age", "information on name and contact"),
        "es": ("su edad", "información"),
    }
    for language, (age, unseen) in phrases.items():
        page = account(town, sent.case, language)
        (opened,), (unseen_here,) = page.sentences["Crossroads"], page.sentences["Program"]
        assert re.search(f": {age}\\. ", opened) and unseen not in opened
        assert age not in unseen_here
        assert re.search(rf"{unseen}.* \((we can’t see which|no podemos ver cuál)\)", unseen_here)
        lines = {line.agency: line.text for line in page.summary}
        assert lines["Crossroads"].endswith(f": {age}.") and unseen in lines["Program"]
        assert "your name" not in " ".join(lines.values())
    own_page = operations.print_my_page(office(town), sent.case)
    agencies = {agency.agency: agency for agency in own_page.told}
    assert agencies["crossroads"].told == ("your age",)
    assert agencies["program"].told == ("information on name and contact",)


def office(town: Town) -> operations.Office:
    return town.at["crossroads"]


def test_each_disclosure_is_counted_once_on_the_account_its_list_and_the_case(
    town: Town, worked: str
) -> None:
    """A record to an agency is one disclosure, as the page of the case shows it."""
    names = {agency: entry.name for agency, entry in _agencies(town).items()}
    for language in LANGUAGES:
        page = account(town, worked, language)
        listed = {name: len(sentences) for name, sentences in page.sentences.items()}
        assert page.count == sum(listed.values()) == sum(line.count for line in page.summary)
        assert {line.agency: line.count for line in page.summary} == listed
        assert len(page.summary) <= 12 and str(page.count) in page.told_times
        for agency, entry in names.items():
            if worked not in town.at[agency].working_set().cases:
                continue
            events = operations.describe_case(town.at[agency], worked).events
            on_case = Counter(
                to
                for event in events
                if event.kind not in ("consent", "consent_change", "question", "representation")
                for to in (event.to if event.is_own else (entry,))
            )
            verb = {"en": "told", "es": "comunicó a"}[language]
            by_account = Counter(
                to
                for to, sentences in page.sentences.items()
                for sentence in sentences
                if to == entry or f", {entry} {verb} {to}: " in sentence
            )
            assert on_case == by_account, (agency, language)
            questions = sum(len(event.to) for event in events if event.kind == "question")
            asks = rf"{entry} (?:asked|hizo a) .*?(\d+) (?:question|pregunta)"
            notices = [re.match(asks, notice) for notice in page.text.notices]
            assert questions == sum(int(count[1]) for count in notices if count)
    (admission,) = [
        sentence
        for sentence in account(town, worked, "en").sentences["Crossroads"]
        if "a decision about admission" in sentence
    ]
    assert admission.count("whether you are in the program") == 1


def _agencies(town: Town) -> Mapping[str, Any]:
    return office(town).working_set().gateway.history.newest.agencies


def test_who_opened_the_file_is_counted_alike_on_each_page(town: Town, worked: str) -> None:
    """The account and the person's own page say the same. The page of the case counts nothing."""
    english, spanish = (account(town, worked, language).opened_by[1:] for language in ("en", "es"))
    assert english == operations.print_my_page(office(town), worked, "en").opened_by != ()
    assert spanish == operations.print_my_page(office(town), worked, "es").opened_by != english


def test_a_case_that_was_looked_at_often_is_read_as_fast_as_any(town: Town, worked: str) -> None:
    for _ in range(60):
        described = operations.describe_case(office(town), worked)
    assert len(described.looks) == 40, "the newest looks alone are read"


def test_what_changed_says_what_a_correction_was_of_and_who_was_told_of_the_exit(
    town: Town, worked: str
) -> None:
    page = account(town, worked, "en")
    changes = [change.partition(": ")[2] for change in page.text.changes]
    assert "Police corrected what it had told Crossroads: your birth date." in changes
    unseen = "Police corrected what it had told Program: information on name and contact."
    assert unseen in changes
    assert any(
        re.fullmatch("Crossroads sent .*Program.* the note that you left.*", c) for c in changes
    )
    assert any("asked Program to give back: status in one word." in change for change in changes)
    assert any("You took back all" in change and "Prosecutor" in change for change in changes)
    whole = " ".join((*page.text.changes, *(line for _, line in page.text.told)))
    assert "1994" not in whole, "no value is there"
    corrections = account(town, worked, "es").text.changes
    assert any(
        "corrigió" in change and "su fecha de nacimiento" in change for change in corrections
    )


def test_what_the_rules_answer_is_no_decision_of_a_person(town: Town, worked: str) -> None:
    sentences = account(town, worked, "en").sentences
    (answer,) = [line for line in sentences["Crossroads"] if "what the program's rules" in line]
    assert "what the rules answer about entry to the program" in answer
    assert "decision about" not in answer
