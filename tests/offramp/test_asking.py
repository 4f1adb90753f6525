"""Questions of a command: answered by flags, by a file, or at a terminal, and never by a pipe."""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Decimal
from string import Formatter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offramp import asking
from offramp.asking import (
    UNKNOWN,
    AnswerForm,
    Choice,
    Dialog,
    Question,
    collect_answers,
    confirm,
    read_answer,
    read_texts,
)
from rules.errors import FactsError, Refusal, RequestError
from rules.input.typed_answers import WORDS
from tests.conftest import ROOT
from tests.support.terminals import END_OF_INPUT, INTERRUPT, Conversation, converse

DRUGS = (Choice("opioid", "opioid"), Choice("stimulant", "stimulant or meth"))
QUESTIONS = (
    Question("encounter.date", "On what day?", AnswerForm("date", may_be_unknown=False)),
    Question("drug.kind", "What drug?", AnswerForm("choice", DRUGS)),
    Question("drug.grams", "How many grams?", AnswerForm("decimal", unit="g")),
    Question("at", "At what time?", AnswerForm("timestamp", may_be_unknown=False)),
    Question("weapon", "Was there a weapon?", AnswerForm("bool")),
    Question("barriers", "What is in the way?", AnswerForm("choices", DRUGS)),
    Question("note", "Anything else?", AnswerForm("text", may_be_unknown=False, may_be_empty=True)),
)
TYPED = {
    "encounter.date": "2026-06-12",
    "drug.kind": "1",
    "drug.grams": "2.4 g",
    "at": "2026-06-12 16:10",
    "weapon": "not known",
    "barriers": "2, opioid",
    "note": "",
}
MEANT = {
    "encounter.date": "2026-06-12",
    "drug.kind": "opioid",
    "drug.grams": Decimal("2.4"),
    "at": "2026-06-12T16:10:00-06:00",
    "weapon": UNKNOWN,
    "barriers": ("stimulant", "opioid"),
    "note": None,
}
QUIET = Dialog("en", "America/Denver")
# A program that asks the questions above, as the module is used, and prints what it learned.
PROGRAM = """
import sys
from offramp.asking import Dialog, collect_answers, confirm
from offramp.cli import main
from tests.offramp.test_asking import QUESTIONS
dialog = Dialog.at_terminal(sys.argv[1], "America/Denver")
try:
    answers = collect_answers(QUESTIONS, {}, dialog)
    print(repr(answers), confirm(dialog))
except KeyboardInterrupt:
    sys.exit(130)
"""


def at_terminal(answers: list[str], language: str = "en") -> Conversation:
    command = [sys.executable, "-c", PROGRAM, language]
    return converse(command, answers, {**os.environ, "PYTHONPATH": str(ROOT)})


def test_each_type_of_answer_is_read_from_a_text_as_it_is_typed() -> None:
    assert collect_answers(QUESTIONS, TYPED, QUIET) == MEANT


@pytest.mark.parametrize(
    "typed",
    ["2.9", "2.9g", "2.9 g", "2.9 grams", "2.9 Gram", "2.9 gm.", "2.9 gramos", "2.9  GRAMS"],
)
def test_an_amount_is_read_with_its_unit_as_people_write_it(typed: str) -> None:
    question = Question("drug.grams", "How many grams?", AnswerForm("decimal", unit="g"))
    assert collect_answers([question], {"drug.grams": typed}, Dialog()) == {
        "drug.grams": Decimal("2.9")
    }


@pytest.mark.parametrize(
    "typed",
    [
        "2,9",
        "2,9 g",
        "2.9 oz",
        "2900 mg",
        "2.9 gr",
        "3 pills",
        "1,800 g",
        "2.9 g g",
        "grams",
        "2.9 3",
    ],
)
def test_an_amount_in_another_unit_is_asked_again(typed: str) -> None:
    question = Question("drug.grams", "How many grams?", AnswerForm("decimal", unit="g"))
    with pytest.raises(FactsError) as refused:
        collect_answers([question], {"drug.grams": typed}, Dialog())
    assert refused.value.code == "no-answer"


