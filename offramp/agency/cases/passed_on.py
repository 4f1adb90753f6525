"""Details that this agency passed on, and that their first sender corrected since. Pure.

The sender of a correction doesn't know to which agencies its recipients passed a detail on. So each
recipient is named the agencies that still have the old value from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from exchange.records.statements import About
from offramp.agency.cases.case_entry import same_value
from offramp.agency.cases.corrections import CORRECTION
from offramp.agency.cases.list_changes import (
    differences,
    is_list,
    list_entries,
    restated,
    with_change,
)
from offramp.agency.cases.told import Detail, ToldDetail, details_of, told_details
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen


@frozen
class PassedOn:
    """An agency that has an old value of a detail from this agency. `corrected_by` corrected it."""

    agency: str
    name: str
    corrected_by: str


def passed_on(working_set: WorkingSet, handle: str, today: str) -> Iterator[PassedOn]:
    """Yield the recipients that have a value that another agency corrected here."""
    disclosed: Mapping[str, tuple[ToldDetail, ...]] | None = None
    named = set()
    for issuer, name, before, after in _corrected_by_others(working_set, handle):
        if disclosed is None:
            disclosed = told_details(working_set, handle, today)
        for holding in disclosed.get(name, ()):
            key = holding.agency, name
            if holding.agency != issuer and key not in named:
                if _has_old(name, holding.value, before, after):
                    named.add(key)
                    yield PassedOn(holding.agency, name, issuer)


def _has_old(name: str, value: Any, before: Any, after: Any) -> bool:
    """Return True if a recipient's value has what a correction changed, as it was before."""
    if not (is_list(value) and is_list(before) and is_list(after)):
        return same_value(value, before)
    listing = list_entries(before, (), bytes)
    change = restated(before, listing, after, bytes)
    old = [(each.name, each.before) for each in differences(name, listing, after, listing)]
    changed = differences(name, value, with_change(value, change), listing)
    return any((each.name, each.before) in old for each in changed)


def _corrected_by_others(
    working_set: WorkingSet, handle: str
) -> Iterator[tuple[str, str, Any, Any]]:
    """Yield the agency that corrected a detail, its name, and its values before and after."""
    values: dict[tuple[str, str, str], dict[Detail, Any]] = {}
    root: dict[tuple[str, str, str], tuple[str, str, str]] = {}
    arrived = [
        (received.committed.index, received.record, received.opened)
        for received in working_set.cases.records(handle).received.values()
        if received.record is not None and received.committed is not None
    ]
    if not any(record.kind == CORRECTION for _, record, _ in arrived):
        return
    for _, record, opened in sorted(arrived, key=lambda each: each[0]):
        for part, content in opened.items():
            key = record.issuer, record.jti, part
            statement = record.labels[part].statement
            about = statement.about if isinstance(statement, About) else None
            if about is not None and record.kind == CORRECTION:
                root[key] = root.get((record.issuer, *about), (record.issuer, *about))
            stated = values.setdefault(root.get(key, key), {})
            for detail, value in details_of(content.content):
                if detail in stated and not same_value(stated[detail], value):
                    yield record.issuer, detail.name, stated[detail], value
                stated[detail] = value
