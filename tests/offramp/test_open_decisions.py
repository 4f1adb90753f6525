"""The decisions that wait for a named person: who is asked, what the rules say, and until when.

The pack is `santa-fe`, and the agencies have the defaults: no gateway asks or answers by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from offramp.agency import operations, wording
from offramp.agency.cases.caseload import case_of
from offramp.agency.cases.pack_terms import pack_terms
from offramp.agency.errors import AgencyError
from tests.support.agencies import Town
from tests.support.santa_fe_town import (
    BY,
    ENCOUNTER,
    consent,
    interview,
    linked_town,
    refer,
    screen,
    settle,
    state,
)
from tests.support.simulator import HOUR
from tests.support.staff import founder_of

DAY = 24 * HOUR
PROSECUTOR, PROGRAM = "Thomas Baca", "Julia Vigil"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with linked_town(tmp_path_factory.mktemp("town")) as town:
        yield town


@pytest.fixture
def own_town(tmp_path: Path) -> Iterator[Town]:
    """A town for a test that moves the clock by days."""
    with linked_town(tmp_path) as town:
        yield town


def waiting(town: Town, agency: str, case: str) -> dict[str, operations.ListedDecision]:
    """Return what waits for an agency in a case, by the decision."""
    listed = operations.list_open_decisions(town.at[agency]).listed
    return {entry.decision: entry for entry in listed if entry.case == case}


def opened(town: Town, agency: str, case: str, decision: str) -> operations.DecisionToMake:
    return operations.open_decision(town.at[agency], case, decision)


def _held_today(town: Town, case: str) -> bool:
    """Report whether today's steps of the prosecutor lead to the decision on a held charge."""
    today = operations.list_today(town.at["prosecutor"], 50).tasks
    return any(
        (step.task.case, step.place.page, step.place.name) == (case, "decision", "filing")
        for step in today
    )


def _listed_as_held(town: Town) -> set[str]:
    return {charge.case for charge in operations.list_held_charges(town.at["prosecutor"])}


