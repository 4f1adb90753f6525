"""The columns of facts in SQL: their types, and their values as JSON that SQL reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from offramp.policy.cohort.sql_conditions import (
    HIGH,
    LOW,
    NUMBERS,
    CannotPrint,
    millionths,
    quoted,
)
from rules.input.citations import GivenCitation
from rules.input.interval import Interval
from rules.input.vocabulary import Fact

_TYPES = {"bool": "BOOLEAN", "choice": "VARCHAR", "citation": "INTEGER"}


class Citations(dict[GivenCitation, int]):
    """The citations that rows have, each with a number."""

    def number(self, given: GivenCitation) -> int:
        """Return the number of a citation."""
        return self.setdefault(given, len(self))


def structure_of(fact: Fact, fields: Sequence[str]) -> Any:
    """Return the type of a fact's column as `from_json` takes it. A list has these fields.

    Raises `CannotPrint` for a fact that has no column.
    """
    if fact.type == "list":
        columns: dict[str, str] = {}
        for name in fields:
            columns |= _columns(fact.fields[name])
        return [columns or {"nothing": "BOOLEAN"}]
    columns = _columns(fact)
    if not columns:
        raise CannotPrint(fact.path)
    return columns


def as_columns(fact: Fact, value: Any, fields: Sequence[str], citations: Citations) -> Any:
    """Return a known fact's value, or None, as JSON for its column."""
    if fact.type != "list":
        return _cells(fact, value, citations)
    if value is None:
        return None
    records = []
    for record in value:
        cells: dict[str, Any] = {}
        for name in fields:
            cells |= _cells(fact.fields[name], record.get(name), citations)
        records.append(cells)
    return records


def _columns(fact: Fact) -> dict[str, str]:
    if fact.type in NUMBERS:
        return {f"{fact.name}{LOW}": "BIGINT", f"{fact.name}{HIGH}": "BIGINT"}
    kind = _TYPES.get(fact.type)
    return {} if kind is None else {fact.name: kind}


def _cells(fact: Fact, value: Any, citations: Citations) -> Mapping[str, Any]:
    """Return the cells of a value. A field without a column has none."""
    if fact.type in NUMBERS:
        if isinstance(value, Interval):
            if value.low is None and value.high is None:
                raise CannotPrint("a number without any end")
            low, high = value.low, value.high
        else:
            low = high = value
        return {
            f"{fact.name}{end}": None if item is None else millionths(item)
            for end, item in ((LOW, low), (HIGH, high))
        }
    if fact.type not in _TYPES:
        return {}
    if isinstance(value, GivenCitation):
        return {fact.name: citations.number(value)}
    return {fact.name: value}


def column_expressions(name: str, parts: Sequence[str]) -> Iterator[str]:
    """Yield the columns of a value: a list as it is, and each part of another fact."""
    whole = f"value.{quoted(name)}"
    if not parts:
        yield f"{whole} AS {quoted(name)}"
    for part in parts:
        end = part.partition(" ")[2]
        yield f"{whole}.{quoted(part)} AS {quoted(f'{name} {end}' if end else name)}"
