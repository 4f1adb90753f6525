"""The name that a person signs with, and a plan that says whom it is about.

A consent form may be signed with another name than the case has. Nothing changes by itself: a
person corrects the name in the agency's own records, and the agencies that it told are told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from offramp.agency import operations
from offramp.agency.cases.caseload import utc
from offramp.agency.cases.consent_form import Answers
from offramp.agency.operations import FormDraft, Preview
from offramp.asking import collect_answers
from tests.support.agencies import Town
from tests.support.refused import refused
from tests.support.santa_fe_town import (
    BY,
    QUIET,
    interview,
    linked_town,
    refer,
    say_yes,
    settle,
)
from tests.support.simulator import FORM, grant, part

CARE = "Care does not tell police or prosecutors where to find a person."


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town for all tests. Each has a case of its own."""
    with linked_town(tmp_path_factory.mktemp("names")) as made:
        yield made


def crossroads(town: Town) -> operations.Office:
    return town.at["crossroads"]


def sign(town: Town, case: str, set_id: str, name: str) -> None:
    town.hub.clock += 60
    say_yes(crossroads(town), case, set_id, name=name)
    settle(town, case)


def filled(
    town: Town, form: str, case: str, answers: Mapping[str, Any]
) -> tuple[FormDraft, Preview]:
    """Fill in a form of the case manager with some answers, and with what it begins with."""
    office = crossroads(town)
    opened = operations.open_form(office, form, case)
    known = opened.about.contact if opened.about is not None else {}
    begun = {name: text for name, text in known.items() if name in opened.paths}
    given = {**begun, **opened.kept, **answers}
    collected = collect_answers(
        lambda so_far: opened.questions(so_far, frozenset(answers)), given, QUIET, rest_unknown=True
    )
    draft = operations.draft_form(office, opened, collected)
    return draft, operations.preview_draft(office, draft)


def send(town: Town, draft: FormDraft) -> operations.SentForm:
    sent = operations.send_draft(crossroads(town), draft)
    settle(town, draft.case)
    return sent


def found_as(town: Town, text: str, case: str) -> list[str | None]:
    """The names of the people of a case that the case manager's search finds."""
    people = operations.find(crossroads(town), text)
    return [person.name for person in people if case in [each.case for each in person.cases]]


def names_of(town: Town, preview: Preview) -> dict[str, tuple[str, ...]]:
    return dict(operations.told_by(preview).to)


def test_a_later_form_begins_with_the_name_that_was_signed_last(town: Town) -> None:
    case = refer(town, "Anna Delgdo", "1999-03-04")
    office = crossroads(town)
    assert operations.person_name(office, case) == "Anna Delgdo"
    sign(town, case, "hand_off", "Ana Delgado")
    assert operations.person_name(office, case) == "Ana Delgado"
    # Nothing was corrected by that: the case has the name that police stated.
    assert operations.describe_case(office, case).about.person == "Anna Delgdo"
    assert found_as(town, "Delgdo", case) == ["Anna Delgdo"]
    # A form that nobody signed changes nothing.
    form = operations.open_consent_form(office, "hand_off")
    answers: Answers = {question.id: False for question in form.questions}
    operations.record_answers(office, BY, case, "hand_off", answers, "Anna Delgdo", None)
    assert operations.person_name(office, case) == "Ana Delgado"
    sign(town, case, "hand_off", "Ana María Delgado")
    assert operations.person_name(office, case) == "Ana María Delgado"


