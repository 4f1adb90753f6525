"""Many cases in JSON lines: equal rows are decided once, and each answer is as if decided alone."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import rules
from offramp.policy import operations
from offramp.policy.answer_json import answer_as_json
from offramp.policy.case_input import CaseInput
from offramp.policy.case_table import read_cases
from offramp.policy.table_map import TableMap, read_map
from rules.decide.decision import Decision
from rules.decide.program import Program
from rules.decide.same_law import depends_on_law_alone, law_changes
from rules.errors import Refusal

TODAY = date(2026, 11, 1)
LOUISIANA = read_map("louisiana-nibrs")
PACKS = ("santa-fe", "lead", "seattle", "drug-court", "nyc-violations")
QUESTIONS = ("offer", "eligibility", "screening", "review")
HEAD = (
    "arrestee_id,arrest_date,age,armed_at_arrest,arrest_offense,incident_offenses,drug_acts,drugs"
)
PROGRAMS = {name: rules.load(name) for name in PACKS}


def cases(rows: list[tuple[str, ...]], mapping: TableMap = LOUISIANA) -> Iterator[CaseInput]:
    lines = [HEAD, *(",".join((str(index), *row)) for index, row in enumerate(rows))]
    return read_cases(mapping, io.BytesIO("\n".join(lines).encode()))


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
    lines = operations.answer_in_lines(program, question, cases(rows), today=TODAY)
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
    rows = cases([(day, *SAME) for day in days])
    lines = [*operations.answer_in_lines(PROGRAMS["santa-fe"], "offer", rows, today=TODAY)]
    assert len(calls) == 1
    answers = [json.loads(line.text)["decision"] for line in lines]
    assert [answer["pack"]["as_of"] for answer in answers] == days
    assert len({answer["facts_digest"] for answer in answers}) == 30


def test_a_row_whose_day_matters_is_decided_by_itself(calls: list[str]) -> None:
    """Seattle looks ten years back from the arrest, and so its answer may depend on the day."""
    assert not depends_on_law_alone(PROGRAMS["seattle"], "eligibility")
    assert depends_on_law_alone(PROGRAMS["santa-fe"], "eligibility")
    days = ["2025-03-01", "2025-03-02"]
    rows = cases([(day, *SAME) for day in days])
    assert [*operations.answer_in_lines(PROGRAMS["seattle"], "eligibility", rows, today=TODAY)]
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
