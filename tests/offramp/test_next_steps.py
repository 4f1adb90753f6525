"""Whoever has to act next has a task with the whole command, and the others see whom they wait for.

The pack is `santa-fe`, and `init` made the settings: no gateway asks or answers by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from html import unescape
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from offramp.agency import operations
from offramp.agency.cases.caseload import case_of, utc
from offramp.agency.cases.pack_terms import PackTerms, terms_of
from offramp.agency.cases.task import Task
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.wording import case_answer_lines, case_lines, cases_lines
from rules.author.spoken_dates import spoken_day
from rules.errors import Refusal
from rules.unknown import UNKNOWN
from tests.support.agencies import Town
from tests.support.agency_console import (
    PASSWORD,
    AgencyConsole,
    Caller,
    code_of,
    make_account,
    serve_at_town_time,
)
from tests.support.local_day import local_day
from tests.support.running_agencies import SIX_ROLES
from tests.support.santa_fe_town import (
    BY,
    ENCOUNTER,
    PACK,
    consent,
    describe_and_refer,
    interview,
    linked_town,
    refer,
    say_yes,
    screen,
    settle,
    state,
)
from tests.support.simulator import HOUR
from tests.support.staff import founder_of

ENROLLED = "person.enrolled"
DENVER = ZoneInfo("America/Denver")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with linked_town(tmp_path_factory.mktemp("town")) as town:
        yield town


@pytest.fixture
def own_town(tmp_path: Path) -> Iterator[Town]:
    """A town for a test that moves the clock by days."""
    with linked_town(tmp_path) as town:
        yield town


def steps(town: Town, agency: str, case: str) -> dict[str, Task]:
    """Return an agency's tasks of a case by what they are about."""
    return {
        task.about: task for task in operations.list_tasks(town.at[agency]) if task.case == case
    }


def enrolled(town: Town, case: str) -> bool | None:
    source = case_of(town.at["program"].working_set(), case).known.get(ENROLLED)
    return None if source is None else source.value


def terms_at(office: Office) -> PackTerms:
    return terms_of(office.working_set())


def state_of(town: Town, case: str, name: str) -> str:
    found = operations.find(town.at["program"], name)
    return next(each.state for person in found for each in person.cases if each.case == case)


def test_each_step_of_a_case_is_the_task_of_who_takes_it(town: Town) -> None:
    case = refer(town, "Ana Delgado", "1990-04-17")
    digits = case[:8]
    # The records check.
    check = steps(town, "prosecutor", case)["decisions.screening"]
    assert check.owner == "prosecutor" and f"`agency screen {digits}`" in check.what
    for agency in ("program", "crossroads"):
        waits = steps(town, agency, case)["decisions.screening"]
        assert waits.owner == "prosecutor" and "`prosecutor`" in waits.what
    assert "approval.prosecutor" not in steps(town, "prosecutor", case)
    screen(town, case)
    for agency in ("prosecutor", "program"):
        assert "decisions.screening" not in steps(town, agency, case)
    # The consent that is due, at the agency that collects it.
    due = steps(town, "crossroads", case)["consent.hand_off"]
    assert f"`agency consent {digits} --set hand_off`" in due.what
    # Without it nobody may be told, so it comes before each step that has no deadline.
    listed = [item.task for item in operations.list_today(town.at["crossroads"], 99).tasks]
    first = next(task for task in listed if task.case == case and task.due is None)
    assert first.about == "consent.hand_off"
    without_deadline = [task for task in listed if task.state == "open" and task.due is None]
    assert without_deadline[0].about.startswith("consent.")
    assert any(task.wanted_for is not None for task in without_deadline), "facts aren't known"
    assert "representation" not in steps(town, "defender", case)
    consent(town, case)
    for agency in SIX_ROLES:
        assert "consent.hand_off" not in steps(town, agency, case)
    # Counsel, whom the consent names.
    counsel = steps(town, "defender", case)["representation"]
    assert counsel.owner == "defender" and f"`agency represent {digits}`" in counsel.what
    operations.represent(town.at["defender"], case, although_unknown=True)
    settle(town, case)
    assert "representation" not in steps(town, "defender", case)
    # The prosecutor's approval.
    interview(town, case)
    approve = steps(town, "prosecutor", case)["approval.prosecutor"]
    assert approve.owner == "prosecutor" and f"`agency determine {digits}" in approve.what
    waits = steps(town, "program", case)["approval.prosecutor"]
    assert waits.owner == "prosecutor" and "`prosecutor`" in waits.what
    # Admitted by the prosecutor is not yet enrolled, and no silent "no".
    assert ENROLLED not in steps(town, "program", case)
    for decision, outcome in (("eligibility", "eligible"), ("admission", "admitted")):
        operations.determine(town.at["prosecutor"], "Thomas Baca", case, decision, outcome, "rules")
    settle(town, case)
    for agency in ("prosecutor", "program"):
        assert "approval.prosecutor" not in steps(town, agency, case)
    for agency in SIX_ROLES:
        office = town.at[agency]
        for item in operations.list_today(office, 99).tasks:
            if item.place.page == "form":  # the form that Today leads to is there
                assert operations.open_form(office, item.place.name, item.task.case).case
    decided = {
        item.task.about: item.place.name
        for item in operations.list_today(town.at["program"], 99).tasks
        if item.task.case == case
    }
    assert decided[ENROLLED] == "admission"
    enroll = steps(town, "program", case)[ENROLLED]
    assert f"`agency determine {digits} admission admitted --reason rules`" in enroll.what
    assert state_of(town, case, "Delgado") == "admitted"
    second = refer(town, "Ana Delgado", "1990-04-17")
    assert enrolled(town, second) is None
    operations.join(town.at["program"], BY, second, case)
    assert enrolled(town, second) is None
    operations.determine(town.at["program"], BY, case, "admission", "admitted", "rules")
    settle(town, case)
    assert ENROLLED not in steps(town, "program", case)
    assert enrolled(town, second) is True and state_of(town, case, "Delgado") == "enrolled"


