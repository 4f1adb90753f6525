"""Try every completion of partial facts: a decided answer is the answer on all of them.

The facts have few values each (`tiny.*` in `written`), and unknown lists are completed by all lists
of up to two records. Of the engine, only its answer on complete facts is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rules.decide import explain
from rules.decide.compile import compile_condition, compile_part
from rules.decide.compile_unknown import compile_unknown
from rules.decide.walk import World, walk, walk_bound
from rules.input.facts import read_facts
from rules.language import tree
from tests.support import written
from tests.support.plain_meaning import meaning
from tests.support.written import SMALL, TINY, WORDS, Flat

TABLES = written.parameters()


def nothing(_: str) -> None:
    """No decision and no clock is named by these conditions."""


def value_in(condition: tree.Tree) -> Callable[[Flat], bool | None]:
    """Return the function of facts that the condition is compiled to."""
    decide = compile_condition(condition, TABLES)
    return lambda flat: decide(read_facts(written.nested(flat), WORDS).known, nothing, nothing)


THOROUGHLY = settings(max_examples=5 * settings().max_examples)
MARKED = st.tuples(
    st.sampled_from(
        [
            "if_known({0}) && ({1})",
            "tiny.yes || !if_known({0})",
            "tiny.rows.exists(r, if_known(r.yes) && r.n > 0) || ({1})",
            "tiny.rows.all(r, tiny.rows.exists(s, s.n > r.n || s.yes))",
        ]
    ),
    written.conditions(SMALL, depth=1),
    written.conditions(SMALL, depth=1),
).map(lambda drawn: drawn[0].format(*drawn[1:]))
PARTIAL = written.complete(TINY).flatmap(written.holes_in)


@THOROUGHLY
@given(written.conditions(SMALL), PARTIAL)
def test_what_is_decided_is_what_every_completion_gives(text: str, partial: Flat) -> None:
    condition = written.checked(text, SMALL.scope)
    value = value_in(condition)
    known = value(partial)
    seen = set()
    for tried, filled in enumerate(written.completions(partial, tree.facts_read(condition))):
        if tried == 3_000:
            break
        seen.add(value(filled))
    assert None not in seen, "with everything known, everything is decided"
    if known is not None:
        assert seen == {known}, text


@THOROUGHLY
@given(written.conditions(SMALL), written.complete(TINY))
def test_the_folded_tree_says_the_same_as_a_plain_loop_over_the_lists(
    text: str, complete: Flat
) -> None:
    folded = value_in(written.checked(text, SMALL.scope))(complete)
    assert folded is meaning(text, written.nested(complete)), text


@pytest.mark.parametrize(
    ("number", "low", "high"),
    [
        ("r.grams", Decimal("-2.5"), None),
        ("r.count", None, 4),
        ("-r.count", -4, None),
        ("r.count * 2", None, None),  # wider than it need be, and never narrower
        ("tiny.score * 3", -3, 3),
        ("tiny.score * tiny.score", -1, 1),
        ("r.count * -1", None, None),
        ("tiny.score - r.count", -5, None),
        ("tiny.yes ? tiny.score : 7", -1, 7),
        ("tiny.yes ? r.count : 7", None, 7),
        ("size(tiny.rows)", 0, None),
        ("sum(tiny.rows.map(t, t.n))", None, None),
        ("sum(tiny.rows.map(t, t.n * 0))", 0, 0),
    ],
)
def test_what_an_unknown_number_may_be_is_bounded_by_the_vocabulary(
    number: str, low: Any, high: Any
) -> None:
    condition = written.checked(f"sum(wide.rows.map(r, {number})) > 0")
    assert isinstance(condition, tree.Compare) and isinstance(condition.left, tree.Total)
    assert (condition.left.low, condition.left.high) == (low, high)


@THOROUGHLY
@given(
    st.sampled_from(["r.n", "r.n + 1", "0 - r.n", "2 * r.n", "r.n - 1", "1"]),
    st.sampled_from(["r.yes", 'r.kind == "a"', "!r.yes", 'r.yes && r.kind == "b"', "true"]),
    st.sampled_from(["<", "<=", ">", ">="]),
    st.sampled_from(["-2", "-1", "0", "1", "2", "3", "1.5"]),
    PARTIAL,
)
def test_an_order_against_a_total_is_decided_whenever_every_completion_agrees(
    number: str, keep: str, operator: str, limit: str, partial: Flat
) -> None:
    assume("tiny.rows" in partial)
    text = f"sum(tiny.rows.filter(r, {keep}).map(r, {number})) {operator} {limit}"
    condition = written.checked(text, SMALL.scope)
    value = value_in(condition)
    seen = {value(filled) for filled in written.completions(partial, tree.facts_read(condition))}
    known = value(partial)
    if known is None and " + " not in number and " - " not in number and "*" not in number:
        assert seen == {True, False}, text
    elif known is not None:
        assert seen == {known}, text


@THOROUGHLY
@given(written.conditions(SMALL), PARTIAL)
def test_what_is_missing_is_unknown_and_could_not_be_left_out(text: str, partial: Flat) -> None:
    """The leaves that explain an open condition are unknown, and no other facts decide it."""
    condition = written.checked(text, SMALL.scope)
    known = read_facts(written.nested(partial), WORDS).known
    world = World(known, TABLES, nothing, nothing)
    leaves = explain.unknown(condition, world)
    assert (walk(condition, world) is None) == bool(leaves)
    for path in leaves:
        fact = WORDS.fact_at(re.sub(r"\[\d+\]", "", path))
        assert fact is not None and written.is_open(fact, held(partial, path)), path
    read, value, walked = tree.facts_read(condition), value_in(condition), walk(condition, world)
    for tried, filled in enumerate(written.completions(partial, read)):
        if tried == 200:
            break
        others = without(filled, leaves)
        assert value(others) is walked, text


@given(st.one_of(written.conditions(SMALL), MARKED), PARTIAL)
def test_compiled_parts_and_unknown_leaves_are_those_of_the_tree(text: str, partial: Flat) -> None:
    """Also where `if_known` waits, and for the parts that read a record of a list."""
    condition = written.checked(text, SMALL.scope)
    known = read_facts(written.nested(partial), WORDS).known
    for waits in (False, True):
        world = World(known, TABLES, nothing, nothing, waits=waits)
        find = compile_unknown(condition, TABLES, waits=waits)
        leaves = find(known, nothing, nothing, lambda _: ())
        assert list(leaves.items()) == list(explain.unknown(condition, world).items()), text
        for part, bound in explain.parts(condition, world):
            compiled = compile_part(part, TABLES, waits=waits)
            assert compiled(known, nothing, nothing, bound) == walk_bound(part, world, bound), text


ATOMS = [
    "tiny.yes",
    'tiny.kind == "a"',
    "tiny.score > 0",
    "tiny.rows.exists(r, r.yes)",
    "encounter.weapon",
]


@st.composite
def read_once(draw: st.DrawFn) -> str:
    """A condition that reads each fact once, so that no two parts of it depend on each other."""

    def joined(atoms: list[str]) -> str:
        if len(atoms) == 1:
            return draw(st.sampled_from([atoms[0], f"!({atoms[0]})"]))
        cut = draw(st.integers(1, len(atoms) - 1))
        return (
            f"({joined(atoms[:cut])} {draw(st.sampled_from(['&&', '||']))} {joined(atoms[cut:])})"
        )

    return joined(draw(st.permutations(ATOMS))[: draw(st.integers(1, len(ATOMS)))])


@THOROUGHLY
@given(read_once(), written.complete((*TINY, "encounter.weapon")).flatmap(written.holes_in))
def test_nothing_is_asked_that_cannot_matter(text: str, partial: Flat) -> None:
    """For everything that is asked there is a case in which it alone makes the difference."""
    condition = written.checked(text)
    leaves = explain.unknown(
        condition, World(read_facts(written.nested(partial), WORDS).known, TABLES, nothing, nothing)
    )
    worlds = list(written.completions(partial, tree.facts_read(condition)))
    answers = list(map(value_in(condition), worlds))
    for path in leaves:
        seen: dict[str, set[bool | None]] = {}
        for filled, answer in zip(worlds, answers, strict=True):
            seen.setdefault(repr(without(filled, {path})), set()).add(answer)
        assert any(len(both) == 2 for both in seen.values()), f"{path} does not matter in {text}"


def held(flat: Flat, path: str) -> Any:
    if "[" not in path:
        return flat.get(path)
    listed, _, rest = path.partition("[")
    index, _, field = rest.partition("].")
    return flat[listed][int(index)].get(field)


def without(flat: Flat, paths: Any) -> Flat:
    """The facts, less those at the paths."""
    left: Flat = {}
    for path, known in flat.items():
        if path in paths:
            continue
        if isinstance(known, list):
            known = [
                {
                    name: value
                    for name, value in record.items()
                    if f"{path}[{index}].{name}" not in paths
                }
                for index, record in enumerate(known)
            ]
        left[path] = known
    return left
