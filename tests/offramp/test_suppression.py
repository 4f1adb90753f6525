"""Small counts stay hidden from an attacker with an exact solver (HiGHS)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offramp.counts import LEAST, WIDTH, Balance, Table, is_protected, suppress, total
from tests.support.count_attack import possible_values

Counts = dict[Hashable, int]


def grid(values: list[list[int]]) -> Table:
    """Return rows that are sums over columns, with both margins and the whole."""
    counts: Counts = {}
    balances = []
    rows, columns = range(len(values)), range(len(values[0]))
    for row in rows:
        for column in columns:
            counts[row, column] = values[row][column]
        counts[row, "all"] = sum(values[row])
        balances.append(total((row, "all"), [(row, column) for column in columns]))
    for column in columns:
        counts["all", column] = sum(values[row][column] for row in rows)
        balances.append(total(("all", column), [(row, column) for row in rows]))
    counts["all", "all"] = sum(map(sum, values))
    balances.append(total(("all", "all"), [(row, "all") for row in rows]))
    balances.append(total(("all", "all"), [("all", column) for column in columns]))
    return Table(counts, tuple(balances))


COUNT = st.one_of(st.integers(0, 12), st.integers(0, 60))
GRIDS = st.integers(2, 4).flatmap(
    lambda width: st.lists(
        st.lists(COUNT, min_size=width, max_size=width), min_size=2, max_size=4
    ).map(grid)
)


def recovered(
    table: Table,
    hidden: Iterable[Hashable],
    more: Iterable[Balance] = (),
    width: int = WIDTH,
) -> list[tuple[Hashable, Any]]:
    """Return the hidden counts that an attacker narrows to fewer than `width` values."""
    secret = set(hidden)
    shown = {
        cell: count
        for cell, count in table.counts.items()
        if cell not in secret and cell not in table.unseen
    }
    ranges = possible_values(
        table.counts, shown, (*table.balances, *more), least=dict.fromkeys(secret, 1)
    )
    return [(cell, ends) for cell, ends in ranges.items() if cell in secret and ends.count < width]


@settings(max_examples=60)
@given(GRIDS)
def test_every_hidden_count_of_a_table_keeps_its_width(table: Table) -> None:
    found = suppress(table)
    small = {cell for cell, count in table.counts.items() if 0 < count < LEAST}
    assert small <= found.hidden
    if found.is_withheld:
        assert found.hidden == set(table.counts)
    else:
        assert all(table.counts[cell] for cell in found.hidden)
        assert recovered(table, found.hidden) == []


@settings(max_examples=40)
@given(GRIDS)
def test_without_small_counts_nothing_is_hidden(table: Table) -> None:
    raised = {cell: count * LEAST for cell, count in table.counts.items()}
    assert suppress(Table(raised, table.balances)).hidden == frozenset()


def test_the_attacker_finds_what_only_small_counts_hide() -> None:
    """The attack can succeed: hiding the small count alone gives it away."""
    table = grid([[30, 4], [40, 50]])
    assert recovered(table, {(0, 1)})
    assert len(suppress(table).hidden) == 4


@settings(max_examples=40)
@given(
    st.lists(st.tuples(COUNT, COUNT), min_size=2, max_size=3),
    st.lists(st.tuples(COUNT, COUNT), min_size=2, max_size=3),
)
def test_two_agencies_that_count_the_same_hide_it_from_a_reader_of_both(
    police: list[tuple[int, int]], split: list[tuple[int, int]]
) -> None:
    """Police count offers as accepted and declined, by group, and case managers what was met."""
    groups = range(min(len(police), len(split)))
    offers, referrals = {}, {}
    first, second = [], []
    for name, counts, balances, whole, parts in (
        ("p", offers, first, "offers", ("same", "declined")),
        ("c", referrals, second, "same", ("met", "not met")),
    ):
        for group in groups:
            accepted = police[group][0]
            met = min(accepted, split[group][0])
            values = {
                "same": accepted,
                "declined": police[group][1],
                "offers": sum(police[group]),
                "met": met,
                "not met": accepted - met,
            }
            for measure in (whole, *parts):
                counts[_key(name, measure, group)] = values[measure]
        for measure in (whole, *parts):
            each = [_key(name, measure, group) for group in groups]
            counts[_key(name, measure, "all")] = sum(counts[cell] for cell in each)
            balances.append(total(_key(name, measure, "all"), each))
        for group in (*groups, "all"):
            balances.append(
                total(_key(name, whole, group), [_key(name, part, group) for part in parts])
            )
    shared = frozenset(_key("", "same", group) for group in (*groups, "all"))
    tables = [
        Table(counts, tuple(balances), shared=(shared,))
        for counts, balances in ((offers, first), (referrals, second))
    ]
    found = [suppress(table) for table in tables]
    if any(each.is_withheld for each in found):
        return
    hidden = found[0].hidden | found[1].hidden
    # A count that either of them shows is shown.
    shown = {
        cell
        for table, each in zip(tables, found, strict=True)
        for cell in set(table.counts) - each.hidden
    }
    both = Table({**offers, **referrals}, (*first, *second))
    assert not hidden & shown
    assert recovered(both, hidden) == []


def _key(agency: str, measure: str, group: object) -> tuple[str, str, object]:
    return ("" if measure == "same" else agency, measure, group)


def test_what_was_printed_before_is_protected_again() -> None:
    """Last quarter's hidden end is the beginning of this one."""
    flow = Balance(("before", "came"), ("end", "left"))
    counts: Counts = {"before": 5, "came": 30, "end": 20, "left": 15}
    table = Table(counts, (flow,), printed={"before": False})
    found = suppress(table)
    assert "before" in found.hidden and len(found.hidden) == 2
    assert recovered(table, found.hidden) == []


def test_a_reader_who_knows_more_may_leave_too_few_values() -> None:
    table = grid([[30, 4], [40, 50]])
    hidden = suppress(table).hidden
    assert is_protected(table, hidden)
    assert not is_protected(table, hidden, least_values={(0, 1): 4, (1, 1): 50})


def test_a_limit_below_the_contract_s_and_sums_that_are_wrong_are_refused() -> None:
    with pytest.raises(ValueError, match="never lowered"):
        suppress(Table({"one": 3}, ()), least=5)
    with pytest.raises(ValueError, match="add up"):
        suppress(Table({"one": 3, "other": 4}, (total("one", ["other"]),)))


def test_a_higher_limit_hides_more() -> None:
    counts: Mapping[Hashable, int] = {"one": 15}
    assert suppress(Table(counts, ())).hidden == frozenset()
    assert suppress(Table(counts, ()), least=20).hidden == {"one"}
