"""What a region is made of: parts of changed rules, and unchanged rules by their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

import z3

from rules.input.vocabulary import Fact
from rules.language import tree
from rules.packs.resolve import RuleInForce
from rules.prove.changes import Part, Region, UnchangedRule
from rules.prove.remembering_solver import RememberingSolver, Solution
from rules.prove.side_formulas import BothSides
from rules.prove.sides import Side, same_rules

# The rules of one side by id, each with its formula.
Rules = dict[str, tuple[RuleInForce, z3.BoolRef]]


class RegionParts:
    """The parts of changed rules and the unchanged rules, each as a yes or no of the solver.

    `choose` sets what matters in one change: `bars` are the unchanged rules that keep a side from
    its answer, and `givers` those that give one. No other unchanged rule matters.
    """

    def __init__(
        self,
        both: BothSides,
        rules: tuple[Rules, Rules],
    ) -> None:
        old, new = rules
        same = same_rules(
            both.sides,
            (
                {rule_id: rule for rule_id, (rule, _) in old.items()},
                {rule_id: rule for rule_id, (rule, _) in new.items()},
            ),
        )
        self.parts: list[tuple[z3.BoolRef, Part]] = []
        self._unchanged: list[tuple[z3.BoolRef, UnchangedRule, str]] = []
        self.bars: list[tuple[z3.BoolRef, UnchangedRule]] = []
        self.givers: list[tuple[z3.BoolRef, UnchangedRule]] = []
        # By id: that no other bar holds, and the bars that are named beside it.
        self.none: dict[int, tuple[z3.BoolRef, frozenset[int]]] = {}
        self.definitions: list[z3.BoolRef] = []
        self._add_parts(both, rules, tuple({pair[number] for pair in same} for number in (0, 1)))
        for old_id, new_id in sorted(same, key=lambda pair: pair[1]):
            outcome = new[new_id][0].rule.then
            before, after = old[old_id][1], new[new_id][1]
            for side in (None,) if before.eq(after) else (0, 1):
                holds = z3.Bool(f"rule {new_id} {side}")
                self.definitions.append(holds == (before if side == 0 else after))
                self._unchanged.append((holds, UnchangedRule(new_id, True, side), outcome))
        self._weaker: dict[int, list[z3.BoolRef]] = {}
        self._compared: list[z3.BoolRef] = []

    def choose(self, role: Callable[[str], str | None]) -> None:
        """Sort the unchanged rules by what they do in one change, from the role of an outcome."""
        self.bars, self.givers = [], []
        for holds, rule, outcome in self._unchanged:
            own_role = role(outcome)
            if own_role is not None:
                (self.bars if own_role == "bars" else self.givers).append((holds, rule))
        self.none = {}

    def _add_parts(
        self, both: BothSides, rules: tuple[Rules, Rules], same: tuple[set[str], ...]
    ) -> None:
        formulas_by_id: dict[int, tuple[z3.BoolRef, tree.Tree, int]] = {}
        for number, formulas in enumerate((both.old, both.new)):
            for rule, _ in rules[number].values():
                if rule.rule.id in same[number]:
                    continue
                for node in leaves(rule.condition):
                    part = formulas.condition(node)
                    if not (z3.is_true(part) or z3.is_false(part)):
                        formulas_by_id.setdefault(part.get_id(), (part, node, number))
        changed = _changed_parameters(both.sides)
        in_order = sorted(formulas_by_id.values(), key=lambda entry: _rank(entry[1], changed))
        sides_of: dict[str, set[int]] = {}
        for _, node, number in in_order:
            sides_of.setdefault(tree.text(node), set()).add(number)
        for index, (formula, node, number) in enumerate(in_order):
            holds = z3.Bool(f"part {index}")
            self.definitions.append(holds == formula)
            is_its_own = len(sides_of[tree.text(node)]) == 2 and not _reads(node, changed)
            self.parts.append((holds, Part(node, number, True, is_its_own)))

    def interest(self, region: list[z3.BoolRef]) -> tuple[int, ...]:
        """Return a key that sorts regions: those of the changed number first."""
        ids = {literal.get_id() for literal in region}
        return tuple(
            index
            for index, (holds, _) in enumerate(self.parts)
            if holds.get_id() in ids or z3.Not(holds).get_id() in ids
        )

    def implies_any(self, literal: z3.BoolRef, others: list[z3.BoolRef]) -> bool:
        """Return whether a statement says more than one of the others about the same number."""
        ids = {candidate.get_id() for candidate in others}
        return any(weaker.get_id() in ids for weaker in self._weaker.get(literal.get_id(), ()))

    def compare(self, solver: RememberingSolver) -> None:
        """Find which comparisons of numbers say more than others, one way only, once."""
        if self._compared:
            return
        compared = [holds for holds, part in self.parts if isinstance(part.node, tree.Compare)]
        literals = [literal for holds in compared for literal in (holds, z3.Not(holds))]
        self._compared = literals  # kept alive, so that an id names one statement

        # A comparison says nothing about one of other facts.
        facts = {
            literal.get_id(): {fact.path for fact in facts_in(part.node)}
            for holds, part in self.parts
            for literal in (holds, z3.Not(holds))
        }

        def follows(first: z3.BoolRef, second: z3.BoolRef) -> bool:
            return solver.solve(first, z3.Not(second)) is None

        for literal in literals:
            self._weaker[literal.get_id()] = [
                weaker
                for weaker in literals
                if not weaker.eq(literal)
                and facts[literal.get_id()] & facts[weaker.get_id()]
                and follows(literal, weaker)
                and not follows(weaker, literal)
            ]

    def statements(self, solution: Solution) -> list[z3.BoolRef]:
        """Return what is so in a case: parts first, in order of interest, then unchanged rules.

        The bars that don't apply are one statement.
        """
        yes_or_no = [holds for holds, _ in [*self.parts, *self.givers]]
        statements = [
            statement if solution.is_true(statement) else z3.Not(statement)
            for statement in yes_or_no
        ]
        applying = [holds for holds, _ in self.bars if solution.is_true(holds)]
        others = [holds for holds, _ in self.bars if not solution.is_true(holds)]
        if not others:
            return [*statements, *applying]
        none = z3.And([z3.Not(holds) for holds in others])
        self.none[none.get_id()] = none, frozenset(holds.get_id() for holds in applying)
        return [*statements, *applying, none]

    def is_named_beside(self, literal: z3.BoolRef, statements: list[z3.BoolRef]) -> bool:
        """Return whether a statement names a bar that "no other bar" leaves out."""
        return any(
            literal.get_id() in self.none[statement.get_id()][1]
            for statement in statements
            if statement.get_id() in self.none
        )

    def region(self, statements: list[z3.BoolRef]) -> Region:
        """Return what is so as a region."""
        ids = {literal.get_id() for literal in statements}
        parts = tuple(
            Part(part.node, part.side, is_true, part.is_its_own)
            for holds, part in self.parts
            for is_true in (True, False)
            if (holds if is_true else z3.Not(holds)).get_id() in ids
        )
        rules = tuple(
            UnchangedRule(rule.id, is_true, rule.side)
            for holds, rule in [*self.bars, *self.givers]
            for is_true in (True, False)
            if (holds if is_true else z3.Not(holds)).get_id() in ids
        )
        others = self._other_bars(ids)
        return Region(parts, rules, bool(others), others)

    def _other_bars(self, ids: set[int]) -> tuple[tuple[int, str], ...]:
        """Return the bars that "no other bar" is about, if it is among these statements."""
        named_ids = next(
            (self.none[statement_id][1] for statement_id in ids if statement_id in self.none), None
        )
        if named_ids is None:
            return ()
        return tuple(
            (1 if rule.side is None else rule.side, rule.id)
            for holds, rule in self.bars
            if holds.get_id() not in named_ids
        )


def leaves(node: tree.Tree) -> Iterator[tree.Tree]:
    """Yield the parts of a condition that `&&`, `||`, and `!` join."""
    match node:
        case tree.And(items) | tree.Or(items):
            for item in items:
                yield from leaves(item)
        case tree.Not(inner) | tree.IfKnown(inner):
            yield from leaves(inner)
        case tree.Constant():
            return
        case _:
            yield node


def facts_in(node: tree.Tree) -> Iterator[Fact]:
    """Yield the facts and lists that a part reads."""
    for part in tree.nodes(node):
        if isinstance(part, (tree.FactOf, tree.FieldOf)):
            yield part.fact
        elif isinstance(part, (tree.Quantifier, tree.Total)):
            yield part.over


def _changed_parameters(sides: tuple[Side, Side]) -> set[str]:
    old, new = (side.space.segment.parameters for side in sides)
    return {name for name in {*old, *new} if old.get(name) != new.get(name)}


def _reads(node: tree.Tree, names: set[str]) -> bool:
    return any(
        isinstance(part, (tree.ParameterOf, tree.RowOf)) and part.name in names
        for part in tree.nodes(node)
    )


def _rank(node: tree.Tree, changed: set[str]) -> int:
    """Return the place of a part: changed numbers first, then other numbers, then the rest."""
    if _reads(node, changed):
        return 0
    return 1 if isinstance(node, tree.Compare) and _has_number(node) else 2


def _has_number(node: tree.Tree) -> bool:
    return any(
        isinstance(part, tree.Constant)
        and isinstance(part.value, (int, Decimal))
        and not isinstance(part.value, bool)
        for part in tree.nodes(node)
    )
