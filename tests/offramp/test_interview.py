"""Test the interview and its command.

It asks only for facts that can still change the outcome, in an order that is near the best one.
"""

from __future__ import annotations

import io
import json
import os
import random
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rules
from offramp.cli import main
from rules.decide.interview import Interview, Question, read_answer
from rules.decide.program import Program
from rules.errors import FactsError, Refusal
from rules.input.facts import Facts
from rules.input.printing import plain
from rules.unknown import UNKNOWN
from tests.conftest import ROOT
from tests.support import written
from tests.support.interrupts import start_interruptible

CASES = ROOT / "tests" / "cases"
ARREST = json.loads((ROOT / "examples" / "arrest.json").read_text())


def begun(pack: str, decision: str, facts: dict[str, Any], role: str | None = None) -> Interview:
    program = rules.load(pack)
    return Interview(program, decision, program.read(facts), role=role)


def found(path: str, facts: dict[str, Any]) -> Any:
    """Return the value at a path of complete facts, or the length of a list."""
    value: Any = facts
    for step in path.replace("[", ".[").split("."):
        value = value[int(step[1:-1])] if step.startswith("[") else (value or {}).get(step)
    return len(value) if isinstance(value, list) else value


# Only what still matters


@settings(max_examples=40)
@given(written.packs(("screening", "eligibility")), written.complete(), st.data())
def test_an_interview_asks_only_what_matters_and_never_twice(
    pack: dict[str, Any], flat: written.Flat, data: st.DataObject
) -> None:
    complete = written.nested(flat)
    complete["decisions"] = {
        "screening": data.draw(st.sampled_from(written.PARTS["screening"]["outcomes"]))
    }
    forgetful = data.draw(st.sampled_from([0.0, 0.3]))
    program = written.program(pack)
    state = Interview(program, "eligibility", program.read({}))
    asked: set[str] = set()
    while (question := state.question) is not None:
        assert question.fact in {entry["fact"] for entry in state.decision.needed}
        assert question.fact not in asked
        asked.add(question.fact)
        forgets = forgetful and data.draw(st.floats(0, 1)) < forgetful
        state = state.record(question, UNKNOWN if forgets else found(question.fact, complete))
    assert (
        state.decision.status == "decided"
        or {entry["fact"] for entry in state.decision.needed} <= state.unknowable
    )
    if not state.unknowable:
        # What a person decided counts only where it was asked: it may differ from the rules.
        truth = dict(complete)
        if "decisions.screening" not in asked:
            del truth["decisions"]
        assert state.decision.outcome == program.decide("eligibility", truth).outcome
    again = program.decide("eligibility", state.as_facts())
    assert (again.status, again.outcome, again.possible) == (
        state.decision.status, state.decision.outcome, state.decision.possible,
    )  # fmt: skip


def test_a_whole_arrest_is_asked_in_thirteen_questions_and_comes_out_as_the_file_does() -> None:
    state = begun("santa-fe", "eligibility", {})
    asked = []
    while (question := state.question) is not None:
        asked.append(question.fact)
        state = state.record(question, found(question.fact, ARREST))
    assert asked[0] == "encounter.date", "without it there are no rules"
    assert len(asked) == 13 and state.decision.outcome == "eligible"
    assert not any(
        path.startswith("history.") or path in ("person.enrolled", "encounter.weapon")
        for path in asked
    )


def test_of_a_list_is_asked_how_many_then_of_each_what_matters() -> None:
    facts = json.loads(json.dumps(ARREST))
    del facts["encounter"]["drugs"]
    state = begun("santa-fe", "eligibility", facts)
    assert state.question is not None and (state.question.fact, state.question.type) == (
        "encounter.drugs",
        "size",
    )
    state = state.answer("2")
    asked: list[str] = []
    for answer in ("opioid", "2.5 g", "stimulant"):
        assert state.question is not None
        asked.append(state.question.fact)
        state = state.answer(answer)
    assert state.decision.status == "decided"
    assert asked == [
        "encounter.drugs[0].kind",
        "encounter.drugs[0].grams",
        "encounter.drugs[1].kind",
    ]
    assert state.as_facts()["encounter"]["drugs"] == [
        {"kind": "opioid", "grams": 2.5},
        {"kind": "stimulant"},
    ]


def test_no_drugs_are_an_answer() -> None:
    facts = json.loads(json.dumps(ARREST))
    del facts["encounter"]["drugs"]
    state = begun("santa-fe", "eligibility", facts).answer("none")
    assert state.decision.status == "decided" and state.as_facts()["encounter"]["drugs"] == []


