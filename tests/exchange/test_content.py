"""Kinds and contents: closed forms, and no free text where police or prosecutor could read it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.consent.state import COLLECTORS
from exchange.errors import ContentError, ExchangeError
from exchange.records import statements
from exchange.records.content import content_models, content_schema
from exchange.records.content_checks import check_content
from exchange.records.kinds import find_kind, kinds, purposes
from rules.decide.program import Program
from rules.input.facts import read_facts
from rules.input.vocabulary import Fact
from rules.shelf import read_pack, vocabulary
from tests.conftest import ROOT
from tests.support.refused import reads_as_a_refusal, refused

VOCABULARY = vocabulary()
TRAVELS = [
    category for category in VOCABULARY.categories if category not in VOCABULARY.never_travels
]


# Kinds


def test_purposes_are_just_those_that_the_rules_know() -> None:
    assert purposes() == set(VOCABULARY.facts["purpose"].choices)
    assert not set(VOCABULARY.purposes) & set(VOCABULARY.barred_purposes)


def test_what_the_issue_of_a_place_turns_on_is_the_prosecutor_s_alone() -> None:
    for name in ("ejection", "reinstatement", "filing_decision"):
        assert find_kind(name).issuers == ("prosecutor",)


def test_consent_is_collected_by_providers_and_never_by_police() -> None:
    assert set(find_kind("consent").issuers) == set(COLLECTORS)
    assert "police" not in find_kind("consent_change").issuers


def test_no_kind_holds_what_never_travels_and_each_says_something_known() -> None:
    assert len(kinds()) >= 40
    for each in kinds().values():
        assert each.line and each.issuers and each.categories
        assert not set(each.categories) & set(VOCABULARY.never_travels)
        assert each.says is None or each.says in statements.MODELS
        assert each.says_in is None or each.says_in in each.categories
    assert {each.name for each in kinds().values() if not each.case} == {
        "pack_adoption",
        "directory_change",
        "counts",
    }


def test_every_category_that_travels_is_held_by_some_kind() -> None:
    assert {category for each in kinds().values() for category in each.categories} == set(TRAVELS)


def test_an_unknown_kind_is_refused() -> None:
    with refused("unknown-kind"):
        find_kind("gossip")


# No free text for enforcement


def reachable(role: str) -> set[str]:
    """Return the categories that the shipped rules may permit for a role, with all else unknown."""
    program = Program(read_pack("lead"), date(2026, 11, 23))
    return {
        category
        for category in VOCABULARY.categories
        if "permit"
        in program.decide(
            "disclosure", {"recipient": {"role": role}, "part": {"category": category}}
        ).possible
    }


# Of everything that may reach enforcement, only a name may have five words.
NAME = content_schema("contact")["properties"]["given_name"]["anyOf"][0]["pattern"]
SENTENCE = "he used again on monday and his counsellor told"


def open_strings(schema: Any, path: str = "") -> list[str]:
    """List the places where a schema admits open text.

    Closed are lists, days, times, and bounded patterns without line feeds.
    """
    return [
        place
        for place, string in strings(schema, path)
        if not bounded(string.get("pattern", ""))
        or any(
            re.search(string["pattern"], text)
            for text in (SENTENCE, *(SENTENCE[:12].replace(" ", it) for it in BLANKS))
        )
        or (re.search(string["pattern"], SENTENCE[:23]) and string["pattern"] != NAME)
    ]


def phrases(schema: Any) -> set[str]:
    """List the places where a schema admits a sentence."""
    paths = (
        place
        for place, string in strings(schema, "")
        for joint in "_-."
        if string.get("pattern", "") != NAME
        and re.search(string.get("pattern", ""), SENTENCE[:23].replace(" ", joint))
    )
    return {place.rpartition("/")[2] if not place.endswith("/items") else place for place in paths}


# What would break a line or part words in a name, unseen.
BLANKS = (
    "\n",
    "\t",
    "\x85",
    "\xa0",
    "\u1680",
    "\u2003",
    "\u200b",
    "\u2028",
    "\u2029",
    "\u202e",
    "\u3000",
    "\ufeff",
)


def strings(schema: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the free texts in a schema and their paths, without enumerations, days, and times."""
    if isinstance(schema, list):
        for each in schema:
            yield from strings(each, path)
    elif isinstance(schema, dict):
        for name, inner in schema.items():
            yield from strings(inner, path if name in ("anyOf", "oneOf") else f"{path}/{name}")
        if schema.get("type") == "string" and not {"enum", "const", "format"} & set(schema):
            yield path, schema


