"""Find a case that two versions of a decision answer differently, or prove that there is none.

A decision that a rule reads is given, since people may answer it as they find. One set of formulas
and one solver serve all versions of a stretch of days: they share nearly every rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import z3

from rules.decide import explain
from rules.decide.moments import moved
from rules.decide.program import Program
from rules.decide.same_law import law_changes
from rules.decide.scene_day import DAY, MOMENT
from rules.decide.search_space import SearchSpace
from rules.frozen import frozen
from rules.language import tree
from rules.packs.resolve import DecisionInForce, RuleInForce, Segment
from rules.prove.formulas import Formulas
from rules.prove.list_bounds import ListBounds, list_bounds
from rules.prove.simple_first import simple_first
from rules.prove.solutions import facts_of
from rules.prove.solver_terms import assert_all
from rules.prove.solver_unknowns import CannotEncode

_SECONDS = 20.0  # for each question
_DAYS_AFTER = 14  # so that each day of the week is among them


@frozen
class Difference:
    """What came of one version: `equal`, `differs` (with candidates for cases), or `open`."""

    result: str
    why: str | None = None


class Versions:
    """One decision on one stretch of days, and other versions of it on a day of that stretch.

    Each version has its segment of that day, and the first day after on which it may differ.
    """

    def __init__(
        self, space: SearchSpace, decision: str, versions: Sequence[tuple[Segment, date]]
    ) -> None:
        self.space = space
        self.decision = decision
        self._versions = versions
        others = [second_segment for second_segment, _ in versions]
        own = [rule.condition for rule in space.segment.decisions[decision].rules]
        bounds = [
            _bounds(space.segment, second_segment, own, decision) for second_segment in others
        ]
        self._doubts = [bound.why for bound in bounds]
        lengths: dict[str, int] = {}
        for bound in bounds:
            for path, length in bound.lengths.items():
                lengths[path] = max(length, lengths.get(path, 0))
        self.formulas = Formulas(space, own, lengths, outcomes_are_given=True)
        self._solver = z3.Solver()
        self._solver.set("timeout", int(_SECONDS * 1000))
        self._goals: list[z3.BoolRef | str] = []
        self._rules: dict[tuple[Any, ...], z3.BoolRef] = {}
        self._encode()

    def _encode(self) -> None:
        """Make the formulas of all versions, then what is true of every case."""
        segment = self.space.segment
        try:
            answer = self._answer(self.formulas)
            for second_segment, _ in self._versions:
                try:
                    differs = self._differs(
                        answer, self._answer(self.formulas.beside(second_segment))
                    )
                except CannotEncode as part:
                    differs = f"there is no formula for {part}"
                self._goals.append(differs)
        except CannotEncode as part:
            self._goals = [f"there is no formula for {part}"] * len(self._versions)
            return
        self._days = [self._on_the_day(*version) for version in self._versions]
        self._goals = [
            goal if isinstance(goal, str) else z3.And(goal, *self._governed_by(*version))
            for goal, version in zip(self._goals, self._versions, strict=True)
        ]
        program = Program(segment.pack, segment.day)
        self.formulas.agree_with_law(self._days_of_the_law(program))
        assert_all(self._solver, self.formulas.always)

    def _days_of_the_law(self, program: Program) -> list[date]:
        """Return the days on which the law of a case may change: those of the encounter."""
        pack, changes = program.pack, law_changes(program)
        if pack.decisions[self.decision].governed_by != DAY:
            return list(changes)
        begins, bounds = self.space.segment.day, pack.boundaries()
        ends = next((day for day in bounds if day > begins), date.max)
        return [day for day in changes if begins < day < ends]

    def difference(self, index: int) -> Difference:
        """Return whether a version differs in some case."""
        goal = self._goals[index]
        if isinstance(goal, str):
            return Difference("open", goal)
        answer = self._solver.check(goal)
        if answer == z3.sat:
            return Difference("differs")
        if answer == z3.unknown:
            return Difference("open", f"it took longer than {_SECONDS:.0f} seconds")
        doubt = self._doubts[index]
        return Difference("open", doubt) if doubt is not None else Difference("equal")

    def candidates(self, index: int) -> Iterator[dict[str, Any]]:
        """Yield facts that probably show the difference, the clearest first."""
        goal = self._goals[index]
        assert not isinstance(goal, str)
        formulas = self.formulas
        for of_the_day in (*self._days[index], []):
            for wanted in simple_first(formulas):
                if self._solver.check(goal, *of_the_day, *wanted) == z3.sat:
                    yield self._facts(self._solver.model())

    def _facts(self, model: z3.ModelRef) -> dict[str, Any]:
        """Return a solution as facts, with the answers to other decisions that are given."""
        facts = facts_of(self.formulas, model)
        answers = {
            name: self.formulas.word(model.eval(answer, model_completion=True).as_long())
            for name, answer in self.formulas.given.items()
        }
        return facts | ({"decisions": answers} if answers else {})

    # Answers

    def _answer(self, formulas: Formulas) -> dict[str, Any]:
        """Return a decision's answer: the formula of each outcome, or one term."""
        in_force = formulas.segment.decisions[self.decision]
        rules = {
            outcome: z3.Or([self._rule(formulas, rule) for rule in rules])
            for outcome, rules in in_force.ranks
        }
        default = in_force.otherwise.outcome
        if in_force.decision.collect:
            nothing = z3.Not(z3.Or(list(rules.values())))
            rules[default] = z3.Or(rules.get(default, z3.BoolVal(False)), nothing)
            return rules
        return {"": _highest(formulas, in_force, rules)}

    def _differs(self, answer: dict[str, Any], second_answer: dict[str, Any]) -> z3.BoolRef:
        never = z3.BoolVal(False)
        return z3.Or(
            [
                answer.get(outcome, never) != second_answer.get(outcome, never)
                for outcome in sorted({*answer, *second_answer})
            ]
        )

    def _rule(self, formulas: Formulas, rule: RuleInForce) -> z3.BoolRef:
        """Return the formula of a rule's condition, made once for the versions that share it."""
        key = _key(formulas.segment, rule)
        if key not in self._rules:
            self._rules[key] = formulas.condition(rule.condition)
        return self._rules[key]

    # Days

    def _governed_by(self, segment: Segment, until: date) -> list[z3.BoolRef]:
        """Return that the governing day is one on which the version may differ."""
        governing = self._governing_day(segment)
        if governing is None:
            return []
        return [governing >= segment.day.toordinal(), governing < until.toordinal()]

    def _governing_day(self, segment: Segment) -> z3.ArithRef | None:
        """Return the day whose rules apply, if a rule reads it."""
        unknowns = self.formulas.unknowns
        governed_by = segment.pack.decisions[self.decision].governed_by
        if governed_by in unknowns and governed_by != "now":
            return unknowns[governed_by]
        moment = unknowns.get({DAY: MOMENT, "now": "now"}.get(governed_by, ""))
        return self.formulas.local(moment)[0] if moment is not None else None

    def _on_the_day(self, segment: Segment, until: date) -> list[list[z3.BoolRef]]:
        """Return what a case has besides that a segment's day governs, the plainest first.

        The last are cases of the days after it.
        """
        formulas, day = self.formulas, segment.day.toordinal()
        encounter, now, moment = map(formulas.unknowns.get, (DAY, "now", MOMENT))
        last = min(until.toordinal(), day + _DAYS_AFTER) - 1
        wanted = []
        for path, at in ((MOMENT, moment), ("now", now)):
            if at is not None:
                wanted.append(formulas.keeps_zone(path, segment.day))
        if moment is not None and encounter is not None:
            wanted.append(formulas.local(moment)[0] == encounter)
        governing = self._governing_day(segment)
        if segment.pack.decisions[self.decision].governed_by != "now":
            if governing is None:
                return [wanted]
            exact = [governing == day, *self._exact_months(encounter, segment)]
            return [[*wanted, *exact], [*wanted, governing <= last]]
        if governing is not None:
            wanted.append(governing == day)
        if encounter is None:
            return [wanted]
        same = [encounter == day, *self._exact_months(encounter, segment)]
        return [[*wanted, *same], [*wanted, encounter <= day]]

    def _exact_months(self, encounter: Any, segment: Segment) -> Iterator[z3.BoolRef]:
        """Yield where each length in months ends that starts on the day of the encounter."""
        for start, sign, length, end in self.formulas.months:
            if encounter is not None and start.eq(encounter):
                exact: date = moved(segment.day, length, sign)
                yield end == exact.toordinal()


