"""Compile `explain.unknown`: the unknown leaves that keep a condition from being decided.

An answer asks for them, and names those that would bar an offer. On a table of cases, finding them
in the tree takes longer than deciding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rules.decide.compile import FunctionWriter, Outcomes, Statuses
from rules.decide.explain import Leaf
from rules.input.vocabulary import Fact
from rules.language import tree

DoubtfulEvents = Callable[[str], tuple[str, ...]]
# It takes what a condition takes, and the events that leave a clock unknown.
UnknownFinder = Callable[[Mapping[str, Any], Outcomes, Statuses, DoubtfulEvents], dict[str, Leaf]]


def compile_unknown(
    node: tree.Tree, parameters: Mapping[str, Any], time_zone: str = "", *, waits: bool = False
) -> UnknownFinder:
    """Compile a function that returns the unknown leaves of a condition, by path.

    No name may be a field of a variable's record. `waits` is as in `World`.
    """
    writer = _LeafWriter(parameters, time_zone, waits=waits)
    lines = ["leaves = {}", *writer.open_leaves(node), "return leaves"]
    finder: UnknownFinder = writer.compiled(lines, "facts, outcome, status, doubtful_events")
    return finder


class _FieldLeaves(dict[int, Leaf]):
    """The leaves of a field in the records of a list, by index. The first ten are kept."""

    def __init__(self, over: str, fact: Fact) -> None:
        self.over, self.fact = over, fact
        super().__init__({index: self[index] for index in range(10)})

    def __missing__(self, index: int) -> Leaf:
        return Leaf(f"{self.over}[{index}].{self.fact.name}", self.fact)


class _LeafWriter(FunctionWriter):
    """Writes the statements that add the leaves of a condition to `leaves`."""

    def __init__(
        self, parameters: Mapping[str, Any], time_zone: str = "", *, waits: bool = False
    ) -> None:
        super().__init__(parameters, time_zone, waits=waits)
        self.places: dict[str, tuple[str, str]] = {}  # by variable: the list's path, and the index

    def open_leaves(self, node: tree.Tree) -> Iterator[str]:
        """Write what `explain.open_leaves` does."""
        inner = list(self.leaves_of(node))
        if inner:
            value, expression = self.temporary(), self.expression(node)
            yield f"if ({value} := {expression}) is None or {value}.__class__ is Interval:"
            yield from _indented(inner)

    def leaves_of(self, node: tree.Tree) -> Iterator[str]:
        """Write the statements for a part that is not decided."""
        match node:
            case tree.FactOf() | tree.FieldOf() | tree.Cited(tree.FactOf() | tree.FieldOf()):
                yield self.store(node.item if isinstance(node, tree.Cited) else node)
            case tree.OutcomeOf(decision):
                yield self.store_leaf(Leaf(f"decisions.{decision}", decision=decision))
            case tree.StatusOf(clock):
                name, leaf = self.constant(clock), self.constant(Leaf)
                yield f"for path in doubtful_events({name}) or ('now',):"
                yield f"    leaves[path] = {leaf}(path, clock={name})"
            case tree.Choose(condition, then, otherwise):
                chosen = self.temporary()
                yield f"if ({chosen} := {self.expression(condition)}) is None:"
                yield from _indented(self.open_leaves(condition))
                yield f"if {chosen} is not False:"
                yield from _indented(self.open_leaves(then))
                yield f"if not {chosen}:"
                yield from _indented(self.open_leaves(otherwise))
            case tree.Quantifier(_, over, variable, body):
                yield from self.each_record(over, variable, lambda: self.open_leaves(body))
            case tree.Total(over, variable, keep, value):
                yield from self.each_record(over, variable, lambda: self.summed(keep, value))
            case tree.IsOne() | tree.Alike() | tree.RowOf():
                for part in tree.children(node):
                    if isinstance(part, (tree.FactOf, tree.FieldOf)):
                        yield from self.word_open(part)
            case _:
                for part in tree.children(node):
                    yield from self.open_leaves(part)

    def summed(self, keep: tree.Tree | None, value: tree.Tree | None) -> Iterator[str]:
        """Write the statements for one record of a sum or a size."""
        inner = [
            line for part in (keep, value) if part is not None for line in self.open_leaves(part)
        ]
        if keep is None:
            yield from inner
        elif inner:
            yield f"if {self.expression(keep)} is not False:"
            yield from _indented(inner)

    def each_record(
        self, over: Fact, variable: str, write: Callable[[], Iterator[str]]
    ) -> Iterator[str]:
        """Write a loop over the records of a list, or the leaf of a list that is unknown."""
        self.temporaries += 1
        record, index = f"r{self.temporaries}", f"i{self.temporaries}"
        outer, outer_place = self.variables.get(variable), self.places.get(variable)
        self.variables[variable], self.places[variable] = record, (over.path, index)
        inner = list(write())
        if outer is not None and outer_place is not None:
            self.variables[variable], self.places[variable] = outer, outer_place
        records = self.fact(over.path)
        yield f"if {records} is None: {self.store_leaf(Leaf(over.path, over))}"
        if inner:
            yield f"for {index}, {record} in placed({records} or ()):"
            yield from _indented(inner)

    def word_open(self, part: tree.FactOf | tree.FieldOf) -> Iterator[str]:
        """Write the leaf of a choice that is unknown, or known by a coarse word only."""
        word, leaf = self.temporary(), self.constant(Leaf)
        path, fact = self.leaf_of(part), self.constant(part.fact)
        is_coarse = self.constant(part.fact.word_tree.is_coarse)
        yield f"if ({word} := {self.expression(part)}) is None or {is_coarse}({word}):"
        yield f"    leaves[{path}.path] = {leaf}({path}.path, {fact}, given={word})"

    def store(self, node: tree.Tree) -> str:
        """Write the statement that stores the leaf of a fact or a field."""
        leaf = self.leaf_of(node)
        return f"leaves[{leaf}.path] = {leaf}"

    def store_leaf(self, leaf: Leaf) -> str:
        """Write the statement that stores a leaf."""
        return f"leaves[{self.constant(leaf.path)}] = {self.constant(leaf)}"

    def leaf_of(self, node: tree.Tree) -> str:
        """Return the source of the leaf of a fact or a field."""
        match node:
            case tree.FactOf(fact):
                return self.constant(Leaf(fact.path, fact))
            case tree.FieldOf(variable, fact):
                over, index = self.places[variable]
                return f"{self.constant(_FieldLeaves(over, fact))}[{index}]"
        raise AssertionError(node)


def _indented(lines: Iterator[str] | list[str]) -> list[str]:
    return [f"    {line}" for line in lines] or ["    pass"]
