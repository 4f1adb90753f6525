"""Formulas of the open rules of one case: what is known is written in, the rest is unknown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from time import monotonic
from typing import Any

import z3

from offramp.policy.cohort.possible import (
    OTHERWISE,
    DecidingRule,
    OpenRules,
    Outcomes,
    Possible,
    words_left,
)
from rules.decide import explain
from rules.decide.ruling import CHARGES, Ruling
from rules.decide.search_space import SearchSpace
from rules.decide.tried_values import Points, TriedValues
from rules.input.citations import GivenCitation, Section, section_set
from rules.input.interval import Interval
from rules.input.kept_records import placed
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.language.exact import add
from rules.packs.law import AUTHORITY, ELSEWHERE
from rules.prove.formulas import Formulas
from rules.prove.list_bounds import list_bounds
from rules.prove.solver_unknowns import Bound, CannotEncode, Term

_CODE = f"{CHARGES}.code"


def solve(
    rulings: Sequence[Ruling],
    spaces: Sequence[SearchSpace],
    open_rules: Sequence[OpenRules],
    wide: frozenset[Outcomes],
    seconds: float,
    deciding: set[DecidingRule],
) -> Possible:
    """Return which of the answers in `wide` some completion has.

    The rules that decide a change of the answer in some completion are added to `deciding`.
    """
    deadline = monotonic() + seconds
    solver = z3.Solver()
    try:
        is_complete, guards, applying = _guards(rulings, spaces, open_rules, solver)
    except CannotEncode:
        return Possible(wide, is_sharp=False)
    reached, is_sharp = set(), is_complete
    for outcomes in sorted(wide):
        goals = [guard[outcome] for guard, outcome in zip(guards, outcomes, strict=True)]
        solver.set("timeout", max(1, int((deadline - monotonic()) * 1000)))
        result = solver.check(*goals)
        if result != z3.unsat:
            reached.add(outcomes)
        is_sharp = is_sharp and result != z3.unknown
        if result != z3.unsat and len(set(outcomes)) > 1:
            for side, (rules, formulas) in enumerate(zip(open_rules, applying, strict=True)):
                new = {
                    rule: formula
                    for rule, formula in _candidates(rules, formulas, outcomes[side])
                    if (outcomes, side, rule) not in deciding
                }
                deciding |= {
                    (outcomes, side, rule)
                    for rule, formula in new.items()
                    if solver.check(*goals, formula) != z3.unsat
                }
    if not reached:  # what the sides' laws say can't be put together here
        return Possible(wide, is_sharp=False)
    return Possible(frozenset(reached), is_sharp)


def _candidates(
    rules: OpenRules, applying: Mapping[str, z3.BoolRef], outcome: str
) -> Iterator[tuple[str, z3.BoolRef]]:
    """Yield the rules that may be the ones of an outcome, each with when it is."""
    for then, own in rules.ranks:
        if then == outcome:
            yield from ((rule.rule.id, applying[rule.rule.id]) for rule in own)
    if outcome == rules.otherwise and OTHERWISE in rules.otherwise_by:
        yield OTHERWISE, z3.Not(z3.Or(list(applying.values())))


def _guards(
    rulings: Sequence[Ruling],
    spaces: Sequence[SearchSpace],
    open_rules: Sequence[OpenRules],
    solver: z3.Solver,
) -> tuple[bool, list[dict[str, z3.BoolRef]], list[dict[str, z3.BoolRef]]]:
    """Return whether the lists are long enough, and each side's formulas of outcomes and rules."""
    conditions = [[rule.condition for rule in own.rules] for own in open_rules]
    lengths: dict[str, int] = {}
    is_complete = True
    for ruling, own in zip(rulings, conditions, strict=True):
        bounds = list_bounds(ruling.rules_segment, own) if own else None
        for path, length in bounds.lengths.items() if bounds is not None else ():
            # Enough for both sides: what each needs, together.
            lengths[path] = lengths.get(path, 0) + length
            if path not in ruling.case.facts.known:
                is_complete = is_complete and bounds is not None and bounds.is_complete
    domains = _domains(rulings)
    points = _joined(
        space.points(own) for space, own in zip(spaces, conditions, strict=True) if own
    )
    first: RowFormulas | None = None
    guards, applying = [], []
    for ruling, space, rules, own in zip(rulings, spaces, open_rules, conditions, strict=True):
        side = RowFormulas(ruling, space, own, lengths, domains, points, first)
        first = first or side
        formulas = {rule.rule.id: side.condition(rule.condition) for rule in rules.rules}
        applying.append(formulas)
        guards.append(_outcomes(formulas, rules))
    if first is not None:
        solver.add(first.always)
    return is_complete, guards, applying