def test_a_second_case_that_was_joined_before_the_admission_learns_that_it_is_open(
    town: Town,
) -> None:
    case, second = (refer(town, "Delia Sena", "1981-01-30") for _ in range(2))
    operations.join(town.at["program"], BY, second, case)
    assert enrolled(town, second) is False
    screen(town, case)
    consent(town, case)
    interview(town, case)
    prosecutor, by = town.at["prosecutor"], "Thomas Baca"
    operations.determine(prosecutor, by, case, "admission", "admitted", "rules")
    settle(town, case)
    assert enrolled(town, second) is None
    outcome = "declined_by_prosecutor"
    operations.determine(prosecutor, by, case, "admission", outcome, "safety")
    settle(town, case)
    assert enrolled(town, second) is False and ENROLLED not in steps(town, "program", case)


def test_a_persons_newer_decision_takes_the_place_of_the_rules_answer(town: Town) -> None:
    case = refer(town, "Pat Begay", "1985-09-12")
    screen(town, case)
    consent(town, case)
    interview(town, case)
    program, prosecutor = town.at["program"], town.at["prosecutor"]
    operations.determine(prosecutor, "Thomas Baca", case, "eligibility", "eligible", "rules")
    settle(town, case)
    answered = operations.decide(program, case, "eligibility")
    assert operations.send_answer(program, answered).record is not None
    settle(town, case)
    state(town, "police", "weigh", case, {"encounter.drugs[0].grams": "7.9 g"})
    settle(town, case)
    assert "outdated.eligibility" in steps(town, "program", case)
    assert "tell.prosecutor.eligibility" not in steps(town, "program", case), "it was told too"
    town.hub.clock += HOUR
    operations.determine(prosecutor, "Thomas Baca", case, "eligibility", "eligible", "discretion")
    settle(town, case)
    for agency in SIX_ROLES:
        assert "outdated.eligibility" not in steps(town, agency, case)
    answered = operations.decide(program, case, "eligibility")
    text = "\n".join(case_answer_lines(answered, ZoneInfo("America/Denver")))
    assert "INELIGIBLE" in text
    assert "Thomas Baca of prosecutor decided otherwise: Eligible" in text
    assert "Next" not in text and answered.as_json()["next"] is None
    assert answered.as_json()["decided_otherwise"]["outcome"] == "eligible"


