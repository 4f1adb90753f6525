"""Letters hold the pack's words and the fixed ones, in two languages, and nothing from a file."""

from __future__ import annotations

import copy
import io
import json
import re
import string
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rules
from offramp.cli import main
from offramp.documents.document import BLANK, Document, Text, as_json
from offramp.documents.letter import ALLOWED, Letterhead, letter_words, write_letter
from offramp.documents.plain_text import plain_text
from offramp.documents.web_page import as_html
from rules import Refusal
from rules.author.scenarios import read_scenarios
from rules.decide.program import Program
from rules.decide.ruling import NOT_PART
from rules.language import tree
from rules.shelf import day_of, find, read_pack, shipped, vocabulary
from tests.conftest import ROOT
from tests.support.browser import BROWSER, NO_BROWSER, Browser
from tests.support.parsed_page import ParsedPage
from tests.support.printed import pages_of, print_faults

LANGUAGES = ("en", "es")


def decided(pack: str, decision: str, facts: Any) -> dict[str, Any]:
    shown = load(pack).decide(decision, facts).as_json()
    found: dict[str, Any] = json.loads(json.dumps(shown))
    return found


def example(name: str) -> Any:
    return json.loads((ROOT / "examples" / f"{name}.json").read_text(encoding="utf-8"))


def text_of(document: Document) -> str:
    return " ".join(plain_text(document, 10_000).split())


@lru_cache(maxsize=1)
def scenarios() -> tuple[tuple[str, rules.Decision, Any], ...]:
    """Return the decisions about a person in the scenarios of all shipped packs."""
    found = []
    for name in shipped():
        for scenario in read_scenarios(find(name)):
            if scenario.decision != "disclosure" and "error" not in scenario.expect:
                program = (
                    load(name) if scenario.as_of is None else load(name).on(day_of(scenario.as_of))
                )
                made = program.decide(scenario.decision, scenario.facts)
                if made.outcome != NOT_PART:
                    found.append(
                        (f"{name}: {scenario.id}", made, json.loads(json.dumps(made.as_json())))
                    )
    return tuple(found)


@lru_cache(maxsize=8)
def load(pack: str) -> Program:
    return rules.load(pack)


def letter_of(given_: Any, lang: str = "en") -> Document:
    return write_letter(given_, lang, load(given_["pack"]["id"]))


# What it says


def test_a_letter_says_the_answer_why_by_which_source_what_next_and_who_can_look_again() -> None:
    facts = example("arrest")
    facts["encounter"]["drugs"][0]["grams"] = 4.2
    made = text_of(write_letter(decided("santa-fe", "eligibility", facts)))
    assert "You do not meet the program's test now." in made
    assert "The program does not take more than 3 g of opiates." in made
    assert "The Nation" not in made and "You can ask the prosecutor to review this." in made
    assert "the rules of Santa Fe LEAD, as of December 10, 2014." in made
    assert "Your case continues in the usual way." in made and "booked" not in made


def test_an_undetermined_decision_says_what_is_missing_and_whom_it_is_asked_of() -> None:
    made = text_of(write_letter(decided("santa-fe", "eligibility", example("no-scale"))))
    assert "There is no answer yet" in made
    assert "A question for the police: How many grams does it weigh?" in made


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_scenario_of_every_pack_has_its_letter(lang: str) -> None:
    assert len(scenarios()) > 200
    for name, decision, given_ in scenarios():
        made = letter_of(given_, lang)
        said = text_of(made)
        assert "{" not in said, name
        outcomes = (
            decision.outcome
            if isinstance(decision.outcome, list)
            else [decision.outcome]
            if decision.outcome
            else []
        )
        known = letter_words()[lang]["outcomes"].get(decision.decision, {})
        told = (
            vocabulary().decisions[decision.decision].categories
            if decision.decision in vocabulary().decisions
            else {}
        )
        for outcome in outcomes:
            if told.get(outcome, "decision_outcome") in ALLOWED:
                sentence = known.get(outcome, outcome.replace("_", " "))
                assert sentence.format(On_day=letter_words()[lang]["on_date_of_letter"]) in said