def test_each_office_sees_what_waits_for_its_word_and_what_is_missing(town: Town) -> None:
    """G1 and the order of a case: records check, eligibility, approval, admission."""
    unweighed = {path: value for path, value in ENCOUNTER.items() if not path.endswith("grams")}
    case = refer(town, "Lia Sena", "1990-04-17", unweighed)
    check = waiting(town, "prosecutor", case)["screening"]
    assert check.answer.kind == "yours" and check.last_day is not None and not check.is_overdue
    screen(town, case)
    assert "screening" not in waiting(town, "prosecutor", case)
    entry = waiting(town, "program", case)["eligibility"]
    assert (entry.answer.kind, entry.answer.outcome) == ("wait", None)
    (weight,) = entry.missing
    assert (weight.role, weight.askable, weight.agencies_asked) == ("police", ("Police",), ())
    operations.ask(town.at["program"], case, "eligibility")
    (weight,) = waiting(town, "program", case)["eligibility"].missing
    assert (weight.askable, weight.agencies_asked) == ((), ("Police",))
    # Whoever decides may ask, although the program works the answer out.
    lacked = opened(town, "prosecutor", case, "eligibility").missing
    assert any(fact.askable for fact in lacked), lacked
    asked_of = operations.ask(town.at["prosecutor"], case, "eligibility").asked
    assert "encounter.drugs.grams" in asked_of["police"]
    still = opened(town, "prosecutor", case, "eligibility").missing
    assert not any(fact.askable for fact in still)
    settle(town, case)
    state(town, "police", "answer", case, {"encounter.drugs[0].grams": "2.4 g"})
    town.settle()
    (weight,) = waiting(town, "program", case)["eligibility"].missing
    assert weight.closed and not weight.askable, "it lies here unopened"
    settle(town, case)
    entry = waiting(town, "program", case)["eligibility"]
    assert (entry.answer.kind, entry.answer.outcome, entry.missing) == ("go", "eligible", ())
    consent(town, case)
    operations.determine(town.at["program"], PROGRAM, case, "eligibility", "eligible", "rules")
    places = [each for each in opened(town, "program", case, "admission").missing if each.is_places]
    assert [each.is_own for each in places] == [True]
    interview(town, case)
    asked = waiting(town, "program", case)["admission"]
    (approval,) = (fact for fact in asked.missing if fact.askable)
    assert approval.askable == ("Prosecutor",) and asked.answer.kind == "wait"
    operations.ask(town.at["program"], case, "admission")
    settle(town, case)
    word = waiting(town, "prosecutor", case)["admission"]
    assert word.why == "Program asks for your approval" and word.answer.title == "Yours to decide"
    choices = opened(town, "prosecutor", case, "admission").choices
    assert [choice.word for choice in choices] == ["declined_by_prosecutor", "admitted"]
    words = (case, "admission", "admitted")
    operations.determine(town.at["prosecutor"], PROSECUTOR, *words, "discretion")
    settle(town, case)
    # What today's steps lead to by deciding waits in this list too, and on the list of charges.
    (held,) = waiting(town, "prosecutor", case).values()
    assert (held.decision, held.why) == ("filing", "Your office hasn’t said it yet")
    assert _held_today(town, case) and case in _listed_as_held(town)
    words_of_hold = (PROSECUTOR, case, "filing", "hold", "discretion")
    operations.determine(town.at["prosecutor"], *words_of_hold)
    assert waiting(town, "prosecutor", case) == {} and not _held_today(town, case)
    operations.note_places(town.at["program"], 3)
    assert waiting(town, "program", case)["admission"].answer.outcome == "admitted"
    assert [entry.case for entry in operations.list_places(town.at["program"]).promised] == [case]
    operations.determine(town.at["program"], PROGRAM, *words, "rules")
    assert waiting(town, "program", case) == {}
    noted_at = town.hub.clock
    assert operations.list_places(town.at["program"]) == operations.PlaceList(3, (), (), noted_at)


def test_what_a_later_charge_lacks_is_asked_for_it(town: Town) -> None:
    """An answer about the charges of then is none about one that police add."""
    unknown = "encounter.charges[0].authority"
    case = refer(town, "Rita Salas", "1988-05-02", {**ENCOUNTER, unknown: "unknown"})
    program, police = town.at["program"], town.at["police"]

    def authority() -> operations.MissingFact | None:
        missing = opened(town, "program", case, "eligibility").missing
        return next((fact for fact in missing if fact.question.startswith("Whose law")), None)

    operations.ask(program, case, "eligibility")
    settle(town, case)
    pending = authority()
    assert pending and (pending.agencies_asked, pending.askable) == (("Police",), ())
    state(town, "police", "answer", case, {unknown: "state"})
    settle(town, case)
    assert authority() is None
    (charge,) = case_of(police.working_set(), case).known["encounter.charges"].value
    charges = [charge, {"conduct": "theft", "violent": False}]
    operations.correct(police, BY, case, {"encounter.charges": charges})
    settle(town, case)
    pending = authority()
    assert pending and (pending.agencies_asked, pending.askable) == ((), ("Police",))
    assert (
        "encounter.charges.authority"
        in operations.ask(program, case, "eligibility", again=False).asked["police"]
    )
    settle(town, case)
    assert [each.case for each in operations.waiting_questions(police) if each.case == case]
    pending = authority()
    assert pending and (pending.agencies_asked, pending.askable) == (("Police",), ())


def test_an_admitted_person_waits_for_nothing_though_nobody_confirmed_the_eligibility(
    town: Town,
) -> None:
    case = refer(town, "Ira Luna", "1991-05-06")
    screen(town, case)
    consent(town, case)
    interview(town, case)
    assert "eligibility" in waiting(town, "program", case)
    words = (case, "admission", "admitted", "discretion")
    operations.determine(town.at["prosecutor"], PROSECUTOR, *words)
    settle(town, case)
    operations.determine(town.at["program"], PROGRAM, *words)
    assert waiting(town, "program", case) == {}


