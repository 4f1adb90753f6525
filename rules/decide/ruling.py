"""Settle decisions on the facts of one case: outcomes, and nothing that explains them.

`CaseFacts` and `Ruling` work on each other, because one decision may read another's outcome.
The functions that explain a ruling are in the modules above this one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from rules.decide.clocks import ClockReading, read_clock
from rules.decide.compiled_pack import CompiledPack, CompiledSegment
from rules.decide.explain import Leaf, known_of, unknown
from rules.decide.moments import local
from rules.decide.scene_day import with_day
from rules.decide.walk import Bound, World, possible, walk_bound
from rules.decide.wording import RuleText, RuleTexts
from rules.frozen import cached_property, replace
from rules.input.facts import Facts
from rules.input.printing import plain
from rules.language import tree
from rules.packs.pack import Decision as DeclaredDecision
from rules.packs.pack import Pack
from rules.packs.resolve import DecisionInForce, Segment

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    T = TypeVar("T")


CHARGES = "encounter.charges"
_CHARGE_FIELD = r"encounter\.charges\[(\d+)\]\.([a-z_]+)"
NOT_PART = "not_part_of_this_program"
_NO_RECORDS: Bound = {}


class CaseFacts:
    """The facts of one case under one program, and the rulings on other decisions made so far.

    `original` are the facts as given, and `dated` have the day of the encounter filled in from its
    moment. `facts` have the charges as the law reads them too: filled in from the offense table,
    and without what contradicts it. `charges` are these, if they were worked out before.
    """

    def __init__(self, program: CompiledPack, facts: Facts, charges: Any = None) -> None:
        self.program = program
        self.original = facts
        self.dated = with_day(facts, program.pack.time_zone)
        given = self.dated.known.get(CHARGES)
        self.facts = self.dated
        if given and charges is None:
            self.facts = program.law.filled(self.dated)
        elif given and charges is not given:
            known = {**self.dated.known, CHARGES: charges}
            self.facts = Facts(known, self.dated.attested, self.dated.doubtful)
        self.rulings: dict[str, Ruling] = {}
        self.clock_readings: dict[tuple[str, date], ClockReading] = {}

    def decide(self, name: str) -> Ruling:
        """Return the ruling on a decision, and remember it."""
        ruling = self.rulings.get(name)
        if ruling is None:
            ruling = self.rulings[name] = Ruling(self, name)
        return ruling

    def outcome(self, name: str) -> str | None:
        """Return a decision's outcome, attested or worked out. None while undetermined."""
        attested = self.facts.attested.get(name)
        if attested is not None:
            return attested
        outcome = self.decide(name).outcome
        return outcome if isinstance(outcome, str) else None

    def given(self, path: str) -> Any:
        """Return the value of a charge's field as it was given, None if it was not given."""
        element = re.fullmatch(_CHARGE_FIELD, path) if path.startswith(CHARGES) else None
        if element is None:
            return None
        charges = self.original.known.get(CHARGES) or ()
        index = int(element[1])
        return plain(charges[index].get(element[2])) if index < len(charges) else None

    def governing_day(self, governed_by: str) -> tuple[date | None, str]:
        """Return the day whose rules apply, None while unknown, and the fact it comes from."""
        program = self.program
        if program.as_of is not None:
            return program.as_of, "as_of"
        moment = self.facts.known.get(governed_by)
        if moment is None:
            return None, governed_by
        if governed_by == "now":
            moment = local(moment, program.pack.time_zone).date()
        day: date = moment
        return day, governed_by

    def clock(self, name: str, segment: Segment) -> ClockReading:
        """Read a clock of the segment, once for each day whose rules apply."""
        reading = self.clock_readings.get((name, segment.day))
        if reading is None:
            clock = segment.clocks[name]
            length, unit = (
                segment.parameters[clock.length],
                segment.pack.parameters[clock.length].unit,
            )
            facts, zone = self.facts, segment.pack.time_zone
            reading = read_clock(clock, length, unit, facts.known, facts.doubtful, zone)
            self.clock_readings[name, segment.day] = reading
        return reading


