"""What this agency keeps of each case, until when, by which rule, and what falls due. Pure.

A part ends on the last day that its label states, or on the day that the rules of this agency's
role give if that is earlier. A legal hold stops all destruction in its case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from exchange.consent.disclosure import day_of
from exchange.records.statements import About, Grant, Statement
from offramp.agency.cases.case import Case
from offramp.agency.cases.caseload import case_of, own_parts
from offramp.agency.cases.corrections import CORRECTION
from offramp.agency.cases.own_statements import causes_stated, is_done, parts_stated
from offramp.agency.cases.stated import stated_contents
from offramp.agency.folder.case_memory import Subject
from offramp.agency.folder.destruction import PartKey, note_has_content
from offramp.agency.folder.journal import Event
from offramp.agency.folder.retention_state import Ending
from offramp.agency.folder.working_set import WorkingSet
from rules.decide.retention import Term, term_of
from rules.frozen import frozen
from rules.packs.pack import Pack
from rules.shelf import vocabulary

# The kinds of information of what a note holds beside facts and other answers.
_MEMBER_CATEGORIES = {
    "report_number": "encounter",
    "minutes": "status",
    "determination": "decision_outcome",
}
_STATEMENT_CATEGORY = "consent_terms"
# The kinds of a part that only runs the exchange.
_EXCHANGE_ONLY = ("operation",)


# The kind of record by which an agency signs that it ended its parts.
SEALED = "sealed"


@frozen
class Keeping:
    """How an agency's retention is worked out: its pack, role, and default, and today.

    `pack` is None if the pack in force isn't here yet. Then only the labels' last days count.
    `supposed` are endings that nobody noted yet, to see what they would end.
    """

    pack: Pack | None
    role: str | None
    default_days: int
    today: date
    zone: ZoneInfo
    supposed: tuple[Ending, ...] = ()

    def endings(self, working_set: WorkingSet, case: str | None) -> Mapping[str, Ending]:
        """Return what ends a case's parts before their time by cause: as noted, or supposed."""
        supposed = {ending.cause: ending for ending in self.supposed if ending.case == case}
        return {**working_set.retention.ended(case), **supposed}


@frozen
class KeptItem:
    """A part, note, or signed text that is still kept, and why it ends on its last day.

    `part` is the key of a part, `event` that of a note or a signed text. `term` is None if the
    label alone gives the day.
    """

    case: str | None
    kind: str
    categories: tuple[str, ...]
    start: date
    last_day: date
    term: Term | None
    part: PartKey | None = None
    event: Event | None = None

    @property
    def is_note(self) -> bool:
        """True for an own note."""
        return self.event is not None and self.event.kind == "noted"

    def is_due(self, today: date) -> bool:
        """Report whether its last day is over."""
        return self.last_day < today


def kept_items(
    working_set: WorkingSet, keeping: Keeping, case: str | None = None
) -> Iterator[KeptItem]:
    """Yield everything with content that this agency keeps, of one case or of all.

    A record that the hub doesn't have yet is kept, since it must still be sent.
    """
    yield from _received(working_set, keeping, case)
    yield from _sent(working_set, keeping, case)
    yield from _noted(working_set, keeping, case)
    yield from _statements(working_set, keeping, case)


def _received(working_set: WorkingSet, keeping: Keeping, case: str | None) -> Iterator[KeptItem]:
    received_by_key = (
        working_set.gateway.received if case is None else working_set.cases.records(case).received
    )
    for (issuer, jti), received in received_by_key.items():
        record, committed = received.record, received.committed
        if record is None or committed is None:
            continue
        for part, label in record.labels.items():
            key = issuer, jti, part
            if key not in working_set.destroyed:
                start = _start_of(keeping, committed.time, label.statement)
                yield _kept(
                    working_set,
                    keeping,
                    key,
                    record.case,
                    record.kind,
                    label.category,
                    start,
                    label.keep_until,
                )


def _sent(working_set: WorkingSet, keeping: Keeping, case: str | None) -> Iterator[KeptItem]:
    sent = working_set.outbox.values() if case is None else working_set.cases.records(case).sent
    for outgoing in sent:
        if outgoing.waits or outgoing.state == "sent":
            continue
        time = outgoing.receipt.time if outgoing.receipt else outgoing.time
        for part, label, _ in own_parts(outgoing):
            key = working_set.agency, outgoing.jti, part
            if key not in working_set.destroyed:
                start = _start_of(keeping, time, label.statement)
                yield _kept(
                    working_set,
                    keeping,
                    key,
                    outgoing.case,
                    outgoing.kind,
                    label.category,
                    start,
                    label.keep_until,
                )


def _start_of(keeping: Keeping, time: int, statement: Statement | None) -> date:
    """Return the day from which a part's time is counted: a consent's from its last day."""
    start = day_of(time, keeping.zone)
    if isinstance(statement, Grant) and statement.expires is not None:
        return max(start, date.fromisoformat(statement.expires))
    return start


