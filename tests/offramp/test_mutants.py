"""Small mistakes in a pack: which of them the scenarios notice, and what is offered for the rest.

The pack is small enough to try every case of it. So what the solver says of a mistake is compared
with the answers to all cases.
"""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import rules
from offramp.cli import main
from rules.author.missing_days import missing_days
from rules.author.mutants import MutantScore, try_mistakes
from rules.author.scenarios import read_generated, read_scenarios, run
from rules.decide.program import Program
from rules.packs.digest import digest
from rules.prove.mistakes import mistakes_of
from rules.shelf import read_pack

PACK = """
id: small
title: A small program
time_zone: America/Denver
program: {from: 2020-01-01, source: a}
sources: {a: {title: A source, address: "https://example.org", confidence: low}}
parameters:
  cap:
    label: limit
    unit: g
    values:
      - {from: 2020-01-01, value: 3, source: a}
      - {from: 2022-01-01, value: 6, source: a}
decisions:
  eligibility:
    rules:
      - id: over-the-cap
        when: sum(encounter.drugs.map(d, d.grams)) > cap
        then: ineligible
        because: It is more than {cap} g.
        source: a
        unless:
          - id: help-was-sought
            when: encounter.overdose_help_sought
            because: Help was sought.
            source: a
      - id: a-sale-or-a-minor
        when: person.age < 18 || encounter.charges.exists(c, c.conduct in ["sale", "theft"])
        then: ineligible
        because: It is a sale, or a minor.
        source: a
      - id: twice-said
        when: person.age < 18
        then: ineligible
        because: It is a minor.
        source: a
    otherwise: {outcome: eligible, because: Nothing bars., source: a}
"""
SCENARIOS = """
- id: a-gram
  says: A gram, and nothing else.
  decision: eligibility
  facts:
    person: {age: 30}
    encounter:
      date: 2021-05-01
      overdose_help_sought: false
      charges: [{conduct: possession}]
      drugs: [{grams: 1}]
  expect: {status: decided, outcome: eligible}

- id: ten-grams
  says: Ten grams.
  decision: eligibility
  like: a-gram
  facts: {encounter: {drugs: [{grams: 10}]}}
  expect: {status: decided, outcome: ineligible}
"""


@pytest.fixture(autouse=True)
def solver() -> None:
    pytest.importorskip("z3", reason="the solver isn't installed")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the small pack to `small` in the current folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small"
    path.mkdir()
    (path / "pack.yaml").write_text(PACK)
    (path / "scenarios.yaml").write_text(SCENARIOS)
    return path


def score_of(folder: Path) -> MutantScore:
    program = Program(read_pack(folder, whole=False))
    return try_mistakes(program, None, read_scenarios(folder))


def cases() -> list[dict[str, Any]]:
    """Return every case of a space in which each part of the rules matters."""
    days = ("2020-01-01", "2021-12-31", "2022-01-01", "2022-01-02")
    amounts: tuple[list[Any], ...] = ([], [2], [3], [4], [5], [6], [7], [1, 6], [2, 1])
    conducts: tuple[list[str], ...] = (
        [],
        ["sale"],
        ["theft"],
        ["possession"],
        ["sale", "possession"],
        ["theft", "possession"],
    )
    return [
        {
            "person": {"age": age},
            "encounter": {
                "date": day,
                "overdose_help_sought": help_sought,
                "drugs": [{"grams": grams} for grams in drugs],
                "charges": [{"conduct": conduct} for conduct in charges],
            },
        }
        for day, drugs, charges, age, help_sought in product(
            days, amounts, conducts, (16, 17, 18, 19), (True, False)
        )
    ]


def test_what_the_solver_says_of_a_mistake_is_so_in_every_case(folder: Path) -> None:
    score = score_of(folder)
    assert not score.of("open")
    all_cases = cases()
    program = Program(read_pack(folder, whole=False))
    facts = [program.read(case) for case in all_cases]
    answers = [program.outcome("eligibility", case) for case in facts]
    equal = {settled.mistake.says for settled in score.of("equal")}
    for mistake in mistakes_of(program.pack, None):
        version = Program(mistake.pack)
        differs = any(
            version.outcome("eligibility", case) != answer
            for case, answer in zip(facts, answers, strict=True)
        )
        assert differs is (mistake.says not in equal), mistake.says
    assert "the rule `twice-said` is lost" in equal
    assert score.made == score.noticed + len(score.settled)


