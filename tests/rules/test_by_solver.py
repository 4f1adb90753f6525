"""Invariants proved by a solver: what is proved has no exception, and each refutation is a case."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from rules.decide.program import Program
from rules.decide.search_space import spaces_of
from rules.errors import Refusal
from rules.language import tree
from rules.packs.pack import Citation, Invariant, Pack
from rules.packs.resolve import segments_of
from rules.shelf import read_pack
from tests.support import written
from tests.support.written import Flat

by_solver = pytest.importorskip(
    "rules.prove.by_solver", reason="the solver isn't installed", exc_type=ImportError
)


PACKS = ("santa-fe", "san-francisco", "drug-court")
IDLE = ("san-francisco",)


@pytest.mark.parametrize("pack", PACKS)
def test_every_invariant_of_a_shipped_pack_is_proved(pack: str) -> None:
    """The gate proves all packs. Two guard against a number that no pack has yet."""
    claims = list(by_solver.prove_pack(read_pack(pack, whole=False)))
    assert claims and all(claim.is_complete for claim in claims)
    idle = {claim.id for claim in claims if claim.result == "idle"}
    assert idle == ({"no-place-gives-more-than-30-days"} if pack in IDLE else set())
    assert {claim.result for claim in claims} <= {"proved", "idle"}


# Against cases that are decided


def never(name: str, outcome: str) -> Invariant:
    """The promise that a decision never has an outcome."""
    asked = tree.Compare("==", tree.OutcomeOf(name), tree.Constant(outcome))
    return Invariant(
        id="never",
        decision=name,
        when=None,
        always=tree.Not(asked),
        independent_of=(),
        because="",
        source=Citation("s", None),
    )


@settings(deadline=None)
@given(written.packs(), written.complete(), written.cases())
def test_no_outcome_of_a_case_is_proved_impossible(
    pack: dict[str, Any], complete: Flat, case: Flat
) -> None:
    program = written.program(pack)
    facts = written.nested({**complete, **case})
    for space in spaces_of(segments_of(program.pack)):
        on_the_day = Program(program.pack, space.segment.day)
        for name, in_force in space.segment.decisions.items():
            if in_force.decision.collect:
                continue
            try:
                outcome = on_the_day.decide(name, facts).outcome
            except Refusal:
                continue
            if isinstance(outcome, str):
                claim = by_solver.prove_invariant(space, never(name, outcome), 20)
                assert claim.result in ("refuted", "open"), (name, outcome)


# Wrong packs


WRONG = """
id: wrong
title: Wrong
time_zone: America/Denver
program: {from: 2014-01-01, source: s}
sources: {s: {title: S, address: here, confidence: high}}
parameters:
  cap: {label: cap, unit: g, values: [{value: 3, source: s}]}
  intake_days: {label: days, unit: days, values: [{value: 30, source: s}]}
clocks:
  intake: {label: i, owner: program, start: case.referred_at, stop: case.intake_at,
           length: intake_days, follows: F., source: s}
decisions:
  screening:
    rules:
      - {id: armed, when: 'encounter.weapon', then: stop, because: Armed., source: s}
    otherwise: {outcome: proceed, because: Fine., source: s}
  admission:
    rules:
      - {id: late, when: 'clocks.intake == "overdue" || eligibility == "ineligible"',
         then: eligible_waiting, because: Late., source: s}
    otherwise: {outcome: awaiting, because: Fine., source: s}
  eligibility:
    rules:
      - {id: much, when: 'sum(encounter.drugs.filter(d, d.kind == "opioid").map(d, d.grams)) > cap',
         then: ineligible, because: Much., source: s}
      - {id: many, when: 'size(encounter.charges.filter(c, c.conduct == "theft")) >= 3',
         then: ineligible, because: Many., source: s}
      - {id: sale, when: 'encounter.charges.exists(c, c.conduct == "sale")', then: ineligible,
         because: Sale., source: s}
      - {id: young, when: 'person.age < 17', then: ineligible, because: Young., source: s}
      - {id: stopped, when: 'screening == "stop"', then: ineligible, because: Stop., source: s}
      - {id: section, when: 'encounter.charges.exists(c, c.code == "RCW 69.50.4013")',
         then: ineligible, because: Section., source: s}
    otherwise: {outcome: eligible, because: Fine., source: s}
invariants:
  - {id: promise, decision: DECISION, when: WHEN, always: ALWAYS, because: B., source: s}
