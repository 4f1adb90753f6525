"""Feedback to officers: what became of a referral, in fixed words.

Only what the person lets be told now is shown. Said no, never asked, ended, and not yet sent all
read alike, and nothing explains why a word is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exchange.consent.disclosure import day_of
from offramp.agency.cases.case import ACCEPTED, Case
from offramp.agency.cases.caseload import case_of, handles
from offramp.agency.cases.people import person_name
from offramp.agency.cases.stated import StatedContent, stated_contents
from offramp.agency.cases.stated_facts import ENROLLED
from offramp.agency.cases.tasks import waiting_parts
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.operations.access import MINE, needs, owns
from rules.frozen import frozen
from rules.shelf import vocabulary

NOTHING, CONTACT, IN_PROGRAM = "nothing", "contact", "enrolled"
# The kinds of information that a word is made of, and the kinds of record that end participation.
_SHOWN = ("status", "enrollment", "case_manager_contact")
_ENDS = ("exit", "ejection")


@frozen
class Feedback:
    """What became of one referral. `word` is one of the closed words `referral_word`.

    `person` is the name as this agency knows it. `on` is the day of the referral. `openers` are the
    people who may open what another agency told of it since, empty where nothing waits.
    """

    case: str
    person: str | None
    on: str
    word: str
    openers: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The word as people read it."""
        return vocabulary().closed_words["referral_word"][self.word][0]

    def as_json(self) -> dict[str, Any]:
        """Return the referral's JSON in `offramp agency mine`."""
        return {"case": self.case, "person": self.person, "on": self.on, "word": self.word}


@needs(MINE, look="list")
def list_feedback(office: Office) -> tuple[Feedback, ...]:
    """List the own referrals of the person who asks, the newest first, with a word.

    A supervisor, too, is shown those on which the supervisor works, and not the agency's.
    """
    working_set = office.working_set()
    now = office.clock()
    sees = owns(office, working_set)
    entries = [
        (time, _feedback(working_set, handle, time, now))
        for handle in filter(sees, handles(working_set))
        if (time := _referred_at(working_set, handle)) is not None
    ]
    return tuple(feedback for _, feedback in sorted(entries, key=lambda each: -each[0]))


def _referred_at(working_set: WorkingSet, handle: str) -> int | None:
    """Return the time of this agency's first referral of a person who said yes."""
    accepted = case_of(working_set, handle).known.get(ACCEPTED)
    if accepted is None or not accepted.value or accepted.entry.by != working_set.agency:
        return None
    times = [
        outgoing.receipt.time if outgoing.receipt else outgoing.time
        for outgoing in working_set.cases.records(handle).sent
        if outgoing.kind == "referral" and outgoing.refused is None
    ]
    return min(times, default=None)


def _feedback(working_set: WorkingSet, handle: str, time: int, now: int) -> Feedback:
    case = case_of(working_set, handle)
    word = next(_words(working_set, handle, case, now), NOTHING)
    on = day_of(time, working_set.gateway.history.newest.zone).isoformat()
    openers = _openers(working_set, handle, case, now)
    return Feedback(handle, person_name(working_set, handle), on, word, openers)


def _openers(working_set: WorkingSet, handle: str, case: Case, now: int) -> tuple[str, ...]:
    """Return who may open what may be shown here once it is opened, none if nothing waits.

    INVARIANT: a note that the person left counts as nothing, and so does what may not be told now.
    """
    waits = not case.is_ended and any(
        record.kind not in _ENDS
        and any(
            _may_receive(working_set, record.issuer, category, handle, now)
            for category in record.labels[part].category
            if category in _SHOWN
        )
        for _, record, part in waiting_parts(working_set, handle, now)
    )
    if not waits:
        return ()
    staff = working_set.staff
    team = staff.assignments[handle].people if handle in staff.assignments else ()
    return tuple(
        sorted(
            person.name
            for person in staff.people.values()
            if person.ended is None
            and ("supervisor" in person.roles or ("member" in person.roles and person.name in team))
        )
    )


def _words(working_set: WorkingSet, handle: str, case: Case, now: int) -> Iterator[str]:
    """Yield the words that may be shown, the one that says most first.

    INVARIANT: nothing is ever said of a person who left or isn't enrolled.
    """
    enrolled = case.known.get(ENROLLED)
    if case.is_ended or ENROLLED in case.conflicts or (enrolled and not enrolled.value):
        return
    told = [
        stated
        for stated in reversed(stated_contents(working_set, handle, case))
        if stated.by != working_set.agency
    ]
    for stated in told:
        word = (stated.content.get("status") or {}).get("engagement")
        if word and _may_be_told(working_set, stated, "status", handle, now):
            yield str(word)
    for stated in told:
        members = stated.content.get("enrollment") or {}
        is_in = members.get("enrolled") or (members.get("facts") or {}).get(ENROLLED)
        if is_in and _may_be_told(working_set, stated, "enrollment", handle, now):
            yield IN_PROGRAM
    for stated in told:
        if stated.content.get("case_manager_contact") and _may_be_told(
            working_set, stated, "case_manager_contact", handle, now
        ):
            yield CONTACT


def _may_be_told(
    working_set: WorkingSet, stated: StatedContent, category: str, handle: str, now: int
) -> bool:
    """Return whether the person's consent covers it now, and not only when it was told."""
    return _may_receive(working_set, stated.by, category, handle, now)


def _may_receive(
    working_set: WorkingSet, sender: str, category: str, handle: str, now: int
) -> bool:
    return working_set.gateway.may_receive(sender, category, case=handle, now=now)
