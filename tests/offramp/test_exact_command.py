"""`decide --exact` and `--what-if`: their words, JSON by the schema, text, and what they refuse."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from offramp.cli import main
from rules.author.decision_schema import decision_schema
from rules.shelf import vocabulary

CASE: dict[str, Any] = {
    "person": {"age": 29},
    "encounter": {
        "route": "arrest",
        "in_area": True,
        "charges": [{"conduct": "possession", "violent": False, "authority": "state"}],
        "drugs": [{"grams": 3.001, "kind": "opioid", "form": "weighed"}],
    },
    "judgment": {"amenable": True, "exploits_others": False, "above_subsistence": False},
    "approval": {"prosecutor": "approved"},
    "decisions": {"screening": "proceed"},
}
WORDS = ("decide", "santa-fe", "eligibility")
DAY = ("--as-of", "2014-04-01")
# What Fayetteville takes, of sales only if the prosecutor approves.
CONDUCT = ["possession", "public_use", "sale", "intent_to_sell"]
CONDUCT += ["prostitution", "theft", "paraphernalia"]


@pytest.fixture
def solver() -> None:
    pytest.importorskip("z3", reason="the solver isn't installed")


@pytest.fixture
def case(tmp_path: Path) -> str:
    """A case that is over the cap if the drug is an opioid, and may be charged as a sale."""
    facts = json.loads(json.dumps(CASE))
    facts["encounter"]["drugs"] = [{"grams": 4, "form": "weighed"}]
    facts["encounter"]["charges"] = [{"conduct": "possession", "violent": False}]
    return written(tmp_path, facts)


def written(folder: Path, facts: Any) -> str:
    path = folder / "case.json"
    path.write_text(json.dumps(facts))
    return str(path)


@pytest.mark.usefixtures("solver")
def test_an_undetermined_case_with_one_exact_outcome_is_settled(
    case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*WORDS, case, *DAY]) == 3
    capsys.readouterr()
    assert main([*WORDS, case, *DAY, "--exact", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["status"] == "undetermined" and len(answer["possible"]) == 2
    assert answer["exact"] == {"possible": ["ineligible"], "needs": []}
    Draft202012Validator(decision_schema(vocabulary())).validate(answer)
    assert main([*WORDS, case, *DAY, "--exact"]) == 0
    assert "Exact  ineligible, whatever is still unknown" in capsys.readouterr().out


@pytest.mark.usefixtures("solver")
def test_what_if_names_a_limit_and_never_says_should(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, CASE)
    assert main([*WORDS, path, *DAY, "--what-if", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["what_if"] == [
        {
            "outcome": "eligible",
            "change": [{"fact": "encounter.drugs[0].grams", "from": 3.001, "to": {"at_most": 3}}],
            "rule": "over-the-cap",
            "source": "nation-2014",
        }
    ]
    Draft202012Validator(decision_schema(vocabulary())).validate(answer)
    assert main([*WORDS, path, *DAY, "--what-if"]) == 0
    printed = capsys.readouterr().out
    assert "the weight (encounter.drugs[0].grams) were at most 3 g and not 3.001 g" in printed
    assert "should" not in printed.split("If     ")[1]
    # The rule that bars now isn't the source of the other answer.
    assert "(the rule over-the-cap (nation-2014) would no longer apply)" in printed


@pytest.mark.usefixtures("solver")
@pytest.mark.parametrize(
    ("pack", "edit", "fact", "words", "said"),
    [
        (
            "fayetteville-nc",
            {"authority": None},
            "encounter.charges[0].authority",
            ["city", "county", "state"],
            "turned out to be city, county or state",
        ),
        (
            "fayetteville-nc",
            {"conduct": "burglary"},
            "encounter.charges[0].conduct",
            CONDUCT,
            "were one of 7 words, such as possession and not burglary",
        ),
        (
            "santa-fe",
            {},
            "decisions.screening",
            ["attorney_to_decide", "proceed"],
            "turned out to be attorney to decide or proceed",
        ),
    ],
)
def test_what_if_names_every_word_that_gives_the_outcome(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    pack: str,
    edit: dict[str, Any],
    fact: str,
    words: list[str],
    said: str,
) -> None:
    facts = json.loads(json.dumps(CASE))
    facts["encounter"]["drugs"] = [{"grams": 1, "kind": "opioid", "form": "weighed"}]
    charge = {**facts["encounter"]["charges"][0], **edit}
    facts["encounter"]["charges"] = [{key: value for key, value in charge.items() if value}]
    if fact == "decisions.screening":
        del facts["decisions"]
    path = written(tmp_path, facts)
    decide = ("decide", pack, "eligibility", path, "--as-of", "2026-07-01", "--what-if")
    main([*decide, "--json"])
    answer = json.loads(capsys.readouterr().out)
    Draft202012Validator(decision_schema(vocabulary())).validate(answer)
    (change,) = [
        part
        for changes in answer["what_if"]
        if changes["outcome"] == "eligible"
        for part in (*changes["change"], *changes.get("learn", ()))
        if part["fact"] == fact
    ]
    assert [change.get("to", change.get("is")), *change["or"]] == words
    main([*decide])
    assert said in capsys.readouterr().out
    # Each of them gives it, by the rules.
    for choice in words:
        if fact == "decisions.screening":
            facts["decisions"] = {"screening": choice}
        else:
            facts["encounter"]["charges"][0][fact.rpartition(".")[2]] = choice
        main([*decide[:3], written(tmp_path, facts), *decide[4:6], "--json"])
        assert json.loads(capsys.readouterr().out)["outcome"] == "eligible", choice


@pytest.mark.usefixtures("solver")
def test_a_case_that_no_open_fact_can_change_says_that_this_is_proved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, {**CASE, "person": {"age": 17}})
    assert main([*WORDS, path, *DAY, "--what-if"]) == 0
    assert "no change gives another outcome: this is proved" in capsys.readouterr().out


@pytest.mark.usefixtures("solver")
@pytest.mark.parametrize("is_complete", [False, True])
def test_an_age_that_is_not_known_is_named_and_nothing_is_proved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], is_complete: bool
) -> None:
    """With an age of 30, another judgment gives the program. So nothing is proved without it."""
    facts: dict[str, Any] = {
        "encounter": {"date": "2026-07-01", "route": "arrest"},
        "judgment": {"amenable": True, "exploits_others": True},
    }
    if is_complete:
        facts = {**CASE, "judgment": {**CASE["judgment"], "exploits_others": True}}
        del facts["person"]
        facts["encounter"] = {**CASE["encounter"], "date": "2026-07-01"}
    path = written(tmp_path, facts)
    assert main([*WORDS, path, "--what-if"]) == 0
    printed = capsys.readouterr().out
    assert "proved" not in printed
    assert (
        "Open   Not worked out: whether any change gives ELIGIBLE. The person's age isn't known. "
        "Ask police."
    ) in printed
    assert main([*WORDS, path, "--what-if", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["what_if"] == [] and answer["what_if_open"] == {
        "eligible": "not known: person.age"
    }
    Draft202012Validator(decision_schema(vocabulary())).validate(answer)
    path = written(tmp_path, {**facts, "person": {"age": 30}})
    main([*WORDS, path, "--what-if", "--json"])
    assert [each["outcome"] for each in json.loads(capsys.readouterr().out)["what_if"]] == [
        "eligible"
    ]


@pytest.mark.usefixtures("solver")
def test_what_counts_only_if_it_is_known_is_named_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody is asked at the scene. If somebody says it, it gives another answer."""
    facts = {**CASE, "encounter": {**CASE["encounter"], "date": "2026-07-01"}}
    path = written(tmp_path, facts)
    main(["decide", "santa-fe", "offer", path, "--what-if"])
    printed = capsys.readouterr().out
    assert "IMMUNE. It isn't known whether the person sought help for an overdose. Ask" in printed
    assert "ALREADY ENROLLED. It isn't known whether the person is already enrolled." in printed


