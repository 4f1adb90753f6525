"""The page of a case says what is so: decisions, corrections, an exit, and in fitting words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from offramp.agency import operations
from offramp.agency.cases.caseload import utc
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.pack_terms import pack_terms
from offramp.agency.operations import CaseDescription, evidence
from offramp.agency.operations.case_description import DescribedAnswer
from offramp.agency.wording import case_lines, cases_lines, determination_lines
from offramp.asking import collect_answers
from rules.input.json_text import parse_json
from tests.support.agencies import Town
from tests.support.santa_fe_town import (
    BY,
    QUIET,
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
        (f"{BY} decided: Eligible. Reason: My own judgment", "kept", ()),
        (f"{BY} decided: Not eligible. Reason: My own judgment", "kept", ()),
    ]
    consent(town, case)
    operations.tell_decision(town.at["program"], BY, case, "eligibility")
    settle(town, case)
    lines = decisions_that_happened(page(town, "program", case))
    assert len(lines) == 2, "one that was told later isn't there twice"
    assert (
        f"{BY} decided: Not eligible. Reason: My own judgment",
        "sent",
        ("Crossroads", "Prosecutor"),
    ) in lines


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
        assert not any(
            each.decision == "offer" for each in described.answers if not each.outcome
        ), "the person answered the offer"
        outcomes |= {each.decision: each.outcome for each in described.answers if each.outcome}
    assert outcomes["offer"] == "The program may be offered"


def told_before(
    town: Town, agency: str, form: str, case: str, answers: Mapping[str, Any]
) -> operations.Told:
    """Return the recipients that the check of a form shows before it is sent."""
    office, names = town.at[agency], frozenset(answers)
    opened = operations.open_form(office, form, case)
    collected = collect_answers(
        lambda so_far: opened.questions(so_far, names), answers, QUIET, rest_unknown=True
    )
    draft = operations.draft_form(office, opened, collected)
    return operations.told_by(operations.preview_draft(office, draft))


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
    left = {"enrollment.since": utc(town.hub.clock)[:10]}
    told = told_before(town, "crossroads", "exit", case, left)
    assert told.to["Defender"] == ("operation",) and "enrollment" in told.to["Program"]
    kinds, because = told.in_part["Defender"]
    assert kinds == ("enrollment",) and "no longer represents the person" in because
    state(town, "crossroads", "exit", case, left)
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


def test_a_decision_reads_back_in_the_words_of_its_choice(town: Town) -> None:
    """The rules' words for "file the charge" are those of a permission: the prosecutor may."""
    case = refer(town, "Gia Luna", "1990-01-08")
    screen(town, case)
    consent(town, case)
    office, by = town.at["prosecutor"], "Thomas Baca"
    operations.note_facts(office, case, {"case": {"charge_held": True}})
    made = operations.determine(office, by, case, "filing", "prosecutor_may_file", "discretion")
    settle(town, case)
    program = office.program(office.working_set())
    zone, terms = office.working_set().gateway.history.newest.zone, pack_terms(program.pack)
    for agency in ("prosecutor", *made.recipients):
        described = page(town, agency, case)
        (filing,) = [each for each in described.answers if each.decision == "filing"]
        assert filing.decided == "File the charge, by Thomas Baca, Prosecutor"
        assert filing.reason == "My own judgment"
        lines = [event.line for event in described.events if event.kind == "filing_decision"]
        assert lines == ["Thomas Baca decided: File the charge. Reason: My own judgment"]
        (summary,) = [each for each in operations.list_cases(town.at[agency]) if each.case == case]
        assert "Filing of the charge: File the charge" in operations.outcomes_in_words(summary)
        assert "filing: File the charge" in cases_lines([summary])[0]
        printed = "\n".join(case_lines(operations.read_case(town.at[agency], case), zone, terms))
        assert "determined: filing: File the charge, by Thomas Baca of prosecutor" in printed
    assert "prosecutor may" not in " ".join(determination_lines(made))


def test_each_choice_but_that_of_the_records_check_is_read_back_as_it_was_made() -> None:
    terms = form_terms()
    choices = {path: words for path, words in terms.labels.items() if path.startswith("decide.")}
    assert len(choices) > 4
    for path, words in choices.items():
        decision = path.removeprefix("decide.")
        if decision == "screening":  # "Mine to decide" is for the person who chooses
            assert terms.decided_label(decision, "attorney_to_decide", "en").startswith("An attor")
            continue
        for word, label in words.items():
            assert terms.decided_label(decision, word, "en") == label["en"]
            assert terms.decided_label(decision, word, "es") == label["es"]
    assert terms.decided_label("an_own_decision", "very_good", "en") == "Very good"


