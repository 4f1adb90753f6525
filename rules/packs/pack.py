"""The records of a pack that is read and checked: frozen, with its parents' items included.

`assemble` builds these from files, `resolve` cuts a pack to a day, and `digest` hashes it.

INVARIANT: the names of fields are part of a pack's digest. A renamed field changes every digest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, time
from decimal import Decimal

from rules.errors import Place
from rules.frozen import field, frozen, frozen_by_name
from rules.input.citations import Section
from rules.input.vocabulary import Vocabulary
from rules.language.tree import Tree

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@frozen
class Source:
    """A source of law or practice. `confidence` is high, medium, or low.

    `checked` is the day on which somebody last compared the pack with it.
    """

    id: str
    title: str
    address: str
    confidence: str
    note: str | None = None
    checked: date | None = None


@frozen
class Citation:
    """A source and, with `at`, the place in it."""

    id: str
    at: str | None = None


@frozen
class Other:
    """A statement of another source about the same item, and why it does not apply."""

    says: str
    source: Citation
    why: str | None = None


@frozen_by_name
class Item:
    """The fields of every dated item with a source.

    `since` is its first day, `until` the first day without it.
    """

    source: Citation
    since: date | None = None
    until: date | None = None
    provisional: str | None = None
    other: tuple[Other, ...] = ()
    declared_in: str = ""
    place: Place = field(default_factory=Place, compare=False)

    def in_force(self, day: date) -> bool:
        """Return whether the item applies on this day."""
        return (self.since is None or self.since <= day) and (
            self.until is None or day < self.until
        )


@frozen_by_name
class Value(Item):
    """One value of a parameter: a number, a list, a time of day, or the rows of a table by word.

    A list is of texts or of sections of law.
    """

    value: (
        int
        | Decimal
        | tuple[str, ...]
        | tuple[Section, ...]
        | time
        | Mapping[str, int | Decimal | time]
    )


@frozen
class Parameter:
    """A number, a list, or a time of day that changes over time.

    Its values follow each other by date. `low` and `high` bound them, also those of a child. `by`
    is the path of the choice whose words have rows, if it is a table.
    """

    name: str
    label: str
    unit: str
    values: tuple[Value, ...]
    declared_in: str
    place: Place = field(compare=False)
    low: Decimal | None = None
    high: Decimal | None = None
    by: str | None = None

    def on(self, day: date) -> Value | None:
        """Return the value on this day, if there is one."""
        return next((value for value in self.values if value.in_force(day)), None)


@frozen_by_name
class Exemption(Item):
    """An exception (`unless`): its rule does not apply while its condition is true."""

    id: str
    when: Tree
    because: str


@frozen_by_name
class Removal(Item):
    """A rule of the parent that doesn't apply in this pack, by its id, and why."""

    id: str
    because: str


@frozen_by_name
class Rule(Item):
    """A rule of a decision: the outcome `then`, if the condition is true and no exception is."""

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
    """An instruction: the next step of a role."""

    who: str
    text: str


@frozen_by_name
class Obligation(Item):
    """A duty of the vocabulary that a decision causes if the condition is true."""

    id: str
    when: Tree


@frozen
class Decision:
    """A decision of the program. `outcomes` are in order, highest first.

    `reads` is what a decision of the pack's own reads besides facts: `records` that never travel,
    or `clocks`. With `scene` it reads only what is seen at the scene. `optional` are rules that
    apply in no pack until it uses them by their id. `removed` are rules of a parent that don't
    apply.
    """

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
    reads: tuple[str, ...] = ()
    optional: Mapping[str, Rule] = field(default_factory=dict)
    removed: Mapping[str, Removal] = field(default_factory=dict)


@frozen_by_name
class Clock(Item):
    """A time limit on an event. `length` names a parameter.

    Either `stop` or `repeats` is set: the event that ends the clock, or the one that restarts it.
    `counts` is `days` if the time is counted in local days.
    """

    name: str
    label: str
    owner: str
    start: str
    stop: str | None
    repeats: str | None
    length: str
    tolling: str | None
    follows: str
    counts: str | None = None