def _kept(
    working_set: WorkingSet,
    keeping: Keeping,
    key: PartKey,
    case: str | None,
    kind: str,
    categories: tuple[str, ...],
    start: date,
    keep_until: str,
) -> KeptItem:
    last_day, term = _last_day(working_set, keeping, case, categories, start, keep_until)
    return KeptItem(case, kind, tuple(categories), start, last_day, term, part=key)


def _noted(working_set: WorkingSet, keeping: Keeping, case: str | None) -> Iterator[KeptItem]:
    notes = working_set.noted if case is None else working_set.cases.records(case).notes
    for event in notes:
        if note_has_content(event):
            yield _kept_event(
                working_set, keeping, event, "note", note_categories(event.body, keeping.pack)
            )


def _statements(working_set: WorkingSet, keeping: Keeping, case: str | None) -> Iterator[KeptItem]:
    for event in working_set.statements:
        if event.body.get("lines") and case in (None, event.body["case"]):
            yield _kept_event(working_set, keeping, event, "consent text", (_STATEMENT_CATEGORY,))


def _kept_event(
    working_set: WorkingSet,
    keeping: Keeping,
    event: Event,
    kind: str,
    categories: tuple[str, ...],
) -> KeptItem:
    case, keep_until = str(event.body["case"]), str(event.body["keep_until"])
    until = event.body.get("until")
    start = date.fromisoformat(str(until)) if until else day_of(event.time, keeping.zone)
    last_day, term = _last_day(working_set, keeping, case, categories, start, keep_until)
    return KeptItem(case, kind, categories, start, last_day, term, event=event)


def note_categories(note: Mapping[str, Any], pack: Pack | None = None) -> tuple[str, ...]:
    """Return the kinds of information in a note, also of facts that only the pack has."""
    facts = (pack.vocabulary if pack is not None else vocabulary()).facts
    categories = {facts[path].category for path in note.get("facts") or {} if path in facts}
    categories |= {name.partition(".")[0] for name in note.get("members") or {}}
    categories |= {kind for name, kind in _MEMBER_CATEGORIES.items() if note.get(name)}
    return tuple(sorted(categories)) or ("status",)


def _last_day(
    working_set: WorkingSet,
    keeping: Keeping,
    case: str | None,
    categories: Iterable[str],
    start: date,
    keep_until: str,
) -> tuple[date, Term | None]:
    labeled = date.fromisoformat(keep_until)
    if keeping.pack is None:
        return labeled, None
    endings = keeping.endings(working_set, case)
    term = term_of(
        keeping.pack,
        keeping.role,
        categories,
        start,
        keeping.today,
        ended={cause: ending.on for cause, ending in endings.items()},
        noted={cause: ending.noted for cause, ending in endings.items()},
        default_days=keeping.default_days,
    )
    return (labeled, None) if labeled < term.day else (term.day, term)


# What ends a case's parts before their time

_ENDINGS: Subject[dict[str, str | None]] = Subject("endings", write=dict, read=dict)


def endings_in_records(working_set: WorkingSet, handle: str) -> Mapping[str, date | None]:
    """Return the causes that the newest records of a case state, each with its day.

    The day is None for a cause that no longer applies: the charge was taken up again.
    """
    endings = working_set.memory.recall(_ENDINGS, handle, 0, partial(_find, working_set, handle))
    return {
        cause: None if day is None else date.fromisoformat(day) for cause, day in endings.items()
    }


def _find(working_set: WorkingSet, handle: str) -> tuple[dict[str, str | None], None]:
    case = case_of(working_set, handle)
    zone = working_set.gateway.history.newest.zone
    endings: dict[str, str | None] = {}
    for stated in stated_contents(working_set, handle, case):
        charge = stated.content.get("charge_status") or {}
        if (standing := charge.get("standing")) is None:
            continue
        if standing in ("dismissed", "sealed"):
            # A statement that is sent again without a day doesn't move the day.
            sent_on = day_of(stated.time, zone).isoformat()
            endings[standing] = charge.get("on") or endings.get(standing) or sent_on
        elif "dismissed" in endings:
            endings["dismissed"] = None
    completion = case.determined.get("completion")
    if completion is not None and completion.determined:
        is_completed = completion.determined["outcome"] == "completed"
        day = _day_of_completion(working_set, handle, case, zone) if is_completed else None
        endings["completed"] = day
    return endings, None


def _day_of_completion(working_set: WorkingSet, handle: str, case: Case, zone: ZoneInfo) -> str:
    """Return the day on which a named person decided that the person completed the program.

    What is told again doesn't move the day. After another outcome it begins anew.
    """
    determined = [
        (stated.time, (stated.content.get("decision_outcome") or {}).get("determination"))
        for stated in stated_contents(working_set, handle, case)
    ]
    determined += [
        (note.time, note.body.get("determination"))
        for note in working_set.cases.records(handle).notes
    ]
    completed_at = 0
    of_completion = [
        (time, made) for time, made in determined if made and made["decision"] == "completion"
    ]
    for time, made in sorted(of_completion, key=lambda each: each[0]):
        completed_at = (completed_at or time) if made["outcome"] == "completed" else 0
    return day_of(completed_at, zone).isoformat()


