"""Count the rows of a file before and after a change: section "Who is affected" of the memo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import product
from typing import Any

from offramp.policy.change_days import OneSidedStretch, Stretch
from offramp.policy.cohort.answers import Question
from offramp.policy.cohort.answers import Side as CohortSide
from offramp.policy.cohort.assumption import (
    decisions_read,
    facts_of_changed_rules,
    have_the_same_rules,
)
from offramp.policy.cohort.beside import count_beside
from offramp.policy.cohort.possible import Outcomes
from offramp.policy.cohort.report import CohortReport, CohortRequest
from offramp.policy.cohort.report_json import change_as_json, counts_as_json, table_as_json
from offramp.policy.table_map import is_shipped_map
from rules.decide.ruling import reads_clocks
from rules.errors import RequestError
from rules.frozen import frozen, replace
from rules.input.printing import plain
from rules.language import tree
from rules.prove.changes import ChangedAnswers
from rules.prove.sides import Side

# Rows are counted by one decision. Without a choice it is the first of these that can change.
_USUAL = ("eligibility", "offer")


@frozen
class CountedChange:
    """The rows of a file before and after a change, once for each of the `stretches` of days.

    A stretch is counted if an answer can change on its days. `since` is the compared day. On the
    days of `one_sided`, one pack gives no answer, and the other one's are counted. A report has one
    question for each stretch, and then one for each stretch of one side.
    """

    report: CohortReport
    stretches: tuple[Stretch, ...]
    since: date
    one_sided: tuple[OneSidedStretch, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the part `cohort` of the memo. A map in a file has its title, and not its path."""
        report = self.report
        name = report.source.map if is_shipped_map(report.source.map) else report.mapping.title
        first, *later = (self._counts(number) for number in range(len(self.stretches)))
        value = {**change_as_json(report), "map": name, **first, "later": later}
        without_rules = [self._on_one_side(number) for number in range(len(self.one_sided))]
        return {**value, "without_rules": without_rules} if without_rules else value

    def _on_one_side(self, number: int) -> dict[str, Any]:
        place = len(self.stretches) + number
        table = table_as_json(self.report.tables.tables[place])
        everyone = table["groups"][0]
        return {
            **self.one_sided[number].days.as_json(),
            "rules_of": plain(self.report.questions[place].sides[0].program.as_of),
            "rows": everyone["rows"],
            "answers": everyone["answers"],
            "not_sharp": table["not_sharp"],
        }

    def _counts(self, number: int) -> dict[str, Any]:
        stretch = self.stretches[number]
        before, after = (side.program.as_of for side in self.report.questions[number].sides)
        rules_of: dict[str, Any] = {
            "before": plain(before),
            "after": plain(after),
            "until": plain(stretch.until),
        }
        if number == 0 and self.since < stretch.since:
            rules_of["same_since"] = plain(self.since)
        return {"rules_of": rules_of, **counts_as_json(self.report, number)}


def count_cohort(
    request: CohortRequest,
    stretches: Sequence[Stretch],
    answers: Sequence[Mapping[str, ChangedAnswers]],
    decisions: Sequence[str],
    one_sided: Sequence[OneSidedStretch] = (),
) -> CountedChange:
    """Count the rows of a request by one decision. Raises a `Refusal` for input that is bad.

    `answers` are those of each stretch. Rows are counted by the rules of each stretch on which an
    answer can change, and of the first one if none can. On the days of `one_sided` they are counted
    by the rules of the pack that gives answers.
    """
    if len(decisions) > 1:
        raise RequestError(
            "usage",
            "rows are counted by one decision at a time, and several are named",
            fix="keep one `--decision`, such as `--decision eligibility`",
        )
    name = decisions[0] if decisions else _counted_decision(stretches[0].formal, answers)
    counted: list[tuple[Stretch, Question]] = []
    for stretch, own in zip(stretches, answers, strict=True):
        if _can_move_rows(stretch.formal, own[name]):
            question = _question(stretch.formal, own[name])
            if counted and counted[-1][0].until == stretch.since:
                last_stretch, last_question = counted[-1]
                if _counts_alike(last_question, question):
                    counted[-1] = replace(last_stretch, until=stretch.until), last_question
                    continue
            counted.append((stretch, question))
    counted = counted or [(stretches[0], _question(stretches[0].formal, answers[0][name]))]
    counted_alone = _counted_alone(one_sided, name)
    report = count_beside(
        [
            *(question for _, question in counted),
            *(question for _, question in counted_alone),
        ],
        request.source,
        request.beside,
        assume=request.assume,
        progress=request.progress,
    )
    days = tuple(stretch for stretch, _ in counted)
    alone = tuple(stretch for stretch, _ in counted_alone)
    return CountedChange(report, days, stretches[0].since, alone)