def bounded(pattern: str) -> bool:
    whole = pattern.startswith("^") and pattern.endswith("$")
    return whole and not re.search(r"[*+](?!\\)|\{\d+,\}", _without_classes(pattern))


def _without_classes(pattern: str) -> str:
    return re.sub(r"\[(\\.|[^\]])*\]|\\.", "x", pattern)


@pytest.mark.parametrize("role", ["police", "prosecutor"])
def test_nothing_that_may_reach_enforcement_has_free_text(role: str) -> None:
    reached = reachable(role)
    assert {"status", "enrollment", "charge", "consent_terms"} <= reached
    assert not reached & {
        "plan",
        "progress",
        "attendance",
        "substance_use",
        "test_result",
        "treatment",
        "health",
    }
    for category in reached:
        assert open_strings(content_schema(category)) == [], category


def test_nothing_that_any_agency_may_be_asked_has_free_text() -> None:
    """A question is decided like its answer, so no ceiling limits a question's categories."""
    assert not [
        category
        for category in find_kind("question").categories
        if open_strings(content_schema(category))
    ]


def test_the_codes_that_no_list_closes_are_few_and_known() -> None:
    """Names that a pack or an agency chooses can't be listed here.

    Everything else has terms of the vocabulary.
    """
    reached = reachable("police") | reachable("prosecutor")
    assert set().union(*(phrases(content_schema(category)) for category in reached)) == {
        "pack",  # the pack's id
        "rule",  # the rule's, in that pack
        "detail",  # a rule, or a reason of a fixed list, in a count
        "grouping",  # by which that pack counts
        "group",  # a choice of the vocabulary, or a band of that pack
    }


def test_where_free_text_is_allowed_the_check_sees_it() -> None:
    with_text = {category for category in TRAVELS if open_strings(content_schema(category))}
    assert {"plan", "treatment", "counseling_note", "grievance"} <= with_text
    assert not with_text & (reachable("police") | reachable("prosecutor"))


# Contents


def test_the_published_schemas_are_the_ones_made_from_the_models() -> None:
    folder = ROOT / "schemas" / "content"
    assert {path.stem for path in folder.glob("*.json")} == set(TRAVELS) == set(content_models())
    for category in TRAVELS:
        published = json.loads((folder / f"{category}.json").read_text(encoding="utf-8"))
        assert published == content_schema(category)
        jsonschema.Draft202012Validator.check_schema(published)


