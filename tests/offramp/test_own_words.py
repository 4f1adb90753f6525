"""What only the program's pack has, in an agency: finer words, fields, and decisions on records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from exchange.records.ids import new_id
from offramp.agency.cases.caseload import case_of, handles
from offramp.agency.cases.draft import Draft
from offramp.agency.errors import AgencyError
from offramp.agency.operations.case_file import note_facts, open_case
from offramp.agency.operations.decisions import decide, determine, send_answer
from offramp.agency.operations.records import record_consent
from rules.errors import FactsError
from tests.support.agencies import Town, referral
from tests.support.chance import chance
from tests.support.parties import lead_digest
from tests.support.refused import refused
from tests.support.simulator import FORM, grant, part
from tests.support.written import assembled

PACK = """
id: child
extends: lead
title: Child
time_zone: America/Denver
program: {from: 2014-04-01, source: county}
sources: {county: {title: The county, address: here, confidence: high}}
refine:
  encounter.drugs.kind: {heroin: opioid, fentanyl: opioid, other_opioid: opioid}
facts:
  encounter.charges.victim_consents: {type: bool, category: third_party, asks: victim,
    question: Does the victim consent?, source: county}
  encounter.park: {type: bool, kind: record, known_by: police, category: encounter,
    question: Was it in a park?, source: county}
decisions:
  victim:
    asks: Do the victims consent?
    decided_by: police
    governed_by: encounter.date
    reads: [records]
    outcomes: [refused, agreed]
    rules:
      - {id: one-refuses, when: 'encounter.charges.exists(c, !c.victim_consents)', then: refused,
         because: A victim does not consent., source: county}
    otherwise: {outcome: agreed, because: All consent., source: county}
  park_ban:
    asks: Is the person barred from the park?
    decided_by: police
    governed_by: encounter.date
    outcomes: [barred, free]
    rules:
      - {id: in-park, when: encounter.park, then: barred, because: It was there., source: county}
    otherwise: {outcome: free, because: It was elsewhere., source: county}
  completion:
    outcomes: [completed, under_way]
    rules:
      - {id: done, when: 'case.progress.housing == "better"', then: completed,
         because: A home., source: county}
    otherwise: {outcome: under_way, because: Not yet., source: county}
  eligibility:
    rules:
      - {id: heroin, when: 'encounter.drugs.exists(d, d.kind == "heroin")', then: ineligible,
         because: Heroin., source: county}
      - {id: refused, when: victim == "refused", then: ineligible, because: A victim refuses.,
         source: county}
