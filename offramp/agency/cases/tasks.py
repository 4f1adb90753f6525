"""What is to be done in a case, by whom and until when, as one agency may see it. Pure: worked out anew each time."""

from __future__ import annotations

from collections.abc import Iterable
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

# What can be at fault in a task, the most pressing first.
OVERDUE, RUNNING, OPEN = "overdue", "running", "open"
_ORDER = (OVERDUE, RUNNING, OPEN)


@frozen
class Task:
    """`owner` is a role; `what` a sentence; `due` a UTC time or day, where there is one; `about` the clock, fact, record or
    step that it comes from.
    """

    case: str
    owner: str
    what: str
    state: str
    about: str
    due: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "case": self.case,
            "owner": self.owner,
            "what": self.what,
            "state": self.state,
            "due": self.due,
            "about": self.about,
        }


def tasks(working_set: WorkingSet, program: Program, now: int) -> tuple[Task, ...]:
    """Every task of this agency in every case, the most pressing first."""
    found = [
        task
        for handle in handles(working_set)
        for task in of_case(working_set, program, handle, now)
    ]
    return tuple(
        sorted(
            found, key=lambda one: (_ORDER.index(one.state), one.due or "9999", one.case, one.what)
        )
    )


def of_case(working_set: WorkingSet, program: Program, handle: str, now: int) -> tuple[Task, ...]:
    """This agency's tasks in one case: what its clocks ask, what others asked, what the rules lack of it, what isn't opened."""
    directory = working_set.gateway.history.newest
    role = directory.role(working_set.agency) or "nobody"
    zone = directory.zone
    found = []
    for received in working_set.gateway.received.values():
        record = received.record
        if record is not None and record.case == handle and not received.opened:
            parts = [
                part
                for part in record.labels
                if (record.issuer, record.jti, part) not in working_set.destroyed
            ]
            if parts and record.kind not in QUIET:
                found.append(
                    Task(
                        handle,
                        role,
                        f"Open the `{record.kind}` of `{record.issuer}`.",
                        OPEN,
                        record.jti,
                    )
                )
    for owed in working_set.gateway.pending_recalls():
        if owed.record in {one.jti for one in working_set.gateway.state(handle).records}:
            until = day_of(owed.until, zone).isoformat()
            what = f"`{owed.issuer}` asks back part `{owed.part}`: delete it or say on which ground it is kept."
            found.append(Task(handle, role, what, OPEN, owed.recall, until))
    words = vocabulary()
    case = case_of(working_set, handle)
    for asked in open_questions(working_set, handle):
        group, _, field = asked.path.rpartition(".")
        if group == "decisions":
            what = words.decisions[field].asks
        else:
            what = (words.facts.get(asked.path) or words.facts[group].fields[field]).question
        found.append(
            Task(handle, role, f"`{asked.by}` asks: {what} (`{asked.path}`)", OPEN, asked.record)
        )
    for decision in decisions_here(working_set):
        try:
            answer = case.decide(
                program,
                decision,
                utc(working_set.gateway.hub_time(now)),
                silent=silent_events(working_set, handle, now),
            )
        except Refusal:
            continue  # outside the program's time, or facts that its pack doesn't know: `agency decide` says so
        found += _of_answer(working_set, handle, decision, answer, role)
    return tuple(dict.fromkeys(found))


# What somebody opens or not, and nothing hangs on it.
QUIET = (
    "acknowledgement",
    "recall",
    "recall_answer",
    "representation",
    "consent",
    "consent_change",
)


def _of_answer(
    working_set: WorkingSet, handle: str, decision: str, answer: Answer, role: str
) -> Iterable[Task]:
    for clock in answer.first.clocks:
        if clock["owner"] == role and clock["status"] in (RUNNING, OVERDUE) and answer.is_agreed:
            segment = answer.first.segment
            assert segment is not None, "a clock is read by the rules of a day"
            label = segment.segment.clocks[clock["clock"]].label
            yield Task(
                handle,
                role,
                f"Due: {label}.",
                clock["status"],
                f"clocks.{clock['clock']}",
                clock["due"],
            )
    if decision == "review" and isinstance(answer.outcome, list):
        for reason in answer.reasons:
            if reason["outcome"] in answer.outcome and reason["outcome"] != "continue":
                step = str(reason["outcome"]).replace("_", " ")
                yield Task(
                    handle,
                    role,
                    f"Next step: {step}. {reason['text']}",
                    OPEN,
                    f"review.{reason['outcome']}",
                )
    for needed in answer.needed:
        # Another decision's outcome is nobody's to note: it is worked out, or answered where its records are.
        if needed["ask"] == role and not str(needed["fact"]).startswith("decisions."):
            differ = [f"`{one['by']}` says {one['value']}" for one in needed.get("conflict", ())]
            more = f" In conflict: {', '.join(differ)}." if differ else ""
            what = f"{needed['question']} (`{needed['fact']}`, for `{decision}`){more}"
            yield Task(handle, role, what, OPEN, str(needed["fact"]))