def test_another_signed_name_is_offered_to_the_case_and_corrected_by_a_person_alone(
    town: Town,
) -> None:
    case = refer(town, "Anna Delgdo", "1999-03-04")
    office = crossroads(town)
    assert operations.open_name(office, case).signed is None
    sign(town, case, "hand_off", "Ana Delgado")
    offered = operations.open_name(office, case)
    assert (offered.current, offered.signed) == ("Anna Delgdo", "Ana Delgado")
    assert (offered.given_name, offered.family_name) == ("Ana", "Delgado")
    # Police state the name and correct it. The rules let care tell them nothing of it.
    (police,) = offered.others
    assert (police.agency, police.name, police.because) == ("Police", "Anna Delgdo", CARE)
    preview = operations.preview_name(office, case, "Ana", "Delgado")
    assert preview.name == "Ana Delgado" and preview.consequences.recipients == ()
    sent_before = len(office.working_set().outbox)
    told, waits = operations.correct_name(
        office, BY, case, "Ana", "Delgado", seen_at=preview.seen_at
    )
    assert told.recipients == () and not waits
    assert len(office.working_set().outbox) == sent_before, "nobody was told another name"
    assert operations.describe_case(office, case).about.person == "Ana Delgado"
    assert found_as(town, "Delgado", case) == ["Ana Delgado"]
    assert operations.open_name(office, case).signed is None, "it is settled"
    # The birth date stands as it was, and police state what they stated.
    assert operations.describe_case(office, case).birth_date == "1999-03-04"
    assert operations.describe_case(town.at["police"], case).about.person == "Anna Delgdo"
    with refused("case-changed"):
        operations.correct_name(office, BY, case, "Eva", "Delgado", seen_at=preview.seen_at)


def test_the_name_of_the_case_may_be_kept_and_is_not_offered_again(town: Town) -> None:
    case = refer(town, "Ana Delgado", "1999-03-04")
    office = crossroads(town)
    sign(town, case, "hand_off", "Ana Delgdo")
    assert operations.open_name(office, case).signed == "Ana Delgdo"
    operations.correct_name(office, BY, case, "Ana", "Delgado")
    assert operations.open_name(office, case).signed is None
    assert operations.person_name(office, case) == "Ana Delgado"
    # Another form with another name is offered anew.
    sign(town, case, "hand_off", "Ana Delgado Ruiz")
    offered = operations.open_name(office, case)
    assert (offered.given_name, offered.family_name) == ("Ana", "Delgado Ruiz")


def test_who_was_told_the_wrong_name_is_told_the_right_one(town: Town) -> None:
    case = refer(town, "Anna Delgdo", "1999-03-04")
    interview(town, case)
    sign(town, case, "plan", "Anna Delgdo")
    send(town, filled(town, "plan", case, {"plan.text": "A room first."})[0])
    sign(town, case, "plan", "Ana Delgado")
    office = crossroads(town)
    preview = operations.preview_name(office, case, "Ana", "Delgado")
    (line,) = preview.consequences.recipients
    assert "Clinic" in line and "“Anna” and “Delgdo”" in line and "“Ana” and “Delgado”" in line
    told, _ = operations.correct_name(office, BY, case, "Ana", "Delgado")
    assert len(told.recipients) == 1
    settle(town, case)
    assert operations.describe_case(town.at["clinic"], case).about.person == "Ana Delgado"
    assert operations.describe_case(town.at["police"], case).about.person == "Anna Delgdo"


# The plan


def test_a_plan_goes_to_the_clinic_with_the_name_where_the_person_allows_both(town: Town) -> None:
    case = refer(town, "Anna Delgdo", "1999-03-04")
    interview(town, case)
    sign(town, case, "plan", "Ana Delgado")
    opened = operations.open_form(crossroads(town), "plan", case)
    assert not [path for path in opened.paths if path.startswith("contact.")], "it isn't asked"
    with refused("nothing-to-tell"):
        filled(town, "plan", case, {})
    draft, preview = filled(town, "plan", case, {"plan.text": "A room first."})
    told = names_of(town, preview)
    assert told["Clinic"] == ("contact", "plan") and told["Program"] == ("plan",)
    assert not set(told) & {"Police", "Prosecutor"} and preview.unnamed == {}
    send(town, draft)
    clinic = operations.describe_case(town.at["clinic"], case)
    # It is told the name as it was signed.
    assert (clinic.about.person, clinic.birth_date) == ("Ana Delgado", "1999-03-04")


