"""`rules.evaluate` beyond the conformance files: what goes in and out, Offramp's own functions, refusals and limits."""

from __future__ import annotations

import copy
import pickle
import re
import time
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rules
from rules._cel_fault import Work
from rules._cel_regex import matches
from rules.errors import EvaluationError
from rules.expression import evaluate
from rules.unknown import UNKNOWN, Unknown


def refusal(expression: str, facts: dict[str, Any] | None = None) -> EvaluationError:
    with pytest.raises(EvaluationError) as caught:
        evaluate(expression, facts or {})
    return caught.value


# Unknown


def test_unknown_is_one_and_has_no_truth() -> None:
    assert repr(UNKNOWN) == "UNKNOWN"
    assert Unknown() is UNKNOWN is copy.deepcopy(UNKNOWN) is pickle.loads(pickle.dumps(UNKNOWN))
    with pytest.raises(TypeError, match="is UNKNOWN"):
        bool(UNKNOWN)


def test_the_public_page_and_the_module_both_evaluate() -> None:
    assert rules.evaluate("1 + 1", {}) == 2
    assert rules.evaluate("x", {}) is UNKNOWN


# In and out


@pytest.mark.parametrize(
    ("fact", "result"),
    [
        (1, 1),
        (True, True),
        (1.5, 1.5),
        (Decimal("1.5"), 1.5),
        ("a", "a"),
        (None, UNKNOWN),
        ([1, None], [1, UNKNOWN]),
        ((1, 2), [1, 2]),
        ({"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
        (date(2014, 4, 1), date(2014, 4, 1)),
        (timedelta(days=1), timedelta(days=1)),
        (
            datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC),
            datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC),
        ),
        (
            datetime(1970, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))),
            datetime(1970, 1, 1, tzinfo=UTC),
        ),
    ],
)
def test_facts_come_out_as_they_went_in(fact: Any, result: object) -> None:
    assert evaluate("x", {"x": fact}) == result


@pytest.mark.parametrize(
    ("fact", "code"),
    [
        (b"bytes", "bad-fact"),
        ({1, 2}, "bad-fact"),
        ({1.5: 1}, "bad-fact"),
        (datetime(2014, 4, 1), "bad-fact"),
        (2**63, "overflow"),
        (timedelta.max, "overflow"),
    ],
)
def test_facts_of_other_kinds_are_refused_when_they_are_read(fact: Any, code: str) -> None:
    assert refusal("x == 1", {"x": fact}).code == code
    assert evaluate("true || x == 1", {"x": fact}) is True


def test_a_list_that_holds_itself_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    assert refusal("x", {"x": circle}).code == "too-deep"


def test_the_longest_bound_name_counts() -> None:
    facts = {"a": {"b": {"c": 1}}, "a.b": {"c": 2}}
    assert evaluate("a.b.c", facts) == 2
    assert evaluate("(a.b).c", facts) == 2
    assert evaluate("[{'b': {'c': 3}}].exists(a, a.b.c == 3)", facts) is True
    assert evaluate("[{'b': {'c': 3}}].exists(a, .a.b.c == 2)", facts) is True


# Offramp's own


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("date('2016-02-29') - years(1)", date(2015, 2, 28)),
        ("date('2016-02-29') + years(4)", date(2020, 2, 29)),
        ("date('2014-03-31') + days(1)", date(2014, 4, 1)),
        ("days(1) + date('2014-03-31')", date(2014, 4, 1)),
        ("date('2014-04-01') - date('2014-03-31') == days(1)", True),
        ("date('2014-04-01') < date('2014-04-02')", True),
        ("date(d) >= date('2014-04-01')", True),
        (
            "timestamp('2014-04-01T00:00:00Z') + hours(25) == timestamp('2014-04-02T01:00:00Z')",
            True,
        ),
        ("sum([1, 2.5])", 3.5),
        ("[1, 2].sum()", 3),
        ("sum([])", 0),
    ],
)
def test_days_years_and_totals(expression: str, value: object) -> None:
    assert evaluate(expression, {"d": "2014-06-01"}) == value


# Refusals


