"""Mistakes in real cases: corrections, recalls, and what rests on them, with three agencies.

`crossroads` works `eligibility` out, because the directory lists no program.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.consent.reduction import represents
from exchange.errors import ExchangeError
from exchange.records.kinds import kinds
from offramp.agency import operations, wording
from offramp.agency.cases.caseload import case_of, handles, utc
from offramp.agency.cases.draft import Draft
from offramp.agency.cases.pack_terms import terms_of
from offramp.agency.cases.people import person_name
from offramp.agency.cases.tally import tally_case
from offramp.agency.folder.destruction import empty_note, note_has_content
from offramp.agency.folder.office import Office
from offramp.agency.hub_link import delivery
from offramp.agency.hub_link.delivery import pull_inbox, send_outbox
from offramp.agency.hub_link.duties import run_duties
from offramp.agency.operations import evidence, records
from offramp.agency.operations.access import BEGIN, DECLARED, needs
from rules.errors import Refusal
from tests.conftest import ROOT
from tests.support.agencies import ROLES, Town
from tests.support.refused import refused
from tests.support.simulator import DAY, FORM, HOUR, grant, part
from tests.support.staff import founder_of

CASE = "7c5fe888" + "0" * 24
OFFER = ("offer_and_hand_off", "offer_at_scene")
AMENABLE, DRUGS, DATE = "judgment.amenable", "encounter.drugs", "encounter.date"
BY = "Officer Lund"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Agencies whose operations reach the hub in memory. Each test has a case of its own."""
    made = Town(tmp_path_factory.mktemp("town"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delivery, "link_of", lambda office: made.link(office.agency))
        patch.setattr(records, "link_of", lambda office: made.link(office.agency))
        patch.setattr(evidence, "link_of", lambda office: made.link(office.agency))
        yield made


@pytest.fixture
def case(request: pytest.FixtureRequest) -> str:
    return request.node.name.encode().hex()[-32:].rjust(32, "0")


def drugs(grams: float) -> list[dict[str, Any]]:
    return [{"id": "0" * 16, "kind": "opioid", "form": "weighed", "grams": grams}]


FACTS = {DATE: "2026-11-02", "encounter.route": "arrest", DRUGS: drugs(2.4), AMENABLE: True}


def deliver(town: Town, *names: str) -> None:
    """Send and pull for these agencies, or all."""
    for name in (*names, *names) or (*town.at, *town.at):
        send_outbox(town.link(name))
        pull_inbox(town.link(name))


def refer(
    town: Town,
    case: str,
    *recipients: str,
    facts: Mapping[str, Any] = FACTS,
    charge: Mapping[str, Any] | None = None,
) -> str:
    """Refer a person, and let every recipient open what arrived."""
    to = dict.fromkeys(recipients, OFFER)
    says = {"answer": "accepted"}
    contact = {"given_name": "Maria", "family_name": "Rael", "facts": {"person.age": 27}}
    parts = [
        part("contact", contact, to=to, says=says, use="none"),
        part("encounter", {"facts": dict(facts)}, to=to, says=says, use="none"),
    ]
    if charge is not None:
        charges = {"facts": {"encounter.charges": [charge]}}
        parts.append(part("charge", charges, to=to, says=says, use="none"))
    record = operations.send_record(town.at["police"], "referral", Draft(tuple(parts)), case)
    deliver(town)
    for name in recipients:
        operations.open_case(town.at[name], "Rosa Quintana", case)
    deliver(town)
    return record.id


def known(town: Town, agency: str, case: str) -> dict[str, Any]:
    view = case_of(town.at[agency].working_set(), case)
    return {path: source.value for path, source in view.known.items()}


def sources(town: Town, agency: str, case: str) -> dict[str, str]:
    """Return who stated each fact on the page of the case, and on which day."""
    described = operations.describe_case(town.at[agency], case)
    return {fact.path: fact.source for fact in described.facts}


def grams(town: Town, agency: str, case: str) -> Any:
    listed = known(town, agency, case).get(DRUGS)
    return listed[0]["grams"] if listed else None


def consent(town: Town, case: str, *grants: dict[str, Any]) -> None:
    parts = []
    for terms in grants:
        parties = {terms["discloser"], terms["recipient"]} - {"crossroads"}
        to = dict.fromkeys(parties, ("exchange_operation", "operation"))
        parts.append(part("consent_terms", to=to, says=terms))
    operations.record_consent(town.at["crossroads"], case, Draft(tuple(parts), FORM))
    deliver(town)


def exit_case(town: Town, case: str) -> None:
    """The case manager sends an exit to counsel, and so to nobody else."""
    to = {"defender": ("exchange_operation", "operation")}
    operations.send_record(town.at["crossroads"], "exit", Draft((part("operation", to=to),)), case)
    deliver(town)


def represent(town: Town, case: str) -> None:
    to = {"crossroads": ("exchange_operation", "operation")}
    says = {"agency": "defender"}
    appears = part("operation", to=to, says=says, use="none")
    operations.send_record(town.at["defender"], "representation", Draft((appears,)), case)
    deliver(town)


def task_texts(town: Town, agency: str, case: str) -> list[str]:
    return [task.what for task in operations.list_tasks(town.at[agency]) if task.case == case]


# Corrections by fact


def test_a_correction_restates_one_fact_and_the_rest_stands_as_it_was(
    town: Town, case: str
) -> None:
    record = refer(town, case, "crossroads", "prosecutor")
    before = known(town, "crossroads", case)
    found = operations.effects(town.at["police"], case, {DRUGS: drugs(7.9)})
    assert [(holder.agency, holder.why_not) for holder in found.holders] == [
        ("crossroads", None),
        ("prosecutor", None),
    ]
    first_day = sources(town, "crossroads", case)
    town.hub.clock += DAY
    made = operations.correct(town.at["police"], BY, case, {DRUGS: drugs(7.9)})
    assert [(sent.agency, sent.state) for sent in made.sent] == [
        ("crossroads", "sent"),
        ("prosecutor", "sent"),
    ]
    assert not made.untold
    deliver(town)
    for name in ("crossroads", "prosecutor"):
        # Nobody relies on the old value before the correction is opened.
        assert DRUGS not in known(town, name, case) and DATE not in known(town, name, case)
        operations.open_case(town.at[name], "Rosa Quintana", case)
        after = known(town, name, case)
        assert after.pop(DRUGS)[0]["grams"] == 7.9
        assert after == {path: value for path, value in before.items() if path != DRUGS}
    assert grams(town, "police", case) == 7.9
    # Each fact has the day on which its value was stated, also here.
    corrected = sources(town, "crossroads", case)
    next_day = corrected.pop(DRUGS)
    assert next_day != first_day.pop(DRUGS) and next_day.startswith("Police, ")
    assert corrected == first_day and all(", 20" in day for day in corrected.values())
    (noted,) = (day for path, day in sources(town, "police", case).items() if path == DRUGS)
    assert noted.partition(", ")[2] == next_day.partition(", ")[2]
    # By hand, only the changed fact needs to be restated too.
    encounter = next(
        part_id
        for part_id, label in town.at["crossroads"]
        .working_set()
        .gateway.received["police", record]
        .record.labels.items()
        if "encounter" in label.category
    )
    by_hand = part(
        "encounter",
        {"facts": {AMENABLE: None}},
        to={"crossroads": OFFER},
        says={"about": [record, encounter]},
        use="none",
    )
    operations.send_record(town.at["police"], "correction", Draft((by_hand,)), case)
    deliver(town)
    operations.open_case(town.at["crossroads"], "Rosa Quintana", case)
    after = known(town, "crossroads", case)
    assert AMENABLE not in after and after[DATE] == "2026-11-02" and after[DRUGS]


def test_a_slip_of_the_decimal_point_is_confirmed_at_each_entry(town: Town, case: str) -> None:
    """2,400 g in place of 2.400 g: no way to state it passes it on unasked."""
    refer(town, case, "crossroads")
    police = town.at["police"]
    slipped, before = {DRUGS: drugs(2_400)}, police.at
    found = operations.effects(police, case, slipped)
    assert [odd.text("en") for odd in found.odd] == ["weight is `2,400 g`, an unusual amount"]
    to, says = {"crossroads": OFFER}, {"answer": "accepted"}
    draft = Draft((part("encounter", {"facts": slipped}, to=to, says=says, use="none"),))
    begun, typed = f"{case[:-1]}f", [{"kind": "opioid", "form": "weighed", "grams": 2_400}]
    for state in (
        lambda **more: operations.correct(police, BY, case, slipped, **more),
        lambda **more: operations.note_facts(police, case, {"encounter": {"drugs": typed}}, **more),
        lambda **more: operations.send_record(police, "referral", draft, begun, **more),
    ):
        with refused("odd-amount"):
            state()  # type: ignore[no-untyped-call]  # a lambda
        assert police.at == before, "nothing is kept of it"
    assert not operations.effects(police, case, {DRUGS: drugs(999)}).odd
    state(although_odd=True)  # type: ignore[no-untyped-call]
    assert police.at > before


def test_the_note_of_a_correction_has_nothing_of_a_person_after_its_end(
    town: Town, case: str
) -> None:
    """The note holds the list that was corrected, so it is destroyed with the new values."""
    refer(town, case, "crossroads")
    police = town.at["police"]
    operations.correct(police, BY, case, {f"{DRUGS}[0].grams": 7.9})
    (note,) = police.working_set().cases.records(case).notes
    assert "opioid" in str(note.body["changes"]) and note_has_content(note)
    assert "opioid" not in str(empty_note(note.body)) and "7.9" not in str(empty_note(note.body))


def test_a_name_is_corrected_and_no_other_member_is_lost(town: Town, case: str) -> None:
    refer(town, case, "crossroads")
    operations.correct(town.at["police"], BY, case, {"contact.given_name": "María"})
    deliver(town)
    # Until somebody opens it, the rules know no age, and the person can still be found and called.
    crossroads = town.at["crossroads"]
    assert "person.age" not in known(town, "crossroads", case)
    people = operations.find(crossroads, "Maria Rael")
    (person,) = [person for person in people if case in {item.case for item in person.cases}]
    assert person.name == "Maria Rael" and person.is_being_corrected
    described = operations.describe_case(crossroads, case)
    assert described.about.person == "Maria Rael" and described.is_being_corrected
    corrections = [event.line for event in described.events if event.kind == "correction"]
    assert corrections == ["a correction of something sent before: identity and contact"]
    operations.open_case(town.at["crossroads"], "Rosa Quintana", case)
    for name in ("police", "crossroads"):
        assert person_name(town.at[name].working_set(), case) == "María Rael"
    assert known(town, "crossroads", case)["person.age"] == 27
    assert not operations.describe_case(crossroads, case).is_being_corrected


def test_a_correction_states_no_day_that_is_wrong_or_yet_to_come(town: Town, case: str) -> None:
    refer(town, case, "crossroads")
    born = part("contact", {"birth_date": "1999-01-02"}, to={"crossroads": OFFER}, use="none",
                says={"answer": "accepted"})  # fmt: skip
    operations.send_record(town.at["police"], "referral", Draft((born,)), case)
    consent(town, case, grant("crossroads", "prosecutor", ["intake_status"], ["filing_status"]))
    to = {"prosecutor": ("filing_status", "consent")}
    town.hub.clock += DAY
    met = utc(town.hub.clock - HOUR)
    done = part("intake_status", {"facts": {"case.intake_at": met}}, to=to)
    operations.send_record(town.at["crossroads"], "intake", Draft((done,)), case)
    for name, value, code in (
        (DATE, "2029-05-05", "not-yet"),
        (DATE, "2026-11-31", "no-such-day"),
        ("contact.birth_date", "2029-05-05", "not-yet"),
        ("case.intake_at", "2029-05-05T10:00:00Z", "not-yet"),
    ):
        office = town.at["crossroads" if name.startswith("case") else "police"]
        events = office.at
        with pytest.raises(Refusal) as caught:
            operations.correct(office, BY, case, {name: value})
        assert caught.value.code == code
        assert office.at == events, "nothing is kept of it"


def test_nobody_learns_from_a_correction_what_it_was_never_told(town: Town, case: str) -> None:
    refer(town, case, "crossroads")
    # The prosecutor is told less: nothing of the drugs.
    to = {"prosecutor": OFFER}
    less = part("encounter", {"facts": {"encounter.route": "arrest"}}, to=to, use="none",
                says={"answer": "accepted"})  # fmt: skip
    operations.send_record(town.at["police"], "referral", Draft((less,)), case)
    deliver(town)
    made = operations.correct(
        town.at["police"], BY, case, {DRUGS: drugs(7.9), "encounter.route": "social_contact"}
    )
    assert {sent.agency: sent.details for sent in made.sent} == {
        "crossroads": (DRUGS, "encounter.route"),
        "prosecutor": ("encounter.route",),
    }
    deliver(town)
    operations.open_case(town.at["prosecutor"], "Ada", case)
    assert DRUGS not in known(town, "prosecutor", case)
    assert known(town, "prosecutor", case)["encounter.route"] == "social_contact"
    with refused("never-told"):
        operations.correct(town.at["police"], BY, case, {"encounter.weapon": True})
    with refused("nothing-to-correct"):
        operations.correct(town.at["police"], BY, case, {DRUGS: drugs(7.9)})
    with refused("unlisted-person"):
        operations.correct(town.at["police"], " ", case, {DRUGS: drugs(1)})
    with refused("never-told"):
        operations.correct(town.at["crossroads"], "Rosa", case, {DRUGS: drugs(1)})


def test_a_holder_whose_consent_ended_is_named_and_told_after_a_new_one(
    town: Town, case: str
) -> None:
    consent(
        town, case,
        grant("crossroads", "prosecutor", ["intake_status"], ["diversion_coordination"]),
        grant("crossroads", "defender", ["intake_status"], ["legal_representation"]),
    )  # fmt: skip
    represent(town, case)
    done = "2026-11-02T17:00:00Z"
    to = {
        "prosecutor": ("diversion_coordination", "consent"),
        "defender": ("legal_representation", "consent"),
    }
    content = {"done_on": "2026-11-02", "facts": {"case.intake_at": done}}
    intake = part("intake_status", content, to=to)
    crossroads = town.at["crossroads"]
    operations.send_record(crossroads, "intake", Draft((intake,)), case)
    deliver(town)
    # The day of that time isn't asked for beside it, and is corrected with it.
    listed = [detail.name for detail in operations.list_correctable(crossroads, case)]
    assert "case.intake_at" in listed and "intake_status.done_on" not in listed
    earlier = operations.effects(crossroads, case, {"case.intake_at": "2026-11-01T17:00:00Z"})
    days = {item.value for item in earlier.holders if item.name == "intake_status.done_on"}
    assert days == {"2026-11-01"}
    operations.revoke_consent(crossroads, case, recipient="prosecutor")
    right = {"case.intake_at": "2026-11-02T10:00:00Z"}
    (unreachable,) = [
        holder
        for holder in operations.effects(crossroads, case, right).holders
        if holder.why_not is not None
    ]
    assert unreachable.agency == "prosecutor" and unreachable.why_not
    made = operations.correct(crossroads, "Rosa Quintana", case, right)
    assert [sent.agency for sent in made.sent] == ["defender"]
    assert [holder.agency for holder in made.untold] == ["prosecutor"]
    assert any(
        "`prosecutor` has an old value" in text for text in task_texts(town, "crossroads", case)
    )
    # A new consent lets the gateway send it by itself, in nobody's name.
    later = grant("crossroads", "prosecutor", ["intake_status"], ["diversion_coordination"],
                  id="f" * 16)  # fmt: skip
    consent(town, case, later)
    assert operations.act_automatically(crossroads) == 1
    deliver(town)
    operations.open_case(town.at["prosecutor"], "Ada", case)
    assert known(town, "prosecutor", case)["case.intake_at"] == right["case.intake_at"]
    assert not any("old value" in text for text in task_texts(town, "crossroads", case))
    assert operations.act_automatically(crossroads) == 0


# A later value, and decisions that rest on it


def test_a_later_value_reaches_whoever_asked_and_the_decision_is_made_again(
    town: Town, case: str
) -> None:
    """X06: the question was answered, and then the value changed."""
    facts = {DATE: "2026-11-02", "encounter.route": "arrest"}
    charge = {"id": "0" * 16, "conduct": "possession", "authority": "state"}
    refer(town, case, "crossroads", facts=facts, charge=charge)
    police, crossroads = town.at["police"], town.at["crossroads"]
    operations.ask(crossroads, case, "eligibility")
    deliver(town)
    operations.open_case(police, BY, case)
    noted = operations.note_facts(police, case, {"judgment": {"amenable": True}})
    assert [answer.recipient for answer in noted.answers] == [
        "crossroads"
    ] and not noted.corrections
    deliver(town)
    operations.open_case(crossroads, "Rosa Quintana", case)
    assert operations.decide(crossroads, case, "eligibility").answer.outcome == "eligible"
    operations.determine(crossroads, "Rosa Quintana", case, "eligibility", "eligible", "rules")
    assert not operations.read_case(crossroads, case).outdated
    town.hub.clock += HOUR
    noted = operations.note_facts(police, case, {"judgment": {"amenable": False}})
    assert [(sent.agency, sent.state) for sent in noted.corrections] == [("crossroads", "sent")]
    deliver(town)
    # Until somebody opens the correction, nothing is decided on the old value.
    answered = operations.decide(crossroads, case, "eligibility")
    assert answered.answer.status == "undetermined" and AMENABLE in answered.answer.unopened
    with refused("correction-unopened"):
        operations.determine(crossroads, "Rosa", case, "eligibility", "eligible", "rules")
    view = operations.open_case(crossroads, "Rosa Quintana", case)
    answered = operations.decide(crossroads, case, "eligibility")
    assert answered.answer.outcome == "ineligible"
    (flagged,) = answered.outdated
    assert (flagged.decision, flagged.by) == ("eligibility", "Rosa Quintana")
    assert flagged in view.outdated
    assert [text for text in task_texts(town, "crossroads", case) if "`eligibility` again" in text]
    town.hub.clock += HOUR
    operations.determine(crossroads, "Rosa Quintana", case, "eligibility", "ineligible", "rules")
    assert not operations.decide(crossroads, case, "eligibility").outdated
    # The same value once more is no correction.
    assert not operations.note_facts(police, case, {"judgment": {"amenable": False}}).corrections


def test_a_closed_correction_is_opened_first_and_flags_its_facts_once(
    town: Town, case: str
) -> None:
    """Its label names a category. Nothing it may change counts, and no fact has a line or task."""
    refer(town, case, "crossroads", "prosecutor")
    police, crossroads = town.at["police"], town.at["crossroads"]
    operations.determine(crossroads, "Rosa Quintana", case, "eligibility", "eligible", "rules")
    town.hub.clock += HOUR
    operations.correct(police, BY, case, {AMENABLE: False})
    deliver(town)
    closed = case_of(crossroads.working_set(), case).unopened
    assert {DRUGS, DATE, AMENABLE, "encounter.route"} <= set(closed)
    assert not set(closed) & set(known(town, "crossroads", case))
    terms = terms_of(crossroads.working_set())
    zone = ZoneInfo("America/Denver")
    text = "\n".join(wording.case_lines(operations.read_case(crossroads, case), zone, terms))
    assert text.count("OPEN FIRST: police sent a correction") == 1
    assert "the drugs" in text and "`agency case DIR CASE --open`" in text
    assert "PERHAPS OUT OF DATE: crossroads's decision on eligibility" in text
    assert "What drugs were found?" not in text, "nobody is asked for what was told"
    tasks = task_texts(town, "crossroads", case)
    assert [each for each in tasks if "correct" in each] == [
        "Open what `police` sent: a correction of something sent before. Until then, what it may "
        "change counts as not known (the encounter at the scene). Before you decide or ask: "
        f"`agency case {case[:8]} --open`."
    ]
    with refused("correction-unopened"):
        operations.ask(crossroads, case, "eligibility")
    operations.open_case(crossroads, "Rosa Quintana", case)
    assert any(
        "Decide `eligibility` again" in each for each in task_texts(town, "crossroads", case)
    )
    text = "\n".join(wording.case_lines(operations.read_case(crossroads, case), zone, terms))
    assert "OPEN FIRST" not in text and "OUT OF DATE: eligibility: Eligible" in text


def test_a_decision_made_before_the_correction_was_pulled_is_flagged(town: Town, case: str) -> None:
    """The correction is in the log before the decision, and nobody had seen it."""
    refer(town, case, "crossroads")
    operations.correct(town.at["police"], BY, case, {AMENABLE: False})
    crossroads = town.at["crossroads"]
    operations.determine(crossroads, "Rosa Quintana", case, "eligibility", "eligible", "rules")
    deliver(town)
    operations.open_case(crossroads, "Rosa Quintana", case)
    assert [one.decision for one in operations.read_case(crossroads, case).outdated] == [
        "eligibility"
    ]


def test_a_value_that_is_restored_flags_nothing(town: Town, case: str) -> None:
    refer(town, case, "crossroads")
    crossroads = town.at["crossroads"]
    operations.determine(crossroads, "Rosa Quintana", case, "eligibility", "eligible", "rules")
    deliver(town)
    for amenable in (False, True):
        operations.correct(town.at["police"], BY, case, {AMENABLE: amenable})
        deliver(town)
        operations.open_case(crossroads, "Rosa Quintana", case)
        assert bool(operations.read_case(crossroads, case).outdated) is not amenable


# After an exit


def test_a_correction_that_the_hub_refuses_after_an_exit_says_why(town: Town, case: str) -> None:
    refer(town, case, "crossroads")
    represent(town, case)
    exit_case(town, case)
    made = operations.correct(town.at["police"], BY, case, {DRUGS: drugs(7.9)})
    (sent,) = made.sent
    assert sent.is_refused
    # It waits for a person, and isn't tried again and again.
    assert operations.act_automatically(town.at["police"]) == 0
    (task,) = [text for text in task_texts(town, "police", case) if "old value" in text]
    assert "the hub refused the correction" in task
    # A consent lets it pass, when a person tries again.
    consent(town, case, grant("police", "crossroads", ["encounter"], ["diversion_coordination"]))
    made = operations.correct(town.at["police"], BY, case, {DRUGS: drugs(8.1)})
    assert [one.state for one in made.sent] == ["sent"]


def test_a_mistaken_exit_is_undone_and_gives_no_permission_back(town: Town, case: str) -> None:
    """X08: every agency that was told computes the case as open, as the one that took it back."""
    refer(town, case, "crossroads")
    represent(town, case)
    crossroads = town.at["crossroads"]
    exit_case(town, case)
    for name in ("crossroads", "defender"):
        assert case_of(town.at[name].working_set(), case).is_ended
    with refused("no-exit"):
        operations.recall(town.at["police"], BY, case, "mistaken_exit")
    preview = operations.preview_recall(crossroads, case, "mistaken_exit")
    assert preview.recipients == ("defender",) and not preview.records
    made = operations.recall(crossroads, "Rosa Quintana", case, "mistaken_exit")
    assert [record.state for record in made.records] == ["sent"]
    deliver(town)
    for name in ("crossroads", "defender"):
        view = case_of(town.at[name].working_set(), case)
        assert not view.is_ended and view.known.get("person.enrolled") is None
    assert task_texts(town, "crossroads", case)
    assert any("state it again" in text for text in task_texts(town, "defender", case))
    # The log still has the exit: police tell nothing more on the offer at the scene.
    (sent,) = operations.correct(town.at["police"], BY, case, {DRUGS: drugs(7.9)}).sent
    assert sent.is_refused
    operations.answer_recalls(town.at["defender"], "Ada Quill", case)
    represent(town, case)
    assert not any("state it again" in text for text in task_texts(town, "defender", case))
    with refused("no-exit"):
        operations.recall(crossroads, "Rosa Quintana", case, "mistaken_exit")
    # A later exit is an exit again.
    exit_case(town, case)
    assert case_of(crossroads.working_set(), case).is_ended


def test_a_wrong_fact_that_cannot_be_corrected_after_an_exit_counts_no_longer(
    town: Town, case: str
) -> None:
    """The offer at the scene ended, so nothing more is told on it. A recall needs no consent."""
    refer(town, case, "crossroads", "prosecutor")
    represent(town, case)
    exit_case(town, case)
    police = town.at["police"]
    sent = operations.correct(police, BY, case, {DRUGS: drugs(7.9)}).sent
    assert sent and all(each.is_refused for each in sent)
    assert grams(town, "prosecutor", case) == 2.4
    remedies = [text for text in task_texts(town, "police", case) if "wrong-fact" in text]
    assert len(remedies) == 2 and all(f"--detail {DRUGS} --to" in text for text in remedies)
    with refused("which-detail"):
        operations.recall(police, BY, case, "wrong_fact")
    made = operations.recall(police, BY, case, "wrong_fact", detail=DRUGS)
    assert made.recipients == ("crossroads", "prosecutor")
    assert [record.state for record in made.records] == ["sent"]
    deliver(town)
    for name in made.recipients:
        assert grams(town, name, case) is None
    assert known(town, "crossroads", case)["person.age"] == 27, "the other parts stay"
    assert grams(town, "police", case) == 7.9
    assert not task_texts(town, "police", case) or not any(
        "wrong-fact" in text for text in task_texts(town, "police", case)
    )


def test_a_representation_in_the_wrong_case_is_taken_back(town: Town, case: str) -> None:
    refer(town, case, "crossroads")
    represent(town, case)
    defender, crossroads = town.at["defender"], town.at["crossroads"]
    consent(
        town,
        case,
        grant("crossroads", "defender", ["status"], ["legal_representation"], id=case[:16]),
    )
    to = {"defender": ("legal_representation", "consent")}
    engaged = Draft((part("status", {"engagement": "engaged"}, to=to),))
    operations.send_record(crossroads, "status", engaged, case)
    deliver(town)
    preview = operations.preview_recall(defender, case, "mistaken_representation")
    assert [entry.kind for entry in preview.entries] == ["representation"]
    made = operations.recall(defender, "Ada Quill", case, "mistaken_representation")
    assert [record.state for record in made.records] == ["sent"]
    deliver(town)
    for name in ("defender", "crossroads"):
        assert not represents(town.at[name].working_set().gateway.state(case), "defender")
    with refused("not-permitted"):
        operations.send_record(crossroads, "status", engaged, case)
    assert not any("state it again" in text for text in task_texts(town, "defender", case))
    # It is no ghost: a right one is stated again.
    represent(town, case)
    assert operations.send_record(crossroads, "status", engaged, case).state == "sent"


def test_only_what_the_agency_stated_itself_can_be_corrected(town: Town, case: str) -> None:
    refer(town, case, "crossroads", "prosecutor")
    crossroads = town.at["crossroads"]
    consent(
        town, case, grant("crossroads", "prosecutor", ["status"], ["filing_status"], id=case[:16])
    )
    to = {"prosecutor": ("filing_status", "consent")}
    engaged = Draft((part("status", {"engagement": "engaged"}, to=to),))
    operations.send_record(crossroads, "status", engaged, case)
    deliver(town)
    # It acknowledged what it opened, and recorded a consent.
    assert [*operations.list_told(crossroads, case)] == ["status.engagement"]
    with refused("never-told"):
        operations.correct(crossroads, BY, case, {"operation.obligations": []})


# Recalls


def test_what_was_sent_about_the_wrong_person_counts_nowhere_and_is_deleted(
    town: Town, case: str
) -> None:
    record = refer(town, case, "crossroads", "prosecutor")
    police, crossroads = town.at["police"], town.at["crossroads"]
    operations.determine(crossroads, "Rosa Quintana", case, "eligibility", "eligible", "rules")
    operations.correct(police, BY, case, {DRUGS: drugs(7.9)})
    deliver(town)
    operations.open_case(crossroads, "Rosa Quintana", case)
    preview = operations.preview_recall(police, case, "wrong_person")
    assert preview.recipients == ("crossroads", "prosecutor")
    assert "eligibility" in [decision.decision for decision in preview.decisions]
    assert preview.draft["parts"][0]["content"]["contact"]["given_name"] == "Maria"
    made = operations.recall(police, BY, case, "wrong_person", record=record[:8])
    assert [one.state for one in made.records] == ["sent"]
    deliver(town)
    for name in ("police", "crossroads"):
        assert not {DRUGS, DATE, AMENABLE, "offer.accepted"} & set(known(town, name, case))
        assert person_name(town.at[name].working_set(), case) is None
    flagged = operations.read_case(crossroads, case).outdated
    assert [one.decision for one in flagged] == ["eligibility"]
    # A correction brings nothing of it back.
    with refused("never-told"):
        operations.correct(police, BY, case, {DRUGS: drugs(2.4)})
    with refused("nothing-to-recall"):
        operations.recall(police, BY, case, "wrong_person")
    answer = operations.answer_recalls(crossroads, "Rosa Quintana", case)
    assert len(answer.parts) == 3 and [one.state for one in answer.records] == ["sent"]
    assert operations.read_case(crossroads, case).outdated == flagged
    with refused("nothing-recalled"):
        operations.answer_recalls(crossroads, "Rosa Quintana", case)
    # The correction was opened, so it is deleted with the part that it corrected.
    for received in crossroads.working_set().gateway.received.values():
        if received.record is not None and received.record.issuer == "police":
            if received.record.case == case and received.record.kind != "recall":
                assert not received.opened
    prosecutor = town.at["prosecutor"]
    kept = operations.answer_recalls(prosecutor, "Ada", case, keep_because="law")
    assert kept.reason == "law" and AMENABLE not in known(town, "prosecutor", case)
    with refused("unknown-reason"):
        operations.answer_recalls(prosecutor, "Ada", case, keep_because="curiosity")
    deliver(town)
    town.hub.clock += 8 * DAY
    assert not any("Call" in text for text in task_texts(town, "police", case))


def counted(town: Town, name: str, case: str) -> Counter[str]:
    """What a case adds to an agency's reports."""
    office = town.at[name]
    working_set = office.working_set()
    assert case in handles(working_set)
    tally = tally_case(working_set, office.program(working_set), {}, case, town.hub.clock)
    return Counter(one[0] for each in tally.tallies for one in each.measures)


def test_a_recalled_referral_is_no_offer_for_anybody(town: Town, case: str) -> None:
    record = refer(town, case, "crossroads", "prosecutor")
    police, prosecutor = town.at["police"], town.at["prosecutor"]
    outcome = {"outcome": "proceed"}
    word = part("screening_outcome", outcome, to={"crossroads": OFFER}, use="none")
    operations.send_record(prosecutor, "screening_outcome", Draft((word,)), case)
    deliver(town)
    made = operations.recall(police, BY, case, "not_agreed", record=record[:8])
    assert {each.state for each in made.records} == {"sent"}
    deliver(town)
    # What the officer saw is true. That the person accepted it is not.
    assert DRUGS in known(town, "police", case)
    for name in ("police", "crossroads", "prosecutor"):
        assert not {"offer.accepted", "case.referred_at"} & set(known(town, name, case))
    for name in ("police", "prosecutor"):
        with refused("referral-recalled"):
            operations.send_record(town.at[name], "screening_outcome", Draft((word,)), case)
    assert counted(town, "police", case)["accepted"] == 0
    # The person agrees after all.
    refer(town, case, "crossroads", "prosecutor")
    assert known(town, "crossroads", case)["offer.accepted"] is True
    operations.send_record(prosecutor, "screening_outcome", Draft((word,)), case)


def test_a_recalled_status_and_exit_count_in_no_take_up(town: Town, case: str) -> None:
    refer(town, case, "crossroads")
    crossroads = town.at["crossroads"]

    represent(town, case)
    before = counted(town, "crossroads", case)
    told = grant("crossroads", "clinic", ["status"], ["treatment"], id=case[:16])
    consent(town, case, told)
    to = {"clinic": ("treatment", "consent")}
    engaged = part("status", {"engagement": "engaged"}, to=to)
    operations.send_record(crossroads, "status", Draft((engaged,)), case)
    exit_case(town, case)
    assert counted(town, "crossroads", case)["engaged"] == before["engaged"] + 1
    operations.recall(crossroads, "Rosa", case, "mistaken_exit")
    operations.recall(crossroads, "Rosa", case, "wrong_person", record="status")
    deliver(town)
    assert counted(town, "crossroads", case)["engaged"] == before["engaged"]


def test_the_wrong_recipient_is_asked_alone_and_called_after_two_days(
    town: Town, case: str
) -> None:
    refer(town, case, "crossroads", "prosecutor")
    police = town.at["police"]
    with refused("which-recipient"):
        operations.recall(police, BY, case, "wrong_recipient")
    made = operations.recall(police, BY, case, "wrong_recipient", recipient="prosecutor")
    assert made.recipients == ("prosecutor",)
    deliver(town)
    # The facts are true, and the other recipient keeps them.
    for name, is_known in (("police", True), ("crossroads", True), ("prosecutor", False)):
        assert (DRUGS in known(town, name, case)) is is_known
    assert not any("Call" in text for text in task_texts(town, "police", case))
    town.hub.clock += 2 * DAY + HOUR
    deliver(town)
    assert "Call `prosecutor`: it hasn't answered what you asked back." in task_texts(
        town, "police", case
    )
    # A correction goes to the other one only.
    made_again = operations.correct(police, BY, case, {DRUGS: drugs(5)})
    assert [sent.agency for sent in made_again.sent] == ["crossroads"]
    with refused("unknown-reason"):
        operations.recall(police, BY, case, "regret")


def test_the_account_names_only_the_recipients_that_a_recall_asked(town: Town, case: str) -> None:
    refer(town, case, "crossroads", "prosecutor")
    represent(town, case)
    operations.recall(town.at["police"], BY, case, "wrong_recipient", recipient="prosecutor")
    town.settle()
    rows = operations.fetch_account(town.at["defender"], case).statement.rows
    recalled = {row.to: row.recalled is not None for row in rows if row.category == "encounter"}
    assert recalled == {"crossroads": False, "prosecutor": True}
    # A second recall asks the other recipient, at its own time.
    town.hub.clock += HOUR
    operations.recall(town.at["police"], BY, case, "wrong_recipient", recipient="crossroads")
    town.settle()
    rows = operations.fetch_account(town.at["defender"], case).statement.rows
    times = {row.to: row.recalled for row in rows if row.category == "encounter"}
    assert times["crossroads"] is not None and times["prosecutor"] is not None
    assert times["crossroads"] > times["prosecutor"]


def test_what_is_still_queued_is_recalled_and_corrected_when_the_hub_has_it(
    town: Town, case: str
) -> None:
    town.hub.away = True
    to = {"crossroads": OFFER}
    says = {"answer": "accepted"}
    police = town.at["police"]
    encounter = part("encounter", {"facts": dict(FACTS)}, to=to, says=says, use="none")
    operations.send_record(police, "referral", Draft((encounter,)), case)
    made = operations.correct(police, BY, case, {DRUGS: drugs(7.9)})
    assert not made.sent and [holder.agency for holder in made.untold] == ["crossroads"]
    assert grams(town, "police", case) == 7.9
    town.hub.away = False
    deliver(town, "police")
    assert operations.act_automatically(police) == 1
    deliver(town)
    operations.open_case(town.at["crossroads"], "Rosa Quintana", case)
    assert grams(town, "police", case) == grams(town, "crossroads", case) == 7.9
    town.hub.away = True
    more = part("charge", {"facts": {}}, to=to, says=says, use="none")
    second = operations.send_record(police, "referral", Draft((more,)), case)
    made_back = operations.recall(police, BY, case, "duplicate", record=second.id[:8])
    assert made_back.queued and not made_back.records
    town.hub.away = False
    deliver(town, "police")
    assert operations.act_automatically(police) == 1
    deliver(town)
    (pending,) = town.at["crossroads"].working_set().gateway.pending_recalls(case)
    assert pending.record == second.id


def test_two_programs_that_correct_at_once_both_reach_every_holder(town: Town, case: str) -> None:
    refer(town, case, "crossroads")
    first, second = town.at["police"], town.office("police")
    operations.correct(first, BY, case, {DRUGS: drugs(7.9)})
    operations.correct(second, "Sergeant Ruiz", case, {DATE: "2026-11-01", AMENABLE: False})
    operations.correct(first, BY, case, {DRUGS: drugs(3.1)})
    second.close()
    deliver(town)
    operations.open_case(town.at["crossroads"], "Rosa Quintana", case)
    for name in ("police", "crossroads"):
        assert grams(town, name, case) == 3.1
        assert known(town, name, case)[DATE] == "2026-11-01"
        assert known(town, name, case)[AMENABLE] is False


# Any sequence

RECIPIENTS = ("crossroads", "prosecutor")
VALUES = {AMENABLE: (True, False), "encounter.route": ("arrest", "social_contact", "community")}
STEPS = st.one_of(
    st.tuples(
        st.just("tell"),
        st.sampled_from(RECIPIENTS),
        st.sets(st.sampled_from(sorted(VALUES)), min_size=1),
    ),
    st.sampled_from(sorted(VALUES)).flatmap(
        lambda path: st.tuples(st.just("correct"), st.just(path), st.sampled_from(VALUES[path]))
    ),
    st.tuples(st.just("recall"), st.sampled_from(RECIPIENTS), st.none()),
    st.tuples(st.sampled_from(["exit", "consent", "away", "back"]), st.none(), st.none()),
)
_NUMBERS = count(1)


class Story:
    """One case: what police believe, what each recipient was told, and what was asked back."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.case = f"{next(_NUMBERS):032x}"
        self.truth: dict[str, Any] = {path: values[0] for path, values in VALUES.items()}
        self.told: dict[str, set[str]] = {name: set() for name in RECIPIENTS}

    def take(self, step: tuple[str, Any, Any]) -> None:
        """Take a step as far as the rules permit it."""
        try:
            getattr(self, f"_{step[0]}")(*step[1:])
        except ExchangeError as error:
            assert error.code in ALLOWED, error

    def _tell(self, recipient: str, paths: set[str]) -> None:
        facts = {path: self.truth[path] for path in sorted(paths)}
        says = {"answer": "accepted"}
        told = part("encounter", {"facts": facts}, to={recipient: OFFER}, says=says, use="none")
        operations.send_record(self.town.at["police"], "referral", Draft((told,)), self.case)
        self.told[recipient] |= paths

    def _correct(self, path: str, value: Any) -> None:
        operations.correct(self.town.at["police"], BY, self.case, {path: value})
        self.truth[path] = value

    def _recall(self, recipient: str, _: None) -> None:
        operations.recall(
            self.town.at["police"], BY, self.case, "wrong_recipient", record="all",
            recipient=recipient,
        )  # fmt: skip
        self.told[recipient] = set()

    def _exit(self, *_: None) -> None:
        if not self.town.hub.away:
            exit_case(self.town, self.case)

    def _consent(self, *_: None) -> None:
        if not self.town.hub.away:
            grants = [
                grant("police", name, ["encounter"], ["diversion_coordination"],
                      id=self.case[-15:] + str(number))
                for number, name in enumerate(RECIPIENTS)
            ]  # fmt: skip
            consent(self.town, self.case, *grants)

    def _away(self, *_: None) -> None:
        self.town.hub.away = True

    def _back(self, *_: None) -> None:
        self.town.hub.away = False

    def settle(self) -> None:
        self.town.hub.away = False
        for _ in range(3):
            deliver(self.town, "police", *RECIPIENTS)
            operations.act_automatically(self.town.at["police"])
        deliver(self.town, "police", *RECIPIENTS)
        for name in RECIPIENTS:
            if self.case in self.town.at[name].working_set().cases:
                operations.open_case(self.town.at[name], founder_of(name), self.case)


# What a story may meet: nothing to correct or recall yet, a case that nobody knows yet, or a
# second exit.
ALLOWED = (
    "never-told",
    "nothing-to-correct",
    "nothing-to-recall",
    "no-such-case",
    "not-admitted",
    "not-permitted",
    "left-already",
)


@settings(max_examples=15, deadline=None)
@given(steps=st.lists(STEPS, min_size=2, max_size=8))
def test_any_sequence_leaves_each_holder_with_the_last_value_that_it_may_have(
    town: Town, steps: list[tuple[str, Any, Any]]
) -> None:
    story = Story(town)
    for step in (("tell", "crossroads", {AMENABLE}), *steps):
        story.take(step)
    story.settle()
    untold = task_texts(town, "police", story.case)
    for name in RECIPIENTS:
        if story.case not in town.at[name].working_set().cases:
            continue
        values = known(town, name, story.case)
        for path in VALUES:
            # Nobody learns from a correction what it was never told, or what was asked back.
            if path not in story.told[name]:
                assert path not in values, (name, path)
            elif values.get(path) != story.truth[path]:
                assert any(f"`{name}` has an old value of `{path}`" in text for text in untold) or (
                    _was_refused(town, story.case, name)
                ), (name, path, values.get(path), story.truth[path])


def _was_refused(town: Town, case: str, recipient: str) -> bool:
    """Return True if the hub refused what police told a recipient: then it has nothing of it."""
    return any(
        outgoing.refused is not None and outgoing.kind == "referral"
        for outgoing in town.at["police"].working_set().cases.records(case).sent
        if any(recipient in part["to"] for part in outgoing.parts)
    )


def test_counsel_states_nothing_in_a_case_of_which_nothing_came(town: Town, case: str) -> None:
    defender = town.at["defender"]
    shown = operations.preview_representation(defender, case)
    assert not shown.known and not shown.is_repeated and "crossroads" in shown.recipients
    with refused("unheard-case"):
        operations.represent(defender, case)
    assert case not in defender.working_set().cases, "no ghost of a case begins"
    # Before a consent, counsel has nothing of the person's case, and confirms the digits.
    operations.represent(defender, case, although_unknown=True)
    deliver(town)
    again = operations.preview_representation(defender, case)
    assert again.known and again.is_repeated
    operations.represent(defender, case)


class TownBeforeProgramRuns(Town):
    """A town in which the program's gateway has not run yet, so it has announced no key."""

    runs = False

    def settle(self) -> None:
        for _ in range(3):
            for name in self.at:
                if self.runs or name != "program":
                    run_duties(self.link(name))


def test_counsel_is_stated_to_those_with_a_key_and_nobody_is_claimed_to_be_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roles = {name: ROLES[name] for name in ("prosecutor", "defender", "clinic", "crossroads")}
    town = TownBeforeProgramRuns(tmp_path, {**roles, "program": "program"})
    for module in (delivery, records):
        monkeypatch.setattr(module, "link_of", lambda office: town.link(office.agency))
    defender, case = town.at["defender"], "ab" * 16
    shown = operations.preview_representation(defender, case)
    assert set(shown.recipients) == {"crossroads", "prosecutor"}
    assert shown.without_key == ("program",)
    lines = "\n".join(wording.representation_lines(shown))
    assert "to state: `defender` acts for the person" in lines and "NOT told yet" in lines
    assert operations.represent(defender, case, although_unknown=True).state == "sent"
    # When the program's gateway runs, counsel states it again, and the program learns it too.
    town.runs = True
    town.settle()
    assert operations.preview_representation(defender, case).without_key == ()
    operations.represent(defender, case)
    town.settle()
    assert town.at["program"].working_set().cases.records(case).received


def told_of(town: Town, agency: str, case: str) -> list[str]:
    return [text for text in task_texts(town, agency, case) if "which nobody " in text]


def test_a_decision_before_the_consent_is_a_task_once_it_may_be_told(town: Town, case: str) -> None:
    refer(town, case, "crossroads", "prosecutor")
    prosecutor, crossroads = town.at["prosecutor"], town.at["crossroads"]
    words = (BY, case, "eligibility", "eligible", "rules")
    assert operations.determine(prosecutor, *words).state == "kept"
    answered = operations.decide(crossroads, case, "eligibility")
    with refused("nobody-to-tell"):
        operations.send_answer(crossroads, answered)
    with refused("nobody-to-tell"):
        operations.send_answer(crossroads, answered)
    assert not told_of(town, "prosecutor", case) and not told_of(town, "crossroads", case)
    terms = ["decision_outcome"], ["admission"]
    consent(
        town,
        case,
        grant("prosecutor", "crossroads", *terms),
        grant("crossroads", "prosecutor", *terms),
    )
    deliver(town)
    (task,) = told_of(town, "prosecutor", case)
    assert "Tell `crossroads` your decision on `eligibility`" in task
    assert f"`agency tell-decision {case[:8]} eligibility`" in task
    (task,) = told_of(town, "crossroads", case)
    assert f"agency decide {case[:8]} eligibility --send" in task
    operations.send_answer(crossroads, operations.decide(crossroads, case, "eligibility"))
    assert not told_of(town, "crossroads", case)
    # What it rests on was corrected: it is made again first.
    operations.correct(town.at["police"], BY, case, {AMENABLE: False})
    deliver(town)
    operations.open_case(prosecutor, BY, case)
    assert not told_of(town, "prosecutor", case)
    with refused("decide-again"):
        operations.tell_decision(prosecutor, BY, case, "eligibility")
    assert operations.determine(prosecutor, *words).recipients == ("crossroads",)
    deliver(town)
    with refused("nothing-to-tell"):
        operations.tell_decision(prosecutor, BY, case, "eligibility")
    assert not told_of(town, "prosecutor", case)


def test_no_operation_can_forget_that_the_person_has_left(town: Town, case: str) -> None:
    """Each record of an operation is checked, whichever operation composes it."""

    @needs(BEGIN)
    def forgetful(office: Office, case: str, kind: str) -> str:
        to = {"defender": ("exchange_operation", "operation")}
        return office.compose(kind, (part("operation", to=to, use="none"),), case=case).id

    try:
        refer(town, case, "crossroads")
        represent(town, case)
        exit_case(town, case)
        crossroads = town.at["crossroads"]
        for kind in kinds():
            if kind not in SAID_AFTER_EXIT and kinds()[kind].case:
                with refused("case-ended"):
                    forgetful(crossroads, case, kind)
        with refused("left-already"):  # a person leaves once
            forgetful(crossroads, case, "exit")
    finally:
        del DECLARED["forgetful"]
    # Every public operation goes through `needs`, and nothing else composes past the office.
    for name in DECLARED:
        assert hasattr(getattr(operations, name), "__wrapped__"), name
    composing = "gateway.compose("
    sources = (ROOT / "offramp").rglob("*.py")
    found = [path.name for path in sources if composing in path.read_text(encoding="utf-8")]
    assert found == ["office.py"]


# What may be told after an exit: nothing of it is about the service.
SAID_AFTER_EXIT = {
    *("correction", "recall", "recall_answer", "answer", "acknowledgement"),
    *("consent", "consent_change", "representation", "accounting"),
    *("exit", "ejection", "reinstatement", "offer", "referral"),
    *("decision", "determination", "new_charge", "filing_decision", "charge_disposition"),
    *("grievance", "misuse_complaint", "premises_crime", "sealed"),
    *("oral_disclosure", "emergency_disclosure", "court_order_disclosure"),
}