def test_in_spanish_only_what_the_pack_wrote_is_english_and_is_marked_so() -> None:
    english = {text for text in strings(letter_words()["en"]) if len(text) > 12 and "{" not in text}
    for _, _, given_ in scenarios():
        made = letter_of(given_, "es")
        own = [
            block.text for block in made.blocks if isinstance(block, Text) and block.lang is None
        ]
        labels = [block.label for block in made.blocks if isinstance(block, Text)]
        assert not any(one in said for said in own + labels for one in english)
        assert letter_words()["es"]["foreign"] in own
    seen = ParsedPage(as_html(made))
    assert seen.all("html") == [{"lang": "es"}]
    assert any(attributes.get("lang") == "en" for _, attributes, _ in seen.elements)


def test_each_reason_and_question_is_spanish_where_the_pack_has_it() -> None:
    words = letter_words()["es"]
    sources = {words["where"], words["doubtful"], words["own"]}
    count = 0
    for _, _, decision in scenarios():
        blocks = [block for block in letter_of(decision, "es").blocks if isinstance(block, Text)]
        english = [block.text for block in blocks if block.lang == "en"]
        assert english == [block.text for block in blocks if block.label in sources and block.lang]
        assert not [block.text for block in blocks if "{" in block.text]
        count += len(blocks) - len(english)
    assert count > 100


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_html_of_a_letter_has_what_a_screen_reader_goes_by(lang: str) -> None:
    for _, _, given_ in scenarios()[::17]:
        seen = ParsedPage(as_html(letter_of(given_, lang)))
        assert seen.all("html") == [{"lang": lang}]
        assert [len(seen.all(tag)) for tag in ("title", "header", "main", "h1", "script")] == [
            1,
            1,
            1,
            1,
            0,
        ]


@pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)
def test_a_letter_is_printed_black_on_white_without_a_control(tmp_path: Path) -> None:
    """V5, in both languages."""
    file = tmp_path / "letter.html"
    with Browser(tmp_path / "profile") as browser:
        for lang in LANGUAGES:
            for _, _, given_ in scenarios()[::40]:
                file.write_text(as_html(letter_of(given_, lang)), encoding="utf-8")
                browser.show(width=390, dark=True)
                browser.open(file.as_uri())
                assert print_faults(browser) == []
                assert pages_of(browser) <= 2


# What it doesn't say


def test_a_reason_that_rests_on_what_a_letter_may_not_hold_is_withheld_and_its_keeper_named() -> (
    None
):
    withheld = 0
    for name, decision, given_ in scenarios():
        said = text_of(letter_of(given_))
        if decision.segment is None or decision.attested:
            continue
        for rule in decision.rules_in_force.rules:
            kinds = {fact.category for fact in tree.facts_read(rule.condition).values()}
            text = rule.rule.because
            if not kinds <= ALLOWED and text not in [
                one.rule.because for one in decision.rules_in_force.rules if one is not rule
            ]:
                withheld += 1
                assert text not in said, f"{name}: {rule.rule.id}"
    assert withheld > 100


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_word_of_convictions_is_in_the_letter_about_a_screening(lang: str) -> None:
    facts = {"encounter": {"date": "2019-01-01"}, "history": {"convictions": [{"class": "sex"}]}}
    for pack in ("santa-fe", "drug-court"):
        given_ = decided(pack, "screening", facts)
        assert any(
            "conviction" in reason["text"] or "record" in reason["text"]
            for reason in given_["reasons"]
        )
        said = text_of(write_letter(given_, lang)).lower()
        assert "convict" not in said and "conden" not in said and "sex" not in said


def test_relapses_and_missed_contacts_are_in_no_letter_of_a_court_that_punishes_them() -> None:
    given_ = decided(
        "drug-court",
        "ejection",
        {
            "now": "2022-01-01T12:00:00Z",
            "case": {
                "relapses": 3,
                "missed_contacts": 2,
                "new_charges": [],
                "progress": {"substance_use": "same"},
            },
        },
    )
    assert given_["outcome"] in ("sanction", "terminate")
    said = text_of(write_letter(given_)).lower()
    assert not re.search(r"relaps|miss|contact|use of|drug use|substance", said)
    assert "ask the case manager or your lawyer about it" in said