@frozen_by_name
class Invariant(Item):
    """A property that no edit may break.

    Either `always` is true whenever `when` is, or the decision is the same whatever the facts in
    `independent_of` are (paths, where `group.*` is every fact of a group).
    """

    id: str
    decision: str
    when: Tree | None
    always: Tree | None
    independent_of: tuple[str, ...]
    because: str


@frozen_by_name
class Pilot(Item):
    """The time in which the program was an experiment. `says` is its purpose."""

    says: str | None = None


@frozen_by_name
class Places(Item):
    """The number of people that the program takes at once. `high` is set if it is a range."""

    value: int
    high: int | None = None


@frozen
class Figure:
    """An amount of money as a source states it."""

    dollars: Decimal
    says: str
    source: Citation


@frozen_by_name
class Cost(Item):
    """An amount of money with its low and its high, for one person or arrest, or in total."""

    id: str
    says: str
    unit: str
    low: Figure
    high: Figure


@frozen_by_name
class BreakEven(Item):
    """A total beside the amount for one: for how many it would have to be true."""

    says: str
    total: Cost
    each: Cost
    note: str | None = None


@frozen_by_name
class Stated(Item):
    """A statement in words: on funding, or on cases that are open at the program's end."""

    says: str


@frozen_by_name
class Body(Item):
    """A body that governs the program.

    `members` are roles of the vocabulary, `others` are members without such a role.
    """

    name: str
    members: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    does: str | None = None


@frozen_by_name
class Program(Item):
    """The program's dates, and statements about how it runs.

    `kind` is `program`, `base` (only for others to extend), or `plan` (never opened).
    """

    kind: str = "program"
    note: str | None = None
    pilot: Pilot | None = None
    places: tuple[Places, ...] = ()
    funding: tuple[Stated, ...] = ()
    costs: tuple[Cost, ...] = ()
    break_even: tuple[BreakEven, ...] = ()
    bodies: tuple[Body, ...] = ()
    open_cases: Stated | None = None
    doubts: tuple[Stated, ...] = ()

    def stated(self) -> Iterator[tuple[str, Item]]:
        """Yield every statement about the program, with a name for it."""
        if self.pilot:
            yield "the pilot", self.pilot
        yield from (("the places", places) for places in self.places)
        yield from (("the funding", funding) for funding in self.funding)
        yield from ((f"the cost `{cost.id}`", cost) for cost in self.costs)
        yield from (("the break-even", entry) for entry in self.break_even)
        yield from ((f"the body `{body.name}`", body) for body in self.bodies)
        if self.open_cases:
            yield "the open cases", self.open_cases
        yield from (("what is in doubt", doubt) for doubt in self.doubts)


@frozen
class Period:
    """A length of time: a whole number of `days`, `months`, or `years`."""

    unit: str
    number: int


@frozen_by_name
class Retention(Item):
    """How long the agencies of some roles keep some kinds of information.

    `keep` is counted from the day on which a part was told. `ends` has, for each cause that ends
    parts before their time, the days that they are kept after it.
    """

    id: str
    says: str
    held_by: tuple[str, ...]
    categories: tuple[str, ...]
    keep: Period
    ends: Mapping[str, int] = field(default_factory=dict)


@frozen_by_name
class Grouping(Item):
    """A fact by which reports count people. It decides nothing.

    `of` is the fact's path. `bands` has the lowest number of each band but the first, if the fact
    is a number.
    """

    name: str
    of: str
    says: str
    bands: tuple[int, ...] = ()


@frozen_by_name
class Offense(Item):
    """A section of law for a time. `code` is its citation in canonical form.

    `level` is that of a charge, or `none` if the section was no offense. `drugs` are kinds of drug.
    Without any, the drug does not matter. With `homicide` the section is one of homicide: its
    `conduct` is `other`, and its charge is violent.
    """

    code: str
    title: str
    level: str
    drugs: tuple[str, ...]
    conduct: str
    homicide: bool = False


@frozen
class Offenses:
    """An offense table: its rows by code, and the chapters that it covers.

    A table covers a chapter if every section of it that matters is in the table. `sections` has the
    section of each code. `short` are the table's own spellings, each with its system.
    """

    id: str
    rows: Mapping[str, tuple[Offense, ...]]
    covers: tuple[Section, ...] = ()
    sections: Mapping[str, Section] = field(default_factory=dict)
    short: Mapping[str, str] = field(default_factory=dict)

    @property
    def example(self) -> str | None:
        """The first section that is in force until further notice, None without one."""
        return next((code for code, rows in self.rows.items() if rows[-1].until is None), None)


