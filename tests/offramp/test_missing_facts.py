"""A report names the facts that leave rows open, with protected numbers and the map's line."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, product
from pathlib import Path
from random import Random

import pytest

import rules
from offramp.counts import LEAST
from offramp.policy.case_table import CaseTable
from offramp.policy.cohort.missing_facts import MissingFact, shown_missing
from offramp.policy.cohort.report import CohortReport, CohortSource, count_rows
from offramp.policy.cohort.report_json import tables_as_json
from offramp.policy.cohort.report_text import report_as_text
from offramp.policy.table_map import read_map
from tests.conftest import shared
from tests.support.cohort_rows import COLUMNS, MAP

pytest.importorskip("z3", reason="the solver isn't installed", exc_type=ImportError)
PROGRAM = rules.load("santa-fe", "2018-10-01")
USUAL = dict.fromkeys(COLUMNS, "") | {
    "day": "2019-01-01",
    "age": "30",
    "Area": "true",
    "area": "0",
    "code": "NMSA 30-31-23",
    "conduct": "possession",
    "drugs": "opioid:2",
    "place": "north",
}
GRAMS, CODE = "encounter.drugs[].grams", "encounter.charges[].code"


def rows(number: int, **cells: str) -> list[dict[str, str]]:
    return [USUAL | cells for _ in range(number)]


def report_on(
    folder: Path, table: list[dict[str, str]], by: str = "place", end: str = "\n"
) -> CohortReport:
    lines = [",".join(COLUMNS)]
    lines += [",".join((row | {"id": str(at)}).values()) for at, row in enumerate(table)]
    (folder / "rows.csv").write_bytes(end.join([*lines, ""]).encode())
    (folder / "map.yaml").write_text(MAP)
    source = CohortSource(str(folder / "rows.csv"), str(folder / "map.yaml"), (by,))
    return count_rows([PROGRAM], "eligibility", source)


def numbers(report: CohortReport) -> dict[str, int | None]:
    return {fact.path: fact.rows for fact in report.missing[0]}


def test_the_facts_that_leave_rows_open_are_named_with_their_numbers(tmp_path: Path) -> None:
    """In SQL and row by row. What lacks in a row whose answer is certain isn't counted."""
    table = [
        *rows(100),
        *rows(40, drugs="opioid:"),
        *rows(25, code="loitering", area="true"),
        *rows(80, age="17", drugs="opioid:"),
    ]
    first, second = (report_on(tmp_path, table, end=end) for end in ("\n", "\r\n"))
    assert numbers(first)[GRAMS] == 40 and numbers(first)[CODE] == 25
    assert first.missing == second.missing
    (code,) = [fact for fact in first.missing[0] if fact.path == CODE]
    assert code.codes == (("loitering", 25),)
    text = " ".join(report_as_text(first).split())
    assert "40 lack `encounter.drugs.grams`. A line `grams:` under `encounter.drugs`" in text
    assert "25 lack a section of law in `encounter.charges.code`, most often" in text
    assert "with the code loitering (25). A line `code:` under `encounter.charges`" in text
    entries = {entry["fact"]: entry for entry in tables_as_json(first)[0]["left_open_by"]}
    entry = entries["encounter.charges.code"]
    assert (entry["rows"], entry["map_line"], entry["under"]) == (25, "code", "encounter.charges")


def test_a_number_of_few_rows_is_hidden(tmp_path: Path) -> None:
    few = numbers(report_on(tmp_path, [*rows(100), *rows(5, drugs="opioid:")]))
    assert few[GRAMS] is None
    # All but five rows lack it. The number of all rows would tell them.
    all_but_few = numbers(report_on(tmp_path, [*rows(5), *rows(100, drugs="opioid:")]))
    assert all_but_few[GRAMS] is None
    # A table by the column has the number of each of its cells.
    by_drugs = numbers(report_on(tmp_path, [*rows(100), *rows(40, drugs="opioid:")], by="drugs"))
    assert by_drugs[GRAMS] is None


@pytest.mark.parametrize("seed", range(6))
def test_no_number_is_a_few_rows_from_another(tmp_path: Path, seed: int) -> None:
    """In files with few rows of some kinds. The sum of two tells how many rows lack both."""
    dice = Random(seed)
    kinds = product(["opioid:2", "opioid:", ":9", ""], ["NMSA 30-31-23", "loitering"], ["", "40"])
    table = []
    for drugs, code, age in kinds:
        number = dice.choice([0, 3, 9, 25, 70])
        table += rows(number, drugs=drugs, code=code, age=age)
    report = report_on(tmp_path, [*rows(30), *table])
    everyone = report.tables.tables[0].groups[0]
    answers = everyone.sides[0]
    printed = {everyone.rows, answers.either, *answers.surely.values()} - {None}
    if report.tables.is_withheld or answers.either is None:
        assert all(fact.rows is None for fact in report.missing[0])
        return
    shown = [fact.rows for fact in report.missing[0] if fact.rows is not None]
    assert not any(0 < number < LEAST for number in shown)
    for number in shown:
        assert not any(0 < abs(number - other) < LEAST for other in [*printed, *shown])
    for first, second in combinations(shown, 2):
        assert not 0 < abs(first + second - answers.either) < LEAST


def test_two_numbers_never_tell_how_few_rows_lack_both() -> None:
    """Each of 100 open rows lacks one of two facts: 60, 45, and so 5 lack both."""
    first, second = ("a", ""), ("b", "")
    counted = [
        ([frozenset({first})], 55),
        ([frozenset({second})], 40),
        ([frozenset({first, second})], 5),
    ]
    shown = [*shown_missing(counted, 0, {100, 300}, 11, ())]
    assert shown == [MissingFact("a", 60), MissingFact("b", None)]
    assert [*shown_missing(counted, 0, None, 11, ())] == [
        MissingFact("a", None),
        MissingFact("b", None),
    ]


def test_louisiana_s_simple_assaults_are_named() -> None:
    """Each number is counted again, from what `decide` says that each open row needs."""
    file, mapping = str(shared("data/la_nibrs_arrestees_2010_2020.csv.gz")), "louisiana-nibrs"
    where = ("arrest_offense=13B", "age=18..24", "race=white")
    report = count_rows(
        [PROGRAM], "eligibility", CohortSource(file, mapping, ("sex",), where), assume="nothing"
    )
    (code,) = [fact for fact in report.missing[0] if fact.path == CODE]
    assert code.codes[0][0] == "NIBRS 13B" and code.rows is not None and code.rows > 1_000
    expected = Counter[str]()
    table = CaseTable(read_map(mapping), file, ["race"])
    for row in table.rows():
        cells = table.by_column(row)
        if (cells["arrest_offense"], cells["race"]) == ("13B", "white") and (
            cells["age"].isdigit() and 18 <= int(cells["age"]) <= 24
        ):
            answer = PROGRAM.decide("eligibility", table.case(row).read_facts())
            asked = {entry["fact"].partition("[")[0] for entry in answer.needed}
            expected.update(asked if answer.status != "decided" else ())
    judged = numbers(report)["judgment.amenable"]
    assert judged == expected["judgment.amenable"]
