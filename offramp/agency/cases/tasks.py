"""The tasks of one agency: in each case the step, the role, and the deadline. Pure.

Tasks are derived anew each time from the records, the clocks, and the rules' answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from exchange.consent.disclosure import day_of
from exchange.consent.state import Committed
from exchange.records.label import Label
from exchange.records.record import Record
from offramp.agency.cases.case import Answer, Case
from offramp.agency.cases.caseload import (
    case_of,
    decisions_here,
    open_questions,
    recalled_parts,
    utc,
)
from offramp.agency.cases.corrections import CORRECTION
from offramp.agency.cases.empty_cases import (
    RESTS_ON_REFERRAL,
    is_empty,
    is_withdrawn,
    referrals_asked_back,
    standing_services,
)
from offramp.agency.cases.ended_kinds import EndedKinds, ended_kinds
from offramp.agency.cases.holding import earliest, in_seconds, pack_end
from offramp.agency.cases.minutes import newest_minutes, status_request, steps_for_recorder
from offramp.agency.cases.next_steps import next_step_tasks
from offramp.agency.cases.pack_terms import terms_of
from offramp.agency.cases.people import person_name, undecided_matches
from offramp.agency.cases.repair_tasks import repair_tasks
from offramp.agency.cases.silence import next_change, silent_events
from offramp.agency.cases.stated import stated_contents
from offramp.agency.cases.task import OPEN, OVERDUE, RUNNING, Task
from offramp.agency.cases.untold_decisions import untold_decision_tasks
from offramp.agency.cases.untold_facts import untold_fact_tasks
from offramp.agency.folder.case_memory import Subject
from offramp.agency.folder.working_set import WorkingSet
from rules.decide.program import Program
from rules.errors import Refusal
from rules.shelf import vocabulary

_ORDER = (OVERDUE, RUNNING, OPEN)

# The kinds of record that need no step of the recipient until a person opens them.
QUIET = (
    "acknowledgement",
    "recall",
    "recall_answer",
    "representation",
    "consent",
    "consent_change",
)


# What is remembered of each case. A list of tasks is remembered until the case changes, or until
# a clock, a consent, or the rules of a day may change it.
ANSWERS: Subject[list[Answer]] = Subject("answers", most=256)
TASKS: Subject[tuple[Task, ...]] = Subject(
    "tasks",
    write=lambda tasks: [task.as_json() for task in tasks],
    read=lambda written: tuple(Task(**members) for members in written),
)


def tasks(working_set: WorkingSet, program: Program, now: int) -> tuple[Task, ...]:
    """Return every task of this agency in every case, the most pressing first.

    `now` is in seconds since 1970.
    """
    time = working_set.gateway.hub_time(now)
    return working_set.memory.recall_list(
        (TASKS.name, program.digest),
        time,
        lambda handle: _remembered_tasks(working_set, program, handle, now),
        _order,
    )


def _order(task: Task) -> tuple[int, str, str, str]:
    return _ORDER.index(task.state), task.due or "9999", task.case, task.what


def tasks_of_case(
    working_set: WorkingSet, program: Program, handle: str, now: int
) -> tuple[Task, ...]:
    """Return this agency's tasks in one case.

    After the participant has left, only the records and questions that came since, recalls, and
    corrections are still tasks. If the referral was asked back and nothing else stands, only
    recalls are, and what no referral is needed for.
    """
    return _remembered_tasks(working_set, program, handle, now)[0]


def _remembered_tasks(
    working_set: WorkingSet, program: Program, handle: str, now: int
) -> tuple[tuple[Task, ...], int | None]:
    return working_set.memory.recall_with_end(
        TASKS,
        handle,
        working_set.gateway.hub_time(now),
        lambda: _work_out_tasks(working_set, program, handle, now),
    )


def _work_out_tasks(
    working_set: WorkingSet, program: Program, handle: str, now: int
) -> tuple[tuple[Task, ...], int | None]:
    """Return the tasks of a case, and the first time at which time alone may change them."""
    role = working_set.gateway.history.newest.role(working_set.agency) or "nobody"
    case = case_of(working_set, handle)
    ended = ended_kinds(working_set, program.pack, handle, working_set.gateway.hub_time(now))
    withdrawn = is_withdrawn(working_set, handle)
    held_until = _first_held_day(working_set, handle, now)
    case_tasks = [
        *_unopened_records(working_set, case, handle, role, now, withdrawn=withdrawn),
        *_pending_recalls(working_set, handle, role),
    ]
    if not withdrawn:
        case_tasks += _unanswered_questions(working_set, case, handle, role, ended)
        case_tasks += _records_without_referral(working_set, case, handle, role)
    repairs, repairs_until = repair_tasks(
        working_set, program, case, handle, role, now, withdrawn=withdrawn
    )
    case_tasks += repairs
    if case.is_ended or withdrawn or is_empty(working_set, handle):
        return _named(working_set, handle, case_tasks), earliest(
            (repairs_until, ended.until, held_until)
        )
    case_tasks += _meeting_tasks(working_set, case, handle, role)
    case_tasks += _undecided_people(working_set, handle, role)
    untold, untold_until = untold_decision_tasks(working_set, program, case, handle, role, now)
    case_tasks += untold
    case_tasks += untold_fact_tasks(working_set, program.pack, case, handle, role, now, ended)
    answers, until = answers_of_case(working_set, program, case, handle, now)
    for answer in answers:
        case_tasks += _running_clocks(working_set, handle, answer, role)
        case_tasks += _review_steps(handle, answer, role)
        case_tasks += _missing_facts(handle, answer, role)
    case_tasks += next_step_tasks(working_set, program, case, handle, role, answers, now)
    ends = (until, repairs_until, untold_until, ended.until, held_until)
    return _named(working_set, handle, case_tasks), earliest(ends)


def _named(working_set: WorkingSet, handle: str, case_tasks: list[Task]) -> tuple[Task, ...]:
    """Return each task once, with the participant's name."""
    name = person_name(working_set, handle)
    return tuple(replace(task, person=name) for task in dict.fromkeys(case_tasks))


