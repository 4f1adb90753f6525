"""Coverage of dated values: a condition counts once for each value in time that it reads.

A cap that changes on a day needs scenarios before and after that day: the condition must be true
in one and false in another under each value. Rules that this pack declares count with every value
that they read. Rules of a parent count with the values that this pack declares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from rules.decide import explain
from rules.decide.ruling import Ruling
from rules.frozen import frozen
from rules.language import tree
from rules.packs.pack import Exemption, Item, Pack, Rule, Value

# A condition without `&&`, `||`, or `!` is an atom.
IsAtom = Callable[[tree.Tree], bool]
# A decision, a rule, a condition, a parameter, and its value. Trees and values are told by `id`.
_Key = tuple[str, str, int, str, int]


@frozen
class ReadValue:
    """A condition of a rule, and one value in time of a parameter that it reads."""

    decision: str
    rule: Rule
    condition: tree.Tree
    parameter: str
    value: Value

    @property
    def key(self) -> _Key:
        """What tells it from the others. The pack keeps its trees and values alive."""
        return (self.decision, self.rule.id, id(self.condition), self.parameter, id(self.value))

    def missing(self, seen: bool) -> str:
        """Return the sentence that the condition is never `seen` under this value."""
        start = self.value.since
        since = f"from {start}" if start is not None else "from the program's start"
        wanted = "true" if seen else "false"
        return (
            f"`{tree.text(self.condition)}` is never {wanted} under the value of "
            f"`{self.parameter}` {since}"
        )


class ValueCoverage:
    """The truth values seen of the pack's conditions under each value in time."""

    def __init__(self, pack: Pack, is_atom: IsAtom) -> None:
        # Found once for each pack, which keeps them: a draft is run scenario by scenario.
        found: dict[_Key, ReadValue] | None = pack.__dict__.get("_values_read")
        if found is None:
            found = {read.key: read for read in _values_read(pack, is_atom)}
            pack.__dict__["_values_read"] = found
        self.read = found
        self.conditions = {id(read.condition) for read in self.read.values()}
        self.seen: dict[_Key, set[bool]] = {}

    def by(self, ruling: Ruling) -> None:
        """Add what a ruling shows of its rules' conditions."""
        values = ruling.rules_segment.values
        for in_force in ruling.rules_in_force.rules:
            rule = in_force.rule
            for condition in (rule.when, *(exemption.when for exemption in in_force.unless)):
                if self.conditions.isdisjoint(map(id, tree.nodes(condition))):
                    continue
                for part, bound in explain.parts(condition, ruling.world):
                    if id(part) not in self.conditions:
                        continue
                    value = explain.value_of(part, ruling.world, bound)
                    for name in explain.names(part).parameters if value is not None else ():
                        key = (ruling.decision, rule.id, id(part), name, id(values[name]))
                        self.seen.setdefault(key, set()).add(bool(value))

    @property
    def reached(self) -> tuple[int, int]:
        """How many of the truth values were seen, and how many there are."""
        seen = sum(len(self.seen.get(key, ())) for key in self.read)
        return seen, 2 * len(self.read)

    def untouched(self) -> Iterator[tuple[ReadValue, str]]:
        """Yield each condition and value with a truth value that was never seen, in words."""
        for key, read in self.read.items():
            for missing in sorted({True, False} - self.seen.get(key, set()), reverse=True):
                yield read, read.missing(missing)


def _values_read(pack: Pack, is_atom: IsAtom) -> Iterator[ReadValue]:
    for name, decision in pack.decisions.items():
        for rule in decision.rules.values():
            items: tuple[Rule | Exemption, ...] = (rule, *rule.unless)
            for item in items:
                for part in _reading_atoms(item.when, is_atom):
                    for parameter in explain.names(part).parameters:
                        for value in pack.parameters[parameter].values:
                            is_own = pack.id in (rule.declared_in, value.declared_in)
                            if is_own and _share_a_day(pack.program, rule, item, value):
                                yield ReadValue(name, rule, part, parameter, value)


def _reading_atoms(condition: tree.Tree, is_atom: IsAtom) -> Iterator[tree.Tree]:
    """Yield the innermost atoms that read a parameter."""
    for part in tree.nodes(condition):
        if is_atom(part) and explain.names(part).parameters:
            inner = (below for child in tree.children(part) for below in tree.nodes(child))
            if not any(is_atom(below) and explain.names(below).parameters for below in inner):
                yield part


def _share_a_day(*items: Item) -> bool:
    """Return whether the times of the items have a day in common."""
    begins = max(item.since or date.min for item in items)
    return begins < min(item.until or date.max for item in items)
