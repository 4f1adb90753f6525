"""One statement in a case: the facts that one part states, and its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rules.frozen import frozen

# The position of a part that is not in the log yet.
LATEST = float(2**53)


@frozen
class CaseEntry:
    """The facts and outcomes that one part states, and its source.

    `by` is the agency and `role` its role. `position` is the part's index in the log, `LATEST` if
    it is not logged yet. `record` and `part` are None for a note of this agency. `facts` are by
    path, `outcomes` by decision. `corrects` is the record and the part that this part corrects.
    `kind` is the record's, `correction` also for a note that corrects. `is_label` is True for the
    facts that follow from kind and label, which no correction of a content changes.

    `categories` are the part's. `has_content` is False if the content isn't readable here: nobody
    opened the part, or it was destroyed. `was_opened` is True if somebody here has read it. `seen`
    is the log's size that this agency had seen when it stated this, None where that is not known.
    """

    by: str
    role: str | None
    position: float
    record: str | None
    part: str | None
    facts: Mapping[str, Any]
    outcomes: Mapping[str, str]
    determined: Mapping[str, Any] | None = None
    corrects: tuple[str, str] | None = None
    kind: str | None = None
    is_label: bool = False
    categories: tuple[str, ...] = ()
    has_content: bool = True
    was_opened: bool = True
    seen: float | None = None

    @property
    def is_logged(self) -> bool:
        """True if the log holds the record, so that others can be shown it."""
        return self.record is not None and self.position < LATEST

    @property
    def key(self) -> tuple[str, str | None, str | None]:
        """The agency, the record, and the part."""
        return self.by, self.record, self.part


@frozen
class FactSource:
    """One agency's newest value of a fact, and the part that states it."""

    value: Any
    entry: CaseEntry

    def as_json(self) -> dict[str, Any]:
        """Return the value with its source as JSON holds it."""
        return {
            "by": self.entry.by,
            "value": self.value,
            "record": self.entry.record,
            "part": self.entry.part,
        }


def same_value(left: Any, right: Any) -> bool:
    """Return True if two values are equal, apart from the order and the ids of a list's entries."""
    if _is_list(left) and _is_list(right):
        return _sorted_entries(left) == _sorted_entries(right)
    return bool(left == right)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(entry, Mapping) for entry in value)


def _sorted_entries(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted(
        repr(
            sorted(
                (name, value) for name, value in entry.items() if value is not None and name != "id"
            )
        )
        for entry in entries
    )