def _undecided_people(working_set: WorkingSet, handle: str, role: str) -> Iterator[Task]:
    digits = working_set.cases.digits(handle)
    for other in undecided_matches(working_set, handle):
        step = (
            f"Is this the person of case `{working_set.cases.digits(other)}`? "
            f"Compare them: `agency same {digits} {working_set.cases.digits(other)}`."
        )
        yield Task(handle, role, step, OPEN, "person")


def _unopened_records(
    working_set: WorkingSet, case: Case, handle: str, role: str, now: int, *, withdrawn: bool
) -> Iterator[Task]:
    """Yield the records to open."""
    for record, committed in closed_records(working_set, handle, now):
        if committed is not None and committed.index <= case.ended_at:
            continue
        if withdrawn and record.kind in RESTS_ON_REFERRAL:
            continue
        about = vocabulary().kinds[record.kind].line
        step = f"Open what `{record.issuer}` sent: {about}."
        if record.kind == CORRECTION:
            step += _what_may_change(working_set, handle, record.labels.values())
        yield Task(handle, role, step, OPEN, record.jti)


def closed_records(
    working_set: WorkingSet, handle: str, now: int
) -> Iterator[tuple[Record, Committed | None]]:
    """Yield the records of a case that wait to be opened, each with its place in the log.

    What only a legal hold keeps, and what was asked back, can't be opened.
    """
    is_held, today = working_set.retention.is_held(handle), _today(working_set, now).isoformat()
    recalled = recalled_parts(working_set, handle)
    for received in working_set.cases.records(handle).received.values():
        record = received.record
        if record is None or received.opened or record.kind in QUIET:
            continue
        if any(
            (record.issuer, record.jti, part) not in working_set.destroyed
            and (record.jti, part) not in recalled
            and not (is_held and label.keep_until < today)
            for part, label in record.labels.items()
        ):
            yield record, received.committed


def _what_may_change(working_set: WorkingSet, handle: str, labels: Iterable[Label]) -> str:
    """Say what a closed correction may change. Its label names categories and no fact."""
    words = vocabulary().categories
    about = dict.fromkeys(words.get(name, name) for label in labels for name in label.category)
    digits = working_set.cases.digits(handle)
    return (
        f" Until then, what it may change counts as not known ({'; '.join(about)}). Before you "
        f"decide or ask: `agency case {digits} --open`."
    )


