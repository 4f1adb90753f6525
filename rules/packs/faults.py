"""The faults of a stage, collected so that an author sees all of them in one run.

A fault that only follows from an earlier one is left out: a condition that reads a parameter whose
declaration was refused has no fault of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rules.errors import PackError

MOST_FAULTS = 200  # more are not looked for
_NO_FIELD = re.compile(r"`([^`]*)` has no field `([^`]*)`")
_FIRST_NAME = re.compile(r"`(?:clocks\.|decisions\.)?([^`]*)`")


class Faults:
    """The faults of one stage, in the order in which they were found."""

    def __init__(self) -> None:
        self.errors: list[PackError] = []
        self._seen: set[str] = set()
        self._refused_names: set[str] = set()
        self._ignored: set[str] = set()

    @contextmanager
    def collect(self, *names: str) -> Iterator[None]:
        """Collect the fault of a block, which reads the items of these names.

        The block ends at its fault, and the reading goes on after it.
        """
        try:
            yield
        except PackError as error:
            self.add(error)
            self._refused_names.update(names)

    def add(self, error: PackError) -> None:
        """Add an error with its others. Raises `PackError` when there are too many."""
        for fault in error.all():
            fault.others = ()
            if str(fault) not in self._seen and not self._follows(fault):
                self._seen.add(str(fault))
                self.errors.append(fault)
        if len(self.errors) >= MOST_FAULTS:
            self.raise_all()

    def ignore(self, code: str) -> None:
        """Ignore a code whose faults follow from one that was collected."""
        self._ignored.add(code)

    def refuse_names(self, names: Iterable[str]) -> None:
        """Note names that are missing because of a fault that was collected."""
        self._refused_names.update(names)

    def raise_all(self) -> None:
        """Raise the first fault with the others, if there is any."""
        if self.errors:
            raise joined(self.errors)

    def _follows(self, fault: PackError) -> bool:
        """Return whether a fault only follows from an item that was refused before."""
        if fault.code in self._ignored:
            return True
        name = _FIRST_NAME.search(fault.message)
        is_lookup = fault.code.startswith("unknown-") or fault.code == "override-of-nothing"
        if not is_lookup or name is None:
            return False
        field = _NO_FIELD.match(fault.message)
        path = f"{field[1]}.{field[2].rpartition('.')[2]}" if field is not None else name[1]
        return path in self._refused_names


def joined(errors: Iterable[PackError]) -> PackError:
    """Return the first error, with all others and theirs as its `others`."""
    faults: dict[str, PackError] = {}
    for error in errors:
        for fault in error.all():
            faults.setdefault(str(fault), fault)
    first, *rest = faults.values()
    first.others = tuple(rest)
    return first


def gather(readers: dict[str, Callable[[], Any]]) -> dict[str, Any]:
    """Return the value of each reader by its name, or raise the faults of all together."""
    values: dict[str, Any] = {}
    errors: list[PackError] = []
    for name, read in readers.items():
        try:
            values[name] = read()
        except PackError as error:
            errors.append(error)
    if errors:
        raise joined(errors)
    return values
