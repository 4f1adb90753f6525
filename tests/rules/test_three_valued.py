"""Our published cases for expressions over partly unknown facts, and the laws behind them.

Both run in the language of packs: checked, then decided by the tree walk and compiled.
"""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.input.vocabulary import Vocabulary
from tests.support.cel_cases import (
    KINDS,
    Answers,
    Refused,
    expected_of,
    make_fact,
    make_vocabulary,
    outcome_of,
    run,
    translate,
)

FOLDER = Path(__file__).parent.parent / "conformance"
PUBLISHED = json.loads((FOLDER / "three-valued.json").read_text(encoding="utf-8"))
CASES: list[dict[str, Any]] = PUBLISHED["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_published_case_agrees_or_is_refused_by_a_listed_kind(case: dict[str, Any]) -> None:
    outcome = outcome_of(case, guess=True)
    if isinstance(outcome, Refused):
        assert outcome.kind in KINDS
    else:
        assert outcome.are(expected_of(case)), outcome


COMPLETED = [
    case
    for case in CASES
    if "completions" in case and isinstance(outcome_of(case, guess=True), Answers)
]


def test_most_cases_with_completions_are_in_the_language() -> None:
    assert len(COMPLETED) == 12


@pytest.mark.parametrize("case", COMPLETED, ids=lambda case: case["id"])
def test_learning_a_fact_decides_or_leaves_open_but_never_flips(case: dict[str, Any]) -> None:
    before = expected_of(case)
    for completion in case["completions"]:
        completed = {**case, **completion}
        if "value" not in completion:
            completed.pop("value", None)
        after = translate(completed, guess=True).answer(completion["bindings"])
        assert isinstance(after, Answers) and after.are(expected_of(completion))
        assert before in (after.walked, None)


def test_ids_are_unique_and_begin_with_their_section() -> None:
    ids = [case["id"] for case in CASES]
    assert len(set(ids)) == len(ids) >= 150
    assert all(case["id"].startswith(case["section"] + "/") for case in CASES)


def test_every_case_has_exactly_one_result() -> None:
    for case in CASES:
        for state in (case, *case.get("completions", [])):
            assert len({"value", "unknown", "error"} & state.keys()) == 1, case["id"]


def test_every_section_is_explained_and_the_results_are_counted() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    for section in {case["section"] for case in CASES}:
        assert f"| `{section}` |" in page
    assert f"{len(CASES)} cases" in page
    refused = sum(isinstance(outcome_of(case, guess=True), Refused) for case in CASES)
    assert f"agrees with {len(CASES) - refused} cases and refuses {refused}" in page


# The laws, on generated conditions and facts

WORDS: Vocabulary = make_vocabulary(
    {
        "p": make_fact("p", "bool"),
        "q": make_fact("q", "bool"),
        "k": make_fact("k", "int"),
        "xs": make_fact(
            "xs",
            "list",
            {
                "a": make_fact("xs.a", "bool"),
                "b": make_fact("xs.b", "bool"),
                "n": make_fact("xs.n", "int"),
            },
        ),
        "limit": make_fact("limit", "decimal"),
        "rows": make_fact(
            "rows",
            "list",
            {"keep": make_fact("rows.keep", "bool"), "n": make_fact("rows.n", "decimal")},
        ),
    }
)
WORLDS = st.fixed_dictionaries(
    {},
    optional={
        "p": st.booleans(),
        "q": st.booleans(),
        "k": st.integers(-2, 2),
        "xs": st.lists(
            st.fixed_dictionaries(
                {"a": st.booleans(), "b": st.booleans(), "n": st.integers(-2, 2)}
            ),
            max_size=4,
        ),
    },
)


def decide(condition: str, facts: dict[str, Any]) -> bool | None:
    """The answer of the tree walk, and of the compiled condition, which must be the same."""
    answer = run(condition, WORDS, facts)
    assert isinstance(answer, Answers), answer
    assert answer.compiled is answer.walked
    return answer.walked


@st.composite
def conditions(draw: st.DrawFn, variables: tuple[str, ...] = (), depth: int = 3) -> str:
    """A condition over `WORDS` that may also read the records of these variables."""

    def number(size: int = 1) -> str:
        leaves = ["0", "1", "2", "k", "size(xs)", *(f"{variable}.n" for variable in variables)]
        fresh = f"v{len(variables)}"
        leaves += [
            f"size(xs.filter({fresh}, {fresh}.a))",
            f"sum(xs.map({fresh}, {fresh}.n))",
            f"sum(xs.filter({fresh}, {fresh}.a || {fresh}.b).map({fresh}, {fresh}.n))",
        ]
        if size and draw(st.booleans()):
            operator = draw(st.sampled_from("+-*"))
            factor = draw(st.sampled_from("012")) if operator == "*" else number(size - 1)
            return f"({number(size - 1)} {operator} {factor})"
        return draw(st.sampled_from(leaves))

    def atom() -> str:
        leaves = ["true", "false", "p", "q"]
        leaves += [f"{variable}.{field}" for variable in variables for field in "ab"]
        match draw(st.integers(0, 3)):
            case 0:
                operator = draw(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]))
                return f"({number()} {operator} {number()})"
            case 1:
                return f"({number()} in [{number()}, {number()}])"
        return draw(st.sampled_from(leaves))

    def inner(*added: str) -> str:
        return draw(conditions((*variables, *added), depth - 1))

    if depth == 0:
        return atom()
    fresh = f"v{len(variables)}"
    walk = draw(st.sampled_from(["exists", "all"]))
    match draw(st.integers(0, 6)):
        case 0:
            return f"({inner()} {draw(st.sampled_from(['&&', '||']))} {inner()})"
        case 1:
            return f"!({inner()})"
        case 2:
            return f"({inner()} ? {inner()} : {inner()})"
        case 3:
            return f"xs.{walk}({fresh}, {inner(fresh)})"
        case 4:
            return f"xs.filter({fresh}, {inner(fresh)}).{walk}({fresh}, {inner(fresh)})"
        case 5:
            return f"(size(xs.filter({fresh}, {inner(fresh)})) > 1)"
    return atom()


