"""A case worked by hand in a city of its own: what is out of date, and whose task it is.

The city's pack has a fact that the case managers tell, and a clock that the person owns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from offramp.agency import operations
from offramp.agency.cases.caseload import utc
from offramp.agency.cases.consent_words import decision_words
from offramp.agency.cases.pack_terms import terms_of
from offramp.agency.commands.cases import details_here
from offramp.agency.commands.facts_file import read_facts_file
from offramp.agency.commands.form_text import preview_lines
from offramp.agency.hub_link import delivery
from offramp.agency.mistake_wording import effects_lines
from offramp.agency.operations import records
from offramp.agency.wording import case_lines, question_lines, representation_lines
from rules.errors import Refusal
from tests.support.agencies import RIO_VERDE, Town
from tests.support.refused import refused
from tests.support.running_agencies import SIX_ROLES
from tests.support.simulator import DAY, FORM, HOUR, grant, part

HOURS = "case.hours_done"
PACK = (
    RIO_VERDE
    + """
parameters:
  class_days: {label: time for the class, unit: days, values: [{value: 10, source: county}]}
facts:
  case.hours_done: {type: int, kind: record, known_by: case_management, category: status,
    question: How many hours of class has the person done?, source: county}
  case.class_at: {type: timestamp, kind: event, known_by: case_management, category: status,
    question: When did the person finish the class?, source: county}
clocks:
  class: {label: the person finishes the class, owner: person, start: case.referred_at,
    stop: case.class_at, length: class_days, follows: The person is asked why., source: county}
decisions:
  completion:
    rules:
      - {id: hours, when: case.hours_done >= 10, then: completed, because: The hours are done.,
         source: county}
    otherwise: {outcome: under_way, because: There is time., source: county}
"""
)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("packs") / "rio-verde"
    folder.mkdir()
    (folder / "pack.yaml").write_text(PACK, encoding="utf-8")
    made = Town(tmp_path_factory.mktemp("town"), SIX_ROLES, pack=folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delivery, "link_of", lambda office: made.link(office.agency))
        patch.setattr(records, "link_of", lambda office: made.link(office.agency))
        yield made


@pytest.fixture
def case(town: Town) -> str:
    """A new case, of which the program and the case managers may tell each other the status."""
    way = ("offer_and_hand_off", "offer_at_scene")
    says = {"answer": "accepted", "referred_at": town.hub.clock}
    referral = part(
        "encounter",
        {"facts": {"encounter.route": "arrest", "encounter.weapon": False}},
        to={"crossroads": way, "program": way, "prosecutor": ("screening", "offer_at_scene")},
        says=says,
        use="none",
    )
    sent = operations.send_record(town.at["police"], "referral", operations.Draft((referral,)))
    assert sent.case is not None
    town.settle()
    categories = ["status", "decision_outcome", "intake_status"]
    terms = (
        grant("crossroads", "program", categories, ["diversion_coordination", "admission"]),
        grant("program", "crossroads", categories, ["diversion_coordination"]),
    )
    to_program = {"program": ("exchange_operation", "operation")}
    parts = tuple(part("consent_terms", to=to_program, says=each) for each in terms)
    operations.record_consent(town.at["crossroads"], sent.case, operations.Draft(parts, FORM))
    settle(town, sent.case)
    return sent.case


def settle(town: Town, case: str) -> None:
    """Deliver everything, and open it everywhere."""
    town.settle()
    for office in town.at.values():
        for record, part_id in office.working_set().closed_parts(case):
            office.open(record, part_id, by="Rosa Quintana")
    town.settle()


def tell(town: Town, case: str, hours: int) -> None:
    office = town.at["crossroads"]
    opened = operations.open_form(office, "tell", case)
    sent = operations.send_draft(office, operations.draft_form(office, opened, {HOURS: hours}))
    assert sent.recipients == ("program",)
    settle(town, case)


def decide(town: Town, case: str, outcome: str) -> None:
    """Have the program send the rules' answer on completion, and a person decide."""
    office = town.at["program"]
    answered = operations.decide(office, case, "completion")
    assert operations.send_answer(office, answered).record is not None
    operations.determine(office, "Thomas Baca", case, "completion", outcome, "rules")
    settle(town, case)


