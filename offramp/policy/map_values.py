"""The values that a map writes: checked against the fact's type when the map is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from rules.errors import FactsError, nearest
from rules.input.interval import Interval
from rules.input.printing import printable
from rules.input.values import (
    read_bool,
    read_choice,
    read_date,
    read_number,
    read_text,
    read_timestamp,
)
from rules.input.vocabulary import Fact
from rules.input.yaml import Node

_READERS: dict[str, Callable[[Fact, str, Any], Any]] = {
    "bool": read_bool,
    "choice": read_choice,
    "date": read_date,
    "int": read_number,
    "decimal": read_number,
    "text": read_text,
    "citation": read_text,  # `read_facts` reads it, with the systems of the pack
    "timestamp": read_timestamp,
}
NUMBERS = ("int", "decimal")


def read_value(fact: Fact, node: Node) -> Any:
    """Read a value that a map writes for a fact. `unknown` is None.

    A number may be a range, `{between: [4, 14]}`. A list may only be `none` or `unknown`.
    """
    if node.value == "unknown":
        return None
    if fact.type == "list":
        if node.value in ("none", []):
            return []
        node.fail(
            "wrong-shape",
            f"a whole list of `{fact.path}` can't be written here",
            "write `none` or `unknown`, or list its records under `items`",
        )
    if fact.type in NUMBERS and isinstance(node.value, dict):
        return _read_range(fact, node)
    return checked(fact, node, node.data())


def checked(fact: Fact, node: Node, value: Any) -> Any:
    """Return a value as the fact's reader reads it. Refuse it at the node's place otherwise."""
    try:
        return _READERS[fact.type](fact, fact.path, value)
    except FactsError as error:
        code = "unknown-word" if error.code == "unknown-choice" else "wrong-shape"
        node.fail(code, error.message, error.fix)


def _read_range(fact: Fact, node: Node) -> Any:
    entry = node.mapping("a range", ("between",), ("between",))
    ends = [end.data() for end in read_ends(entry["between"])]
    for end in ends:
        if end is not None and (isinstance(end, bool) or not isinstance(end, (int, Decimal))):
            node.fail(
                "wrong-shape", "an end of the range is no number", "write a number, or `null`"
            )
    return checked(fact, node, Interval(*ends))


def read_ends(node: Node) -> list[Node]:
    """Read the two ends of a range."""
    ends = node.items("`between`")
    if len(ends) != 2:
        node.fail("wrong-shape", "the range has not two ends", "write `[lowest, highest]`")
    return ends


def read_factor(node: Node) -> Decimal | None:
    """Read a factor above 0, or None for `unknown`."""
    if node.value == "unknown":
        return None
    factor = node.data()
    if isinstance(factor, bool) or not isinstance(factor, (int, Decimal)):
        node.fail("wrong-shape", "the factor is no number", "write a number, or `unknown`")
    if not 0 < factor < 10**12:
        node.fail("wrong-shape", "the factor is not above 0", "write a number, or `unknown`")
    return Decimal(factor)


def read_table(node: Node, read: Callable[[Node], Any]) -> dict[str, Any]:
    """Read a table from cell to value."""
    table = {cell.strip(): read(value) for cell, value in node.mapping("`values`").items()}
    if len(table) != len(node.value):
        node.fail("duplicate-key", "two cells of `values` differ in spaces only", "keep one")
    return table


def read_cells(node: Node, subject: str) -> tuple[str, ...]:
    """Read a list of cells as they are written. A cell may be empty."""
    cells = []
    for item in node.items(subject):
        if not isinstance(item.value, str):
            item.fail("wrong-shape", f"a cell of {subject} is no text", "write `[a, b]`")
        cells.append(item.value.strip())
    return tuple(cells)


def read_mark(node: Node, subject: str, allowed: Mapping[str, str]) -> str:
    """Read a mark of a closed list, such as a separator. `tab` is a tab."""
    written = node.value if isinstance(node.value, str) else ""
    if written not in allowed:
        node.fail(
            "unknown-word",
            f"`{printable(written)}` is no {subject}",
            nearest(printable(written), tuple(allowed)),
        )
    return allowed[written]