def test_a_case_that_is_offered_is_decided_otherwise_with_the_mistake(folder: Path) -> None:
    missed = score_of(folder).of("missed")
    assert missed
    program = Program(read_pack(folder, whole=False))
    for settled in missed:
        scenario = settled.scenario
        assert scenario is not None
        version = Program(settled.mistake.pack)
        answer = program.decide(scenario.decision, scenario.facts)
        assert answer.status == "decided" and answer.outcome == scenario.expect["outcome"]
        assert version.outcome(scenario.decision, scenario.facts) != answer.outcome


def test_each_kind_of_mistake_is_made(folder: Path) -> None:
    made = [mistake.says for mistake in mistakes_of(read_pack(folder, whole=False), None)]
    for says in (
        "`cap` is 2, not 3 from 2020-01-01",
        "the value of `cap` changes a day late, on 2022-01-02",
        "the rule `over-the-cap` is lost",
        "`sum(encounter.drugs.map(d, d.grams)) > cap` is "
        "`sum(encounter.drugs.map(d, d.grams)) >= cap` in `over-the-cap`",
        "the exception `help-was-sought` of `over-the-cap` is lost",
        "`person.age < 18` is `person.age < 19` in `twice-said`",
        "`person.age < 18` is left out in `a-sale-or-a-minor`",
        '"theft" is left out of `c.conduct in ["sale", "theft"]` in `a-sale-or-a-minor`',
        '`encounter.charges.exists(c, c.conduct in ["sale", "theft"])` is '
        '`encounter.charges.all(c, c.conduct in ["sale", "theft"])` in `a-sale-or-a-minor`',
    ):
        assert says in made, says
    assert len(made) == len(set(made))


def test_what_is_written_leaves_no_mistake_unnoticed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = digest(read_pack(folder, whole=False))
    assert main(["test", "small", "--mutants", "--strict"]) == 1
    printed = capsys.readouterr().out
    assert "no scenario notices if `cap` is 4, not 3 from 2020-01-01" in printed
    assert main(["test", "small", "--mutants", "--json", "--write"]) == 0
    value = json.loads(capsys.readouterr().out)["small"]
    mutants, added = value["mutants"], value["added"]
    assert mutants["made"] == (mutants["equal"] + mutants["noticed"] + len(mutants["survivors"]))
    assert {survivor["scenario"]["id"] for survivor in mutants["survivors"]} == set(added)
    assert main(["test", "small", "--mutants", "--strict"]) == 0
    score = mutants["made"] - mutants["equal"]
    printed = capsys.readouterr().out
    assert f"Of {score} mistakes that change an answer, the scenarios notice {score}." in printed
    assert f"({len(added)} of them generated)" in printed
    assert main(["test", "small", "--mutants", "--write"]) == 0
    assert "0 scenarios added" in capsys.readouterr().out
    assert main(["check", "small"]) == 0
    assert digest(read_pack(folder, whole=False)) == before


def test_what_is_written_is_to_be_read_before_it_is_kept(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["test", "small", "--mutants", "--write"]) == 0
    printed = capsys.readouterr().out
    generated = (folder / "scenarios.auto.yaml").read_text()
    assert generated.startswith("# Read before you keep.")
    assert "Read before you keep: each takes this pack's own answer as right." in printed
    scenarios = read_generated(folder, read_scenarios(folder))
    for scenario in scenarios:
        assert scenario.says.startswith("This pack's own answer is taken as right"), scenario.id
        outcome = scenario.expect["outcome"].upper()
        assert f"  `{scenario.id}`: eligibility is {outcome}\n      if " in printed
    assert "a drug (weight is " in printed and "the person's age is " in printed


