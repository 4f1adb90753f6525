"""Conditions that `check` refuses, since they could fail or mean less than they state."""

from __future__ import annotations

import pytest

from rules.decide.compile import compile_condition
from rules.errors import PackError
from rules.language import tree
from tests.support.written import checked


def code_of(text: str) -> str | None:
    try:
        checked(text)
    except PackError as refused:
        return refused.code
    return None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('encounter.route == (tiny.yes ? "arest" : "community")', "unknown-choice"),
        (
            '(tiny.yes ? "arrest" : (tiny.yes ? "x" : "community")) != encounter.route',
            "unknown-choice",
        ),
        ('encounter.route == (tiny.yes ? "arrest" : "community")', None),
        ('encounter.date + (days(1) + hours(12)) > date("2014-01-01")', "wrong-unit"),
        ('encounter.date - hours(36) > date("2014-01-01")', "wrong-unit"),
        ('encounter.date + (now - wide.seen_at) > date("2014-01-01")', "wrong-unit"),
        ('encounter.date + (tiny.yes ? days(1) : hours(1)) > date("2014-01-01")', "wrong-unit"),
        ('encounter.date + hours(48) > date("2014-01-01")', None),
        ('encounter.date + (tiny.yes ? days(1) : days(2) - days(3)) > date("2014-01-01")', None),
        ('encounter.date + (encounter.date - date("2014-01-01")) > date("2014-01-01")', None),
        (
            'encounter.date + ((encounter.date - years(1)) - date("2014-01-01"))'
            ' > date("2014-01-01")',
            None,
        ),
        ("now + hours(1) > wide.seen_at", None),
        ('"stp" in [screening]', "unknown-choice"),
        ('"stop" in [screening]', None),
        (
            "wide.rows.map(a, sum(wide.rows.map(b, b.count)))"
            ".exists(c, wide.rows.exists(b, b.count > c))",
            "name-clash",
        ),
        (
            "wide.rows.map(a, sum(wide.rows.map(b, b.count)))"
            ".exists(c, wide.rows.exists(d, d.count > c))",
            None,
        ),
    ],
)
def test_check(text: str, code: str | None) -> None:
    assert code_of(text) == code


@pytest.mark.parametrize(
    "around", ["!({})", "(tiny.yes && (tiny.yes || {}))", "({} ? true : false)", "({} == true)",
               "tiny.rows.filter(r, true).exists(r, {})"],
)  # fmt: skip
def test_whatever_is_not_too_deep_compiles(around: str) -> None:
    text, refused = "tiny.yes", False
    for _ in range(90):
        text = (
            around.replace("{}", text)
            if "exists" not in around
            else f"({text} || !tiny.yes) && tiny.yes"
        )
        try:
            condition = checked(text)
        except PackError as error:
            assert error.code == "too-deep"
            refused = True
            break
        assert (
            compile_condition(condition, {})({"tiny.yes": True}, lambda _: None, lambda _: None)
            is not None
        )
    assert refused


def test_one_text_among_others_is_the_same_as_equal_to_it() -> None:
    assert (
        tree.text(checked("case.relapses in [case.missed_contacts]"))
        == "case.relapses == case.missed_contacts"
    )


def test_a_variable_made_up_for_one_that_is_hidden_takes_no_other_name() -> None:
    text = "wide.rows.filter(d, d.count > 1).exists(c, wide.rows.exists(d, d.count > c.count))"
    assert checked(tree.text(checked(text))) == checked(text)
