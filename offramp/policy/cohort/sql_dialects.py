"""What DuckDB and Spark write differently: lists, records, and JSON that becomes columns.

Everything else that the printer writes means the same in both. It uses whole numbers, words, `AND`,
`OR`, `CASE`, and NULL. Casts, divisions, patterns, dates, and letter case stay in Python, in the
map and in the compiled rules.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from rules.frozen import frozen


@frozen
class Dialect:
    """How a database writes four things.

    `count` returns how many records of a list meet a test, NULL for a list that is NULL. `total`
    returns the sum of a value over a list, NULL if the list or a part of the sum is NULL. Both take
    the list, the name of its variable, and what is written about that variable. `record` returns a
    record of some columns, by name. `parsed` returns the value of JSON text that has a structure.
    """

    count: Callable[[str, str, str], str]
    total: Callable[[str, str, str], str]
    record: Callable[[Mapping[str, str]], str]
    parsed: Callable[[str, Any], str]


def _duckdb_count(records: str, variable: str, test: str) -> str:
    return f"len(list_filter({records}, lambda {variable}: {test}))"


def _duckdb_total(records: str, variable: str, value: str) -> str:
    # DuckDB skips NULL in a sum.
    parts = f"list_transform({records}, lambda {variable}: {value})"
    is_known = f"list_count({parts}) = len({records})"
    return f"CASE WHEN {is_known} THEN coalesce(list_sum({parts}), 0) END"


def _duckdb_record(columns: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"'{name}': {column}" for name, column in columns.items()) + "}"


def _duckdb_parsed(text: str, structure: Any) -> str:
    return f"from_json({text}, '{json.dumps(structure)}')"


DUCKDB = Dialect(_duckdb_count, _duckdb_total, _duckdb_record, _duckdb_parsed)

_WHOLE = "DECIMAL(38, 0)"  # a sum of BIGINT can be past BIGINT, and DuckDB's sum is wider too


def _spark_count(records: str, variable: str, test: str) -> str:
    return f"array_size(filter({records}, {variable} -> {test}))"


def _spark_total(records: str, variable: str, value: str) -> str:
    parts = f"transform({records}, {variable} -> CAST({value} AS {_WHOLE}))"
    is_known = f"forall({parts}, part -> part IS NOT NULL)"
    more = f"(total, part) -> CAST(total + part AS {_WHOLE})"
    return f"CASE WHEN {is_known} THEN aggregate({parts}, CAST(0 AS {_WHOLE}), {more}) END"


def _spark_record(columns: Mapping[str, str]) -> str:
    parts = ", ".join(f"'{name}', {column}" for name, column in columns.items())
    return f"named_struct({parts})"


def _spark_parsed(text: str, structure: Any) -> str:
    # Without this mode, what isn't of the type becomes NULL.
    return f"from_json({text}, '{spark_type(structure)}', map('mode', 'FAILFAST'))"


def spark_type(structure: Any) -> str:
    """Return a structure as Spark writes types."""
    if isinstance(structure, list):
        return f"ARRAY<{spark_type(structure[0])}>"
    if isinstance(structure, dict):
        fields = ", ".join(f"`{name}`: {spark_type(kind)}" for name, kind in structure.items())
        return f"STRUCT<{fields}>"
    return {"VARCHAR": "STRING", "INTEGER": "INT"}.get(structure, str(structure))


SPARK = Dialect(_spark_count, _spark_total, _spark_record, _spark_parsed)
