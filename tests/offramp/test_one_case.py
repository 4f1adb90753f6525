"""Work the page `docs/one-case.md` as it is printed: who acts, when, what is typed, what is shown.

The test has only the page. The clock of every process is set to the time of each block. Random ids
differ: the same id on the page must be the same id in the run, everywhere. To write what the
commands print into the page, run `WRITE_ONE_CASE=1 pytest tests/offramp/test_one_case.py`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.worked_page import PAGE, City, founded, work_block
from tests.support.written_page import blocks_of, like, with_outputs


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with founded(tmp_path) as city:
        yield city


def test_the_page_is_worked_as_it_is_printed(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    # A narrow or wide terminal would break the lines elsewhere.
    monkeypatch.setenv("COLUMNS", "110")
    text = PAGE.read_text()
    written: list[str] = []
    for block in blocks_of(text):
        outputs = zip(block.commands, work_block(city, block), strict=True)
        shown = [f"$ {line}\n{like(printed, expected)}" for (line, expected), printed in outputs]
        written.append("".join(shown))
    if os.environ.get("WRITE_ONE_CASE"):
        PAGE.write_text(with_outputs(text, written))
        return
    for block, found in zip(blocks_of(text), written, strict=True):
        assert found == "".join(f"$ {line}\n{output}" for line, output in block.commands)
