"""Test the people of an agency's own cases: found, matched, joined, and never told to others."""

from __future__ import annotations

import argparse
import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from exchange.records.ids import new_id
from offramp.agency import commands, meeting_wording, operations, people_wording, wording
from offramp.agency.cases.caseload import case_of
from offramp.agency.cases.draft import Draft
from offramp.agency.cases.pack_terms import terms_of
from offramp.agency.hub_link import delivery
from offramp.agency.operations import Person, evidence, records
from offramp.agency.short_handles import naming_cases
from rules.errors import FactsError, Refusal, RequestError
from tests.support.agencies import Town
from tests.support.chance import chance
from tests.support.refused import refused
from tests.support.simulator import DAY, FORM, grant, part

ENROLLED = "person.enrolled"
OFFER = ("offer_and_hand_off", "offer_at_scene")
OPERATION = ("exchange_operation", "operation")
BY = "Rosa Quintana"


@contextmanager
def linked_town(folder: Path) -> Iterator[Town]:
    """A town whose case managers know who is enrolled, because it lists no program."""
    town = Town(folder)
    with pytest.MonkeyPatch.context() as patch:
        for module in (delivery, evidence, records):
            patch.setattr(module, "link_of", lambda office: town.link(office.agency))
        yield town


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with linked_town(tmp_path_factory.mktemp("town")) as town:
        yield town


@pytest.fixture
def own_town(tmp_path: Path) -> Iterator[Town]:
    """A town for a test that moves the clock past the month of its keys."""
    with linked_town(tmp_path) as town:
        yield town


_number = itertools.count(1)


def a_case() -> str:
    return new_id(chance(next(_number)))


def contact(name: str, born: str | None = None, phone: str | None = None) -> dict[str, str]:
    given, _, family = name.partition(" ")
    members = {"given_name": given, "family_name": family, "birth_date": born, "phone": phone}
    return {member: value for member, value in members.items() if value}


def refer(town: Town, content: dict[str, str], *, case: str | None = None) -> str:
    """Send a referral from police to the case managers, and return its case."""
    case = case or a_case()
    to = {"crossroads": OFFER}
    parts = (part("contact", content, to=to, says={"answer": "accepted"}, use="none"),)
    operations.send_record(town.at["police"], "referral", Draft(parts), case)
    town.settle()
    return case


def open_referral(town: Town, case: str) -> tuple[Person, ...]:
    """Open what came of a case, and return the possible duplicates that are shown."""
    inbox = operations.list_inbox(town.at["crossroads"]).records
    record = next(each.id for each in inbox if each.case == case)
    return operations.open_part(town.at["crossroads"], BY, record).duplicates


def enroll(town: Town, case: str) -> None:
    """Have the case managers state that a person is enrolled."""
    terms = grant("crossroads", "prosecutor", ["enrollment"], ["diversion_coordination"])
    terms["id"] = case[:16]
    to = {"prosecutor": OPERATION}
    operations.record_consent(
        town.at["crossroads"], case, Draft((part("consent_terms", to=to, says=terms),), FORM)
    )
    way = {"prosecutor": ("diversion_coordination", "consent")}
    content = {"facts": {ENROLLED: True}}
    operations.send_record(
        town.at["crossroads"], "hand_off", Draft((part("enrollment", content, to=way),)), case
    )
    town.settle()


def enrolled(town: Town, case: str) -> bool | None:
    source = case_of(town.at["crossroads"].working_set(), case).known.get(ENROLLED)
    return None if source is None else source.value


def cases_of(people: tuple[Person, ...]) -> list[tuple[str, ...]]:
    return [tuple(each.case for each in person.cases) for person in people]


def questions(town: Town, case: str) -> list[str]:
    tasks = operations.list_tasks(town.at["crossroads"])
    return [task.what for task in tasks if task.case == case and task.about.startswith("person.")]


# Possible duplicates


