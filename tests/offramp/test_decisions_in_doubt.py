"""To rely on a decision that may be made anew is confirmed.

Police correct what they told after the prosecutor decided. The rules answer the same as before.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from offramp.agency import operations
from offramp.agency.commands.decisions import COMMANDS
from offramp.agency.errors import AgencyError
from rules.errors import RequestError
from tests.support.agencies import Town
from tests.support.agency_console import PASSWORD, Caller, code_of, make_account, serve_at_town_time
from tests.support.santa_fe_town import (
    ENCOUNTER,
    consent,
    interview,
    linked_town,
    refer,
    screen,
    settle,
    state,
)
from tests.support.staff import founder_of

SECOND = "encounter.charges[1]"
TWO_CHARGES = {
    **ENCOUNTER,
    "encounter.charges": 2,
    f"{SECOND}.conduct": "theft",
    f"{SECOND}.authority": "state",
    f"{SECOND}.violent": "no",
}
SLIPPED = "encounter.drugs[0].grams"
LOOKS_AGAIN = "Prosecutor may look at this again: after the decision of Thomas Baca of Prosecutor"
TAKEN_BACK = "Theft, State (Is it a charge of violence? No)"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with linked_town(tmp_path) as town:
        yield town


def decided(town: Town) -> str:
    """Return a case in which the prosecutor has approved and the program told the rules' answer."""
    case = refer(town, "Ida Romero", "1987-12-01", TWO_CHARGES)
    screen(town, case)
    consent(town, case)
    interview(town, case)
    approve(town, case)
    office = town.at["program"]
    operations.send_answer(office, operations.decide(office, case, "eligibility"))
    settle(town, case)
    return case


def approve(town: Town, case: str) -> None:
    decision = ("Thomas Baca", case, "eligibility", "eligible", "discretion")
    operations.determine(town.at["prosecutor"], *decision)
    settle(town, case)


def correct(town: Town, case: str, details: dict[str, Any]) -> None:
    """Correct what police told. Nobody has opened it yet."""
    operations.correct(town.at["police"], "Officer Lund", case, details)
    town.settle()


def notes(town: Town, agency: str, case: str) -> list[str]:
    return [note.text for note in operations.describe_case(town.at[agency], case).notes]


def words(page: httpx.Response) -> str:
    """Return the text of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def code(town: Town, agency: str) -> str:
    """Return a code that wasn't used yet: of a new secret."""
    return code_of(make_account(town.at[agency], founder_of(agency), founder_of(agency)))


def signed_in(town: Town, console: Any, agency: str) -> Caller:
    caller = Caller(console)
    caller.get("/sign-in")
    caller.sign_in(founder_of(agency), PASSWORD, code(town, agency))
    return caller


def test_the_program_confirms_to_admit_while_the_prosecutor_may_decide_again(town: Town) -> None:
    case = decided(town)
    correct(town, case, {"encounter.drugs[0].grams": 1.2, SECOND: None})
    settle(town, case)
    assert not operations.read_case(town.at["program"], case).determinations.get("admission")
    path = f"/people/{town.at['program'].accounts.local_id(case)}"
    page_of = path.replace("/people", "/applications") + "/admission"
    with serve_at_town_time(town, "program") as console:
        caller = signed_in(town, console, "program")
        shown = words(caller.get(path))
        assert LOOKS_AGAIN in shown and "Police corrected the drugs" in shown
        assert "1.2 g" in shown and "was 2.4 g" in shown
        assert f"(taken back: {TAKEN_BACK})" in shown and "; Theft" not in shown
        assert f'href="{page_of}"' in caller.page.text  # type: ignore[union-attr]
        page = caller.get(page_of)
        assert LOOKS_AGAIN in words(page)
        choice = re.findall(r'name="outcome" value="([^"]*)"', page.text)[0]
        draft = {"outcome": choice, "reason": "discretion", "seen": caller.hidden("seen")}
        page = caller.send(page_of, draft)
        assert LOOKS_AGAIN in words(page) and "Do you decide now all the same?" in words(page)
        secret = {"password": PASSWORD, "code": code(town, "program")}
        page = caller.send(f"{page_of}/check", {"seen": caller.hidden("seen"), **secret})
        assert "Confirm that you decide now, or wait" in unescape(page.text)
        assert not operations.read_case(town.at["program"], case).determinations.get("admission")
        secret["code"] = code(town, "program")
        anyway = {"seen": caller.hidden("seen"), "although_in_doubt": "yes", **secret}
        caller.send(f"{page_of}/check", anyway)
    made = operations.read_case(town.at["program"], case).determinations["admission"]
    assert made["outcome"] == choice
    approve(town, case)
    pending = operations.open_decision(town.at["program"], case, "admission")
    assert pending.in_doubt == () and LOOKS_AGAIN not in " ".join(notes(town, "program", case))


