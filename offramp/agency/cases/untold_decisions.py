"""Decisions that nobody was told when they were made, and that may be told now. Pure.

Before the consent, a named person's decision is kept here, and the rules' answer isn't sent. Once
the consent arrives, somebody here has to tell it: no gateway sends a decision by itself. It is told
as it was made, with its person and its day. If what it rests on changed since, it is made again
first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from exchange.consent.disclosure import day_of
from offramp.agency.cases.addressing import address, part_to_judge
from offramp.agency.cases.case import Case
from offramp.agency.cases.case_entry import CaseEntry
from offramp.agency.cases.caseload import utc
from offramp.agency.cases.decision_record import content_of, contents, decision_in
from offramp.agency.cases.human_decision import HumanDecision, restore_decision
from offramp.agency.cases.outdated import ANSWER, outdated_decisions
from offramp.agency.cases.positions import note_position, record_position
from offramp.agency.cases.silence import next_change, silent_events
from offramp.agency.cases.task import OPEN, Task
from offramp.agency.folder.working_set import WorkingSet
from rules.decide.program import Program
from rules.errors import Refusal

# The member of a note that names a decision of which the rules' answer could not be sent.
UNSENT = "unsent"
# What a task about an untold decision is about, before the decision's name.
UNTOLD = "untold."


def untold_decision_tasks(
    working_set: WorkingSet, program: Program, case: Case, handle: str, role: str, now: int
) -> tuple[list[Task], int | None]:
    """Return the tasks to tell what may be told now, and when time alone may change them.

    Times are in seconds since 1970.
    """
    tellable = tellable_decisions(working_set, program, case, handle, now)
    if not tellable:
        return [], None
    digits = working_set.cases.digits(handle)
    tasks = []
    for decision, recipients in tellable.items():
        if not recipients:
            continue
        step = (
            f"Tell {_names(recipients)} your decision on `{decision}`, which nobody was told "
            f"before: `agency tell-decision {digits} {decision}`."
            if decision in case.determined
            else f"Tell {_names(recipients)} the rules' answer on `{decision}`, which nobody might "
            f"be told before: `agency decide {digits} {decision} --send`."
        )
        tasks.append(Task(handle, role, step, OPEN, f"{UNTOLD}{decision}"))
    time = working_set.gateway.hub_time(now)
    return tasks, next_change(working_set, handle, time)


def tellable_decisions(
    working_set: WorkingSet, program: Program, case: Case, handle: str, now: int
) -> Mapping[str, tuple[str, ...]]:
    """Return the decisions that nobody was told, each with the agencies that may be told it now.

    They are those that a person here made, but for what is to be made again first, and those of
    which the rules' answer was to be sent.
    """
    untold = kept_decisions(working_set, case)
    changed = _made_again_first(working_set, program, handle, case, now) if untold else frozenset()
    tellable = {
        decision: ()
        if decision in changed
        else _told_of_decision(working_set, program, case, handle, entry, now)
        for decision, entry in untold.items()
    }
    return tellable | {
        decision: told_of_answer(working_set, program, case, handle, decision, now)
        for decision in unsent_decisions(working_set, handle)
        if decision not in case.determined
    }


def kept_decisions(working_set: WorkingSet, case: Case) -> Mapping[str, CaseEntry]:
    """Return the decisions in force that a person here made and nobody was told, by decision."""
    return {
        decision: entry
        for decision, entry in case.determined.items()
        if entry.by == working_set.agency and entry.record is None and entry.determined
    }


def _made_again_first(
    working_set: WorkingSet, program: Program, handle: str, case: Case, now: int
) -> frozenset[str]:
    """Return this agency's decisions that rest on what changed since: nobody is told them."""
    return frozenset(
        outdated.decision
        for outdated in outdated_decisions(working_set, program, handle, case, now)
        if outdated.agency == working_set.agency and outdated.what != ANSWER
    )


def restored_decision(
    working_set: WorkingSet, program: Program, case: Case, handle: str, decision: str, now: int
) -> tuple[CaseEntry, HumanDecision, str] | None:
    """Return a kept decision that may be told as it was made: its note, its record, and its day.

    None if this agency keeps no such decision, or if it is to be made again first. Raises as
    `make_decision`.
    """
    entry = kept_decisions(working_set, case).get(decision)
    if entry is None or decision in _made_again_first(working_set, program, handle, case, now):
        return None
    made, day = _restored(working_set, program, case, handle, entry)
    return entry, made, day


def _restored(
    working_set: WorkingSet, program: Program, case: Case, handle: str, entry: CaseEntry
) -> tuple[HumanDecision, str]:
    zone = working_set.gateway.history.newest.zone
    notes = [
        note
        for note in working_set.cases.records(handle).notes
        if note.body.get("determination") == entry.determined
    ]
    # INVARIANT: an entry without a record is one of a note.
    day = day_of(notes[-1].time, zone).isoformat()
    return restore_decision(working_set, case, entry, day, program.pack), day


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
    working_set: WorkingSet, program: Program, case: Case, handle: str, entry: CaseEntry, now: int
) -> tuple[str, ...]:
    try:
        made, _ = _restored(working_set, program, case, handle, entry)
    except Refusal:  # another pack is in force, or another role
        return ()
    if made.stays_here:
        return ()
    decision = str((entry.determined or {})["decision"])
    categories = made.outcome_categories
    part = part_to_judge(working_set, categories, made.content_of(categories))
    addressed = address(working_set, handle, made.kind, part, decision, now)
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
        part = part_to_judge(working_set, categories, content_of(categories, decided))
        addressed = address(working_set, handle, "decision", part, decision, now)
        if addressed is not None:
            yield from addressed.to


def _names(recipients: tuple[str, ...]) -> str:
    return ", ".join(f"`{agency}`" for agency in recipients)