LANGUAGES = ("en", "es")


@frozen
class InBoth:
    """A text in English and in Spanish."""

    en: str
    es: str

    def text(self, lang: str) -> str:
        """Return the text in a language, `en` or `es`."""
        return self.es if lang == "es" else self.en


@frozen
class ConsentGrant:
    """A permission that a person may give: the role `sender` may tell `categories`.

    `says` is the pack's own sentence, if it has one.
    """

    sender: str
    categories: tuple[str, ...]
    purposes: tuple[str, ...]
    says: InBoth | None = None
    place: Place = field(default_factory=Place, compare=False)


@frozen
class ConsentQuestion:
    """A question about one recipient role, answered yes or no by itself.

    `need` is `minimum` or `optional`. A yes lasts for `days`, the first and the last included.
    """

    id: str
    recipient: str
    need: str
    days: int
    grants: tuple[ConsentGrant, ...]
    asks: InBoth | None = None
    place: Place = field(default_factory=Place, compare=False)


@frozen_by_name
class ConsentSet(Item):
    """The questions that are asked together, after an event. `label` says when, in words."""

    id: str
    label: InBoth
    after: str
    questions: Mapping[str, ConsentQuestion]


@frozen_by_name
class PhoneNumber(Item):
    """The number at which a program answers an officer."""

    number: str


@frozen_by_name
class Spoken(Item):
    """What an officer says to the person, in both languages."""

    text: InBoth


@frozen
class PackWords:
    """Words that people read and no rule does.

    `officer_says` is by outcome of `offer`, `choices` by the path of a fact and its choice.
    """

    phone: PhoneNumber | None = None
    officer_says: Mapping[str, Spoken] = field(default_factory=dict)
    choices: Mapping[str, Mapping[str, InBoth]] = field(default_factory=dict)


@frozen
class Pack:
    """A whole pack.

    `spanish` maps the pack's English texts to Spanish ones.

    `local` are the packs and offense tables that were read from a local folder although one of
    that name is shipped: by name, `pack` or `offense table`.
    """

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
    consent_sets: Mapping[str, ConsentSet] = field(default_factory=dict)
    words: PackWords = field(default_factory=PackWords)
    spanish: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, Grouping] = field(default_factory=dict)
    retention: Mapping[str, Retention] = field(default_factory=dict)
    local: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def scene_decisions(self) -> tuple[str, ...]:
        """The names of the pack's own decisions on what is seen at the scene."""
        return tuple(name for name, each in self.decisions.items() if "scene" in each.reads)

    def items(self) -> Iterator[tuple[str, Item]]:
        """Yield every dated item, with a name for it."""
        for parameter in self.parameters.values():
            yield from ((f"parameter `{parameter.name}`", value) for value in parameter.values)
        for decision in self.decisions.values():
            for rule in decision.rules.values():
                yield f"rule `{rule.id}` of `{decision.name}`", rule
                yield from (
                    (f"exception `{exemption.id}` of rule `{rule.id}`", exemption)
                    for exemption in rule.unless
                )
            yield from (
                (f"obligation `{obligation.id}`", obligation)
                for obligation in decision.obligations.values()
            )
        yield from ((f"clock `{clock.name}`", clock) for clock in self.clocks.values())
        yield from ((f"rule on retention `{rule.id}`", rule) for rule in self.retention.values())

    def boundaries(self) -> tuple[date, ...]:
        """Return the days on which an item begins or ends, in order."""
        dated: list[Item] = [item for _, item in self.items()] + list(self.invariants.values())
        dated += self.program.doubts
        for decision in self.decisions.values():
            dated += [
                *decision.next.values(),
                *([decision.while_waiting] if decision.while_waiting else []),
            ]
        days = {day for item in dated for day in (item.since, item.until)}
        return tuple(sorted(day for day in days if day is not None))


def conditions(rule: Rule) -> Iterator[Any]:
    """Yield the rule's own condition, then those of its exceptions."""
    yield rule.when
    yield from (exemption.when for exemption in rule.unless)