def _records_without_referral(
    working_set: WorkingSet, case: Case, handle: str, role: str
) -> Iterator[Task]:
    """Yield what this agency still states in a case whose referral was asked back."""
    issuers = referrals_asked_back(working_set, handle)
    if not issuers or case.is_ended:
        return
    own = (
        record.kind
        for record in standing_services(working_set, handle)
        if record.issuer == working_set.agency
    )
    digits, names = working_set.cases.digits(handle), " and ".join(f"`{each}`" for each in issuers)
    for kind in dict.fromkeys(own):
        back = (
            f"revoke {digits}"
            if kind == "consent"
            else f"recall {digits} duplicate --record {kind}"
        )
        step = (
            f"{names} asked back the referral of this case, and your `{kind}` still stands in it. "
            f"If this case is a duplicate or a mistake, take that back: `offramp agency {back}`."
        )
        yield Task(handle, role, step, OPEN, f"referral.{kind}")


def _today(working_set: WorkingSet, now: int) -> date:
    gateway = working_set.gateway
    return day_of(gateway.hub_time(now), gateway.history.newest.zone)


def _first_held_day(working_set: WorkingSet, handle: str, now: int) -> int | None:
    """Return when the next unopened part of a held case is past its last day.

    From then on nobody may open it. None without a hold, since it is destroyed then.
    """
    if not working_set.retention.is_held(handle):
        return None
    zone, today = working_set.gateway.history.newest.zone, _today(working_set, now)
    last_days = (
        date.fromisoformat(label.keep_until)
        for received in working_set.cases.records(handle).received.values()
        if received.record is not None and not received.opened
        for label in received.record.labels.values()
    )
    return earliest(
        in_seconds(datetime.combine(day + timedelta(days=1), time.min, zone))
        for day in last_days
        if day >= today
    )


def _pending_recalls(working_set: WorkingSet, handle: str, role: str) -> Iterator[Task]:
    zone = working_set.gateway.history.newest.zone
    digits, holds = working_set.cases.digits(handle), working_set.retention.holds_on(handle)
    for recall in working_set.gateway.pending_recalls(handle):
        until = day_of(recall.until, zone).isoformat()
        step = (
            f"`{recall.issuer}` asks back part `{recall.part}`. Delete it with `offramp agency "
            f"answer-recall {digits}`. To keep it on a legal ground, add `--keep` and the ground."
        )
        if holds:
            step = (
                f"`{recall.issuer}` asks back part `{recall.part}`. A legal hold of "
                f"`{holds[0].by}` stops its deletion, so answer that you keep it, with the ground: "
                f"`offramp agency answer-recall {digits} --keep GROUND`. To delete it, have a "
                f"supervisor release the hold first: `offramp agency hold {digits} --release`."
            )
        yield Task(handle, role, step, OPEN, recall.recall, until)


def _meeting_tasks(working_set: WorkingSet, case: Case, handle: str, role: str) -> Iterator[Task]:
    """Yield the status that is asked for before a meeting, and the steps that one agreed on."""
    stated, digits = stated_contents(working_set, handle, case), working_set.cases.digits(handle)
    request = status_request(working_set, handle, stated)
    if request is not None:
        step = f"Tell how it goes before the meeting: `offramp agency report-status {digits}`."
        yield Task(handle, role, step, OPEN, "meeting.status", request.meeting_on)
    minutes = newest_minutes(working_set, handle, stated)
    for agreed in minutes.steps if minutes is not None else ():
        if agreed.owner == role:
            step = f"Agreed at the meeting: {agreed.words('en')}."
            yield Task(handle, role, step, OPEN, f"meeting.{agreed.step}", agreed.until)
    for agreed in steps_for_recorder(working_set, minutes) if minutes is not None else ():
        owner = agreed.owner.replace("_", " ")
        step = (
            f"Agreed at the meeting, for {owner}: {agreed.words('en')}. No agency of that role may "
            "be told through the exchange, so see yourself that it is done."
        )
        yield Task(handle, role, step, OPEN, f"meeting.{agreed.step}", agreed.until)


