"""The CSV reader: what it accepts reads back to the same cells, and a broken row costs itself."""

from __future__ import annotations

import csv
import io
import time

from hypothesis import given
from hypothesis import strategies as st

from rules.errors import FactsError
from rules.input.csv_text import SEPARATORS, Row, read_rows

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
CELLS = st.one_of(st.sampled_from(["", '"', '""', ",", "\n", "\r\n", "\r", "a,b", " x "]), TEXT)
BARE = st.text("abc 123-:/.é", max_size=6)


def read(data: bytes, separator: str = ",") -> list[Row | FactsError]:
    """Return every row of a table."""
    return list(read_rows(io.BytesIO(data), separator=separator))


def written(rows: list[list[str]], separator: str, end: str, quoting: int) -> bytes:
    """Write rows as Python's own writer does."""
    table = io.StringIO()
    writer = csv.writer(
        table,
        delimiter=separator,
        lineterminator=end,
        quoting=quoting,  # type: ignore[arg-type]  # a number of the csv module
    )
    writer.writerows(rows)
    return table.getvalue().encode()


@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1)
    ),
    st.sampled_from(SEPARATORS),
    # Python's writer leaves a lone carriage return bare if lines end with `\n`.
    st.sampled_from([("\r\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_ALL), ("\n", csv.QUOTE_ALL)]),
)
def test_what_is_written_reads_back_to_the_same_cells(
    rows: list[list[str]], separator: str, form: tuple[str, int]
) -> None:
    rows[0][0] = rows[0][0].removeprefix("\ufeff")
    data = written(rows, separator, *form)
    assert [row.cells for row in read(data, separator) if isinstance(row, Row)] == rows


@given(st.text('ab,"\n\r;é', max_size=40))
def test_no_other_reader_of_csv_reads_an_accepted_table_differently(text: str) -> None:
    rows = read(text.encode())
    if all(isinstance(row, Row) for row in rows):
        theirs = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
        assert [row.cells for row in rows if isinstance(row, Row)] == theirs


@given(
    st.lists(st.tuples(BARE, BARE), min_size=1, max_size=12),
    st.sampled_from([b'x"y,1', b'"x,1', b'"x"y,1', b'1,"', b'",",",', b"\xff,1", b"a\rb,1"]),
    st.data(),
)
def test_a_broken_line_costs_itself_alone(
    pairs: list[tuple[str, str]], broken: bytes, data: st.DataObject
) -> None:
    lines = [f"{first},{second}".encode() for first, second in pairs]
    at = data.draw(st.integers(1, len(lines)))
    table = b"\n".join([*lines[:at], broken, *lines[at:]])
    rows = read(table)
    refused = [row for row in rows if isinstance(row, FactsError)]
    assert [row.at.line for row in refused] == [at + 1]
    assert [row.cells for row in rows if isinstance(row, Row)] == [list(pair) for pair in pairs]


def test_a_row_of_several_lines_has_the_line_at_which_it_begins() -> None:
    rows = read(b'a,b\n1,"x\ny"\n\n2,z\n3,"\n')
    lines = [row.line if isinstance(row, Row) else row.at.line for row in rows]
    assert lines == [1, 2, 5, 6]


def test_many_stray_quotes_take_no_longer_than_their_lines() -> None:
    table = b"a,b\n" + b"".join(
        b'1,"' + bytes(str(number), "ascii") + b"\n" + b"2,3\n" * 50 for number in range(2_000)
    )
    began = time.process_time()
    rows = read(table)
    assert len(rows) == 1 + 2_000 * 51
    assert sum(isinstance(row, FactsError) for row in rows) == 2_000
    assert time.process_time() - began < 5
