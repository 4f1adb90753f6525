"""The tables of `docs/errors.md`."""

from __future__ import annotations

import re

from tests.conftest import ROOT

PAGE = ROOT / "docs" / "errors.md"
_ROW = re.compile(
    r"^\| `(?P<code>[a-z0-9-]+)` \| (?P<meaning>.+) \| (?P<example>.+) \| (?P<fix>.+) \|$",
    re.MULTILINE,
)


def rows(error_class: str) -> list[re.Match[str]]:
    """Return the rows of the section about a class of refusal.

    Each match has the groups `code`, `meaning`, `example`, and `fix`.
    """
    (section,) = [
        section
        for section in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
        if f"`{error_class}`" in section.partition("\n")[0]
    ]
    return list(_ROW.finditer(section))
