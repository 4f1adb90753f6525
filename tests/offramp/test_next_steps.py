"""Whoever has to act next has a task with the whole command, and the others see whom they wait for.

The pack is `santa-fe`, and `init` made the settings: no gateway asks or answers by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from offramp.agency import operations
from offramp.agency.cases.caseload import case_of, utc
from offramp.agency.cases.consent_form import Answers
from offramp.agency.cases.pack_terms import PackTerms, terms_of
from offramp.agency.cases.task import Task
from offramp.agency.folder.office import Office
from offramp.agency.hub_link import delivery
from offramp.agency.operations import Signature, records
from offramp.agency.wording import case_answer_lines, case_lines, cases_lines
from offramp.asking import Dialog, collect_answers
from rules.errors import Refusal
from tests.conftest import ROOT
from tests.support.agencies import Town
from tests.support.running_agencies import SIX_ROLES
from tests.support.simulator import HOUR

PACK = ROOT / "jurisdictions" / "santa-fe"
QUIET = Dialog("en", "America/Denver")
BY = "Rosa Quintana"
ENROLLED = "person.enrolled"
DENVER = ZoneInfo("America/Denver")
ENCOUNTER = {
    "encounter.route": "arrest",
    "encounter.in_area": "yes",
    "encounter.weapon": "no",
    "encounter.booked": "no",
    "encounter.overdose_help_sought": "no",
    "encounter.drugs": 1,
    "encounter.drugs[0].kind": "opioid",
    "encounter.drugs[0].grams": "2.4 g",
    "encounter.drugs[0].form": "weighed",
    "encounter.charges": 1,
    "encounter.charges[0].conduct": "possession",
    "encounter.charges[0].authority": "state",
    "encounter.charges[0].violent": "no",
    "judgment.amenable": "yes",
    "judgment.threat_of_harm": "no",
    "judgment.above_subsistence": "no",
    "judgment.exploits_others": "no",
}


@contextmanager
def linked_town(folder: Path) -> Iterator[Town]:
    made = Town(folder, SIX_ROLES, pack=PACK)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delivery, "link_of", lambda office: made.link(office.agency))
        patch.setattr(records, "link_of", lambda office: made.link(office.agency))
        yield made


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with linked_town(tmp_path_factory.mktemp("town")) as town:
        yield town


@pytest.fixture
def own_town(tmp_path: Path) -> Iterator[Town]:
    """A town for a test that moves the clock by days."""
    with linked_town(tmp_path) as town:
        yield town


def settle(town: Town, case: str) -> None:
    """Deliver everything, and open it everywhere as the commands do."""
    town.settle()
    for name, office in town.at.items():
        if case in office.working_set().cases:
            operations.open_case(office, BY, case)
            assert office.agency == name
    town.settle()


def refer(town: Town, name: str, born: str, encounter: Mapping[str, Any] = ENCOUNTER) -> str:
    given, _, family = name.partition(" ")
    contact = {"given_name": given, "family_name": family, "birth_date": born}
    people = {f"contact.{member}": value for member, value in contact.items()}
    answers = {**encounter, **people, "encounter.date": utc(town.hub.clock)[:10]}
    case = state(town, "police", "refer", None, answers)
    settle(town, case)
    return case


def state(town: Town, agency: str, form: str, case: str | None, answers: Mapping[str, Any]) -> str:
    """Fill in a form as its command does, send it, and return the case."""
    office, names = town.at[agency], frozenset(answers)
    opened = operations.open_form(office, form, case)
    collected = collect_answers(
        lambda so_far: opened.questions(so_far, names), answers, QUIET, rest_unknown=True
    )
    draft = operations.draft_form(office, opened, collected)
    operations.send_draft(town.at[agency], draft)
    return draft.case


def steps(town: Town, agency: str, case: str) -> dict[str, Task]:
    """Return an agency's tasks of a case by what they are about."""
    return {
        task.about: task for task in operations.list_tasks(town.at[agency]) if task.case == case
    }


def screen(town: Town, case: str) -> None:
    state(town, "prosecutor", "screen", case, {"screening_outcome.outcome": "proceed"})
    settle(town, case)


