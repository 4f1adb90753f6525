"""An old British spelling in a label, a consent, or a content is refused with the new one."""

from __future__ import annotations

from typing import Any

import pytest

from exchange.errors import ContentError, RecordError
from exchange.records import statements
from exchange.records.bundle import check_bundle
from exchange.records.content_checks import check_content
from tests.support import forge
from tests.support.british import british
from tests.support.simulator import World

MEMBERSHIP = World().hub.history.membership_at(10**6)

GRANT: dict[str, Any] = {
    "id": "1" * 16,
    "discloser": "crossroads",
    "recipient": "prosecutor",
    "categories": ["status"],
    "purposes": ["diversion_coordination"],
    "type": "ordinary",
    "from": "2026-11-02",
    "expires": "2026-11-30",
    "form": list(statements.ATTESTED),
    "signer": "adult",
}
REPORT = {"told": "hospital", "category": "treatment", "on": "2026-11-16"}
RESTRICTION = {"does": "restrict", "pairs": [["crossroads", "police"]], "categories": ["status"]}


@pytest.mark.parametrize(
    ("name", "statement", "new"),
    [
        ("grant", {**GRANT, "type": british("counseling_notes")}, "counseling_notes"),
        ("grant", {**GRANT, "categories": [british("enrollment")]}, "enrollment"),
        ("grant", {**GRANT, "categories": [british("counseling_note")]}, "counseling_note"),
        ("change", {**RESTRICTION, "categories": [british("enrollment")]}, "enrollment"),
        ("report", {**REPORT, "category": british("offense_disclosure")}, "offense_disclosure"),
    ],
)
def test_a_statement_of_a_label(name: str, statement: dict[str, Any], new: str) -> None:
    with pytest.raises(ContentError) as refused:
        statements.read_statement(name, statement)
    assert refused.value.code == "wrong-shape"
    assert refused.value.fix == f"write `{new}`, its spelling now"


def test_these_statements_are_sound_without_an_old_spelling() -> None:
    assert statements.read_statement("grant", GRANT)
    assert statements.read_statement("change", RESTRICTION)
    assert statements.read_statement("report", REPORT)


@pytest.mark.parametrize("new", ["enrollment", "counseling_note", "offense_disclosure"])
def test_a_category_of_a_label(new: str) -> None:
    with pytest.raises(RecordError) as refused:
        check_bundle(forge.bundle(forge.label(category=[british(new)])), MEMBERSHIP)
    assert refused.value.code == "unknown-word"
    assert refused.value.fix == f"write `{new}`, its spelling now"


def test_a_word_that_has_a_new_name() -> None:
    with pytest.raises(ContentError) as refused:
        check_content("status", ["barriers"], {"barriers": {"areas": ["housing", "papers"]}})
    assert "one of housing, income" in refused.value.message
    assert refused.value.fix == "write `id_documents`, its spelling now"


@pytest.mark.parametrize("name", ["barriers", "goals"])
def test_a_member_that_moved_to_a_category_of_its_own(name: str) -> None:
    with pytest.raises(ContentError) as refused:
        check_content("status", ["status"], {"status": {"engagement": "engaged", name: ["family"]}})
    assert (refused.value.code, f"`{name}`" in refused.value.message) == ("wrong-content", True)
    assert refused.value.fix.endswith("of the category `barriers`")


def test_a_fact_in_a_content() -> None:
    content = {"encounter": {"facts": {british("judgment.amenable"): True}}}
    with pytest.raises(ContentError) as refused:
        check_content("question", ["encounter"], content)
    assert refused.value.fix == "write `judgment.amenable`, its spelling now"
