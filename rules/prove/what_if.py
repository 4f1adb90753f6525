"""The smallest change of a case's facts that gives another outcome.

Only facts that somebody may still change, learn, or correct are changed. Of such changes, the one
with the fewest facts comes first, and of these the one whose values move least. Each is decided by
the rules before it is an answer, with all that isn't part of it as it is, known or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import z3

from rules.decide.decision import Decision
from rules.decide.ruling import CaseFacts
from rules.errors import Refusal
from rules.frozen import frozen
from rules.input.citations import GivenCitation
from rules.input.facts import Facts
from rules.prove.case_formulas import CaseFormulas, set_value, without
from rules.prove.changeable import changeable_paths, is_named
from rules.prove.grounding import known_value
from rules.prove.solutions import decimal_of
from rules.prove.solver_unknowns import CannotEncode

_MOST_FACTS = 4
_MOST_SETS = 40  # of facts of one number, that are compared
_STEPS = (Decimal("0.001"), Decimal("0.000001"))


@frozen
class Change:
    """A fact with another value. `before` is None if it wasn't known.

    `bound` is how far the value may go with the same outcome: `at_most`, `at_least`, `below`, or
    `above` `limit`. None means that the value is exactly `after`.
    """

    fact: str
    before: Any
    after: Any
    bound: str | None = None
    limit: Any = None


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


def find_what_if(decision: Decision, seconds: float = 10.0) -> tuple[WhatIf, ...]:
    """Return the smallest change for each other outcome that a change can give.

    They are ordered by their size. A decision that collects outcomes has none, and neither has one
    whose day isn't known. `seconds` limits each question to the solver.
    """
    if decision.segment is None or isinstance(decision.outcome, list) or decision.attested:
        return ()
    paths = tuple(changeable_paths(decision))
    reduced = without(decision.case.facts, paths)
    try:
        ruling = Decision(CaseFacts(decision.program, reduced), decision.decision)
        if ruling.status == "decided":
            return ()
        formulas = CaseFormulas(ruling, most=1)
    except (CannotEncode, Refusal):
        return ()
    search = _Search(decision, formulas, seconds)
    answers = [
        answer
        for outcome in formulas.grounding.outcomes(decision.decision)
        if outcome != decision.outcome
        for answer in search.smallest(outcome)
    ]
    return tuple(sorted(answers, key=lambda answer: size_of(answer.changes)))


def size_of(changes: Sequence[Change]) -> tuple[int, Decimal]:
    """Return how large a change is: its facts, and how far their values move together."""
    return len(changes), sum((_moved(change) for change in changes), Decimal(0))


def _moved(change: Change) -> Decimal:
    """Return how far a value moves: a number by its share of the larger one, a word by 1."""
    if not _is_number(change.before) or not _is_number(change.after):
        return Decimal(1)
    before, after = Decimal(change.before), Decimal(change.after)
    largest = max(abs(before), abs(after))
    return abs(after - before) / largest if largest else Decimal(0)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def _short(number: Any) -> Any:
    """Return a number without zeros at its end."""
    if not isinstance(number, Decimal):
        return number
    return int(number) if number == number.to_integral_value() else number.normalize()


class _Search:
    """The search for changes of one case."""

    def __init__(self, decision: Decision, formulas: CaseFormulas, seconds: float) -> None:
        self.decision = decision
        self.formulas = formulas
        self.facts: Facts = decision.case.facts
        self.milliseconds = int(seconds * 1000)
        self.solver = self._solver(z3.Solver())
        terms = dict(formulas.unknowns)
        terms |= {f"decisions.{name}": formulas.outcome(name) for name in formulas.grounding.free}
        self.terms = terms
        self.same = {path: self._same(path) for path in terms if self._before(path) is not None}
        self.rules_now = [reason["rule"] for reason in decision.reasons]

    def _solver(self, solver: Any) -> Any:
        solver.set("timeout", self.milliseconds)
        solver.add(self.formulas.always)
        return solver

    def _before(self, path: str) -> Any:
        if path.startswith("decisions."):
            return self.facts.attested.get(path.removeprefix("decisions."))
        return known_value(self.facts.known, path)

    def _same(self, path: str) -> z3.BoolRef:
        """Return the formula that a known fact stays as it is."""
        before, term = self._before(path), self.terms[path]
        fact = self.formulas.facts.get(path)
        if isinstance(before, GivenCitation):
            return z3.BoolVal(True)
        if fact is not None and fact.type == "choice":
            return self.formulas.among(term, fact.word_tree.finest_of(before))
        return term == self.formulas.value(before)

    def smallest(self, outcome: str) -> list[WhatIf]:
        """Return the smallest change that gives an outcome, none if there is none."""
        gives_it = self.formulas.result == self.formulas.value(outcome)
        answers: list[WhatIf] = []
        for number in range(_MOST_FACTS + 1):
            for changed in self._sets(gives_it, number):
                answer = self._answer(outcome, gives_it, changed)
                if answer is not None:
                    answers.append(answer)
            # With more known facts changed, no answer can have fewer.
            if answers and min(len(answer.changes) for answer in answers) <= number + 1:
                break
        return [min(answers, key=lambda answer: size_of(answer.changes))] if answers else []

    def _sets(self, gives_it: z3.BoolRef, number: int) -> list[frozenset[str]]:
        """Return sets of so many known facts whose change gives the outcome."""
        changes = [z3.Not(same) for same in self.same.values()]
        count = z3.Sum([z3.If(change, 1, 0) for change in changes]) if changes else z3.IntVal(0)
        self.solver.push()
        self.solver.add(gives_it, count == number)
        sets: list[frozenset[str]] = []
        for _ in range(_MOST_SETS):
            if self.solver.check(*self.formulas.clear) != z3.sat and self.solver.check() != z3.sat:
                break
            model = self.solver.model()
            changed = frozenset(
                path for path, same in self.same.items() if not z3.is_true(model.eval(same, True))
            )
            self.solver.add(z3.Not(z3.And([z3.Not(self.same[path]) for path in changed])))
            sets.append(changed)
        self.solver.pop()
        return sets

    def _answer(self, outcome: str, gives_it: z3.BoolRef, changed: frozenset[str]) -> WhatIf | None:
        """Return the smallest change of these facts that the rules confirm."""
        solver = self._solver(z3.Solver())
        solver.add(gives_it, *(same for path, same in self.same.items() if path not in changed))
        bounds: dict[str, tuple[str, Any]] = {}
        for path in sorted(changed):
            if _is_number(self._before(path)):
                bound = self._nearest(solver, path)
                if bound is None:
                    return None
                bounds[path] = bound
            else:
                self._first_word(solver, path)
        for clear in (self.formulas.clear, []):
            if solver.check(*clear) == z3.sat:
                completed = self.formulas.completed(solver.model())
                answer = self._confirmed(outcome, changed, completed)
                if answer is not None:
                    kept, decided = answer
                    changes = [self._change(path, kept, completed, bounds) for path in kept]
                    return self._with_ranges(outcome, changes, decided)
        return None

    def _nearest(self, solver: Any, path: str) -> tuple[str, Any] | None:
        """Move a number as little as possible, and keep it there.

        Returns the side and the limit. A limit that can't be reached is passed by a small step.
        """
        term, before = self.terms[path], self._before(path)
        start = self.formulas.value(before)
        sides = []
        for side, way in (("at_most", term < start), ("at_least", term > start)):
            optimizer = self._solver(z3.Optimize())
            optimizer.add(*solver.assertions(), way)
            away = optimizer.minimize(start - term if side == "at_most" else term - start)
            if optimizer.check() != z3.sat:
                continue
            _, distance, small = optimizer.lower_values(away)
            if not z3.is_rational_value(distance) and not z3.is_int_value(distance):
                continue
            moved = decimal_of(distance) if z3.is_rational_value(distance) else distance.as_long()
            is_open = str(small) != "0"  # a multiple of what is smaller than any number
            limit = _short(before - moved if side == "at_most" else before + moved)
            sides.append((moved, is_open, side, limit))
        for _, is_open, side, limit in sorted(sides, key=lambda side_moved: side_moved[:2]):
            values = [limit]
            if is_open:
                values = [limit - step if side == "at_most" else limit + step for step in _STEPS]
            for value in values:
                if solver.check(term == self.formulas.value(value)) == z3.sat:
                    solver.add(term == self.formulas.value(value))
                    open_side = {"at_most": "below", "at_least": "above"}
                    return (open_side[side] if is_open else side), limit
        return None

    def _first_word(self, solver: Any, path: str) -> None:
        """Keep the first word of a choice that gives the outcome."""
        fact = self.formulas.facts.get(path)
        choices: Sequence[str] = ()
        if fact is not None and fact.type == "choice":
            choices = fact.word_tree.finest
        elif path.startswith("decisions."):
            choices = self.formulas.grounding.free[path.removeprefix("decisions.")]
        for choice in choices:
            if solver.check(self.terms[path] == self.formulas.value(choice)) == z3.sat:
                solver.add(self.terms[path] == self.formulas.value(choice))
                return

    def _confirmed(
        self, outcome: str, changed: frozenset[str], completed: Facts
    ) -> tuple[list[str], Decision] | None:
        """Decide the changed case, and leave out what it needn't learn.

        Returns the facts that are left. None if the outcome isn't given, or needs to learn what may
        not be named.
        """
        # Sections are left out first, since a question about them is the hardest to answer.
        in_order = sorted(self.terms, key=lambda path: path not in self.formulas.citations)
        learned = [
            path
            for path in dict.fromkeys((*in_order, *self.formulas.sizes))
            if self._before(path) is None
            and not any(path.startswith(f"{over}[") for over in self.formulas.sizes)
        ]
        # What may not be named must not be needed.
        kept = [*sorted(changed), *(path for path in learned if is_named(self.decision, path))]
        decided = self._decide(kept, completed)
        if decided is None or decided.outcome != outcome:
            return None
        for path in [path for path in kept if path not in changed]:
            fewer = [kept_path for kept_path in kept if kept_path != path]
            again = self._decide(fewer, completed)
            if again is not None and again.outcome == outcome:
                kept, decided = fewer, again
        return (kept, decided) if kept else None

    def _decide(self, paths: Sequence[str], completed: Facts) -> Decision | None:
        """Decide the case with these facts of the completed one."""
        known_facts, attested = dict(self.facts.known), dict(self.facts.attested)
        for path in paths:
            if path.startswith("decisions."):
                name = path.removeprefix("decisions.")
                attested[name] = completed.attested[name]
                continue
            value = known_value(completed.known, path)
            if value is not None:
                set_value(known_facts, path, value)
        try:
            facts = Facts(known_facts, attested, self.facts.doubtful)
            return Decision(CaseFacts(self.decision.program, facts), self.decision.decision)
        except Refusal:
            return None

    def _change(
        self, path: str, kept: list[str], completed: Facts, bounds: dict[str, tuple[str, Any]]
    ) -> Change:
        if path.startswith("decisions."):
            after: Any = completed.attested[path.removeprefix("decisions.")]
        else:
            after = known_value(completed.known, path)
        bound, limit = bounds.get(path, (None, None))
        return Change(path, self._before(path), after, bound, limit)

    def _with_ranges(self, outcome: str, changes: list[Change], decided: Decision) -> WhatIf:
        """Return the answer. A number's side is stated only if all of it gives the outcome."""
        ruled = [
            change
            if change.bound is None or self._is_whole_side(outcome, change, changes)
            else Change(change.fact, change.before, change.after)
            for change in changes
        ]
        now = [reason for reason in self.decision.reasons if reason["rule"] != "otherwise"]
        reasons_after = [reason for reason in decided.reasons if reason["rule"] != "otherwise"]
        reason = next(iter(now or reasons_after or decided.reasons), None)
        source = reason["source"] if reason is not None else None
        return WhatIf(
            outcome,
            tuple(ruled),
            reason["rule"] if reason is not None else "otherwise",
            source["id"] if source is not None else None,
            decided,
        )

    def _is_whole_side(self, outcome: str, change: Change, changes: list[Change]) -> bool:
        """Return whether each value on a side gives the outcome, other facts being as changed."""
        solver = self._solver(z3.Solver())
        others = {other_change.fact for other_change in changes}
        solver.add(*(same for path, same in self.same.items() if path not in others))
        for other_change in changes:
            is_written = other_change.fact in self.terms and not isinstance(
                other_change.after, GivenCitation
            )
            if other_change.fact != change.fact and is_written:
                solver.add(self.terms[other_change.fact] == self.formulas.value(other_change.after))
        term, limit = self.terms[change.fact], self.formulas.value(change.limit)
        match change.bound:
            case "at_most":
                side = term <= limit
            case "at_least":
                side = term >= limit
            case "below":
                side = term < limit
            case _:
                side = term > limit
        solver.add(side, self.formulas.result != self.formulas.value(outcome))
        return bool(solver.check() == z3.unsat)
