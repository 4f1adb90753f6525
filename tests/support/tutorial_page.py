"""Read the tutorial's blocks and make its edits, as its reader does."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import ROOT

PAGE = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str, str]]:
    return BLOCK.findall(PAGE.read_text(encoding="utf-8"))


def edit(folder: Path, text: str) -> None:
    """Apply a change: replace the lines without `+`, which occur once, by those without `-`."""
    first, *lines = text.splitlines()
    path = folder / first.removeprefix("--- ")
    assert all(line[:1] in ("-", "+", " ") for line in lines), "each line begins with its sign"
    before = "".join(f"{line[1:]}\n" for line in lines if line[0] != "+")
    after = "".join(f"{line[1:]}\n" for line in lines if line[0] != "-")
    content = path.read_text(encoding="utf-8")
    assert content.count(before) == 1, (
        f"{path.name} has these lines {content.count(before)} times:\n{before}"
    )
    path.write_text(content.replace(before, after), encoding="utf-8")