def test_the_program_tells_the_prosecutor_of_an_answer_that_came_after_the_decision(
    own_town: Town,
) -> None:
    """Police answered the program, which had asked. So the prosecutor has no task."""
    town = own_town
    case, _ = decided_by_the_prosecutor(town)
    answer_the_weight(town, case)
    assert "outdated.eligibility" not in steps(town, "prosecutor", case)
    task = steps(town, "program", case)["tell.prosecutor.eligibility"]
    assert task.owner == "program" and "Tell `prosecutor`" in task.what
    assert f"`agency decide {case[:8]} eligibility --send`" in task.what
    with serve_at_town_time(town, "program") as console:
        caller = signed_in(console, town, "program")
        items = items_of(caller.get("/today").text)
        (tells,) = (items[what] for what in items if what.startswith("Tell Prosecutor the rules"))
        page = caller.get(tells)
        assert "Check and tell" in page.text and "The rules" in page.text
        assert "<b>Prosecutor</b>" in page.text and "password" not in page.text
        caller.send(tells, {"seen": caller.hidden("seen")})
    town.settle()
    assert "tell.prosecutor.eligibility" not in steps(town, "program", case)
    opening = steps(town, "prosecutor", case).values()
    assert any("Open what `program` sent" in each.what for each in opening)
    # The prosecutor never had the weight. A correction that changes no answer asks nobody.
    words = ("Thomas Baca", case, "eligibility", "eligible", "discretion")
    operations.determine(town.at["prosecutor"], *words)
    settle(town, case)
    for grams, sent in ((8.4, 7.9), (2.4, 8.4)):
        town.hub.clock += HOUR
        correct_the_weight(town, case, sent, grams)
        assert "outdated.eligibility" not in steps(town, "prosecutor", case)
        assert ("outdated.eligibility" in steps(town, "program", case)) is (grams == 2.4)
    # One that changes the answer leads the program to tell it, with the answer that it sent before.
    listed = steps(town, "program", case)
    assert "resend.eligibility" in listed and "tell.prosecutor.eligibility" not in listed
    told = operations.tell_decision(town.at["program"], BY, case, "eligibility")
    assert "prosecutor" in told.recipients
    assert "resend.eligibility" not in steps(town, "program", case)


def test_what_no_record_may_tell_the_prosecutor_is_a_call(own_town: Town) -> None:
    town = own_town
    case, _ = decided_by_the_prosecutor(town)
    answer_the_weight(town, case)
    words = ("Thomas Baca", case, "eligibility", "eligible", "discretion")
    operations.determine(town.at["prosecutor"], *words)
    settle(town, case)
    assert "outdated.eligibility" not in steps(town, "program", case)
    operations.revoke_consent(town.at["crossroads"], case)
    town.hub.clock += HOUR
    correct_the_weight(town, case, 7.9, 2.4)
    assert "outdated.eligibility" not in steps(town, "prosecutor", case)
    task = steps(town, "program", case)["call.prosecutor.eligibility"]
    assert "Call `prosecutor`" in task.what and "--send" not in task.what


