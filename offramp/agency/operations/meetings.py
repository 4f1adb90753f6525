"""Prepare the partners' meeting, tell the status of a case, and record what a meeting agreed on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Any

from exchange.consent.disclosure import day_of
from exchange.errors import ExchangeError
from exchange.records.building import Part
from exchange.records.kinds import kinds
from offramp.agency.cases.addressing import address, protect_care, refusals
from offramp.agency.cases.after_exit import check_may_be_told
from offramp.agency.cases.answering import defaults_today
from offramp.agency.cases.caseload import case_of, utc
from offramp.agency.cases.draft import Defaults
from offramp.agency.cases.meeting import (
    OWN,
    Agenda,
    OffBoard,
    agenda,
    cases_off_board,
    find_present,
    open_cases,
    part_of,
)
from offramp.agency.cases.minutes import (
    COMPLETE_INTAKE,
    ENFORCEMENT,
    StatusRequest,
    Step,
    ask_on,
    check_steps,
    newest_minutes,
    status_request,
    steps_for_recorder,
)
from offramp.agency.cases.refusals import nobody_to_tell
from offramp.agency.cases.stated import stated_contents
from offramp.agency.cases.stated_facts import REVIEWED
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.hub_link.delivery import send_now
from offramp.agency.operations.access import (
    CASE,
    CHAIR,
    MEETING,
    is_chair,
    needs,
    open_for_actor,
    visible,
)
from offramp.agency.operations.telling import agency_names
from rules.frozen import frozen
from rules.shelf import vocabulary

CASE_MANAGEMENT = "case_management"
_STATUS_ROLES = ("program", CASE_MANAGEMENT)
# The journal's note of the next meeting.
_PLANNED = "meeting"


@frozen
class Meeting:
    """The board of one part of a meeting: `with_police`, `without_police`, or this agency's `own`.

    `next_present` are the agencies of the second part, after police have left. Empty if there is no
    second part. `off_board` are the open cases that the board leaves out, for this agency's own
    screen alone: None if nobody asked for them.
    """

    agency: str
    zone: str
    part: str
    present: tuple[str, ...]
    cases: tuple[Agenda, ...]
    next_present: tuple[str, ...] = ()
    off_board: tuple[OffBoard, ...] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency meeting`."""
        value: dict[str, Any] = {
            "present": list(self.present),
            "part": self.part,
            "cases": [case.as_json() for case in self.cases],
            "next_present": list(self.next_present),
        }
        if self.off_board is not None:
            value["off_board"] = [case.as_json() for case in self.off_board]
        return value


@frozen
class Preparation:
    """A meeting that was prepared.

    `asks_on` is the day on which case managers are asked, and `has_asked` whether that was done.
    `asked` are the requests by case, each with its recipients. `unreachable` are the cases in which
    no case manager may be asked through the exchange. `owed` are this agency's own cases.
    """

    meeting_on: str
    asks_on: str
    has_asked: bool
    asked: Mapping[str, tuple[str, ...]]
    unreachable: tuple[str, ...]
    owed: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency meeting-prepare`."""
        return {
            "meeting_on": self.meeting_on,
            "asks_on": self.asks_on,
            "has_asked": self.has_asked,
            "asked": {case: list(agencies) for case, agencies in self.asked.items()},
            "unreachable": list(self.unreachable),
            "owed": list(self.owed),
        }


@frozen
class StatusDraft:
    """A status before it is sent: its parts, each addressed to all that may receive it.

    `untold` are the other agencies of the directory, by category.
    """

    case: str
    parts: tuple[Part, ...]
    untold: Mapping[str, tuple[str, ...]]

    def as_json(self) -> dict[str, Any]:
        """Return the draft as JSON."""
        return {
            "case": self.case,
            "parts": [
                {
                    "category": list(part.category),
                    "content": part.content,
                    "to": sorted(part.to),
                    "not_to": list(self.untold[part.category[0]]),
                }
                for part in self.parts
            ],
        }


@frozen
class SentStatus:
    """A status that was sent: the record, its draft, and its state."""

    record: str
    draft: StatusDraft
    state: str

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency report-status`."""
        return {**self.draft.as_json(), "id": self.record, "state": self.state}


@frozen
class RecordedMeeting:
    """The steps that a meeting agreed on in a case.

    `record` tells each agency of `recipients` the steps that it may know, None if no agency may
    know any. `kept` are the words of the steps that only this agency's journal has. `for_recorder`
    are the steps that no agency of their role was told, so that they are tasks of this agency.
    `reviewed_to` are told that the case was reviewed.
    """

    case: str
    steps: tuple[Step, ...]
    record: str | None
    recipients: Mapping[str, tuple[str, ...]]
    kept: tuple[str, ...]
    state: str
    for_recorder: tuple[str, ...] = ()
    reviewed_to: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency meeting-record`."""
        return {
            "case": self.case,
            "steps": [step.as_json() for step in self.steps],
            "id": self.record,
            "to": {step: list(agencies) for step, agencies in self.recipients.items()},
            "kept": list(self.kept),
            "for_recorder": list(self.for_recorder),
            "reviewed_to": list(self.reviewed_to),
            "state": self.state,
        }


