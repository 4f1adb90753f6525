"""The two-week meeting: the decisions and tasks of each open case, and nothing else.

Each agency sees its own view. The shared screen shows what this agency may tell every agency
present, by the same rules as any record. A case of which nothing may be told to all of them is
left out, since even the existence of a case discloses something.
"""

from __future__ import annotations

from typing import Any

from exchange.agency.gateway import FOREVER
from exchange.consent.reduction import FROM_CARE
from exchange.records.building import Part
from offramp.agency.cases.addressing import COORDINATION
from offramp.agency.cases.caseload import case_of, handles
from offramp.agency.cases.tasks import Task, tasks_of_case
from offramp.agency.errors import AgencyError
from offramp.agency.folder.working_set import WorkingSet
from rules.decide.program import Program
from rules.frozen import frozen
from rules.shelf import vocabulary


@frozen
class Item:
    """A decision or a task, in a sentence, with its category, None for own affairs."""

    what: str
    category: str | None
    due: str | None = None
    owner: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the item's JSON in `offramp agency meeting`."""
        return {"what": self.what, "category": self.category, "due": self.due, "owner": self.owner}


@frozen
class Agenda:
    """One case at the meeting."""

    case: str
    items: tuple[Item, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the case's JSON in `offramp agency meeting`."""
        return {"case": self.case, "items": [item.as_json() for item in self.items]}


def agenda(
    working_set: WorkingSet, program: Program, now: int, present: tuple[str, ...] = ()
) -> tuple[Agenda, ...]:
    """Return the open cases. With `present`, only what each of these agencies may be told.

    Raises `AgencyError` `unknown-agency`.
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
    cases = []
    for handle in handles(working_set):
        if case_of(working_set, handle).is_ended:
            continue
        items = items_of(working_set, program, handle, now)
        if present:
            items = [item for item in items if _for_all(working_set, handle, item, others, now)]
        if items:
            cases.append(Agenda(handle, tuple(items)))
    return tuple(cases)


def items_of(working_set: WorkingSet, program: Program, handle: str, now: int) -> list[Item]:
    """Return the determinations of a case, and its tasks."""
    case = case_of(working_set, handle)
    items = []
    for name, entry in case.determined.items():
        assert entry.determined is not None, "a listed entry was determined"
        outcome = str(entry.determined["outcome"]).replace("_", " ")
        category = "screening_outcome" if name == "screening" else "decision_outcome"
        items.append(
            Item(
                f"Decided: {name} is {outcome}, by {entry.determined['by']}.",
                category,
                owner=entry.role,
            )
        )
    return items + [
        Item(task.what, _category(task), task.due, task.owner)
        for task in tasks_of_case(working_set, program, handle, now)
    ]


def _category(task: Task) -> str | None:
    """Return the category of information that a task discloses."""
    words = vocabulary()
    group, _, name = task.about.partition(".")
    if group == "review":
        return words.decisions["review"].categories[name]
    if group == "clocks":
        return {"intake": "intake_status", "plan": "plan", "review": "status"}.get(name, "status")
    fact = words.facts.get(task.about.partition("[")[0])
    return fact.category if fact is not None and fact.category not in words.never_travels else None


def _for_all(working_set: WorkingSet, handle: str, item: Item, others: list[str], now: int) -> bool:
    """Report whether this agency may tell each of these, to work the case together."""
    if item.category is None or item.category == "operation":
        return False
    is_care = item.category in FROM_CARE
    part = Part(
        category=(item.category,),
        content={},
        to={},
        keep_until=FOREVER,
        use="no_adverse_action",
        sensitivity="part2" if is_care else "plain",
        notice="own-1" if is_care else "none",
    )
    return all(
        working_set.gateway.judge_part(
            "status", part, agency, (COORDINATION, "consent"), case=handle, now=now
        ).permit
        for agency in others
    )