def consent(town: Town, case: str) -> None:
    office = town.at["crossroads"]
    form = operations.open_consent_form(office, "hand_off")
    answers: Answers = {question.id: True for question in form.questions}
    signed = Signature("Ana Delgado", "typed", "Crossroads", False, True, True)
    operations.record_answers(office, BY, case, "hand_off", answers, "Ana Delgado", signed)
    settle(town, case)


def interview(town: Town, case: str) -> None:
    state(town, "crossroads", "intake", case, {"case.intake_at": utc(town.hub.clock)})
    settle(town, case)


def enrolled(town: Town, case: str) -> bool | None:
    source = case_of(town.at["program"].working_set(), case).known.get(ENROLLED)
    return None if source is None else source.value


def terms_at(office: Office) -> PackTerms:
    return terms_of(office.working_set())


def state_of(town: Town, case: str, name: str) -> str:
    found = operations.find(town.at["program"], name)
    return next(each.state for person in found for each in person.cases if each.case == case)


def test_each_step_of_a_case_is_the_task_of_who_takes_it(town: Town) -> None:
    case = refer(town, "Ana Delgado", "1990-04-17")
    digits = case[:8]
    # The records check.
    check = steps(town, "prosecutor", case)["decisions.screening"]
    assert check.owner == "prosecutor" and f"`agency screen {digits}`" in check.what
    for agency in ("program", "crossroads"):
        waits = steps(town, agency, case)["decisions.screening"]
        assert waits.owner == "prosecutor" and "`prosecutor`" in waits.what
    assert "approval.prosecutor" not in steps(town, "prosecutor", case)
    screen(town, case)
    for agency in ("prosecutor", "program"):
        assert "decisions.screening" not in steps(town, agency, case)
    # The consent that is due, at the agency that collects it.
    due = steps(town, "crossroads", case)["consent.hand_off"]
    assert f"`agency consent {digits} --set hand_off`" in due.what
    assert "representation" not in steps(town, "defender", case)
    consent(town, case)
    for agency in SIX_ROLES:
        assert "consent.hand_off" not in steps(town, agency, case)
    # Counsel, whom the consent names.
    counsel = steps(town, "defender", case)["representation"]
    assert counsel.owner == "defender" and f"`agency represent {digits}`" in counsel.what
    operations.represent(town.at["defender"], case, although_unknown=True)
    settle(town, case)
    assert "representation" not in steps(town, "defender", case)
    # The prosecutor's approval.
    interview(town, case)
    approve = steps(town, "prosecutor", case)["approval.prosecutor"]
    assert approve.owner == "prosecutor" and f"`agency determine {digits}" in approve.what
    waits = steps(town, "program", case)["approval.prosecutor"]
    assert waits.owner == "prosecutor" and "`prosecutor`" in waits.what
    # Admitted by the prosecutor is not yet enrolled, and no silent "no".
    assert ENROLLED not in steps(town, "program", case)
    for decision, outcome in (("eligibility", "eligible"), ("admission", "admitted")):
        operations.determine(town.at["prosecutor"], "Thomas Baca", case, decision, outcome, "rules")
    settle(town, case)
    for agency in ("prosecutor", "program"):
        assert "approval.prosecutor" not in steps(town, agency, case)
    enroll = steps(town, "program", case)[ENROLLED]
    assert f"`agency determine {digits} admission admitted --reason rules`" in enroll.what
    assert state_of(town, case, "Delgado") == "admitted"
    second = refer(town, "Ana Delgado", "1990-04-17")
    assert enrolled(town, second) is None
    operations.join(town.at["program"], BY, second, case)
    assert enrolled(town, second) is None
    operations.determine(town.at["program"], BY, case, "admission", "admitted", "rules")
    settle(town, case)
    assert ENROLLED not in steps(town, "program", case)
    assert enrolled(town, second) is True and state_of(town, case, "Delgado") == "enrolled"


def test_a_second_case_that_was_joined_before_the_admission_learns_that_it_is_open(
    town: Town,
) -> None:
    case, second = (refer(town, "Delia Sena", "1981-01-30") for _ in range(2))
    operations.join(town.at["program"], BY, second, case)
    assert enrolled(town, second) is False
    screen(town, case)
    consent(town, case)
    interview(town, case)
    prosecutor, by = town.at["prosecutor"], "Thomas Baca"
    operations.determine(prosecutor, by, case, "admission", "admitted", "rules")
    settle(town, case)
    assert enrolled(town, second) is None
    outcome = "declined_by_prosecutor"
    operations.determine(prosecutor, by, case, "admission", outcome, "safety")
    settle(town, case)
    assert enrolled(town, second) is False and ENROLLED not in steps(town, "program", case)