GOOD: list[tuple[str, dict[str, Any]]] = [
    (
        "contact",
        {
            "given_name": "José",
            "family_name": "O'Neill-García",
            "birth_date": "1990-02-28",
            "phone": "+1 505 555 0142",
        },
    ),
    ("contact", {"given_name": "Seán", "family_name": "O’Brien"}),
    *(
        ("contact", {"phone": phone})
        for phone in ("(505) 555-0142", "505/555-0142", "+1 (505) 555-0142", "505-555-0142 x3")
    ),
    (
        "encounter",
        {
            "facts": {
                "encounter.date": "2026-11-02",
                "encounter.route": "arrest",
                "encounter.weapon": None,
            }
        },
    ),
    (
        "encounter",
        {
            "facts": {
                "encounter.drugs": [
                    {"id": "0" * 16, "kind": "opioid", "grams": 2.4, "basis": "net"}
                ]
            }
        },
    ),
    (
        "charge",
        {
            "facts": {
                "encounter.charges": [{"id": "1" * 16, "code": "30-31-23(E)", "level": "felony"}]
            }
        },
    ),
    ("screening_outcome", {"outcome": "proceed"}),
    ("status", {"engagement": "engaged"}),
    ("barriers", {"areas": ["housing", "id_documents"], "goals": ["employment"]}),
    (
        "intake_status",
        {"done_on": "2026-11-05", "facts": {"case.intake_at": "2026-11-05T17:00:00Z"}},
    ),
    ("case_manager_contact", {"name": "Ana Ortiz", "phone": "505-555-0100"}),
    ("attendance", {"facts": {"case.missed_contacts": 2}, "text": "Came late, stayed long."}),
    ("operation", {}),
    ("enrollment", {"enrolled": True, "since": "2026-11-05"}),
    (
        "health",
        {
            "emergency": {
                "recipient": "Bo",
                "discloser": "Ana",
                "nature": "overdose",
                "at": "2026-11-05T17:00:00Z",
            }
        },
    ),
]


@pytest.mark.parametrize(
    "code",
    ["30-31-23(E)", "RCW 69.50.4013", "SMC 12A.09.020", "NY PL 221.05", "NY AC 10-125",
     "NMSA 30-31-25.1", "21 U.S.C. 844 (a)", "RS 40:967", "§ 220.03 (1)", "35A", "VTL051101A"],
)  # fmt: skip
def test_sections_of_law_are_taken(code: str) -> None:
    check_content(
        "correction",
        ("charge",),
        {"charge": {"facts": {"encounter.charges": [{"id": "1" * 16, "code": code}]}}},
    )


@pytest.mark.parametrize(("category", "value"), GOOD, ids=str)
def test_what_a_category_covers_is_taken(category: str, value: dict[str, Any]) -> None:
    check_content("correction", (category,), {category: value})
    jsonschema.Draft202012Validator(content_schema(category)).validate(value)


BAD: list[tuple[str, Any]] = [
    ("contact", {"given_name": "he used again on monday night at home"}),
    ("contact", {"given_name": "line\nfeed"}),
    ("contact", {"given_name": ""}),
    ("contact", {"phone": "call me maybe"}),
    ("contact", {"phone": "505-555-0142 x3 or his sister"}),
    ("contact", {"address": "12 Elm Street"}),
    ("contact", {"facts": {"encounter.weapon": True}}),
    ("contact", {"facts": {"person.age": 200}}),
    ("contact", {"facts": {"person.age": "34"}}),
    ("contact", {"facts": {"person.age": True}}),
    ("encounter", {"facts": {"encounter.date": "2026-02-30"}}),
    ("encounter", {"facts": {"encounter.route": "rumour"}}),
    ("encounter", {"facts": {"encounter.drugs": [{"kind": "opioid"}]}}),
    ("encounter", {"facts": {"encounter.drugs": [{"id": "0" * 16, "grams": -1}]}}),
    ("encounter", {"facts": {"encounter.drugs": {}}}),
    (
        "charge",
        {
            "facts": {
                "encounter.charges": [
                    {"id": "1" * 16, "code": "a code that is really a whole sentence about it"}
                ]
            }
        },
    ),
    (
        "charge",
        {"facts": {"encounter.charges": [{"id": "1" * 16, "code": "he used again on monday"}]}},
    ),
    ("screening_outcome", {"outcome": "proceed", "facts": {"person.open_warrant": True}}),
    ("status", {"engagement": "failing"}),
    ("status", {"barriers": ["housing"]}),
    ("barriers", {"areas": []}),
    ("barriers", {"engagement": "engaged"}),
    ("barriers", {"areas": ["papers"]}),
    ("barriers", {"areas": ["immigration"]}),
    ("status", {"note": "relapsed"}),
    ("intake_status", {"done": False}),
    ("intake_status", {"facts": {"case.intake_at": "2026-11-05"}}),
    ("case_manager_contact", {"name": "Ana Ortiz"}),
    ("operation", {"answer": "kept a copy"}),
    ("operation", {"obligations": ["tell_nobody"]}),
    (
        "operation",
        {
            "emergency": {
                "recipient": "Bo",
                "discloser": "Ana",
                "nature": "overdose",
                "at": "2026-11-05T17:00:00Z",
            }
        },
    ),
    *(("contact", {"given_name": f"Ana{blank}Lee"}) for blank in (*BLANKS, "\U000e0041")),
    ("encounter", {"facts": {"encounter.drugs": [{"id": "0" * 16, "grams": 1e15}]}}),
    ("encounter", {"facts": {"encounter.drugs": [{"id": "0" * 16, "grams": 0.1234567}]}}),
    ("encounter", {"facts": {"encounter.drugs": [{"id": "0" * 16, "grams": float("inf")}]}}),
    ("encounter", {"facts": {"encounter.drugs": [{"id": "0" * 16}, {"id": "0" * 16}]}}),
    ("attendance", {"text": ""}),
    ("enrollment", {"enrolled": "yes"}),
    ("status", []),
    ("status", None),
    ("criminal_history", {}),
    ("gossip", {}),
]


