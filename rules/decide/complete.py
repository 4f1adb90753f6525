"""Decide usual facts that are complete, from structs. `ruling` is the meaning of it.

`rules.input.typed_facts` reads usual facts to structs. If all that a decision reads is known, it is
settled on these structs (`compile_complete`), and explained from them if no rule is true. Anything
else is None here, and `ruling` decides it on the facts by path.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from datetime import date
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from rules.decide.compile_complete import (
    FindPossible,
    NotCompiled,
    SettleComplete,
    Settled,
    compile_complete,
    compile_complete_reader,
    compile_possible,
)
from rules.decide.decision import Decision
from rules.decide.reasons import list_reasons
from rules.decide.ruling import NOT_PART, CaseFacts, Ruling, keeps_its_needs
from rules.frozen import cached_property
from rules.input.facts import Facts
from rules.packs.law import CHARGES

if TYPE_CHECKING:
    from rules.decide.compiled_pack import CompiledPack, CompiledSegment
    from rules.input.typed_facts import TypedReader

DAY, MOMENT = "encounter.date", "encounter.at"


class CompleteSegment:
    """One decision by the rules of a stretch of days, on complete facts.

    `settle` is None if `ruling` decides all cases. `find_possible` returns the possible outcomes
    where a fact is unknown, and is None if `ruling` finds them.
    """

    def __init__(
        self,
        name: str,
        compiled: CompiledSegment,
        settle: SettleComplete | None,
        make_possible: Callable[[], FindPossible],
        reader: TypedReader,
    ) -> None:
        self.compiled = compiled
        self.settle = settle
        self._make_possible = make_possible
        self._name = name
        self._reader = reader

    @cached_property
    def find_possible(self) -> FindPossible | None:
        """The function of the possible outcomes, made when the first outcome alone is asked for."""
        try:
            return self._make_possible()
        except NotCompiled:
            return None

    @cached_property
    def default_reason(self) -> Callable[[Settlement], list[dict[str, Any]] | None]:
        """The function that returns the reason of the default, or None.

        Which doubts it has doesn't depend on the case, since no rule is true.
        """
        compiled, name = self.compiled, self._name
        in_force, texts = compiled.segment.decisions[name], compiled.texts(name)
        text, default = texts.of_default, in_force.otherwise
        pack = compiled.segment.pack
        is_fixed = not (
            text.tables
            or texts.with_exceptions
            or any(not keeps_its_needs(pack, inner) for inner in text.names.decisions)
        )
        try:
            read = compile_complete_reader(text.names, text.vocabulary, self._reader.places)
        except NotCompiled:
            is_fixed = False
        if not is_fixed:
            return lambda settlement: None
        rule_doubts = [
            doubt
            for doubtful in texts.doubtful
            if doubtful.rule.rule.then != default.outcome
            for doubt in doubtful.text.value_doubts
        ]
        if default.provisional:
            rule_doubts.append(default.provisional)
        provisional = "; ".join(dict.fromkeys(rule_doubts)) or None
        inner_decisions = frozenset(text.names.decisions)
        outcome, because, source, values = default.outcome, text.text, text.source, text.values
        reviewable_by, other = default.reviewable_by, text.other

        def reason(settlement: Settlement) -> list[dict[str, Any]] | None:
            """Return the reason if every inner decision is attested."""
            _, _, _, root, charges, attested = settlement
            if not inner_decisions <= attested.keys():
                return None
            facts = read(root, charges, attested)
            if facts is None:
                return None
            made: dict[str, Any] = {
                "rule": "otherwise",
                "outcome": outcome,
                "text": because,
                "source": source,
                "values": [*values],
                "facts": facts,
                "provisional": provisional,
                "reviewable_by": reviewable_by,
            }
            if other:
                made["other"] = other
            return [made]

        return reason


# The outcome, the segment, the day, the case in structs, its charges as the law has them, and the
# attested outcomes. A tuple, since a record takes half a microsecond to make.
# Without an outcome, `ruling` decides, on charges that the law was applied to.
Settlement = tuple[Settled | None, CompleteSegment, date, Any, Any, Mapping[str, str]]


class CompleteRules:
    """One decision of a program on complete facts, as `reader` reads them.

    `settle` returns a `Settlement`, or None for facts that `ruling` decides.
    """

    def __init__(self, program: CompiledPack, name: str, reader: TypedReader) -> None:
        self.program = program
        self.name = name
        self.reader = reader
        self.as_of_from = "as_of"
        self.decided_by = ""
        self.settle: Callable[[Any], Settlement | None] = lambda root: None
        declared = program.pack.decisions.get(name)
        if declared is None or declared.collect or program.differently_dated(name):
            return
        self.decided_by = declared.decided_by
        fact = program.pack.vocabulary.facts.get(declared.governed_by)
        if program.as_of is None:
            self.as_of_from = declared.governed_by
            if fact is None or fact.type != "date":
                return
        self.settle = self._settler()

    def decide(self, root: Any) -> Decision | None:
        """Decide a case, or return None for one whose facts need more checks."""
        settlement = self.settle(root)
        if settlement is None:
            return None
        settled = settlement[0]
        if settled is None:
            return Decision(self.case(settlement), self.name)
        return UsualDecision(self, settlement, settled)

    def outcome(self, settlement: Settlement) -> str | list[str] | None:
        """Return the outcome of a settlement."""
        settled, segment, _, root, charges, attested = settlement
        if settled is not None:
            return settled.outcome
        if segment.find_possible is None:
            return Ruling(self.case(settlement), self.name).outcome
        possible = segment.find_possible(root, charges, attested)
        return possible[0] if len(possible) == 1 else None

    def case(self, settlement: Settlement) -> CaseFacts:
        """Return the case of a settlement, with its facts by path."""
        facts = Facts(*self.reader.known(settlement[3]))
        return CaseFacts(self.program, facts, settlement[4])

    def _settler(self) -> Callable[[Any], Settlement | None]:
        program, reader = self.program, self.reader
        as_of, since, until = program.as_of, program.pack.program.since, program.pack.program.until
        places = [
            ".".join(reader.places[path])
            for path in (DAY if as_of is not None else self.as_of_from, DAY, MOMENT, CHARGES)
        ]
        read = attrgetter(*places, reader.attested)
        boundaries = program.pack.boundaries()
        segments: dict[int, CompleteSegment] = {}
        # An attested outcome of this decision itself is not settled here.
        may_be_attested = frozenset(
            (name, outcome)
            for name, decision in program.pack.decisions.items()
            for outcome in decision.outcomes
            if name != self.name
        ).issuperset

        def settle(root: Any) -> Settlement | None:
            """Settle the decision on a case, or return None."""
            try:
                day, scene_day, moment, charges, attested = read(root)
            except AttributeError:  # a group without facts
                return None
            if as_of is not None:
                day = scene_day = as_of
            if day is None or moment is not None:
                return None
            if (since is not None and day < since) or (until is not None and day >= until):
                return None
            if attested is None:
                attested = _NONE_ATTESTED
            elif not may_be_attested(attested.items()):
                return None
            index = bisect_right(boundaries, day)
            segment = segments.get(index)
            if segment is None:
                segment = segments[index] = self._segment(day)
            if segment.settle is None:
                return None
            if charges:
                charges = program.law.filled_charges(charges, scene_day)
            settled = segment.settle(root, charges, attested)
            return settled, segment, day, root, charges, attested

        return settle

    def _segment(self, day: date) -> CompleteSegment:
        """Return the decision by the rules of a day."""
        compiled = self.program.segment(day)
        settle = self._compiled(self.name, compiled, {})
        return CompleteSegment(
            self.name,
            compiled,
            settle,
            lambda: self._compiled_possible(self.name, compiled, {}),
            self.reader,
        )

    def _compiled_possible(
        self, name: str, compiled: CompiledSegment, made: dict[str, FindPossible]
    ) -> FindPossible:
        """Compile a decision and those that it reads, each once. Raises `NotCompiled`."""

        def inner(other: str) -> FindPossible | str:
            declared = self.program.pack.decisions.get(other)
            if declared is None:
                return NOT_PART
            if declared.collect:
                raise NotCompiled
            return self._compiled_possible(other, compiled, made)

        if name not in made:
            segment = compiled.segment
            zone, places = segment.pack.time_zone, self.reader.places
            made[name] = compile_possible(
                segment.decisions[name], segment.parameters, zone, places, inner
            )
        return made[name]

    def _compiled(
        self, name: str, compiled: CompiledSegment, made: dict[str, SettleComplete | None]
    ) -> SettleComplete | None:
        """Compile a decision and those that it reads, each once."""

        def inner(other: str) -> SettleComplete | str | None:
            declared = self.program.pack.decisions.get(other)
            if declared is None:
                return NOT_PART
            if declared.collect:
                raise NotCompiled
            return self._compiled(other, compiled, made)

        if name not in made:
            segment = compiled.segment
            try:
                made[name] = compile_complete(
                    segment.decisions[name],
                    segment.parameters,
                    segment.pack.time_zone,
                    self.reader.places,
                    inner,
                )
            except NotCompiled:
                made[name] = None
        return made[name]


class UsualDecision(Decision):
    """A decision on complete facts. Its case is made when something else than these is read."""

    def __init__(self, rules: CompleteRules, settlement: Settlement, settled: Settled) -> None:
        self.rules = rules
        self.settlement = settlement
        self.settled = settled
        self.decision = rules.name
        self.segment = settlement[1].compiled
        self.as_of = settlement[2]
        self.as_of_from = rules.as_of_from
        self.decided_by = rules.decided_by
        self.outcome = settled.outcome
        self.possible = [settled.outcome]
        self.status = "decided"
        self.explanations = {}
        self._values = {}

    # A `__getattr__` would slow down every attribute.
    @cached_property
    def case(self) -> CaseFacts:  # type: ignore[override]  # a field of the base class
        """The case, made from the structs."""
        return self.rules.case(self.settlement)

    @property
    def reasons(self) -> list[dict[str, Any]]:
        """The rules that gave the outcome, or the default."""
        if self.settled.is_default and "list_reasons" not in self.explanations:
            reasons = self.settlement[1].default_reason(self.settlement)
            if reasons is not None:
                self.explanations["list_reasons"] = reasons
                return reasons
        return list_reasons(self)


_NONE_ATTESTED: Mapping[str, str] = {}
