"""Decisions that nobody might be told when they were made, and that may be told now. Pure.

Before the consent, a named person's decision is kept here, and the rules' answer isn't sent. Once
the consent arrives, somebody here has to tell it: no gateway sends a decision by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from exchange.agency.gateway import FOREVER
from exchange.records.building import Part
from offramp.agency.cases.addressing import address
from offramp.agency.cases.case import Case
from offramp.agency.cases.caseload import utc
from offramp.agency.cases.decision_record import content_of, contents, decision_in
from offramp.agency.cases.human_decision import make_decision
from offramp.agency.cases.positions import note_position, record_position
from offramp.agency.cases.silence import next_change, silent_events
from offramp.agency.cases.task import OPEN, Task
from offramp.agency.folder.working_set import WorkingSet
from rules.decide.program import Program
from rules.errors import Refusal

# The member of a note that names a decision of which the rules' answer could not be sent.
UNSENT = "unsent"


def untold_decision_tasks(
    working_set: WorkingSet, program: Program, case: Case, handle: str, role: str, now: int
) -> tuple[list[Task], int | None]:
    """Return the tasks to tell what may be told now, and when time alone may change them.

    Times are in seconds since 1970.
    """
    kept = [
        (decision, entry.determined)
        for decision, entry in case.determined.items()
        if entry.by == working_set.agency and entry.record is None and entry.determined
    ]
    unsent = unsent_decisions(working_set, handle)
    unsent = tuple(decision for decision in unsent if decision not in case.determined)
    if not kept and not unsent:
        return [], None
    tasks = []
    digits = working_set.cases.digits(handle)
    for decision, made in kept:
        if recipients := _told_of_decision(working_set, program, case, handle, made, now):
            command = f"agency determine {digits} {decision} {made['outcome']}"
            step = (
                f"Tell {_names(recipients)} your decision on {decision}, which nobody might be "
                f"told before: `{command} --reason {made['reason']}`."
            )
            tasks.append(Task(handle, role, step, OPEN, f"untold.{decision}"))
    for decision in unsent:
        if recipients := told_of_answer(working_set, program, case, handle, decision, now):
            step = (
                f"Tell {_names(recipients)} the rules' answer on {decision}, which nobody might "
                f"be told before: `agency decide {digits} {decision} --send`."
            )
            tasks.append(Task(handle, role, step, OPEN, f"untold.{decision}"))
    time = working_set.gateway.hub_time(now)
    return tasks, next_change(working_set, handle, time)


def unsent_decisions(working_set: WorkingSet, handle: str) -> tuple[str, ...]:
    """Return the decisions of which the rules' answer was to be sent, and wasn't since."""
    records = working_set.cases.records(handle)
    noted = {
        str(note.body[UNSENT]): note_position(working_set, note)
        for note in records.notes
        if UNSENT in note.body
    }
    for outgoing in records.sent if noted else ():
        if outgoing.kind != "decision" or outgoing.refused or outgoing.replaced_by:
            continue
        for part in outgoing.parts:
            sent = decision_in(part["content"])
            if sent is not None and record_position(outgoing) > noted.get(sent["decision"], 0):
                noted.pop(str(sent["decision"]), None)
    return tuple(noted)


def _told_of_decision(
    working_set: WorkingSet,
    program: Program,
    case: Case,
    handle: str,
    made: Mapping[str, Any],
    now: int,
) -> tuple[str, ...]:
    decision = str(made["decision"])
    try:
        again = make_decision(
            working_set,
            case,
            None,
            decision,
            str(made["outcome"]),
            reason=str(made["reason"]),
            by=str(made["by"]),
            now=now,
            pack=program.pack,
        )
    except Refusal:  # another pack is in force, or another role
        return ()
    categories = again.outcome_categories
    part = _part(categories, again.content_of(categories))
    addressed = address(working_set, handle, again.kind, part, decision, now)
    return tuple(sorted(addressed.to)) if addressed is not None else ()


def told_of_answer(
    working_set: WorkingSet, program: Program, case: Case, handle: str, decision: str, now: int
) -> tuple[str, ...]:
    """Return the agencies that may be told the rules' answer on a decision now."""
    at = utc(working_set.gateway.hub_time(now))
    silent = silent_events(working_set, handle, now)
    try:
        answer = case.decide(program, decision, at, silent=silent)
    except Refusal:
        return ()
    return tuple(sorted(set(_recipients(working_set, handle, contents(answer), decision, now))))


def _recipients(
    working_set: WorkingSet, handle: str, answer: Any, decision: str, now: int
) -> Iterator[str]:
    for categories, decided in answer.items():
        part = _part(categories, content_of(categories, decided))
        addressed = address(working_set, handle, "decision", part, decision, now)
        if addressed is not None:
            yield from addressed.to


def _part(categories: tuple[str, ...], content: Mapping[str, Any]) -> Part:
    # The stricter label: what is told from care carries a limit.
    return Part(
        category=categories, content=content, to={}, keep_until=FOREVER, use="no_adverse_action"
    )


def _names(recipients: tuple[str, ...]) -> str:
    return ", ".join(f"`{agency}`" for agency in recipients)
