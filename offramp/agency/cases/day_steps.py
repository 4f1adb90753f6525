"""The steps that can be taken today, of all cases of one agency. Pure.

They are fewer than the tasks. While something in a case isn't opened, opening it is the only step.
A step that this agency takes nowhere is none, and what is done on one page for one reason is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from offramp.agency.cases.step_places import CONSENT, DECISION, FORM, StepPlace, place_of
from offramp.agency.cases.task import ANSWER, CONCERN, OPENING, RECALL, RUNNING, Task
from offramp.agency.cases.tasks import STATES, order_of, remembered_tasks
from offramp.agency.folder.working_set import WorkingSet
from rules.decide.program import Program
from rules.frozen import frozen
from rules.shelf import vocabulary

# The kinds of tasks above all others, the first on top. Nothing may rest on what is asked back, and
# no complaint waits behind routine work.
_URGENT = (RECALL, CONCERN)
# What sorts after every deadline and before what has none, in place of a day.
_UNOPENED, _UNASKED = "9997", "9998"


@frozen
class DayStep:
    """A task that can be done now, and the page on which it is.

    `waiting` are the other tasks of the case that rest on it. `facts` are those that it states, for
    a task to state what isn't known. `order` sorts steps, the most pressing first.
    """

    task: Task
    place: StepPlace
    waiting: int
    order: tuple[int, tuple[int, str, int, str, str]]
    facts: tuple[str, ...] = ()


def day_steps(working_set: WorkingSet, program: Program, now: int) -> tuple[DayStep, ...]:
    """Return the steps of every case, the most pressing first, at `now` in seconds since 1970."""
    role = working_set.gateway.history.newest.role(working_set.agency) or "nobody"

    def place(task: Task) -> StepPlace | None:
        return place_of(working_set, program, task, now, role)

    def of_case(handle: str) -> tuple[tuple[DayStep, ...], int | None]:
        tasks, until = remembered_tasks(working_set, program, handle, now)
        return steps_of(tasks, place), until

    time = working_set.gateway.hub_time(now)
    return working_set.memory.recall_list(
        ("day steps", program.digest), time, of_case, lambda step: step.order
    )


def steps_of(
    tasks: Sequence[Task], place: Callable[[Task], StepPlace | None]
) -> tuple[DayStep, ...]:
    """Return the steps among the tasks of one case. `place` gives the page of a task.

    A decision answers each question for its outcome, so they are one step. So are the parts that
    one recall asks back.

    INVARIANT: while something in the case isn't opened, nothing that may rest on it is a step. Only
    opening it is, as pressing as the most pressing of them, and the kinds of `_URGENT`.
    """
    placed = {task: at for task in sorted(tasks, key=order_of) if (at := place(task)) is not None}
    decided = {at for task, at in placed.items() if task.action is None and at.page == DECISION}
    placed = {
        task: at for task, at in placed.items() if not (task.action == ANSWER and at in decided)
    }
    steps = [
        DayStep(task, placed[task], 0, (urgency, order_of(task)))
        for urgency, action in enumerate(_URGENT)
        for task in placed
        if task.action == action
    ]
    steps = list({(step.task.action, step.task.about): step for step in reversed(steps)}.values())
    steps.reverse()
    others = {task: at for task, at in placed.items() if task.action not in _URGENT}
    together = [
        DayStep(task, at, 0, (len(_URGENT), _order_of_step(task, at)), facts)
        for task, at, facts in _together(others)
    ]
    opening = next((task for task in others if task.action == OPENING), None)
    if opening is not None:
        order = (len(_URGENT), _first_of(others, _UNOPENED))
        return *steps, DayStep(opening, others[opening], len(together) - 1, order)
    return *steps, *together


def _order_of_step(task: Task, at: StepPlace) -> tuple[int, str, int, str, str]:
    """Return what sorts a step of a case among those of all cases.

    Without a consent nobody may be told anything, so asking for it comes before each step of any
    case that has no deadline. What isn't opened comes before that: a deadline may be in it.
    """
    state, due, since, case, what = order_of(task)
    if at.page != CONSENT:
        return state, due, since, case, what
    return STATES.index(RUNNING), _UNASKED, since, case, what


def _first_of(
    placed: Mapping[Task, StepPlace], without_deadline: str
) -> tuple[int, str, int, str, str]:
    """Return what sorts a step right before the first task of its case.

    If that has no deadline, the step comes after all deadlines, in the place of `without_deadline`.
    """
    state, due, since, case, _ = order_of(next(iter(placed)))
    after_deadlines = (STATES.index(RUNNING), without_deadline, since, case, "")
    return min((state, due, since, case, ""), after_deadlines)


def _together(
    placed: Mapping[Task, StepPlace],
) -> list[tuple[Task, StepPlace, tuple[str, ...]]]:
    """Return each step once, with its page and the facts that it states.

    The facts that one decision lacks and one form states are one step, and so are the questions
    that one form answers. So is a clock with the next step of the review that ends it: the step
    says what to do, and the clock until when.
    """
    missing: dict[tuple[str, StepPlace], list[Task]] = {}
    questions = [task for task, at in placed.items() if at.page == ANSWER]
    reviewed: dict[StepPlace, Task] = {}
    for task, at in placed.items():
        if task.wanted_for is not None:
            missing.setdefault((task.wanted_for, at), []).append(task)
        elif task.about.startswith("review.") and at.page == FORM:
            reviewed.setdefault(at, task)
    by_clock: dict[StepPlace, Task] = {}
    for task, at in placed.items():
        if task.about.startswith("clocks.") and at in reviewed:
            by_clock.setdefault(at, task)
    listed = []
    for task, at in placed.items():
        same = missing.get((task.wanted_for or "", at), [task])
        if task in questions:
            same = questions
        if same[0] is not task or (task is reviewed.get(at) and at in by_clock):
            continue
        facts = tuple(other.about for other in same) if task.wanted_for is not None else ()
        what = task.what
        if len(same) > 1:
            more = f"{task.what} And {len(same) - 1} more."
            what = more if same is questions else _missing(task, len(same))
        if task is by_clock.get(at):
            what = reviewed[at].what
        listed.append((replace(task, what=what), at, facts))
    return listed


def _missing(task: Task, count: int) -> str:
    decision = vocabulary().decisions.get(task.wanted_for or "")
    asks = decision.asks if decision is not None else str(task.wanted_for)
    return f"{count} things aren't known yet, to answer: {asks}"