def test_a_persons_newer_decision_takes_the_place_of_the_rules_answer(town: Town) -> None:
    case = refer(town, "Pat Begay", "1985-09-12")
    screen(town, case)
    consent(town, case)
    interview(town, case)
    program, prosecutor = town.at["program"], town.at["prosecutor"]
    operations.determine(prosecutor, "Thomas Baca", case, "eligibility", "eligible", "rules")
    settle(town, case)
    answered = operations.decide(program, case, "eligibility")
    assert operations.send_answer(program, answered).record is not None
    settle(town, case)
    state(town, "police", "weigh", case, {"encounter.drugs[0].grams": "7.9 g"})
    settle(town, case)
    assert "outdated.eligibility" in steps(town, "program", case)
    assert "tell.prosecutor.eligibility" not in steps(town, "program", case), "it was told too"
    town.hub.clock += HOUR
    operations.determine(prosecutor, "Thomas Baca", case, "eligibility", "eligible", "discretion")
    settle(town, case)
    for agency in SIX_ROLES:
        assert "outdated.eligibility" not in steps(town, agency, case)
    answered = operations.decide(program, case, "eligibility")
    text = "\n".join(case_answer_lines(answered, ZoneInfo("America/Denver")))
    assert "INELIGIBLE" in text
    assert "Thomas Baca of prosecutor decided otherwise: eligible" in text
    assert "Next" not in text and answered.as_json()["next"] is None
    assert answered.as_json()["decided_otherwise"]["outcome"] == "eligible"


def test_the_program_tells_the_prosecutor_of_an_answer_that_came_after_the_decision(
    own_town: Town,
) -> None:
    """Police answered the program, which had asked. So the prosecutor has no task."""
    town = own_town
    case, program = decided_by_the_prosecutor(town)
    answer_the_weight(town, case)
    assert "outdated.eligibility" not in steps(town, "prosecutor", case)
    task = steps(town, "program", case)["tell.prosecutor.eligibility"]
    assert task.owner == "program" and "Tell `prosecutor`" in task.what
    assert f"`agency decide {case[:8]} eligibility --send`" in task.what
    operations.send_answer(program, operations.decide(program, case, "eligibility"))
    town.settle()
    assert "tell.prosecutor.eligibility" not in steps(town, "program", case)
    opening = steps(town, "prosecutor", case).values()
    assert any("Open what `program` sent" in each.what for each in opening)


def test_what_no_record_may_tell_the_prosecutor_is_a_call(own_town: Town) -> None:
    town = own_town
    case, _ = decided_by_the_prosecutor(town)
    operations.revoke_consent(town.at["crossroads"], case)
    settle(town, case)
    answer_the_weight(town, case)
    task = steps(town, "program", case)["tell.prosecutor.eligibility"]
    assert "Call `prosecutor`" in task.what and "--send" not in task.what


def test_an_unopened_answer_is_opened_first_and_not_asked_again(own_town: Town) -> None:
    town = own_town
    unknown = ("encounter.drugs[0].grams", "judgment.amenable", "encounter.charges[0].violent")
    known = {path: value for path, value in ENCOUNTER.items() if path not in unknown}
    case = refer(town, "Ida Romero", "1987-12-01", known)
    screen(town, case)
    program = town.at["program"]
    asked = operations.ask(program, case, "eligibility")
    settle(town, case)
    # Facts of two categories are asked in two parts, and all of them are printed.
    at_police = [each.path for each in operations.waiting_questions(town.at["police"], case)]
    assert sorted(asked.asked["police"]) == sorted(at_police) and len(at_police) == 3
    state(town, "police", "answer", case, {"encounter.drugs[0].grams": "2.4 g"})
    town.settle()
    answered = operations.decide(program, case, "eligibility")
    (closed,) = answered.closed
    # The part answers a question about both, and it may state one of them or both.
    may_state = ("encounter.drugs.grams", "judgment.amenable")
    assert (closed.agency, closed.paths) == ("police", may_state)
    first = case_answer_lines(answered, DENVER)[0]
    assert first.startswith(f"OPEN FIRST: police sent part `{closed.part}`")
    assert f"`agency case DIR {case[:8]} --open`" in first
    assert answered.as_json()["unopened"] == dict.fromkeys(may_state, "police")
    again = operations.ask(program, case, "eligibility")
    assert again.asked == {"police": ("encounter.charges.violent",)}
    operations.open_case(program, BY, case)
    assert operations.decide(program, case, "eligibility").closed == ()


