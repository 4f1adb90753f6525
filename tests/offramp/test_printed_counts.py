"""No few rows can be worked out from all numbers that a report prints, as JSON and as text.

The attacker reads the printed report alone, and inverts each rate and each end of an interval. They
know the rules: which answers a row of the file can have, but not how many rows have them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import rules
from offramp.counts import LEAST, WIDTH, Balance, wilson
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
from tests.support.count_attack import possible_values

pytestmark = pytest.mark.skipif(find_spec("z3") is None, reason="the solver isn't installed")
MAP = """title: Made-up arrests
id: id
unknown: [""]
groups:
  race: {column: race}
facts:
  encounter.route: {value: arrest}
  encounter.date: {value: 2020-01-01}
  person.age: {column: age}
  encounter.charges:
    items:
      - conduct: {column: conduct}
        violent: {value: false}
  encounter.drugs:
    items:
      - kind: {column: drug}
        grams: {column: grams}
"""
KINDS = [
    *product(["opioid", "stimulant", ""], ["1", "4", "9", ""], ["possession", "intent_to_sell"])
]
ALL = "ALL"
Classes = frozenset[int]  # of rows that have the same answers, by number
Cell = tuple[str, Classes]  # a group and the classes that a printed number counts


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


@dataclass
class Reader:
    """A reader's knowledge of a report: printed numbers by the rows that they count."""

    classes: list[tuple[Possible, ...]]
    numbers: dict[Cell, int | None] = field(default_factory=dict)

    def where(self, test: Callable[[tuple[Possible, ...]], bool]) -> Classes:
        return frozenset(at for at, member in enumerate(self.classes) if test(member))

    def note(self, group: str, classes: Classes, value: Any) -> None:
        """Note a printed number. What is printed twice is the same."""
        number = value if isinstance(value, int) else None
        assert self.numbers.get((group, classes), number) == number
        if classes:
            self.numbers[group, classes] = number
        else:
            assert number == 0

    def invert(self, group: str, classes: Classes, ends: Sequence[float | None], low: bool) -> None:
        """Note what a rate and the end of its interval tell. `ends` are printed ones."""
        rows = self.numbers[group, frozenset(range(len(self.classes)))]
        if rows is None:
            assert set(ends) == {None}
            return
        rate, end = ends
        fitting = set(range(rows + 1))
        if rate is not None:
            fitting = {count for count in fitting if abs(count / rows - rate) < 1e-6}
        if end is not None:
            fitting = {
                count for count in fitting if abs(wilson(count, rows)[0 if low else 1] - end) < 1e-6
            }
        if len(fitting) == 1:
            self.note(group, classes, *fitting)

    def narrowed(self, truth: Mapping[Cell, int]) -> list[Hashable]:
        """Return what the printed numbers tell: a hidden one, or few rows between two numbers."""
        shown = {cell: number for cell, number in self.numbers.items() if number is not None}
        hidden = set(self.numbers) - set(shown)
        assert all(not 0 < number < LEAST for number in shown.values())
        groups = {group for group, _ in self.numbers} - {ALL}
        sets = {
            group: {classes for at, classes in self.numbers if at == group}
            for group in (ALL, *groups)
        }
        few = {
            (group, first - second)
            for group, own in sets.items()
            for first in own
            for second in own
            if second < first and 0 < truth[group, first] - truth[group, second] < LEAST
        }
        balances = [
            Balance((("of", cell),), tuple((cell[0], at) for at in cell[1]))
            for cell in {*self.numbers, *few}
        ]
        balances += [
            Balance(((ALL, at),), tuple((group, at) for group in groups))
            for at in range(len(self.classes))
            if groups
        ]
        cells = {cell for balance in balances for cell, _ in balance.cells()}
        known: dict[Hashable, int] = {("of", cell): number for cell, number in shown.items()}
        least: dict[Hashable, int] = {("of", cell): 1 for cell in hidden}
        reached = possible_values(cells, known, balances, least=least, enough=WIDTH)
        return [cell for cell in hidden | few if reached["of", cell].count < WIDTH]


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


def note_answers(
    reader: Reader, group: str, question: int, side: int, answers: Mapping[str, Any]
) -> None:
    for outcome, number in answers.items():
        if outcome == "either":
            classes = reader.where(
                lambda row: len({own[side] for own in row[question].outcomes}) > 1
            )
        else:
            classes = reader.where(
                lambda row, outcome=outcome: (
                    {own[side] for own in row[question].outcomes} == {outcome}
                )
            )
        reader.note(group, classes, number)


def read_change(reader: Reader, value: Mapping[str, Any]) -> None:
    """Read a change as JSON."""
    everything = frozenset(range(len(reader.classes)))
    for group in value["groups"]:
        name = group["group"]
        reader.note(name, everything, group["rows"])
        for side, label in enumerate(("before", "after")):
            if label in group:
                note_answers(reader, name, 0, side, group[label])
                rates, best = group["rates"][label], group["rates"][label]["outcome"]
                surely, at_most = ends_of(reader, 0, lambda own, s=side, b=best: own[s] == b)
                reader.invert(name, surely, [rates["rate"][0], rates["interval"][0]], True)
                reader.invert(name, at_most, [rates["rate"][1], rates["interval"][1]], False)
        for flip in group["flips"]:
            pair = flip["before"], flip["after"]
            note_range(reader, name, ends_of(reader, 0, lambda own, p=pair: own == p), flip)
    for side, label in enumerate(("before", "after")):
        for item in value["rules"][label]:
            decider = item["decides"], item.get("rule", "")
            classes = reader.where(
                lambda row, s=side, d=decider: (
                    (row[0].deciders[s].kind, row[0].deciders[s].rule) == d
                )
            )
            reader.note(ALL, classes, item["rows"])


def ends_of(
    reader: Reader, question: int, test: Callable[[tuple[str, ...]], bool]
) -> tuple[Classes, Classes]:
    return (
        reader.where(lambda row: all(map(test, row[question].outcomes))),
        reader.where(lambda row: any(map(test, row[question].outcomes))),
    )


def note_range(
    reader: Reader, group: str, ends: tuple[Classes, Classes], shown: Mapping[str, Any]
) -> None:
    for classes, name, low in ((ends[0], "surely", True), (ends[1], "at_most", False)):
        reader.note(group, classes, shown[name])
        place = 0 if low else 1
        reader.invert(group, classes, [shown["rate"][place], shown["interval"][place]], low)


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
                test = lambda own, outcome=shown["answer"]: own[0] == outcome  # noqa: E731
                note_range(reader, group["group"], ends_of(reader, number, test), shown)
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