def test_a_decision_beside_the_rules_is_shown_as_one(town: Town) -> None:
    """P3: over the limit, and the prosecutor decides that the person is eligible."""
    case = refer(town, "Ben Archuleta", "1992-01-02")
    state(town, "police", "weigh", case, {"encounter.drugs[0].grams": "9.1 g"})
    settle(town, case)
    screen(town, case)
    consent(town, case)
    shown = opened(town, "prosecutor", case, "eligibility")
    assert (shown.answer.kind, shown.answer.title) == ("stop", "Not eligible")
    assert {choice.word: choice.relation for choice in shown.choices} == {
        "ineligible": "same",
        "eligible": "other",
    }
    assert any("9.1 g" in fact.value and fact.by == "Police" for fact in shown.facts)
    before = operations.read_case(town.at["prosecutor"], case).facts
    words = (PROSECUTOR, case, "eligibility", "eligible", "discretion")
    preview = operations.preview_determination(town.at["prosecutor"], *words)
    assert preview.differs and not preview.is_outside_rules
    # The reason is the rule's that no consent would change, and not a consent that is in force.
    because = operations.told_by(preview).because["Defender"]
    assert because.startswith("This agency was not told that the office is counsel")
    made = operations.determine(town.at["prosecutor"], *words, seen_at=preview.seen_at)
    assert made.differs and set(made.recipients) == {
        agency for part in preview.parts for agency in part.part.to
    }
    after = operations.read_case(town.at["prosecutor"], case).facts
    changed = {path for path in after if after[path].value != getattr(before.get(path), "value", 0)}
    assert changed == {"approval.prosecutor"}, "no fact of the case is changed"
    settle(town, case)
    at_program = opened(town, "program", case, "eligibility")
    assert at_program.answer.title == "Not eligible"
    assert at_program.standing is not None and at_program.standing.differs
    assert (at_program.standing.outcome, at_program.standing.by) == ("Eligible", PROSECUTOR)
    assert at_program.standing.has_last_word and at_program.standing.own is None
    # The program's own decision is shown, though the prosecutor's stays in force.
    operations.determine(town.at["program"], PROGRAM, case, "eligibility", "eligible", "discretion")
    at_program = opened(town, "program", case, "eligibility")
    assert at_program.standing is not None and at_program.standing.by == PROSECUTOR
    assert at_program.standing.own == f"Eligible, by {PROGRAM}"
    (answer,) = (
        answer
        for answer in operations.describe_case(town.at["program"], case).answers
        if answer.decision == "eligibility"
    )
    assert answer.decided == f"Eligible, by {PROSECUTOR}, Prosecutor"
    assert answer.also_decided == (
        f"Since then: Eligible, by {PROGRAM}, Program. Prosecutor has the last word.",
    )


def test_the_page_of_a_case_has_what_people_decided_before_what_only_the_rules_say(
    town: Town,
) -> None:
    case = refer(town, "Noa Leyba", "1992-03-04")
    assert not any(answer.decided for answer in _answers(town, "prosecutor", case))
    screen(town, case)
    first, *others = _answers(town, "prosecutor", case)
    # The one word of a person is no answer of the rules.
    assert (first.decision, first.outcome, first.missing) == ("screening", None, ())
    assert first.decided == "The records do not stop it, by Prosecutor"
    consent(town, case)
    words = (case, "admission", "admitted", "discretion")
    operations.determine(town.at["prosecutor"], PROSECUTOR, *words)
    settle(town, case)
    for agency in ("prosecutor", "crossroads", "program"):
        decided = [answer.decided is not None for answer in _answers(town, agency, case)]
        assert True in decided and decided == sorted(decided, reverse=True), agency
    assert others and not any(answer.decided for answer in others)


