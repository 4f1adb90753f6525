"""Complaints and disputes of a participant, kept at the agency that heard them. Pure.

The words are the participant's. They are a note of this agency, so no other agency is told. They
are destroyed with the other notes of the case.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from offramp.agency.cases.task import CONCERN, OPEN, Task
from offramp.agency.folder.journal import Event
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen

COMPLAINT, DISPUTE = "complaint", "dispute"
# How a staff member closed a concern.
ANSWERS = ("corrected", "explained", "passed_on", "not_changed")
_STEPS = {
    COMPLAINT: "Read the complaint of the person, and answer it: `agency concern {digits}`.",
    DISPUTE: "Look at what the person says is not true, and answer it: `agency concern {digits}`.",
}


@frozen
class Concern:
    """A complaint, or a dispute of what was said about the person, in the person's words.

    `about` is the category of a dispute. `number` is the event's in the journal, `time` in seconds
    since 1970. `answer` is one of `ANSWERS`, None while nobody has closed it.
    """

    number: int
    kind: str
    about: str | None
    text: str
    time: int
    answer: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the concern's JSON in `offramp agency concern`."""
        return {
            "number": self.number,
            "kind": self.kind,
            "about": self.about,
            "text": self.text,
            "time": self.time,
            "answer": self.answer,
        }


def concerns_of(working_set: WorkingSet, handle: str) -> tuple[Concern, ...]:
    """Return the concerns of a case whose words weren't destroyed, the oldest first."""
    notes = working_set.cases.records(handle).notes
    answers = {
        note.body["answers"]: str(note.body["answer"]) for note in notes if "answers" in note.body
    }
    return tuple(_concern(note, answers.get(note.at)) for note in notes if note.body.get("concern"))


def _concern(note: Event, answer: str | None) -> Concern:
    concern = note.body["concern"]
    return Concern(note.at, concern["kind"], concern["about"], concern["text"], note.time, answer)


def concern_tasks(working_set: WorkingSet, handle: str, role: str) -> Iterator[Task]:
    """Yield the task to answer each kind of concern that nobody has closed."""
    waiting: dict[str, int] = {}
    for concern in concerns_of(working_set, handle):
        if concern.answer is None:
            waiting.setdefault(concern.kind, concern.time)
    digits = working_set.cases.digits(handle)
    for kind, time in waiting.items():
        step = _STEPS[kind].format(digits=digits)
        yield Task(handle, role, step, OPEN, kind, action=CONCERN, since=time)