def test_each_day_of_change_and_each_side_of_a_number_counts(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The cap changes on a day that no scenario is after, and nobody is a minor."""
    assert main(["test", "small", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)["small"]
    assert value["days"] == {
        "reached": 0,
        "of": 1,
        "lacking": ["2022-01-01: no scenario of `eligibility` under the rules from this day on"],
    }
    sides = value["sides"]
    # Two ages, and the cap under two values: the later one has no scenario, nobody is a minor.
    assert (sides["reached"], sides["of"]) == (4, 8) and len(sides["lacking"]) == 4
    assert "`twice-said` of `eligibility`: `person.age < 18` is never true" in sides["lacking"]
    assert main(["test", "small"]) == 0
    printed = capsys.readouterr().out
    assert "0 of 1 days, 4 of 8 sides" in printed
    assert "`person.age < 18` is never true" in printed
    assert "2022-01-01: no scenario of `eligibility`" in printed
    assert main(["test", "small", "--mutants", "--write"]) == 0
    capsys.readouterr()
    assert main(["test", "small"]) == 0
    assert "1 of 1 days" in capsys.readouterr().out


def test_a_day_that_no_mistake_shows_gets_a_scenario_of_its_own(folder: Path) -> None:
    program = Program(read_pack(folder, whole=False))
    scenarios = read_scenarios(folder)
    lacking = run(program, scenarios).lacking_days
    (added,) = missing_days(program, scenarios, lacking)
    assert added.id == "auto-eligibility-2022-01-01"
    assert added.facts["encounter"]["date"] == "2022-01-01"
    assert dict(added.expect) == {"status": "decided", "outcome": "eligible"}
    report = run(program, [*scenarios, added])
    assert not report.failures and report.days == (1, 1)


@pytest.mark.parametrize("pack", rules.shelf.shipped())
def test_shipped_scenarios_cover_each_day_and_each_side(pack: str) -> None:
    folder = rules.shelf.find(pack)
    written = read_scenarios(folder)
    scenarios = [*written, *read_generated(folder, written)]
    report = run(Program(read_pack(pack, whole=False)), scenarios)
    assert report.lacking_days == () and report.lacking_sides == ()
    assert report.days[0] == report.days[1] and report.sides[0] == report.sides[1]


def test_a_typo_fails_a_generated_scenario(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["test", "small", "--mutants", "--write"]) == 0
    text = (folder / "pack.yaml").read_text()
    for old, new in (
        (" > cap", " >= cap"),
        ("value: 6", "value: 7"),
        ('"sale", "theft"', '"sale"'),
    ):
        (folder / "pack.yaml").write_text(text.replace(old, new, 1))
        assert main(["test", "small"]) == 1, new
    (folder / "pack.yaml").write_text(text)
    assert main(["test", "small"]) == 0


def test_no_mistakes_are_made_while_a_scenario_fails(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = SCENARIOS.replace("outcome: ineligible", "outcome: eligible")
    (folder / "scenarios.yaml").write_text(wrong)
    assert main(["test", "small", "--mutants", "--json"]) == 1
    value = json.loads(capsys.readouterr().out)["small"]
    assert "mutants" not in value
    assert value["not_tried"] == "no mistake was tried, since a scenario fails"
    assert main(["test", "small", "--mutants", "--write"]) == 1
    printed = capsys.readouterr().out
    assert "small: no mistake was tried, since a scenario fails" in printed
    assert "0 scenarios added" in printed and not (folder / "scenarios.auto.yaml").exists()


def test_a_wrong_generated_file_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "scenarios.auto.yaml").write_text(SCENARIOS)
    for command in ("check", "test"):
        assert main([command, "small"]) == 2
        assert "small/scenarios.auto.yaml:2:" in capsys.readouterr().out
    (folder / "scenarios.auto.yaml").write_text(
        "- {id: new, says: Nothing., expect: {outcom: a}}\n"
    )
    assert main(["test", "small"]) == 2
    assert "[missing-key]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["santa-fe", "--mutants", "--write"], "`santa-fe` is a shipped pack"),
        (["small", "--write"], "add `--mutants`"),
        (["small", "--strict"], "add `--mutants`"),
    ],
)
def test_what_makes_no_sense_is_refused(words: list[str], says: str, folder: Path) -> None:
    command: list[Any] = [sys.executable, "-m", "offramp", "test", *words]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 2 and says in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr


def test_without_the_solver_the_rest_is_not_settled(folder: Path) -> None:
    code = "import sys; sys.modules['z3'] = None; from offramp.cli import main; sys.exit(main())"
    command: list[Any] = [sys.executable, "-c", code, "test", "small", "--mutants"]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 3 and "Traceback" not in ran.stderr
    assert "not settled without the extra: pip install -c constraints.txt '.[prove]'" in ran.stdout
    assert "2 of 2 scenarios hold" in ran.stdout and "more are not settled" in ran.stdout


def test_the_generated_scenarios_of_shipped_packs_are_in_the_packs_folder() -> None:
    for name in rules.shelf.shipped():
        folder = rules.shelf.find(name)
        ids = [scenario.id for scenario in read_scenarios(folder)]
        generated = rules.author.scenarios.read_generated(folder, read_scenarios(folder))
        assert not set(ids) & {scenario.id for scenario in generated}
