"""A town of Santa Fe in memory: agencies with the defaults, worked by their forms.

No gateway asks or answers by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from offramp.agency import operations
from offramp.agency.cases.caseload import utc
from offramp.agency.cases.consent_form import Answers
from offramp.agency.hub_link import delivery
from offramp.agency.operations import Signature, records
from offramp.asking import Dialog, collect_answers
from tests.conftest import ROOT
from tests.support.agencies import Town
from tests.support.local_day import ZONE, local_day
from tests.support.running_agencies import SIX_ROLES

PACK = ROOT / "jurisdictions" / "santa-fe"
QUIET = Dialog("en", ZONE)
BY = "Rosa Quintana"
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
def linked_town(
    folder: Path, roles: Mapping[str, str] = SIX_ROLES, pack: Path = PACK
) -> Iterator[Town]:
    made = Town(folder, roles, pack=pack)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delivery, "link_of", lambda office: made.link(office.agency))
        patch.setattr(records, "link_of", lambda office: made.link(office.agency))
        yield made


def settle(town: Town, case: str) -> None:
    """Deliver everything, and open it everywhere as the commands do."""
    town.settle()
    for name, office in town.at.items():
        if case in office.working_set().cases:
            operations.open_case(office, BY, case)
            assert office.agency == name
    town.settle()


def refer(town: Town, name: str, born: str, encounter: Mapping[str, Any] = ENCOUNTER) -> str:
    case = describe_and_refer(town, name, born, encounter)
    settle(town, case)
    return case


def describe_and_refer(
    town: Town,
    name: str,
    born: str,
    encounter: Mapping[str, Any] = ENCOUNTER,
    *,
    by: str = "police",
) -> str:
    """Refer a person. Nobody else has opened it yet."""
    given, _, family = name.partition(" ")
    contact = {"given_name": given, "family_name": family, "birth_date": born}
    people = {f"contact.{member}": value for member, value in contact.items()}
    answers = {**encounter, **people, "encounter.date": f"{local_day(town.hub.clock)}"}
    return state(town, by, "refer", None, answers)


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


def screen(town: Town, case: str) -> None:
    state(town, "prosecutor", "screen", case, {"screening_outcome.outcome": "proceed"})
    settle(town, case)


def consent(town: Town, case: str) -> None:
    say_yes(town.at["crossroads"], case, "hand_off")
    settle(town, case)


def say_yes(
    office: operations.Office, case: str, set_id: str, *, no_to: Collection[str] = ()
) -> None:
    """Say yes to each question of a consent set, but for those about some recipients."""
    form = operations.open_consent_form(office, set_id)
    answers: Answers = {question.id: question.recipient not in no_to for question in form.questions}
    is_signed = any(answers.values())
    signed = Signature("Ana Delgado", "typed", "Crossroads", False, True, True)
    operations.record_answers(
        office, BY, case, set_id, answers, "Ana Delgado", signed if is_signed else None
    )


def interview(town: Town, case: str) -> None:
    state(town, "crossroads", "intake", case, {"case.intake_at": utc(town.hub.clock)})
    settle(town, case)
