"""The unknowns of a segment's formulas: facts, fields, records, and events as variables of Z3.

Each unknown is made once, with what is true of it in every case. `rules.prove.formulas` joins them
to conditions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import z3

from rules.decide.scene_day import MOMENT
from rules.decide.search_space import SearchSpace
from rules.input.citations import GivenCitation, another_section, reader_of
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.packs.law import CHARGES
from rules.prove.lawful_charges import lawful_charges, stated_law_of, void_apart
from rules.prove.solver_terms import any_of, is_number, whole_number

Term = Any  # a number, a word, a day, or a moment of Z3, or a Python number
Bound = Mapping[str, tuple[str, int]]  # by variable: the list's path and the record's place
DAYS = date.min.toordinal(), date.max.toordinal()
EPOCH = date(1970, 1, 1).toordinal()
A_DAY = 86_400  # seconds
MOMENTS = (DAYS[0] - EPOCH) * A_DAY, (DAYS[1] + 1 - EPOCH) * A_DAY - 1
_WEST, _EAST = -12 * 3600, 14 * 3600  # seconds that a local time is ahead of UTC, at least and most


class CannotEncode(Exception):
    """A part of a condition has no formula. The message names it."""


class SolverUnknowns:
    """Makes the unknowns of one segment, and keeps what is true of each."""

    def __init__(
        self, space: SearchSpace, conditions: Iterable[tree.Tree], longest: Mapping[str, int]
    ) -> None:
        self.segment = space.segment
        self.longest = longest
        self.always: list[z3.BoolRef] = []  # what holds in every case
        self._clear: list[z3.BoolRef] = []
        self._clear_later: list[Callable[[], list[z3.BoolRef]]] = []
        self.unknowns: dict[str, Term] = {}  # by path, such as `encounter.charges[0].level`
        self.facts: dict[str, Fact] = {}
        self.sizes: dict[str, z3.ArithRef] = {}
        self.citations: dict[str, tuple[Any, ...]] = {}
        self.happened: dict[str, z3.BoolRef] = {}  # by path: whether an event of a clock did
        self._conditions = tuple(conditions)
        self._space = space
        self._words: dict[str, int] = {}
        self._made: dict[tuple[Any, ...], Term] = {}
        self._places: dict[str, list[tuple[int, z3.BoolRef]]] = {}
        self._citations_of_field: dict[str, tuple[Any, ...]] = {}

    # Values

    def value(self, value: Any) -> Term:
        """Return a written value."""
        match value:
            case bool():
                return z3.BoolVal(value)
            case int():
                return z3.IntVal(value)
            case Decimal():
                return z3.RealVal(str(value))
            case str():
                return whole_number(self._words.setdefault(value, len(self._words)))
            case datetime():
                return z3.RealVal(str(Decimal(value.timestamp())))
            case date():
                return z3.IntVal(value.toordinal())
            case time():
                return z3.RealVal(value.hour * 3600 + value.minute * 60 + value.second)
        raise CannotEncode(f"{value!r}")

    def among(self, item: Term, values: Iterable[Any]) -> z3.BoolRef:
        """Return the formula for a term that is one of some values."""
        values = tuple(values)
        if values and all(value.__class__ is str for value in values):
            words = self._words
            return any_of(
                [is_number(item, words.setdefault(value, len(words))) for value in values]
            )
        return z3.Or([item == self.value(value) for value in values])

    def cites(self, path: str, number: int) -> z3.BoolRef:
        """Return that a citation is the candidate of this number, the same term each time."""
        key = ("cites", path, number)
        if key not in self._made:
            self._made[key] = is_number(self.unknowns[path], number)
        cites: z3.BoolRef = self._made[key]
        return cites

    def word(self, number: int) -> str | None:
        """Return the word that a number stands for."""
        return next((text for text, number_of in self._words.items() if number_of == number), None)

    # Facts and lists

    def path_of(self, node: tree.Tree, bound: Bound) -> str:
        """Return the path of a fact, or of a field of a record."""
        if isinstance(node, tree.FieldOf):
            path, place = bound[node.variable]
            return f"{path}[{place}].{node.fact.name}"
        assert isinstance(node, tree.FactOf)
        return node.fact.path

    def unknown(self, node: tree.Tree, bound: Bound) -> Term:
        """Return the unknown of a fact or a field, the same one each time."""
        path = self.path_of(node, bound)
        if path not in self.unknowns:
            assert isinstance(node, (tree.FactOf, tree.FieldOf))
            self.facts[path] = node.fact
            self.unknowns[path] = self._new_unknown(path, node.fact)
        return self.unknowns[path]

    def _new_unknown(self, path: str, fact: Fact) -> Term:
        match fact.type:
            case "bool":
                return z3.Bool(path)
            case "choice":
                choice = z3.Int(path)
                self.always.append(self.among(choice, fact.word_tree.finest))
                return choice
            case "int" | "decimal":
                number = z3.Int(path) if fact.type == "int" else z3.Real(path)
                if fact.low is not None:
                    self.always.append(number >= self.value(fact.low))
                if fact.high is not None:
                    self.always.append(number <= self.value(fact.high))
                return number
            case "date":
                day = z3.Int(path)
                self.always.append(z3.And(day >= DAYS[0], day <= DAYS[1]))
                return day
            case "timestamp":
                moment = z3.Real(path)
                self.always.append(z3.And(moment >= MOMENTS[0], moment <= MOMENTS[1]))
                if path != MOMENT:  # its time of day is what rules ask for
                    noon = z3.ToReal(z3.FreshInt("noon")) * A_DAY + A_DAY / 2
                    self._clear.append(moment == noon)
                return moment
            case "text":
                return z3.Int(path)
            case "citation":
                section = z3.Int(path)
                if fact.path not in self._citations_of_field:  # those of each record are the same
                    self._citations_of_field[fact.path] = self._citations(fact)
                self.citations[path] = self._citations_of_field[fact.path]
                self.always.append(z3.And(section >= 0, section < len(self.citations[path])))
                return section
        raise CannotEncode(path)

    def _citations(self, fact: Fact) -> tuple[Any, ...]:
        """Return the sections that conditions tell apart, and one of each system besides.

        A system has its own authority, which the law states for a charge. None is a section of a
        law without a system, such as a tribe's.
        """
        vocabulary = self.segment.pack.vocabulary
        read = reader_of(vocabulary).read
        others = (
            f"99 {system.name} 99999" if system.title_first else another_section(system)
            for system in vocabulary.citations.values()
        )
        sections = ((text, read(text)) for text in others)
        return (
            *self._space.words(fact, self._space.points(self._conditions)),
            *(
                GivenCitation(text, section)
                for text, section in sections
                if section is not None and section.is_whole
            ),
            None,
        )

    def records(self, over: Fact) -> list[tuple[int, z3.BoolRef]]:
        """Return the places of a list's records, each with whether there is one."""
        most = self.longest[over.path]
        if over.path not in self.sizes:
            size = self.sizes[over.path] = z3.Int(f"size of {over.path}")
            self.always.append(z3.And(size >= 0, size <= most))
        if over.path not in self._places:
            size = self.sizes[over.path]
            self._places[over.path] = [(place, size > place) for place in range(most)]
        return self._places[over.path]

    def _fact(self, path: str) -> Fact:
        return self.segment.pack.vocabulary.facts[path]

    # Times

    def local(self, moment: Term) -> tuple[Term, Term]:
        """Return the local day and time of a moment. Its zone may be any."""
        key = ("local", moment.get_id(), self.segment.pack.time_zone)
        if key not in self._made:
            day, clock_time, ahead = z3.FreshInt("day"), z3.FreshReal("time"), z3.FreshReal("ahead")
            self.always += [
                clock_time >= 0,
                clock_time < A_DAY,
                ahead >= _WEST,
                ahead <= _EAST,
                moment + ahead == z3.ToReal(day - EPOCH) * A_DAY + clock_time,
            ]
            self._made[key] = (day, clock_time), moment
        local: tuple[Term, Term] = self._made[key][0]
        return local

    def keeps_zone(self, path: str, day: date) -> z3.BoolRef:
        """Return that a moment's local time is as it is around a day in the pack's time zone."""
        moment = self.unknowns[path]
        local_day, clock_time = self.local(moment)
        zone = ZoneInfo(self.segment.pack.time_zone)
        ahead = datetime.combine(day, time(12), zone).utcoffset()
        assert ahead is not None
        seconds = z3.ToReal(local_day - EPOCH) * A_DAY + clock_time
        return moment + int(ahead.total_seconds()) == seconds

    def event(self, path: str) -> Term:
        """Return the moment or the day of an event."""
        if path not in self.unknowns:
            self.facts[path] = self._fact(path)
            self.unknowns[path] = self._new_unknown(path, self.facts[path])
        return self.unknowns[path]

    def recorded(self, path: str | None) -> tuple[z3.BoolRef, Term]:
        """Return whether an event is recorded by now, and when it was."""
        if path is None:
            return z3.BoolVal(False), z3.RealVal(0)
        at, now = self.event(path), self.event("now")
        happened = self.happened.setdefault(path, z3.Bool(f"{path} is recorded"))
        if at.is_int():
            return z3.And(happened, at <= self.local(now)[0]), at
        return z3.And(happened, at <= now), at

    # The law

    def agree_with_law(self, days: Iterable[date]) -> None:
        """Leave out charges whose fields are against the law of their section on every day."""
        self.agree_with_law_on([self.segment.day, *days])

    def agree_with_law_on(self, days: Sequence[date]) -> None:
        """Leave out such charges, where the law may be that of these days alone."""
        law = stated_law_of(self.segment.pack)
        always, clear = lawful_charges(
            self.citations,
            self.unknowns,
            self.cites,
            self.among,
            law,
            days,
        )
        if CHARGES in self.sizes:
            size = self.sizes[CHARGES]
            always += void_apart(self.citations, self.unknowns, self.cites, size, law, days)
        self.always += always
        self._clear_later.append(clear)

    @property
    def clear(self) -> list[z3.BoolRef]:
        """What a clear case has besides: moments at noon, and charges that agree with the law."""
        while self._clear_later:
            self._clear += self._clear_later.pop(0)()
        return self._clear
