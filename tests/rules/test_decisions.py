"""Test decisions on a small program.

Precedence, exceptions, dates, other decisions, clocks, and texts.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

import rules
from rules.decide.program import Program
from rules.shelf import read_pack

PACK = """
id: made-up
title: Made up
time_zone: America/Los_Angeles
program: {from: 2015-01-01, until: 2025-01-01, source: act}
sources: {act: {title: The act, address: https://example.org, confidence: high}}
facts:
  case.pauses:
    type: list
    kind: event
    known_by: program
    category: charge_status
    question: When did the clock stand still?
    source: act
    fields:
      from: {type: timestamp, question: From when?}
      until: {type: timestamp, question: Until when?}
parameters:
  cap:
    label: cap
    unit: g
    values:
      - {value: 3, source: act}
      - {from: 2018-10, value: 6, source: act, provisional: the day is a guess}
  days: {label: days, unit: days, values: [{value: 7, source: act}]}
  hours: {label: hours, unit: hours, values: [{value: 72, source: act}]}
  weeks: {label: weeks, unit: weeks, values: [{value: 2, source: act}]}
clocks:
  intake: {label: intake, owner: case_management, start: case.referred_at, stop: case.intake_at,
           length: days, follows: "…", tolling: case.pauses, source: act}
  plan: {label: plan, owner: case_management, start: case.intake_at, stop: case.plan_at,
         length: hours, follows: "…", source: act}
  review: {label: review, owner: program, start: case.intake_at, repeats: case.last_review_at,
           length: weeks, follows: "…", source: act}
decisions:
  screening:
    rules:
      - {id: old, when: 'history.convictions.exists(c, c.date > encounter.date - years(10))',
         then: stop, because: On record., source: act}
    otherwise: {outcome: proceed, because: Nothing on record., source: act}
  eligibility:
    rules:
      - id: over
        when: sum(encounter.drugs.map(d, d.grams)) > cap
        then: ineligible
        because: Over {cap} g.
        source: {id: act, at: section 2}
        reviewable_by: prosecutor
        unless:
          - {id: pills, from: 2020-01-01, when: 'encounter.drugs.all(d, d.form == "pills")',
             because: Pills have no cap., source: {id: act, at: section 3},
             provisional: nobody says what a pill is}
      - {id: young, when: person.age < 18, then: ineligible, because: Under 18., source: act,
         from: 2016-03-01, until: 2017-03-01}
      - {id: recorded, when: screening == "stop", then: ineligible,
         because: The answer from the record is stop., source: act}
    otherwise: {outcome: eligible, because: Nothing bars the person., source: act}
    while_waiting: {who: police, text: Wait for the scale., source: act}
    next: {ineligible: {who: police, text: The ordinary process applies., source: act}}
  admission:
    rules:
      - {id: no, when: '!offer.accepted', then: declined_by_person,
         because: The person said no., source: act}
      - {id: barred, when: eligibility == "ineligible", then: not_eligible,
         because: The test is not met., source: act}
      - {id: open, when: '!(clocks.intake in ["met", "late"])', then: awaiting,
         because: No intake yet., source: act}
    otherwise: {outcome: admitted, because: Intake is done., source: act}
  filing:
    rules:
      - {id: barred, when: clocks.intake == "overdue" && eligibility == "ineligible",
         then: prosecutor_may_file, because: Both., source: act}
    otherwise: {outcome: hold, because: The charge rests., source: act}
  review:
    rules:
      - {id: plan, when: 'clocks.plan in ["running", "overdue"]', then: prepare_plan,
         because: No plan yet., source: act}
      - {id: call, when: case.missed_contacts > 0, then: attempt_contact,
         because: Out of touch., source: act}
    otherwise: {outcome: continue, because: Go on., source: act}
  disclosure:
    rules:
      - {id: never, when: 'part.category == "informant"', then: deny, because: Never., source: act}
    otherwise: {outcome: permit, because: Fine., source: act}
    obligations:
      - {id: keep_until, when: 'true', source: act}
      - {id: second_person, when: 'override != "none"', source: act}
      - {id: scope_of_consent, when: 'basis == "consent"', source: act}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder = tmp_path_factory.mktemp("packs") / "made-up"
    folder.mkdir()
    (folder / "pack.yaml").write_text(PACK, encoding="utf-8")
    return Program(read_pack(folder))


def arrest(day: str | None = "2015-06-01", grams: float | None = 1, **more: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "encounter": {
            "date": day,
            "drugs": [{"kind": "opioid", "grams": grams, "form": "weighed"}],
        },
        "person": {"age": 30},
        "decisions": {"screening": "proceed"},
    }
    return {**facts, **more}


# Precedence and dates


def test_an_unknown_rule_that_could_still_win_leaves_it_undetermined(program: Program) -> None:
    decision = program.decide("eligibility", arrest(grams=None))
    assert (decision.status, decision.outcome, decision.possible) == (
        "undetermined",
        None,
        ["ineligible", "eligible"],
    )


def test_a_true_rule_decides_whatever_else_is_unknown(program: Program) -> None:
    decision = program.decide("eligibility", arrest(grams=9, person=None, decisions=None))
    assert (decision.outcome, decision.needed) == ("ineligible", [])


@pytest.mark.parametrize(
    ("day", "in_force"),
    [("2016-02-29", False), ("2016-03-01", True), ("2017-02-28", True), ("2017-03-01", False)],
)
def test_from_is_the_first_day_and_until_the_first_day_no_more(
    program: Program, day: str, in_force: bool
) -> None:
    decision = program.decide("eligibility", arrest(day, person={"age": 12}))
    assert (decision.outcome == "ineligible") is in_force


@pytest.mark.parametrize(
    ("day", "outcome"), [("2018-09-30", "ineligible"), ("2018-10-01", "eligible")]
)
def test_a_month_alone_is_its_first_day(program: Program, day: str, outcome: str) -> None:
    assert program.decide("eligibility", arrest(day, 4)).outcome == outcome


def test_an_exception_counts_only_while_it_is_in_force_and_is_a_reason(program: Program) -> None:
    pills = {"kind": "opioid", "grams": 9, "form": "pills"}
    before = program.decide(
        "eligibility", arrest(encounter={"date": "2019-12-31", "drugs": [pills]})
    )
    after = program.decide(
        "eligibility", arrest(encounter={"date": "2020-01-01", "drugs": [pills]})
    )
    assert (before.outcome, after.outcome) == ("ineligible", "eligible")
    lifted = after.reasons[-1]
    assert (lifted["rule"], lifted["lifts"], lifted["text"]) == (
        "pills",
        "over",
        "Pills have no cap.",
    )
    assert "nobody says what a pill is" in after.provisional


@pytest.mark.parametrize("day", ["2014-12-31", "2025-01-01"])
def test_outside_the_program_is_an_error_that_says_so(program: Program, day: str) -> None:
    with pytest.raises(rules.RequestError) as refused:
        program.decide("eligibility", arrest(day))
    assert refused.value.code == "outside-program"
    with pytest.raises(rules.RequestError):
        program.on(date.fromisoformat(day))


def test_as_of_chooses_the_rules_and_leaves_the_facts_alone(program: Program) -> None:
    by_later = program.on(date(2019, 1, 1)).decide("eligibility", arrest("2015-06-01", 4))
    assert (by_later.outcome, by_later.pack["as_of"], by_later.pack["as_of_from"]) == (
        "eligible",
        "2019-01-01",
        "as_of",
    )
    of_itself = program.decide("eligibility", arrest("2015-06-01", 4))
    assert (of_itself.outcome, of_itself.pack["as_of_from"]) == ("ineligible", "encounter.date")


def test_without_the_governing_date_that_fact_alone_is_needed(program: Program) -> None:
    decision = program.decide("eligibility", arrest(None, None, person=None, decisions=None))
    assert (decision.status, decision.possible) == ("undetermined", ["ineligible", "eligible"])
    assert [entry["fact"] for entry in decision.needed] == ["encounter.date"]
    assert decision.pack["as_of"] is None


def test_now_is_a_day_where_the_program_is(program: Program) -> None:
    evening = program.decide(
        "review", {"now": "2016-01-01T07:59:59Z", "case": {"missed_contacts": 0}}
    )
    midnight = program.decide(
        "review", {"now": "2016-01-01T08:00:00Z", "case": {"missed_contacts": 0}}
    )
    assert (evening.pack["as_of"], midnight.pack["as_of"]) == ("2015-12-31", "2016-01-01")


def test_a_decision_read_by_name_goes_by_its_own_date(program: Program) -> None:
    facts = arrest(
        "2015-06-01", 4, now="2019-06-01T12:00:00Z", case={"referred_at": "2015-06-01T12:00:00Z"}
    )
    assert program.decide("filing", facts).outcome == "prosecutor_may_file", (
        "the cap of 2015, asked in 2019"
    )


# Other decisions


def test_a_decision_that_is_not_part_of_the_program_says_so(program: Program) -> None:
    assert program.decide("ejection", {}).outcome == "not_part_of_this_program"
    with pytest.raises(rules.RequestError) as refused:
        program.decide("ejecton", {})
    assert refused.value.fix == "did you mean `ejection`?"


def test_an_attested_outcome_stands_in_place_of_the_program_s_own_rules(program: Program) -> None:
    record = {"history": {"convictions": [{"class": "violent", "date": "2014-01-01"}]}}
    own = program.decide("eligibility", arrest(decisions=None, **record))
    attested = program.decide("eligibility", arrest(decisions={"screening": "proceed"}, **record))
    assert (own.outcome, attested.outcome) == ("ineligible", "eligible")
    answered = program.decide("screening", arrest(decisions={"screening": "stop"}))
    assert (answered.outcome, answered.reasons[0]["rule"]) == ("stop", "attested")
    with pytest.raises(rules.FactsError) as refused:
        program.decide("eligibility", arrest(decisions={"screening": "procede"}))
    assert refused.value.fix == "did you mean `proceed`?"


def test_a_path_as_one_key_is_shown_as_objects_in_objects(program: Program) -> None:
    with pytest.raises(rules.FactsError) as refused:
        program.decide("eligibility", {"case.progress.health": "same"})
    assert refused.value.code == "unknown-fact"
    assert refused.value.fix == (
        'write one object in another: `{"case": {"progress": {"health": …}}}`'
    )


def test_nobody_is_asked_for_the_record(program: Program) -> None:
    needed = program.decide("eligibility", arrest(decisions=None)).needed
    assert [(entry["fact"], entry["ask"], entry["kind"]) for entry in needed] == [
        ("decisions.screening", "prosecutor", "decision")
    ]
    reasons = program.decide(
        "eligibility", arrest(decisions=None, history={"convictions": [{"date": "2014-01-01"}]})
    ).reasons
    assert "history" not in str(reasons), "what screening read stays where it is"


def test_another_decision_gives_its_own_questions_too(program: Program) -> None:
    needed = program.decide(
        "admission", arrest(grams=None, offer={"accepted": True}, now="2015-06-02T00:00:00Z")
    ).needed
    assert [entry["fact"] for entry in needed] == [
        "decisions.eligibility",
        "encounter.drugs[0].grams",
    ]


def test_reasons_carry_those_of_the_decision_they_rest_on(program: Program) -> None:
    decision = program.decide("admission", arrest(grams=9, offer={"accepted": True}))
    assert decision.reasons[0]["because"]["eligibility"][0]["text"] == "Over 3 g."


def test_ten_years_before_a_leap_day(program: Program) -> None:
    facts = arrest("2016-02-29", decisions=None)
    for day, outcome in (("2006-02-28", "eligible"), ("2006-03-01", "ineligible")):
        assert (
            program.decide(
                "eligibility", {**facts, "history": {"convictions": [{"date": day}]}}
            ).outcome
            == outcome
        )


# Reasons


def test_a_reason_has_text_source_facts_and_who_may_review(program: Program) -> None:
    reason = program.decide("eligibility", arrest("2019-01-01", 6.5)).reasons[0]
    assert reason == {
        "rule": "over", "outcome": "ineligible", "text": "Over 6 g.",
        "source": {"id": "act", "title": "The act", "at": "section 2", "confidence": "high"},
        "values": [{
            "parameter": "cap", "value": 6, "unit": "g", "from": "2018-10-01",
            "source": {"id": "act", "title": "The act", "at": None, "confidence": "high"},
            "provisional": "the day is a guess",
        }],
        "facts": {"encounter.drugs[0].grams": 6.5}, "provisional": "the day is a guess",
        "reviewable_by": "prosecutor",
    }  # fmt: skip


def test_the_default_is_explained_by_every_known_fact_and_by_what_is_doubtful(
    program: Program,
) -> None:
    reason = program.decide("eligibility", arrest("2019-01-01", 4)).reasons[0]
    assert (reason["rule"], reason["provisional"]) == ("otherwise", "the day is a guess")
    assert reason["facts"] == {"decisions.screening": "proceed", "encounter.drugs[0].grams": 4}


def test_considered_shows_every_rule_with_what_settled_it(program: Program) -> None:
    shown = {
        entry["rule"]: entry
        for entry in program.decide("eligibility", arrest(grams=None)).considered
    }
    assert {rule: entry["value"] for rule, entry in shown.items()} == {
        "over": None,
        "recorded": False,
    }
    assert shown["over"]["unknown"] == ["encounter.drugs[0].grams"]
    assert shown["recorded"]["settled_by"] == {"decisions.screening": "proceed"}


def test_what_may_be_done_now_comes_first(program: Program) -> None:
    undetermined = program.decide("eligibility", arrest(grams=None))
    assert undetermined.next is not None and undetermined.next["who"] == "police"
    assert undetermined.next["text"].startswith(
        "Wait for the scale. Ask police: How many grams does it weigh?"
    )
    assert program.decide("eligibility", arrest(grams=9)).next == {
        "who": "police",
        "text": "The ordinary process applies.",
    }


def test_an_answer_has_these_keys_in_this_order(program: Program) -> None:
    assert list(program.decide("eligibility", arrest()).as_json()) == [
        "decision", "status", "outcome", "possible", "decided_by", "next", "pack", "reasons",
        "needed", "obligations", "clocks", "provisional", "facts_digest",
    ]  # fmt: skip


def test_an_obligation_is_there_unless_it_surely_is_not(program: Program) -> None:
    day = program.on(date(2020, 1, 1))
    facts = {"part": {"category": "status"}, "override": "none"}
    assert day.decide("disclosure", facts).obligations == ["keep_until", "scope_of_consent"]
    assert program.decide("disclosure", facts).needed[0]["fact"] == "as_of", (
        "disclosure goes by the caller's day alone"
    )


# Collecting


def test_a_review_collects_what_is_sure_also_while_undetermined(program: Program) -> None:
    case = {"intake_at": "2016-01-01T12:00:00Z"}
    half = program.decide("review", {"now": "2016-01-10T12:00:00Z", "case": case})
    assert (half.status, half.outcome, half.possible) == (
        "undetermined",
        ["prepare_plan"],
        ["attempt_contact", "prepare_plan"],
    )
    whole = program.decide(
        "review", {"now": "2016-01-10T12:00:00Z", "case": {**case, "missed_contacts": 2}}
    )
    assert (whole.status, whole.outcome) == ("decided", ["attempt_contact", "prepare_plan"])


def test_the_default_of_a_review_stands_when_every_rule_is_surely_false(program: Program) -> None:
    nothing = program.decide(
        "review", {"now": "2016-01-10T12:00:00Z", "case": {"missed_contacts": 0}}
    )
    assert (nothing.status, nothing.outcome) == ("decided", ["continue"])
    perhaps = program.decide("review", {"now": "2016-01-10T12:00:00Z"})
    assert (perhaps.outcome, perhaps.possible) == ([], ["continue", "attempt_contact"])
    unknown_day = program.decide("review", {})
    assert (unknown_day.status, unknown_day.outcome, [e["fact"] for e in unknown_day.needed]) == (
        "undetermined",
        [],
        ["now"],
    )


# Clocks


def clocks(program: Program, now: str | None, **case: Any) -> dict[str, dict[str, Any]]:
    answer = program.decide("admission", arrest(now=now, case=case, offer={"accepted": True}))
    return {clock["clock"]: clock for clock in answer.clocks}


@pytest.mark.parametrize(
    ("now", "status"),
    [("2015-06-01T11:59:59Z", "not_started"), ("2015-06-01T12:00:00Z", "running"),
     ("2015-06-08T12:00:00Z", "running"), ("2015-06-08T12:00:01Z", "overdue")],
)  # fmt: skip
def test_due_exactly_now_is_running_and_a_second_later_overdue(
    program: Program, now: str, status: str
) -> None:
    assert clocks(program, now, referred_at="2015-06-01T12:00:00Z")["intake"]["status"] == status


@pytest.mark.parametrize(
    ("intake", "status"), [("2015-06-08T12:00:00Z", "met"), ("2015-06-08T12:00:01Z", "late")]
)
def test_met_on_time_or_late(program: Program, intake: str, status: str) -> None:
    reading = clocks(
        program, "2015-07-01T00:00:00Z", referred_at="2015-06-01T12:00:00Z", intake_at=intake
    )["intake"]
    assert (reading["status"], reading["due"], reading["met_at"]) == (
        status,
        "2015-06-08T12:00:00Z",
        intake,
    )


def test_an_event_later_than_now_is_not_recorded_yet(program: Program) -> None:
    reading = clocks(
        program,
        "2015-06-02T00:00:00Z",
        referred_at="2015-06-01T12:00:00Z",
        intake_at="2015-06-03T00:00:00Z",
    )
    assert reading["intake"]["status"] == "running"


def test_without_now_a_clock_is_unknown_and_now_is_what_is_asked_for(program: Program) -> None:
    answer = program.decide("admission", arrest(offer={"accepted": True}))
    assert {clock["status"] for clock in answer.clocks} == {"unknown"}
    assert [entry["fact"] for entry in answer.needed] == ["now"]


def test_a_repeating_clock_is_due_again_after_each(program: Program) -> None:
    case = {"intake_at": "2015-06-01T12:00:00Z"}
    assert clocks(program, "2015-06-20T00:00:00Z", **case)["review"]["status"] == "overdue"
    case["last_review_at"] = "2015-06-16T12:00:00Z"
    assert (
        clocks(program, "2015-06-20T00:00:00Z", **case)["review"]["due"] == "2015-06-30T12:00:00Z"
    )


def test_a_pause_puts_off_what_is_due(program: Program) -> None:
    case = {
        "referred_at": "2015-06-01T12:00:00Z",
        "pauses": [{"from": "2015-06-02T12:00:00Z", "until": "2015-06-05T12:00:00Z"}],
    }
    assert (
        clocks(program, "2015-06-10T00:00:00Z", **case)["intake"]["due"] == "2015-06-11T12:00:00Z"
    )
    case["pauses"].append({"from": "2015-06-09T12:00:00Z"})
    assert clocks(program, "2015-07-10T12:00:00Z", **case)["intake"]["status"] == "running", (
        "a pause without an end lasts"
    )


def test_pauses_that_overlap_count_once(program: Program) -> None:
    case = {
        "referred_at": "2015-06-01T12:00:00Z",
        "pauses": [
            {"from": "2015-06-03T12:00:00Z", "until": "2015-06-05T12:00:00Z"},
            {"from": "2015-05-01T12:00:00Z", "until": "2015-06-04T12:00:00Z"},
        ],
    }
    assert (
        clocks(program, "2015-06-10T00:00:00Z", **case)["intake"]["due"] == "2015-06-12T12:00:00Z"
    )


# What stands in place of the program's own rules


def test_an_attested_outcome_has_the_words_obligations_and_clocks_of_its_day(
    program: Program,
) -> None:
    day = program.on(date(2020, 1, 1))
    answered = day.decide(
        "disclosure",
        {"decisions": {"disclosure": "permit"}, "override": "none", "basis": "consent"},
    )
    assert (answered.outcome, answered.obligations) == (
        "permit",
        ["keep_until", "scope_of_consent"],
    )
    held = program.decide(
        "filing", {"now": "2019-06-01T12:00:00Z", "decisions": {"filing": "hold"}}
    )
    assert [clock["clock"] for clock in held.clocks] == ["intake", "plan", "review"]
    assert (held.outcome, held.provisional, held.considered) == ("hold", [], [])


def test_an_attested_outcome_of_a_review_is_a_list_like_any_other(program: Program) -> None:
    answered = program.decide(
        "review", {"now": "2019-06-01T12:00:00Z", "decisions": {"review": "continue"}}
    )
    assert (answered.status, answered.outcome, answered.possible) == (
        "decided",
        ["continue"],
        ["continue"],
    )


def test_an_answer_to_what_the_program_does_not_ask_changes_nothing(program: Program) -> None:
    answered = program.decide("ejection", {"decisions": {"ejection": "retain"}})
    assert (answered.outcome, answered.reasons) == ("not_part_of_this_program", [])


@pytest.mark.parametrize("answers", ["eligible", 7, ["stop"], True])
def test_an_attested_outcome_that_is_none_of_its_outcomes_is_refused(
    program: Program, answers: Any
) -> None:
    with pytest.raises(rules.FactsError) as refused:
        program.decide("eligibility", arrest(decisions={"screening": answers}))
    assert refused.value.at.path == "decisions.screening"


def test_an_attested_outcome_that_is_null_is_no_answer(program: Program) -> None:
    assert (
        program.decide("eligibility", arrest(decisions={"screening": None})).needed[0]["fact"]
        == "decisions.screening"
    )


# Days outside the program, met through another decision


def test_a_day_outside_is_refused_whether_or_not_the_decision_gets_that_far(
    program: Program,
) -> None:
    facts = arrest(
        "1999-01-01", now="2019-06-01T12:00:00Z", case={"referred_at": "2019-06-01T12:00:00Z"}
    )
    with pytest.raises(rules.RequestError) as refused:
        program.decide("filing", facts)
    assert (refused.value.code, refused.value.at.path) == ("outside-program", "encounter.date")


def test_an_attested_answer_from_a_day_outside_can_still_be_read(program: Program) -> None:
    facts = arrest("1999-01-01", now="2019-06-01T12:00:00Z", decisions={"eligibility": "eligible"})
    decision = program.decide("filing", facts)
    assert (decision.outcome, decision.as_json()["status"]) == ("hold", "decided")
    with pytest.raises(rules.RequestError):
        program.decide("eligibility", facts)


# Numbers


@pytest.mark.parametrize(
    ("grams", "outcome"),
    [([3], "eligible"), ([3.0], "eligible"), ([0.1, 0.2, 2.7], "eligible"),
     ([0.1] * 30, "eligible"), ([3.000001], "ineligible"), ([0.1, 0.2, 2.700001], "ineligible"),
     ([999_999_999_999.999], "ineligible")],
)  # fmt: skip
def test_amounts_are_exact(program: Program, grams: list[float], outcome: str) -> None:
    facts = arrest(encounter={"date": "2015-06-01", "drugs": [{"grams": one} for one in grams]})
    assert program.decide("eligibility", facts).outcome == outcome


@pytest.mark.parametrize(
    "grams", [1e12, 0.0000001, float("nan"), float("inf"), True, "3", -0.5, 10**400]
)
def test_an_amount_that_is_no_exact_number_in_range_is_refused(
    program: Program, grams: Any
) -> None:
    with pytest.raises(rules.FactsError) as refused:
        program.decide("eligibility", arrest(grams=grams))
    assert refused.value.at.path == "encounter.drugs[0].grams"


# Doubts


def test_a_doubt_about_what_another_decision_rests_on_is_passed_on(program: Program) -> None:
    decision = program.decide("admission", arrest("2019-01-01", 9, offer={"accepted": True}))
    assert (decision.outcome, decision.provisional) == ("not_eligible", ["the day is a guess"])
    assert (
        program.decide("admission", arrest("2015-06-01", 9, offer={"accepted": True})).provisional
        == []
    )


def test_the_same_facts_in_another_order_give_the_same_answer(program: Program) -> None:
    def turned(value: Any) -> Any:
        return (
            {key: turned(value[key]) for key in reversed(list(value))}
            if isinstance(value, dict)
            else value
        )

    facts = arrest(
        "2019-01-01",
        4,
        now="2019-01-02T00:00:00Z",
        case={"missed_contacts": 1, "intake_at": "2019-01-01T12:00:00Z"},
    )
    for name in program.pack.decisions:
        one, other = (
            program.decide(name, given).as_json(considered=True) for given in (facts, turned(facts))
        )
        assert one == other
