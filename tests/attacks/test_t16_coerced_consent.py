"""T16: a person signs because of where she is.

The form must say how it came about, and can't make one thing the price of another.
"""

from __future__ import annotations

from typing import Any

import pytest

from exchange.records import statements
from exchange.records.categories import ConsentIdentity, SignedForm
from exchange.records.content_checks import check_content
from tests.support.attack_stories import status_grant
from tests.support.refused import refused
from tests.support.simulator import FORM, World, grant

REQUIRED = [
    "name", "signed_on", "method", "explained_by", "witness", "place", "language",
    "in_custody", "time_to_think", "copy_given", "texts",
]  # fmt: skip


def test_the_whole_form_is_taken() -> None:
    check_content("correction", ("consent_identity",), {"consent_identity": {"form": FORM}})


@pytest.mark.parametrize("missing", REQUIRED)
def test_each_circumstance_must_be_answered(missing: str) -> None:
    form = {name: value for name, value in FORM.items() if name != missing}
    with refused("wrong-content"):
        check_content("correction", ("consent_identity",), {"consent_identity": {"form": form}})


def test_these_are_all_that_are_required_and_none_has_a_default() -> None:
    assert {name for name, field in SignedForm.model_fields.items() if field.is_required()} == set(
        REQUIRED
    )


def test_no_field_ties_the_program_to_what_is_consented() -> None:
    words = {
        *SignedForm.model_fields,
        *ConsentIdentity.model_fields,
        *statements.Grant.model_fields,
    }
    for word in ("condition", "required", "eligib", "admission", "must", "mandatory", "bundle"):
        assert not [name for name in words if word in name]
    # The pack declares the type that the law allows as a condition. LEAD's rules deny what rests on
    # it.
    terms = {
        **grant(
            "crossroads", "prosecutor", ["status"], ["diversion_coordination"], type="conditional"
        )
    }
    assert statements.read_statement("grant", terms).type == "conditional"


@pytest.mark.parametrize("answer", ["yes", 1, None])
def test_custody_is_answered_yes_or_no(answer: object) -> None:
    with refused("wrong-content"):
        check_content(
            "correction",
            ("consent_identity",),
            {"consent_identity": {"form": {**FORM, "in_custody": answer}}},
        )


def test_a_representative_signs_by_an_authority_and_nobody_else_does() -> None:
    for change in ({"representative": "Jo Lane"}, {"authority": "guardianship of 2026"}):
        with refused("wrong-content"):
            check_content(
                "correction",
                ("consent_identity",),
                {"consent_identity": {"form": {**FORM, **change}}},
            )


@pytest.mark.parametrize(
    ("form", "terms"),
    [
        (None, {}),
        ({}, {}),
        ({**FORM, "signed_on": "2026-11-03"}, {}),
        (FORM, {"signer": "representative", "form": [*statements.ATTESTED, "authority"]}),
        (FORM, {"form": [*statements.ATTESTED, "authority"]}),
        ({**FORM, "representative": "Luis Delgado", "authority": "Guardian"}, {}),
    ],
    ids=[
        "none",
        "empty",
        "signed tomorrow",
        "nobody signed for her",
        "no authority",
        "somebody signed for her",
    ],
)
def test_no_consent_without_the_form_that_its_terms_attest(
    form: Any, terms: dict[str, Any]
) -> None:
    world = World()
    case = world.enrolled()
    told = world.terms("crossroads", status_grant(**terms))
    with refused("wrong-form", "wrong-shape"):
        world.at["crossroads"].compose("consent", [told], case=case, now=world.clock, form=form)
    assert not world.at["crossroads"].forms


def test_the_form_stays_with_who_collected_it() -> None:
    world = World()
    case = world.enrolled()
    sent = world.consent(case, status_grant())
    assert world.at["crossroads"].forms[sent].name == FORM["name"]
    world.settle()
    assert all(not world.at[name].forms for name in world.names if name != "crossroads")
