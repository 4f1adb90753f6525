"""Spark counts the same rows as DuckDB, on this computer and on a cluster.

A statement takes Spark about a second. So many conditions are asked at once, and many packs about
one file. All tests but those of the command share one session.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

import rules
from offramp.cli import main
from offramp.policy.cohort.answers import Answerer, Question, Side
from offramp.policy.cohort.completions import Completions
from offramp.policy.cohort.engine_choice import EngineChoice, open_engine
from offramp.policy.cohort.reading import Cohort, CohortReader
from offramp.policy.cohort.selection import read_filters
from offramp.policy.cohort.sql_conditions import CannotPrint, ConditionPrinter, quoted
from offramp.policy.cohort.sql_dialects import SPARK
from offramp.policy.cohort.sql_reading import read_by_sql
from offramp.policy.cohort.sql_values import Citations, as_columns, column_expressions, structure_of
from offramp.policy.table_map import read_map
from rules.decide import explain
from rules.decide.walk import World, walk
from rules.errors import RequestError
from rules.input.facts import read_facts
from rules.shelf import vocabulary
from tests.conftest import ROOT, shared
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

HAS_SPARK = importlib.util.find_spec("pyspark") is not None
HAS_JAVA = shutil.which("java") is not None
needs_spark = pytest.mark.skipif(
    not (HAS_SPARK and HAS_JAVA), reason="Spark (the extra `spark`) or Java isn't installed"
)
# A short run isn't worth much compiling. Java takes this from the environment too.
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
# An example takes seconds, and to make a failing one smaller would take an hour.
SLOW = {
    "phases": [Phase.explicit, Phase.reuse, Phase.generate],
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
    "deadline": None,
}
ARRESTS, ARREST_MAP = ROOT / "examples" / "arrests.csv", ROOT / "examples" / "arrests-map.yaml"


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    from offramp.policy.cohort.spark_session import spark_session

    with spark_session("local[2]", {"spark.driver.extraJavaOptions": QUICK}) as spark:
        yield spark


# Conditions


class Asked:
    """Conditions that one statement asks of one row, with the values of their trees."""

    def __init__(self) -> None:
        self.structure: dict[str, Any] = {}
        self.cells: dict[str, Any] = {}
        self.outer: list[str] = []
        self.texts: list[str] = []
        self.values: list[bool | None] = []

    def add(
        self,
        condition: Any,
        known: dict[str, Any],
        words: Any,
        parameters: Any,
        outcomes: dict[str, str],
        value: bool | None,
    ) -> None:
        names, citations, number = explain.names(condition), Citations(), len(self.values)
        columns, structures, cells, outer = {}, {}, {}, []
        try:
            for path, fields in (dict.fromkeys(names.facts, ()) | dict(names.lists)).items():
                fact, name = words.facts[path], f"{number} {path}"
                name = name.replace(" ", "_")  # a space begins the end of a number
                structures[name] = structure_of(fact, fields)
                cells[name] = as_columns(fact, known.get(path), fields, citations)
                parts = [] if fact.type == "list" else list(structures[name])
                outer += column_expressions(name, parts)
                columns[path] = quoted(name)
            printer = ConditionPrinter(columns, {}, parameters, outcomes, citations, SPARK)
            truth = printer.rule(condition)
        except CannotPrint:
            return
        self.structure |= structures
        self.cells |= cells
        self.outer += outer
        self.texts.append(f"CASE WHEN {truth.true} THEN 1 WHEN {truth.false} THEN 0 ELSE 2 END")
        self.values.append(value)

    def answers(self, session: Any) -> list[bool | None]:
        parsed = SPARK.parsed(":cells", self.structure or {"nothing": "BOOLEAN"})
        table = f"(SELECT {', '.join([*self.outer, '1'])} FROM (SELECT {parsed} AS value))"
        row = session.sql(
            f"SELECT {', '.join(self.texts)} FROM {table}", {"cells": json.dumps(self.cells)}
        ).collect()[0]
        return [{1: True, 0: False, 2: None}[cell] for cell in row]


PRINTED = written.Readable(
    (*written.TINY, "encounter.drugs", "encounter.charges", "person.age", "wide.heat"), clocks=()
)


@needs_spark
@settings(max_examples=4, **SLOW)
@given(st.data())
def test_conditions_have_the_values_of_their_trees(session: Any, data: Any) -> None:
    """Generated and written conditions, partial facts, and numbers of which only ends are known."""
    asked, parameters = Asked(), written.parameters()
    for _ in range(15):
        condition = data.draw(generated.conditions())
        facts = data.draw(generated.complete_facts().flatmap(generated.with_holes))
        outcomes = {
            name: data.draw(st.sampled_from(item)) for name, item in generated.OUTCOMES.items()
        }
        known = with_ranges(data.draw, dict(read_facts(facts, vocabulary()).known))
        world = World(known, generated.PARAMETERS, outcomes.get, lambda _: None)
        value = walk(condition, world)
        asked.add(condition, known, vocabulary(), generated.PARAMETERS, outcomes, value)
        text = data.draw(written.conditions(PRINTED))
        flat = data.draw(
            written.complete(PRINTED.paths).flatmap(written.unsettled).flatmap(written.holes_in)
        )
        known = dict(read_facts(written.nested(flat), written.WORDS).known)
        condition = written.checked(text, PRINTED.scope)
        condition = condition[0] if isinstance(condition, tuple) else condition
        world = World(known, parameters, lambda _: None, lambda _: None, time_zone=written.ZONE)
        asked.add(condition, known, written.WORDS, parameters, {}, walk(condition, world))
    assume(asked.values)
    assert asked.answers(session) == asked.values


@needs_spark
def test_sums_and_lists_with_unknown_parts(session: Any) -> None:
    """The sum of 4, unknown, and 3 has no high end. A builder without guards made it 7, or 3."""
    asked = Asked()
    grams, ranges = "sum(encounter.drugs.map(d, d.grams))", [{"grams": 4}, {}, {"grams": 3}]
    most = [{"grams": 999_999_999_999}] * 30  # in millionths, past what 64 bits hold
    for text, drugs in (
        (f"{grams} > 6", ranges),
        (f"{grams} > 7", ranges),
        (f"{grams} < 7", ranges),
        (f"{grams} > 0", []),
        (f"{grams} >= 0.3", [{"grams": 0.1}, {"grams": 0.2}]),
        (f"{grams} > 999999999999", most),
        (f"{grams} <= 999999999999", most),
        ("size(encounter.drugs) == 0", []),
        ("size(encounter.drugs.filter(d, d.kind == 'opioid')) >= 1", [{}, {}]),
        ("encounter.drugs.all(d, d.kind == 'opioid')", []),
        ("encounter.drugs.exists(d, d.kind == 'opioid')", None),
        ("encounter.drugs.exists(d, d.kind != 'opioid')", [{}, {"kind": "opioid"}]),
    ):
        condition = written.checked(text.replace("'", '"'))
        facts = {} if drugs is None else {"encounter": {"drugs": drugs}}
        known = dict(read_facts(facts, written.WORDS).known)
        world = World(known, written.parameters(), lambda _: None, lambda _: None)
        value = walk(condition, world)
        asked.add(condition, known, written.WORDS, written.parameters(), {}, value)
    assert len(asked.values) == 12
    assert asked.values[:4] == [True, None, False, False]
    assert asked.answers(session) == asked.values


# Whole files


def read_with(
    session: Any,
    file: Path,
    mapping: str,
    questions: Sequence[Question],
    *,
    by: Sequence[str] = (),
    where: Sequence[str] = (),
    assumed: dict[str, Any] | None = None,
    spark_file: Path | None = None,
) -> list[Cohort[Any]]:
    """Read a file with DuckDB and with Spark. Return both results."""
    from offramp.policy.cohort.spark_engine import SparkEngine

    cohorts = []
    for is_spark in (False, True):
        answerer = Answerer(questions, Completions(0), assumed)
        reader = CohortReader(
            read_map(mapping),
            str(spark_file if is_spark and spark_file else file),
            answerer.answer,
            by=by,
            where=read_filters(where),
            day_matters=answerer.day_matters,
        )
        if is_spark:
            cohort = read_by_sql(reader, answerer, SparkEngine(session), allowed=100, strict=False)
        else:
            with open_engine(EngineChoice()) as engine:
                cohort = read_by_sql(reader, answerer, engine, allowed=100, strict=False)
        assert cohort is not None
        cohorts.append(cohort)
    return cohorts


def write_rows(file: Path, rows: Sequence[dict[str, str]]) -> None:
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


@needs_spark
@settings(max_examples=2, **SLOW)
@given(
    st.lists(written.packs(), min_size=6, max_size=6),
    st.lists(ROW, min_size=60, max_size=60),
)
def test_generated_packs_count_the_same_rows(
    tmp_path_factory: pytest.TempPathFactory,
    session: Any,
    packs: list[dict[str, Any]],
    rows: list[dict[str, str]],
) -> None:
    """Ids repeat, some cells can't be read, and names of columns differ in case."""
    folder = tmp_path_factory.mktemp("cohort")
    file, mapping = folder / "rows of arrests.csv", folder / "map.yaml"
    write_rows(file, rows)
    mapping.write_text(MAP)
    questions = []
    for pack in packs:
        before = written.program(pack, "2014-06-01")
        declared = before.pack.decisions
        name = next((item for item in declared if not declared[item].collect), None)
        if name is not None:
            sides = [Side(item, str(name)) for item in (before, before.on(date(2018, 10, 1)))]
            questions += [Question((sides[0],)), Question(tuple(sides))]
    assume(questions)
    where = ["place=north", 'place=so"uth']
    assert_same(
        read_with(session, file, str(mapping), questions, by=("place", "half"), where=where)
    )