def test_a_second_referral_of_one_person_is_shown_before_anything_is_sent(town: Town) -> None:
    """X09: the same birth date, and `María` for `Maria`."""
    first = refer(town, contact("Maria Rael", "1990-04-17"))
    police, before = town.at["police"], len(town.hub.asked)
    (person,) = operations.possible_duplicates(police, contact("María Rael", "1990-04-17"))
    assert (person.name, cases_of((person,))) == ("Maria Rael", [(first,)])
    assert person.reasons == ("same_name", "same_date")
    # From their own records alone: the case managers have not opened the first one.
    assert operations.possible_duplicates(town.at["crossroads"], contact("Maria Rael")) == ()
    assert len(town.hub.asked) == before
    second = refer(town, contact("María Rael", "1990-04-17"))
    assert open_referral(town, first) == ()
    assert cases_of(open_referral(town, second)) == [(first,)]
    assert questions(town, second) and not questions(town, first)
    assert "Maria Rael" in {task.person for task in operations.list_tasks(town.at["crossroads"])}


def test_twins_are_told_apart_once_and_for_all(town: Town) -> None:
    ana, eva = (refer(town, contact(f"{name} Tafoya", "1999-02-03")) for name in ("Ana", "Eva"))
    open_referral(town, ana)
    assert cases_of(open_referral(town, eva)) == [(ana,)]
    assert enrolled(town, ana) is False
    operations.tell_apart(town.at["crossroads"], BY, eva, ana)
    assert operations.duplicates_of(town.at["crossroads"], eva) == ()
    assert not questions(town, eva) and enrolled(town, eva) is False


def test_whether_a_person_is_enrolled_stays_unknown_until_a_person_decides(town: Town) -> None:
    first = refer(town, contact("Pat Begay", "1985-09-12"))
    open_referral(town, first)
    assert enrolled(town, first) is False, "nobody here is like that person"
    enroll(town, first)
    second = refer(town, contact("Patrick Begay", "1985-12-09"))
    assert cases_of(open_referral(town, second)) == [(first,)]
    assert enrolled(town, second) is None and questions(town, second)
    office = town.at["crossroads"]
    operations.join(office, BY, second, first)
    assert enrolled(town, second) is True and not questions(town, second)
    operations.split(office, BY, second, first)
    assert enrolled(town, second) is not True
    operations.tell_apart(office, BY, second, first)
    assert enrolled(town, second) is False and enrolled(town, first) is True


def test_a_person_who_is_enrolled_after_a_join_is_enrolled_in_both_cases(town: Town) -> None:
    first, second = (refer(town, contact("Delia Sena", "1981-01-30")) for _ in range(2))
    for case in (first, second):
        open_referral(town, case)
    operations.join(town.at["crossroads"], BY, second, first)
    assert enrolled(town, first) is enrolled(town, second) is False
    enroll(town, first)
    assert enrolled(town, first) is enrolled(town, second) is True
    # What a person notes of the case itself counts first.
    operations.split(town.at["crossroads"], BY, second, first)
    assert enrolled(town, second) is False


@pytest.mark.parametrize("content", [contact("Dolores Chee"), contact("Cher", "1970-01-01")])
def test_an_incomplete_description_is_never_a_silent_no(
    town: Town, content: dict[str, str]
) -> None:
    case = refer(town, content)
    open_referral(town, case)
    assert enrolled(town, case) is None


# Joined cases


def test_two_cases_are_joined_side_by_side_and_can_be_split_for_thirty_days(own_town: Town) -> None:
    office = own_town.at["crossroads"]
    first = refer(own_town, contact("Luis Ortiz", "1977-07-07", "505 555 0111"))
    second = refer(own_town, contact("Luis Ortiz Baca", "1977-07-07"))
    for case in (first, second):
        open_referral(own_town, case)
    comparison = operations.same_person(office, second, first)
    assert [comparison.first.name, comparison.second.name] == ["Luis Ortiz Baca", "Luis Ortiz"]
    assert comparison.reasons == ("like_name", "same_date") and comparison.link == "possible"
    joined = operations.join(office, BY, second, first)
    assert joined.link == "same" and joined.split_until is not None
    (person,) = operations.find(office, "ortiz luis")
    assert cases_of((person,)) == [(first, second)], "the newest last"
    rows = {row.case: row for row in operations.list_cases(office)}
    assert (rows[first].joined, rows[second].joined) == ((second,), (first,))
    with refused("joined"):
        operations.tell_apart(office, BY, first, second)
    own_town.hub.clock += 29 * DAY
    assert operations.split(office, BY, first, second).link == "split"
    assert len(operations.find(office, "ortiz luis")) == 2
    with refused("not-one-person"):
        operations.split(office, BY, first, second)
    operations.join(office, BY, first, second)
    own_town.hub.clock += 31 * DAY
    own_town.settle()
    with refused("joined"):
        operations.split(office, BY, first, second)
    for pair in ((first, first), (first, "f" * 32)):
        with refused("one-case" if pair[0] == pair[1] else "no-such-case"):
            operations.join(office, BY, *pair)
    with refused("hidden-character"):
        operations.join(office, "Rosa\u202e", first, second)


