"""Print to standard output and standard error: the only module that does.

Texts from outside reach a terminal here alone, so that no control or bidirectional character does.
`tests/test_entry_routes.py` fails if another module prints.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress

from rules.input.characters import printable_lines

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def terminal_width(unknown: int) -> int:
    """Return the columns of the terminal, or of `COLUMNS`, or `unknown`.

    As `shutil.get_terminal_size`, which loads compressors.
    """
    columns = 0
    with suppress(KeyError, ValueError):
        columns = int(os.environ["COLUMNS"])
    if columns <= 0 and sys.__stdout__ is not None:
        with suppress(ValueError, OSError):
            columns = os.get_terminal_size(sys.__stdout__.fileno()).columns
    return columns if columns > 0 else unknown


def print_text(text: str = "", *, end: str = "\n", flush: bool = False) -> None:
    """Print text for people on standard output, or a page of HTML or Markdown."""
    print(printable_lines(text), end=end, flush=flush)


def print_json(
    value: Any,
    *,
    indent: int | None = None,
    compact: bool = False,
    ascii_only: bool = False,
    flush: bool = False,
) -> None:
    """Print a value as JSON on standard output. Hidden characters are escaped.

    Other characters outside of ASCII are escaped if `ascii_only`.
    """
    separators = (",", ":") if compact else None
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent, separators=separators)
    print(printable_lines(text), flush=flush)


def print_error(text: str = "") -> None:
    """Print a line of text for people on standard error, if that is open."""
    if sys.stderr is not None:
        print(printable_lines(text), file=sys.stderr, flush=True)
