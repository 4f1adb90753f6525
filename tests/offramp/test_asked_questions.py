"""Each question is listed under *Asked*, and its answer reaches the agency that asked.

Each gateway opens questions and answers by itself what it knows, as in the demonstration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from offramp.agency import operations
from offramp.agency.cases.caseload import utc
from offramp.agency.errors import AgencyError
from offramp.agency.folder.settings import read_settings, write_settings
from tests.support.agencies import Town
from tests.support.agency_console import PASSWORD, Caller, code_of, make_account, serve_at_town_time
from tests.support.santa_fe_town import (
    ENCOUNTER,
    PACK,
    consent,
    linked_town,
    refer,
    say_yes,
    screen,
    settle,
    state,
)
from tests.support.staff import founder_of

CHARGES = "encounter.charges"
CODE, CONDUCT = f"{CHARGES}[0].code", f"{CHARGES}[0].conduct"
POSSESSION = "NMSA 30-31-23"
DISPUTED = {**ENCOUNTER, CODE: POSSESSION, CONDUCT: "theft"}
WHICH = "Which is right? NMSA 30-31-23 is possession by the table, and theft was given."
# Little is known, so that the rules ask for as much as they ever do.
BARE = {"encounter.route": "arrest", CHARGES: 1, CONDUCT: "possession", "encounter.drugs": 1}


@contextmanager
def town_that_answers(folder: Path, pack: Path = PACK) -> Iterator[Town]:
    """Yield a town in which the gateways of police and prosecutor answer by themselves."""
    with linked_town(folder, pack=pack) as town:
        for name in ("police", "prosecutor"):
            let_act_by_itself(town, name)
        yield town


def let_act_by_itself(town: Town, name: str) -> None:
    """Let an agency's gateway act in its founder's name."""
    settings = read_settings(town.folder / name)
    automatic = {"automatic": founder_of(name)}
    write_settings(town.folder / name, settings.model_copy(update=automatic))
    town.at[name].close()
    town.at[name] = town.office(name)


def let_gateways_act(town: Town, case: str) -> None:
    """Deliver everything, let the gateways answer what they can, and deliver that."""
    town.settle()
    for office in town.at.values():
        operations.act_automatically(office)
    settle(town, case)


def missing_at_program(town: Town, case: str) -> Mapping[str, Any]:
    """Return what the rules lack for the eligibility, by its question."""
    pending = operations.open_decision(town.at["program"], case, "eligibility")
    return {fact.question: fact for fact in pending.missing}


def officer_at(town: Town, console: Any, agency: str = "police") -> Caller:
    """Sign an agency's founder in."""
    founder = founder_of(agency)
    officer = Caller(console)
    officer.get("/sign-in")
    code = code_of(make_account(town.at[agency], founder, founder))
    officer.sign_in(founder, PASSWORD, code)
    return officer


def answer(officer: Caller, case_path: str, answers: Mapping[str, str]) -> str:
    """Fill in the form of *Asked*, check, and send. Return the last page."""
    path = f"{case_path}/tell/answer"
    page = officer.get(path)
    fields: dict[str, Any] = {"asked": re.findall(r'name="asked" value="([^"]*)"', page.text)}
    assert set(fields["asked"]) == set(answers)
    page = officer.send(path, {**fields, **answers})
    assert "Who gets this" in page.text, re.findall(r'class="error[^>]*>.*', page.text)
    return officer.send(f"{path}/check", {"seen": officer.hidden("seen", page)}).text