def _counted_alone(
    one_sided: Iterable[OneSidedStretch], name: str
) -> list[tuple[OneSidedStretch, Question]]:
    """Return each stretch of one side with its question. Those that count alike are one."""
    counted: list[tuple[OneSidedStretch, Question]] = []
    for stretch in one_sided:
        question = _answers_of_one(stretch, name)
        if counted:
            last_stretch, last_question = counted[-1]
            is_next = (last_stretch.side, last_stretch.until) == (stretch.side, stretch.since)
            if is_next and _counts_alike(last_question, question):
                counted.pop()
                # The rules of the day that is nearest to the days of both sides are named.
                is_before = stretch.segments[1].day < stretch.segments[0].day
                nearest = stretch if is_before else last_stretch
                question = question if is_before else last_question
                stretch = replace(nearest, since=last_stretch.since, until=stretch.until)
        counted.append((stretch, question))
    return counted


def _answers_of_one(stretch: OneSidedStretch, name: str) -> Question:
    """Ask for the answers of the only pack that gives any on some days."""
    return Question((CohortSide(stretch.formal[1].program, name),), of_all_rows=True)


def _question(sides: tuple[Side, Side], answer: ChangedAnswers) -> Question:
    before, after = (CohortSide(side.program, answer.name) for side in sides)
    occurring = frozenset((pair.before, pair.after) for pair in answer.pairs)
    return Question((before, after), frozenset(_never(sides, answer)), occurring)


def _counts_alike(last: Question, question: Question) -> bool:
    """Return whether a question repeats the last one: a later day with the same rules and law."""
    return all(
        have_the_same_rules(earlier, later)
        and not reads_clocks(later.program.pack, later.decision)
        and not _changes_law_between(earlier, later)
        for earlier, later in zip(last.sides, question.sides, strict=True)
    )


def _changes_law_between(earlier: CohortSide, later: CohortSide) -> bool:
    """Return whether a section of the offense table begins or ends between two days."""
    days = earlier.program.as_of, later.program.as_of
    offenses = later.program.pack.offenses
    assert days[0] is not None and days[1] is not None, "a change has a day on each side"
    return offenses is not None and any(
        day is not None and days[0] < day <= days[1]
        for rows in offenses.rows.values()
        for row in rows
        for day in (row.since, row.until)
    )


def _can_move_rows(sides: tuple[Side, Side], answer: ChangedAnswers) -> bool:
    """Return whether a row's answer can change: the proof has a case, or doesn't cover the rows."""
    if answer.is_same:
        return _is_changed_inside(sides, answer.name)
    return bool(answer.pairs) or not answer.is_proved or not _covers_rows(sides, answer.name)


def _counted_decision(
    sides: tuple[Side, Side], answers: Sequence[Mapping[str, ChangedAnswers]]
) -> str:
    """Return a decision that changes on some day if one does, else one that both sides have."""
    declared = sides[1].program.pack.decisions
    single = [name for name in answers[0] if not declared[name].collect]
    changed = [name for name in single if any(own[name].pairs for own in answers)]
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
    if not (answer.is_proved or answer.is_same) or not _covers_rows(sides, answer.name):
        return
    before, after = (CohortSide(side.program, answer.name) for side in sides)
    occurring = {(pair.before, pair.after) for pair in answer.pairs}
    for outcomes in product(before.outcomes, after.outcomes):
        if outcomes[0] != outcomes[1] and outcomes not in occurring:
            yield outcomes


def _covers_rows(sides: tuple[Side, Side], name: str) -> bool:
    """Return whether a proof about complete cases covers rows that lack facts."""
    if _is_changed_inside(sides, name):
        return False
    inner = _inner(sides, name)
    return not any(_reads_if_known(side, [name, *inner]) for side in sides)


def _is_changed_inside(sides: tuple[Side, Side], name: str) -> bool:
    """Return whether a decision that this one reads has other rules."""
    return any(_is_changed(sides, inner) for inner in _inner(sides, name))


def _inner(sides: tuple[Side, Side], name: str) -> set[str]:
    before, after = (CohortSide(side.program, name) for side in sides)
    return decisions_read(before, after)


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
