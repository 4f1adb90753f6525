"""Check the decision records: their headers, and that the index lists all of them."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "decisions"
RECORDS = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
INDEX = (FOLDER / "README.md").read_text(encoding="utf-8")
_HEADER = re.compile(
    r"# (?P<number>\d+)\. (?P<title>.+)\n\nStatus: (?P<status>.+)\nDate: (?P<date>.+)\n\n"
)
_ROW = re.compile(r"^\| \[(\d{4})\]\((\S+)\) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
_GAP = re.compile(r"^\| (\d{4})(?: to (\d{4}))? \| (.+) \|$", re.MULTILINE)


def read_header(path: Path) -> dict[str, str]:
    header = _HEADER.match(path.read_text(encoding="utf-8"))
    assert header, f"`{path.name}` must start with a title, `Status:`, and `Date:`"
    return header.groupdict()


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_record_has_number_status_and_date(path: Path) -> None:
    header = read_header(path)
    assert int(header["number"]) == int(path.name[:4])
    date.fromisoformat(header["date"])
    if header["status"] != "accepted":
        successor = re.fullmatch(r"superseded by (\d{4})", header["status"])
        assert successor, f"`{path.name}` has the unknown status `{header['status']}`"
        assert list(FOLDER.glob(f"{successor[1]}-*.md")), f"`{successor[1]}` does not exist"


def test_numbers_are_unique() -> None:
    numbers = [path.name[:4] for path in RECORDS]
    assert len(numbers) == len(set(numbers))


def test_the_index_lists_every_record() -> None:
    expected = []
    for path in RECORDS:
        header = read_header(path)
        expected.append(
            (path.name[:4], path.name, header["title"], header["status"], header["date"])
        )
    assert _ROW.findall(INDEX) == expected


def test_the_index_explains_every_missing_number() -> None:
    used = {int(path.name[:4]) for path in RECORDS}
    missing = set(range(1, max(used) + 1)) - used
    explained: set[int] = set()
    for first, last, reason in _GAP.findall(INDEX):
        assert reason.strip()
        explained |= set(range(int(first), int(last or first) + 1))
    assert explained == missing
