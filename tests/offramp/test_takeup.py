"""Take-up: what may be counted out loud."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offramp.agency.cases.takeup import LEAST, STAGES, quarter_of, suppressed
from offramp.agency.errors import AgencyError

NAMES = ("cases", *STAGES)


@st.composite
def counts(draw: st.DrawFn) -> dict[str, int]:
    total = draw(st.integers(0, 300))
    return {"cases": total} | {name: draw(st.integers(0, total)) for name in STAGES}


@given(counts())
def test_no_small_cell_is_shown_nor_one_that_can_be_worked_out(found: dict[str, int]) -> None:
    shown = {name: count for name, count in suppressed(found).items() if count is not None}
    assert all(count == found[name] and count >= LEAST for name, count in shown.items())
    values = list(shown.values())
    assert all(abs(one - other) >= LEAST for at, one in enumerate(values) for other in values[:at])


@given(counts())
def test_without_the_whole_nothing_is_shown(found: dict[str, int]) -> None:
    if found["cases"] < LEAST:
        assert set(suppressed(found).values()) == {None}


def test_large_cells_far_apart_are_shown() -> None:
    found = dict(zip(NAMES, (200, 180, 160, 140, 120, 100, 80, 40), strict=True))
    assert suppressed(found) == found


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [("2026-Q2", (2026, 4, 1), (2026, 7, 1)), ("2026q4", (2026, 10, 1), (2027, 1, 1))],
)
def test_a_quarter_is_three_months(
    text: str, first: tuple[int, int, int], after: tuple[int, int, int]
) -> None:
    assert quarter_of(text) == (date(*first), date(*after))


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-Q5", "Q2-2026", "1026-Q1", "2026-Q22", "٢٠٢٦-Q1"]
)
def test_what_is_no_quarter_is_refused(text: str) -> None:
    with pytest.raises(AgencyError, match="no quarter"):
        quarter_of(text)