@pytest.mark.parametrize(
    ("form", "typed", "fix"),
    [
        (AnswerForm("decimal", unit="g"), "2,9", "write it with a point, such as 2.9"),
        (AnswerForm("decimal", unit="g"), "1,000 g", "write it without the comma: 1000"),
        (AnswerForm("decimal", unit="g"), "100 mg", "write the amount in g, as a number"),
        (AnswerForm("decimal", unit="g"), "1e3", "write the number in full, such as 1000"),
        (AnswerForm("decimal", unit="g"), "1.5E-1 g", "write the number in full, such as 0.15"),
        (AnswerForm("decimal"), "1e3", "write the number in full, such as 1000"),
        (AnswerForm("decimal", unit="g"), "half a gram", "answer a number of g; or not known"),
        (AnswerForm("int", unit="years"), "about 30", "write the number alone, such as 30"),
        (AnswerForm("int", unit="years"), "27.5", "write a whole number"),
        (AnswerForm("int", unit="years"), "1e3", "write a whole number"),
    ],
)
def test_an_amount_that_people_write_otherwise_is_refused_with_its_fix(
    form: AnswerForm, typed: str, fix: str
) -> None:
    with pytest.raises(FactsError) as refused:
        read_answer(Question("drug.grams", "How many?", form), typed, Dialog())
    assert fix in str(refused.value.fix)
    assert f"`{typed}`" in refused.value.message, "what was typed is quoted, and nothing else"


def test_a_time_that_no_clock_shows_is_quoted_as_it_was_typed() -> None:
    question = Question("at", "When?", AnswerForm("timestamp"))
    with pytest.raises(FactsError, match="`6/1/2026 25:00`"):
        read_answer(question, "6/1/2026 25:00", Dialog())
    assert read_answer(question, "6/1/2026 at 2:05 pm", Dialog()) == "2026-06-01T14:05:00+00:00"


PLAIN = AnswerForm("decimal", unit="g", may_be_empty=True)
SEVERAL = AnswerForm("choices", (Choice("opioid", "Opioid"), Choice("other", "Other drug")))
NO_OTHER = AnswerForm("choices", SEVERAL.choices, may_be_unknown=False)


@pytest.mark.parametrize(
    ("form", "texts", "meant"),
    [
        (PLAIN, ["2.9"], Decimal("2.9")),
        (PLAIN, ["", "not known"], UNKNOWN),
        (PLAIN, ["unknown", "not known"], UNKNOWN),
        (PLAIN, [""], None),
        (SEVERAL, ["opioid", "other"], ("opioid", "other")),
        (SEVERAL, ["opioid", "not known"], ("opioid", UNKNOWN)),
        (SEVERAL, ["not known"], UNKNOWN),
        (SEVERAL, [], UNKNOWN),
        (SEVERAL, ["none"], ()),
        (NO_OTHER, [], ()),
    ],
)
def test_all_that_is_ticked_and_typed_for_a_question_is_one_answer(
    form: AnswerForm, texts: list[str], meant: Any
) -> None:
    assert read_texts(Question("drugs", "Which?", form), texts, Dialog()) == meant


@pytest.mark.parametrize(
    ("form", "texts"),
    [
        (PLAIN, ["2.9", "not known"]),
        (PLAIN, ["2.9", "3.1"]),
        (SEVERAL, ["none", "opioid"]),
        (SEVERAL, ["not known", "none"]),
        (NO_OTHER, ["opioid", "not known"]),
    ],
)
@pytest.mark.parametrize("language", ["en", "es"])
def test_of_two_answers_none_is_lost(form: AnswerForm, texts: list[str], language: str) -> None:
    with pytest.raises(FactsError) as refused:
        read_texts(Question("drugs", "Which?", form), texts, Dialog(language))
    assert refused.value.code == "no-answer" and refused.value.fix


def test_pills_are_dosage_units_and_ages_are_years() -> None:
    pills = Question("pills", "How many?", AnswerForm("int", unit="dosage units"))
    age = Question("age", "How old?", AnswerForm("int", unit="years"))
    answers = collect_answers([pills, age], {"pills": "3 pills", "age": "36 years"}, Dialog())
    assert answers == {"pills": 3, "age": 36}


