"""The answers of this agency's open cases before and after a rule change."""

from __future__ import annotations

from collections.abc import Iterator

from offramp.agency.cases.answering import packs_noticed, packs_since_enrollment
from offramp.agency.cases.case import Answer, Case
from offramp.agency.cases.caseload import case_of, deciding_agencies, utc
from offramp.agency.cases.empty_cases import is_withdrawn, live_handles
from offramp.agency.cases.governing import SEVERITY, governing
from offramp.agency.cases.silence import silent_events
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from rules.decide.program import Program
from rules.decide.scene_day import DAY
from rules.errors import Refusal

UNDETERMINED = "undetermined"


def open_cases(working_set: WorkingSet) -> Iterator[tuple[str, Case]]:
    """Yield each case that is open here, with its handle."""
    for handle in live_handles(working_set):
        case = case_of(working_set, handle)
        if not case.is_ended and not is_withdrawn(working_set, handle):
            yield handle, case


def decided_here(working_set: WorkingSet, decisions: Iterator[str], program: Program) -> list[str]:
    """Return those of the decisions that this agency works out."""
    return [
        name
        for name in decisions
        if name in program.pack.decisions
        and working_set.agency in deciding_agencies(working_set, name, program.pack)
    ]


def answers_of(
    office: Office, working_set: WorkingSet, handle: str, case: Case, decision: str, new: Program
) -> tuple[str, str]:
    """Return the answer of a case before and after the change, as if the new pack were in force.

    A person who is enrolled keeps the earlier rules where the later ones are harsher. What decides
    on the way in is decided for that person already, so a change doesn't reach it.
    """
    now = office.clock()
    at = utc(working_set.gateway.hub_time(now))
    silent = silent_events(working_set, handle, now)

    def answer(program: Program) -> Answer | None:
        try:
            return case.decide(program, decision, at, None, silent)
        except Refusal:  # the program did not run on the day that governs the case
            return None

    newest = working_set.gateway.history.newest.pack
    enrolled, later = packs_since_enrollment(working_set, case)
    is_enrolled = any(entry.facts.get("person.enrolled") is True for entry in case.entries)
    if is_enrolled and new.pack.decisions[decision].governed_by == DAY:
        before_it = _text(answer(office.program(working_set)))
        return before_it, before_it
    if decision not in SEVERITY or not is_enrolled:
        return _text(answer(office.program(working_set))), _text(answer(new))
    packs = dict.fromkeys((enrolled, *later, newest))
    by_pack = {digest: answer(Program(office.pack(digest))) for digest in packs}
    by_pack[new.digest] = answer(new)
    possible = {
        digest: found.possible if found is not None else [] for digest, found in by_pack.items()
    }
    noticed = packs_noticed(working_set, handle)
    before = governing(enrolled, later, decision, possible, noticed)
    after = governing(enrolled, (*later, new.digest), decision, possible, noticed)
    return _text(by_pack[before.pack]), _text(by_pack[after.pack])


def _text(answer: Answer | None) -> str:
    if answer is None:
        return "no answer"
    outcome = answer.ruling.outcome
    if isinstance(outcome, list):
        return ", ".join(outcome) if outcome else UNDETERMINED
    return outcome if outcome is not None else UNDETERMINED
