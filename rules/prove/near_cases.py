"""Cases near a change: at and beyond each number, and with a fact that isn't known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

import z3

from rules.language import tree
from rules.prove.changes import Edge, Example, Pair, Part, Region
from rules.prove.familiar_case import familiar_case
from rules.prove.number_edges import beyond, changed_numbers, value_in
from rules.prove.region_parts import RegionParts, facts_in
from rules.prove.remembering_solver import RememberingSolver, Solution
from rules.prove.side_formulas import BothSides
from rules.prove.sides import DecidedCases, rules_of
from rules.prove.smallest_case import smallest_case
from rules.prove.unknown_answers import pairs_with_unknowns

_MOST_CASES = 20  # that are decided with a fact unknown
_MOST_NUMBERS = 4  # of one decision, whose edges are looked for


class NearCases:
    """Looks for cases near the regions of one decision's changes.

    `given` has, for each side, that a case has an outcome. `small` returns a solution with few
    records of what it is given.
    """

    def __init__(
        self,
        cases: DecidedCases,
        both: BothSides,
        parts: RegionParts,
        given: Sequence[Mapping[str, z3.BoolRef]],
        regions: Sequence[tuple[list[z3.BoolRef], Region]],
        solver: RememberingSolver,
        small: Callable[..., Solution | None],
    ) -> None:
        self.cases = cases
        self.both = both
        self.parts = parts
        self.given = given
        self.regions = regions
        self.solver = solver
        self.small = small

    def with_unknowns(self, pairs: Sequence[Pair]) -> tuple[tuple[str, str], ...]:
        """Return the changes that are met where a fact of a changed rule isn't known."""
        names = frozenset(fact.name for _, part in self.parts.parts for fact in facts_in(part.node))
        cases = islice(self._cases(pairs), _MOST_CASES)
        return pairs_with_unknowns(self.cases, cases, names)

    def _cases(self, pairs: Sequence[Pair]) -> Iterator[Mapping[str, Any]]:
        """Yield cases of each change, and of each answer that stays, by the parts of the rules."""
        yield from (pair.example.facts for pair in pairs)
        old, new = self.given
        changes = [(pair.before, pair.after) for pair in pairs if pair.outcome is None]
        stays = [(outcome, outcome) for pair in changes for outcome in reversed(pair)]
        for before, after in dict.fromkeys((*stays, *changes)):
            if before not in old or after not in new:
                continue
            solutions: list[Solution] = []
            for holds, _ in self.parts.parts:
                for literal in (holds, z3.Not(holds)):
                    if any(solution.is_true(literal) for solution in solutions):
                        continue  # a case that was given already
                    solution = self.solver.solve(old[before], new[after], literal)
                    if solution is not None:
                        solutions.append(solution)
                        yield self.both.facts(solution.model)

    def edges(self) -> Iterator[Edge]:
        """Yield a case at each number of a region, and one just beyond it.

        A number of several regions is shown in the one with the fewest statements: no case in which
        an unchanged rule applies besides.
        """
        seen: set[tuple[str, Decimal]] = set()
        for statements, region in sorted(self.regions, key=lambda each: len(each[0])):
            for part, compared, limit in changed_numbers(region.parts, self.both.sides):
                key = (tree.text(compared), limit)
                if key in seen or len(seen) == _MOST_NUMBERS:
                    continue
                seen.add(key)
                others = [
                    statement for statement in statements if not self._is_about(statement, part)
                ]
                for value in (limit, beyond(part, limit)):
                    yield from self._edge(compared, limit, value, others)

    def _is_about(self, statement: z3.BoolRef, part: Part) -> bool:
        """Return whether a statement says that a part is true, or false."""
        literals = [holds for holds, own in self.parts.parts if own.node is part.node]
        return any(statement.eq(literal) or statement.eq(z3.Not(literal)) for literal in literals)

    def _edge(
        self, compared: tree.Tree, limit: Decimal, value: Decimal, others: list[z3.BoolRef]
    ) -> Iterator[Edge]:
        """Yield a case that has this value, if there is one in which all the rest is so."""
        has_value = self.both.new.term(compared, {}) == z3.RealVal(str(value))
        solution = self.small(*others, self.solver.named(has_value))
        if solution is None:
            return
        facts = self.both.facts(solution.model)
        old, new = self.cases.both(facts)
        if old is None or new is None or new.status != "decided":
            return
        answers = (old.outcome, new.outcome)

        def is_one(trial: Mapping[str, Any]) -> bool:
            """Return whether a case still has the value, and the same answers."""
            before, after = self.cases.both(trial)
            return (
                before is not None
                and after is not None
                and before.status == after.status == "decided"
                and (before.outcome, after.outcome) == answers
                and value_in(compared, after) == value
            )

        if is_one(facts):
            smaller = smallest_case(facts, is_one, ())
            smaller = familiar_case(smaller, is_one, self.both.sides[1].space.segment)
            yield Edge(compared, limit, value, Example(smaller, (), rules_of(new), new.outcome))
