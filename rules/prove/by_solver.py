"""Prove invariants with Z3, and replay every case that it finds.

A proof covers every case in which all facts are known, with lists of any length where the bound is
complete. What is true of all of these is true of every case with unknown facts too: what isn't
known can only leave a condition open.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import z3

from rules.decide import explain
from rules.decide.decision import Decision
from rules.decide.program import Program
from rules.decide.same_law import law_changes
from rules.decide.search_space import SearchSpace, spaces_of
from rules.decide.value_classes import reached
from rules.decide.walk import walk
from rules.errors import Refusal
from rules.frozen import frozen
from rules.language import tree
from rules.packs.pack import Invariant, Pack
from rules.packs.resolve import segments_of
from rules.prove.formulas import Formulas
from rules.prove.laws import laws_of, stricter_laws_of
from rules.prove.list_bounds import list_bounds
from rules.prove.simple_first import simple_first
from rules.prove.solutions import facts_of
from rules.prove.solver_terms import assert_all
from rules.prove.solver_unknowns import CannotEncode
from rules.prove.soundness import dependences

NEVER_IN_FORCE = "it is in force on no day of the program"


@frozen
class Claim:
    """An invariant on the days from `day` to the next change, and what came of it.

    `result` is `proved`, `refuted`, `open` (with `why`), or `idle`, if no case meets its `when` or
    the days are no day of the program. A refuted claim has `facts`, their `outcome`, and the
    `rules` that give it. One of independence has `why` instead: the rule that reads the fact.
    `lengths` are the records of each list that were looked at. With `is_complete` a longer list
    would bring nothing new. `declared_in` is the pack that declares the invariant, None for a law
    of all packs.
    """

    id: str
    decision: str
    declared_in: str | None
    day: date
    result: str
    lengths: Mapping[str, int]
    is_complete: bool
    seconds: float
    facts: Mapping[str, Any] | None = None
    outcome: str | list[str] | None = None
    rules: tuple[str, ...] = ()
    why: str | None = None


def prove_pack(pack: Pack, seconds: float = 60.0) -> Iterator[Claim]:
    """Prove each invariant of a pack, and the laws of all packs, on each stretch of days.

    On one stretch no rule changes. `seconds` limits each proof.
    """
    yield from _prove(pack, [*pack.invariants.values(), *laws_of(pack)], seconds)


def what_consent_opens(pack: Pack, seconds: float = 60.0) -> Iterator[Claim]:
    """Try the laws on disclosure that no pack has to keep. A refuted one is no fault."""
    yield from _prove(pack, stricter_laws_of(pack), seconds)


def _prove(pack: Pack, invariants: Sequence[Invariant], seconds: float) -> Iterator[Claim]:
    # Most stretches differ in something that an invariant doesn't read.
    claims_by_question: dict[tuple[Any, ...], Claim] = {}
    in_force: set[str] = set()
    for space in spaces_of(segments_of(pack)):
        for invariant in invariants:
            if not invariant.in_force(space.segment.day):
                continue
            in_force.add(invariant.id)
            question = _Question(space, invariant)
            claim = claims_by_question.get(question.key)
            if claim is None:
                claim = claims_by_question[question.key] = question.answer(seconds)
            yield replace(claim, day=space.segment.day)
    for invariant in invariants:
        if invariant.id not in in_force:
            yield _never_in_force(pack, invariant)


def _never_in_force(pack: Pack, invariant: Invariant) -> Claim:
    day = invariant.since or pack.program.since or date.min
    name, declared_in = invariant.decision, invariant.declared_in
    return Claim(invariant.id, name, declared_in, day, "idle", {}, True, 0.0, why=NEVER_IN_FORCE)


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
            self.invariant.decision,
            self.invariant.declared_in or None,
            self.space.segment.day,
            result,
            bounds.lengths,
            bounds.is_complete,
            spent,
            **more,
        )

    def _result(self, seconds: float) -> tuple[str, dict[str, Any]]:
        if self.invariant.always is None:  # independent of facts that no rule reads
            readings = dependences(self.space.segment.pack, self.invariant)
            why = "; ".join(dict.fromkeys(f"{place}: {message}" for message, place in readings))
            return ("refuted", {"why": why}) if why else ("proved", {})
        try:
            formulas = Formulas(self.space, self.conditions, self.bounds.lengths)
            goal = formulas.condition(self.broken)
            when = formulas.condition(self.when)
            program = Program(self.space.segment.pack, self.space.segment.day)
            formulas.agree_with_law(law_changes(program))
        except CannotEncode as part:
            return "open", {"why": f"there is no formula for {part}"}
        solver = z3.Solver()
        solver.set("timeout", int(seconds * 1000))
        assert_all(solver, formulas.always)
        answer = solver.check(goal)
        if answer == z3.unknown:
            return "open", {"why": f"it took longer than {seconds:.0f} seconds"}
        if answer == z3.unsat:
            if not self.bounds.is_complete:
                return "open", {"why": self.bounds.why}
            return ("idle" if solver.check(when) == z3.unsat else "proved"), {}
        for wanted in simple_first(formulas):
            if solver.check(goal, *wanted) == z3.sat:
                facts = facts_of(formulas, solver.model())
                decision = self._decision_if_broken(facts)
                if decision is not None:
                    rules = tuple(dict.fromkeys(reason["rule"] for reason in decision.reasons))
                    counterexample = {"facts": facts, "outcome": decision.outcome, "rules": rules}
                    return "refuted", counterexample
        return "open", {"why": "what the solver found is no case, perhaps for its times"}

    def _decision_if_broken(self, facts: Mapping[str, Any]) -> Decision | None:
        """Decide the facts by the rules of the day. None if they don't break the invariant."""
        program = Program(self.space.segment.pack, self.space.segment.day)
        try:
            decision = program.decide(self.invariant.decision, facts)
        except Refusal:
            return None
        return decision if walk(self.broken, decision.world) is True else None
