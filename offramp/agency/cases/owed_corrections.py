"""Corrections that this agency owes: who holds an old value, and the parts that correct it. Pure.

INVARIANT: a correction holds only details that its recipient was told before, in the part that it
corrects, and passes the same rules as any part. So nobody learns from a correction what it never
had, and a correction is no way around a consent that ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from exchange.records.building import Part
from exchange.records.content_checks import check_content
from exchange.records.statements import About
from offramp.agency.cases.addressing import COORDINATION
from offramp.agency.cases.case_entry import same_value
from offramp.agency.cases.caseload import own_parts, valid_facts
from offramp.agency.cases.corrections import CORRECTION
from offramp.agency.cases.positions import note_position
from offramp.agency.cases.questions import keep_entry_ids
from offramp.agency.cases.told import (
    Detail,
    ToldDetail,
    ToldPart,
    corrected_details,
    details_of,
    is_correctable,
    told_details,
)
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen

QUEUED_FIRST = "what it was told is still queued, and the correction follows it by itself"
NOT_LISTED = "it is no longer in the directory"
HELD_BACK = "the hub refused the correction"
# The kind of record that tells facts of the program's own. The newest one counts, and none of them
# says of an earlier one that it was wrong.
PROGRAM_FACTS = "program_facts"


@frozen
class Holder:
    """A recipient that holds an old value of a detail.

    `value` is the new value. `why_not` says why the recipient can't be told it, None if it can.
    """

    holding: ToldDetail
    value: Any
    why_not: str | None

    @property
    def agency(self) -> str:
        """The recipient."""
        return self.holding.agency

    @property
    def name(self) -> str:
        """The name of the detail."""
        return self.holding.detail.name

    def as_json(self) -> dict[str, Any]:
        """Return the holder's JSON in `offramp agency correct`."""
        return {
            "agency": self.agency,
            "detail": self.holding.detail.name,
            "before": self.holding.value,
            "value": self.value,
            "record": self.holding.part.record,
            "part": self.holding.part.part,
            "kind": self.holding.part.kind,
            "why_not": self.why_not,
        }


@frozen
class OwedCorrection:
    """What one recipient holds that is wrong, and the parts that correct what may be corrected."""

    agency: str
    holders: tuple[Holder, ...]
    parts: tuple[Part, ...]


def old_values(
    working_set: WorkingSet, handle: str, values: Mapping[str, Any], today: str
) -> tuple[ToldDetail, ...]:
    """Return what recipients were told of these details that differs from their new values."""
    told_part = told_details(working_set, handle, today)
    return tuple(
        holding
        for name, value in values.items()
        for holding in told_part.get(name, ())
        if not same_value(holding.value, value_for(holding, value))
    )


def value_for(holding: ToldDetail, value: Any) -> Any:
    """Return a new value as a recipient may be told it: of a list, the fields that it has.

    So a recipient of drugs without a weight learns of no weight. A recipient that was told of an
    empty list, or of nothing any more, is told the whole list.
    """
    fields = {
        field
        for entry in (holding.value if isinstance(holding.value, list | tuple) else ())
        if isinstance(entry, Mapping)
        for field, member in entry.items()
        if member is not None
    } - {"id"}
    if not fields or not isinstance(value, list | tuple):
        return value
    return [
        {field: member for field, member in entry.items() if field in fields or field == "id"}
        for entry in value
    ]


def owed_corrections(
    working_set: WorkingSet,
    handle: str,
    random_bytes: Callable[[int], bytes],
    today: str,
    now: int,
    *,
    again: bool = False,
) -> tuple[OwedCorrection, ...]:
    """Return what is owed in a case after everything that this agency corrected in it.

    What a recipient was told after a correction is not owed. With `again`, corrections that the
    hub refused are owed once more. `today` is a day, `now` in seconds since 1970.
    """
    corrected = corrected_details(working_set, handle)
    if not corrected:
        return ()
    told_part = told_details(working_set, handle, today)
    owed = [
        (holding, value_for(holding, detail.value))
        for name, detail in corrected.items()
        for holding in told_part.get(name, ())
        if holding.part.position < detail.position
        and not same_value(holding.value, value_for(holding, detail.value))
    ]
    return correct_holders(working_set, handle, owed, random_bytes, now, again=again)


def holders_of_earlier_facts(
    working_set: WorkingSet, handle: str, facts: Mapping[str, Any], today: str, now: int
) -> tuple[Holder, ...]:
    """Return the agencies that have another value of a program's own facts and can't be told."""
    owed = [
        (holding, value_for(holding, facts[holding.detail.name]))
        for holding in old_values(working_set, handle, facts, today)
        if holding.part.kind == PROGRAM_FACTS
    ]
    return tuple(
        holder
        for correction in correct_holders(working_set, handle, owed, bytes, now, again=True)
        for holder in correction.holders
        if holder.why_not not in (None, QUEUED_FIRST)
    )


def stated_anew(working_set: WorkingSet, handle: str, today: str) -> Mapping[str, Any]:
    """Return a program's own facts that this agency told, each with the newest value it stated.

    Leaves out what it corrected: that is owed as a correction.
    """
    corrected = corrected_details(working_set, handle)
    newest: dict[str, tuple[float, Any]] = {}
    for name, holders in told_details(working_set, handle, today).items():
        for holding in holders:
            stated = (holding.part.position, holding.value)
            if holding.part.kind == PROGRAM_FACTS and name not in corrected:
                newest[name] = max(newest.get(name, stated), stated, key=lambda pair: pair[0])
    for event in working_set.cases.records(handle).notes:
        position = note_position(working_set, event)
        for name, value in valid_facts(working_set, event).items():
            if name in newest and newest[name][0] < position:
                newest[name] = position, value
    return {name: value for name, (_, value) in newest.items()}