@pytest.mark.parametrize("typed", ["possession", "69.50.4013", "RCW 69.50", "RCW 46"])
def test_an_answer_that_cites_no_section_is_refused_so_that_it_is_asked_again(typed: str) -> None:
    charge = {
        "date": "2021-03-05",
        "route": "arrest",
        "overdose_help_sought": False,
        "charges": [{}],
    }
    state = begun("seattle", "offer", {"encounter": charge})
    assert state.question is not None and state.question.type == "citation"
    assert "such as RCW " in state.question.how  # a section of the pack's own table
    with pytest.raises(Refusal) as refused:
        state.answer(typed)
    assert refused.value.code == "no-citation"
    assert state.answer("RCW 69.50.4013").question != state.question


@pytest.mark.parametrize("role", ["police", "prosecutor", "program", "case_management", "defender"])
@pytest.mark.parametrize("decision", ["offer", "screening", "eligibility", "admission"])
def test_a_role_is_asked_only_what_it_knows(decision: str, role: str) -> None:
    state = begun("santa-fe", decision, {"encounter": {"date": "2014-07-02"}}, role)
    for _ in range(40):
        question = state.question
        if question is None:
            break
        assert question.ask == role
        state = state.record(question, UNKNOWN)
    else:
        pytest.fail("the questions have no end")
    assert all(
        entry["ask"] != role or entry["fact"] in state.unknowable for entry in state.decision.needed
    )


def test_nobody_is_asked_for_convictions_but_in_screening() -> None:
    state = begun("seattle", "eligibility", {"encounter": {"date": "2014-07-02"}})
    asked = []
    while (question := state.question) is not None:
        asked.append(question.fact)
        state = state.record(question, UNKNOWN)
    assert "decisions.screening" in asked and not any(path.startswith("history.") for path in asked)
    first = begun("seattle", "screening", {"encounter": {"date": "2014-07-02"}}).question
    assert first is not None and first.ask in ("prosecutor", "police")


def test_what_the_rules_can_work_out_is_asked_after_the_facts() -> None:
    """Ask for the facts of `eligibility`, which `admission` reads.

    An outcome in their stead would bypass the program's own rules.
    """
    state = begun("santa-fe", "admission", {"encounter": {"date": "2014-07-02"}})
    asked = []
    while (question := state.question) is not None:
        asked.append(question.fact)
        state = state.record(question, UNKNOWN)
    assert "decisions.eligibility" in [entry["fact"] for entry in state.decision.needed]
    assert (
        asked.index("decisions.screening") < asked.index("decisions.eligibility") == len(asked) - 1
    )


def test_the_caller_s_own_day_is_asked_too() -> None:
    state = begun("lead", "disclosure", {})
    assert state.question is not None and state.question.fact == "as_of"
    with pytest.raises(Refusal, match="no-such-day"):
        state.answer("2024-02-30")
    state = state.answer("2024-02-29")
    assert state.decision.as_of is not None and state.decision.as_of.isoformat() == "2024-02-29"


# Near the best order

LETTERS = "abcde"


def made_up(chance: random.Random) -> str:
    """A decision of three outcomes on four or five facts, of which one may have three values."""
    letters = LETTERS[: chance.randint(4, 5)]

    def atom() -> str:
        letter = chance.choice(letters)
        if letter == "a":
            return f'tiny.a == "{chance.choice("xyz")}"'
        return f"{chance.choice(['', '!'])}tiny.{letter}"

    def clause(depth: int) -> str:
        if depth == 0:
            return atom()
        joined = chance.choice([" && ", " || "]).join(clause(depth - 1) for _ in range(2))
        return f"({joined})"

    about = "kind: record, known_by: police, category: encounter, question: What is it?, source: s"
    facts = [f"  tiny.{letter}: {{type: bool, {about}}}" for letter in letters[1:]]
    facts.append(f"  tiny.a: {{type: choice, choices: [x, y, z], {about}}}")
    given = [
        f"      - {{id: r{number}, when: {json.dumps(clause(chance.randint(1, 2)))}, "
        f"then: {outcome}, because: So., source: s}}"
        for number, outcome in enumerate(["high", "high", "middle", "middle"])
    ]
    return "\n".join(
        [
            "id: made-up\ntitle: Made up\ntime_zone: UTC\nprogram: {from: 2000-01-01, source: s}",
            "sources: {s: {title: S, address: here, confidence: high}}\nfacts:",
            *facts,
            "decisions:\n  verdict:\n    asks: Which?\n    decided_by: police",
            "    governed_by: encounter.date",
            "    outcomes: [high, middle, low]\n    rules:",
            *given,
            "    otherwise: {outcome: low, because: So., source: s}\n",
        ]
    )


