"""The partners' meeting: what each open case brings to it, and what those present may see of it.

An agency sees its own view on its own screen. A shared screen shows what this agency may tell every
agency present, by the same rules as any record, and what an agency present said itself. A case of
which nothing may be shown to all of them is left out, since even its existence discloses something.

The meeting has two parts: with police in the room, and without. Each part is worked out for those
who are present, so that nothing of the second part is ever on a screen that police see.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from exchange.agency.gateway import FOREVER
from exchange.consent.reduction import FROM_CARE
from exchange.membership.directory import Directory
from exchange.records.building import Part
from exchange.records.content_checks import may_be_told
from offramp.agency.cases.addressing import COORDINATION
from offramp.agency.cases.case import Answer, Case
from offramp.agency.cases.caseload import case_of, handles
from offramp.agency.cases.empty_cases import is_open
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.holding import earliest
from offramp.agency.cases.minutes import COMPLETE_INTAKE, ENFORCEMENT, newest_minutes
from offramp.agency.cases.silence import next_change
from offramp.agency.cases.stated import StatedContent, stated_contents
from offramp.agency.cases.task import OVERDUE, RUNNING, Task
from offramp.agency.cases.tasks import answers_of_case, tasks_of_case
from offramp.agency.errors import AgencyError
from offramp.agency.folder.case_memory import Subject
from offramp.agency.folder.working_set import WorkingSet
from rules.decide.program import Program
from rules.frozen import frozen
from rules.input.typed_days import fold
from rules.input.vocabulary import Vocabulary
from rules.packs.pack import Clock
from rules.shelf import vocabulary

POLICE = "police"
# The parts of a meeting. `own` is the view on this agency's own screen.
WITH_POLICE, WITHOUT_POLICE, OWN = "with_police", "without_police", "own"
# What an item is about, in the order of the screen.
STATUS, BARRIERS, CLOCK, TASK, DECISION, STEP = (
    *("status", "barriers", "clock", "task", "decision", "step"),
)


@frozen
class Item:
    """One line about a case: a sentence, and the categories of information that it discloses.

    `about` is one of the words above. `due` is a UTC time or a day, and `owner` a role. `content`
    is what a record would contain. `by` is the agency that said it, None for what this agency
    worked out. Without a category, the item is this agency's own affair.
    """

    about: str
    what: str
    categories: tuple[str, ...]
    content: Mapping[str, Any]
    due: str | None = None
    owner: str | None = None
    by: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the item's JSON in `offramp agency meeting`."""
        return {
            "about": self.about,
            "what": self.what,
            "category": self.categories[0] if self.categories else None,
            "due": self.due,
            "owner": self.owner,
        }


@frozen
class Agenda:
    """One case at the meeting. `name` is None where somebody present may not see it."""

    case: str
    items: tuple[Item, ...]
    name: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the case's JSON in `offramp agency meeting`."""
        return {
            "case": self.case,
            "name": self.name,
            "items": [item.as_json() for item in self.items],
        }


@frozen
class OffBoard:
    """An open case of which nothing may be shown to all agencies present.

    `withheld_from` are the agencies that may see nothing of it.
    """

    case: str
    name: str | None
    withheld_from: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the case's JSON in `offramp agency meeting --off-board`."""
        return {"case": self.case, "name": self.name, "withheld_from": list(self.withheld_from)}


@frozen
class Brief:
    """What a meeting may talk about in one case, as this agency alone may see it.

    `name_by` is the agency that told the name. A case that has ended, or whose referral was asked
    back, is not open.
    """

    is_open: bool
    name: str | None
    name_by: str | None
    items: tuple[Item, ...]


# What is remembered of each case in a running process.
BRIEFS: Subject[Brief] = Subject("meeting")


