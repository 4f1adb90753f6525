"""Our published cases for expressions over partly unknown facts, and the laws that they are samples of."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.errors import EvaluationError
from rules.expression import evaluate
from rules.unknown import UNKNOWN
from tests.support.tagged import UNDETERMINED, expected_of, result_of

HERE = Path(__file__).parent.parent / "conformance"
PUBLISHED = json.loads((HERE / "three-valued.json").read_text(encoding="utf-8"))
CASES: list[dict[str, Any]] = PUBLISHED["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_published_case(case: dict[str, Any]) -> None:
    assert result_of(case["expr"], case.get("bindings", {})) == expected_of(case)


COMPLETED = [case for case in CASES if "completions" in case]


@pytest.mark.parametrize("case", COMPLETED, ids=lambda case: case["id"])
def test_learning_a_fact_decides_or_leaves_open_but_never_flips(case: dict[str, Any]) -> None:
    before = expected_of(case)
    for completion in case["completions"]:
        after = result_of(case["expr"], completion["bindings"])
        assert after == expected_of(completion)
        assert before in (after, UNDETERMINED)


def test_ids_are_unique_and_begin_with_their_section() -> None:
    ids = [case["id"] for case in CASES]
    assert len(set(ids)) == len(ids) >= 150
    assert all(case["id"].startswith(case["section"] + "/") for case in CASES)


def test_every_case_says_exactly_one_result() -> None:
    for case in CASES:
        for one in (case, *case.get("completions", [])):
            assert len({"value", "unknown", "error"} & one.keys()) == 1, case["id"]


def test_every_section_is_explained() -> None:
    page = (HERE / "README.md").read_text(encoding="utf-8")
    for section in {case["section"] for case in CASES}:
        assert f"| `{section}` |" in page
    assert f"{len(CASES)} cases" in page


# The laws, on generated expressions and facts

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


def numbers(operators: str) -> st.SearchStrategy[str]:
    leaves = [
        "0",
        "1",
        "2",
        "k",
        "x.n",
        "size(xs)",
        "size(xs.filter(x, x.a))",
        "sum(xs.map(x, x.n))",
        "sum(xs.filter(x, x.a || x.b).map(x, x.n))",
    ]
    return st.recursive(
        st.sampled_from(leaves),
        lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from(operators), inner),
        max_leaves=3,
    )


def conditions(operators: str, errors: list[str]) -> st.SearchStrategy[str]:
    number = numbers(operators)
    atoms = st.one_of(
        st.sampled_from(["true", "false", "p", "q", "x.a", "x.b", *errors]),
        st.builds(
            "({} {} {})".format, number, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), number
        ),
        st.builds("({} in [{}, {}])".format, number, number, number),
    )
    walks = st.sampled_from(["exists", "all", "exists_one"])
    return st.recursive(
        atoms,
        lambda inner: st.one_of(
            st.builds("({} {} {})".format, inner, st.sampled_from(["&&", "||"]), inner),
            st.builds("!({})".format, inner),
            st.builds("({} ? {} : {})".format, inner, inner, inner),
            st.builds("xs.{}(x, {})".format, walks, inner),
            st.builds("xs.filter(x, {}).{}(x, {})".format, inner, walks, inner),
            st.builds("(size(xs.filter(x, {})) > 1)".format, inner),
        ),
        max_leaves=6,
    )


TOTAL = conditions("+-*", [])
CONDITIONS = conditions("+-*/", ["1 / 0 == 1", "has(x.a)"])


def outcome(expression: str, facts: dict[str, Any]) -> object:
    try:
        return evaluate(expression, facts)
    except EvaluationError as error:
        return error.code


Lesson = tuple[dict[str, Any], dict[str, Any]]


@st.composite
def lessons(draw: st.DrawFn) -> Lesson:
    """Facts, and the same with some of them not known yet."""
    known: dict[str, Any] = draw(WORLDS)
    less = {name: value for name, value in known.items() if draw(st.booleans())}
    if "xs" in less:
        less["xs"] = [
            None
            if draw(st.integers(0, 5)) == 0
            else {key: item for key, item in record.items() if draw(st.booleans())}
            for record in less["xs"]
        ]
    return less, known


@given(TOTAL, lessons())
def test_what_is_decided_stays_decided_when_more_is_learned(
    expression: str, lesson: Lesson
) -> None:
    less, more = lesson
    before = evaluate(expression, less)
    if before is not UNKNOWN:
        assert evaluate(expression, more) is before


@given(CONDITIONS, lessons())
def test_what_is_decided_becomes_at_most_an_error_where_something_can_fail(
    expression: str, lesson: Lesson
) -> None:
    less, more = lesson
    before = outcome(expression, less)
    if before is True or before is False:
        after = outcome(expression, more)
        assert after is before or isinstance(after, str)


@given(CONDITIONS, CONDITIONS, lessons())
def test_what_filter_keeps_is_a_matter_of_and(keep: str, ask: str, lesson: Lesson) -> None:
    less, _ = lesson
    kept = outcome(f"xs.filter(x, {keep}).exists(x, {ask})", less)
    # CEL's `filter` makes up for no error in its own condition, so the law is about conditions that have none.
    if not isinstance(kept, str) and not isinstance(
        outcome(f"size(xs.map(x, {keep})) >= 0", less), str
    ):
        assert kept is outcome(f"xs.exists(x, ({keep}) && ({ask}))", less)
        every = outcome(f"xs.filter(x, {keep}).all(x, {ask})", less)
        assert every == outcome(f"xs.all(x, !({keep}) || ({ask}))", less)


@given(CONDITIONS, lessons())
def test_not_exists_is_all_not(ask: str, lesson: Lesson) -> None:
    less, _ = lesson
    assert outcome(f"!xs.exists(x, {ask})", less) == outcome(f"xs.all(x, !({ask}))", less)


TRUTHS = st.sampled_from([True, False, None])


@given(TRUTHS, TRUTHS)
def test_de_morgan(p: bool | None, q: bool | None) -> None:
    facts = {"p": p, "q": q}
    assert evaluate("!(p && q)", facts) is evaluate("!p || !q", facts)


@given(
    st.lists(
        st.tuples(st.sampled_from([True, False, None]), st.integers(-5, 5) | st.floats(-5, 5))
    ),
    st.floats(-20, 20),
)
def test_a_comparison_with_a_total_is_decided_only_if_every_total_agrees(
    rows: list[tuple[bool | None, float]], limit: float
) -> None:
    rows = rows[:6]
    facts = {"rows": [{"keep": keep, "n": n} for keep, n in rows], "limit": limit}
    said = evaluate("sum(rows.filter(r, r.keep).map(r, r.n)) > limit", facts)
    worlds = product(*([keep] if keep is not None else [True, False] for keep, _ in rows))
    possible = {
        sum(n for kept, (_, n) in zip(world, rows, strict=True) if kept) > limit for world in worlds
    }
    if said is not UNKNOWN:
        assert possible == {said}
    else:
        assert len(possible) == 2