@pytest.mark.parametrize(
    ("answers", "is_resolved"),
    [
        ({CODE: POSSESSION, CONDUCT: "possession"}, True),
        ({CODE: "NMSA 30-16-1", CONDUCT: "theft"}, True),
        ({CODE: POSSESSION, CONDUCT: "theft"}, False),
    ],
    ids=["the conduct was wrong", "the section was wrong", "both stay as they were"],
)
def test_a_charge_against_its_section_is_asked_answered_and_resolved(
    tmp_path: Path, answers: Mapping[str, str], is_resolved: bool
) -> None:
    """Police's gateway never repeats what the program has: a person says which is right."""
    with town_that_answers(tmp_path) as town:
        case = refer(town, "Ida Romero", "1987-12-01", DISPUTED)
        dispute = missing_at_program(town, case)[WHICH]
        assert dispute.askable == ("Police",)
        assert not dispute.is_later and dispute.purpose is None, "it waits for nothing else"
        operations.ask(town.at["program"], case, "eligibility")
        let_gateways_act(town, case)
        assert missing_at_program(town, case)[WHICH].agencies_asked == ("Police",)
        with serve_at_town_time(town, "police") as console:
            officer = officer_at(town, console)
            listed = unescape(officer.get("/asked").text)
            assert f"{WHICH} " in listed and "asked by Program" in listed
            assert "has your answer “Theft”" in listed
            (link,) = re.findall(r'class="btn small" href="([^"]*)/tell/answer"', listed)
            form = unescape(officer.get(f"{link}/tell/answer").text)
            assert f"<b>{WHICH}</b>" in form and f'value="{POSSESSION}"' in form
            assert "To send both once more doesn’t help" in form and "If it is right as" not in form
            assert "Correct what is wrong." in listed and "Confirm it" not in listed
            assert not re.search(rf'name="{re.escape(CONDUCT)}"[^>]* checked', form)
            assert "<title>Saved here" in answer(officer, link, answers), "no hub answers there"
            assert "Nobody waits for you." in officer.get("/asked").text
        settle(town, case)
        missing = missing_at_program(town, case)
        assert not any(fact.askable for fact in missing.values()), "nobody is asked for ever"
        assert (WHICH not in missing) is is_resolved
        if not is_resolved:
            assert missing[WHICH].unclear_at == ("Police",), "nobody waits for another answer"
            described = operations.describe_case(town.at["program"], case).answers
            (answer_here,) = (each for each in described if each.decision == "eligibility")
            heard = f"Police answered, and the rules can’t use the answer: {WHICH}"
            assert any(text.startswith(heard) for text in answer_here.missing), answer_here.missing


@pytest.mark.parametrize("pack", ["santa-fe", "seattle"])
def test_each_question_that_a_page_lets_somebody_ask_is_listed_and_can_be_answered(
    tmp_path: Path, pack: str
) -> None:
    """The page that lists it leads to a control for it, and its answer reaches the asker."""
    with town_that_answers(tmp_path, PACK.parent / pack) as town:
        cases = [refer(town, "Ida Romero", "1987-12-01", BARE)]
        if pack == "santa-fe":
            cases.append(refer(town, "Eli Vigil", "1990-02-03", DISPUTED))
        asked: set[tuple[str, str, str]] = set()
        for asker in ("program", "prosecutor"):
            for case in cases:
                for decision in ("eligibility", "admission"):
                    pending = operations.open_decision(town.at[asker], case, decision)
                    if any(fact.askable for fact in pending.missing):
                        sent = operations.ask(town.at[asker], case, decision, again=False)
                        asked |= {
                            (agency, case, path)
                            for agency, paths in sent.asked.items()
                            for path in paths
                        }
        for case in cases:
            let_gateways_act(town, case)
        assert len(asked) >= 8
        waiting = {
            (agency, question.case, question.path)
            for agency in ("police", "prosecutor")
            for question in operations.waiting_questions(town.at[agency])
        }
        known = {
            (agency, case, path)
            for agency, case, path in asked - waiting
            if path in operations.read_case(town.at["prosecutor"], case).facts
        }
        assert waiting | known == asked, "what isn't listed was new to the asker, and is answered"
        with serve_at_town_time(town, "police") as console:
            officer = officer_at(town, console)
            page = officer.get("/asked").text
            for question in operations.waiting_questions(town.at["police"]):
                assert question.question in unescape(page)
                local = town.at["police"].accounts.local_id(question.case)
                assert f'href="/people/{local}/tell/answer"' in page
                form = officer.get(f"/people/{local}/tell/answer").text
                names = {re.sub(r"\[\d+\]", "", name) for name in _controls(form)}
                assert question.path in names, question
            for case in cases:
                local = town.at["police"].accounts.local_id(case)
                form = officer.get(f"/people/{local}/tell/answer").text
                typed = dict.fromkeys(_asked(form), "not known")
                typed |= {name: "1 g" for name in typed if name.endswith(".grams")}
                answer(officer, f"/people/{local}", typed)
            assert "Nobody waits for you." in officer.get("/asked").text
        with serve_at_town_time(town, "prosecutor") as console:
            prosecutor = officer_at(town, console, "prosecutor")
            page = prosecutor.get("/asked").text
            for link in re.findall(r'class="btn small" href="([^"]*)"', page):
                assert link.endswith("/screening"), "the word is confirmed where it is decided"
                assert 'value="proceed"' in prosecutor.get(link).text
        for case in cases:
            settle(town, case)
            for fact in missing_at_program(town, case).values():
                is_waited_for = "Police" in fact.agencies_asked
                assert not is_waited_for or fact.not_knowing or fact.unclear_at, fact