def test_a_second_decision_sees_old_and_new_values_side_by_side(town: Town) -> None:
    case = decided(town)
    page_of = f"/queue/{town.at['prosecutor'].accounts.local_id(case)}/eligibility"
    assert operations.open_decision(town.at["prosecutor"], case, "eligibility").changed == ()
    correct(town, case, {"encounter.drugs[0].grams": 24})
    settle(town, case)
    correct(town, case, {"encounter.drugs[0].grams": 1.2, SECOND: None})
    settle(town, case)
    with serve_at_town_time(town, "prosecutor") as console:
        caller = signed_in(town, console, "prosecutor")
        queue, today = words(caller.get("/queue")), words(caller.get("/today"))
        for listed in (queue, today):
            assert "How many grams does it weigh? 1.2 g , was 2.4 g by Police" in listed
        digits = operations.case_digits(town.at["prosecutor"])(case)
        assert today.count(f"A person without a name here case {digits}") <= 1, "listed once"
        screened = words(caller.get(page_of.replace("eligibility", "screening")))
        assert "Your office answered already: Proceed." in screened
        assert "You need not answer again" in screened and "Another word" in screened
        shown = words(caller.get(page_of))
    changed = shown.partition("What changed since the decision")[2].partition("The rules say")[0]
    assert "How many grams does it weigh? 1.2 g , was 2.4 g by Police" in changed
    assert f"Taken back: {TAKEN_BACK} by Police" in changed and "24 g" not in changed
    assert "Theft" not in shown.partition("What this rests on")[2], "a taken-back charge is none"
    approve(town, case)
    assert operations.open_decision(town.at["prosecutor"], case, "eligibility").changed == ()


def test_the_records_check_names_what_changed_after_its_word(town: Town) -> None:
    case = decided(town)
    page_of = f"/queue/{town.at['prosecutor'].accounts.local_id(case)}/screening"
    correct(town, case, {"encounter.date": "2026-06-01"})
    closed = "Police sent a correction that isn’t opened"
    with serve_at_town_time(town, "prosecutor") as console:
        caller = signed_in(town, console, "prosecutor")
        assert closed in words(caller.get("/queue")) and closed in words(caller.get(page_of))
        settle(town, case)
        text = words(caller.get(page_of))
    assert "What changed since the decision" in text and "was November 2, 2026 by Police" in text
    screen(town, case)
    assert operations.open_decision(town.at["prosecutor"], case, "screening").changed == ()


def test_a_closed_correction_of_a_name_flags_only_what_reads_the_age(town: Town) -> None:
    """A label shows the category of a correction, and the age is the only fact of that one."""
    case = decided(town)
    correct(town, case, {"contact.given_name": "Idah"})
    flagged = operations.read_case(town.at["program"], case).outdated
    assert {outdated.decision for outdated in flagged} == {"eligibility"}
    changes = [change.path for outdated in flagged for change in outdated.changes]
    assert set(changes) == {"person.age"}
    shown = " ".join(notes(town, "program", case))
    assert "It may change the person's age. Open it first." in shown
    settle(town, case)
    assert operations.read_case(town.at["program"], case).outdated == ()


