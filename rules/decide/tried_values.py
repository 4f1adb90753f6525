"""The values that a search tries for a fact: all there are, or those around the named ones.

Numbers and days are tried at, between, and around the values that the conditions name, and lists
up to a few records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from math import ceil, floor
from typing import Any

from rules.decide.moments import instant_of, local, moved
from rules.decide.scene_day import DAY, MOMENT
from rules.input.citations import GivenCitation, Section, another_section, reader_of, section_within
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.language.exact import EXACT
from rules.language.lengths import length_of
from rules.packs.resolve import Segment
from rules.packs.tables import Table

# What conditions name, by kind.
Points = Mapping[str, set[Any]]
# Records in the longest list tried: at least, and at most where conditions mention longer lists.
SHORTEST, LONGEST = 2, 6


class TriedValues:
    """The values to try on one segment, for conditions that name `points`.

    `known` are the facts of the case so far. `witnesses` is the number of records that one list may
    need.
    """

    def __init__(
        self, segment: Segment, points: Points, known: Mapping[str, Any], witnesses: int = 0
    ) -> None:
        self._pack = segment.pack
        self._day = segment.day
        self.points = points
        self.known = known
        lengths = [int(size) + 1 for size in points["size"] if size >= 0]
        self.longest = min(max(SHORTEST, witnesses, *lengths), LONGEST)

    def of(self, fact: Fact) -> Iterator[Any]:
        """Return the values to try for a fact.

        These are all there are, or those at, between, and around the values that the conditions
        name.
        """
        match fact.type:
            case "bool":
                yield from (True, False)
            case "choice":
                yield from fact.word_tree.finest
            case "citation":
                # Unknown is what a citation brings that is not recognized: no goal needs one.
                yield from self._citations()
            case "text":
                yield from (*sorted(self.points["text"]), "(any other)")
            case "int" | "decimal":
                ends = {
                    number for number in (Decimal(0), fact.low, fact.high) if number is not None
                }
                near = {
                    number + step for number in self.points["number"] | ends for step in (-1, 0, 1)
                }
                if fact.type == "int":
                    near |= {whole(number) for number in near for whole in (floor, ceil)}
                else:
                    in_order = sorted(near)
                    near |= {EXACT.divide(EXACT.add(*pair), 2) for pair in pairwise(in_order)}
                for number in sorted(near):
                    if (fact.low is None or number >= fact.low) and (
                        fact.high is None or number <= fact.high
                    ):
                        if fact.type == "decimal" or number == int(number):
                            yield int(number) if number == int(number) else number
            case "date":
                yield from self._days(fact)
            case "timestamp":
                yield from self._moments(fact)
            case "list":
                for length in (1, 0, *range(2, self.longest + 1)):
                    yield tuple({} for _ in range(length))

    def _days(self, fact: Fact) -> Iterator[date]:
        """Return the days to try, as `of` does. The day of the encounter has one moment."""
        moment = self.known.get(MOMENT) if fact.path == DAY else None
        if moment is not None:
            yield local(moment, self._pack.time_zone).date()
            return
        days = {*self.points["date"], self._day}
        days |= {
            moved(day, length, sign)
            for day in days
            for length in self.points["length"]
            for sign in (1, -1)
        }
        days |= {moved(day, timedelta(days=step), 1) for day in days for step in (-1, 0, 1)}
        yield from sorted(days | self._week())

    def _week(self) -> set[date]:
        """Return a week of days if a condition asks for the day of the week."""
        steps = range(7) if self.points["weekday"] else ()
        return {moved(self._day, timedelta(days=step), 1) for step in steps}

    def _moments(self, fact: Fact) -> Iterator[datetime]:
        """Return the moments to try: noon, and at and just before each time of day named."""
        noon = time(12)
        second = timedelta(seconds=1)
        clock_times = {noon, *self.points["time"]} | {
            (datetime.combine(self._day, clock_time) - second).time()
            for clock_time in self.points["time"]
        }
        days = {*self.points["date"], self._day} | self._week()
        if fact.path == MOMENT and DAY in self.known:
            days = {self.known[DAY]}
        zone = self._pack.time_zone
        for day in sorted(days):
            for clock_time in sorted(clock_times, key=lambda clock_time: clock_time != noon):
                moment = instant_of(day, clock_time, zone)
                if moment is not None:
                    yield moment

    def _citations(self) -> Iterator[GivenCitation]:
        """Return every section that the conditions name, and one of another chapter.

        A chapter stands for one of its sections: a charge that cites a chapter alone is unknown.
        """
        systems, read = self._pack.vocabulary.citations, reader_of(self._pack.vocabulary).read
        texts = [
            section.text if section.is_whole else section_within(systems[section.system], section)
            for section in sorted(self.points["citation"], key=str)
        ]
        texts += [another_section(system) for system in systems.values() if not system.title_first][
            :1
        ]
        for text in texts:
            yield GivenCitation(text, read(text))


def points_of(trees: Iterable[tree.Tree], parameters: Mapping[str, Any]) -> Points:
    """Return every number, day, length of time, and text that the conditions name."""
    points: dict[str, set[Any]] = {
        "number": set(),
        "size": set(),
        "date": set(),
        "length": set(),
        "text": set(),
        "time": set(),
        "weekday": set(),
        "citation": set(),
    }

    def add(value: Any) -> None:
        """Add a value to its kind."""
        match value:
            case bool():
                pass
            case int() | Decimal():
                points["number"].add(Decimal(value))
            case date():
                points["date"].add(value)
            case time():
                points["time"].add(value)
            case timedelta() | tree.Months():
                points["length"].add(value)
            case str():
                points["text"].add(value)
            case Section():
                points["citation"].add(value)
            case tuple():
                for item in value:
                    add(item)
            case Table():
                for item in value.rows.values():
                    add(item)

    for whole in trees:
        for part in tree.nodes(whole):
            if isinstance(part, tree.Compare):
                for side, opposite in ((part.left, part.right), (part.right, part.left)):
                    if (
                        isinstance(side, tree.Total)
                        and side.value is None
                        and isinstance(opposite, tree.Constant)
                    ):
                        points["size"].add(opposite.value)
            match part:
                case (
                    tree.Constant(value)
                    | tree.Member(_, tuple() as value)
                    | tree.Cited(_, tuple() as value)
                ):
                    add(value)
                case tree.ParameterOf(name) | tree.RowOf(name):
                    add(parameters[name])
                case tree.LengthOf(unit, tree.ParameterOf(name)):
                    add(length_of(unit, parameters[name]))
                case tree.PartOf("weekday"):
                    points["weekday"].add(True)
    return points
