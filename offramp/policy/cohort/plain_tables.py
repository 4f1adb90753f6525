"""Which files a database reads as our own reader does, and what it calls their columns.

A CSV file is first looked through as bytes. One with an unusual shape, such as a stray quote or a
row of several lines, is left to our own reader, which names each row that it can't read.
"""

from __future__ import annotations

import re

from offramp.policy.case_table import CaseTable, no_rows
from offramp.policy.input_files import open_input, refuse_broken
from rules.errors import RequestError
from rules.input.printing import printable

PARQUET, JSON_LINES = (".parquet",), (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
_BLOCK = 1 << 22
# A quote that neither opens nor closes a cell, as far as its neighbors tell.
_STRAY = b'[^%s"\\n]"[^%s"\\n]'
_GLOB = re.compile(r"[*?\[\]{}]")


def has_types(table: CaseTable) -> bool:
    """Return whether a file is Parquet or JSON Lines, which our own reader can't read."""
    return table.name.endswith((*PARQUET, *JSON_LINES))


def has_other_names(table: CaseTable) -> bool:
    """Return whether the name of a file stands for other names in a database."""
    return _GLOB.search(table.name) is not None


def column_names(table: CaseTable) -> dict[str, str]:
    """Return the names of the columns of `loaded`, by those of the file.

    SQL takes `Age` and `age` for one name, and `place` is one of ours.
    """
    return {name: f"k{number}" for number, name in enumerate(table.positions)}


def plain_lines(table: CaseTable) -> int | None:
    """Return the number of lines of a CSV file, and find its columns.

    None if a row may be more or less than a line. Raises `RequestError`.
    """
    mapping = table.mapping
    if table.name == "-" or mapping.encoding != "utf-8" or has_other_names(table):
        return None
    lines = _lines(table.name, mapping.separator)
    if lines is None:
        return None
    with open_input(table.name) as stream, refuse_broken(table.name):
        for _ in table.rows_of(stream):
            break  # the head is read with the first row, and its columns are found
    return lines


def unreadable(table: CaseTable, reason: str) -> RequestError:
    """Return the refusal of a file with types that a database can't read."""
    return RequestError(
        "no-file",
        f"`{printable(table.name)}` can't be read: {printable(reason)}",
        fix="check the file",
    )


def _lines(name: str, separator: str) -> int | None:
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
