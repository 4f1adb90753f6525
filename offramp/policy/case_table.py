"""Cases to decide, one after the other, from a CSV table and a map."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from offramp.policy.case_input import CaseInput
from offramp.policy.input_files import open_input, refuse_broken
from offramp.policy.table_map import TableMap, read_map
from rules.errors import FactsError, Place, RequestError, nearest
from rules.input.printing import printable


def read_case_table(map_name: str, table_name: str) -> Iterator[CaseInput]:
    """Read one case from each row of a table. Raises `RequestError` for a table that breaks off."""
    mapping = read_map(map_name)
    with open_input(table_name) as stream, refuse_broken(table_name):
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        table = csv.DictReader(text, strict=True)
        try:
            _check_columns(mapping, list(table.fieldnames or []))
            for row in table:
                yield _case(mapping, row, table.line_num)
        except UnicodeDecodeError:
            raise RequestError(
                "not-utf-8", "the table is not UTF-8 text", fix="save it as UTF-8"
            ) from None
        except (csv.Error, EOFError, OSError) as error:
            message = f"the table breaks off at line {table.line_num}: {error}"
            raise RequestError("not-csv", message, fix="check that line") from None


def _check_columns(mapping: TableMap, header: list[str]) -> None:
    for column in mapping.columns:
        if column not in header:
            raise RequestError(
                "no-column",
                f"the table has no column `{printable(column)}`",
                fix=nearest(column, header),
            )


def _case(mapping: TableMap, row: dict[str, str], line: int) -> CaseInput:
    def read_facts() -> Any:
        """Return the row's facts."""
        # The CSV reader marks extra cells by the key None and missing cells by the value None.
        if None in row or None in row.values():
            raise FactsError(
                "unmapped-cell",
                f"line {line} has more or fewer cells than the head",
                at=Place(line=line),
                fix="check its commas and quotes",
            )
        facts: dict[str, Any] = {}
        for path, reader in mapping.readers:
            value = reader(row)
            if value is not None:
                *groups, name = path.split(".")
                level = facts
                for group in groups:
                    level = level.setdefault(group, {})
                level[name] = value
        return facts

    return CaseInput(row.get(mapping.id_column) or f"line {line}", read_facts)
