"""Statements of a case that are no facts: the status, and how to reach the case manager. Pure.

No rule reads these words. People do, and the newest statement counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from offramp.agency.cases.case import Case
from offramp.agency.cases.case_entry import FactSource
from offramp.agency.cases.stated import StatedContent

# By category, in the order in which people read them. The members of a category are told together.
_MEMBERS: Mapping[str, tuple[str, ...]] = {
    "status": ("engagement",),
    "barriers": ("areas", "goals"),
    "case_manager_contact": ("name", "phone"),
}


def stated_members(case: Case, stated: Sequence[StatedContent]) -> dict[str, FactSource]:
    """Return the newest statement of each such member, by its path. `stated` is oldest first."""
    entries = {entry.key: entry for entry in case.entries if not entry.is_label}
    return {
        f"{category}.{name}": FactSource(value, entries[part.by, part.record, part.part])
        for category in _MEMBERS
        for part, members in _newest(stated, category)
        for name, value in members.items()
    }


def _newest(
    stated: Sequence[StatedContent], category: str
) -> Iterator[tuple[StatedContent, Mapping[str, object]]]:
    """Yield the newest part with a member of a category, and its members."""
    for part in reversed(stated):
        content = part.content.get(category) or {}
        members = {name: content[name] for name in _MEMBERS[category] if content.get(name)}
        if members:
            yield part, members
            return
