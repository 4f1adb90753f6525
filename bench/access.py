"""Measure what the check of role and caseload costs an operation, and the look that it writes.

Run it as `python bench/access.py 500`, where the number is a count of cases. Each operation of the
case managers runs as people call it, and then the same function without the check. The two take
turns, so that a busy machine slows both. The last lines read and verify the journal of looks.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.caseload import refer, spelled
from offramp.agency import operations
from offramp.agency.folder.looks import Look
from offramp.agency.folder.office import Office
from tests.support.agencies import Town

ROUNDS = 41
MANY = 100_000


def unchecked(operation: Callable[..., Any]) -> Callable[..., Any]:
    """Return an operation's own function, without the check around it."""
    inner: Callable[..., Any] = operation.__wrapped__  # type: ignore[attr-defined]  # by `wraps`
    return inner


def calls(case: str) -> Mapping[str, tuple[Callable[..., Any], tuple[Any, ...]]]:
    """Return each operation to measure with its arguments, by a name."""
    return {
        "cases": (operations.list_cases, ()),
        "tasks": (operations.list_tasks, ()),
        "a case's view": (operations.read_case, (case,)),
        "find": (operations.find, (spelled(7919),)),
        "a form about a case": (operations.open_form, ("plan", case)),
        "what waits": (operations.waiting_questions, ()),
        "status (no check, no look)": (operations.report_status, ()),
    }


def milliseconds(call: Callable[[], Any]) -> tuple[float, float]:
    """Return the time of one call by the clock, and of the processor."""
    start, busy = time.perf_counter(), time.process_time()
    call()
    return (time.perf_counter() - start) * 1000, (time.process_time() - busy) * 1000


def compare(office: Office, case: str) -> None:
    """Print the median of each operation with the check and without it."""
    print("medians in ms, by the clock and of the processor: with check and look, then without")
    for name, (operation, arguments) in calls(case).items():
        inner = unchecked(operation)
        operation(office, *arguments)
        inner(office, *arguments)
        checked, bare = [], []
        for _ in range(ROUNDS):
            checked.append(milliseconds(lambda: operation(office, *arguments)))  # noqa: B023 (called at once)
            bare.append(milliseconds(lambda: inner(office, *arguments)))  # noqa: B023 (called at once)
        figures = [
            median(column) for times in (checked, bare) for column in zip(*times, strict=True)
        ]
        print(f"{name:<28}" + "".join(f"{figure:>9.2f}" for figure in figures), flush=True)


def many_looks(office: Office, case: str) -> None:
    """Print the time to read and to verify a long journal of looks."""
    look = Look(0, office.clock(), "Rosa Quintana", "rosa", "bench", "case", "read_case", "ab" * 16)
    with office.journal.together():
        for _ in range(MANY):
            office.looks.add(look)
    operations.read_case(office, case)
    one, _ = milliseconds(lambda: operations.list_case_looks(office, case))
    whole, _ = milliseconds(lambda: list(office.looks.faults(office.journal.after(0))))
    print(f"of {MANY:,} looks: {one:.0f} ms to list a case's, {whole:.0f} ms to verify all")


def measure(count: int) -> None:
    """Print the costs with one number of cases."""
    with tempfile.TemporaryDirectory() as scratch:
        town = Town(Path(scratch))
        case = refer(town, count)[-1]
        print(f"{count} cases")
        office = town.at["crossroads"]
        compare(office, case)
        many_looks(office, case)


if __name__ == "__main__":
    for cases in sys.argv[1:] or ["200"]:
        measure(int(cases))
