"""What a pack is, once it has been read and checked: frozen, complete, its parents' items included.

Nothing here reads or decides. `assemble` builds these from files, `resolve` cuts a pack to a day, `digest` names it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import date
from decimal import Decimal
from typing import Any

from rules.errors import Place
from rules.frozen import frozen, frozen_by_name
from rules.input.vocabulary import Vocabulary
from rules.language.tree import Tree


@frozen
class Source:
    """Where something is said. `confidence` is high, medium or low."""

    id: str
    title: str
    address: str
    confidence: str
    note: str | None = None


@frozen
class Citation:
    """A source and, with `at`, the place in it."""

    id: str
    at: str | None = None


@frozen
class Other:
    """What another source says about the same thing, and why it isn't what applies."""

    says: str
    source: Citation
    why: str | None = None


@frozen_by_name
class Item:
    """What every dated, sourced thing in a pack has. `since` is its first day, `until` the first day without it."""

    source: Citation
    since: date | None = None
    until: date | None = None
    provisional: str | None = None
    other: tuple[Other, ...] = ()
    declared_in: str = ""
    place: Place = field(default_factory=Place, compare=False)

    def in_force(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (
            self.until is None or day < self.until
        )


@frozen_by_name
class Value(Item):
    """One value of a parameter: a number, or a tuple of texts."""

    value: int | Decimal | tuple[str, ...]


@frozen
class Parameter:
    name: str
    label: str
    unit: str
    values: tuple[Value, ...]
    declared_in: str
    place: Place = field(compare=False)

    def on(self, day: date) -> Value | None:
        return next((value for value in self.values if value.in_force(day)), None)


@frozen_by_name
class Exemption(Item):
    """An `unless`: while it holds, its rule doesn't."""

    id: str
    when: Tree
    because: str


@frozen_by_name
class Rule(Item):
    id: str
    when: Tree
    then: str
    because: str
    unless: tuple[Exemption, ...] = ()
    reviewable_by: str | None = None


@frozen_by_name
class Default(Item):
    """The outcome when no rule gives one."""

    outcome: str
    because: str
    reviewable_by: str | None = None


@frozen_by_name
class Wording(Item):
    """What a named role does next."""

    who: str
    text: str


@frozen_by_name
class Obligation(Item):
    id: str
    when: Tree


@frozen
class Decision:
    """One decision of the program. `outcomes` stand highest first."""

    name: str
    asks: str
    decided_by: str
    governed_by: str
    outcomes: tuple[str, ...]
    collect: bool
    rules: Mapping[str, Rule]
    otherwise: Default
    while_waiting: Wording | None
    next: Mapping[str, Wording]
    obligations: Mapping[str, Obligation]
    place: Place = field(compare=False)


@frozen_by_name
class Clock(Item):
    """A time limit on an event. `stop` or `repeats` is set, never both; `length` names a parameter."""

    name: str
    label: str
    owner: str
    start: str
    stop: str | None
    repeats: str | None
    length: str
    tolling: str | None
    follows: str


@frozen_by_name
class Invariant(Item):
    """What no edit may break: `when` and `always`, or `independent_of` (paths, `*` for any ending)."""

    id: str
    decision: str
    when: Tree | None
    always: Tree | None
    independent_of: tuple[str, ...]
    because: str


@frozen_by_name
class Pilot(Item):
    """The stretch, to its `until`, on which the program was an experiment. `says` is what it was to try."""

    says: str | None = None


@frozen_by_name
class Places(Item):
    """How many people the program takes at once."""

    value: int


@frozen_by_name
class Stated(Item):
    """What a source says in words: who pays how much, or what becomes of the cases that are open at the end."""

    says: str


@frozen_by_name
class Body(Item):
    """Who decides about the program. `members` are roles of the vocabulary, `others` those that it has no role for."""

    name: str
    members: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    does: str | None = None


@frozen_by_name
class Program(Item):
    """When the program ran, and what is known of how.

    `kind` is `program`; `base` where others extend it and nobody runs it as it stands; `plan` where it never opened.
    """

    kind: str = "program"
    note: str | None = None
    pilot: Pilot | None = None
    places: tuple[Places, ...] = ()
    funding: tuple[Stated, ...] = ()
    bodies: tuple[Body, ...] = ()
    open_cases: Stated | None = None

    def stated(self) -> Iterator[tuple[str, Item]]:
        """Everything with a source of its own, with a name for it."""
        if self.pilot:
            yield "the pilot", self.pilot
        yield from (("the places", one) for one in self.places)
        yield from (("the funding", one) for one in self.funding)
        yield from ((f"the body `{one.name}`", one) for one in self.bodies)
        if self.open_cases:
            yield "the open cases", self.open_cases


@frozen_by_name
class Offense(Item):
    """What a section of law was in a time: `level` is a charge's, or `none`. `drugs` are kinds; empty: any, or no matter."""

    code: str
    title: str
    level: str
    drugs: tuple[str, ...]
    conduct: str


@frozen
class Offenses:
    """An offense table: by code, every row of it."""

    id: str
    rows: Mapping[str, tuple[Offense, ...]]


@frozen
class Pack:
    id: str
    title: str
    extends: str | None
    time_zone: str
    program: Program
    sources: Mapping[str, Source]
    parameters: Mapping[str, Parameter]
    decisions: Mapping[str, Decision]
    clocks: Mapping[str, Clock]
    invariants: Mapping[str, Invariant]
    vocabulary: Vocabulary
    coverage: Mapping[str, int]
    place: Place = field(compare=False)
    offenses: Offenses | None = None

    def items(self) -> Iterator[tuple[str, Item]]:
        """Every dated item with a name for it."""
        for parameter in self.parameters.values():
            yield from ((f"parameter `{parameter.name}`", value) for value in parameter.values)
        for decision in self.decisions.values():
            for rule in decision.rules.values():
                yield f"rule `{rule.id}` of `{decision.name}`", rule
                yield from (
                    (f"exception `{one.id}` of rule `{rule.id}`", one) for one in rule.unless
                )
            yield from ((f"obligation `{one.id}`", one) for one in decision.obligations.values())
        yield from ((f"clock `{clock.name}`", clock) for clock in self.clocks.values())

    def boundaries(self) -> tuple[date, ...]:
        """The days on which anything begins or ends, in order."""
        dated: list[Item] = [item for _, item in self.items()] + list(self.invariants.values())
        for decision in self.decisions.values():
            dated += [
                *decision.next.values(),
                *([decision.while_waiting] if decision.while_waiting else []),
            ]
        days = {day for item in dated for day in (item.since, item.until)}
        return tuple(sorted(day for day in days if day is not None))


def conditions(rule: Rule) -> Iterator[Any]:
    """The rule's own condition, then its exceptions'."""
    yield rule.when
    yield from (one.when for one in rule.unless)
