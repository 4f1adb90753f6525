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
from offramp.agency.cases.detail_words import DETAILS, in_third_person
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
        "en": ("your age", "information on identity and contact"),
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
    assert agencies["program"].told == ("information on identity and contact",)


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
        counted = {line.agency: line.count for line in page.summary}
        assert {agency: count for agency, count in counted.items() if count} == listed
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
            asks = rf"{entry} (?:sent|envió a) .*?(\d+) (?:records? with q|registros? con p)"
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
    unseen = "Police corrected what it had told Program: information on identity and contact."
    assert unseen in changes
    assert any(
        re.fullmatch("Crossroads sent .*Program.* the note that you left.*", c) for c in changes
    )
    assert any("asked Program to give back: status in one word." in change for change in changes)
    assert any("You took back all" in change and "Prosecutor" in change for change in changes)
    whole = " ".join((*page.text.changes, *(telling.text for telling in page.text.told)))
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


def test_an_agency_that_only_told_is_among_those_who_know(town: Town, worked: str) -> None:
    """Police were told nothing, and know what they told."""
    page = account(town, worked, "en")
    (police,) = [line for line in page.summary if line.agency == "Police"]
    assert police.count == 0
    assert re.match(
        r"Police \(police\), last on .*\. It told others: .*possible charges", police.text
    )
    spanish = {line.agency: line.text for line in account(town, worked, "es").summary}
    assert "Comunicó a otras: " in spanish["Police"]


def test_who_knows_what_and_the_account_say_the_same(town: Town, worked: str) -> None:
    """Each full cell of the table is in the paragraph of its agency, in the same words.
    Staff read of the person, whom the account addresses.

    At the case managers', the table has nothing that others told each other, and says so.
    """
    knowledge = operations.describe_knowledge(office(town), worked)
    assert not any(re.search(r"\byours?\b|\byou\b", row) for row, _ in knowledge.rows), "of staff"
    assert "the person's first name" in dict(knowledge.rows)
    paragraphs = {line.agency: line.text for line in account(town, worked, "en").summary}
    assert not knowledge.is_whole
    assert {*knowledge.agencies} - {*knowledge.unseen} <= {*paragraphs}
    assert {"Clinic", "Police", "Program", "Prosecutor"} <= {*knowledge.agencies}, "a column each"
    words = {
        "Told, and opened": "Opened: ",
        "Told, not opened": "Not opened yet: ",
        "On its way": "Not fetched yet: ",
        "Asked back": "Asked back, with no answer yet: ",
    }
    cells = 0
    for detail, row in knowledge.rows:
        assert "name and contact" not in detail
        for agency, cell in zip(knowledge.agencies, row, strict=True):
            assert agency not in knowledge.unseen or cell == "Not shown here"
            for state_words in cell.split(". "):
                if state_words in words:
                    _, _, rest = paragraphs[agency].partition(words[state_words])
                    sentence = in_third_person(rest.partition(". ")[0])
                    assert detail.removeprefix("information on ") in sentence, (agency, detail)
                    cells += 1
    assert cells > 10
    (charges,) = [row for detail, row in knowledge.rows if detail == "possible charges"]
    by_agency = dict(zip(knowledge.agencies, charges, strict=True))
    assert by_agency["Crossroads"] == "Told, and opened" and by_agency["Police"] == "Said it"
    assert by_agency["Prosecutor"] == "Not shown here", "police told it, and no cell says no"