def test_a_file_may_give_values_of_json_too() -> None:
    values = {**TYPED, "weapon": None, "drug.grams": 2.4, "barriers": ["stimulant", "opioid"]}
    assert collect_answers(QUESTIONS, {**values, "note": None}, QUIET) == {
        **MEANT,
        "drug.grams": 2.4,
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("encounter.date", "2026-02-30"),
        ("encounter.date", "June 12"),
        ("encounter.date", "not known"),
        ("encounter.date", None),
        ("drug.kind", "3"),
        ("drug.kind", 1),
        ("drug.grams", "2.4 oz"),
        ("drug.grams", True),
        ("drug.grams", float("nan")),
        ("drug.grams", 1e300),
        ("at", "2026-06-12 24:10"),
        ("at", "2026-03-08 02:30"),
        ("at", "2026-11-01 01:30"),
        ("weapon", "maybe"),
        ("weapon", 0),
        ("barriers", "opioid, sugar"),
        ("barriers", [1]),
        ("barriers", {}),
        ("note", "a\x1b[2J"),
        ("note", "a" * 4001),
    ],
)
def test_another_value_is_refused_by_the_name_of_its_question(name: str, value: Any) -> None:
    with pytest.raises(Refusal) as refused:
        collect_answers(QUESTIONS, {**TYPED, name: value}, QUIET)
    assert name in str(refused.value) and refused.value.fix


@given(st.sampled_from(QUESTIONS), st.text() | st.integers() | st.floats() | st.none())
def test_any_value_is_an_answer_or_a_refusal(question: Question, value: Any) -> None:
    try:
        (answer,) = collect_answers([question], {question.name: value}, QUIET).values()
    except Refusal as refusal:
        assert refusal.message and refusal.fix
    else:
        assert (
            answer is UNKNOWN
            or answer is None
            or isinstance(answer, (str, int, float, Decimal, tuple))
        )


def test_without_a_terminal_one_refusal_names_every_missing_flag() -> None:
    given_answers = {"drug.kind": "opioid"}
    with pytest.raises(RequestError) as refused:
        collect_answers(QUESTIONS, given_answers, QUIET, also_missing=["--yes"])
    assert refused.value.code == "answers-missing"
    for flag in ("--encounter-date", "--drug-grams", "--at", "--weapon", "--barriers", "--yes"):
        assert f"`{flag}`" in refused.value.fix
    assert "--drug-kind" not in refused.value.fix and "--note" not in refused.value.fix


def test_an_answer_to_no_question_is_refused() -> None:
    with pytest.raises(RequestError) as refused:
        collect_answers(QUESTIONS, {**TYPED, "encounter.dat": "2026-06-12"}, QUIET)
    assert refused.value.code == "unknown-question" and "`encounter.date`" in refused.value.fix


def test_questions_may_depend_on_answers() -> None:
    def questions(answers: Any) -> list[Question]:
        count = answers.get("drugs", 0)
        size = Question("drugs", "How many drugs?", AnswerForm("size", may_be_unknown=False))
        return [
            size,
            *(
                Question(f"drugs[{index}].kind", "What drug?", AnswerForm("choice", DRUGS))
                for index in range(count)
            ),
        ]

    given_answers = {"drugs": 2, "drugs[0].kind": "opioid", "drugs[1].kind": "?"}
    answers = collect_answers(questions, given_answers, QUIET)
    assert answers == {"drugs": 2, "drugs[0].kind": "opioid", "drugs[1].kind": UNKNOWN}


@pytest.mark.parametrize(
    "typed",
    [
        *("2026-11-28", "11/28/2026", "11-28-2026", "Nov 28, 2026", "November 28 2026"),
        *("28 november 2026", "28 de noviembre de 2026", "28th nov, 2026"),
    ],
)
def test_a_day_is_read_as_people_write_it_and_kept_in_one_form(typed: str) -> None:
    question = Question("on", "When?", AnswerForm("date", may_be_unknown=False))
    for language in ("en", "es"):
        dialog = Dialog(language, "America/Denver")
        assert collect_answers([question], {"on": typed}, dialog) == {"on": "2026-11-28"}
    at = Question("at", "When?", AnswerForm("timestamp", may_be_unknown=False))
    for time in ("16:05", "4:05 pm", "04:05PM", "4:05 p.m."):
        answers = collect_answers([at], {"at": f"{typed} {time}"}, QUIET)
        assert answers == {"at": "2026-11-28T16:05:00-07:00"}


@pytest.mark.parametrize(
    ("typed", "language", "fix"),
    [
        ("4/5/90", "en", "all four digits"),
        ("28/11/2026", "en", "the month first"),
        ("2026-02-30", "en", "check the calendar"),
        ("4/5/1990", "es", "1990-04-05 o como 1990-05-04"),
        ("4/5/90", "es", "las cuatro cifras"),
    ],
)
def test_a_day_that_may_be_two_or_none_is_asked_again(typed: str, language: str, fix: str) -> None:
    question = Question("on", "When?", AnswerForm("date", may_be_unknown=False))
    with pytest.raises(Refusal) as refused:
        collect_answers([question], {"on": typed}, Dialog(language, "America/Denver"))
    assert refused.value.code == "no-such-day" and fix in refused.value.fix