# The board


@needs(MEETING, look="list")
def show_agenda(office: Office, present: Sequence[str] = ()) -> Meeting:
    """Return the board of the partners' meeting for those who see the screen.

    Without `present`, this agency's own view. With the ids of the agencies in the room, only what
    each of them may see. With police among them it is the first part of the meeting. Raises
    `AgencyError` `unknown-agency`.
    """
    working_set = office.working_set()
    everybody = find_present(working_set.gateway.history.newest, present)
    program, now = office.program(working_set), office.clock()
    cases = agenda(working_set, program, now, everybody)
    return _board(office, working_set, everybody, cases)


@needs(MEETING, look="list")
def show_off_board(office: Office, present: Sequence[str]) -> Meeting:
    """Return the board with the open cases that it leaves out, for this agency's own screen.

    Raises as `show_agenda`.
    """
    working_set = office.working_set()
    everybody = find_present(working_set.gateway.history.newest, present)
    program, now = office.program(working_set), office.clock()
    left_out = cases_off_board(working_set, program, now, everybody)
    cases = agenda(working_set, program, now, everybody)
    board = _board(office, working_set, everybody, cases)
    sees = visible(office, working_set)
    return Meeting(
        board.agency,
        board.zone,
        board.part,
        board.present,
        board.cases,
        board.next_present,
        tuple(case for case in left_out if sees(case.case)),
    )


def _board(
    office: Office, working_set: WorkingSet, present: tuple[str, ...], cases: tuple[Agenda, ...]
) -> Meeting:
    """Return the board: every case for the chair of a meeting, else the caseload of who asks."""
    if not (present and is_chair(office)):
        sees = visible(office, working_set)
        cases = tuple(case for case in cases if sees(case.case))
    directory = working_set.gateway.history.newest
    part = part_of(directory, present)
    rest = tuple(agency for agency in present if directory.role(agency) != "police")
    later = rest if part != OWN and rest != present else ()
    return Meeting(working_set.agency, directory.zone.key, part, present, cases, later)


@needs(MEETING, look="part")
def open_statuses(office: Office, actor: str) -> None:
    """Open, for a named person, every part of an open case that tells its status.

    A part that stays closed is left out of the board. What is told for the meeting opens for its
    chair, and else for those who may open it in the case.
    """
    sees = visible(office, office.working_set())
    for handle, _ in open_cases(office.working_set()):
        for jti, part in _closed_statuses(office.working_set(), handle):
            with suppress(ExchangeError):
                if is_chair(office):
                    office.open(jti, part, by=actor)
                elif sees(handle):
                    open_for_actor(office, jti, part, by=actor)
    send_now(office, None)


def _closed_statuses(working_set: WorkingSet, handle: str) -> list[tuple[str, str]]:
    arrived = working_set.cases.records(handle).received
    received = {jti: received_record for (_, jti), received_record in arrived.items()}
    closed = []
    for jti, part in working_set.closed_parts(handle):
        record = received[jti].record
        if record is not None and record.kind in ("status", "meeting_decision", "meeting_agenda"):
            closed.append((jti, part))
    return closed


# The preparation