@needs_spark
def test_louisiana_s_arrests_are_the_same(session: Any) -> None:
    questions = [
        Question((Side(rules.load(pack, "2018-10-01"), "eligibility"),))
        for pack in ("santa-fe", "drug-court")
    ]
    file = shared("data/la_nibrs_arrestees_2010_2020.csv.gz")
    assert_same(
        read_with(
            session,
            file,
            "louisiana-nibrs",
            [*questions, change_of("santa-fe", "2014-04-01", "2018-10-01")],
            by=("race",),
            where=["arrest_offense=35A", "age=18.."],
            assumed={"judgment.amenable": True, "decisions.screening": "proceed"},
        )
    )


@needs_spark
def test_new_york_s_arrests_are_the_same(session: Any) -> None:
    questions = [change_of("nyc-violations", "2021-03-30", "2021-03-31")]
    file = shared("data/nypd_arrests_2017-12.csv.gz")
    assert_same(read_with(session, file, "nypd-arrests", questions, by=("race",)))


TYPED_MAP = """\
title: arrests
id: id
unit: arrest
unknown: [""]
facts:
  encounter.date: {column: day}
  person.age: {column: age}
  encounter.in_area: {column: area}
  encounter.drugs: {items: [{kind: {value: opioid}, grams: {column: grams}}]}
"""


