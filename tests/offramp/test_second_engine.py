"""Compare the second engine with the compiled one, and check what it refuses.

If its process ends, hangs, runs out of memory, or is not installed, the caller gets a refusal.
These tests cause each of these.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rules
from offramp.cli import main
from offramp.policy.second_engine import EngineError, SecondEngine, second_engine
from rules.author.scenarios import read_scenarios
from rules.decide.program import Program
from rules.errors import Refusal
from rules.shelf import find, read_pack, shipped
from tests.conftest import ROOT
from tests.support import written
from tests.support.codes import raised
from tests.support.error_page import rows
from tests.support.written import AS_OF, Flat, program

installed = pytest.mark.skipif(
    importlib.util.find_spec("durable") is None,
    reason="durable_rules isn't installed (the extra `durable`)",
)
ARREST = ROOT / "examples" / "arrest.json"


@pytest.fixture(scope="module")
def engine() -> Iterator[SecondEngine]:
    with second_engine(seconds=60) as held:
        yield held


def decision(pack: str = "santa-fe", name: str = "eligibility") -> rules.Decision:
    return rules.load(pack).decide(name, json.loads(ARREST.read_text()))


# Agreement


@installed
def test_every_scenario_of_every_shipped_pack_comes_out_alike_and_none_is_beyond_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["test", "--engine", "durable", "--json"]) == 0
    found = {
        name: report["durable"] for name, report in json.loads(capsys.readouterr().out).items()
    }
    assert set(found) == set(shipped())
    assert all(one["alike"] > 20 for one in found.values())
    assert not any(one["differ"] or one["beyond"] for one in found.values())


@installed
@settings(max_examples=settings().max_examples * 3 // 2)
@given(written.packs(), written.complete(), written.cases(), AS_OF, st.data())
def test_whole_programs_as_people_write_them_come_out_alike(
    engine: SecondEngine,
    pack: dict[str, Any],
    complete: Flat,
    case: Flat,
    as_of: str | None,
    data: st.DataObject,
) -> None:
    asked = program(pack, as_of)
    holes = data.draw(written.holes_in(complete))
    facts = written.nested({**data.draw(written.unsettled(holes)), **case})
    for name in asked.pack.decisions:
        engine.confirm(asked.decide(name, facts))


def simple(*rules_: dict[str, Any]) -> Program:
    """Make a program with one decision that has these rules."""
    eligibility = {
        "rules": [
            {"then": "ineligible", "because": "B.", "source": "s", **rule} for rule in rules_
        ],
        "otherwise": {"outcome": "eligible", "because": "O.", "source": "s"},
    }
    return program({**written.HEAD, "decisions": {"eligibility": eligibility}})


KNOWN: dict[str, Any] = {"encounter": {"date": "2016-03-01"}}


def scores(number: int, operator: str) -> str:
    return f" {operator} ".join(
        f"tiny.rows.exists(r, r.n == 1 && size(tiny.rows) != {one})" for one in range(number)
    )


@installed
@settings(max_examples=20)
@given(st.integers(1, 50), st.data())
def test_any_number_of_rules_may_give_one_outcome(
    engine: SecondEngine, number: int, data: st.DataObject
) -> None:
    many = simple(*({"id": f"r{one}", "when": f"person.age == {one}"} for one in range(number)))
    for age in (None, data.draw(st.integers(0, 60))):
        asked = many.decide("eligibility", {**KNOWN, "person": {"age": age}})
        engine.confirm(asked)
        assert asked.outcome == (
            None if age is None else "ineligible" if age < number else "eligible"
        )


@installed
@pytest.mark.parametrize("operator", ["&&", "||"])
def test_sixteen_conditions_join_and_seventeen_are_beyond_it(
    engine: SecondEngine, operator: str
) -> None:
    facts = {**KNOWN, "tiny": {"rows": [{"n": 1}]}}
    engine.confirm(
        simple({"id": "wide", "when": scores(16, operator)}).decide("eligibility", facts)
    )
    with pytest.raises(EngineError, match="joins 17 conditions") as caught:
        engine.confirm(
            simple({"id": "wide", "when": scores(17, operator)}).decide("eligibility", facts)
        )
    assert caught.value.code == "too-many-joins"
    engine.confirm(decision())  # and nothing of it is left


@installed
def test_what_it_can_t_express_is_counted_and_fails_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "made-up"
    folder.mkdir()
    rule = {
        "id": "wide",
        "when": scores(17, "&&"),
        "then": "ineligible",
        "because": "B.",
        "source": "s",
    }
    otherwise = {"outcome": "eligible", "because": "O.", "source": "s"}
    decisions = {"eligibility": {"rules": [rule], "otherwise": otherwise}}
    # The table of offenses lies in no folder.
    head = {key: value for key, value in written.HEAD.items() if key != "offenses"}
    (folder / "pack.yaml").write_text(json.dumps({**head, "decisions": decisions}))
    scenario = {
        "id": "one",
        "says": "One.",
        "decision": "eligibility",
        "facts": KNOWN,
        "expect": {"status": "undetermined"},
    }
    (folder / "scenarios.yaml").write_text(json.dumps([scenario]))
    assert main(["test", str(folder), "--engine", "durable"]) == 0
    assert (
        "durable_rules decides 0 of 1 scenarios alike; 1 it can't express"
        in capsys.readouterr().out
    )


class Wrong(Program):
    """An engine of ours that takes everybody for eligible."""

    def decide(self, name: str, facts: Any) -> rules.Decision:
        answer = super().decide(name, facts)
        answer.possible, answer.outcome = ["eligible"], "eligible"
        return answer


@installed
def test_what_differs_is_found_and_named(engine: SecondEngine) -> None:
    everything = read_scenarios(find("santa-fe"))
    scenarios = [
        one
        for one in everything
        if one.decision == "eligibility"
        and not one.as_of
        and "error" not in one.expect
        and one.facts["encounter"].get("date")
    ]
    right = engine.compare(rules.load("santa-fe"), scenarios)
    assert right.alike == right.decided > 20
    wrong = engine.compare(Wrong(read_pack("santa-fe")), scenarios)
    eligible = {
        one.id
        for one in scenarios
        if rules.load("santa-fe").decide("eligibility", one.facts).possible == ["eligible"]
    }
    assert set(wrong.differ) == {one.id for one in scenarios} - eligible
    assert wrong.alike == len(eligible)


# The command


@installed
@pytest.mark.parametrize("asked", [["santa-fe"], ["seattle"], ["santa-fe,seattle"]])
@pytest.mark.parametrize("facts", ["arrest.json", "no-scale.json"])
def test_the_answer_has_the_same_bytes_and_exit_code_with_and_without_it(
    asked: list[str], facts: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["decide", *asked, "eligibility", str(ROOT / "examples" / facts), "--json"]
    answers = []
    for engine_ in ("compiled", "durable"):
        answers.append((main([*command, "--engine", engine_]), capsys.readouterr().out))
    assert answers[0] == answers[1]
    assert answers[0][0] in (0, 3)


@installed
def test_lines_are_decided_by_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = tmp_path / "cases.jsonl"
    lines.write_text(
        f'{{"id": 1, "facts": {json.dumps(json.loads(ARREST.read_text()))}}}\n'
        '{"id": 2, "facts": {}}\n'
    )
    assert (
        main(["decide", "santa-fe", "eligibility", str(lines), "--lines", "--engine", "durable"])
        == 0
    )
    shown = [
        json.loads(line)["decision"]["status"] for line in capsys.readouterr().out.splitlines()
    ]
    assert shown == ["decided", "undetermined"]


# What can become of it


def differing(engine: SecondEngine) -> Refusal:
    """Our own answer is falsified, which is what it would look like if either engine were wrong."""
    asked = decision()
    asked.possible = ["ineligible"]
    return refused(engine, asked)


def refused(engine: SecondEngine, asked: rules.Decision | None = None) -> Refusal:
    with pytest.raises(EngineError) as caught:
        engine.confirm(asked or decision())
    return caught.value


def crashed() -> Refusal:
    with second_engine() as held:
        held.confirm(decision())
        os.kill(held.process.pid, signal.SIGKILL)
        return refused(held)


def silent() -> Refusal:
    with second_engine(seconds=0.5) as held:
        os.kill(held.process.pid, signal.SIGSTOP)
        return refused(held)


def out_of_memory() -> Refusal:
    with second_engine(megabytes=1) as held:
        return refused(held)


def too_wide(engine: SecondEngine) -> Refusal:
    return refused(
        engine, simple({"id": "wide", "when": scores(17, "&&")}).decide("eligibility", KNOWN)
    )


def broken(engine: SecondEngine) -> Refusal:
    """A join of seventeen that nobody kept from the engine: it notices when the facts arrive."""
    facts = [f"a{number}" for number in range(17)]
    with pytest.raises(EngineError) as caught:
        engine._ask({"rules": [[facts, "b"]], "facts": facts})
    engine.confirm(decision())  # it goes on
    return caught.value


def missing(folder: Path) -> dict[str, Any]:
    """The command where another `durable` lies in the way, which has no engine."""
    (folder / "durable").mkdir()
    (folder / "durable" / "__init__.py").touch()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    command = [
        sys.executable,
        "-m",
        "offramp",
        "decide",
        "santa-fe",
        "eligibility",
        str(ARREST),
        "--engine",
        "durable",
        "--json",
    ]
    ran = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2 and not ran.stderr
    error: dict[str, Any] = json.loads(ran.stdout)["error"]
    return error


def test_where_it_isn_t_installed_the_command_says_so(tmp_path: Path) -> None:
    error = missing(tmp_path)
    assert error["code"] == "engine-missing" and ".[durable]" in error["fix"]


@installed
def test_every_code_is_documented_with_an_example_that_is_given(
    engine: SecondEngine, tmp_path: Path
) -> None:
    refusals = [
        crashed(),
        silent(),
        out_of_memory(),
        differing(engine),
        too_wide(engine),
        broken(engine),
    ]
    given_ = {(one.code, one.message, one.fix) for one in refusals}
    error = missing(tmp_path)
    given_.add((error["code"], error["message"], error["fix"]))
    assert {(row["code"], row["example"], row["fix"]) for row in rows("EngineError")} == given_
    assert {code for code, _, _ in given_} == raised()["EngineError"]


@installed
def test_a_dead_engine_is_one_sentence_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("offramp.policy.second_engine.MEGABYTES", 1)
    assert main(["decide", "santa-fe", "eligibility", str(ARREST), "--engine", "durable"]) == 2
    assert (
        capsys.readouterr().err
        == "offramp: the second engine ran out of memory; leave out `--engine` [engine-memory]\n"
    )
