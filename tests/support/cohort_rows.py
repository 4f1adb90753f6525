"""Made-up rows of arrests with their map, and how two counts of a file are compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

import rules
from offramp.policy.cohort.answers import Question, Side
from offramp.policy.cohort.reading import Cohort
from rules.input.interval import Interval

MAP = """\
title: arrests
id: id
unit: arrest
unknown: ["", "?"]
groups: {half: {column: age, patterns: [{is: '[0-3].*', to: young}], else: others}}
facts:
  encounter.date: {column: day}
  encounter.route: {value: arrest}
  person.age: {column: age}
  encounter.in_area: {column: Area}
  encounter.charges:
    items:
      - {code: {column: code}, conduct: {column: conduct, else: as-is}, violent: {column: area}}
  encounter.drugs:
    split: {column: drugs, by: "|", parts: ":", names: [kind, grams]}
    item: {kind: {part: kind, else: as-is}, grams: {part: grams}}
"""
COLUMNS = ("id", "day", "age", "Area", "area", "code", "conduct", "drugs", "place")
ROW = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["1", "2", "3", "4", "5", "6", "7", ""]),
        "day": st.sampled_from(["2014-05-01", "2019-01-01", "2014-13-01", ""]),
        "age": st.sampled_from(["17", "18", "40", "forty", "300", "", "?"]),
        "Area": st.sampled_from(["true", "0", "", "maybe"]),
        "area": st.sampled_from(["true", "0", ""]),
        "code": st.sampled_from(["", "NM 30-31-23", "RCW 69.50.4013", "loitering", "18 USC 3182"]),
        "conduct": st.sampled_from(["", "possession", "sale", "no such word"]),
        "drugs": st.sampled_from(
            ["", "opioid:2", "opioid:4|opioid:", ":9", "opioid:x", "stimulant:1|opioid:3", "opioid"]
        ),
        "place": st.sampled_from(["north", 'so"uth', "a, b", "", " north "]),
    }
)


def with_ranges(draw: Any, known: dict[str, Any]) -> dict[str, Any]:
    """Make some numbers ranges, of which an end may be missing."""

    def ranged(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or draw(st.booleans()):
            return value
        more = draw(st.sampled_from([1, Decimal("0.5"), 3]))
        return draw(
            st.sampled_from(
                [Interval(value, value + more), Interval(None, value), Interval(value, None)]
            )
        )

    return {
        path: tuple({name: ranged(item) for name, item in record.items()} for record in value)
        if isinstance(value, tuple)
        else ranged(value)
        for path, value in known.items()
    }


def counted(cohort: Cohort[Any]) -> Counter[Any]:
    counts: Counter[Any] = Counter()
    for case in cohort.cases:
        for groups, number in case.rows.items():
            counts[groups, case.answer] += number
    return counts


def assert_same(cohorts: Sequence[Cohort[Any]]) -> None:
    first, second = cohorts
    assert (first.rows, first.selected, first.left_out) == (
        second.rows,
        second.selected,
        second.left_out,
    )
    assert counted(first) == counted(second)


def change_of(pack: str, before: str, after: str, decision: str = "eligibility") -> Question:
    old, new = (Side(rules.load(pack, day), decision) for day in (before, after))
    return Question((old, new))
