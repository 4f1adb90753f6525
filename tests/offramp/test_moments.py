"""Moments that can't be are stated by no operation, and no deadline counts from one.

A deadline decides if a charge is filed. So a wrong year must not become a fact: an intake that is
stated for next year counts as none, and the time for it runs out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offramp.agency import operations
from offramp.agency.cases.moments import CaseMoments
from offramp.agency.cases.pack_terms import shared_terms
from offramp.agency.errors import AgencyError
from offramp.agency.hub_link import delivery
from offramp.agency.operations import records
from offramp.asking import Dialog, collect_answers
from rules.errors import FactsError, Refusal
from rules.input.vocabulary import nested
from rules.shelf import vocabulary
from tests.support.agencies import Town
from tests.support.simulator import DAY, FORM, HOUR, grant, part
from tests.support.staff import founder_of

CASE = "7c5fe888" + "0" * 24
OFFER = ("offer_and_hand_off", "offer_at_scene")
ZONE = ZoneInfo("America/Denver")
INTAKE, REFERRED, MET = "case.intake_at", "case.referred_at", "encounter.date"
BY = founder_of("crossroads")


@pytest.fixture
def town(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Town:
    """Agencies in memory, an encounter on November 2, and the referral of that day."""
    made = Town(tmp_path_factory.mktemp("town"))
    for module in (delivery, records):
        monkeypatch.setattr(module, "link_of", lambda office: made.link(office.agency))
    refer(made, {MET: "2026-11-02", "encounter.route": "arrest"})
    return made


def refer(town: Town, facts: Mapping[str, Any], **says: Any) -> None:
    to = dict.fromkeys(("crossroads", "prosecutor"), OFFER)
    stated = part("encounter", {"facts": dict(facts)}, to=to, use="none",
                  says={"answer": "accepted", **says})  # fmt: skip
    draft = operations.Draft((stated,))
    operations.send_record(town.at["police"], "referral", draft, CASE)
    read(town)


def read(town: Town) -> None:
    town.settle()
    for name in ("crossroads", "prosecutor"):
        operations.open_case(town.at[name], founder_of(name), CASE)
    town.settle()


def consent(town: Town, category: str = "intake_status", purpose: str = "filing_status") -> None:
    terms = grant("crossroads", "prosecutor", [category], [purpose])
    to = {"prosecutor": ("exchange_operation", "operation")}
    draft = operations.Draft((part("consent_terms", to=to, says=terms),), FORM)
    operations.record_consent(town.at["crossroads"], CASE, draft)
    read(town)


# The ways in which a case manager states the intake.


def by_form(town: Town, value: str, **more: Any) -> None:
    office = town.at["crossroads"]
    opened = operations.open_form(office, "intake", CASE)
    answers = collect_answers(opened.questions, {INTAKE: value}, Dialog("en", ZONE.key))
    operations.send_draft(office, operations.draft_form(office, opened, answers), **more)


def by_note(town: Town, value: str, **more: Any) -> None:
    operations.note_facts(town.at["crossroads"], CASE, nested({INTAKE: value}), **more)


def by_file(town: Town, value: str, **more: Any) -> None:
    operations.send_record(town.at["crossroads"], "intake", intake(value), CASE, **more)


def by_correction(town: Town, value: str, **more: Any) -> None:
    office = town.at["crossroads"]
    operations.correct(office, BY, CASE, {INTAKE: value}, **more)


def intake(value: str) -> operations.Draft:
    to = {"prosecutor": ("filing_status", "consent")}
    return operations.Draft((part("intake_status", {"facts": {INTAKE: value}}, to=to),))


WAYS = (by_form, by_note, by_file, by_correction)
# The clock is at November 12, 11 a.m. in Denver.
IMPOSSIBLE = {
    "later today": ("2026-11-12T19:00:00Z", "not-yet"),
    "next year": ("2027-11-03T18:00:00Z", "not-yet"),
    "before the encounter": ("2026-11-01T18:00:00Z", "out-of-order"),
    "a hundred years ago": ("1926-11-03T18:00:00Z", "wrong-year"),
    "three hundred years ago": ("1726-11-03T18:00:00Z", "wrong-year"),
}
LATE_REFERRAL = "2026-11-02T17:00:00Z"  # an hour before the referral was written down


def test_no_operation_states_a_time_that_cannot_be_and_no_person_is_charged_for_one(
    town: Town,
) -> None:
    consent(town)
    town.hub.clock += 9 * DAY
    by_file(town, "2026-11-05T18:00:00Z")
    town.hub.clock += DAY
    office = town.at["crossroads"]
    for way in WAYS:
        for name, (value, code) in IMPOSSIBLE.items():
            before = office.at
            with pytest.raises(Refusal) as refused:
                way(town, value, although_odd=True) if way is not by_form else way(town, value)
            assert refused.value.code == code, (way.__name__, name, refused.value)
            assert refused.value.fix and office.at == before, (way.__name__, name)
    town.hub.clock += 60 * DAY
    read(town)
    assert filing(town)[:2] == ("decided", "hold")


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_an_interview_before_the_referral_is_confirmed_by_a_person(
    town: Town, way: Callable[..., None]
) -> None:
    consent(town)
    town.hub.clock += DAY
    if way is by_correction:
        by_file(town, "2026-11-03T17:00:00Z")
    office, before = town.at["crossroads"], town.at["crossroads"].at
    with pytest.raises(AgencyError) as refused:
        way(town, LATE_REFERRAL)
    assert refused.value.code == "odd-day" and "before the referral" in refused.value.message
    assert INTAKE not in refused.value.message, "it is said in words"
    assert "--although-odd" in str(refused.value.fix) and office.at == before
    way(town, LATE_REFERRAL, although_odd=True)
    assert office.at > before


def filing(town: Town) -> tuple[str, Any, list[str]]:
    held = {"case": {"charge_held": True}}
    answer = operations.decide(town.at["prosecutor"], CASE, "filing", facts=held).answer
    return answer.status, answer.outcome, [str(need["fact"]) for need in answer.needed]


@pytest.mark.parametrize("value", ["2027-11-05T18:00:00Z", "2026-11-01T18:00:00Z"])
def test_a_time_of_other_software_that_cannot_be_files_no_charge(town: Town, value: str) -> None:
    """Its gateway checks nothing. The prosecutor is told to ask, and not that it may file."""
    consent(town)
    town.hub.clock += 3 * DAY
    town.at["crossroads"].compose("intake", intake(value).parts, case=CASE)
    town.hub.clock += 60 * DAY
    read(town)
    status, outcome, needed = filing(town)
    assert (status, outcome) != ("decided", "prosecutor_may_file")
    assert INTAKE in needed


def test_a_referral_that_is_dated_before_the_encounter_starts_no_deadline(town: Town) -> None:
    town.hub.clock += 3 * DAY
    early = int(datetime(2025, 11, 3, tzinfo=UTC).timestamp())
    with pytest.raises(FactsError) as refused:
        refer(town, {MET: "2026-11-02"}, referred_at=early)
    assert refused.value.code == "out-of-order"


def test_a_second_exit_is_refused_and_the_first_one_is_corrected(town: Town) -> None:
    consent(town, "enrollment", "diversion_coordination")
    to = {"prosecutor": ("diversion_coordination", "consent")}
    exit = operations.Draft((part("enrollment", {"enrolled": False}, to=to),))
    office = town.at["crossroads"]
    first = operations.send_record(office, "exit", exit, CASE)
    town.settle()
    before = office.at
    for state in (
        lambda: operations.send_record(office, "exit", exit, CASE),
        lambda: operations.open_form(office, "exit", CASE),
    ):
        with pytest.raises(AgencyError) as refused:
            state()  # type: ignore[no-untyped-call]  # a lambda
        assert refused.value.code == "left-already" and office.at == before
        assert "mistaken-exit" in str(refused.value.fix)
    operations.recall(office, BY, CASE, "mistaken_exit")
    assert operations.send_record(office, "exit", exit, CASE).id != first.id


# The order of any moments


NOW = datetime(2026, 11, 12, 11, 30, tzinfo=ZONE)
BEGAN, MET_ON = date(2014, 4, 1), date(2026, 11, 2)
REFERRED_AT = datetime(2026, 11, 3, 9, 0, tzinfo=ZONE)
EVENTS = [path for path, fact in vocabulary().facts.items() if fact.kind == "event"]


@pytest.mark.parametrize(("minutes", "is_odd"), [(-1, True), (0, False), (1, False)])
def test_an_interview_in_the_minute_of_the_referral_is_not_before_it(
    minutes: int, is_odd: bool
) -> None:
    """The hub writes down the second, and people the minute."""
    known = {MET: str(MET_ON), REFERRED: REFERRED_AT.replace(second=25).isoformat()}
    moments = CaseMoments(NOW, BEGAN, shared_terms(), known)
    value = (REFERRED_AT + timedelta(minutes=minutes)).isoformat()
    odd = moments.odd_moments([(INTAKE, value)])
    assert bool(odd) == is_odd
    for moment in odd:
        assert INTAKE not in moment.text("en") and INTAKE not in moment.text("es")
        assert "before the referral" in moment.text("en")


def near() -> Iterator[datetime]:
    for day in (BEGAN, MET_ON, REFERRED_AT.date(), NOW.date()):
        start = datetime(day.year, day.month, day.day, tzinfo=ZONE)
        for seconds in (-1, 0, 1, 9 * HOUR - 1, 9 * HOUR, DAY - 1, DAY):
            yield start + timedelta(seconds=seconds)


@given(
    st.sampled_from([path for path in EVENTS if path != REFERRED]),
    st.one_of(
        st.sampled_from(list(near())),
        st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(ZONE)),
    ),
)
def test_an_event_that_is_accepted_lies_between_the_encounter_and_now(
    path: str, time: datetime
) -> None:
    known = {MET: str(MET_ON), REFERRED: REFERRED_AT.astimezone(UTC).isoformat()}
    moments = CaseMoments(NOW, BEGAN, shared_terms(), known)
    value = time.replace(microsecond=0).isoformat()
    time = datetime.fromisoformat(value)
    can_be = time <= NOW + timedelta(minutes=1) and time.date() >= MET_ON
    try:
        moments.refuse_impossible(path, value)
    except FactsError as refusal:
        assert not can_be and refusal.code in ("not-yet", "wrong-year", "out-of-order")
        return
    assert can_be
    is_odd = bool(moments.odd_moments([(path, value)]))
    # A time is stated to the minute.
    assert is_odd == (time < REFERRED_AT.replace(second=0))
