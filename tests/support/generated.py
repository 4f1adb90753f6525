"""Hypothesis strategies for conditions as typed trees, and for the facts that they read.

The trees have nodes of all kinds, in their normal form, so a test can compare a tree with the one
that its text or its English reads back to. Facts may be partly unknown, and their values are near
those that the conditions compare with. `written` makes conditions as texts, and whole programs.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from functools import cache, reduce
from typing import Any

from hypothesis import strategies as st

from rules.input.citations import Section, reader_of
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.shelf import vocabulary

FACTS = vocabulary().facts
_READER = reader_of(vocabulary())


def section(text: str) -> Section:
    found = _READER.read(text)
    assert found is not None
    return found


SECTIONS = (section("RCW 1.02.003"), section("NY PL 1.10(2)"))
PARAMETERS: dict[str, Any] = {"quantity_cap": Decimal(3), "codes": SECTIONS}
OUTCOMES = {
    "screening": ("stop", "attorney_to_decide", "proceed"),
    "eligibility": ("ineligible", "eligible"),
}
CLOCKS = ("intake", "plan")
DAYS = [date(2014, 4, 1), date(2016, 2, 29), date(2020, 12, 31)]
NUMBERS = [0, 1, 2, 3, 18]
GRAMS = [Decimal(text) for text in ("0", "0.5", "1", "2.999999", "3", "3.000001", "4.2")]
FLAT = [
    "person.age",
    "person.enrolled",
    "encounter.date",
    "encounter.route",
    "encounter.in_area",
    "program.places_free",
    "case.relapses",
]
LISTS = {
    "encounter.drugs": ("kind", "grams", "units", "form"),
    "encounter.charges": ("code", "level", "violent"),
    "history.convictions": ("class", "degree", "date"),
}
OPERATORS = ["==", "!=", "<", "<=", ">", ">="]

# Facts


def value_of(fact: Fact) -> st.SearchStrategy[Any]:
    """A known value, near what the conditions below ask about, as JSON gives it."""
    match fact.type:
        case "bool":
            return st.booleans()
        case "choice":
            return st.sampled_from(fact.choices)
        case "citation":
            # Each is among the sections below, or surely not.
            spelled = ["r.c.w. § 1.02.003(1)(A)", "RCW 1.02.003", "NY PL 1.10(2)", "RCW 1.02.004"]
            return st.sampled_from(spelled)
        case "date":
            return st.sampled_from(
                [
                    (day + timedelta(days=off)).isoformat()
                    for day in DAYS
                    for off in (-366, -1, 0, 1)
                ]
            )
        case "decimal":
            return st.sampled_from(GRAMS)
    low, high = int(fact.low or 0), int(fact.high or 40)
    return st.sampled_from([number for number in (*NUMBERS, 5, 17, 19) if low <= number <= high])


def put(facts: dict[str, Any], path: str, value: Any) -> None:
    *groups, last = path.split(".")
    reduce(lambda level, group: level.setdefault(group, {}), groups, facts)[last] = value


def _records(path: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    fields = FACTS[path].fields
    record = st.fixed_dictionaries({name: value_of(fields[name]) for name in LISTS[path]})
    return st.lists(record, max_size=3)


# A strategy is made once. Hypothesis would check each that is made anew, for longer than it draws.
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    **{path: value_of(FACTS[path]) for path in FLAT},
    **{path: _records(path) for path in LISTS},
}


@st.composite
def complete_facts(draw: st.DrawFn) -> dict[str, Any]:
    """Make facts in which everything that the conditions below may read is known."""
    facts: dict[str, Any] = {}
    for path, values in _VALUES.items():
        put(facts, path, draw(values))
    return facts


def with_holes(facts: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Make some of the facts unknown: absent, null, or a list with missing fields."""

    @st.composite
    def dropped(draw: st.DrawFn) -> dict[str, Any]:
        keep = draw(st.sampled_from((0.2, 0.5, 0.8, 1.0)))

        def stays() -> bool:
            return keep == 1.0 or draw(st.floats(0, 1)) < keep

        def thinned(value: Any) -> Any:
            if isinstance(value, list):
                return [{key: one for key, one in record.items() if stays()} for record in value]
            if isinstance(value, dict):
                return {
                    key: thinned(one) if stays() or isinstance(one, dict) else None
                    for key, one in value.items()
                }
            return value

        return {group: thinned(inner) for group, inner in facts.items()}

    return dropped()


# Conditions, as typed trees in their normal form

Strategy = st.SearchStrategy[tree.Tree]


def joined(kind: type, items: list[tree.Tree]) -> tree.Tree:
    flat: list[tree.Tree] = []
    for item in items:
        flat += item.items if isinstance(item, kind) else [item]
    return kind(tuple(flat)) if len(flat) > 1 else flat[0]


