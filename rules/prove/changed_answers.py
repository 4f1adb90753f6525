"""Find which answers of a decision differ between two sides, and prove which never do.

Each change from one outcome to another has the regions of cases in which it happens. A region joins
parts of the rules that changed. A rule that is the same on both sides appears by its name.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

import z3

from rules.decide.decision import Decision
from rules.frozen import cached_property, frozen, replace
from rules.language import tree
from rules.prove.changes import ChangedAnswers, Edge, Example, Pair, Region, SolverError
from rules.prove.familiar_case import familiar_case
from rules.prove.fresh_solver import fresh_solver
from rules.prove.list_bounds import ListBounds, joint_bounds
from rules.prove.near_cases import NearCases
from rules.prove.region_parts import RegionParts, Rules
from rules.prove.remembering_solver import RememberingSolver, Solution
from rules.prove.side_formulas import BothSides, conditions_of, has_same_rules
from rules.prove.sides import DecidedCases, Side, in_region, rules_of, same_rules
from rules.prove.smallest_case import smallest_case
from rules.prove.solver_unknowns import CannotEncode
from rules.prove.timed_solver import TimedSolver, TimeIsUp
from rules.prove.unknown_answers import open_with_unknowns

MOST_REGIONS = 20  # that are listed
_MOST_COUNTED = 60  # that are looked for
_MOST_BARS = 3  # that apply in one case, before any number is taken
_MOST_RECORDS = 6  # of the lists of an example, before any number is taken


def changed_answers(old: Side, new: Side, name: str, seconds: float = 60.0) -> ChangedAnswers:
    """Compare the answers of a decision that both sides have. `seconds` limits the search.

    The same rules give the same regions and the same cases, whatever was asked before.
    """
    started = time.monotonic()
    bounds = joint_bounds((side.space.segment, conditions_of(side, [name])) for side in (old, new))
    if has_same_rules((old, new), name):
        return ChangedAnswers(name, bounds, (), (), True, None, time.monotonic() - started)
    with fresh_solver():
        return _changed_answers(old, new, name, bounds, started, seconds)


def _changed_answers(
    old: Side, new: Side, name: str, bounds: ListBounds, started: float, seconds: float
) -> ChangedAnswers:
    pairs: list[Pair] = []
    never: tuple[tuple[str, str], ...] = ()
    is_same, is_out_of_time, why = False, False, None
    unconfirmed: list[tuple[str, str]] = []
    with_unknowns: tuple[tuple[str, str], ...] = ()
    edges: tuple[Edge, ...] = ()
    still_open: tuple[tuple[str, str], ...] | None = None
    try:
        comparison = _Comparison(old, new, name, bounds, started + seconds)
        bounds = ListBounds(comparison.both.lengths, bounds.why)
        is_same = comparison.is_same
        if not is_same:
            for goal in comparison.goals():
                pair = comparison.pair(goal)
                if pair is None:
                    why = f"the solver found a change from {goal.before} to {goal.after}, and no "
                    why += "case that the rules confirm, perhaps for its times"
                    unconfirmed.append((goal.before, goal.after))
                else:
                    pairs.append(pair)
            pairs.sort(key=comparison.order)
            changes = [(pair.before, pair.after) for pair in pairs]
            never = comparison.never([*changes, *unconfirmed])
            near = comparison.near_cases()
            with_unknowns, edges = near.with_unknowns(pairs), tuple(near.edges())
            still_open = comparison.open_with_unknowns(never, with_unknowns)
    except CannotEncode as part:
        why = f"there is no formula for {part}"
    except TimeIsUp:
        is_out_of_time = True
        why = f"it took longer than {seconds:.0f} seconds"
    if why is None and not bounds.is_complete and not is_same:
        why = bounds.why
    spent = time.monotonic() - started
    return ChangedAnswers(
        name,
        bounds,
        tuple(pairs),
        never,
        is_same,
        why,
        spent,
        with_unknowns,
        edges,
        still_open if why is None else None,
        is_out_of_time,
    )


@frozen
class _Goal:
    before: str
    after: str
    changes: z3.BoolRef  # that a case changes so
    outcome: str | None = None


@frozen
class _Region:
    """The statements of a region, and that a case is outside of it."""

    statements: list[z3.BoolRef]
    outside: z3.BoolRef


class _Comparison:
    def __init__(
        self, old: Side, new: Side, name: str, bounds: ListBounds, deadline: float
    ) -> None:
        self.sides = (old, new)
        self.name = name
        self.timed = TimedSolver(deadline)
        self.both = BothSides(self.sides, [name], bounds)
        self.in_force = tuple(side.space.segment.decisions[name] for side in self.sides)
        self.cases = DecidedCases(self.sides, name)
        self.rules = self._rules()
        self.collects = self.in_force[0].decision.collect
        if self.collects != self.in_force[1].decision.collect:
            raise CannotEncode(f"`{name}`, which has several outcomes on one side alone")
        self.given = tuple(map(self._outcomes, (0, 1)))
        # Each region, with the solver's words for what is so in it.
        self.regions: list[tuple[list[z3.BoolRef], Region]] = []

    def _rules(self) -> tuple[Rules, Rules]:
        """Return the rules of both sides with their formulas, made once for a rule of both."""
        old_in_force, new_in_force = (
            {rule.rule.id: rule for rule in decision.rules} for decision in self.in_force
        )
        old: Rules = {
            rule_id: (rule, self.both.old.condition(rule.condition))
            for rule_id, rule in old_in_force.items()
        }
        shared = {
            new_id: old[old_id][1]
            for old_id, new_id in same_rules(self.sides, (old_in_force, new_in_force))
            if self.both.reads_alike(old_in_force[old_id].condition)
        }
        new: Rules = {}
        for rule_id, rule in new_in_force.items():
            formula = shared.get(rule_id)
            if formula is None:
                formula = self.both.new.condition(rule.condition)
            new[rule_id] = rule, formula
        return old, new

    # The outcomes

    def _outcomes(self, number: int) -> dict[str, z3.BoolRef]:
        """Return for each outcome of a side the formula of the cases that have it."""
        decision, rules = self.in_force[number], self.rules[number]
        higher: list[z3.BoolRef] = []
        cases: dict[str, z3.BoolRef] = {}
        for outcome, ranked in decision.ranks:
            applies = z3.Or([rules[rule.rule.id][1] for rule in ranked])
            cases[outcome] = applies if self.collects else z3.And(applies, *map(z3.Not, higher))
            higher.append(applies)
        default = decision.otherwise.outcome
        none = z3.And(*map(z3.Not, higher)) if higher else z3.BoolVal(True)
        cases[default] = z3.Or(cases[default], none) if default in cases else none
        return cases

    @property
    def is_same(self) -> bool:
        """True if the formulas of both sides are the same."""
        old, new = self.given
        return old.keys() == new.keys() and all(old[name].eq(new[name]) for name in old)

    def goals(self) -> Iterator[_Goal]:
        """Yield each change that some case makes, as the solver finds it."""
        possible = list(self._collected() if self.collects else self._changes())
        named = self.solver.named
        for number, goal in enumerate(possible):
            possible[number] = replace(goal, changes=named(goal.changes))
        some = named(z3.Or([goal.changes for goal in possible]))
        others: list[z3.BoolRef] = []
        while (solution := self.solver.solve(some, *others)) is not None:
            goal = next(goal for goal in possible if solution.is_true(goal.changes))
            possible.remove(goal)
            others.append(z3.Not(goal.changes))
            yield goal

    def _changes(self) -> Iterator[_Goal]:
        old, new = self.has
        for before in old:
            for after in new:
                if before != after:
                    yield _Goal(before, after, z3.And(old[before], new[after]))

    def _collected(self) -> Iterator[_Goal]:
        old, new = self.has
        none = z3.BoolVal(False)
        for outcome in dict.fromkeys((*old, *new)):
            before, after = old.get(outcome, none), new.get(outcome, none)
            yield _Goal("given", "not given", z3.And(before, z3.Not(after)), outcome)
            yield _Goal("not given", "given", z3.And(after, z3.Not(before)), outcome)

    def role(self, outcome: str, goal: _Goal) -> str | None:
        """Return what a rule with this outcome does in a change: it `bars`, `gives`, or neither."""
        if self.collects:
            default = goal.outcome in {
                decision_in_force.otherwise.outcome for decision_in_force in self.in_force
            }
            return "bars" if outcome == goal.outcome or default else None
        roles = set()
        for in_force, wanted in zip(self.in_force, (goal.before, goal.after), strict=True):
            order = in_force.decision.outcomes
            if outcome in order and wanted in order:
                place, own = order.index(outcome), order.index(wanted)
                roles.add("bars" if place < own else "gives" if place == own else None)
        return next((role for role in ("bars", "gives") if role in roles), None)

    def order(self, pair: Pair) -> tuple[int, ...]:
        """Return a key that sorts changes by the order of outcomes."""
        old, new = (in_force.decision.outcomes for in_force in self.in_force)
        if pair.outcome is not None:
            return ((*old, *new).index(pair.outcome), pair.before == "given")
        return old.index(pair.before), new.index(pair.after)

    def never(self, changes: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Return the changes that no case makes: all but these."""
        if self.collects:
            return ()
        old, new = self.given
        every = ((before, after) for before in old for after in new if before != after)
        return tuple(pair for pair in every if pair not in changes)

    def open_with_unknowns(
        self, never: tuple[tuple[str, str], ...], met: tuple[tuple[str, str], ...]
    ) -> tuple[tuple[str, str], ...] | None:
        """Return the changes with an unknown fact that are neither met nor ruled out.

        None for a decision with several outcomes at once, whose changes aren't counted so.
        """
        if self.collects:
            return None
        conditions = (rule.condition for side in self.in_force for rule in side.rules)
        has_if_known = any(
            isinstance(part, tree.IfKnown) for each in conditions for part in tree.nodes(each)
        )
        old, new = self.given
        return open_with_unknowns((old, new), never, met, has_if_known=has_if_known)

    # Regions

    @cached_property
    def parts(self) -> RegionParts:
        """The parts that regions are made of."""
        return RegionParts(self.both, self.rules)

    @cached_property
    def solver(self) -> RememberingSolver:
        """A solver that knows the cases there are, and what the parts mean."""
        return RememberingSolver(self.timed, [*self.both.always, *self.parts.definitions])

    @cached_property
    def has(self) -> tuple[dict[str, z3.BoolRef], dict[str, z3.BoolRef]]:
        """The cases with each outcome of each side, as names of the solver."""
        old, new = (
            {outcome: self.solver.named(formula) for outcome, formula in cases.items()}
            for cases in self.given
        )
        return old, new

    def pair(self, goal: _Goal) -> Pair | None:
        """Return a change with its regions and its smallest example, None without one."""
        parts = self.parts
        parts.compare(self.solver)
        parts.choose(partial(self.role, goal=goal))
        few = list(self._few_bars())
        outside = z3.Not(goal.changes)
        regions: list[_Region] = []
        while len(regions) < _MOST_COUNTED:
            left = [goal.changes, *(region.outside for region in regions)]
            solution = self.fewest_bars(left, few)
            if solution is None:
                break
            cube = self.widest(parts.statements(solution), outside)
            regions.append(_Region(cube, z3.Not(self.solver.named(z3.And(cube)))))
        is_complete = len(regions) < _MOST_COUNTED
        needed = self.needed(regions)
        needed.sort(key=parts.interest)
        confirmed: list[Region] = []
        for statements in needed[:MOST_REGIONS]:
            region = parts.region(statements)
            example = self.case(goal, [goal.changes, *statements], region)
            if example is not None:
                confirmed.append(replace(region, example=example))
                self.regions.append((statements, region))
            elif self.is_exact:
                raise self.differ(goal)
        if not confirmed:
            return None
        return Pair(
            goal.before,
            goal.after,
            tuple(confirmed),
            len(needed[MOST_REGIONS:]),
            is_complete,
            goal.outcome,
        )

    def _few_bars(self) -> Iterator[z3.BoolRef]:
        """Yield that no unchanged rule bars, that at most one does, and so on."""
        bars = [holds for holds, _ in self.parts.bars]
        for most in range(min(_MOST_BARS, len(bars) + 1)):
            few = z3.AtMost(*bars, most) if most else z3.And(list(map(z3.Not, bars)))
            yield self.solver.named(few)

    def fewest_bars(self, wanted: list[z3.BoolRef], few: list[z3.BoolRef]) -> Solution | None:
        """Return a case in which as few unchanged rules bar as possible, None if there is none."""
        for at_most in few:
            conflict = self.solver.conflict(*wanted, at_most)
            if conflict is None:
                return self.solver.solve(*wanted, at_most)
            if at_most.get_id() not in conflict:
                return None
        return self.solver.solve(*wanted)

    def widest(self, statements: list[z3.BoolRef], outside: z3.BoolRef) -> list[z3.BoolRef]:
        """Return as few of these statements as are enough to stay off `outside`.

        A statement that says more than another goes first, then the least interesting.
        """
        # INVARIANT: these are enough together. A statement outside of them is dropped unasked.
        enough = frozenset(statement.get_id() for statement in statements)
        for stronger in (True, False):
            for literal in reversed(list(statements)):
                fewer = [statement for statement in statements if not statement.eq(literal)]
                if stronger and not self.parts.implies_any(literal, fewer):
                    continue
                # "No other bar" is about the bars beside those named, so these stay.
                if self.parts.is_named_beside(literal, statements):
                    continue
                if literal.get_id() in enough:
                    conflict = self.solver.conflict(outside, *fewer)
                    if conflict is None:
                        continue
                    enough = conflict
                statements = fewer
        return statements

    def needed(self, regions: list[_Region]) -> list[list[z3.BoolRef]]:
        """Return the regions without those that others cover together."""
        kept = list(regions)
        for region in regions:
            others = [other.outside for other in kept if other is not region]
            if others and self.solver.solve(*region.statements, *others) is None:
                kept = [other for other in kept if other is not region]
        return [region.statements for region in kept]

    @property
    def is_exact(self) -> bool:
        """True if the formulas allow no case that there isn't."""
        return not self.both.old._made and not self.both.statuses

    def differ(self, goal: _Goal) -> SolverError:
        """Return the error for a case that the solver finds and the rules don't confirm."""
        return SolverError(
            "engines-differ",
            f"the solver changes `{self.name}` from `{goal.before}` to `{goal.after}`, and the "
            "rules don't",
            fix="don't rely on the memo; send us both packs",
        )

    # Examples

    @cached_property
    def few_records(self) -> list[z3.BoolRef]:
        """Limits on the records of all lists together: none, at most one, and so on."""
        sizes = list(self.both.old.sizes.values())
        most = range(_MOST_RECORDS) if sizes else ()
        return [self.solver.named(z3.Sum(sizes) <= number) for number in most]

    def small(self, *assumed: z3.BoolRef) -> Solution | None:
        """Return a solution with few records in lists, None if there is none."""
        for few in self.few_records:
            conflict = self.solver.conflict(*assumed, few)
            if conflict is None:
                return self.solver.solve(*assumed, few)
            if few.get_id() not in conflict:
                return None
        return self.solver.solve(*assumed)

    def near_cases(self) -> NearCases:
        """Return the search for cases near the changes that were found."""
        return NearCases(
            self.cases, self.both, self.parts, self.has, self.regions, self.solver, self.small
        )

    def case(self, goal: _Goal, statements: list[z3.BoolRef], region: Region) -> Example | None:
        """Return a small case of a region that the rules confirm."""
        for wanted in (*self.plain, ()):
            solution = self.small(*statements, *wanted)
            if solution is None:
                continue
            facts = self.both.facts(solution.model)
            if self.is_case(goal, facts):
                return self.example(goal, facts, region)
        return None

    @cached_property
    def plain(self) -> list[tuple[z3.BoolRef]]:
        """The clear cases, and those in the new side's week, as names of the solver."""
        wanted = (self.both.clear, self.both.timely)
        return [(self.solver.named(z3.And(formulas)),) for formulas in wanted if formulas]

    def example(self, goal: _Goal, facts: Mapping[str, Any], region: Region) -> Example:
        """Return a case with no fact that it doesn't need."""
        numbers: set[Decimal] = set(self.both.points()["number"])

        def is_one(trial: Mapping[str, Any]) -> bool:
            """Return whether a case still changes so, in the same region."""
            decisions = self.cases.both(trial)
            return self.changes_so(goal, decisions) and in_region(region, self.sides, decisions)

        confirms = is_one if is_one(facts) else partial(self.is_case, goal)
        smaller = smallest_case(facts, confirms, numbers)
        smaller = familiar_case(smaller, confirms, self.sides[1].space.segment)
        old, new = self.cases.both(smaller)
        assert old is not None and new is not None
        return Example(smaller, rules_of(old), rules_of(new), new.outcome)

    def is_case(self, goal: _Goal, facts: Mapping[str, Any]) -> bool:
        """Return whether the rules of both sides confirm that a case changes so."""
        return self.changes_so(goal, self.cases.both(facts))

    @staticmethod
    def changes_so(goal: _Goal, decisions: tuple[Decision | None, Decision | None]) -> bool:
        """Return whether two answers are those of a change."""
        old, new = decisions
        if old is None or new is None or old.status != "decided" or new.status != "decided":
            return False
        if goal.outcome is None:
            return (old.outcome, new.outcome) == (goal.before, goal.after)
        gives = [goal.outcome in (decision.outcome or ()) for decision in (old, new)]
        return gives == [goal.before == "given", goal.after == "given"]