def test_the_account_of_a_joined_person_is_reached_from_either_case(town: Town) -> None:
    office = town.at["crossroads"]
    described = contact("Fidel Montoya", "1971-01-31")
    first, second = refer(town, described), refer(town, described)
    for case in (first, second):
        open_referral(town, case)
    operations.join(office, BY, first, second)
    enroll(town, first)
    whole = operations.fetch_account(office, first)
    assert whole.is_proved and [each.statement.case for each in whole.joined] == [second]
    # Nobody recorded a consent in the second case, so the hub gives no account of it here.
    own = operations.fetch_account(office, second)
    assert not own.is_proved and own.agency == "crossroads"
    assert [each.is_proved for each in own.joined] == [True]
    told = [(row.issuer, row.to, row.category, row.status) for row in own.statement.rows]
    assert ("police", "crossroads", "contact", "handed out") in told
    text = "\n".join(wording.account_lines(own, "en"))
    assert text.startswith(f"CASE {second[:8]}\n")
    assert f"CASE {first[:8]}, ANOTHER CASE OF THIS PERSON" in text
    assert text.count("WHO KNOWS WHAT NOW") == 2 and "by its own records" in text
    assert "Nothing is missing" not in text.partition("ANOTHER CASE")[0]
    assert "OTRO CASO DE ESTA PERSONA" in "\n".join(wording.account_lines(own, "es"))
    # After a split, each case has its own account alone.
    operations.split(office, BY, first, second)
    assert operations.fetch_account(office, first).joined == ()
    # A case that nobody here knows is still refused.
    with refused("hub-refused"):
        operations.fetch_account(office, "e" * 32)


def _leave(town: Town, case: str) -> None:
    """Have the case managers tell the prosecutor, by a consent, that the person has left."""
    terms = grant("crossroads", "prosecutor", ["enrollment"], ["diversion_coordination"])
    terms["id"] = case[:16]
    office = town.at["crossroads"]
    terms_part = part("consent_terms", to={"prosecutor": OPERATION}, says=terms)
    operations.record_consent(office, case, Draft((terms_part,), FORM))
    to = {"prosecutor": ("diversion_coordination", "consent")}
    operations.send_record(office, "exit", Draft((part("enrollment", to=to),)), case)
    town.settle()


def test_the_open_case_of_a_joined_person_is_offered_and_found_last(town: Town) -> None:
    """The older case has ended, and its handle may sort before or after the other's."""
    police, office = town.at["police"], town.at["crossroads"]
    flags = ("--given-name", "Nieves", "--family-name", "Archuleta", "--birth-date", "1988-08-08")
    first = _refer_by_form(town, *flags)["case"]
    second = _refer_by_form(town, *flags, "--known-person", first[:8])["case"]
    for case in (first, second):
        operations.open_case(office, BY, case)
    operations.join(office, BY, first, second)
    described = contact("Nieves Archuleta", "1988-08-08")
    for ended, is_open in ((first, second), (second, first)):
        _leave(town, ended)
        (person,) = operations.possible_duplicates(
            office, contact("Nieves Archuleta", "1988-08-08")
        )
        assert [each.case for each in person.cases] == [ended, is_open]
        lines = people_wording.duplicate_lines((person,), "0" * 32)
        assert is_open[:8] in lines[-1] and ended[:8] not in lines[-1]
        operations.recall(office, BY, ended, "mistaken_exit")
        town.settle()
    (person,) = operations.possible_duplicates(police, described)
    assert [each.case for each in person.cases] == [first, second]


