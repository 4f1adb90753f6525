"""Many cases in JSON lines: equal rows are decided once, and each answer is as if decided alone."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import rules
from offramp.policy import operations
from offramp.policy.answer_json import answer_as_json
from offramp.policy.answer_lines import LineWriter
from offramp.policy.case_input import CaseInput
from offramp.policy.case_table import read_cases
from offramp.policy.progress import progress_text
from offramp.policy.table_map import TableMap, read_map
from rules.decide.decision import Decision
from rules.decide.program import Program
from rules.decide.same_law import depends_on_law_alone, law_changes
from rules.errors import Refusal
from tests.support.terminals import show_at_once

TODAY = date(2026, 11, 1)
LOUISIANA = read_map("louisiana-nibrs")
PACKS = ("santa-fe", "lead", "seattle", "drug-court", "nyc-violations")
QUESTIONS = ("offer", "eligibility", "screening", "review")
HEAD = (
    "arrestee_id,arrest_date,age,armed_at_arrest,arrest_offense,incident_offenses,drug_acts,drugs"
)
PROGRAMS = {name: rules.load(name) for name in PACKS}


def cases(rows: list[tuple[str, ...]], mapping: TableMap = LOUISIANA) -> Iterator[CaseInput]:
    return read_cases(mapping, io.BytesIO(table(rows)))


def table(rows: list[tuple[str, ...]]) -> bytes:
    """A table of these cells, with the rows' numbers as ids."""
    lines = [HEAD, *(",".join((str(index), *row)) for index, row in enumerate(rows))]
    return "\n".join(lines).encode()


def answered(
    program: Program, decision: str, rows: list[tuple[str, ...]]
) -> list[operations.AnswerLine]:
    """The line of each row, decided in one run."""
    writer = LineWriter(program, decision, today=TODAY)
    return [writer.answer(case) for case in cases(rows)]


def answered_alone(program: Program, decision: str, case: CaseInput) -> dict[str, Any]:
    """The line of one case, which is decided by itself."""
    try:
        answer = program.decide(decision, case.read_facts())
        return {"id": case.id, "decision": answer_as_json(answer, TODAY)}
    except Refusal as refusal:
        return {"id": case.id, "error": refusal.as_json()}


DAYS = sorted(
    {
        (day + timedelta(days=by)).isoformat()
        for program in PROGRAMS.values()
        for day in law_changes(program)
        for by in (-1, 0)
    }
)
ROWS = st.tuples(
    st.sampled_from([*DAYS, "", "2015-02-30", "1.6.2015"]),
    st.sampled_from(["17", "30", "x", ""]),
    st.sampled_from(["0", "1"]),
    st.sampled_from(["35A", "520", "13A"]),
    st.sampled_from(["35A", "35A|13A"]),
    st.sampled_from(["P", "D"]),
    st.sampled_from(["D:1:GM", "E:1:XX", ""]),
)
SAME = ("30", "0", "35A", "35A", "P", "D:1:GM")