def find_present(directory: Directory, present: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of the agencies in the room, named by id, by name, or by role.

    A role means every agency that has it. Raises `AgencyError` `unknown-agency`.
    """
    found: dict[str, None] = {}
    for named in present:
        word = fold(named)
        agencies = [
            agency
            for agency, entry in directory.agencies.items()
            if word in (agency, fold(entry.name))
        ] or [
            agency
            for agency, entry in directory.agencies.items()
            if word.replace(" ", "_").replace("-", "_") == entry.role
        ]
        if not agencies:
            listed = ", ".join(
                f"`{agency}` ({entry.name}, {entry.role.replace('_', ' ')})"
                for agency, entry in sorted(directory.agencies.items())
            )
            raise AgencyError(
                "unknown-agency",
                f"the directory lists no agency or role `{named[:40]}`",
                fix=f"use an id, a name, or a role of {listed}",
            )
        found |= dict.fromkeys(agencies)
    return tuple(found)


def part_of(directory: Directory, present: Iterable[str]) -> str:
    """Return the part of the meeting at which these agencies are present."""
    roles = {directory.role(agency) for agency in present}
    if not roles:
        return OWN
    return WITH_POLICE if POLICE in roles else WITHOUT_POLICE


def open_cases(working_set: WorkingSet) -> Iterator[tuple[str, Case]]:
    """Yield each open case, in the order in which this agency learned of them."""
    for handle in handles(working_set):
        case = case_of(working_set, handle)
        if is_open(working_set, handle, case):
            yield handle, case


def agenda(
    working_set: WorkingSet, program: Program, now: int, present: tuple[str, ...] = ()
) -> tuple[Agenda, ...]:
    """Return the open cases. With `present`, only what each of these agencies may see.

    Raises `AgencyError` `unknown-agency`.
    """
    present = find_present(working_set.gateway.history.newest, present)
    subject: Subject[Agenda | None] = Subject(f"agenda for {','.join(present)}")
    time = working_set.gateway.hub_time(now)

    def work_out(handle: str) -> tuple[tuple[Agenda, ...], int | None]:
        case, end = working_set.memory.recall_with_end(
            subject, handle, time, partial(_agenda, working_set, program, handle, now, present)
        )
        return (() if case is None else (case,)), end

    places = {handle: place for place, handle in enumerate(handles(working_set))}
    return working_set.memory.recall_list(
        (subject.name, program.digest), time, work_out, lambda case: places[case.case]
    )


def _agenda(
    working_set: WorkingSet, program: Program, handle: str, now: int, present: tuple[str, ...]
) -> tuple[Agenda | None, int | None]:
    """Return what all may see of a case, None for nothing, and until when that holds."""
    time = working_set.gateway.hub_time(now)
    brief, until = working_set.memory.recall_with_end(
        BRIEFS, handle, time, partial(_brief, working_set, program, handle, now)
    )
    if not brief.is_open:
        return None, until
    case = CaseScreen(working_set, handle, brief, now).agenda(present)
    ends = (until, next_change(working_set, handle, time))
    return case if case.items else None, earliest(ends)


def cases_off_board(
    working_set: WorkingSet, program: Program, now: int, present: tuple[str, ...]
) -> tuple[OffBoard, ...]:
    """Return the open cases that the board leaves out, with the agencies that may see nothing.

    Raises `AgencyError` `unknown-agency`.
    """
    present = find_present(working_set.gateway.history.newest, present)
    left_out = []
    for view in _views(working_set, program, now):
        if not view.agenda(present).items:
            withheld = tuple(agency for agency in present if not view.agenda((agency,)).items)
            left_out.append(OffBoard(view.handle, view.brief.name, withheld or present))
    return tuple(left_out)


def _views(working_set: WorkingSet, program: Program, now: int) -> Iterator[CaseScreen]:
    """Yield a view of each open case."""
    time = working_set.gateway.hub_time(now)
    for handle in handles(working_set):
        brief = working_set.memory.recall(
            BRIEFS, handle, time, partial(_brief, working_set, program, handle, now)
        )
        if brief.is_open:
            yield CaseScreen(working_set, handle, brief, now)


def _brief(
    working_set: WorkingSet, program: Program, handle: str, now: int
) -> tuple[Brief, int | None]:
    return _Briefing(working_set, program, handle, now).brief()


class CaseScreen:
    """One case, to be shown to agencies at a meeting at `now`, in seconds since 1970."""

    def __init__(self, working_set: WorkingSet, handle: str, brief: Brief, now: int) -> None:
        self.working_set = working_set
        self.handle = handle
        self.brief = brief
        self.now = now
        self._permitted: dict[tuple[str, tuple[str, ...]], bool] = {}

    def agenda(self, present: tuple[str, ...]) -> Agenda:
        """Return what all of these agencies may see of the case, everything for none."""
        brief = self.brief
        items = tuple(
            item for item in brief.items if all(self.may_see(agency, item) for agency in present)
        )
        contact = Item("name", "", ("contact",), {}, by=brief.name_by)
        is_named = all(self.may_see(agency, contact) for agency in present)
        return Agenda(self.handle, items, brief.name if is_named else None)

    # Who may see an item

    def may_see(self, agency: str, item: Item) -> bool:
        """Return whether an agency may see an item on a screen of this agency.

        It may see what it said itself, and what this agency may tell it to work the case together.
        """
        if agency == self.working_set.agency or agency == item.by:
            return True
        role = self.working_set.gateway.history.newest.role(agency)
        if not item.categories or "operation" in item.categories:
            return False
        if role in ENFORCEMENT and _tells_missing_intake(item):
            return False
        content = dict.fromkeys(item.categories, item.content)
        return may_be_told(role, content) and self._may_be_told(agency, item.categories)

    def _may_be_told(self, agency: str, categories: tuple[str, ...]) -> bool:
        key = agency, categories
        if key not in self._permitted:
            gateway = self.working_set.gateway
            is_care = bool(set(categories) & set(FROM_CARE))
            part = Part(
                category=categories,
                content={},
                to={},
                keep_until=FOREVER,
                use="no_adverse_action",
                sensitivity="part2" if is_care else "plain",
                notice="own-1" if is_care else "none",
            )
            is_counsel = gateway.history.newest.role(agency) == "defender"
            purposes = ("legal_representation", COORDINATION) if is_counsel else (COORDINATION,)
            ways = [(purpose, "consent") for purpose in purposes]
            self._permitted[key] = (
                gateway.first_permitted(
                    "status", part, agency, ways, case=self.handle, now=self.now
                )
                is not None
            )
        return self._permitted[key]


class _Briefing:
    """What this agency knows of one case that a meeting may talk about."""

    def __init__(self, working_set: WorkingSet, program: Program, handle: str, now: int) -> None:
        self.working_set = working_set
        self.program = program
        self.handle = handle
        self.case = case_of(working_set, handle)
        self.now = now
        self._stated = stated_contents(working_set, handle, self.case)

    def brief(self) -> tuple[Brief, int | None]:
        """Return the brief, and the first time at which time alone may change it."""
        name, by = self._name()
        if not is_open(self.working_set, self.handle, self.case):
            return Brief(False, name, by, ()), None
        answers, until = answers_of_case(
            self.working_set, self.program, self.case, self.handle, self.now
        )
        items = (
            *self._status_items(),
            *self._clock_items(answers),
            *self._task_items(),
            *self._decision_items(),
            *self._step_items(),
        )
        return Brief(True, name, by, items), until

    def _name(self) -> tuple[str | None, str | None]:
        """Return the person's newest name, and the agency that said it, None for none."""
        for stated in reversed(self._stated):
            contact = stated.content.get("contact") or {}
            parts = (contact.get("given_name"), contact.get("family_name"))
            if any(parts):
                return " ".join(str(part) for part in parts if part), stated.by
        return None, None

    def _status_items(self) -> Iterator[Item]:
        words = vocabulary().closed_words
        status = _newest(self._stated, STATUS, ("engagement",))
        if status is not None:
            engagement = status.content[STATUS]["engagement"]
            text = f"Status: {words['engagement'][engagement][0]} ({self._day(status.time)})."
            yield Item(STATUS, text, (STATUS,), {"engagement": engagement}, by=status.by)
        barriers = _newest(self._stated, BARRIERS, ("areas", "goals"))
        if barriers is not None:
            content = barriers.content[BARRIERS]
            texts = [
                f"{label}: {', '.join(words['area_of_life'][word][0] for word in content[member])}."
                for member, label in (("areas", "In the way"), ("goals", "Goals"))
                if content.get(member)
            ]
            yield Item(BARRIERS, " ".join(texts), (BARRIERS,), content, by=barriers.by)

    def _clock_items(self, answers: Iterable[Answer]) -> Iterator[Item]:
        facts = self.case.vocabulary.facts
        read: dict[str, tuple[Clock, Mapping[str, Any]]] = {}
        for answer in answers:
            segment = answer.ruling.segment
            for reading in answer.ruling.clocks:
                if segment is not None and reading["status"] in (OVERDUE, RUNNING):
                    read[reading["clock"]] = segment.segment.clocks[reading["clock"]], reading
        for clock, state in read.values():
            # A clock that runs tells that the first event happened, and that the other one didn't.
            events = (clock.stop or clock.repeats or clock.start, clock.start)
            categories = tuple(dict.fromkeys(facts[path].category for path in events))
            late = "Overdue" if state["status"] == OVERDUE else "Due"
            yield Item(
                CLOCK,
                f"{late}: {clock.label}.",
                categories,
                {"clock": clock.name, "missing": events[0]},
                state["due"],
                clock.owner,
            )

    def _task_items(self) -> Iterator[Item]:
        for task in tasks_of_case(self.working_set, self.program, self.handle, self.now):
            if not task.about.startswith(("clocks.", "meeting.")):
                yield Item(
                    TASK,
                    task.what,
                    _categories(task, self.case.vocabulary),
                    {"task": task.about},
                    task.due,
                    task.owner,
                )

    def _decision_items(self) -> Iterator[Item]:
        for name, entry in self.case.determined.items():
            assert entry.determined is not None, "a listed entry was determined"
            outcome = form_terms().decided_label(name, entry.determined["outcome"], "en")
            label = form_terms().label("decision", name, "en")
            category = "screening_outcome" if name == "screening" else "decision_outcome"
            yield Item(
                DECISION,
                f"Decided: {label}: {outcome}, by {entry.determined['by']}.",
                (category,),
                {"determination": entry.determined},
                owner=entry.role,
                by=entry.by,
            )

    def _step_items(self) -> Iterator[Item]:
        minutes = newest_minutes(self.working_set, self.handle, self._stated)
        if minutes is None:
            return
        categories = vocabulary().decisions["review"].categories
        for step in minutes.steps:
            yield Item(
                STEP,
                f"Agreed on {self._day(minutes.time)}: {step.words('en')}.",
                (categories[step.step],),
                {"steps": [step.as_json()]},
                step.until,
                step.owner,
                minutes.by,
            )

    def _day(self, time: int) -> str:
        zone = self.working_set.gateway.history.newest.zone
        return month_and_day(datetime.fromtimestamp(time, UTC).astimezone(zone).date())


def month_and_day(day: date) -> str:
    """Return a day as `June 16`."""
    return f"{day:%B} {day.day}"


def _tells_missing_intake(item: Item) -> bool:
    """Return whether an item says that the intake is not done, which enforcement never learns."""
    content = item.content
    return (
        content.get("missing") == "case.intake_at"
        or content.get("task") == f"review.{COMPLETE_INTAKE}"
        or any(step["step"] == COMPLETE_INTAKE for step in content.get("steps") or ())
    )


def _newest(
    stated: Iterable[StatedContent], category: str, members: tuple[str, ...]
) -> StatedContent | None:
    """Return the newest content of a category that has one of these members."""
    newest = None
    for piece in stated:
        content = piece.content.get(category) or {}
        if any(content.get(member) for member in members):
            newest = piece
    return newest


def _categories(task: Task, words: Vocabulary) -> tuple[str, ...]:
    """Return the categories of information that a task discloses. Empty for own affairs."""
    group, _, name = task.about.partition(".")
    if group == "review":
        return (words.decisions["review"].categories[name],)
    fact = words.facts.get(task.about.partition("[")[0])
    if fact is None or fact.category in words.never_travels:
        return ()
    return (fact.category,)


__all__ = [
    "OWN",
    "WITHOUT_POLICE",
    "WITH_POLICE",
    "Agenda",
    "Brief",
    "CaseScreen",
    "Item",
    "OffBoard",
    "agenda",
    "cases_off_board",
    "find_present",
    "month_and_day",
    "open_cases",
    "part_of",
]
