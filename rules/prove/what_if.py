"""The smallest change of a case's facts that gives another outcome.

Only facts that somebody may still change, learn, or correct are changed. Of such changes, the one
with the fewest facts comes first, and of these the one whose values move least. Each is decided by
the rules before it is an answer, with all that isn't part of it as it is, known or not.

A person's age is never proposed, nor are events. If one isn't known and an outcome depends on it,
the outcome is open and the fact is named: a proof takes every value of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from rules.decide.decision import Decision
from rules.decide.ruling import CaseFacts
from rules.errors import Refusal
from rules.frozen import cached_property, field, frozen
from rules.language import tree
from rules.prove.case_formulas import CaseFormulas, without
from rules.prove.changeable import changeable_paths
from rules.prove.fresh_solver import fresh_solver
from rules.prove.smallest_change import Change, ChangeSearch, FoundChange, size_of
from rules.prove.solver_unknowns import CannotEncode
from rules.prove.timed_solver import TimeIsUp

TOO_LONG = "it took too long"


@frozen
class WhatIf:
    """The smallest change that gives an outcome, and the answer to the changed case.

    `rule` is the rule that decides now and no longer would, or else the one that would decide.
    `source` is where it comes from.
    """

    outcome: str
    changes: tuple[Change, ...]
    rule: str
    source: str | None
    answer: Decision


@frozen
class WhatIfs:
    """The smallest change for each other outcome that a change can give, the smallest first.

    `open` has the outcomes for which the search was not complete, each with the reason. For any
    other outcome without an answer, it is proved that no change gives it, whatever the facts are
    that aren't known. `unknown` has, of the open outcomes, those that depend on facts that aren't
    known and that no change proposes, with the paths of these facts.
    """

    answers: tuple[WhatIf, ...]
    open: Mapping[str, str]
    unknown: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def find_what_if(
    decision: Decision, seconds: float = 10.0, together: float | None = None
) -> WhatIfs:
    """Return the smallest change for each other outcome.

    `seconds` limits each search, and `together` all of them. The same case gives the same changes,
    whatever was asked before.

    A decision that collects outcomes is open, and so is one whose day isn't known.
    """
    ends = None if together is None else time.monotonic() + together
    with fresh_solver():
        return _find_what_if(decision, seconds, ends)


def _find_what_if(decision: Decision, seconds: float, ends: float | None) -> WhatIfs:
    others = [
        outcome
        for outcome in decision.program.outcomes(decision.decision)
        if outcome != decision.outcome
    ]
    if decision.segment is None:
        return _all_open(others, "the day that governs the case isn't known")
    if isinstance(decision.outcome, list):
        return _all_open(others, "the decision has several outcomes at once")
    if decision.attested:
        return _all_open(others, "somebody has stated the outcome")
    reduced = without(decision.case.facts, tuple(changeable_paths(decision)))
    try:
        ruling = Decision(CaseFacts(decision.program, reduced), decision.decision)
        if ruling.status == "decided" and not _counts_if_known(ruling):
            return WhatIfs((), {})
        searches = _Searches(decision, ruling)
    except CannotEncode as part:
        return _all_open(others, f"there is no formula for {part}")
    except Refusal as refusal:
        return _all_open(others, f"without what may change, the case is refused: {refusal.message}")
    answers: list[WhatIf] = []
    is_open: dict[str, str] = {}
    unknown: dict[str, tuple[str, ...]] = {}
    for outcome in others:
        deadline = time.monotonic() + seconds
        deadline = deadline if ends is None else min(deadline, ends)
        found, why = _smallest(searches, outcome, deadline)
        if found is not None:
            answers.append(_answer(decision, outcome, found))
        elif why is None:
            paths, why = _still_open(searches, outcome, deadline)
            if paths:
                unknown[outcome] = paths
        if why is not None:
            is_open[outcome] = why
    answers.sort(key=lambda answer: size_of(answer.changes))
    return WhatIfs(tuple(answers), is_open, unknown)


def _counts_if_known(ruling: Decision) -> bool:
    """Return whether a rule reads a fact that counts only if it is known."""
    return any(
        isinstance(part, tree.IfKnown)
        for _, rules in ruling.rules_in_force.ranks
        for rule in rules
        for part in tree.nodes(rule.condition)
    )


def _all_open(outcomes: Sequence[str], why: str) -> WhatIfs:
    return WhatIfs((), dict.fromkeys(outcomes, why))


class _Searches:
    """A search with short lists, and one with as many records as can matter if that is more.

    Most outcomes have their smallest change with short lists, and formulas for these are short. So
    the second is made when it is asked for.
    """

    def __init__(self, decision: Decision, ruling: Decision) -> None:
        self._decision = decision
        self._ruling = ruling
        self.first = ChangeSearch(decision, CaseFormulas(ruling, most=1))

    @cached_property
    def _second(self) -> ChangeSearch:
        return ChangeSearch(self._decision, CaseFormulas(self._ruling))

    @cached_property
    def widest(self) -> ChangeSearch:
        """The search over all that isn't known, also over what counts only if it is known."""
        if _counts_if_known(self._ruling):
            return ChangeSearch(self._decision, CaseFormulas(self._ruling, learns_all=True))
        return self._second if self.first.formulas.is_cut else self.first

    def in_turn(self, deadline: float) -> Iterator[ChangeSearch]:
        """Yield the searches. Raises `TimeIsUp` where there is no time to make the second."""
        yield self.first
        if self.first.formulas.is_cut:
            if time.monotonic() > deadline:
                raise TimeIsUp
            yield self._second


