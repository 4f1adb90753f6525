"""Intervals agree with published figures, and cover the true rate as often as they state."""

from __future__ import annotations

import random

import pytest

from offramp.counts import (
    CountRange,
    estimate_difference,
    estimate_rate,
    newcombe,
    wilson,
)


@pytest.mark.parametrize(
    ("count", "rows", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # From the contract's cohorts.
        (34, 19452, 0.001251, 0.002441),
        (38, 42596, 0.000650, 0.001224),
        (29, 29, 1 - 0.1170, 1.0),
    ],
)
def test_wilson_agrees_with_published_figures(
    count: int, rows: int, low: float, high: float
) -> None:
    assert wilson(count, rows) == pytest.approx((low, high), abs=5e-5)
    if rows > 1000:
        assert wilson(count, rows) == pytest.approx((low, high), abs=1e-6)


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17:873-890, table II, method 10.
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((0, 10, 0, 10), -0.2775, 0.2775),
        ((10, 10, 0, 20), 0.6791, 1.0),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ],
)
def test_newcombe_agrees_with_published_figures(
    counts: tuple[int, int, int, int], low: float, high: float
) -> None:
    assert newcombe(*counts) == pytest.approx((low, high), abs=5e-5)


def test_newcombe_agrees_with_the_contract() -> None:
    assert newcombe(1310, 21146, 542, 20615) == pytest.approx((0.031757, 0.039594), abs=1e-6)


def test_a_range_keeps_what_is_not_known_apart_from_chance() -> None:
    estimate = estimate_rate(CountRange(38, 2855, 42596))
    assert estimate is not None
    assert estimate.range == pytest.approx((0.000892, 0.067025), abs=1e-6)
    assert estimate.interval == pytest.approx((0.000650, 0.069439), abs=1e-6)


def test_without_rows_there_is_no_rate() -> None:
    assert estimate_rate(CountRange(0, 0, 0)) is None
    assert estimate_difference(CountRange(1, 2, 3), CountRange(0, 0, 0)) is None


@pytest.mark.parametrize("counts", [(-1, 0, 1), (2, 1, 3), (0, 4, 3)])
def test_a_range_is_between_none_and_all_rows(counts: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="is no range"):
        estimate_rate(CountRange(*counts))


def test_a_difference_of_equal_counts_is_newcombe_s() -> None:
    difference = estimate_difference(CountRange(56, 56, 70), CountRange(48, 48, 80))
    assert difference is not None
    assert difference.interval == newcombe(56, 70, 48, 80)
    assert difference.range == pytest.approx((0.2, 0.2))


def test_intervals_cover_the_true_rate_in_about_95_of_100_files() -> None:
    """Draw files of rows from a known rate, and count how often the interval has it."""
    chance = random.Random(19)
    for rate, rows in ((0.02, 400), (0.1, 60), (0.5, 30), (0.93, 150)):
        files = 1500
        covered = 0
        for _ in range(files):
            count = sum(chance.random() < rate for _ in range(rows))
            low, high = wilson(count, rows)
            covered += low <= rate <= high
        assert 0.93 <= covered / files <= 0.98


def test_intervals_of_a_difference_cover_it_in_about_95_of_100_files() -> None:
    chance = random.Random(20)
    for first, second in (((0.1, 80), (0.25, 60)), ((0.02, 200), (0.02, 90))):
        files = 1500
        covered = 0
        for _ in range(files):
            counts = [
                (sum(chance.random() < rate for _ in range(rows)), rows)
                for rate, rows in (first, second)
            ]
            low, high = newcombe(*counts[0], *counts[1])
            covered += low <= first[0] - second[0] <= high
        assert 0.93 <= covered / files <= 0.99


def test_the_interval_of_a_range_covers_whatever_the_unknown_rows_are() -> None:
    """A third of the rows doesn't say the answer. Every way to fill them in is covered."""
    chance = random.Random(21)
    rows, files = 120, 600
    for rate_of_unknown in (0.0, 0.3, 1.0):
        true_rate = 0.2 * 2 / 3 + rate_of_unknown / 3
        covered = 0
        for _ in range(files):
            unknown = sum(chance.random() < 1 / 3 for _ in range(rows))
            surely = sum(chance.random() < 0.2 for _ in range(rows - unknown))
            estimate = estimate_rate(CountRange(surely, surely + unknown, rows))
            assert estimate is not None
            covered += estimate.interval[0] <= true_rate <= estimate.interval[1]
        assert covered / files >= 0.95
