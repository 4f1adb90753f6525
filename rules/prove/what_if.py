"""The smallest change of a case's facts that gives another outcome.

Only facts that somebody may still change, learn, or correct are changed. Of such changes, the one
with the fewest facts comes first, and of these the one whose values move least. Each is decided by
the rules before it is an answer, with all that isn't part of it as it is, known or not.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from rules.decide.decision import Decision
from rules.decide.ruling import CaseFacts
from rules.errors import Refusal
from rules.frozen import frozen
from rules.prove.case_formulas import CaseFormulas, without
from rules.prove.changeable import changeable_paths
from rules.prove.smallest_change import Change, ChangeSearch, FoundChange, size_of
from rules.prove.solver_unknowns import CannotEncode
from rules.prove.timed_solver import TimeIsUp


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
    other outcome without an answer, it is proved that no change gives it.
    """

    answers: tuple[WhatIf, ...]
    open: Mapping[str, str]


def find_what_if(decision: Decision, seconds: float = 10.0) -> WhatIfs:
    """Return the smallest change for each other outcome. `seconds` limits each search.

    A decision that collects outcomes is open, and so is one whose day isn't known.
    """
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
        if ruling.status == "decided":
            return WhatIfs((), {})
        searches = tuple(_searches(decision, ruling))
    except CannotEncode as part:
        return _all_open(others, f"there is no formula for {part}")
    except Refusal as refusal:
        return _all_open(others, f"without what may change, the case is refused: {refusal.message}")
    answers: list[WhatIf] = []
    is_open: dict[str, str] = {}
    possible = searches[0].formulas.grounding.outcomes(decision.decision)
    for outcome in [outcome for outcome in others if outcome in possible]:
        found, why = _smallest(searches, outcome, time.monotonic() + seconds)
        if found is not None:
            answers.append(_answer(decision, outcome, found))
        if why is not None:
            is_open[outcome] = why
    answers.sort(key=lambda answer: size_of(answer.changes))
    return WhatIfs(tuple(answers), is_open)


def _all_open(outcomes: Sequence[str], why: str) -> WhatIfs:
    return WhatIfs((), dict.fromkeys(outcomes, why))


def _searches(decision: Decision, ruling: Decision) -> Iterator[ChangeSearch]:
    """Yield a search with short lists, and one with as many records as can matter if that is more.

    Most outcomes have their smallest change with short lists, and formulas for these are short.
    """
    formulas = CaseFormulas(ruling, most=1)
    yield ChangeSearch(decision, formulas)
    if formulas.is_cut:
        yield ChangeSearch(decision, CaseFormulas(ruling))


def _smallest(
    searches: Sequence[ChangeSearch], outcome: str, deadline: float
) -> tuple[FoundChange | None, str | None]:
    """Return the smallest change that gives an outcome, and why a smaller one may exist."""
    found: FoundChange | None = None
    why: str | None = None
    for search in searches:
        if found is not None and why is None and len(found.changes) == 1:
            break  # no list can bring a change of fewer facts
        try:
            better, why = search.smallest(outcome, deadline)
        except TimeIsUp:
            better, why = None, "it took too long"
        if better is not None:
            found = min([better, *([found] if found else [])], key=_order)
        why = why or search.formulas.bounds.why
    return found, why


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
