"""Show that a condition has no case, also where a search can't try all that there is.

A search tries numbers around those that conditions name, and short lists. Finding nothing then
proves nothing about sums or long lists. Here each test that can't be tried out, such as one of a
sum, becomes a yes-or-no of its own. If the search still finds nothing, there is nothing: a real
case would be one of those tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from rules.decide.search import Search, TooFar
from rules.decide.search_space import SearchSpace
from rules.decide.tried_values import LONGEST
from rules.input.interval import Interval, compare
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.language.exact import EXACT
from rules.packs.tables import Table

# Each operator that denies another one, with the one that it denies.
_DENIES = {"!=": "==", "<=": ">", "<": ">="}
_COUNTED = ("bool", "choice")  # types of which a search tries every value


class _NotShown(Exception):
    """The condition has a part that this page can't judge."""


def has_no_case(space: SearchSpace, goal: tree.Tree) -> bool:
    """Return True if surely no facts make the goal true. Other decisions may have any outcome."""
    try:
        freed = _Freed(space.segment.parameters).condition(goal, {})
        records = _records_needed(freed, space.segment.parameters)
        if records > LONGEST:
            return False
        return Search(space, freed, attested=True, witnesses=records).witness() is None
    except (_NotShown, TooFar):
        return False


class _Freed:
    """Replaces each test that a search can't try out by a yes-or-no of its own."""

    def __init__(self, parameters: Mapping[str, object]) -> None:
        self.parameters = parameters
        self.facts: dict[str, Fact] = {}

    def condition(self, node: tree.Tree, lists: Mapping[str, Fact]) -> tree.Tree:
        """Return the condition with its tests replaced. `lists` are those of its variables."""
        match node:
            case tree.IfKnown(condition):
                return self.condition(condition, lists)
            case tree.Not(operand):
                return tree.Not(self.condition(operand, lists))
            case tree.And(items):
                return tree.And(tuple(self.condition(item, lists) for item in items))
            case tree.Or(items):
                return tree.Or(tuple(self.condition(item, lists) for item in items))
            case tree.Quantifier(kind, over, variable, body):
                inner = self.condition(body, {**lists, variable: over})
                return tree.Quantifier(kind, over, variable, inner)
            case tree.Compare():
                return self.comparison(node, lists)
        return node if _can_be_tried(node) else self.free(node, lists)

    def comparison(self, node: tree.Compare, lists: Mapping[str, Fact]) -> tree.Tree:
        """Return a comparison, its value if it has only one, or a yes-or-no in its place."""
        constant = self.constant(node)
        if constant is not None:
            return tree.Constant(constant)
        if node.operator in _DENIES:
            denied = tree.Compare(_DENIES[node.operator], node.left, node.right)
            return tree.Not(self.comparison(denied, lists))
        sides = [self.counted(node.left, lists), self.counted(node.right, lists)]
        tried = tree.Compare(node.operator, *sides)
        return tried if _can_be_tried(tried) else self.free(node, lists)

    def counted(self, node: tree.Tree, lists: Mapping[str, Fact]) -> tree.Tree:
        """Return the number of some records with what they must be like replaced."""
        if isinstance(node, tree.Total) and node.value is None and node.keep is not None:
            keep = self.condition(node.keep, {**lists, node.variable: node.over})
            return tree.Total(node.over, node.variable, keep, None, node.low, node.high)
        return node

    def constant(self, node: tree.Compare) -> bool | None:
        """Return the value that a comparison has for all facts, None if it has no such value."""
        if tree.text(node.left) == tree.text(node.right):
            return node.operator in ("==", "<=", ">=")
        left, right = _range(node.left, self.parameters), _range(node.right, self.parameters)
        return compare(node.operator, left, right) if left and right else None

    def free(self, node: tree.Tree, lists: Mapping[str, Fact]) -> tree.Tree:
        """Return a yes-or-no in place of a test, the same one for the same test."""
        variables = {
            part.variable for part in tree.nodes(node) if isinstance(part, tree.FieldOf)
        } - {part.variable for part in tree.nodes(node) if isinstance(part, _LOOPS)}
        if len(variables) > 1:
            raise _NotShown
        of = lists[variable].path if (variable := next(iter(variables), None)) else None
        key = f"{of}: {tree.text(node)}"
        if key not in self.facts:
            name = f"{of or 'test'}.test_{len(self.facts)}"
            self.facts[key] = Fact(name, "bool", "", "", "", "record", of=of)
        fact = self.facts[key]
        return tree.FactOf(fact) if variable is None else tree.FieldOf(variable, fact)


_LOOPS = (tree.Quantifier, tree.Total)
_ANY_NUMBER = Interval(None, None)


