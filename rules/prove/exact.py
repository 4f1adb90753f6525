"""The outcomes of a case over every completion of its facts, and the facts that still matter.

Plain logic leaves a case undetermined where each completion has the same outcome for another
reason: 4 g of an unknown kind of drug is over the cap for opioids, or no opioid. Each outcome that
the solver finds possible is decided by the rules before it counts.
"""

from __future__ import annotations

from collections.abc import Iterator

import z3
from z3.z3util import get_vars  # type: ignore[import-untyped]  # it has no stubs

from rules.decide.decision import Decision
from rules.decide.ruling import CaseFacts, Ruling
from rules.errors import Refusal
from rules.frozen import frozen
from rules.input.facts import Facts
from rules.packs.resolve import segments_of
from rules.prove.case_formulas import DAY, CaseFormulas
from rules.prove.simple_first import simple_first
from rules.prove.solver_unknowns import CannotEncode


@frozen
class Exact:
    """The outcomes that some completion has, highest precedence first, and what still matters.

    `needs` are the facts of which a value can still change the outcome. `examples` has the facts of
    a completion for each outcome that the rules confirmed. `why` says why an outcome may be in
    `possible` without one, or why a fact may be in `needs` that doesn't matter.
    """

    possible: tuple[str, ...]
    needs: tuple[str, ...]
    examples: dict[str, Facts]
    why: str | None = None


def find_exact(decision: Decision, seconds: float = 60.0) -> Exact:
    """Return the exact outcomes of a decision. `seconds` limits each question to the solver."""
    if decision.status == "decided":
        return Exact(tuple(decision.possible), (), {})
    if decision.segment is None:
        return _on_every_day(decision, seconds)
    try:
        # Most outcomes have an example with short lists, and formulas for these are short.
        formulas = CaseFormulas(decision, most=1)
        short = _Search(decision, formulas, seconds).result()
        needed_facts = {entry["fact"] for entry in decision.needed}
        is_all = set(short.examples) == set(formulas.grounding.outcomes(decision.decision))
        if not formulas.is_cut or (is_all and needed_facts <= set(short.needs)):
            return short
        return _Search(decision, CaseFormulas(decision), seconds).result()
    except CannotEncode as part:
        return _as_plain_logic(decision, f"there is no formula for {part}")


def _as_plain_logic(decision: Decision, why: str) -> Exact:
    needs = tuple(entry["fact"] for entry in decision.needed)
    return Exact(tuple(decision.possible), needs, {}, why)


def _on_every_day(decision: Decision, seconds: float) -> Exact:
    """Return the outcomes on all days of the program, for a day that isn't known."""
    if decision.as_of_from != DAY:
        return _as_plain_logic(decision, f"`{decision.as_of_from}` isn't known")
    examples: dict[str, Facts] = {}
    possible: set[str] = set()
    needs: set[str] = set()
    why, name = None, decision.decision
    for segment in segments_of(decision.program.pack):
        facts = decision.case.original
        dated = Facts({**facts.known, DAY: segment.day}, facts.attested, facts.doubtful)
        on_the_day = find_exact(Decision(CaseFacts(decision.program, dated), name), seconds)
        possible |= set(on_the_day.possible)
        needs |= set(on_the_day.needs)
        examples |= on_the_day.examples
        why = why or on_the_day.why
    in_order = [
        outcome for outcome in decision.program.outcomes(decision.decision) if outcome in possible
    ]
    needed_facts = tuple(sorted(needs | {DAY})) if len(in_order) > 1 else ()
    return Exact(tuple(in_order), needed_facts, examples, why)


