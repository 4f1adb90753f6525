"""What a count of rows needs of a database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from offramp.policy.case_table import CaseTable
from offramp.policy.cohort.sql_dialects import Dialect

LOADED = "loaded"  # the table of the rows of a file


class SqlEngine(Protocol):
    """A database with the rows of one file."""

    @property
    def dialect(self) -> Dialect:
        """How it writes SQL."""

    def load_rows(self, table: CaseTable) -> int | None:
        """Make the table `loaded`: the needed columns as text, and the `place` of each row from 1.

        Return the number of rows. None if our own reader has to read the file. Raises
        `RequestError`.
        """

    def create(self, name: str, sql: str) -> None:
        """Make a table of what a statement returns."""

    def name_query(self, name: str, sql: str) -> None:
        """Give a statement a name that others can read from. It runs each time."""

    def put(self, name: str, columns: Mapping[str, str], values: Sequence[Sequence[Any]]) -> None:
        """Make a table of values: a type and a sequence of values for each column."""

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement. A record is a mapping."""

    def rows(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a statement, which may be too many to be in memory at once."""

    def refuse_row_by_row(self, reason: str, fix: str = "") -> None:
        """Raise `RequestError` if rows that it can't count are not to be read one by one."""