def test_today_lists_a_step_once_and_leads_to_the_page_that_takes_it(own_town: Town) -> None:
    town = own_town
    case = refer(town, "Rita Salas", "1988-05-02")
    asked = operations.ask(town.at["program"], case, "eligibility")
    assert "decisions.screening" in asked.asked["prosecutor"]
    settle(town, case)
    with serve_at_town_time(town, "prosecutor") as console:
        prosecutor = signed_in(console, town, "prosecutor")
        shown = prosecutor.get("/today").text
        items = items_of(shown)
        # One decision alone asks for each of these, so no question says which.
        assert not re.search(r"\((for|to decide|to agree|to answer) ", " ".join(items))
        # The records check is one step, and no fact of a criminal history is one.
        checks = [what for what in items if "record" in what]
        assert checks == ["Check the records, and tell the outcome in one word."]
        assert "onvictions" not in shown and "Do the records stop" not in shown
        page = prosecutor.get(items[checks[0]])
        assert 'value="proceed"' in page.text and "No page here takes a conviction" in page.text
        # A charge's hold is stated by the decision on filing.
        (held,) = (what for what in items if "on hold" in what)
        assert items[held].startswith("/queue/") and items[held].endswith("/filing")
        assert 'value="hold"' in prosecutor.get(items[held]).text
        screen(town, case)
    with serve_at_town_time(town, "prosecutor") as console:
        prosecutor = signed_in(console, town, "prosecutor")
        items = items_of(prosecutor.get("/today").text)
        approval = items["Approve or decline, when you know enough."]
        assert 'value="admitted"' in prosecutor.get(approval).text
        # Before the consent, nobody may be told what the prosecutor decides, or of the interview.
        words = ("Thomas Baca", case, "eligibility", "eligible", "discretion")
        assert operations.determine(town.at["prosecutor"], *words).state == "kept"
        assert not any("your decision" in what for what in items_of(prosecutor.get("/today").text))
        met = utc(town.hub.clock)
        state(town, "crossroads", "intake", case, {"case.intake_at": met})
        state(town, "crossroads", "plan", case, {"case.plan_at": met})
        assert not any(what.startswith("untold.") for what in steps(town, "crossroads", case))
        consent(town, case)
        items = items_of(prosecutor.get("/today").text)
        # Another colleague tells the decision as it was made, after the check of every form.
        (untold,) = (what for what in items if "your decision" in what)
        in_queue = items[untold].replace("/decided/", "/").replace("/people", "/queue")
        for shown in (in_queue, items[untold].partition("/decided/")[0]):
            assert f'href="{items[untold]}">Tell it' in prosecutor.get(shown).text
        # A person's decision comes first.
        page = prosecutor.get(shown)
        assert "<span>Eligible, by Thomas Baca, Prosecutor</span></h2>" in page.text
        page = prosecutor.get(items[untold])
        assert "Check and tell" in page.text and "Thomas Baca, " in page.text
        assert "Who gets this" in page.text and "<b>Crossroads</b>" in page.text
        seen = {"seen": prosecutor.hidden("seen")}
        page = prosecutor.send(items[untold], {**seen, "password": PASSWORD, "code": "000000"})
        assert "don’t fit" in page.text
        prosecutor.get(items[untold])
        codes = {"password": PASSWORD, "code": new_code(town, "prosecutor")}
        prosecutor.send(items[untold], {"seen": prosecutor.hidden("seen"), **codes})
        assert untold not in items_of(prosecutor.get("/today").text)
        settle(town, case)
        made = case_of(town.at["program"].working_set(), case).determined["eligibility"].determined
        assert made is not None and made["by"] == "Thomas Baca" and made["reason"] == words[4]
    with serve_at_town_time(town, "crossroads") as console:
        manager = signed_in(console, town, "crossroads")
        items = items_of(manager.get("/today").text)
        # What the form kept is filled in, and nobody was told it before.
        (untold,) = (what for what in items if "nobody was told before" in what)
        page = manager.get(items[untold])
        assert items[untold].endswith("/tell/intake")
        zone = town.at["crossroads"].working_set().gateway.history.newest.zone
        day = datetime.fromisoformat(met.replace("Z", "+00:00")).astimezone(zone).date()
        assert f'name="case.intake_at" value="{spoken_day(day, "en")}, ' in page.text
        assert "This was told already" not in page.text
        # So is the plan, which is told with the limits of what care agencies tell.
        say_yes(town.at["crossroads"], case, "plan", no_to=("program",))
        items = items_of(manager.get("/today").text)
        (untold,) = (what for what in items if "plan" in what and "nobody was told" in what)
        assert items[untold].endswith("/tell/plan") and untold.startswith("Tell Clinic")
        assert (
            f'name="case.plan_at" value="{spoken_day(day, "en")}, '
            in manager.get(items[untold]).text
        )
        state(town, "crossroads", "plan", case, {"case.plan_at": met})
        assert untold not in items_of(manager.get("/today").text)
        (missing,) = (what for what in items if "aren't known yet" in what)
        page = manager.get(items[missing])
        assert "What do you tell about?" in page.text and "How many relapses" in page.text
        # Nobody is told to ask their own agency.
        page = manager.get(items[missing].partition("/tell/progress")[0])
        assert "For your own agency to say: " in page.text
        assert "Ask case management" not in page.text


def test_each_line_of_today_leads_to_a_page_with_its_control(own_town: Town) -> None:
    """The page asks for what the line says. A review by the partners leads to the case."""
    town = own_town
    unknown = ("encounter.charges[0].violent", "encounter.drugs[0].grams")
    answers = {path: value for path, value in ENCOUNTER.items() if path not in unknown}
    case = refer(town, "Ida Romero", "1987-12-01", answers)
    screen(town, case)
    consent(town, case)
    interview(town, case)
    manager, police = town.at["crossroads"], town.at["police"]
    operations.ask(town.at["program"], case, "eligibility")
    operations.note_complaint(manager, BY, case, "Nobody called back")
    operations.prepare_meeting(manager, BY, operations.program_day(manager))
    settle(town, case)
    town.hub.clock += 20 * 24 * HOUR
    twice = refer(town, "Ida Romero", "1987-12-01")
    pages: dict[str, set[str]] = {}
    for agency in ("police", "crossroads", "prosecutor", "defender", "program"):
        if agency == "program":
            operations.recall(police, "Officer Lund", twice, "duplicate")
            settle(town, case)
        today = operations.list_today(town.at[agency], 99)
        listed = {item.what: item for item in today.tasks}
        if agency == "program":  # one recall of a record's parts is one line
            recalls = [item for item in today.tasks if item.task.action == "recall"]
            records = operations.list_recalls(town.at[agency], twice)
            assert len(recalls) == len(records) == today.asked_back == 1
        with serve_at_town_time(town, agency) as console:
            person = signed_in(console, town, agency)
            for what, link in items_of(person.get("/today").text).items():
                item = listed[what]
                pages.setdefault(agency, set()).add(item.place.page)
                page = person.get(link.partition("#")[0])
                main = page.text.partition("<main")[2]
                assert page.status_code == 200, (what, link)
                assert not what.startswith(("Due: ", "Next step: ")), what
                if item.place.page == "case":
                    assert "Who looked" in main, what
                    continue
                assert 'method="post"' in main and "Who looked" not in main, (what, link)
                if item.task.wanted_for and item.place.page in ("form", "entry"):
                    assert f'name="{item.task.about}"' in main, (what, link)
            if agency == "police":
                corrects_its_charges(town, person, case)
            if agency == "crossroads":
                says_that_nothing_was_sent(town, person, twice)
                tells_no_interview_twice(town, person, case)
                shows_certain_steps_first(town, person, case)
    assert pages["police"] == {"entry", "answer", "compare"}
    assert pages["crossroads"] >= {"concern", "status", "form", "consent"}
    assert pages["prosecutor"] == {"decision"}, "nobody looks for later charges without a cause"
    assert pages["defender"] == {"represent"}
    assert pages["program"] >= {"recall", "case"}
    charges = case_of(town.at["program"].working_set(), case).known["encounter.charges"].value
    assert [charge["conduct"] for charge in charges] == ["theft"]


