"""The coordinator's report: what random stories count, where it goes, and what an officer reads."""

from __future__ import annotations

import csv
import io
import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from exchange.records.ids import new_id
from offramp.agency import operations
from offramp.agency.cases.counted import CountKey, read_publication
from offramp.agency.cases.kept_counts import KEPT
from offramp.agency.cases.quarters import read_quarter
from offramp.agency.errors import AgencyError
from offramp.agency.folder.journal import Journal
from offramp.agency.folder.office import Office
from offramp.agency.hub_link import delivery
from offramp.agency.operations import Draft, destruction, upkeep
from offramp.agency.operations import records as record_operations
from offramp.agency.report_page import report_page
from offramp.agency.report_view import report_csv, sections
from offramp.agency.report_wording import done_lines, report_lines
from offramp.cli import main
from offramp.clock import Clock
from rules.shelf import vocabulary
from tests.support.agencies import PASSPHRASE, ROLES, Town
from tests.support.agency_console import (
    PASSWORD,
    Caller,
    code_of,
    make_account,
    serve_at_town_time,
)
from tests.support.refused import refused
from tests.support.simulator import FORM, grant, part
from tests.support.staff import founder_of

TOGETHER = "diversion_coordination"
OPERATION = ("exchange_operation", "operation")
HOUR, DAY = 3600, 86400
# Long after the last quarter of these tests.
KEEP = "2070-01-01"


@pytest.fixture
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("report"), {**ROLES, "program": "program"})
    with pytest.MonkeyPatch.context() as patch:
        for module in (delivery, record_operations, upkeep):
            patch.setattr(module, "link_of", lambda office: made.link(office.agency))
        yield made


def quarter_at(time: int) -> str:
    day = datetime.fromtimestamp(time, UTC)
    return f"{day.year}Q{(day.month + 2) // 3}"


def next_quarter(town: Town) -> str:
    """Go to the tenth day of the next quarter, and return its name."""
    quarter = read_quarter(quarter_at(town.hub.clock))
    begin = datetime(quarter.after.year, quarter.after.month, 10, 18, tzinfo=UTC)
    town.hub.clock = int(begin.timestamp())
    town.settle()
    return quarter_at(town.hub.clock)


# One person's story: what police, case managers, and the prosecutor do.
STORY = st.fixed_dictionaries(
    {
        "answer": st.sampled_from(["accepted", "accepted", "declined", "safety"]),
        "route": st.sampled_from(["arrest", "social_contact", None]),
        "opens": st.booleans(),
        "hours": st.sampled_from([None, 2, 30]),
        "intake": st.sampled_from([None, 3, 50]),
        "word": st.sampled_from([None, "starting", "engaged", "meeting_goals"]),
    }
)


# One story for each way in which a count can come about.
EVERY_STORY = [
    {"answer": answer, "route": route, "opens": opens, "hours": hours, "intake": done, "word": word}
    for answer, route, opens, hours, done, word in (
        ("accepted", "arrest", True, 2, 3, "engaged"),
        ("accepted", "social_contact", True, 30, None, "starting"),
        ("accepted", "arrest", False, None, 50, None),
        ("accepted", None, True, None, None, None),
        ("declined", None, False, None, None, None),
        ("safety", None, False, None, None, None),
    )
]


def tell(town: Town, story: dict[str, Any]) -> str:
    """Play a story, hour by hour, and return its case."""
    police, managers = town.at["police"], town.at["crossroads"]
    began = town.hub.clock
    if story["answer"] == "safety":
        return operations.determine(
            police, "Officer Lund", operations.NEW_CASE, "offer", "may_not_offer", "safety"
        ).case
    if story["answer"] == "declined":
        case = operations.determine(
            police, "Officer Lund", operations.NEW_CASE, "offer", "may_offer", "rules"
        ).case
        operations.note_facts(police, case, {"offer": {"accepted": False}})
        return case
    case = new_id(police.random)
    to = dict.fromkeys(("crossroads", "program"), ("offer_and_hand_off", "offer_at_scene"))
    facts = {"encounter.route": story["route"]} if story["route"] else {}
    says = {"answer": "accepted"}
    content = {"facts": facts} if facts else {}
    sent = part("encounter", content, to=to, says=says, use="none", keep_until=KEEP)
    operations.send_record(police, "referral", Draft((sent,)), case)
    town.settle()
    if story["opens"]:
        operations.open_case(managers, "Rosa Quintana", case)
    for hours, act in sorted(
        (
            (story["hours"], lambda: hand_off(town, case)),
            (story["intake"], lambda: intake(town, case)),
        ),
        key=lambda each: each[0] or 0,
    ):
        if hours is not None:
            town.hub.clock = began + hours * HOUR
            act()
    if story["word"]:
        facts = {"engagement": story["word"]}
        told = part("status", facts, to={"crossroads": OPERATION})
        status(town, case, told.content)
    return case


