"""The contents in force of one case: what each agency said last, as far as this one knows it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from offramp.agency.cases.case import Case
from offramp.agency.cases.case_entry import same_value
from offramp.agency.cases.caseload import own_parts
from offramp.agency.cases.positions import record_position
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen

_Key = tuple[str, str, str]


@frozen
class StatedContent:
    """The content of one part that this agency sent or opened, as it was corrected since.

    `by` is the agency that said it. `position` is the record's index in the log, a later one before
    it is logged, and `time` its time in seconds since 1970.
    """

    by: str
    position: float
    time: int
    record: str
    part: str
    kind: str
    content: Mapping[str, Any]


def stated_contents(
    working_set: WorkingSet, handle: str, case: Case, *, with_unopened: bool = False
) -> tuple[StatedContent, ...]:
    """Return the contents of a case that aren't recalled, the oldest first.

    A correction is read into the part that it corrects. What an unopened correction may have
    changed is left out, unless `with_unopened` keeps the last opened value to show it.
    """
    contents = _contents(working_set, handle)
    merged: dict[_Key, StatedContent] = {}
    root: dict[_Key, _Key] = {}
    for entry in case.entries:
        if entry.is_label or entry.record is None or entry.part is None:
            continue
        key = (entry.by, entry.record, entry.part)
        corrected = (entry.by, *entry.corrects) if entry.corrects else key
        root[key] = root.get(corrected, key)
        stated, earlier = contents.get(key), merged.get(root[key])
        if earlier is not None and not entry.has_content:
            if not with_unopened:
                kept = _without(earlier.content, entry.categories)
                merged[root[key]] = replace(earlier, content=kept)
        elif earlier is not None and stated is not None:
            corrected_content = _corrected(earlier.content, stated.content)
            merged[root[key]] = replace(earlier, content=corrected_content)
        elif stated is not None:
            merged[key] = stated
    return tuple(sorted(merged.values(), key=lambda stated: stated.position))


def stated_at(
    working_set: WorkingSet, handle: str, case: Case
) -> Mapping[tuple[str, str, str, str], int]:
    """Return when each detail got the value that counts, in seconds since 1970.

    Keys are the agency, the record, the part, and the detail's name, or an empty name for the part
    itself. A correction states the rest
    of its part, too: what it leaves as it was keeps the day on which it was stated. What it changes
    has the day of the correction, also under the part that it corrects.
    """
    contents = _contents(working_set, handle)
    corrected = {
        (entry.by, entry.record, entry.part): (entry.by, *entry.corrects)
        for entry in case.entries
        if entry.corrects is not None
    }
    in_force = {(entry.by, entry.record, entry.part) for entry in case.entries}
    root: dict[_Key, _Key] = {}
    newest: dict[_Key, dict[str, tuple[Any, int]]] = {}
    parts: dict[_Key, set[_Key]] = {}
    for key, stated in sorted(contents.items(), key=lambda pair: pair[1].position):
        if key not in in_force:
            continue  # it was recalled
        root[key] = root.get(corrected.get(key, key), key)
        details = newest.setdefault(root[key], {})
        parts.setdefault(root[key], set()).add(key)
        for name, value in _details(stated.content):
            value_before, time = details.get(name, (None, stated.time))
            is_same = name in details and same_value(value_before, value)
            details[name] = value, time if is_same else stated.time
    of_parts = {(*key, ""): contents[key].time for key in root}
    return of_parts | {
        (*key, name): time
        for start, keys in parts.items()
        for key in keys
        for name, (_, time) in newest[start].items()
    }


def readable_contents(working_set: WorkingSet, handle: str) -> Mapping[_Key, StatedContent]:
    """Return the contents that this agency sent or opened and still has, recalled ones too.

    Keys are the agency, the record, and the part.
    """
    return {
        key: stated
        for key, stated in _contents(working_set, handle).items()
        if key not in working_set.destroyed
    }


def _contents(working_set: WorkingSet, handle: str) -> dict[_Key, StatedContent]:
    return {
        (stated.by, stated.record, stated.part): stated
        for stated in (*_sent(working_set, handle), *_opened(working_set, handle))
    }


def _details(content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the facts and the other members of a content, by the names of details."""
    for category, members in content.items():
        for name, value in members.items():
            if name != "facts":
                yield f"{category}.{name}", value
        yield from (members.get("facts") or {}).items()


def _without(content: Mapping[str, Any], categories: Collection[str]) -> Mapping[str, Any]:
    return {name: members for name, members in content.items() if name not in categories}


def _corrected(content: Mapping[str, Any], correction: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a content with the members that a correction restates."""
    corrected = dict(content)
    for category, members in correction.items():
        before = corrected.get(category) or {}
        facts = {**(before.get("facts") or {}), **(members.get("facts") or {})}
        corrected[category] = {**before, **members, **({"facts": facts} if facts else {})}
    return corrected


def _sent(working_set: WorkingSet, handle: str) -> Iterator[StatedContent]:
    for outgoing in working_set.cases.records(handle).sent:
        if outgoing.refused is not None or outgoing.replaced_by is not None:
            continue
        time = outgoing.receipt.time if outgoing.receipt else outgoing.time
        position = record_position(outgoing)
        for part, _, content in own_parts(outgoing):
            yield StatedContent(
                working_set.agency, position, time, outgoing.jti, part, outgoing.kind, content
            )


def _opened(working_set: WorkingSet, handle: str) -> Iterator[StatedContent]:
    for received in working_set.cases.records(handle).received.values():
        record, committed = received.record, received.committed
        if record is None or committed is None:
            continue
        for part, opened in received.opened.items():
            yield StatedContent(
                record.issuer,
                committed.index,
                committed.time,
                record.jti,
                part,
                record.kind,
                opened.content,
            )


def preferred_language(stated: Sequence[StatedContent]) -> str | None:
    """Return the code of the language that the person prefers, by the newest contact details."""
    codes = ((part.content.get("contact") or {}).get("language") for part in reversed(stated))
    return next((str(code) for code in codes if code), None)
