"""Any null fact denies in `disclosure`, whatever else is true."""

from __future__ import annotations

from datetime import date

import pytest

from tests.support.simulator import lead

DAY = date(2026, 11, 23)
# A status with consent, from case managers to the prosecutor.
PERMITTED: dict[str, object] = {
    "sender.role": "case_management",
    "recipient.role": "prosecutor",
    "recipient.represents": False,
    "part.category": "status",
    "part.use": "no_adverse_action",
    "part.sensitivity": "plain",
    "part.question": False,
    "purpose": "diversion_coordination",
    "grant.status": "live",
    "grant.type": "ordinary",
    "restriction": False,
    "override": "none",
    "basis": "consent",
}


def test_the_facts_permit_when_every_one_is_known() -> None:
    assert lead().facts(PERMITTED, DAY).permit


@pytest.mark.parametrize("path", PERMITTED)
def test_a_null_fact_denies(path: str) -> None:
    verdict = lead().facts(PERMITTED | {path: None}, DAY)
    assert not verdict.permit and verdict.reasons and not verdict.obligations


def test_a_denial_keeps_its_reason_beside_a_null_fact() -> None:
    flat = PERMITTED | {"sender.role": None, "restriction": True}
    assert "restricted" in lead().facts(flat, DAY).reasons