class Ruling:
    """One decision, settled.

    `status` is `decided` or `undetermined`. `outcome` is None while undetermined. For a collecting
    decision it is the list of sure outcomes. `possible` lists every outcome that missing facts
    could still bring, highest precedence first.
    """

    def __init__(self, case: CaseFacts, name: str) -> None:
        self.case = case
        self.decision = name
        self.segment: CompiledSegment | None = None
        self.as_of: date | None = None
        self.as_of_from: str | None = None
        self.decided_by: str
        self.possible: list[str]
        self.outcome: str | list[str] | None
        self.status: str
        self.explanations: dict[str, Any] = {}
        self._values: dict[int, bool | None] = {}
        declared = case.program.pack.decisions.get(name)
        if declared is None:
            self._settle_not_part()
        else:
            self._settle(declared)

    def _settle_not_part(self) -> None:
        program = self.case.program
        program.outcomes(self.decision)  # refuses a decision that no program knows
        self.decided_by = program.pack.vocabulary.decisions[self.decision].decided_by
        self._set_outcome([NOT_PART])

    def _settle(self, declared: DeclaredDecision) -> None:
        program = self.case.program
        self.decided_by = declared.decided_by
        self.as_of, self.as_of_from = self.case.governing_day(declared.governed_by)
        if self.as_of is not None:
            self.segment = program.segment(self.as_of)
        attested = self.case.facts.attested.get(self.decision)
        if attested is not None and declared.collect:
            self._set_collected([attested], sure=[attested])
        elif attested is not None:
            self._set_outcome([attested])
        elif self.as_of is None or self.segment is None:
            self._leave_open(declared)
        else:
            program.refuse_day_outside(self.as_of, self.as_of_from)
            self._apply_rules(declared)

    def _leave_open(self, declared: DeclaredDecision) -> None:
        """Without a day, every outcome of any rule is possible."""
        outcomes = {rule.then for rule in declared.rules.values()} | {declared.otherwise.outcome}
        self.possible = [outcome for outcome in declared.outcomes if outcome in outcomes]
        self.outcome, self.status = ([] if declared.collect else None), "undetermined"

    def _apply_rules(self, declared: DeclaredDecision) -> None:
        assert self.segment is not None
        for inner in self.case.program.differently_dated(self.decision):
            if inner not in self.case.facts.attested:
                self.case.decide(inner)
        if declared.collect:
            self._collect()
        else:
            settle = self.segment.frequent_settle(self.decision)
            known, outcome = self.case.facts.known, self.case.outcome
            self._set_outcome(
                possible(self.rules_in_force, self.world)
                if settle is None
                else settle(known, outcome, self._clock_status)
            )

    def _collect(self) -> None:
        """Settle a collecting decision.

        Outcomes with a true rule are sure. Those with an unknown rule are possible, and so is the
        default while no outcome is sure.
        """
        sure, perhaps = [], []
        for outcome, rules in self.rules_in_force.ranks:
            values = [self.value(rule.condition) for rule in rules]
            if True in values:
                sure.append(outcome)
            elif None in values:
                perhaps.append(outcome)
        default = self.rules_in_force.otherwise.outcome
        if not sure:
            (perhaps if perhaps else sure).append(default)
        order = self.rules_in_force.decision.outcomes.index
        self._set_collected(sorted({*sure, *perhaps}, key=order), sure=sorted(sure, key=order))

    def _set_outcome(self, possible: list[str]) -> None:
        self.possible = possible
        self.outcome = possible[0] if len(possible) == 1 else None
        self.status = "undetermined" if self.outcome is None else "decided"

    def _set_collected(self, possible: list[str], *, sure: list[str]) -> None:
        self.possible, self.outcome = possible, sure
        self.status = "decided" if sure == possible else "undetermined"

    # Read by everything that explains a ruling

    @property
    def program(self) -> CompiledPack:
        """The program that decides."""
        return self.case.program

    @property
    def attested(self) -> bool:
        """True if the caller supplied the outcome, so that no rule was applied."""
        return (
            self.decision in self.case.facts.attested
            and self.decision in self.case.program.pack.decisions
        )

    @property
    def in_force(self) -> DecisionInForce | None:
        """The decision's rules on the day. None if the day or the decision isn't known."""
        return self.segment.segment.decisions[self.decision] if self.segment else None

    @property
    def rules_in_force(self) -> DecisionInForce:
        """The decision's rules on the day, which must be known."""
        assert self.segment is not None
        return self.segment.segment.decisions[self.decision]

    @property
    def rules_segment(self) -> Segment:
        """The segment of the day, which must be known."""
        assert self.segment is not None
        return self.segment.segment

    @property
    def texts(self) -> RuleTexts:
        """The texts of the decision's rules on the day, which must be known."""
        assert self.segment is not None
        return self.segment.texts(self.decision)

    def value(self, condition: tree.Tree) -> bool | None:
        """Return the value of a condition of the decision's rules. None is unknown."""
        # INVARIANT: the segment keeps its trees alive, so an id names one tree.
        key = id(condition)
        if key in self._values:
            return self._values[key]
        value: bool | None = self._value_of_part(condition, _NO_RECORDS)
        self._values[key] = value
        return value

    def unknown(self, condition: tree.Tree, *, waits: bool = False) -> dict[str, Leaf]:
        """Return the unknown leaves that keep a condition from being decided, by path.

        `waits` is as in `World`.
        """
        assert self.segment is not None
        find = self.segment.frequent_unknown(condition, waits=waits)
        if find is None:
            return unknown(condition, self.waiting_world if waits else self.world)
        known, outcome = self.case.facts.known, self.case.outcome
        return find(known, outcome, self._clock_status, self._doubtful_events)

    def known_facts(self, text: RuleText) -> dict[str, Any]:
        """Return the known facts that a rule names, sorted by path, as JSON holds them."""
        read_facts = text.frequent_reader()
        if read_facts is None:
            found = known_of(text.names, self.world)
            return {path: plain(found[path]) for path in sorted(found)}
        return read_facts(self.case.facts.known, self.case.outcome, self._clock_status)

    @cached_property
    def world(self) -> World:
        """The facts, parameters, outcomes, and clocks that conditions are evaluated on."""
        assert self.segment is not None
        return World(
            self.case.facts.known,
            self.segment.segment.parameters,
            self.case.outcome,
            self._clock_status,
            self._doubtful_events,
            self.segment.segment.pack.time_zone,
            compiled=self._value_of_part,
        )

    @cached_property
    def waiting_world(self) -> World:
        """The same world in which `if_known` is its condition, unknown where that is unknown."""
        return replace(self.world, waits=True, compiled=self._waiting_value_of_part)

    def _value_of_part(self, part: tree.Tree, bound: Bound) -> Any:
        """Return the value of a part of a condition. `bound` has the records of its variables."""
        assert self.segment is not None
        compiled = self.segment.frequent_part(part)
        if compiled is None:
            return walk_bound(part, self.world, bound)
        return compiled(self.case.facts.known, self.case.outcome, self._clock_status, bound)

    def _waiting_value_of_part(self, part: tree.Tree, bound: Bound) -> Any:
        """Return the value of a part in the waiting world."""
        assert self.segment is not None
        compiled = self.segment.frequent_part(part, waits=True)
        if compiled is None:
            return walk_bound(part, self.waiting_world, bound)
        return compiled(self.case.facts.known, self.case.outcome, self._clock_status, bound)

    def _doubtful_events(self, clock: str) -> tuple[str, ...]:
        assert self.segment is not None
        if clock not in self.segment.segment.clocks:
            return ()
        return self.case.clock(clock, self.segment.segment).doubtful

    def _clock_status(self, clock: str) -> str | None:
        assert self.segment is not None
        if clock not in self.segment.segment.clocks:
            return "not_started"
        status = self.case.clock(clock, self.segment.segment).status
        return None if status == "unknown" else status