def decided_by_the_prosecutor(town: Town) -> tuple[str, Office]:
    """Refer a person whose drugs nobody weighed. The program asks, the prosecutor decides."""
    unweighed = {path: value for path, value in ENCOUNTER.items() if not path.endswith("grams")}
    case = refer(town, "Lena Ortiz", "1991-02-11", unweighed)
    screen(town, case)
    consent(town, case)
    interview(town, case)
    program, prosecutor = town.at["program"], town.at["prosecutor"]
    operations.ask(program, case, "eligibility")
    settle(town, case)
    operations.determine(prosecutor, "Thomas Baca", case, "eligibility", "eligible", "rules")
    settle(town, case)
    town.hub.clock += HOUR
    return case, program


def answer_the_weight(town: Town, case: str) -> None:
    state(town, "police", "answer", case, {"encounter.drugs[0].grams": "7.9 g"})
    settle(town, case)


def test_an_earlier_no_is_unknown_from_the_admission_until_the_program_enrolls(
    town: Town,
) -> None:
    case = refer(town, "Nora Chee", "1979-03-02")
    assert enrolled(town, case) is False, "nobody at the program is like that person"
    screen(town, case)
    consent(town, case)
    interview(town, case)
    town.hub.clock += HOUR
    prosecutor, program = town.at["prosecutor"], town.at["program"]
    for decision, outcome in (("eligibility", "eligible"), ("admission", "admitted")):
        operations.determine(prosecutor, "Thomas Baca", case, decision, outcome, "rules")
    settle(town, case)
    assert enrolled(town, case) is None
    shown = "\n".join(case_lines(operations.read_case(program, case), DENVER, terms_at(program)))
    assert "enrolled in the program?  not recorded yet: the person is admitted" in shown
    # Opening the case again notes no second "no".
    operations.open_case(program, BY, case)
    assert enrolled(town, case) is None and ENROLLED in steps(town, "program", case)
    operations.determine(program, BY, case, "admission", "admitted", "rules")
    settle(town, case)
    assert enrolled(town, case) is True and ENROLLED not in steps(town, "program", case)


def test_an_enrollment_that_nobody_may_be_told_is_known_to_the_program(town: Town) -> None:
    case = refer(town, "Omar Yazzie", "1988-08-08")
    town.hub.clock += HOUR
    made = operations.determine(
        town.at["program"], "Julia Vigil", case, "admission", "admitted", "discretion"
    )
    assert made.record is None, "the person consented to nothing"
    assert enrolled(town, case) is True and state_of(town, case, "Yazzie") == "enrolled"


