"""The prosecutor's approval is stated by a decision, and by no answer to a question.

A decision has a reason, a check, and a confirmation while it is in doubt. An answer has none.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from html import unescape
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from offramp.agency import operations
from offramp.agency.commands.forms import COMMANDS
from offramp.agency.errors import AgencyError
from tests.support.agencies import Town
from tests.support.agency_console import PASSWORD, Caller, code_of, make_account, serve_at_town_time
from tests.support.refused import refused
from tests.support.santa_fe_town import consent, interview, linked_town, refer, screen, settle
from tests.support.simulator import part
from tests.support.staff import founder_of

APPROVAL = "approval.prosecutor"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with linked_town(tmp_path) as town:
        yield town


def asked_to_approve(town: Town, name: str = "Ida Romero") -> str:
    """Return a case in which the program asks the prosecutor whether it approves the admission."""
    case = refer(town, name, "1987-12-01")
    screen(town, case)
    consent(town, case)
    operations.determine(
        town.at["program"], "Julia Vigil", case, "eligibility", "eligible", "rules"
    )
    interview(town, case)
    operations.ask(town.at["program"], case, "admission")
    settle(town, case)
    return case


def approval_asked(town: Town, case: str) -> operations.WaitingQuestion | None:
    waiting = operations.waiting_questions(town.at["prosecutor"], case)
    return next((question for question in waiting if question.path == APPROVAL), None)


def answer_by_command(town: Town, *answers: str, case: str | None = None) -> str:
    """Run `agency answer` at the prosecutor, and return what it prints and says."""
    office = town.at["prosecutor"]
    (command,) = (each for each in COMMANDS if each.name == "answer")
    parser = argparse.ArgumentParser()
    assert command.options is not None and command.run is not None
    command.options(parser)
    typed = [*(f"--answer={answer}" for answer in answers), *(["--case", case] if case else [])]
    options = parser.parse_args([*typed, "--yes", "--rest-unknown"])
    options.json = False
    operations.sign_in(office, by=founder_of("prosecutor"))
    with redirect_stdout(StringIO()) as printed:
        output = command.run(office, options)
    return "\n".join([printed.getvalue(), *output.lines])


def signed_in(town: Town, console: Any, agency: str) -> Caller:
    caller = Caller(console)
    secret = make_account(town.at[agency], founder_of(agency), founder_of(agency))
    caller.get("/sign-in")
    caller.sign_in(founder_of(agency), PASSWORD, code_of(secret))
    return caller


def words(page: httpx.Response) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def test_each_list_leads_to_the_decision_and_no_form_asks_for_it(town: Town) -> None:
    """*Asked* and *Today* lead where *Queue* leads: to a reason, a check, and the password."""
    case = asked_to_approve(town)
    office = town.at["prosecutor"]
    local = office.accounts.local_id(case)
    deciding, form = f"/queue/{local}/admission", f"/people/{local}/tell/answer"
    with serve_at_town_time(town, "prosecutor") as console:
        caller = signed_in(town, console, "prosecutor")
        for page in ("/queue", "/asked", "/today"):
            listed = caller.get(page).text
            assert f'href="{deciding}"' in listed, page
            assert f'href="{form}"' not in listed, page
        assert "Approved" not in words(caller.get(form))
        assert str(caller.get(form).url).endswith(deciding)
        sent = {"asked": [APPROVAL], APPROVAL: "approved"}
        assert "You answer this by your decision" in words(caller.send(form, sent))
    assert APPROVAL not in operations.read_case(office, case).facts
    assert approval_asked(town, case) is not None, "it stays asked"


def test_the_command_refuses_an_approval_and_names_the_decision(town: Town) -> None:
    case = asked_to_approve(town)
    digits = operations.case_digits(town.at["prosecutor"])(case)
    for named in (None, case):
        with pytest.raises(AgencyError) as refused:
            answer_by_command(town, f"{APPROVAL}=approved", case=named)
        assert refused.value.code == "decide-it"
        fix = f"`agency determine {digits} admission OUTCOME --reason REASON`"
        assert fix in str(refused.value)
    assert APPROVAL not in operations.read_case(town.at["prosecutor"], case).facts


def test_no_note_and_no_draft_is_a_second_way_to_approve(town: Town) -> None:
    """A gateway that acts by itself would pass a noted approval on as the answer."""
    case = asked_to_approve(town)
    office = town.at["prosecutor"]
    before = office.at
    with refused("decide-it"):
        operations.note_facts(office, case, {"approval": {"prosecutor": "approved"}})
    to = {"program": ("diversion_coordination", "consent")}
    approved = part("decision_outcome", {"facts": {APPROVAL: "approved"}}, to=to)
    with refused("decide-it"):
        operations.send_record(office, "answer", operations.Draft((approved,)), case)
    assert office.at == before
    assert approval_asked(town, case) is not None, "it stays asked"


def test_the_decision_answers_the_question(town: Town) -> None:
    case = asked_to_approve(town)
    question = approval_asked(town, case)
    assert question is not None and question.decided_in == "admission"
    decision = ("Thomas Baca", case, "admission", "admitted", "discretion")
    operations.determine(town.at["prosecutor"], *decision)
    settle(town, case)
    assert approval_asked(town, case) is None
    assert operations.read_case(town.at["program"], case).facts[APPROVAL].value == "approved"
