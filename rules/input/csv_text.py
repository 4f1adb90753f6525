"""Read CSV: rows from bytes, line by line, by the strict rules of RFC 4180.

A broken row costs itself alone. A stray quote, an oversized cell, or a byte outside the encoding
becomes a `FactsError` at the line where the row begins, and the next line begins a new row. A quote
that never closes costs its own line too, since the lines after it are read again.

A quote may only open a cell or be doubled inside a quoted one. A cell in quotes may span lines.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from typing import IO

from rules.errors import FactsError, Place
from rules.frozen import frozen

LONGEST_CELL = 131_072  # characters; larger cells are no values of facts
LONGEST_ROW = 1_000_000  # characters, and bytes of a line before it is decoded: four times as many
# Bytes that no text has: controls other than tab, line feed, vertical tab, form feed, and return.
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
# Parquet, PDF, ZIP and workbooks, gzip, PNG, JPEG, and old workbooks.
_BINARY = (
    b"PAR1",
    b"%PDF-",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"\xd0\xcf\x11\xe0",
)
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
ENCODINGS = ("utf-8", "windows-1252", "iso-8859-1")
SEPARATORS = (",", ";", "\t", "|")


def _is_binary(line: bytes) -> bool:
    """Return whether a file is no text, by its first line: a picture, a workbook, or packed data.

    Text in UTF-16 is told by its mark, since half of its bytes may be zero.
    """
    if line.startswith(_UTF_16):
        return False
    return line.startswith(_BINARY) or _CONTROL.search(line) is not None


@frozen
class Row:
    """A row of a table. `line` is the line at which it begins, counted from 1."""

    line: int
    cells: list[str]


def read_rows(
    stream: IO[bytes],
    *,
    separator: str = ",",
    encoding: str = "utf-8",
    refuses_binary: bool = False,
) -> Iterator[Row | FactsError]:
    """Yield each row of a table, the head first. Empty lines are skipped.

    The first row sets the width: a later row of several lines with another number of cells is
    taken as a stray quote. A row of one line is yielded with any number of cells. With
    `refuses_binary`, a first line that no text has is a `FactsError` `not-text`.
    """
    reader = _RowReader(_Lines(stream, encoding, refuses_binary=refuses_binary), separator)
    while (row := reader.next_row()) is not None:
        yield row


class _Lines:
    """The decoded lines of a stream, of which some may be put back to be read again.

    A line is its number and its text with the line break, or a `FactsError`.
    """

    def __init__(self, stream: IO[bytes], encoding: str, *, refuses_binary: bool) -> None:
        self.stream = stream
        self.refuses_binary = refuses_binary
        self.encoding = encoding
        self.number = 0
        self.waiting: deque[tuple[int, str | FactsError]] = deque()

    def next_line(self, *, skips_empty: bool = False) -> tuple[int, str | FactsError] | None:
        """Return the next line, or None at the end. With `skips_empty`, one that has a text."""
        if self.waiting:
            return self.waiting.popleft()
        raw = self.stream.readline(4 * LONGEST_ROW)
        if skips_empty:
            while raw in (b"\n", b"\r\n"):
                self.number += 1
                raw = self.stream.readline(4 * LONGEST_ROW)
        if not raw:
            return None
        self.number += 1
        rest = raw
        while len(rest) == 4 * LONGEST_ROW and not rest.endswith(b"\n"):
            rest = self.stream.readline(4 * LONGEST_ROW)
        if rest is not raw:
            return self.number, _too_large(self.number)
        if self.number == 1 and self.refuses_binary and _is_binary(raw):
            return self.number, _not_text()
        try:
            text = raw.decode("utf-8-sig" if self._may_begin_with_mark() else self.encoding)
        except UnicodeDecodeError:
            return self.number, _not_encoded(self.number, self.encoding)
        return self.number, text

    def _may_begin_with_mark(self) -> bool:
        return self.number == 1 and self.encoding == "utf-8"

    def put_back(self, lines: list[tuple[int, str | FactsError]]) -> None:
        """Have these lines read again, before any other."""
        self.waiting.extendleft(reversed(lines))


class _RowReader:
    """Reads rows from lines. `width` is the number of cells of the first row."""

    def __init__(self, lines: _Lines, separator: str) -> None:
        self.lines = lines
        self.separator = separator
        self.width: int | None = None

    def next_row(self) -> Row | FactsError | None:
        """Return the next row that is not empty, or None at the end."""
        while (line := self.lines.next_line(skips_empty=True)) is not None:
            number, text = line
            if isinstance(text, FactsError):
                return text
            if text in ("\n", "\r\n"):
                continue
            row = self._row(number, text)
            if self.width is None and isinstance(row, Row):
                self.width = len(row.cells)
            return row
        return None

    def _row(self, number: int, text: str) -> Row | FactsError:
        quotes = text.count('"')
        if quotes % 2:
            return self._row_of_lines(number, text, quotes)
        bare = _without_break(text)
        if not quotes and len(bare) <= LONGEST_CELL and "\r" not in bare:
            return Row(number, bare.split(self.separator))
        return _split(number, bare, self.separator)

    def _row_of_lines(self, number: int, first: str, quotes: int) -> Row | FactsError:
        """Read a row with an open quote at the end of its line, or put back the lines after it.

        INVARIANT: a row is complete only if its number of quotes is even. So lines are joined up to
        there, and the row is split once.
        """
        read: list[tuple[int, str | FactsError]] = []
        pieces, size = [first], len(first)
        while size <= LONGEST_ROW and (line := self.lines.next_line()) is not None:
            read.append(line)
            text = line[1]
            if isinstance(text, FactsError):
                break
            pieces.append(text)
            size += len(text)
            quotes += text.count('"')
            if quotes % 2 == 0:
                row = _split(number, _without_break("".join(pieces)), self.separator)
                if isinstance(row, Row):
                    is_whole = len(row.cells) == (self.width or len(row.cells))
                else:
                    is_whole = row.code == "too-large"
                if is_whole:
                    return row
                break
        self.lines.put_back(read)
        return _stray_quote(number)


def _split(number: int, text: str, separator: str) -> Row | FactsError:
    """Split a row without its line break."""
    if not _compiled(separator).fullmatch(text):
        return _stray_quote(number) if '"' in text else _stray_return(number)
    try:
        (cells,) = csv.reader([text], delimiter=separator, strict=True)
    except csv.Error:  # over the limit of the module
        return _too_large(number)
    return Row(number, cells)


def row_pattern(separator: str) -> str:
    """Return the pattern of a whole row, for Python and Java.

    A quote opens a cell, closes it, or is doubled inside it.
    """
    mark = re.escape(separator)
    cell = rf'(?:"[^"]*+(?:""[^"]*+)*+"|[^"{mark}\r\n]*+)'
    return f"^{cell}(?:{mark}{cell})*+$"


@lru_cache(maxsize=8)
def _compiled(separator: str) -> re.Pattern[str]:
    return re.compile(row_pattern(separator))


def _without_break(text: str) -> str:
    if text.endswith("\r\n"):
        return text[:-2]
    return text[:-1] if text.endswith("\n") else text


def _not_text() -> FactsError:
    return FactsError(
        "not-text",
        "the file is not text: it is a workbook, a picture, packed data, or another binary file",
        at=Place(line=1),
        fix="export the table as CSV, and end the name of a packed CSV file in `.gz`",
    )


def _too_large(line: int) -> FactsError:
    message = f"a cell has over {LONGEST_CELL} characters"
    return FactsError(
        "too-large", message, at=Place(line=line), fix="check its quotes, or shorten it"
    )


def _not_encoded(line: int, encoding: str) -> FactsError:
    name = "UTF-8" if encoding == "utf-8" else encoding
    fix = "save the table as UTF-8, or name its `encoding` in the map"
    return FactsError("not-utf-8", f"the line is not {name} text", at=Place(line=line), fix=fix)


def _stray_quote(line: int) -> FactsError:
    fix = "put the whole cell in quotes, and double a quote inside it"
    return FactsError("not-csv", "the row has a stray quote", at=Place(line=line), fix=fix)


def _stray_return(line: int) -> FactsError:
    message = "the row has a carriage return that ends no line"
    fix = "end each line with a line feed"
    return FactsError("not-csv", message, at=Place(line=line), fix=fix)
