"""The tasks of one agency: in each case the step, the role, and the deadline. Pure.

Tasks are derived anew each time from the records, the clocks, and the rules' answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from exchange.agency.deliveries import Received
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
from offramp.agency.cases.concerns import concern_tasks
from offramp.agency.cases.corrections import CORRECTION
from offramp.agency.cases.empty_cases import (
    RESTS_ON_REFERRAL,
    is_empty,
    is_withdrawn,
    referrals_asked_back,
    standing_services,
)
from offramp.agency.cases.ended_kinds import EndedKinds, ended_kinds
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.holding import earliest, in_seconds, pack_end
from offramp.agency.cases.minutes import newest_minutes, status_request, steps_for_recorder
from offramp.agency.cases.next_steps import (
    APPROVAL,
    CHARGE_HELD,
    EJECTION,
    has_no_charge,
    may_be_ejected,
    next_step_tasks,
)
from offramp.agency.cases.pack_terms import terms_of
from offramp.agency.cases.people import person_name, undecided_matches
from offramp.agency.cases.repair_tasks import repair_tasks
from offramp.agency.cases.silence import next_change, silent_events
from offramp.agency.cases.stated import stated_contents
from offramp.agency.cases.task import (
    ANSWER,
    COMPARE,
    OPEN,
    OPENING,
    OVERDUE,
    RECALL,
    RUNNING,
    STATUS,
    Task,
)
from offramp.agency.cases.untold_decisions import untold_decision_tasks
from offramp.agency.cases.untold_facts import untold_fact_tasks
from offramp.agency.folder.case_memory import Subject
from offramp.agency.folder.working_set import WorkingSet
from rules.decide.program import Program
from rules.errors import Refusal
from rules.shelf import vocabulary

STATES = (OVERDUE, RUNNING, OPEN)
_DAY = 86_400
# A time after every task's.
_LAST = 1 << 62

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
        lambda handle: remembered_tasks(working_set, program, handle, now),
        order_of,
    )


def order_of(task: Task) -> tuple[int, str, int, str, str]:
    """Return what sorts tasks, the most pressing first: by the deadline, and then by age."""
    since = task.since if task.since is not None else _LAST
    return STATES.index(task.state), task.due or "9999", since, task.case, task.what


def tasks_of_case(
    working_set: WorkingSet, program: Program, handle: str, now: int
) -> tuple[Task, ...]:
    """Return this agency's tasks in one case.

    After the participant has left, only the records and questions that came since, recalls, and
    corrections are still tasks. If the referral was asked back and nothing else stands, only
    recalls are, and what no referral is needed for.
    """
    return remembered_tasks(working_set, program, handle, now)[0]


def remembered_tasks(
    working_set: WorkingSet, program: Program, handle: str, now: int
) -> tuple[tuple[Task, ...], int | None]:
    """Return the tasks of a case, and the first time at which time alone may change them."""
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
    closed_until = _next_look_at_closed(working_set, handle, now)
    case_tasks = [
        *_unopened_records(working_set, case, handle, role, now, withdrawn=withdrawn),
        *_pending_recalls(working_set, handle, role),
        *concern_tasks(working_set, handle, role),
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
            (repairs_until, ended.until, held_until, closed_until)
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
    asking = (answer for answer in answers if answer.decision != EJECTION or may_be_ejected(case))
    moot = {CHARGE_HELD} if has_no_charge(case) else frozenset[str]()
    case_tasks += _missing_facts(handle, asking, role, moot)
    case_tasks += next_step_tasks(working_set, program, case, handle, role, answers, now)
    # If another agency may be asked changes with the days of consents, and no record says so.
    waits = any(task.about == APPROVAL and task.owner != role for task in case_tasks)
    asking_until = working_set.gateway.hub_time(now) + _DAY if waits else None
    ends = (until, repairs_until, untold_until, ended.until, held_until, closed_until, asking_until)
    return _named(working_set, handle, case_tasks), earliest(ends)


def _named(working_set: WorkingSet, handle: str, case_tasks: list[Task]) -> tuple[Task, ...]:
    """Return each task once, with the participant's name, and with the age of the case at least."""
    name, begun = person_name(working_set, handle), _begun_at(working_set, handle)
    return tuple(
        replace(task, person=name, since=task.since if task.since is not None else begun)
        for task in dict.fromkeys(case_tasks)
    )


def _begun_at(working_set: WorkingSet, handle: str) -> int | None:
    """Return the time of a case's first record here, None for a case without one."""
    return min((record.time for record in working_set.gateway.state(handle).records), default=None)