def test_a_review_s_steps_about_treatment_and_reaching_out_are_left_to_the_case_manager() -> None:
    given_ = decided(
        "lead",
        "review",
        {"now": "2022-01-01T12:00:00Z", "case": {"relapses": 1, "missed_contacts": 2}},
    )
    assert {"offer_treatment", "attempt_contact"} <= set(given_["outcome"])
    said = text_of(write_letter(given_)).lower()
    assert "treatment" not in said and "reach you" not in said
    assert letter_words()["en"]["step_withheld"].lower() in said


def test_no_rule_s_id_and_no_step_of_an_agency_is_in_a_letter() -> None:
    for name, decision, given_ in scenarios():
        said = text_of(letter_of(given_)).partition("For your lawyer")[0]
        steps = decision.program.pack.decisions[decision.decision].next.values()
        assert not any(step.text in said for step in steps), name
        for reason in given_["reasons"]:
            assert "-" not in reason["rule"] or reason["rule"] not in said, name


def test_that_the_record_decided_is_not_in_a_letter() -> None:
    given_ = decided(
        "santa-fe",
        "eligibility",
        {"encounter": {"date": "2019-01-01"}, "decisions": {"screening": "stop"}},
    )
    assert [reason["rule"] for reason in given_["reasons"]] == ["record-stops"]
    said = text_of(write_letter(given_)).lower()
    assert "record" not in said and "stop" not in said
    assert "ask the prosecutor or your lawyer about it" in said


@pytest.mark.parametrize(
    ("lang", "undated", "dated"),
    [
        (
            "en",
            "On the date of this letter, the charge is on hold and not filed. That may change.",
            "On December 12, 2014, the charge is on hold and not filed.",
        ),
        (
            "es",
            "En la fecha de esta carta, el cargo está en espera y no está presentado.",
            "El 12 de diciembre de 2014, el cargo está en espera y no está presentado.",
        ),
    ],
)
def test_a_held_charge_has_a_day_since_a_letter_is_read_later(
    lang: str, undated: str, dated: str
) -> None:
    on_hold = next(
        decision
        for _, decision_made, decision in scenarios()
        if (decision_made.decision, decision_made.outcome) == ("filing", "hold")
    )
    assert undated in text_of(letter_of(on_hold, lang))
    letterhead = Letterhead(written_on=date(2014, 12, 12))
    assert dated in text_of(write_letter(on_hold, lang, letterhead=letterhead))


def test_a_source_that_binds_nobody_is_not_cited() -> None:
    for name, decision, given_ in scenarios():
        said = text_of(letter_of(given_))
        for source in decision.program.pack.sources.values():
            assert source.confidence == "high" or source.title not in said, name


def test_the_sender_s_entries_are_lines_to_fill_in_or_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "decision.json"
    path.write_text(json.dumps(decided("santa-fe", "eligibility", example("arrest"))))
    code, out, _ = ran(capsys, "letter", str(path))
    for label in letter_words()["en"]["head"].values():
        assert code == 0 and f"{label} {BLANK}" in out
    entries = ("--sender", "District Attorney", "--phone", "505-555-0100", "--date", "2014-12-12")
    more = ("--case-number", "D-2014-1", "--reply-by", "2015-01-10")
    code, out, _ = ran(capsys, "letter", str(path), *entries, *more)
    assert code == 0 and BLANK not in out
    for line in (
        "From: District Attorney",
        "Phone: 505-555-0100",
        "Date: December 12, 2014",
        "Case number: D-2014-1",
        "Ask for a review by: January 10, 2015",
    ):
        assert f"{line}\n" in out
    assert ran(capsys, "letter", str(path), "--date", "2014-02-30")[2].endswith("[no-such-day]\n")
    made = write_letter(json.loads(path.read_text()), letterhead=Letterhead(phone="1"))
    assert Text("1", "Phone:") in made.blocks


def test_no_value_of_a_fact_is_in_a_letter() -> None:
    facts = example("arrest")
    facts["encounter"]["charges"][0]["code"] = "QX 77.1234"
    facts["encounter"]["drugs"][0]["grams"] = 987.654
    said = text_of(write_letter(decided("santa-fe", "eligibility", facts)))
    assert "QX 77.1234" not in said and "987.654" not in said


def test_what_the_letter_may_hold_is_never_what_never_travels_or_what_care_and_tests_know() -> None:
    assert set(vocabulary().categories) >= ALLOWED
    assert not ALLOWED & set(vocabulary().never_travels)
    assert not ALLOWED & {
        "substance_use",
        "test_result",
        "treatment",
        "health",
        "counseling_note",
        "attendance",
        "progress",
    }