def consent(town: Town, case: str, *grants: dict[str, Any]) -> None:
    parts = [
        part("consent_terms", to={terms["recipient"]: OPERATION}, says=terms, keep_until=KEEP)
        for terms in grants
    ]
    operations.record_consent(town.at["crossroads"], case, Draft(tuple(parts), FORM))
    town.settle()


def to_know(town: Town, recipient: str, *categories: str, days: int = 300) -> dict[str, Any]:
    today = datetime.fromtimestamp(town.hub.clock, UTC).date()
    return grant(
        "crossroads",
        recipient,
        [*categories],
        [TOGETHER],
        **{
            "id": new_id(town.at["crossroads"].random)[:16],
            "from": (today - timedelta(1)).isoformat(),
            "expires": (today + timedelta(days)).isoformat(),
        },
    )


def hand_off(town: Town, case: str) -> None:
    """The case manager meets the person, who lets some be told."""
    names = ("status", "intake_status", "enrollment", "case_manager_contact")
    consent(town, case, to_know(town, "prosecutor", *names), to_know(town, "police", "status"))


def intake(town: Town, case: str) -> None:
    """The first interview is done: told to those who may know, or else noted here."""
    now = datetime.fromtimestamp(town.hub.clock, UTC)
    facts = {"case": {"intake_at": f"{now:%Y-%m-%dT%H:%M:%SZ}"}}
    operations.note_facts(town.at["crossroads"], case, facts)


def status(town: Town, case: str, content: Any) -> None:
    office = town.at["crossroads"]
    if not office.working_set().gateway.unended_grants(case):
        hand_off(town, case)
    operations.send_status(
        office, operations.draft_status(office, case, content["status"]["engagement"], ())
    )
    town.settle()


def wait(town: Town, days: int) -> None:
    """Let days pass, with the daily work of everybody."""
    while days > 0:
        town.hub.clock += min(days, 300) * DAY
        days -= 300
        town.settle()


def end_records(town: Town, cases: list[str], how: str) -> None:
    """Let the records of cases end: a court seals them, or what is kept of them gets old."""
    for case in cases if how == "sealed" else ():
        for office in town.at.values():
            working_set = office.working_set()
            # Where the records of the case state it, nobody notes it again.
            if case in working_set.cases and "sealed" not in working_set.retention.ended(case):
                operations.note_ending(office, "Rosa Quintana", case, "sealed")
    if how != "kept":
        wait(town, 2 if how == "sealed" else 500)


def by_hand(stories: list[dict[str, Any]]) -> dict[str, Counter[str]]:
    """Count the stories with nothing but what they say."""
    police: Counter[str] = Counter()
    managers: Counter[str] = Counter()
    for story in stories:
        if story["answer"] == "safety":
            police.update(("not_offered", "not_offered_for"))
            continue
        police.update(("offers", story["answer"]))
        if story["answer"] == "declined":
            continue
        has_met = any(story[name] is not None for name in ("hours", "intake", "word"))
        knows = story["hours"] is not None or story["word"] is not None
        managers.update(("referrals", "met" if has_met else "not_met"))
        if has_met:
            managers["hours_known" if knows else "hours_not_known"] += 1
        managers["intake_open" if story["intake"] is None else "intake_in_time"] += 1
        word = {"starting": "starting", None: "no_word"}.get(story["word"], "engaged")
        managers[word] += 1
        if story["opens"] and story["route"]:
            managers[f"referrals of {story['route']}"] += 1
        else:
            managers["referrals of not_known"] += 1
    return {"police": police, "crossroads": managers}


