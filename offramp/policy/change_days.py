"""The days of a change: the day that is compared, and each later day on which a rule changes.

A proof about one day covers the days until either pack changes. So what a draft says of next year
is decided under the rules of next year.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import chain, pairwise
from typing import Any

from offramp.policy.change_sides import ChangeSide, naming
from rules.author.difference import differences
from rules.author.redline import says_the_same
from rules.decide.program import Program
from rules.decide.search_space import SearchSpace
from rules.errors import RequestError
from rules.frozen import frozen
from rules.input.printing import plain
from rules.packs.resolve import Segment, resolve
from rules.prove.sides import Side

ONE_DAY = timedelta(days=1)
OLD, NEW = "old", "new"
_OUTSIDE = "outside-program"


@frozen
class Stretch:
    """Days on which neither side changes: from `since` to the day before `until`, if it ends."""

    since: date
    until: date | None
    formal: tuple[Side, Side]

    @property
    def segments(self) -> tuple[Segment, Segment]:
        """Both packs on the first of these days."""
        return self.formal[0].space.segment, self.formal[1].space.segment

    def as_json(self) -> dict[str, str | None]:
        """Return the days as the memo has them. `until` is the first day that isn't covered."""
        return {
            "from": self.since.isoformat(),
            "until": None if self.until is None else self.until.isoformat(),
        }


@frozen
class DaysWithoutRules:
    """Days on which a side gives no answer: before its program began, or after it ended.

    `since` is None without a first day, `until` is the first day that isn't one of them. `sides`
    are those without rules, `old`, `new`, or both.
    """

    since: date | None
    until: date | None
    sides: tuple[str, ...]

    @property
    def takes_away(self) -> bool:
        """True if the old pack gives answers on these days, and the new one none."""
        return self.sides == (NEW,)

    def has(self, day: date) -> bool:
        """Return whether a day is one of these."""
        return (self.since is None or self.since <= day) and (
            self.until is None or day < self.until
        )

    def as_json(self) -> dict[str, Any]:
        """Return the days as the memo has them."""
        return {"from": plain(self.since), "until": plain(self.until), "sides": list(self.sides)}


@frozen
class OneSidedStretch:
    """Days on which only one side gives answers, and all by the same rules.

    `side` is `old` or `new`. `formal` has that side on the day that it is compared with, which is
    the nearest one on which both sides give answers, and on one of these days.
    """

    side: str
    since: date | None
    until: date | None
    formal: tuple[Side, Side]

    @property
    def segments(self) -> tuple[Segment, Segment]:
        """The side's pack on the day that it is compared with, and on these days."""
        return self.formal[0].space.segment, self.formal[1].space.segment

    @property
    def days(self) -> DaysWithoutRules:
        """The days, as those without an answer of the other side."""
        return DaysWithoutRules(self.since, self.until, (OLD if self.side == NEW else NEW,))

    def as_json(self) -> dict[str, Any]:
        """Return the days as the memo has them."""
        return {
            "side": self.side,
            "covers": {"from": plain(self.since), "until": plain(self.until)},
            "rules_of": self.segments[1].day.isoformat(),
            "compared_with": self.segments[0].day.isoformat(),
        }


def days_without_rules(sides: tuple[ChangeSide, ChangeSide]) -> tuple[DaysWithoutRules, ...]:
    """Return the days on which only one side gives answers, and those between two programs.

    Left out are days before the compared one on which another program gave no answer yet.
    """
    is_same = sides[0].pack.id == sides[1].pack.id
    return tuple(
        item
        for item in _all_days_without_rules(sides)
        if is_same or item.until is None or item.until > sides[1].day or NEW in item.sides
    )


def one_sided_stretches(
    sides: tuple[ChangeSide, ChangeSide], days: Iterable[DaysWithoutRules]
) -> tuple[OneSidedStretch, ...]:
    """Return the stretches of days on which only one side gives answers, by that side's rules."""
    return tuple(
        stretch
        for item in days
        if len(item.sides) == 1
        for stretch in _one_sided(sides, item, 0 if item.takes_away else 1)
    )


def _one_sided(
    sides: tuple[ChangeSide, ChangeSide], item: DaysWithoutRules, place: int
) -> Iterator[OneSidedStretch]:
    side = sides[place]
    is_before = item.until is not None and (item.since is None or item.until <= sides[1].day)
    inside = [
        day
        for day in sorted(set(side.pack.boundaries()))
        if item.has(day) and (item.since is None or day > item.since)
    ]
    firsts, ends = [item.since, *inside], [*inside, item.until]
    stretches: list[tuple[date | None, date | None, Segment]] = []
    for since, until in zip(firsts, ends, strict=True):
        sample = until - ONE_DAY if until is not None and is_before else since
        assert sample is not None, "a side that alone gives answers has a first or a last such day"
        segment = resolve(side.pack, sample)
        if stretches and says_the_same(stretches[-1][2], segment):
            since, _, kept = stretches.pop()
            segment = segment if is_before else kept
        stretches.append((since, until, segment))
    beside = _on_side(side, _day_beside(sides, item, place, is_before=is_before))
    for since, until, segment in stretches:
        formal = (beside, _on_side(side, segment.day))
        yield OneSidedStretch((OLD, NEW)[place], since, until, formal)


def _day_beside(
    sides: tuple[ChangeSide, ChangeSide], item: DaysWithoutRules, place: int, *, is_before: bool
) -> date:
    """Return the day next to days of one side on which both sides give answers."""
    day = item.until if is_before else item.since and item.since - ONE_DAY
    is_common = day is not None and all(side.pack.program.in_force(day) for side in sides)
    return day if day is not None and is_common else sides[place].day