def test_what_is_missing_of_a_charge_names_the_charge_once(town: Town) -> None:
    two = {
        **ENCOUNTER,
        "encounter.charges": 2,
        "encounter.charges[1].conduct": "theft",
        "encounter.charges[1].violent": "no",
    }
    without = {name: value for name, value in two.items() if not name.endswith("authority")}
    case = refer(town, "Pia Duran", "1993-04-05", without)
    missing = [
        text
        for answer in _answers(town, "program", case)
        for text in answer.missing
        if "Whose law" in text and answer.decision == "eligibility"
    ]
    assert missing == [
        f"Ask police: Whose law is the charge under? ({charge})"
        for charge in ("Possession", "Theft")
    ]


def _answers(town: Town, agency: str, case: str) -> tuple[operations.DescribedAnswer, ...]:
    return operations.describe_case(town.at[agency], case).answers


def test_the_digest_changes_with_the_answer_and_with_a_decision(town: Town) -> None:
    """P5: what a page was opened with is no longer so."""
    case = refer(town, "Uma Ortiz", "1985-09-12")
    screen(town, case)
    consent(town, case)
    first = opened(town, "program", case, "eligibility")
    assert opened(town, "program", case, "eligibility").digest == first.digest
    state(town, "police", "weigh", case, {"encounter.drugs[0].grams": "7.9 g"})
    town.settle()
    second = opened(town, "program", case, "eligibility")
    assert second.digest != first.digest, "a correction lies here unopened"
    settle(town, case)
    third = opened(town, "program", case, "eligibility")
    assert third.digest != second.digest and third.answer.outcome == "ineligible"
    words = (PROGRAM, case, "eligibility", "ineligible", "rules")
    operations.determine(town.at["program"], *words)
    assert opened(town, "program", case, "eligibility").digest != third.digest


def test_a_place_is_ended_outside_the_rules_and_counsel_hears_it_first(town: Town) -> None:
    """P4: the rules keep the person, counsel has the record before the others."""
    case = refer(town, "Ana Delgado", "1993-04-17")
    screen(town, case)
    consent(town, case)
    operations.represent(town.at["defender"], case, although_unknown=True)
    interview(town, case)
    words = (case, "admission", "admitted")
    for agency, person in (("prosecutor", PROSECUTOR), ("program", PROGRAM)):
        operations.determine(town.at[agency], person, *words, "discretion")
        settle(town, case)
    assert "ejection" not in waiting(town, "prosecutor", case)
    charge = {
        "case.new_charges": 1,
        "case.new_charges[0].conduct": "possession",
        "case.new_charges[0].level": "felony",
        "case.new_charges[0].violent": "no",
        "case.new_charges[0].egregious": "no",
        "case.new_charges[0].evidence_origin": "independent",
    }
    state(town, "prosecutor", "charge", case, charge)
    settle(town, case)
    assert waiting(town, "prosecutor", case)["ejection"].answer.outcome == "retain"
    shown = opened(town, "prosecutor", case, "ejection")
    assert shown.is_fixed and shown.relation("prosecutor_may_eject") == "other"
    ends = (PROSECUTOR, case, "ejection", "prosecutor_may_eject", "safety")
    office = town.at["prosecutor"]
    preview = operations.preview_determination(office, *ends)
    assert preview.is_outside_rules and preview.told_first == ("defender",)
    made = operations.determine(office, *ends, seen_at=preview.seen_at)
    assert made.differs and made.told_first == ("defender",) and len(made.recipients) > 1
    sent = [each for each in office.working_set().outbox.values() if each.kind == "ejection"]
    told = [sorted({agency for part in each.parts for agency in part["to"]}) for each in sent]
    assert told == [["defender"], sorted(set(made.recipients) - {"defender"})]
    assert sent[0].receipt is not None and sent[1].receipt is not None
    assert sent[0].receipt.index < sent[1].receipt.index
    assert "ejection" not in waiting(town, "prosecutor", case)
    kept = (PROSECUTOR, case, "ejection", "retain", "rules")
    assert not operations.preview_determination(office, *kept).differs


