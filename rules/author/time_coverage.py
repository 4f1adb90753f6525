"""Coverage of days and of numbers: both sides of each day of change, and of each number.

A day counts once if the rules of some decision change on it while the program runs. It is covered
if each such decision has a scenario under the rules before it and one under the rules from it on.
The day on which a program ends counts too. It is covered by a case on its last day, and by one that
is refused from that day on (`outside-program`).

A number has two sides under each value in time: a comparison with it that is true, and one that is
false. A clock's length has them too: in time, and too late.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal

from rules.decide.decision import Decision
from rules.frozen import frozen
from rules.language import tree
from rules.packs.pack import Clock, Pack, Value
from rules.packs.resolve import segments_of
from rules.prove.written_rules import written_rule

_ONE_DAY = timedelta(days=1)
ENTRY = ("offer", "eligibility")  # the decisions by which a program's first and last day are shown
OUTSIDE = "outside-program"
_ORDERS = ("<", "<=", ">", ">=")
IN_TIME, TOO_LATE = "in time", "too late"
_SIDES = {"running": IN_TIME, "met": IN_TIME, "overdue": TOO_LATE, "late": TOO_LATE}


def compares_with_a_number(part: tree.Tree) -> bool:
    """Return whether a part of a condition compares with a number, a length, or a time."""
    if not isinstance(part, tree.Compare):
        return False
    if part.operator in _ORDERS:
        return True
    return any(_is_number(side) for side in (part.left, part.right))


def _is_number(side: tree.Tree) -> bool:
    return (
        isinstance(side, tree.Constant)
        and isinstance(side.value, (int, Decimal))
        and not isinstance(side.value, bool)
    )


@frozen
class Stretch:
    """The days from `begins` to before `ends` on which a decision's rules are the same.

    `changes` is the day of change that it lies beside: its first day, or the day after its last.
    With `is_last_day` it is a program's last day, and with `is_outside` the day after it.
    """

    decision: str
    begins: date
    ends: date
    changes: date
    is_last_day: bool = False
    is_outside: bool = False

    @property
    def says(self) -> str:
        """The sentence that the stretch has no scenario."""
        if self.is_outside:
            return (
                f"{self.changes}: no scenario says that `{self.decision}` is refused on this day, "
                f"the first after the program (`{OUTSIDE}`)"
            )
        if self.is_last_day:
            return f"{self.begins}: no scenario of `{self.decision}` on the program's last day"
        side = "from this day on" if self.begins == self.changes else "before this day"
        return f"{self.changes}: no scenario of `{self.decision}` under the rules {side}"


class TimeCoverage:
    """The days and the clocks' lengths of a pack, and what scenarios show of them."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        # Found once for each pack, which keeps them: a draft is run scenario by scenario.
        stretches: tuple[Stretch, ...] | None = pack.__dict__.get("_days_read")
        if stretches is None:
            stretches = pack.__dict__["_days_read"] = (*_stretches(pack), *end_of_program(pack))
        self._stretches = stretches
        self._decided: dict[str, set[date]] = {}
        self._refused: dict[str, set[date]] = {}
        self._clocks: dict[tuple[str, int], set[str]] = {}

    def by(self, decision: Decision) -> None:
        """Add what a scenario's decision shows, and every decision that it read."""
        for ruling in (decision, *decision.case.rulings.values()):
            if ruling.as_of is not None:
                self._decided.setdefault(ruling.decision, set()).add(ruling.as_of)
        if decision.segment is not None:
            self._add_clocks(decision, decision.segment.segment.values)

    def by_refused(self, decision: str, days: Iterable[date]) -> None:
        """Add the days of a scenario that says that the program doesn't run then."""
        self._refused.setdefault(decision, set()).update(days)

    def _add_clocks(self, decision: Decision, values: Mapping[str, Value]) -> None:
        for reading in decision.clocks:
            clock = self.pack.clocks.get(reading["clock"])
            side = _SIDES.get(reading["status"])
            if clock is not None and side is not None:
                key = (clock.name, id(values[clock.length]))
                self._clocks.setdefault(key, set()).add(side)

    @property
    def days(self) -> tuple[int, int]:
        """How many of the days of change are covered, and how many there are."""
        every = {stretch.changes for stretch in self._stretches}
        lacking = {stretch.changes for stretch in self.lacking_days()}
        return len(every - lacking), len(every)

    def lacking_days(self) -> Iterator[Stretch]:
        """Yield each stretch beside a day of change that has no scenario of its decision."""
        for stretch in self._stretches:
            seen = self._refused if stretch.is_outside else self._decided
            days = seen.get(stretch.decision, ())
            if not any(stretch.begins <= day < stretch.ends for day in days):
                yield stretch

    @property
    def clock_sides(self) -> tuple[int, int]:
        """How many of the sides of clocks' lengths were seen, and how many there are."""
        every = list(self._lengths())
        seen = sum(len(self._clocks.get((clock.name, id(value)), ())) for clock, value in every)
        return seen, 2 * len(every)

    def lacking_sides(self) -> Iterator[str]:
        """Yield a sentence for each side of a clock's length that no scenario shows."""
        for clock, value in self._lengths():
            seen = self._clocks.get((clock.name, id(value)), set())
            since = f" from {value.since}" if value.since is not None else ""
            for side in (IN_TIME, TOO_LATE):
                if side not in seen:
                    yield (
                        f"the clock `{clock.name}` is never {side} under the value of "
                        f"`{clock.length}`{since}"
                    )

    def _lengths(self) -> Iterator[tuple[Clock, Value]]:
        """Yield each clock with each value of its length, of which this pack declares one."""
        program = self.pack.program
        for clock in self.pack.clocks.values():
            for value in self.pack.parameters[clock.length].values:
                begins = max(item.since or date.min for item in (program, clock, value))
                ends = min(item.until or date.max for item in (program, clock, value))
                if begins < ends and self.pack.id in (clock.declared_in, value.declared_in):
                    yield clock, value


def _stretches(pack: Pack) -> Iterator[Stretch]:
    """Yield the stretches before and after each day on which a decision's rules change."""
    segments = tuple(segments_of(pack))
    for name in pack.decisions:
        begins: list[date] = []
        before: tuple[str, ...] | None = None
        for segment in segments:
            written = tuple(written_rule(segment, rule) for rule in segment.decisions[name].rules)
            if written != before:
                begins.append(segment.day)
            before = written
        ends = [*begins[1:], pack.program.until or date.max]
        for number, day in enumerate(begins[1:], 1):
            yield Stretch(name, begins[number - 1], day, day)
            yield Stretch(name, day, ends[number], day)


def entry_decisions(names: Collection[str]) -> list[str]:
    """Return those of some decisions by which a program's first and last day are shown."""
    return [name for name in ENTRY if name in names] or list(names)[:1]


def end_of_program(pack: Pack) -> Iterator[Stretch]:
    """Yield the last day of a program, and the first day after it, nothing if no end is known."""
    program = pack.program
    if program.until is None or (program.since is not None and program.until <= program.since):
        return
    day = program.until
    for name in entry_decisions(pack.decisions):
        yield Stretch(name, day - _ONE_DAY, day, day, is_last_day=True)
        yield Stretch(name, day, day + _ONE_DAY, day, is_outside=True)
