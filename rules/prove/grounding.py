"""The conditions of one case without what its facts settle.

A part that the facts decide becomes its value. A quantifier over a known list becomes a condition
for each of its records, whose fields are facts such as `encounter.charges[0].level`. What is left
reads only what isn't known, and is as short as the case is nearly decided.

`if_known` never waits. Facts that nothing but it reads stay as they are, so an open one is false.
What other conditions read too may still be learned. With `learns_all`, every fact may be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from rules.decide import explain
from rules.decide.ruling import Ruling, keeps_its_needs
from rules.decide.walk import World, walk
from rules.frozen import replace
from rules.input.interval import Interval
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.packs.law import CHARGES, READ

# By variable: the path of a list's record, and the record.
Bound = Mapping[str, tuple[str, Mapping[str, Any]]]
# A decision's outcomes from the highest, each with the conditions that give it, and its default.
Ranks = tuple[tuple[tuple[str, tuple[tree.Tree, ...]], ...], str]
_TERMS = (tree.PartOf, tree.StatusOf, tree.OutcomeOf, tree.Total, tree.Arithmetic, tree.RowOf)
_CONDITIONS = (
    tree.And,
    tree.Or,
    tree.Not,
    tree.Compare,
    tree.Member,
    tree.IsOne,
    tree.Alike,
    tree.Cited,
    tree.Quantifier,
)


class Grounding:
    """The rules of a ruling and of the decisions that it reads, on the facts of its case.

    `ranks` are those of each decision by name. `free` has the outcomes of the decisions that are
    taken as given: others decide them, or other days govern them.
    """

    def __init__(self, ruling: Ruling, *, learns_all: bool = False) -> None:
        self.ruling = ruling
        self.learns_all = learns_all
        self.ranks: dict[str, Ranks] = {}
        self.free: dict[str, tuple[str, ...]] = {}
        self._plain = _read_plainly(ruling)
        self._ground(ruling)

    def conditions(self) -> Iterator[tree.Tree]:
        """Yield every condition that is left."""
        for ranks, _ in self.ranks.values():
            for _, conditions in ranks:
                yield from conditions

    def outcomes(self, name: str) -> tuple[str, ...]:
        """Return the outcomes that what is left of a decision's rules may give."""
        ranks, default = self.ranks[name]
        return tuple(dict.fromkeys((*(outcome for outcome, _ in ranks), default)))

    def _ground(self, ruling: Ruling) -> None:
        in_force, world = ruling.rules_in_force, ruling.world
        ranks = []
        for outcome, rules in in_force.ranks:
            left = [self.condition(rule.condition, world) for rule in rules]
            left = [condition for condition in left if condition != _FALSE]
            if left:
                ranks.append((outcome, tuple(left)))
            if _TRUE in left and not in_force.decision.collect:
                break
        self.ranks[ruling.decision] = tuple(ranks), in_force.otherwise.outcome
        for _, conditions in ranks:
            for condition in conditions:
                for part in tree.nodes(condition):
                    if isinstance(part, tree.OutcomeOf):
                        self._ground_inner(ruling, part.decision)

    def _ground_inner(self, ruling: Ruling, name: str) -> None:
        if name in self.ranks or name in self.free:
            return
        inner = ruling.case.decide(name)
        if (
            inner.segment is not self.ruling.segment
            or inner.rules_in_force.decision.collect
            or keeps_its_needs(ruling.program.pack, name)
        ):
            self.free[name] = tuple(inner.possible)
        else:
            self._ground(inner)

    def condition(self, node: tree.Tree, world: World) -> tree.Tree:
        """Return what is left of a condition."""
        return self._left(node, replace(world, compiled=None), {})

    def _left(self, node: tree.Tree, world: World, bound: Bound) -> tree.Tree:
        if isinstance(node, tree.IfKnown):
            inner = self._left(node.condition, world, bound)
            return inner if self.learns_all else self._surely(inner, world, wanted=True)
        if isinstance(node, (*_CONDITIONS, *_TERMS)) and not _reads_unbound(node, bound):
            value = walk(node, world, {name: record for name, (_, record) in bound.items()})
            # Inside, an `if_known` is read for each record.
            is_open = value is None or isinstance(value, Interval)
            if not is_open and not _asks_if_known(node):
                return tree.Constant(value)
        match node:
            case tree.FactOf(fact):
                return _leaf(fact, world.facts.get(fact.path))
            case tree.FieldOf(variable, fact) if variable in bound:
                path, record = bound[variable]
                at_place = replace(fact, path=f"{path}.{fact.name}")
                return _leaf(at_place, record.get(fact.name))
            case tree.Quantifier(kind, over, variable, body) if over.path in world.facts:
                cases = [
                    self._left(body, world, {**bound, variable: record})
                    for record in _records(over, world)
                ]
                return _any(cases) if kind == "exists" else _all(cases)
            case tree.Total(over, variable, keep, value) if over.path in world.facts:
                return self._sum(over, variable, keep, value, world, bound)
            case tree.And(items):
                return _all([self._left(item, world, bound) for item in items])
            case tree.Or(items):
                return _any([self._left(item, world, bound) for item in items])
            case tree.Not(operand):
                return _opposite(self._left(operand, world, bound))
        return tree.with_parts(node, lambda part: self._left(part, world, bound))

    def _sum(
        self,
        over: Fact,
        variable: str,
        keep: tree.Tree | None,
        value: tree.Tree | None,
        world: World,
        bound: Bound,
    ) -> tree.Tree:
        """Return a sum or a count over known records, record by record."""
        nothing: tree.Tree = tree.Constant(0 if value is None else Decimal(0))
        total = nothing
        for record in _records(over, world):
            inner = {**bound, variable: record}
            counts = _TRUE if keep is None else self._left(keep, world, inner)
            amount = tree.Constant(1) if value is None else self._left(value, world, inner)
            if counts != _FALSE:
                part = amount if counts == _TRUE else tree.Choose(counts, amount, nothing)
                total = tree.Arithmetic("+", total, part)
        return total

    def _surely(self, node: tree.Tree, world: World, *, wanted: bool) -> tree.Tree:
        """Return the condition that a condition of `if_known` is surely `wanted`."""
        match node:
            case tree.Constant(bool() as value):
                return tree.Constant(value is wanted)
            case tree.Not(operand):
                return self._surely(operand, world, wanted=not wanted)
            case tree.And(items) | tree.Or(items):
                inner = [self._surely(item, world, wanted=wanted) for item in items]
                return _all(inner) if isinstance(node, tree.And) is wanted else _any(inner)
            case tree.Quantifier(kind, over, _, body) if over.path in self._plain:
                is_any = (kind == "exists") is wanted
                surely = self._surely(body, world, wanted=wanted)
                return replace(node, kind="exists" if is_any else "all", body=surely)
        if any(self._stays_unknown(part, world) for part in tree.nodes(node)):
            return _FALSE
        return node if wanted else _opposite(node)

    def _stays_unknown(self, part: tree.Tree, world: World) -> bool:
        """Return whether a part is a fact that isn't known, and that nothing waits for."""
        match part:
            case tree.FactOf(fact) | tree.FieldOf(_, fact):
                return without_places(fact.path) not in self._plain and (
                    known_value(world.facts, fact.path) is None
                )
            case tree.Quantifier(_, over) | tree.Total(over):
                return over.path not in self._plain and over.path not in world.facts
        return False