@pytest.mark.parametrize(
    ("expression", "code", "message", "column"),
    [
        ("1 / 0", "division-by-zero", "`1 / 0` divides by zero", 1),
        ("true && 'a' < 1", "no-such-overload", "`'a' < 1` compares a text with an int", 9),
        ("1 + 1.0", "no-such-overload", "`1 + 1.0` has no meaning for an int and a double", 1),
        ("[1][3]", "index-out-of-range", "`[1][3]` asks for the element at 3 of 1", 1),
        ("{'a': 1}.b", "no-such-key", "`{'a': 1}.b` looks up `b`, which the map hasn't got", 1),
        ("{'a': 1, 'a': 2}", "bad-key", "the map has the key `'a'` twice", 10),
        ("{1.5: 1}", "bad-key", "`1.5` is a double and can't be a key", 2),
        ("sizes([1])", "no-such-function", "`sizes([1])` calls `sizes`, which there isn't", 1),
        (
            "size(1, 2)",
            "no-such-overload",
            "`size(1, 2)` calls `size` in a way it can't be called",
            1,
        ),
        ("int('1 ')", "bad-conversion", "`int('1 ')` is not of a whole number", 1),
        ("date('2014-4-1')", "bad-conversion", "`date('2014-4-1')` is not of a day", 1),
        (
            "date('2014-04-01') - hours(1)",
            "no-such-overload",
            "`date('2014-04-01') - hours(1)` moves a day by part of a day",
            1,
        ),
        (
            "9223372036854775807 + 1",
            "overflow",
            "`9223372036854775807 + 1` doesn't fit into 64 bits",
            1,
        ),
        ("'a'.all(x, x)", "no-such-overload", "`'a'` is a text, not a list", 1),
        (
            "'a'.matches('(')",
            "bad-pattern",
            "`'a'.matches('(')` has the pattern `(`, which opens a group that is never closed",
            1,
        ),
    ],
)
def test_an_error_names_the_part_its_place_and_the_fix(
    expression: str, code: str, message: str, column: int
) -> None:
    error = refusal(expression)
    assert (error.code, error.message, error.at.column) == (code, message, column)
    assert error.fix


def test_a_misspelled_function_gets_the_nearest_name() -> None:
    assert refusal("siz([1])").fix == "did you mean `size`?"


# Limits


@pytest.mark.parametrize(
    "expression",
    [
        "xs.all(a, xs.all(b, xs.all(c, xs.all(d, true))))",
        "xs.map(a, xs.map(b, text + text))",
        "xs.map(a, xs.map(b, xs + xs)).size()",
        "text.matches('(x?){500}y')",
        "xs.all(a, xs.all(b, xs == xs))",
    ],
)
def test_no_expression_hangs(expression: str) -> None:
    began = time.monotonic()
    assert (
        refusal(expression, {"xs": list(range(300)), "text": "x" * 100_000}).code == "too-much-work"
    )
    assert time.monotonic() - began < 20


def test_a_pattern_that_hangs_others_takes_time_in_proportion_to_the_text() -> None:
    began = time.monotonic()
    assert evaluate("text.matches('(x*)*(x*)*(x+x+)+y')", {"text": "x" * 20_000}) is False
    assert time.monotonic() - began < 20


def test_what_ran_out_is_not_made_up_for() -> None:
    facts = {"xs": list(range(2000))}
    assert refusal("xs.all(a, xs.all(b, true)) || true", facts).code == "too-much-work"
    assert (
        refusal("[xs.all(a, xs.all(b, true))].exists(x, x) || true", facts).code == "too-much-work"
    )


def test_nesting_as_deep_as_may_be_read_can_be_evaluated() -> None:
    quantified = negated = kept = "true"
    for _ in range(70):
        quantified = f"[1].exists(a, {quantified})"
        negated = f"!({negated})"
        kept = f"[1].filter(a, {kept}) == [1]" if len(kept) < 1500 else kept
    assert evaluate(quantified, {}) is True
    assert evaluate(negated, {}) is True
    assert evaluate(kept, {}) is True
    assert evaluate("x" + " && x" * 3_999, {"x": True}) is True


# Patterns

PATTERNS = st.recursive(
    st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", "^", "$", r"\b", "é", ""]),
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("(?:{}|{})".format, inner, inner),
        st.builds(
            "(?:{}){}".format,
            inner,
            st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{0,1}?", "{1,}"]),
        ),
    ),
    max_leaves=6,
)


