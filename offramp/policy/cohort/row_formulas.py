"""Formulas of the open rules of one case: what is known is written in, the rest is unknown.

A charge without a code may be of any section that agrees with what the row says of the charge. The
formulas may allow a section that the law of a side doesn't. So where a code isn't known, each
answer that the solver finds is decided by the rules of each side before it counts as found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from time import monotonic
from typing import Any

import z3

from offramp.policy.cohort.open_clocks import statuses_together
from offramp.policy.cohort.possible import (
    NO_FORMULA,
    NO_TIME,
    NOT_FOUND,
    OTHERWISE,
    TOO_LONG,
    DecidingRule,
    OpenRules,
    Outcomes,
    Possible,
    open_charge,
    words_left,
)
from rules.decide import explain
from rules.decide.ruling import CHARGES, Ruling
from rules.decide.scene_day import DAY
from rules.decide.search_space import SearchSpace
from rules.decide.tried_values import Points, TriedValues
from rules.input.citations import GivenCitation, Section, section_set
from rules.input.facts import Facts
from rules.input.interval import Interval
from rules.input.kept_records import placed
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.language.exact import add
from rules.packs.law import AUTHORITY, ELSEWHERE, READ
from rules.packs.offenses import NONE
from rules.prove.case_formulas import with_other_sections, with_solution
from rules.prove.exact import has_outcome
from rules.prove.formulas import Formulas
from rules.prove.lawful_charges import lawful_charges, stated_law_of
from rules.prove.list_bounds import list_bounds
from rules.prove.solver_terms import all_of, any_of, assert_all, is_number, negated, truth
from rules.prove.solver_unknowns import Bound, CannotEncode, Term

_MOST_CASES = 40  # that are tried for the outcomes of one case


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
        is_complete, sides, guards, applying = _guards(rulings, spaces, open_rules)
        clear = agree_with_law(sides)
    except CannotEncode as part:
        return Possible(wide, f"{NO_FORMULA} {part}")
    assert_all(solver, sides[0].always)
    reached, why = set(), "" if is_complete else TOO_LONG
    for outcomes in sorted(wide):
        goals = [guard[outcome] for guard, outcome in zip(guards, outcomes, strict=True)]
        solver.set("timeout", max(1, int((deadline - monotonic()) * 1000)))
        result = solver.check(*goals)
        if result != z3.unsat or not is_complete:  # a longer list may have the answer
            reached.add(outcomes)
        if result == z3.unknown:
            why = why or NO_TIME
        elif result == z3.sat and clear is not None:
            orders = [clear, list[z3.BoolRef]()]
            if not any(_is_found(solver, [*goals, *wanted], sides, outcomes) for wanted in orders):
                why = why or NOT_FOUND
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
        return Possible(wide, NOT_FOUND)
    return Possible(frozenset(reached), why)


def _is_found(
    solver: z3.Solver,
    goals: Sequence[z3.BoolRef],
    sides: Sequence[RowFormulas],
    outcomes: Outcomes,
) -> bool:
    """Return whether the rules give these outcomes to a case that the solver finds.

    Where the rules refuse a case, cases with other sections are tried.
    """
    tried: list[z3.BoolRef] = []
    codes = [sides[0].unknowns[path] for path in sides[0].open_codes]
    for _ in range(_MOST_CASES):
        if solver.check(*goals, *tried) != z3.sat:
            return False
        model = solver.model()
        if all(
            has_outcome(side.ruling, side.completed(model), outcome)
            for side, outcome in zip(sides, outcomes, strict=True)
        ):
            return True
        same = [code == model.eval(code, model_completion=True) for code in codes]
        tried.append(negated(all_of(same)))
    return False


def _candidates(
    rules: OpenRules, applying: Mapping[str, z3.BoolRef], outcome: str
) -> Iterator[tuple[str, z3.BoolRef]]:
    """Yield the rules that may be the ones of an outcome, each with when it is."""
    for then, own in rules.ranks:
        if then == outcome:
            yield from ((rule.rule.id, applying[rule.rule.id]) for rule in own)
    if outcome == rules.otherwise and OTHERWISE in rules.otherwise_by:
        yield OTHERWISE, negated(any_of(list(applying.values())))


def _guards(
    rulings: Sequence[Ruling],
    spaces: Sequence[SearchSpace],
    open_rules: Sequence[OpenRules],
) -> tuple[bool, list[RowFormulas], list[dict[str, z3.BoolRef]], list[dict[str, z3.BoolRef]]]:
    """Return whether the lists are long enough, and each side with its outcomes and rules."""
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
    sides: list[RowFormulas] = []
    guards, applying = [], []
    for ruling, space, rules, own in zip(rulings, spaces, open_rules, conditions, strict=True):
        first = sides[0] if sides else None
        side = RowFormulas(ruling, space, own, lengths, domains, points, first)
        sides.append(side)
        formulas = {rule.rule.id: side.condition(rule.condition) for rule in rules.rules}
        applying.append(formulas)
        guards.append(_outcomes(formulas, rules))
    _tie_clocks(sides, [condition for own in conditions for condition in own])
    return is_complete, sides, guards, applying


def _tie_clocks(sides: Sequence[RowFormulas], conditions: Sequence[tree.Tree]) -> None:
    """Let the clocks that `now` leaves open have statuses that one moment gives them all."""
    clocks = [(side, name) for side in sides for name in side.open_clocks]
    if not clocks:
        return
    together = statuses_together([(side.ruling, name) for side, name in clocks])
    if together is None or "now" in explain.names_of(conditions).facts:
        raise CannotEncode(f"the clock `{clocks[0][1]}`")
    sides[0].always.append(
        any_of(
            [
                all_of(
                    [
                        side.open_clocks[name] == side.value(status)
                        for (side, name), status in zip(clocks, statuses, strict=True)
                    ]
                )
                for statuses in sorted(together)
            ]
        )
    )


def agree_with_law(sides: Sequence[RowFormulas]) -> list[z3.BoolRef] | None:
    """Leave out sections against the law of every side, of charges whose code isn't known.

    Return what is true of clear charges, None if the code of each is known. Sides with unlike law
    are left as they are: what the solver finds is decided by the rules of each anyway.
    """
    first, *others = sides
    codes = first.open_codes
    if not codes:
        return None
    for side in sides:
        side.refuse_void_charges()
    pack, days = first.ruling.program.pack, [side.day for side in sides]
    law = stated_law_of(pack)
    if None in days or not all(
        side.segment.pack.offenses == pack.offenses
        and stated_law_of(side.segment.pack).law.homicide == law.law.homicide
        for side in others
    ):
        return []
    always, clear = lawful_charges(
        codes, first.terms_of_charges(codes), first.cites, first.among, law, [*map(_as_day, days)]
    )
    first.always += always
    return clear()


def _as_day(day: date | None) -> date:
    assert day is not None
    return day


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
        applies = any_of([formulas[rule.rule.id] for rule in own])
        guards[outcome] = all_of([*no_earlier, applies])
        no_earlier.append(negated(applies))
    rest = all_of(no_earlier) if no_earlier else truth(True)
    earlier = guards.get(rules.otherwise)
    guards[rules.otherwise] = rest if earlier is None else any_of([earlier, rest])
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
        self.ruling = ruling
        self._known = ruling.case.facts.known
        # The terms of fields for which this side leaves some words, by path.
        self._some_words: dict[str, Term] = {}
        self._domains = domains
        self._both_points = points
        self._records: dict[str, dict[int, Mapping[str, Any]]] = {}
        self._limited: set[str] = set()
        self.open_clocks: dict[str, Term] = {}  # their statuses, by name
        if first is not None:
            self.always, self.unknowns, self.facts = first.always, first.unknowns, first.facts
            self.sizes, self.citations, self._words = first.sizes, first.citations, first._words

    def condition(self, node: tree.Tree, bound: Bound | None = None) -> z3.BoolRef:
        """Return the formula of a condition. What the case settles is true or false."""
        settled = self._settled(node, bound or {})
        if settled is not None:
            return truth(bool(settled))
        match node:
            case tree.And(items) | tree.Or(items):
                # An item that is settled doesn't settle the whole, so it says nothing more.
                is_open = [self._settled(item, bound or {}) is None for item in items]
                left = [
                    self.condition(item, bound)
                    for item, is_left in zip(items, is_open, strict=True)
                    if is_left
                ]
                join = all_of if isinstance(node, tree.And) else any_of
                return left[0] if len(left) == 1 else join(left)
        return super().condition(node, bound)

    def _settled(self, node: tree.Tree, bound: Bound) -> Any:
        """Return the value of a part that the case settles, None if it is open."""
        if not bound:
            return self.ruling.value(node)
        return explain.value_of(node, self.ruling.world, self._with_records(bound))

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
            if kept and amount is not None and is_there is truth(True):
                known = add(known, amount)
                continue
            if keep is not None and not kept:
                is_there = all_of([is_there, self.condition(keep, inner)])
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
        return [(place, truth(True)) for place in self._by_place(over.path)]

    def _by_place(self, path: str) -> dict[int, Mapping[str, Any]]:
        records = self._records.get(path)
        if records is None:
            records = dict(placed(self._known.get(path, ())))
            if path == CHARGES:
                records = {
                    place: open_charge(self.ruling, place, charge)
                    for place, charge in records.items()
                }
            self._records[path] = records
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
        if isinstance(stated, GivenCitation):
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
            assert isinstance(node, (tree.FactOf, tree.FieldOf))
            path = self.path_of(node, bound)
            self.facts[path], self._some_words[path] = node.fact, term
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
            for field, values in words_left(self.ruling, place, record) if record else ():
                if field == node.fact.name:
                    finest = set().union(*map(node.fact.word_tree.finest_of, values))
                    if field == AUTHORITY and self.ruling.program.law.state is None:
                        finest |= set(ELSEWHERE)
                    return self._among(node, bound, sorted(finest))
        return super().unknown(node, bound)

    def cited(self, item: tree.Tree, sections: tuple[Section, ...], bound: Bound) -> z3.BoolRef:
        """Return whether a citation is one of some sections.

        One that isn't recognized may be any that the rules of either side name, or another.
        """
        stated = self._given(item, bound)
        if stated is None:
            return super().cited(item, sections, bound)
        assert isinstance(stated, GivenCitation)
        wanted = section_set(sections)
        answer = wanted.has(stated)
        if answer is not None:
            return truth(answer)
        assert isinstance(item, (tree.FactOf, tree.FieldOf))
        section = z3.Int(self.path_of(item, bound))
        return any_of(
            [
                is_number(section, number)
                for number, candidate in enumerate(self._candidates(item.fact))
                if wanted.has(candidate) and _may_be(stated, candidate)
            ]
        )

    def _candidates(self, fact: Fact) -> tuple[GivenCitation, ...]:
        if fact.path not in self.citations:
            values = TriedValues(self.segment, self._both_points, {})
            self.citations[fact.path] = tuple(values.of(fact))
        return self.citations[fact.path]

    def _citations(self, fact: Fact) -> tuple[Any, ...]:
        return with_other_sections(self._candidates(fact), self.segment.pack.vocabulary)

    def outcome(self, name: str) -> Term:
        """Return the answer of another decision, which its decider gives."""
        outcome = self.ruling.case.outcome(name)
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
        """Return a clock's status, or the unknown of one that `now` leaves open."""
        status = self.ruling.world.status(name)
        if status is not None:
            return self.value(status)
        if name not in self.open_clocks:
            self.open_clocks[name] = z3.FreshInt(f"clocks.{name}")
        return self.open_clocks[name]

    # Charges without a code

    @property
    def day(self) -> date | None:
        """The day of the law, None if it isn't known."""
        day: date | None = self.ruling.program.as_of or self._known.get(DAY)
        return day

    @property
    def open_codes(self) -> dict[str, tuple[Any, ...]]:
        """The sections that each code may cite that isn't known, by its path."""
        return {path: items for path, items in self.citations.items() if path in self.unknowns}

    def refuse_void_charges(self) -> None:
        """Raise `CannotEncode` for a charge that may be no offense beside others.

        Rules don't read such a charge, and these formulas have it in any case.
        """
        table = self.segment.pack.offenses
        offenses = table.rows.values() if table is not None else ()
        may_be_void = any(row.level == NONE for rows in offenses for row in rows)
        if may_be_void and len(self._by_place(CHARGES)) > 1:
            raise CannotEncode("a charge that may be no offense beside others")

    def terms_of_charges(self, codes: Iterable[str]) -> dict[str, Term]:
        """Return the terms of facts by path, with what is known of charges without a code."""
        terms = dict(self.unknowns)
        fields = self.segment.pack.vocabulary.facts[CHARGES].fields
        for path in codes:
            record = path.rpartition(".")[0]
            charge = self._by_place(CHARGES).get(_place_of(record), {})
            for name in READ:
                value = charge.get(name)
                if value is None:
                    continue
                if fields[name].type != "choice":
                    terms[f"{record}.{name}"] = self.value(value)
                    continue
                term = terms[f"{record}.{name}"] = z3.FreshInt(name)
                self.always.append(self.among(term, fields[name].word_tree.finest_of(value)))
        return terms

    def completed(self, model: z3.ModelRef) -> Facts:
        """Return the facts of this side with those that a solution adds."""
        answers = {
            name: z3.Int(f"decisions.{name}")
            for name in self._domains
            if f"decisions.{name}" in self._limited
        }
        unknowns = {**self.unknowns, **self._some_words}
        return with_solution(self, model, self.ruling.case.original, unknowns, answers)


def _place_of(record: str) -> int:
    """Return the place in a path such as `encounter.charges[2]`."""
    return int(record.rpartition("[")[2].removesuffix("]"))


def _may_be(stated: GivenCitation, candidate: GivenCitation) -> bool:
    """Return whether a citation that isn't clear may mean a section."""
    if stated.section is None:
        return True
    return section_set((stated.section,)).has(candidate) is True
