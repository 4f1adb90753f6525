"""A decision that was told is told once, and the rules' contrary answer isn't told in its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from offramp.agency import operations
from offramp.agency.cases.pack_terms import pack_terms
from offramp.agency.errors import AgencyError
from offramp.agency.wording import case_lines
from tests.support.agencies import Town
from tests.support.agency_console import PASSWORD, Caller, code_of, make_account, serve_at_town_time
from tests.support.santa_fe_town import consent, linked_town, refer, screen, settle, state
from tests.support.staff import founder_of

PERSON = "Julia Vigil"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with linked_town(tmp_path) as town:
        yield town


def over_the_limit(town: Town) -> str:
    """Return a case that the rules bar, before the person has consented to anything."""
    case = refer(town, "Ida Romero", "1987-12-01")
    state(town, "police", "weigh", case, {"encounter.drugs[0].grams": "9.1 g"})
    settle(town, case)
    screen(town, case)
    return case


def decided_eligible(town: Town, agency: str, case: str, person: str = PERSON) -> None:
    words = (person, case, "eligibility", "eligible", "discretion")
    assert operations.determine(town.at[agency], *words).differs


def code(town: Town, agency: str) -> str:
    """Return a code that wasn't used yet: of a new secret."""
    return code_of(make_account(town.at[agency], founder_of(agency), founder_of(agency)))


def signed_in(town: Town, console: Any, agency: str) -> Caller:
    caller = Caller(console)
    caller.get("/sign-in")
    caller.sign_in(founder_of(agency), PASSWORD, code(town, agency))
    return caller


def words(page: httpx.Response) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def answers_sent(town: Town, agency: str) -> list[str]:
    sent = town.at[agency].working_set().outbox.values()
    return [record.jti for record in sent if record.kind in ("decision", "determination")]


def test_the_page_says_that_a_decision_was_told_and_to_whom(town: Town) -> None:
    """Loading it again offered the rules' contrary answer, with the same button."""
    case = over_the_limit(town)
    decided_eligible(town, "program", case)
    consent(town, case)
    address = f"/people/{town.at['program'].accounts.local_id(case)}/decided/eligibility"
    with serve_at_town_time(town, "program") as console:
        caller = signed_in(town, console, "program")
        assert "Check and tell" in words(caller.get(address))
        secret = {"password": PASSWORD, "code": code(town, "program")}
        form = {"seen": caller.hidden("seen"), **secret}
        assert "Crossroads, Prosecutor will get it" in words(caller.send(address, form))
        told = answers_sent(town, "program")
        again = caller.get(address)
        assert "This was told" in words(again) and f"Decided by {PERSON} of Program" in words(again)
        assert "Told to Crossroads, Prosecutor" in words(again)
        assert "Not eligible" not in words(again) and "Tell it" not in words(again)
        assert 'name="seen"' not in again.text
        assert "Nothing was sent now" in words(caller.send(address, form))
    assert answers_sent(town, "program") == told
    with pytest.raises(AgencyError) as refused:
        operations.tell_decision(town.at["program"], PERSON, case, "eligibility")
    assert refused.value.code == "nothing-to-tell"
    assert "told before, to `crossroads`, `prosecutor`" in str(refused.value)


def test_the_rules_answer_is_not_told_in_place_of_another_agencys_decision(town: Town) -> None:
    case = over_the_limit(town)
    consent(town, case)
    decided_eligible(town, "prosecutor", case, "Thomas Baca")
    settle(town, case)
    preview = operations.preview_telling(town.at["program"], case, "eligibility")
    assert preview.standing is not None and not preview.is_told
    assert (preview.standing.by, preview.standing.is_own) == ("Thomas Baca", False)
    address = f"/people/{town.at['program'].accounts.local_id(case)}/decided/eligibility"
    with serve_at_town_time(town, "program") as console:
        shown = words(signed_in(town, console, "program").get(address))
    assert "A person decided this" in shown and "Thomas Baca of Prosecutor" in shown
    assert "Tell it" not in shown
    with pytest.raises(AgencyError) as refused:
        operations.tell_decision(town.at["program"], PERSON, case, "eligibility")
    assert refused.value.code == "nothing-to-tell"


