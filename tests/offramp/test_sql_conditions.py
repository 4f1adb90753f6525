"""Conditions printed as SQL have the value of the typed tree, and SQL counts the same rows.

The values are compared on generated conditions and partial facts. Whole files are read twice: row
by row, and with SQL.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

import rules
from offramp.cli import main
from offramp.policy.cohort.answers import Answerer, Question, Side
from offramp.policy.cohort.completions import Completions
from offramp.policy.cohort.engine_choice import EngineChoice, open_engine
from offramp.policy.cohort.reading import Cohort, CohortReader
from offramp.policy.cohort.selection import read_filters
from offramp.policy.cohort.sql_conditions import CannotPrint, ConditionPrinter, quoted
from offramp.policy.cohort.sql_reading import read_by_sql
from offramp.policy.cohort.sql_values import (
    Citations,
    as_columns,
    column_expressions,
    structure_of,
)
from offramp.policy.table_map import read_map
from rules.decide import explain
from rules.decide.program import Program
from rules.decide.walk import World, walk
from rules.errors import RequestError
from rules.input.facts import read_facts
from rules.input.vocabulary import Vocabulary
from rules.language import tree
from rules.shelf import vocabulary
from tests.conftest import shared
from tests.support import generated, written
from tests.support.cohort_rows import (
    COLUMNS,
    MAP,
    ROW,
    assert_same,
    change_of,
    counted,
    with_ranges,
)

duckdb = pytest.importorskip("duckdb", reason="the extra `cohort` isn't installed")
CONNECTION = duckdb.connect(":memory:")


def sql_value(
    condition: tree.Tree,
    known: Mapping[str, Any],
    words: Vocabulary,
    parameters: Mapping[str, Any],
    outcomes: Mapping[str, str],
) -> bool | None:
    """Return the value of a condition in SQL, with every fact that it reads in a column."""
    names, citations = explain.names(condition), Citations()
    read = dict.fromkeys(names.facts, ()) | dict(names.lists)
    structures, cells, outer = {}, {}, []
    for path, fields in read.items():
        fact = words.facts[path]
        structures[path] = structure_of(fact, fields)
        cells[path] = as_columns(fact, known.get(path), fields, citations)
        parts = [] if fact.type == "list" else list(structures[path])
        outer += column_expressions(path, parts)
    printer = ConditionPrinter(
        {path: quoted(path) for path in read}, {}, parameters, outcomes, citations
    )
    truth = printer.rule(condition)
    values = f"(SELECT from_json(?, '{json.dumps(structures)}') AS value)"
    table = f"(SELECT {', '.join(outer)} FROM {values})" if outer else "(SELECT 1)"
    parameters_of = [json.dumps(cells)] if outer else []
    true, false = CONNECTION.execute(
        f"SELECT {truth.true}, {truth.false} FROM {table}", parameters_of
    ).fetchone()
    assert not (true and false)
    return True if true else False if false else None


@settings(max_examples=300)
@given(generated.conditions(), generated.complete_facts().flatmap(generated.with_holes), st.data())
def test_a_condition_has_the_value_of_its_tree(
    condition: tree.Tree, facts: dict[str, Any], data: Any
) -> None:
    outcomes = {name: data.draw(st.sampled_from(item)) for name, item in generated.OUTCOMES.items()}
    known = with_ranges(data.draw, dict(read_facts(facts, vocabulary()).known))
    world = World(known, generated.PARAMETERS, outcomes.get, lambda _: None)
    try:
        value = sql_value(condition, known, vocabulary(), generated.PARAMETERS, outcomes)
    except CannotPrint:
        event("can't be printed")
        assume(False)
    event("printed")
    assert value is walk(condition, world)


@pytest.mark.parametrize("path", ["encounter.route", "person.age", "person.enrolled"])
@pytest.mark.parametrize("known", [True, False])
def test_nothing_is_one_of_no_values_also_if_it_is_not_known(path: str, known: bool) -> None:
    condition = tree.Member(tree.FactOf(vocabulary().facts[path]), ())
    stated = {"encounter.route": "arrest", "person.age": 30, "person.enrolled": True}
    facts = {path: stated[path]} if known else {}
    world = World(facts, {}, lambda _: None, lambda _: None)
    assert walk(condition, world) is False
    assert sql_value(condition, facts, vocabulary(), {}, {}) is False


PRINTED = written.Readable(
    (*written.TINY, "encounter.drugs", "encounter.charges", "person.age", "wide.heat"),
    clocks=(),
)


@settings(max_examples=200)
@given(
    written.conditions(PRINTED),
    written.complete(PRINTED.paths).flatmap(written.unsettled).flatmap(written.holes_in),
    st.data(),
)
def test_a_written_condition_has_the_value_of_its_tree(
    text: str, flat: dict[str, Any], data: Any
) -> None:
    """With finer words, tables, negative numbers, and variables within variables."""
    condition, parameters = written.checked(text, PRINTED.scope), written.parameters()
    known = dict(read_facts(written.nested(flat), written.WORDS).known)
    world = World(known, parameters, lambda _: None, lambda _: None, time_zone=written.ZONE)
    try:
        value = sql_value(condition, known, written.WORDS, parameters, {})
    except CannotPrint:
        assume(False)
    assert value is walk(condition, world)


@pytest.mark.parametrize(
    ("condition", "drugs", "value"),
    [
        # The sum of 4, unknown, and 3 has no high end: SQL alone would make it 7.
        ("sum(encounter.drugs.map(d, d.grams)) > 6", [{"grams": 4}, {}, {"grams": 3}], True),
        ("sum(encounter.drugs.map(d, d.grams)) > 7", [{"grams": 4}, {}, {"grams": 3}], None),
        ("sum(encounter.drugs.map(d, d.grams)) < 7", [{"grams": 4}, {}, {"grams": 3}], False),
        ("sum(encounter.drugs.map(d, d.grams)) > 0", [], False),
        ("size(encounter.drugs) == 0", [], True),
        ("size(encounter.drugs.filter(d, d.kind == 'opioid')) >= 1", [{}, {}], None),
        ("encounter.drugs.all(d, d.kind == 'opioid')", [], True),
        ("encounter.drugs.exists(d, d.kind == 'opioid')", None, None),
    ],
)
def test_sums_and_lists_with_unknown_parts(condition: str, drugs: Any, value: bool | None) -> None:
    node = written.checked(condition.replace("'", '"'))
    facts = {} if drugs is None else {"encounter": {"drugs": drugs}}
    known = read_facts(facts, written.WORDS).known
    assert sql_value(node, known, written.WORDS, written.parameters(), {}) is value


# Whole files


def by_duckdb(
    reader: CohortReader[Any], answerer: Answerer, *, allowed: float = 0, strict: bool = False
) -> Cohort[Any] | None:
    with open_engine(EngineChoice()) as engine:
        return read_by_sql(reader, answerer, engine, allowed=allowed, strict=strict)


def read_twice(
    file: Path,
    mapping: str,
    questions: Sequence[Question],
    *,
    by: Sequence[str] = (),
    where: Sequence[str] = (),
    assumed: Mapping[str, Any] | None = None,
    is_read_by_sql: bool = True,
    seconds: float = 0,
) -> list[Cohort[Any]]:
    """Read a file row by row and with SQL. Return both results."""
    cohorts = []
    for by_sql in (False, True):
        answerer = Answerer(questions, Completions(seconds), assumed)
        reader = CohortReader(
            read_map(mapping),
            str(file),
            answerer.answer,
            by=by,
            where=read_filters(where),
            day_matters=answerer.day_matters,
        )
        if by_sql:
            cohort = by_duckdb(reader, answerer, allowed=100)
            assert (cohort is not None) == is_read_by_sql
            if cohort is None:
                continue
        else:
            cohort = reader.read(allowed=100)
        cohorts.append(cohort)
    return cohorts


def test_new_york_s_arrests_are_the_same_row_by_row() -> None:
    questions = [
        change_of("nyc-violations", "2021-03-30", "2021-03-31"),
        *(
            Question((Side(rules.load(pack, "2023-07-01"), "eligibility"),))
            for pack in ("seattle", "drug-court")
        ),
    ]
    file = shared("data/nypd_arrests_2017-12.csv.gz")
    assert_same(read_twice(file, "nypd-arrests", questions, by=("race",)))


def test_louisiana_s_arrests_are_the_same_row_by_row() -> None:
    file = shared("data/la_nibrs_arrestees_2010_2020.csv.gz")
    questions = [
        change_of("santa-fe", "2014-04-01", "2018-10-01"),
        change_of("seattle", "2023-01-01", "2024-06-01", "offer"),
        # Its rules read another decision, which is the same for all arrests.
        Question((Side(rules.load("california", "2019-01-01"), "eligibility"),)),
    ]
    assumed = {"judgment.amenable": True}
    where = ["opioid_n=1.."]
    assert_same(
        read_twice(file, "louisiana-nibrs", questions, by=("race",), where=where, assumed=assumed)
    )


@settings(max_examples=40)
@given(st.lists(ROW, min_size=1, max_size=30), st.booleans())
def test_made_up_files_are_the_same_row_by_row(
    tmp_path_factory: pytest.TempPathFactory, table: list[dict[str, str]], is_selected: bool
) -> None:
    """With ids that repeat, cells that can't be read, and columns whose names differ in case."""
    folder = tmp_path_factory.mktemp("cohort")
    file, mapping = folder / "rows.csv", folder / "map.yaml"
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    mapping.write_text(MAP)
    where = ["age=18..", "place=north"] if is_selected else []
    questions = [change_of("santa-fe", "2014-04-01", "2018-10-01")]
    assumed = {"judgment.amenable": True, "encounter.charges.authority": "state"}
    try:
        cohorts = read_twice(
            file, str(mapping), questions, by=("place", "half"), where=where, assumed=assumed
        )
    except RequestError as refusal:
        assert refusal.code == "empty-cohort"
        return
    assert_same(cohorts)


