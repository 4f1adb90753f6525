"""Count the rows of a file before and after a change: section "Who is affected" of the memo."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from offramp.policy.cohort.answers import Side as CohortSide
from offramp.policy.cohort.assumption import decisions_read, facts_of_changed_rules
from offramp.policy.cohort.possible import Outcomes
from offramp.policy.cohort.report import CohortReport, CohortRequest, count_flips
from offramp.policy.cohort.report_json import change_as_json
from rules.errors import RequestError
from rules.language import tree
from rules.prove.changes import ChangedAnswers
from rules.prove.sides import Side

# Rows are counted by one decision. Without a choice it is the first of these that can change.
_USUAL = ("eligibility", "offer")


def count_cohort(
    request: CohortRequest,
    sides: tuple[Side, Side],
    answers: Mapping[str, ChangedAnswers],
    decisions: Sequence[str],
) -> CohortReport:
    """Count the rows of a request by one decision. Raises a `Refusal` for input that is bad."""
    if len(decisions) > 1:
        raise RequestError(
            "usage",
            "rows are counted by one decision at a time, and several are named",
            fix="keep one `--decision`, such as `--decision eligibility`",
        )
    name = decisions[0] if decisions else _counted_decision(sides, answers)
    before, after = (side.program for side in sides)
    return count_flips(
        before,
        after,
        name,
        request.source,
        assume=request.assume,
        never=_never(sides, answers[name]),
        occurring=[(pair.before, pair.after) for pair in answers[name].pairs],
        progress=request.progress,
    )


def cohort_as_json(report: CohortReport) -> dict[str, Any]:
    """Return the part `cohort` of the memo."""
    return change_as_json(report)


def _counted_decision(sides: tuple[Side, Side], answers: Mapping[str, ChangedAnswers]) -> str:
    declared = sides[1].program.pack.decisions
    single = [name for name in answers if not declared[name].collect]
    changed = [name for name in single if answers[name].pairs]
    for names in (changed, single):
        if names:
            return next((name for name in _USUAL if name in names), names[0])
    raise RequestError(
        "usage",
        "no decision with one answer is on both sides, so rows can't be counted",
        fix="leave out `--cohort`",
    )


def _never(sides: tuple[Side, Side], answer: ChangedAnswers) -> Iterator[Outcomes]:
    """Yield the changes that no row can have, by the proof.

    The proof is about cases in which all facts are known and other decisions are given. So it says
    nothing of rows if a rule reads `if_known`, or a decision with other rules.
    """
    if not (answer.is_proved or answer.is_same):
        return
    before, after = (CohortSide(side.program, answer.name) for side in sides)
    inner = decisions_read(before, after)
    if any(_is_changed(sides, name) for name in inner) or any(
        _reads_if_known(side, [answer.name, *inner]) for side in sides
    ):
        return
    occurring = {(pair.before, pair.after) for pair in answer.pairs}
    for outcomes in product(before.outcomes, after.outcomes):
        if outcomes[0] != outcomes[1] and outcomes not in occurring:
            yield outcomes


def _is_changed(sides: tuple[Side, Side], name: str) -> bool:
    before, after = (CohortSide(side.program, name) for side in sides)
    return bool(facts_of_changed_rules(before, after))


def _reads_if_known(side: Side, names: Sequence[str]) -> bool:
    decisions = side.space.segment.decisions
    return any(
        isinstance(part, tree.IfKnown)
        for name in names
        if name in decisions
        for rule in decisions[name].rules
        for part in tree.nodes(rule.condition)
    )