@needs_spark
def test_parquet_has_the_same_cells(session: Any, tmp_path: Path) -> None:
    """Dates, times, decimals, booleans, and numbers such as 1e-05 are the same text."""
    import duckdb

    file, mapping = tmp_path / "rows.parquet", tmp_path / "map.yaml"
    mapping.write_text(TYPED_MAP)
    duckdb.execute(
        "COPY (SELECT CASE WHEN i % 50 = 49 THEN NULL ELSE i % 45 END AS id, "
        "DATE '2014-05-01' + (i % 40)::INTEGER AS day, "
        "TIMESTAMP '2014-05-01 10:00:00' + to_milliseconds(250 * (i % 5)) AS time, "
        "(15 + i % 9)::UTINYINT AS age, CASE i % 3 WHEN 0 THEN true WHEN 1 THEN false END AS area, "
        "CASE i % 7 WHEN 0 THEN 1e-05 WHEN 1 THEN 3.5 WHEN 2 THEN 4 WHEN 3 THEN 123456789.25 "
        "WHEN 4 THEN 1e17 WHEN 5 THEN 0.1 + 0.2 END::DOUBLE AS grams, "
        "CASE i % 4 WHEN 0 THEN 1.50 WHEN 1 THEN 0 WHEN 2 THEN -0.05 END::DECIMAL(30, 12) AS fee "
        f"FROM (SELECT unnest(range(100)) AS i)) TO '{file}' (ROW_GROUP_SIZE 30)"
    )
    questions = [change_of("santa-fe", "2014-04-01", "2018-10-01")]
    by = ("time", "area", "grams", "fee")
    duck, spark = read_with(session, file, str(mapping), questions, by=by)
    assert_same([duck, spark])
    assert counted(spark)


@needs_spark
def test_the_first_of_equal_ids_counts_also_in_a_file_of_many_parts(
    session: Any, tmp_path: Path
) -> None:
    """Each part of the file is some lines. Rows without an id are named by their line."""
    file, mapping = tmp_path / "rows #1%20é.csv", tmp_path / "map.yaml"
    mapping.write_text("title: t\nid: id\nfacts: {person.age: {column: age}}\n")
    ages = [str(15 + at % 20) if at % 7 else "forty" for at in range(400)]
    ids = [str(at % 150) if at % 9 else "" for at in range(400)]
    file.write_text(
        "id,age\n" + "".join(f"{key},{age}\n" for key, age in zip(ids, ages, strict=True))
    )
    questions = [Question((Side(rules.load("santa-fe", "2018-10-01"), "eligibility"),))]
    duck, spark = read_with(_Parts(session, "1024"), file, str(mapping), questions, by=("age",))
    assert_same([duck, spark])
    assert any("line" in name for item in spark.left_out for name in item.first)