def _undecided_people(working_set: WorkingSet, handle: str, role: str) -> Iterator[Task]:
    digits = working_set.cases.digits(handle)
    for other in undecided_matches(working_set, handle):
        step = (
            f"Is this the person of case `{working_set.cases.digits(other)}`? "
            f"Compare them: `agency same {digits} {working_set.cases.digits(other)}`."
        )
        yield Task(handle, role, step, OPEN, f"person.{other}", action=COMPARE)


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
        since = committed.time if committed is not None else None
        yield Task(handle, role, step, OPEN, record.jti, action=OPENING, since=since)


def closed_records(
    working_set: WorkingSet, handle: str, now: int
) -> Iterator[tuple[Record, Committed | None]]:
    """Yield the records of a case that wait to be opened, each with its place in the log."""
    begun: set[tuple[str, str]] = set()
    for received, record, _ in waiting_parts(working_set, handle, now):
        key = (record.issuer, record.jti)
        if not received.opened and key not in begun:
            begun.add(key)
            yield record, received.committed


def _next_look_at_closed(working_set: WorkingSet, handle: str, now: int) -> int | None:
    """Return when it is looked again if closed parts may still be opened. None without any.

    A consent or a purpose ends on a day, and no record says so.
    """
    has_closed = any(True for _ in waiting_parts(working_set, handle, now))
    return working_set.gateway.hub_time(now) + _DAY if has_closed else None


def waiting_parts(
    working_set: WorkingSet, handle: str, now: int
) -> Iterator[tuple[Received, Record, str]]:
    """Yield the parts of a case that wait to be opened, each with its record.

    What only a legal hold keeps, what was asked back, and what the rules no longer let this agency
    open, such as after a take-back, can't be opened, and waits for nobody.
    """
    is_held, today = working_set.retention.is_held(handle), _today(working_set, now).isoformat()
    recalled = recalled_parts(working_set, handle)
    for received in working_set.cases.records(handle).received.values():
        record = received.record
        if record is None or record.kind in QUIET:
            continue
        for part, label in record.labels.items():
            if (
                part not in received.opened
                and (record.issuer, record.jti, part) not in working_set.destroyed
                and (record.jti, part) not in recalled
                and not (is_held and label.keep_until < today)
                and working_set.gateway.may_open(record.issuer, record.jti, part, now)
            ):
                yield received, record, part


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
        yield Task(handle, role, step, OPEN, recall.recall, until, action=RECALL)


def _meeting_tasks(working_set: WorkingSet, case: Case, handle: str, role: str) -> Iterator[Task]:
    """Yield the status that is asked for before a meeting, and the steps that one agreed on."""
    stated, digits = stated_contents(working_set, handle, case), working_set.cases.digits(handle)
    request = status_request(working_set, handle, stated)
    if request is not None:
        step = f"Tell how it goes before the meeting: `offramp agency report-status {digits}`."
        yield Task(handle, role, step, OPEN, "meeting.status", request.meeting_on, action=STATUS)
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
        yield Task(handle, role, step, OPEN, question.record, asks=question.path, action=ANSWER)


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
            english, _ = vocabulary().closed_words["meeting_step"][outcome]
            step = f"Next step: {english}. {reason['text']}"
            yield Task(handle, role, step, OPEN, f"review.{outcome}")


def _missing_facts(
    handle: str, answers: Iterable[Answer], role: str, moot: Collection[str]
) -> Iterator[Task]:
    """Yield the questions that this agency can answer, without those about `moot` facts.

    Only a question that two decisions ask says which of them it is for.
    """
    needs = [
        (answer, need)
        for answer in answers
        for need in answer.needed
        # Nobody notes another decision's outcome: the rules or its decider give it.
        if need["ask"] == role
        and need["fact"] not in moot
        and not str(need["fact"]).startswith("decisions.")
        # Nobody asks for what a closed correction may have changed.
        and not answer.is_closed(str(need["fact"]))
    ]
    counts = Counter(str(need["question"]) for _, need in needs)
    for answer, need in needs:
        sides = [f"`{side['by']}`" for side in need.get("conflict", ())]
        conflict = f" {' and '.join(sides)} differ on it." if sides else ""
        wanted = f" ({_purpose(answer)})" if counts[str(need["question"])] > 1 else ""
        step = f"{need['question']}{wanted}{conflict}"
        wanted_for = None if sides else answer.decision
        yield Task(handle, role, step, OPEN, str(need["fact"]), wanted_for=wanted_for)


def _purpose(answer: Answer) -> str:
    """Return what a fact is wanted for, of a decision that only the pack has by its question."""
    if answer.decision in vocabulary().decisions:
        return form_terms().label("decision.wanted_for", answer.decision, "en")
    asks = answer.ruling.program.pack.decisions[answer.decision].asks
    return f"to answer: {' '.join(asks.split())}"
