"""`offramp test` runs a pack's cases apart from its scenarios and never hides a wrong answer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from offramp.cli import main
from rules.author.cases import FILE, read_cases, run_cases
from rules.decide.program import Program
from rules.shelf import jurisdictions, read_pack

WITH_CASES = sorted(path.parent.name for path in jurisdictions().glob(f"*/{FILE}"))

PACK = """\
id: town
title: The town's program
time_zone: America/Denver
program: {from: 2014-04-01, source: act}
sources:
  act: {title: The act, address: https://example.org/act, confidence: high}
decisions:
  eligibility:
    rules:
      - id: under-age
        when: person.age < 18
        then: ineligible
        because: The program is for adults.
        source: act
    otherwise: {outcome: eligible, because: Nothing bars the person., source: act}
  filing:
    rules:
      - id: late
        when: day(now) > date("2020-01-01")
        then: prosecutor_may_file
        because: The time is over.
        source: act
    otherwise: {outcome: hold, because: There is time., source: act}
"""
SOURCE = "source: {cite: The act, at: section 2, address: https://example.org/act}"


@pytest.fixture
def town(tmp_path: Path) -> Path:
    folder = tmp_path / "town"
    folder.mkdir()
    (folder / "pack.yaml").write_text(PACK)
    (folder / "scenarios.yaml").write_text(
        "- {id: a, says: A child., decision: eligibility, as_of: 2019-01-01, "
        "facts: {person: {age: 12}}, expect: {outcome: ineligible}}\n"
    )
    return folder


def write_cases(town: Path, *cases: str) -> None:
    (town / "cases.yaml").write_text("".join(f"- {{{case}, {SOURCE}}}\n" for case in cases))


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(list(words))
    return code, capsys.readouterr().out


ADULT = "id: adult, decision: eligibility, day: 2019-01-01, facts: {person: {age: 30}}"
CHILD = "id: child, decision: eligibility, day: 2019-01-01, like: adult, facts: {person: {age: 17}}"


def test_cases_are_counted_apart_from_scenarios(
    town: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_cases(
        town,
        f"{ADULT}, expect: [eligible], why: Adults may take part.",
        f"{CHILD}, expect: [ineligible], why: The act takes adults.",
    )
    code, printed = run(capsys, "test", str(town))
    assert code == 0, printed
    assert "1 of 1 scenarios hold" in printed
    assert printed.splitlines()[-1].endswith("cases: 2 of 2 as the sources say")


def test_a_wrong_answer_fails_the_run_and_names_its_source(
    town: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_cases(town, f"{ADULT}, expect: [ineligible], why: The act is about children.")
    code, printed = run(capsys, "test", str(town))
    assert code == 1
    assert "town/cases.yaml:1:3: `adult`: The act is about children." in printed
    assert "the answer is eligible, and by The act, section 2 it is ineligible" in printed
    assert "cases: 0 of 1 as the sources say" in printed
    code, printed = run(capsys, "test", "--json", str(town))
    shown = json.loads(printed)[str(town)]
    assert code == 1 and shown["passed"] is False and shown["failures"] == {}
    assert shown["cases"] == {
        "cases": 1,
        "wrong": {
            "adult": {
                "answer": "eligible",
                "expected": ["ineligible"],
                "source": {
                    "cite": "The act",
                    "at": "section 2",
                    "address": "https://example.org/act",
                },
                "needed": [],
            }
        },
    }


def test_undetermined_is_wrong_where_the_source_decides(
    town: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = "id: unknown, decision: eligibility, day: 2019-01-01, facts: {}"
    write_cases(town, f"{unknown}, expect: [eligible], why: The act says so.")
    code, printed = run(capsys, "test", str(town))
    assert code == 1
    assert "the answer is undetermined, and by The act, section 2 it is eligible" in printed
    assert "it asks for person.age" in printed
    write_cases(town, f"{unknown}, expect: [eligible, undetermined], why: Nobody knows the age.")
    assert run(capsys, "test", str(town))[0] == 0


def test_a_day_before_the_program_is_an_answer(
    town: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    early = "id: early, decision: eligibility, day: 2014-03-31, facts: {person: {age: 30}}"
    write_cases(town, f"{early}, expect: [outside-program], why: It began in April.")
    assert run(capsys, "test", str(town))[0] == 0
    write_cases(town, f"{early}, expect: [eligible], why: It began in March.")
    code, printed = run(capsys, "test", str(town))
    assert code == 1 and "the answer is outside-program" in printed


def test_the_day_of_a_case_is_the_local_day_that_governs_the_decision(
    town: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Seven in the evening in Denver on 1 January is already the second in UTC."""
    evening = "id: evening, decision: filing, day: 2020-01-01, facts: {now: 2020-01-02T02:00:00Z}"
    noon = "id: noon, decision: filing, day: 2020-01-02"
    write_cases(
        town,
        f"{evening}, expect: [hold], why: The day is not over.",
        f"{noon}, expect: [prosecutor_may_file], why: The day is over.",
    )
    code, printed = run(capsys, "test", str(town))
    assert code == 0, printed


def test_check_reads_the_cases_too(town: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_cases(town, f"{ADULT}, expect: [eligibel], why: A typo.")
    code, printed = run(capsys, "check", str(town))
    assert code == 2 and "did you mean `eligible`? [unknown-word]" in printed


def test_every_shipped_case_has_a_source_that_a_reader_can_find() -> None:
    for path in sorted(jurisdictions().glob("*/cases.yaml")):
        for case in read_cases(path.parent):
            found = case.source.address or case.unchecked
            assert found, f"{path.parent.name}: `{case.id}` has no address and isn't `unchecked`"


@pytest.mark.parametrize("name", WITH_CASES)
def test_a_shipped_pack_answers_as_the_sources_say(name: str) -> None:
    folder = jurisdictions() / name
    cases = read_cases(folder)
    assert len(cases) >= 20
    report = run_cases(Program(read_pack(name)), cases)
    assert [(wrong.case.id, wrong.answer) for wrong in report.wrong] == []


def test_a_pack_without_cases_says_nothing_of_them(
    town: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(town / ".schemas", ignore_errors=True)
    code, printed = run(capsys, "test", "--json", str(town))
    assert code == 0 and "cases" not in json.loads(printed)[str(town)]