def test_before_a_consent_the_list_says_that_it_is_not_whole(town: Town) -> None:
    """Until a consent, the hub gives the case managers nothing that others told each other."""
    case = describe_and_refer(town, "Pia Lund", "1991-05-06", UNWEIGHED)
    settle(town, case)
    screen(town, case)
    page, spanish = (account(town, case, language) for language in LANGUAGES)
    assert not page.is_whole and set(page.tellings) == {"Crossroads"}
    assert page.text.scope is not None and spanish.text.scope is not None
    assert page.text.scope.startswith("This isn’t the whole list. Crossroads can see only what it")
    assert "once you sign a consent form there" in page.text.scope
    assert spanish.text.scope.startswith("Esta no es la lista completa.")
    assert page.told_times.startswith("In this list, ") and "may be more" in page.told_times
    knowledge = operations.describe_knowledge(office(town), case)
    assert not knowledge.is_whole
    (charges,) = [row for detail, row in knowledge.rows if detail == "possible charges"]
    by_agency = dict(zip(knowledge.agencies, charges, strict=True))
    assert by_agency["Crossroads"] == "Told, and opened"
    assert by_agency["Prosecutor"] == "Not shown here", "the prosecutor was told them by police"
    consent(town, case)
    page = account(town, case, "en")
    assert page.is_whole and page.text.scope is None
    assert {"Crossroads", "Prosecutor", "Program"} <= set(page.tellings)


def test_why_it_was_allowed_is_said_once_for_each_reason(town: Town, worked: str) -> None:
    for language, because in (("en", "llowed because"), ("es", "ermitió porque")):
        page = account(town, worked, language)
        for name, groups in page.tellings.items():
            reasons = [group.basis for group in groups if group.basis is not None]
            assert len(reasons) == len(set(reasons)) and all(
                because in reason for reason in reasons
            )
            assert not any(because in text for text in page.sentences[name])
    program = page.tellings["Program"]
    assert len(program) > 1 and sum(len(group.sentences) for group in program) == 7


def test_what_a_gateway_used_by_itself_is_not_said_to_be_opened_by_a_person(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program's gateway uses an answer of police. Nobody at the program presses anything."""
    program = town.at["program"]
    case = describe_and_refer(town, "Ivo Reyes", "1988-08-09", UNWEIGHED)
    settle(town, case)
    screen(town, case)
    consent(town, case)
    operations.ask(program, case, "eligibility")
    settle(town, case)  # police open the question
    drugs = {"encounter": {"drugs": [{"kind": "opioid", "form": "weighed", "grams": 2.2}]}}
    operations.note_facts(town.at["police"], case, _parsed(drugs))
    town.settle()
    monkeypatch.setattr(program, "settings", program.settings.model_copy(update={"automatic": BY}))
    program.settled_at = None
    operations.act_automatically(program)
    town.settle()
    automatic = "It was used at Program on .*, automatically"
    sentences = account(town, case, "en").sentences["Program"]
    (answer,) = [sentence for sentence in sentences if "an answer to" in sentence]
    # The case managers see the acknowledgment, and not whether a person was at it.
    assert re.search(f"{automatic} or by a person.", answer) and "opened it" not in answer
    summary = account(town, case, "en").summary
    (line,) = [line for line in summary if line.agency == "Program"]
    assert "Used there, automatically or by a person: " in line.text
    own_page = operations.print_my_page(office(town), case)
    (there,) = [agency for agency in own_page.told if agency.agency == "program"]
    assert there.used == ("information on the encounter with police",)
    # The program itself knows.
    own = evidence.fetch_account(program, case, may_be_own=True).text("en")
    assert any(re.search(f"{automatic}\\.", telling.text) for telling in own.told)
    cells = dict(operations.describe_knowledge(program, case).rows)["the encounter with police"]
    assert "Told, and used automatically" in cells[0]
    # What a person opens is said to be opened.
    assert any("Program opened it on" in telling.text for telling in own.told)


def test_staff_read_of_the_person_and_not_of_themselves() -> None:
    for english, _ in DETAILS.values():
        assert not re.search(r"\byours?\b|\byou\b", in_third_person(english)), english
    assert in_third_person("whether you were booked") == "whether the person was booked"
    question = "the answer to “Do you work?”"
    assert in_third_person(question) == question, "a question is quoted as it is"