# What a file can't do


def words_replaced(value: Any, key: str = "") -> Any:
    """Replace all free texts of a decision."""
    if isinstance(value, dict):
        return {name: words_replaced(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [words_replaced(one, key) for one in value]
    return (
        "You have been convicted."
        if key in ("text", "title", "at", "question", "provisional") and value
        else value
    )


def test_a_file_s_own_words_never_reach_the_letter() -> None:
    for given_ in (
        decided("santa-fe", "eligibility", example("no-scale")),
        decided("santa-fe", "ejection", example("relapse")),
    ):
        assert words_replaced(given_) != given_
        assert write_letter(words_replaced(given_)) == write_letter(given_)


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def changed(**members: Any) -> dict[str, Any]:
    return {**decided("santa-fe", "eligibility", example("no-scale")), **members}


def nobody_s(pack: str, decision: str) -> dict[str, Any]:
    return decided(
        pack, decision, {"encounter": {"date": "2020-01-01"}, "now": "2020-01-01T12:00:00Z"}
    )


FAULTS: dict[str, tuple[Any, str]] = {
    "a list": ([], "not-a-decision"),
    "null": (None, "not-a-decision"),
    "facts": ({"person": {"age": 29}}, "not-a-decision"),
    "several packs' answers": ({"santa-fe": {}, "lead": {}}, "not-a-decision"),
    "no pack's digest": (changed(pack={"id": "santa-fe"}), "not-a-decision"),
    "another digest": (
        changed(pack={"id": "santa-fe", "digest": "sha256:" + "0" * 64, "as_of": None}),
        "other-pack",
    ),
    "a path for a pack": (
        changed(pack={"id": "../jurisdictions/lead", "digest": "x", "as_of": None}),
        "other-pack",
    ),
    "a decision that there isn't": (changed(decision="offr"), "not-a-decision"),
    "a number for the decision": (changed(decision=7), "not-a-decision"),
    "an outcome that there isn't": (changed(status="decided", outcome="guilty"), "not-a-decision"),
    "no outcome though decided": (changed(status="decided"), "not-a-decision"),
    "an outcome though undetermined": (changed(outcome="eligible"), "not-a-decision"),
    "two outcomes": (
        changed(status="decided", outcome=["eligible", "ineligible"]),
        "not-a-decision",
    ),
    "nothing possible": (changed(possible=[]), "not-a-decision"),
    "an unknown status": (changed(status="maybe"), "not-a-decision"),
    "a rule that there isn't": (changed(reasons=[{"rule": "made-up"}]), "not-a-decision"),
    "a rule of another outcome": (
        changed(status="decided", outcome="eligible", reasons=[{"rule": "over-the-cap"}]),
        "not-a-decision",
    ),
    "a fact that there isn't": (changed(needed=[{"fact": "person.agee"}]), "not-a-decision"),
    "a number for the reasons": (changed(reasons=3), "not-a-decision"),
    "a million reasons": (changed(reasons=[{"rule": "attested"}] * 2000), "not-a-decision"),
    "a disclosure": (changed(decision="disclosure"), "no-letter"),
    "what isn't part of the program": (nobody_s("drug-court", "offer"), "no-letter"),
}  # fmt: skip


@pytest.mark.parametrize(("given_", "code"), FAULTS.values(), ids=list(FAULTS))
def test_what_is_no_decision_gets_a_refusal_with_a_fix(
    given_: Any, code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "decision.json"
    path.write_text(json.dumps(given_), encoding="utf-8")
    exit_code, out, _ = ran(capsys, "letter", str(path), "--json")
    error = json.loads(out)["error"]
    assert (exit_code, error["code"]) == (2, code)
    assert (
        error["fix"]
        and error["message"][0] in "`" + string.ascii_lowercase
        and "\n" not in error["message"]
    )
    exit_code, out, err = ran(capsys, "letter", str(path), "--lang", "es")
    assert exit_code == 2 and out == "" and err.endswith(f"[{code}]\n")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not-json"),
        (b"{", "not-json"),
        (b'{"a": NaN}', "not-json"),
        (b"\xff\xfe", "not-utf-8"),
        (b"[" * 100_000, "too-deep"),
        (b'"' + b"x" * 5_000_000 + b'"', "too-large"),
        (b'{"decision": 1, "decision": 2}', "duplicate-key"),
    ],
)
def test_a_file_that_is_no_json_is_refused(
    content: bytes, code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "decision.json"
    path.write_bytes(content)
    exit_code, out, _ = ran(capsys, "letter", str(path), "--json")
    assert (exit_code, json.loads(out)["error"]["code"]) == (2, code)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, one in inner:
        yield from places(one, (*path, key))


WHOLE = [
    decided("santa-fe", "eligibility", example("no-scale")),
    decided("santa-fe", "ejection", example("relapse")),
    decided("santa-fe", "eligibility", example("arrest")),
]
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["decided", "eligible", "otherwise", "attested"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.data(), st.sampled_from(WHOLE), st.sampled_from(LANGUAGES))
def test_whatever_stands_in_a_decision_a_letter_is_written_or_refused(
    data: st.DataObject, whole: Any, lang: str
) -> None:
    spoilt = copy.deepcopy(whole)
    *above, last = data.draw(st.sampled_from([path for path in places(whole) if path]))
    level = spoilt
    for key in above:
        level = level[key]
    level[last] = data.draw(ANYTHING)
    try:
        document = write_letter(spoilt, lang, load("santa-fe"))
    except Refusal as refusal:
        assert (
            refusal.code in ("not-a-decision", "other-pack", "no-letter", "outside-program")
            and refusal.fix
        )
        return
    json.dumps(as_json(document)).encode()


def test_a_pack_of_the_caller_s_own_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(ROOT / "tests" / "packs" / "good" / "every-kind-of-fact")
    path = tmp_path / "decision.json"
    path.write_text(
        json.dumps(decided(folder, "eligibility", {"encounter": {"date": "2019-06-01"}})),
        encoding="utf-8",
    )
    assert ran(capsys, "letter", str(path))[2].endswith("[other-pack]\n")
    code, out, _ = ran(capsys, "letter", str(path), "--pack", folder)
    assert code == 0 and out.startswith("A LETTER ABOUT YOUR CASE")
    assert ran(capsys, "letter", str(path), "--pack", "santa-fe")[2].endswith("[other-pack]\n")


def test_a_decision_comes_through_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = json.dumps(decided("santa-fe", "eligibility", example("arrest"))).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))
    code, out, _ = ran(capsys, "letter", "-", "--lang", "es")
    assert code == 0 and "Usted cumple las condiciones del programa." in out