def _joined(points: Iterable[Points]) -> Points:
    """Return what the conditions of all sides name."""
    joined: dict[str, set[Any]] = {}
    for own in points:
        for kind, values in own.items():
            joined.setdefault(kind, set()).update(values)
    return joined


def _outcomes(formulas: Mapping[str, z3.BoolRef], rules: OpenRules) -> dict[str, z3.BoolRef]:
    guards: dict[str, z3.BoolRef] = {}
    no_earlier: list[z3.BoolRef] = []
    for outcome, own in rules.ranks:
        applies = z3.Or([formulas[rule.rule.id] for rule in own])
        guards[outcome] = z3.And(*no_earlier, applies)
        no_earlier.append(z3.Not(applies))
    rest = z3.And(no_earlier) if no_earlier else z3.BoolVal(True)
    earlier = guards.get(rules.otherwise)
    guards[rules.otherwise] = rest if earlier is None else z3.Or(earlier, rest)
    return guards


def _domains(rulings: Sequence[Ruling]) -> dict[str, tuple[str, ...]]:
    """Return the answers that other decisions can have, on any side that leaves them open."""
    domains: dict[str, dict[str, None]] = {}
    for ruling in rulings:
        for name, inner in list(ruling.case.rulings.items()):
            if inner.outcome is None:
                domains.setdefault(name, {}).update(dict.fromkeys(inner.possible))
    return {name: tuple(outcomes) for name, outcomes in domains.items()}