def exact(town: Town, agency: str, quarter: str) -> dict[CountKey, int]:
    office = town.at[agency]
    operations.report_quarter(office, None, quarter)
    events = [event for event in office.working_set().published if event.body["quarter"] == quarter]
    return dict(read_publication(events[-1].body).exact)


# The town goes on from example to example, so a failing one can't be made smaller.
@settings(
    max_examples=1,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(stories=st.lists(STORY, min_size=1, max_size=5), ends=st.just("kept"))
@example(stories=EVERY_STORY, ends="sealed")
@example(stories=EVERY_STORY[::2], ends="old")
def test_the_report_of_random_stories_equals_a_count_by_hand(
    town: Town, stories: list[dict[str, Any]], ends: str
) -> None:
    quarter = next_quarter(town)
    cases = [tell(town, story) for story in stories]
    town.settle()
    end_records(town, cases, ends)
    # A record of the next quarter counts there.
    next_quarter(town)
    tell(town, {**stories[0], "answer": "accepted", "word": None, "hours": None, "intake": None})
    expected = by_hand(stories)
    for agency, names in (
        ("police", ("offers", "accepted", "declined", "not_offered", "not_offered_for")),
        (
            "crossroads",
            (
                "referrals",
                "met",
                "not_met",
                "hours_known",
                "hours_not_known",
                "intake_open",
                "intake_in_time",
                "intake_late",
                "engaged",
                "starting",
                "no_word",
            ),
        ),
    ):
        counts = exact(town, agency, quarter)
        for name in names:
            found = sum(
                number
                for key, number in counts.items()
                if key.measure == name and key.grouping is None
            )
            assert (name, found) == (name, expected[agency][name])
    for group in ("arrest", "social_contact", "not_known"):
        key = CountKey("referrals", grouping="route", group=group)
        assert (
            exact(town, "crossroads", quarter)[key]
            == (expected["crossroads"][f"referrals of {group}"])
        )


# What becomes of a person: who enters and leaves, and what the prosecutor does with the charge.
COURSE = st.fixed_dictionaries(
    {
        "enters": st.booleans(),
        "leaves": st.sampled_from([None, "exit", "ejection", "transfer"]),
        "returns": st.booleans(),
        "charge": st.lists(
            st.sampled_from(["held", "filed", "not_filed", "dismissed", "sealed"]), max_size=2
        ),
    }
)
EVERY_COURSE = [
    {"enters": True, "leaves": way, "returns": True, "charge": charge}
    for way, charge in (
        ("exit", ["held", "dismissed", "sealed"]),
        ("ejection", ["filed"]),
        ("transfer", ["filed", "dismissed"]),
        (None, ["not_filed"]),
    )
]
_WAYS = {"exit": "left_other", "ejection": "left_ejected", "transfer": "left_moved"}


def course(town: Town, told: dict[str, Any]) -> str:
    """Play the course of a person who was referred to everybody, and return the case."""
    case = new_id(town.at["police"].random)
    to = dict.fromkeys(
        ("crossroads", "program", "prosecutor"), ("offer_and_hand_off", "offer_at_scene")
    )
    says = {"answer": "accepted"}
    sent = part("encounter", {}, to=to, says=says, use="none", keep_until=KEEP)
    operations.send_record(town.at["police"], "referral", Draft((sent,)), case)
    town.settle()
    grants = [
        {**to_know(town, "program", "enrollment"), "discloser": "prosecutor"},
        {**to_know(town, "crossroads", "enrollment"), "discloser": "program"},
        {**to_know(town, "crossroads", "charge_status"), "discloser": "prosecutor"},
    ]
    parts = [
        part(
            "consent_terms",
            to=dict.fromkeys({each["discloser"], each["recipient"]} - {"crossroads"}, OPERATION),
            says=each,
            keep_until=KEEP,
        )
        for each in grants
    ]
    operations.record_consent(town.at["crossroads"], case, Draft(tuple(parts), FORM))
    town.settle()

    def tell_enrollment(agency: str, kind: str, recipient: str, enrolled: bool) -> None:
        content = {"facts": {"person.enrolled": enrolled}}
        changed = part(
            "enrollment",
            content,
            to={recipient: (TOGETHER, "consent")},
            use="none",
            keep_until=KEEP,
        )
        town.hub.clock += HOUR
        operations.send_record(town.at[agency], kind, Draft((changed,)), case)
        town.settle()
        operations.open_case(town.at["program"], "Rosa Quintana", case)

    for standing in told["charge"]:
        content = {"standing": standing}
        charge = part(
            "charge_status",
            content,
            to={"crossroads": (TOGETHER, "consent")},
            use="none",
            keep_until=KEEP,
        )
        town.hub.clock += HOUR
        operations.send_record(town.at["prosecutor"], "charge_disposition", Draft((charge,)), case)
    if told["enters"]:
        town.hub.clock += HOUR
        operations.note_facts(town.at["program"], case, {"person": {"enrolled": True}})
    if told["enters"] and told["leaves"]:
        agency = "prosecutor" if told["leaves"] == "ejection" else "program"
        recipient = "program" if agency == "prosecutor" else "crossroads"
        tell_enrollment(agency, told["leaves"], recipient, False)
        if told["returns"] and told["leaves"] == "ejection":
            tell_enrollment("prosecutor", "reinstatement", "program", True)
    return case


def course_by_hand(courses: list[dict[str, Any]]) -> dict[str, Counter[str]]:
    """Count the courses with nothing but what they say."""
    program: Counter[str] = Counter()
    prosecutor: Counter[str] = Counter()
    for told in courses:
        if told["enters"]:
            program["entered"] += 1
        if told["enters"] and told["leaves"]:
            program.update(("left", _WAYS[told["leaves"]]))
            if told["returns"] and told["leaves"] == "ejection":
                program["entered"] += 1
        # That a court seals a charge is no decision on it.
        decided = [standing for standing in told["charge"] if standing != "sealed"]
        if decided and decided[-1] != "held":
            prosecutor.update(("held_decided", f"held_{decided[-1]}"))
    return {"program": program, "prosecutor": prosecutor}


@settings(
    max_examples=1,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(courses=st.lists(COURSE, min_size=1, max_size=2), ends=st.just("kept"))
@example(courses=EVERY_COURSE, ends="sealed")
@example(courses=EVERY_COURSE[::3], ends="old")
def test_who_enters_and_leaves_and_what_becomes_of_charges_equals_a_count_by_hand(
    town: Town, courses: list[dict[str, Any]], ends: str
) -> None:
    quarter = next_quarter(town)
    cases = [course(town, told) for told in courses]
    town.settle()
    end_records(town, cases, ends)
    next_quarter(town)
    expected = course_by_hand(courses)
    counts = {name: exact(town, name, quarter) for name in expected}
    for agency, names in (
        (
            "program",
            ("entered", "left", "left_other", "left_ejected", "left_moved", "left_completed"),
        ),
        ("prosecutor", ("held_decided", "held_filed", "held_not_filed", "held_dismissed")),
    ):
        found = {name: counts[agency][CountKey(name)] for name in names}
        assert found == {name: expected[agency][name] for name in names}


# Counts outlive the records that they were made of


def peek(town: Town, agency: str, quarter: str, folder: Path) -> dict[CountKey, int]:
    """Count a quarter in a copy of the agency's folder, so that nothing is published."""
    copied = folder / new_id(town.at[agency].random)
    shutil.copytree(town.folder / agency, copied)
    stretch = town.at[agency].keys.stretch
    with closing(Office(copied, stretch, lambda: town.hub.clock)) as office:
        operations.sign_in(office, by="Rosa")
        operations.report_quarter(office, None, quarter)
        return dict(read_publication(office.working_set().published[-1].body).exact)


def test_no_count_of_anybody_changes_when_records_are_destroyed(town: Town, tmp_path: Path) -> None:
    quarter = next_quarter(town)
    cases = [tell(town, story) for story in EVERY_STORY[:3]]
    cases += [course(town, told) for told in EVERY_COURSE[:2]]
    town.settle()
    # What is destroyed in the quarter after it, by a sealing, must change nothing, nor a hold.
    next_quarter(town)
    agencies = ("police", "prosecutor", "crossroads", "program")
    before = {agency: peek(town, agency, quarter, tmp_path) for agency in agencies}
    hold = operations.hold_case(town.at["police"], "Rosa Quintana", cases[0], "audit")
    end_records(town, cases, "sealed")
    assert peek(town, "police", quarter, tmp_path) == before["police"]
    operations.release_hold(town.at["police"], "Rosa Quintana", cases[0], hold.number)
    town.settle()
    for agency in agencies:
        assert not {
            row.category
            for case in operations.list_retention(town.at[agency]).cases
            if case.case in cases
            for row in case.rows
        } & {"encounter", "charge_status"}
        assert peek(town, agency, quarter, tmp_path) == before[agency]
        assert any(before[agency].values())
    # Whatever comes afterwards, all sums add up, or the report would refuse to be made.
    hand_off(town, cases[1])
    operations.recall(town.at["police"], "Rosa Quintana", cases[0], "wrong_person", record="all")
    town.settle()
    last = quarter_at(town.hub.clock)
    next_quarter(town)
    for agency in agencies:
        for each in (quarter, last):
            assert min(peek(town, agency, each, tmp_path).values()) >= 0


def test_a_person_who_entered_longer_ago_than_records_are_kept_is_in_the_program(
    town: Town,
) -> None:
    program = town.at["program"]
    stays = {"enters": True, "leaves": None, "returns": False, "charge": []}
    next_quarter(town)
    case = course(town, stays)
    town.settle()
    wait(town, 500)

    def counted(quarter: str) -> dict[str, int]:
        names = ("before", "entered", "in_program", "left", "left_other")
        counts = exact(town, "program", quarter)
        return {name: counts[CountKey(name)] for name in names}

    assert not any(note.body["facts"] for note in program.working_set().cases.records(case).notes)
    first = next_quarter(town)
    second = next_quarter(town)
    operations.note_facts(program, case, {"person": {"enrolled": False}})
    next_quarter(town)
    in_first, in_second = counted(first), counted(second)
    assert in_first["in_program"] == in_second["before"] >= 1 and in_first["left"] == 0
    assert (in_second["left"], in_second["left_other"]) == (1, 1)
    assert in_second["in_program"] == in_first["in_program"] - 1


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (destruction, "add_kept"),
        (Journal, "write_back"),
    ],
)
def test_a_program_killed_while_it_destroys_counts_each_case_once(
    town: Town, tmp_path: Path, target: Any, name: str
) -> None:
    quarter = next_quarter(town)
    day = datetime.fromtimestamp(town.hub.clock, UTC).date()
    next_quarter(town)
    # Only the destroyed content has the day of the encounter, in the quarter before.
    (case,) = refer(town, 1, day)
    town.settle()
    before = peek(town, "police", quarter, tmp_path)
    police = town.at["police"]
    operations.note_ending(police, "Rosa Quintana", case, "sealed")
    town.hub.clock += 2 * DAY
    delivery.pull_inbox(town.link("police"))  # which tells the time
    child = os.fork()
    if child == 0:
        try:
            setattr(target, name, _kill)
            with closing(town.office("police")) as office:
                operations.end_due(office)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    for _ in range(2):
        with closing(town.office("police")) as office:
            operations.end_due(office)
        assert peek(town, "police", quarter, tmp_path) == before
    assert before[CountKey("offers")] == 1
    kept = police.journal.get(KEPT)
    assert kept is not None and case not in str(kept) and str(day) not in str(kept)