@pytest.mark.parametrize(("category", "value"), BAD, ids=str)
def test_what_a_category_does_not_cover_is_refused(category: str, value: Any) -> None:
    with refused("wrong-content"):
        check_content("correction", (category,), {category: value})


def test_a_part_of_several_categories_holds_each_and_no_other() -> None:
    both = {"charge": {}, "encounter": {"facts": {"encounter.weapon": False}}}
    check_content("correction", ("charge", "encounter"), both)
    for categories in (("charge",), ("charge", "encounter", "contact"), ("charge", "contact")):
        with refused("wrong-content"):
            check_content("correction", categories, both)


def test_a_decision_s_part_names_rules_and_facts_and_quotes_nobody() -> None:
    part = {
        "decision": "eligibility",
        "status": "decided",
        "outcome": "eligible",
        "pack": "santa-fe",
        "digest": "sha256:" + "0" * 64,
        "as_of": "2026-11-02",
        "reasons": [{"rule": "over-the-cap", "outcome": "ineligible"}],
        "needed": [{"fact": "encounter.drugs.grams", "ask": "police"}],
    }
    check_content("decision", ("encounter",), {"encounter": {"decision": part}})
    for name, value in (
        ("facts_digest", "sha256:" + "0" * 64),
        ("because", "the person used"),
        ("outcome", "Eligible, I think"),
        ("outcome", "proceed"),
        ("outcome", "he_used_again"),
        ("decision", "gossip"),
        ("reasons", [{"rule": "over-the-cap", "outcome": "proceed"}]),
        ("needed", [{"fact": "encounter.drugs.grams", "ask": "his_mother"}]),
        ("needed", [{"fact": "encounter.charges.code", "ask": "police"}]),
        ("needed", [{"fact": "history.convictions", "ask": "prosecutor"}]),
        ("needed", [{"fact": "purpose", "ask": "hub"}]),
    ):
        with refused("wrong-content"):
            check_content(
                "decision", ("encounter",), {"encounter": {"decision": {**part, name: value}}}
            )


ANSWERED = {"status": "decided", "pack": "lead", "digest": "sha256:" + "0" * 64}


def test_a_decision_may_lack_another_s_outcome_or_the_day() -> None:
    for fact in ("decisions.screening", "now", "as_of"):
        lacks = {
            **ANSWERED,
            "status": "undetermined",
            "decision": "admission",
            "needed": [{"fact": fact, "ask": "prosecutor"}],
        }
        check_content("decision", ("decision_outcome",), {"decision_outcome": {"decision": lacks}})