def corrects_its_charges(town: Town, officer: Caller, case: str) -> None:
    """Fill in what wasn't known of a charge, add another one, and take the first one back."""
    entries = f"/people/{town.at['police'].accounts.local_id(case)}/entries"
    violent = "encounter.charges[0].violent"
    page = officer.get(f"{entries}/encounter.charges/0")
    fields = {"asked": re.findall(r'name="asked" value="([^"]*)"', page.text)}
    assert f'name="{violent}" value="not known" checked' in page.text, "it stays unknown"
    fields |= {"encounter.charges[0].conduct": "possession", violent: "no"}
    fields |= {"encounter.charges[0].authority": "state"}
    page = officer.send(f"{entries}/encounter.charges/0", fields)
    assert "Is it a charge of violence?" in page.text and "No agency is told" in page.text
    page = officer.send(f"{entries}/check", {"seen": officer.hidden("seen")})
    assert "Kept here" in page.text
    assert violent not in {
        item.task.about for item in operations.list_today(town.at["police"], 9).tasks
    }
    page = officer.get(f"{entries}/encounter.charges/new")
    fields = {"asked": re.findall(r'name="asked" value="([^"]*)"', page.text)}
    fields |= dict.fromkeys(fields["asked"], "not known")
    fields["encounter.charges[1].conduct"] = "theft"
    page = officer.send(f"{entries}/encounter.charges/new", fields)
    assert "Program gets “Theft”" in page.text
    officer.send(f"{entries}/check", {"seen": officer.hidden("seen")})
    officer.get(entries)
    page = officer.send(f"{entries}/encounter.charges/0/remove")
    assert "Program is told that “Possession, State” was a mistake" in page.text
    page = officer.send(f"{entries}/check", {"seen": officer.hidden("seen")})
    assert "Corrected" in page.text
    assert "Possession" not in officer.get(entries).text


def says_that_nothing_was_sent(town: Town, manager: Caller, case: str) -> None:
    """Keep what nobody may be told yet. The title says so."""
    path = f"/people/{town.at['crossroads'].accounts.local_id(case)}/tell/progress"
    manager.get(f"{path}?about=attendance")
    manager.send(path, {"asked": ["about", "case.missed_contacts"], "about": "attendance"})
    asked = ["about", "attendance.text", "case.missed_contacts"]
    fields = {"asked": asked, "about": "attendance", "attendance.text": ""}
    page = manager.send(path, fields | {"case.missed_contacts": "1"})
    assert "Why 5 agencies don’t get it" in page.text
    assert "Counseling notes" not in page.text, "nothing of them is told or kept"
    page = manager.send(f"{path}/check", {"seen": manager.hidden("seen", page)})
    assert "<title>Kept here" in page.text


def shows_certain_steps_first(town: Town, manager: Caller, case: str) -> None:
    """Show the steps that are certain, and then those that missing facts leave open."""
    shown = manager.get(f"/people/{town.at['crossroads'].accounts.local_id(case)}").text
    assert re.search(r"<span>Prepare plan[^<]*</span></h2>\s*<p>Perhaps: [^<]*revise plan", shown)


def tells_no_interview_twice(town: Town, manager: Caller, case: str) -> None:
    """A first interview that was told is told again only if it happened once more."""
    path = f"/people/{town.at['crossroads'].accounts.local_id(case)}/tell/intake"
    page = manager.get(path)
    assert "This was told already (" in page.text
    assert "m.)." in page.text and "m.." not in page.text, "the period of `a.m.` is kept"
    fields = {"asked": "case.intake_at", "case.intake_at": utc(town.hub.clock)}
    page = manager.send(path, fields)
    page = manager.send(f"{path}/check", {"seen": manager.hidden("seen", page)})
    assert "happened once more" in page.text and "<h1>Check and send" in page.text