def test_a_recalled_duplicate_is_no_open_case(own_town: Town) -> None:
    town = own_town
    first = refer(town, "Rita Montoya", "1970-05-05")
    second = refer(town, "Rita Montoya", "1970-05-05")
    screen(town, second)
    town.hub.clock += HOUR
    office, by = town.at["police"], "Officer Lund"
    operations.recall(office, by, second, "duplicate")
    town.settle()
    assert state_of(town, first, "Montoya") == "referred"
    for agency in ("crossroads", "program", "prosecutor"):
        abouts = {task.what for task in steps(town, agency, second).values()}
        assert abouts and all("answer-recall" in what for what in abouts), agency
        operations.answer_recalls(town.at[agency], BY, second)
    town.settle()
    town.hub.clock += 9 * 24 * HOUR
    for agency in SIX_ROLES:
        assert not steps(town, agency, second), agency
        if agency in ("crossroads", "program", "prosecutor"):
            assert steps(town, agency, first), "the other case goes on"
    # It is in no meeting, and nobody is asked for its status.
    crossroads = town.at["crossroads"]
    at_meeting = {case.case for case in operations.show_agenda(crossroads).cases}
    assert first in at_meeting and second not in at_meeting
    today = operations.program_day(crossroads)
    prepared = operations.prepare_meeting(crossroads, BY, today)
    assert first in prepared.owed and second not in prepared.owed
    # It stays listed, as a case that is not open.
    (listed,) = [each for each in operations.list_cases(crossroads) if each.case == second]
    assert (
        listed.is_withdrawn and "not open: the referral was asked back" in cases_lines([listed])[0]
    )
    # Its page asks about no other person, and has no answers of the rules.
    view = operations.read_case(crossroads, second)
    assert view.duplicates == () and view.answers == {}
    assert operations.read_case(crossroads, first).answers
    # It takes no new record, and says why and what to do.
    for act in (
        lambda: operations.open_form(crossroads, "intake", second),
        lambda: operations.open_form(town.at["prosecutor"], "screen", second),
        lambda: consent(town, second),
        lambda: operations.record_meeting(crossroads, BY, second, ()),
        lambda: operations.draft_status(crossroads, second, "engaged"),
    ):
        with pytest.raises(Refusal, match="`police` asked back the referral of this case") as told:
            act()
        assert told.value.code == "referral-recalled" and "agency find" in told.value.fix
    # A new referral opens it again.
    answers = {**ENCOUNTER, "contact.given_name": "Rita", "contact.family_name": "Montoya"}
    answers |= {"encounter.date": utc(town.hub.clock)[:10]}
    state(town, "police", "refer", second, answers)
    settle(town, second)
    assert "consent.hand_off" in steps(town, "crossroads", second)


def test_a_correction_flags_no_screening_that_does_not_read_it(town: Town) -> None:
    """Also while the day of the encounter, and so the rules in force, wait in a closed one."""
    case = refer(town, "Tina Lujan", "1993-02-14")
    screen(town, case)
    town.hub.clock += HOUR
    police, by = town.at["police"], "Officer Lund"
    state(town, "police", "weigh", case, {"encounter.drugs[0].grams": "2.9 g"})
    settle(town, case)
    town.hub.clock += HOUR
    day = utc(town.hub.clock - 24 * HOUR)[:10]
    operations.correct(police, by, case, {"encounter.date": day})
    town.settle()
    for agency in SIX_ROLES:
        assert "outdated.screening" not in steps(town, agency, case), agency
    settle(town, case)
    for agency in SIX_ROLES:
        assert "outdated.screening" not in steps(town, agency, case), agency


def test_a_pack_without_facts_of_its_own_says_what_to_use_instead(town: Town) -> None:
    case = refer(town, "Uma Baca", "1984-06-01")
    with pytest.raises(Refusal, match="`santa-fe` declares no facts of its own") as told:
        operations.open_form(town.at["crossroads"], "tell", case)
    assert told.value.code == "nothing-to-tell" and "`intake`" in told.value.fix


def test_why_a_part_stays_closed_is_said_in_words(own_town: Town) -> None:
    """The rules' last answer has no name that a person could look up."""
    town = own_town
    case = refer(town, "Vera Silva", "1977-07-07")
    state(town, "police", "weigh", case, {"encounter.drugs[0].grams": "2.9 grams"})
    town.settle()
    town.hub.clock += 31 * 24 * HOUR
    town.settle()
    view = operations.open_case(town.at["crossroads"], BY, case)
    closed = [refusal for refusal in view.refusals if "stays closed" in refusal]
    assert closed and all("otherwise" not in refusal for refusal in closed), closed


def test_a_service_in_a_case_without_referral_is_the_task_of_who_stated_it(town: Town) -> None:
    case = refer(town, "Sam Tsosie", "1991-11-11")
    screen(town, case)
    consent(town, case)
    town.hub.clock += HOUR
    operations.recall(town.at["police"], "Officer Lund", case, "duplicate")
    town.settle()
    task = steps(town, "crossroads", case)["referral.consent"]
    digits = case[:8]
    assert f"`offramp agency revoke {digits}`" in task.what
    operations.revoke_consent(town.at["crossroads"], case, oral=True)
    town.settle()
    assert {task.about for task in steps(town, "crossroads", case).values()} == set() or all(
        "answer-recall" in task.what for task in steps(town, "crossroads", case).values()
    )