def test_an_interview_is_overdue_only_where_its_silence_counts(own_town: Town) -> None:
    """P6: by the last day, and no filing is asked where a missing record means nothing."""
    town = own_town
    office = town.at["prosecutor"]
    people = ("Gloria Trujillo", "Hector Sena", "Carl Montoya")
    told, untold, decided = (refer(town, name, "1979-02-03") for name in people)
    for case in (told, untold, decided):
        screen(town, case)
        operations.note_facts(office, case, {"case": {"charge_held": True}})
    for case in (told, decided):
        consent(town, case)
    words = (PROSECUTOR, decided, "filing", "hold", "discretion")
    operations.determine(office, *words)
    town.hub.clock += DAY
    late = refer(town, "Lia Sena", "1988-05-06")
    listed = operations.list_open_decisions(office).listed
    page = operations.list_open_decisions(office, first=1, most=2)
    assert page.count == len(listed) and page.listed == listed[1:3]
    assert listed[-1].case == late, "by the last day"
    assert [entry.last_day or "9999" for entry in listed] == sorted(
        each.last_day or "9999" for each in listed
    )
    assert not any(entry.is_overdue for entry in listed)
    assert {each.case for each in listed if each.decision == "filing"} == {late}, "nobody said it"
    town.hub.clock += 40 * DAY
    town.settle()
    (filing,) = (
        each
        for each in operations.list_open_decisions(office).listed
        if each.decision == "filing" and each.case != late
    )
    assert (filing.case, filing.why) == (told, "No interview is on record in time")
    assert filing.answer.title == "The prosecutor may file, and need not"
    assert filing.last_day is None
    overdue = {e.case for e in operations.list_open_decisions(office).listed if e.is_overdue}
    assert untold not in overdue, "nobody may tell that there was none"
    held = {charge.case: charge for charge in operations.list_held_charges(office)}
    assert [held[case].may_file for case in (told, untold, decided)] == [True, False, True]
    assert held[told].is_held and held[late].is_held is None
    assert next(iter(held)) == late, "what isn't known comes first"
    queued = {e.case: e for e in operations.list_open_decisions(office).listed}
    assert held[late].rests_until == queued[late].last_day is not None, "one day in both lists"
    assert held[told].rests_until is None, "its time is over"
    assert not operations.preview_determination(office, *words).differs, "may file, need not"
    # The filing states that no charge is on hold. The answer beside it doesn't rest on that.
    files = (PROSECUTOR, told, "filing", "prosecutor_may_file", "rules")
    for _ in range(2):
        assert not operations.determine(office, *files).differs
        settle(town, told)
        shown = opened(town, "prosecutor", told, "filing")
        assert shown.answer.title == "The prosecutor may file, and need not"
        assert shown.relation("prosecutor_may_file") == "same"
        assert shown.standing is not None and shown.standing.outcome == "File the charge"
    # A word of the person's own office beside it counts, since no decision states it.
    operations.note_facts(office, told, {"case": {"charge_held": False}})
    assert opened(town, "prosecutor", told, "filing").answer.outcome == "nothing_held"


