"""Cases that are solved together have the answers that each has alone."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from itertools import combinations_with_replacement, islice, product
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

import rules
from offramp.policy.cohort.answers import Answerer, Question, Side
from offramp.policy.cohort.completions import Completions
from offramp.policy.cohort.possible import Possible
from tests.support import written
from tests.support.cohort_rows import change_of

pytest.importorskip("z3", reason="the solver isn't installed", exc_type=ImportError)

KNOWN = {
    "person": {"age": 30},
    "encounter": {"date": "2019-01-01", "route": "arrest", "in_area": True},
    "judgment": {"amenable": True, "exploits_others": False},
    "approval": {"prosecutor": "approved"},
    "decisions": {"screening": "proceed"},
}
DRUGS: list[dict[str, Any]] = [
    {"kind": "opioid", "grams": 2, "form": "weighed"},
    {"kind": "opioid", "grams": 9, "form": "pills"},
    {"kind": "opioid"},
    {"kind": "stimulant", "grams": 4},
    {"grams": 3, "form": "weighed"},
    {"grams": Decimal("6.5")},
    {"grams": 900},
    {},
]
CHARGES: list[dict[str, Any]] = [
    {"conduct": "possession", "violent": False},
    {"conduct": "sale", "violent": False},
    {"code": "NIBRS 13B", "conduct": "other", "violent": True},
    {"code": "NIBRS 23D", "conduct": "theft", "violent": False},
    {"code": "NIBRS 90Z", "conduct": "other"},
    {"code": "NIBRS 35A"},
    {"code": "NMSA 30-31-99"},
    {"conduct": "other", "violent": False, "level": "felony"},
    {"conduct": "other", "violent": False, "level": "misdemeanor"},
    {"code": "CA HSC 11550"},
    {},
]
# An opioid's weight, and those of drugs of an unknown kind. The limit was 3 g and is 6 g: only some
# of the sums are between the two.
WEIGHTS = [
    ("1", "1", "6"),
    ("1", "3", "3.5"),
    ("2.5", "1", "6"),
    ("0.2", "1", "5.5"),
    ("0.2", "1", "8"),
    ("0.2", "1", "9"),
]
QUESTIONS = {
    "santa-fe": change_of("santa-fe", "2014-04-01", "2018-10-01"),
    "california": Question((Side(rules.load("california", "2019-01-01"), "eligibility"),)),
    "drug-court": Question((Side(rules.load("drug-court", "2018-10-01"), "eligibility"),)),
}


def weighed(known: str, *others: str) -> list[dict[str, Any]]:
    alike = {"form": "weighed", "prescription": False}
    weights = [alike | {"grams": Decimal(grams)} for grams in (known, *others)]
    return [weights[0] | {"kind": "opioid"}, *weights[1:]]


def cases_of(name: str) -> Iterator[dict[str, Any]]:
    few: list[Any] = [(), *([drug] for drug in DRUGS), *combinations_with_replacement(DRUGS, 2)]
    few += [weighed(*weights) for weights in WEIGHTS] if name == "santa-fe" else []
    charged = [*combinations_with_replacement(CHARGES, 2), (CHARGES[2],) * 3]
    pairs: list[tuple[Any, Any]] = [(drugs, CHARGES[:1]) for drugs in few]
    pairs += [(DRUGS[:1], charges) for charges in charged]
    for (drugs, charges), age in product(pairs, (30, 61)):
        case: dict[str, Any] = deepcopy(KNOWN)
        case["person"]["age"] = age
        case["encounter"] |= {"drugs": deepcopy([*drugs]), "charges": deepcopy([*charges])}
        if name == "california":
            del case["decisions"], case["judgment"], case["approval"]
        yield case


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_case_has_the_answer_that_it_has_alone(name: str) -> None:
    question = QUESTIONS[name]
    together = Completions()
    answerer = Answerer([question], together)
    solved, left_open = 0, 0
    for case in cases_of(name):
        alone = Completions()
        expected = Answerer([question], alone).answer(deepcopy(case))
        assert answerer.answer(case) == expected, case
        solved += alone.groups
        left_open += len(expected[0].outcomes) > 1
    assert left_open > 10
    assert together.groups * 2 < solved  # so there is something to share


@pytest.mark.parametrize(
    ("name", "drugs", "charges", "groups"),
    [
        # A weight is over every limit, or it isn't.
        ("santa-fe", [[{"grams": over}] for over in (7, 7000, Decimal("7.000001"))], None, 1),
        ("santa-fe", [[{"grams": 5}], [{"grams": 7}]], None, 2),
        # Three conditions ask about each charge. Three of a kind are enough to show any answers.
        ("california", None, [[CHARGES[4]] * 3, [CHARGES[4]] * 5], 1),
        ("california", None, [[CHARGES[2], CHARGES[4]], [CHARGES[4], CHARGES[2]]], 1),
    ],
)
def test_what_no_open_part_reads_makes_no_other_case(
    name: str, drugs: Any, charges: Any, groups: int
) -> None:
    completions = Completions()
    answerer = Answerer([QUESTIONS[name]], completions)
    for own_drugs, own_charges in product(drugs or [DRUGS[:1]], charges or [CHARGES[:1]]):
        case: dict[str, Any] = deepcopy(KNOWN)
        case["encounter"] |= deepcopy({"drugs": own_drugs, "charges": own_charges})
        (possible,) = answerer.answer(case)
    assert possible.is_sharp
    assert completions.groups == groups


@pytest.mark.parametrize(
    ("condition", "first", "second"),
    [
        # A known fact in an open part, a known field in one, and a known list in one.
        ("tiny.score > size(tiny.rows.filter(a, a.yes)) && tiny.yes", {"score": 0}, {"score": 1}),
        ("tiny.rows.exists(a, a.n > tiny.score) && tiny.score == 0", [{"n": 0}], [{"n": 1}]),
        ("size(tiny.rows) > tiny.score && tiny.score == 0", [], [{}]),
        # One record is no witness of two conditions.
        ("tiny.rows.exists(a, a.yes) && tiny.rows.exists(a, !a.yes)", [{}], [{}, {}]),
        # Each record counts, also where its part of the number is certain.
        (
            "size(tiny.rows.filter(a, a.yes)) == 3 && size(tiny.rows.filter(a, !a.yes)) == 1",
            [{}] * 3,
            [{}] * 4,
        ),
        (
            "size(tiny.rows.filter(a, a.yes)) == 2 && size(tiny.rows.filter(a, !a.yes)) == 1",
            [{}, {}],
            [{"yes": True}, {}, {}],
        ),
        # A record is in one of two counts, or perhaps in none.
        (
            "size(tiny.rows.filter(a, a.yes && a.kind == 'a')) == 0"
            " && size(tiny.rows.filter(a, !a.yes && a.kind == 'a')) == 0",
            [{"kind": "a"}],
            [{}],
        ),
    ],
)
def test_cases_with_other_answers_are_told_apart(condition: str, first: Any, second: Any) -> None:
    side = Side(written.program(written.pack_of(condition), "2014-06-01"), "eligibility")
    answers = []
    together = Answerer([Question((side,))], Completions())
    for case in (first, second):
        tiny = {"rows": [{}], **case} if isinstance(case, dict) else {"rows": case}
        (alone,) = Answerer([Question((side,))], Completions()).answer({"tiny": tiny})
        assert together.answer({"tiny": tiny}) == (alone,)
        answers.append(alone.outcomes)
    assert answers[0] != answers[1]


def test_a_charge_without_a_code_is_known_by_what_it_agrees_with() -> None:
    """Cannabis is lawful under some sections, and none of them is a violation."""
    question = Question((Side(rules.load("santa-fe", "2026-07-01"), "offer"),))
    together = Answerer([question], Completions())
    outcomes = []
    for charge in ({"violent": False}, {"violent": False, "level": "violation"}):
        case: dict[str, Any] = deepcopy(KNOWN)
        drugs = [{"kind": "cannabis", "grams": 2}]
        case["encounter"] |= {"date": "2026-07-01", "charges": [charge], "drugs": drugs}
        expected = Answerer([question], Completions()).answer(deepcopy(case))
        assert together.answer(case) == expected
        outcomes.append(expected[0].outcomes)
    assert ("no_offense",) in outcomes[0] - outcomes[1]


SMALL_FACTS = written.complete(written.TINY).flatmap(written.holes_in)
SMALL_SIDES = st.tuples(written.small_packs(), written.small_packs())
VALUES: dict[str, tuple[Any, ...]] = {
    "tiny.yes": (True, False, None),
    "tiny.kind": ("a", "b", None),
    "tiny.score": (-1, 1, None),
}
RECORDS: tuple[dict[str, Any], ...] = (
    {},
    {"yes": True, "n": 1},
    {"yes": False, "kind": "a"},
    {"n": -1, "kind": "b"},
)


def neighbors(flat: written.Flat) -> Iterator[written.Flat]:
    """Yield the facts, and others with another value of one fact or another record."""
    yield flat
    for path, values in VALUES.items():
        for value in values:
            yield {**flat, path: value}
    for records in ([], *([record] for record in RECORDS)):
        yield {**flat, "tiny.rows": [*flat.get("tiny.rows", []), *records]}
    if flat.get("tiny.rows"):
        yield {**flat, "tiny.rows": flat["tiny.rows"] * 2}
        yield {**flat, "tiny.rows": flat["tiny.rows"][1:]}


def answer_of(answerer: Answerer, flat: written.Flat) -> Possible:
    known = {path: value for path, value in flat.items() if value is not None}
    (possible,) = answerer.answer(written.nested(deepcopy(known)))
    return possible


@settings(max_examples=max(6, settings().max_examples // 6))
@given(SMALL_SIDES, SMALL_FACTS)
def test_a_case_of_a_generated_pack_has_the_answer_that_it_has_alone(
    packs: tuple[dict[str, Any], dict[str, Any]], flat: written.Flat
) -> None:
    programs = [written.program(pack, "2014-06-01") for pack in packs]
    question = Question(tuple(Side(program, "eligibility") for program in programs))
    together = Completions()
    answerer = Answerer([question], together)
    solved = 0
    for near in islice(neighbors(flat), 20):
        alone = Completions()
        expected = answer_of(Answerer([question], alone), near)
        assert answer_of(answerer, near) == expected
        solved += alone.groups
    event(f"solved {together.groups} of {solved}")
