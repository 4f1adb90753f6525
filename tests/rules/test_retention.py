"""Retention of a pack: the rule of a role and a kind of information, and when a part ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.author.difference import differences
from rules.author.retention_cover import refuse_unkept
from rules.decide.retention import DEFAULT_DAYS, period_ends, retention_rule, term_of
from rules.packs.digest import digest
from rules.packs.faults import Faults
from rules.packs.pack import Pack, Period, Retention
from rules.shelf import read_pack, shipped

TOLD = date(2026, 1, 31)
WHEN = """'recipient.role == "program" && part.category == "plan"'"""


@pytest.fixture(scope="module")
def lead() -> Pack:
    return read_pack("lead")


def test_signed_consents_are_kept_six_years_at_care_agencies_alone(lead: Pack) -> None:
    for role, day, rule in (
        ("case_management", date(2032, 1, 31), "consents"),
        ("police", TOLD + timedelta(days=365), "consents_elsewhere"),
        (None, TOLD + timedelta(days=DEFAULT_DAYS), None),
    ):
        term = term_of(lead, role, ["consent_identity"], TOLD, TOLD)
        assert (term.day, term.rule.id if term.rule else None) == (day, rule)


def test_what_ends_first_ends_a_part_of_several_kinds(lead: Pack) -> None:
    ended = {"sealed": date(2026, 3, 1)}
    term = term_of(lead, "case_management", ["contact", "charge"], TOLD, TOLD, ended=ended)
    assert (term.day, term.category, term.cause) == (date(2026, 3, 1), "charge", "sealed")
    assert term.rule is not None and term.rule.id == "charges_in_care"
    # What the agency keeps of the care itself doesn't end with the charge.
    kept = term_of(lead, "case_management", ["contact"], TOLD, TOLD, ended=ended)
    assert (kept.day, kept.cause) == (TOLD + timedelta(days=365), None)


def test_an_early_end_never_makes_a_part_last_longer(lead: Pack) -> None:
    late = {"dismissed": TOLD + timedelta(days=300)}
    term = term_of(lead, "police", ["charge"], TOLD, TOLD, ended=late)
    assert (term.day, term.cause) == (TOLD + timedelta(days=365), None)


def test_the_days_are_counted_from_the_event_and_nothing_ends_before_the_note_is_over(
    lead: Pack,
) -> None:
    dismissed = {"dismissed": TOLD + timedelta(days=10)}
    for note, days in ((10, 130), (60, 130), (130, 130), (200, 200)):
        noted = {"dismissed": TOLD + timedelta(days=note)}
        term = term_of(lead, "police", ["charge"], TOLD, TOLD, ended=dismissed, noted=noted)
        assert (term.day, term.cause) == (TOLD + timedelta(days=days), "dismissed")


def test_a_pack_without_rules_keeps_by_the_stated_default(lead: Pack) -> None:
    bare = replace(lead, retention={})
    for days in (DEFAULT_DAYS, 30):
        term = term_of(bare, "police", ["charge"], TOLD, TOLD, default_days=days)
        assert term.rule is None and term.day == TOLD + timedelta(days=days)


def test_a_rule_counts_on_its_days(lead: Pack) -> None:
    rule = replace(lead.retention["justice"], since=date(2027, 1, 1), until=date(2028, 1, 1))
    pack = replace(lead, retention={"justice": rule})
    found = [
        retention_rule(pack, "police", "charge", day) is not None
        for day in (date(2026, 12, 31), date(2027, 1, 1), date(2027, 12, 31), date(2028, 1, 1))
    ]
    assert found == [False, True, True, False]


@given(st.dates(), st.sampled_from(["days", "months", "years"]), st.integers(1, 1200))
def test_a_longer_period_never_ends_sooner(start: date, unit: str, number: int) -> None:
    assert start <= period_ends(Period(unit, number), start)
    assert period_ends(Period(unit, number), start) <= period_ends(Period(unit, number + 1), start)


def test_a_month_ends_on_the_last_day_of_a_shorter_month() -> None:
    assert period_ends(Period("months", 1), TOLD) == date(2026, 2, 28)
    assert period_ends(Period("years", 100), date(9950, 1, 1)) == date.max


def test_a_state_replaces_the_base_and_each_pack_says_what_it_rests_on(lead: Pack) -> None:
    york, mexico = read_pack("staten-island-hope"), read_pack("santa-fe")
    assert york.retention["justice"].source.id == "cpl-160.50"
    assert mexico.retention["justice"].source.id == "nmsa-29-3a-4"
    for pack in (lead, york, mexico):
        for rule in pack.retention.values():
            assert rule.source.id in pack.sources and rule.provisional


def test_retention_is_part_of_the_digest_and_of_what_an_adoption_shows(lead: Pack) -> None:
    rule = replace(lead.retention["justice"], keep=Period("days", 30))
    changed = replace(lead, retention={**lead.retention, "justice": rule})
    assert digest(changed) != digest(lead)
    (difference,) = differences(lead, changed)
    assert difference.what == "rule on retention justice"
    assert "365 days; 120 days after dismissed" in str(difference.before)
    assert "30 days; 120 days after dismissed" in str(difference.after)


def unkept(pack: Pack) -> list[tuple[str, str]]:
    """Return the code and the message of each kind of information that no rule keeps."""
    faults = Faults()
    refuse_unkept(pack, faults)
    return [(error.code, error.message) for error in faults.errors]


def no_rule(role: str, kinds: str, day: str) -> tuple[str, str]:
    return "no-retention", f"no rule on retention says how long `{role}` keeps {kinds} on {day}"


def keeping(pack: Pack, rule: Retention) -> Pack:
    """Return the pack with another rule on retention in place of its own."""
    return replace(pack, retention={**pack.retention, rule.id: rule})


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_pack_says_how_long_each_agency_keeps_what_it_may_be_told(name: str) -> None:
    assert unkept(read_pack(name)) == []


def test_a_kind_that_a_role_may_be_told_and_no_rule_keeps_is_refused(lead: Pack) -> None:
    office = lead.retention["program_office"]
    without_plan = replace(office, categories=tuple(set(office.categories) - {"plan"}))
    assert unkept(keeping(lead, without_plan)) == [no_rule("program", "`plan`", "2011-10-01")]
    ended = replace(without_plan, categories=("plan",), id="plan", until=date(2027, 1, 1))
    pack = keeping(keeping(lead, without_plan), ended)
    assert unkept(pack) == [no_rule("program", "`plan`", "2027-01-01")]
    assert unkept(replace(lead, retention={})) == []  # the stated default applies


def test_every_role_without_a_rule_is_refused_at_once(lead: Pack) -> None:
    crime = replace(lead.retention["crime_at_a_program"], held_by=("case_management",))
    records = lead.retention["running_the_exchange"]
    elsewhere = replace(records, held_by=tuple(set(records.held_by) - {"police", "program"}))
    assert unkept(keeping(keeping(lead, crime), elsewhere)) == [
        no_rule("police", "`premises_crime`, `operation`", "2011-10-01"),
        no_rule("program", "`operation`", "2011-10-01"),
    ]


@pytest.mark.parametrize(
    ("told", "kept", "missing_on"),
    [
        ("", "", None),
        ("", "until: 2027-01-01, ", "2027-01-01"),
        ("from: 2026-01-01, ", "from: 2026-01-01, ", None),
        ("from: 2026-01-01, ", "from: 2027-01-01, ", "2026-01-01"),
        ("until: 2026-01-01, ", "", None),
        ("until: 2026-01-01, ", "until: 2026-01-01, ", "2026-01-01"),  # it may still be there
    ],
)
def test_a_kind_needs_a_rule_from_the_first_day_on_which_a_role_may_be_told(
    told: str, kept: str, missing_on: str | None, tmp_path: Path
) -> None:
    (tmp_path / "pack.yaml").write_text(
        f"""
id: {tmp_path.name}
title: A program
time_zone: America/Denver
program: {{from: 2014-04-01, source: act}}
sources: {{act: {{title: Act, address: none, confidence: high}}}}
decisions:
  disclosure:
    rules:
      - {{id: plan, when: {WHEN}, then: permit, {told}because: It may know the plan., source: act}}
    otherwise: {{outcome: deny, because: Nothing permits it., source: act}}
retention:
  plan:
    {{says: plans, held_by: [program], categories: [plan], keep: {{days: 30}}, {kept}source: act}}
"""
    )
    missing = [no_rule("program", "`plan`", missing_on)] if missing_on else []
    assert unkept(read_pack(tmp_path, whole=False)) == missing


def test_no_rule_keeps_what_police_may_never_be_told(lead: Pack) -> None:
    assert not any(
        "treatment" in rule.categories and "police" in rule.held_by
        for rule in lead.retention.values()
    )
