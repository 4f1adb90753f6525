"""Test a case as an agency sees it: its sources, conflicts, corrections, and decisions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rules
from exchange.records.content_checks import check_content
from offramp.agency.cases.case import Case
from offramp.agency.cases.case_entry import LATEST, CaseEntry
from offramp.agency.cases.decision_record import content_of, contents
from rules.input.vocabulary import nested
from rules.shelf import load, vocabulary

SANTA_FE = load("santa-fe")
NOW = "2026-06-16T09:00:00Z"
WORDS = vocabulary()


def said(
    by: str,
    role: str,
    place: float,
    facts: dict[str, Any] | None = None,
    record: str | None = "r",
    **more: Any,
) -> CaseEntry:
    record = f"{record}{place:.0f}" if record == "r" else record
    return CaseEntry(by, role, place, record, "p", facts or {}, more.pop("outcomes", {}), **more)


def case(*stated: CaseEntry, recalled: tuple[tuple[str, str], ...] = ()) -> Case:
    return Case(stated, WORDS, dict.fromkeys(recalled, LATEST), here="program")


def value(found: Case, path: str) -> Any:
    return found.known[path].value if path in found.known else None


GRAMS = "encounter.drugs"


def heroin(grams: float) -> dict[str, Any]:
    return {GRAMS: [{"id": "0" * 16, "kind": "opioid", "form": "weighed", "grams": grams}]}


# Whose word counts


def test_the_newest_word_of_an_agency_counts_and_ids_of_entries_are_not_seen_by_the_rules() -> None:
    found = case(said("police", "police", 5, heroin(2.4)), said("police", "police", 3, heroin(4.0)))
    assert value(found, GRAMS) == [{"kind": "opioid", "form": "weighed", "grams": 2.4}]
    assert found.known[GRAMS].entry.record == "r5"


def test_two_agencies_that_differ_make_a_fact_unknown_with_both_named() -> None:
    found = case(
        said("police", "police", 3, {"person.age": 17}),
        said("program", "program", 4, {"person.age": 18}),
    )
    assert "person.age" not in found.known
    assert {one.entry.by: one.value for one in found.conflicts["person.age"]} == {
        "police": 17,
        "program": 18,
    }


def test_two_agencies_that_agree_do_not_and_the_order_of_a_list_says_nothing() -> None:
    one = {"id": "0" * 16, "conduct": "possession", "violent": False}
    two = {"id": "1" * 16, "conduct": "theft", "violent": None}
    mine, theirs = (
        {"encounter.charges": [one, two]},
        {"encounter.charges": [{**two, "id": "2" * 16}, {**one, "id": "3" * 16}]},
    )
    found = case(said("police", "police", 3, mine), said("prosecutor", "prosecutor", 4, theirs))
    assert not found.conflicts and value(found, "encounter.charges") is not None


def test_an_agency_that_takes_its_word_back_leaves_the_others_word() -> None:
    found = case(
        said("police", "police", 3, {"person.age": 17}),
        said("program", "program", 4, {"person.age": 18}),
        said("police", "police", 5, {"person.age": None}),
    )
    assert value(found, "person.age") == 18


def test_a_correction_supersedes_only_its_own() -> None:
    wrong, other = (
        said("police", "police", 3, {"person.age": 17}),
        said("program", "program", 4, {"person.age": 18}),
    )
    right = said("police", "police", 5, {"person.age": 18}, corrects=("r3", "p"))
    assert value(case(wrong, other, right), "person.age") == 18
    # Of another's part it corrects nothing.
    foreign = said("program", "program", 5, {"person.in_area": True}, corrects=("r3", "p"))
    assert "person.age" in case(wrong, other, foreign).conflicts


def test_a_correction_stands_in_the_place_of_what_it_corrects() -> None:
    weighed, later = (
        said("police", "police", 3, heroin(4.0)),
        said("police", "police", 6, heroin(2.4)),
    )
    typo = said("police", "police", 9, heroin(3.9), corrects=("r3", "p"))
    again = said("police", "police", 10, heroin(3.8), corrects=("r9", "p"))
    assert value(case(weighed, later, typo, again), GRAMS)[0]["grams"] == 2.4
    assert value(case(weighed, typo, again), GRAMS)[0]["grams"] == 3.8


def test_what_its_issuer_asks_back_counts_no_more() -> None:
    found = case(
        said("clinic", "treatment_provider", 3, {"case.relapses": 2}), recalled=(("r3", "p"),)
    )
    assert "case.relapses" not in found.known


@pytest.mark.parametrize("by", ["police", "program", "case_management", "treatment_provider"])
def test_a_judgment_is_its_humans_own(by: str) -> None:
    found = case(
        said("x", by, 3, {"approval.prosecutor": "declined"}),
        said("da", "prosecutor", 4, {"approval.prosecutor": "approved"}),
    )
    assert value(found, "approval.prosecutor") == "approved"


def test_that_a_crime_is_egregious_is_for_the_prosecutor_to_say() -> None:
    charge = {
        "id": "0" * 16,
        "conduct": "other",
        "violent": True,
        "egregious": True,
        "evidence_origin": "independent",
    }
    found = case(said("police", "police", 3, {"case.new_charges": [charge]}))
    answer = found.decide(SANTA_FE, "ejection", NOW)
    assert answer.status == "undetermined" and [one["ask"] for one in answer.needed] == [
        "prosecutor"
    ]
    theirs = case(said("da", "prosecutor", 3, {"case.new_charges": [charge]}))
    assert theirs.decide(SANTA_FE, "ejection", NOW).outcome == "prosecutor_may_eject"


def test_the_last_word_on_eligibility_is_the_prosecutors() -> None:
    program = said("program", "program", 9, outcomes={"eligibility": "eligible"})
    prosecutor = said("da", "prosecutor", 4, outcomes={"eligibility": "ineligible"})
    assert case(program, prosecutor).attested["eligibility"].value == "ineligible"
    assert case(program).attested["eligibility"].value == "eligible"
    # Two prosecutors who differ leave it open, and nobody below them decides it for them.
    other = said("ag", "prosecutor", 5, outcomes={"eligibility": "eligible"})
    assert "eligibility" not in case(program, prosecutor, other).attested


def test_a_determination_that_differs_changes_no_fact_and_not_what_the_rules_say() -> None:
    facts = {"encounter.date": "2026-06-02", **heroin(9.1)}
    human = said("da", "prosecutor", 5, outcomes={"eligibility": "eligible"})
    found = case(said("police", "police", 3, facts), human)
    assert found.decide(SANTA_FE, "eligibility", NOW).outcome == "ineligible"
    assert value(found, GRAMS)[0]["grams"] == 9.1


# Events


INTAKE = "case.intake_at"
REFERRED = {"case.referred_at": "2026-04-01T10:00:00Z", "case.charge_held": True}


def test_silence_counts_only_where_whoever_knows_may_speak() -> None:
    """A missing intake is a ground to file only if the case manager could have reported one."""
    # After a declined offer the intake doesn't matter, so the person accepted it here.
    accepted = said("police", "police", 2, {"offer.accepted": True})
    found = case(accepted, said("da", "prosecutor", 3, REFERRED))
    assert found.decide(SANTA_FE, "filing", NOW).outcome == "prosecutor_may_file"
    untold = found.decide(SANTA_FE, "filing", NOW, silent=frozenset({INTAKE}))
    assert (untold.status, untold.outcome) == ("undetermined", None)
    assert [(one["fact"], one["ask"]) for one in untold.needed] == [(INTAKE, "case_management")]


def test_an_event_in_conflict_is_neither_recorded_nor_not() -> None:
    found = case(
        said("da", "prosecutor", 3, REFERRED),
        said("crossroads", "case_management", 4, {INTAKE: "2026-04-10T10:00:00Z"}),
        said("program", "program", 5, {INTAKE: "2026-05-28T10:00:00Z"}),
    )
    answer = found.decide(SANTA_FE, "filing", NOW)
    assert answer.status == "undetermined"
    (needed,) = [one for one in answer.needed if one["fact"] == INTAKE]
    assert {one["by"] for one in needed["conflict"]} == {"crossroads", "program"}
    # What doesn't read it stands.
    (other_needs,) = [found.decide(SANTA_FE, "eligibility", NOW).needed]
    assert INTAKE not in {one["fact"] for one in other_needs}


MORNING = "2026-06-16T08:00:00Z"
UNTOLD = frozenset({INTAKE, "case.plan_at", "case.last_review_at", "case.last_contact_at"})


@pytest.mark.parametrize(
    ("decision", "outcome"), [("screening", "proceed"), ("offer", "may_offer")]
)
def test_before_consent_police_and_prosecutor_get_an_answer(decision: str, outcome: str) -> None:
    """Four events are untold and the clock has moved since the referral: the answer reads none."""
    facts = {
        "case.referred_at": MORNING,
        "encounter.date": "2026-06-16",
        "encounter.route": "arrest",
        "encounter.charges": [{"conduct": "possession", "violent": False}],
        "person.age": 27,
        "person.in_area": True,
        "judgment.amenable": True,
        **heroin(2.4),
    }
    history = {"history.convictions": [], "history.treatment_court": False}
    found = case(said("police", "police", 3, facts), said("da", "prosecutor", 4, {}))
    own = history if decision == "screening" else None
    answer = found.decide(SANTA_FE, decision, NOW, own, silent=UNTOLD)
    assert (answer.status, answer.outcome) == ("decided", outcome), answer.needed


def test_one_answer_costs_one_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    decided = []
    plain = rules.Program.decide

    def counted(program: rules.Program, *rest: Any) -> Any:
        decided.append(rest)
        return plain(program, *rest)

    monkeypatch.setattr(rules.Program, "decide", counted)
    case(said("da", "prosecutor", 3, REFERRED)).decide(SANTA_FE, "filing", NOW, silent=UNTOLD)
    assert len(decided) == 1


# Laws that hold for all cases

AGENCIES = [
    ("police", "police"),
    ("da", "prosecutor"),
    ("program", "program"),
    ("crossroads", "case_management"),
]
FACTS = {
    "person.age": st.sampled_from([17, 27]),
    "encounter.date": st.just("2026-06-02"),
    "encounter.route": st.sampled_from(["arrest", "social_contact"]),
    GRAMS: st.sampled_from([2.4, 9.1]).map(lambda grams: heroin(grams)[GRAMS]),
    "judgment.amenable": st.booleans(),
    "approval.prosecutor": st.sampled_from(["approved", "declined"]),
    "case.referred_at": st.sampled_from(["2026-06-02T10:00:00Z", "2026-03-02T10:00:00Z"]),
    INTAKE: st.sampled_from(["2026-06-04T10:00:00Z", "2026-06-15T10:00:00Z"]),
    "case.charge_held": st.booleans(),
}


@st.composite
def stories(draw: st.DrawFn) -> tuple[CaseEntry, ...]:
    found = []
    for number in range(draw(st.integers(1, 8))):
        by, role = draw(st.sampled_from(AGENCIES))
        paths = draw(st.lists(st.sampled_from(sorted(FACTS)), min_size=1, max_size=4, unique=True))
        found.append(
            CaseEntry(
                by,
                role,
                float(number),
                f"{number:032x}",
                f"{number:016x}",
                {path: draw(FACTS[path]) for path in paths},
                {},
            )
        )
    return tuple(found)


@given(stories(), st.randoms())
def test_the_order_in_which_records_come_says_nothing(
    stated: tuple[CaseEntry, ...], chance: Any
) -> None:
    shuffled = list(stated)
    chance.shuffle(shuffled)
    for decision in ("eligibility", "filing", "ejection"):
        one, other = (
            Case(each, WORDS).decide(SANTA_FE, decision, NOW).as_json()
            for each in (stated, shuffled)
        )
        assert one == other


@given(stories())
def test_whoever_adds_a_conflict_only_makes_more_possible(stated: tuple[CaseEntry, ...]) -> None:
    """Nobody can turn an answer around by contradicting somebody: what was possible stays so."""
    before = Case(stated, WORDS)
    liar = CaseEntry(
        "clinic",
        "treatment_provider",
        99.0,
        "f" * 32,
        "f" * 16,
        {path: said.value for path, said in _other(before).items()},
        {},
    )
    after = Case((*stated, liar), WORDS)
    for decision in ("eligibility", "filing"):
        assert set(before.decide(SANTA_FE, decision, NOW).possible) <= set(
            after.decide(SANTA_FE, decision, NOW).possible
        )


def _other(found: Case) -> dict[str, Any]:
    """Return another value for each known fact that is no judgment and governs no decision."""
    others = {
        "person.age": 40,
        "encounter.route": "community",
        INTAKE: "2026-06-09T10:00:00Z",
        "case.charge_held": None,
    }
    return {
        path: type(one)(others[path] if others[path] is not None else not one.value, one.entry)
        for path, one in found.known.items()
        if path in others
    }


TIMES = st.sampled_from(
    [
        "2026-01-01T00:00:00Z",
        "2026-03-02T10:00:00Z",
        "2026-06-02T10:00:00Z",
        "2026-06-05T09:59:59Z",
        "2026-06-16T09:00:00Z",
        "2026-07-01T00:00:00Z",
    ]
)
EVENTS = sorted(path for path, fact in WORDS.facts.items() if fact.kind == "event")


@st.composite
def eventful_stories(draw: st.DrawFn) -> tuple[CaseEntry, ...]:
    """Draw a story in which agencies state events, often at different times."""
    parts = []
    for number in range(draw(st.integers(0, 4))):
        by, role = draw(st.sampled_from(AGENCIES))
        paths = draw(st.lists(st.sampled_from(EVENTS), min_size=1, max_size=3, unique=True))
        facts = {path: draw(TIMES) for path in paths} | {"case.charge_held": True}
        parts.append(CaseEntry(by, role, 10.0 + number, f"{number:032x}", "p", facts, {}))
    return tuple(parts)


@given(
    stories(),
    eventful_stories(),
    st.frozensets(st.sampled_from(EVENTS)),
    st.sampled_from(["admission", "filing", "review", "ejection", "eligibility", "offer"]),
    st.data(),
)
def test_a_decided_answer_is_that_of_every_reading(
    stated: tuple[CaseEntry, ...],
    events: tuple[CaseEntry, ...],
    untold: frozenset[str],
    decision: str,
    data: st.DataObject,
) -> None:
    """A reading chooses a time, or none, for each doubtful event. None contradicts the answer."""
    found = Case((*stated, *events), WORDS)
    answer = found.decide(SANTA_FE, decision, NOW, silent=untold)
    known = {path: entry.value for path, entry in found.known.items()}
    outcomes = {f"{name}": entry.value for name, entry in found.attested.items()}
    doubtful = dict.fromkeys(untold - set(known))
    choices: dict[str, list[Any]] = {
        path: [None, "2026-01-01T00:00:00Z", "2026-06-02T10:00:00Z", "2026-06-15T23:00:00Z", NOW]
        for path in doubtful
    }
    for path in set(EVENTS) & set(found.conflicts):
        choices[path] = [None, *(entry.value for entry in found.conflicts[path])]
    for _ in range(6):
        reading = {path: data.draw(st.sampled_from(values)) for path, values in choices.items()}
        facts = nested({**known, **{path: at for path, at in reading.items() if at is not None}})
        ruling = SANTA_FE.decide(decision, {**facts, "now": NOW, "decisions": outcomes})
        assert set(ruling.possible) <= set(answer.possible)
        if answer.status == "decided":
            assert (ruling.status, ruling.outcome) == ("decided", answer.outcome)
    if answer.status == "undetermined":
        assert answer.needed


# As a record


@given(stories(), st.sampled_from(["eligibility", "admission", "filing", "ejection", "review"]))
def test_every_part_of_a_decision_is_a_content_that_its_categories_may_hold(
    stated: tuple[CaseEntry, ...], decision: str
) -> None:
    answer = Case(stated, WORDS).decide(SANTA_FE, decision, NOW)
    made = contents(answer)
    assert made
    for categories, held in made.items():
        check_content("decision", categories, content_of(categories, held))
        for need in held.get("needed", ()):
            assert (
                need["fact"].startswith("decisions.")
                or need["fact"] in ("now", "as_of")
                or _category(need["fact"]) in (*categories, "operation")
            )
    reasons = [one["rule"] for held in made.values() for one in held.get("reasons", ())]
    assert sorted(reasons) == sorted(reason["rule"] for reason in answer.reasons)


@given(stories(), st.sampled_from(["eligibility", "filing", "ejection"]))
def test_the_parts_that_it_names_suffice_to_work_it_out_again(
    stated: tuple[CaseEntry, ...], decision: str
) -> None:
    made = contents(Case(stated, WORDS).decide(SANTA_FE, decision, NOW))
    named = {
        (one["record"], one["part"]) for held in made.values() for one in held.get("rests_on", ())
    }
    again = Case((one for one in stated if (one.record, one.part) in named), WORDS)
    assert contents(again.decide(SANTA_FE, decision, NOW)) == made


def test_screening_tells_one_word_and_nothing_of_the_record() -> None:
    own = {
        "history.convictions": [{"class": "violent", "date": "2015-01-01"}],
        "history.treatment_court": False,
    }
    found = case(said("police", "police", 3, {"encounter.date": "2026-06-02"}))
    answer = found.decide(SANTA_FE, "screening", NOW, own)
    assert answer.outcome == "attorney_to_decide"
    made = contents(answer)
    assert list(made) == [("screening_outcome",)]
    assert not {"reasons", "needed", "rests_on", "unshown"} & set(made["screening_outcome",])


def _category(path: str) -> str:
    fact = WORDS.facts.get(path) or WORDS.facts[path.rpartition(".")[0]]
    return fact.category


def test_what_is_not_logged_yet_decides_and_is_shown_to_nobody() -> None:
    pending = CaseEntry(
        "police",
        "police",
        LATEST,
        "a" * 32,
        "b" * 16,
        {"encounter.date": "2026-06-02", "person.age": 17},
        {},
    )
    answer = Case((pending,), WORDS).decide(SANTA_FE, "eligibility", NOW)
    assert answer.outcome == "ineligible"
    made = contents(answer)
    assert not any(held.get("rests_on") for held in made.values())
    assert (
        {"person.age", "encounter.date"}
        >= {path for held in made.values() for path in held.get("unshown", ())}
        != set()
    )


def test_a_decision_that_no_program_knows_is_refused() -> None:
    with pytest.raises(rules.RequestError):
        case().decide(SANTA_FE, "parole", NOW)
