"""The plain meaning of conditions on one page: strong Kleene logic over known and unknown facts.

Unknown is None here. Other engines are compared with this one. Explanations, questions, and
coverage are made from it. `compile` makes the functions that decide, and must agree with it on
every condition and on all facts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta

from rules.decide.moments import moved, part_of
from rules.frozen import frozen
from rules.input.citations import section_set
from rules.input.interval import Interval, compare
from rules.language import exact, tree
from rules.language.lengths import length_of
from rules.packs.resolve import DecisionInForce

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
else:
    Any = object  # for aliases

Record = Mapping[str, Any]
Bound = Mapping[str, tuple[Record, str]]  # per variable: its record, and the record's path


@frozen
class World:
    """The values that a condition is evaluated on.

    `facts` holds the known facts by path, a list as a tuple of records. `outcome` returns another
    decision's outcome and `status` a clock's status, None while unknown. `doubtful_events` returns
    the events that leave a clock unknown, none if the clock is unknown without `now`. `time_zone`
    is the pack's. A condition that takes a moment apart needs it. With `waits`, `if_known` is its
    condition, unknown where that is unknown: as on facts that will be complete. `compiled` returns
    the value of a part faster than `walk_bound`, if there is such a function.
    """

    facts: Mapping[str, Any]
    parameters: Mapping[str, Any]
    outcome: Callable[[str], str | None]
    status: Callable[[str], str | None]
    doubtful_events: Callable[[str], tuple[str, ...]] = lambda _: ()
    time_zone: str = ""
    waits: bool = False
    compiled: Callable[[tree.Tree, Bound], Any] | None = None


def walk(node: tree.Tree, world: World, bound: Mapping[str, Record] | None = None) -> Any:
    """Return the value of `node`, or None while it is unknown."""
    bound = bound or {}
    match node:
        case tree.Constant(value):
            return value
        case tree.FactOf(fact):
            return world.facts.get(fact.path)
        case tree.FieldOf(variable, fact):
            return bound[variable].get(fact.name)
        case tree.ParameterOf(name):
            return world.parameters[name]
        case tree.LengthOf(unit, tree.ParameterOf(name)):
            return length_of(unit, world.parameters[name])
        case tree.PartOf(part, moment):
            return part_of(part, walk(moment, world, bound), world.time_zone)
        case tree.OutcomeOf(decision):
            return world.outcome(decision)
        case tree.StatusOf(clock):
            return world.status(clock)
        case tree.IfKnown(condition):
            value = walk(condition, world, bound)
            return value if world.waits else value is True
        case tree.Not(operand):
            value = walk(operand, world, bound)
            return None if value is None else not value
        case tree.And(items):
            return conjunction([walk(item, world, bound) for item in items])
        case tree.Or(items):
            return disjunction([walk(item, world, bound) for item in items])
        case tree.Compare(operator, left, right):
            return compared(operator, walk(left, world, bound), walk(right, world, bound))
        case tree.Member(item, values):
            among = (
                world.parameters[values.name] if isinstance(values, tree.ParameterOf) else values
            )
            value = walk(item, world, bound)
            return disjunction([compared("==", value, member) for member in among])
        case tree.RowOf(name, key):
            return world.parameters[name].row(walk(key, world, bound))
        case tree.IsOne(item, values, word_tree):
            among = (
                world.parameters[values.name] if isinstance(values, tree.ParameterOf) else values
            )
            return word_tree.is_one(walk(item, world, bound), among)
        case tree.Alike(left, right, word_tree):
            return word_tree.are_alike(walk(left, world, bound), walk(right, world, bound))
        case tree.Cited(item, tree.ParameterOf(name)):
            return section_set(world.parameters[name]).has(walk(item, world, bound))
        case tree.Cited(item, tuple() as sections):
            return section_set(sections).has(walk(item, world, bound))
        case tree.Choose(condition, then, otherwise):
            value = walk(condition, world, bound)
            return None if value is None else walk(then if value else otherwise, world, bound)
        case tree.Arithmetic(operator, left, right):
            return computed(operator, walk(left, world, bound), walk(right, world, bound))
        case tree.Quantifier(kind, over, variable, body):
            records = world.facts.get(over.path)
            if records is None:
                return None
            tested = [walk(body, world, {**bound, variable: record}) for record in records]
            return disjunction(tested) if kind == "exists" else conjunction(tested)
        case tree.Total(over, variable, keep, value, low, high):
            records = world.facts.get(over.path)
            if records is None:
                return None
            kept = [
                (
                    True if keep is None else walk(keep, world, {**bound, variable: record}),
                    1 if value is None else walk(value, world, {**bound, variable: record}),
                )
                for record in records
            ]
            return total(kept, low, high)
    raise AssertionError(node)


def walk_bound(node: tree.Tree, world: World, bound: Bound) -> Any:
    """Return the value of a part whose variables are bound to records with paths."""
    return walk(node, world, {name: record for name, (record, _) in bound.items()})


def possible(decision: DecisionInForce, world: World) -> list[str]:
    """Return every outcome that the decision may still have, in order of precedence."""
    outcomes: set[str] = set()
    for outcome, rules in decision.ranks:
        value = disjunction([walk(rule.condition, world) for rule in rules])
        if value is not False:
            outcomes.add(outcome)
        if value:
            break
    else:
        outcomes.add(decision.otherwise.outcome)
    return sorted(outcomes, key=decision.decision.outcomes.index)


def conjunction(values: list[bool | None]) -> bool | None:
    """Return the strong Kleene conjunction: False if any is False, else None if any is None."""
    return False if False in values else None if None in values else True


def disjunction(values: list[bool | None]) -> bool | None:
    """Return the strong Kleene disjunction: True if any is True, else None if any is None."""
    return True if True in values else None if None in values else False


def compared(operator: str, left: Any, right: Any) -> bool | None:
    """Return `left operator right`. On an interval, it is known if every value agrees."""
    if left is None or right is None:
        return None
    if isinstance(left, Interval) or isinstance(right, Interval):
        return compare(operator, left, right)
    match operator:
        case "==":
            return bool(left == right)
        case "!=":
            return bool(left != right)
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
    return bool(left >= right)


def computed(operator: str, left: Any, right: Any) -> Any:
    """Return `left operator right`. The result of arithmetic on an interval is unknown.

    Dates stop at the calendar's ends.
    """
    if left is None or right is None or isinstance(left, Interval) or isinstance(right, Interval):
        return None
    if isinstance(left, (date, timedelta)):
        return moved(left, right, 1 if operator == "+" else -1)
    return {"+": exact.add, "-": exact.subtract, "*": exact.multiply}[operator](left, right)


def total(kept: list[tuple[bool | None, Any]], low: Any, high: Any) -> Any:
    """Return the sum over the elements that are surely (True) or perhaps (None) in a list.

    It is an interval unless every part is known.
    """
    least: Any = 0
    most: Any = 0
    for surely, value in kept:
        if surely is False:
            continue
        if value is None:
            smallest, largest = low, high
        elif isinstance(value, Interval):
            smallest, largest = value.low, value.high
        else:
            smallest = largest = value
        if surely is None:
            smallest = None if smallest is None else min(0, smallest)
            largest = None if largest is None else max(0, largest)
        least = None if least is None or smallest is None else exact.add(least, smallest)
        most = None if most is None or largest is None else exact.add(most, largest)
    return least if least is not None and least == most else Interval(least, most)
