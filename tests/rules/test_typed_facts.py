"""The typed reader of facts and the fast parser of their text change nothing but the time.

Both return None for anything unusual, and then the plain reader reads the same value. So whatever
they do return must be what the plain reader returns, to the class of every value, and the plain
reader must not refuse it.
"""

from __future__ import annotations

import json
import sys
from collections import OrderedDict
from collections.abc import Mapping
from copy import deepcopy
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import rules
from rules.author.scenarios import read_scenarios
from rules.decide.outcome_alone import OutcomeAlone
from rules.errors import FactsError, RequestError
from rules.input.citations import GivenCitation
from rules.input.facts import Facts, read_facts, read_facts_to_decide
from rules.input.fast_json import Parser, make_fast_parser
from rules.input.interval import Interval
from rules.input.json_text import (
    DEEPEST,
    LONGEST_NUMBER,
    parse_json,
    parse_json_closely,
    read_json_number,
)
from rules.input.typed_facts import TypedReader, make_typed_reader
from rules.input.vocabulary import Vocabulary
from rules.shelf import find, shipped, vocabulary
from tests.support import generated, written
from tests.support.typed import typed_reader


def parser() -> Parser:
    made = make_fast_parser(read_json_number, LONGEST_NUMBER, DEEPEST)
    assert made is not None
    return made


def exactly(value: Any) -> Any:
    """Return a value with the classes of all its parts.

    The order of paths is open, and that of the fields in a record counts, since answers show
    records. A text of a class of its own is equal to the text.
    """
    match value:
        case Mapping():
            return {key: exactly(inner) for key, inner in value.items()}
        case list() | tuple():
            return value.__class__, [
                list(exactly(inner).items()) if isinstance(inner, dict) else exactly(inner)
                for inner in value
            ]
        case str():
            return str, str(value)
    return value.__class__, repr(value)


def outcome_of(read: Any, *arguments: Any) -> Any:
    """Return what a reader returns or refuses, in every detail."""
    try:
        value = read(*arguments)
    except FactsError as error:
        return error.code, error.message, error.at, error.fix
    if isinstance(value, Facts):
        return exactly(value.known), exactly(value.attested), dict(value.doubtful)
    return exactly(value)


def agrees(facts: Any, words: Vocabulary) -> bool:
    """Hold the typed reader against the plain one. Returns False if it leaves the facts to it."""
    usual = typed_reader(words)(facts)
    if usual is None:
        return False
    assert outcome_of(lambda: Facts(*usual)) == outcome_of(read_facts, facts, words)
    return True


def agrees_on_text(text: str) -> bool:
    """Hold the typed reader of a text against the plain readers. Returns False if it leaves it."""
    reader = typed_reader(vocabulary())
    root = reader.read_text(text)
    if root is None:
        return False
    usual = reader.known(root)
    plainly = outcome_of(lambda: read_facts(parse_json_closely(text), vocabulary()))
    assert outcome_of(lambda: Facts(*usual)) == plainly
    return True


def without_nulls(facts: dict[str, Any]) -> dict[str, Any]:
    """Return nested facts without those that are null."""
    return {
        key: without_nulls(value) if isinstance(value, dict) else value
        for key, value in facts.items()
        if value is not None
    }


def float_or_none(value: Any) -> float | None:
    """Return what a text contains for a value that JSON has not."""
    return float(value) if isinstance(value, (Decimal, float)) else None


# Usual facts


@given(generated.complete_facts().flatmap(generated.with_holes))
def test_usual_facts_are_read_by_the_typed_reader(facts: dict[str, Any]) -> None:
    assert agrees(json.loads(json.dumps(facts, default=float)), vocabulary())


@given(generated.complete_facts().flatmap(generated.with_holes))
def test_the_text_of_usual_facts_is_read_by_the_typed_reader(facts: dict[str, Any]) -> None:
    facts["now"] = "2014-07-02T23:10:00Z"
    agrees_on_text(json.dumps(facts, default=float))
    # A null or an escape in a text is left to the plain readers.
    text = partial(json.dumps, without_nulls(facts), default=float, ensure_ascii=False)
    assert agrees_on_text(text())
    assert agrees_on_text(text(separators=(",", ":"), indent=1))


