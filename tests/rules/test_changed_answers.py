"""Changed answers: each pair has a case, what is proved never happens, and regions are right."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from itertools import product
from time import monotonic
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.decide.program import Program
from rules.decide.search_space import SearchSpace
from rules.errors import Refusal
from rules.frozen import replace
from rules.packs.pack import Pack
from rules.packs.resolve import resolve
from rules.shelf import read_pack
from tests.conftest import SHARED, shared
from tests.support import written
from tests.support.written import Flat

changed = pytest.importorskip(
    "rules.prove.changed_answers", reason="the solver isn't installed", exc_type=ImportError
)
sides = pytest.importorskip("rules.prove.sides", reason="the solver isn't installed")

EXAMPLES = SHARED / "contract" / "change-examples.jsonl"


def side_of(pack: Pack, day: str) -> Any:
    on = date.fromisoformat(day)
    return sides.Side(Program(pack, on), SearchSpace(resolve(pack, on)))


@cache
def pack_of(name: str) -> Pack:
    return read_pack(name)


@cache
def program_of(name: str) -> Program:
    """Return the program of `PACK@DATE`."""
    pack, day = name.split("@")
    return Program(pack_of(pack), date.fromisoformat(day))


@cache
def answers_of(old: str, new: str, decision: str) -> Any:
    """Compare two packs as `PACK@DATE`."""
    old_side, new_side = (
        side_of(pack_of(name), day) for name, day in (old.split("@"), new.split("@"))
    )
    return changed.changed_answers(old_side, new_side, decision)


def example(example_id: str) -> dict[str, Any]:
    """Return a line of the contract's examples. Skips if the reference material is missing."""
    if not EXAMPLES.exists():
        shared("contract/change-examples.jsonl")
    lines = map(json.loads, EXAMPLES.read_text().splitlines())
    (line,) = (line for line in lines if line["id"] == example_id)
    return dict(line)


def pairs_of(answers: Any) -> set[tuple[str, str]]:
    return {(pair.before, pair.after) for pair in answers.pairs}


def outcome(name: str, decision: str, facts: Mapping[str, Any]) -> str:
    answer = program_of(name).decide(decision, facts)
    return str(answer.outcome) if answer.status == "decided" else answer.status


# The contract


def test_the_same_pack_twice_moves_nobody() -> None:
    line = example("d01-identity")
    answers = answers_of(line["old"], line["new"], line["decision"])
    assert answers.is_same and answers.pairs == ()
    for pack in ("santa-fe", "nyc-violations", "drug-court"):
        program = pack_of(pack)
        side = side_of(program, str(program.program.since))
        assert all(changed.changed_answers(side, side, name).is_same for name in program.decisions)


@pytest.mark.parametrize(
    "example_id", ["d02-pairs-santa-fe", "d04-pairs-seattle-offer", "d06-pairs-nyc-offer"]
)
def test_the_pairs_of_the_contract_are_found_and_every_example_replays(example_id: str) -> None:
    """The packs of Seattle and New York City have more outcomes since. Brute force is below."""
    line = example(example_id)
    answers = answers_of(line["old"], line["new"], line["decision"])
    assert answers.is_proved and answers.bounds.is_complete
    wanted = {tuple(pair) for pair in line["expect"]["pairs"]}
    assert wanted <= pairs_of(answers)
    for never in line["expect"].get("never", ()):
        assert tuple(never) in answers.never
    for pair in answers.pairs:
        for region in pair.regions:
            facts = region.example.facts
            assert outcome(line["old"], line["decision"], facts) == pair.before
            assert outcome(line["new"], line["decision"], facts) == pair.after


@pytest.mark.parametrize("example_id", ["d03-points-santa-fe", "d05-points-seattle-offer"])
def test_a_case_is_in_a_region_exactly_if_its_answer_changes(example_id: str) -> None:
    line = example(example_id)
    answers = answers_of(line["old"], line["new"], line["decision"])
    both = tuple(
        side_of(pack_of(name), day)
        for name, day in (line["old"].split("@"), line["new"].split("@"))
    )
    for case in line["cases"]:
        facts = as_asked_since(example_id, case["facts"])
        before, after = (outcome(line[side], line["decision"], facts) for side in ("old", "new"))
        assert (before, after) == (case["before"], case["after"]), case.get("case")
        decisions = tuple(sides.decided(side, line["decision"], facts) for side in both)
        regions = [
            (pair.before, pair.after)
            for pair in answers.pairs
            for region in pair.regions
            if sides.in_region(region, both, decisions)
        ]
        changes = "undetermined" not in (before, after) and before != after
        assert set(regions) == ({(before, after)} if changes else set()), case.get("case")


# A section of each pack's own law that no rule names.
CHARGED = {
    "d03-points-santa-fe": {"authority": "state", "code": "NMSA 99999-99999-99999"},
    "d05-points-seattle-offer": {"authority": "city", "code": "SMC 99999.99999.99999"},
}