def test_a_next_step_is_told_only_as_the_category_that_it_tells_of() -> None:
    steps = VOCABULARY.decisions["review"].categories
    assert set(steps) == set(VOCABULARY.decisions["review"].outcomes) and set(
        steps.values()
    ) <= set(TRAVELS)
    for step, of in steps.items():
        for category in find_kind("decision").categories:
            answer = {category: {"decision": {**ANSWERED, "decision": "review", "outcome": [step]}}}
            if category == of:
                check_content("decision", (category,), answer)
            else:
                with pytest.raises(
                    ContentError, match=f"`{step}` isn't an outcome of these categories"
                ):
                    check_content("decision", (category,), answer)


def test_why_records_stop_somebody_stays_with_who_reads_them() -> None:
    stopped = {**ANSWERED, "decision": "screening", "outcome": "stop"}
    check_content("decision", ("screening_outcome",), {"screening_outcome": {"decision": stopped}})
    stopped["reasons"] = [{"rule": "violent-conviction", "outcome": "stop"}]
    with pytest.raises(ContentError, match="stay with the reader of the records"):
        check_content(
            "decision", ("screening_outcome",), {"screening_outcome": {"decision": stopped}}
        )


def test_a_determination_names_an_outcome_of_its_decision() -> None:
    made = {
        "decision": "filing",
        "outcome": "hold",
        "by": "A. Reader",
        "reason": "needs_more_time",
        "differs": True,
    }
    check_content(
        "determination", ("decision_outcome",), {"decision_outcome": {"determination": made}}
    )
    for change in (
        {"outcome": "proceed"},
        {"decision": "review", "outcome": "offer_treatment"},
        {"by": ""},
        {"reason": "Why?"},
    ):
        with refused("wrong-content"):
            check_content(
                "determination",
                ("decision_outcome",),
                {"decision_outcome": {"determination": made | change}},
            )


@given(st.data())
def test_the_rules_read_every_fact_that_a_content_takes(data: st.DataObject) -> None:
    fact = data.draw(
        st.sampled_from(
            [
                one
                for one in VOCABULARY.facts.values()
                if one.category in TRAVELS and one.known_by != "hub"
            ]
        )
    )
    value = data.draw(_entries(fact) if fact.type == "list" else _values(fact))
    try:
        check_content(
            "correction", (fact.category,), {fact.category: {"facts": {fact.path: value}}}
        )
    except ContentError:
        return
    told: Any = (
        [{name: it for name, it in entry.items() if name != "id"} for entry in value]
        if isinstance(value, list)
        else value
    )
    for step in reversed(fact.path.split(".")):
        told = {step: told}
    read_facts(told, VOCABULARY)


def _values(fact: Fact) -> st.SearchStrategy[Any]:
    numbers = (
        st.integers()
        | st.floats()
        | st.sampled_from([0, 1, 2.4, 1e12, 999999999999, 1e-7, -0.0, 1e300])
    )
    texts = st.text(max_size=6) | st.sampled_from(
        ["2026-11-05", "2026-02-30", "2026-11-05T17:00:00Z", "9999-12-31", "5.1.2(a)"]
    )
    return st.none() | st.booleans() | numbers | texts | st.sampled_from(fact.choices or ("a",))


def _entries(fact: Fact) -> st.SearchStrategy[Any]:
    fields = {name: _values(one) for name, one in fact.fields.items()}
    ids = st.sampled_from(["0" * 16, "1" * 16])
    return st.lists(st.fixed_dictionaries({"id": ids}, optional=fields), max_size=2)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["facts", "text", "outcome", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.sampled_from(TRAVELS), json_values)
def test_whatever_stands_for_a_content_is_taken_or_refused(category: str, value: Any) -> None:
    try:
        check_content("correction", (category,), {category: value})
    except ExchangeError as error:
        reads_as_a_refusal(error)