@pytest.mark.parametrize(
    "text",
    [
        '{"person": {"age": 29, "age": 29}}',
        '{"person": {"age": 29}, "person": {"age": 29}}',
        '{"person": {"age": 29}, "person": {}}',
        '{"person": {"age": 29}, "decisions": {}, "decisions": {}}',
        '{"decisions": {"a": "b", "a": "b"}}',
        '{"decisions": {"a:b": "c:d"}}',
        '{"encounter": {"charges": [{"code": "a:b", "code": "a:b"}]}}',
        '{"encounter": {"charges": [{"code": "a:b"}]}}',
        '{"encounter": {"charges": [{"code": null}]}}',
        '{"encounter": {"drugs": [{"grams": null}]}}',
        '{"encounter": {"drugs": [{"grams": 1.80}, {"grams": 1.8}, {"grams": 2.0}]}}',
        '{"encounter": {"drugs": [{"grams": 1.80000000000000000000000001}]}}',
        '{"encounter": {"drugs": [{"unknown": "a:b"}]}}',
        '{"encounter": {"drugs": [{"grams": -0.0}, {"grams": 1e1}]}}',
        '{"person": null}',
        '{"person": {"age": null}}',
        '{"now": "2014-07-02T23:10:00Z", "now": "2014-07-02T23:10:00Z"}',
        "{}",
    ],
)
def test_a_text_is_read_or_left_as_the_plain_readers_read_it(text: str) -> None:
    agrees_on_text(text)


@given(written.complete().flatmap(written.holes_in))
def test_usual_facts_of_a_pack_with_facts_of_its_own_are_too(flat: written.Flat) -> None:
    assert agrees(written.nested(flat), written.WORDS)


@pytest.mark.parametrize("pack", shipped())
def test_the_facts_of_a_packs_scenarios_are_too(pack: str) -> None:
    words = rules.load(pack).pack.vocabulary
    left = [
        scenario.id
        for scenario in read_scenarios(find(pack))
        if not agrees(dict(scenario.facts), words)
    ]
    assert not left


def test_nulls_of_a_group_are_unknown_and_usual() -> None:
    facts = {"person": {"age": None, "enrolled": False}, "encounter": None, "now": None}
    assert agrees(facts, vocabulary())


# Hostile facts


class OtherText(str):
    """A text of a class of its own."""


class OtherNumber(int):
    """A number of a class of its own."""


class OtherFloat(float):
    """A float of a class of its own."""


class OtherObject(dict[str, Any]):
    """An object of a class of its own."""


class OtherList(list[Any]):
    """A list of a class of its own."""


class Word(Enum):
    """A choice that is no text."""

    FELONY = "felony"
    ARREST = "arrest"


VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 17, 130, 131, 10**12 - 1, 10**12, -(10**12), 10**30, 10**60,
    0.0, -0.0, 0.5, 1.0, 29.0, 1.8, 0.1234567, 1e16, 1e-7, 1e300, 5e-324, 0.1 + 0.2, 999999999999.5,
    float("nan"), float("inf"), float("-inf"),
    Decimal("1.80"), Decimal("2.0"), Decimal("1E+2"), Decimal("0.0000001"), Decimal("NaN"),
    Decimal("1E+40"), Decimal("-0.0"), Decimal("1.123456789012345678901234567890"),
    "", "1", "1.5", "true", "felony", "Felony", "opioid", "arrest", "a" * 1_001, "a\nb", "a\u200bb",
    "\ud800", "\u202efelony", "RCW 69.50.4013(2)(b)", "r.c.w. § 69.50.4013 (2)(b).",
    "69.50.4013(2)(b) RCW", "RCW 69.50", "NY PL 221.05", "NMSA 30\u201331-23", "loitering",
    "RCW\u200b 69.50.4013", "RCW\u00a069.50.4013", "2014-12-10", "2014-02-30", "2014-W50-3",
    "20141210", "0000-01-01", "2014-12-10T00:00:00Z", "2014-07-02T23:10:00Z",
    "2014-07-02t23:10:00z", "2014-07-02 23:10:00Z", "2014-07-02T23:10:00.5Z",
    "2014-07-02T23:10:00.000Z", "2014-07-02T24:00:00Z", "2014-07-02T23:10:60Z",
    "2014-07-02T23:10:00-07:00", "0001-01-01T00:00:00+23:59", "٢٠١٤-12-10",
    [], {}, (), set(), [[]], [{}], [None], [1], ["felony"], ({},), [{}] * 1_000, [{}] * 1_001,
    {"age": 1}, {"a": {"b": {}}}, {1: 2}, {None: None}, b"felony", date(2014, 12, 10),
    datetime(2014, 12, 10), datetime.fromisoformat("2014-12-10T01:02:03+00:00"),
    datetime.fromisoformat("2014-12-10T01:02:03.000004+00:00"), Interval(1, 2), Interval(None, 3),
    GivenCitation("RCW 1.02.003", None), OtherText("felony"), OtherText("RCW 69.50.4013"),
    OtherText("2014-12-10"), OtherNumber(17), OtherFloat(0.5), OtherObject(), OtherObject(age=1),
    OtherList(), OtherList([{}]), OrderedDict(age=1), MappingProxyType({"age": 1}),
    MappingProxyType({}), Word.FELONY, Word.ARREST, frozenset(), range(2), object, 1j,
]  # fmt: skip
KEYS = [
    "person", "age", "encounter", "charges", "drugs", "grams", "code", "level", "decisions",
    "screening", "person.age", "unknown", "", "f0", "__class__", "class", OtherText("age"), 1, None,
    True, ("age",), "aGe", "age ", "ag\u200be", "now", "case", "progress",
]  # fmt: skip


@st.composite
def hostile(draw: st.DrawFn, usual: Any = None) -> Any:
    """Facts that are usual but for one to three values or keys, anywhere in them."""
    facts = draw(generated.complete_facts().flatmap(generated.with_holes))
    facts = json.loads(json.dumps(facts if usual is None else usual, default=float))
    if draw(st.booleans()):
        facts["decisions"] = {"screening": draw(st.sampled_from(["stop", "nonsense"]))}
    for _ in range(draw(st.integers(1, 3))):
        place: Any = facts
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            inner = [key for key in keys if isinstance(place[key], (dict, list))]
            if not inner or draw(st.booleans()):
                break
            place = place[draw(st.sampled_from(inner))]
        value = draw(st.sampled_from(VALUES))
        if isinstance(value, (dict, list)):
            value = deepcopy(value)  # the next round may put something in it
        if isinstance(place, list):
            place.append(value)
        else:
            place[draw(st.sampled_from([*place, *KEYS]))] = value
    return facts


@settings(max_examples=5 * settings().max_examples)
@given(hostile())
@example({"encounter": {"charges": set()}})
@example({"encounter": {"charges": [MappingProxyType({"code": "RCW 69.50.4013"})]}})
@example({"encounter": MappingProxyType({"in_area": True})})
@example({"decisions": MappingProxyType({"screening": "stop"})})
@example({"encounter": {"drugs": [{"grams": Decimal("1.8000000000000000000000000000001")}]}})
@example({"encounter": {"drugs": [{"grams": "1.8"}]}})
@example({"encounter": {"drugs": [{"unknown": 1}]}})
@example({"encounter": {"drugs": [range(2)]}})
@example({"encounter": range(2)})
@example({"encounter": {"drugs": [{"grams": True, "units": 1.0}]}})
def test_hostile_facts_are_read_or_refused_as_the_plain_reader_does(facts: Any) -> None:
    agrees(facts, vocabulary())


