"""Real cases on a clock that moves, with the settings of `agency init`.

Each test works a line of the list of faults that were found by working real cases.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from offramp.agency import operations
from offramp.agency.cases.caseload import case_of
from offramp.agency.cases.draft import Draft
from offramp.agency.cases.people import person_name
from offramp.agency.errors import AgencyError
from offramp.agency.folder import notices
from offramp.agency.folder.settings import Settings, read_settings, write_settings
from offramp.agency.hub_link import delivery
from offramp.agency.operations import records
from tests.support.agencies import Town
from tests.support.simulator import DAY, FORM, HOUR, MINUTE, grant, part

CASE = "7c5fe888" + "0" * 24
OFFER = ("offer_and_hand_off", "offer_at_scene")
REFERRED, ENROLLED = "case.referred_at", "person.enrolled"


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    """Agencies whose operations reach the hub in memory."""
    made = Town(tmp_path)
    monkeypatch.setattr(delivery, "link_of", lambda office: made.link(office.agency))
    monkeypatch.setattr(records, "link_of", lambda office: made.link(office.agency))
    return made


def refer(town: Town, *recipients: str, case: str = CASE, **content: Any) -> str:
    """Send a referral, its parts with contact details and the encounter, then settle."""
    to = dict.fromkeys(recipients, OFFER)
    says = {"answer": "accepted"}
    name = {"given_name": "Maria", "family_name": "Rael"}
    encounter = content or {"facts": {"encounter.route": "arrest"}}
    parts = (
        part("contact", name, to=to, says=says, use="none"),
        part("encounter", encounter, to=to, says=says, use="none"),
    )
    record = operations.send_record(town.at["police"], "referral", Draft(parts), case)
    town.settle()
    for recipient in recipients:
        for label in ("contact", "encounter"):
            open_category(town, recipient, record.id, label)
    town.settle()
    return record.id


def open_category(town: Town, agency: str, record: str, category: str) -> None:
    office = town.at[agency]
    for (_, jti), received in office.working_set().gateway.received.items():
        if jti == record and received.record is not None:
            for part_id, label in received.record.labels.items():
                if category in label.category:
                    office.open(record, part_id, by="Rosa Quintana")


def referred_at(town: Town, agency: str, case: str = CASE) -> Any:
    return case_of(town.at[agency].working_set(), case).known[REFERRED].value


def consent(town: Town, *grants: dict[str, Any], case: str = CASE) -> None:
    """Record the person's consents at the case managers, for each pair of agencies."""
    parts = []
    for terms in grants:
        parties = {terms["discloser"], terms["recipient"]} - {"crossroads"}
        to = dict.fromkeys(parties, ("exchange_operation", "operation"))
        parts.append(part("consent_terms", to=to, says=terms))
    operations.record_consent(town.at["crossroads"], case, Draft(tuple(parts), FORM))
    town.settle()


# Decisions before consent


def test_before_consent_police_and_prosecutor_decide_whatever_the_time(town: Town) -> None:
    facts = {
        "encounter.date": "2026-11-02",
        "encounter.route": "arrest",
        "encounter.in_area": True,
        "encounter.weapon": False,
        "encounter.overdose_help_sought": False,
        "encounter.drugs": [{"id": "0" * 16, "kind": "opioid", "form": "weighed", "grams": 2.4}],
        "judgment.amenable": True,
        "judgment.exploits_others": False,
        "judgment.threat_of_harm": False,
        "judgment.above_subsistence": False,
    }
    refer(town, "crossroads", "prosecutor", facts=facts)
    adult = {"person": {"age": 27}, "encounter": {"charges": [{"conduct": "possession"}]}}
    for wait in (MINUTE, 3 * HOUR, 2 * DAY):
        town.hub.clock += wait
        for name in ("police", "prosecutor"):
            answer = operations.decide(town.at[name], CASE, "offer", facts=adult).answer
            assert (answer.status, answer.outcome) == ("decided", "may_offer"), answer.needed


