"""Check that nobody fails a program for a delay that is not their own."""

from __future__ import annotations

from collections.abc import Iterator

from rules.errors import PackError
from rules.language import tree
from rules.packs.pack import Clock, Decision, Pack, Rule, conditions

FAILURE = "unsuccessful"
PERSON = "person"


def refuse_own_delay(pack: Pack) -> None:
    """Refuse a rule with the outcome `unsuccessful` that reads a clock of another than the person.

    Clocks that it reads through other decisions count too. Raises `PackError`.
    """
    for decision in pack.decisions.values():
        for rule in decision.rules.values():
            if rule.then != FAILURE:
                continue
            for clock in _clocks_of(pack, rule, frozenset({decision.name})):
                if clock.owner != PERSON:
                    owner = clock.owner.replace("_", " ")
                    raise PackError(
                        "own-delay",
                        f"the rule `{rule.id}` is `{FAILURE}` by the clock `{clock.name}`, which "
                        f"`{owner}` must keep",
                        at=rule.place,
                        fix="read a clock whose `owner` is `person`",
                    )


def _clocks_of(pack: Pack, rule: Rule, seen: frozenset[str]) -> Iterator[Clock]:
    """Yield the clocks that a rule reads, through other decisions too."""
    for condition in conditions(rule):
        for part in tree.nodes(condition):
            if isinstance(part, tree.StatusOf) and part.clock in pack.clocks:
                yield pack.clocks[part.clock]
            if isinstance(part, tree.OutcomeOf) and part.decision not in seen:
                inner: Decision = pack.decisions[part.decision]
                for inner_rule in inner.rules.values():
                    yield from _clocks_of(pack, inner_rule, seen | {part.decision})