@needs(CHAIR, look="act")
def prepare_meeting(office: Office, actor: str, meeting_on: date) -> Preparation:
    """Prepare a meeting: ask each case manager for the status of each open case.

    They are asked on the second working day before the meeting: now, if that day has come, else
    by the running gateway. Nobody is asked twice for one meeting. Raises `AgencyError`
    `meeting-over`, `not-a-chair`, `no-directory`.
    """
    with office.transaction() as working_set:
        defaults_today(office, working_set)
        today = _today(office, working_set)
        if meeting_on < today:
            raise AgencyError(
                "meeting-over",
                f"`{meeting_on}` is before today, `{today}`",
                fix="give the day of the next meeting with `--on`",
            )
        _check_chair(working_set)
        office.journal.put(_PLANNED, {"on": meeting_on.isoformat(), "by": actor})
    return ask_before_meeting(office) or Preparation(
        meeting_on.isoformat(), ask_on(meeting_on).isoformat(), False, {}, (), ()
    )


def ask_before_meeting(office: Office) -> Preparation | None:
    """Ask for the status before the meeting that was planned, from its day of asking on.

    Returns None if no meeting is planned, or if its day of asking has not come.
    """
    planned = office.journal.get(_PLANNED)
    if planned is None:
        return None
    meeting_on = date.fromisoformat(planned["on"])
    with office.transaction() as working_set:
        if not ask_on(meeting_on) <= _today(office, working_set) <= meeting_on:
            return None
        recipients_by_case, unreachable, owed_cases = _ask_case_managers(
            office, working_set, planned["by"], meeting_on.isoformat()
        )
    if recipients_by_case:
        send_now(office, None)
    return Preparation(
        meeting_on.isoformat(),
        ask_on(meeting_on).isoformat(),
        True,
        recipients_by_case,
        tuple(unreachable),
        tuple(owed_cases),
    )


def _ask_case_managers(
    office: Office, working_set: WorkingSet, actor: str, meeting_on: str
) -> tuple[dict[str, tuple[str, ...]], list[str], list[str]]:
    """Ask in each open case, within a transaction.

    Returns the recipients by case, the cases in which nobody may be asked, and the cases of which
    this agency itself owes the status.
    """
    recipients_by_case: dict[str, tuple[str, ...]] = {}
    unreachable, owed_cases = [], []
    defaults = defaults_today(office, working_set)
    role = working_set.gateway.history.newest.role(working_set.agency)
    for handle, case in tuple(open_cases(working_set)):
        if not _is_asked(working_set, handle, meeting_on):
            if role == CASE_MANAGEMENT:
                _note_request(office, working_set, handle, actor, meeting_on, defaults)
            else:
                part = _request_part(office, working_set, handle, meeting_on, defaults)
                if part is None:
                    unreachable.append(handle)
                    continue
                office.compose_in(working_set, "meeting_agenda", (part,), handle)
                recipients_by_case[handle] = tuple(sorted(part.to))
        stated = stated_contents(working_set, handle, case)
        if role == CASE_MANAGEMENT and status_request(working_set, handle, stated):
            owed_cases.append(handle)
    return recipients_by_case, unreachable, owed_cases


@needs(MEETING, look="list")
def status_owed(office: Office) -> tuple[StatusRequest, ...]:
    """Return the open cases of which this agency was asked for the status, and hasn't told it."""
    working_set = office.working_set()
    requests = (
        status_request(working_set, handle, stated_contents(working_set, handle, case))
        for handle, case in open_cases(working_set)
    )
    return tuple(request for request in requests if request is not None)


def _is_asked(working_set: WorkingSet, handle: str, day: str) -> bool:
    """Return whether this agency has asked for the status before this meeting."""
    records = working_set.cases.records(handle)
    days = [event.body.get("meeting_on") for event in records.notes]
    for outgoing in records.sent:
        if outgoing.kind == "meeting_agenda":
            statuses = (part["content"].get("status") or {} for part in outgoing.parts)
            days += [status.get("meeting_on") for status in statuses]
    return day in days


def _check_chair(working_set: WorkingSet) -> None:
    role = working_set.gateway.history.newest.role(working_set.agency)
    if role not in _STATUS_ROLES:
        raise AgencyError(
            "not-a-chair",
            f"`{working_set.agency}` can't ask for the status: the rules let police, prosecutors, "
            "counsel, and providers ask for none",
            fix="let the program or a case manager prepare the meeting",
        )


