"""The page of a case says what is so: decisions, corrections, an exit, and in fitting words."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from offramp.agency import operations
from offramp.agency.cases.caseload import utc
from offramp.agency.operations import CaseDescription, evidence
from offramp.agency.operations.case_description import DescribedAnswer
from rules.input.json_text import parse_json
from tests.support.agencies import Town
from tests.support.santa_fe_town import (
    BY,
    consent,
    interview,
    linked_town,
    refer,
    screen,
    settle,
    state,
)

AGENCIES = ("police", "prosecutor", "program", "crossroads")
TOO_MUCH = parse_json(json.dumps([{"kind": "opioid", "form": "weighed", "grams": 9.4}]))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with (
        linked_town(tmp_path_factory.mktemp("case")) as town,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(evidence, "link_of", lambda office: town.link(office.agency))
        yield town


def page(town: Town, agency: str, case: str) -> CaseDescription:
    return operations.describe_case(town.at[agency], case)


def decide(town: Town, case: str, outcome: str) -> None:
    operations.determine(town.at["program"], BY, case, "eligibility", outcome, "discretion")
    town.settle()


def decisions_that_happened(described: CaseDescription) -> list[tuple[str, str, tuple[str, ...]]]:
    return [
        (event.line, event.state, event.to)
        for event in described.events
        if event.kind == "determination"
    ]


def eligibility(described: CaseDescription) -> DescribedAnswer:
    return next(answer for answer in described.answers if answer.decision == "eligibility")


def test_each_decision_is_among_what_happened_also_one_that_nobody_was_told(town: Town) -> None:
    """Before a consent, nobody may be told. The person decides twice: both are on the page."""
    case = refer(town, "Ada Baca", "1990-01-02")
    screen(town, case)
    decide(town, case, "eligible")
    decide(town, case, "ineligible")
    assert sorted(decisions_that_happened(page(town, "program", case))) == [
        ("a person decided: Eligible", "kept", ()),
        ("a person decided: Not eligible", "kept", ()),
    ]
    consent(town, case)
    operations.tell_decision(town.at["program"], BY, case, "eligibility")
    settle(town, case)
    lines = decisions_that_happened(page(town, "program", case))
    assert len(lines) == 2, "one that was told later isn't there twice"
    assert ("a person decided: Not eligible", "sent", ("Crossroads", "Prosecutor")) in lines


def test_a_decision_on_what_was_corrected_since_is_marked_beside_its_outcome(town: Town) -> None:
    """The rules answer on the new amount, and the person decided on the old one."""
    case = refer(town, "Bo Lucero", "1990-01-03")
    screen(town, case)
    decide(town, case, "eligible")
    assert eligibility(page(town, "program", case)).out_of_date == ""
    operations.correct(town.at["police"], BY, case, {"encounter.drugs": TOO_MUCH})
    town.settle()
    assert eligibility(page(town, "program", case)).out_of_date == "May be out of date"
    settle(town, case)
    answer = eligibility(page(town, "program", case))
    assert (answer.out_of_date, answer.outcome) == ("Out of date", "Not eligible")
    assert answer.decided is not None and answer.decided.startswith("Eligible, by ")
    decide(town, case, "ineligible")
    answer = eligibility(page(town, "program", case))
    assert (answer.out_of_date, answer.outcome) == ("", "Not eligible")


def test_a_corrected_name_flags_a_decision_only_while_nobody_opened_it(town: Town) -> None:
    """The label of a correction says identity and contact. Opened, it is seen to be a name.

    The rules of entry read the age. Until the correction is opened, it may be the age.
    """
    case = refer(town, "Cy Montoya", "1990-01-04")
    screen(town, case)
    decide(town, case, "eligible")
    for name in ("Sy", "Cyrus"):
        operations.correct(town.at["police"], BY, case, {"contact.given_name": name})
        town.settle()
        described = page(town, "program", case)
        assert eligibility(described).out_of_date == "May be out of date"
        assert any("It may change the person's age. Open it" in n.text for n in described.notes)
        settle(town, case)
        described = page(town, "program", case)
        assert eligibility(described).out_of_date == "" and described.notes == ()
    # The names restated the age. A correction of the age flags the decision all the same.
    younger = {"contact.birth_date": "2012-01-04", "person.age": 14}
    operations.correct(town.at["police"], BY, case, younger)
    settle(town, case)
    described = page(town, "program", case)
    assert eligibility(described).out_of_date == "Out of date"
    (note,) = [n.text for n in described.notes if "out of date" in n.text]
    assert note.count("corrected") == 1


def test_what_is_for_the_officer_or_the_prosecutor_is_not_said_to_others_as_you(town: Town) -> None:
    case = refer(town, "Di Vigil", "1990-01-05")
    screen(town, case)
    outcomes: dict[str, str] = {}
    for agency in AGENCIES:
        described = page(town, agency, case)
        words = [text for each in described.answers for text in (each.outcome, each.decided)]
        assert not any((text or "").lower().startswith("you ") for text in words), agency
        # Nobody said that a charge is on hold.
        questions = [each.asks for each in described.answers] + [q for _, q in described.decides]
        assert not any("held charge" in question for question in questions), agency
        outcomes |= {each.decision: each.outcome for each in described.answers if each.outcome}
    assert outcomes["offer"] == "The program may be offered"


def test_counsel_gets_the_notice_of_an_exit_and_the_page_says_that_the_rest_was_stopped(
    town: Town,
) -> None:
    """Representation ends with the exit: the hub hands out no part that rested on it."""
    case = refer(town, "Eli Ortega", "1990-01-06")
    screen(town, case)
    consent(town, case)
    operations.represent(town.at["defender"], case)
    settle(town, case)
    interview(town, case)
    state(town, "crossroads", "exit", case, {"enrollment.since": utc(town.hub.clock)[:10]})
    settle(town, case)
    (event,) = [each for each in page(town, "crossroads", case).events if each.kind == "exit"]
    assert event.to == ("Defender", "Program", "Prosecutor")
    assert event.stopped == (
        "Defender got the notice alone. Being in the program was stopped: with the exit, the "
        "office no longer represents the person.",
    )
    received = town.at["defender"].working_set().gateway.received
    handed = [
        label.category
        for each in received.values()
        if each.record is not None and (each.record.kind, each.record.case) == ("exit", case)
        for label in each.record.labels.values()
    ]
    assert handed == [("operation",)]
    (account,) = operations.describe_account(town.at["crossroads"], case)
    changes = " ".join(account.text.changes)
    assert "sent Defender, Program, Prosecutor the note that you left" in changes
    assert "This was stopped before Defender could read it: being in the program." in changes


def test_the_end_of_permissions_is_said_once_if_it_is_the_same(town: Town) -> None:
    case = refer(town, "Flo Reyes", "1990-01-07")
    consent(town, case)
    for consents in operations.list_standing_consents(town.at["crossroads"], case):
        assert consents.common_end == consents.grants[0].ends
        for grant in consents.grants:
            assert consents.common_end not in grant.sentence_without_end
            assert grant.sentence == f"{grant.sentence_without_end} {grant.ends}"