@pytest.mark.usefixtures("solver")
def test_records_that_are_learned_are_printed_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = {
        "person": {"age": 30},
        "encounter": {"date": "2026-07-01", "route": "arrest"},
        "judgment": {"amenable": True, "exploits_others": True},
    }
    assert main([*WORDS, written(tmp_path, facts), "--what-if"]) == 0
    condition = capsys.readouterr().out.partition("\nIf ")[2]
    assert "section of law is one that no rule names" in condition
    assert "the drugs turned out to be none" in condition
    assert "the charges turned out to be for example: a charge (" in condition
    assert not any(mark in condition for mark in ("[{", "99999", "encounter.charges"))


@pytest.mark.usefixtures("solver")
def test_a_search_that_is_not_complete_is_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A case without its day, under the rules of the day of the encounter."""
    path = written(tmp_path, CASE)
    assert main([*WORDS, path, "--what-if"]) == 3
    assert "Open   whether any change gives ELIGIBLE: the day" in capsys.readouterr().out
    assert main([*WORDS, path, "--what-if", "--json"]) == 3
    answer = json.loads(capsys.readouterr().out)
    assert answer["what_if"] == [] and set(answer["what_if_open"]) == {"eligible", "ineligible"}
    Draft202012Validator(decision_schema(vocabulary())).validate(answer)


@pytest.mark.usefixtures("solver")
def test_a_weight_to_learn_is_a_range_and_the_same_beside_exact(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = json.loads(json.dumps(CASE))
    del facts["encounter"]["drugs"][0]["grams"]
    path = written(tmp_path, facts)
    answers = []
    for options in (("--what-if",), ("--exact", "--what-if")):
        main([*WORDS, path, *DAY, *options, "--json"])
        answers.append(json.loads(capsys.readouterr().out)["what_if"])
    grams = "encounter.drugs[0].grams"
    assert answers[0] == answers[1]
    assert [each["change"] for each in answers[0]] == [
        [{"fact": grams, "from": None, "to": {"above": 3}}],
        [{"fact": grams, "from": None, "to": {"at_most": 3}}],
    ]
    main([*WORDS, path, *DAY, "--what-if"])
    assert "turned out to be at most 3 g" in capsys.readouterr().out


@pytest.mark.parametrize("more", [("--lines",), ("--map", "nypd-arrests")])
@pytest.mark.parametrize("option", ["--exact", "--what-if"])
def test_they_are_about_one_case(
    option: str, more: tuple[str, ...], case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*WORDS, case, option, *more]) == 2
    printed = capsys.readouterr()
    assert "about one case under one pack" in printed.err + printed.out


@pytest.mark.parametrize("option", ["--exact", "--what-if"])
def test_without_the_solver_it_says_how_to_install_it(option: str, case: str) -> None:
    code = "import sys; sys.modules['z3'] = None; from offramp.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, *WORDS, case, *DAY, option]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 2 and ran.stdout == ""
    assert "pip install -c constraints.txt '.[prove]' [no-solver]" in ran.stderr