def tasks_of(town: Town, agency: str, case: str) -> dict[str, list[Any]]:
    """Return an agency's own tasks of a case by what they are about."""
    tasks: dict[str, list[Any]] = {}
    for task in operations.list_tasks(town.at[agency]):
        if task.case == case and task.owner == SIX_ROLES[agency]:
            tasks.setdefault(task.about, []).append(task)
    return tasks


def outdated(town: Town, agency: str, case: str) -> list[str]:
    return [decision.what for decision in operations.read_case(town.at[agency], case).outdated]


def test_a_newer_statement_asks_the_sender_and_the_decider_again(town: Town, case: str) -> None:
    tell(town, case, 12)
    decide(town, case, "completed")
    assert "outdated.completion" not in tasks_of(town, "program", case)
    tell(town, case, 8)
    assert outdated(town, "program", case) == ["determination"], "it is in the answer's place"
    assert outdated(town, "crossroads", case) == ["determination"]
    asked = tasks_of(town, "program", case)
    (again,) = asked["outdated.completion"]
    assert again.what.startswith(
        "Decide `completion` again: `crossroads` gave a new answer to “How"
    )
    assert "resend.completion" not in asked, "no answer of the rules in place of the decision"
    # A correction of the newer statement doesn't hide that the decision rests on the first.
    operations.correct(town.at["crossroads"], "Rosa Quintana", case, {HOURS: 9})
    settle(town, case)
    assert "outdated.completion" in tasks_of(town, "program", case)
    decide(town, case, "under_way")
    assert "outdated.completion" not in tasks_of(town, "program", case)
    assert not outdated(town, "crossroads", case)


def test_a_newer_statement_that_changes_no_answer_asks_nobody(town: Town, case: str) -> None:
    tell(town, case, 12)
    decide(town, case, "completed")
    tell(town, case, 15)
    assert not outdated(town, "program", case)
    # What comes back to the first value asks nobody either.
    tell(town, case, 8)
    assert outdated(town, "program", case)
    tell(town, case, 12)
    assert not outdated(town, "program", case)


def test_whoever_is_asked_to_decide_again_has_a_task(town: Town, case: str) -> None:
    """A correction promises a new decision only of an agency that learns of the change."""
    office = town.at["crossroads"]
    tell(town, case, 12)
    decide(town, case, "completed")
    planned = operations.effects(office, case, {HOURS: 8})
    (resting,) = [one for one in planned.decisions if one.decision == "completion"]
    assert (resting.worked_out_at, resting.agency) == (("program",), "program")
    operations.correct(office, "Rosa Quintana", case, {HOURS: 8})
    settle(town, case)
    assert "outdated.completion" in tasks_of(town, "program", case)
    operations.revoke_consent(office, case)
    settle(town, case)
    planned = operations.effects(office, case, {HOURS: 7})
    assert "completion" not in [one.decision for one in planned.decisions]


def test_a_correction_that_nobody_opened_is_one_line(town: Town, case: str) -> None:
    """The recipient reads no value of it, so it names no fact."""
    operations.determine(town.at["prosecutor"], "Ada", case, "eligibility", "eligible", "rules")
    operations.correct(town.at["police"], "Officer Lund", case, {"encounter.weapon": True})
    town.settle()
    tasks = tasks_of(town, "prosecutor", case)
    assert "outdated.eligibility" not in tasks, "the task to open it comes first"
    (what,) = [each.what for of_one in tasks.values() for each in of_one if "correct" in each.what]
    assert what.count("`police`") == 1 and "counts as not known" in what


def test_a_clock_of_the_person_is_the_case_managers_to_remind(town: Town, case: str) -> None:
    (task,) = tasks_of(town, "crossroads", case)["clocks.class"]
    assert (task.what, task.state) == ("Due: the person finishes the class.", "running")
    assert all(
        "clocks.class" not in tasks_of(town, agency, case)
        for agency in SIX_ROLES
        if agency != "crossroads"
    )
    town.hub.clock += 11 * DAY
    town.settle()
    (task,) = tasks_of(town, "crossroads", case)["clocks.class"]
    assert task.state == "overdue"


