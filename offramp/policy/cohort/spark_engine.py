"""Rows in Spark, on the cores of this computer or of a cluster.

A file keeps the order of its rows: each has its `place`, so that the first of two equal ids is the
same one as everywhere. A row of CSV is a line. Its cells are read by Spark only if our own reader
would read the same cells.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as f
from pyspark.sql import types as t

from offramp.policy.case_table import CaseTable
from offramp.policy.cohort.plain_tables import (
    PARQUET,
    column_names,
    has_other_names,
    has_types,
    plain_lines,
    unreadable,
)
from offramp.policy.cohort.spark_session import first_line
from offramp.policy.cohort.sql_dialects import SPARK
from offramp.policy.cohort.sql_engine import LOADED
from offramp.policy.input_files import open_input
from rules.errors import RequestError
from rules.input.csv_text import LONGEST_CELL, row_pattern
from rules.input.printing import printable

# Spark numbers rows from 0 in each part of a file, and puts the number of the part before.
_BITS = 33
_LEAST_PARTS = 4
_ROW_IN_PART = (1 << _BITS) - 1
# The types whose cells Spark and DuckDB write as the same text.
_SAME_TEXT = (
    t.StringType,
    t.BooleanType,
    t.ByteType,
    t.ShortType,
    t.IntegerType,
    t.LongType,
    t.DecimalType,
    t.NullType,
)
_DAYS = (t.DateType, t.TimestampNTZType)


class SparkEngine:
    """A session with the rows of one file. `SqlEngine` says what each operation does."""

    dialect = SPARK

    def __init__(self, session: SparkSession) -> None:
        self._session = session.newSession()
        # Spark takes 200 parts by itself, and most tables here are small.
        parts = max(_LEAST_PARTS, 2 * session.sparkContext.defaultParallelism)
        self._session.conf.set("spark.sql.shuffle.partitions", parts)

    def load_rows(self, table: CaseTable) -> int | None:
        """Make the table `loaded`."""
        if has_types(table):
            return self._load_parquet(table)
        lines = plain_lines(table)
        return None if lines is None else self._load_csv(table, lines)

    def _load_csv(self, table: CaseTable, lines: int) -> int | None:
        options = {
            "sep": table.mapping.separator,
            "quote": '"',
            "escape": '"',
            "mode": "PERMISSIVE",
            "columnNameOfCorruptRecord": "broken",
            "maxColumns": str(table.width + 1),
        }
        cells = [f"c{at} STRING" for at in range(table.width)]
        line = f.col("value")
        is_plain = (
            f.is_valid_utf8(line)
            & (f.length(line) <= LONGEST_CELL)
            & (~f.contains(line, f.lit('"')) | line.rlike(row_pattern(table.mapping.separator)))
        )
        read = self._session.read.text(_address(table), lineSep="\n").select(
            f.monotonically_increasing_id().alias("at"),
            is_plain.alias("is_plain"),
            f.from_csv(line, ", ".join([*cells, "broken STRING"]), options).alias("row"),
        )
        chosen = [
            f.coalesce(f"row.c{at}", f.lit("")).alias(name)
            for name, at in zip(column_names(table).values(), table.positions.values(), strict=True)
        ]
        is_odd = ~f.col("is_plain") | f.col("row.broken").isNotNull()
        self._keep("read", read.select("at", is_odd.alias("is_odd"), *chosen))
        rows_of: dict[int, int] = {}
        for part, rows, odd in self.run(
            f"SELECT shiftright(at, {_BITS}) AS part, count(*), count_if(is_odd) FROM read "
            "GROUP BY ALL"
        ):
            if odd:
                return None
            rows_of[part] = rows
        if sum(rows_of.values()) != lines:
            return None
        before, starts = 0, []
        for part in range(max(rows_of) + 1):
            starts.append(str(before))
            before += rows_of.get(part, 0)
        names = ", ".join(column_names(table).values())
        place = f"(at & {_ROW_IN_PART}) + array({', '.join(starts)})[shiftright(at, {_BITS})]"
        # The head has the place 0.
        self.name_query(
            LOADED,
            f"SELECT * FROM (SELECT {place} AS place, {names} FROM read) WHERE place > 0",
        )
        return lines - 1

    def _load_parquet(self, table: CaseTable) -> int:
        """Load a file whose columns have types. Each cell becomes text."""
        if not table.name.endswith(PARQUET):
            self.refuse_row_by_row("the file is JSON Lines", "save it as Parquet")
        with open_input(table.name, unzip=False):
            pass  # a file that can't be opened is refused as everywhere
        if has_other_names(table):
            raise unreadable(table, "its name has a mark that stands for other names")
        try:
            frame = self._session.read.parquet(_address(table), recursiveFileLookup=True)
        except (PySparkException, Py4JError) as error:
            raise unreadable(table, first_line(error)) from None
        kinds = [field.dataType for field in frame.schema.fields]
        positions = table.find_columns(frame.columns)
        names = column_names(table)
        for column, at in positions.items():
            self._refuse_type(column, kinds[at])
        numbered = frame.select("_metadata.row_index", "*").toDF(
            "row_index", *(f"c{at}" for at in range(len(kinds)))
        )
        texts = [
            f.coalesce(_text(f"c{at}", kinds[at]), f.lit("")).alias(name)
            for name, at in zip(names.values(), positions.values(), strict=True)
        ]
        place = (f.col("row_index") + 1).alias("place")
        loaded = numbered.select(place, *texts)
        for name, at in zip(names.values(), positions.values(), strict=True):
            if isinstance(kinds[at], t.DoubleType):
                loaded = self._with_texts_of_doubles(loaded, name)
        self._keep(LOADED, loaded)
        return int(self.run(f"SELECT count(*) FROM {LOADED}")[0][0])

    def _refuse_type(self, column: str, kind: t.DataType) -> None:
        if not isinstance(kind, (*_SAME_TEXT, *_DAYS, t.DoubleType)):
            self.refuse_row_by_row(
                f"the column `{printable(column)}` has the type {kind.simpleString()}",
                "save the column as text",
            )

    def _with_texts_of_doubles(self, loaded: DataFrame, name: str) -> DataFrame:
        """Write 1e-05 as DuckDB and Python do, and not 1.0E-5."""
        texts = [row[0] for row in loaded.select(name).distinct().collect() if row[0]]
        self.put(
            f"text_of_{name}",
            {"java": "VARCHAR", "text": "VARCHAR"},
            [texts, [repr(float(text)) for text in texts]],
        )
        joined = loaded.join(
            self._session.table(f"text_of_{name}"), f.col(name) == f.col("java"), "left"
        )
        others = [column for column in loaded.columns if column != name]
        return joined.select(*others, f.coalesce("text", f.lit("")).alias(name))

    def _keep(self, name: str, frame: DataFrame) -> None:
        frame.persist()
        frame.createOrReplaceTempView(name)

    def create(self, name: str, sql: str) -> None:
        """Make a table of what a statement returns, once somebody reads it."""
        self._keep(name, self._session.sql(sql))

    def name_query(self, name: str, sql: str) -> None:
        """Give a statement a name that others can read from."""
        self._session.sql(sql).createOrReplaceTempView(name)

    def put(self, name: str, columns: Mapping[str, str], values: Sequence[Sequence[Any]]) -> None:
        """Make a table of values."""
        records = [dict(zip(columns, item, strict=True)) for item in zip(*values, strict=True)]
        parsed = self.dialect.parsed(":records", [dict(columns)])
        frame = self._session.sql(f"SELECT inline({parsed})", {"records": json.dumps(records)})
        frame.createOrReplaceTempView(name)

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        return list(map(_as_tuple, self._session.sql(sql).collect()))

    def rows(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a statement."""
        return map(_as_tuple, self._session.sql(sql).toLocalIterator())

    def refuse_row_by_row(self, reason: str, fix: str = "") -> None:
        """Raise `RequestError`: who asks for a cluster doesn't want one computer to read alone."""
        raise RequestError(
            "not-for-spark",
            f"`--engine spark` can't count these rows: {printable(reason)}",
            fix=f"{fix}, or leave out `--engine spark`" if fix else "leave out `--engine spark`",
        )


def _address(table: CaseTable) -> str:
    """Return the file's address. Spark takes every character of a path as it is."""
    return f"file://{Path(table.name).absolute()}"


def _text(name: str, kind: t.DataType) -> Column:
    text = f.col(name).cast("string")
    if isinstance(kind, _DAYS):  # the engines differ on other years
        has_usual_year = f.year(name).between(1, 9999) | f.col(name).isNull()
        return f.when(has_usual_year, text).otherwise(f.raise_error(f.lit("a year past 9999")))
    return text


def _as_tuple(row: Row) -> tuple[Any, ...]:
    return tuple(cell.asDict() if isinstance(cell, Row) else cell for cell in row)
