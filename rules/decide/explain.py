"""Explain a condition's value: readings of the same tree that decides.

They answer three questions about a condition and a world: the known facts that it names, the facts
that settled it, and the unknown leaves that still matter. A fact inside a list is named by its
position, `encounter.drugs[0].grams`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rules.decide.walk import Bound, World, walk_bound
from rules.frozen import frozen
from rules.input.interval import Interval
from rules.input.kept_records import placed
from rules.input.vocabulary import Fact
from rules.language import tree

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


# Walking these takes no longer than calling what they compile to.
_LEAVES = (tree.Constant, tree.FactOf, tree.FieldOf, tree.ParameterOf, tree.OutcomeOf)


@frozen
class Leaf:
    """One thing that isn't known: a fact, another decision's outcome, or the time (for a clock).

    `given` is the value of a fact that is known too coarsely.
    """

    path: str
    fact: Fact | None = None
    decision: str | None = None
    clock: str | None = None
    given: str | None = None


def value_of(node: tree.Tree, world: World, bound: Bound) -> Any:
    """Return the value of a part, with its variables bound to records."""
    if isinstance(node, _LEAVES) or world.compiled is None:
        return walk_bound(node, world, bound)
    return world.compiled(node, bound)


def undecided(value: Any) -> bool:
    """Return True if a value is unknown or an interval."""
    return value is None or isinstance(value, Interval)


def known(node: tree.Tree, world: World, bound: Bound | None = None) -> dict[str, Any]:
    """Return every known fact that the condition names, by path."""
    return known_of(names(node), world, bound)


def known_of(condition_names: Names, world: World, bound: Bound | None = None) -> dict[str, Any]:
    """Return every known fact with one of these names, by path."""
    facts_found: dict[str, Any] = {}
    facts = world.facts
    for path in condition_names.facts:
        if (value := facts.get(path)) is not None:
            facts_found[path] = value
    for variable, name in condition_names.fields:
        record, at = (bound or {})[variable]
        if name in record:
            facts_found[f"{at}.{name}"] = record[name]
    for path, read in condition_names.lists:
        records = facts.get(path)
        if records is None:
            continue
        if not records or not read:
            facts_found[path] = records
        for index, record in placed(records):
            at = f"{path}[{index}]."
            for name in read:
                if name in record:
                    facts_found[at + name] = record[name]
    for decision in condition_names.decisions:
        if (outcome := world.outcome(decision)) is not None:
            facts_found[f"decisions.{decision}"] = outcome
    for clock in condition_names.clocks:
        if (status := world.status(clock)) is not None:
            facts_found[f"clocks.{clock}"] = status
    return facts_found


@frozen
class Names:
    """The names in a condition.

    Facts and lists are named by path, each list with the fields that are read of its records.
    `fields` are those of records bound outside the condition.
    """

    facts: tuple[str, ...]
    fields: tuple[tuple[str, str], ...]
    lists: tuple[tuple[str, tuple[str, ...]], ...]
    decisions: tuple[str, ...]
    clocks: tuple[str, ...]
    parameters: tuple[str, ...]


def names(node: tree.Tree) -> Names:
    """Return the names in a condition. They are found once for each tree, which keeps them."""
    cached: Names | None = node.__dict__.get("_names")
    if cached is None:
        cached = node.__dict__["_names"] = _names(
            node, [names(child) for child in tree.children(node)]
        )
    return cached


def names_of(nodes: Iterable[tree.Tree]) -> Names:
    """Return the names in several conditions."""
    return _names(None, [names(node) for node in nodes])


def _names(node: tree.Tree | None, inner: list[Names]) -> Names:
    facts, fields, decisions, clocks, parameters = (
        dict.fromkeys(name for part in inner for name in getattr(part, kind))
        for kind in ("facts", "fields", "decisions", "clocks", "parameters")
    )
    lists: dict[str, tuple[str, ...]] = {}
    for part in inner:
        for path, read in part.lists:
            lists[path] = tuple(dict.fromkeys((*lists.get(path, ()), *read)))
    match node:
        case tree.FactOf(fact):
            facts[fact.path] = None
        case tree.FieldOf(variable, fact):
            fields[(variable, fact.name)] = None
        case tree.OutcomeOf(decision):
            decisions[decision] = None
        case tree.StatusOf(clock):
            clocks[clock] = None
        case (
            tree.ParameterOf(name)
            | tree.RowOf(name)
            | tree.Member(_, tree.ParameterOf(name))
            | tree.IsOne(_, tree.ParameterOf(name))
        ):
            parameters[name] = None
        case tree.Quantifier(_, over, variable) | tree.Total(over, variable):
            own = tuple(name for bound, name in fields if bound == variable)
            lists[over.path] = tuple(dict.fromkeys((*lists.get(over.path, ()), *own)))
            fields = {name: None for name in fields if name[0] != variable}
    in_order = {path: tuple(sorted(lists[path])) for path in sorted(lists)}
    return Names(
        tuple(sorted(facts)),
        tuple(fields),
        tuple(in_order.items()),
        tuple(decisions),
        tuple(clocks),
        tuple(parameters),
    )


def settled(node: tree.Tree, world: World, bound: Bound | None = None) -> dict[str, Any]:
    """Return the known facts that suffice for the condition's value.

    Without a value, these are the facts of its decided parts.
    """
    return _merged(known(part, world, inner) for part, inner in settling(node, world, bound))


def settling(
    node: tree.Tree, world: World, bound: Bound | None = None
) -> Iterator[tuple[tree.Tree, Bound]]:
    """Yield the parts without connectives that suffice for the condition's value.

    Each is bound to the records that it is about.
    """
    bound = bound or {}
    value = value_of(node, world, bound)
    match node:
        case tree.And(items) | tree.Or(items):
            decides = isinstance(node, tree.Or)
            if value is decides:
                items = (_first(items, world, bound, decides),)
            for item in items:
                yield from settling(item, world, bound)
        case tree.Not(operand) | tree.IfKnown(operand):
            yield from settling(operand, world, bound)
        case tree.Choose(condition, then, otherwise):
            chosen = then if value_of(condition, world, bound) else otherwise
            for part in (condition, chosen):
                yield from settling(part, world, bound)
        case tree.Quantifier(kind, over, variable, body) if over_records := _records(
            over, variable, world, bound
        ):
            decides = kind == "exists"
            if value is decides:
                deciding = (
                    record for record in over_records if value_of(body, world, record) is decides
                )
                over_records = [next(deciding)]
            for record in over_records:
                yield from settling(body, world, record)
        case _:
            yield node, bound


def _first(items: tuple[tree.Tree, ...], world: World, bound: Bound, wanted: bool) -> tree.Tree:
    return next(item for item in items if value_of(item, world, bound) is wanted)


def unknown(node: tree.Tree, world: World, bound: Bound | None = None) -> dict[str, Leaf]:
    """Return the unknown leaves that keep the condition from being decided, by path."""
    return {leaf.path: leaf for leaf in open_leaves(node, world, bound or {})}


def open_leaves(node: tree.Tree, world: World, bound: Bound) -> Iterator[Leaf]:
    """Yield these leaves in order, each when it is needed. A leaf may come more than once."""
    if undecided(value_of(node, world, bound)):
        yield from _leaves_of(node, world, bound)


def _leaves_of(node: tree.Tree, world: World, bound: Bound) -> Iterator[Leaf]:
    """Yield the open leaves of a part that is not decided."""
    match node:
        case tree.FactOf() | tree.FieldOf():
            yield _leaf_of(node, bound)
        case tree.OutcomeOf(decision):
            yield Leaf(f"decisions.{decision}", decision=decision)
        case tree.StatusOf(clock):
            for path in world.doubtful_events(clock) or ("now",):
                yield Leaf(path, clock=clock)
        case tree.Cited(item):
            # A citation that is known may still not be recognized, and is asked for again.
            yield from list(open_leaves(item, world, bound)) or [_leaf_of(item, bound)]
        case tree.Choose(condition, then, otherwise) if (
            chooses := value_of(condition, world, bound)
        ) is not None:
            yield from open_leaves(then if chooses else otherwise, world, bound)
        case tree.Quantifier(_, over) | tree.Total(over) if over.path not in world.facts:
            yield Leaf(over.path, over)
        case tree.Quantifier(_, over, variable, body):
            for binding in _records(over, variable, world, bound):
                yield from open_leaves(body, world, binding)
        case tree.Total(over, variable, keep, value):
            for binding in _records(over, variable, world, bound):
                if keep is None or value_of(keep, world, binding) is not False:
                    for part in (keep, value):
                        if part is not None:
                            yield from open_leaves(part, world, binding)
        case tree.IsOne() | tree.Alike() | tree.RowOf():
            for part in tree.children(node):
                if isinstance(part, (tree.FactOf, tree.FieldOf)):
                    yield from _words_open(part, world, bound)
        case _:
            for part in tree.children(node):
                if undecided(value_of(part, world, bound)):
                    yield from _leaves_of(part, world, bound)


def _words_open(part: tree.FactOf | tree.FieldOf, world: World, bound: Bound) -> Iterator[Leaf]:
    """Yield the leaf of a choice that is unknown, or known by a coarse word only."""
    choice = value_of(part, world, bound)
    if choice is None or part.fact.word_tree.is_coarse(choice):
        yield _leaf_of(part, bound, given=choice)


def _leaf_of(node: tree.Tree, bound: Bound, given: str | None = None) -> Leaf:
    """Return the leaf of a fact or a field."""
    match node:
        case tree.FactOf(fact):
            return Leaf(fact.path, fact, given=given)
        case tree.FieldOf(variable, fact):
            return Leaf(f"{bound[variable][1]}.{fact.name}", fact, given=given)
    raise AssertionError(node)


def _records(
    over: Fact, variable: str, world: World, bound: Bound
) -> list[dict[str, tuple[Mapping[str, Any], str]]]:
    records = world.facts.get(over.path) or ()
    return [
        {**bound, variable: (record, f"{over.path}[{index}]")} for index, record in placed(records)
    ]


def parts(
    node: tree.Tree, world: World, bound: Bound | None = None
) -> Iterator[tuple[tree.Tree, Bound]]:
    """Return every part of the tree, once for each record that its variables can be."""
    bound = bound or {}
    yield node, bound
    if isinstance(node, (tree.Quantifier, tree.Total)):
        for binding in _records(node.over, node.variable, world, bound):
            for child in tree.children(node):
                yield from parts(child, world, binding)
        return
    for child in tree.children(node):
        yield from parts(child, world, bound)


def _merged(parts_found: Iterator[dict[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for part in parts_found:
        result |= part
    return result