def test_a_check_says_which_provider_can_not_tell_whose_plan_it_is(town: Town) -> None:
    case = refer(town, "Ana Delgado", "1999-03-04")
    interview(town, case)
    allow(town, case, "plan")
    draft, preview = filled(town, "plan", case, {"plan.text": "A room first."})
    assert names_of(town, preview) == {"Clinic": ("plan",)}
    unnamed = operations.unnamed_to(preview)
    assert unnamed == {"Clinic": "The person hasn’t agreed to it, or not yet."}
    assert preview.as_json()["unnamed"] == ["clinic"]
    send(town, draft)
    assert operations.describe_case(town.at["clinic"], case).about.person is None
    # Once it was told the name, it knows whose each later plan is.
    allow(town, case, "contact", "plan")
    send(town, filled(town, "plan", case, {"plan.text": "A room, and work."})[0])
    operations.revoke_consent(crossroads(town), case)
    settle(town, case)
    allow(town, case, "plan", "service")
    _, preview = filled(town, "plan", case, {"plan.text": "A room, work, and a card."})
    assert names_of(town, preview) == {"Clinic": ("plan",)} and preview.unnamed == {}


def test_the_name_goes_to_nobody_who_gets_nothing_else_of_the_plan(town: Town) -> None:
    case = refer(town, "Ana Delgado", "1999-03-04")
    interview(town, case)
    allow(town, case, "contact")
    draft, preview = filled(town, "plan", case, {"plan.text": "A room first."})
    assert names_of(town, preview) == {} and draft.parts == ()
    assert draft.kept_members == {"plan.text": "A room first."}


def test_a_kept_plan_comes_back_with_its_text_and_is_told_once(town: Town) -> None:
    case = refer(town, "Ana Delgado", "1999-03-04")
    interview(town, case)
    office = crossroads(town)
    presented = utc(town.hub.clock)
    plan = {"plan.text": "A room first.", "case.plan_at": presented}
    draft, preview = filled(town, "plan", case, plan)
    lines = {line.path: line.value for line in operations.statement_of(preview)}
    assert lines["plan.text"] == "A room first." and not draft.parts
    sent = send(town, draft)
    assert sent.record is None and sent.kept["plan.text"] == "A room first."
    assert not _untold(town, case), "nobody may be told it yet"
    sign(town, case, "plan", "Ana Delgado")
    (task,) = _untold(town, case)
    assert "What is the plan?" in task and "When was the plan presented?" in task
    opened = operations.open_form(office, "plan", case)
    assert opened.kept["plan.text"] == "A room first." and "case.plan_at" in opened.kept
    draft, preview = filled(town, "plan", case, {})
    told = [part.part.content["plan"]["text"] for part in preview.parts if "plan" in part.part.to]
    assert told == [] and names_of(town, preview)["Clinic"] == ("contact", "plan")
    send(town, draft)
    assert not _untold(town, case)
    assert "plan.text" not in operations.open_form(office, "plan", case).kept


def test_a_kept_text_alone_is_a_task_too(town: Town) -> None:
    case = refer(town, "Ana Delgado", "1999-03-04")
    interview(town, case)
    draft, _ = filled(town, "plan", case, {"plan.text": "A room first."})
    assert draft.kept == {} and draft.kept_members == {"plan.text": "A room first."}
    send(town, draft)
    sign(town, case, "plan", "Ana Delgado")
    (task,) = _untold(town, case)
    assert "What is the plan?" in task


def allow(town: Town, case: str, *categories: str) -> None:
    """Let the case managers tell the clinic some kinds of information, by a form on paper."""
    terms = grant("crossroads", "clinic", list(categories), ["treatment"])
    to = {"clinic": ("exchange_operation", "operation")}
    draft = operations.Draft((part("consent_terms", to=to, says=terms),), FORM)
    operations.record_consent(crossroads(town), case, draft)
    settle(town, case)


def _untold(town: Town, case: str) -> list[str]:
    tasks = operations.list_tasks(crossroads(town))
    return [
        task.what for task in tasks if task.case == case and "nobody was told before" in task.what
    ]
