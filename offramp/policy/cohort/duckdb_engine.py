"""Rows in DuckDB, in the memory of this process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb

from offramp.policy.case_table import CaseTable
from offramp.policy.cohort.plain_tables import (
    PARQUET,
    column_names,
    has_other_names,
    has_types,
    plain_lines,
    unreadable,
)
from offramp.policy.cohort.sql_conditions import quoted
from offramp.policy.cohort.sql_dialects import DUCKDB
from offramp.policy.cohort.sql_engine import LOADED
from offramp.policy.input_files import open_input
from rules.input.csv_text import LONGEST_CELL


class DuckDbEngine:
    """A database with the rows of one file. `SqlEngine` says what each operation does."""

    dialect = DUCKDB

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def load_rows(self, table: CaseTable) -> int | None:
        """Make the table `loaded`."""
        if has_types(table):
            return self._load_typed(table)
        lines = plain_lines(table)
        if lines is None:
            return None
        names = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(table.width))
        chosen = [
            f"coalesce(c{at}, '') AS {name}"
            for name, at in zip(column_names(table).values(), table.positions.values(), strict=True)
        ]
        source = (
            f"read_csv(?, columns = {{{names}}}, header = false, skip = 1, auto_detect = false, "
            f"delim = ?, quote = '\"', escape = '\"', nullstr = '', strict_mode = true, "
            f"max_line_size = {LONGEST_CELL}, compression = ?)"
        )
        compression = "gzip" if table.name.endswith(".gz") else "none"
        try:
            self._load(chosen, source, [table.name, table.mapping.separator, compression])
        except duckdb.Error:
            return None
        rows = self._count()
        return rows if rows == lines - 1 else None

    def _load_typed(self, table: CaseTable) -> int:
        """Load a file whose columns have types. Each cell becomes text."""
        with open_input(table.name, unzip=False):
            pass  # a file that can't be opened is refused as everywhere
        read = "read_parquet" if table.name.endswith(PARQUET) else "read_json"
        form = "" if read == "read_parquet" else ", format = 'newline_delimited'"
        source = f"{read}(?{form})"
        try:
            if has_other_names(table):
                raise duckdb.Error("its name has a mark that stands for other names")
            header = self._connection.execute(
                f"DESCRIBE SELECT * FROM {source}", [table.name]
            ).fetchall()
            positions = table.find_columns([row[0] for row in header])
            chosen = [
                f"coalesce(CAST({quoted(header[at][0])} AS VARCHAR), '') AS {name}"
                for name, at in zip(column_names(table).values(), positions.values(), strict=True)
            ]
            self._load(chosen, source, [table.name])
        except duckdb.Error as error:
            reason = str(error).splitlines()[0] if str(error) else "it is not whole"
            raise unreadable(table, reason) from None
        return self._count()

    def _load(self, chosen: list[str], source: str, parameters: list[Any]) -> None:
        columns = ", ".join(["row_number() OVER () AS place", *chosen])
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {LOADED} AS SELECT {columns} FROM {source}", parameters
        )

    def _count(self) -> int:
        return int(self.run(f"SELECT count(*) FROM {LOADED}")[0][0])

    def create(self, name: str, sql: str) -> None:
        """Make a table of what a statement returns."""
        self._connection.execute(f"CREATE TEMP TABLE {name} AS {sql}")

    def name_query(self, name: str, sql: str) -> None:
        """Give a statement a name that others can read from."""
        self._connection.execute(f"CREATE TEMP VIEW {name} AS {sql}")

    def put(self, name: str, columns: Mapping[str, str], values: Sequence[Sequence[Any]]) -> None:
        """Make a table of values."""
        listed = ", ".join(f"unnest(?::{kind}[]) AS {column}" for column, kind in columns.items())
        self._connection.execute(
            f"CREATE TEMP TABLE {name} AS SELECT {listed}", [list(item) for item in values]
        )

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        rows: list[tuple[Any, ...]] = self._connection.execute(sql).fetchall()
        return rows

    def rows(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a statement."""
        rows = self._connection.execute(sql)
        while (row := rows.fetchone()) is not None:
            yield row

    def refuse_row_by_row(self, reason: str, fix: str = "") -> None:
        """Do nothing: the rows that DuckDB can't count are read one by one on this computer."""