@pytest.mark.parametrize("pack", PACKS)
@settings(max_examples=25, deadline=None)
@example(rows=[(day, *SAME) for day in DAYS], question="offer")
@example(rows=[(day, *SAME) for day in DAYS], question="eligibility")
@given(rows=st.lists(ROWS, min_size=2, max_size=12), question=st.sampled_from(QUESTIONS))
def test_each_row_is_answered_as_if_alone(
    pack: str, rows: list[tuple[str, ...]], question: str
) -> None:
    program = PROGRAMS[pack]
    rows = [*rows, *((day, *row[1:]) for row in rows for day in ("2016-03-01", "2025-03-01"))]
    lines = answered(program, question, rows)
    for case, line in zip(cases(rows), lines, strict=True):
        alone = answered_alone(program, question, case)
        assert line.text == json.dumps(alone, separators=(",", ":"))
        assert line.is_refused == ("error" in alone)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The questions that programs were asked since."""
    asked: list[str] = []
    decide = Program.decide

    def counted(program: Program, name: str, facts: Any) -> Decision:
        asked.append(name)
        return decide(program, name, facts)

    monkeypatch.setattr(Program, "decide", counted)
    return asked


def test_rows_that_differ_in_the_day_are_decided_once(calls: list[str]) -> None:
    days = [(date(2015, 6, 1) + timedelta(days=by)).isoformat() for by in range(30)]
    lines = answered(PROGRAMS["santa-fe"], "offer", [(day, *SAME) for day in days])
    assert len(calls) == 1
    answers = [json.loads(line.text)["decision"] for line in lines]
    assert [answer["pack"]["as_of"] for answer in answers] == days
    assert len({answer["facts_digest"] for answer in answers}) == 30


def test_a_row_whose_day_matters_is_decided_by_itself(calls: list[str]) -> None:
    """Seattle looks ten years back from the arrest, and so its answer may depend on the day."""
    assert not depends_on_law_alone(PROGRAMS["seattle"], "eligibility")
    assert depends_on_law_alone(PROGRAMS["santa-fe"], "eligibility")
    days = ["2025-03-01", "2025-03-02"]
    assert answered(PROGRAMS["seattle"], "eligibility", [(day, *SAME) for day in days])
    assert len(calls) == 2


def test_a_day_is_taken_apart_only_if_its_column_has_no_other_fact(tmp_path: Path) -> None:
    for other, is_apart in (("armed_at_arrest", True), ("arrest_date", False)):
        written = tmp_path / "map.yaml"
        written.write_text(
            "title: t\nid: arrestee_id\nfacts:\n"
            "  encounter.date: {column: arrest_date}\n"
            f"  encounter.weapon: {{column: {other}, values: {{'1': true}}, else: unknown}}\n"
        )
        case = next(cases([("2015-06-01", *SAME)], read_map(str(written))))
        assert (case.key is not None) is is_apart


# Several processes


def written(tmp_path: Path, count: int) -> Path:
    """A table of so many rows, a tenth of them bad."""
    rows = [(DAYS[index % len(DAYS)], str(index % 90), *SAME[1:]) for index in range(count)]
    lines = table(rows).splitlines()
    lines[10::10] = [b'10,2015-06-01,"a"b', *lines[20::10]]
    path = tmp_path / "rows.csv"
    path.write_bytes(b"\n".join(lines))
    return path


def run(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "offramp", "decide", "santa-fe", "offer", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **more)


def test_processes_answer_as_one_does_and_in_order(tmp_path: Path) -> None:
    words = (str(written(tmp_path, 4_500)), "--map", "louisiana-nibrs", "--lines")
    alone, together = run(*words), run(*words, "--jobs", "3")
    assert alone.returncode == together.returncode == 2
    assert alone.stdout.count("\n") == 4_500 and together.stdout == alone.stdout
    assert alone.stderr == together.stderr == ""


def test_processes_answer_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text('{"id": 1, "facts": {}}\nnonsense\n\n{"id": 3.50, "facts": {}}\n' * 3)
    together = run(str(path), "--lines", "--jobs", "2")
    assert together.stdout == run(str(path), "--lines").stdout and '"id":3.50' in together.stdout


def test_a_file_that_breaks_off_gives_the_answers_before_it(tmp_path: Path) -> None:
    whole = gzip.compress(written(tmp_path, 4_500).read_bytes(), mtime=0)
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(whole[: len(whole) * 2 // 3])
    words = (str(path), "--map", "louisiana-nibrs", "--lines")
    alone, together = run(*words), run(*words, "--jobs", "2")
    assert alone.returncode == together.returncode == 2
    assert together.stdout == alone.stdout and '"no-file"' in alone.stdout.splitlines()[-1]


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("is_full", [False, True], ids=["at-work", "with-a-full-pipe"])
def test_a_killed_process_is_named(number: int, is_full: bool, tmp_path: Path) -> None:
    """Also while rows wait for it in its pipe, which the other process holds open."""
    path = written(tmp_path, 60_000)
    words = ["decide", "santa-fe", "offer", str(path), "--map", "louisiana-nibrs", "--jobs", "2"]
    with subprocess.Popen(
        [sys.executable, "-m", "offramp", *words, "--lines"], stdout=PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert len(children) == 2
        if is_full:
            os.kill(int(children[number]), signal.SIGSTOP)
            time.sleep(1)  # until it has more rows than a pipe takes
        os.kill(int(children[number]), signal.SIGKILL)
        if is_full and number == 0:  # the other one is halted, and ends too
            os.kill(int(children[1]), signal.SIGSTOP)
        rest = process.stdout.read().splitlines()
    assert process.returncode == 2 and '"job-stopped"' in rest[-1]
    assert all(json.loads(line)["id"] for line in rest[:-1])


def test_no_process_outlives_the_one_that_asks(tmp_path: Path) -> None:
    words = (str(written(tmp_path, 60_000)), "--map", "louisiana-nibrs", "--lines", "--jobs", "2")
    with subprocess.Popen(
        [sys.executable, "-m", "offramp", "decide", "santa-fe", "offer", *words], stdout=PIPE
    ) as process:
        assert process.stdout is not None and process.stdout.readline()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert len(children) == 2
        process.kill()
        process.stdout.read()  # until the last of them has let go of it


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("apart", [0, 0.05])
def test_an_interrupt_ends_all_processes_without_a_word(
    jobs: int, apart: float, tmp_path: Path
) -> None:
    """As a terminal sends it, to every process of the group, and by someone who presses twice."""
    words = (str(written(tmp_path, 60_000)), "--map", "louisiana-nibrs", "--lines")
    command = [sys.executable, "-m", "offramp", "decide", "seattle", "eligibility", *words]
    with subprocess.Popen(
        [*command, "--jobs", str(jobs)], stdout=PIPE, stderr=PIPE, process_group=0
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(apart)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (130, b"")
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)


@pytest.mark.parametrize(
    "words", [("--jobs", "2"), ("--lines", "--jobs", "0"), ("--lines", "--jobs", "two")]
)
def test_jobs_without_sense_are_refused(words: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    path.write_text("{}")
    refused = run(str(path), *words)
    assert refused.returncode == 2 and "--jobs" in refused.stdout + refused.stderr
    assert "Traceback" not in refused.stderr


def test_progress_is_shown_on_a_terminal_alone(tmp_path: Path) -> None:
    assert progress_text(1_200, None, 4.0) == "1,200 cases"
    assert progress_text(1_200, 0.25, 30.0) == "1,200 cases, 25%, about 1 min 30 s left"
    words = (str(written(tmp_path, 6_000)), "--map", "louisiana-nibrs", "--lines")
    text = show_at_once("decide", "seattle", "eligibility", *words)
    assert re.search(rb"\r[\d,]+ cases, \d+%, about [\d min]+ s left", text)
