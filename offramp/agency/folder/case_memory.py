"""What was worked out of each case, remembered until the case changes or its time is over.

It is never an authority: a value counts only while the case is as it was when the value was worked
out, and until the first time at which the same case could give another value. Everything in it can
be forgotten at any moment.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from operator import itemgetter
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
        self._lists: dict[object, _SortedRows] = {}

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
        self,
        name: object,
        now: int,
        work_out: Callable[[str], tuple[Iterable[T], int | None]],
        key: Callable[[T], Any],
    ) -> tuple[T, ...]:
        """Return a sorted list over all cases, of which only changed cases are worked out again.

        `work_out` returns a case's rows, and the first time at which they may differ. It may be
        called for a case that has not changed. `name` names the list.
        """
        kept = self._lists.get(name)
        if kept is None or now < kept.since:
            if len(self._lists) >= MOST_LISTS:
                self._lists.clear()
            kept = self._lists[name] = _SortedRows(now)
        version = self._cases.version
        changed = dict.fromkeys(self._cases.changed_since(kept.version))
        changed |= dict.fromkeys(kept.over(now))
        if changed:
            for handle in changed:
                rows, kept.ends[handle] = work_out(handle)
                changed[handle] = [(key(row), handle, row) for row in rows]
            kept.replace(changed)
        kept.version = version
        rows_in_order: tuple[T, ...] = kept.rows
        return rows_in_order

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


_KEY = itemgetter(0)
# Rows are put in place one by one if so many times fewer cases changed than there are.
_FEW = 16


class _SortedRows:
    """A list over all cases at a version of the index: its rows in order, and when they hold."""

    def __init__(self, since: int) -> None:
        self.since = since
        self.version = -1
        self.ends: dict[str, int | None] = {}
        self.rows: tuple[Any, ...] = ()
        self._keyed: list[tuple[Any, str, Any]] = []
        self._keys_of: dict[str, list[Any]] = {}

    def over(self, now: int) -> list[str]:
        """Return the cases whose rows may differ by now."""
        return [handle for handle, end in self.ends.items() if end is not None and end <= now]

    def replace(self, changed: Mapping[str, Any]) -> None:
        """Put the rows of changed cases in the place of their earlier ones."""
        if len(changed) * _FEW < len(self._keys_of):
            for handle, rows in changed.items():
                self._remove(handle)
                for row in rows:
                    insort(self._keyed, row, key=_KEY)
        else:
            self._keyed = [row for row in self._keyed if row[1] not in changed]
            for rows in changed.values():
                self._keyed += rows
            # Nearly sorted, which costs little.
            self._keyed.sort(key=_KEY)
        for handle, rows in changed.items():
            self._keys_of[handle] = [_KEY(row) for row in rows]
        self.rows = tuple(map(itemgetter(2), self._keyed))

    def _remove(self, handle: str) -> None:
        """Remove the rows of one case, each found by its key."""
        for key in self._keys_of.get(handle, ()):
            place = bisect_left(self._keyed, key, key=_KEY)
            while self._keyed[place][1] != handle:
                place += 1
            del self._keyed[place]


def _decoded(subject: Subject[T], remembered: Remembered) -> Remembered:
    assert subject.read is not None, "only what can be read back is written"
    return replace(remembered, value=subject.read(remembered.value), is_written=False)
