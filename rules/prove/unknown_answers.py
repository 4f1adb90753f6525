"""Find changes between an answer and no answer yet, among cases with an unknown fact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rules.decide.decision import Decision
from rules.prove.changes import ChangedAnswers
from rules.prove.sides import Side, decided
from rules.prove.smallest_case import fewer_facts

UNDETERMINED = "undetermined"


def pairs_with_unknowns(answers: ChangedAnswers, sides: tuple[Side, Side]) -> list[list[str]]:
    """Return the changes that occur where a fact of an example isn't known, in order.

    Each was decided by the rules. A change between two answers occurs only if it occurs with every
    fact known. A change from or to no answer may be missing here.
    """
    pairs = set()
    for facts in _examples(answers):
        for trial in (facts, *fewer_facts(facts)):
            old, new = (decided(side, answers.name, trial) for side in sides)
            if old is not None and new is not None:
                pair = (_answer(old), _answer(new))
                if pair[0] != pair[1]:
                    pairs.add(pair)
    return [list(pair) for pair in sorted(pairs)]


def _examples(answers: ChangedAnswers) -> Iterator[Mapping[str, Any]]:
    for pair in answers.pairs:
        for region in pair.regions:
            if region.example is not None:
                yield region.example.facts


def _answer(decision: Decision) -> str:
    if decision.status != "decided":
        return UNDETERMINED
    outcome = decision.outcome
    return ", ".join(outcome) if isinstance(outcome, list) else str(outcome)