def _asked(page: str) -> list[str]:
    return re.findall(r'name="asked" value="([^"]*)"', page)


def _controls(page: str) -> set[str]:
    return {name for name in re.findall(r'name="([^"]*)"', page) if name in _asked(page)}


def test_a_fact_that_several_agencies_ask_for_is_listed_once() -> None:
    about = operations.CaseAbout("Ida Romero", "1a2b3c4d", {})
    asked = [
        operations.WaitingQuestion(
            "c", by, "encounter.drugs.grams", "eligibility", "How?", by, about
        )
        for by in ("program", "prosecutor", "program")
    ]
    again = operations.WaitingQuestion("c", "x", asked[0].path, "filing", "How?", "x", about, "2 g")
    once, other = operations.group_questions([*asked, again])
    assert once.askers == ("program", "prosecutor") and not once.earlier
    assert other.askers == ("x",) and other.earlier == "2 g"


def test_only_the_facts_that_are_named_are_asked_for(tmp_path: Path) -> None:
    with town_that_answers(tmp_path) as town:
        case = refer(town, "Ida Romero", "1987-12-01", BARE)
        office = town.at["program"]
        operations.open_case(office, founder_of("program"), case)
        with pytest.raises(AgencyError) as refused:
            operations.ask(office, case, "eligibility", facts=["encounter.date"])
        assert refused.value.code == "not-lacking"
        sent = operations.ask(office, case, "eligibility", facts=["encounter.drugs.grams"])
        assert sent.asked == {"police": ("encounter.drugs.grams",)}
        pending = operations.open_decision(office, case, "eligibility")
        usual = [fact for fact in pending.missing if not fact.is_later]
        assert pending.missing[: len(usual)] == tuple(usual), "what matters now comes first"
        assert 0 < len(usual) < len(pending.missing)


def test_an_office_that_asks_by_itself_says_so_and_offers_no_ticks(tmp_path: Path) -> None:
    with town_that_answers(tmp_path) as town:
        case = refer(town, "Noa Trujillo", "1990-03-04", BARE)
        let_act_by_itself(town, "program")
        founder = founder_of("program")
        page = decision_page(town, "program", case, "eligibility")
        assert f"asks for all of this by itself, in the name of {founder}" in page
        assert 'type="hidden" name="fact"' in page and 'type="checkbox" name="fact"' not in page
        assert "Untick" not in page and "Ask now" in page
        assert operations.act_automatically(town.at["program"]) > 0
        page = decision_page(town, "program", case, "eligibility")
        assert f"Your office asks by itself, in the name of {founder}." in page
        assert 'name="fact"' not in page
        # Nobody asks by itself for a decision that another office works out.
        page = decision_page(town, "prosecutor", case, "eligibility")
        assert "by itself" not in page and 'type="checkbox" name="fact"' in page


def test_a_page_says_why_nobody_is_asked_and_what_helps(tmp_path: Path) -> None:
    with linked_town(tmp_path) as town:
        case = refer(town, "Pia Montoya", "1986-07-08")
        screen(town, case)
        settle(town, case)
        office = town.at["program"]
        pending = operations.open_decision(office, case, "admission")
        (approval,) = (fact for fact in pending.missing if fact.path == "approval.prosecutor")
        assert not approval.askable and approval.cannot is not None
        assert approval.cannot.startswith("The person’s consent doesn’t cover the question.")
        assert "Crossroads can ask the person for it." in approval.cannot
        assert approval.cannot in decision_page(town, "program", case, "admission")
        words = " ".join(_on_admission(town, case))
        assert "For the prosecutor to say, not asked without the person’s consent" in words
        waits = _waits_for_approval(town, case)
        assert "To ask" not in waits and "the person's consent has to cover the question" in waits
        with pytest.raises(AgencyError) as refused:
            operations.ask(office, case, "admission", facts=["approval.prosecutor"])
        assert refused.value.code == "nothing-to-ask"
        consent(town, case)
        settle(town, case)
        assert "To ask: `agency ask" in _waits_for_approval(town, case)
        assert "Ask the prosecutor: " in " ".join(_on_admission(town, case))
        operations.ask(office, case, "admission", facts=["approval.prosecutor"])
        assert _waits_for_approval(town, case).endswith("It was asked.")
        assert "Asked Prosecutor: " in " ".join(_on_admission(town, case))