def test_a_filing_is_never_compared_with_what_it_states_itself(own_town: Town) -> None:
    """It states that no charge is on hold. Beside it, no answer rests on that, at any agency."""
    town, office = own_town, own_town.at["prosecutor"]
    case = refer(town, "Ana Delgado", "1991-02-03")
    screen(town, case)
    consent(town, case)
    assert "filing" in waiting(town, "prosecutor", case)
    words = (PROSECUTOR, case, "filing", "prosecutor_may_file", "discretion")
    made = operations.determine(office, *words)
    # At once, before the hub's receipt, and later.
    for _ in range(3):
        assert "filing" not in waiting(town, "prosecutor", case) and not _held_today(town, case)
        assert case not in _listed_as_held(town)
        for agency in ("prosecutor", *made.recipients):
            described = operations.describe_case(town.at[agency], case)
            answers = {answer.decision: answer for answer in described.answers}
            if agency != "prosecutor" and "filing" not in answers:
                continue  # not opened yet
            filing = answers["filing"]
            assert filing.decided == "File the charge, by Thomas Baca, Prosecutor"
            assert (filing.outcome, filing.because, filing.missing) == (None, (), ())
            assert (filing.possible, filing.differs) == (None, None)
        shown = opened(town, "prosecutor", case, "filing")
        assert shown.missing == () and shown.answer.title == "Not known without the decision"
        assert {choice.relation for choice in shown.choices} == {"undecided"}
        assert not operations.preview_determination(office, *words).differs
        printed = "\n".join(case_text(town, case))
        assert "File the charge" in printed
        for wrong in ("No charge is on hold", "nothing held", "Is a charge on hold?"):
            assert wrong not in printed, printed
        decided = operations.decide(office, case, "filing")
        assert decided.answer.outcome is None
        assert "case.charge_held" not in [need["fact"] for need in decided.answer.needed]
        assert "Thomas Baca of prosecutor decided: File the charge" in case_answer(town, decided)
        settle(town, case)
        town.hub.clock += 20


def test_a_filing_against_the_rules_is_shown_beside_the_facts_before_it(own_town: Town) -> None:
    """The page showed "on hold? No" under the rules' "The charge rests", which read a yes.

    The case page said for good that the prosecutor sends a new answer of the rules.
    """
    town, office = own_town, own_town.at["prosecutor"]
    case = refer(town, "Eva Delgado", "1991-02-05")
    screen(town, case)
    consent(town, case)
    interview(town, case)
    operations.note_facts(office, case, {"case": {"charge_held": True}})
    operations.send_answer(office, operations.decide(office, case, "filing"))
    settle(town, case)
    before = opened(town, "prosecutor", case, "filing")
    on_hold = [fact for fact in before.facts if "on hold" in fact.label]
    assert before.answer.outcome == "hold" and [fact.value for fact in on_hold] == ["Yes"]
    words = (PROSECUTOR, case, "filing", "prosecutor_may_file", "victim")
    filing = operations.determine(office, *words)
    assert filing.differs and "program" in filing.recipients
    for _ in range(3):
        pending = opened(town, "prosecutor", case, "filing")
        assert pending.answer == before.answer
        assert (pending.facts, pending.choices) == (before.facts, before.choices)
        for agency in ("prosecutor", *filing.recipients):
            assert operations.read_case(town.at[agency], case).outdated == (), agency
            noted = operations.describe_case(town.at[agency], case).notes
            assert not any("out of date" in note.text for note in noted), (agency, noted)
        assert not any("rules' answer" in step for step in _today(town, "prosecutor", case))
        settle(town, case)
        town.hub.clock += 20


def _today(town: Town, agency: str, case: str) -> list[str]:
    """Return an agency's steps of a case as *Today* shows them."""
    today = operations.list_today(town.at[agency], 50).tasks
    return [step.what for step in today if step.task.case == case]


def test_a_filing_that_nobody_may_be_told_leaves_the_queue_at_once(own_town: Town) -> None:
    town, office = own_town, own_town.at["prosecutor"]
    case = refer(town, "Lou Delgado", "1991-02-04")
    screen(town, case)
    operations.note_facts(office, case, {"case": {"charge_held": True}})
    words = (PROSECUTOR, case, "filing", "prosecutor_may_file", "discretion")
    made = operations.determine(office, *words)
    assert made.recipients == ()
    for _ in range(3):
        assert "filing" not in waiting(town, "prosecutor", case) and not _held_today(town, case)
        assert case not in _listed_as_held(town)
        shown = opened(town, "prosecutor", case, "filing")
        assert shown.answer.outcome is None and shown.missing == ()
        (filing,) = [
            answer
            for answer in operations.describe_case(office, case).answers
            if answer.decision == "filing"
        ]
        assert (filing.outcome, filing.missing) == (None, ())
        settle(town, case)
        town.hub.clock += 40 * DAY