Lesson = tuple[dict[str, Any], dict[str, Any]]


@st.composite
def lessons(draw: st.DrawFn) -> Lesson:
    """Facts, and the same with some of them not known yet."""
    known: dict[str, Any] = draw(WORLDS)
    less = {name: value for name, value in known.items() if draw(st.booleans())}
    if "xs" in less:
        less["xs"] = [
            {}
            if draw(st.integers(0, 5)) == 0
            else {key: item for key, item in record.items() if draw(st.booleans())}
            for record in less["xs"]
        ]
    return less, known


@given(conditions(), lessons())
def test_what_is_decided_stays_decided_when_more_is_learned(condition: str, lesson: Lesson) -> None:
    less, more = lesson
    before = decide(condition, less)
    if before is not None:
        assert decide(condition, more) is before


ASKS = conditions(("v0",), depth=2)


@given(ASKS, ASKS, lessons())
def test_what_filter_keeps_is_a_matter_of_and(keep: str, ask: str, lesson: Lesson) -> None:
    less, _ = lesson
    some = decide(f"xs.filter(v0, {keep}).exists(v0, {ask})", less)
    assert some is decide(f"xs.exists(v0, ({keep}) && ({ask}))", less)
    every = decide(f"xs.filter(v0, {keep}).all(v0, {ask})", less)
    assert every is decide(f"xs.all(v0, !({keep}) || ({ask}))", less)


@given(ASKS, lessons())
def test_not_exists_is_all_not(ask: str, lesson: Lesson) -> None:
    less, _ = lesson
    assert decide(f"!xs.exists(v0, {ask})", less) is decide(f"xs.all(v0, !({ask}))", less)


TRUTHS = st.sampled_from([True, False, None])


@given(TRUTHS, TRUTHS)
def test_de_morgan(p: bool | None, q: bool | None) -> None:
    facts = {"p": p, "q": q}
    assert decide("!(p && q)", facts) is decide("!p || !q", facts)


AMOUNTS = st.integers(-5, 5) | st.integers(-500, 500).map(lambda hundredths: hundredths / 100)


@given(
    st.lists(st.tuples(st.sampled_from([True, False, None]), AMOUNTS), max_size=6),
    st.integers(-2000, 2000).map(lambda hundredths: hundredths / 100),
)
def test_a_comparison_with_a_total_is_decided_exactly_if_every_total_agrees(
    rows: list[tuple[bool | None, float]], limit: float
) -> None:
    facts = {"rows": [{"keep": keep, "n": amount} for keep, amount in rows], "limit": limit}
    decided = decide("sum(rows.filter(r, r.keep).map(r, r.n)) > limit", facts)
    worlds = product(*([keep] if keep is not None else [True, False] for keep, _ in rows))
    possible = {
        sum(round(amount * 100) for kept, (_, amount) in zip(world, rows, strict=True) if kept)
        > round(limit * 100)
        for world in worlds
    }
    assert decided is (possible.pop() if len(possible) == 1 else None)


@pytest.mark.parametrize(
    "condition",
    [
        'date("2016-02-29") - years(1) == date("2015-02-28")',
        'date("2016-02-29") + years(4) == date("2020-02-29")',
        'date("2014-03-31") + days(1) == date("2014-04-01")',
        'days(1) + date("2014-03-31") == date("2014-04-01")',
        'date("2014-04-01") - date("2014-03-31") == days(1)',
        'date("2014-04-01") < date("2014-04-02")',
        "hours(48) == days(2)",
        "days(1) - hours(1) < days(1)",
        "sum([1, 2.5].map(x, x)) == 3.5",
        "sum([1, 2].filter(x, x > 5)) == 0",
        "0.1 + 0.2 == 0.3",
    ],
)
def test_days_years_and_totals(condition: str) -> None:
    outcome = outcome_of({"expr": condition, "value": {"bool": True}})
    assert isinstance(outcome, Answers) and outcome.are(True)
