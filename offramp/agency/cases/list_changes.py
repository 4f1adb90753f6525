"""Changes of single entries and fields of a list, and what they leave of another agency's list.

Agencies have different parts of one list: the case managers were told that there are two drugs, and
the program their weights too. So a correction names the fields that change, by the id of the entry.
Everything else stands in each list as its owner has it. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from exchange.records.finer_words import FINER
from exchange.records.ids import new_short_id
from rules.frozen import frozen

Entry = Mapping[str, Any]
_ID = "id"


@frozen
class ListChange:
    """What a correction changes in a list.

    `listing` is the list in which the entries were named, each with its id. `entries` has the new
    values by id and field. A field that is withdrawn is None, and so is an entry that is removed.
    An id that the listing lacks is an added entry's.
    """

    listing: tuple[Entry, ...]
    entries: Mapping[str, Entry | None]

    def as_json(self) -> dict[str, Any]:
        """Return the change as the journal holds it."""
        return {
            "listing": [dict(entry) for entry in self.listing],
            "entries": {
                id: None if fields is None else dict(fields) for id, fields in self.entries.items()
            },
        }

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> ListChange:
        """Return the change that the journal holds."""
        return cls(tuple(written["listing"]), written["entries"])


@frozen
class Difference:
    """One value that a list or a detail gets in place of another one.

    `name` is the detail's, of a field `list[0].field` with its place in the listing, and of a whole
    entry `list[0]`. A missing value is None.
    """

    name: str
    before: Any
    after: Any


def is_list(value: Any) -> bool:
    """Return True for the value of a list of entries."""
    return isinstance(value, list | tuple) and all(isinstance(entry, Mapping) for entry in value)


def list_entries(
    stated: Iterable[Entry], others: Iterable[Any], random_bytes: Callable[[int], bytes]
) -> tuple[Entry, ...]:
    """Return all entries that this agency stated or told, each with its id and all its fields.

    `stated` is its newest statement, whose entries are the first. `others` are the recipients'
    lists: they add what the statement lacks.
    """
    listing = [dict(entry) for entry in stated]
    for other in others:
        if not is_list(other):
            continue
        places = align(other, listing)
        for entry, place in zip(other, places, strict=True):
            if place is None:
                listing.append(dict(entry))
            else:
                listing[place] = {**_known(entry), **_known(listing[place])}
    return tuple({_ID: new_short_id(random_bytes), **entry} for entry in listing)


def _in_finest_words(entry: Entry) -> Entry:
    finer = entry.get(FINER) or {}
    return {**{name: entry[name] for name in entry if name != FINER}, **finer}


def _known(entry: Entry) -> dict[str, Any]:
    return {field: value for field, value in entry.items() if value is not None}


def align(entries: Sequence[Entry], others: Sequence[Entry]) -> tuple[int | None, ...]:
    """Return the place in `others` of each entry, None for an entry that they lack.

    Entries are the same by their id, else by the fields on which they agree most, else by place.
    """
    places: list[int | None] = [None] * len(entries)
    free = dict.fromkeys(range(len(others)))

    def take(index: int, place: int) -> None:
        places[index] = place
        del free[place]

    by_id = {str(entry[_ID]): place for place, entry in enumerate(others) if _ID in entry}
    for index, entry in enumerate(entries):
        place = by_id.get(str(entry.get(_ID)))
        if place in free:
            take(index, place)
    pairs = sorted(
        (-agreed, differing, abs(index - place), index, place)
        for index, entry in enumerate(entries)
        for place in free
        if places[index] is None
        for agreed, differing in (_agreement(entry, others[place]),)
        if agreed
    )
    for _, _, _, index, place in pairs:
        if places[index] is None and place in free:
            take(index, place)
    for index in range(len(entries)):
        if places[index] is None and index in free and len(entries) == len(others):
            take(index, index)
    return tuple(places)


def _agreement(entry: Entry, other: Entry) -> tuple[int, int]:
    """Return on how many fields two entries agree, and on how many they differ."""
    shared = (set(_known(entry)) & set(_known(other))) - {_ID}
    agreed = sum(entry[field] == other[field] for field in shared)
    return agreed, len(shared) - agreed


def restated(
    stated: Sequence[Entry],
    listing: tuple[Entry, ...],
    entries: Sequence[Entry],
    random_bytes: Callable[[int], bytes],
) -> ListChange:
    """Return what changes if a list is stated as `entries`, in place of what was `stated`.

    An entry or a field that only recipients have isn't restated, so it stands.
    """
    own = [{**entry, _ID: listing[place][_ID]} for place, entry in enumerate(stated)]
    changed: dict[str, Entry | None] = {}
    for entry, place in zip(entries, align(entries, own), strict=True):
        before = own[place] if place is not None else {_ID: new_short_id(random_bytes)}
        fields = {**dict.fromkeys(before), **entry}
        changed[str(before[_ID])] = {
            field: value for field, value in fields.items() if field != _ID
        }
    removed = {str(entry[_ID]): None for entry in own if str(entry[_ID]) not in changed}
    return ListChange(listing, {**changed, **removed})


@frozen
class Addition:
    """A list to which an agency adds what it states now, and what would be lost by stating it.

    `entries` are those of before, in their order, with what is added to them, and then the new
    ones. `left_out` are the places of the entries of before that aren't stated.
    """

    entries: tuple[Entry, ...]
    left_out: tuple[int, ...]


def added_to(stated: Sequence[Entry], entries: Sequence[Entry]) -> Addition:
    """Return what a list is if `entries` are stated after what was `stated`.

    A value that an entry doesn't state, or states as not known, stands as it was. An entry that
    agrees with another one on nothing, and differs from it, is a different one.
    """
    aligned = align(entries, stated)
    free = iter(place for place in range(len(stated)) if place not in aligned)
    if len(entries) == len(stated):
        aligned = tuple(next(free) if place is None else place for place in aligned)
    completed: dict[int, Entry] = {}
    new: list[Entry] = []
    for entry, place in zip(entries, aligned, strict=True):
        if place is not None and _may_be_same(entry, stated[place]):
            completed[place] = _added(entry, stated[place])
        else:
            new.append(entry)
    left_out = tuple(place for place in range(len(stated)) if place not in completed)
    return Addition((*(completed[place] for place in sorted(completed)), *new), left_out)


def _added(entry: Entry, before: Entry) -> dict[str, Any]:
    """Return an entry with all that was stated of it before, and its id of then."""
    both = {**entry, **_known(before), **_known(entry)}
    if _ID in before:
        both[_ID] = before[_ID]
    # A finer word stands only beside the word that it refines.
    earlier = before.get(FINER) or {}
    finer = {name: earlier[name] for name in earlier if both.get(name) == before.get(name)}
    finer |= entry.get(FINER) or {}
    return {name: both[name] for name in both if name != FINER} | ({FINER: finer} if finer else {})


def _may_be_same(entry: Entry, other: Entry) -> bool:
    agreed, differing = _agreement(entry, other)
    return bool(agreed) or not differing or (_ID in entry and entry[_ID] == other.get(_ID))


def measured(earlier: tuple[Entry, ...], entries: Sequence[Entry]) -> ListChange:
    """Return what `entries` add to the same entries of before, of which each has its id."""
    return ListChange(
        earlier,
        {
            str(entry[_ID]): {
                field: value
                for field, value in entry.items()
                if field != _ID and before.get(field) != value
            }
            for before, entry in zip(earlier, entries, strict=True)
        },
    )


def with_change(value: Any, change: ListChange, *, all_fields: bool = False) -> Any:
    """Return a list as a change leaves it: nothing that the change doesn't name is touched.

    A recipient is told only of fields that its list has, unless the list is empty or withdrawn.
    With `all_fields`, it is this agency's own list.
    """
    entries = value if is_list(value) else ()
    fields = fields_of(entries)
    may_have_all = all_fields or not fields
    listed = {str(entry[_ID]) for entry in change.listing}
    # An added entry that is there already isn't added twice.
    added = [id for id in change.entries if id not in listed]
    places = align([each for each in entries if str(each.get(_ID)) not in added], change.listing)
    remaining = iter(places)
    changed: dict[str, dict[str, Any] | None] = {}
    for index, entry in enumerate(entries):
        id = str(entry.get(_ID, index))
        if id not in added and (place := next(remaining)) is not None:
            id = str(change.listing[place][_ID])
        named = {_ID: id} if id in listed or id in added else {}
        fields_now = change.entries.get(id, {})
        if fields_now is None:  # the entry is removed
            changed[id] = None
            continue
        allowed = {name: fields_now[name] for name in fields_now if may_have_all or name in fields}
        withdrawn = {name for name in allowed if allowed[name] is None}
        both = {**entry, **allowed, **named}
        changed[id] = {name: both[name] for name in both if name not in withdrawn}
    for id in added:
        new = change.entries[id] or {}
        known = {name: new[name] for name in _known(new) if may_have_all or name in fields}
        if id not in changed and known:
            changed[id] = {_ID: id, **known}
    return [entry for entry in changed.values() if entry is not None]


def differences(
    name: str, before: Any, after: Any, listing: Sequence[Entry]
) -> Iterator[Difference]:
    """Yield what differs between two values of a detail, of lists entry by entry.

    The entries are named by their places in `listing`.
    """
    if not (is_list(before) and is_list(after)):
        yield Difference(name, before, after)
        return
    order = {str(entry[_ID]): place for place, entry in enumerate(listing)}
    matched = align(after, before)
    for index, (entry, place) in enumerate(zip(after, matched, strict=True)):
        at = f"{name}[{order.get(str(entry.get(_ID)), index)}]"
        if place is None:
            yield Difference(at, None, entry)
            continue
        earlier, entry = _in_finest_words(before[place]), _in_finest_words(entry)
        for field in dict.fromkeys((*earlier, *entry)):
            if field != _ID and earlier.get(field) != entry.get(field):
                yield Difference(f"{at}.{field}", earlier.get(field), entry.get(field))
    named = align(before, listing)
    for place, entry in enumerate(before):
        if place not in matched:
            listed = named[place]
            yield Difference(f"{name}[{place if listed is None else listed}]", entry, None)


def fields_of(entries: Iterable[Entry]) -> frozenset[str]:
    """Return the fields that a list has, also those that it states as not known.

    A list that states nothing but that has none.
    """
    listed = [dict(entry) for entry in entries]
    if not any(set(_known(entry)) - {_ID} for entry in listed):
        return frozenset()
    return frozenset(field for entry in listed for field in entry) - {_ID}


def has_field(value: Any, listing: Sequence[Entry], place: int, field: str) -> bool:
    """Return True if a list has a value of a field of the entry at a place of the listing."""
    entries = value if is_list(value) else ()
    return any(
        at == place and entry.get(field) is not None
        for entry, at in zip(entries, align(entries, listing), strict=True)
    )