def _highest(formulas: Formulas, in_force: DecisionInForce, rules: dict[str, z3.BoolRef]) -> Any:
    outcome = formulas.value(in_force.otherwise.outcome)
    for ranked, applies in reversed(rules.items()):
        outcome = z3.If(applies, formulas.value(ranked), outcome)
    return outcome


def _bounds(
    segment: Segment, second_segment: Segment, own: list[tree.Tree], decision: str
) -> ListBounds:
    """Return how many records of each list two versions need together."""
    conditions = {_key(segment, rule) for rule in segment.decisions[decision].rules}
    new = [
        rule.condition
        for rule in second_segment.decisions[decision].rules
        if _key(second_segment, rule) not in conditions
    ]
    names = explain.names_of(new).parameters
    if all(segment.parameters.get(name) == second_segment.parameters[name] for name in names):
        return list_bounds(segment, [*own, *new])
    # One text has two meanings, so each side needs its own records.
    first, second = list_bounds(segment, own), list_bounds(second_segment, new)
    lengths = dict(first.lengths)
    for path, length in second.lengths.items():
        lengths[path] = lengths.get(path, 0) + length
    return ListBounds(lengths, first.why or second.why)


def _key(segment: Segment, rule: RuleInForce) -> tuple[Any, ...]:
    """Return all that a rule's condition depends on in a segment, beside the facts."""
    names = explain.names(rule.condition)
    clocks = [segment.clocks.get(name) for name in names.clocks]
    lengths = [segment.parameters[clock.length] for clock in clocks if clock is not None]
    values = [segment.parameters[name] for name in names.parameters]
    return (id(rule.rule), *map(id, rule.unless), *map(id, clocks), repr((values, lengths)))
