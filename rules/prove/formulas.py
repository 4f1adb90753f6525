"""Conditions of one segment as formulas of Z3, over every case in which all facts are known.

A formula allows every case that there is, and perhaps some that there are not: a local time may be
that of any zone, a month has 28 to 31 days, and a pause puts a clock off by any time. So a formula
without a solution proves that no case makes the condition true. A solution proves nothing before
its facts were decided.

`lengths` bounds each list. `rules.prove.list_bounds` works out how long a list must be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from datetime import timedelta
from decimal import Decimal
from typing import Any

import z3

from rules.decide.search_space import SearchSpace
from rules.input.citations import Section, section_set
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.packs.pack import Clock
from rules.packs.resolve import Segment
from rules.packs.tables import Table
from rules.prove.solver_terms import all_of, any_of, implies, negated, truth
from rules.prove.solver_unknowns import (
    A_DAY,
    DAYS,
    MOMENTS,
    Bound,
    CannotEncode,
    SolverUnknowns,
    Term,
)


class Formulas(SolverUnknowns):
    """Makes formulas over the unknowns that they share."""

    def __init__(
        self,
        space: SearchSpace,
        conditions: Iterable[tree.Tree],
        longest: Mapping[str, int],
        *,
        outcomes_are_given: bool = False,
    ) -> None:
        super().__init__(space, conditions, longest)
        # With `outcomes_are_given`, people answer the decisions that a rule reads, as they may.
        self._outcomes_are_given = outcomes_are_given
        self.given: dict[str, Term] = {}  # those answers, by decision
        # Of each length in months: its start, its sign, the months, and its end.
        self.months: list[tuple[Term, int, tree.Months, Term]] = []
        self._outcomes: dict[str, Term] = {}
        self._statuses: dict[str, Term] = {}

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
                return negated(self.condition(operand, bound))
            case tree.And(items):
                return all_of([self.condition(item, bound) for item in items])
            case tree.Or(items):
                return any_of([self.condition(item, bound) for item in items])
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
                    return all_of([implies(*record) for record in tested])
                return any_of([all_of(record) for record in tested])
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
        self.unknown(item, bound)
        path = self.path_of(item, bound)
        cited_key = ("cited", path, id(sections))
        if cited_key in self._made:
            term: z3.BoolRef = self._made[cited_key][0]
            return term
        cases = []
        for number, answer in self._answers(sections, self.citations[path]):
            if answer is None:
                key = ("open", path, number, sections)
                answer = self._made.get(key)
                if answer is None:
                    answer = self._made[key] = z3.FreshBool("open")
            else:
                answer = truth(True)
            cases.append(all_of((self.cites(path, number), answer)))
        # INVARIANT: an entry keeps the sections alive, so their id names them.
        self._made[cited_key] = any_of(cases), sections
        return self._made[cited_key][0]

    def _answers(
        self, sections: tuple[Section, ...], candidates: tuple[Any, ...]
    ) -> list[tuple[int, bool | None]]:
        """Return the candidates that are, or may be, one of some sections, by their number."""
        # INVARIANT: an entry keeps both tuples alive, so their ids name them.
        key = ("answers", id(sections), id(candidates))
        if key not in self._made:
            has = section_set(sections).has
            answers = [
                (number, answer)
                for number, candidate in enumerate(candidates)
                if candidate is not None and (answer := has(candidate)) is not False
            ]
            self._made[key] = answers, sections, candidates
        settled: list[tuple[int, bool | None]] = self._made[key][0]
        return settled

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
        end = _clamped(end, *(DAYS if in_days else MOMENTS))
        # INVARIANT: an entry keeps the term that its key names alive, so an id names one term.
        self._made[key] = end, start
        return end

    def length(self, node: tree.Tree) -> timedelta | tree.Months | None:
        """Return a length of time, None for a number."""
        match node:
            case tree.Constant(timedelta() | tree.Months() as length):
                return length
            case tree.LengthOf(unit, tree.ParameterOf(name)):
                from rules.language.lengths import length_of

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

    # Decisions and clocks

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
        self.always.append(due >= _clamped(counts_from + least, *MOMENTS))
        if clock.tolling is None:
            self.always.append(due <= counts_from + most)
        for at in (now, met_at):
            if at.is_real():
                far = z3.Or(at <= due - 2 * A_DAY, at >= due + 2 * A_DAY)
                self._clear.append(z3.Implies(has_started, far))
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