ARREST = json.loads((Path(__file__).parents[2] / "examples" / "arrest.json").read_text())
SANTA_FE = rules.load("santa-fe")


@given(st.sampled_from(["eligibility", "admission"]), hostile(usual=ARREST))
@example("eligibility", OrderedDict(ARREST))
@example("eligibility", {**ARREST, "encounter": MappingProxyType(ARREST["encounter"])})
@example("eligibility", {**ARREST, "encounter": {**ARREST["encounter"], "charges": None}})
@example("eligibility", {**ARREST, "encounter": {**ARREST["encounter"], "date": "1999-01-01"}})
@example("eligibility", {**ARREST, "encounter": {**ARREST["encounter"], "at": None}})
@example("eligibility", {**ARREST, "person": {"age": 17}})
@example("admission", {**ARREST, "decisions": {"eligibility": "eligible"}})
def test_the_outcome_alone_of_hostile_facts_is_that_of_the_plain_reader(
    name: str, facts: Any
) -> None:
    try:
        wanted = SANTA_FE.decide(name, SANTA_FE.read(facts)).outcome
    except (FactsError, RequestError):
        wanted = None
    assert ALONE[name].find(facts) in (None, wanted)


ALONE = {name: OutcomeAlone(SANTA_FE, name) for name in ("eligibility", "admission")}


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_the_outcome_alone_of_each_hostile_value_in_each_fact_is_too(value: Any) -> None:
    for path, fact in SANTA_FE.pack.vocabulary.facts.items():
        for changed in (value, *([{name: value}] for name in fact.fields)):
            facts = deepcopy(ARREST)
            generated.put(facts, path, changed)
            try:
                wanted = SANTA_FE.decide("eligibility", SANTA_FE.read(facts)).outcome
            except (FactsError, RequestError):
                wanted = None
            assert ALONE["eligibility"].find(facts) in (None, wanted)


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_each_hostile_value_in_each_fact(value: Any) -> None:
    for words in (vocabulary(), written.WORDS):
        for path, fact in words.facts.items():
            facts: dict[str, Any] = {}
            generated.put(facts, path, value)
            agrees(facts, words)
            for name in fact.fields:
                facts = {}
                generated.put(facts, path, [{name: value}])
                agrees(facts, words)
        agrees(value, words)
        agrees({"decisions": value}, words)
        agrees({"decisions": {"screening": value}}, words)


def test_a_value_too_deep_to_convert_is_left_to_the_plain_reader() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert not agrees({"encounter": {"drugs": [{"grams": deep}]}}, vocabulary())


# Made late, and not needed


@settings(max_examples=5 * settings().max_examples)
@given(hostile())
def test_the_text_of_hostile_facts_is_read_or_refused_as_the_plain_readers_do(facts: Any) -> None:
    agrees_on_text(json.dumps(facts, default=repr, skipkeys=True))
    agrees_on_text(json.dumps(facts, default=float_or_none, skipkeys=True, ensure_ascii=False))


def _read_once(words: Vocabulary) -> Any:
    return outcome_of(read_facts_to_decide, {"person": {"age": 29}, "now": "x"}, words)


def test_the_typed_reader_is_made_after_many_reads_and_gives_the_same_errors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = vocabulary().extended({})
    made = []

    def make(words: Vocabulary, longest_list: int) -> TypedReader | None:
        made.append(words)
        return make_typed_reader(words, longest_list)

    monkeypatch.setattr("rules.input.typed_facts.make_typed_reader", make)
    outcomes = {repr(_read_once(words)) for _ in range(999)}
    assert not made
    outcomes |= {repr(_read_once(words)) for _ in range(2)}
    assert made == [words]
    assert outcomes == {repr(outcome_of(read_facts, {"person": {"age": 29}, "now": "x"}, words))}


def test_without_msgspec_everything_is_read_at_the_plain_readers_speed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "msgspec", None)
    words = vocabulary().extended({})
    facts = {"person": {"age": 29}}
    for _ in range(1_010):
        assert read_facts_to_decide(facts, words).known == {"person.age": 29}
    assert make_fast_parser(read_json_number, LONGEST_NUMBER, DEEPEST) is None