def atom(fact: Fact, read: tree.Tree) -> Strategy:
    """A yes-or-no question about one fact or field."""
    match fact.type:
        case "bool":
            return st.just(read)
        case "choice":
            choices = st.sampled_from(fact.choices)
            return st.one_of(
                st.builds(
                    lambda op, word: tree.Compare(op, read, tree.Constant(word)),
                    st.sampled_from(["==", "!="]),
                    choices,
                ),
                st.builds(
                    lambda words: tree.Member(read, tuple(words)),
                    st.lists(choices, max_size=3, unique=True),
                ),
            )
        case "citation":
            return st.one_of(
                st.just(tree.Cited(read, tree.ParameterOf("codes"))),
                st.just(tree.Cited(read, SECTIONS[:1])),
                st.just(tree.Cited(read, SECTIONS)),
            )
        case "date":
            spans = st.sampled_from(
                [timedelta(days=1), timedelta(days=-30), tree.Months(12), tree.Months(-7)]
            )
            moved = st.builds(
                lambda day, span: tree.Arithmetic("+", tree.Constant(day), tree.Constant(span)),
                st.sampled_from(DAYS),
                spans,
            )
            sides = st.one_of(st.sampled_from(DAYS).map(tree.Constant), moved)
            return st.builds(
                lambda op, other: tree.Compare(op, read, other), st.sampled_from(OPERATORS), sides
            )
    number = st.sampled_from(GRAMS if fact.type == "decimal" else NUMBERS).map(tree.Constant)
    sides = st.one_of(
        number,
        st.builds(lambda op, one: tree.Arithmetic(op, read, one), st.sampled_from("+-*"), number),
    )
    if fact.unit == "g":
        sides = st.one_of(sides, st.just(tree.ParameterOf("quantity_cap")))
    return st.builds(
        lambda op, other: tree.Compare(op, read, other), st.sampled_from(OPERATORS), sides
    )


def nested(atoms: Strategy) -> Strategy:
    def larger(inner: Strategy) -> Strategy:
        several = st.lists(inner, min_size=2, max_size=3)
        return st.one_of(
            several.map(lambda items: joined(tree.And, items)),
            several.map(lambda items: joined(tree.Or, items)),
            inner.map(tree.Not),
            st.builds(tree.Choose, inner, inner, inner),
        )

    return st.recursive(atoms, larger, max_leaves=6)


@cache
def over_records(path: str, variable: str) -> Strategy:
    fields = [FACTS[path].fields[name] for name in LISTS[path]]
    atoms = {field.path: atom(field, tree.FieldOf(variable, field)) for field in fields}
    return nested(st.sampled_from(sorted(atoms)).flatmap(atoms.__getitem__))


@cache
def _perhaps_over_records(path: str) -> st.SearchStrategy[tree.Tree | None]:
    return st.one_of(st.none(), over_records(path, "d"))


_PATHS = st.sampled_from(sorted(LISTS))
_OPERATORS = st.sampled_from(OPERATORS)
_LIMITS = st.one_of(
    st.sampled_from(GRAMS).map(tree.Constant), st.just(tree.ParameterOf("quantity_cap"))
)


@st.composite
def quantifiers(draw: st.DrawFn) -> tree.Tree:
    path = draw(_PATHS)
    return tree.Quantifier(
        draw(st.sampled_from(("exists", "all"))), FACTS[path], "d", draw(over_records(path, "d"))
    )


@st.composite
def totals(draw: st.DrawFn) -> tree.Tree:
    """A comparison with how many, or how much."""
    path = draw(_PATHS)
    keep = draw(_perhaps_over_records(path))
    operator = draw(_OPERATORS)
    if path == "encounter.drugs" and draw(st.booleans()):
        grams = FACTS[path].fields["grams"]
        total = tree.Total(FACTS[path], "d", keep, tree.FieldOf("d", grams), grams.low, grams.high)
        return tree.Compare(operator, total, draw(_LIMITS))
    variable = "d" if keep is not None else "item"
    size = tree.Total(FACTS[path], variable, keep, None, None, None)
    return tree.Compare(operator, size, tree.Constant(draw(st.sampled_from((0, 1, 2)))))


@cache
def conditions(*, decisions: bool = True, clocks: bool = True) -> Strategy:
    atoms = {path: atom(FACTS[path], tree.FactOf(FACTS[path])) for path in FLAT}
    flat = st.sampled_from(FLAT).flatmap(atoms.__getitem__)
    kinds = [flat, quantifiers(), totals()]
    if decisions:
        outcomes = [(name, outcome) for name, all_of in OUTCOMES.items() for outcome in all_of]
        kinds.append(
            st.sampled_from(outcomes).map(
                lambda pair: tree.Compare("==", tree.OutcomeOf(pair[0]), tree.Constant(pair[1]))
            )
        )
    if clocks:
        statuses = st.lists(
            st.sampled_from(tree.CLOCK_STATUSES[:-1]), min_size=1, max_size=2, unique=True
        )
        kinds.append(
            st.builds(
                lambda clock, words: tree.Member(tree.StatusOf(clock), tuple(words)),
                st.sampled_from(CLOCKS),
                statuses,
            )
        )
    return nested(st.one_of(kinds))
