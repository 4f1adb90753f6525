"""A reader of a printed report on rows, who works out what its numbers tell, and a file of rows.

The reader inverts each rate and each end of an interval, and knows which answers a row can have.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from offramp.counts import LEAST, WIDTH, Balance, wilson
from offramp.policy.cohort.possible import Possible
from offramp.policy.cohort.report import CohortSource
from tests.support.count_attack import possible_values

OLD, NEW = "2014-04-01", "2018-10-01"
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


def write_file(folder: Path, seed: int) -> CohortSource:
    """Write a file in which some kinds of rows are few, and some rows can't be read."""
    dice = random.Random(seed)
    lines = ["id,kind,race,sex,age,drug,grams,conduct"]
    kinds = dice.sample(KINDS, 6)
    for number, (race, sex, kind) in enumerate(product("abc", "FM", kinds)):
        for _ in range(dice.choice([0, dice.randint(0, 12), dice.randint(10, 60)])):
            lines.append(",".join([str(len(lines)), f"k{number}", race, sex, "30", *kind]))
    for _ in range(dice.choice([0, 3, 12])):
        lines.append(f"{len(lines)},odd,a,F,x,opioid,1,possession")
    (folder / "rows.csv").write_text("\n".join([*lines, ""]))
    (folder / "map.yaml").write_text(MAP)
    return CohortSource(str(folder / "rows.csv"), str(folder / "map.yaml"), allowed=100)


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