def test_an_answer_that_a_doubtful_event_leaves_open_names_the_event(town: Town) -> None:
    refer(town, "prosecutor")
    town.hub.clock += 60 * DAY
    held = {"case": {"charge_held": True}}
    answer = operations.decide(town.at["prosecutor"], CASE, "filing", facts=held).answer
    assert answer.status == "undetermined"
    assert ("case.intake_at", "case_management") in [
        (need["fact"], need["ask"]) for need in answer.needed
    ]


# A signed no


def test_a_decision_about_the_charge_goes_only_where_the_charge_may_be_told(town: Town) -> None:
    refer(town, "crossroads", "prosecutor")
    purposes = ["diversion_coordination", "filing_status"]
    office = town.at["prosecutor"]

    def decide() -> operations.Determination:
        return operations.determine(office, "Thomas Baca", CASE, "filing", "hold", "rules")

    # The person lets the prosecutor tell decisions, and not whether a charge is held.
    consent(town, grant("prosecutor", "crossroads", ["decision_outcome"], purposes))
    made = decide()
    assert (made.recipients, made.record, made.state) == ((), None, "kept")
    assert case_of(office.working_set(), CASE).determined["filing"].determined is not None
    # With a yes to the charge too, the decision is told.
    consent(town, grant("prosecutor", "crossroads", ["charge_status"], purposes))
    assert decide().recipients == ("crossroads",)


# One intake deadline for all agencies


def test_a_referral_to_one_more_recipient_moves_no_deadline(town: Town) -> None:
    refer(town, "crossroads")
    first = referred_at(town, "crossroads")
    town.hub.clock += 3 * HOUR + 7 * MINUTE
    refer(town, "prosecutor")
    assert {referred_at(town, name) for name in ("police", "crossroads", "prosecutor")} == {first}
    # Also for an agency that receives both.
    town.hub.clock += 2 * HOUR
    refer(town, "crossroads", "prosecutor")
    assert {referred_at(town, name) for name in ("police", "crossroads", "prosecutor")} == {first}


def test_a_correction_of_the_referral_moves_no_deadline(town: Town) -> None:
    record = refer(town, "crossroads")
    first = referred_at(town, "crossroads")
    town.hub.clock += HOUR
    refer(town, "prosecutor")
    received = town.at["crossroads"].working_set().gateway.received["police", record].record
    assert received is not None
    corrected = next(id for id, label in received.labels.items() if "encounter" in label.category)
    town.hub.clock += HOUR
    fixed = part(
        "encounter",
        {"facts": {"encounter.route": "social_contact"}},
        to={"crossroads": OFFER},
        says={"about": [record, corrected]},
        use="none",
    )
    sent = operations.send_record(town.at["police"], "correction", Draft((fixed,)), CASE)
    town.settle()
    open_category(town, "crossroads", sent.id, "encounter")
    case = case_of(town.at["crossroads"].working_set(), CASE)
    assert case.known["encounter.route"].value == "social_contact"
    assert case.known["offer.accepted"].value is True
    assert {referred_at(town, name) for name in ("police", "crossroads", "prosecutor")} == {first}


def test_a_referral_after_another_encounter_begins_a_new_deadline(town: Town) -> None:
    refer(town, "crossroads", facts={"encounter.date": "2026-11-02"})
    first = referred_at(town, "crossroads")
    town.hub.clock += 10 * DAY
    refer(town, "crossroads", facts={"encounter.date": "2026-11-12"})
    assert referred_at(town, "crossroads") == referred_at(town, "police") > first


# After an exit


def leave(town: Town) -> None:
    """The person leaves, and consents that the prosecutor is told."""
    consent(town, grant("crossroads", "prosecutor", ["enrollment"], ["diversion_coordination"]))
    to = {"prosecutor": ("diversion_coordination", "consent")}
    operations.send_record(town.at["crossroads"], "exit", Draft((part("enrollment", to=to),)), CASE)
    town.settle()


