"""No hidden count of a cohort's tables can be worked out, and what is shown adds up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from itertools import chain, combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rules
from offramp.counts import LEAST, WIDTH, Balance
from offramp.policy.cohort.answers import NOT_RUNNING, Question, Side
from offramp.policy.cohort.possible import NO_TIME, NOT_FOUND, OPEN, Decider, Possible
from offramp.policy.cohort.reading import Case, Cohort
from offramp.policy.cohort.report_text import not_sharp_text
from offramp.policy.cohort.table import (
    ALL,
    GroupCounts,
    ShownRange,
    Tables,
    make_tables,
)
from tests.support.count_attack import possible_values

OUTCOMES = ("eligible", "ineligible")
SIDE = Side(rules.load("santa-fe", "2014-06-01"), "eligibility")
ALONE, CHANGE = Question((SIDE,)), Question((SIDE, SIDE))
# What rows have in common: the answers that they can have, and what decides on each side.
Kind = tuple[frozenset[tuple[str, ...]], tuple[Decider, ...]]
Rows = dict[tuple[str, ...], Counter[Kind]]


def subsets(sides: int) -> list[frozenset[tuple[str, ...]]]:
    """Return every set of answers that a row may have."""
    answers = list(product(OUTCOMES, repeat=sides))
    sizes = range(1, len(answers) + 1)
    every = chain.from_iterable(combinations(answers, size) for size in sizes)
    return list(map(frozenset, every))


CLASSES: dict[int, list[Kind]] = {
    sides: [(item, ()) for item in subsets(sides)] for sides in (1, 2)
}
APART: Kind = (frozenset([(NOT_RUNNING,)]), ())
OVER, OTHERS = Decider("rule", "over-the-cap"), Decider("several")
DECIDED: list[Kind] = [
    (frozenset([(before, after)]), (first, second))
    for before, first in (("ineligible", OVER), ("ineligible", OTHERS), ("eligible", OPEN))
    for after, second in (("ineligible", OVER), ("eligible", OPEN))
]


def cohort_of(rows: Rows) -> Cohort[tuple[Possible, ...]]:
    cases = []
    for groups, counts in rows.items():
        for (outcomes, deciders), count in counts.items():
            case = Case((Possible(outcomes, deciders=deciders),))
            case.rows[groups] = count
            cases.append(case)
    counted = sum(sum(counts.values()) for counts in rows.values())
    return Cohort(counted, counted, (), tuple(cases))


def tables_of(rows: Rows, question: Question, by: tuple[str, ...], least: int = LEAST) -> Tables:
    return make_tables(cohort_of(rows), [question], by, least=least)


def one_way(counts: dict[str, int], rest: int = 0) -> Rows:
    """Return rows of groups that are surely eligible, and as many others in each."""
    return {
        (group,): Counter(
            {(frozenset([("eligible",)]), ()): count, (frozenset([("ineligible",)]), ()): rest}
        )
        for group, count in counts.items()
    }


def eligible(tables: Tables) -> dict[str, int | None]:
    return {group.group: group.sides[0].surely["eligible"] for group in tables.tables[0].groups}


def test_three_small_counts_hide_each_other() -> None:
    shown = eligible(tables_of(one_way({"A": 20, "B": 7, "C": 4, "D": 3}, 500), ALONE, ("race",)))
    assert shown == {ALL: 34, "A": 20, "B": None, "C": None, "D": None}


def test_one_small_count_hides_a_large_one_with_the_same_mark() -> None:
    shown = eligible(tables_of(one_way({"M": 31, "F": 3}, 500), ALONE, ("sex",)))
    assert shown == {ALL: 34, "M": None, "F": None}


def test_no_count_is_shown_again_by_a_rate_an_interval_or_the_rest_of_the_rows() -> None:
    (table,) = tables_of(one_way({"M": 31, "F": 3}, 500), ALONE, ("sex",)).tables
    for group in table.groups[1:]:
        (answers,) = group.sides
        assert group.rows is not None
        for shown in answers.ranges.values():
            assert (shown.surely, shown.at_most) == (None, None)
            assert shown.rate == shown.interval == (None, None)
    assert all(item.range == item.interval == (None, None) for item in table.differences)


def test_a_zero_is_shown() -> None:
    shown = eligible(tables_of(one_way({"A": 20, "B": 0, "C": 40}, 500), ALONE, ("race",)))
    assert shown == {ALL: 60, "A": 20, "B": 0, "C": 40}


def test_the_least_count_may_be_raised_and_never_lowered() -> None:
    rows = one_way({"A": 20, "B": 20, "C": 400}, 500)
    assert eligible(tables_of(rows, ALONE, ("race",), 21)) == {
        ALL: 440,
        "A": None,
        "B": None,
        "C": 400,
    }
    with pytest.raises(ValueError, match="never lowered"):
        tables_of(rows, ALONE, ("race",), 10)


@pytest.mark.parametrize("few", [1, 9, 10])
def test_a_change_of_a_number_tells_no_small_one(few: int) -> None:
    """39 before and 48 after would tell that 9 moved."""
    move = frozenset([("ineligible", "ineligible")])
    rows: Rows = {
        (): Counter(
            {
                (move, (OTHERS, OVER)): few,
                (move, (OTHERS, OTHERS)): 46,
                (move, (OVER, OVER)): 600,
                (move, (OPEN, OPEN)): 90,
            }
        )
    }
    (table,) = tables_of(rows, CHANGE, ()).tables
    before, after = ({item.decider: item.rows for item in side} for side in table.deciders)
    for decider in (OVER, OTHERS):
        assert None in (before[decider], after[decider])
    assert before[OPEN] == after[OPEN] == 90


def test_rows_that_move_in_numbers_are_shown() -> None:
    move = frozenset([("ineligible", "ineligible")])
    rows: Rows = {(): Counter({(move, (OTHERS, OVER)): 40, (move, (OTHERS, OTHERS)): 46})}
    (table,) = tables_of(rows, CHANGE, ()).tables
    before, after = ({item.decider: item.rows for item in side} for side in table.deciders)
    assert (before, after) == ({OTHERS: 86}, {OVER: 40, OTHERS: 46})


def test_rows_that_are_not_sharp_are_counted_by_their_cause() -> None:
    both = frozenset([("eligible",), ("ineligible",)])
    causes = {NO_TIME: 40, NOT_FOUND: 3, "": 100}
    cases = []
    for why, rows in causes.items():
        case = Case((Possible(both, why),))
        case.rows[()] = rows
        cases.append(case)
    (table,) = make_tables(Cohort(143, 143, (), tuple(cases)), [ALONE], ()).tables
    # The three are hidden, and another number with them.
    assert dict(table.not_sharp)[NOT_FOUND] is None
    assert table.groups[0].sides[0].either is None or dict(table.not_sharp)[NO_TIME] in (40, None)
    text = not_sharp_text("arrests", [(NO_TIME, 40), (NOT_FOUND, None)])
    assert text == (
        "not sharp: the ranges may be wider than they need to be, for 40 arrests (the time to "
        "solve them ran out) and a hidden number of arrests (a possible answer was neither found "
        "nor ruled out)."
    )


COUNT = st.one_of(st.just(0), st.integers(0, 12), st.integers(0, 80))


def rows_of(
    sides: int, by: int, kinds: Sequence[Kind] = (), always: Sequence[Kind] = ()
) -> st.SearchStrategy[Rows]:
    groups = st.tuples(*(st.sampled_from("abc") for _ in range(by)))
    # Few sets of answers occur in one file.
    classes = st.lists(
        st.sampled_from(kinds or CLASSES[sides]), min_size=2, max_size=4, unique=True
    ).map(lambda some: [*some, *always])
    return classes.flatmap(
        lambda occurring: st.dictionaries(
            groups,
            st.fixed_dictionaries(dict.fromkeys(occurring, COUNT)).map(
                lambda counts: Counter({key: value for key, value in counts.items() if value})
            ),
            min_size=2,
            max_size=5,
        )
    ).filter(lambda rows: any(any(counts.values()) for counts in rows.values()))


def published(
    tables: Tables, classes: Sequence[Kind], total: int
) -> Iterator[tuple[Hashable, int | None, list[Hashable]]]:
    """Yield each count that the table prints, with the classes of rows that it adds up."""
    (table,) = tables.tables
    all_rows = ("", ALL)
    yield "total", total if tables.is_total_shown else None, [(all_rows, item) for item in classes]
    if APART in classes and table.not_running != 0:
        yield "apart", table.not_running, [(all_rows, APART)]
    for side, items in enumerate(table.deciders):
        for member in items:
            same: list[Hashable] = [
                (all_rows, item) for item in classes if item[1][side] == member.decider
            ]
            yield (side, member.decider), member.rows, same
    running = [item for item in classes if item != APART]
    for group in table.groups:
        at = (group.by, group.group)
        every: list[Hashable] = [(at, item) for item in running]
        yield (at, "rows"), group.rows, every
        for name, shown, test in ranges(group):
            surely: list[Hashable] = [(at, item) for item in running if all(map(test, item[0]))]
            at_most: list[Hashable] = [(at, item) for item in running if any(map(test, item[0]))]
            yield (at, name, "surely"), shown.surely, surely
            yield (at, name, "at most"), shown.at_most, at_most
        for number, answers in enumerate(group.sides):
            both: list[Hashable] = [
                (at, item) for item in running if len({row[number] for row in item[0]}) > 1
            ]
            yield (at, number, "either"), answers.either, both


def total_of(rows: Rows) -> int:
    return sum(sum(counts.values()) for counts in rows.values())


def ranges(group: GroupCounts) -> Iterator[tuple[Hashable, ShownRange, object]]:
    for number, answers in enumerate(group.sides):
        for outcome, shown in answers.ranges.items():
            yield (
                (number, outcome),
                shown,
                lambda row, number=number, outcome=outcome: row[number] == outcome,
            )
    for flip in group.flips:
        pair = flip.before, flip.after
        yield pair, flip.range, lambda row, pair=pair: row == pair


def narrowed(
    tables: Tables,
    sides: int,
    total: int,
    kinds: Sequence[Kind] = (),
    unprinted: Sequence[tuple[Kind, ...]] = (),
) -> list[Hashable]:
    """Return the hidden counts that an attacker narrows to fewer than `WIDTH` values.

    The attacker knows that every count adds up rows of some sets of answers, in every group, and
    that the groups add up to all rows. Any set of answers may occur. `unprinted` are what some more
    counts of all rows add up, which no table has.
    """
    (table,) = tables.tables
    classes = kinds or CLASSES[sides]
    shown: dict[Hashable, int] = {}
    hidden: set[Hashable] = set()
    balances: list[Balance] = []
    for name, count, parts in published(tables, classes, total):
        balances.append(Balance((name,), tuple(parts)))
        if count is None:
            hidden.add(name)
        else:
            shown[name] = count
            assert not 0 < count < LEAST
    for some in unprinted:
        balances.append(Balance((some,), tuple((("", ALL), item) for item in some)))
        hidden.add(some)
    by: dict[str, list[Hashable]] = {}
    for group in table.groups[1:]:
        by.setdefault(group.by, []).append((group.by, group.group))
    for groups in by.values():
        for item in classes:
            balances.append(Balance(((("", ALL), item),), tuple((group, item) for group in groups)))
    cells = {cell for balance in balances for cell, _ in balance.cells()}
    reached = possible_values(cells, shown, balances, least=dict.fromkeys(hidden, 1), enough=WIDTH)
    return [cell for cell in hidden if reached[cell].count < WIDTH]


@settings(max_examples=25)
@given(rows_of(1, 1))
def test_no_hidden_count_of_a_program_s_table_is_recovered(rows: Rows) -> None:
    tables = tables_of(rows, ALONE, ("race",))
    if not tables.is_withheld:
        assert narrowed(tables, 1, total_of(rows)) == []


@settings(max_examples=5)
@given(rows_of(2, 1))
def test_no_hidden_count_of_a_change_is_recovered(rows: Rows) -> None:
    tables = tables_of(rows, CHANGE, ("race",))
    if not tables.is_withheld:
        assert narrowed(tables, 2, total_of(rows)) == []


@settings(max_examples=10)
@given(rows_of(2, 1, DECIDED))
def test_no_hidden_count_is_recovered_from_what_decides(rows: Rows) -> None:
    tables = tables_of(rows, CHANGE, ("race",))
    assert any(tables.tables[0].deciders)
    if not tables.is_withheld:
        assert narrowed(tables, 2, total_of(rows), DECIDED) == []


@settings(max_examples=10)
@given(rows_of(2, 1, DECIDED))
def test_no_few_rows_that_move_are_recovered(rows: Rows) -> None:
    """The attacker even knows which ways no row moves."""
    tables = tables_of(rows, CHANGE, ("race",))
    counts = sum(rows.values(), Counter[Kind]())
    occurring = list(counts)
    few = set()
    for decider, side in product((OVER, OTHERS, OPEN), (0, 1)):
        alone = tuple(
            item for item in occurring if item[1][side] == decider and item[1][1 - side] != decider
        )
        if 0 < sum(counts[item] for item in alone) < LEAST:
            few.add(alone)
    if not tables.is_withheld:
        unprinted = sorted(few, key=repr)
        assert narrowed(tables, 2, total_of(rows), occurring, unprinted) == []


def test_the_number_of_rows_that_change_is_hidden_last() -> None:
    gain, stays = frozenset([("ineligible", "eligible")]), frozenset([("ineligible", "ineligible")])
    either = frozenset([("ineligible", "eligible"), ("ineligible", "ineligible")])
    rows: Rows = {
        (): Counter(
            {
                (gain, (OVER, Decider("otherwise"))): 43,
                (stays, (OVER, OVER)): 142,
                (either, (OVER, OPEN)): 1,
                (either, (OPEN, OPEN)): 2733,
                (stays, (OTHERS, OTHERS)): 3000,
            }
        )
    }
    (table,) = tables_of(rows, CHANGE, ()).tables
    (flip,) = table.groups[0].flips
    assert (flip.range.surely, flip.range.at_most) == (43, 2777)
    before, after = ({item.decider: item.rows for item in side} for side in table.deciders)
    assert None in (before[OPEN], after[OPEN])


@settings(max_examples=25)
@given(rows_of(1, 1, always=[APART]))
def test_no_hidden_count_is_recovered_from_the_rows_apart(rows: Rows) -> None:
    tables = tables_of(rows, ALONE, ("race",))
    if not tables.is_withheld:
        assert narrowed(tables, 1, total_of(rows), [*CLASSES[1], APART]) == []


def test_a_few_rows_apart_hide_the_total_and_no_rate() -> None:
    rows = one_way({"A": 40, "B": 60}, 500)
    rows["A",][APART] = 3
    tables = tables_of(rows, ALONE, ("race",))
    everyone = tables.tables[0].groups[0]
    assert tables.tables[0].not_running is None and not tables.is_total_shown
    assert (everyone.rows, everyone.sides[0].surely["eligible"]) == (1_100, 100)
    assert everyone.sides[0].ranges["eligible"].rate == pytest.approx((100 / 1_100, 100 / 1_100))


@settings(max_examples=15)
@given(rows_of(1, 2))
def test_no_hidden_count_is_recovered_from_two_ways_of_grouping(rows: Rows) -> None:
    tables = tables_of(rows, ALONE, ("race", "sex"))
    if not tables.is_withheld:
        assert narrowed(tables, 1, total_of(rows)) == []


def test_the_attacker_finds_what_a_total_gives_away() -> None:
    """The attack can succeed: with one small count hidden alone, the total tells it."""
    tables = tables_of(one_way({"M": 31, "F": 33}, 500), ALONE, ("sex",))
    (table,) = tables.tables
    women = table.groups[-1] if table.groups[-1].group == "F" else table.groups[-2]
    alone = ShownRange(None, 33, True, (None, None), (None, None))
    women.sides[0].ranges["eligible"] = alone
    assert narrowed(tables, 1, 1_064)


TRIPLES = [tuple(answers) for answers in product(OUTCOMES, repeat=3)]


def memos_of(rows: dict[str, dict[tuple[str, ...], int]]) -> list[Tables]:
    """Return the tables of two changes of the same rules, on the same rows.

    The answers of a row are those before, after the first change, and after the second.
    """
    return [
        tables_of(
            {
                (group,): Counter(
                    {(frozenset([pair]), ()): count for pair, count in pairs_of(counts, after)}
                )
                for group, counts in rows.items()
            },
            CHANGE,
            ("race",),
        )
        for after in (1, 2)
    ]


def pairs_of(
    counts: dict[tuple[str, ...], int], after: int
) -> Iterator[tuple[tuple[str, str], int]]:
    pairs: Counter[tuple[str, str]] = Counter()
    for answers, count in counts.items():
        pairs[answers[0], answers[after]] += count
    yield from pairs.items()


def test_two_memos_of_the_same_rows_can_tell_a_hidden_count_as_both_say() -> None:
    """W4: each hides enough by itself. Both together don't, so each report warns of the other."""
    yes, no = OUTCOMES
    rows = {
        "a": {(no, no, yes): 2},
        "b": {(yes, no, yes): 70, (no, no, yes): 68, (no, yes, no): 25},
        "c": {(no, no, yes): 12, (yes, yes, no): 1},
        "d": {(no, no, yes): 65, (yes, no, no): 10},
    }
    total = sum(sum(counts.values()) for counts in rows.values())
    shown: dict[Hashable, int] = {}
    hidden: set[Hashable] = set()
    balances: list[Balance] = []
    kinds: list[Kind] = [(frozenset([pair]), ()) for pair in product(OUTCOMES, repeat=2)]
    for number, tables in enumerate(memos_of(rows)):
        assert not tables.is_withheld and narrowed(tables, 2, total, kinds) == []
        for name, count, parts in published(tables, kinds, total):
            both: list[Hashable] = []
            for group, (pairs, _) in parts:  # type: ignore[misc]  # a group and a kind
                both += [
                    (group, answers)
                    for answers in TRIPLES
                    if (answers[0], answers[number + 1]) in pairs
                ]
            balances.append(Balance(((number, name),), tuple(both)))
            if count is None:
                hidden.add((number, name))
            else:
                shown[number, name] = count
    for answers in TRIPLES:
        groups = tuple((("race", group), answers) for group in rows)
        balances.append(Balance(((("", ALL), answers),), groups))
    cells = {cell for balance in balances for cell, _ in balance.cells()}
    reached = possible_values(cells, shown, balances, least=dict.fromkeys(hidden, 1), enough=WIDTH)
    assert any(reached[cell].count < WIDTH for cell in hidden)


@settings(max_examples=40)
@given(rows_of(1, 1))
def test_what_is_shown_adds_up(rows: Rows) -> None:
    (table,) = tables_of(rows, ALONE, ("race",)).tables
    for group in table.groups:
        (answers,) = group.sides
        counts = [*answers.surely.values(), answers.either]
        if group.rows is not None and None not in counts:
            assert sum(count for count in counts if count is not None) == group.rows
    for outcome in OUTCOMES:
        whole, *parts = (group.sides[0].surely[outcome] for group in table.groups)
        if whole is not None and None not in parts:
            assert sum(part for part in parts if part is not None) == whole


def test_nothing_of_the_same_rules_changes() -> None:
    assert CHANGE.is_same_twice and not ALONE.is_same_twice
