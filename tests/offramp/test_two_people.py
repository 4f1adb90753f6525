"""Two people of one agency at once: each act rests on the case as its person read it.

Each person has an opened folder of their own, as two commands have. `test_command_server.py` has
two accounts of the machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.records.ids import new_id
from offramp.agency import operations
from offramp.agency.cases.caseload import case_of
from offramp.agency.cases.draft import Draft
from offramp.agency.folder.office import Office
from offramp.agency.hub_link import delivery
from offramp.agency.hub_link.delivery import pull_inbox, send_outbox
from offramp.agency.operations import Effects, Signature, records
from tests.support.agencies import PASSPHRASE, Town
from tests.support.chance import chance
from tests.support.refused import refused
from tests.support.simulator import FORM, HOUR, grant, part

DATE, START = "encounter.date", "2026-09-01"
OFFER, OPERATION = ("offer_and_hand_off", "offer_at_scene"), ("exchange_operation", "operation")
BOTH = ("Officer Lund", "Rosa Quintana")  # the town lists them at each agency
SIGNED = Signature("Ana Delgado", "typed", "Crossroads", False, True, True)

random = chance(43)


class TwoPeople:
    """A town, and at each agency a second person's view of the same folder."""

    def __init__(self, town: Town) -> None:
        self.town = town

    def open(self, agency: str) -> tuple[Office, Office]:
        """Both people's views. The second one must be closed."""
        first = self.town.at[agency]
        second = Office(first.folder, PASSPHRASE, first.clock)
        for office, name in zip((first, second), BOTH, strict=True):
            operations.sign_in(office, by=name)
        return first, second

    def refer(self) -> str:
        """A case that the police told crossroads of."""
        case = new_id(random)
        content = {"facts": {DATE: START, "encounter.route": "arrest"}}
        says = {"answer": "accepted"}
        told = part("encounter", content, to={"crossroads": OFFER}, says=says, use="none")
        operations.send_record(self.town.at["police"], "referral", Draft((told,)), case)
        self.deliver()
        operations.open_case(self.town.at["crossroads"], BOTH[0], case)
        self.deliver()
        return case

    def deliver(self) -> None:
        for name in ("police", "defender", "crossroads") * 2:
            send_outbox(self.town.link(name))
            pull_inbox(self.town.link(name))


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoPeople]:
    town = Town(tmp_path_factory.mktemp("town"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delivery, "link_of", lambda office: town.link(office.agency))
        patch.setattr(records, "link_of", lambda office: town.link(office.agency))
        yield TwoPeople(town)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.booleans()), min_size=4, max_size=14))
def test_in_any_order_each_correction_changes_the_value_that_its_person_saw(
    people: TwoPeople, steps: list[tuple[int, bool]]
) -> None:
    """A step is a person's: read the case and choose a new day, or send what was chosen."""
    case = people.refer()
    first, second = people.open("police")
    with closing(second):
        offices = first, second
        reading: list[tuple[Effects, int] | None] = [None, None]
        done: list[Effects] = []
        for number, (person, is_reading) in enumerate(steps):
            office, name = offices[person], BOTH[person]
            if is_reading:
                new = {DATE: f"2026-10-{number + 2:02}"}
                reading[person] = operations.effects(office, case, new), len(done)
            elif (read := reading[person]) is not None:
                chosen, seen = read
                reading[person] = None
                act: dict[str, Any] = {"seen_at": chosen.seen_at}
                if seen == len(done):
                    operations.correct(office, name, case, chosen.details, **act)
                    done.append(chosen)
                else:
                    with refused("case-changed"):
                        operations.correct(office, name, case, chosen.details, **act)
        before = START
        for effects in done:
            assert {holder.holding.value for holder in effects.holders} == {before}
            before = effects.details[DATE]
        notes = [e.body for e in second.working_set().noted if e.body["case"] == case]
        assert [note["facts"][DATE] for note in notes] == [e.details[DATE] for e in done]
    people.deliver()
    crossroads = people.town.at["crossroads"]
    operations.open_case(crossroads, BOTH[0], case)
    assert case_of(crossroads.working_set(), case).known[DATE].value == before


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_form_that_another_person_sent_meanwhile_is_shown_again(
    people: TwoPeople, order: tuple[int, int]
) -> None:
    case = people.refer()
    acts = part("operation", to={"crossroads": OPERATION}, says={"agency": "defender"}, use="none")
    operations.send_record(people.town.at["defender"], "representation", Draft((acts,)), case)
    people.deliver()
    offices = people.open("crossroads")
    with closing(offices[1]):
        earlier, later = (offices[place] for place in order)
        drafts = []
        for office in (earlier, later):
            opened = operations.open_form(office, "exit", case)
            drafts.append(operations.draft_form(office, opened, {}))
        assert operations.send_draft(earlier, drafts[0]).record is not None
        before = later.at
        with refused("case-changed", "left-already"):
            operations.send_draft(later, drafts[1])
        sent = [o for o in later.working_set().outbox.values() if o.case == case]
        assert [outgoing.kind for outgoing in sent].count("exit") == 1 and later.at >= before
        # Sent again, the first one is the same record, and no change of the case.
        assert operations.send_draft(earlier, drafts[0]).record is not None


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_yes_waits_for_a_second_look_after_another_persons_no(
    people: TwoPeople, order: tuple[int, int]
) -> None:
    case = people.refer()
    offices = people.open("crossroads")
    with closing(offices[1]):
        one, other = (offices[place] for place in order)
        form = operations.open_consent_form(one, "hand_off")
        yes = {question.id: True for question in form.questions}
        no = {question.id: False for question in form.questions}

        def record(office: Office, answers: dict[str, bool], seen_at: int | None) -> Any:
            signature = SIGNED if True in answers.values() else None
            return operations.record_answers(
                office, BOTH[0], case, form.id, answers, SIGNED.name, signature, seen_at=seen_at
            )

        one.working_set()
        record(one, yes, one.at)
        one.working_set(), other.working_set()
        seen_by_one, seen_by_other = one.at, other.at
        operations.revoke_consent(other, case)
        with refused("case-changed"):
            record(one, yes, seen_by_one)
        assert not operations.list_standing_grants(one, case), "nothing is granted again"
        one.working_set()
        assert record(one, yes, one.at).grants
        # A no is never held up, however old the look was.
        assert record(other, no, seen_by_other).ended
        assert not operations.list_standing_grants(one, case)