class RowFormulas(Formulas):
    """The formulas of one side of one case. Unknowns are shared with the `first` side."""

    def __init__(
        self,
        ruling: Ruling,
        space: SearchSpace,
        conditions: Iterable[tree.Tree],
        lengths: Mapping[str, int],
        domains: Mapping[str, tuple[str, ...]],
        points: Points,
        first: RowFormulas | None,
    ) -> None:
        super().__init__(space, conditions, lengths)
        self._ruling = ruling
        self._known = ruling.case.facts.known
        self._domains = domains
        self._both_points = points
        self._records: dict[str, dict[int, Mapping[str, Any]]] = {}
        self._limited: set[str] = set()
        if first is not None:
            self.always, self.unknowns, self.facts = first.always, first.unknowns, first.facts
            self.sizes, self.citations, self._words = first.sizes, first.citations, first._words

    def condition(self, node: tree.Tree, bound: Bound | None = None) -> z3.BoolRef:
        """Return the formula of a condition. What the case settles is true or false."""
        settled = self._settled(node, bound or {})
        if settled is not None:
            return z3.BoolVal(bool(settled))
        match node:
            case tree.And(items) | tree.Or(items):
                # An item that is settled doesn't settle the whole, so it says nothing more.
                is_open = [self._settled(item, bound or {}) is None for item in items]
                left = [
                    self.condition(item, bound)
                    for item, is_left in zip(items, is_open, strict=True)
                    if is_left
                ]
                join = z3.And if isinstance(node, tree.And) else z3.Or
                return left[0] if len(left) == 1 else join(left)
        return super().condition(node, bound)

    def _settled(self, node: tree.Tree, bound: Bound) -> Any:
        """Return the value of a part that the case settles, None if it is open."""
        if not bound:
            return self._ruling.value(node)
        return explain.value_of(node, self._ruling.world, self._with_records(bound))

    def _with_records(self, bound: Bound) -> Mapping[str, tuple[Mapping[str, Any], str]]:
        return {
            variable: (self._by_place(path).get(place, {}), f"{path}[{place}]")
            for variable, (path, place) in bound.items()
        }

    def total(
        self,
        over: Fact,
        variable: str,
        keep: tree.Tree | None,
        value: tree.Tree | None,
        bound: Bound,
    ) -> Term:
        """Return a sum over the records of a list. What the case settles is added up at once."""
        known: Any = 0
        amounts: list[Term] = []
        for place, is_there in self.records(over):
            inner = {**bound, variable: (over.path, place)}
            kept = True if keep is None else self._settled(keep, inner)
            if kept is False:
                continue
            amount = 1 if value is None else self._settled(value, inner)
            if isinstance(amount, Interval):
                amount = None
            if kept and amount is not None and z3.is_true(is_there):
                known = add(known, amount)
                continue
            if keep is not None and not kept:
                is_there = z3.And(is_there, self.condition(keep, inner))
            if amount is None and value is not None:
                term = self.term(value, inner)
            else:
                term = self.value(amount)
            amounts.append(z3.If(is_there, term, 0))
        if known or not amounts:
            amounts.append(self.value(known))
        return amounts[0] if len(amounts) == 1 else z3.Sum(amounts)

    def records(self, over: Fact) -> list[tuple[int, z3.BoolRef]]:
        """Return the places of a list's records, each with whether there is one."""
        if over.path not in self._known:
            return super().records(over)
        return [(place, z3.BoolVal(True)) for place in self._by_place(over.path)]

    def _by_place(self, path: str) -> dict[int, Mapping[str, Any]]:
        records = self._records.get(path)
        if records is None:
            records = self._records[path] = dict(placed(self._known.get(path, ())))
        return records

    def _given(self, node: tree.Tree, bound: Bound) -> Any:
        if isinstance(node, tree.FieldOf):
            path, place = bound[node.variable]
            return self._by_place(path).get(place, {}).get(node.fact.name)
        assert isinstance(node, tree.FactOf)
        return self._known.get(node.fact.path)

    def unknown(self, node: tree.Tree, bound: Bound) -> Term:
        """Return the value of a fact or a field, or its unknown."""
        assert isinstance(node, (tree.FactOf, tree.FieldOf))
        stated, fact = self._given(node, bound), node.fact
        if isinstance(stated, GivenCitation) or (stated is None and fact.path == _CODE):
            raise CannotEncode(f"`{fact.path}`")
        if fact.type == "choice" and stated is not None:
            choices = fact.word_tree.finest_of(stated)
            if len(choices) == 1:
                return self.value(next(iter(choices)))
            return self._among(node, bound, sorted(choices))
        if isinstance(stated, Interval):
            return self._between(node, bound, stated)
        if stated is not None:
            return self.value(stated)
        return self._by_law(node, bound)

    def _among(self, node: tree.Tree, bound: Bound, choices: Sequence[str]) -> Term:
        """Return an unknown of some words. Sides that leave other words have one each."""
        name = f"{self.path_of(node, bound)} is {' or '.join(choices)}"
        term = z3.Int(name)
        if name not in self._limited:
            self._limited.add(name)
            self.always.append(self.among(term, choices))
        return term

    def _between(self, node: tree.Tree, bound: Bound, stated: Interval) -> Term:
        term = super().unknown(node, bound)
        path = self.path_of(node, bound)
        if path not in self._limited:
            self._limited.add(path)
            if stated.low is not None:
                self.always.append(term >= self.value(stated.low))
            if stated.high is not None:
                self.always.append(term <= self.value(stated.high))
        return term

    def _by_law(self, node: tree.FactOf | tree.FieldOf, bound: Bound) -> Term:
        """Return the unknown of a field. Of a charge's it has a word that its law leaves."""
        if isinstance(node, tree.FieldOf) and bound[node.variable][0] == CHARGES:
            place = bound[node.variable][1]
            record = self._by_place(CHARGES).get(place, {})
            for field, values in words_left(self._ruling, place, record) if record else ():
                if field == node.fact.name:
                    finest = set().union(*map(node.fact.word_tree.finest_of, values))
                    if field == AUTHORITY and self._ruling.program.law.state is None:
                        finest |= set(ELSEWHERE)
                    return self._among(node, bound, sorted(finest))
        return super().unknown(node, bound)

    def cited(self, item: tree.Tree, sections: tuple[Section, ...], bound: Bound) -> z3.BoolRef:
        """Return whether a citation is one of some sections.

        One that isn't recognized may be any that the rules of either side name, or another.
        """
        stated = self._given(item, bound)
        if not isinstance(stated, GivenCitation):
            raise CannotEncode("a citation that isn't known")
        wanted = section_set(sections)
        answer = wanted.has(stated)
        if answer is not None:
            return z3.BoolVal(answer)
        assert isinstance(item, (tree.FactOf, tree.FieldOf))
        section = z3.Int(self.path_of(item, bound))
        return z3.Or(
            [
                section == number
                for number, candidate in enumerate(self._candidates(item.fact))
                if wanted.has(candidate) and _may_be(stated, candidate)
            ]
        )

    def _candidates(self, fact: Fact) -> tuple[GivenCitation, ...]:
        if fact.path not in self.citations:
            values = TriedValues(self.segment, self._both_points, {})
            self.citations[fact.path] = tuple(values.of(fact))
        return self.citations[fact.path]

    def outcome(self, name: str) -> Term:
        """Return the answer of another decision, which its decider gives."""
        outcome = self._ruling.case.outcome(name)
        if outcome is not None:
            return self.value(outcome)
        if name not in self._domains:
            raise CannotEncode(f"`{name}`")
        term = z3.Int(f"decisions.{name}")
        if term.decl().name() not in self._limited:
            self._limited.add(term.decl().name())
            self.always.append(self.among(term, self._domains[name]))
        return term

    def status(self, name: str) -> Term:
        """Return a clock's status. One that isn't known has no formula here."""
        status = self._ruling.world.status(name)
        if status is None:
            raise CannotEncode(f"the clock `{name}`")
        return self.value(status)


def _may_be(stated: GivenCitation, candidate: GivenCitation) -> bool:
    """Return whether a citation that isn't clear may mean a section."""
    if stated.section is None:
        return True
    return section_set((stated.section,)).has(candidate) is True
