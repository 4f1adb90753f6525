"""The order of the tests of a run: each process begins with its share of the long files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.long_files import LONG, share_out


@dataclass(frozen=True)
class Named:
    """A test of a file, by its number there."""

    path: Path
    number: int


TESTS = [
    Named(file, number)
    for file in sorted((ROOT / "tests").glob("*/test_*.py"))
    for number in range(25)
]


def name_of(test: Named) -> str:
    return f"{test.path.parent.name}/{test.path.name}"


def test_each_long_file_is_one_of_the_tests() -> None:
    assert set(LONG) <= {name_of(test) for test in TESTS}


@pytest.mark.parametrize("processes", [1, 2, 3, 4, 7])
def test_each_process_begins_with_its_share_of_the_long_files(processes: int) -> None:
    ordered = share_out(TESTS, processes)
    assert sorted(ordered, key=TESTS.index) == TESTS
    shares, left = [], ordered
    for number in range(processes):
        size = len(left) // (processes - number)
        shares.append(left[:size])
        left = left[size:]
    seconds = []
    for share in shares:
        names = list(dict.fromkeys(map(name_of, share)))
        long = [name for name in names if name in LONG]
        assert names[: len(long)] == long
        seconds.append(sum(LONG[name] for name in long))
    assert sum(seconds) == sum(LONG.values())
    assert max(seconds) - min(seconds) <= max(LONG.values())


def test_a_run_of_few_tests_has_each_of_them() -> None:
    few = [test for test in TESTS if test.path.stem in ("test_retention", "test_frozen")][:9]
    assert sorted(share_out(few, 3), key=TESTS.index) == few
