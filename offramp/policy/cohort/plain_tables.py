"""Load the rows of a file into DuckDB, if that reads the same rows as our own reader.

A CSV file is first looked through as bytes. One with an unusual shape, such as a stray quote or a
row of several lines, is left to our own reader, which names each row that it can't read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from offramp.policy.case_table import CaseTable, no_rows
from offramp.policy.cohort.sql_conditions import quoted
from offramp.policy.input_files import open_input, refuse_broken
from rules.errors import RequestError
from rules.input.csv_text import LONGEST_CELL
from rules.input.printing import printable

if TYPE_CHECKING:
    import duckdb

PARQUET, JSON_LINES = (".parquet",), (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
_BLOCK = 1 << 22
# A quote that neither opens nor closes a cell, as far as its neighbors tell.
_STRAY = b'[^%s"\\n]"[^%s"\\n]'
_GLOB = re.compile(r"[*?\[\]{}]")


def load_rows(connection: duckdb.DuckDBPyConnection, table: CaseTable) -> int | None:
    """Make the table `loaded`: the needed columns as text, and the `place` of each row from 1.

    Return the number of rows. None if our own reader has to read the file. Raises `RequestError`.
    """
    if has_types(table):
        return _load_typed(connection, table)
    mapping = table.mapping
    if table.name == "-" or mapping.encoding != "utf-8" or _GLOB.search(table.name):
        return None
    lines = _plain_lines(table.name, mapping.separator)
    if lines is None:
        return None
    with open_input(table.name) as stream, refuse_broken(table.name):
        for _ in table.rows_of(stream):
            break  # the head is read with the first row, and its columns are found
    positions, width = table.positions, table.width
    names = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(width))
    chosen = [
        f"coalesce(c{at}, '') AS {name}"
        for name, at in zip(column_names(table).values(), positions.values(), strict=True)
    ]
    source = (
        f"read_csv(?, columns = {{{names}}}, header = false, skip = 1, auto_detect = false, "
        f"delim = ?, quote = '\"', escape = '\"', nullstr = '', strict_mode = true, "
        f"max_line_size = {LONGEST_CELL}, compression = ?)"
    )
    compression = "gzip" if table.name.endswith(".gz") else "none"
    parameters = [table.name, mapping.separator, compression]
    if not _load(connection, chosen, source, parameters):
        return None
    rows = _count(connection)
    return rows if rows == lines - 1 else None


def has_types(table: CaseTable) -> bool:
    """Return whether a file is Parquet or JSON Lines, which our own reader can't read."""
    return table.name.endswith((*PARQUET, *JSON_LINES))


def column_names(table: CaseTable) -> dict[str, str]:
    """Return the names of the columns of `loaded`, by those of the file.

    SQL takes `Age` and `age` for one name, and `place` is one of ours.
    """
    return {name: f"k{number}" for number, name in enumerate(table.positions)}


def _load(
    connection: duckdb.DuckDBPyConnection, chosen: list[str], source: str, parameters: list[Any]
) -> bool:
    import duckdb

    columns = ", ".join(["row_number() OVER () AS place", *chosen])
    try:
        connection.execute(
            f"CREATE TEMP TABLE loaded AS SELECT {columns} FROM {source}", parameters
        )
    except duckdb.Error:
        return False
    return True


def _count(connection: duckdb.DuckDBPyConnection) -> int:
    row = connection.execute("SELECT count(*) FROM loaded").fetchone()
    assert row is not None
    return int(row[0])


def _plain_lines(name: str, separator: str) -> int | None:
    """Return the number of lines of a file, None if a row may be more or less than a line."""
    mark = re.escape(separator.encode())
    stray = re.compile(_STRAY % (mark, mark))
    lines, last, is_empty = 0, b"\n", True
    with open_input(name) as stream, refuse_broken(name):
        while block := stream.read(_BLOCK):
            is_empty = False
            joined = last + block
            if b"\0" in block or b"\r" in block or b"\n\n" in joined:
                return None
            if b'"' in block and stray.search(joined):
                return None
            lines += block.count(b"\n")
            last = block[-1:]
    if is_empty:
        raise no_rows()
    return lines if last == b"\n" else lines + 1


def _load_typed(connection: duckdb.DuckDBPyConnection, table: CaseTable) -> int:
    """Load a file whose columns have types. Each cell becomes text."""
    import duckdb

    with open_input(table.name, unzip=False):
        pass  # a file that can't be opened is refused as everywhere
    read = "read_parquet" if table.name.endswith(PARQUET) else "read_json"
    form = "" if read == "read_parquet" else ", format = 'newline_delimited'"
    try:
        if _GLOB.search(table.name):
            raise duckdb.Error("its name has a mark that stands for other names")
        described = connection.execute(f"DESCRIBE SELECT * FROM {read}(?{form})", [table.name])
        header = described.fetchall()
        positions = table.find_columns([row[0] for row in header])
        chosen = [
            f"coalesce(CAST({quoted(header[at][0])} AS VARCHAR), '') AS {name}"
            for name, at in zip(column_names(table).values(), positions.values(), strict=True)
        ]
        columns = ", ".join(["row_number() OVER () AS place", *chosen])
        connection.execute(
            f"CREATE TEMP TABLE loaded AS SELECT {columns} FROM {read}(?{form})", [table.name]
        )
    except duckdb.Error as error:
        reason = str(error).splitlines()[0] if str(error) else "it is not whole"
        raise RequestError(
            "no-file",
            f"`{printable(table.name)}` can't be read: {printable(reason)}",
            fix="check the file",
        ) from None
    return _count(connection)
