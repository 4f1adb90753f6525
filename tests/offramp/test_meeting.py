"""The partners' meeting: who sees what, who is asked for the status, and what was agreed on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from exchange.records.ids import new_id
from offramp.agency import meeting_wording, operations
from offramp.agency.cases.minutes import ask_on
from offramp.agency.commands import meetings as commands
from offramp.agency.hub_link import delivery
from offramp.agency.operations import Draft, Step, upkeep
from offramp.agency.operations import meetings as meeting_operations
from offramp.agency.operations import records as record_operations
from offramp.cli import main
from rules.errors import Refusal
from rules.shelf import vocabulary
from tests.support.agencies import ROLES, Town
from tests.support.refused import refused
from tests.support.simulator import DAY, FORM, grant, part

TOGETHER, LEGAL = "diversion_coordination", "legal_representation"
OPERATION = ("exchange_operation", "operation")
OTHERS = ("police", "prosecutor", "defender", "clinic")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Agencies whose operations reach the hub in memory."""
    made = Town(tmp_path_factory.mktemp("meeting"))
    with pytest.MonkeyPatch.context() as patch:
        for module in (delivery, record_operations, upkeep):
            patch.setattr(module, "link_of", lambda office: made.link(office.agency))
        yield made


def referred(town: Town) -> str:
    """A person who accepted the offer, referred to the case managers, who opened the referral."""
    case = new_id(town.at["police"].random)
    to = {"crossroads": ("offer_and_hand_off", "offer_at_scene")}
    says = {"answer": "accepted"}
    name = {"given_name": "Maria", "family_name": "Rael"}
    encounter = {"facts": {"encounter.route": "arrest"}}
    parts = (
        part("contact", name, to=to, says=says, use="none"),
        part("encounter", encounter, to=to, says=says, use="none"),
    )
    operations.send_record(town.at["police"], "referral", Draft(parts), case)
    town.settle()
    operations.open_case(town.at["crossroads"], "Rosa Quintana", case)
    return case


def consent(town: Town, case: str, *grants: dict[str, Any]) -> None:
    parts = []
    for terms in grants:
        to = dict.fromkeys({terms["discloser"], terms["recipient"]} - {"crossroads"}, OPERATION)
        parts.append(part("consent_terms", to=to, says=terms))
    operations.record_consent(town.at["crossroads"], case, Draft(tuple(parts), FORM))
    town.settle()


def to_know(recipient: str, *categories: str) -> dict[str, Any]:
    """The consent that the case managers tell an agency, to work together or to its counsel."""
    purpose = LEGAL if recipient == "defender" else TOGETHER
    return grant("crossroads", recipient, [*categories], [purpose])


def intake(town: Town, case: str) -> None:
    now = datetime.fromtimestamp(town.hub.clock, UTC)
    content = {
        "done_on": now.date().isoformat(),
        "facts": {"case.intake_at": f"{now:%Y-%m-%dT%H:%M:%SZ}"},
    }
    told = part("intake_status", content, to={"prosecutor": (TOGETHER, "consent")})
    operations.send_record(town.at["crossroads"], "intake", Draft((told,)), case)


def report(town: Town, case: str, word: str = "engaged", *areas: str) -> operations.SentStatus:
    office = town.at["crossroads"]
    return operations.send_status(office, operations.draft_status(office, case, word, areas))


def board(town: Town, case: str, *present: str) -> dict[str, list[str]]:
    """The sentences about a case on the case managers' board, by what they are about."""
    meeting = operations.show_agenda(town.at["crossroads"], present)
    found: dict[str, list[str]] = {}
    for agenda in meeting.cases:
        if agenda.case == case:
            for item in agenda.items:
                found.setdefault(item.about, []).append(item.what)
    return found


