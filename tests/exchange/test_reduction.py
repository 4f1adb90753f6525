"""Test the state that follows from a log, for facts that the 64 cases don't cover."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from exchange.consent.reduction import queries_of, reduce, represents
from exchange.consent.state import Committed, Passage, State
from exchange.records import statements
from exchange.records.label import Label
from tests.support.attack_stories import status_grant
from tests.support.refused import refused
from tests.support.simulator import START, World, grant, part

DIRECTORY = World().hub.history.newest


def label(said: Any = None, category: str = "operation", number: int = 0, **members: Any) -> Label:
    members = {"sensitivity": "plain", "use": "none", **members}
    return Label(
        f"{number:016x}",
        (category,),
        members["sensitivity"],
        members["use"],
        "none",
        "2027-11-30",
        said,
        "x",
    )


def record(
    index: int, issuer: str, kind: str, said: Any = None, to: tuple[str, ...] = (), **members: Any
) -> Committed:
    held = label(said, number=index)
    passages = tuple(Passage(held.id, each, "exchange_operation", "operation") for each in to)
    made = Committed(
        index,
        START,
        f"{index:032x}",
        issuer,
        DIRECTORY.role(issuer),
        kind,
        "c" * 32,
        {held.id: held},
        passages,
    )
    return replace(made, **members)


def facts(
    state: State, sender: str, recipient: str, basis: str = "consent", **members: Any
) -> dict[str, Any]:
    held = label(members.pop("says", None), members.pop("category", "operation"), 99)
    passage = Passage(held.id, recipient, "exchange_operation", basis)
    this = Committed(
        99,
        START,
        "9" * 32,
        sender,
        DIRECTORY.role(sender),
        "acknowledgement",
        "c" * 32,
        {held.id: held},
        (passage,),
    )
    (ask,) = queries_of(replace(this, **members), passage, index=99, time=START)
    return reduce(ask, state, DIRECTORY, DIRECTORY.zone)


def test_an_offer_rests_on_a_referral_by_police_and_on_nobody_else_s() -> None:
    accepted = statements.read_statement("answer", {"answer": "accepted"})
    for issuer, expected in (
        ("police", "offer_at_scene"),
        ("crossroads", "none"),
        ("prosecutor", "none"),
    ):
        state = State((record(1, issuer, "referral", accepted),))
        assert facts(state, "police", "program", "offer_at_scene")["basis"] == expected
    unsound = State((record(1, "police", "referral", accepted, sound=False),))
    assert facts(unsound, "police", "program", "offer_at_scene")["basis"] == "none"


def test_police_do_not_renew_the_thirty_days() -> None:
    accepted = statements.read_statement("answer", {"answer": "accepted"})
    first = record(1, "police", "referral", accepted, time=START - 31 * 86400)
    again = record(2, "police", "referral", accepted)
    assert facts(State((first,)), "police", "program", "offer_at_scene")["basis"] == "none"
    assert facts(State((first, again)), "police", "program", "offer_at_scene")["basis"] == "none"
    left = record(3, "crossroads", "exit")
    anew = record(4, "police", "referral", accepted)
    assert (
        facts(State((first, again, left, anew)), "police", "program", "offer_at_scene")["basis"]
        == "offer_at_scene"
    )


@pytest.mark.parametrize(
    ("sender", "category", "expected"),
    [
        ("crossroads", "treatment", "medical_emergency"),
        ("clinic", "treatment", "none"),
        ("crossroads", "substance_use", "none"),
    ],
)
def test_an_emergency_lets_pass_what_its_reporter_reported(
    sender: str, category: str, expected: str
) -> None:
    form = {
        "told": "hospital",
        "category": "treatment",
        "on": "2026-11-02",
        "form": list(statements.EMERGENCY),
        "countersigned": "a..b",
    }
    state = State(
        (
            record(
                1,
                "crossroads",
                "emergency_disclosure",
                statements.read_statement("emergency", form),
            ),
        )
    )
    held = label(None, category, 99)
    passage = Passage(held.id, "hospital", "medical_emergency", "none")
    this = Committed(
        99,
        START,
        "9" * 32,
        sender,
        DIRECTORY.role(sender),
        "progress",
        "c" * 32,
        {held.id: held},
        (passage,),
    )
    (ask,) = queries_of(this, passage, index=99, time=START)
    assert reduce(ask, state, DIRECTORY, DIRECTORY.zone)["override"] == expected


@pytest.mark.parametrize("after", ["exit", "declined"])
def test_an_exit_or_a_no_ends_the_offer_and_a_new_yes_begins_another(after: str) -> None:
    accepted, declined = (
        statements.read_statement("answer", {"answer": each}) for each in ("accepted", "declined")
    )
    ended = (
        record(2, "crossroads", "exit")
        if after == "exit"
        else record(2, "police", "offer", declined)
    )
    state = State((record(1, "police", "referral", accepted), ended))
    assert facts(state, "police", "program", "offer_at_scene")["basis"] == "none"
    again = state.with_(record(3, "police", "referral", accepted))
    assert facts(again, "police", "program", "offer_at_scene")["basis"] == "offer_at_scene"


def _recalled(index: int, of: int, *to: str, by: str = "police") -> Committed:
    about = statements.read_statement("about", {"about": [f"{of:032x}", f"{of:016x}"]})
    return record(index, by, "recall", about, to=to)


def test_a_recalled_referral_is_no_offer() -> None:
    accepted = statements.read_statement("answer", {"answer": "accepted"})
    told = ("program", "prosecutor")
    state = State((record(1, "police", "referral", accepted, to=told),))

    def basis(of: State) -> Any:
        return facts(of, "police", "program", "offer_at_scene")["basis"]

    assert basis(state.with_(_recalled(2, 1, *told))) == "none"
    # One recall a recipient is a recall, too. One from a wrong recipient alone is none.
    one_by_one = state.with_(_recalled(2, 1, "program"))
    assert basis(one_by_one) == "offer_at_scene"
    assert basis(one_by_one.with_(_recalled(3, 1, "prosecutor"))) == "none"
    # Only the issuer recalls.
    assert basis(state.with_(_recalled(2, 1, *told, by="program"))) == "offer_at_scene"
    # The order in which a state grew makes no difference.
    recalled = state.with_(_recalled(2, 1, *told))
    assert basis(State(recalled.records)) == "none"


def test_a_recall_gives_no_permission_and_renews_no_thirty_days() -> None:
    accepted, declined = (
        statements.read_statement("answer", {"answer": each}) for each in ("accepted", "declined")
    )

    def basis(*records: Committed) -> Any:
        return facts(State(records), "police", "program", "offer_at_scene")["basis"]

    first = record(1, "police", "referral", accepted, to=("program",))
    declining = record(2, "police", "offer", declined, to=("program",))
    assert basis(first, declining, _recalled(3, 2, "program")) == "none"
    old = replace(first, time=START - 31 * 86400)
    again = record(3, "police", "referral", accepted, to=("program",))
    assert basis(old, _recalled(2, 1, "program"), again) == "none"
    assert basis(first, _recalled(2, 1, "program"), again) == "offer_at_scene"


def test_what_runs_the_exchange_goes_between_parties_of_what_it_is_about() -> None:
    state = State((record(5, "crossroads", "status", to=("prosecutor",)),))
    about = statements.read_statement("about", {"about": [f"{5:032x}", f"{5:016x}"]})
    assert facts(state, "prosecutor", "crossroads", "operation", says=about)["basis"] == "operation"
    assert facts(state, "police", "crossroads", "operation", says=about)["basis"] == "none"
    assert facts(state, "prosecutor", "police", "operation", says=about)["basis"] == "none"
    for unknown in ([f"{6:032x}", f"{5:016x}"], [f"{5:032x}", f"{6:016x}"]):
        other = statements.read_statement("about", {"about": unknown})
        assert facts(state, "prosecutor", "crossroads", "operation", says=other)["basis"] == "none"
    assert facts(state, "prosecutor", "crossroads", "operation")["basis"] == "none"
    assert facts(State(), "police", "clinic", "operation", case=None)["basis"] == "operation"


def test_counsel_represents_until_an_exit_or_until_it_names_another() -> None:
    own, other = (
        statements.read_statement("representation", {"agency": each})
        for each in ("defender", "program")
    )
    state = State((record(1, "defender", "representation", own),))
    assert represents(state, "defender") and not represents(state, "program")
    assert not represents(state.with_(record(2, "crossroads", "exit")), "defender")
    assert not represents(state.with_(record(2, "defender", "representation", other)), "defender")
    about = statements.read_statement("about", {"about": [f"{1:032x}", f"{1:016x}"]})
    assert not represents(state.with_(record(2, "defender", "recall", about)), "defender")
    assert represents(state.with_(record(2, "crossroads", "recall", about)), "defender")
    assert not represents(State((record(1, "crossroads", "representation", own),)), "defender")
    assert not represents(
        State((record(1, "defender", "representation", own, sound=False),)), "defender"
    )


@pytest.mark.parametrize(
    ("part2", "expected"), [("yes", "part2"), ("unknown", "part2"), ("no", "plain")]
)
def test_what_is_not_known_to_lie_outside_part_2_lies_inside(part2: str, expected: str) -> None:
    class Directory:
        role = staticmethod(DIRECTORY.role)

        @staticmethod
        def part2(agency: str) -> str:
            return part2

    held = label(None, "progress", 99)
    passage = Passage(held.id, "program", "treatment", "consent")
    this = Committed(
        99,
        START,
        "9" * 32,
        "crossroads",
        "case_management",
        "progress",
        "c",
        {held.id: held},
        (passage,),
    )
    (ask,) = queries_of(this, passage, index=99, time=START)
    assert reduce(ask, State(), Directory(), DIRECTORY.zone)["part.sensitivity"] == expected
    # What isn't of care is as its label says; and a label may always be stricter.
    (plain,) = queries_of(
        replace(this, labels={held.id: replace(held, category=("status",))}),
        passage,
        index=99,
        time=START,
    )
    assert reduce(plain, State(), Directory(), DIRECTORY.zone)["part.sensitivity"] == "plain"
    (stricter,) = queries_of(
        replace(this, labels={held.id: replace(held, sensitivity="part2")}),
        passage,
        index=99,
        time=START,
    )
    assert reduce(stricter, State(), Directory(), DIRECTORY.zone)["part.sensitivity"] == "part2"


def test_an_end_counts_wherever_a_hub_has_put_it() -> None:
    terms = statements.read_statement("grant", status_grant(id="1" * 16))
    ended = statements.read_statement("change", {"does": "end", "grant": "1" * 16})
    before = State(
        (
            record(1, "crossroads", "consent_change", ended),
            record(2, "crossroads", "consent", terms),
        )
    )
    (held,) = before.grants
    assert held.index == 2
    passage_facts = facts(before, "crossroads", "prosecutor", category="status")
    assert passage_facts["grant.status"] == "none", "another purpose"
    held_label = label(None, "status", 99)
    passage = Passage(held_label.id, "prosecutor", "diversion_coordination", "consent")
    this = Committed(
        99,
        START,
        "9" * 32,
        "crossroads",
        "case_management",
        "status",
        "c",
        {held_label.id: held_label},
        (passage,),
    )
    (ask,) = queries_of(this, passage, index=99, time=START)
    assert reduce(ask, before, DIRECTORY, DIRECTORY.zone)["grant.status"] == "ended"


def test_agencies_that_nobody_lists_have_no_role() -> None:
    found = facts(State(), "nobody", "police", "operation", role=None)
    assert found["sender.role"] is None and found["recipient.role"] == "police"


def test_an_unreadable_consent_blocks_the_whole_case_and_a_readable_one_its_pair_alone() -> None:
    terms = statements.read_statement("grant", status_grant(id="1" * 16))
    good = record(1, "crossroads", "consent", terms)
    other = statements.read_statement(
        "grant", grant("clinic", "program", ["status"], ["treatment"], id="2" * 16)
    )
    elsewhere = State((good, record(2, "clinic", "consent", other, sound=False)))
    assert elsewhere.faulty == {("clinic", "program")}
    nowhere = State((good, record(2, "clinic", "consent", None, sound=False, labels={})))
    assert nowhere.faulty == {None}
    found = facts(nowhere, "crossroads", "prosecutor", category="status")
    assert (found["grant.status"], found["grant.type"]) == ("invalid", "none")


def test_after_an_exit_counsel_is_told_no_more() -> None:
    world = World()
    case = world.enrolled(
        grant("crossroads", "defender", ["status"], ["legal_representation"]),
        grant("crossroads", "program", ["enrollment"], ["diversion_coordination"]),
    )
    world.represent(case)
    world.settle()
    status = part("status", {}, to={"defender": ("legal_representation", "consent")})
    assert world.compose("crossroads", "status", status, case=case)
    left = part(
        "enrollment", {"enrolled": False}, to={"program": ("diversion_coordination", "consent")}
    )
    world.send("crossroads", "exit", left, case=case)
    with refused("not-permitted"):
        world.compose("crossroads", "status", status, case=case)