def _on_side(side: ChangeSide, day: date) -> Side:
    return Side(Program(side.pack, day), SearchSpace(resolve(side.pack, day)))


def _all_days_without_rules(
    sides: tuple[ChangeSide, ChangeSide],
) -> Iterator[DaysWithoutRules]:
    programs = [side.pack.program for side in sides]
    ends = {day for program in programs for day in (program.since, program.until) if day}
    for since, until in pairwise([None, *sorted(ends), None]):
        sample = since or (None if until is None else until - ONE_DAY)
        if sample is None:
            continue
        absent = tuple(
            name
            for name, program in zip((OLD, NEW), programs, strict=True)
            if not program.in_force(sample)
        )
        is_outside = len(absent) == 2 and (since is None or until is None)
        if absent and not is_outside:
            yield DaysWithoutRules(since, until, absent)


def stretches_of(sides: tuple[ChangeSide, ChangeSide]) -> tuple[Stretch, ...]:
    """Return the compared day with the days that are like it, and each later stretch of days.

    Two different days are compared with each other, and no later one.
    """
    first = _on(sides, (sides[0].day, sides[1].day))
    starts = list(_later_starts(sides, first))
    days = [sides[1].day, *starts]
    ends = [*starts, _end(sides)]
    return tuple(
        Stretch(day, end, first if day == sides[1].day else _on(sides, (day, day)))
        for day, end in zip(days, ends, strict=True)
    )


def first_earlier_day(sides: tuple[ChangeSide, ChangeSide]) -> date | None:
    """Return the first day before the compared one on which the packs differ, None without one."""
    day = sides[1].day
    if not _are_compared_on_one_day(sides):
        return None
    starts = [side.pack.program.since for side in sides]
    start = max((start for start in starts if start is not None), default=date.min)
    for earlier in (start, *(boundary for boundary in _boundaries(sides) if boundary > start)):
        if earlier < day and not says_the_same(*(resolve(side.pack, earlier) for side in sides)):
            return earlier
    return None


def same_rules_since(stretch: Stretch, sides: tuple[ChangeSide, ChangeSide]) -> date:
    """Return from which day on both packs have the rules of the compared day."""
    starts = [side.pack.program.since for side in sides]
    start = max((day for day in starts if day is not None), default=None)
    days = [day for day in _boundaries(sides) if day < stretch.since]
    since = stretch.since
    for day in [*reversed([day for day in days if start is None or day > start]), start]:
        # The rules of the days before `since` are those of the boundary before it.
        if day is None or day >= stretch.since:
            break
        before = [resolve(side.pack, day) for side in sides]
        if not all(map(says_the_same, before, stretch.segments)):
            break
        since = day
    return since


def _are_compared_on_one_day(sides: tuple[ChangeSide, ChangeSide]) -> bool:
    return sides[0].day == sides[1].day and bool(differences(sides[0].pack, sides[1].pack))


def _boundaries(sides: tuple[ChangeSide, ChangeSide]) -> list[date]:
    return sorted(set(chain.from_iterable(side.pack.boundaries() for side in sides)))


def _end(sides: tuple[ChangeSide, ChangeSide]) -> date | None:
    """Return the day from which one of the programs is over."""
    ends = [side.pack.program.until for side in sides]
    return min((end for end in ends if end is not None), default=None)


def _later_starts(
    sides: tuple[ChangeSide, ChangeSide], formal: tuple[Side, Side]
) -> Iterator[date]:
    """Yield the later days on which a side begins to say something else."""
    if not _are_compared_on_one_day(sides):
        return
    end = _end(sides)
    before: Sequence[Segment] = [side.space.segment for side in formal]
    for day in _boundaries(sides):
        if day <= sides[1].day or (end is not None and day >= end):
            continue
        after = [resolve(side.pack, day) for side in sides]
        if not all(map(says_the_same, before, after)):
            yield day
            before = after


def _on(sides: tuple[ChangeSide, ChangeSide], days: tuple[date, date]) -> tuple[Side, Side]:
    try:
        return _formal(sides[0], days[0], "OLD"), _formal(sides[1], days[1], "NEW")
    except RequestError as refusal:
        if refusal.code == _OUTSIDE:
            common = _common_day(sides, max(days))
            with_days = [
                f"{side.name}@{common or _day_with_rules(side, day)}"
                for side, day in zip(sides, days, strict=True)
            ]
            refusal.fix = f"name days on which both have rules, such as `{' '.join(with_days)}`"
        raise


def _common_day(sides: tuple[ChangeSide, ChangeSide], day: date) -> date | None:
    """Return the day on which both programs run that is nearest to another day."""
    starts = [side.pack.program.since for side in sides]
    end = _end(sides)
    start = max((since for since in starts if since is not None), default=None)
    if start is not None and end is not None and start >= end:
        return None
    nearest = day if start is None else max(day, start)
    return nearest if end is None else min(nearest, end - ONE_DAY)


def _formal(side: ChangeSide, day: date, label: str) -> Side:
    with naming(label, f"{side.name}@{day}"):
        return Side(Program(side.pack, day), SearchSpace(resolve(side.pack, day)))


def _day_with_rules(side: ChangeSide, day: date) -> date:
    """Return the day of the program that is nearest to another day."""
    program = side.pack.program
    if program.until is not None and day >= program.until:
        return program.until - ONE_DAY
    return max(day, program.since) if program.since is not None else day