def test_what_citations_are_remembered_is_bounded() -> None:
    from rules.input.citations import MOST_REMEMBERED, reader_of

    words = vocabulary().extended({})
    for number in range(MOST_REMEMBERED + 10):
        read_facts({"encounter": {"charges": [{"code": f"RCW 1.02.{number}"}]}}, words)
    assert 0 < len(reader_of(words).remembered) <= MOST_REMEMBERED


# Text

PARSE = parser()
LONG = "1" * LONGEST_NUMBER


def parses(text: str) -> bool:
    """Hold the fast parser against the plain one. Returns False if it leaves the text to it."""
    value = PARSE(text)
    if value is None:
        return False
    assert exactly(value) == outcome_of(parse_json_closely, text)
    return True


@given(generated.complete_facts().flatmap(generated.with_holes))
def test_the_text_of_usual_facts_is_parsed_fast(facts: dict[str, Any]) -> None:
    facts["now"] = "2014-07-02T23:10:00Z"
    assert parses(json.dumps(facts, default=float))


json_numbers = st.sampled_from(
    ["0", "-0", "1.80", "1e2", "1E-7", "-0.0", LONG, LONG + "1", "0." + LONG, "1e" + LONG, "01",
     "1.", ".5", "+1", "NaN", "Infinity", "-", "1e999", "1" * 5_000]
)  # fmt: skip
json_strings = st.sampled_from(
    ['"a"', '"b"', '":"', '"a:b"', '"\\u003a"', '"\\u0061"', '"\\ud800"', '"\ud800"', '"a\nb"',
     '"\x00"', '"é"', '"', "'a'", '"2014-07-02T23:10:00Z"']
)  # fmt: skip
json_leaves = json_numbers | json_strings | st.sampled_from(["true", "null", "nul", "", "[", "}"])


def _objects(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.lists(st.tuples(json_strings, inner), max_size=3)
    return pairs.map(
        lambda pairs: "{" + ",".join(f"{key}: {value}" for key, value in pairs) + "}"
    ) | st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")


@settings(max_examples=5 * settings().max_examples)
@given(st.recursive(json_leaves, _objects, max_leaves=8))
@example('{"a": 1, "a": 2}')
@example('{"a": 1, "a": 2, "b": "\\u003a"}')
@example('{"a": ":", "a": 2}')
@example('{"a:": 1, "b": 2}')
@example('{"a": null, "a": 1, "b": "null"}')
@example(f'{{"a": {LONG}1}}')
@example('{"a": 1.8' + "0" * 40 + "}")
@example('{"a":' * 32 + "1" + "}" * 32)
@example('{"a":' * 33 + "1" + "}" * 33)
@example('{"a":' * 31 + "[1]" + "}" * 31)
@example('{"a":' * 31 + "[{}]" + "}" * 31)
@example('{"a":' * 100_000)
@example("\ufeff{}")
@example("{} x")
@example(" \n\t{} ")
def test_hostile_text_is_parsed_or_refused_as_the_plain_parser_does(text: str) -> None:
    parses(text)


@given(st.text(max_size=40))
def test_any_text_is_too(text: str) -> None:
    parses(f'{{"a": {json.dumps(text, ensure_ascii=False)}}}')
    parses(text)


@pytest.mark.parametrize(
    "text",
    ['{"a": 1, "a": 2}', '{"b": {"a": ":", "a": 2}}', '{"a": 1, "a": 2, "b": "\\u003a"}'],
)
def test_a_duplicate_key_is_refused_after_many_texts_too(text: str) -> None:
    for _ in range(1_010):
        parse_json('{"a": 1.5}')
    assert parse_json('{"a": 1.5}') == {"a": Decimal("1.5")}
    with pytest.raises(FactsError) as refused:
        parse_json(text)
    assert refused.value.code == "duplicate-key"
