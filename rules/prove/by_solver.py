"""Prove invariants with Z3, and replay every case that it finds.

A proof covers every case in which all facts are known, with lists of any length where the bound is
complete. What is true of all of these is true of every case with unknown facts too: what isn't
known can only leave a condition open.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import z3

from rules.decide import explain
from rules.decide.program import Program
from rules.decide.same_law import law_changes
from rules.decide.search_space import SearchSpace, spaces_of
from rules.decide.value_classes import reached
from rules.decide.walk import walk
from rules.errors import Refusal
from rules.frozen import frozen
from rules.input.citations import GivenCitation
from rules.input.vocabulary import nested
from rules.language import tree
from rules.packs.pack import Invariant, Pack
from rules.packs.resolve import segments_of
from rules.prove.formulas import CannotEncode, Formulas
from rules.prove.list_bounds import list_bounds
from rules.prove.soundness import refuse_dependence

_MILLIONTH = Decimal("0.000001")


@frozen
class Claim:
    """An invariant on the days from `day` to the next change, and what came of it.

    `result` is `proved`, `refuted` (with `facts` and their `outcome`), `open` (with `why`), or
    `idle`, if no case meets its `when`. `lengths` are the records of each list that were looked at.
    With `is_complete` a longer list would bring nothing new.
    """

    id: str
    day: date
    result: str
    lengths: Mapping[str, int]
    is_complete: bool
    seconds: float
    facts: Mapping[str, Any] | None = None
    outcome: str | list[str] | None = None
    why: str | None = None


def prove_pack(pack: Pack, seconds: float = 60.0) -> Iterator[Claim]:
    """Prove each invariant of a pack on each stretch of days with the same rules.

    `seconds` limits each proof. Raises `PackError` if a decision reads what an invariant excludes.
    """
    refuse_dependence(pack)
    # Most stretches differ in something that an invariant doesn't read.
    known: dict[tuple[Any, ...], Claim] = {}
    for space in spaces_of(segments_of(pack)):
        for invariant in pack.invariants.values():
            if not invariant.in_force(space.segment.day):
                continue
            question = _Question(space, invariant)
            claim = known.get(question.key)
            if claim is None:
                claim = known[question.key] = question.answer(seconds)
            yield replace(claim, day=space.segment.day)


def prove_invariant(space: SearchSpace, invariant: Invariant, seconds: float = 60.0) -> Claim:
    """Prove one invariant on one stretch of days."""
    return _Question(space, invariant).answer(seconds)


class _Question:
    """Whether a case of one stretch of days breaks an invariant."""

    def __init__(self, space: SearchSpace, invariant: Invariant) -> None:
        self.space = space
        self.invariant = invariant
        self.when = invariant.when or tree.Constant(True)
        always = invariant.always if invariant.always is not None else tree.Constant(True)
        self.broken = tree.And((self.when, tree.Not(always)))
        self.conditions = [*reached(space.segment, self.broken)]
        self.bounds = list_bounds(space.segment, self.conditions)

    @property
    def key(self) -> tuple[Any, ...]:
        """Everything that the answer depends on: conditions, their order, and values."""
        segment = self.space.segment
        names = explain.names_of(self.conditions)
        values = [(name, segment.parameters[name]) for name in names.parameters]
        clocks = [segment.clocks.get(name) for name in names.clocks]
        lengths = [segment.parameters[clock.length] for clock in clocks if clock is not None]
        decisions = [
            (
                name,
                segment.decisions[name].otherwise.outcome,
                tuple((outcome, len(rules)) for outcome, rules in segment.decisions[name].ranks),
            )
            for name in names.decisions
        ]
        texts = [tree.text(condition) for condition in self.conditions]
        return self.invariant.id, repr((texts, values, clocks, lengths, decisions))

    def answer(self, seconds: float) -> Claim:
        """Ask the solver. A case that it finds counts once the rules have decided it."""
        started = time.monotonic()
        result, more = self._result(seconds)
        bounds, spent = self.bounds, time.monotonic() - started
        return Claim(
            self.invariant.id,
            self.space.segment.day,
            result,
            bounds.lengths,
            bounds.is_complete,
            spent,
            **more,
        )

    def _result(self, seconds: float) -> tuple[str, dict[str, Any]]:
        if self.invariant.always is None:  # independent of facts that no rule reads
            return "proved", {}
        try:
            formulas = Formulas(self.space, self.conditions, self.bounds.lengths)
            goal = formulas.condition(self.broken)
            when = formulas.condition(self.when)
            program = Program(self.space.segment.pack, self.space.segment.day)
            formulas.agree_with_law(program.law, law_changes(program))
        except CannotEncode as part:
            return "open", {"why": f"there is no formula for {part}"}
        solver = z3.Solver()
        solver.set("timeout", int(seconds * 1000))
        solver.add(formulas.always)
        found = solver.check(goal)
        if found == z3.unknown:
            return "open", {"why": f"it took longer than {seconds:.0f} seconds"}
        if found == z3.unsat:
            if not self.bounds.is_complete:
                return "open", {"why": self.bounds.why}
            return ("idle" if solver.check(when) == z3.unsat else "proved"), {}
        for wanted in (formulas.clear, []):
            if solver.check(goal, *wanted) == z3.sat:
                facts = facts_of(formulas, solver.model())
                outcome = self._outcome_if_broken(facts)
                if outcome is not None:
                    return "refuted", {"facts": facts, "outcome": outcome}
        return "open", {"why": "what the solver found is no case, perhaps for its times"}

    def _outcome_if_broken(self, facts: Mapping[str, Any]) -> str | list[str] | None:
        """Decide the facts by the rules of the day. None if they don't break the invariant."""
        program = Program(self.space.segment.pack, self.space.segment.day)
        try:
            ruling = program.decide(self.invariant.decision, facts)
        except Refusal:
            return None
        return ruling.outcome if walk(self.broken, ruling.world) is True else None


def facts_of(formulas: Formulas, model: z3.ModelRef) -> dict[str, Any]:
    """Return a solution as facts arrive."""
    known: dict[str, Any] = {}
    for path, size in formulas.sizes.items():
        known[path] = [{} for _ in range(model.eval(size, model_completion=True).as_long())]
    for path, unknown in formulas.unknowns.items():
        happened = formulas.happened.get(path)
        if happened is not None and not z3.is_true(model.eval(happened, model_completion=True)):
            continue
        value = _value(formulas, path, model.eval(unknown, model_completion=True))
        start, bracket, rest = path.partition("[")
        if not bracket:
            known[path] = value
        else:
            place, _, name = rest.partition("].")
            if int(place) < len(known[start]):
                known[start][int(place)][name] = value
    return nested(known)


def _value(formulas: Formulas, path: str, value: Any) -> Any:
    """Return an unknown's value in a solution as facts have it."""
    match formulas.facts[path].type:
        case "bool":
            return bool(z3.is_true(value))
        case "choice":
            return formulas.word(value.as_long())
        case "int":
            return value.as_long()
        case "decimal":
            fraction = value.as_fraction()
            number = Decimal(fraction.numerator) / Decimal(fraction.denominator)
            return number.quantize(_MILLIONTH)
        case "date":
            return date.fromordinal(value.as_long()).isoformat()
        case "timestamp":
            fraction = value.as_fraction()
            micros = fraction.numerator * 1_000_000 // fraction.denominator
            return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)).isoformat()
        case "citation":
            given: GivenCitation | None = formulas.citations[path][value.as_long()]
            return given.given if given is not None else None
    return formulas.word(value.as_long()) or "another text"
