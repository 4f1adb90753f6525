"""A pack with several faults: all faults of a stage in one run, and none that only follows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offramp.cli import main
from rules.author.scenarios import read_scenarios
from rules.errors import PackError
from rules.shelf import read_pack
from tests.conftest import ROOT

# A sound pack, a line each, and for some lines a faulty one with the code of its fault.
LINES: list[tuple[str, str | None, str]] = [
    ("id: town", None, ""),
    ("title: A town", None, ""),
    ("time_zone: America/Denver", "time_zone: America/Denvr", "unknown-time-zone"),
    (
        "program: {from: 2014-01-01, source: act}",
        "program: {from: 2014-13-01, source: act}",
        "no-such-day",
    ),
    ("sources:", None, ""),
    (
        "  act: {title: The act, address: here, confidence: high}",
        "  act: {title: The act, address: here, confidence: certain}",
        "unknown-word",
    ),
    ("parameters:", None, ""),
    ("  cap: {label: cap, unit: g, values: [", None, ""),
    ("    {from: 2014-01-01, value: 3, source: act},",
     "    {from: 2014-01-01, value: -3, source: act},", "out-of-range"),
    ("    {from: 2015-01-01, value: 6, source: act}]}",
     "    {from: 2015-01-01, value: six, source: act}]}", "wrong-shape"),
    ("  plan_hours: {label: plan, unit: hours, values: [{value: 72, source: act}]}",
     "  plan_hours: {label: plan, unit: ours, values: [{value: 72, source: act}]}", "wrong-unit"),
    ("clocks:", None, ""),
    ("  plan: {label: the plan, start: case.intake_at, stop: case.plan_at, length: plan_hours, "
     "follows: Late., source: act, owner: case_management}",
     "  plan: {label: the plan, start: case.intake_at, stop: case.plan_at, length: plan_hours, "
     "follows: Late., source: act, owner: nobody}", "unknown-role"),
    ("decisions:", None, ""),
    ("  eligibility:", None, ""),
    ("    rules:", None, ""),
    ("      - {id: a, when: person.age < 18, then: ineligible, because: A., source: act}",
     "      - {id: a, when: person.agee < 18, then: ineligible, because: A., source: act}",
     "unknown-fact"),
    ("      - {id: b, when: person.age > 99, then: ineligible, because: B., source: act}",
     "      - {id: b, when: person.age > 99, then: inelligible, because: B., source: act}",
     "unknown-outcome"),
    ("      - {id: c, when: person.age == 50, then: ineligible, because: C., source: act}",
     "      - {id: c, when: person.age == 50, then: ineligible, becaus: C., source: act}",
     "unknown-key"),
    ("      - {id: d, when: 'encounter.drugs.exists(d, d.grams > cap)', then: ineligible, "
     "because: 'Above {cap}.', source: act}",
     "      - {id: d, when: 'encounter.drugs.exists(d, d.grams > cap', then: ineligible, "
     "because: 'Above {cap}.', source: act}", "syntax"),
    ("    otherwise: {outcome: eligible, because: None., source: act}",
     "    otherwise: {outcome: eligible, because: 'Below {capp}.', source: act}",
     "unknown-parameter"),
    ("  filing:", None, ""),
    ("    rules:", None, ""),
    ("      - {id: e, when: 'clocks.plan == \"overdue\"', then: prosecutor_may_file, because: E., "
     "source: act}", None, ""),
    ("    otherwise: {outcome: hold, because: None., source: act}", None, ""),
]  # fmt: skip
FAULTY = [number for number, (_, bad, _) in enumerate(LINES) if bad is not None]


def written(folder: Path, faulty: set[int]) -> Path:
    """Write the pack with faults in some lines, and return its folder."""
    pack = folder / "town"
    pack.mkdir(exist_ok=True)
    lines = [
        bad if number in faulty and bad else good for number, (good, bad, _) in enumerate(LINES)
    ]
    (pack / "pack.yaml").write_text("\n".join(lines) + "\n")
    return pack


def faults_of(pack: Path) -> list[PackError]:
    """Return all faults that one reading of a pack gives."""
    try:
        read_pack(pack, whole=False)
    except PackError as error:
        return list(error.all())
    return []


@given(faulty=st.sets(st.sampled_from(FAULTY)))
def test_any_faults_are_reported_together_and_nothing_that_follows_from_them(
    faulty: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    faults = faults_of(written(tmp_path_factory.mktemp("faults"), faulty))
    assert sorted((fault.at.line, fault.code) for fault in faults) == sorted(
        (number + 1, LINES[number][2]) for number in faulty
    )


def test_check_prints_every_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack = str(written(tmp_path, set(FAULTY)))
    for command in ("check", "test"):
        assert main([command, pack]) == 2
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == len(FAULTY)
        assert all(line.startswith(f"{pack}/pack.yaml:") for line in lines)
        assert main([command, pack, "--json"]) == 2
        result = json.loads(capsys.readouterr().out)[pack]
        assert result["error"] == result["errors"][0]
        assert len(result["errors"]) == len(FAULTY) and "more" not in result


def test_the_faults_shown_are_at_most_twenty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = written(tmp_path, set())
    rules = "".join(
        f"      - {{id: x{number}, when: person.agee < {number}, then: ineligible, "
        "because: X., source: act}\n"
        for number in range(45)
    )
    text = (pack / "pack.yaml").read_text().replace("    rules:\n", f"    rules:\n{rules}", 1)
    (pack / "pack.yaml").write_text(text)
    assert main(["check", str(pack)]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 21 and lines[-1] == f"{pack}: 25 more"
    assert main(["check", str(pack), "--json"]) == 2
    result = json.loads(capsys.readouterr().out)[str(pack)]
    assert (len(result["errors"]), result["more"]) == (20, 25)


def test_the_scenarios_are_read_in_the_same_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = written(tmp_path, {FAULTY[0]})
    (pack / "scenarios.yaml").write_text(
        "- {id: a, says: A., decision: eligibility, expect: {}}\n"
        "- {id: b, like: nobody, says: B., decision: eligibility, expect: {status: decided}}\n"
        "- {id: c, like: a, says: C., decision: eligibility, expect: {status: decided}}\n"
    )
    assert main(["check", str(pack), "--json"]) == 2
    errors = json.loads(capsys.readouterr().out)[str(pack)]["errors"]
    assert [error["code"] for error in errors] == [
        "unknown-time-zone",
        "missing-key",
        "unknown-scenario",
    ]


def test_the_proofs_are_one_stage(tmp_path: Path) -> None:
    pack = written(tmp_path, set())
    text = (pack / "pack.yaml").read_text()
    for number in (1, 2):
        rule = f"      - {{id: f{number}, when: 'person.age < 3 && person.age > 4', "
        rule += "then: ineligible, because: F., source: act}\n"
        text = text.replace("    rules:\n", f"    rules:\n{rule}", 1)
    (pack / "pack.yaml").write_text(text)
    with pytest.raises(PackError) as refused:
        read_pack(pack, whole=True)
    assert [fault.code for fault in refused.value.all()] == ["unreachable-rule"] * 2


# Two faults that are two: a key that isn't known, and one that is missing under no similar name.
TWO_FAULTS = {"unknown-key-in-rule"}
BAD = ROOT / "tests" / "packs" / "bad"


@pytest.mark.parametrize("fault", sorted(file.parent.name for file in BAD.glob("*/expected.txt")))
def test_one_fault_gives_one_error(fault: str) -> None:
    with pytest.raises(PackError) as refused:
        read_pack(BAD / fault, whole=True)
        read_scenarios(BAD / fault)
    assert len(refused.value.all()) == (2 if fault in TWO_FAULTS else 1)
