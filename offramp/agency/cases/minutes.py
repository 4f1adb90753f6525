"""The meeting's requests and minutes: whose status is asked for, and the steps agreed on.

The newest minutes of a case replace the earlier ones. A step has a closed word, a role, and a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from offramp.agency.cases.moments import check_last_day
from offramp.agency.cases.stated import StatedContent
from offramp.agency.errors import AgencyError
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen
from rules.shelf import vocabulary

# The working days before a meeting on which each case manager is asked for the status.
WORKING_DAYS_BEFORE = 2


# The step that tells that the intake is not done. The category `intake_status` has the day of an
# intake and never a missing one, so police and prosecutors are not told this step.
COMPLETE_INTAKE = "complete_intake"
ENFORCEMENT = ("police", "prosecutor")


@frozen
class Step:
    """A step that a meeting agreed on: its word, the role that takes it, and its last day."""

    step: str
    owner: str
    until: str | None = None

    def as_json(self) -> dict[str, str]:
        """Return the step as a record contains it."""
        until = {"until": self.until} if self.until is not None else {}
        return {"step": self.step, "owner": self.owner, **until}

    def words(self, language: str) -> str:
        """Return the step as people read it, in English or Spanish."""
        english, spanish = vocabulary().closed_words["meeting_step"][self.step]
        return spanish if language == "es" else english


@frozen
class Minutes:
    """The steps of the newest meeting about a case, and the agency that recorded them.

    `position` is the place in the log, and `time` the time in seconds since 1970. `record` told
    other agencies some of the steps, None if it told none or was another agency's.
    """

    by: str
    position: float
    time: int
    steps: tuple[Step, ...]
    record: str | None = None


@frozen
class StatusRequest:
    """A request to tell the status of a case before a meeting.

    `by` is the agency that asks, `position` its place in the log, and `meeting_on` a day.
    """

    case: str
    by: str
    position: float
    meeting_on: str


def read_step(members: Mapping[str, Any]) -> Step:
    """Return a step from the members that a record contains."""
    return Step(members["step"], members["owner"], members.get("until"))


def newest_minutes(
    working_set: WorkingSet, handle: str, stated: Iterable[StatedContent]
) -> Minutes | None:
    """Return the newest minutes of a case, None if no meeting recorded any.

    An agency's own note has every step, also those that no other agency may be told.
    """
    found: dict[str, Minutes] = {}  # in the order of position, an agency's own notes last
    for one in stated:
        if one.kind == "meeting_decision" and one.by != working_set.agency:
            steps = tuple(
                read_step(step)
                for members in one.content.values()
                for step in members.get("steps") or ()
            )
            earlier = found.get(one.record)
            found[one.record] = Minutes(
                one.by, one.position, one.time, (*(earlier.steps if earlier else ()), *steps)
            )
    for event in working_set.cases.records(handle).notes:
        if "minutes" in event.body:
            steps = tuple(read_step(step) for step in event.body["minutes"])
            position = event.body["after"] - 0.5
            record = event.body.get("record")
            found[str(event.at)] = Minutes(working_set.agency, position, event.time, steps, record)
    return max(reversed(found.values()), key=lambda minutes: minutes.position, default=None)


def steps_for_recorder(working_set: WorkingSet, minutes: Minutes) -> tuple[Step, ...]:
    """Return the steps of this agency's own minutes that no agency of their role was told.

    So they would be nobody's. A refused record told nobody.
    """
    if minutes.by != working_set.agency:
        return ()
    told: dict[Step, set[str]] = {}
    outgoing = working_set.outbox.get(minutes.record or "")
    while outgoing is not None and outgoing.replaced_by is not None:
        outgoing = working_set.outbox[outgoing.replaced_by]
    for part in outgoing.parts if outgoing is not None and outgoing.refused is None else ():
        for members in part["content"].values():
            for step in members.get("steps") or ():
                told.setdefault(read_step(step), set()).update(part["to"])
    directory = working_set.gateway.history.newest
    own_role = directory.role(working_set.agency)
    return tuple(
        step
        for step in minutes.steps
        if step.owner != own_role
        and told.get(step, set()).isdisjoint(directory.with_role(step.owner))
    )


def status_request(
    working_set: WorkingSet, handle: str, stated: Iterable[StatedContent]
) -> StatusRequest | None:
    """Return the newest request for the status of a case, None if it was answered or never made.

    The agency that manages cases is asked, by a `meeting_agenda` that it received or by a note of
    its own. Its next report of the status answers it.
    """
    requests, answered = [], -1.0
    for one in stated:
        status = one.content.get("status") or {}
        if one.kind == "meeting_agenda" and one.by != working_set.agency:
            if status.get("meeting_on"):
                requests.append(StatusRequest(handle, one.by, one.position, status["meeting_on"]))
        elif one.by == working_set.agency and status.get("engagement"):
            answered = max(answered, one.position)
    for event in working_set.cases.records(handle).notes:
        if "meeting_on" in event.body:
            position = event.body["after"] - 0.5
            day = event.body["meeting_on"]
            requests.append(StatusRequest(handle, working_set.agency, position, day))
    newest = max(reversed(requests), key=lambda request: request.position, default=None)
    return newest if newest is not None and answered < newest.position else None


def ask_on(meeting: date) -> date:
    """Return the second working day before a meeting. Saturdays and Sundays are none."""
    day, left = meeting, WORKING_DAYS_BEFORE
    while left:
        day -= timedelta(days=1)
        left -= day.weekday() < 5
    return day


def check_steps(steps: Iterable[Step], today: date) -> None:
    """Check the words and the last days of steps.

    Raises `AgencyError` `unknown-step`, `unknown-role`, `no-such-day`, `day-over`.
    """
    words = vocabulary()
    for step in steps:
        if step.step not in words.closed_words["meeting_step"]:
            known = ", ".join(f"`{word}`" for word in words.closed_words["meeting_step"])
            raise AgencyError(
                "unknown-step", f"`{step.step[:40]}` is no step of a meeting", fix=f"use {known}"
            )
        if step.owner not in words.roles:
            raise AgencyError(
                "unknown-role",
                f"`{step.owner[:40]}` is no role",
                fix=f"use one of {', '.join(f'`{role}`' for role in words.roles)}",
            )
        if step.until is not None:
            check_last_day(f"{step.step}.until", step.until, today)


__all__ = [
    "COMPLETE_INTAKE",
    "ENFORCEMENT",
    "Minutes",
    "StatusRequest",
    "Step",
    "ask_on",
    "check_steps",
    "newest_minutes",
    "read_step",
    "status_request",
    "steps_for_recorder",
]
