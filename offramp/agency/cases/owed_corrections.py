"""Corrections that this agency owes: who holds an old value, and the parts that correct it. Pure.

INVARIANT: a correction holds only details that its recipient was told before, in the part that it
corrects, and passes the same rules as any part. So nobody learns from a correction what it never
had, and a correction is no way around a consent that ended.
"""

from __future__ import annotations

import math
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
from offramp.agency.cases.list_changes import Difference, ListChange, differences, with_change
from offramp.agency.cases.positions import note_position
from offramp.agency.cases.questions import keep_entry_ids
from offramp.agency.cases.told import (
    CorrectedDetail,
    CorrectionStep,
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
    `differences` are what the recipient gets in place of what it has, of a list field by field.
    """

    holding: ToldDetail
    value: Any
    why_not: str | None
    differences: tuple[Difference, ...] = ()

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


Owed = tuple[ToldDetail, Any]


def old_values(
    working_set: WorkingSet, handle: str, steps: Mapping[str, CorrectionStep], today: str
) -> tuple[Owed, ...]:
    """Return what recipients were told that a correction changes, each with its new value.

    `steps` has the correction of each detail by name. It comes after all earlier ones.
    """
    disclosed = told_details(working_set, handle, today)
    corrected = corrected_details(working_set, handle)
    return tuple(
        (holding, value)
        for name, step in steps.items()
        for holding in disclosed.get(name, ())
        for earlier in (corrected.get(name, CorrectedDetail(None, ())).steps,)
        for value in (CorrectedDetail(None, (*earlier, step)).owed_to(holding),)
        if not same_value(holding.value, value)
    )


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
        (holding, value)
        for name, detail in corrected.items()
        for holding in told_part.get(name, ())
        for value in (detail.owed_to(holding),)
        if not same_value(holding.value, value)
    ]
    return correct_holders(working_set, handle, owed, random_bytes, now, again=again)


def holders_of_earlier_facts(
    working_set: WorkingSet, handle: str, facts: Mapping[str, Any], today: str, now: int
) -> tuple[Holder, ...]:
    """Return the agencies that have another value of a program's own facts and can't be told."""
    steps = {name: CorrectionStep(math.inf, value) for name, value in facts.items()}
    owed = [
        (holding, value)
        for holding, value in old_values(working_set, handle, steps, today)
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
    owed: Sequence[Owed],
    random_bytes: Callable[[int], bytes],
    now: int,
    *,
    again: bool = False,
    listings: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
) -> tuple[OwedCorrection, ...]:
    """Return the corrections of what recipients hold, each with its new value, by recipient.

    `listings` has the entries of each list by name, in whose order differences are named. Raises
    `ContentError` `wrong-content` for a value that its category can't hold.
    """
    by_agency: dict[str, list[Owed]] = {}
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
                Holder(holding, value, why_not, differences_of(holding, value, listings))
                for holding, value in wrong_details
                if holding.part is told_part and holding.detail.category == category
            ]
        corrections.append(OwedCorrection(agency, tuple(holders), tuple(parts)))
    return tuple(corrections)


def differences_of(
    holding: ToldDetail, value: Any, listings: Mapping[str, Sequence[Mapping[str, Any]]] | None
) -> tuple[Difference, ...]:
    """Return what a recipient gets in place of what it has, of a list field by field."""
    name = holding.detail.name
    listing = (listings or {}).get(name, ())
    return tuple(differences(name, holding.value, value, listing))


def _by_part(
    wrong_details: Sequence[Owed],
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


def measured_parts(
    working_set: WorkingSet,
    handle: str,
    holdings: Sequence[ToldDetail],
    change: ListChange,
    random_bytes: Callable[[int], bytes],
    now: int,
) -> tuple[Part, ...]:
    """Return parts that add measurements to a list, in each recipient's own list.

    All else of its part stands as the recipient has it. Recipients of the same part with the same
    contents share one.
    """
    judge = working_set.gateway.judge_part
    parts: list[Part] = []
    for holding in holdings:
        value = with_change(holding.value, change, all_fields=True)
        category = holding.detail.category
        values = {holding.detail: value}
        part = _correcting_part(holding.part, category, values, random_bytes)
        way = holding.part.way(holding.agency)
        if not judge(CORRECTION, part, holding.agency, way, case=handle, now=now).permit:
            continue
        shared = next((each for each in parts if replace(each, to={}) == part), None)
        if shared is not None:
            parts.remove(shared)
        to = {} if shared is None else dict(shared.to)
        parts.append(replace(part, to={**to, holding.agency: way}))
    return tuple(parts)


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
