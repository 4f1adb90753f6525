"""The rules of one decision as formulas over statements.

A statement is a part of a condition that a person can call true, false, or unknown: a comparison of
a fact, or a sentence about a list. A formula joins statements in strong Kleene logic. `if_known`
moves inward to the statements, because it distributes over "and" and "or".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from rules.decide.walk import conjunction, disjunction
from rules.frozen import frozen
from rules.language import tree
from rules.packs.resolve import DecisionInForce

Value = bool | None
VALUES: tuple[Value, ...] = (True, False, None)
# True, False, or `("is", statement, results)` with the result for each of `VALUES`, or
# `("and", …)` and `("or", …)` with formulas.
Formula = Any
# The values that each statement may still have.
Open = Mapping[int, Collection[Value]]
IS, AND, OR = "is", "and", "or"
_PLACE = {value: place for place, value in enumerate(VALUES)}
NEVER = "-"  # the result for a value that the statement can't have any more


@frozen
class RuleFormula:
    """A rule that may still apply: its outcome, its id, and what its condition still depends on."""

    outcome: str
    rule: str
    formula: Formula


@frozen
class Statements:
    """The statements of a decision, in the order of the rules, and the rules as formulas."""

    trees: tuple[tree.Tree, ...]
    rules: tuple[RuleFormula, ...]
    otherwise: str


def statements_of(decision: DecisionInForce) -> Statements:
    """Reduce the rules in force to formulas over their statements."""
    reader = _Reader()
    rules = tuple(
        RuleFormula(outcome, rule.rule.id, reader.read(rule.condition))
        for outcome, ranked in decision.ranks
        for rule in ranked
    )
    return Statements(tuple(reader.trees.values()), rules, decision.otherwise.outcome)


class _Reader:
    """Collects the statements of conditions, each text once."""

    def __init__(self) -> None:
        self.trees: dict[str, tree.Tree] = {}

    def read(self, node: tree.Tree) -> Formula:
        match node:
            case tree.Constant(bool() as value):
                return value
            case tree.And(items):
                return _joined(AND, map(self.read, items))
            case tree.Or(items):
                return _joined(OR, map(self.read, items))
            case tree.Not(operand):
                return _map_results(self.read(operand), _opposite, {AND: OR, OR: AND})
            case tree.IfKnown(condition):
                return _map_results(self.read(condition), _is_true, {AND: AND, OR: OR})
        self.trees.setdefault(tree.text(node), node)
        return (IS, list(self.trees).index(tree.text(node)), VALUES)


def _opposite(value: Value) -> Value:
    return None if value is None else not value


def _is_true(value: Value) -> Value:
    return value is True


def _map_results(formula: Formula, change: Any, joints: Mapping[str, str]) -> Formula:
    if isinstance(formula, bool):
        return change(formula)
    if formula[0] == IS:
        return (IS, formula[1], tuple(change(result) for result in formula[2]))
    return (joints[formula[0]], *(_map_results(item, change, joints) for item in formula[1:]))


def _joined(joint: str, items: Iterable[Formula]) -> Formula:
    """Join formulas. An item that settles the whole is the whole, one that adds nothing is out."""
    settles = joint == OR
    kept: dict[Formula, None] = {}
    for item in items:
        if item is settles:
            return settles
        if item is not (not settles):
            kept |= dict.fromkeys(
                item[1:] if not isinstance(item, bool) and item[0] == joint else (item,)
            )
    if not kept:
        return not settles
    return next(iter(kept)) if len(kept) == 1 else (joint, *kept)


def simplified(formula: Formula, values: Open) -> Formula:
    """Return the formula for statements that have some of their values only."""
    if isinstance(formula, bool):
        return formula
    if formula[0] != IS:
        return _joined(formula[0], (simplified(item, values) for item in formula[1:]))
    _, statement, results = formula
    left = tuple(
        result if value in values[statement] else NEVER
        for value, result in zip(VALUES, results, strict=True)
    )
    distinct = {result for result in left if result != NEVER or isinstance(result, bool)}
    if len(distinct) == 1 and None not in distinct:
        return distinct.pop()
    return (IS, statement, left)


def live_statements(formula: Formula) -> set[int]:
    """Return the statements whose value still changes a part of the formula."""
    if isinstance(formula, bool):
        return set()
    if formula[0] == IS:
        return {formula[1]} if len(set(formula[2]) - {NEVER}) > 1 else set()
    return set().union(*map(live_statements, formula[1:]))


def unknown_statements(formula: Formula) -> set[int]:
    """Return the statements that stay unknown in the formula."""
    if isinstance(formula, bool):
        return set()
    if formula[0] == IS:
        return {formula[1]} if set(formula[2]) - {NEVER} == {None} else set()
    return set().union(*map(unknown_statements, formula[1:]))


def by_chance(rules: Iterable[RuleFormula]) -> frozenset[int]:
    """Return the statements that nobody need find out: the rules read them with `if_known`."""
    needed: dict[int, bool] = {}
    still = [rule.formula for rule in rules if not isinstance(rule.formula, bool)]
    while still:
        formula = still.pop()
        if formula[0] == IS:
            needed[formula[1]] = needed.get(formula[1], False) or formula[2][2] is None
        else:
            still += [item for item in formula[1:] if not isinstance(item, bool)]
    return frozenset(statement for statement, is_needed in needed.items() if not is_needed)


def evaluate(formula: Formula, values: Mapping[int, Value]) -> Value:
    """Return the formula's value. A statement without a value in `values` is unknown."""
    if isinstance(formula, bool):
        return formula
    if formula[0] == IS:
        left = set(formula[2]) - {NEVER}
        result: Value = left.pop() if len(left) == 1 else formula[2][_PLACE[values[formula[1]]]]
        return result
    results = [evaluate(item, values) for item in formula[1:]]
    return conjunction(results) if formula[0] == AND else disjunction(results)


def pruned(rules: Iterable[RuleFormula], values: Open) -> tuple[RuleFormula, ...]:
    """Return the rules that may still matter: none that is false, and none below a true one."""
    kept: list[RuleFormula] = []
    for rule in rules:
        sure = next((above for above in kept if above.formula is True), None)
        if sure is not None and sure.outcome != rule.outcome:
            break
        formula = simplified(rule.formula, values)
        if formula is not False:
            kept.append(RuleFormula(rule.outcome, rule.rule, formula))
    sure_outcomes = {rule.outcome for rule in kept if rule.formula is True}
    return tuple(rule for rule in kept if rule.formula is True or rule.outcome not in sure_outcomes)


def possible_outcomes(
    rules: Iterable[RuleFormula], otherwise: str, values: Mapping[int, Value]
) -> tuple[str, ...]:
    """Return every outcome that the statements leave possible, the highest first."""
    possible: dict[str, None] = {}
    ranks: dict[str, list[Value]] = {}
    for rule in rules:
        ranks.setdefault(rule.outcome, []).append(evaluate(rule.formula, values))
    for outcome, results in ranks.items():
        value = disjunction(results)
        if value is not False:
            possible[outcome] = None
        if value:
            return tuple(possible)
    possible[otherwise] = None
    return tuple(possible)