@pytest.mark.parametrize("recorder", ["program", "crossroads"])
def test_a_recorded_meeting_is_the_review_of_the_case(town: Town, case: str, recorder: str) -> None:
    office = town.at["crossroads"]
    opened = operations.open_form(office, "intake", case)
    draft = operations.draft_form(office, opened, {"case.intake_at": utc(town.hub.clock)})
    assert operations.send_draft(office, draft).recipients == ("program",)
    settle(town, case)
    town.hub.clock += 15 * DAY
    town.settle()
    (task,) = tasks_of(town, "program", case)["clocks.review"]
    assert task.state == "overdue"
    step = operations.Step("arrange_service", "case_management")
    operations.record_meeting(town.at[recorder], "Rosa Quintana", case, (step,))
    settle(town, case)
    (task,) = tasks_of(town, "program", case)["clocks.review"]
    assert task.state == "running"
    town.hub.clock += HOUR
    operations.record_meeting(town.at["program"], "Rosa Quintana", case, ())
    settle(town, case)
    (task,) = tasks_of(town, "program", case)["clocks.review"]
    assert task.state == "running"


# A mistyped handle


def listed(town: Town, agency: str) -> list[str]:
    return [summary.case for summary in operations.list_cases(town.at[agency])]


def test_a_mistyped_handle_leaves_nothing_once_it_is_taken_back(town: Town, case: str) -> None:
    defender, crossroads = town.at["defender"], town.at["crossroads"]
    wrong = case[:-1] + ("0" if case[-1] != "0" else "1")
    spoken = "-".join(wrong[at : at + 4] for at in range(0, len(wrong), 4))
    shown = "\n".join(representation_lines(operations.preview_representation(defender, wrong)))
    assert f"case {spoken}" in shown
    assert operations.find_case(defender, spoken) == wrong
    assert operations.find_case(defender, spoken.replace("-", " ").upper()) == wrong
    operations.represent(defender, case, although_unknown=True)
    # Stated twice, it is one mistake.
    operations.represent(defender, wrong, although_unknown=True)
    operations.represent(defender, wrong)
    settle(town, case)
    with refused("ambiguous-case"):
        operations.find_case(crossroads, case[:8])
    made = operations.recall(defender, "Ada", wrong, "mistaken_representation")
    assert len(made.entries) == 2
    settle(town, case)
    assert wrong not in listed(town, "defender")
    assert operations.find_case(defender, case[:8]) == case
    assert operations.find_case(crossroads, case[:8]) == case
    # A recipient answers, by digits that name this case and no other. No other task is left.
    left = [task for task in operations.list_tasks(crossroads) if task.case == wrong]
    assert len(left) == 2
    assert all(f"`offramp agency answer-recall {wrong}`" in task.what for task in left)
    operations.answer_recalls(crossroads, "Rosa Quintana", wrong)
    settle(town, case)
    assert wrong not in listed(town, "crossroads")
    assert not [task for task in operations.list_tasks(crossroads) if task.case == wrong]
    with refused("unheard-case"):
        operations.represent(defender, wrong)


def test_tell_names_no_category_of_which_it_asks_nothing(town: Town, case: str) -> None:
    opened = operations.open_form(town.at["crossroads"], "tell", case)
    # `docs/one-case.md` shows a form that names what it would ask and nobody may be told.
    assert len(opened.untold) > 10 and opened.left_out == ()


@pytest.mark.parametrize(
    ("lang", "words"),
    [("en", "whether you have done what the program asks"), ("es", "si usted ha hecho lo que")],
)
def test_no_question_stands_inside_a_sentence_of_the_consent_form(
    town: Town, lang: str, words: str
) -> None:
    form = operations.open_consent_form(town.at["crossroads"], "hand_off", lang)
    lines = [line for question in form.questions for line in question.if_no]
    assert any(words in line for line in lines)
    assert not any("?;" in line or "?." in line for line in (*lines, *form.rights))
    pack = town.packs[0]
    own = replace(pack.decisions["completion"], asks="Is it well?")
    city = replace(pack, decisions={**pack.decisions, "own": own})
    assert decision_words(city, "own", "en") == "the question “Is it well?”"