def _note_request(
    office: Office,
    working_set: WorkingSet,
    handle: str,
    actor: str,
    meeting_on: str,
    defaults: Defaults,
) -> None:
    line = working_set.gateway.line
    body = {
        "case": handle,
        "meeting_on": meeting_on,
        "by": actor,
        "after": line.size if line else 0,
        "keep_until": defaults.keep_until,
    }
    office.append(working_set, "noted", body)


def _request_part(
    office: Office,
    working_set: WorkingSet,
    handle: str,
    meeting_on: str,
    defaults: Defaults,
) -> Part | None:
    managers = working_set.gateway.history.newest.with_role(CASE_MANAGEMENT)
    part = Part(
        category=("status",),
        content={"status": {"meeting_on": meeting_on}},
        to={},
        keep_until=defaults.last_day(("status",)),
        use=defaults.use,
    )
    return address(
        working_set,
        handle,
        "meeting_agenda",
        part,
        "review",
        office.clock(),
        tuple(managers),
    )


@needs(MEETING)
def program_day(office: Office) -> date:
    """Return today's day in the program's zone. Raises `AgencyError` `no-directory`."""
    working_set = office.working_set()
    defaults_today(office, working_set)
    return _today(office, working_set)


def _today(office: Office, working_set: WorkingSet) -> date:
    gateway = working_set.gateway
    return day_of(gateway.hub_time(office.clock()), gateway.history.newest.zone)


# The status


@needs(CASE, look="case")
def draft_status(
    office: Office,
    case: str,
    engagement: str,
    areas: Sequence[str] = (),
    goals: Sequence[str] = (),
) -> StatusDraft:
    """Draft the status of a case: the engagement in one word, and what is in the way.

    The word goes to every agency that a consent lets know the status. Barriers and goals go only to
    agencies that a consent of its own lets know them, and never to police. Raises `AgencyError`
    `no-such-case`, `case-ended`, `not-yours`, `nobody-to-tell`, `no-directory`; `ContentError`
    `wrong-content`.
    """
    working_set = office.working_set()
    case_of(working_set, case)
    check_may_be_told(working_set, "status", case)
    role = working_set.gateway.history.newest.role(working_set.agency)
    if role not in _STATUS_ROLES:
        raise AgencyError(
            "not-yours",
            f"the status isn't for `{role}` to tell",
            fix="it is for the case managers and the program",
        )
    defaults = defaults_today(office, working_set)
    contents: dict[str, dict[str, Any]] = {"status": {"engagement": engagement}}
    members = {"areas": list(areas), "goals": list(goals)}
    if areas or goals:
        contents["barriers"] = {name: entries for name, entries in members.items() if entries}
    addressed, protected = [], []
    for category, content in contents.items():
        part = Part(
            category=(category,),
            content={category: content},
            to={},
            keep_until=defaults.last_day((category,)),
            use=defaults.use,
        )
        part = protect_care(part, working_set, defaults.notice)
        protected.append(part)
        addressed.append(
            address(working_set, case, "status", part, "review", office.clock())
            or Part(category=(category,), content={category: content}, to={}, keep_until="")
        )
    if not any(part.to for part in addressed):
        pack, now = office.program(working_set).pack, office.clock()
        raise nobody_to_tell(
            refusals(working_set, pack, case, "status", protected[0], "review", now),
            agency_names(working_set),
        )
    others = [
        recipient
        for recipient in working_set.gateway.history.newest.agencies
        if recipient != office.agency
    ]
    untold = {
        part.category[0]: tuple(agency for agency in others if agency not in part.to)
        for part in addressed
    }
    return StatusDraft(case, tuple(addressed), untold)


@needs(CASE, look="act", takes=True)
def send_status(office: Office, draft: StatusDraft) -> SentStatus:
    """Send a drafted status.

    Raises as `exchange.agency.gateway.Gateway.compose`; `AgencyError` `case-ended`.
    """
    check_may_be_told(office.working_set(), "status", draft.case)
    parts = tuple(part for part in draft.parts if part.to)
    bundle = office.compose("status", parts, case=draft.case)
    return SentStatus(bundle.id, draft, send_now(office, bundle.id))


# The minutes