NO_NAMES = ("not known", "Unknown", "no", "NO.", "n/a", "none", "?", "No sé", "yes", "ninguno")


@pytest.mark.parametrize("typed", NO_NAMES)
def test_a_word_for_nothing_is_never_taken_as_a_name(typed: str) -> None:
    def read(typed: str, **more: bool) -> Any:
        question = Question("name", "What is the name?", AnswerForm("text", **more))
        return collect_answers([question], {"name": typed}, QUIET)["name"]

    with pytest.raises(Refusal) as refused:
        read(typed, may_be_unknown=False)
    assert f'"{typed}"' in refused.value.fix
    assert read(f'"{typed}"', may_be_unknown=False) == typed, "in quotes it is the name itself"
    if typed != "yes":
        assert read(typed, may_be_unknown=False, may_be_empty=True) is None
        assert read(typed) is UNKNOWN
    assert read("Noé", may_be_unknown=False) == "Noé"


def test_a_choice_is_read_without_accents_and_by_its_other_words() -> None:
    choices = (Choice("yes", "sí"), Choice("later", "pregúnteme después", ("luego", "después")))
    question = Question("agreed", "¿Sí?", AnswerForm("choice", choices, may_be_unknown=False))
    dialog = Dialog("es", "America/Denver")
    for typed, word in (("si", "yes"), ("SÍ", "yes"), ("luego", "later"), ("Despues.", "later")):
        assert collect_answers([question], {"agreed": typed}, dialog) == {"agreed": word}


# At a terminal


def test_at_a_terminal_each_question_is_asked_and_a_bad_answer_again() -> None:
    typed = [*TYPED.values()]
    shown = at_terminal([*typed[:1], "sugar", *typed[1:], "perhaps", "yes"])
    assert shown.code == 0, shown.text
    assert "`sugar` is no answer here; answer 1 opioid, 2 stimulant or meth" in shown.text
    assert "drug.kind" not in shown.text.replace(repr(MEANT), ""), "names of data are no words"
    assert "`perhaps` is no answer" in shown.text and repr(MEANT) in shown.text
    assert shown.text.rstrip().endswith("True")
    assert shown.text.count("What drug?") == 1, "the question isn't repeated, its reason is given"


def test_in_spanish_the_program_s_own_words_are_spanish() -> None:
    typed = {**TYPED, "weapon": "no sé", "barriers": "ninguna"}
    shown = at_terminal(["hoy", *typed.values(), "no"], "es")
    assert shown.code == 0 and shown.text.rstrip().endswith("False")
    assert "no es una respuesta" in shown.text and "¿Lo envía?" in shown.text
    for english in ("yes or no", "not known", "is no answer", "Ctrl-C stops", "Send it"):
        assert english not in shown.text
    assert "'weapon': UNKNOWN, 'barriers': ()" in shown.text


@pytest.mark.parametrize("key", [INTERRUPT, END_OF_INPUT])
@pytest.mark.parametrize("answered", [0, 3, 7])
def test_a_person_can_stop_at_any_question(key: str, answered: int) -> None:
    shown = at_terminal([*[*TYPED.values()][:answered], key])
    assert shown.code == 130 and "Traceback" not in shown.text
    assert "nothing was kept or sent" in shown.text and "{" not in shown.text


def test_nothing_is_asked_of_a_pipe() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, "en"],
        input=b"2026-06-12\n" * 20,
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
    )
    assert ended.returncode == 1 and b"answers-missing" in ended.stderr and not ended.stdout


def test_a_command_that_prints_json_asks_nothing() -> None:
    assert not Dialog.at_terminal("en", "UTC", as_json=True).is_terminal


def test_both_languages_have_every_word_with_the_same_places() -> None:
    for table in (WORDS, asking._WORDS):
        english, spanish = table["en"], table["es"]
        assert english.keys() == spanish.keys()
        for key, text in english.items():
            places = {field for _, field, _, _ in Formatter().parse(text) if field}
            assert places == {f for _, f, _, _ in Formatter().parse(spanish[key]) if f}, key


def test_a_question_that_is_a_statement_ends_once_before_the_fix() -> None:
    """It printed `It can't be undone.; give `--yes``."""
    with pytest.raises(RequestError) as refused:
        confirm(QUIET, "End `Ola Olin`? It can't be undone.")
    assert str(refused.value).endswith("It can't be undone; give `--yes` [answers-missing]")