@pytest.mark.parametrize(
    ("decision", "outcome"),
    [("admission", "declined_by_person"), ("eligibility", "ineligible")],
)
def test_questions_of_a_decision_that_was_made_wait_no_longer(
    tmp_path: Path, decision: str, outcome: str
) -> None:
    with linked_town(tmp_path) as town:
        case = refer(town, "Rex Sena", "1986-07-09", BARE)
        screen(town, case)
        consent(town, case)
        settle(town, case)
        office = town.at["program"]
        approval = ["approval.prosecutor"]
        operations.ask(office, case, "admission", facts=approval)
        settle(town, case)
        assert _asked_of_prosecutor(town, case) == approval and _waits_for_approval(town, case)
        made = operations.determine(
            office, founder_of("program"), case, decision, outcome, "safety"
        )
        settle(town, case)
        assert "prosecutor" in made.recipients and _asked_of_prosecutor(town, case) == []
        at_prosecutor = operations.list_open_decisions(town.at["prosecutor"]).listed
        assert not any(each.why.endswith("approval") for each in at_prosecutor)
        assert not _waits_for_approval(town, case)


def test_police_are_not_asked_for_the_entry_of_a_person_who_they_were_told_is_in(
    tmp_path: Path,
) -> None:
    """No record tells police what was decided. They may be told that the person takes part."""
    unweighed = {path: value for path, value in ENCOUNTER.items() if not path.endswith("grams")}
    with linked_town(tmp_path) as town:
        case = refer(town, "Rex Luna", "1986-07-10", unweighed)
        screen(town, case)
        for consent_set in ("hand_off", "plan"):
            say_yes(town.at["crossroads"], case, consent_set)
        settle(town, case)
        office = town.at["program"]
        operations.ask(office, case, "eligibility", facts=["encounter.drugs.grams"])
        settle(town, case)
        weight = ["encounter.drugs.grams"]
        assert _asked_of_police(town, case) == (weight, weight)
        with serve_at_town_time(town, "police") as console:
            caller = Caller(console)
            caller.get("/sign-in")
            secret = make_account(town.at["police"], founder_of("police"), founder_of("police"))
            caller.sign_in(founder_of("police"), PASSWORD, code_of(secret))
            shown = unescape(caller.get("/asked").text)
        assert "a question can stay here after somebody decided" in shown
        words = (founder_of("program"), case, "admission", "admitted", "discretion")
        made = operations.determine(office, *words)
        settle(town, case)
        assert "police" in made.recipients
        assert "admission" not in operations.read_case(town.at["police"], case).determinations
        assert _asked_of_police(town, case) == ([], [])
        with pytest.raises(AgencyError) as nothing:
            operations.open_form(town.at["police"], "answer", case)
        assert nothing.value.code == "nothing-to-tell"
        assert "`" not in str(nothing.value), "a page names no command"
        # A question that is asked after that waits as any other.
        operations.ask(office, case, "eligibility", facts=weight)
        settle(town, case)
        assert _asked_of_police(town, case) == (weight, weight)
        left = {"enrollment.since": utc(town.hub.clock)[:10]}
        state(town, "crossroads", "exit", case, left)
        settle(town, case)
        assert _asked_of_police(town, case) == ([], []), "nobody waits after the exit"


def _asked_of_police(town: Town, case: str) -> tuple[list[str], list[str | None]]:
    """Return the facts that police are asked for, on *Asked* and on *Today*."""
    police = town.at["police"]
    waiting = [question.path for question in operations.waiting_questions(police, case)]
    today = operations.list_today(police, 50).tasks
    return waiting, [step.task.asks for step in today if step.task.asks]


def _asked_of_prosecutor(town: Town, case: str) -> list[str]:
    return [each.path for each in operations.waiting_questions(town.at["prosecutor"], case)]


def _on_admission(town: Town, case: str) -> tuple[str, ...]:
    """Return what the page of the case says that the admission lacks."""
    described = operations.describe_case(town.at["program"], case).answers
    return next(each.missing for each in described if each.decision == "admission")


def _waits_for_approval(town: Town, case: str) -> str:
    """Return the step of the program that waits for the prosecutor's approval, or nothing."""
    tasks = operations.list_tasks(town.at["program"])
    steps = [t.what for t in tasks if t.case == case and t.about == "approval.prosecutor"]
    return " ".join(steps)


def decision_page(town: Town, agency: str, case: str, decision: str) -> str:
    """Return the page of a decision as an office shows it."""
    base = {"program": "applications", "prosecutor": "queue"}[agency]
    local = town.at[agency].accounts.local_id(case)
    with serve_at_town_time(town, agency) as console:
        return unescape(officer_at(town, console, agency).get(f"/{base}/{local}/{decision}").text)