def test_the_end_of_a_place_is_never_compared_with_what_it_states_itself(own_town: Town) -> None:
    """It ends the place beside the rules, so counsel is told in a record before the others."""
    town, office = own_town, own_town.at["prosecutor"]
    case = refer(town, "Gus Delgado", "1993-04-17")
    screen(town, case)
    consent(town, case)
    operations.represent(town.at["defender"], case, although_unknown=True)
    interview(town, case)
    for agency in ("prosecutor", "program"):
        entry = (founder_of(agency), case, "admission", "admitted", "discretion")
        operations.determine(town.at[agency], *entry)
        settle(town, case)
    later = "case.new_charges"
    charge = {
        later: 1,
        f"{later}[0].conduct": "possession",
        f"{later}[0].level": "felony",
        f"{later}[0].violent": "no",
        f"{later}[0].egregious": "no",
        f"{later}[0].evidence_origin": "independent",
    }
    state(town, "prosecutor", "charge", case, charge)
    settle(town, case)
    assert "ejection" in waiting(town, "prosecutor", case)
    words = (PROSECUTOR, case, "ejection", "prosecutor_may_eject", "safety")
    made = operations.determine(office, *words)
    assert made.differs and made.told_first == ("defender",) and len(made.recipients) > 1
    for _ in range(3):
        assert "ejection" not in waiting(town, "prosecutor", case)
        shown = opened(town, "prosecutor", case, "ejection")
        assert shown.answer.title == "The person stays in the program" and shown.missing == ()
        assert shown.relation("prosecutor_may_eject") == "other"
        for agency in ("prosecutor", *made.recipients):
            flagged = operations.read_case(town.at[agency], case).outdated
            assert "ejection" not in {outdated.decision for outdated in flagged}, agency
        settle(town, case)
        town.hub.clock += 20


def case_text(town: Town, case: str) -> list[str]:
    """Return what `offramp agency case` prints at the prosecutor's."""
    office = town.at["prosecutor"]
    working_set = office.working_set()
    zone = working_set.gateway.history.newest.zone
    view = operations.read_case(office, case)
    return wording.case_lines(view, zone, pack_terms(office.program(working_set).pack))


def case_answer(town: Town, answered: operations.CaseAnswer) -> str:
    """Return what `offramp agency decide` prints at the prosecutor's."""
    zone = town.at["prosecutor"].working_set().gateway.history.newest.zone
    return " ".join(" ".join(wording.case_answer_lines(answered, zone)).split())


def test_no_filing_waits_where_there_is_no_charge(town: Town) -> None:
    bare = {path: value for path, value in ENCOUNTER.items() if "charges[" not in path}
    none = {**bare, "encounter.charges": 0, "encounter.route": "social_contact"}
    cases = [refer(town, "Nel Baca", "1984-01-02", none), refer(town, "Oro Sena", "1984-01-03")]
    for case in cases:
        consent(town, case)
        settle(town, case)
    without, with_charge = cases
    known = case_of(town.at["prosecutor"].working_set(), without).known
    assert known["encounter.charges"].value in ([], ())
    assert "filing" in waiting(town, "prosecutor", with_charge)
    assert with_charge in _listed_as_held(town) and _held_today(town, with_charge)
    assert "filing" not in waiting(town, "prosecutor", without)
    assert without not in _listed_as_held(town) and not _held_today(town, without)
    operations.note_facts(town.at["prosecutor"], without, {"case": {"charge_held": True}})
    assert without in _listed_as_held(town), "a charge on hold is one, whatever police said"


def test_a_decision_of_nobody_here_is_none(town: Town) -> None:
    case = refer(town, "Pat Begay", "1985-09-12")
    for agency, decision in (
        ("police", "eligibility"),
        ("program", "filing"),
        ("prosecutor", "review"),
        ("prosecutor", "whim"),
    ):
        with pytest.raises(AgencyError) as refusal:
            opened(town, agency, case, decision)
        assert refusal.value.code == "no-such-decision"