def everything_consented(town: Town) -> str:
    case = referred(town)
    acts = part("operation", {}, to={"crossroads": OPERATION}, says={"agency": "defender"})
    operations.send_record(town.at["defender"], "representation", Draft((acts,)), case)
    town.settle()
    consent(
        town,
        case,
        to_know("police", "status", "case_manager_contact"),
        to_know("prosecutor", "status", "intake_status", "enrollment"),
        to_know("defender", "status", "intake_status", "plan", "service"),
        to_know("defender", "barriers"),
        to_know("clinic", "plan", "service", "status", "intake_status"),
    )
    intake(town, case)
    report(town, case, "engaged", "housing", "id_documents")
    town.settle()
    return case


def test_the_board_has_the_status_clocks_and_tasks_that_all_present_may_see(town: Town) -> None:
    case = everything_consented(town)
    own = board(town, case)
    today = datetime.fromtimestamp(town.hub.clock, ZoneInfo("America/Denver"))
    assert own["status"] == [f"Status: taking part ({today:%B} {today.day})."]
    assert own["barriers"] == ["In the way: housing, identity documents."]
    assert any("the plan is presented" in what for what in own["clock"]) and own["task"]
    with_police = board(town, case, "police", "prosecutor", "defender")
    assert with_police == {"status": own["status"]}
    # The plan's clock tells of plan and intake: the clinic may know both, the prosecutor not.
    assert any("the plan is presented" in what for what in board(town, case, "clinic")["clock"])
    shared = board(town, case, "prosecutor", "clinic")
    assert shared["clock"] == ["Due: the partners review the case."]
    assert board(town, case, "defender")["barriers"] == own["barriers"]
    for present in (("prosecutor",), ("police",), ("defender", "clinic")):
        assert "barriers" not in board(town, case, *present)


def test_the_board_is_in_two_parts_and_the_second_is_never_on_the_first_screen(town: Town) -> None:
    case = everything_consented(town)
    office = town.at["crossroads"]
    first = operations.show_agenda(office, ("police", "prosecutor", "defender"))
    assert (first.part, first.next_present) == ("with_police", ("prosecutor", "defender"))
    second = operations.show_agenda(office, first.next_present)
    assert (second.part, second.next_present) == ("without_police", ())
    assert operations.show_agenda(office).part == "own"
    # Police named the person. The prosecutor may not be told the name, so it isn't on the screen.
    alone = operations.show_agenda(office, ("police",))
    named = {agenda.case: agenda.name for agenda in alone.cases}
    assert named[case] == "Maria Rael"
    assert all(agenda.name is None for agenda in first.cases)
    with refused("unknown-agency"):
        operations.show_agenda(office, ("sheriff",))


def test_a_case_that_cannot_be_shown_to_all_is_not_there_and_the_own_screen_says_why(
    town: Town,
) -> None:
    case = referred(town)
    consent(town, case, to_know("prosecutor", "status"))
    report(town, case)
    town.settle()
    office = town.at["crossroads"]
    shown = operations.show_agenda(office, ("prosecutor", "clinic"))
    assert case not in [agenda.case for agenda in shown.cases] and shown.off_board is None
    own = operations.show_off_board(office, ("prosecutor", "clinic"))
    assert own.off_board is not None
    (left_out,) = [one for one in own.off_board if one.case == case]
    assert (left_out.name, left_out.withheld_from) == ("Maria Rael", ("clinic",))


def test_a_revoked_consent_takes_the_status_off_the_board_at_once(town: Town) -> None:
    case = everything_consented(town)
    assert board(town, case, "police")["status"]
    operations.revoke_consent(town.at["crossroads"], case, recipient="police")
    assert "status" not in board(town, case, "police") and board(town, case, "prosecutor")["status"]


# The law


CONSENTED = {"status", "barriers", "intake_status", "enrollment", "plan", "service", "attendance"}
# The pack's ceilings are for police and the prosecutor. Others get what the consent names.
MAY_KNOW = {
    "police": {"status"},
    "prosecutor": {"status", "barriers", "intake_status", "enrollment", "decision_outcome"},
    "defender": CONSENTED,
    "clinic": CONSENTED,
}
CATEGORIES = sorted(set().union(*MAY_KNOW.values()))