def test_the_rules_answer_is_told_where_the_other_decision_is_out_of_date(town: Town) -> None:
    """It shows the prosecutor that the decision rests on something else now."""
    case = refer(town, "Ida Romero", "1987-12-01")
    screen(town, case)
    consent(town, case)
    decision = ("Thomas Baca", case, "eligibility", "eligible", "rules")
    operations.determine(town.at["prosecutor"], *decision)
    settle(town, case)
    town.hub.clock += 3600
    operations.correct(town.at["police"], "Officer Lund", case, {"encounter.drugs[0].grams": 9.1})
    settle(town, case)
    assert operations.preview_telling(town.at["program"], case, "eligibility").standing is None
    told = operations.tell_decision(town.at["program"], PERSON, case, "eligibility")
    assert "prosecutor" in told.recipients
    shown = operations.list_today(town.at["program"], 50).tasks
    assert not any("rules' answer" in step.what for step in shown), "it was told"


def _today(town: Town, case: str) -> list[str]:
    """Return the program's steps of a case as *Today* shows them."""
    today = operations.list_today(town.at["program"], 50).tasks
    return [step.what for step in today if step.task.case == case]


def test_no_answer_of_the_rules_is_offered_once_a_person_here_decided_the_same(
    town: Town,
) -> None:
    """*Today* offered "Not eligible" a minute after the member's own "Eligible" was told."""
    case = refer(town, "Ida Romero", "1987-12-01")
    screen(town, case)
    consent(town, case)
    office = town.at["program"]
    operations.send_answer(office, operations.decide(office, case, "eligibility"))
    decision = ("Thomas Baca", case, "eligibility", "eligible", "rules")
    operations.determine(town.at["prosecutor"], *decision)
    settle(town, case)
    town.hub.clock += 3600
    operations.correct(town.at["police"], "Officer Lund", case, {"encounter.drugs[0].grams": 240})
    settle(town, case)
    offered = [step for step in _today(town, case) if "the rules' answer" in step]
    assert offered, _today(town, case)
    preview = operations.preview_telling(office, case, "eligibility")
    assert (preview.outcome, preview.standing) == ("ineligible", None)
    assert preview.in_force is not None and preview.in_force.by == "Thomas Baca"
    address = f"/people/{office.accounts.local_id(case)}/decided/eligibility"
    with serve_at_town_time(town, "program") as console:
        shown = words(signed_in(town, console, "program").get(address))
    assert "Thomas Baca of Prosecutor decided: Eligible." in shown
    assert "That decision stays in force until Prosecutor decides again." in shown
    # A person here decides the same question, and the decision is told.
    words_here = (PERSON, case, "eligibility", "eligible", "discretion")
    made = operations.determine(office, *words_here, although_in_doubt=True)
    assert made.differs and "prosecutor" in made.recipients
    for _ in range(2):
        steps = _today(town, case)
        assert not any("the rules' answer" in step for step in steps), steps
        assert any(step.startswith("Call Prosecutor, and ask it to look at") for step in steps)
        preview = operations.preview_telling(office, case, "eligibility")
        assert preview.standing is not None and preview.standing.is_own and not preview.is_told
        settle(town, case)
    # After a later correction, neither.
    town.hub.clock += 3600
    operations.correct(town.at["police"], "Officer Lund", case, {"encounter.drugs[0].grams": 8.5})
    settle(town, case)
    steps = _today(town, case)
    assert any(step.startswith("Call Prosecutor, and ask it to look at") for step in steps)
    assert not any("the rules' answer" in step for step in steps), steps
    preview = operations.preview_telling(office, case, "eligibility")
    assert preview.standing is not None and preview.standing.is_own