def as_asked_since(example_id: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of an example with what the packs ask since it was written.

    It is the person's age, whose charge it is and under which section, and if pills are a
    prescription.
    """
    encounter = facts["encounter"]
    plain = {**CHARGED[example_id], "violent": False, "level": "misdemeanor"}
    charges = [{**plain, **charge} for charge in encounter["charges"]]
    charged = {"drugs": [], "overdose_help_sought": False, **encounter, "charges": charges}
    if "drugs" in encounter:
        charged["drugs"] = [
            {**drug, "prescription": True} if drug.get("form") == "pills" else drug
            for drug in encounter["drugs"]
        ]
    person = {"age": 29, "enrolled": False, **facts.get("person", {})}
    return {**facts, "person": person, "encounter": charged}


def test_a_section_that_is_homicide_on_one_side_alone_changes_what_its_charge_is() -> None:
    """The law makes the charge violent, and the rules ask for the section too."""
    pack = pack_of("santa-fe")
    listed = pack.parameters["homicide_sections"]
    fewer = replace(listed, values=tuple(replace(v, value=v.value[1:]) for v in listed.values))
    other = replace(pack, parameters={**pack.parameters, "homicide_sections": fewer})
    old, new = side_of(pack, "2020-01-01"), side_of(other, "2020-01-01")
    changes = []
    for name in ("offer", "eligibility"):
        answers = changed.changed_answers(old, new, name)
        changes += [(name, pair) for pair in answers.pairs]
    assert changes
    for name, pair in changes:
        facts = pair.example.facts
        assert [side.program.outcome(name, facts) for side in (old, new)] == [
            pair.before,
            pair.after,
        ]


# Brute force, by the rules alone


CHARGES: dict[str, list[dict[str, Any]]] = {
    "seattle": [
        {"conduct": "possession"},
        {"conduct": "possession", "level": "felony", "violent": True},
        {"conduct": "public_use", "level": "felony"},
        {"conduct": "promoting_prostitution"},
        {"code": "SMC 12A.09.020", "conduct": "possession"},
        {"code": "RCW 69.50.4014"},
    ],
    "nyc-violations": [
        {"code": "NY PL 221.05"},
        {"code": "NY PL 221.10"},
        {"code": "NY PL 222.30"},
        {"code": "NY ABC 99999", "level": "infraction"},
        {"code": "NY AC 99999-99999", "level": "violation"},
    ],
}


def some_cases(pack: str) -> Iterator[dict[str, Any]]:
    """Yield every combination of a few values of what the rules on an offer read."""
    charges = CHARGES[pack]
    lists = [[charge] for charge in charges] + [
        [first, second] for first, second in product(charges, charges) if first is not second
    ]
    for records, age, enrolled, overdose in product(lists, (17, 21), (True, False), (True, False)):
        filled = [{"authority": "state", "violent": False, **charge} for charge in records]
        yield {
            "person": {"age": age, "enrolled": enrolled},
            "encounter": {
                "route": "arrest",
                "charges": filled,
                "drugs": [{"kind": "cannabis", "grams": 1}],
                "overdose_help_sought": overdose,
            },
            "history": {"recorded_diversions": 0},
        }


@pytest.mark.parametrize("example_id", ["d04-pairs-seattle-offer", "d06-pairs-nyc-offer"])
def test_brute_force_finds_no_pair_that_the_solver_lacks(example_id: str) -> None:
    line = example(example_id)
    answers = answers_of(line["old"], line["new"], line["decision"])
    pack = line["old"].split("@")[0]
    old, new = (program_of(line[side]) for side in ("old", "new"))
    met = set()
    for facts in some_cases(pack):
        before, after = (program.decide(line["decision"], facts) for program in (old, new))
        if before.status == after.status == "decided" and before.outcome != after.outcome:
            met.add((before.outcome, after.outcome))
    assert len(met) >= 3
    assert met <= pairs_of(answers)


ATOMS = (
    "tiny.yes",
    'tiny.kind == "a"',
    'tiny.kind in ["a21", "b"]',
    "tiny.score > 0",
    "tiny.score + 1 < 1",
    "tiny.rows.exists(r, r.n > 0 && r.yes)",
    "tiny.rows.all(r, r.yes)",
    "size(tiny.rows.filter(r, r.yes)) >= 2",
)
ROWS = [{"n": n, "yes": yes} for n in (-1, 0, 1) for yes in (True, False)]
SPACE = {
    "tiny.yes": [True, False],
    "tiny.kind": ["a1", "a21", "a22", "b", "c"],
    "tiny.score": [-1, 0, 1],
    "tiny.rows": [list(rows) for length in (0, 1, 2) for rows in product(ROWS, repeat=length)],
}


@st.composite
def two_packs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Make two packs that share some rules on facts with few values."""
    atom = st.sampled_from(ATOMS).flatmap(lambda text: st.sampled_from([text, f"!({text})"]))
    joined = st.tuples(atom, st.sampled_from(["&&", "||"]), atom).map(
        lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
    )
    rules = [
        {
            "id": f"r{number}",
            "when": draw(st.one_of(atom, joined)),
            "then": draw(st.sampled_from(["stop", "attorney_to_decide", "proceed"])),
            "because": "B.",
            "source": "s",
        }
        for number in range(draw(st.integers(2, 4)))
    ]
    split = draw(st.integers(0, len(rules) - 1))
    otherwise = {"outcome": "proceed", "because": "B.", "source": "s"}

    def pack(own: list[dict[str, Any]]) -> dict[str, Any]:
        return {**written.HEAD, "decisions": {"screening": {"rules": own, "otherwise": otherwise}}}

    return pack(rules[:-1]), pack(rules[split:])


@settings(deadline=None, max_examples=8)
@given(two_packs())
def test_every_case_of_a_small_space_agrees_with_pairs_and_proofs(
    packs: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    """No list needs more than two records where the bound says so, and else none is missing."""
    programs = [written.program(pack) for pack in packs]
    old, new = (side_of(program.pack, "2016-03-01") for program in programs)
    answers = changed.changed_answers(old, new, "screening", 20)
    assert answers.is_same or answers.is_proved
    read = [path for path in SPACE if path in repr(packs)]
    met: dict[tuple[Any, Any], list[dict[str, Any]]] = {}
    for values in product(*(SPACE[path] for path in read)):
        facts = written.nested(dict(zip(read, values, strict=True)))
        outcomes = [side.program.outcome("screening", facts) for side in (old, new)]
        met.setdefault((outcomes[0], outcomes[1]), []).append(facts)
    changes = {pair for pair in met if pair[0] != pair[1]}
    assert changes <= pairs_of(answers)
    assert changes.isdisjoint(answers.never)
    if all(length <= 2 for length in answers.bounds.lengths.values()):
        assert changes == pairs_of(answers)
    for pair in answers.pairs:
        for outcomes, cases in met.items():
            for facts in cases[:20]:
                decisions = tuple(sides.decided(side, "screening", facts) for side in (old, new))
                is_in = any(
                    sides.in_region(region, (old, new), decisions) for region in pair.regions
                )
                assert is_in == (outcomes == (pair.before, pair.after)), facts


@settings(deadline=None, max_examples=5)
@given(
    written.packs(),
    written.complete(),
    written.cases(),
    st.sampled_from(["2014-04-01", "2016-02-29", "2018-10-01"]),
)
def test_no_change_of_a_case_is_proved_impossible(
    pack: dict[str, Any], complete: Flat, case: Flat, day: str
) -> None:
    program = written.program(pack)
    old, new = side_of(program.pack, "2014-04-01"), side_of(program.pack, day)
    facts = written.nested({**complete, **case})
    for name, decision in program.pack.decisions.items():
        try:
            before, after = (side.program.decide(name, facts) for side in (old, new))
        except Refusal:
            continue
        if decision.collect or before.status != "decided" or after.status != "decided":
            continue
        answers = changed.changed_answers(old, new, name, 0.5)
        pair = (before.outcome, after.outcome)
        if pair[0] != pair[1]:
            assert not answers.is_same
            assert pair not in answers.never or not answers.is_proved
            assert pair in pairs_of(answers) or not answers.is_proved


def test_what_the_solver_remembers_is_what_it_would_find_anew() -> None:
    """Every question about three conditions of two numbers, asked in two orders and then again."""
    z3 = pytest.importorskip("z3")
    from rules.prove.remembering_solver import RememberingSolver
    from rules.prove.timed_solver import TimedSolver

    timed = TimedSolver(monotonic() + 60)
    age, fine = z3.Ints("age fine")
    conditions = [age > 17, age + fine < 20, z3.Or(fine > 4, age > 30)]
    choices = [(condition, z3.Not(condition)) for condition in conditions]
    questions = [question for number in (1, 2, 3) for question in product(*choices[:number])]
    for order in (questions, [*reversed(questions)]):
        solver = RememberingSolver(timed, [age >= 0, fine >= 0])
        first = solver.solve(age > 17)
        name = solver.named(age + fine < 20)  # it is true of what was found before, too
        assert first.is_true(name) == first.is_true(age + fine < 20)
        for question in [*order, *order, (name, age > 19), (name, z3.Not(age + fine < 20))]:
            anew = timed.new([age >= 0, fine >= 0, name == (age + fine < 20), *question])
            solution = solver.solve(*question)
            assert (solution is not None) == timed.is_possible(anew)
            if solution is not None:
                assert all(map(solution.is_true, question))
            else:
                parts = [part for part in question if part.get_id() in solver.conflict(*question)]
                assert not timed.is_possible(
                    timed.new([age >= 0, fine >= 0, name == (age + fine < 20), *parts])
                )