# No shrinking: the town goes on from one example to the next, so a shorter story differs.
@settings(
    max_examples=12,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example(
    granted=[("clinic", "enrollment"), ("clinic", "intake_status")],
    present=["clinic"],
    word="engaged",
    areas=[],
    step="offer_treatment",
)
@given(
    granted=st.lists(
        st.tuples(st.sampled_from(OTHERS), st.sampled_from(CATEGORIES)), max_size=10, unique=True
    ),
    present=st.lists(st.sampled_from(("crossroads", *OTHERS)), min_size=1, unique=True),
    word=st.sampled_from(sorted(vocabulary().closed_words["engagement"])),
    areas=st.lists(
        st.sampled_from(sorted(vocabulary().closed_words["area_of_life"])), max_size=2, unique=True
    ),
    step=st.sampled_from(sorted(vocabulary().closed_words["meeting_step"])),
)
def test_nothing_on_the_board_is_unseen_by_somebody_present(
    town: Town,
    granted: list[tuple[str, str]],
    present: list[str],
    word: str,
    areas: list[str],
    step: str,
) -> None:
    """The board's law, by consents and roles alone, without the rules' own code."""
    case = referred(town)
    if granted:
        consent(town, case, *(to_know(recipient, category) for recipient, category in granted))
    try:
        report(town, case, word, *areas)
    except Refusal as refusal:
        assert refusal.code == "nobody-to-tell"
    agreed = Step(step, "case_management")
    operations.record_meeting(town.at["crossroads"], "Rosa Quintana", case, (agreed,))
    town.settle()
    meeting = operations.show_agenda(town.at["crossroads"], tuple(present))
    for agenda in meeting.cases:
        if agenda.case != case:
            continue
        assert agenda.items
        for item in agenda.items:
            for agency in {*present} - {"crossroads", item.by}:
                for category in item.categories:
                    assert (agency, category) in granted and category in MAY_KNOW[agency], item
                assert agency != "police" or item.about == "status", item
        if agenda.name is not None:
            assert set(present) <= {"crossroads", "police"}


# The status


def test_the_status_goes_to_those_who_may_have_it_and_says_to_whom_not(town: Town) -> None:
    case = everything_consented(town)
    draft = operations.draft_status(
        town.at["crossroads"], case, "meeting_goals", ("id_documents",), ("employment",)
    )
    status, barriers = draft.parts
    assert set(status.to) == set(OTHERS) and set(barriers.to) == {"defender"}
    assert draft.untold == {"status": (), "barriers": ("police", "prosecutor", "clinic")}
    sent = operations.send_status(town.at["crossroads"], draft)
    town.settle()
    (part_id,) = next(
        received.record.labels
        for (_, jti), received in town.at["police"].working_set().gateway.received.items()
        if jti == sent.record and received.record is not None
    )
    opened = operations.open_part(town.at["police"], "Officer Lund", sent.record, part=part_id)
    assert opened.content == {"status": {"engagement": "meeting_goals"}}


def test_a_status_without_consent_or_with_a_word_of_its_own_is_refused(town: Town) -> None:
    case = referred(town)
    with pytest.raises(Refusal) as caught:
        operations.draft_status(town.at["crossroads"], case, "engaged")
    assert caught.value.code == "nobody-to-tell"
    assert "ask the person for consent" in str(caught.value)
    with refused("not-yours"):
        operations.draft_status(town.at["police"], case, "engaged")
    with refused("wrong-content"):
        report(town, everything_consented(town), "failing")


def test_the_status_is_asked_for_two_working_days_before_and_no_more_when_it_is_told(
    town: Town,
) -> None:
    case = everything_consented(town)
    office = town.at["crossroads"]
    today = datetime.fromtimestamp(town.hub.clock, UTC).date()
    meeting_on = date.fromordinal(today.toordinal() + 10)
    early = operations.prepare_meeting(office, "Rosa Quintana", meeting_on)
    assert not early.has_asked and early.asks_on == ask_on(meeting_on).isoformat()
    assert case not in [request.case for request in operations.status_owed(office)]
    start = town.hub.clock
    town.hub.clock += (ask_on(meeting_on) - today).days * DAY
    # The gateway asks by itself on that day, once.
    operations.run_duties_once(office)
    noted = len(office.working_set().noted)
    operations.run_duties_once(office)
    assert len(office.working_set().noted) == noted
    owed = {request.case: request.meeting_on for request in operations.status_owed(office)}
    assert owed[case] == meeting_on.isoformat()
    assert "meeting.status" in tasks_about(town, case)
    assert case in operations.prepare_meeting(office, "Rosa Quintana", meeting_on).owed
    report(town, case)
    assert case not in [request.case for request in operations.status_owed(office)]
    assert "meeting.status" not in tasks_about(town, case)
    town.hub.clock = max(start, town.hub.clock)
    with refused("meeting-over"):
        operations.prepare_meeting(office, "Rosa Quintana", today)
    with refused("not-a-chair"):
        operations.prepare_meeting(town.at["police"], "Officer Lund", meeting_on)


@pytest.mark.parametrize(
    ("meeting", "asked"),
    [
        ("2026-06-18", "2026-06-16"),
        ("2026-06-16", "2026-06-12"),
        ("2026-06-15", "2026-06-11"),
        ("2026-06-14", "2026-06-11"),
        ("2026-06-13", "2026-06-11"),
    ],
)
def test_weekends_are_no_working_days(meeting: str, asked: str) -> None:
    assert ask_on(date.fromisoformat(meeting)).isoformat() == asked


def tasks_about(town: Town, case: str, agency: str = "crossroads") -> list[str]:
    return [task.about for task in operations.list_tasks(town.at[agency]) if task.case == case]


# The minutes


def test_the_minutes_tell_each_agency_only_what_it_may_have(town: Town) -> None:
    case = everything_consented(town)
    office = town.at["crossroads"]
    agreed = (
        Step("arrange_service", "case_management", "2026-11-30"),
        Step("renew_consent", "case_management"),
        Step("attempt_contact", "treatment_provider"),
    )
    recorded = operations.record_meeting(office, "Rosa Quintana", case, agreed)
    assert recorded.recipients == {"arrange_service": ("clinic", "defender")}
    assert recorded.kept == ("renew_consent", "attempt_contact")
    # The clinic may not be told its step, so whoever recorded it sees to it.
    assert recorded.for_recorder == ("attempt_contact",)
    (left,) = [
        task
        for task in operations.list_tasks(office)
        if task.case == case and task.about == "meeting.attempt_contact"
    ]
    assert left.owner == "case_management" and "for treatment provider" in left.what
    assert "meeting.attempt_contact" not in tasks_about(town, case, "clinic")
    lines = meeting_wording.recorded_lines(recorded)
    assert lines[0] == f"recorded for case {case[:8]}"
    assert [line.partition("): ")[2] for line in lines[1:4]] == [
        "told to clinic, defender: sent",
        "kept here: nobody may be told",
        "kept here: nobody may be told. No agency in the role treatment provider may be told, so "
        "it is on your own list",
    ]
    assert lines[4].startswith("  that the case was reviewed: told to ")
    assert "meeting.arrange_service" in tasks_about(town, case)
    assert "step" in board(town, case, "clinic", "defender")
    assert "step" not in board(town, case, "police", "clinic")
    # The minutes of the next meeting replace these.
    operations.record_meeting(office, "Rosa Quintana", case, ())
    assert "meeting.arrange_service" not in tasks_about(town, case)
    for step, code in (
        (Step("evict", "case_management"), "unknown-step"),
        (Step("arrange_service", "his_mother"), "unknown-role"),
        (Step("arrange_service", "program", "soon"), "no-such-day"),
        (Step("arrange_service", "program", "2027-02-30"), "no-such-day"),
        (Step("arrange_service", "program", "2026-06-30"), "day-over"),
    ):
        with refused(code):
            operations.record_meeting(office, "Rosa Quintana", case, (step,))
    with refused("not-yours"):
        operations.record_meeting(town.at["police"], "Officer Lund", case, agreed)


def test_police_and_prosecutors_never_learn_that_the_intake_is_not_done(town: Town) -> None:
    case = referred(town)
    consent(town, case, to_know("prosecutor", "intake_status", "enrollment", "status"))
    consent(town, case, to_know("clinic", "intake_status", "enrollment"))
    assert any("the intake is done" in what for what in board(town, case, "clinic")["clock"])
    agreed = (Step("complete_intake", "case_management"),)
    recorded = operations.record_meeting(town.at["crossroads"], "Rosa Quintana", case, agreed)
    assert recorded.recipients == {"complete_intake": ("clinic",)}
    assert board(town, case, "prosecutor") == {} and board(town, case, "clinic")["step"]


def test_every_step_of_a_review_is_a_word_of_a_meeting() -> None:
    words = vocabulary()
    assert list(words.closed_words["meeting_step"]) == list(words.decisions["review"].outcomes)


def test_after_an_exit_no_task_is_open_and_the_case_is_off_the_board(town: Town) -> None:
    case = everything_consented(town)
    office = town.at["crossroads"]
    operations.record_meeting(
        office, "Rosa Quintana", case, (Step("prepare_plan", "case_management"),)
    )
    assert tasks_about(town, case)
    exit_parts = (part("operation", {}, to={"defender": OPERATION}),)
    operations.send_record(office, "exit", Draft(exit_parts), case)
    town.settle()
    assert tasks_about(town, case) == [] and board(town, case) == {}


def test_after_an_exit_nothing_about_the_service_is_sent_until_it_is_taken_back(
    town: Town,
) -> None:
    case = everything_consented(town)
    office = town.at["crossroads"]
    drafted = operations.draft_status(office, case, "engaged")
    exit_parts = (part("operation", {}, to={"defender": OPERATION}),)
    operations.send_record(office, "exit", Draft(exit_parts), case)
    steps = (Step("prepare_plan", "case_management"),)
    told = Draft((part("status", {"engagement": "engaged"}, to={"police": (TOGETHER, "consent")}),))
    sending: list[Callable[[], object]] = [
        lambda: operations.draft_status(office, case, "engaged"),
        lambda: operations.send_status(office, drafted),
        lambda: operations.record_meeting(office, "Rosa Quintana", case, steps),
        lambda: operations.send_record(office, "status", told, case),
        lambda: operations.ask(office, case, "review"),
        *(
            partial(operations.open_form, office, name, case)
            for name in ("intake", "plan", "progress")
        ),
    ]
    events = office.at
    for send in sending:
        with refused("case-ended"):
            send()
    assert office.at == events, "nothing is kept of it"
    # A permission can be taken back, and so can the exit.
    operations.revoke_consent(office, case, recipient="police")
    operations.recall(office, "Rosa Quintana", case, "mistaken_exit")
    operations.record_meeting(office, "Rosa Quintana", case, steps)
    assert operations.open_form(office, "intake", case).case == case


# The commands


def test_the_commands_need_no_file_and_ask_in_both_languages(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for language in ("en", "es"):
        for question in commands._status_questions(language):
            assert question.text and question.form.how(language)
        today = date(2026, 11, 29)
        *others, until = commands._step_questions({"steps": ["arrange_service"]}, language, today)
        for question in (*others, until):
            assert question.text and question.form.how(language)
        assert until.check is not None
        until.check(None)
        until.check("2026-11-29")
        for day, code in (("2027-02-30", "no-such-day"), ("2026-11-28", "day-over")):
            with refused(code):
                until.check(day)
    english, spanish = (commands._status_questions(language) for language in ("en", "es"))
    assert all(one.text != other.text for one, other in zip(english, spanish, strict=True))
    assert meeting_operations.CASE_MANAGEMENT in ROLES.values()
    assert main(["agency", "meeting", str(tmp_path / "nowhere"), "--present", "police"]) == 2
    capsys.readouterr()
