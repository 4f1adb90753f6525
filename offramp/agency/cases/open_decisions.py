"""The decisions of a case that wait for a named person of this agency, and until when. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from offramp.agency.cases.case import ACCEPTED, REFERRED, Answer, Case
from offramp.agency.cases.caseload import case_of, open_questions, utc
from offramp.agency.cases.decision_effects import without_effects
from offramp.agency.cases.empty_cases import is_empty, is_withdrawn
from offramp.agency.cases.enrollment import ADMISSION, ADMITTED
from offramp.agency.cases.holding import earliest
from offramp.agency.cases.human_decision import decisions_to_make
from offramp.agency.cases.next_steps import (
    APPROVAL,
    APPROVING,
    EJECTION,
    NEW_CHARGES,
    SCREENING,
    awaited_approval,
    has_no_charge,
    may_be_ejected,
)
from offramp.agency.cases.outdated import ANSWER, outdated_decisions
from offramp.agency.cases.silence import silent_events
from offramp.agency.cases.stated_facts import ENROLLED
from offramp.agency.cases.step_places import DECISION, place_of
from offramp.agency.cases.task import OVERDUE, RUNNING, Task
from offramp.agency.cases.tasks import answers_of_case, remembered_tasks
from offramp.agency.cases.untold_decisions import UNTOLD
from offramp.agency.errors import AgencyError
from offramp.agency.folder.working_set import WorkingSet
from rules.decide.program import Program
from rules.errors import Refusal
from rules.frozen import frozen
from rules.packs.pack import Pack

_ELIGIBILITY, _FILING, _MAY_FILE = "eligibility", "filing", "prosecutor_may_file"
# Admissions that last only until the rules say that the person is in.
_PRELIMINARY = ("awaiting", "eligible_waiting")

# Why a decision waits.
RECORDS, ASKED, MAY_FILE, NEW_CHARGE, ENTRY, CHANGED, TELL, STEP = (
    *("records", "asked", "may_file", "new_charge", "entry", "changed", "tell", "step"),
)


@frozen
class OpenDecision:
    """A decision that waits for a person of this agency.

    `why` is a word of this module. `by` is the agency that asks, None where the rules do.
    `last_day` is when the person's own time runs out: a UTC time or a day, None if no clock runs.
    """

    case: str
    decision: str
    why: str
    by: str | None
    last_day: str | None
    is_overdue: bool

    @property
    def order(self) -> tuple[str, bool, str, str]:
        """The place in a list: by the last day, then by the case.

        A charge that rests needs no word until its day, so a filing comes last of a day.
        """
        return self.last_day or "9999", self.decision == _FILING, self.case, self.decision


def open_decisions(working_set: WorkingSet, program: Program, now: int) -> tuple[OpenDecision, ...]:
    """Return every decision that waits for a person of this agency, by its last day.

    `now` is in seconds since 1970.
    """
    return working_set.memory.recall_list(
        ("open decisions", program.digest),
        working_set.gateway.hub_time(now),
        lambda handle: _of_case(working_set, program, handle, now),
        lambda decision: decision.order,
    )


def decision_settling(
    working_set: WorkingSet, program: Program, handle: str, path: str, now: int
) -> str | None:
    """Return the decision that waits for a person of this agency and states a fact or outcome.

    INVARIANT: no form states it. The decision has a reason, a check, and a confirmation in doubt.
    None for a fact that no open decision of a case states. `now` is in seconds since 1970.
    """
    group, _, name = path.partition(".")
    stating = tuple(APPROVING) if path == APPROVAL else (name,) if group == "decisions" else ()
    if not stating:
        return None
    waiting, _ = _of_case(working_set, program, handle, now)
    open_here = {entry.decision for entry in waiting}
    return next((decision for decision in stating if decision in open_here), None)


def decide_it(digits: str, path: str, decision: str) -> AgencyError:
    """Return the refusal to state in another way what a named person decides.

    `digits` are the first ones of the case.
    """
    return AgencyError(
        "decide-it",
        f"`{path}` is stated by your decision on `{decision}`, and in no other way",
        fix=f"decide it with `agency determine {digits} {decision} OUTCOME --reason REASON`",
    )


def refuse_decided(
    working_set: WorkingSet, program: Program, handle: str, stated: Iterable[str], now: int
) -> None:
    """Refuse to note or to answer what an open decision of this agency states.

    Raises `AgencyError` `decide-it`.
    """
    for path in stated:
        decision = decision_settling(working_set, program, handle, path, now)
        if decision is not None:
            raise decide_it(working_set.cases.digits(handle), path, decision)


def answer_on_known_facts(
    working_set: WorkingSet, program: Program, case: Case, handle: str, decision: str, now: int
) -> Answer | None:
    """Return the rules' answer on what is known here, also on another agency's decision.

    A decided answer holds for all that isn't known here. It never rests on what a person's decision
    on the same question states. None where the rules can't be asked.
    """
    at = utc(working_set.gateway.hub_time(now))
    apart = without_effects(case, decision)
    try:
        return apart.decide(program, decision, at, silent=silent_events(working_set, handle, now))
    except Refusal:
        return None


def choices_of(working_set: WorkingSet, pack: Pack, decision: str) -> tuple[str, ...]:
    """Return the outcomes that a person of this agency may choose in this program, in order.

    A prosecutor approves or declines an entry. The other outcomes are the program's.
    """
    outcomes = decisions_to_make(working_set, pack).get(decision, ())
    in_pack = pack.decisions.get(decision)
    if in_pack is not None and in_pack.outcomes:
        outcomes = tuple(word for word in outcomes if word in in_pack.outcomes)
    declined = APPROVING[ADMISSION][1]
    if working_set.gateway.history.newest.role(working_set.agency) == "prosecutor":
        if decision in APPROVING:
            outcomes = tuple(word for word in outcomes if word in APPROVING[decision])
    elif decision == ADMISSION:
        outcomes = tuple(word for word in outcomes if word != declined)
    return outcomes


def _of_case(
    working_set: WorkingSet, program: Program, handle: str, now: int
) -> tuple[tuple[OpenDecision, ...], int | None]:
    """Return the decisions of a case, and the first time at which time alone may change them."""
    case = case_of(working_set, handle)
    is_over = case.is_ended or is_withdrawn(working_set, handle) or is_empty(working_set, handle)
    answers, until = answers_of_case(working_set, program, case, handle, now)
    tasks, tasks_until = remembered_tasks(working_set, program, handle, now)
    last_day = last_day_of(working_set, program, case, now)
    is_overdue = any(
        clock["status"] == OVERDUE and str(clock["due"]) == last_day
        for answer in answers
        for clock in answer.ruling.clocks
    )
    waiting: dict[str, OpenDecision] = {}
    listed = list(_decided_steps(working_set, program, tasks, now))
    if not is_over:
        listed[:0] = _waiting(working_set, program, case, handle, answers, tasks, now)
    for decision, why, by in listed:
        # A charge that may be filed, a new one, and a fact of this office have no clock of the
        # person's. A charge that rests has: until then, it isn't filed.
        has_clock = why not in (MAY_FILE, NEW_CHARGE, STEP) or (why, decision) == (STEP, _FILING)
        waiting.setdefault(
            decision,
            OpenDecision(
                handle, decision, why, by, last_day if has_clock else None, has_clock and is_overdue
            ),
        )
    return tuple(waiting.values()), earliest((until, tasks_until))


def _waiting(
    working_set: WorkingSet,
    program: Program,
    case: Case,
    handle: str,
    answers: Iterable[Answer],
    tasks: Iterable[Task],
    now: int,
) -> Iterator[tuple[str, str, str | None]]:
    """Yield each decision that waits, why, and the agency that asks. The first reason counts."""
    possible = decisions_to_make(working_set, program.pack)
    by_decision = {answer.decision: answer for answer in answers}
    yield from (
        (outdated.decision, CHANGED, None)
        for outdated in outdated_decisions(working_set, program, handle, case, now)
        if outdated.agency == working_set.agency
        and outdated.what != ANSWER
        and outdated.decision in possible
    )
    if SCREENING in possible and _accepted(case) and SCREENING not in case.attested:
        if SCREENING in program.pack.decisions:
            yield SCREENING, RECORDS, None
    if working_set.gateway.history.newest.role(working_set.agency) == "prosecutor":
        yield from _of_prosecutor(working_set, program, case, handle, by_decision, now)
    elif _ELIGIBILITY in possible:
        yield from _of_program(case, by_decision)
    for task in tasks:
        if task.about.startswith(UNTOLD) and task.about.removeprefix(UNTOLD) in possible:
            yield task.about.removeprefix(UNTOLD), TELL, None


def _decided_steps(
    working_set: WorkingSet, program: Program, tasks: Iterable[Task], now: int
) -> Iterator[tuple[str, str, str | None]]:
    """Yield each decision that takes a step of the day.

    INVARIANT: what today's steps lead to by deciding is in the list of what waits.
    """
    role = working_set.gateway.history.newest.role(working_set.agency) or "nobody"
    for task in tasks:
        place = place_of(working_set, program, task, now, role)
        if place is not None and place.page == DECISION:
            yield place.name, STEP, None


def _of_prosecutor(
    working_set: WorkingSet,
    program: Program,
    case: Case,
    handle: str,
    answers: Mapping[str, Answer],
    now: int,
) -> Iterator[tuple[str, str, str | None]]:
    for question in open_questions(working_set, handle):
        if question.path == APPROVAL and question.decision in APPROVING:
            yield question.decision, ASKED, question.by
    if (decision := awaited_approval(working_set, program, case, now)) is not None:
        yield decision, ASKED, None
    filing = answers.get(_FILING)
    # INVARIANT: an interview that isn't on record is overdue only where its silence counts. Else
    # the rules can't tell, and nothing is asked of the prosecutor.
    may_file = filing is not None and filing.outcome == _MAY_FILE and not has_no_charge(case)
    if may_file and _FILING not in case.determined:
        yield _FILING, MAY_FILE, None
    if may_be_ejected(case):
        decided, charged = case.determined.get(EJECTION), case.known[NEW_CHARGES]
        if decided is None or decided.position < charged.entry.position:
            yield EJECTION, NEW_CHARGE, None


def _of_program(case: Case, answers: Mapping[str, Answer]) -> Iterator[tuple[str, str, str | None]]:
    if not _accepted(case):
        return
    eligibility, enrolled = _outcome(case, _ELIGIBILITY), case.known.get(ENROLLED)
    # Who is in doesn't wait for a place, whatever nobody decided by name.
    is_enrolled = enrolled is not None and bool(enrolled.value)
    if eligibility is None:
        if not is_enrolled:
            yield _ELIGIBILITY, ENTRY, None
    elif eligibility == "eligible":
        admission, by_rules = _outcome(case, ADMISSION), answers.get(ADMISSION)
        is_in = by_rules is not None and by_rules.outcome == ADMITTED
        entry = case.determined.get(ADMISSION)
        by_prosecutor = entry is not None and entry.role == "prosecutor"
        is_stated = enrolled is not None
        if (
            (admission is None and not is_enrolled)
            or (admission in _PRELIMINARY and is_in)
            or (by_prosecutor and admission == ADMITTED and not is_stated)
        ):
            yield ADMISSION, ENTRY, None


def _outcome(case: Case, decision: str) -> Any:
    entry = case.determined.get(decision)
    return entry.determined["outcome"] if entry is not None and entry.determined else None


def _accepted(case: Case) -> bool:
    accepted = case.known.get(ACCEPTED)
    return accepted is not None and bool(accepted.value)


def last_day_of(working_set: WorkingSet, program: Program, case: Case, now: int) -> str | None:
    """Return when the person's clock since the referral runs out, unless it was met in time.

    A missing record of what would meet it may mean nothing here. Then it is the latest day on which
    it could still run out.
    """
    role = working_set.gateway.history.newest.role(working_set.agency)
    decision = _FILING if role == "prosecutor" else ADMISSION
    if decision not in program.pack.decisions:
        return None
    try:
        answer = case.decide(program, decision, utc(working_set.gateway.hub_time(now)))
    except Refusal:
        return None
    segment = answer.ruling.segment
    starts = {} if segment is None else segment.segment.clocks
    return min(
        (
            str(clock["due"])
            for clock in answer.ruling.clocks
            if clock["status"] in (RUNNING, OVERDUE)
            and clock["due"] is not None
            and starts[str(clock["clock"])].start == REFERRED
        ),
        default=None,
    )