def test_a_question_of_two_decisions_says_in_words_which_it_is_for(tmp_path: Path) -> None:
    with linked_town(tmp_path, pack=PACK.parent / "seattle") as town:
        describe_and_refer(town, "Gia Ortiz", "1990-01-02", {"encounter.route": "arrest"})
        tasks = [task.what for task in operations.list_tasks(town.at["police"])]
    question = "What could the person be charged with?"
    assert [f"{question} (for the {name})" for name in ("offer", "records check")] == tasks


def signed_in(console: AgencyConsole, town: Town, agency: str) -> Caller:
    caller = Caller(console)
    caller.get("/sign-in")
    caller.sign_in(founder_of(agency), PASSWORD, new_code(town, agency))
    return caller


def new_code(town: Town, agency: str) -> str:
    """Return a code that wasn't used yet: of a new secret, since a code is good once."""
    founder = founder_of(agency)
    return code_of(make_account(town.at[agency], founder, founder))


def items_of(page: str) -> dict[str, str]:
    """Return the steps on the page of the day, each with the page that it leads to."""
    steps = re.findall(
        r'<div class="row between"><p>([^<]*)</p>(.*?)</div>\n?(?=<div|</li)', page, re.S
    )
    return {
        " ".join(unescape(what).split()): link[1]
        for what, rest in steps
        if (link := re.search(r'<a class="btn[^"]*" href="([^"]*)"', rest))
    }


def test_an_unopened_answer_is_opened_first_and_not_asked_again(own_town: Town) -> None:
    town = own_town
    unknown = ("encounter.drugs[0].grams", "judgment.amenable", "encounter.charges[0].violent")
    known = {path: value for path, value in ENCOUNTER.items() if path not in unknown}
    case = refer(town, "Ida Romero", "1987-12-01", known)
    screen(town, case)
    program = town.at["program"]
    asked = operations.ask(program, case, "eligibility")
    with pytest.raises(AgencyError, match="was asked before") as refused:
        operations.ask(program, case, "eligibility", again=False)
    assert refused.value.code == "nothing-to-ask"
    settle(town, case)
    # Facts of two categories are asked in two parts, and all of them are printed.
    at_police = [each.path for each in operations.waiting_questions(town.at["police"], case)]
    assert sorted(asked.asked["police"]) == sorted(at_police) and len(at_police) == 3
    police = town.at["police"]
    form = operations.open_form(police, "answer", case)
    # The question about the charge is left out, and stays asked.
    answers = {"encounter.drugs[0].grams": 2.4, "judgment.amenable": UNKNOWN}
    left_out = dict.fromkeys(name for name in at_police if name not in answers)
    operations.send_draft(police, operations.draft_form(police, form, answers | left_out))
    town.settle()
    answered = operations.decide(program, case, "eligibility")
    (closed,) = answered.closed
    # The part answers a question about both, and it may state one of them or both.
    may_state = ("encounter.drugs.grams", "judgment.amenable")
    assert (closed.agency, closed.paths) == ("police", may_state)
    first = case_answer_lines(answered, DENVER)[0]
    assert first.startswith(f"OPEN FIRST: police sent part `{closed.part}`")
    assert f"`agency case DIR {case[:8]} --open`" in first
    assert answered.as_json()["unopened"] == dict.fromkeys(may_state, "police")
    again = operations.ask(program, case, "eligibility")
    assert again.asked == {"police": ("encounter.charges.violent",)}
    settle(town, case)
    listed = [each.path for each in operations.waiting_questions(town.at["police"], case)]
    assert listed.count("encounter.charges.violent") == 1, "asked twice, it is listed once"
    operations.open_case(program, BY, case)
    assert operations.decide(program, case, "eligibility").closed == ()


def decided_by_the_prosecutor(town: Town) -> tuple[str, Office]:
    """Refer a person whose drugs nobody weighed. The program asks, the prosecutor decides."""
    unweighed = {path: value for path, value in ENCOUNTER.items() if not path.endswith("grams")}
    case = refer(town, "Lena Ortiz", "1991-02-11", unweighed)
    screen(town, case)
    consent(town, case)
    interview(town, case)
    program, prosecutor = town.at["program"], town.at["prosecutor"]
    operations.ask(program, case, "eligibility")
    settle(town, case)
    operations.determine(prosecutor, "Thomas Baca", case, "eligibility", "eligible", "rules")
    settle(town, case)
    town.hub.clock += HOUR
    return case, program


def answer_the_weight(town: Town, case: str) -> None:
    state(town, "police", "answer", case, {"encounter.drugs[0].grams": "7.9 g"})
    settle(town, case)


