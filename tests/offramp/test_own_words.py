"""What only the program's pack has, in an agency: finer words, fields, and decisions on records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from exchange.records.ids import new_id
from offramp.agency.cases.caseload import case_of, handles
from offramp.agency.operations.case_file import note_facts, open_case
from offramp.agency.operations.decisions import decide, determine, send_answer
from rules.errors import FactsError
from tests.support.agencies import Town, referral
from tests.support.chance import chance
from tests.support.parties import lead_digest
from tests.support.refused import refused
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