def test_after_an_exit_no_task_is_open_and_enrollment_is_not_in_conflict(town: Town) -> None:
    refer(town, "crossroads", "prosecutor")
    office = town.at["crossroads"]
    consent(town, grant("prosecutor", "crossroads", ["enrollment"], ["admission"]))
    town.hub.clock += HOUR
    enrolled = part(
        "enrollment",
        {"facts": {ENROLLED: True}},
        to={"crossroads": ("admission", "consent")},
        use="none",
    )
    record = operations.send_record(
        town.at["prosecutor"], "determination", Draft((enrolled,)), CASE
    )
    town.settle()
    open_category(town, "crossroads", record.id, "enrollment")
    assert case_of(office.working_set(), CASE).known[ENROLLED].value is True
    assert operations.list_tasks(office)
    town.hub.clock += DAY
    leave(town)
    # The prosecutor stated that the person is enrolled, and the exit came later.
    for name in ("crossroads", "prosecutor"):
        case = case_of(town.at[name].working_set(), CASE)
        assert not case.conflicts and case.known[ENROLLED].value is False and case.is_ended
        assert operations.list_tasks(town.at[name]) == ()
    # A referral after it opens the case again.
    town.hub.clock += DAY
    refer(town, "crossroads")
    assert operations.list_tasks(office)


# A case by the start of its handle


def test_the_start_of_a_handle_names_a_case(town: Town) -> None:
    refer(town, "crossroads")
    office = town.at["crossroads"]
    assert operations.find_case(office, "7c5f") == CASE
    assert operations.find_case(office, "7C5FE888") == CASE
    assert operations.find_case(office, CASE) == CASE
    for prefix in ("7c5", "7c5fe889", "", "zzzz", "new"):
        with pytest.raises(AgencyError) as unknown:
            operations.find_case(office, prefix)
        assert unknown.value.code == "no-such-case"
    other = "7c5fe889" + "0" * 24
    refer(town, "crossroads", case=other)
    with pytest.raises(AgencyError) as ambiguous:
        operations.find_case(office, "7c5fe8")
    assert ambiguous.value.code == "ambiguous-case"
    assert CASE in ambiguous.value.message and other in ambiguous.value.message
    assert "Maria Rael" in ambiguous.value.message
    assert operations.find_case(office, "7c5fe889") == other
    assert person_name(town.at["defender"].working_set(), CASE) is None


# The redisclosure notice


def test_a_clinic_with_the_settings_of_init_sends_a_part2_record(town: Town) -> None:
    refer(town, "crossroads")
    consent(town, grant("clinic", "crossroads", ["substance_use"], ["treatment"]))
    clinic = town.at["clinic"]
    draft = operations.build_draft(
        clinic,
        {
            "parts": [
                {
                    "category": "substance_use",
                    "content": {"text": "Two weeks without use."},
                    "to": {"crossroads": "treatment"},
                    "sensitivity": "part2",
                }
            ]
        },
    )
    town.hub.clock += HOUR
    record = operations.send_record(clinic, "progress", draft, CASE)
    assert record.state == "sent"
    town.settle()
    opened = operations.open_part(town.at["crossroads"], "Rosa Quintana", record.id)
    assert opened.notice_version == notices.DEFAULT
    assert opened.notice == (
        "42 CFR part 2 prohibits unauthorized use or disclosure of these records."
    )


def test_a_longer_notice_is_installed_as_a_text(town: Town) -> None:
    office = town.at["clinic"]
    write_settings(
        office.folder, Settings(id="clinic", notice="official-2", notice_file="notice.txt")
    )
    office.settings = read_settings(office.folder)
    (office.folder / "notice.txt").write_text("The long statement.\n")
    assert records.notice_text(office, "official-2") == "The long statement."
    # Another agency's version, without its text: the short statement is complete by itself.
    assert records.notice_text(office, "own-3") == notices.OFFICIAL[notices.DEFAULT]
    # The version that `init` wrote before.
    (office.folder / "agency.toml").write_text('id = "clinic"\nnotice = "offramp-1"\n')
    assert read_settings(office.folder).notice == notices.DEFAULT