# Searching


def test_a_person_is_found_by_whatever_people_know(town: Town) -> None:
    police = town.at["police"]
    case = refer(town, contact("María Peña Núñez", "1966-03-08", "505-555-0177"))
    operations.note_report_number(police, case, "26-0417/B")
    for text in (
        "Maria Pena",
        "nunez maria",
        "penya núñ",
        "MARIA nunes 1966",
        "1966-03-08",
        "3/8/1966",
        "8/3/1966",
        "505 555-0177",
        "5550177",
        "(505) 555-0177 ext. 3",
        "26-0417/b",
        "260417",
        case,
        case[:6],
    ):
        people = operations.find(police, text)
        assert case in {each for cases in cases_of(people) for each in cases}, text
    assert operations.find(police, "Maria Pena 1967") == ()
    assert "26-0417/B" not in str(operations.find(town.at["crossroads"], "26-0417/B"))


@pytest.mark.parametrize("text", ["'; DROP TABLE event; --", "%", "\\d+", "*", "½ ﷽", "0" * 200])
def test_a_search_for_nonsense_finds_nobody(town: Town, text: str) -> None:
    assert operations.find(town.at["police"], text) == ()


def test_a_search_for_nothing_or_for_hidden_characters_is_refused(town: Town) -> None:
    for text in ("", "  ", "x" * 201):
        with refused("nothing-to-find"):
            operations.find(town.at["police"], text)
    with pytest.raises(FactsError, match="hidden-character"):
        operations.find(town.at["police"], "Maria\x1b[31m")
    case = refer(town, contact("Anna Weiss"))
    for number in ("", "\x07", "x" * 61):
        with refused("bad-report-number"):
            operations.note_report_number(town.at["police"], case, number)


# Nothing leaves the agency


def _sent_sizes(town: Town, name: str, decide: bool) -> list[tuple[str, int]]:
    """Work two cases of one person. Return the target and the size of everything sent meanwhile.

    With `decide`, everybody also searches, compares, joins, splits, and tells apart.
    """
    town.settle()
    start = len(town.hub.asked)
    first = refer(town, contact(f"{name} Lucero", "1988-08-18"))
    if decide:
        operations.possible_duplicates(town.at["police"], contact(name, "1988-08-18"))
        operations.note_report_number(town.at["police"], first, "26-1111")
    second = refer(town, contact(f"{name} Lucero", "1988-08-18"))
    for case in (first, second):
        open_referral(town, case)
    if decide:
        office = town.at["crossroads"]
        operations.find(office, f"{name} Lucero")
        for change in (
            operations.join,
            operations.split,
            operations.tell_apart,
            operations.join,
        ):
            change(office, BY, second, first)
        assert operations.find(town.at["police"], "26-1111")
    town.settle()
    sent = [request.partition(b"?")[0].partition(b"[")[0] for request in town.hub.asked[start:]]
    return [
        (target[:16].decode("latin-1"), len(request) if b"/v1/records" in request else 0)
        for target, request in zip(sent, town.hub.asked[start:], strict=True)
    ]


def test_what_is_sent_is_the_same_with_and_without_matching(town: Town) -> None:
    assert _sent_sizes(town, "Elena", True) == _sent_sizes(town, "Irina", False)


def test_nobody_is_found_after_the_parts_are_destroyed(own_town: Town) -> None:
    case = refer(own_town, contact("Rufina Archuleta", "1955-05-05"))
    second = refer(own_town, contact("Rufina Archuleta", "1955-05-05"))
    for each in (case, second):
        open_referral(own_town, each)
    operations.note_report_number(own_town.at["police"], case, "26-9999")
    operations.join(own_town.at["crossroads"], BY, case, second)
    own_town.hub.clock += 4000 * DAY
    own_town.settle()
    for name in ("police", "crossroads"):
        office = own_town.at[name]
        for text in ("Archuleta", "1955-05-05", "26-9999"):
            assert operations.find(office, text) == ()
        assert operations.possible_duplicates(office, contact("Rufina Archuleta")) == ()
        written: Any = [event.body for event in office.journal.after(0)]
        assert "Archuleta" not in str(written) and "26-9999" not in str(written)
        assert {row.person for row in operations.list_cases(office)} == {None}