"""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("town"))
    pack = assembled(PACK)
    for office in made.at.values():
        # The same folders and records, under the pack of another program.
        office._packs[lead_digest()] = pack
        office._programs.clear()
        office._judge.cache_clear()
    yield made
    for office in made.at.values():
        office.close()


def encounter(**facts: Any) -> dict[str, Any]:
    return {"encounter": {"date": "2026-01-05", **facts}}


def test_a_finer_word_is_kept_beside_the_shared_one_and_decides(town: Town) -> None:
    police, case = town.at["police"], new_id(chance(len(handles(town.at["police"].working_set()))))
    police.compose("referral", (referral(),), case=case)
    noted = note_facts(police, case, encounter(drugs=[{"kind": "fentanyl", "grams": 1}]))
    assert noted.facts["encounter.drugs"] == [
        {"kind": "opioid", "grams": 1, "finer": {"kind": "fentanyl"}}
    ]
    with pytest.raises(FactsError, match="no choice"):
        note_facts(police, case, encounter(drugs=[{"kind": "tar"}]))


def test_what_never_travels_is_never_kept_and_a_fact_of_the_pack_is(town: Town) -> None:
    police, case = town.at["police"], new_id(chance(len(handles(town.at["police"].working_set()))))
    police.compose("referral", (referral(),), case=case)
    with refused("never-kept"):
        note_facts(police, case, encounter(charges=[{"victim_consents": False}]))
    assert note_facts(police, case, encounter(park=True)).facts["encounter.park"] is True
    assert case_of(police.working_set(), case).known["encounter.park"].value is True


def test_police_decide_on_a_record_and_tell_the_word_alone(town: Town) -> None:
    police, crossroads, case = town.at["police"], town.at["crossroads"], new_id(chance(9))
    police.compose("referral", (referral(),), case=case)
    town.settle()
    record = encounter(charges=[{"victim_consents": False}])
    answer = decide(police, case, "victim", facts=record)
    assert answer.answer.outcome == "refused"
    with refused("nothing-to-tell"):
        send_answer(police, answer)
    with refused("unknown-outcome"):
        determine(police, "Rosa", case, "victim", "perhaps", "rules")
    made = determine(police, "Rosa", case, "victim", "refused", "rules", recipient="crossroads")
    assert (made.kind, made.recipients) == ("screening_outcome", ("crossroads",))
    town.settle()
    with refused("not-yours"):
        determine(crossroads, "Rosa", case, "victim", "refused", "rules")
    open_case(crossroads, "Marta", case)
    told = decide(crossroads, case, "eligibility", facts=encounter(drugs=[]))
    assert told.answer.outcome == "ineligible"
    assert "victim_consents" not in str(crossroads.working_set().gateway.__dict__)
    (reason,) = told.answer.reasons
    assert reason["facts"] == {"decisions.victim": "refused"}


# What a person may decide


def decisions_named(error: AgencyError) -> str:
    return f"{error.message}; {error.fix}"


def test_a_wrong_decision_is_answered_with_those_of_this_agency_and_their_outcomes(
    town: Town,
) -> None:
    police, crossroads, case = town.at["police"], town.at["crossroads"], new_id(chance(19))
    police.compose("referral", (referral(),), case=case)
    town.settle()
    with pytest.raises(AgencyError) as unknown:
        determine(police, "Rosa", case, "victims", "refused", "rules")
    named = decisions_named(unknown.value)
    assert unknown.value.code == "unknown-decision" and "`victim`: `refused`" in named
    assert "`screening`" not in named and "`offer`: `no_offense`" in named
    with pytest.raises(AgencyError) as wrong:
        determine(police, "Rosa", case, "victim", "admitted", "rules")
    assert wrong.value.code == "unknown-outcome"
    assert "`refused`" in decisions_named(wrong.value), "the outcomes of this decision alone"
    assert "eligibility" not in decisions_named(wrong.value)
    with pytest.raises(AgencyError, match="meeting agrees") as steps:
        determine(crossroads, "Rosa", case, "review", "attempt_contact", "rules")
    assert "meeting-record" in str(steps.value.fix)


def test_a_decision_that_no_record_can_hold_is_kept_here_and_counts(town: Town) -> None:
    police, case = town.at["police"], new_id(chance(29))
    police.compose("referral", (referral(),), case=case)
    made = determine(police, "Rosa", case, "park_ban", "barred", "safety")
    assert (made.record, made.recipients, made.state) == (None, (), "kept")
    assert case_of(police.working_set(), case).attested["park_ban"].value == "barred"


def test_the_word_that_a_person_completed_the_program_reaches_the_prosecutor(town: Town) -> None:
    crossroads, case = town.at["crossroads"], new_id(chance(39))
    town.at["police"].compose("referral", (referral(),), case=case)
    town.settle()

    def complete() -> tuple[str, ...]:
        return determine(
            crossroads, "Rosa", case, "completion", "completed", "rules", recipient="prosecutor"
        ).recipients

    allow(town, case, "decision_outcome")
    assert complete() == (), "it shows the status, which the person lets nobody tell"
    allow(town, case, "status")
    assert complete() == ("prosecutor",)
    town.settle()
    open_case(town.at["prosecutor"], "Thomas Baca", case)
    attested = case_of(town.at["prosecutor"].working_set(), case).attested
    assert attested["completion"].value == "completed"


def allow(town: Town, case: str, category: str) -> None:
    terms = grant("crossroads", "prosecutor", [category], ["diversion_coordination"])
    to = {"prosecutor": ("exchange_operation", "operation")}
    draft = Draft((part("consent_terms", to=to, says=terms),), FORM)
    record_consent(town.at["crossroads"], case, draft)
    town.settle()