def test_a_fresh_decision_against_the_rules_offers_nothing_and_asks_for_no_second_look(
    town: Town,
) -> None:
    """*Today* said that the decision itself outdates the answer, and offered that in its place."""
    case = over_the_limit(town)
    consent(town, case)
    office, prosecutor = town.at["program"], town.at["prosecutor"]
    operations.send_answer(office, operations.decide(office, case, "eligibility"))
    settle(town, case)
    # The approval of the entry is a fact of its own, and the decision states another.
    for outcome in ("ineligible", "eligible"):
        decision = operations.determine(
            prosecutor, "Thomas Baca", case, "eligibility", outcome, "discretion"
        )
        settle(town, case)
        assert decision.differs is (outcome == "eligible")
    address = f"/people/{office.accounts.local_id(case)}/decided/eligibility"

    def read_page() -> str:
        with serve_at_town_time(town, "program") as console:
            return words(signed_in(town, console, "program").get(address))

    steps = _today(town, case)
    assert not any("the rules' answer" in step or "look" in step for step in steps), steps
    assert not any("out of date" in note for note in _notes(town, case))
    page = read_page()
    assert "The rules say otherwise. Prosecutor decided, and that stands." in page
    assert "Tell it" not in page and "look again" not in page and "Not known yet" not in page
    # A later correction is a reason to call once it is opened, and none to tell the rules' answer.
    town.hub.clock += 3600
    operations.correct(town.at["police"], "Officer Lund", case, {"encounter.drugs[0].grams": 2.4})
    town.settle()
    page = read_page()
    assert "second look" not in page and "Tell it" not in page
    settle(town, case)
    steps = _today(town, case)
    assert not any("the rules' answer" in step for step in steps), steps
    assert any(step.startswith("Call Prosecutor, and ask it to look at") for step in steps), steps
    assert not any("sends the new one" in note for note in _notes(town, case))
    page = read_page()
    assert "Call Prosecutor, and ask for a second look." in page and "Tell it" not in page
    with pytest.raises(AgencyError) as refused:
        operations.tell_decision(office, PERSON, case, "eligibility")
    assert refused.value.code == "nothing-to-tell"


def _notes(town: Town, case: str) -> list[str]:
    return [note.text for note in operations.describe_case(town.at["program"], case).notes]


def test_the_rules_answer_that_was_told_has_no_button_until_something_changes(town: Town) -> None:
    case = over_the_limit(town)
    consent(town, case)
    office = town.at["program"]
    address = f"/people/{office.accounts.local_id(case)}/decided/eligibility"
    with serve_at_town_time(town, "program") as console:
        caller = signed_in(town, console, "program")
        assert "Who says so The rules" in words(caller.get(address))
        form = {"seen": caller.hidden("seen")}
        assert "will get it" in words(caller.send(address, form))
        records = answers_sent(town, "program")
        reloaded = caller.get(address)
        assert "This was told" in words(reloaded) and "Who says so The rules" in words(reloaded)
        assert "Not eligible" in words(reloaded) and 'name="seen"' not in reloaded.text
        assert "This was told before. Nothing was sent now." in words(caller.send(address, form))
        assert answers_sent(town, "program") == records
    settle(town, case)
    assert operations.preview_telling(office, case, "eligibility").standing is not None
    town.hub.clock += 3600
    operations.correct(town.at["police"], "Officer Lund", case, {"encounter.drugs[0].grams": 240})
    settle(town, case)
    preview = operations.preview_telling(office, case, "eligibility")
    assert preview.standing is None and preview.is_told


def test_a_line_on_an_outdated_decision_says_that_no_new_one_can_arrive(town: Town) -> None:
    """It said "decides again" for good, though the prosecutor had, and might no longer tell."""
    case = refer(town, "Ida Romero", "1987-12-01")
    screen(town, case)
    consent(town, case)
    decision = ("Thomas Baca", case, "eligibility", "eligible", "rules")
    operations.determine(town.at["prosecutor"], *decision)
    settle(town, case)
    town.hub.clock += 3600
    operations.correct(town.at["police"], "Officer Lund", case, {"encounter.drugs[0].grams": 240})
    settle(town, case)
    manager = town.at["crossroads"]

    def lines() -> str:
        working_set = manager.working_set()
        zone = working_set.gateway.history.newest.zone
        view = operations.read_case(manager, case)
        printed = case_lines(view, zone, pack_terms(manager.program(working_set).pack))
        notes = [note.text for note in operations.describe_case(manager, case).notes]
        return " ".join((*notes, *printed))

    assert "Prosecutor decides again." in lines() and "prosecutor decides again" in lines()
    grants = [
        logged.grant.id
        for logged in manager.working_set().gateway.unended_grants(case)
        if logged.pair == ("prosecutor", "crossroads")
    ]
    operations.revoke_consent(manager, case, grants=grants)
    settle(town, case)
    assert "decides again" not in lines()
    assert lines().count("may not tell you now, so nobody here would learn of it.") == 2
    steps = [step.what for step in operations.list_today(manager, 50).tasks]
    assert not any("waits for a new decision" in step for step in steps), steps