class _Parts:
    """A session that reads a file in parts of some bytes."""

    def __init__(self, session: Any, size: str) -> None:
        self._session, self._size = session, size
        self.sparkContext = session.sparkContext

    def newSession(self) -> Any:  # as Spark's session has it
        session = self._session.newSession()
        session.conf.set("spark.sql.files.maxPartitionBytes", self._size)
        return session


@needs_spark
@pytest.mark.parametrize(
    "text",
    [
        "id,age\n1,20\n\n2,21\n",  # an empty line
        "id,age\n1,20\n   \n2,21\n",
        "id,age\r\n1,20\r\n",
        'id,age\n1,"20\n2,21"\n',  # a row of two lines
        'id,age\n1,"a\nb,c"\n',  # that has two cells in each
        'id,age\n1,20""\n2,21\n',
        'id,age\n1,2"0\n2,21\n',
        "id,age\n1,20,more\n2,21\n",
        "id,age\n1\n2,21\n",
        b"id,age\n1,20\n2,\xff\n",
        "id,age\n1," + "2" * 131_073 + "\n",
    ],
)
def test_a_file_of_unusual_shape_is_refused(
    session: Any, text: str | bytes, tmp_path: Path
) -> None:
    file, mapping = tmp_path / "rows.csv", tmp_path / "map.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    mapping.write_text("title: t\nid: id\nfacts: {person.age: {column: age}}\n")
    with pytest.raises(RequestError) as refusal:
        _spark_alone(session, file, mapping)
    assert refusal.value.code == "not-for-spark"
    assert "save it as Parquet" in str(refusal.value.fix)


def _spark_alone(session: Any, file: Path, mapping: Path) -> Cohort[Any]:
    from offramp.policy.cohort.spark_engine import SparkEngine

    questions = [Question((Side(rules.load("santa-fe", "2018-10-01"), "eligibility"),))]
    answerer = Answerer(questions, Completions(0))
    reader = CohortReader(read_map(str(mapping)), str(file), answerer.answer)
    cohort = read_by_sql(reader, answerer, SparkEngine(session), allowed=100, strict=False)
    assert cohort is not None
    return cohort


@needs_spark
@pytest.mark.parametrize(
    ("column", "code", "says"),
    [
        ("TIMESTAMPTZ '2014-05-01 00:00:00+00'", "not-for-spark", "the type timestamp"),
        ("1.5::FLOAT", "not-for-spark", "the type float"),
        ("'20'::BLOB", "not-for-spark", "the type binary"),
        (None, "no-file", "can't be read"),
    ],
)
def test_a_parquet_column_whose_text_may_differ_is_refused(
    session: Any, column: str | None, code: str, says: str, tmp_path: Path
) -> None:
    import duckdb

    file, mapping = tmp_path / "rows.parquet", tmp_path / "map.yaml"
    mapping.write_text("title: t\nid: id\nfacts: {person.age: {column: age}}\n")
    if column is None:
        file.write_bytes(b"PAR1")
    else:
        duckdb.execute(f"COPY (SELECT 1 AS id, {column} AS age) TO '{file}'")
    with pytest.raises(RequestError) as refusal:
        _spark_alone(session, file, mapping)
    assert refusal.value.code == code
    assert says in refusal.value.message


# The command


def offramp(
    *words: str, settings_of: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path, "JDK_JAVA_OPTIONS": QUICK}
    return subprocess.run(
        [sys.executable, "-m", "offramp", *words],
        cwd=ROOT,
        env={**environment, **(settings_of or {})},
        capture_output=True,
        text=True,
        timeout=180,
    )


