"""Decisions beside the rules and open questions, each with its budget of taps.

A real hub, six agencies, and the consoles of four of them as processes. People use the pages' own
controls in a browser without scripts, and confirm by password and code. Decisions that follow the
rules, confirmed by a passkey, are in `test_console_decisions.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from exchange.consent.account_rows import Row
from offramp.agency import operations
from tests.support.agency_console import PASSWORD, code_of, make_account, run_agency_console
from tests.support.browser import BROWSER, NO_BROWSER, Browser
from tests.support.referrals import address
from tests.support.running_agencies import SIX_ROLES, Running, serve_joined
from tests.support.santa_fe_town import (
    ENCOUNTER,
    OpenOffices,
    consent,
    interview,
    open_offices,
    refer,
    screen,
    settle,
    state,
)
from tests.support.staff import founder_of
from tests.support.taps import Taps

pytestmark = pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)
CONSOLES = ("prosecutor", "program", "crossroads", "defender")
SEND = ".dock button"
# Who gets a record and who doesn't, as a check lists them.
TOLD = "[...document.querySelectorAll('[aria-labelledby=to] li:not(.no) b')].map(e => e.innerText)"


@dataclass
class Place:
    """A running town, and people at the consoles of its agencies in one browser."""

    running: Running
    town: OpenOffices
    desks: dict[str, Taps]

    def decision(self, agency: str, case: str, decision: str) -> str:
        """Return the address of a decision."""
        base = {"prosecutor": "/queue", "program": "/applications"}[agency]
        local = address(self.running, case, agency).rpartition("/")[2]
        return f"{base}/{local}/{decision}"

    def choose(self, agency: str, outcome: str, reason: str) -> list[str]:
        """Choose an outcome and a reason, up to the check. Return the agencies that it lists."""
        desk = self.desks[agency]
        desk.tap(f"input[name=outcome][value={outcome}]")
        desk.tap(f"input[name=reason][value={reason}]")
        desk.press("#decide .dock button")
        assert desk.heading == "Check and confirm", desk.text
        return list(desk.browser.evaluate(TOLD))

    def confirm(self, agency: str) -> None:
        """Confirm what the check shows by password and a code. Each code is good once."""
        desk, person = self.desks[agency], founder_of(agency)
        secret = make_account(self.town.at[agency], person, person)
        desk.type("password", PASSWORD)
        desk.type("code", code_of(secret))
        desk.press(SEND)
        assert desk.heading == "Sent", desk.text

    def facts(self, case: str) -> dict[str, dict[str, Any]]:
        """Return what each agency knows of a case."""
        return {
            name: {
                path: source.value
                for path, source in operations.read_case(office, case).facts.items()
            }
            for name, office in self.town.at.items()
            if case in office.working_set().cases
        }

    def rows(self, case: str) -> tuple[Row, ...]:
        """Return the exchange's own account of a case, as the person's counsel gets it."""
        return operations.fetch_account(self.town.at["defender"], case).statement.rows


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    base = tmp_path_factory.mktemp("decisions")
    with ExitStack() as stack:
        running = stack.enter_context(serve_joined(base, SIX_ROLES, "santa-fe"))
        town = stack.enter_context(open_offices(running))
        browser = stack.enter_context(Browser(base / "profile"))
        browser.show(width=1280)
        browser.forbid_scripts()
        desks = {}
        for name in CONSOLES:
            person = founder_of(name)
            secret = make_account(town.at[name], person, person)
            console = run_agency_console(running.folder / name, running.passphrase)
            desks[name] = Taps(browser, stack.enter_context(console).address)
            desks[name].sign_in(person, secret)
        yield Place(running, town, desks)


def test_a_decision_other_than_the_rules_is_shown_beside_them_everywhere(place: Place) -> None:
    """P3 and V4: 9.1 g, and the prosecutor decides that the person is eligible."""
    town, desk = place.town, place.desks["prosecutor"]
    case = refer(town, "Ben Archuleta", "1992-01-02")
    state(town, "police", "weigh", case, {"encounter.drugs[0].grams": "9.1 g"})
    settle(town, case)
    screen(town, case)
    consent(town, case)
    operations.represent(town.at["defender"], case, although_unknown=True)
    settle(town, case)
    before = place.facts(case)
    path = place.decision("prosecutor", case, "eligibility")
    desk.begin(address(place.running, case, "prosecutor"))
    desk.press(f"a[href='{path}']")
    assert "Not eligible" in desk.text and "9.1 g" in desk.text
    listed = place.choose("prosecutor", "eligible", "discretion")
    assert "This is not what the rules say." in desk.text
    place.confirm("prosecutor")
    assert desk.count <= 6
    assert listed and all(name in desk.text for name in listed)
    settle(town, case)
    # What the check listed is what the exchange's own account has, and what the journal has.
    outbox = town.at["prosecutor"].working_set().outbox.values()
    (sent,) = (each for each in outbox if each.case == case and each.kind == "determination")
    names = operations.name_agencies(town.at["prosecutor"])
    told = {names[row.to] for row in place.rows(case) if row.record == sent.jti}
    assert told == set(listed) == {"Crossroads", "Defender", "Program"}
    after = place.facts(case)
    assert before.keys() == after.keys()
    for agency, facts in after.items():
        changed = {path for path in facts if facts[path] != before[agency].get(path)}
        assert changed <= {"approval.prosecutor"}, agency
        assert not before[agency].keys() - facts.keys()
    shown = {agency: address(place.running, case, agency) for agency in CONSOLES}
    for agency, page in shown.items():
        place.desks[agency].open(page)
        text = " ".join(place.desks[agency].text.split())
        assert f"Eligible, by {founder_of('prosecutor')}" in text, agency
        # Whoever may decide sees the rules' answer. The others see that it was another one.
        assert (
            "The rules, on what is known now, apart from this decision: Not eligible" in text
        ) is (agency in ("prosecutor", "program")), agency
        assert "The rules said otherwise." in text, agency
    for agency in ("prosecutor", "program"):
        place.desks[agency].open(place.decision(agency, case, "eligibility"))
        text = " ".join(place.desks[agency].text.split())
        assert "A person decided: Eligible." in text and "The rules said otherwise." in text
        assert "THE RULES SAY Not eligible" in text.replace("The rules say", "THE RULES SAY")


def test_a_place_ended_against_the_rules_is_marked_so_and_told_to_counsel_first(
    place: Place,
) -> None:
    """P4: possession, for which the rules keep the person."""
    town, desk = place.town, place.desks["prosecutor"]
    case = refer(town, "Ana Delgado", "1993-04-17")
    screen(town, case)
    consent(town, case)
    operations.represent(town.at["defender"], case, although_unknown=True)
    interview(town, case)
    for agency in ("prosecutor", "program"):
        words = (founder_of(agency), case, "admission", "admitted", "discretion")
        operations.determine(town.at[agency], *words)
        settle(town, case)
    charge = {
        "case.new_charges": 1,
        "case.new_charges[0].conduct": "possession",
        "case.new_charges[0].level": "felony",
        "case.new_charges[0].violent": "no",
        "case.new_charges[0].egregious": "no",
        "case.new_charges[0].evidence_origin": "independent",
    }
    state(town, "prosecutor", "charge", case, charge)
    settle(town, case)
    desk.begin("/queue")
    desk.press(f"a[href='{place.decision('prosecutor', case, 'ejection')}']")
    assert "The person stays in the program" in desk.text
    assert "The rules leave no other answer." in desk.text
    assert "Only the agencies of the program can change the rules" in desk.text
    because = "[aria-labelledby=rules] .why"
    assert desk.has(because), "the page says why"
    listed = place.choose("prosecutor", "prosecutor_may_eject", "safety")
    assert "marked as outside the rules" in desk.text
    assert "Counsel is told first: Defender" in desk.text
    place.confirm("prosecutor")
    assert desk.count <= 6
    settle(town, case)
    outbox = town.at["prosecutor"].working_set().outbox.values()
    first, second = (each for each in outbox if each.kind == "ejection" and each.case == case)
    assert first.receipt is not None and second.receipt is not None
    assert first.receipt.index < second.receipt.index
    names = operations.name_agencies(town.at["prosecutor"])
    told = {
        jti: {names[row.to] for row in place.rows(case) if row.record == jti}
        for jti in (first.jti, second.jti)
    }
    assert told[first.jti] == {"Defender"}
    assert told[first.jti] | told[second.jti] == set(listed) and len(listed) > 1
    place.desks["defender"].open(address(place.running, case, "defender"))
    text = " ".join(place.desks["defender"].text.split())
    assert "The rules said otherwise. This decision is outside the rules." in text


def test_each_open_question_names_who_knows_and_ask_sends_only_what_may_pass(place: Place) -> None:
    """G1: neither weighed nor checked, and the prosecutor can't be asked for the approval yet."""
    town, desk = place.town, place.desks["program"]
    unweighed = {path: value for path, value in ENCOUNTER.items() if not path.endswith("grams")}
    case = refer(town, "Lia Sena", "1990-04-17", unweighed)
    path = place.decision("program", case, "eligibility")
    desk.begin("/applications")
    undetermined = desk.browser.evaluate(
        "[...document.querySelectorAll('tbody tr')].filter(e => e.innerText.includes('Not known'))"
        ".map(e => [...e.querySelectorAll('.ticks li')].map(each => each.innerText.trim()))"
    )
    assert undetermined and all(undetermined)
    for line in (line for lines in undetermined for line in lines):
        question, _, who = line.partition("?")
        assert (question and "to say" in who) or "your own office" in who, line
    row = next(lines for lines in undetermined if any("grams" in line for line in lines))
    assert "How many grams does it weigh? For police to say. Not asked yet." in row
    asked_of = "For the prosecutor to say. You can’t ask now. The person’s consent"
    cant = f"Has the prosecutor approved or declined? {asked_of}"
    assert any(line.startswith(cant) for line in row) and len(row) == 3
    before = set(town.at["program"].working_set().outbox)
    desk.press(f"a[href='{path}#ask']")
    desk.press(f"form[action='{path}/ask'] button")
    assert desk.count <= 2 and "Asked: Police, Prosecutor." in desk.text
    outbox = town.at["program"].working_set().outbox
    (question,) = (outbox[jti] for jti in outbox if jti not in before)
    asked = {
        to: content["asks"]
        for part in question.parts
        for to in part["to"]
        for content in part["content"].values()
        if content.keys() == {"asks"}
    }
    assert asked == {
        "police": ["encounter.drugs.grams"],
        "prosecutor": ["decisions.screening"],
    }, json.dumps(question.parts)
    assert len(question.parts) == len(asked)
    settle(town, case)
    reached = {
        agency
        for agency, office in town.at.items()
        if case in office.working_set().cases
        and ("program", question.jti) in office.working_set().cases.records(case).received
    }
    assert reached == asked.keys()