def correct_holders(
    working_set: WorkingSet,
    handle: str,
    owed: Sequence[tuple[ToldDetail, Any]],
    random_bytes: Callable[[int], bytes],
    now: int,
    *,
    again: bool = False,
) -> tuple[OwedCorrection, ...]:
    """Return the corrections of what recipients hold, each with its new value, by recipient.

    Raises `ContentError` `wrong-content` for a value that its category can't hold.
    """
    by_agency: dict[str, list[tuple[ToldDetail, Any]]] = {}
    for holding, value in owed:
        by_agency.setdefault(holding.agency, []).append((holding, value))
    corrections = []
    for agency, wrong_details in sorted(by_agency.items()):
        holders: list[Holder] = []
        parts: list[Part] = []
        for told_part, category, values in _by_part(wrong_details):
            part = _correcting_part(told_part, category, values, random_bytes)
            refused = None if again else _refused(working_set, handle, agency, told_part, values)
            way, why_not = _way_of(working_set, handle, agency, told_part, part, now)
            why_not = refused or why_not
            if way is not None and why_not is None:
                parts.append(replace(part, to={agency: way}))
            holders += [
                Holder(holding, value, why_not)
                for holding, value in wrong_details
                if holding.part is told_part and holding.detail.category == category
            ]
        corrections.append(OwedCorrection(agency, tuple(holders), tuple(parts)))
    return tuple(corrections)


def _by_part(
    wrong_details: Sequence[tuple[ToldDetail, Any]],
) -> Iterator[tuple[ToldPart, str, dict[Detail, Any]]]:
    """Yield each part to correct, a category of it, and the new values of its details."""
    grouped: dict[tuple[str, str, str], tuple[ToldPart, dict[Detail, Any]]] = {}
    for holding, value in wrong_details:
        key = (holding.part.record, holding.part.part, holding.detail.category)
        grouped.setdefault(key, (holding.part, {}))[1][holding.detail] = value
    for (_, _, category), (part, values) in grouped.items():
        yield part, category, values


def _correcting_part(
    told_part: ToldPart,
    category: str,
    values: Mapping[Detail, Any],
    random_bytes: Callable[[int], bytes],
) -> Part:
    """Return a part that restates one category of a told part, with these new values."""
    members: dict[str, Any] = {}
    for detail, before in told_part.details.items():
        if detail.category != category:
            continue
        value = values.get(detail, before)
        if value is None and detail not in values:
            continue  # it was withdrawn before
        if detail.member is None:
            with_ids = keep_entry_ids(value, before, random_bytes)
            members.setdefault("facts", {})[detail.name] = with_ids
        else:
            members[detail.member] = value
    content = {category: members}
    if is_correctable(next(iter(values))):
        check_content(CORRECTION, (category,), content)
    stored = told_part.stored
    # INVARIANT: nothing is kept longer for having been wrong.
    return Part(
        category=(category,),
        content=content,
        to={},
        keep_until=told_part.keep_until,
        sensitivity=str(stored["sensitivity"]),
        use=str(stored["use"]),
        notice=str(stored["notice"]),
        says={"about": [told_part.record, told_part.part]},
    )


def _way_of(
    working_set: WorkingSet, handle: str, agency: str, told_part: ToldPart, part: Part, now: int
) -> tuple[tuple[str, str] | None, str | None]:
    """Return the purpose and basis on which a correction may go, or why it may not."""
    gateway = working_set.gateway
    membership = gateway.history.membership_at(2**53 - 1)
    if not told_part.is_logged:
        return None, QUEUED_FIRST
    if agency not in membership.directory.agencies or agency not in membership.sealing:
        return None, NOT_LISTED
    if not is_correctable(Detail("", part.category[0])):
        return None, f"a correction can't hold `{part.category[0]}`: recall it, and send it again"
    purpose, basis = told_part.way(agency)
    # A live consent first: the hub may know of an exit that ended the offer at the scene.
    ways = ((purpose, "consent"), (COORDINATION, "consent"), (purpose, basis))
    way = gateway.first_permitted(CORRECTION, part, agency, ways, case=handle, now=now)
    if way is not None:
        return way, None
    verdict = gateway.judge_part(CORRECTION, part, agency, (purpose, basis), case=handle, now=now)
    return None, _in_words(working_set, verdict.reasons)


def _in_words(working_set: WorkingSet, reasons: Sequence[str]) -> str:
    """Return the reasons of a denial in the words of the pack."""
    disclosure = working_set.gateway.pack.decisions["disclosure"]
    texts = []
    for reason in reasons:
        rule = disclosure.rules.get(reason)
        if rule is not None:
            texts.append(rule.because)
        elif reason == "otherwise":
            texts.append(disclosure.otherwise.because)
        else:
            texts.append("the rules can't tell whether it may")
    return " ".join(dict.fromkeys(texts))


def _refused(
    working_set: WorkingSet,
    handle: str,
    agency: str,
    told_part: ToldPart,
    values: Mapping[Detail, Any],
) -> str | None:
    """Return why a correction with these values waits for a person: the hub refused it before."""
    for outgoing in working_set.cases.records(handle).sent:
        if outgoing.kind != CORRECTION or outgoing.refused is None:
            continue
        for (_, label, content), stored in zip(own_parts(outgoing), outgoing.parts, strict=True):
            about = label.statement.about if isinstance(label.statement, About) else None
            if agency not in stored["to"] or about != (told_part.record, told_part.part):
                continue
            sent = dict(details_of(content))
            if all(
                detail in sent and same_value(sent[detail], values[detail]) for detail in values
            ):
                return HELD_BACK
    return None