@given(PATTERNS, st.text("ab1 é\n", max_size=8))
def test_patterns_match_what_python_says_they_match(pattern: str, text: str) -> None:
    # Python's `$` also matches before a last line break; RE2's doesn't.
    assert matches(text, pattern, Work("")) is (
        re.search(pattern.replace("$", r"\Z"), text, re.ASCII) is not None
    )


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("(?i)ab", "xAB", True),
        ("(?s)a.b", "a\nb", True),
        ("(?m)^b$", "a\nb\nc", True),
        (r"\A\x41\z", "A", True),
        (r"[]a-]+$", "a-]", True),
        (r"[\]\d&&~]", "&", True),
        (r"(?P<name>a)", "a", True),
        ("a{,2}", "a{,2}", True),
        ("é", "É", False),
    ],
)
def test_patterns_are_read_as_re2_reads_them(pattern: str, text: str, found: bool) -> None:
    assert matches(text, pattern, Work("")) is found


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        ")",
        "a**",
        "*a",
        "[a",
        "[b-a]",
        r"\1",
        r"\pL",
        "(?=a)",
        "(?<=a)",
        "a{1001}",
        "(a{1000}){1000}",
        "((){1000}){1000}",
        "(((){1000}){1000}){1000}",
        "[[:alpha:]]",
        "a{2,1}",
        "(" * 60 + ")" * 60,
        "a" * 1001,
        "\\",
    ],
)
def test_patterns_that_cannot_be_run_safely_are_refused(pattern: str) -> None:
    assert refusal("'a'.matches(p)", {"p": pattern}).code == "bad-pattern"


@given(st.text(), st.text(max_size=20))
def test_any_pattern_is_run_or_refused(pattern: str, text: str) -> None:
    try:
        evaluate("t.matches(p)", {"t": text, "p": pattern})
    except EvaluationError as error:
        assert error.code == "bad-pattern"


# Times


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("string(timestamp('2014-04-01T12:00:00.120+02:00'))", "2014-04-01T10:00:00.12Z"),
        ("string(timestamp('0001-01-01T00:00:00Z'))", "0001-01-01T00:00:00Z"),
        ("string(timestamp(0))", "1970-01-01T00:00:00Z"),
        ("string(duration('1h30m0.5s'))", "5400.5s"),
        ("string(duration('-1.5h'))", "-5400s"),
        ("string(duration('0'))", "0s"),
        ("int(timestamp('1969-12-31T23:59:59.5Z'))", -1),
        ("timestamp('2014-03-09T09:30:00Z').getHours('America/Denver')", 3),
        ("timestamp('2014-03-09T08:30:00Z').getHours('America/Denver')", 1),
        ("duration('-1500ms').getMilliseconds()", -500),
        ("duration('-90m').getHours()", -1),
    ],
)
def test_times(expression: str, value: object) -> None:
    assert evaluate(expression, {}) == value


@pytest.mark.parametrize(
    "argument",
    [
        "2014-04-01",
        "2014-04-01T00:00:00",
        "2014-02-29T00:00:00Z",
        "2014-04-01T24:00:00Z",
        "2014-04-01T00:00:60Z",
        "2014-04-01T00:00:00.1234567891Z",
        "2014-04-01T00:00:00+25:00",
        "",
        "now",
    ],
)
def test_what_is_no_moment_is_refused(argument: str) -> None:
    assert refusal("timestamp(t)", {"t": argument}).code == "bad-conversion"


@pytest.mark.parametrize(
    "argument", ["", "-", "1", "1d", "1h ", "h", "1h-1m", ".s", "9" * 300 + "h"]
)
def test_what_is_no_length_of_time_is_refused(argument: str) -> None:
    assert refusal("duration(t)", {"t": argument}).code == "bad-conversion"


@pytest.mark.parametrize(
    "zone",
    ["", "Nowhere/Nothing", "../../etc/passwd", "/etc/passwd", "America", "\0", "25:00", "é"],
)
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    assert refusal("timestamp(0).getHours(z)", {"z": zone}).code == "bad-conversion"