def correct_the_weight(town: Town, case: str, before: float, grams: float) -> None:
    (drugs,) = case_of(town.at["police"].working_set(), case).known["encounter.drugs"].value
    assert drugs["grams"] == before
    right = {"encounter.drugs": [{**drugs, "grams": grams}]}
    operations.correct(town.at["police"], BY, case, right)
    settle(town, case)


def test_an_earlier_no_is_unknown_from_the_admission_until_the_program_enrolls(
    town: Town,
) -> None:
    case = refer(town, "Nora Chee", "1979-03-02")
    assert enrolled(town, case) is False, "nobody at the program is like that person"
    screen(town, case)
    consent(town, case)
    interview(town, case)
    town.hub.clock += HOUR
    prosecutor, program = town.at["prosecutor"], town.at["program"]
    for decision, outcome in (("eligibility", "eligible"), ("admission", "admitted")):
        operations.determine(prosecutor, "Thomas Baca", case, decision, outcome, "rules")
    settle(town, case)
    assert enrolled(town, case) is None
    shown = "\n".join(case_lines(operations.read_case(program, case), DENVER, terms_at(program)))
    assert "enrolled in the program?  not recorded yet: the person is admitted" in shown
    # Opening the case again notes no second "no".
    operations.open_case(program, BY, case)
    assert enrolled(town, case) is None and ENROLLED in steps(town, "program", case)
    operations.determine(program, BY, case, "admission", "admitted", "rules")
    settle(town, case)
    assert enrolled(town, case) is True and ENROLLED not in steps(town, "program", case)


def test_an_enrollment_that_nobody_may_be_told_is_known_to_the_program(town: Town) -> None:
    case = refer(town, "Omar Yazzie", "1988-08-08")
    town.hub.clock += HOUR
    made = operations.determine(
        town.at["program"], "Julia Vigil", case, "admission", "admitted", "discretion"
    )
    assert made.record is None, "the person consented to nothing"
    assert enrolled(town, case) is True and state_of(town, case, "Yazzie") == "enrolled"


def test_a_recalled_duplicate_is_no_open_case(own_town: Town) -> None:
    town = own_town
    first = refer(town, "Rita Montoya", "1970-05-05")
    second = refer(town, "Rita Montoya", "1970-05-05")
    screen(town, second)
    town.hub.clock += HOUR
    office, by = town.at["police"], "Officer Lund"
    operations.recall(office, by, second, "duplicate")
    town.settle()
    assert state_of(town, first, "Montoya") == "referred"
    for agency in ("crossroads", "program", "prosecutor"):
        abouts = {task.what for task in steps(town, agency, second).values()}
        assert abouts and all("answer-recall" in what for what in abouts), agency
        operations.answer_recalls(town.at[agency], BY, second)
    town.settle()
    town.hub.clock += 9 * 24 * HOUR
    for agency in SIX_ROLES:
        assert not steps(town, agency, second), agency
        if agency in ("crossroads", "program", "prosecutor"):
            assert steps(town, agency, first), "the other case goes on"
    # It is in no meeting, and nobody is asked for its status.
    crossroads = town.at["crossroads"]
    at_meeting = {case.case for case in operations.show_agenda(crossroads).cases}
    assert first in at_meeting and second not in at_meeting
    today = operations.program_day(crossroads)
    prepared = operations.prepare_meeting(crossroads, BY, today)
    assert first in prepared.owed and second not in prepared.owed
    # It stays listed, as a case that is not open.
    (listed,) = [each for each in operations.list_cases(crossroads) if each.case == second]
    assert (
        listed.is_withdrawn and "not open: the referral was asked back" in cases_lines([listed])[0]
    )
    # Its page asks about no other person, and has no answers of the rules.
    view = operations.read_case(crossroads, second)
    assert view.duplicates == () and view.answers == {}
    assert operations.read_case(crossroads, first).answers
    # It takes no new record, and says why and what to do.
    for act in (
        lambda: operations.open_form(crossroads, "intake", second),
        lambda: operations.open_form(town.at["prosecutor"], "screen", second),
        lambda: consent(town, second),
        lambda: operations.record_meeting(crossroads, BY, second, ()),
        lambda: operations.draft_status(crossroads, second, "engaged"),
    ):
        with pytest.raises(Refusal, match="`police` asked back the referral of this case") as told:
            act()
        assert told.value.code == "referral-recalled" and "agency find" in told.value.fix
    # A new referral opens it again.
    answers = {**ENCOUNTER, "contact.given_name": "Rita", "contact.family_name": "Montoya"}
    answers |= {"encounter.date": f"{local_day(town.hub.clock)}"}
    state(town, "police", "refer", second, answers)
    settle(town, second)
    assert "consent.hand_off" in steps(town, "crossroads", second)