def _unanswered_questions(
    working_set: WorkingSet, case: Case, handle: str, role: str, ended: EndedKinds
) -> Iterator[Task]:
    terms = terms_of(working_set)
    for question in open_questions(working_set, handle, ended):
        if question.index <= case.ended_at:
            continue
        group, _, field = question.path.rpartition(".")
        if group == "decisions":
            text = vocabulary().decisions[field].asks
        else:
            text = terms.question(question.path, "en")
        step = f"`{question.by}` asks: {text}"
        yield Task(handle, role, step, OPEN, question.record, asks=question.path)


def answers_of_case(
    working_set: WorkingSet, program: Program, case: Case, handle: str, now: int
) -> tuple[list[Answer], int | None]:
    """Return the rules' answers here, and the first time at which time alone may change one.

    Tasks and the meeting ask for the same answers, so the last ones are remembered.
    """
    time = working_set.gateway.hub_time(now)
    return working_set.memory.recall_with_end(
        ANSWERS, handle, time, lambda: _work_out_answers(working_set, program, case, handle, now)
    )


def _work_out_answers(
    working_set: WorkingSet, program: Program, case: Case, handle: str, now: int
) -> tuple[list[Answer], int | None]:
    time = working_set.gateway.hub_time(now)
    silent = silent_events(working_set, handle, now)
    answers = []
    ended = ended_kinds(working_set, program.pack, handle, time)
    ends = [next_change(working_set, handle, time), pack_end(program, time), ended.until]
    for decision in decisions_here(working_set, program.pack):
        try:
            answer = case.decide(program, decision, utc(time), silent=silent)
        except Refusal:
            # A day outside the program, or facts that its pack doesn't know. `agency decide`
            # shows the refusal.
            continue
        answer.ended = ended
        answers.append(answer)
        ends.append(answer.holds_until)
    return answers, earliest(ends)


def _running_clocks(
    working_set: WorkingSet, handle: str, answer: Answer, role: str
) -> Iterator[Task]:
    directory = working_set.gateway.history.newest
    for clock in answer.ruling.clocks:
        # Nobody else reminds the person, or a role that the directory has no agency of.
        has_agency = bool(directory.with_role(str(clock["owner"])))
        reminds = str(clock["owner"]) if has_agency else "case_management"
        if reminds == role and clock["status"] in (RUNNING, OVERDUE):
            segment = answer.ruling.segment
            assert segment is not None, "a clock is read by the rules of a day"
            terms = segment.segment.clocks[clock["clock"]]
            events = [event for event in (terms.stop, terms.repeats) if event is not None]
            if answer.ended.covers_all(events, answer.ruling.program.pack.vocabulary):
                continue  # what would end it was destroyed
            step = f"Due: {terms.label}."
            yield Task(
                handle, role, step, clock["status"], f"clocks.{clock['clock']}", clock["due"]
            )


def _review_steps(handle: str, answer: Answer, role: str) -> Iterator[Task]:
    if answer.decision != "review" or not isinstance(answer.outcome, list):
        return
    for reason in answer.reasons:
        outcome = str(reason["outcome"])
        terms = answer.ruling.program.pack.vocabulary
        if answer.ended.covers_all(answer.reads_of(reason) - {"now"}, terms):
            continue
        if outcome in answer.outcome and outcome != "continue":
            step = f"Next step: {outcome.replace('_', ' ')}. {reason['text']}"
            yield Task(handle, role, step, OPEN, f"review.{outcome}")


def _missing_facts(handle: str, answer: Answer, role: str) -> Iterator[Task]:
    for need in answer.needed:
        # Nobody notes another decision's outcome: the rules or its decider give it.
        path = str(need["fact"])
        # Nobody asks for what a closed correction may have changed.
        if need["ask"] == role and not path.startswith("decisions.") and not answer.is_closed(path):
            sides = [f"`{side['by']}`" for side in need.get("conflict", ())]
            conflict = f" {' and '.join(sides)} differ on it." if sides else ""
            step = f"{need['question']} (for {answer.decision}){conflict}"
            wanted_for = None if sides else answer.decision
            yield Task(handle, role, step, OPEN, str(need["fact"]), wanted_for=wanted_for)
