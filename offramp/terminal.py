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


def wrap_words(text: str, width: int, *, break_long_words: bool = False) -> list[str]:
    """Return a text in lines as `textwrap.wrap` does, which breaks no word at a hyphen.

    `textwrap` takes longer to load than most answers to write, and is left to unusual texts.
    """
    first, *words = text.split(" ")
    is_long = break_long_words and max(map(len, (first, *words))) > width
    if is_long or not first or "" in words or not text.isprintable():
        from textwrap import wrap

        return wrap(text, width, break_long_words=break_long_words, break_on_hyphens=False)
    lines, line = list[str](), first
    for word in words:
        if len(line) + 1 + len(word) <= width:
            line += f" {word}"
        else:
            lines.append(line)
            line = word
    return [*lines, line]


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
