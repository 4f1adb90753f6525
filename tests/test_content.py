"""Kinds and contents: closed forms, and no free text where police or prosecutor could read it."""

from __future__ import annotations

import json
import re
from itertools import product
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange import content, says
from exchange.consent import COLLECTORS
from exchange.disclosure import Judge
from exchange.errors import ExchangeError
from exchange.kinds import kind, kinds, purposes
from rules.shelf import read_pack, vocabulary
from tests.conftest import ROOT
from tests.refused import reads_as_a_refusal, refused

WORDS = vocabulary()
TRAVELS = [category for category in WORDS.categories if category not in WORDS.never_travels]


# Kinds


def test_purposes_are_just_those_that_the_rules_know() -> None:
    assert purposes() == set(WORDS.facts["purpose"].choices)
    assert not set(WORDS.purposes) & set(WORDS.barred_purposes)


def test_what_the_issue_of_a_place_turns_on_is_the_prosecutor_s_alone() -> None:
    for name in ("ejection", "reinstatement", "filing_decision"):
        assert kind(name).issuers == ("prosecutor",)


def test_consent_is_collected_by_providers_and_never_by_police() -> None:
    assert set(kind("consent").issuers) == set(COLLECTORS)
    assert "police" not in kind("consent_change").issuers


def test_no_kind_holds_what_never_travels_and_each_says_something_known() -> None:
    assert len(kinds()) >= 40
    for each in kinds().values():
        assert each.line and each.issuers and each.categories
        assert not set(each.categories) & set(WORDS.never_travels)
        assert each.says is None or each.says in says.MODELS
        assert each.says_in is None or each.says_in in each.categories
    assert {each.name for each in kinds().values() if not each.case} == {"pack_adoption", "directory_change"}


def test_every_category_that_travels_is_held_by_some_kind() -> None:
    assert {category for each in kinds().values() for category in each.categories} == set(TRAVELS)


def test_an_unknown_kind_is_refused() -> None:
    with refused("unknown-kind"):
        kind("gossip")


# No free text for enforcement


def reachable(role: str) -> set[str]:
    """The categories that the shipped rules may let pass to a role, in whatever state: all that could matter is tried."""
    judge = Judge(read_pack("lead"))
    found = set()
    senders = WORDS.facts["sender.role"].choices
    bases = [("consent", "live", "ordinary"), ("consent", "live", "counselling_notes"), ("offer_at_scene", "none", "none"),
             ("operation", "none", "none"), ("none", "none", "none")]  # fmt: skip
    from datetime import date

    for category, sender, purpose, (basis, status, type_), override in product(
        WORDS.facts["part.category"].choices, senders, WORDS.purposes, bases, ("none", "medical_emergency")
    ):
        if category in found:
            continue
        flat: dict[str, object] = {
            "sender.role": sender,
            "recipient.role": role,
            "recipient.represents": False,
            "part.category": category,
            "part.use": "no_adverse_action",
            "part.sensitivity": "plain",
            "part.question": False,
            "purpose": purpose,
            "grant.status": status,
            "grant.type": type_,
            "restriction": False,
            "override": override,
            "basis": basis,
        }
        if judge.facts(flat, date(2026, 11, 23)).permit:
            found.add(category)
    return found


def open_strings(schema: Any, path: str = "") -> list[str]:
    """Where a schema lets in a text that isn't one of few, a day, a time, or held by a bounded pattern without line feeds."""
    if isinstance(schema, list):
        return [found for each in schema for found in open_strings(each, path)]
    if not isinstance(schema, dict):
        return []
    found = [place for name, inner in schema.items() for place in open_strings(inner, f"{path}/{name}")]
    if schema.get("type") == "string" and not {"enum", "const", "format"} & set(schema):
        pattern = schema.get("pattern", "")
        whole = (
            pattern.startswith("^")
            and pattern.endswith("$")
            and not re.search(r"[*+](?!\\)|\{\d+,\}", _without_classes(pattern))
        )
        if not whole or re.search(pattern, "a\nb") or re.search(pattern, "he used again on monday and " * 3):
            found.append(path)
    return found


def _without_classes(pattern: str) -> str:
    return re.sub(r"\[(\\.|[^\]])*\]|\\.", "x", pattern)


@pytest.mark.parametrize("role", ["police", "prosecutor"])
def test_nothing_that_may_reach_enforcement_has_free_text(role: str) -> None:
    reached = reachable(role)
    assert {"status", "enrolment", "charge", "consent_terms"} <= reached
    assert not reached & {"plan", "progress", "attendance", "substance_use", "test_result", "treatment", "health"}
    for category in reached:
        assert open_strings(content.schema(category)) == [], category


