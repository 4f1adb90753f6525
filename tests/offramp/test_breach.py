"""What the thief of a key could have read, and the letters that the breach rule asks for."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.operations import report_breach
from offramp.agency.wording import breach_lines
from rules.errors import RequestError
from tests.support.agencies import Town, part, referral

NAMED = {"given_name": "Ana", "family_name": "Luján", "phone": "505-555-0142"}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """Two cases that police referred: one with a name, and one a week later."""
    town = Town(tmp_path_factory.mktemp("town"))
    to = {"crossroads": ("offer_and_hand_off", "offer_at_scene")}
    named = part("contact", NAMED, to=to, use="none", says={"answer": "accepted"})
    town.at["police"].compose("referral", (referral(), named), case="a" * 32)
    town.settle()
    town.hub.clock += 7 * 24 * 3600
    town.at["police"].compose("referral", (referral(),), case="b" * 32)
    town.settle()
    office = town.at["crossroads"]
    for received in list(office.working_set().gateway.received.values()):
        assert received.record is not None
        for entry in received.record.sealed:
            office.open(received.record.jti, entry.part, by="R. Quintana")
    return town


def sealing_key(office: Office) -> str:
    """Return the key that opens what is sealed to Crossroads."""
    kids = office.working_set().gateway.history.sealing_kids()
    return next(kid for kid in kids if kid.startswith("crossroads."))


def test_a_stolen_sealing_key_exposes_what_was_sealed_to_it(town: Town) -> None:
    office = town.at["crossroads"]
    key = sealing_key(office)
    breach = report_breach(office, key, 0).breach
    assert [case.case for case in breach.cases] == ["a" * 32, "b" * 32]
    first, second = breach.cases
    assert first.name == "Ana Luján" and second.name is None
    assert first.categories == ("contact", "encounter") and second.categories == ("encounter",)
    assert breach.opens_parts and breach.from_time is None
    # The sender knows the same of what it sent, and another agency knows nothing.
    sent = report_breach(town.at["police"], key, 0).breach
    assert [case.categories for case in sent.cases] == [first.categories, second.categories]
    assert not report_breach(town.at["clinic"], key, 0).breach.cases


def test_an_earlier_part_counts_while_it_was_kept(town: Town) -> None:
    office = town.at["crossroads"]
    key = sealing_key(office)
    last = max(
        received.item.leaf.index for received in office.working_set().gateway.received.values()
    )
    breach = report_breach(office, key, last).breach
    assert [part.is_earlier for case in breach.cases for part in case.parts] == [True, True, False]


def test_a_stolen_signing_key_exposes_labels_and_no_contents(town: Town) -> None:
    report = report_breach(town.at["crossroads"], "crossroads.s1", 0)
    assert all(not case.categories and case.label_categories for case in report.breach.cases)
    assert "  case aaaaaaaa (Ana Luján)" in breach_lines(report)
    assert "    only that they exist: contact, encounter" in breach_lines(report)


def test_the_letters_say_what_the_rule_asks_for(town: Town, tmp_path: Path) -> None:
    office = town.at["crossroads"]
    key = sealing_key(office)
    report = report_breach(office, key, 0, letters=tmp_path, contact="800-555-0100")
    assert [path.name for path in report.letters] == [
        "aaaaaaaa.en.txt",
        "aaaaaaaa.es.txt",
        "bbbbbbbb.en.txt",
        "bbbbbbbb.es.txt",
    ]
    english = (tmp_path / "aaaaaaaa.en.txt").read_text()
    for said in ("Dear Ana Luján,", "your name, your age", "800-555-0100", "hhs.gov", "DRAFT"):
        assert said in english
    spanish = (tmp_path / "bbbbbbbb.es.txt").read_text()
    assert "participante del caso bbbbbbbb" in spanish and "policía" in spanish
    assert max(map(len, (english + spanish).splitlines())) <= 78
    # A letter that somebody has corrected is never overwritten.
    with pytest.raises(RequestError) as taken:
        report_breach(office, key, 0, letters=tmp_path, contact="800-555-0100")
    assert taken.value.code == "file-taken"


def test_the_days_are_those_of_the_breach_rule(town: Town) -> None:
    office = town.at["crossroads"]
    breach = report_breach(office, "crossroads.s1", 0, discovered="2026-11-02").breach
    assert breach.discovered == date(2026, 11, 2)
    assert breach.tell_by == date(2027, 1, 1) and breach.report_by == date(2027, 3, 1)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"key": "crossroads.2020-01"}, "unknown-key"),
        ({"key": "../../x"}, "unknown-key"),
        ({"discovered": "2999-01-01"}, "bad-day"),
        ({"discovered": "yesterday"}, "bad-day"),
        ({"letters": Path("x")}, "no-contact"),
    ],
)
def test_nonsense_is_refused(town: Town, given: dict[str, object], code: str) -> None:
    arguments: dict[str, object] = {"key": "crossroads.s1", "since": 0, **given}
    with pytest.raises(AgencyError) as refused:
        report_breach(town.at["crossroads"], **arguments)  # type: ignore[arg-type]  # wrong on purpose
    assert refused.value.code == code