class _Search:
    """The questions about one undetermined decision."""

    def __init__(self, decision: Decision, formulas: CaseFormulas, seconds: float) -> None:
        self.decision = decision
        self.formulas = formulas
        self.solver = z3.Solver()
        self.solver.set("timeout", int(seconds * 1000))
        self.solver.add(formulas.always)
        self.why = formulas.bounds.why

    def result(self) -> Exact:
        examples: dict[str, Facts] = {}
        possible = []
        for outcome, gives_it in self._candidates():
            answer, facts = self._example(outcome, gives_it)
            if answer != z3.unsat or not self.formulas.bounds.is_complete:
                possible.append(outcome)
            if facts is not None:
                examples[outcome] = facts
        declared = self.decision.program.outcomes(self.decision.decision)
        in_order = tuple(sorted(possible, key=declared.index))
        needs = tuple(self._needs()) if len(in_order) > 1 else ()
        return Exact(in_order, needs, examples, self.why)

    def _candidates(self) -> Iterator[tuple[str, z3.BoolRef]]:
        """Yield each outcome that a rule may give, with the formula that it does."""
        formulas, name = self.formulas, self.decision.decision
        ranks, default = formulas.grounding.ranks[name]
        outcomes = formulas.grounding.outcomes(name)
        if not self.decision.rules_in_force.decision.collect:
            for outcome in outcomes:
                yield outcome, formulas.result == formulas.value(outcome)
            return
        applies = {outcome: formulas.applies(outcome) for outcome, _ in ranks}
        for outcome in outcomes:
            gives_it = [applies[outcome]] if outcome in applies else []
            if outcome == default:
                gives_it.append(z3.Not(z3.Or([*applies.values()])))
            yield outcome, z3.Or(gives_it)

    def _example(
        self, outcome: str, gives_it: z3.BoolRef
    ) -> tuple[z3.CheckSatResult, Facts | None]:
        """Look for a completion with an outcome, simple ones first."""
        for wanted in simple_first(self.formulas):
            answer = self.solver.check(gives_it, *wanted)
            if answer == z3.sat:
                facts = self.formulas.completed(self.solver.model())
                if has_outcome(self.decision, facts, outcome):
                    return z3.sat, facts
            if not wanted and answer != z3.sat:
                if answer == z3.unknown:
                    self.why = "the solver took too long"
                return answer, None
        self.why = f"no case was found for `{outcome}`, and none was ruled out"
        return z3.sat, None

    def _needs(self) -> Iterator[str]:
        """Yield each fact that is asked for and can change the outcome."""
        formulas = self.formulas
        needed_facts = [entry["fact"] for entry in self.decision.needed]
        result = z3.Int("the outcome")
        is_result = result == formulas.result
        is_collected = self.decision.rules_in_force.decision.collect
        if is_collected or not formulas.bounds.is_complete:
            yield from needed_facts  # a longer list might show that they matter
            return
        everything = [*formulas.always, is_result]
        free = [(f"decisions.{name}", formulas.outcome(name)) for name in formulas.grounding.free]
        named_terms = [
            *formulas.unknowns.items(),
            *((f"{path}[", size) for path, size in formulas.sizes.items()),
            *formulas.happened.items(),
            *free,
        ]
        variables = get_vars(z3.And(everything))
        for path in needed_facts:
            kept = {
                term.get_id() for path_of_term, term in named_terms if not is_of(path_of_term, path)
            }
            if len(kept) == len(named_terms):
                yield path  # the solver can't say
                continue
            copies = [
                (term, z3.FreshConst(term.sort()))
                for term in variables
                if term.get_id() not in kept
            ]
            again = [z3.substitute(formula, *copies) for formula in everything]
            other_result = z3.substitute(result, *copies)
            if self.solver.check(is_result, *again, result != other_result) != z3.unsat:
                yield path


def is_of(path: str, needed_fact: str) -> bool:
    """Return whether a path is the one asked for, or of a record of that list."""
    return path == needed_fact or path.startswith(f"{needed_fact}[")


def has_outcome(decision: Ruling, facts: Facts, outcome: str) -> bool:
    """Return whether the rules of a ruling give an outcome to other facts."""
    try:
        decided = Decision(CaseFacts(decision.program, facts), decision.decision).outcome
    except Refusal:  # the facts disagree, or no case can have them
        return False
    return outcome in decided if isinstance(decided, list) else decided == outcome
