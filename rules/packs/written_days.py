"""Every day that is written in a pack's file, with its place, so that a reader can doubt it.

The days of an item (`from`, `until`), of the program, and of the check of a source (`checked`) are
read alike, whatever they belong to.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from rules.errors import PackError, Place
from rules.frozen import frozen
from rules.input.yaml import Node, read_file
from rules.packs.days import read_day

CHECKED = "checked"
_KEYS = ("from", "until", CHECKED)


@frozen
class WrittenDay:
    """A day as a pack's file has it. `path` leads to it, such as `program.until`."""

    path: str
    day: date
    place: Place

    @property
    def is_check(self) -> bool:
        """True for the day on which somebody compared the pack with a source."""
        return self.path.rpartition(".")[2] == CHECKED


def days_in(folder: Path) -> tuple[WrittenDay, ...]:
    """Return the days in the file of a pack that was read without a fault, in its order."""
    name = f"{folder.resolve().name}/pack.yaml"
    return tuple(_days(read_file(folder / "pack.yaml", name), ""))


def _days(node: Node, path: str) -> Iterator[WrittenDay]:
    if isinstance(node.value, list):
        for number, entry in enumerate(node.value):
            yield from _days(entry, f"{path}[{_name(entry) or number}]")
    elif isinstance(node.value, dict):
        for key, entry in node.value.items():
            own_path = f"{path}.{key}" if path else key
            day = _day_of(entry) if key in _KEYS else None
            if day is not None:
                yield WrittenDay(own_path, day, entry.place)
            else:
                yield from _days(entry, own_path)


def _day_of(node: Node) -> date | None:
    """Return the day that a node states, None for another text: `from` can be a role too."""
    try:
        return read_day(node) if isinstance(node.value, str) else None
    except PackError:
        return None


def _name(entry: Node) -> str | None:
    """Return the id of an entry of a list, None without one."""
    node = entry.value.get("id") if isinstance(entry.value, dict) else None
    return node.value if node is not None and isinstance(node.value, str) else None