def test_a_correction_of_what_the_rules_do_not_read_flags_no_answer(town: Town) -> None:
    case = decided(town)
    correct(town, case, {"encounter.booked": True})
    settle(town, case)
    assert operations.read_case(town.at["program"], case).outdated == ()
    assert LOOKS_AGAIN not in " ".join(notes(town, "program", case))


def test_a_command_in_doubt_is_confirmed_on_its_own(town: Town) -> None:
    """`--yes` doesn't answer it, as on the page of the check."""
    case = decided(town)
    correct(town, case, {"encounter.drugs[0].grams": 1.2, SECOND: None})
    settle(town, case)
    office = town.at["program"]
    assert operations.decision_doubts(office, case, "admission")
    (command,) = (each for each in COMMANDS if each.name == "determine")
    words = argparse.Namespace(
        case=case,
        decision="admission",
        outcome="awaiting",
        reason="discretion",
        to=None,
        yes=True,
        dry_run=False,
        json=True,
        although_in_doubt=False,
    )
    operations.sign_in(office, by=founder_of("program"))
    # No caller of the operation goes around it.
    by = ("Julia Vigil", case, "admission", "awaiting", "discretion")
    with pytest.raises(AgencyError) as unconfirmed:
        operations.determine(office, *by)
    assert unconfirmed.value.code == "decision-in-doubt" and LOOKS_AGAIN in str(unconfirmed.value)
    assert "admission" not in operations.read_case(office, case).determinations
    with pytest.raises(RequestError) as refused:
        command.run(office, words)
    assert refused.value.code == "answers-missing" and "--although-in-doubt" in str(refused.value)
    words.although_in_doubt = True
    command.run(office, words)
    assert operations.read_case(office, case).determinations["admission"]["outcome"] == "awaiting"


OWN_OUTDATED = (
    "Does the person meet the program's test? The answer of Julia Vigil of Program is out of date"
)


def eligible_by_the_program(town: Town) -> str:
    """Return a case that is over the limit, with the program's own word, then corrected."""
    case = refer(town, "Ida Romero", "1987-12-01")
    state(town, "police", "weigh", case, {"encounter.drugs[0].grams": "9.1 g"})
    settle(town, case)
    screen(town, case)
    consent(town, case)
    interview(town, case)
    words_of_program = ("Julia Vigil", case, "eligibility", "eligible", "discretion")
    made = operations.determine(town.at["program"], *words_of_program)
    assert made.differs
    settle(town, case)
    correct(town, case, {"encounter.drugs[0].grams": 8.8})
    settle(town, case)
    return case


def test_the_program_confirms_to_rely_on_its_own_outdated_decision(town: Town) -> None:
    """On the page and by command, as where the outdated decision is the prosecutor's."""
    case = eligible_by_the_program(town)
    office = town.at["program"]
    (doubt,) = operations.decision_doubts(office, case, "admission")
    assert doubt.startswith(OWN_OUTDATED)
    # Deciding the outdated one again is the remedy, and needs no confirmation.
    assert operations.decision_doubts(office, case, "eligibility") == ()
    page_of = f"/applications/{office.accounts.local_id(case)}/admission"
    with serve_at_town_time(town, "program") as console:
        caller = signed_in(town, console, "program")
        page = caller.get(page_of)
        assert OWN_OUTDATED in words(page)
        draft = {"outcome": "admitted", "reason": "discretion", "seen": caller.hidden("seen")}
        page = caller.send(page_of, draft)
        assert "Do you decide now all the same?" in words(page)
        secret = {"password": PASSWORD, "code": code(town, "program")}
        page = caller.send(f"{page_of}/check", {"seen": caller.hidden("seen"), **secret})
        assert "Confirm that you decide now, or wait" in unescape(page.text)
    assert "admission" not in operations.read_case(office, case).determinations
    again = ("Julia Vigil", case, "eligibility", "eligible", "discretion")
    operations.determine(office, *again)
    assert operations.decision_doubts(office, case, "admission") == ()


