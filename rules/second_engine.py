"""Translate a decision to rules for `durable_rules`, the second engine.

Only connectives are translated. Each yes-or-no part without `&&`, `||`, `!`, or `?:` is an atom,
and the tree walk evaluates it. The engine knows only facts that hold, so each part has two facts:
`a3+` means "surely true" and `a3-` means "surely false". With neither, the part is unknown. A
connective becomes a few rules that join such facts and derive another. An outcome's rules become
rules in the same way. So the engine works out strong Kleene logic by forward chaining, without
negation.

Nothing here runs the engine: `offramp.policy.second_engine` does, in a process of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rules.decide.walk import World, walk
from rules.frozen import frozen
from rules.language import tree
from rules.packs.resolve import DecisionInForce

# Facts that one rule of the engine can join. A rule with more fails when facts arrive, not when it
# is defined.
JOINS = 16


@frozen
class JoinRule:
    """A rule of the engine: if all of `facts` hold, `gives` holds."""

    facts: tuple[str, ...]
    gives: str


@frozen
class Beyond:
    """A part of a rule's condition that joins more than the engine can."""

    rule: str
    joins: int


@frozen
class Projection:
    """A decision's boolean layer.

    `atoms` are named `a0`, `a1`, and so on, in their order. `beyond` lists what `rules` can't
    express.
    """

    decision: DecisionInForce
    atoms: tuple[tree.Tree, ...]
    rules: tuple[JoinRule, ...]
    beyond: tuple[Beyond, ...]

    def facts(self, world: World) -> list[str]:
        """Return the known facts about the atoms that some rule joins."""
        joined = {fact for rule in self.rules for fact in rule.facts}
        values = [(number, walk(atom, world)) for number, atom in enumerate(self.atoms)]
        rails = [_rail(f"a{number}", value) for number, value in values if value is not None]
        return [fact for fact in rails if fact in joined]

    def possible(self, derived: Collection[str]) -> tuple[list[str], str | list[str] | None]:
        """Return the possible outcomes and the outcome, as `Decision` has them.

        `derived` is everything that holds in the engine.
        """
        values = [(outcome, _read(derived, _of(outcome))) for outcome, _ in self.decision.ranks]
        last, order = self.decision.otherwise.outcome, self.decision.decision.outcomes.index
        if self.decision.decision.collect:
            sure = [outcome for outcome, value in values if value] or (
                [] if None in dict(values).values() else [last]
            )
            perhaps = [outcome for outcome, value in values if value is None]
            is_sure = any(value for _, value in values)
            return sorted({*sure, *perhaps, *([] if is_sure else [last])}, key=order), sorted(
                sure, key=order
            )
        outcomes = set()
        for outcome, value in values:
            if value is not False:
                outcomes.add(outcome)
            if value:
                break
        else:
            outcomes.add(last)
        possible = sorted(outcomes, key=order)
        return possible, possible[0] if len(possible) == 1 else None


def project(decision: DecisionInForce) -> Projection:
    """Return the boolean layer of a decision in force.

    Its `beyond` is empty if the engine can express all of it.
    """
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


def _read(derived: Collection[str], name: str) -> bool | None:
    return (
        True if _rail(name, True) in derived else False if _rail(name, False) in derived else None
    )


class _Writer:
    """Writes connectives as rules. A part that occurs several times is written once."""

    def __init__(self) -> None:
        self.atoms: dict[str, tree.Tree] = {}
        self.names: dict[str, str] = {}
        self.rules: list[JoinRule] = []
        self.beyond: list[Beyond] = []
        self.rule = ""
        self.parts = 0

    def new_name(self) -> str:
        """Return a new name for a connective."""
        self.parts += 1
        return f"n{self.parts}"

    def outcome(self, outcome: str, conditions: Sequence[tuple[str, tree.Tree]]) -> None:
        """Write an outcome's rules: true if one condition is true, false if all are false.

        "All are false" is no condition of the pack, so it is joined in steps.
        """
        failing = []
        for self.rule, condition in conditions:
            self.rules.append(JoinRule((self.fact(condition, True),), _rail(_of(outcome), True)))
            failing.append(self.fact(condition, False))
        while len(failing) > JOINS:
            step = _rail(f"{_of(outcome)}, step {len(self.rules)},", False)
            self.rules.append(JoinRule(tuple(failing[:JOINS]), step))
            failing = [*failing[JOINS:], step]
        self.rules.append(JoinRule(tuple(failing), _rail(_of(outcome), False)))

    def fact(self, node: tree.Tree, value: bool) -> str:
        """Return the fact that the part is surely `value`."""
        if isinstance(node, tree.Not):
            return self.fact(node.operand, not value)
        text = tree.text(node)
        name = self.names.get(text)
        if name is None:
            name = self.names[text] = self.write(node, text)
        return _rail(name, value)

    def write(self, node: tree.Tree, text: str) -> str:
        """Write a part's rules and return its name."""
        match node:
            case tree.And(items) | tree.Or(items):
                name = self.new_name()
                together = isinstance(
                    node, tree.And
                )  # all make it true; of an `||` all make it false
                self.join(_rail(name, together), *(self.fact(item, together) for item in items))
                for item in items:
                    self.join(_rail(name, not together), self.fact(item, not together))
            case tree.Choose(condition, then, otherwise):
                name = self.new_name()
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
        """Write one rule, or note that it joins more than the engine can."""
        facts = tuple(dict.fromkeys(facts))
        if len(facts) > JOINS:
            self.beyond.append(Beyond(self.rule, len(facts)))
        else:
            self.rules.append(JoinRule(facts, gives))