def test_the_sender_of_an_answer_sees_the_outcome_that_it_sent(town: Town) -> None:
    """A record has a part for each category. Only one says the outcome, and the sender has all."""
    case = refer(town, "Hal Nieto", "1990-01-09")
    screen(town, case)
    consent(town, case)
    operations.correct(town.at["police"], BY, case, {"encounter.drugs": TOO_MUCH})
    settle(town, case)
    office = town.at["program"]
    decided = operations.send_answer(office, operations.decide(office, case, "eligibility"))
    assert decided.answer.outcome == "ineligible"
    settle(town, case)
    for agency in ("program", "prosecutor"):
        (line,) = [e.line for e in page(town, agency, case).events if e.kind == "decision"]
        assert line.startswith("the rules’ answer:") and line.endswith("Not eligible"), agency


def _because(town: Town, agency: str, by: str, case: str) -> dict[str, str]:
    """Return why agencies wouldn't be told an admission, in words."""
    words = (by, case, "admission", "admitted", "discretion")
    preview = operations.preview_determination(town.at[agency], *words)
    return dict(operations.told_by(preview).because)


def test_who_took_a_consent_back_is_told_from_who_never_gave_it_where_that_may_be_known(
    town: Town,
) -> None:
    """To police and prosecutors, a refusal, a missing consent, and an ended one read alike."""
    case, other = refer(town, "Ira Pino", "1990-01-10"), refer(town, "Jo Rael", "1990-01-11")
    consent(town, case)
    never = "The person hasn’t agreed to it, or not yet."
    assert _because(town, "program", "Julia Vigil", other)["Crossroads"] == never
    alike = _because(town, "prosecutor", "Thomas Baca", other)["Crossroads"]
    assert alike == "The person’s consent doesn’t cover it."
    office = town.at["crossroads"]
    for sender in ("program", "prosecutor"):
        grants = [
            logged.grant.id
            for logged in office.working_set().gateway.unended_grants(case)
            if logged.pair == (sender, "crossroads")
        ]
        operations.revoke_consent(office, case, grants=grants)
    settle(town, case)
    back = "The person agreed to it and took it back."
    assert _because(town, "program", "Julia Vigil", case)["Crossroads"] == back
    assert _because(town, "prosecutor", "Thomas Baca", case)["Crossroads"] == alike


def test_the_end_of_a_place_names_who_serves_the_person_and_does_not_know(town: Town) -> None:
    case = refer(town, "Kim Salas", "1990-01-12")
    screen(town, case)
    consent(town, case)
    interview(town, case)
    office, by = town.at["prosecutor"], "Thomas Baca"
    operations.determine(office, by, case, "admission", "admitted", "discretion")
    settle(town, case)

    def admission() -> DescribedAnswer:
        return next(a for a in page(town, "prosecutor", case).answers if a.decision == "admission")

    assert admission().decided == "Admit the person, by Thomas Baca, Prosecutor"
    assert admission().ended == ""
    manager = town.at["crossroads"]
    grants = [
        logged.grant.id
        for logged in manager.working_set().gateway.unended_grants(case)
        if logged.pair == ("prosecutor", "crossroads")
    ]
    operations.revoke_consent(manager, case, grants=grants)
    settle(town, case)
    ends = (by, case, "ejection", "prosecutor_may_eject", "safety")
    made = operations.determine(office, *ends)
    assert made.unaware == ("crossroads", "program") and not set(made.unaware) & {*made.recipients}
    assert made.as_json()["unaware"] == ["crossroads", "program"]
    assert (
        determination_lines(made)[-1] == "not told, and they serve the person: crossroads, program"
    )
    settle(town, case)
    assert admission().ended == "End the person’s place, by Thomas Baca, Prosecutor"
    assert not any("takes part" in note.text for note in page(town, "prosecutor", case).notes)
    back = (by, case, "ejection", "retain", "new_facts")
    assert operations.determine(office, *back).unaware == ()
    settle(town, case)
    assert admission().ended == ""