@needs(CHAIR, look="act")
def record_meeting(office: Office, actor: str, case: str, steps: Sequence[Step]) -> RecordedMeeting:
    """Record the steps that a meeting agreed on in a case. They replace those of the last meeting.

    The record states that the case was reviewed now, also if no step was agreed on.
    Each step goes, as the kind of information that it reveals, to the agencies that may know it.
    This agency's journal has all of them. A step that no agency of its role may know is a task of
    this agency. No steps at all end the earlier ones here. Raises
    `AgencyError` `no-such-case`, `not-yours`, `unknown-step`, `unknown-role`, `no-such-day`,
    `day-over`, `case-ended`, `no-directory`.
    """
    with office.transaction() as working_set:
        case_of(working_set, case)
        check_may_be_told(working_set, "meeting_decision", case)
        role = working_set.gateway.history.newest.role(working_set.agency)
        if role not in _STATUS_ROLES:
            raise AgencyError(
                "not-yours",
                f"the minutes aren't for `{role}` to record",
                fix="let the program or a case manager record them",
            )
        defaults = defaults_today(office, working_set)
        check_steps(steps, _today(office, working_set))
        reviewed = {REVIEWED: utc(working_set.gateway.hub_time(office.clock()))}
        parts = _minutes_parts(office, working_set, case, steps, reviewed, defaults)
        record = None
        if parts:
            record = office.compose_in(working_set, "meeting_decision", parts, case).id
        line = working_set.gateway.line
        body = {
            "case": case,
            "minutes": [step.as_json() for step in steps],
            "record": record,
            "facts": reviewed,
            "by": actor,
            "after": line.size if line else 0,
            "keep_until": defaults.keep_until,
        }
        office.append(working_set, "noted", body)
    recipients_by_step: dict[str, tuple[str, ...]] = {
        step["step"]: tuple(sorted(part.to))
        for part in parts
        for members in part.content.values()
        for step in members.get("steps", ())
    }
    kept = tuple(step.step for step in steps if step.step not in recipients_by_step)
    reviewed_to = {
        agency
        for part in parts
        for members in part.content.values()
        if "facts" in members
        for agency in part.to
    }
    state = send_now(office, record) if record is not None else "kept"
    return RecordedMeeting(
        case,
        tuple(steps),
        record,
        recipients_by_step,
        kept,
        state,
        _for_recorder(office, case),
        tuple(sorted(reviewed_to)),
    )


def _for_recorder(office: Office, case: str) -> tuple[str, ...]:
    """Return the steps of the minutes just recorded that no agency of their role was told."""
    working_set = office.working_set()
    stated = stated_contents(working_set, case, case_of(working_set, case))
    minutes = newest_minutes(working_set, case, stated)
    assert minutes is not None, "they were just recorded"
    return tuple(step.step for step in steps_for_recorder(working_set, minutes))


def _minutes_parts(
    office: Office,
    working_set: WorkingSet,
    case: str,
    steps: Sequence[Step],
    reviewed: Mapping[str, str],
    defaults: Defaults,
) -> tuple[Part, ...]:
    """Return a part for each category of the steps, addressed to all that may know it.

    The time of the review is part of the status.
    """
    allowed = kinds()["meeting_decision"].categories
    categories = vocabulary().decisions["review"].categories
    by_category: dict[str, list[dict[str, str]]] = {"status": []}
    for step in steps:
        by_category.setdefault(categories[step.step], []).append(step.as_json())
    directory = working_set.gateway.history.newest
    others = tuple(
        agency for agency in directory.agencies if directory.role(agency) not in ENFORCEMENT
    )
    addressed = []
    for category, members in by_category.items():
        if category not in allowed:
            continue
        part = Part(
            category=(category,),
            content={
                category: {
                    **({"steps": members} if members else {}),
                    **({"facts": dict(reviewed)} if category == "status" else {}),
                }
            },
            to={},
            keep_until=defaults.last_day((category,)),
            use=defaults.use,
        )
        part = protect_care(part, working_set, defaults.notice)
        only = others if any(step["step"] == COMPLETE_INTAKE for step in members) else None
        addressed.append(
            address(working_set, case, "meeting_decision", part, "review", office.clock(), only)
        )
    return tuple(part for part in addressed if part is not None)