def without_places(path: str) -> str:
    """Return the path of a record's field without its place."""
    start, bracket, rest = path.partition("[")
    return f"{start}.{rest.partition('].')[2]}" if bracket else path


def known_value(facts: Mapping[str, Any], path: str) -> Any:
    """Return the value of a fact, or of a field such as `encounter.charges[0].level`, or None."""
    start, bracket, rest = path.partition("[")
    if not bracket:
        return facts.get(path)
    place, _, name = rest.partition("].")
    records = facts.get(start) or ()
    return records[int(place)].get(name) if int(place) < len(records) else None


_TRUE, _FALSE = tree.Constant(True), tree.Constant(False)


def _records(over: Fact, world: World) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for place, record in enumerate(world.facts[over.path]):
        yield f"{over.path}[{place}]", record


def _leaf(fact: Fact, value: Any) -> tree.Tree:
    """Return a fact, or its value if that is known and no word or citation."""
    is_written = fact.type in ("bool", "int", "decimal", "date", "timestamp")
    return tree.Constant(value) if is_written and value is not None else tree.FactOf(fact)


def _all(items: list[tree.Tree]) -> tree.Tree:
    left = [item for item in items if item != _TRUE]
    if _FALSE in left:
        return _FALSE
    return _TRUE if not left else left[0] if len(left) == 1 else tree.And(tuple(left))


def _any(items: list[tree.Tree]) -> tree.Tree:
    left = [item for item in items if item != _FALSE]
    if _TRUE in left:
        return _TRUE
    return _FALSE if not left else left[0] if len(left) == 1 else tree.Or(tuple(left))


def _opposite(node: tree.Tree) -> tree.Tree:
    match node:
        case tree.Constant(bool() as value):
            return tree.Constant(not value)
        case tree.Not(operand):
            return operand
    return tree.Not(node)


def _reads_unbound(node: tree.Tree, bound: Bound) -> bool:
    """Return whether a part reads a record of a list that isn't known."""
    return any(variable not in bound for variable, _ in explain.names(node).fields)


def _asks_if_known(node: tree.Tree) -> bool:
    return any(isinstance(part, tree.IfKnown) for part in tree.nodes(node))


def _read_plainly(ruling: Ruling) -> frozenset[str]:
    """Return the facts and lists that conditions read outside of `if_known`."""
    paths: set[str] = set()
    still = [rule.condition for _, rules in ruling.rules_in_force.ranks for rule in rules]
    seen = {ruling.decision}
    while still:
        node = still.pop()
        match node:
            case tree.IfKnown():
                continue
            case tree.FactOf(fact) | tree.FieldOf(_, fact):
                paths.add(fact.path)
            case tree.Quantifier(_, over) | tree.Total(over):
                paths.add(over.path)
            case tree.OutcomeOf(name) if name not in seen:
                seen.add(name)
                decision = ruling.rules_segment.decisions[name]
                still += [rule.condition for _, rules in decision.ranks for rule in rules]
        still += tree.children(node)
    if f"{CHARGES}.code" in paths:  # the law fills these in
        paths |= {f"{CHARGES}.{name}" for name in READ}
    return frozenset(paths)