def explanation(explain: Callable[[Ruling], T]) -> Callable[[Ruling], T]:
    """Make a function of a ruling work its result out once for each ruling."""

    # INVARIANT: a ruling never changes, and no two explanations have one name.
    def recall(ruling: Ruling) -> T:
        results = ruling.explanations
        if name not in results:
            results[name] = explain(ruling)
        result: T = results[name]
        return result

    name = explain.__name__
    recall.__name__, recall.__doc__ = name, explain.__doc__
    return recall


def shares_needs(ruling: Ruling, name: str) -> bool:
    """Return True if explanations may look into the inner decision `name`.

    The vocabulary may declare that a decision keeps its needs to its decider. A pack's own decision
    on records does.
    """
    return not keeps_its_needs(ruling.program.pack, name)


def keeps_its_needs(pack: Pack, name: str) -> bool:
    """Return True if only the decider of a decision is asked for what it needs."""
    declared, own = pack.vocabulary.decisions.get(name), pack.decisions.get(name)
    if declared is not None:
        return declared.keeps_its_needs
    return own is not None and "records" in own.reads


def reads_clocks(pack: Pack, name: str) -> bool:
    """Return True if a decision may read clocks."""
    declared, own = pack.vocabulary.decisions.get(name), pack.decisions.get(name)
    if declared is not None:
        return declared.reads_clocks
    return own is not None and "clocks" in own.reads
