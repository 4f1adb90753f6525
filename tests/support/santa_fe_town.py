"""A town of Santa Fe: agencies with the defaults, worked by their forms.

Its hub is in memory, or a process. No gateway asks or answers by itself.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from offramp.agency import operations
from offramp.agency.cases.caseload import utc
from offramp.agency.cases.consent_form import Answers
from offramp.agency.folder.office import Office
from offramp.agency.hub_link import delivery
from offramp.agency.hub_link.duties import run_duties
from offramp.agency.hub_link.link import link_of
from offramp.agency.operations import Signature, records
from offramp.asking import Dialog, collect_answers
from tests.conftest import ROOT
from tests.support.agencies import Town
from tests.support.local_day import ZONE, local_day
from tests.support.running_agencies import SIX_ROLES, Running
from tests.support.staff import founder_of

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


class Offices(Protocol):
    """The agencies of a town whose folders are open here."""

    @property
    def at(self) -> Mapping[str, Office]: ...
    @property
    def now(self) -> int: ...
    def settle(self) -> None: ...


@dataclass
class OpenOffices:
    """The agencies around a hub that is a process. Their folders are open here, too."""

    at: dict[str, Office]

    @property
    def now(self) -> int:
        """Seconds since 1970."""
        return int(time.time())

    def settle(self) -> None:
        """Send, receive, and acknowledge everything."""
        for _ in range(2):
            for office in self.at.values():
                run_duties(link_of(office))


@contextmanager
def open_offices(running: Running) -> Iterator[OpenOffices]:
    """Open the folders of a running town until the block ends."""
    with ExitStack() as stack:
        at = {name: stack.enter_context(closing(running.office(name))) for name in running.roles}
        for name, office in at.items():
            operations.sign_in(office, by=founder_of(name))
        yield OpenOffices(at)


def settle(town: Offices, case: str) -> None:
    """Deliver everything, and open it everywhere as the commands do."""
    town.settle()
    for name, office in town.at.items():
        working_set = office.working_set()
        if case in working_set.cases:
            by = BY if BY in working_set.staff.people else founder_of(name)
            operations.open_case(office, by, case)
            assert office.agency == name
    town.settle()


def refer(town: Offices, name: str, born: str, encounter: Mapping[str, Any] = ENCOUNTER) -> str:
    case = describe_and_refer(town, name, born, encounter)
    settle(town, case)
    return case


def describe_and_refer(
    town: Offices,
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
    answers = {**encounter, **people, "encounter.date": f"{local_day(town.now)}"}
    return state(town, by, "refer", None, answers)


def state(
    town: Offices, agency: str, form: str, case: str | None, answers: Mapping[str, Any]
) -> str:
    """Fill in a form as its command does, send it, and return the case."""
    office, names = town.at[agency], frozenset(answers)
    opened = operations.open_form(office, form, case)
    collected = collect_answers(
        lambda so_far: opened.questions(so_far, names), answers, QUIET, rest_unknown=True
    )
    draft = operations.draft_form(office, opened, collected)
    operations.send_draft(town.at[agency], draft)
    return draft.case


def screen(town: Offices, case: str) -> None:
    state(town, "prosecutor", "screen", case, {"screening_outcome.outcome": "proceed"})
    settle(town, case)


def consent(town: Offices, case: str) -> None:
    say_yes(town.at["crossroads"], case, "hand_off")
    settle(town, case)


def say_yes(
    office: operations.Office,
    case: str,
    set_id: str,
    *,
    no_to: Collection[str] = (),
    name: str = "Ana Delgado",
    by: str = BY,
) -> None:
    """Say yes to each question of a consent set, but for those about some recipients."""
    form = operations.open_consent_form(office, set_id)
    answers: Answers = {question.id: question.recipient not in no_to for question in form.questions}
    is_signed = any(answers.values())
    signed = Signature(name, "typed", "Crossroads", False, True, True)
    operations.record_answers(
        office, by, case, set_id, answers, name, signed if is_signed else None
    )


def interview(town: Offices, case: str) -> None:
    state(town, "crossroads", "intake", case, {"case.intake_at": utc(town.now)})
    settle(town, case)
