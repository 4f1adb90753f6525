"""Which answers a case can have, over every completion of the facts that it lacks.

Three-valued logic says on each side alone what is possible, and may say too much: drugs of an
unknown kind count neither as opioids nor as others, though they are one or the other. Where it
leaves more than one answer, the open rules become formulas in which every fact that isn't known has
an unknown, shared by both sides, and the solver says which answers exist together.

What another decision answers is taken as given, since its decider may answer freely. A fact that is
read with `if_known` stays as the case has it: the answer with it unknown is an answer.

Cases that are equal in what the open parts of the rules read are solved once. Where a formula can't
be made, the solver isn't installed, or time runs out, the wider result of logic is returned, and
`why` gives the cause.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import product
from time import monotonic

from offramp.policy.cohort.equal_cases import facts_read, open_parts
from offramp.policy.cohort.possible import (
    NO_DAY,
    NO_SOLVER,
    NO_TIME,
    OPEN,
    OTHERWISE,
    Decider,
    DecidingRule,
    OpenRules,
    Outcomes,
    Possible,
    decider_of,
    rules_with,
)
from rules.decide.ruling import Ruling, explanation
from rules.decide.search_space import SearchSpace
from rules.packs.resolve import RuleInForce


class Completions:
    """Finds which answers cases can have, in `seconds` for all of them together."""

    def __init__(self, seconds: float = 60.0) -> None:
        self._seconds = seconds
        self._used = 0.0
        self._known: dict[Hashable, Possible] = {}
        self._spaces: dict[int, SearchSpace] = {}
        self.groups = 0  # that were solved
        self.is_out_of_time = False
        # The rules that decide changes of the answer, by the number of the question: the change,
        # the side, and the rule.
        self.deciding: defaultdict[int, set[DecidingRule]] = defaultdict(set)

    def possible(self, rulings: Sequence[Ruling], question: int = 0) -> Possible:
        """Return the answers that the rulings on one case can have together."""
        deciding = self.deciding[question]
        possible = self._possible(rulings, deciding)
        if len(rulings) < 2:
            return possible
        if len(possible.outcomes) == 1:
            (outcomes,) = possible.outcomes
            _note_deciding(rulings, outcomes, deciding)
        deciders = tuple(
            _decider(ruling, {outcomes[side] for outcomes in possible.outcomes})
            for side, ruling in enumerate(rulings)
        )
        return Possible(possible.outcomes, possible.why, deciders)

    def _possible(self, rulings: Sequence[Ruling], deciding: set[DecidingRule]) -> Possible:
        wide = frozenset(product(*(ruling.possible for ruling in rulings)))
        if len(wide) == 1:
            return Possible(wide)
        if any(ruling.status != "decided" and not _has_rules(ruling) for ruling in rulings):
            return Possible(wide, NO_DAY)
        open_rules = [open_rules_of(ruling) for ruling in rulings]
        key = facts_read(rulings, open_rules)
        answers = self._known.get(key)
        if answers is None:
            parts = open_parts(rulings, open_rules) or key
            answers = self._known.get(parts)
            if answers is None:
                answers = self._solve(rulings, open_rules, wide, deciding)
                self._known[parts] = answers
            self._known[key] = answers
        _note_known(open_rules, answers, deciding)
        return answers

    def _solve(
        self,
        rulings: Sequence[Ruling],
        open_rules: Sequence[OpenRules],
        wide: frozenset[Outcomes],
        deciding: set[DecidingRule],
    ) -> Possible:
        left = self._seconds - self._used
        if left <= 0:
            self.is_out_of_time = True
            return Possible(wide, NO_TIME)
        start = monotonic()
        try:
            from offramp.policy.cohort.row_formulas import solve

            spaces = [self._space(ruling) for ruling in rulings]
            self.groups += 1
            return solve(rulings, spaces, open_rules, wide, left, deciding)
        except ImportError:
            return Possible(wide, NO_SOLVER)
        finally:
            self._used += monotonic() - start

    def _space(self, ruling: Ruling) -> SearchSpace:
        # INVARIANT: the space keeps its segment alive, so an id names one segment.
        segment = ruling.rules_segment
        space = self._spaces.get(id(segment))
        if space is None:
            space = self._spaces[id(segment)] = SearchSpace(segment)
        return space


def _note_deciding(
    rulings: Sequence[Ruling], outcomes: Outcomes, deciding: set[DecidingRule]
) -> None:
    """Note the rules that decide a change for certain."""
    if len(set(outcomes)) < 2:
        return
    for side, (ruling, outcome) in enumerate(zip(rulings, outcomes, strict=True)):
        if _has_rules(ruling):
            in_force = ruling.rules_in_force
            applying = rules_with(in_force, _value_of(ruling), outcome)
            if not applying and _decider(ruling, [outcome]).kind == "otherwise":
                applying = [OTHERWISE]
            deciding |= {(outcomes, side, rule) for rule in applying}


def _note_known(
    open_rules: Sequence[OpenRules], answers: Possible, deciding: set[DecidingRule]
) -> None:
    """Note what decides changes besides open rules. If it isn't sharp, open ones too."""
    for outcomes in answers.outcomes:
        if len(set(outcomes)) < 2:
            continue
        for side, (own, outcome) in enumerate(zip(open_rules, outcomes, strict=True)):
            names = own.otherwise_by if outcome == own.otherwise else ()
            if answers.is_sharp:
                names = tuple(name for name in names if name != OTHERWISE)
            else:
                names += tuple(rule.rule.id for rule in own.rules if rule.rule.then == outcome)
            deciding |= {(outcomes, side, name) for name in names}


def _decider(ruling: Ruling, reached: Iterable[str]) -> Decider:
    if ruling.attested:
        return Decider("given")
    if not _has_rules(ruling):
        return OPEN
    return decider_of(ruling.rules_in_force, _value_of(ruling), reached)


def _value_of(ruling: Ruling) -> Callable[[RuleInForce], bool | None]:
    return lambda rule: ruling.value(rule.condition)


def _has_rules(ruling: Ruling) -> bool:
    return ruling.segment is not None and not ruling.attested


@explanation
def open_rules_of(ruling: Ruling) -> OpenRules:
    """Return the rules that a case leaves open, up to the first that is true."""
    if ruling.status == "decided":
        assert isinstance(ruling.outcome, str)
        return OpenRules((), ruling.outcome, _sure_rules(ruling, ruling.outcome))
    ranks: list[tuple[str, tuple[RuleInForce, ...]]] = []
    for outcome, rules in ruling.rules_in_force.ranks:
        values = [ruling.value(rule.condition) for rule in rules]
        if True in values:
            return OpenRules(tuple(ranks), outcome, _sure_rules(ruling, outcome))
        left = tuple(rule for rule, value in zip(rules, values, strict=True) if value is None)
        if left:
            ranks.append((outcome, left))
    return OpenRules(tuple(ranks), ruling.rules_in_force.otherwise.outcome, (OTHERWISE,))


def _sure_rules(ruling: Ruling, outcome: str) -> tuple[str, ...]:
    if not _has_rules(ruling):
        return ()
    applying = rules_with(ruling.rules_in_force, _value_of(ruling), outcome)
    return tuple(applying) or (OTHERWISE,)
