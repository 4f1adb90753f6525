"""Find changes between an answer and no answer yet, among cases with an unknown fact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rules.decide.decision import Decision
from rules.prove.sides import DecidedCases
from rules.prove.smallest_case import fewer_facts

UNDETERMINED = "undetermined"


def pairs_with_unknowns(
    answers: DecidedCases, cases: Iterable[Mapping[str, Any]], read: frozenset[str]
) -> tuple[tuple[str, str], ...]:
    """Return the changes that occur where a fact of a case isn't known, in order.

    `read` has the names of the facts to leave out. Each change was decided by the rules. A change
    between two answers occurs only if it occurs with every fact known. A change from or to no
    answer may be missing here.
    """
    pairs = set()
    for facts in cases:
        for trial in (facts, *fewer_facts(facts, read)):
            old, new = answers.both(trial)
            if old is not None and new is not None:
                pair = (_answer(old), _answer(new))
                if pair[0] != pair[1]:
                    pairs.add(pair)
    return tuple(sorted(pairs))


def open_with_unknowns(
    outcomes: tuple[Iterable[str], Iterable[str]],
    never: Iterable[tuple[str, str]],
    met: Iterable[tuple[str, str]],
    *,
    has_if_known: bool,
) -> tuple[tuple[str, str], ...]:
    """Return the changes that may occur with an unknown fact, and that nobody met or ruled out.

    `outcomes` are those of each side. A change between two answers with an unknown fact is one of
    every completion too, so what never happens there is ruled out, unless a rule reads `if_known`.
    A change from or to no answer is ruled out by nothing but being met.
    """
    before, after = outcomes
    possible = [(outcome, UNDETERMINED) for outcome in before]
    possible += [(UNDETERMINED, outcome) for outcome in after]
    possible += never if has_if_known else ()
    return tuple(sorted(set(possible) - set(met)))


def _answer(decision: Decision) -> str:
    if decision.status != "decided":
        return UNDETERMINED
    outcome = decision.outcome
    return ", ".join(outcome) if isinstance(outcome, list) else str(outcome)