def values_of(program: Program) -> dict[str, tuple[Any, ...]]:
    return {
        path: fact.choices or (True, False)
        for path, fact in program.pack.vocabulary.facts.items()
        if path.startswith("tiny.")
    }


def costs(program: Program) -> tuple[float, float]:
    """Return the mean number of questions in the interview and in the best possible order."""
    domain = values_of(program)
    known = {"encounter.date": date(2014, 7, 2)}
    State = frozenset[tuple[str, Any]]

    @cache
    def decided(state: State) -> bool:
        return program.outcome("verdict", Facts({**known, **dict(state)}, {})) is not None

    @cache
    def best(state: State) -> float:
        if decided(state):
            return 0.0
        open_ = [path for path in domain if path not in dict(state)]
        return 1 + min(
            sum(best(state | {(path, one)}) for one in domain[path]) / len(domain[path])
            for path in open_
        )

    @cache
    def ours(state: State) -> float:
        if decided(state):
            return 0.0
        question = Interview(program, "verdict", Facts({**known, **dict(state)}, {})).question
        assert question is not None
        values = domain[question.fact]
        return 1 + sum(ours(state | {(question.fact, one)}) for one in values) / len(values)

    return ours(frozenset()), best(frozenset())


def test_the_questions_are_at_most_one_more_than_the_best_order_needs() -> None:
    gaps = []
    for seed in range(25):
        text = made_up(random.Random(seed))
        program = Program(written.assembled(text))
        ours, best = costs(program)
        assert best <= ours <= best + 1, f"seed {seed}: {ours} against {best}"
        gaps.append(ours - best)
    assert sum(gaps) / len(gaps) <= 0.1, "and on average hardly any"


