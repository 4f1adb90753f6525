"""Cases to decide, one after the other, from JSON Lines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from types import NoneType

from offramp.policy.input_files import READ_LIMIT, open_input, refuse_broken
from rules.errors import FactsError, Place, Refusal
from rules.frozen import frozen
from rules.input.json_text import LARGEST, parse_json
from rules.input.printing import kind_of, printable

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any, Protocol
else:
    Protocol = object

_SURROGATE = "[\ud800-\udfff]"


@frozen
class WrittenNumber:
    """A number as it is written in JSON."""

    text: str


@frozen
class RowKey:
    """The cells of a row that its map reads, but for its day.

    Rows with the same cells have the same facts, apart from `encounter.date`. It is `day`, or
    unknown.
    """

    cells: tuple[str, ...]
    day: date | None


@frozen
class CaseInput:
    """One case of many: its id, and the function that returns its facts or raises a `Refusal`.

    `key` is that of a row of a table, None if its day is mapped in a way that can't be told apart.
    """

    id: Any
    read_facts: Callable[[], Any]
    key: RowKey | None = None


@frozen
class AnswerLine:
    """The answer to one case of many as a line of JSON. `is_refused` if its facts were refused."""

    text: str
    is_refused: bool


class CaseFile(Protocol):
    """A file of cases. A row is what stands for one case before it is read, in a simple form."""

    stream: IO[bytes] | None

    def rows(self) -> Iterator[Any]:
        """Yield each row, in the order of the file."""

    def case(self, row: Any) -> CaseInput:
        """Read the case of a row."""

    def likeness(self, row: Any) -> int:
        """Return a number that rows with equal cells share."""


class CaseLines:
    """A file of JSON lines, `{"id": ..., "facts": {...}}`. Empty lines are skipped."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.stream: IO[bytes] | None = None

    def rows(self) -> Iterator[tuple[bytes, int]]:
        """Yield each line with its number."""
        with open_input(self.name) as self.stream:
            number = 0
            while line := _read_line(self.stream, self.name):
                number += 1
                if line.strip():
                    yield line, number

    def case(self, row: tuple[bytes, int]) -> CaseInput:
        """Read the case of a line."""
        return _parse_line(*row)

    def likeness(self, row: tuple[bytes, int]) -> int:
        """Return the line's number, since equal lines are not looked for."""
        return row[1]


def read_case_lines(name: str) -> Iterator[CaseInput]:
    """Read one case from each line of a file."""
    lines = CaseLines(name)
    return map(lines.case, lines.rows())


def _read_line(stream: IO[bytes], name: str) -> bytes:
    """Return the next line. A line too long for a case is cut off where that is certain."""
    with refuse_broken(name):
        line = rest = stream.readline(READ_LIMIT)
        while len(rest) == READ_LIMIT and not rest.endswith(b"\n"):
            rest = stream.readline(READ_LIMIT)
    return line


def _parse_line(line: bytes, number: int) -> CaseInput:
    try:
        text = line.decode("utf-8-sig", "strict" if len(line) < LARGEST else "replace")
        case = parse_json(text, "the facts of this line")
    except UnicodeDecodeError:
        fault = FactsError("not-utf-8", "the line is not UTF-8 text", fix="save it as UTF-8")
        return _refused(None, fault, number)
    except Refusal as refusal:
        return _refused(None, refusal, number)
    if not isinstance(case, dict) or not set(case) <= {"id", "facts"} or "facts" not in case:
        case_id = case.get("id") if isinstance(case, dict) else None
        message = "the line is not an object with `id` and `facts`"
        fault = FactsError("wrong-shape", message, fix='write `{"id": …, "facts": {…}}`')
        return _refused(_exact_id(case_id, text), fault, number)
    case_id = case.get("id")
    if isinstance(case_id, bool) or not isinstance(case_id, (str, int, Decimal, NoneType)):
        fault = FactsError(
            "wrong-shape",
            f"`id` is {kind_of(case_id)}, not a text or a number",
            at=Place(path="id"),
            fix="put it in quotes",
        )
        return _refused(None, fault, number)
    return CaseInput(_exact_id(case_id, text), lambda: case["facts"])


def _refused(case_id: Any, refusal: Refusal, number: int) -> CaseInput:
    refusal.at = Place(line=number, path=refusal.at.path)

    def read_facts() -> Any:
        """Raise the refusal."""
        raise refusal

    return CaseInput(case_id, read_facts)


def _exact_id(case_id: Any, line: str) -> str | int | WrittenNumber | None:
    """Return an id that comes out as it is written in its line, or None if it can't be one."""
    if isinstance(case_id, Decimal) or (case_id == 0 and not isinstance(case_id, bool)):
        # The value has lost its spelling: 1e3, 1.0, or -0.
        tokens = json.loads(line, parse_int=WrittenNumber, parse_float=WrittenNumber)
        token: WrittenNumber = tokens["id"]
        return token
    if isinstance(case_id, str) and not case_id.isprintable():
        # JSON escapes the rest, but half a surrogate pair is no text.
        return re.sub(_SURROGATE, lambda half: printable(half[0]), case_id)
    return case_id if isinstance(case_id, (str, int)) else None


def id_as_json(case_id: Any) -> str:
    """Return an id as JSON text."""
    return case_id.text if isinstance(case_id, WrittenNumber) else json.dumps(case_id)
