"""Conditions of one segment as formulas of Z3, over every case in which all facts are known.

A formula allows every case that there is, and perhaps some that there are not: a local time may be
that of any zone, a month has 28 to 31 days, and a pause puts a clock off by any time. So a formula
without a solution proves that no case makes the condition true. A solution proves nothing before
its facts were decided.

`lengths` bounds each list. `rules.prove.list_bounds` works out how long a list must be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import z3

from rules.decide.scene_day import MOMENT
from rules.decide.search_space import SearchSpace
from rules.input.citations import (
    GivenCitation,
    Section,
    another_section,
    reader_of,
    section_set,
)
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.packs.law import CHARGES, Law
from rules.packs.pack import Clock
from rules.packs.resolve import Segment
from rules.packs.tables import Table
from rules.prove.lawful_charges import lawful_charges, void_apart

Term = Any  # a number, a word, a day, or a moment of Z3, or a Python number
Bound = Mapping[str, tuple[str, int]]  # by variable: the list's path and the record's place
_DAYS = date.min.toordinal(), date.max.toordinal()
EPOCH = date(1970, 1, 1).toordinal()
A_DAY = 86_400  # seconds
_MOMENTS = (_DAYS[0] - EPOCH) * A_DAY, (_DAYS[1] + 1 - EPOCH) * A_DAY - 1
_WEST, _EAST = -12 * 3600, 14 * 3600  # seconds that a local time is ahead of UTC, at least and most


class CannotEncode(Exception):
    """A part of a condition has no formula. The message names it."""


class Formulas:
    """Makes formulas, and keeps the unknowns that they share and what is true of each."""

    def __init__(
        self,
        space: SearchSpace,
        conditions: Iterable[tree.Tree],
        longest: Mapping[str, int],
        *,
        outcomes_are_given: bool = False,
    ) -> None:
        self.segment = space.segment
        self.longest = longest
        # With `outcomes_are_given`, people answer the decisions that a rule reads, as they may.
        self._outcomes_are_given = outcomes_are_given
        self.given: dict[str, Term] = {}  # those answers, by decision
        self.always: list[z3.BoolRef] = []  # what holds in every case
        # What a clear case has besides: moments at noon, and no time that ends within two days.
        self.clear: list[z3.BoolRef] = []
        self.unknowns: dict[str, Term] = {}  # by path, such as `encounter.charges[0].level`
        self.facts: dict[str, Fact] = {}
        self.sizes: dict[str, z3.ArithRef] = {}
        self.citations: dict[str, tuple[Any, ...]] = {}
        self._conditions = tuple(conditions)
        self._space = space
        self._words: dict[str, int] = {}
        self.happened: dict[str, z3.BoolRef] = {}  # by path: whether an event of a clock did
        # Of each length in months: its start, its sign, the months, and its end.
        self.months: list[tuple[Term, int, tree.Months, Term]] = []
        self._outcomes: dict[str, Term] = {}
        self._statuses: dict[str, Term] = {}
        self._made: dict[tuple[Any, ...], Term] = {}

    def beside(self, segment: Segment) -> Formulas:
        """Return the formulas of another version of this segment, of the same cases."""
        second = copy(self)
        second.segment = segment
        second._outcomes, second._statuses = {}, {}
        return second

    # Conditions

    def condition(self, node: tree.Tree, bound: Bound | None = None) -> z3.BoolRef:
        """Return the formula of a condition that is true or false."""
        bound = bound or {}
        match node:
            case tree.Constant(bool() as value):
                return z3.BoolVal(value)
            case tree.FactOf() | tree.FieldOf():
                return self.unknown(node, bound)
            case tree.IfKnown(condition):
                return self.condition(condition, bound)
            case tree.Not(operand):
                return z3.Not(self.condition(operand, bound))
            case tree.And(items):
                return z3.And([self.condition(item, bound) for item in items])
            case tree.Or(items):
                return z3.Or([self.condition(item, bound) for item in items])
            case tree.Compare(operator, left, right):
                return self.comparison(operator, left, right, bound)
            case tree.Member(item, values):
                return self.among(self.term(item, bound), self.listed(values))
            case tree.IsOne(item, values, word_tree):
                surely, _ = word_tree.split(self.listed(values))
                return self.among(self.term(item, bound), surely)
            case tree.Alike(left, right):
                return self.term(left, bound) == self.term(right, bound)
            case tree.Cited(item, values):
                return self.cited(item, self.listed(values), bound)
            case tree.Choose(condition, then, otherwise):
                return z3.If(
                    self.condition(condition, bound),
                    self.condition(then, bound),
                    self.condition(otherwise, bound),
                )
            case tree.Quantifier(kind, over, variable, body):
                tested = [
                    (is_there, self.condition(body, {**bound, variable: (over.path, place)}))
                    for place, is_there in self.records(over)
                ]
                if kind == "all":
                    return z3.And([z3.Implies(*record) for record in tested])
                return z3.Or([z3.And(*record) for record in tested])
        raise CannotEncode(tree.text(node))

    def comparison(
        self, operator: str, left: tree.Tree, right: tree.Tree, bound: Bound
    ) -> z3.BoolRef:
        """Return a comparison. Two conditions may be compared too."""
        if _is_condition(left) and _is_condition(right):
            first, second = self.condition(left, bound), self.condition(right, bound)
        else:
            first, second = self.term(left, bound), self.term(right, bound)
        match operator:
            case "==":
                return first == second
            case "!=":
                return first != second
            case "<":
                return first < second
            case "<=":
                return first <= second
            case ">":
                return first > second
        return first >= second

    def among(self, item: Term, values: Iterable[Any]) -> z3.BoolRef:
        """Return the formula for a term that is one of some values."""
        return z3.Or([item == self.value(value) for value in values])

    def listed(self, values: Any) -> tuple[Any, ...]:
        """Return the values of a list, which may be a parameter's."""
        if isinstance(values, tree.ParameterOf):
            values = self.segment.parameters[values.name]
        assert isinstance(values, tuple)
        return values

    def cited(self, item: tree.Tree, sections: tuple[Section, ...], bound: Bound) -> z3.BoolRef:
        """Return the formula for a citation of one of some sections.

        What can't be known of a citation may be either.
        """
        citation, path = self.unknown(item, bound), self.path_of(item, bound)
        cases = []
        for number, candidate in enumerate(self.citations[path]):
            answer = False if candidate is None else section_set(sections).has(candidate)
            if answer is None:
                key = ("open", path, number, sections)
                answer = self._made.get(key)
                if answer is None:
                    answer = self._made[key] = z3.FreshBool("open")
            cases.append(z3.And(citation == number, answer))
        return z3.Or(cases)

    # Terms

    def term(self, node: tree.Tree, bound: Bound) -> Term:
        """Return a number, a word, a day in its number, or a moment in seconds."""
        match node:
            case tree.Constant(value):
                return self.value(value)
            case tree.FactOf() | tree.FieldOf():
                return self.unknown(node, bound)
            case tree.ParameterOf(name):
                return self.value(self.segment.parameters[name])
            case tree.PartOf(part, moment):
                return self.part(part, moment, bound)
            case tree.OutcomeOf(decision):
                return self.outcome(decision)
            case tree.StatusOf(clock):
                return self.status(clock)
            case tree.RowOf(name, key):
                return self.row(name, key, bound)
            case tree.Choose(condition, then, otherwise):
                return z3.If(
                    self.condition(condition, bound),
                    self.term(then, bound),
                    self.term(otherwise, bound),
                )
            case tree.Arithmetic(operator, left, right):
                return self.arithmetic(operator, left, right, bound)
            case tree.Total(over, variable, keep, value):
                return self.total(over, variable, keep, value, bound)
        raise CannotEncode(tree.text(node))

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
                return z3.IntVal(self._words.setdefault(value, len(self._words)))
            case datetime():
                return z3.RealVal(str(Decimal(value.timestamp())))
            case date():
                return z3.IntVal(value.toordinal())
            case time():
                return z3.RealVal(value.hour * 3600 + value.minute * 60 + value.second)
        raise CannotEncode(f"{value!r}")

    def row(self, name: str, key: tree.Tree, bound: Bound) -> Term:
        """Return the row of a table by the word of its key."""
        table = self.segment.parameters[name]
        assert isinstance(table, Table) and isinstance(key, (tree.FactOf, tree.FieldOf))
        key_word = self.unknown(key, bound)
        choices = key.fact.word_tree.finest
        amount = self.value(table.row(choices[-1]))
        for choice in choices[-2::-1]:
            amount = z3.If(key_word == self.value(choice), self.value(table.row(choice)), amount)
        return amount

    def total(
        self,
        over: Fact,
        variable: str,
        keep: tree.Tree | None,
        value: tree.Tree | None,
        bound: Bound,
    ) -> Term:
        """Return a sum over the records of a list, or the number of some of them."""
        amounts = []
        for place, is_there in self.records(over):
            inner = {**bound, variable: (over.path, place)}
            counts = is_there if keep is None else z3.And(is_there, self.condition(keep, inner))
            amount = z3.IntVal(1) if value is None else self.term(value, inner)
            amounts.append(z3.If(counts, amount, 0))
        return z3.Sum(amounts) if amounts else z3.IntVal(0)

    def arithmetic(self, operator: str, left: tree.Tree, right: tree.Tree, bound: Bound) -> Term:
        """Return a sum, a difference, or a product, of numbers or of a time and a length."""
        length = self.length(right)
        if length is None:
            first, second = self.term(left, bound), self.term(right, bound)
            if operator == "*":
                return first * second
            return first + second if operator == "+" else first - second
        start = self.term(left, bound)
        key = ("moved", operator, start.get_id(), repr(length), self.segment.pack.time_zone)
        if key in self._made:
            return self._made[key][0]
        sign = 1 if operator == "+" else -1
        in_days = start.is_int()
        if isinstance(length, tree.Months):
            least, most = _days_of(length)
            by = z3.FreshInt("months")
            self.always.append(z3.And(by >= least, by <= most))
            end = start + sign * by * (1 if in_days else A_DAY)
            self.months.append((start, sign, length, end))
        elif in_days:
            end = start + sign * length.days
        else:
            seconds = Decimal(length // timedelta(microseconds=1)) / 1_000_000
            end = start + sign * z3.RealVal(str(seconds))
        end = _clamped(end, *(_DAYS if in_days else _MOMENTS))
        # INVARIANT: an entry keeps the term that its key names alive, so an id names one term.
        self._made[key] = end, start
        return end

    def length(self, node: tree.Tree) -> timedelta | tree.Months | None:
        """Return a length of time, None for a number."""
        match node:
            case tree.Constant(timedelta() | tree.Months() as length):
                return length
            case tree.LengthOf(unit, tree.ParameterOf(name)):
                from rules.language.times import length_of

                return length_of(unit, self.segment.parameters[name])  # type: ignore[arg-type]  # a number, by its type
        return None

    def part(self, part: str, moment: tree.Tree, bound: Bound) -> Term:
        """Return the local day, time of day, or weekday of a moment, or of a day."""
        at = self.term(moment, bound)
        if at.is_int():
            day, clock_time = at, None
        else:
            day, clock_time = self.local(at)
        if part == "day":
            return day
        if part == "time":
            if clock_time is None:
                raise CannotEncode(f"the time of {tree.text(moment)}")
            return clock_time
        weekday = (day + 6) % 7
        result = self.value(tree.WEEKDAYS[6])
        for number in range(5, -1, -1):
            result = z3.If(weekday == number, self.value(tree.WEEKDAYS[number]), result)
        return result

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

    # Facts, lists, decisions, and clocks

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
                self.always.append(z3.And(day >= _DAYS[0], day <= _DAYS[1]))
                return day
            case "timestamp":
                moment = z3.Real(path)
                self.always.append(z3.And(moment >= _MOMENTS[0], moment <= _MOMENTS[1]))
                if path != MOMENT:  # its time of day is what rules ask for
                    noon = z3.ToReal(z3.FreshInt("noon")) * A_DAY + A_DAY / 2
                    self.clear.append(moment == noon)
                return moment
            case "text":
                return z3.Int(path)
            case "citation":
                section = z3.Int(path)
                self.citations[path] = self._citations(fact)
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
        return [(place, self.sizes[over.path] > place) for place in range(most)]

    def outcome(self, name: str) -> Term:
        """Return a decision's outcome, by its own rules unless it is given."""
        if self._outcomes_are_given:
            return self._given_outcome(name)
        if name not in self._outcomes:
            in_force = self.segment.decisions[name]
            if in_force.decision.collect:
                raise CannotEncode(f"`{name}`, which has several outcomes at once")
            outcome = self.value(in_force.otherwise.outcome)
            for ranked, rules in reversed(in_force.ranks):
                applies = z3.Or([self.condition(rule.condition) for rule in rules])
                outcome = z3.If(applies, self.value(ranked), outcome)
            decided = z3.Int(f"decisions.{name}")
            self.always.append(decided == outcome)
            self._outcomes[name] = decided
        return self._outcomes[name]

    def _given_outcome(self, name: str) -> Term:
        if name not in self.given:
            answer = self.given[name] = z3.Int(f"decisions.{name}")
            self.always.append(self.among(answer, self.segment.decisions[name].decision.outcomes))
        return self.given[name]

    def status(self, name: str) -> Term:
        """Return a clock's status at `now`, from the events that are recorded by then."""
        if name not in self._statuses:
            clock = self.segment.clocks.get(name)
            if clock is None:
                self._statuses[name] = self.value("not_started")
            else:
                status = self._statuses[name] = z3.Int(f"clocks.{name}")
                self.always.append(status == self._status_of(clock))
        return self._statuses[name]

    def _status_of(self, clock: Clock) -> Term:
        now = self.event("now")
        has_started, started = self.recorded(clock.start)
        is_met, met_at = self.recorded(clock.stop)
        has_renewed, renewed = self.recorded(clock.repeats)
        counts_from = z3.If(z3.And(has_renewed, renewed > started), renewed, started)
        due = z3.FreshReal("due")
        least, most = self._allowed(clock)
        self.always.append(due >= _clamped(counts_from + least, *_MOMENTS))
        if clock.tolling is None:
            self.always.append(due <= counts_from + most)
        for at in (now, met_at):
            if at.is_real():
                far = z3.Or(at <= due - 2 * A_DAY, at >= due + 2 * A_DAY)
                self.clear.append(z3.Implies(has_started, far))
        stop = self._fact(clock.stop) if clock.stop is not None else None
        if stop is not None and stop.type == "date":
            in_time = met_at <= self.local(due)[0]
        else:
            in_time = met_at <= due
        status = self.value
        return z3.If(
            has_started,
            z3.If(
                is_met,
                z3.If(in_time, status("met"), status("late")),
                z3.If(now <= due, status("running"), status("overdue")),
            ),
            z3.If(is_met, status("met"), status("not_started")),
        )

    def _allowed(self, clock: Clock) -> tuple[Term, Term]:
        """Return the least and the most seconds that a clock allows without a pause."""
        amount = self.segment.parameters[clock.length]
        assert isinstance(amount, (int, Decimal))
        unit = self.segment.pack.parameters[clock.length].unit
        least, most = (Decimal(amount) * seconds for seconds in _SECONDS[unit])
        if clock.counts == "days":
            # It ends with a local day, which may have an hour more or less.
            least, most = least - 3_600, most + A_DAY + 3_600
        return z3.RealVal(str(least)), z3.RealVal(str(most))

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

    def _fact(self, path: str) -> Fact:
        return self.segment.pack.vocabulary.facts[path]

    def agree_with_law(self, law: Law, days: Iterable[date]) -> None:
        """Leave out charges whose fields are against the law of their section on every day."""
        self.agree_with_law_on(law, [self.segment.day, *days])

    def agree_with_law_on(self, law: Law, days: Sequence[date]) -> None:
        """Leave out such charges, where the law may be that of these days alone."""
        always, clear = lawful_charges(
            self.citations,
            self.unknowns,
            self.among,
            self._fact(CHARGES).fields,
            law,
            days,
        )
        if CHARGES in self.sizes:
            size = self.sizes[CHARGES]
            always += void_apart(self.citations, self.unknowns, size, law, days)
        self.always += always
        self.clear += clear

    # A solution as facts

    def word(self, number: int) -> str | None:
        """Return the word that a number stands for."""
        return next((text for text, number_of in self._words.items() if number_of == number), None)


# The least and the most seconds of a unit of time.
_SECONDS = {
    "hours": (3_600, 3_600),
    "days": (A_DAY, A_DAY),
    "weeks": (7 * A_DAY, 7 * A_DAY),
    "months": (28 * A_DAY, 31 * A_DAY),
    "years": (365 * A_DAY, 366 * A_DAY),
}


def _days_of(length: tree.Months) -> tuple[int, int]:
    """Return the least and the most days that these months have."""
    number = abs(length.number)
    average = number * _DAYS_IN_400_YEARS // (400 * 12)
    least, most = max(28 * number, average - _UNEVEN), min(31 * number, average + _UNEVEN + 1)
    return (least, most) if length.number >= 0 else (-most, -least)


_DAYS_IN_400_YEARS = 146_097
_UNEVEN = 5  # days that some months have more or fewer than the average, at most


def _clamped(term: Term, low: int, high: int) -> Term:
    """Return a day or a moment, or the calendar's end that it would pass."""
    return z3.If(term > high, high, z3.If(term < low, low, term))


def _is_condition(node: tree.Tree) -> bool:
    match node:
        case tree.Constant(value):
            return isinstance(value, bool)
        case tree.FactOf(fact) | tree.FieldOf(_, fact):
            return fact.type == "bool"
        case tree.Choose(_, then, _):
            return _is_condition(then)
    return not isinstance(
        node,
        (
            tree.ParameterOf,
            tree.LengthOf,
            tree.PartOf,
            tree.RowOf,
            tree.OutcomeOf,
            tree.StatusOf,
            tree.Arithmetic,
            tree.Total,
        ),
    )