def test_what_nobody_decides_on_is_no_change(people: TwoPeople) -> None:
    """Receipts, proofs, openings, and acknowledgments arrive while a person reads."""
    case = people.refer()
    police = people.town.at["police"]
    effects = operations.effects(police, case, {DATE: "2026-10-20"})
    people.town.hub.clock += HOUR
    people.town.settle()
    other = people.refer()
    operations.correct(police, BOTH[1], other, {DATE: "2026-10-21"})
    assert effects.seen_at is not None and police.at > effects.seen_at
    made = operations.correct(police, BOTH[0], case, effects.details, seen_at=effects.seen_at)
    assert len(made.sent) == 1


def test_a_record_of_another_agency_is_a_change(people: TwoPeople) -> None:
    case = people.refer()
    police, crossroads = (people.town.at[name] for name in ("police", "crossroads"))
    effects = operations.effects(police, case, {DATE: "2026-10-20"})
    terms = grant("police", "crossroads", ["decision_outcome"], ["diversion_coordination"])
    told = part("consent_terms", to={"police": OPERATION}, says=terms)
    operations.record_consent(crossroads, case, Draft((told,), FORM))
    people.deliver()
    with refused("case-changed"):
        operations.correct(police, BOTH[0], case, effects.details, seen_at=effects.seen_at)


WEAPON = "encounter.weapon"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("values", [(True, False), (False, False)])
def test_one_question_gets_one_answer_whoever_of_two_people_answers_first(
    people: TwoPeople, order: tuple[int, int], values: tuple[bool, bool]
) -> None:
    """Both open the question, and both send an answer. The second one reads the first one first."""
    case = people.refer()
    asked = part(
        "encounter",
        {"asks": [WEAPON]},
        to={"police": ("admission", "offer_at_scene")},
        says={"for": "eligibility"},
    )
    crossroads = people.town.at["crossroads"]
    operations.send_record(crossroads, "question", Draft((asked,)), case)
    people.deliver()
    operations.open_questions_as(people.town.at["police"], BOTH[0], case)
    offices = people.open("police")
    with closing(offices[1]):
        first, second = (offices[place] for place in order)
        drafts = [
            operations.draft_form(
                office, operations.open_form(office, "answer", case), {WEAPON: value}
            )
            for office, value in zip((first, second), values, strict=True)
        ]
        sent = operations.send_draft(first, drafts[0])
        assert sent.record is not None and sent.recipients == ("crossroads",)
        with refused("case-changed"):
            operations.send_draft(second, drafts[1])
        # Shown again, the question is answered, and the own draft left no trace.
        with refused("nothing-to-tell"):
            operations.open_form(second, "answer", case)
        history = [
            (event.kind, event.body.get("kind"), event.body.get("facts"))
            for event in second.journal.after(0)
            if event.body.get("case") == case and event.kind in ("composed", "noted")
        ]
        answers = [kind for event, kind, _ in history if event == "composed"].count("answer")
        noted = [facts for event, _, facts in history if event == "noted" and WEAPON in facts]
        assert answers == 1 and noted == [{WEAPON: values[0]}]
    people.deliver()
    operations.open_case(crossroads, BOTH[0], case)
    assert case_of(crossroads.working_set(), case).known[WEAPON].value == values[0]