@pytest.mark.parametrize("is_weighed", [False, True])
def test_a_correction_flags_no_screening_that_does_not_read_it(
    town: Town, is_weighed: bool
) -> None:
    """Also while the day of the encounter, and so the rules in force, wait in a closed one.

    The opened day flags it, since the rules of another day may apply. A weight that was added
    before, and restated the day, changes nothing in that.
    """
    case = refer(town, "Tina Lujan", "1993-02-14")
    screen(town, case)
    town.hub.clock += HOUR
    police, by = town.at["police"], "Officer Lund"
    if is_weighed:
        state(town, "police", "weigh", case, {"encounter.drugs[0].grams": "2.9 g"})
        settle(town, case)
        for agency in SIX_ROLES:
            assert "outdated.screening" not in steps(town, agency, case), agency
    town.hub.clock += HOUR
    day = local_day(town.hub.clock - 24 * HOUR)
    operations.correct(police, by, case, {"encounter.date": f"{day}"})
    town.settle()
    for agency in SIX_ROLES:
        assert "outdated.screening" not in steps(town, agency, case), agency
    settle(town, case)
    assert "outdated.screening" in steps(town, "prosecutor", case)


def test_a_pack_without_facts_of_its_own_says_what_to_use_instead(town: Town) -> None:
    case = refer(town, "Uma Baca", "1984-06-01")
    with pytest.raises(Refusal, match="`santa-fe` declares no facts of its own") as told:
        operations.open_form(town.at["crossroads"], "tell", case)
    assert told.value.code == "nothing-to-tell" and "`intake`" in told.value.fix


def test_why_a_part_stays_closed_is_said_in_words(own_town: Town) -> None:
    """The rules' last answer has no name that a person could look up."""
    town = own_town
    case = refer(town, "Vera Silva", "1977-07-07")
    state(town, "police", "weigh", case, {"encounter.drugs[0].grams": "2.9 grams"})
    town.settle()
    town.hub.clock += 31 * 24 * HOUR
    town.settle()
    view = operations.open_case(town.at["crossroads"], BY, case)
    closed = [refusal for refusal in view.refusals if "stays closed" in refusal]
    assert closed and all("otherwise" not in refusal for refusal in closed), closed


def test_a_receipt_is_not_acknowledged_in_its_turn(own_town: Town) -> None:
    town = own_town
    case = refer(town, "Noa Grant", "1979-03-08")
    settle(town, case)  # each opened what came, and acknowledged it
    town.settle()
    knows = [name for name in SIX_ROLES if case in town.at[name].working_set().cases]
    sent = {name: len(town.at[name].working_set().outbox) for name in knows}
    for name in knows:
        operations.open_case(town.at[name], BY, case)
    assert {name: len(town.at[name].working_set().outbox) for name in knows} == sent
    police = town.at["police"].working_set().cases.records(case).received.values()
    receipts = [one for one in police if one.record and one.record.kind == "acknowledgement"]
    assert receipts and all(receipt.opened for receipt in receipts)


def test_what_can_no_longer_be_opened_is_no_step_and_hides_none(own_town: Town) -> None:
    """After 30 days the offer's purpose is over, and after a take-back what rested on it."""
    town = own_town
    case = refer(town, "Vera Silva", "1977-07-07")
    consent(town, case)
    managers, program = town.at["crossroads"], town.at["program"]
    state(town, "crossroads", "intake", case, {"case.intake_at": utc(town.hub.clock)})
    town.settle()
    opening = [task for task in operations.list_tasks(program) if task.action == "open"]
    assert [task.case for task in opening] == [case]
    assert operations.count_closed(program, case) == 1
    operations.revoke_consent(managers, case)
    town.settle()
    assert operations.count_closed(program, case) == 0
    assert not [task for task in operations.list_tasks(program) if task.action == "open"]


def test_a_service_in_a_case_without_referral_is_the_task_of_who_stated_it(town: Town) -> None:
    case = refer(town, "Sam Tsosie", "1991-11-11")
    screen(town, case)
    consent(town, case)
    town.hub.clock += HOUR
    operations.recall(town.at["police"], "Officer Lund", case, "duplicate")
    town.settle()
    task = steps(town, "crossroads", case)["referral.consent"]
    digits = case[:8]
    assert f"`offramp agency revoke {digits}`" in task.what
    operations.revoke_consent(town.at["crossroads"], case, oral=True)
    town.settle()
    assert {task.about for task in steps(town, "crossroads", case).values()} == set() or all(
        "answer-recall" in task.what for task in steps(town, "crossroads", case).values()
    )
