"""A correction of one list: the entries and fields that a person names, and their values. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from exchange.records.finer_words import own_form, shared_form
from exchange.records.ids import new_short_id
from offramp.agency.cases.list_changes import (
    Difference,
    ListChange,
    differences,
    restated,
    with_change,
)
from offramp.agency.cases.told import OwnList
from offramp.agency.errors import AgencyError
from rules.frozen import field, frozen
from rules.input.facts import read_facts
from rules.input.printing import plain
from rules.input.vocabulary import Fact, Vocabulary, nested

# `encounter.drugs[0].grams`: a list, the place of an entry, and a field. Without it, the entry.
_NAME = re.compile(
    r"(?P<list>[a-z_][a-z0-9_.]*)\[(?P<place>[0-9]{1,4})\](?:\.(?P<member>[a-z_][a-z0-9_]*))?"
)


def split_name(
    name: str, facts: Mapping[str, Fact], lists: Mapping[str, OwnList]
) -> tuple[str, int | None, str | None]:
    """Return a detail's path, and of a list's entry its place and field.

    A field without a place is that of the only entry. Raises `AgencyError` `not-a-detail`.
    """
    match = _NAME.fullmatch(name)
    if match is not None:
        return match["list"], int(match["place"]), match["member"]
    path, _, member = name.rpartition(".")
    if name in facts or path not in facts or facts[path].type != "list" or path not in lists:
        return name, None, None
    count = len(lists[path].listing)
    if count != 1:
        raise AgencyError(
            "not-a-detail",
            f"`{path}` has {count} entries",
            fix=f"name one, such as `{path}[0].{member}`, the first",
        )
    return path, 0, member


def no_such_entry(path: str, count: int, fact: Fact | None) -> AgencyError:
    """Return the refusal of a name that is no entry or field of a list."""
    names = list(fact.fields) if fact is not None and fact.type == "list" else []
    known = ", ".join(f"`{known}`" for known in names) or "none"
    return AgencyError(
        "not-a-detail",
        f"`{path}` has {count} entries, from 0, with the fields {known}",
        fix=f"name one of them, such as `{path}[0].{names[0]}`"
        if names
        else "list what was told with `offramp agency correct DIR CASE`",
    )


@frozen
class ListCorrection:
    """What is corrected in one list, step by step.

    `own` is the list as this agency states and told it. `changes` are in the order in which they
    were named.
    """

    path: str
    own: OwnList
    terms: Vocabulary
    changes: tuple[ListChange, ...] = field(default_factory=tuple)

    def change(self, place: int, member: str | None, value: Any) -> ListCorrection:
        """Give a field of an entry another value, or remove the entry.

        Raises `AgencyError` `not-a-detail`; `FactsError`.
        """
        fact, listing = self.terms.facts[self.path], self.own.listing
        is_field = member is not None and member in fact.fields
        if place >= len(listing) or not (is_field or (member is None and value is None)):
            raise no_such_entry(self.path, len(listing), fact)
        id = str(listing[place]["id"])
        if member is None:
            return self._with(ListChange(listing, {id: None}))
        entry = _without_id(listing[place])
        if self.changes:
            entry = self._current(id) or entry
        own = {**own_form(self.path, [entry], self.terms)[0], member: value}
        before = shared_form(self.path, own_form(self.path, [entry], self.terms), self.terms)[0]
        after = self._read([{name: own[name] for name in own if own[name] is not None}])[0]
        changed = {
            name: after.get(name)
            for name in dict.fromkeys((*before, *after))
            if before.get(name) != after.get(name) or name == member
        }
        return self._with(ListChange(listing, {id: changed}))

    def add(
        self, fields: Mapping[str, Any], random_bytes: Callable[[int], bytes]
    ) -> ListCorrection:
        """State one more entry, after those of the listing. Raises `FactsError`."""
        entry = self._read([{name: fields[name] for name in fields if fields[name] is not None}])[0]
        return self._with(ListChange(self.own.listing, {new_short_id(random_bytes): entry}))

    def restate(self, value: Any, random_bytes: Callable[[int], bytes]) -> ListCorrection:
        """State the whole list anew. Raises `FactsError`."""
        entries = value if not isinstance(value, list | tuple) else [_without_id(e) for e in value]
        read = self._read(entries)
        change = restated(self.own.stated, self.own.listing, read, random_bytes)
        return replace(self, changes=(change,))

    def _read(self, entries: Any) -> list[dict[str, Any]]:
        own = own_form(self.path, entries, self.terms)
        facts = read_facts(nested({self.path: own}), self.terms)
        return list(shared_form(self.path, plain(facts.known[self.path]), self.terms))

    def _with(self, change: ListChange) -> ListCorrection:
        return replace(self, changes=(*self.changes, change))

    def _current(self, id: str) -> dict[str, Any] | None:
        entries: Any = self.own.listing
        for change in self.changes:
            entries = with_change(entries, change, all_fields=True)
        return next((_without_id(entry) for entry in entries if entry.get("id") == id), None)

    def as_change(self) -> ListChange:
        """Return all changes as one."""
        entries: dict[str, Any] = {}
        for change in self.changes:
            for id, fields in change.entries.items():
                entries[id] = fields if fields is None else {**(entries.get(id) or {}), **fields}
        return ListChange(self.own.listing, entries)

    def own_value(self) -> list[dict[str, Any]]:
        """Return the list as this agency states it from now on."""
        changed = with_change(self.own.stated, self.as_change(), all_fields=True)
        return [_without_id(entry) for entry in changed]

    def differences(self) -> Iterator[Difference]:
        """Yield what is corrected, field by field."""
        listing = self.own.listing
        after = with_change(listing, self.as_change(), all_fields=True)
        return differences(self.path, listing, after, listing)


def _without_id(entry: Any) -> Any:
    """Return an entry as the rules read it: its id belongs to records."""
    if not isinstance(entry, Mapping):
        return entry
    return {name: value for name, value in entry.items() if name != "id"}