@pytest.mark.parametrize(
    "text",
    ["case:\n  hours_done: 4\n", '{"case": {"hours_done": 4}}', "# noted\ncase: {hours_done: 4}"],
)
def test_facts_are_read_from_yaml_as_from_json(tmp_path: Path, text: str) -> None:
    file = tmp_path / "facts"
    file.write_text(text, encoding="utf-8")
    assert read_facts_file(str(file)) == {"case": {"hours_done": 4}}


@pytest.mark.parametrize(("text", "code"), [("case: {", "yaml-syntax"), ("{", "not-json")])
def test_a_file_that_is_neither_is_refused_with_its_place(
    tmp_path: Path, text: str, code: str
) -> None:
    file = tmp_path / "facts"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(Refusal) as caught:
        read_facts_file(str(file))
    assert (caught.value.code == code and "line 1" in str(caught.value)) or ":1:" in str(
        caught.value
    )


def test_sentences_have_words_and_no_names_of_facts(town: Town, case: str) -> None:
    office = town.at["program"]
    asked = operations.ask(office, case, "eligibility")
    lines = question_lines(asked, terms_of(office.working_set()))[1:]
    assert lines and not any("encounter." in line or "_" in line for line in lines), lines
    operations.determine(
        town.at["prosecutor"], "Ada", case, "admission", "declined_by_prosecutor", "rules"
    )
    view = operations.read_case(town.at["prosecutor"], case)
    office = town.at["prosecutor"]
    shown = case_lines(view, ZoneInfo("America/Denver"), terms_of(office.working_set()))
    assert any("admission: " in line and "by Ada" in line and "_" not in line for line in shown), (
        shown
    )


def test_an_agency_that_may_not_be_told_the_newer_value_is_named(town: Town, case: str) -> None:
    """After the end of a consent, an earlier `tell` stays with its recipient until asked back."""
    tell(town, case, 8)
    office = town.at["crossroads"]
    opened = operations.open_form(office, "tell", case)
    before = operations.preview_draft(office, operations.draft_form(office, opened, {HOURS: 12}))
    assert before.holders == ()
    assert f"holder.{HOURS}" not in tasks_of(town, "crossroads", case)
    operations.revoke_consent(office, case)
    settle(town, case)
    terms = grant("crossroads", "clinic", ["status"], ["treatment", "diversion_coordination"])
    to = {"clinic": ("exchange_operation", "operation")}
    draft = operations.Draft((part("consent_terms", to=to, says=terms),), FORM)
    operations.record_consent(office, case, draft)
    settle(town, case)
    opened = operations.open_form(office, "tell", case)
    draft_again = operations.draft_form(office, opened, {HOURS: 12})
    preview = operations.preview_draft(office, draft_again)
    (holder,) = preview.holders
    assert (holder.agency, holder.holding.value) == ("program", 8) and holder.why_not
    shown = "\n".join(preview_lines(preview, "en", ZoneInfo("America/Denver")))
    command = f"wrong-fact --detail {HOURS} --to program`"
    assert "has an older value and can't be told" in shown and command in shown
    operations.send_draft(office, draft_again)
    settle(town, case)
    (task,) = tasks_of(town, "crossroads", case)[f"holder.{HOURS}"]
    assert "`program` has an earlier value" in task.what and command in task.what
    effects = operations.effects(office, case, {HOURS: 11})
    assert command in "\n".join(effects_lines(effects, details_here(office)))
    operations.recall(
        office, "Rosa Quintana", case, "wrong_fact", recipient="program", detail=HOURS
    )
    settle(town, case)
    assert f"holder.{HOURS}" not in tasks_of(town, "crossroads", case)
