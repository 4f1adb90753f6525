"""What this agency told each recipient in a case, detail by detail, and in which part. Pure.

A *detail* is a fact, named by its path (`encounter.date`), or another member of a content, named
by its category (`contact.phone`). The newest part with a detail counts, as the recipient reads it:
a correction changes the part that it corrects, and a recalled part was never told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from exchange.records.kinds import kinds
from exchange.records.statements import About
from offramp.agency.cases.case import Case
from offramp.agency.cases.caseload import case_of, mistaken_parts, own_parts, valid_facts
from offramp.agency.cases.corrections import CORRECTION
from offramp.agency.cases.list_changes import (
    ListChange,
    fields_of,
    is_list,
    list_entries,
    with_change,
)
from offramp.agency.cases.pack_terms import PackTerms
from offramp.agency.cases.positions import note_position, record_position
from offramp.agency.folder.outgoing import OutgoingRecord, OwnLabel
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen

# The members of a content that aren't details: the facts are details one by one, and the others
# belong to questions, decisions, and meetings.
_NO_DETAILS = ("facts", "asks", "decision", "determination", "steps", "meeting_on")
# What the exchange states by itself, such as the obligations of an acknowledgement, is no detail
# either: nobody at this agency stated it.
_OF_THE_EXCHANGE = ("operation", "consent_terms", "consent_identity", "disclosure_account")
# A named person's decision is changed by deciding again, and consent by its own records.
_NO_CORRECTION = (
    "question",
    "decision",
    "determination",
    "screening_outcome",
    "filing_decision",
    "ejection",
    "reinstatement",
    "consent",
    "consent_change",
)

_PartId = tuple[str, str]


@frozen
class Detail:
    """A detail's name and its category of information.

    `member` is its name among the members of the content, None for a fact.
    """

    name: str
    category: str
    member: str | None = None


class ToldPart:
    """A part that one recipient has, with the details that it and its corrections state.

    `way` is the purpose and the basis on which the part went. `details` have the newest value by
    detail, also if it is null. `ever` are the details that once had a value, or that an answer told
    as not known here: it may be known later. `is_logged` is False
    until the hub has the part.
    """

    def __init__(
        self, outgoing: OutgoingRecord, part: str, label: OwnLabel, stored: Mapping[str, Any]
    ) -> None:
        self.record = outgoing.jti
        self.part = part
        self.kind = outgoing.kind
        self.time = outgoing.time
        self.position = record_position(outgoing)
        self.is_logged = outgoing.receipt is not None
        self.keep_until = label.keep_until
        self.stored = stored
        self.details: dict[Detail, Any] = {}
        self.ever: set[Detail] = set()

    def way(self, agency: str) -> tuple[str, str]:
        """Return the purpose and the basis on which the part went to an agency."""
        purpose, basis = self.stored["to"][agency]
        return str(purpose), str(basis)

    def state(self, content: Mapping[str, Any]) -> None:
        """Add the details of the part, or of a correction of it."""
        for detail, value in details_of(content):
            self.details[detail] = value
            if value is not None or self.kind == "answer":
                self.ever.add(detail)


def details_of(content: Mapping[str, Any]) -> Iterator[tuple[Detail, Any]]:
    """Yield the details of a content, with their values."""
    for category, members in content.items():
        if category in _OF_THE_EXCHANGE:
            continue
        for path, value in (members.get("facts") or {}).items():
            yield Detail(path, category), value
        for name, value in members.items():
            if name not in _NO_DETAILS:
                yield Detail(f"{category}.{name}", category, name), value


def told_parts(
    working_set: WorkingSet, handle: str, agency: str, today: str
) -> tuple[ToldPart, ...]:
    """Return the parts of this agency that a recipient has in a case, the oldest first.

    Leaves out what the recipient had to destroy before the day `today`, and what was recalled.
    """
    recalled = recalled_from(working_set, handle, agency)
    told_by_part: dict[_PartId, ToldPart] = {}
    root: dict[_PartId, _PartId] = {}
    for outgoing in sorted(_sent(working_set, handle), key=record_position):
        for (part, label, content), stored in zip(own_parts(outgoing), outgoing.parts, strict=True):
            if agency not in stored["to"] or outgoing.kind in _NO_CORRECTION:
                continue
            own_id = (outgoing.jti, part)
            about = label.statement.about if isinstance(label.statement, About) else None
            start = root.get(about, own_id) if about and outgoing.kind == CORRECTION else own_id
            root[own_id] = start
            is_gone = label.keep_until < today or (working_set.agency, *own_id) in (
                working_set.destroyed
            )
            if is_gone or start in recalled or own_id in recalled:
                continue
            if start == own_id:
                told_by_part[start] = ToldPart(outgoing, part, label, stored)
            if start in told_by_part:
                told_by_part[start].state(content)
    return tuple(told_by_part.values())


def _sent(working_set: WorkingSet, handle: str) -> Iterator[OutgoingRecord]:
    """Yield the records of a case that the hub has, or that wait for it."""
    for outgoing in working_set.cases.records(handle).sent:
        if outgoing.refused is None and outgoing.replaced_by is None:
            yield outgoing


def recalled_from(working_set: WorkingSet, handle: str, agency: str) -> frozenset[_PartId]:
    """Return the own parts that this agency asked back from a recipient, or is about to."""
    recalled = {
        part
        for event in working_set.mistakes
        if event.body["case"] == handle and agency in event.body["to"]
        for part in mistaken_parts(working_set, event)
    }
    recalled |= {
        part
        for part, recipients in recalled_by_record(working_set, handle).items()
        if agency in recipients
    }
    return frozenset(recalled)


def recalled_as_wrong(working_set: WorkingSet, handle: str) -> Mapping[str, tuple[Any, ...]]:
    """Return the details that this agency recalled as wrong, each with the values that it told."""
    values: dict[str, tuple[Any, ...]] = {}
    for event in working_set.mistakes:
        name = event.body.get("wrong")
        if event.body["case"] != handle or name is None:
            continue
        for jti, part in mistaken_parts(working_set, event):
            for part_id, _, content in own_parts(working_set.outbox[jti]):
                for detail, value in details_of(content) if part_id == part else ():
                    if detail.name == name:
                        values[name] = (*values.get(name, ()), value)
    return values


def recalled_by_record(working_set: WorkingSet, handle: str) -> Mapping[_PartId, frozenset[str]]:
    """Return the own parts of which a recall was composed, with the agencies that it asks."""
    asked: dict[_PartId, frozenset[str]] = {}
    for outgoing in working_set.cases.records(handle).sent:
        if outgoing.kind != "recall" or outgoing.replaced_by is not None:
            continue
        for (_, label, _), stored in zip(own_parts(outgoing), outgoing.parts, strict=True):
            if isinstance(label.statement, About):
                about = label.statement.about
                asked[about] = asked.get(about, frozenset()) | frozenset(stored["to"])
    return asked


def recipients_in(working_set: WorkingSet, handle: str) -> tuple[str, ...]:
    """Return the agencies that this one sent something in a case, in order of name."""
    return tuple(
        sorted(
            {
                agency
                for outgoing in _sent(working_set, handle)
                for part in outgoing.parts
                for agency in part["to"]
            }
        )
    )


@frozen
class ToldDetail:
    """A detail as one recipient has it: its value, and the part to correct."""

    agency: str
    detail: Detail
    value: Any
    part: ToldPart


def told_details(
    working_set: WorkingSet, handle: str, today: str
) -> Mapping[str, tuple[ToldDetail, ...]]:
    """Return by the name of each detail what every recipient has, in order of name."""
    by_name: dict[str, dict[str, ToldDetail]] = {}
    for agency in recipients_in(working_set, handle):
        for part in told_parts(working_set, handle, agency, today):
            for detail in part.details:
                if detail in part.ever:
                    value = part.details[detail]
                    told_by_part = ToldDetail(agency, detail, value, part)
                    by_name.setdefault(detail.name, {})[agency] = told_by_part
    return {name: tuple(by_agency.values()) for name, by_agency in sorted(by_name.items())}


def is_correctable(detail: Detail) -> bool:
    """Return True if a correction may hold a detail of this category."""
    return detail.category in kinds()[CORRECTION].categories


def may_be_asked_for(name: str, terms: PackTerms) -> bool:
    """Return True if a question of another agency may ask for a fact."""
    fact = terms.facts.get(name)
    return fact is not None and fact.category in kinds()["question"].categories


# What this agency corrected


@frozen
class CorrectionStep:
    """One noted correction of a detail: its position, the new value, and what changes in a list."""

    position: float
    value: Any
    change: ListChange | None = None

    def applied_to(self, value: Any) -> Any:
        """Return what a recipient of `value` may be told in its place.

        Without a named change, it is the new value. Of a list, only the fields that it has. So a
        recipient of drugs without a weight learns of no weight. A recipient that was told of an
        empty list, or of nothing any more, is told the whole list.
        """
        if self.change is not None:
            return with_change(value, self.change)
        fields = fields_of(value) if is_list(value) else frozenset()
        if not fields or not is_list(self.value):
            return self.value
        return [
            {name: entry[name] for name in entry if name in fields or name == "id"}
            for entry in self.value
        ]


@frozen
class CorrectedDetail:
    """The newest value of a detail that this agency corrected, and its corrections in order."""

    value: Any
    steps: tuple[CorrectionStep, ...]

    def owed_to(self, holding: ToldDetail) -> Any:
        """Return the value that a recipient is owed, by everything that was corrected since."""
        value = holding.value
        for step in self.steps:
            if holding.part.position < step.position:
                value = step.applied_to(value)
        return value


def corrected_details(working_set: WorkingSet, handle: str) -> Mapping[str, CorrectedDetail]:
    """Return by name the details that this agency corrected, each with its newest noted value."""
    corrected: dict[str, CorrectedDetail] = {}
    for event in working_set.cases.records(handle).notes:
        is_correction = "corrected_by" in event.body
        # A text that a form kept corrects nothing.
        members = event.body.get("members", {}) if is_correction else {}
        noted = {**valid_facts(working_set, event), **members}
        changes = event.body.get("changes", {})
        for name, value in noted.items():
            if is_correction or name in corrected:
                change = ListChange.from_json(changes[name]) if name in changes else None
                step = CorrectionStep(note_position(working_set, event), value, change)
                earlier = corrected[name].steps if name in corrected else ()
                corrected[name] = CorrectedDetail(value, (*earlier, step))
    return corrected


def own_lists(
    working_set: WorkingSet,
    handle: str,
    disclosed: Mapping[str, Sequence[ToldDetail]],
    random_bytes: Callable[[int], bytes],
) -> Mapping[str, OwnList]:
    """Return by name each list that this agency told, as it states it and with all its entries."""
    lists = {}
    case = case_of(working_set, handle)
    for name, holdings in disclosed.items():
        values = [holding.value for holding in holdings]
        if not any(is_list(value) for value in values):
            continue
        entries = own_list(working_set, case, name)
        lists[name] = OwnList(entries, list_entries(entries, values, random_bytes))
    return lists


def own_list(working_set: WorkingSet, case: Case, name: str) -> tuple[Mapping[str, Any], ...]:
    """Return the entries of a list as this agency states it now, none for what is no list."""
    sources = case.sources_of(name)
    newest = next((each.value for each in sources if each.entry.by == working_set.agency), None)
    return tuple(newest or ()) if is_list(newest) else ()


@frozen
class OwnList:
    """A list as this agency states it now, and the entries that it stated or told, with ids."""

    stated: tuple[Mapping[str, Any], ...]
    listing: tuple[Mapping[str, Any], ...]
