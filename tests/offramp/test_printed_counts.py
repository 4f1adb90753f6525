"""No few rows can be worked out from all numbers that a report prints, as JSON and as text.

The attacker reads the printed report alone, and inverts each rate and each end of an interval. They
know the rules: which answers a row of the file can have, but not how many rows have them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import rules
from offramp.policy.change_cohort_text import cohort_lines
from offramp.policy.cohort.possible import Possible
from offramp.policy.cohort.report import (
    CohortReport,
    CohortSource,
    count_flips,
    count_rows,
    possible_answers,
)
from offramp.policy.cohort.report_json import change_as_json, counts_as_json, tables_as_json
from offramp.policy.cohort.report_text import report_as_text
from tests.support.report_reader import (
    ALL,
    KINDS,
    MAP,
    Cell,
    Reader,
    ends_of,
    note_answers,
    note_range,
    read_change,
)

pytestmark = pytest.mark.skipif(find_spec("z3") is None, reason="the solver isn't installed")


def source(folder: Path, seed: int) -> CohortSource:
    """Write a file in which some kinds of rows are few."""
    dice = random.Random(seed)
    lines = ["id,race,age,drug,grams,conduct"]
    for race, kind in product("abc", dice.sample(KINDS, 8)):
        for _ in range(dice.choice([0, dice.randint(0, 12), dice.randint(10, 60)])):
            lines.append(",".join([str(len(lines)), race, "30", *kind]))
    (folder / "rows.csv").write_text("\n".join([*lines, ""]))
    (folder / "map.yaml").write_text(MAP)
    return CohortSource(str(folder / "rows.csv"), str(folder / "map.yaml"), by=("race",))


def reader_of(report: CohortReport) -> tuple[Reader, dict[Cell, int]]:
    """Return a reader who knows which answers occur, and the true number of rows of each."""
    reader = Reader(list(dict.fromkeys(answer for answer, _ in possible_answers(report))))
    counts: dict[tuple[str, int], int] = {}
    for case in report.cohort.cases:
        at = reader.classes.index(case.answer)
        for (race,), rows in case.rows.items():
            for group in (race, ALL):
                counts[group, at] = counts.get((group, at), 0) + rows

    class Truth(dict[Cell, int]):
        def __missing__(self, cell: Cell) -> int:
            return sum(counts.get((cell[0], at), 0) for at in cell[1])

    return reader, Truth()


def text_numbers(text: str) -> list[str]:
    """Return the counts of a text's tables of answers in their order, hidden ones too."""
    cells: list[str] = []
    columns = 0
    for line in text.splitlines():
        label, *rest = re.split(r"\s{2,}", line.strip())
        if line.endswith("with chance"):
            head = [label, *rest]
            columns = next((at for at, name in enumerate(head) if "of 1,000" in name), 0)
        elif len(rest) < columns or "less" in label:
            columns = 0
        else:
            cells += [f"{label} {cell}" for cell in rest[:columns]]
    return cells


def json_numbers(value: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the text of a change has to print, from its JSON."""
    whole = value["groups"][0]
    for label in ("before", "after"):
        own = whole[label]
        for number in (whole["rows"], own["eligible"], own["either"], own["ineligible"]):
            yield f"{label} {printed(number)}"
    for place in range(len(whole["flips"])):
        for group in value["groups"]:
            flip = group["flips"][place]
            for number in (group["rows"], flip["surely"], flip["at_most"]):
                yield f"{group['group']} {printed(number)}"


def printed(number: Any) -> str:
    return f"{number:,}" if isinstance(number, int) else "hidden"


@pytest.mark.parametrize("seed", range(6))
def test_a_memo_tells_no_few_rows(seed: int, tmp_path: Path) -> None:
    old, new = (rules.load("santa-fe", day) for day in ("2014-04-01", "2018-10-01"))
    report = count_flips(old, new, "eligibility", source(tmp_path, seed))
    reader, truth = reader_of(report)
    value = {**change_as_json(report), **counts_as_json(report, 0)}
    if value["withheld"]:
        return
    dated = {**value, "rules_of": {"before": "2014-04-01", "after": "2018-10-01"}, "later": []}
    text = text_numbers("\n".join(cohort_lines(report, dated)))
    assert text == [*json_numbers(value)]
    read_change(reader, value)
    assert reader.narrowed(truth) == []


@pytest.mark.parametrize("seed", range(6))
def test_two_programs_in_one_report_tell_no_few_rows(seed: int, tmp_path: Path) -> None:
    """Where one program bars everyone whom the other bars, the difference is a number too."""
    programs = [rules.load("santa-fe", day) for day in ("2014-04-01", "2018-10-01")]
    report = count_rows(programs, "eligibility", source(tmp_path, seed))
    reader, truth = reader_of(report)
    if report.tables.is_withheld:
        return
    everything = frozenset(range(len(reader.classes)))
    for number, table in enumerate(tables_as_json(report)):
        for group in table["groups"]:
            reader.note(group["group"], everything, group["rows"])
            note_answers(reader, group["group"], number, 0, group["answers"])
            for shown in group["ranges"]:
                ends = ends_of(
                    reader, number, lambda own, outcome=shown["answer"]: own[0] == outcome
                )
                note_range(reader, group["group"], ends, shown)
    assert "hidden" in report_as_text(report)
    assert reader.narrowed(truth) == []


def test_the_attacker_finds_what_surely_and_at_most_tell() -> None:
    """The attack can succeed: 16 surely and 25 at most tell that 9 rows depend on a weight."""
    yes, no = ("ineligible", "eligible"), ("ineligible", "ineligible")
    reader = Reader(
        [(Possible(frozenset(own)),) for own in ([yes], [yes, no], [no])],
        {
            (ALL, frozenset({0, 1, 2})): 100,
            (ALL, frozenset({0})): 16,
            (ALL, frozenset({0, 1})): 25,
        },
    )
    truth = {**reader.numbers, (ALL, frozenset({1})): 9}
    assert reader.narrowed(truth) == [(ALL, frozenset({1}))]