# The fixed words


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(one) for one in value]
    return {name.lower() for _, name, _, _ in string.Formatter().parse(value) if name}


def test_both_languages_say_the_same_things_and_cover_the_vocabulary() -> None:
    assert set(letter_words()) == set(LANGUAGES)
    assert shape(letter_words()["en"]) == shape(letter_words()["es"])
    for words in letter_words().values():
        assert set(words["roles"]) == set(vocabulary().roles)
        for name, decision in vocabulary().decisions.items():
            if name != "disclosure":
                for part in ("outcomes", "next_steps"):
                    assert set(words[part][name]) == set(decision.outcomes), (
                        "jurisdictions/letter.yaml, in both languages"
                    )


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_fixed_words_are_plain(lang: str) -> None:
    """Short sentences of short words (the federal guidelines ask for 15 to 20 words on average)."""
    sentences = [
        one
        for text in strings(letter_words()[lang])
        for one in re.split(r"(?<=[.:?])\s+", text)
        if one
    ]
    lengths = [len(one.split()) for one in sentences]
    assert max(lengths) <= 25 and sum(lengths) / len(lengths) <= 15
    assert not [
        word for one in sentences for word in re.findall(r"[^\W\d_]+", one) if len(word) > 14
    ]


def test_a_pack_s_letter_is_of_its_own_day(tmp_path: Path) -> None:
    assert read_pack("santa-fe").extends == "lead"
    facts = example("arrest")
    facts["encounter"]["drugs"][0]["grams"] = 7
    for day, amount in (("2014-12-10", "3 g"), ("2019-06-01", "6 g")):
        facts["encounter"]["date"] = day
        assert f"not take more than {amount} of opiates" in text_of(
            write_letter(decided("santa-fe", "eligibility", facts))
        )