def test_the_page_lists_the_decision_on_which_it_rests(town: Town) -> None:
    """Who decided it and when, that the rules said otherwise, and that it may be out of date."""
    case = eligible_by_the_program(town)
    # The rules answer the same as before, so another agency's decision isn't out of date.
    page_of = (
        ("program", "/applications", "may be out of date"),
        ("prosecutor", "/queue", "may be decided again"),
    )
    for agency, base, doubt in page_of:
        office = town.at[agency]
        (rested,) = (
            each
            for each in operations.open_decision(office, case, "admission").rests_on
            if each.decision == "eligibility"
        )
        assert (rested.by, rested.agency, rested.is_own) == (
            "Julia Vigil",
            "Program",
            agency == "program",
        )
        assert rested.differs and rested.on is not None
        local = office.accounts.local_id(case)
        with serve_at_town_time(town, agency) as console:
            caller = signed_in(town, console, agency)
            shown = caller.get(f"{base}/{local}/admission")
            basis = words(shown).partition("What this rests on")[2]
            assert "Eligible decided by Julia Vigil of Program" in basis
            assert f"{rested.on}. Not what the rules say. It {doubt}." in basis
            is_linked = f'href="{base}/{local}/eligibility"' in shown.text
            assert is_linked == (agency == "program")


@pytest.mark.parametrize(
    ("agency", "base", "decision"),
    [("program", "/applications", "admission"), ("prosecutor", "/queue", "eligibility")],
)
def test_a_closed_correction_makes_no_known_fact_missing(
    town: Town, agency: str, base: str, decision: str
) -> None:
    """The correction of a weight holds the day too. Nobody is called for what lies here."""
    case = refer(town, "Ida Romero", "1987-12-01", TWO_CHARGES)
    screen(town, case)
    consent(town, case)
    interview(town, case)
    operations.ask(town.at["program"], case, "admission")
    settle(town, case)
    correct(town, case, {"encounter.drugs[0].grams": 240})
    page_of = f"{base}/{town.at[agency].accounts.local_id(case)}/{decision}"
    closed = "Police sent a correction that isn’t opened. Open it."
    asks = ("On what day was the encounter?", "Call them", "How many grams")
    with serve_at_town_time(town, agency) as console:
        caller = signed_in(town, console, agency)
        for page in (base, page_of):
            text = words(caller.get(page))
            assert closed in text and not [asked for asked in asks if asked in text], text
    described = operations.describe_case(town.at["program"], case).answers
    missing = next(answer.missing for answer in described if answer.decision == "admission")
    assert closed in missing and not [text for text in missing if asks[0] in text]


def test_an_unusual_amount_is_marked_wherever_staff_decide(town: Town) -> None:
    """2,400 g, a slip for 2.4 g, is marked at the program and at the prosecutor, and as told."""
    case = refer(town, "Ida Romero", "1987-12-01")
    screen(town, case)
    consent(town, case)
    interview(town, case)
    slip = {SLIPPED: 2400}
    operations.correct(town.at["police"], "Officer Lund", case, slip, although_odd=True)
    settle(town, case)
    marked = "2,400 g (an unusual amount)"
    for agency, address in (
        ("program", "/people/{}"),
        ("program", "/people/{}/decided/eligibility"),
        ("program", "/applications/{}/admission"),
        ("prosecutor", "/queue/{}/eligibility"),
    ):
        path = address.format(town.at[agency].accounts.local_id(case))
        with serve_at_town_time(town, agency) as console:
            text = words(signed_in(town, console, agency).get(path))
        assert marked in text, (path, text)
    # The next correction has both values, the same way.
    correct(town, case, {SLIPPED: 2.4})
    settle(town, case)
    known = operations.describe_case(town.at["program"], case).facts
    (drugs,) = [fact for fact in known if fact.path == "encounter.drugs"]
    assert drugs.value == "Opioid, 2.4 g, Weighed" and drugs.before == marked
