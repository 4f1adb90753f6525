"""Which answers a case can have, over every completion of the facts that it lacks.

Three-valued logic says on each side alone what is possible, and may say too much: drugs of an
unknown kind count neither as opioids nor as others, though they are one or the other. Where it
leaves more than one answer, the open rules become formulas in which every fact that isn't known has
an unknown, shared by both sides, and the solver says which answers exist together.

What another decision answers is taken as given, since its decider may answer freely. A fact that is
read with `if_known` stays as the case has it: the answer with it unknown is an answer.

Cases with equal facts, as far as the open rules read them, are solved once. Where a formula can't
be made, the solver isn't installed, or time runs out, the wider result of logic is returned, and
`is_sharp` is False.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import product
from time import monotonic
from typing import Any

from offramp.policy.cohort.possible import OpenRules, Outcomes, Possible, words_left
from rules.decide import explain
from rules.decide.ruling import CHARGES, Ruling
from rules.decide.search_space import SearchSpace
from rules.input.citations import GivenCitation
from rules.input.kept_records import placed
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

    def possible(self, rulings: Sequence[Ruling]) -> Possible:
        """Return the answers that the rulings on one case can have together."""
        wide = frozenset(product(*(ruling.possible for ruling in rulings)))
        if len(wide) == 1:
            return Possible(wide)
        if any(ruling.status != "decided" and not _has_rules(ruling) for ruling in rulings):
            return Possible(wide, is_sharp=False)
        open_rules = [_open_rules(ruling) for ruling in rulings]
        key = _key(rulings, open_rules)
        answers = self._known.get(key)
        if answers is None:
            answers = self._solve(rulings, open_rules, wide)
            self._known[key] = answers
        return answers

    def _solve(
        self,
        rulings: Sequence[Ruling],
        open_rules: Sequence[OpenRules],
        wide: frozenset[Outcomes],
    ) -> Possible:
        left = self._seconds - self._used
        if left <= 0:
            self.is_out_of_time = True
            return Possible(wide, is_sharp=False)
        start = monotonic()
        try:
            from offramp.policy.cohort.row_formulas import solve

            spaces = [self._space(ruling) for ruling in rulings]
            self.groups += 1
            return solve(rulings, spaces, open_rules, wide, left)
        except ImportError:
            return Possible(wide, is_sharp=False)
        finally:
            self._used += monotonic() - start

    def _space(self, ruling: Ruling) -> SearchSpace:
        # INVARIANT: the space keeps its segment alive, so an id names one segment.
        segment = ruling.rules_segment
        space = self._spaces.get(id(segment))
        if space is None:
            space = self._spaces[id(segment)] = SearchSpace(segment)
        return space


def _has_rules(ruling: Ruling) -> bool:
    return ruling.segment is not None and not ruling.attested


def _open_rules(ruling: Ruling) -> OpenRules:
    """Return the rules that a case leaves open, up to the first that is true."""
    if ruling.status == "decided":
        assert isinstance(ruling.outcome, str)
        return OpenRules((), ruling.outcome)
    ranks: list[tuple[str, tuple[RuleInForce, ...]]] = []
    for outcome, rules in ruling.rules_in_force.ranks:
        values = [ruling.value(rule.condition) for rule in rules]
        if True in values:
            return OpenRules(tuple(ranks), outcome)
        left = tuple(rule for rule, value in zip(rules, values, strict=True) if value is None)
        if left:
            ranks.append((outcome, left))
    return OpenRules(tuple(ranks), ruling.rules_in_force.otherwise.outcome)


def _key(rulings: Sequence[Ruling], open_rules: Sequence[OpenRules]) -> Hashable:
    """Return everything that decides which answers a case can have together.

    Records count in any order, since no condition reads their place.
    """
    names = [explain.names_of([rule.condition for rule in item.rules]) for item in open_rules]
    sides: list[Hashable] = []
    lists: dict[str, dict[int, list[Hashable]]] = {}
    for number, (ruling, rules, read) in enumerate(zip(rulings, open_rules, names, strict=True)):
        known_facts = ruling.case.facts.known
        sides.append(
            (
                id(ruling.segment),
                rules.otherwise,
                tuple((outcome, tuple(map(id, item))) for outcome, item in rules.ranks),
                tuple((path, _token(known_facts.get(path))) for path in read.facts),
                tuple((name, tuple(_answers(ruling, name))) for name in read.decisions),
                tuple((path, path in known_facts) for path, _ in read.lists),
            )
        )
        for path, fields in read.lists:
            for place, record in placed(known_facts.get(path, ())):
                slots = lists.setdefault(path, {}).setdefault(place, [None] * len(rulings))
                tokens = tuple((field, _token(record.get(field))) for field in fields)
                law_words = tuple(words_left(ruling, place, record)) if path == CHARGES else ()
                slots[number] = (tokens, law_words)
    records = tuple(
        (path, tuple(sorted(map(tuple, by_place.values()), key=repr)))
        for path, by_place in sorted(lists.items())
    )
    return tuple(sides), records


def _answers(ruling: Ruling, name: str) -> list[str]:
    """Return the answers that another decision can have."""
    outcome = ruling.case.outcome(name)
    return [outcome] if outcome is not None else ruling.case.decide(name).possible


def _token(value: Any) -> Hashable:
    if isinstance(value, GivenCitation):
        return "citation", value.given, str(value.section)
    if isinstance(value, (list, tuple)):
        return tuple(tuple(sorted((name, _token(item[name])) for name in item)) for item in value)
    hashable: Hashable = value
    return hashable
