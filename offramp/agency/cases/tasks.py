"""The tasks in a case with their owners and deadlines, as one agency may see them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exchange.consent.disclosure import day_of
from offramp.agency.cases.case import Answer
from offramp.agency.cases.caseload import (
    case_of,
    decisions_here,
    handles,
    open_questions,
    silent_events,
    utc,
)
from offramp.agency.folder.working_set import WorkingSet
from rules.decide.program import Program
from rules.errors import Refusal
from rules.frozen import frozen
from rules.shelf import vocabulary

# The states of a task, the most pressing first.
OVERDUE, RUNNING, OPEN = "overdue", "running", "open"
_ORDER = (OVERDUE, RUNNING, OPEN)

# The kinds of record that no task asks to open: nothing depends on their contents.
QUIET = (
    "acknowledgement",
    "recall",
    "recall_answer",
    "representation",
    "consent",
    "consent_change",
)


@frozen
class Task:
    """A task of a role. `what` is a sentence, `due` a UTC time or a day, where there is one.

    `about` names the clock, fact, record or step that it comes from.
    """

    case: str
    owner: str
    what: str
    state: str
    about: str
    due: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the task's JSON in `offramp agency tasks`."""
        return {
            "case": self.case,
            "owner": self.owner,
            "what": self.what,
            "state": self.state,
            "due": self.due,
            "about": self.about,
        }


def tasks(working_set: WorkingSet, program: Program, now: int) -> tuple[Task, ...]:
    """Return every task of this agency in every case, the most pressing first."""
    every = [
        task
        for handle in handles(working_set)
        for task in tasks_of_case(working_set, program, handle, now)
    ]
    return tuple(
        sorted(
            every,
            key=lambda task: (
                _ORDER.index(task.state),
                task.due or "9999",
                task.case,
                task.what,
            ),
        )
    )


def tasks_of_case(
    working_set: WorkingSet, program: Program, handle: str, now: int
) -> tuple[Task, ...]:
    """Return this agency's tasks in one case.

    Unopened records, recalls, open questions, running clocks, and facts that the rules lack.
    """
    role = working_set.gateway.history.newest.role(working_set.agency) or "nobody"
    case_tasks = [
        *_unopened(working_set, handle, role),
        *_recalls(working_set, handle, role),
        *_questions(working_set, handle, role),
    ]
    case = case_of(working_set, handle)
    for decision in decisions_here(working_set):
        try:
            answer = case.decide(
                program,
                decision,
                utc(working_set.gateway.hub_time(now)),
                silent=silent_events(working_set, handle, now),
            )
        except Refusal:
            # Outside the program's time, or facts unknown to its pack: see `agency decide`.
            continue
        case_tasks += _tasks_of_answer(handle, decision, answer, role)
    return tuple(dict.fromkeys(case_tasks))


def _unopened(working_set: WorkingSet, handle: str, role: str) -> Iterator[Task]:
    for received in working_set.gateway.received.values():
        record = received.record
        if record is None or record.case != handle or received.opened or record.kind in QUIET:
            continue
        if any(
            (record.issuer, record.jti, part) not in working_set.destroyed for part in record.labels
        ):
            sentence = f"Open the `{record.kind}` of `{record.issuer}`."
            yield Task(handle, role, sentence, OPEN, record.jti)


def _recalls(working_set: WorkingSet, handle: str, role: str) -> Iterator[Task]:
    zone = working_set.gateway.history.newest.zone
    for recall in working_set.gateway.pending_recalls():
        records = {record.jti for record in working_set.gateway.state(handle).records}
        if recall.record in records:
            until = day_of(recall.until, zone).isoformat()
            sentence = (
                f"`{recall.issuer}` asks back part `{recall.part}`: "
                "delete it or say on which ground it is kept."
            )
            yield Task(handle, role, sentence, OPEN, recall.recall, until)


def _questions(working_set: WorkingSet, handle: str, role: str) -> Iterator[Task]:
    words = vocabulary()
    for question in open_questions(working_set, handle):
        group, _, field = question.path.rpartition(".")
        if group == "decisions":
            text = words.decisions[field].asks
        else:
            text = (words.facts.get(question.path) or words.facts[group].fields[field]).question
        sentence = f"`{question.by}` asks: {text} (`{question.path}`)"
        yield Task(handle, role, sentence, OPEN, question.record)


def _tasks_of_answer(handle: str, decision: str, answer: Answer, role: str) -> Iterator[Task]:
    yield from _clocks(handle, answer, role)
    if decision == "review" and isinstance(answer.outcome, list):
        for reason in answer.reasons:
            if reason["outcome"] in answer.outcome and reason["outcome"] != "continue":
                step = str(reason["outcome"]).replace("_", " ")
                sentence = f"Next step: {step}. {reason['text']}"
                yield Task(handle, role, sentence, OPEN, f"review.{reason['outcome']}")
    for need in answer.needed:
        # No agency notes another decision's outcome: it is worked out, or answered at its records.
        if need["ask"] == role and not str(need["fact"]).startswith("decisions."):
            differing = [
                f"`{source['by']}` says {source['value']}" for source in need.get("conflict", ())
            ]
            conflict = f" In conflict: {', '.join(differing)}." if differing else ""
            sentence = f"{need['question']} (`{need['fact']}`, for `{decision}`){conflict}"
            yield Task(handle, role, sentence, OPEN, str(need["fact"]))


def _clocks(handle: str, answer: Answer, role: str) -> Iterator[Task]:
    for clock in answer.first.clocks:
        if clock["owner"] == role and clock["status"] in (RUNNING, OVERDUE) and answer.is_agreed:
            segment = answer.first.segment
            assert segment is not None, "a clock is read by the rules of a day"
            label = segment.segment.clocks[clock["clock"]].label
            about = f"clocks.{clock['clock']}"
            yield Task(handle, role, f"Due: {label}.", clock["status"], about, clock["due"])