SHIPPED: dict[str, tuple[str, str, Callable[[dict[str, Any]], None]]] = {
    "a bag that nobody weighed": (
        "santa-fe",
        "eligibility",
        lambda facts: facts["encounter"]["drugs"][0].pop("grams"),
    ),
    "record, approval and judgment": (
        "santa-fe",
        "eligibility",
        lambda facts: [
            facts.pop("decisions"), facts.pop("approval"), facts["judgment"].pop("amenable")
        ],
    ),
    "who the person is and what was found": (
        "santa-fe",
        "offer",
        lambda facts: [facts["person"].pop("age"), facts["encounter"]["drugs"][0].pop("kind"),
                       facts["encounter"]["charges"][0].pop("conduct")],
    ),
    "judgments in Seattle": (
        "seattle",
        "eligibility",
        lambda facts: [
            facts.pop("judgment"), facts.pop("decisions"),
            facts["encounter"]["charges"][0].update(code="RCW 69.50.4013"),
            facts["encounter"]["charges"][1].update(code="RCW 69.50.412"),
        ],
    ),
    "two charges in New York": (
        "nyc-violations",
        "eligibility",
        lambda facts: facts["encounter"].update(
            charges=[{"code": "NY PL 140.05"}, {"code": "NY PL 165.15"}]
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SHIPPED)
def test_so_it_is_in_shipped_programs_with_few_things_unknown(case: str) -> None:
    pack, decision, forget = SHIPPED[case]
    facts = json.loads(json.dumps(ARREST))
    forget(facts)
    best_of: dict[str, float] = {}
    ours_of: dict[str, float] = {}

    def key(state: Interview) -> str:
        return json.dumps(state.as_facts(), sort_keys=True)

    def after(state: Interview, question: Question) -> list[Interview]:
        return [state.record(question, plain(one)) for one in state.trial_answers(question)]

    def best(state: Interview) -> float:
        held = key(state)
        if held not in best_of:
            asked = state.questions
            means = [
                1 + sum(map(best, told)) / len(told)
                for told in (after(state, question) for question in asked)
            ]
            best_of[held] = min(means) if means else 0.0
        return best_of[held]

    def ours(state: Interview) -> float:
        held = key(state)
        if held not in ours_of:
            told = after(state, state.question) if state.question else []
            ours_of[held] = 1 + sum(map(ours, told)) / len(told) if told else 0.0
        return ours_of[held]

    state = begun(pack, decision, facts)
    assert state.question is not None
    assert best(state) <= ours(state) + 1e-9 <= best(state) + 1


# Answers in plain words


def question(kind: str, **more: Any) -> Question:
    return Question(fact="f", text="?", ask="police", kind="record", rule=None, type=kind, **more)


@pytest.mark.parametrize(
    ("asked", "said", "means"),
    [
        (question("bool"), "Yes", True),
        (question("bool"), " no. ", False),
        (question("bool"), "not known", UNKNOWN),
        (question("bool"), "Don’t know", UNKNOWN),
        (question("bool"), "?", UNKNOWN),
        (question("decimal", unit="g"), "3.5", Decimal("3.5")),
        (question("decimal", unit="g"), "3.5 g", Decimal("3.5")),
        (question("int", unit="years"), "29 years", 29),
        (question("date"), "2014-06-01", "2014-06-01"),
        (question("timestamp"), "2014-06-01 16:30", "2014-06-01T16:30:00-06:00"),
        (question("timestamp"), "2014-12-01 16:30", "2014-12-01T16:30:00-07:00"),
        (question("timestamp"), "2014-06-01T16:30:00Z", "2014-06-01T16:30:00Z"),
        (question("choice", choices=("arrest", "social_contact")), "2", "social_contact"),
        (
            question("choice", choices=("arrest", "social_contact")),
            "Social contact",
            "social_contact",
        ),
        (question("choice", choices=("none", "parole")), "none", "none"),
        (question("size"), "3", 3),
        (question("size"), "none", 0),
        (question("text"), "NY PL 221.05", "NY PL 221.05"),
    ],
)
def test_an_answer_is_read_as_people_write_it(asked: Question, said: str, means: Any) -> None:
    assert read_answer(asked, said, "America/Denver") == means


@pytest.mark.parametrize(
    ("asked", "said", "fix"),
    [
        (question("bool"), "maybe", "answer yes or no; or not known"),
        (question("bool"), "", "answer yes or no; or not known"),
        (
            question("decimal", unit="g"),
            "about 3",
            "write the number alone, such as 3; or not known",
        ),
        (question("decimal"), "1e400", "answer a number; or not known"),
        (question("date"), "1 June", "answer a day such as 2014-06-01 or 6/1/2014; or not known"),
        (question("size"), "-1", "answer how many, 0 for none; or not known"),
        (question("size"), "1001", "answer how many, 0 for none; or not known"),
        (
            question("choice", choices=("arrest", "social_contact")),
            "arest",
            "did you mean `arrest`?",
        ),
        (
            question("choice", choices=("arrest", "social_contact")),
            "3",
            "answer 1 arrest, 2 social contact; or not known",
        ),
        (question("choice", choices=("arrest",)), "٣", "answer 1 arrest; or not known"),
        (question("text"), "", "answer a short text; or not known"),
    ],
)
def test_what_is_no_answer_is_refused_with_what_would_be_one(
    asked: Question, said: str, fix: str
) -> None:
    with pytest.raises(FactsError) as refused:
        read_answer(asked, said, "America/Denver")
    assert (refused.value.code, refused.value.fix) == ("no-answer", fix)


# The command


def talked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], said: str, *arguments: str
) -> tuple[int, str, str]:
    class Stdin(io.TextIOWrapper):
        """Standard input as it is in a pipe."""

    monkeypatch.setattr(sys, "stdin", Stdin(io.BytesIO(said.encode("utf-8", "surrogateescape"))))
    code = main(["interview", *arguments])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ("2014-02-30", "is no day; check the calendar"),
        ("2009-01-01", "`santa-fe` began on 2014-04-01, after 2009-01-01; ask about a later day"),
        (
            "yesterday",
            "`yesterday` is no answer to `encounter.date`; "
            "answer a day such as 2014-06-01 or 6/1/2014; or not known",
        ),
        ("", "an empty line is no answer to `encounter.date`"),
        ("\udcff\udcfe", "is no answer"),
        ("x" * 100_000, "is no answer"),
    ],
)
def test_a_bad_answer_is_asked_again_with_a_sentence(
    bad: str, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = talked(
        monkeypatch, capsys, f"{bad}\n2014-07-02\n17\n", "santa-fe", "eligibility"
    )
    assert (code, err) == (0, "")
    assert sentence in out and out.count("1. police: On what day was the encounter?") == 2
    assert "2. police: How old is the person?" in out and "ELIGIBILITY: INELIGIBLE" in out


@pytest.mark.parametrize(
    ("bad", "code"), [("-3", "out-of-range"), ("131", "out-of-range"), ("29.5", "wrong-type")]
)
def test_what_the_vocabulary_forbids_is_asked_again_too(
    bad: str, code: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code, out, _ = talked(
        monkeypatch, capsys, f"2014-07-02\n{bad}\n17\n", "santa-fe", "eligibility", "--json"
    )
    lines = [json.loads(line) for line in out.splitlines()]
    assert [next(iter(line)) for line in lines] == [
        "question",
        "question",
        "error",
        "question",
        "decision",
    ]
    assert lines[2]["error"]["code"] == code and lines[2]["error"]["fix"]
    assert exit_code == 0 and lines[-1]["decision"]["outcome"] == "ineligible"


def test_question_by_question_as_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = '2014-07-02\n"not known"\nnull\n'
    code, out, _ = talked(monkeypatch, capsys, said, "santa-fe", "offer", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 3 and [next(iter(line)) for line in lines[:3]] == ["question"] * 3
    assert lines[0]["question"] == {
        "fact": "encounter.date", "question": "On what day was the encounter?", "ask": "police",
        "kind": "record", "rule": None, "type": "date",
        "how": "a day such as 2014-06-01 or 6/1/2014; or not known",
    }  # fmt: skip
    last = lines[-1]
    assert last["facts"] == {"encounter": {"date": "2014-07-02"}}
    assert last["not_known"] == ["encounter.route", "person.age"]
    assert (
        last["decision"]["status"] == "undetermined" and last["decision"]["next"]["who"] == "police"
    )


def test_what_is_saved_is_what_decide_reads_and_nobody_else_s(tmp_path: Path) -> None:
    saved = tmp_path / "facts.json"
    saved.write_text("left from before, and longer than what follows " * 100)
    saved.chmod(0o644)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "offramp"]
    said = b"2014-07-02\n29\nyes\n"
    arguments = ["interview", "santa-fe", "eligibility", "--as", "police", "--save", str(saved)]
    arguments.append("--force")
    ran = subprocess.run(
        [*command, *arguments],
        input=said,
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (3, b"")
    assert b"Now    police: The officer may make the offer" in ran.stdout, "the next step is stated"
    assert json.loads(saved.read_text())["person"] == {"age": 29}
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    again = subprocess.run(
        [*command, "decide", "santa-fe", "eligibility", str(saved)],
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (
        again.returncode == 3
        and again.stdout.splitlines()[0] == b"ELIGIBILITY: UNDETERMINED, ineligible or eligible"
    )


def test_a_broken_off_interview_ends_quietly_and_keeps_what_it_was_told(tmp_path: Path) -> None:
    saved = tmp_path / "facts.json"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    arguments = ["interview", "santa-fe", "offer", "--json", "--save", str(saved)]
    command = [sys.executable, "-m", "offramp", *arguments]
    with start_interruptible(command, environment) as process:
        assert (
            process.stdin is not None and process.stdout is not None and process.stderr is not None
        )
        process.stdout.readline()
        process.stdin.write(b"2014-07-02\n")
        process.stdin.flush()
        process.stdout.readline()  # the second question: it waits
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        assert process.stderr.read() == b""
    assert json.loads(saved.read_text()) == {"encounter": {"date": "2014-07-02"}}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["santa-fe", "offr"], "unknown-decision"),
        (["santa-fee", "offer"], "unknown-pack"),
        (["santa-fe", "offer", "--as", "polise"], "usage"),
        (["santa-fe", "offer", "-"], "usage"),
        (["santa-fe", "offer", "nowhere.json"], "no-file"),
        (["santa-fe", "offer", "--save", "/nowhere/at/all.json"], "no-output"),
    ],
)
def test_an_interview_that_can_t_be_held_is_refused(
    arguments: list[str],
    code: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    exit_code, out, err = talked(monkeypatch, capsys, "", *arguments, "--json")
    assert (exit_code, err) == (2, "")
    error = json.loads(out.splitlines()[-1])["error"]
    assert error["code"] == code and error["fix"]


def test_options_may_stand_before_the_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = str(ROOT / "examples" / "no-scale.json")
    code, out, _ = talked(
        monkeypatch,
        capsys,
        "2.5\nproceed\n",
        "santa-fe",
        "eligibility",
        "--as-of",
        "2014-12-10",
        facts,
    )
    assert code == 0 and out.count("> ") == 2 and "ELIGIBILITY: ELIGIBLE" in out
