"""The two-week meeting: each open case with what was decided and what is to be done, and nothing else.

Each agency sees its own view. On the shared screen stands what this agency may tell each of those present, by the same rules
as any record; a case of which nothing may be told to all of them isn't there at all: that somebody has a case tells something.
"""

from __future__ import annotations

from typing import Any

from exchange.agency.gateway import FOREVER
from exchange.consent.reduction import FROM_CARE
from exchange.records.building import Part
from offramp.agency.cases.addressing import COORDINATION
from offramp.agency.cases.caseload import case_of, handles
from offramp.agency.cases.tasks import Task, of_case
from offramp.agency.errors import AgencyError
from offramp.agency.folder.working_set import WorkingSet
from rules.decide.program import Program
from rules.frozen import frozen
from rules.shelf import vocabulary


@frozen
class Item:
    """A decision or a task, in a sentence, and which kind of information it is; None: this agency's own affair."""

    what: str
    category: str | None
    due: str | None = None
    owner: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {"what": self.what, "category": self.category, "due": self.due, "owner": self.owner}


@frozen
class Agenda:
    """One case at the meeting."""

    case: str
    items: tuple[Item, ...]

    def as_json(self) -> dict[str, Any]:
        return {"case": self.case, "items": [one.as_json() for one in self.items]}


def agenda(
    working_set: WorkingSet, program: Program, now: int, present: tuple[str, ...] = ()
) -> tuple[Agenda, ...]:
    """The open cases. `present` are the others in the room: only what each of them may be told is left. Raises `AgencyError`
    `unknown-agency`.
    """
    directory = working_set.gateway.history.newest
    for agency in present:
        if agency not in directory.agencies:
            raise AgencyError(
                "unknown-agency",
                f"the directory lists no `{agency[:40]}`",
                fix="use the ids of `agency status`",
            )
    others = [agency for agency in present if agency != working_set.agency]
    found = []
    for handle in handles(working_set):
        if working_set.gateway.state(handle).kind("exit"):
            continue
        items = items_of(working_set, program, handle, now)
        if present:
            items = [one for one in items if _for_all(working_set, handle, one, others, now)]
        if items:
            found.append(Agenda(handle, tuple(items)))
    return tuple(found)


def items_of(working_set: WorkingSet, program: Program, handle: str, now: int) -> list[Item]:
    """What was determined in a case, and its tasks."""
    case = case_of(working_set, handle)
    found = []
    for name, one in case.determined.items():
        assert one.determined is not None, "what is listed was determined"
        outcome = str(one.determined["outcome"]).replace("_", " ")
        category = "screening_outcome" if name == "screening" else "decision_outcome"
        found.append(
            Item(
                f"Decided: {name} is {outcome}, by {one.determined['by']}.",
                category,
                owner=one.role,
            )
        )
    return found + [
        Item(task.what, _category(task), task.due, task.owner)
        for task in of_case(working_set, program, handle, now)
    ]


def _category(task: Task) -> str | None:
    """Which kind of information a task gives away."""
    words = vocabulary()
    group, _, name = task.about.partition(".")
    if group == "review":
        return words.decisions["review"].categories[name]
    if group == "clocks":
        return {"intake": "intake_status", "plan": "plan", "review": "status"}.get(name, "status")
    fact = words.facts.get(task.about.partition("[")[0])
    return fact.category if fact is not None and fact.category not in words.never_travels else None


def _for_all(working_set: WorkingSet, handle: str, item: Item, others: list[str], now: int) -> bool:
    """Whether each of these agencies may be told it by this one, for the purpose of working the case together."""
    if item.category is None or item.category == "operation":
        return False
    care = item.category in FROM_CARE
    part = Part(category=(item.category,), content={}, to={}, keep_until=FOREVER, use="no_adverse_action",
                sensitivity="part2" if care else "plain", notice="own-1" if care else "none")  # fmt: skip
    return all(
        working_set.gateway.judge_part(
            "status", part, agency, (COORDINATION, "consent"), case=handle, now=now
        ).permit
        for agency in others
    )