# The command that refers a person


def _refer_by_form(town: Town, *words: str) -> dict[str, Any]:
    """Run `offramp agency refer` at police without a terminal, and return its JSON."""
    parser = argparse.ArgumentParser()
    commands.agency(parser, argparse.ArgumentParser)
    flags = ("--yes", "--json", "--rest-unknown", "--route", "arrest")
    options = parser.parse_args(["refer", str(town.folder / "police"), *flags, *words])
    run = commands.COMMANDS["refer"].run
    assert run is not None
    output = run(town.at["police"], options)
    town.settle()
    assert isinstance(output.json, dict)
    return output.json


def test_refer_asks_about_a_person_who_may_be_known_before_it_sends(town: Town) -> None:
    contact_flags = ("--given-name", "Zoila", "--family-name", "Quispe")
    born = ("--birth-date", "1992-02-09")
    first = _refer_by_form(town, *contact_flags, *born)["case"]
    outbox = len(town.at["police"].working_set().outbox)
    with pytest.raises(RequestError, match="--known-person") as unanswered:
        _refer_by_form(town, *contact_flags, *born)
    assert "Zoila Quispe, born 1992" in unanswered.value.message, "a script sees who it may be"
    assert first[:8] in unanswered.value.message
    assert _refer_by_form(town, *contact_flags, *born, "--known-person", "stop") == {"sent": False}
    assert len(town.at["police"].working_set().outbox) == outbox
    # The same person at another encounter is in a case of its own, joined here and nowhere else.
    same = _refer_by_form(town, *contact_flags, *born, "--known-person", first[:8])["case"]
    assert same != first
    assert operations.same_person(town.at["police"], same, first).link == "same"
    assert operations.duplicates_of(town.at["police"], same) == ()
    twin = ("--given-name", "Zenobia", "--family-name", "Quispe", *born)
    other = _refer_by_form(town, *twin, "--known-person", "someone_else")["case"]
    assert other != first
    assert operations.same_person(town.at["police"], other, first).link == "different"
    assert operations.duplicates_of(town.at["police"], other) == ()
    with pytest.raises(FactsError):
        _refer_by_form(town, *contact_flags, *born, "--known-person", "7777")


def test_cases_that_begin_alike_are_named_by_the_digits_that_tell_them_apart(town: Town) -> None:
    """As after counsel's mistyped `represent`: every line and every command names one case."""
    first = refer(town, contact("Ines Pena"), case="5e1f00d1ab" + "0" * 22)
    crossroads = town.at["crossroads"]
    open_referral(town, first)

    def lines() -> str:
        zone, terms = ZoneInfo("America/Denver"), terms_of(crossroads.working_set())
        with naming_cases(lambda handle: crossroads.working_set().cases.digits(handle)):
            return "\n".join(
                [
                    *wording.tasks_lines(
                        operations.list_tasks(crossroads), "case_management", zone, terms
                    ),
                    *meeting_wording.meeting_lines(operations.show_agenda(crossroads)),
                    *people_wording.found_lines(operations.find(crossroads, "Pena")),
                ]
            )

    assert "5e1f00d1" in lines() and "5e1f00d1a" not in lines(), "eight digits are enough so far"
    second = refer(town, contact("Ines Pena"), case="5e1f00d1ac" + "0" * 22)
    open_referral(town, second)
    named = set(re.findall("5e1f00d1[0-9a-f]*", lines()))
    assert named == {"5e1f00d1ab", "5e1f00d1ac"}
    for digits in named:
        assert operations.find_case(crossroads, digits) in (first, second)
    with pytest.raises(Refusal, match=f"2 cases: .*{first}.*{second}"):
        operations.find_case(crossroads, "5e1f00d1")
    with refused("no-such-case"):
        operations.find_case(crossroads, "5e1f00d1ad")
