"""Print conditions as SQL, from the same typed tree as every other engine.

A condition becomes two formulas: that it is true, and that it is false. Where neither is TRUE, it
is unknown. A formula that isn't TRUE is FALSE or NULL, which `CASE`, `list_filter`, `AND`, and `OR`
take alike. A negation has to tell them apart. A number has two columns, its low and its high end,
in millionths, so that all arithmetic is on whole numbers. NULL is no bound, and an unknown number
has none.

DuckDB skips NULL in a sum: of 4, unknown, and 3 it makes 7. So each sum is guarded, and has no low
end or no high end if a part has none. `sql_dialects.py` has that guard for each database.

`docs/cohorts.md` says where it is used. What can't be printed raises `CannotPrint`, and then the
rows are decided by the compiled rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from offramp.policy.cohort.sql_dialects import DUCKDB, Dialect
from rules.frozen import frozen
from rules.input.citations import GivenCitation, Section, section_set
from rules.input.interval import Interval
from rules.input.vocabulary import Fact
from rules.language import tree

MILLIONTHS = 1_000_000
NUMBERS = ("int", "decimal")
LOW, HIGH = " low", " high"  # after the name of a number's columns
TRUE, FALSE, NULL = "TRUE", "FALSE", "NULL"
_PLAIN = re.compile(r"[A-Za-z0-9_. -]*")


class CannotPrint(Exception):
    """A condition has a part that SQL has no column for."""


@frozen
class Truth:
    """When a condition is true, and when it is false: formulas that are TRUE then."""

    true: str
    false: str


@frozen
class Ends:
    """The ends of a number: SQL of whole millionths, NULL for no bound."""

    low: str
    high: str


UNKNOWN = Truth(FALSE, FALSE)
_NO_NUMBER = Ends(NULL, NULL)


class ConditionPrinter:
    """Prints the conditions of one side.

    `columns` has the column of each fact that rows differ in, and `constants` the facts that are
    the same for all rows, None where unknown. `attested` has the answers that are given of other
    decisions, and `citations` the citations that rows have, by number.
    """

    def __init__(
        self,
        columns: Mapping[str, str],
        constants: Mapping[str, Any],
        parameters: Mapping[str, Any],
        attested: Mapping[str, str],
        citations: Mapping[GivenCitation, int],
        dialect: Dialect = DUCKDB,
    ) -> None:
        self.columns = columns
        self.constants = constants
        self.parameters = parameters
        self.attested = attested
        self.citations = citations
        self._count, self._sum = dialect.count, dialect.total
        self._variables = 0

    # Truth

    def rule(self, condition: tree.Tree) -> Truth:
        """Print a whole condition. Equal ones have equal texts. Raises `CannotPrint`."""
        self._variables = 0
        return self.truth(condition)

    def truth(self, node: tree.Tree, bound: Mapping[str, str] | None = None) -> Truth:
        """Return when a condition is true and when it is false. Raises `CannotPrint`."""
        bound = bound or {}
        match node:
            case tree.Constant(bool() as value):
                return Truth(TRUE, FALSE) if value else Truth(FALSE, TRUE)
            case tree.FactOf() | tree.FieldOf():
                return self._of_word(node, bound, [True], [False])
            case tree.IfKnown(condition):
                true = self.truth(condition, bound).true
                return Truth(true, negation(true))
            case tree.Not(operand):
                inner = self.truth(operand, bound)
                return Truth(inner.false, inner.true)
            case tree.And(items):
                parts = [self.truth(item, bound) for item in items]
                return Truth(all_of(part.true for part in parts), any_of(p.false for p in parts))
            case tree.Or(items):
                parts = [self.truth(item, bound) for item in items]
                return Truth(any_of(part.true for part in parts), all_of(p.false for p in parts))
            case tree.Choose(condition, then, otherwise):
                test = self.truth(condition, bound)
                first, second = self.truth(then, bound), self.truth(otherwise, bound)
                return Truth(
                    any_of([all_of([test.true, first.true]), all_of([test.false, second.true])]),
                    any_of([all_of([test.true, first.false]), all_of([test.false, second.false])]),
                )
            case tree.Compare():
                return self._comparison(node, bound)
            case tree.Member(item, values):
                among = self._listed(values)
                if not among:
                    return Truth(FALSE, TRUE)
                if _is_number(item):
                    ends = self.number(item, bound)
                    tests = [_equal(ends, _exact(value)) for value in among]
                    return Truth(any_of(t.true for t in tests), all_of(t.false for t in tests))
                return self._of_word(item, bound, among, None)
            case tree.IsOne(item, values, word_tree):
                surely, perhaps = word_tree.split(self._listed(values))
                if not self._listed(values):
                    return Truth(FALSE, TRUE)
                return self._of_word(item, bound, sorted(surely), None, maybe=sorted(perhaps))
            case tree.Cited(item, values):
                return self._cited(item, self._listed(values), bound)
            case tree.Quantifier(kind, over, variable, body):
                return self._quantifier(kind == "exists", over, variable, body, bound)
        raise CannotPrint(type(node).__name__)

    def _listed(self, values: tuple[Any, ...] | tree.ParameterOf) -> tuple[Any, ...]:
        return (
            tuple(self.parameters[values.name]) if isinstance(values, tree.ParameterOf) else values
        )

    def _of_word(
        self,
        item: tree.Tree,
        bound: Mapping[str, str],
        true: Iterable[Any],
        false: Iterable[Any] | None,
        *,
        maybe: Iterable[Any] = (),
    ) -> Truth:
        """Return whether a word or a bool is one of some values.

        It is false for values of `false`, or for all known ones but those of `true` and `maybe`.
        """
        among, others = list(true), list(maybe)
        stated = self._stated(item)
        if stated is not _NOT_CONSTANT:
            if stated is None or stated in others:
                return UNKNOWN
            return Truth(TRUE, FALSE) if stated in among else Truth(FALSE, TRUE)
        column = self._column(item, bound)
        if false is not None:
            return Truth(_is_in(column, among), _is_in(column, list(false)))
        rest = [*among, *others]
        if not rest:
            return Truth(FALSE, f"{column} IS NOT NULL")
        return Truth(_is_in(column, among), _is_known_and_not_in(column, rest))

    def _comparison(self, node: tree.Compare, bound: Mapping[str, str]) -> Truth:
        if _is_number(node.left) or _is_number(node.right):
            left, right = self.number(node.left, bound), self.number(node.right, bound)
            match node.operator:
                case "<":
                    return _below(left, right, strictly=True)
                case "<=":
                    return _below(left, right, strictly=False)
                case ">":
                    return _below(right, left, strictly=True)
                case ">=":
                    return _below(right, left, strictly=False)
            equal = _equal(left, right)
            return equal if node.operator == "==" else Truth(equal.false, equal.true)
        if node.operator not in ("==", "!="):
            raise CannotPrint(node.operator)
        for item, other in ((node.left, node.right), (node.right, node.left)):
            if isinstance(other, tree.Constant) and isinstance(other.value, (str, bool)):
                equal = self._of_word(item, bound, [other.value], None)
                return equal if node.operator == "==" else Truth(equal.false, equal.true)
        raise CannotPrint("a comparison of two facts")

    def _cited(
        self, item: tree.Tree, sections: tuple[Section, ...], bound: Mapping[str, str]
    ) -> Truth:
        wanted = section_set(sections)
        stated = self._stated(item)
        if stated is not _NOT_CONSTANT:
            answer = wanted.has(stated)
            return (
                UNKNOWN if answer is None else Truth(TRUE, FALSE) if answer else Truth(FALSE, TRUE)
            )
        if wanted.has(None) is not None:
            raise CannotPrint("a citation of no section")
        column = self._column(item, bound)
        answers = {number: wanted.has(given) for given, number in self.citations.items()}
        return Truth(
            _is_in(column, [number for number, answer in answers.items() if answer is True]),
            _is_in(column, [number for number, answer in answers.items() if answer is False]),
        )

    def _quantifier(
        self, exists: bool, over: Fact, variable: str, body: tree.Tree, bound: Mapping[str, str]
    ) -> Truth:
        if over.path in self.constants:
            return self._of_constant_list(self.constants[over.path], Truth(FALSE, TRUE), exists)
        records, name = self._records(over), self._variable()
        inner = self.truth(body, {**bound, variable: name})
        if not exists:
            inner = Truth(inner.false, inner.true)
        some = FALSE if inner.true == FALSE else f"{self._count(records, name, inner.true)} > 0"
        perhaps = negation(inner.false)
        none = f"{records} IS NOT NULL"
        if perhaps != FALSE:
            none = f"{self._count(records, name, perhaps)} = 0"
        return Truth(some, none) if exists else Truth(none, some)

    def _of_constant_list(self, records: Any, of_none: Truth, exists: bool) -> Truth:
        if records is None:
            return UNKNOWN
        if records:
            raise CannotPrint("a list that all rows share")
        return of_none if exists else Truth(of_none.false, of_none.true)

    # Numbers

    def number(self, node: tree.Tree, bound: Mapping[str, str]) -> Ends:
        """Return the ends of a number. Raises `CannotPrint`."""
        match node:
            case tree.Constant(value):
                return _exact(value)
            case tree.ParameterOf(name):
                return _exact(self.parameters[name])
            case tree.FactOf() | tree.FieldOf():
                stated = self._stated(node)
                if stated is not _NOT_CONSTANT:
                    return _exact(stated)
                return Ends(self._column(node, bound, LOW), self._column(node, bound, HIGH))
            case tree.RowOf(name, key):
                return self._row(self.parameters[name].by_word, key, bound)
            case tree.Total(over, variable, keep, value, low, high):
                if over.path in self.constants:
                    records = self.constants[over.path]
                    if records:
                        raise CannotPrint("a list that all rows share")
                    return _NO_NUMBER if records is None else _exact(0)
                name = self._variable()
                inner = {**bound, variable: name}
                kept = Truth(TRUE, FALSE) if keep is None else self.truth(keep, inner)
                amount = _exact(1) if value is None else self.number(value, inner)
                return self._total(self._records(over), name, kept, amount, (low, high))
        raise CannotPrint(type(node).__name__)

    def _row(
        self, rows: Mapping[str | None, Any], key: tree.Tree, bound: Mapping[str, str]
    ) -> Ends:
        stated = self._stated(key)
        if stated is not _NOT_CONSTANT:
            return _exact(rows[stated])
        column = self._column(key, bound)
        ends = {word: _exact(value) for word, value in rows.items()}
        cases = [
            " ".join(
                f"WHEN {_literal(word)} THEN {getattr(item, end)}"
                for word, item in ends.items()
                if word is not None
            )
            for end in ("low", "high")
        ]
        low, high = (
            f"CASE {column} {branches} ELSE {getattr(ends[None], end)} END"
            for branches, end in zip(cases, ("low", "high"), strict=True)
        )
        return Ends(low, high)

    def _total(
        self,
        records: str,
        name: str,
        kept: Truth,
        amount: Ends,
        bounds: tuple[Decimal | None, Decimal | None],
    ) -> Ends:
        """Return the ends of a sum over the records that are surely or perhaps in a list."""
        # Of a part that is perhaps there, the sum has 0 at least, or at most. NULL stays.
        is_positive = bounds[0] is not None and bounds[0] >= 0
        least = _with_bound(amount.low, amount.high, bounds[0])
        perhaps = "0" if is_positive else f"least({least}, 0)"
        low = [(kept.true, least), (f"({least}) IS NOT NULL", perhaps)]
        greatest = _with_bound(amount.high, amount.low, bounds[1])
        high = [(kept.true, greatest), (f"({greatest}) IS NOT NULL", f"greatest({greatest}, 0)")]
        if is_positive:
            high = [(TRUE, greatest)]
        return Ends(
            *(self._sum(records, name, _first([(kept.false, "0"), *part])) for part in (low, high))
        )

    # Columns

    def _variable(self) -> str:
        self._variables += 1
        return f"r{self._variables}"

    def _records(self, over: Fact) -> str:
        if over.path not in self.columns:
            raise CannotPrint(over.path)
        return self.columns[over.path]

    def _column(self, item: tree.Tree, bound: Mapping[str, str], end: str = "") -> str:
        match item:
            case tree.FieldOf(variable, fact) if _has_column(fact):
                return f"{bound[variable]}.{quoted(fact.name + end)}"
            case tree.FactOf(fact) if _has_column(fact) and fact.path in self.columns:
                column = self.columns[fact.path]
                return f'{column[:-1]}{end}"' if end else column
        raise CannotPrint(str(item))

    def _stated(self, item: tree.Tree) -> Any:
        """Return the value that all rows have, None if it is unknown, or `_NOT_CONSTANT`."""
        match item:
            case tree.FactOf(fact) if fact.path in self.constants:
                return self.constants[fact.path]
            case tree.OutcomeOf(decision):
                if decision not in self.attested:
                    raise CannotPrint(decision)
                return self.attested[decision]
        return _NOT_CONSTANT


_NOT_CONSTANT = object()


def _has_column(fact: Fact) -> bool:
    return fact.type in ("bool", "choice", "citation", *NUMBERS)


def _is_number(node: tree.Tree) -> bool:
    match node:
        case tree.FactOf(fact) | tree.FieldOf(_, fact):
            return fact.type in NUMBERS
        case tree.Constant(value):
            return isinstance(value, (int, Decimal)) and not isinstance(value, bool)
    return isinstance(node, (tree.Total, tree.RowOf, tree.Arithmetic))


def millionths(value: int | Decimal) -> int:
    """Return a number as whole millionths. Raises `CannotPrint` if it has finer parts."""
    scaled = Decimal(value) * MILLIONTHS
    if scaled != scaled.to_integral_value():
        raise CannotPrint(f"{value} has more than six decimals")
    return int(scaled)


def _exact(value: Any) -> Ends:
    if value is None:
        return _NO_NUMBER
    if isinstance(value, Interval):
        low, high = (
            NULL if end is None else str(millionths(end)) for end in (value.low, value.high)
        )
        return Ends(low, high)
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise CannotPrint(str(value))
    number = str(millionths(value))
    return Ends(number, number)


def _with_bound(end: str, other_end: str, bound: Decimal | None) -> str:
    """Return an end of a number that is perhaps unknown. The bound is that of an unknown number."""
    if bound is None or end.lstrip("-").isdigit():
        return end
    return f"coalesce({end}, CASE WHEN {other_end} IS NULL THEN {_exact(bound).low} END)"


def _first(cases: list[tuple[str, str]]) -> str:
    """Return the value of the first case whose test is TRUE, NULL without one."""
    branches = ""
    for test, value in cases:
        if test == TRUE:
            return f"CASE{branches} ELSE {value} END" if branches else value
        if test != FALSE:
            branches += f" WHEN {test} THEN {value}"
    return f"CASE{branches} END" if branches else NULL


def _below(first: Ends, second: Ends, *, strictly: bool) -> Truth:
    true, false = ("<", ">=") if strictly else ("<=", ">")
    return Truth(_holds(first.high, true, second.low), _holds(first.low, false, second.high))


def _equal(first: Ends, second: Ends) -> Truth:
    apart = any_of([_holds(first.high, "<", second.low), _holds(second.high, "<", first.low)])
    same = [
        _holds(first.low, "=", first.high),
        _holds(first.high, "=", second.low),
        _holds(second.low, "=", second.high),
    ]
    return Truth(all_of(same), apart)


def _holds(left: str, operator: str, right: str) -> str:
    if NULL in (left, right):
        return FALSE
    return f"({left}) {operator} ({right})"


def _is_in(column: str, values: list[Any]) -> str:
    if not values:
        return FALSE
    if len(values) == 1:  # DuckDB takes less time for it
        return f"{column} = {_literal(values[0])}"
    return f"{column} IN ({', '.join(map(_literal, values))})"


def _is_known_and_not_in(column: str, values: list[Any]) -> str:
    if len(values) == 1:
        return f"{column} <> {_literal(values[0])}"
    return f"{column} NOT IN ({', '.join(map(_literal, values))})"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return TRUE if value else FALSE
    if isinstance(value, int):
        return str(value)
    text = str(value)
    if not _PLAIN.fullmatch(text):  # databases differ on quotes and backslashes in a text
        raise CannotPrint(text)
    return f"'{text}'"


def quoted(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def all_of(parts: Iterable[str]) -> str:
    """Join formulas with AND, and leave out what is always true."""
    left = list(dict.fromkeys(part for part in parts if part != TRUE))
    if FALSE in left:
        return FALSE
    return f"({' AND '.join(left)})" if len(left) > 1 else left[0] if left else TRUE


def any_of(parts: Iterable[str]) -> str:
    """Join formulas with OR, and leave out what is never true."""
    left = list(dict.fromkeys(part for part in parts if part != FALSE))
    if TRUE in left:
        return TRUE
    return f"({' OR '.join(left)})" if len(left) > 1 else left[0] if left else FALSE


def negation(formula: str) -> str:
    """Return that a formula isn't TRUE. This formula is never NULL."""
    if formula in (TRUE, FALSE):
        return FALSE if formula == TRUE else TRUE
    return f"NOT coalesce({formula}, FALSE)"
