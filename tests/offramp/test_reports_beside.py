"""No few rows can be worked out from all numbers of several reports of one file together.

Each report but the first is made beside the earlier ones. The attacker reads the printed reports,
and knows which kinds of rows the file has, though not how many rows are of each kind.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import rules
from offramp.counts import LEAST, WIDTH, Balance
from offramp.policy.cohort.answers import Question, Side
from offramp.policy.cohort.asked_json import EarlierReport
from offramp.policy.cohort.beside import count_beside
from offramp.policy.cohort.reading import Case
from offramp.policy.cohort.report import CohortReport, CohortSource, ask
from offramp.policy.cohort.report_json import change_as_json, counts_as_json, tables_as_json
from offramp.policy.cohort.report_json import report_as_json as head_as_json
from tests.support.count_attack import possible_values
from tests.support.report_reader import (
    NEW,
    OLD,
    Reader,
    ends_of,
    note_answers,
    note_range,
    read_change,
    write_file,
)

pytestmark = pytest.mark.skipif(find_spec("z3") is None, reason="the solver isn't installed")
HIDDEN = {"hidden": True}
Kinds = frozenset[str]


def answers_on(*days: str) -> list[Question]:
    return [Question((Side(rules.load("santa-fe", day), "eligibility"),)) for day in days]


def change() -> list[Question]:
    return [Question(tuple(Side(rules.load("santa-fe", day), "eligibility") for day in (OLD, NEW)))]


@dataclass
class Wanted:
    """A report to make."""

    questions: Callable[[], list[Question]]
    by: str = "race"
    where: tuple[str, ...] = ()

    def source(self, of: CohortSource) -> CohortSource:
        return CohortSource(of.file, of.map, (self.by,), self.where, allowed=100)


def as_json(report: CohortReport) -> dict[str, Any]:
    """Return what the commands print of the rows."""
    if len(report.questions[0].sides) == 1:
        value = {**head_as_json(report), "programs": tables_as_json(report)}
    else:
        value = {**change_as_json(report), **counts_as_json(report, 0), "later": []}
    return dict(json.loads(json.dumps(value)))


def earlier(number: int, value: Mapping[str, Any]) -> EarlierReport:
    """Return a printed report as a command reads it."""
    return EarlierReport(
        f"{number}.json",
        f"sha256:{number}",
        value,
        lambda _, __: rules.load("santa-fe").pack,
    )


@dataclass
class Attacker:
    """What a reader of all reports knows: sums of kinds of rows, and what is printed of them."""

    source: CohortSource
    numbers: dict[Kinds, int | None] = field(default_factory=dict)
    earlier_hidden: set[Kinds] = field(default_factory=set)

    def __post_init__(self) -> None:
        lines = Path(self.source.file).read_text().splitlines()[1:]
        cells = [line.split(",") for line in lines]
        self.rows = Counter(row[1] for row in cells)
        self.words = {row[1]: {"race": row[2], "sex": row[3]} for row in cells}

    def read(self, wanted: Wanted, value: Mapping[str, Any]) -> None:
        """Learn all numbers of a printed report."""
        if value["withheld"]:
            assert not [*numbers_in({**value, "least_shown": 0, "asked": []})]
            return
        selected, answers, missing = self._answers(wanted)
        reader = Reader([answers[kind] for kind in selected])
        if "programs" in value:
            everything = frozenset(range(len(selected)))
            for number, table in enumerate(value["programs"]):
                for group in table["groups"]:
                    reader.note(group["group"], everything, group["rows"])
                    note_answers(reader, group["group"], number, 0, group["answers"])
                    for shown in group["ranges"]:
                        ends = ends_of(
                            reader, number, lambda own, outcome=shown["answer"]: own[0] == outcome
                        )
                        note_range(reader, group["group"], ends, shown)
                for item in table["left_open_by"]:
                    lacking = {
                        kind
                        for kind in selected
                        if item["fact"]
                        in {path.replace("[]", "") for path, _ in missing[kind][number]}
                    }
                    self._note(frozenset(lacking), item["rows"], is_in_table=False)
        else:
            read_change(reader, value)
        for (group, classes), printed in reader.numbers.items():
            kinds = (selected[at] for at in classes)
            own = (kind for kind in kinds if group in ("ALL", self.words[kind][wanted.by]))
            self._note(frozenset(own), HIDDEN if printed is None else printed)
        everyone = frozenset(self.rows)
        odd = frozenset({"odd"} & {*self._selected(wanted)})
        self._note(everyone, value["rows"], is_in_table=False)
        self._note(frozenset(self._selected(wanted)), value["selected"], is_in_table=False)
        self._note(odd, value["left_out_rows"], is_in_table=False)
        for item in value["left_out"]:
            self._note(odd, item["rows"], is_in_table=False)

    def _selected(self, wanted: Wanted) -> list[str]:
        filters = [text.split("=") for text in wanted.where]
        return [
            kind
            for kind in self.rows
            if all(self.words[kind][column] == cell for column, cell in filters)
        ]

    def _answers(self, wanted: Wanted) -> tuple[list[str], dict[str, Any], dict[str, Any]]:
        """Return the kinds that a report counts, with the answers of each and what it lacks."""
        source = CohortSource(self.source.file, self.source.map, ("kind",), allowed=100)
        ready = ask(wanted.questions(), source)
        ready.reader.keep_rows()
        ready.read(None)
        answers, missing = {}, {}
        for row in ready.reader.taken or ():
            assert row is not None
            case, words = row
            if isinstance(case, Case):
                answers[words[0]], missing[words[0]] = case.answer, case.missing
        selected = [kind for kind in self._selected(wanted) if kind in answers]
        return selected, answers, missing

    def _note(self, kinds: Kinds, printed: Any, *, is_in_table: bool = True) -> None:
        number = None if printed == HIDDEN else printed
        rows = sum(self.rows[kind] for kind in kinds)
        assert number in (None, rows)
        if not kinds or (number is None and not is_in_table):
            return
        assert number is None or number >= LEAST
        self.numbers[kinds] = self.numbers.get(kinds) if number is None else number

    def narrowed(self) -> list[tuple[int, Kinds]]:
        """Return the protected numbers that all printed ones tell, with their rows."""
        truth = {kinds: sum(self.rows[kind] for kind in kinds) for kinds in self.numbers}
        hidden = {kinds for kinds, number in self.numbers.items() if number is None}
        few = {
            first - second
            for first, second in product(self.numbers, repeat=2)
            if second < first and 0 < truth[first] - truth[second] < LEAST
        }
        cells: list[Hashable] = [*self.rows]
        balances = [Balance((kinds,), tuple(sorted(kinds))) for kinds in {*self.numbers, *few}]
        cells += {*self.numbers, *few}
        known: dict[Hashable, int] = {
            kinds: number for kinds, number in self.numbers.items() if number is not None
        }
        least: dict[Hashable, int] = dict.fromkeys(hidden, 1)
        reached = possible_values(cells, known, balances, least=least, enough=WIDTH)
        narrow = [kinds for kinds in hidden | few if reached[kinds].count < WIDTH]
        return [(sum(self.rows[kind] for kind in kinds), kinds) for kinds in narrow]


def numbers_in(value: Any) -> list[float]:
    """Return all numbers of JSON."""
    if isinstance(value, dict):
        return [number for part in value.values() for number in numbers_in(part)]
    if isinstance(value, list):
        return [number for part in value for number in numbers_in(part)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


def attack(source: CohortSource, reports: Sequence[Wanted], *, are_beside: bool = True) -> Attacker:
    """Make reports one after the other, and read them."""
    attacker, printed = Attacker(source), list[dict[str, Any]]()
    for wanted in reports:
        before = [earlier(number, value) for number, value in enumerate(printed)]
        report = count_beside(
            wanted.questions(), wanted.source(source), before if are_beside else ()
        )
        printed.append(as_json(report))
        attacker.read(wanted, printed[-1])
    return attacker


SETS = {
    "two filters": [
        Wanted(lambda: answers_on(NEW)),
        Wanted(lambda: answers_on(NEW), where=("sex=F",)),
    ],
    "two drafts": [Wanted(lambda: answers_on(OLD)), Wanted(lambda: answers_on(NEW))],
    "two changes": [Wanted(change), Wanted(change, where=("sex=F",))],
    "a draft with a filter": [Wanted(change), Wanted(lambda: answers_on(NEW), where=("sex=M",))],
    "two programs": [
        Wanted(lambda: answers_on(OLD, NEW)),
        Wanted(lambda: answers_on(OLD, NEW), where=("sex=F",)),
    ],
    "two groupings": [Wanted(lambda: answers_on(NEW)), Wanted(lambda: answers_on(NEW), by="sex")],
    "three in a chain": [
        Wanted(lambda: answers_on(NEW)),
        Wanted(lambda: answers_on(NEW), where=("sex=F",)),
        Wanted(change, where=("race=a",), by="sex"),
    ],
}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", SETS)
def test_reports_beside_each_other_tell_no_few_rows(name: str, seed: int, tmp_path: Path) -> None:
    attacker = attack(write_file(tmp_path, seed), SETS[name])
    assert attacker.narrowed() == []


@pytest.mark.parametrize(("name", "seed"), [("two drafts", 0), ("a draft with a filter", 6)])
def test_the_attacker_finds_few_rows_in_reports_made_apart(
    name: str, seed: int, tmp_path: Path
) -> None:
    """The attack can succeed: without `--beside`, two reports tell what each hides."""
    apart = attack(write_file(tmp_path, seed), SETS[name], are_beside=False)
    assert any(0 < rows < LEAST for rows, _ in apart.narrowed())
    beside = attack(write_file(tmp_path, seed), SETS[name])
    assert beside.narrowed() == []
    assert sum(map(is_shown, beside.numbers.values())) > len(beside.numbers) // 3


def is_shown(number: int | None) -> bool:
    return number is not None