def _smallest(
    searches: _Searches, outcome: str, deadline: float
) -> tuple[FoundChange | None, str | None]:
    """Return the smallest change that gives an outcome, and why a smaller one may exist."""
    found: FoundChange | None = None
    why: str | None = None
    if outcome not in searches.first.outcomes:
        return None, None
    try:
        for search in searches.in_turn(deadline):
            better, why = search.smallest(outcome, deadline)
            if better is not None:
                found = min([better, *([found] if found else [])], key=_order)
            why = why or search.formulas.bounds.why
            if found is not None and why is None and len(found.changes) == 1:
                break  # no list can bring a change of fewer facts
    except TimeIsUp:
        why = TOO_LONG
    except CannotEncode as part:
        why = f"there is no formula for {part}"
    return found, why


def _still_open(
    searches: _Searches, outcome: str, deadline: float
) -> tuple[tuple[str, ...], str | None]:
    """Return the facts that aren't known and on which an outcome without a change depends.

    The second value says why the outcome is open, None if no facts at all give it.
    """
    try:
        widest = searches.widest
        if outcome not in widest.outcomes:
            return (), None
        paths = widest.still_open(outcome, (*searches.first.paths, *widest.known), deadline)
    except TimeIsUp:
        return (), TOO_LONG
    except CannotEncode as part:
        return (), f"there is no formula for {part}"
    if paths is None:
        return (), widest.formulas.bounds.why
    if not paths:
        return (), "it depends on facts that no change names"
    return paths, f"not known: {', '.join(paths)}"


def _order(found: FoundChange) -> tuple[int, Decimal]:
    return size_of(found.changes)


def _answer(decision: Decision, outcome: str, found: FoundChange) -> WhatIf:
    now = [reason for reason in decision.reasons if reason["rule"] != "otherwise"]
    after = [reason for reason in found.decided.reasons if reason["rule"] != "otherwise"]
    reason: Any = next(iter(now or after or found.decided.reasons), None)
    source = reason["source"] if reason is not None else None
    return WhatIf(
        outcome,
        found.changes,
        reason["rule"] if reason is not None else "otherwise",
        source["id"] if source is not None else None,
        found.decided,
    )
