"""A decision as a program for `durable_rules`, the second engine: only what joins yes-or-no answers.

Each yes-or-no part that no `&&`, `||`, `!` or `?:` makes up is an atom, and the tree walk says what it is. The engine knows
only what holds, so three values run on two rails: `a3+` stands for "surely true" and `a3-` for "surely false"; with neither
the part is unknown. A connective is a few rules that join such facts and give another; what an outcome's rules come to is
said the same way. So the engine works out strong Kleene logic by forward chaining, having no negation to get wrong.

Nothing here runs the engine: `offramp.policy.second_engine` does, in a process of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rules.decide.walk import World, walk
from rules.frozen import frozen
from rules.language import tree
from rules.packs.resolve import DecisionInForce

JOINS = 16  # facts that one rule of the engine can join; it fails on the 17th when facts arrive, not when it is defined


@frozen
class Joined:
    """Where all of `facts` hold, `gives` does."""

    facts: tuple[str, ...]
    gives: str


@frozen
class Beyond:
    """A part of a rule's condition that joins more than the engine can."""

    rule: str
    joins: int


@frozen
class Projection:
    """The decision's boolean layer. `atoms` are named `a0`, `a1`, … in their order; `beyond` is what isn't in `rules`."""

    decision: DecisionInForce
    atoms: tuple[tree.Tree, ...]
    rules: tuple[Joined, ...]
    beyond: tuple[Beyond, ...]

    def facts(self, world: World) -> list[str]:
        """What is known of the atoms, as far as a rule joins it."""
        joined = {fact for rule in self.rules for fact in rule.facts}
        values = [(number, walk(atom, world)) for number, atom in enumerate(self.atoms)]
        known = [_rail(f"a{number}", value) for number, value in values if value is not None]
        return [fact for fact in known if fact in joined]

    def possible(self, held: Collection[str]) -> tuple[list[str], str | list[str] | None]:
        """The possible outcomes and the outcome, from all that holds in the engine; as `Decision` has them."""
        values = [(outcome, _read(held, _of(outcome))) for outcome, _ in self.decision.ranks]
        last, order = self.decision.otherwise.outcome, self.decision.decision.outcomes.index
        if self.decision.decision.collect:
            sure = [outcome for outcome, value in values if value] or (
                [] if None in dict(values).values() else [last]
            )
            perhaps = [outcome for outcome, value in values if value is None]
            known = any(value for _, value in values)
            return sorted({*sure, *perhaps, *([] if known else [last])}, key=order), sorted(
                sure, key=order
            )
        found = set()
        for outcome, value in values:
            if value is not False:
                found.add(outcome)
            if value:
                break
        else:
            found.add(last)
        possible = sorted(found, key=order)
        return possible, possible[0] if len(possible) == 1 else None


def project(decision: DecisionInForce) -> Projection:
    """The boolean layer of a decision in force. Its `beyond` is empty if the engine can express all of it."""
    writer = _Writer()
    for outcome, rules in decision.ranks:
        writer.outcome(outcome, [(rule.rule.id, rule.condition) for rule in rules])
    return Projection(
        decision, tuple(writer.atoms.values()), tuple(writer.rules), tuple(writer.beyond)
    )


def _rail(name: str, value: bool) -> str:
    return name + ("+" if value else "-")


def _of(outcome: str) -> str:
    return f"outcome {outcome}"


def _read(held: Collection[str], name: str) -> bool | None:
    return True if _rail(name, True) in held else False if _rail(name, False) in held else None


class _Writer:
    """Writes connectives as rules; a part that stands in several places is written once."""

    def __init__(self) -> None:
        self.atoms: dict[str, tree.Tree] = {}
        self.names: dict[str, str] = {}
        self.rules: list[Joined] = []
        self.beyond: list[Beyond] = []
        self.rule = ""
        self.parts = 0

    def named(self) -> str:
        self.parts += 1
        return f"n{self.parts}"

    def outcome(self, outcome: str, conditions: Sequence[tuple[str, tree.Tree]]) -> None:
        """True if one condition is, false if all are. That all fail is no sentence of the pack's, so it is said in steps."""
        failing = []
        for self.rule, condition in conditions:
            self.rules.append(Joined((self.fact(condition, True),), _rail(_of(outcome), True)))
            failing.append(self.fact(condition, False))
        while len(failing) > JOINS:
            step = _rail(f"{_of(outcome)}, step {len(self.rules)},", False)
            self.rules.append(Joined(tuple(failing[:JOINS]), step))
            failing = [*failing[JOINS:], step]
        self.rules.append(Joined(tuple(failing), _rail(_of(outcome), False)))

    def fact(self, node: tree.Tree, value: bool) -> str:
        """What stands for the part's being surely `value`."""
        if isinstance(node, tree.Not):
            return self.fact(node.operand, not value)
        text = tree.text(node)
        name = self.names.get(text)
        if name is None:
            name = self.names[text] = self.written(node, text)
        return _rail(name, value)

    def written(self, node: tree.Tree, text: str) -> str:
        match node:
            case tree.And(items) | tree.Or(items):
                name = self.named()
                together = isinstance(
                    node, tree.And
                )  # all make it true; of an `||` all make it false
                self.join(_rail(name, together), *(self.fact(item, together) for item in items))
                for item in items:
                    self.join(_rail(name, not together), self.fact(item, not together))
            case tree.Choose(condition, then, otherwise):
                name = self.named()
                for value in (True, False):
                    self.join(
                        _rail(name, value), self.fact(condition, True), self.fact(then, value)
                    )
                    self.join(
                        _rail(name, value), self.fact(condition, False), self.fact(otherwise, value)
                    )
            case _:
                name = f"a{len(self.atoms)}"
                self.atoms[text] = node
        return name

    def join(self, gives: str, *facts: str) -> None:
        facts = tuple(dict.fromkeys(facts))
        if len(facts) > JOINS:
            self.beyond.append(Beyond(self.rule, len(facts)))
        else:
            self.rules.append(Joined(facts, gives))