@settings(max_examples=30)
@given(written.packs(), st.lists(ROW, min_size=1, max_size=20))
def test_generated_packs_count_the_same_rows(
    tmp_path_factory: pytest.TempPathFactory, pack: dict[str, Any], table: list[dict[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("cohort")
    file, mapping = folder / "rows.csv", folder / "map.yaml"
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    mapping.write_text(MAP)
    before: Program = written.program(pack, "2014-06-01")
    after = before.on(date(2018, 10, 1))
    declared = before.pack.decisions
    name = next((item for item in declared if not declared[item].collect), None)
    assume(name is not None)
    sides = [Side(program, str(name)) for program in (before, after)]
    assert_same(read_twice(file, str(mapping), [Question((sides[0],)), Question(tuple(sides))]))


@pytest.mark.parametrize(
    "text",
    [
        "id,day\n1,2014-05-01\n\n2,2014-05-01\n",  # an empty line
        "id,day\r\n1,2014-05-01\r\n",
        'id,day\n1,"2014-\n05-01"\n',  # a row of two lines
        'id,day\n1,20"14\n2,2014-05-01\n',  # a stray quote
        "id,day\n1,2014-05-01,more\n2,2014-05-01\n",
        "id,day\n1\n2,2014-05-01\n",
    ],
)
def test_a_file_of_unusual_form_is_left_to_our_own_reader(text: str, tmp_path: Path) -> None:
    file, mapping = tmp_path / "rows.csv", tmp_path / "map.yaml"
    file.write_bytes(text.encode())
    mapping.write_text("title: t\nid: id\nfacts: {encounter.date: {column: day}}\n")
    (cohort,) = read_twice(
        file,
        str(mapping),
        [change_of("santa-fe", "2014-04-01", "2018-10-01")],
        is_read_by_sql=False,
    )
    assert cohort.rows


@pytest.mark.parametrize("ending", ["parquet", "jsonl", "csv.gz"])
def test_every_form_of_a_file_has_the_same_rows(ending: str, tmp_path: Path) -> None:
    mapping, file = tmp_path / "map.yaml", tmp_path / f"rows.{ending}"
    mapping.write_text(MAP)
    table = [
        dict(
            zip(
                COLUMNS,
                (str(at), "2014-05-01", str(15 + at), "true", "", "", "sale", "opioid:4", "x"),
                strict=True,
            )
        )
        for at in range(20)
    ]
    plain = tmp_path / "rows.csv"
    with plain.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    if ending == "parquet":
        CONNECTION.execute(
            f"COPY (SELECT * FROM read_csv('{plain}', normalize_names = false)) TO '{file}'"
        )
    elif ending == "jsonl":
        file.write_text("".join(json.dumps(row | {"age": int(row["age"])}) + "\n" for row in table))
    else:
        file.write_bytes(gzip.compress(plain.read_bytes()))
    questions = [change_of("santa-fe", "2014-04-01", "2018-10-01")]
    by_rows, _ = read_twice(plain, str(mapping), questions)
    answerer = Answerer(questions, Completions(0))
    reader = CohortReader(read_map(str(mapping)), str(file), answerer.answer)
    by_sql = by_duckdb(reader, answerer, strict=True)
    assert by_sql is not None and counted(by_sql) == counted(by_rows)
    assert by_sql.rows == 20


def test_a_file_with_types_is_read_by_rules_of_the_day_of_each_row(tmp_path: Path) -> None:
    """SQL has rules of one day. The rows are then read one by one, and none is counted twice."""
    mapping, file = tmp_path / "map.yaml", tmp_path / "rows.jsonl"
    mapping.write_text("title: t\nid: id\nfacts: {encounter.date: {column: day}}\n")
    days = ["2014-05-01", "2019-01-01", "2014-13-01", "2014-05-01"]
    rows = [{"id": number, "day": day} for number, day in zip((1, 2, 3, 1), days, strict=True)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    answerer = Answerer([Question((Side(rules.load("santa-fe"), "eligibility"),))], Completions(0))
    reader = CohortReader(read_map(str(mapping)), str(file), answerer.answer)
    cohort = by_duckdb(reader, answerer, allowed=100)
    assert cohort is not None
    assert (cohort.rows, cohort.selected, cohort.counted) == (4, 4, 2)


def test_a_file_with_types_needs_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rows.parquet"
    file.write_bytes(b"PAR1")
    words = ["decide", "santa-fe", "eligibility", str(file), "--map", "louisiana-nibrs"]
    words += ["--by", "sex", "--as-of", "2018-10-01"]
    assert main(words) == 2
    assert "can't be read" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert main(words) == 2
    assert "pip install -c constraints.txt '.[cohort]'" in capsys.readouterr().err