def _can_be_tried(node: tree.Tree) -> bool:
    """Return True if the values that a search tries represent all there are for a test."""
    match node:
        case tree.Compare(_, left, right):
            if any(_is_written(side) for side in (left, right)):
                return all(_is_written(side) or _is_read(side) for side in (left, right))
            return all(_is_read(side) and _type_of(side) in _COUNTED for side in (left, right))
        case tree.Member(item) | tree.Cited(item) | tree.IsOne(item):
            return _is_read(item) and not isinstance(item, tree.Total)
        case tree.Alike(left, right):
            return _is_read(left) and _is_read(right)
    return isinstance(node, (tree.Constant, tree.FactOf, tree.FieldOf))


def _is_written(node: tree.Tree) -> bool:
    return isinstance(node, (tree.Constant, tree.ParameterOf, tree.RowOf))


def _is_read(node: tree.Tree) -> bool:
    """Return True for a fact, an outcome, a status, and the number of some records."""
    if isinstance(node, tree.Total):
        return node.value is None
    return isinstance(node, (tree.FactOf, tree.FieldOf, tree.OutcomeOf, tree.StatusOf))


def _type_of(node: tree.Tree) -> str:
    return node.fact.type if isinstance(node, (tree.FactOf, tree.FieldOf)) else ""


def _records_needed(node: tree.Tree, parameters: Mapping[str, object]) -> int:
    """Return how many records of one list keep each part of a condition true or false.

    `exists` is kept by one record, and a number of records above 3 by four. Fewer records never
    make `all` false.
    """
    # By the list and the part's text, so that equal parts count once.
    needed: dict[tuple[str, str], int] = {}
    for part in tree.nodes(node):
        if isinstance(part, _LOOPS):
            if any(isinstance(inner, _LOOPS) for inner in tree.nodes(part) if inner is not part):
                raise _NotShown
            needed.setdefault((part.over.path, tree.text(part)), 1)
        if isinstance(part, tree.Compare):
            for side, compared in ((part.left, part.right), (part.right, part.left)):
                if isinstance(side, tree.Total):
                    ends = _range(compared, parameters)
                    if ends is None or ends.high is None:
                        raise _NotShown
                    key, number = (side.over.path, tree.text(side)), int(ends.high) + 1
                    needed[key] = max(needed.get(key, 1), number)
    lists = {path for path, _ in needed}
    return max((sum(needed[key] for key in needed if key[0] == path) for path in lists), default=0)


def _range(node: tree.Tree, parameters: Mapping[str, object]) -> Interval | None:
    """Return the range of a number on complete facts, None for what is no number."""
    match node:
        case tree.Constant(bool()):
            return None
        case tree.Constant(int() | Decimal() as value):
            return Interval(value, value)
        case tree.ParameterOf(name):
            amount = parameters[name]
            return Interval(amount, amount) if isinstance(amount, (int, Decimal)) else None
        case tree.RowOf(name):
            table = parameters[name]
            assert isinstance(table, Table)
            rows = [row for row in table.rows.values() if isinstance(row, (int, Decimal))]
            return Interval(min(rows), max(rows)) if len(rows) == len(table.rows) else None
        case tree.FactOf(fact) | tree.FieldOf(_, fact) if fact.type in ("int", "decimal"):
            return Interval(fact.low, fact.high)
        case tree.Total(_, _, _, value, low, high):
            if value is None:
                return Interval(0, None)
            return Interval(
                0 if low is not None and low >= 0 else None,
                0 if high is not None and high <= 0 else None,
            )
        case tree.Choose(_, then, otherwise):
            return _hull(_range(then, parameters), _range(otherwise, parameters))
        case tree.Arithmetic(operator, left, right):
            return _computed(operator, _range(left, parameters), _range(right, parameters))
    return None


def _hull(first: Interval | None, second: Interval | None) -> Interval | None:
    if first is None or second is None:
        return None
    low = None if first.low is None or second.low is None else min(first.low, second.low)
    high = None if first.high is None or second.high is None else max(first.high, second.high)
    return Interval(low, high)


def _computed(operator: str, left: Interval | None, right: Interval | None) -> Interval | None:
    """Return the range of a sum, a difference, or a product."""
    if left is None or right is None:
        return None
    if operator == "*":
        low = _end("*", left.low, right.low)
        is_positive = all(end is not None and end >= 0 for end in (left.low, right.low))
        return Interval(low, _end("*", left.high, right.high)) if is_positive else _ANY_NUMBER
    if operator == "-":
        right = Interval(
            None if right.high is None else -right.high, None if right.low is None else -right.low
        )
    return Interval(_end("+", left.low, right.low), _end("+", left.high, right.high))


def _end(operator: str, left: int | Decimal | None, right: int | Decimal | None) -> Decimal | None:
    if left is None or right is None:
        return None
    work = EXACT.multiply if operator == "*" else EXACT.add
    return work(Decimal(left), Decimal(right))