SMALL = ("decide", "santa-fe", "eligibility", str(ARRESTS), "--map", str(ARREST_MAP))
SMALL = (*SMALL, "--by", "level", "--as-of", "2018-10-01", "--allow-left-out", "50")


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """Start a master and two workers as processes of this computer. Yield the master's address."""
    import pyspark

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"spark://127.0.0.1:{port}"
    start = [str(Path(pyspark.__file__).parent / "bin" / "spark-class")]
    deploy = "org.apache.spark.deploy"
    master = ["--host", "127.0.0.1", "--port", str(port), "--webui-port", "0"]
    worker = ["--host", "127.0.0.1", "--webui-port", "0", "--cores", "1", "--memory", "1g"]
    environment = {
        **os.environ,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "256m",
        "JDK_JAVA_OPTIONS": QUICK,
    }
    processes = []
    try:
        with (folder / "log").open("wb") as log:
            for words in (
                [f"{deploy}.master.Master", *master],
                *(
                    [f"{deploy}.worker.Worker", *worker, "--work-dir", str(folder / name), address]
                    for name in ("first", "second")
                ),
            ):
                processes.append(
                    subprocess.Popen([*start, *words], stdout=log, stderr=log, env=environment)
                )
        end = time.monotonic() + 60
        while (folder / "log").read_text().count("Successfully registered with master") < 2:
            assert time.monotonic() < end, (folder / "log").read_text()
            time.sleep(0.2)
        yield address
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait()


@needs_spark
def test_a_cluster_of_two_workers_prints_the_same_report(tmp_path: Path) -> None:
    """Nothing that Spark or Java print reaches the terminal, and no file is left behind."""
    file = tmp_path / "rows.csv"
    rows = ARRESTS.read_text().splitlines()
    file.write_text(
        "\n".join([rows[0], *(f"{at}{row}" for at in range(20_000) for row in rows[1:4])]) + "\n"
    )
    words = [str(file) if word == str(ARRESTS) else word for word in SMALL]
    local, before = {"SPARK_LOCAL_IP": "127.0.0.1"}, set(ROOT.iterdir())
    with cluster(tmp_path) as address:
        counted_there = offramp(*words, "--engine", "spark", "--master", address, settings_of=local)
        ran = list(tmp_path.glob("*/app-*/*/stderr"))
    assert (counted_there.returncode, counted_there.stderr) == (0, "")
    assert counted_there.stdout == offramp(*words).stdout
    assert "60,000" in counted_there.stdout
    assert set(ROOT.iterdir()) == before
    assert {path.parent.parent.parent.name for path in ran} == {"first", "second"}


@needs_spark
def test_an_interrupt_prints_nothing_and_ends_java(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "offramp", *SMALL, "--engine", "spark", "--master", "local[1]"]
    environment = {**os.environ, "JDK_JAVA_OPTIONS": QUICK, "TMPDIR": str(tmp_path)}
    ran = subprocess.Popen(
        words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    end = time.monotonic() + 60
    while not any(tmp_path.glob("offramp-spark-*/*")):  # Java has started
        assert time.monotonic() < end and ran.poll() is None
        time.sleep(0.1)
    ran.send_signal(signal.SIGINT)
    assert ran.communicate(timeout=60) == (b"", b"")
    assert ran.returncode == 130
    assert not any(tmp_path.glob("offramp-spark-*"))


@needs_spark
@pytest.mark.parametrize(
    ("master", "code"),
    [("yarn", "usage"), ("local[0]", "usage"), ("spark://127.0.0.1:1", "no-master")],
)
def test_a_master_that_can_t_be_used_is_refused(
    master: str, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SMALL, "--engine", "spark", "--master", master]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert re.fullmatch(rf".*`.*{re.escape(master)}`.*\[{code}\]\n", shown.err)


def test_without_the_extra_the_fix_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    assert main([*SMALL, "--engine", "spark"]) == 2
    shown = capsys.readouterr()
    assert "pip install -c constraints.txt '.[spark]'" in shown.err and "[no-spark]" in shown.err
    assert len(shown.err.splitlines()) == 1


def test_without_java_the_fix_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    if not HAS_SPARK:
        monkeypatch.setitem(sys.modules, "pyspark", type(sys)("pyspark"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    code = main([*SMALL, "--engine", "spark"])
    shown = capsys.readouterr()
    assert code == 2 and "[no-java]" in shown.err
    assert "openjdk-17-jre-headless" in shown.err


@pytest.mark.parametrize(
    "words",
    [
        [*SMALL, "--master", "local[1]"],
        [*SMALL, "--engine", "durable"],
        ["decide", "santa-fe", "eligibility", "examples/arrest.json", "--engine", "spark"],
        ["decide", "santa-fe", "eligibility", "examples/arrest.json", "--master", "local[1]"],
        ["change", "santa-fe@2014-04-01", "santa-fe@2018-10-01", "--engine", "spark"],
    ],
)
def test_an_engine_where_no_rows_are_counted_is_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert "[usage]" in capsys.readouterr().err
