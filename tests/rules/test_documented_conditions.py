"""Check every condition on the page about the language, and evaluate its table of coarse words."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest

from rules.decide.walk import World, walk
from rules.input.facts import read_facts
from rules.input.yaml import Node
from rules.language import tree
from rules.language.check import check
from rules.language.checker import Scope
from rules.packs.tables import table_of
from tests.conftest import ROOT
from tests.support.written import assembled

PAGE = (ROOT / "docs" / "language.md").read_text(encoding="utf-8").replace("\\|", "|")
FORMAT = (ROOT / "docs" / "pack-format.md").read_text(encoding="utf-8")
BLOCKS = "\n".join(re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
# The finer words are those of the page about packs.
(REFINE,) = re.findall(r"^refine:\n.*?(?=^```)", FORMAT, re.MULTILINE | re.DOTALL)
VOCABULARY = assembled(f"""
id: page
title: Page
time_zone: UTC
program: {{from: 2020-01-01, source: s}}
sources: {{s: {{title: S, address: here, confidence: high}}}}
{REFINE}
facts:
  history.deflections:
    type: list
    kind: record
    known_by: police
    category: enrollment
    question: Which deflections ended?
    source: s
    fields:
      ended: {{type: date, question: When did it end?}}
      completed: {{type: bool, question: Was it completed?}}
decisions: {{eligibility: {{otherwise: {{outcome: eligible, because: B., source: s}}}}}}
""").vocabulary
# The names on the page that a pack would declare.
PARAMETERS = {
    "quantity_cap": "g",
    "cap": "g",
    "user_amount": "g",
    "lookback_days": "days",
    "opens": "time of day",
    "closes": "time of day",
    "closed_on": "codes",
    "taken": "citations",
    "no_offense": "citations",
}
SCOPE = Scope(
    VOCABULARY,
    PARAMETERS,
    {"screening": ("stop", "attorney_to_decide", "proceed")},
    ("plan",),
    tables={"user_amount": "encounter.drugs.kind"},
)
# A piece of the table of elements that is a whole question, though maybe about one record.
_QUESTION = re.compile(r" (?:==|in|>=?|<=?) |\.exists\(|^if_known\(")
# It has placeholders for any two values.
_NO_CONDITION = {"person.age < 18 ? a : b"}


def checked(text: str) -> tree.Tree:
    for over, variable in (("encounter.charges", "c"), ("encounter.drugs", "d")):
        is_free = re.search(rf"\b{variable}\.", text) and f"({variable}, " not in text
        text = f"{over}.exists({variable}, {text})" if is_free else text
    return check(Node("a condition", 1, 1, text, quoted=True), SCOPE)


def in_blocks() -> list[str]:
    found = re.findall(r"\bwhen: (.+?)(?:, then: .*)?$", BLOCKS, re.MULTILINE)
    return [text.strip("'") for text in found]


def in_elements() -> list[str]:
    section = PAGE.split("## Elements")[1].split("\n## ")[0]
    pieces = [piece for line in section.splitlines() for piece in re.findall("`([^`]+)`", line)]
    return [
        piece
        for piece in pieces
        if piece[0] != "." and _QUESTION.search(piece) and piece not in _NO_CONDITION
    ]


@pytest.mark.parametrize("text", [*in_blocks(), *in_elements()])
def test_a_documented_condition_checks_and_reads_back(text: str) -> None:
    condition = checked(text)
    assert check(Node("a condition", 1, 1, tree.text(condition), quoted=True), SCOPE) == condition


def test_the_page_has_conditions_of_every_kind() -> None:
    used = {
        type(part).__name__
        for text in (*in_blocks(), *in_elements())
        for part in tree.nodes(checked(text))
    }
    assert used >= {
        "IsOne", "LengthOf", "PartOf", "Cited", "IfKnown", "Total", "Quantifier", "StatusOf",
        "OutcomeOf", "Member", "Compare", "And", "Or", "Not", "ParameterOf",
    }  # fmt: skip
    assert len(in_blocks()) >= 6 and len(in_elements()) >= 6


ROWS = [
    (fact, condition, value)
    for fact, condition, value in re.findall(
        r"^\| (`.+?) \| (`.+?) \| (.+?) \|$", PAGE, re.MULTILINE
    )
    if value.split(",")[0].split(":")[0] in ("true", "false", "unknown")
]


@pytest.mark.parametrize(("fact", "condition", "value"), ROWS)
def test_a_coarse_or_fine_word_has_the_value_that_the_page_states(
    fact: str, condition: str, value: str
) -> None:
    drugs = [{"kind": kind} for kind in re.findall("`([a-z_]+)`", fact)]
    text = condition.split("`")[1]
    if len(drugs) > 1:  # two records: the first is `d`, and the second `e`
        text = f"encounter.drugs.exists(d, encounter.drugs.exists(e, {text}))"
    known = read_facts({"encounter": {"drugs": drugs}}, VOCABULARY).known
    world = World(known, {}, lambda _: None, lambda _: None)
    expected = {"true": True, "false": False, "unknown": None}[re.split("[,:]", value)[0]]
    assert walk(checked(text), world) is expected


def test_the_table_of_words_is_tried() -> None:
    assert len(ROWS) == 5


@pytest.mark.parametrize(
    ("grams", "expected"), [(2.5, True), (0.5, False), (1.5, None)], ids=json.dumps
)
def test_a_coarse_key_of_a_table_decides_as_the_page_states(
    grams: float, expected: bool | None
) -> None:
    """The page: 1 g for heroin and 2 g for other opioids."""
    for number in ("2.5 g", "0.5 g", "1.5 g"):
        assert number in PAGE.split("## Coarse and fine words")[1].split("\n## ")[0]
    fact = VOCABULARY.fact_at("encounter.drugs.kind")
    assert fact is not None
    rows = {"heroin": Decimal(1), "opioid": Decimal(2), "otherwise": Decimal(2)}
    known = read_facts(
        {"encounter": {"drugs": [{"kind": "opioid", "grams": grams}]}}, VOCABULARY
    ).known
    parameters = {"user_amount": table_of(rows, fact.word_tree)}
    world = World(known, parameters, lambda _: None, lambda _: None)
    assert walk(checked("d.grams > user_amount[d.kind]"), world) is expected
