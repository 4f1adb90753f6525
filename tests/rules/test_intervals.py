"""Amounts known as a range: both engines agree, and a decided outcome is that of every amount."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.decide.compile import compile_condition
from rules.decide.walk import World, walk
from rules.errors import FactsError
from rules.input.facts import read_facts
from rules.input.interval import Interval, compare
from rules.input.printing import plain
from rules.shelf import load, vocabulary
from tests.support import generated

ENDS = st.one_of(st.none(), st.sampled_from(generated.GRAMS))
OPERATORS = ("==", "!=", "<", "<=", ">", ">=")


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    """A range near the numbers that the conditions name."""
    low, high = draw(ENDS), draw(ENDS)
    if low is not None and high is not None and low >= high:
        low, high = (high, low) if low > high else (None, high)
    return Interval(low, high)


def within(interval: Interval) -> st.SearchStrategy[Decimal]:
    """Return numbers of a range."""
    low = Decimal(-9) if interval.low is None else interval.low
    high = Decimal(99) if interval.high is None else interval.high
    return st.decimals(low, high, places=3)


@given(st.data(), intervals(), st.sampled_from(OPERATORS), st.sampled_from(generated.GRAMS))
def test_a_comparison_is_known_if_every_number_agrees(
    data: st.DataObject, interval: Interval, operator: str, number: Decimal
) -> None:
    known = compare(operator, interval, number)
    if known is not None:
        member = data.draw(within(interval))
        assert compare(operator, member, number) is known
    ordered = {"<": interval < number, "<=": interval <= number}
    ordered |= {">": interval > number, ">=": interval >= number}
    assert operator not in ordered or ordered[operator] is known


@given(st.data(), generated.complete_facts(), intervals(), intervals())
def test_the_compiled_condition_is_what_walking_gives(
    data: st.DataObject, facts: dict[str, Any], grams: Interval, age: Interval
) -> None:
    read = read_facts(facts, vocabulary())
    drugs = [dict(record) for record in read.known["encounter.drugs"]]
    for record in drugs:
        record["grams"] = grams
    known = {**read.known, "encounter.drugs": tuple(drugs), "person.age": age}
    condition = data.draw(generated.conditions())
    world = World(known, generated.PARAMETERS, lambda _: None, lambda _: None)
    compiled = compile_condition(condition, generated.PARAMETERS)
    assert compiled(known, world.outcome, world.status) == walk(condition, world)


@given(st.data(), intervals())
def test_a_decided_outcome_is_that_of_every_amount(data: st.DataObject, grams: Interval) -> None:
    program = load("santa-fe")
    amount = Interval(grams.low or Decimal(0), grams.high)
    if amount.low == amount.high:
        return

    def facts(value: Any) -> dict[str, Any]:
        drugs = [{"kind": "opioid", "grams": value}, {"kind": "stimulant", "grams": 1}]
        return {"encounter": {"date": "2015-06-01", "drugs": drugs}}

    decided = program.decide("eligibility", facts(amount))
    if decided.status == "decided":
        member = data.draw(within(amount))
        assert program.decide("eligibility", facts(member)).outcome == decided.outcome
    assert decided.as_json()["facts_digest"].startswith("sha256:")


@pytest.mark.parametrize(
    "interval",
    [Interval(-1, 4), Interval(5, 4), Interval(Decimal("0.0000001"), 4), Interval(0, 10**13)],
)
def test_a_range_is_in_the_range_of_its_fact(interval: Interval) -> None:
    with pytest.raises(FactsError):
        read_facts({"encounter": {"drugs": [{"grams": interval}]}}, vocabulary())


def test_a_range_of_one_number_is_that_number_and_prints_as_its_ends() -> None:
    facts = {"encounter": {"drugs": [{"grams": Interval(4, 4)}, {"grams": Interval(None, 4)}]}}
    (first, second) = read_facts(facts, vocabulary()).known["encounter.drugs"]
    assert (first["grams"], plain(second["grams"])) == (4, {"from": 0, "to": 4})