"""


@pytest.mark.parametrize(
    ("when", "always"),
    [
        ("person.age < 18", 'eligibility == "ineligible"'),
        ("sum(encounter.drugs.map(d, d.grams)) > 3.5", 'eligibility == "ineligible"'),
        (
            'sum(encounter.drugs.filter(d, d.kind == "opioid").map(d, d.grams)) > 2.999',
            'eligibility == "ineligible"',
        ),
        ("size(encounter.charges) >= 5", 'eligibility == "ineligible"'),
        (
            'encounter.charges.all(c, c.conduct == "theft" || c.conduct == "possession")',
            'eligibility == "eligible"',
        ),
        ('encounter.charges.exists(c, c.conduct == "sale")', 'eligibility == "eligible"'),
        ('encounter.charges.exists(c, c.code == "RCW 69.50.4014")', 'eligibility == "ineligible"'),
        ('clocks.intake == "late"', 'admission == "eligible_waiting"'),
        ('clocks.intake == "running"', 'admission == "eligible_waiting"'),
        ('clocks.intake == "met"', 'admission == "eligible_waiting"'),
        ('screening == "proceed"', 'eligibility == "eligible"'),
        ('weekday(encounter.date) == "sunday"', 'eligibility == "ineligible"'),
        ('encounter.date >= date("2020-02-29")', 'eligibility == "ineligible"'),
        # Four records are needed.
        (
            'encounter.drugs.all(d, d.kind == "opioid" && d.grams <= 1) && person.age >= 17',
            'eligibility == "eligible"',
        ),
        ("true", 'eligibility == "eligible"'),
    ],
)
def test_a_wrong_promise_is_refuted_by_a_case(when: str, always: str) -> None:
    (claim,) = claims_of(when, always)
    assert claim.result == "refuted", claim.why
    name = always.split()[0]
    decided = Program(pack_of(when, always), claim.day).decide(name, claim.facts)
    assert decided.outcome == claim.outcome
    assert always != f'{name} == "{decided.outcome}"'


@pytest.mark.parametrize(
    ("when", "always"),
    [
        ("person.age < 17", 'eligibility == "ineligible"'),
        (
            'sum(encounter.drugs.filter(d, d.kind == "opioid").map(d, d.grams)) > 3',
            'eligibility == "ineligible"',
        ),
        (
            "size(encounter.drugs) == 0 && size(encounter.charges) == 0 && person.age >= 17 "
            '&& screening == "proceed"',
            'eligibility == "eligible"',
        ),
        ('clocks.intake == "overdue"', 'admission == "eligible_waiting"'),
        (
            'encounter.drugs.exists(d, d.kind == "opioid" && d.grams > 3)',
            'eligibility == "ineligible"',
        ),
        (
            "encounter.drugs.all(d, d.grams <= 1.5) && size(encounter.drugs) <= 2 "
            '&& size(encounter.charges) == 0 && person.age >= 17 && screening == "proceed"',
            'eligibility == "eligible"',
        ),
        ('eligibility == "ineligible"', 'admission == "eligible_waiting"'),
        (
            'encounter.charges.all(c, c.conduct == "theft") && size(encounter.charges) >= 3',
            'eligibility == "ineligible"',
        ),
        (
            'encounter.charges.exists(c, c.code == "RCW 69.50.4013(1)")',
            'eligibility == "ineligible"',
        ),
    ],
)
def test_a_promise_that_holds_is_proved(when: str, always: str) -> None:
    (claim,) = claims_of(when, always)
    assert (claim.result, claim.is_complete) == ("proved", True), claim


def pack_of(when: str, always: str) -> Pack:
    """A pack whose only invariant is this one."""
    text = WRONG.replace("DECISION", always.split()[0])
    return written.assembled(text.replace("WHEN", f"'{when}'").replace("ALWAYS", f"'{always}'"))


def claims_of(when: str, always: str) -> list[Any]:
    return list(by_solver.prove_pack(pack_of(when, always)))


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ("size(encounter.drugs) > size(encounter.charges)", "what is no number"),
        (
            "sum(encounter.drugs.map(d, d.grams)) > 3 "
            "&& encounter.drugs.exists(d, d.grams == cap * 2)",
            "compared with what is no number",
        ),
    ],
)
def test_what_longer_lists_may_change_is_open(when: str, why: str) -> None:
    """The search of lists up to a length finds nothing, and that proves nothing."""
    (claim,) = claims_of(f"{when} && person.age < 17", 'eligibility == "ineligible"')
    assert claim.result == "open" and why in claim.why and not claim.is_complete


def test_a_promise_that_no_case_meets_is_idle() -> None:
    (claim,) = claims_of("cap > 5", 'eligibility == "ineligible"')
    assert claim.result == "idle"
