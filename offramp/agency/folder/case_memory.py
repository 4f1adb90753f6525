"""What was worked out of each case, remembered until the case changes or its time is over.

It is never an authority: a value counts only while the case is as it was when the value was worked
out, and until the first time at which the same case could give another value. Everything in it can
be forgotten at any moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Generic, TypeVar

from offramp.agency.folder.case_index import CaseIndex
from rules.frozen import frozen

T = TypeVar("T")
# The most lists that are remembered at once. A meeting has one for each set of agencies present.
MOST_LISTS = 32


@frozen
class Subject(Generic[T]):
    """One sort of value that is remembered of each case.

    `write` and `read` turn a value into JSON and back. A subject without them is remembered in
    this process only. `most` limits the cases whose value is remembered, to those looked at last.
    """

    name: str
    write: Callable[[T], Any] | None = None
    read: Callable[[Any], T] | None = None
    most: int | None = None


@frozen
class Remembered:
    """A value and when it holds.

    `stamp` is the number of the case's newest event. The value holds from `since` on, and before
    `until`, in seconds since 1970, None for always. `is_written` is True if `value` still is JSON.
    """

    stamp: int
    since: int
    until: int | None
    value: Any
    is_written: bool = False

    def holds(self, stamp: int, now: int) -> bool:
        """Report whether the value holds for the newest event of its case, at a time."""
        return (
            self.stamp == stamp and self.since <= now and (self.until is None or now < self.until)
        )


class CaseMemory:
    """What was worked out of each case, by subject and handle."""

    def __init__(self, cases: CaseIndex) -> None:
        self._cases = cases
        self._entries: dict[str, dict[str, Remembered]] = {}
        self._subjects: dict[str, Subject[Any]] = {}
        # The subjects and handles whose values the index file lacks.
        self.unsaved: set[tuple[str, str]] = set()
        # Adds what an earlier program worked out, when the first value is asked for.
        self.fill: Callable[[CaseMemory], None] | None = None
        # The lists of all cases, by name: the index's version, and when the list holds.
        self._lists: dict[Any, tuple[int, int, int | None, Any]] = {}

    def recall(
        self,
        subject: Subject[T],
        handle: str,
        now: int,
        work_out: Callable[[], tuple[T, int | None]],
    ) -> T:
        """Return the value of a case, worked out only if none that holds is remembered.

        `work_out` returns the value and the first time at which it may differ although nothing
        happened, None for never.
        """
        value, _ = self.recall_with_end(subject, handle, now, work_out)
        return value

    def recall_with_end(
        self,
        subject: Subject[T],
        handle: str,
        now: int,
        work_out: Callable[[], tuple[T, int | None]],
    ) -> tuple[T, int | None]:
        """Return the value as `recall`, and the first time at which it may differ."""
        if self.fill is not None:
            fill, self.fill = self.fill, None
            fill(self)
        self._subjects[subject.name] = subject
        entries = self._entries.setdefault(subject.name, {})
        stamp = self._cases.touched(handle)
        remembered = entries.get(handle)
        if remembered is not None and remembered.holds(stamp, now):
            if remembered.is_written:
                remembered = _decoded(subject, remembered)
                entries[handle] = remembered
            return remembered.value, remembered.until
        value, until = work_out()
        entries.pop(handle, None)
        entries[handle] = Remembered(stamp, now, until, value)
        if subject.most is not None and len(entries) > subject.most:
            del entries[next(iter(entries))]
        if subject.write is not None:
            self.unsaved.add((subject.name, handle))
        return value, until

    def recall_list(
        self, name: object, now: int, work_out: Callable[[], tuple[T, int | None]]
    ) -> T:
        """Return a list over all cases, worked out only if any case changed or its time is over."""
        entry = self._lists.get(name)
        if entry is not None:
            version, since, until, value = entry
            if version == self._cases.version and since <= now and (until is None or now < until):
                remembered_list: T = value
                return remembered_list
        made, until = work_out()
        if len(self._lists) >= MOST_LISTS:
            self._lists.clear()
        self._lists[name] = self._cases.version, now, until, made
        return made

    def written(self) -> Iterator[tuple[str, str, Remembered]]:
        """Yield subject, handle, and JSON of every value that the index file lacks."""
        for name, handle in sorted(self.unsaved):
            remembered = self._entries[name][handle]
            write = self._subjects[name].write
            if not remembered.is_written and write is not None:
                text = write(remembered.value)
                yield name, handle, replace(remembered, value=text, is_written=True)

    def add(self, subject: str, handle: str, remembered: Remembered) -> None:
        """Add a value that was read from the index file."""
        self._entries.setdefault(subject, {})[handle] = remembered

    def adopt(self, other: CaseMemory, without: Iterable[str]) -> None:
        """Take over what an earlier memory of the same journal has, but nothing of some cases."""
        left_out = frozenset(without)
        for subject, entries in other._entries.items():
            kept = {handle: value for handle, value in entries.items() if handle not in left_out}
            self._entries.setdefault(subject, {}).update(kept)


def _decoded(subject: Subject[T], remembered: Remembered) -> Remembered:
    assert subject.read is not None, "only what can be read back is written"
    return replace(remembered, value=subject.read(remembered.value), is_written=False)