def new_endings(working_set: WorkingSet, today: date) -> Iterator[tuple[str, Ending | str]]:
    """Yield each case's ending that its records state and nobody noted, or a cause that is over.

    A day that the records correct is noted anew. A day to come waits. What a person noted is only
    withdrawn by a person, and INVARIANT: what was signed is neither withdrawn nor changed, unless
    the agency asked its statement back.
    """
    state = working_set.retention
    for handle in working_set.cases.handles():
        noted = state.ended(handle)
        stated = causes_stated(working_set, handle)
        for cause, day in endings_in_records(working_set, handle).items():
            before = noted.get(cause)
            if cause in stated or (before is not None and before.by is not None):
                continue
            if day is None:
                if before is not None:
                    yield handle, cause
            elif day <= today and (before is None or before.on != day):
                yield handle, Ending(handle, cause, day, today)


# What an agency signs


@frozen
class DoneEnding:
    """A cause that has ended all that it ends in a case, for the agency to sign.

    `kept_until` is the last day of what remains, None if nothing does.
    """

    ending: Ending
    kept_until: date | None


def done_endings(working_set: WorkingSet, keeping: Keeping) -> Iterator[DoneEnding]:
    """Yield what this agency has ended and not signed yet. A hold puts it off.

    INVARIANT: nothing is signed while a record of the case is still to be sent or proved. It is
    kept until then, and no list of what is kept has it.
    """
    state = working_set.retention
    for case, endings in state.endings.items():
        open_causes = [cause for cause in endings if not is_done(working_set, case, cause)]
        if state.is_held(case) or not open_causes or unproved_records(working_set, case):
            continue
        kept = kept_about_person(working_set, keeping, case)
        for cause in open_causes:
            ending = endings[cause]
            still = any(
                item.term is not None and item.term.rule is not None and _ends(item, cause)
                for item in kept
            )
            if still or ending.noted >= keeping.today:
                continue
            yield DoneEnding(ending, max((item.last_day for item in kept), default=None))


def unproved_records(working_set: WorkingSet, case: str | None) -> int:
    """Count this agency's records about the person that are still to be sent or proved.

    They are kept as they are, whatever ends the case.
    """
    return sum(
        1
        for sent in (working_set.cases.records(case).sent if case is not None else ())
        if (sent.waits or sent.state == "sent")
        and any(own_label.category != _EXCHANGE_ONLY for _, own_label in sent.labels)
    )


def kept_about_person(working_set: WorkingSet, keeping: Keeping, case: str) -> list[KeptItem]:
    """Return what this agency still keeps of a case, without what only runs the exchange."""
    return [
        item for item in kept_items(working_set, keeping, case) if item.categories != _EXCHANGE_ONLY
    ]


def _ends(item: KeptItem, cause: str) -> bool:
    return item.term is not None and item.term.rule is not None and cause in item.term.rule.ends


def destroyed_and_unstated(working_set: WorkingSet, case: str) -> int:
    """Count the destroyed parts of a case that no statement of this agency counts that counts."""
    return max(0, destroyed_in(working_set, case) - parts_stated(working_set, case))


def destroyed_in(working_set: WorkingSet, case: str) -> int:
    """Count the parts about the person that this agency destroyed in a case at their end.

    What another agency asked back and this one deleted is not among them: nothing was ended. Nor
    is what only runs the exchange, such as another agency's statement.
    """
    given_back = _given_back(working_set, case)
    return sum(
        1
        for key, categories in _parts_of(working_set, case)
        if key in working_set.destroyed
        and key not in given_back
        and tuple(categories) != _EXCHANGE_ONLY
    )


def count_stated(working_set: WorkingSet, case: str, items: Iterable[KeptItem]) -> int:
    """Count the parts that a statement will count once these items are destroyed.

    Own notes, texts of consents, what only runs the exchange, and corrections of a part that was
    asked back are in no count, as in `destroyed_in`.
    """
    given_back = _given_back(working_set, case)
    counted = [
        item.part
        for item in items
        if item.part is not None
        and item.part not in given_back
        and item.categories != _EXCHANGE_ONLY
    ]
    return len(counted) + destroyed_and_unstated(working_set, case)


def _parts_of(working_set: WorkingSet, case: str) -> Iterator[tuple[PartKey, tuple[str, ...]]]:
    """Yield each part that was sent or received in a case, with its kinds of information."""
    records = working_set.cases.records(case)
    for (issuer, jti), received in records.received.items():
        if received.record is not None:
            for part, label in received.record.labels.items():
                yield (issuer, jti, part), tuple(label.category)
    for sent in records.sent:
        for part, own_label in sent.labels:
            yield (working_set.agency, sent.jti, part), own_label.category


def _given_back(working_set: WorkingSet, case: str) -> set[PartKey]:
    """Return the parts that this agency deleted because they were asked back, with corrections."""
    given_back = set(working_set.given_back)
    for (issuer, jti), received in working_set.cases.records(case).received.items():
        for part, label in received.record.labels.items() if received.record is not None else ():
            about = label.statement.about if isinstance(label.statement, About) else None
            is_correction = received.record is not None and received.record.kind == CORRECTION
            if is_correction and about is not None and (issuer, *about) in given_back:
                given_back.add((issuer, jti, part))
    return given_back
