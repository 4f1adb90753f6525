"""Find changes between an answer and no answer yet, among cases with an unknown fact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rules.decide.decision import Decision
from rules.prove.sides import Side, decided
from rules.prove.smallest_case import fewer_facts

UNDETERMINED = "undetermined"


def pairs_with_unknowns(
    sides: tuple[Side, Side], name: str, cases: Iterable[Mapping[str, Any]], read: frozenset[str]
) -> tuple[tuple[str, str], ...]:
    """Return the changes that occur where a fact of a case isn't known, in order.

    `read` has the names of the facts to leave out. Each change was decided by the rules. A change
    between two answers occurs only if it occurs with every fact known. A change from or to no
    answer may be missing here.
    """
    pairs = set()
    for facts in cases:
        for trial in (facts, *fewer_facts(facts, read)):
            old, new = (decided(side, name, trial) for side in sides)
            if old is not None and new is not None:
                pair = (_answer(old), _answer(new))
                if pair[0] != pair[1]:
                    pairs.add(pair)
    return tuple(sorted(pairs))


def _answer(decision: Decision) -> str:
    if decision.status != "decided":
        return UNDETERMINED
    outcome = decision.outcome
    return ", ".join(outcome) if isinstance(outcome, list) else str(outcome)