def _kill(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_fairness_shows_shares_of_counts_that_are_shown_and_of_no_others(town: Town) -> None:
    quarter = next_quarter(town)
    next_quarter(town)
    report = operations.report_quarter(town.at["program"], None, quarter)

    def counted(name: str, group: str | None = None) -> CountKey:
        return CountKey(name, "eligibility", None, "route" if group else None, group)

    totals = (
        (counted("asked"), 30),
        (counted("not_asked"), 90),
        (counted("asked", "arrest"), 30),
        (counted("not_asked", "arrest"), None),
        (counted("asked", "community"), 0),
        (counted("not_asked", "community"), 0),
        (CountKey("referrals"), 120),
    )
    counts = replace(report.agencies[0], rows=totals, waits=())
    made = replace(report, agencies=(counts,))
    (fairness,) = [each for each in sections(made) if each.title == "Fairness of questions"]
    assert [row.cells() for row in fairness.rows] == [
        ("30 (25 %)", "30", "0"),
        ("90 (75 %)", "hidden", "0"),
    ]
    text, page = "\n".join(report_lines(made)), report_page(made)
    assert "30 (25 %)" in text and "30 (25 %)" in page
    (first, *_) = [each for each in sections(made) if each.title != fairness.title]
    assert [row.cells() for row in first.rows] == [("120", "hidden", "hidden")]


def test_a_late_record_counts_in_the_quarter_of_its_event_and_a_published_one_stands(
    town: Town,
) -> None:
    quarter = next_quarter(town)
    day = datetime.fromtimestamp(town.hub.clock, UTC).date()
    next_quarter(town)
    refer(town, 12, day)
    first = operations.report_quarter(town.at["police"], None, quarter)
    assert dict(first.totals)[CountKey("offers")] == 12 and first.is_new
    assert done_lines(first, is_send=False) == [
        f"Published: the counts of Police for {quarter}. From now on they stand."
    ]
    # A later one, and a correction of the day, change nothing that was published.
    late = refer(town, 1, day)[0]
    again = operations.report_quarter(town.at["police"], None, quarter)
    assert again == replace(first, is_new=False) and done_lines(again, is_send=False) == []
    # Nobody may take the first counts from the new ones and have a person left over.
    refused_revision = operations.report_quarter(town.at["police"], None, quarter, is_revision=True)
    assert refused_revision.is_revised is False and refused_revision.totals == first.totals
    (done,) = done_lines(refused_revision, is_send=False)
    assert done.startswith(f"Not published anew: the counts of Police for {quarter} stand.")
    refer(town, 10, day)
    revised = operations.report_quarter(town.at["police"], None, quarter, is_revision=True)
    assert revised.is_revised is True and revised.agencies[0].version == 2
    done = "\n".join(done_lines(revised, is_send=False))
    assert f"Published anew: the counts of Police for {quarter}, version 2." in done
    assert "They were not sent." in done
    assert dict(revised.totals)[CountKey("offers")] == 23
    assert late


def refer(town: Town, number: int, day: date) -> list[str]:
    """Police offer the program to people, all on one day."""
    made = []
    for _ in range(number):
        case = new_id(town.at["police"].random)
        facts = {"encounter.date": day.isoformat(), "encounter.route": "arrest"}
        to = {"crossroads": ("offer_and_hand_off", "offer_at_scene")}
        sent = part(
            "encounter",
            {"facts": facts},
            to=to,
            says={"answer": "accepted"},
            use="none",
            keep_until=KEEP,
        )
        operations.send_record(town.at["police"], "referral", Draft((sent,)), case)
        made.append(case)
    return made


def test_counts_travel_without_a_name_or_a_case_and_the_program_joins_them(town: Town) -> None:
    quarter = next_quarter(town)
    day = datetime.fromtimestamp(town.hub.clock, UTC).date()
    cases = refer(town, 13, day)
    town.settle()
    next_quarter(town)
    sent = operations.report_quarter(town.at["police"], None, quarter, is_sent=True)
    assert sent.told == ("program",) and sent.sent is not None and sent.sent.case is None
    assert done_lines(sent, is_send=True)[1:] == [f"Counts of {quarter} to Program: sent"]
    operations.report_quarter(town.at["crossroads"], None, quarter, is_sent=True)
    town.settle()
    office = town.at["program"]
    report = operations.report_quarter(office, None, quarter, is_sent=True)
    assert "joins the counts itself" in done_lines(report, is_send=True)[-1]
    assert report.missing == ("prosecutor",) and report.unopened == 0
    totals = dict(report.totals)
    assert totals[CountKey("offers")] == 13 and totals[CountKey("referrals")] == 13
    opened = [
        content.content
        for received in office.working_set().gateway.received.values()
        if received.record is not None and received.record.kind == "counts"
        for content in received.opened.values()
    ]
    assert opened and not any(case in repr(opened) for case in cases)
    for row in (row for content in opened for row in content["operation"]["counts"]["rows"]):
        assert row.get("count", 0) == 0 or row["count"] >= 11
    rows = list(csv.DictReader(io.StringIO(report_csv(report))))
    assert {row["agency"] for row in rows} == {"program", "police", "crossroads", "ALL"}
    text = "\n".join(report_lines(report))
    assert "offers made" in text and "Not here yet: Prosecutor" in text


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.addresses += [str(value) for name, value in attrs if name in ("src", "href")]


def test_the_page_stands_alone_with_a_table_for_each_chart(town: Town) -> None:
    quarter = next_quarter(town)
    refer(town, 12, datetime.fromtimestamp(town.hub.clock, UTC).date())
    next_quarter(town)
    report = operations.report_quarter(town.at["police"], None, quarter)
    page = report_page(report)
    parsed = _Page()
    parsed.feed(page)
    assert parsed.addresses == [] and parsed.tags["script"] == 0
    assert parsed.tags["section"] == parsed.tags["table"] == 1 and parsed.tags["svg"] >= 3
    assert "url(http" not in page and "@import" not in page


def test_the_command_prints_one_form_and_says_what_it_did_beside_the_numbers(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    quarter = next_quarter(town)
    # On one of its last days, so that the case managers may still open it in the next one.
    after = datetime.fromisoformat(f"{read_quarter(quarter).after}T18Z")
    town.hub.clock = int(after.timestamp()) - 2 * DAY
    refer(town, 12, datetime.fromtimestamp(town.hub.clock, UTC).date())
    town.settle()
    next_quarter(town)
    monkeypatch.setattr(Clock, "now", lambda clock: town.hub.clock)
    passphrase = tmp_path / "passphrase"
    passphrase.touch(0o600)
    passphrase.write_bytes(PASSPHRASE)
    words = ["agency", "report", str(town.folder / "police"), "--quarter", quarter]
    words += ["--passphrase-file", str(passphrase), "--by", "Rosa Quintana"]
    assert main([*words, "--csv", "--json"]) == 2
    assert '"usage"' in capsys.readouterr().out
    police = town.at["police"]
    # What the case managers never opened would count as not known, for good.
    managers = [word.replace("police", "crossroads") for word in words]
    assert main(managers) == 2
    asked = " ".join("".join(capsys.readouterr()).split())
    assert "12 cases have records that nobody here has opened" in asked
    assert asked.index("LOOK OUT") < asked.index("Publish this agency's counts")
    folder = town.folder / "crossroads"
    assert f"`offramp agency case {folder} HANDLE --open`" in asked
    for more in (["--csv"], ["--send"], ["--revise"], ["--json"]):
        published = len(police.working_set().published)
        assert main([*words, *more]) == 2
        asked = "".join(capsys.readouterr())
        assert "[answers-missing]" in asked or "answers-missing" in asked
        assert f"Publish this agency's counts of {quarter}" in asked and "--yes" in asked
        assert len(police.working_set().published) == published, "it asks before it publishes"
    assert main([*words, "--csv", "--send", "--yes"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("quarter,agency,") and "Published" not in printed.out
    assert f"Published: the counts of Police for {quarter}" in printed.err
    assert f"Counts of {quarter} to Program: sent" in printed.err
    assert main(words) == 0, "what is published is printed again without a question"
    assert "LOOK OUT" not in "".join(capsys.readouterr()), "police opened all of it"
    assert main([*words, "--revise"]) == 2
    capsys.readouterr()
    assert main([*words, "--revise", "--yes"]) == 0
    assert "Not published anew: the counts of Police" in capsys.readouterr().out


def test_a_coordinator_reads_names_whole_commands_and_no_empty_page(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    quarter = next_quarter(town)
    refer(town, 12, datetime.fromtimestamp(town.hub.clock, UTC).date())
    next_quarter(town)
    monkeypatch.setattr(Clock, "now", lambda clock: town.hub.clock)
    passphrase = tmp_path / "passphrase"
    passphrase.touch(0o600)
    passphrase.write_bytes(PASSPHRASE)

    def run(agency: str, *more: str) -> str:
        words = ["agency", "report", str(town.folder / agency), "--quarter", quarter, *more]
        assert main([*words, "--passphrase-file", str(passphrase), "--by", "Rosa Quintana"]) == 0
        return capsys.readouterr().out

    text = run("program", "--yes")
    # Another agency runs it with its own folder, not with the one of this agency.
    assert f"`offramp agency report FOLDER --quarter {quarter} --send`" in text
    assert "Not here yet: Police, Prosecutor, Crossroads." in text
    assert max(map(len, text.split("\n\n")[0].splitlines())) <= 96
    # At the program itself nothing is the whole of which the first rows are a part.
    for section in sections(operations.report_quarter(town.at["program"], None, quarter)):
        assert not section.rows[0].is_part, section.title
    file = tmp_path / "page.html"
    run("program", "--html", str(file))
    page = file.read_text(encoding="utf-8")
    assert "<p>Made at Program</p>" in page and "`" not in page.partition("<body>")[2]
    for words in (run("clinic"), run("clinic")):
        assert "Nothing is counted here. Police" in words and "Published" not in words


def test_a_report_says_why_every_count_of_an_agency_is_hidden(town: Town) -> None:
    quarter = next_quarter(town)
    refer(town, 3, datetime.fromtimestamp(town.hub.clock, UTC).date())
    next_quarter(town)
    report = operations.report_quarter(town.at["police"], None, quarter)
    assert "Every count of" not in " ".join(report_lines(report)), "zeros are shown"
    (own,) = report.agencies
    hidden = replace(own, rows=tuple((key, None) for key, _ in own.rows))
    text = " ".join(report_lines(replace(report, agencies=(hidden,))))
    assert "Every count of Police is hidden: no choice of counts was found" in text
    assert "fewer groups in the rule pack, would show more" in text


def test_a_quarter_that_lasts_and_a_word_that_is_none_are_refused(town: Town) -> None:
    office = town.at["police"]
    now = quarter_at(town.hub.clock)
    with refused("quarter-open"):
        operations.report_quarter(office, None, now)
    for text in ("", "2026", "2026Q5", "Q2-2026", "1026Q1", "2026Q22", "٢٠٢٦Q1"):
        with pytest.raises(AgencyError, match="no quarter"):
            read_quarter(text)
    assert read_quarter("2026-q4").after == date(2027, 1, 1)
    assert read_quarter("2026Q1").before.name == "2025Q4"


def test_an_officer_reads_only_what_the_person_lets_be_told_now(town: Town) -> None:
    police = town.at["police"]
    day = datetime.fromtimestamp(town.hub.clock, UTC).date()
    told, silent, ended = refer(town, 3, day)
    town.settle()
    for case in (told, silent, ended):
        operations.open_case(town.at["crossroads"], "Rosa Quintana", case)
    for case in (told, ended):
        consent(town, case, to_know(town, "police", "status"))
    consent(town, silent, to_know(town, "prosecutor", "status"))
    for case in (told, silent, ended):
        office = town.at["crossroads"]
        operations.send_status(office, operations.draft_status(office, case, "engaged", ()))
    town.settle()

    def openers() -> dict[str, tuple[str, ...]]:
        return {each.case: each.openers for each in operations.list_feedback(police)}

    # What was told and isn't opened waits for a named person. What nobody told waits for nobody.
    assert openers()[told] and openers()[told] == openers()[ended] and not openers()[silent]
    with serve_at_town_time(town, "police") as console:
        officer, founder = Caller(console), founder_of("police")
        officer.get("/sign-in")
        officer.sign_in(founder, PASSWORD, code_of(make_account(police, founder, founder)))
        page = officer.get("/mine").text
    sentence = "Another agency told more, and nobody opened it: <a href="
    assert page.count(sentence) == 2, "the founder is a supervisor, and may open it"
    operations.open_case(police, "Officer Lund", told)
    assert not openers()[told] and openers()[ended]
    operations.open_case(police, "Officer Lund", ended)

    def words() -> dict[str, str]:
        return {each.case: each.word for each in operations.list_feedback(police)}

    assert (words()[told], words()[silent], words()[ended]) == ("engaged", "nothing", "engaged")
    operations.revoke_consent(town.at["crossroads"], ended)
    town.settle()
    # An ended consent reads as one that was never given.
    assert (words()[told], words()[ended]) == ("engaged", words()[silent])
    assert set(words().values()) <= set(vocabulary().closed_words["referral_word"])
    assert operations.list_feedback(town.at["prosecutor"]) == ()


def test_no_count_has_a_name_in_the_journal(town: Town, tmp_path: Path) -> None:
    quarter = next_quarter(town)
    refer(town, 2, datetime.fromtimestamp(town.hub.clock, UTC).date())
    next_quarter(town)
    operations.report_quarter(town.at["police"], None, quarter)
    body = town.at["police"].working_set().published[-1].body
    assert set(body) == {"quarter", "version", "exact", "hidden", "withheld", "waits"}