def test_where_free_text_is_allowed_the_check_sees_it() -> None:
    with_text = {category for category in TRAVELS if open_strings(content.schema(category))}
    assert {"plan", "treatment", "counselling_note", "grievance"} <= with_text
    assert not with_text & (reachable("police") | reachable("prosecutor"))


# Contents


def test_the_published_schemas_are_the_ones_made_from_the_models() -> None:
    folder = ROOT / "schemas" / "content"
    assert {path.stem for path in folder.glob("*.json")} == set(TRAVELS) == set(content.models())
    for category in TRAVELS:
        published = json.loads((folder / f"{category}.json").read_text(encoding="utf-8"))
        assert published == content.schema(category)
        jsonschema.Draft202012Validator.check_schema(published)


GOOD: list[tuple[str, dict[str, Any]]] = [
    (
        "contact",
        {"given_name": "José", "family_name": "O'Neill-García", "birth_date": "1990-02-28", "phone": "+1 505 555 0142"},
    ),
    ("encounter", {"facts": {"encounter.date": "2026-11-02", "encounter.route": "arrest", "encounter.weapon": None}}),
    ("encounter", {"facts": {"encounter.drugs": [{"id": "0" * 16, "kind": "opioid", "grams": 2.4, "basis": "net"}]}}),
    ("charge", {"facts": {"encounter.charges": [{"id": "1" * 16, "code": "30-31-23(E)", "level": "felony"}]}}),
    ("screening_outcome", {"outcome": "proceed"}),
    ("status", {"engagement": "engaged", "barriers": ["housing", "papers"]}),
    ("intake_status", {"done_on": "2026-11-05", "facts": {"case.intake_at": "2026-11-05T17:00:00Z"}}),
    ("case_manager_contact", {"name": "Ana Ortiz", "phone": "505-555-0100"}),
    ("attendance", {"facts": {"case.missed_contacts": 2}, "text": "Came late, stayed long."}),
    ("operation", {"obligations": ["keep_until"], "answer": "deleted"}),
    ("enrolment", {"enrolled": True, "since": "2026-11-05"}),
]


@pytest.mark.parametrize(("category", "value"), GOOD, ids=str)
def test_what_a_category_covers_is_taken(category: str, value: dict[str, Any]) -> None:
    content.check_content("correction", (category,), {category: value})
    jsonschema.Draft202012Validator(content.schema(category)).validate(value)


BAD: list[tuple[str, Any]] = [
    ("contact", {"given_name": "he used again on monday night at home"}),
    ("contact", {"given_name": "line\nfeed"}),
    ("contact", {"given_name": ""}),
    ("contact", {"phone": "call me maybe"}),
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
    ("charge", {"facts": {"encounter.charges": [{"id": "1" * 16, "code": "a code that is really a whole sentence about it"}]}}),
    ("screening_outcome", {"outcome": "proceed", "facts": {"person.open_warrant": True}}),
    ("status", {"engagement": "failing"}),
    ("status", {"barriers": []}),
    ("status", {"note": "relapsed"}),
    ("intake_status", {"done": False}),
    ("intake_status", {"facts": {"case.intake_at": "2026-11-05"}}),
    ("case_manager_contact", {"name": "Ana Ortiz"}),
    ("operation", {"answer": "kept a copy"}),
    ("attendance", {"text": ""}),
    ("enrolment", {"enrolled": "yes"}),
    ("status", []),
    ("status", None),
    ("criminal_history", {}),
    ("gossip", {}),
]


@pytest.mark.parametrize(("category", "value"), BAD, ids=str)
def test_what_a_category_does_not_cover_is_refused(category: str, value: Any) -> None:
    with refused("wrong-content"):
        content.check_content("correction", (category,), {category: value})


def test_a_part_of_several_categories_holds_each_and_no_other() -> None:
    both = {"charge": {}, "encounter": {"facts": {"encounter.weapon": False}}}
    content.check_content("correction", ("charge", "encounter"), both)
    for categories in (("charge",), ("charge", "encounter", "contact"), ("charge", "contact")):
        with refused("wrong-content"):
            content.check_content("correction", categories, both)


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
    content.check_content("decision", ("encounter",), {"encounter": {"decision": part}})
    for name, value in (
        ("facts_digest", "sha256:" + "0" * 64),
        ("because", "the person used"),
        ("outcome", "Eligible, I think"),
    ):
        with refused("wrong-content"):
            content.check_content("decision", ("encounter",), {"encounter": {"decision": {**part, name: value}}})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["facts", "text", "outcome", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.sampled_from(TRAVELS), json_values)
def test_whatever_stands_for_a_content_is_taken_or_refused(category: str, value: Any) -> None:
    try:
        content.check_content("correction", (category,), {category: value})
    except ExchangeError as error:
        reads_as_a_refusal(error)
