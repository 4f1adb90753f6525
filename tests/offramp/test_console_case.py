"""The case manager's pages: what came, what is told, and what went wrong, in browsers alone.

A real hub, six agencies founded with the defaults, and the consoles of two of them as processes.
The officer's referrals are made by the operations that the officer's pages call.
"""

from __future__ import annotations

import html
import json
import os
import re
import time
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from mnemonic import Mnemonic

from offramp.agency import operations
from offramp.agency.wording import account_lines
from tests.support.accessibility import HAS_AXE, NO_AXE, axe_violations
from tests.support.agency_console import (
    PASSWORD,
    AgencyConsole,
    Caller,
    code_of,
    make_account,
    press,
    run_agency_console,
    type_in,
)
from tests.support.browser import BROWSER, NO_BROWSER, Browser
from tests.support.referrals import address, refer
from tests.support.running_agencies import PASSPHRASE, SIX_ROLES, Running, consent, told
from tests.support.santa_fe_town import say_yes
from tests.support.simulator import grant
from tests.support.staff import founder_of

ROSA = founder_of("crossroads")
# A folder for pictures of the pages, to look at them.
PICTURES = os.environ.get("CASE_PICTURES")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    found = Running(tmp_path_factory.mktemp("cases"), SIX_ROLES, "santa-fe")
    found.covered = ("clinic",)
    try:
        found.join_all()
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="module")
def consoles(town: Running) -> Iterator[Mapping[str, Caller]]:
    """The founders of two agencies, signed in at their consoles."""
    callers = {}
    with ExitStack() as stack:
        for agency in ("crossroads", "police"):
            founder = founder_of(agency)
            with closing(operations.open_office(town.folder / agency, PASSPHRASE)) as office:
                secret = make_account(office, founder, founder)
            console: AgencyConsole = stack.enter_context(
                run_agency_console(town.folder / agency, town.passphrase)
            )
            callers[agency] = Caller(console)
            callers[agency].get("/sign-in")
            callers[agency].sign_in(founder, PASSWORD, code_of(secret))
        yield callers


@pytest.fixture
def rosa(consoles: Mapping[str, Caller]) -> Caller:
    return consoles["crossroads"]


@pytest.fixture
def officer(consoles: Mapping[str, Caller]) -> Caller:
    return consoles["police"]


def heading(page: httpx.Response) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page.text, re.S)
    assert found, page.text
    return html.unescape(re.sub(r"<[^>]+>", "", found[1])).strip()


def words(page: httpx.Response) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def fill(caller: Caller, path: str, answers: dict[str, Any]) -> httpx.Response:
    """Fill in a form until its check is shown."""
    page = caller.get(path)
    for _ in range(4):
        if heading(page) == "Check and send":
            return page
        asked = re.findall(r'name="asked" value="([^"]+)"', page.text)
        page = caller.send(path, {"asked": asked, **answers})
    raise AssertionError(words(page))


def now(ago: int = 0) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago))


def test_today_shows_what_is_to_be_opened_before_what_rests_on_it(
    town: Running, rosa: Caller
) -> None:
    case = address(town, refer(town, "Olga", "Ortiz"))
    page = rosa.get("/today")
    shown = words(page)
    assert page.text.count('class="card stack-s"><div class="row between">') <= 7
    assert "Open what Police sent" in shown and "after that" in shown
    assert "agency " not in shown.lower().replace("the agency", "") and "`" not in shown
    assert shown.index("Open what Police sent") < shown.index("Due:") if "Due:" in shown else True
    page = rosa.get(case)
    assert heading(page) == "No name here yet" and "Open what came first" in page.text
    assert "Find a person" in page.text and "1 person here has no name yet" in words(
        rosa.get("/people/find")
    )


def test_a_case_is_shown_in_plain_words_with_sources(town: Running, rosa: Caller) -> None:
    contact = {"phone": "(505) 555-0123 x3", "language": "es", "birth_date": "1999-03-04"}
    case = address(town, refer(town, "Petra", "Ruiz", **contact))
    rosa.get(case)
    page = rosa.send(f"{case}/open")
    shown = words(page)
    assert heading(page) == "Petra Ruiz"
    assert "prefers Spanish" in shown and "(505) 555-0123 x3" in shown
    assert 'href="tel:+15055550123;ext=3"' in page.text
    assert "March 4, 1999" in shown and "What happened" in shown
    assert re.search(r"What kind of drug is it\?|opioid", shown, re.I)
    assert "Police, " in shown and "encounter: " not in shown
    assert "Complete intake Perhaps: Attempt contact" in shown, "what is certain comes first"
    assert "encounter.drugs" not in shown and "Ask " in shown
    # A code has words in the language of the person, unless staff choose another.
    assert 'value="es" checked' in rosa.get(f"{case}/code").text
    for fields, spoken in (({}, "spanish"), ({"lang": "en"}, "english")):
        rosa.get(f"{case}/code")
        page = rosa.send(f"{case}/code", fields)
        code = re.search(r'<b class="num">([^<]+)</b>', page.text)
        assert code is not None and len(code[1].split()) == 4
        listed = {unicodedata.normalize("NFC", word) for word in Mnemonic(spoken).wordlist}
        assert set(html.unescape(code[1]).split()) <= listed, spoken


def test_an_intake_before_consent_says_who_does_not_get_it_and_is_filled_in_later(
    town: Running, rosa: Caller
) -> None:
    case = address(town, refer(town, "Nadia", "Vigil"))
    rosa.get(case)
    rosa.send(f"{case}/open")
    page = rosa.get(f"{case}/tell/intake")
    assert "About Nadia Vigil" in words(page)
    page = rosa.send(f"{case}/tell/intake", {"asked": ["case.intake_at"]})
    assert "Please look at this" in page.text
    page = fill(rosa, f"{case}/tell/intake", {"case.intake_at": now()})
    shown = words(page)
    assert "About Nadia Vigil" in shown and "first interview" in shown
    assert "Prosecutor" in shown and ("doesn’t get it" in shown or "don’t get it" in shown)
    link = re.search(rf'href="({case}/tell/intake)#([^"]+)">Change', page.text)
    assert link and f'id="{link[2]}"' in rosa.get(link[1]).text
    rosa.get(f"{case}/tell/intake/check")
    seen = {"seen": rosa.hidden("seen")}
    assert heading(rosa.send(f"{case}/tell/intake/check", seen)) == "Kept here"
    # Back to its check is no fault. Nobody was told it, so it can be told, and is filled in.
    page = rosa.get(f"{case}/tell/intake/check")
    assert "Nothing is filled in" in words(page) and "Please look at this" not in page.text
    assert "This is kept here (" in words(page) and "This was told already (" not in words(page)
    assert re.search(r'name="case.intake_at" value="[A-Z][a-z]+ \d+, 20\d\d, ', page.text)
    assert "m.." not in words(page), "the period of `a.m.` ends a sentence too"
    # Another moment would be another interview.
    page = fill(rosa, f"{case}/tell/intake", {"case.intake_at": now(ago=3600)})
    page = rosa.send(f"{case}/tell/intake/check", {"seen": rosa.hidden("seen")})
    assert "happened once more" in words(page) and heading(page) == "Check and send"


# What came, and what is asked back


def test_what_came_is_shown_kind_by_kind_and_opened_in_two_taps(
    town: Running, rosa: Caller
) -> None:
    case = address(town, refer(town, "Wanda", "Xu"))
    link = re.search(rf'href="({case}/open)">Open', rosa.get("/today").text)
    assert link
    page = rosa.get(link[1])
    shown = words(page)
    assert heading(page) == "What came" and "Police" in shown and "Open all" in shown
    assert "Wanda" not in shown  # it is closed
    page = rosa.send(link[1])
    assert heading(page) == "Wanda Xu"
    assert "Everything that came is open" in words(rosa.get(link[1]))


def test_the_notice_on_care_is_shown_once_when_it_is_opened(
    town: Running, rosa: Caller, capsys: pytest.CaptureFixture[str]
) -> None:
    handle = refer(town, "Vito", "Waters")
    case = address(town, handle)
    rosa.get(f"{case}/open")
    rosa.send(f"{case}/open")
    terms = grant("clinic", "crossroads", ["treatment"], ["treatment"])
    consent(town, capsys, handle, 42, terms)
    town.settle()
    assert town.agency("case", "clinic", handle, "--open") == 0
    words_of_care = ("--about", "treatment", "--treatment-text", "Well.", "--yes")
    assert town.agency("progress", "clinic", handle, *words_of_care) == 0
    town.settle()
    page = rosa.get(f"{case}/open")
    assert "Clinic" in words(page) and "This binds you" not in page.text
    # What only says that another agency opened something is counted, and not described.
    assert "receipt" in words(page) and "its reader accepts the limits" not in words(page)
    page = rosa.send(f"{case}/open")
    assert "This binds you" in page.text and "42 CFR part 2" in words(page)
    assert "This binds you" not in rosa.get(f"{case}/open").text


def test_a_wrong_referral_is_asked_back_and_each_recipient_answers(
    town: Running, rosa: Caller, officer: Caller
) -> None:
    handle = refer(town, "Yara", "Zamora")
    case, own = address(town, handle), address(town, handle, "police")
    rosa.get(f"{case}/open")
    rosa.send(f"{case}/open")
    page = officer.get(f"{own}/mistake")
    assert heading(page) == "What went wrong?" and "About Yara Zamora" in words(page)
    page = officer.send(f"{own}/mistake", {"reason": "wrong_person"})
    entries = re.findall(r'name="entry" value="([^"]+)"', page.text)
    assert heading(page) == "Which entry?" and len(entries) == 1
    page = officer.send(f"{own}/mistake/entry", {"entry": entries[0]})
    shown = words(page)
    assert heading(page) == "Check and send"
    assert all(name in shown for name in ("Crossroads", "Program", "Prosecutor"))
    page = officer.send(f"{own}/mistake/check", {"seen": officer.hidden("seen")})
    assert heading(page) == "Asked back" and "Crossroads" in words(page)
    # Nothing is left of it, and sending it again leads to the beginning.
    assert heading(officer.get(f"{own}/mistake/check")) == "What went wrong?"
    town.settle()
    page = rosa.get("/today")
    assert "asked back" in words(page)
    link = re.search(rf'href="({case}/recalled)">Answer', page.text)
    assert link
    page = rosa.get(link[1])
    assert heading(page) == "Asked back" and "Police asks back" in words(page)
    fields = {"record": rosa.hidden("record"), "keep": "whim"}
    assert "Choose the ground" in words(rosa.send(link[1], fields))
    page = rosa.send(link[1], {"record": rosa.hidden("record"), "answer": "delete"})
    assert "Deleted" in words(page) and "Police was told" in words(page)
    assert "No agency asks anything back" in words(rosa.get(link[1]))
    assert "Yara" not in rosa.get(case).text
    town.settle()
    account = operations_account(town, "crossroads", handle)
    assert any(row.answered is not None and row.to == "crossroads" for row in account)
    # What is printed here is what the command prints for the person, to the last sentence.
    for lang, changed in (("en", "Police asked Crossroads to give back"), ("es", "Police pidió a")):
        page = words(rosa.get(f"{case}/account?lang={lang}"))
        with closing(operations.open_office(town.folder / "crossroads", PASSPHRASE)) as office:
            printed = operations.fetch_account(office, handle, for_person=True)
        text = printed.text(lang, is_read=True)
        assert text.scope is not None, "without a consent, the hub gives no account"
        sentences = [text.zone, text.scope, *text.changes, *text.proof, *text.notices]
        sentences += [line for _, line in text.knows]
        sentences += [
            line for telling in text.told for line in (telling.text, telling.basis) if line
        ]
        assert changed in " ".join(text.changes) and printed.openings
        for line in sentences:
            assert " ".join(line.split()) in page, line
        lines = account_lines(printed, lang, is_full=True, is_read=True)
        listed = " ".join("\n".join(lines).split())
        assert all(line.split(",")[0] in listed for line in sentences)
        assert all(opening.person in page for opening in printed.openings)


def operations_account(town: Running, agency: str, case: str) -> tuple[Any, ...]:
    with closing(operations.open_office(town.folder / agency, PASSPHRASE)) as office:
        return operations.fetch_account(office, case).statement.rows


def test_a_detail_is_corrected_for_everybody_who_has_it(
    town: Running, rosa: Caller, officer: Caller
) -> None:
    handle = refer(town, "Tomas", "Salas", phone="505-555-0188")
    case, own = address(town, handle), address(town, handle, "police")
    rosa.get(f"{case}/open")
    assert "505-555-0188" in rosa.send(f"{case}/open").text
    officer.get(f"{own}/mistake")
    page = officer.send(f"{own}/mistake", {"reason": "detail"})
    assert "505-555-0188" in words(page)
    page = officer.send(f"{own}/mistake/detail", {"detail": "contact.phone"})
    assert heading(page) == "What is right?"
    field = {"asked": ["contact.phone"], "contact.phone": "none of that"}
    assert "Please look at this" in officer.send(f"{own}/mistake/value", field).text
    field["contact.phone"] = "505-555-0188"
    assert "has this value already" in words(officer.send(f"{own}/mistake/value", field))
    field["contact.phone"] = "505-555-0199"
    page = officer.send(f"{own}/mistake/value", field)
    assert heading(page) == "Check and send"
    assert "505-555-0199" in words(page) and "Crossroads" in words(page)
    page = officer.send(f"{own}/mistake/correct", {"seen": officer.hidden("seen")})
    assert heading(page) == "Corrected"
    town.settle()
    page = rosa.get(case)
    assert "sent a correction that nobody here has opened" in words(page)
    rosa.send(f"{case}/open")
    page = rosa.get(case)
    assert "505-555-0199" in page.text and "505-555-0188" not in page.text


def _facts(town: Running, agency: str, case: str) -> dict[str, Any]:
    with closing(operations.open_office(town.folder / agency, PASSPHRASE)) as office:
        facts = operations.read_case(office, case).facts
        return {path: source.value for path, source in facts.items()}


def test_a_wrong_weight_is_corrected_from_my_referrals_and_nothing_else_changes(
    town: Running, officer: Caller, capsys: pytest.CaptureFixture[str]
) -> None:
    """O11, after an answer that the program alone was told."""
    handle = refer(town, "Zita", "Baros")
    told(town, capsys, "case", "program", handle, "--open")
    told(town, capsys, "ask", "program", handle, "eligibility")
    town.settle()
    told(town, capsys, "case", "police", handle, "--open")
    answers = {
        "encounter.drugs": [{"grams": "1.8", "form": "weighed"}],
        "encounter.charges": [{"code": "30-31-23", "authority": "state"}],
    }
    file = town.folder / "answers.json"
    file.write_text(json.dumps(answers))
    words_of_answer = ("--answers", str(file), "--rest-unknown", "--yes")
    told(town, capsys, "answer", "police", "--case", handle, *words_of_answer)
    town.settle()
    told(town, capsys, "case", "program", handle, "--open")
    before = {agency: _facts(town, agency, handle) for agency in ("police", "program")}
    entry = before["program"]["encounter.drugs"][0]
    assert (entry["kind"], entry["grams"], entry["form"]) == ("opioid", 1.8, "weighed")

    page = officer.get("/mine")
    (link,) = set(re.findall(rf'href="({address(town, handle, "police")}/mistake)"', page.text))
    officer.get(link)  # tap 1
    page = officer.send(link, {"reason": "detail"})  # tap 2
    assert "1.8 g Program" in words(page)
    name = "encounter.drugs[0].grams"
    assert 'value="encounter.drugs[0].basis"' not in page.text
    officer.send(f"{link}/detail", {"detail": name})  # tap 3
    page = officer.send(f"{link}/value", {"asked": [name], name: "1.5"})  # tap 4
    assert '<s class="soft">1.8 g</s> 1.5 g' in page.text
    assert "Program was told “1.8 g”, and gets “1.5 g”" in words(page)
    # Crossroads was told of the drug, and of no weight.
    assert "Not told to Crossroads and Prosecutor: “" in words(page)
    assert "Crossroads was told" not in words(page)
    page = officer.send(f"{link}/correct", {"seen": officer.hidden("seen")})  # tap 5
    assert heading(page) == "Corrected"
    assert "Told: Program, “1.5 g” in place of “1.8 g”." in words(page)
    town.settle()
    told(town, capsys, "case", "program", handle, "--open")
    entry["grams"] = before["police"]["encounter.drugs"][0]["grams"] = 1.5
    after = {agency: _facts(town, agency, handle) for agency in before}
    assert after == before
    with closing(operations.open_office(town.folder / "program", PASSPHRASE)) as office:
        shown = {fact.path: fact for fact in operations.describe_case(office, handle).facts}
    drugs, charges = shown["encounter.drugs"], shown["encounter.charges"]
    assert drugs.before == "1.8 g" and drugs.value.startswith("Opioid, 1.5 g, Weighed")
    assert charges.before == charges.entries == ""
    with closing(operations.open_office(town.folder / "crossroads", PASSPHRASE)) as office:
        assert not any(
            received.record is not None and received.record.kind == "correction"
            for received in office.working_set().cases.records(handle).received.values()
        )


def test_an_added_entry_says_who_gets_what_of_it_and_who_gets_nothing(
    town: Running, officer: Caller, rosa: Caller
) -> None:
    handle = refer(town, "Olaf", "Quist")
    own, place = address(town, handle, "police"), "encounter.charges[1]"
    page = officer.get(f"{own}/entries/encounter.charges/new")
    asked = re.findall(r'name="asked" value="([^"]+)"', page.text)
    fields = dict.fromkeys((name for name in asked), "not known") | {
        f"{place}.conduct": "trespass",
        f"{place}.violent": "no",
        f"{place}.authority": "city",
    }
    code = {f"{place}.code": "", f"{place}.code.unknown": "yes"}
    page = officer.send(f"{own}/entries/encounter.charges/new", {"asked": asked, **fields, **code})
    assert heading(page) == "Check and send", words(page)
    shown = words(page)
    assert "Program gets “Trespass (Is it a charge of violence? No)”" in shown
    law = "“Whose law is the charge under?” City"
    assert f"Not told to Crossroads, Program, and Prosecutor: {law}." in shown
    assert "Clinic and Defender get nothing" in shown
    page = officer.send(f"{own}/entries/check", {"seen": officer.hidden("seen")})
    assert "in place of no such entry" not in words(page)
    # The officer's own case shows the longer list once, with nothing struck.
    assert "<s " not in officer.get(own).text and "Trespass, City" in words(officer.get(own))


def test_a_name_that_the_person_signed_is_offered_to_the_case_and_begins_the_next_form(
    town: Running, rosa: Caller
) -> None:
    handle = refer(town, "Jon", "Smyth", birth_date="1991-05-06")
    case = address(town, handle)
    rosa.get(case)
    rosa.send(f"{case}/open")
    assert "signed as" not in words(rosa.get(case))
    with closing(operations.open_office(town.folder / "crossroads", PASSPHRASE)) as office:
        say_yes(office, handle, "hand_off", name="John Smith", by=ROSA)
    page = rosa.get(case)
    refused = page.text.partition("Can’t be sent now")[2].partition("</details>")[0]
    names = ["service", "grievance", "report-crime"]
    assert re.findall(r'href="[^"]*/tell/([a-z-]+)"', refused) == names
    # Opened, it says why.
    assert "Its policy group decides that" in words(rosa.get(f"{case}/tell/report-crime"))
    assert heading(page) == "Jon Smyth", "nobody corrected it"
    assert "The person signed as “John Smith”" in words(page)
    assert "The case has “Jon Smyth”, and so has Police" in words(page)
    assert 'name="name" value="John Smith"' in rosa.get(f"{case}/consent").text
    page = rosa.get(f"{case}/name")
    asked = re.findall(r'name="asked" value="([^"]+)"', page.text)
    assert re.search(r'name="contact.given_name" value="John"', page.text)
    nothing = {"asked": asked, "contact.given_name": "", "contact.family_name": "Smith"}
    assert "Please look at this" in rosa.send(f"{case}/name", nothing).text
    right = {"asked": asked, "contact.given_name": "John", "contact.family_name": "Smith"}
    page = rosa.send(f"{case}/name", right)
    assert heading(page) == "Check and keep"
    assert "Police states “Jon Smyth”. Only Police corrects that" in words(page)
    assert "Care does not tell police or prosecutors where to find a person" in words(page)
    page = rosa.send(f"{case}/name/check", {"seen": rosa.hidden("seen")})
    assert heading(page) == "The name is corrected here"
    page = rosa.get(case)
    assert heading(page) == "John Smith" and "signed as" not in words(page)
    assert "May 6, 1991" in words(page)
    # Sent again, there is nothing to correct.
    assert heading(rosa.get(f"{case}/name/check")) == "What is the right name?"


def test_a_kept_plan_is_shown_as_it_was_kept_and_its_time_in_local_words(
    town: Running, rosa: Caller
) -> None:
    handle = refer(town, "Kit", "Loya")
    case = address(town, handle)
    rosa.get(case)
    rosa.send(f"{case}/open")
    plan = {"plan.text": "A room first.", "case.plan_at": now()}
    page = fill(rosa, f"{case}/tell/plan", plan)
    assert "A room first. kept here" in words(page) and "Nobody is told" in words(page)
    page = rosa.send(f"{case}/tell/plan/check", {"seen": rosa.hidden("seen")})
    assert heading(page) == "Kept here"
    page = rosa.get(f"{case}/tell/plan")
    assert 'name="plan.text" value="A room first."' in page.text
    (time_shown,) = re.findall(r'name="case.plan_at" value="([^"]+)"', page.text)
    assert re.fullmatch(r"[A-Z][a-z]+ \d+, 20\d\d, \d+:\d\d(:\d\d)? [ap]\.m\.", time_shown), (
        time_shown
    )
    # As it is shown, it is the same time: it didn't happen once more.
    page = fill(rosa, f"{case}/tell/plan", {**plan, "case.plan_at": time_shown})
    assert "happen once more" not in words(page)


def test_a_correction_leaves_what_another_agency_states_itself_and_says_so(
    town: Running, rosa: Caller, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two agencies told of the first interview. The case manager corrects her own statement."""
    handle = refer(town, "Iris", "Tafoya")
    case, both = address(town, handle), ("crossroads", "program")
    for agency in both:
        told(town, capsys, "case", agency, handle, "--open")
    for number, (sender, recipient) in enumerate((both, both[::-1]), 61):
        terms = grant(sender, recipient, ["intake_status"], ["admission"])
        consent(town, capsys, handle, number, terms)
    town.settle()
    at, name = now(), "case.intake_at"
    told(town, capsys, "intake", "crossroads", handle, "--intake-at", at, "--yes")
    way = {"purpose": "admission", "basis": "consent"}
    content = {"facts": {name: at}}
    part = {"category": "intake_status", "to": {"crossroads": way}, "content": content}
    draft = town.folder / "minutes.json"
    draft.write_text(json.dumps({"parts": [part]}))
    told(town, capsys, "send", "program", "meeting_decision", str(draft), "--case", handle)
    town.settle()
    for agency in both:
        told(town, capsys, "case", agency, handle, "--open")
    earlier = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
    assert town.agency("correct", "crossroads", handle, f"{name}={earlier}", "--dry-run") == 0
    assert "`program` itself states" in capsys.readouterr().out
    rosa.get(f"{case}/mistake")
    rosa.send(f"{case}/mistake", {"reason": "detail"})
    rosa.send(f"{case}/mistake/detail", {"detail": name})
    page = rosa.send(f"{case}/mistake/value", {"asked": [name], name: earlier})
    assert "Program itself states" in words(page) and "Only Program corrects that" in words(page)
    odd = {"although_odd": "yes"} if "although_odd" in page.text else {}
    page = rosa.send(f"{case}/mistake/correct", {"seen": rosa.hidden("seen"), **odd})
    assert heading(page) == "Corrected"
    town.settle()
    for agency in both:
        sides = told(town, capsys, "case", agency, handle, "--open")["conflicts"][name]
        assert {side["by"]: side["value"] for side in sides} == {
            "crossroads": earlier,
            "program": at,
        }
    shown = words(rosa.get(case))
    assert "Agencies differ: " in shown and "Crossroads says" in shown and "Program says" in shown


def test_a_detail_that_was_taken_back_meanwhile_leads_to_the_beginning(
    town: Running, officer: Caller
) -> None:
    handle = refer(town, "Uma", "Soto", phone="505-555-0144")
    own = address(town, handle, "police")
    officer.get(f"{own}/mistake")
    officer.send(f"{own}/mistake", {"reason": "detail"})
    page = officer.send(f"{own}/mistake/detail", {"detail": "contact.phone"})
    assert heading(page) == "What is right?"
    with closing(operations.open_office(town.folder / "police", PASSPHRASE)) as office:
        (entry,) = operations.list_own_entries(office, handle)
        operations.recall(office, founder_of("police"), handle, "wrong_person", record=entry.record)
    for step in ("value", "correct"):
        page = officer.get(f"{own}/mistake/{step}")
        assert heading(page) == "What went wrong?" and "Begin with what went wrong" in words(page)
    page = officer.send(f"{own}/mistake/detail", {"detail": "contact.phone"})
    assert "Choose the detail" in words(page)


def test_what_was_told_of_another_person_is_filled_in_for_the_right_one(
    town: Running, rosa: Caller, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong, right = refer(town, "Rafa", "Sena"), refer(town, "Rita", "Sosa")
    paths = [address(town, handle) for handle in (wrong, right)]
    for path in paths:
        rosa.get(f"{path}/open")
        rosa.send(f"{path}/open")
    consent(
        town, capsys, wrong, 41, grant("crossroads", "program", ["intake_status"], ["admission"])
    )
    town.settle()
    page = fill(rosa, f"{paths[0]}/tell/intake", {"case.intake_at": now()})
    assert "Program : " in words(page)
    page = rosa.send(f"{paths[0]}/tell/intake/check", {"seen": rosa.hidden("seen")})
    assert heading(page) == "Sent" and "Program has it" in words(page)
    town.settle()
    rosa.get(f"{paths[0]}/mistake")
    page = rosa.send(f"{paths[0]}/mistake", {"reason": "wrong_person"})
    entry = re.findall(r'name="entry" value="([^"]+)"', page.text)[0]
    page = rosa.send(f"{paths[0]}/mistake/entry", {"entry": entry})
    assert "Program" in words(page)
    page = rosa.send(f"{paths[0]}/mistake/check", {"seen": rosa.hidden("seen")})
    assert heading(page) == "Asked back" and "isn’t lost" in words(page)
    page = rosa.get(f"{paths[1]}/tell/intake")
    shown = words(page)
    assert "About Rita Sosa" in shown and "Filled in with what you took back" in shown
    assert "Rafa" not in page.text and time.strftime("%Y") in page.text
    assert "Rita" not in rosa.get(paths[0]).text


def test_a_provider_is_asked_for_help_with_the_contact_that_is_known_here(
    town: Running, rosa: Caller, capsys: pytest.CaptureFixture[str]
) -> None:
    handle = refer(town, "Wilma", "Yazzie", phone="505-555-0177")
    case = address(town, handle)
    rosa.get(f"{case}/open")
    rosa.send(f"{case}/open")
    terms = grant("crossroads", "clinic", ["contact", "service"], ["service_arrangement"])
    consent(town, capsys, handle, 43, terms, name="Wilma Yazzie")
    page = rosa.get(f"{case}/tell/service")
    assert 'value="Wilma"' in page.text and 'value="505-555-0177"' in page.text
    contact = {
        "contact.given_name": "Wilma",
        "contact.family_name": "Yazzie",
        "contact.phone": "505-555-0177",
    }
    page = fill(rosa, f"{case}/tell/service", {**contact, "service.text": "A room."})
    shown = words(page)
    assert "Clinic : " in shown and "Not told: Defender, Police, Program, Prosecutor" in shown
    assert "Why 4 agencies don’t get it" in shown and "Police : " in shown
    page = rosa.send(f"{case}/tell/service/check", {"seen": rosa.hidden("seen")})
    assert "Clinic has it" in words(page)
    town.settle()
    _corrects_after_the_consent_ended(town, rosa, handle, case)


def _corrects_after_the_consent_ended(town: Running, rosa: Caller, handle: str, case: str) -> None:
    assert town.agency("revoke", "crossroads", handle) == 0
    town.settle()
    rosa.get(f"{case}/mistake")
    rosa.send(f"{case}/mistake", {"reason": "detail"})
    rosa.send(f"{case}/mistake/detail", {"detail": "contact.phone"})
    field = {"asked": ["contact.phone"], "contact.phone": "505-555-0178"}
    page = rosa.send(f"{case}/mistake/value", field)
    still = "Clinic still has “505-555-0177”, and no record may tell it the right one now."
    assert still in words(page) and "Nobody has to be told" not in words(page)
    assert "Ask Clinic to give it back, or call Clinic." in words(page)
    page = rosa.send(f"{case}/mistake/correct", {"seen": rosa.hidden("seen")})
    assert heading(page) == "Corrected" and "Nobody had to be told" not in words(page)
    assert still in words(page)
    asked = {"reason": "wrong_fact", "detail": "contact.phone", "agency": "police"}
    assert rosa.send(f"{case}/mistake", asked).status_code == 404
    rosa.get(f"{case}/mistake/done")
    page = rosa.send(f"{case}/mistake", {**asked, "agency": "clinic"})
    assert "It has a wrong detail" in words(page) and "Clinic" in words(page)
    seen = rosa.hidden("seen")
    assert heading(rosa.get(f"{case}/mistake/entry")) == "What went wrong?"
    rosa.get(f"{case}/mistake/check")
    page = rosa.send(f"{case}/mistake/check", {"seen": seen})
    assert heading(page) == "Asked back" and "Told: Clinic" in words(page)
    rosa.get(f"{case}/tell/contact-try")
    asked = {"asked": ["case.missed_contacts"], "case.missed_contacts": ""}
    assert "Fill this in" in words(rosa.send(f"{case}/tell/contact-try", asked))
    page = fill(rosa, f"{case}/tell/contact-try", {"case.missed_contacts": "1"})
    assert "Nobody is told" in words(page)


# People


def test_a_case_is_handed_over_and_the_contact_goes_to_those_who_may_have_it(
    town: Running, rosa: Caller, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(operations.open_office(town.folder / "crossroads", PASSPHRASE)) as office:
        names = {each.name for each in operations.list_staff(office).people}
        if "Luis Ortega" not in names:
            operations.add_person(office, ROSA, "Luis Ortega", ["member"])
            make_account(office, ROSA, "Luis Ortega")

    def owners() -> list[str]:
        with closing(operations.open_office(town.folder / "crossroads", PASSPHRASE)) as office:
            return [case.assignment.owner for case in operations.list_staff(office).cases]

    before = owners().count("Luis Ortega")
    second = address(town, refer(town, "Enzo", "Flores"))
    handle = refer(town, "Elsa", "Flores")
    case = address(town, handle)
    for path in (second, case):
        rosa.get(f"{path}/open")
        rosa.send(f"{path}/open")
    contact = grant("crossroads", "program", ["case_manager_contact"], ["offer_and_hand_off"])
    consent(town, capsys, handle, 44, contact)
    town.settle()
    page = rosa.get(f"{case}/hand-over")
    assert "About Elsa Flores" in words(page) and "new name and number: Program" in words(page)
    page = rosa.send(f"{case}/hand-over", {})
    assert "Choose a colleague" in words(page)
    for phone, title in (("", "This wasn’t done"), ("none of that", "Hand over")):
        page = rosa.send(f"{case}/hand-over", {"to": "Luis Ortega", "phone": phone})
        assert heading(page) == title, "the contact is told with a number"
        assert owners().count("Luis Ortega") == before
    page = rosa.send(f"{case}/hand-over", {"to": "Luis Ortega", "phone": "505-555-0111"})
    assert heading(page) == "Luis Ortega has 1 person more", words(page)
    assert "1 record tells the new contact to Program" in words(page)
    assert "Luis Ortega" in rosa.get(case).text
    refer(town, "Gina", "Haro")
    page = rosa.get("/unassigned")
    waiting = re.findall(r'name="case" value="([0-9a-f]{32})"', page.text)
    assert waiting and "Rosa Quintana:" in words(page)
    page = rosa.send("/unassigned", {"case": waiting, "to": "Luis Ortega"})
    assert heading(page).startswith("Luis Ortega has"), words(page)
    page = rosa.get("/unassigned")
    assert "Everybody has a case manager" in words(page) and 'name="phone"' in page.text
    phone = "505-555-0111"
    page = rosa.send("/unassigned", {"owner": ROSA, "to": "Luis Ortega", "phone": phone})
    assert heading(page).startswith("Luis Ortega has"), words(page)
    assert set(owners()) == {"Luis Ortega"}


def test_two_cases_are_compared_joined_and_split(town: Running, rosa: Caller) -> None:
    first, second = refer(town, "Ivo", "Jimenez"), refer(town, "Ivo", "Jiménez")
    for handle in (first, second):
        path = address(town, handle)
        rosa.get(f"{path}/open")
        rosa.send(f"{path}/open")
    rosa.get("/people/find")
    page = rosa.send("/people/find", {"q": "jimenez"})
    chosen = re.findall(r'name="compare" value="([0-9a-f]+)"', page.text)
    assert len(chosen) == 2
    page = rosa.send("/people/compare", {"compare": chosen[:1]})
    assert "Choose two people" in words(page)
    page = rosa.send("/people/compare", {"compare": chosen})
    assert heading(page) == "Is this the same person?"
    path = str(page.url.path)
    page = rosa.send(path, {"does": "join"})
    assert heading(page) == "One person, two cases" and "can be undone until" in words(page)
    assert "Another case of this person" in words(rosa.get(address(town, first)))
    rosa.get(path)
    page = rosa.send(path, {"does": "split"})
    assert heading(page) == "Is this the same person?"


# How it goes


def test_a_status_without_consent_says_so_and_sends_nothing(
    town: Running, rosa: Caller, capsys: pytest.CaptureFixture[str]
) -> None:
    handle = refer(town, "Kira", "Luna")
    case = address(town, handle)
    rosa.get(f"{case}/open")
    page = rosa.send(f"{case}/open")
    assert "How is it going?" in words(page)
    page = rosa.send(f"{case}/status/word", {"word": "engaged"})
    assert heading(page) == "How is it going?" and "Nobody may be told" in words(page)
    assert re.search(r'value="engaged" checked', page.text)
    assert "engaged" not in str(page.url)
    # A consent came after the page was shown: nobody is told who wasn't on it.
    seen = rosa.hidden("seen")
    to_know = grant("crossroads", "program", ["status"], ["diversion_coordination"])
    consent(town, capsys, handle, 45, to_know)
    town.settle()
    page = rosa.send(f"{case}/status", {"word": "engaged", "seen": seen})
    assert "Something changed" in words(page) and "The word goes to Program" in words(page)
    page = rosa.send(f"{case}/status", {"word": "engaged", "seen": rosa.hidden("seen")})
    assert heading(page) == "Sent" and "Program has it" in words(page)


def test_the_status_word_and_the_case_manager_are_read_at_both_ends_and_corrected(
    town: Running, rosa: Caller, officer: Caller, capsys: pytest.CaptureFixture[str]
) -> None:
    handle = refer(town, "Nadia", "Ochoa")
    case, theirs = address(town, handle), address(town, handle, "police")
    rosa.get(f"{case}/open")
    rosa.send(f"{case}/open")
    told_words = ["status", "case_manager_contact"]
    for number, agency in ((46, "program"), (47, "police")):
        purposes = ["diversion_coordination", "offer_and_hand_off"]
        consent(town, capsys, handle, number, grant("crossroads", agency, told_words, purposes))
        town.settle()
    rosa.get(f"{case}/status")
    rosa.send(f"{case}/status", {"word": "starting", "seen": rosa.hidden("seen")})
    contact = {"case_manager_contact": {"name": ROSA, "phone": "505-555-0112"}}
    part = {"category": "case_manager_contact", "content": contact}
    way = {"purpose": "offer_and_hand_off", "basis": "consent"}
    file = town.folder / "assignment.json"
    file.write_text(json.dumps({"parts": [{**part, "to": {"police": way, "program": way}}]}))
    told(town, capsys, "send", "crossroads", "assignment", str(file), "--case", handle)
    town.settle()
    shown = words(rosa.get(case))
    assert "How is it going? Just starting here, " in shown and "505-555-0112" in shown
    page = officer.get(theirs)
    assert "Open what came first" in page.text and "Just starting" not in words(page)
    page = officer.send(f"{theirs}/open")
    assert "How is it going? Just starting Crossroads" in words(page)
    assert 'href="tel:+15055550112"' in page.text and "Rosa Quintana" in words(page)
    members = told(town, capsys, "case", "program", handle, "--open", "--by", "Julia Vigil")[
        "members"
    ]
    assert members["status.engagement"]["value"] == "starting"
    town.agency("case", "program", handle, "--by", "Julia Vigil")
    assert "How is it going?  Just starting" in capsys.readouterr().out
    town.settle()
    # The hub's list is not for police. The page has what police said and were told.
    shown = words(officer.get(f"{theirs}/knows"))
    assert "can ask for the whole list" in shown and "refuses" not in shown
    assert "can ask for the whole list" not in words(rosa.get(f"{case}/knows")), "she can herself"
    cells = "Told, and opened Not shown here Said it Not shown here Not shown here Not shown here"
    assert f"Status in one word {cells}" in shown
    assert "Clinic, Defender: Police told them nothing of this." in shown
    assert "What others told them isn’t seen here." in shown
    # What comes back are receipts. They change nothing that is known here.
    page = rosa.get(case)
    assert "Open what came first" not in page.text
    assert "receipts: others opened" in words(rosa.get(f"{case}/open"))
    # A wrong word is corrected like any other detail.
    rosa.get(f"{case}/mistake")
    page = rosa.send(f"{case}/mistake", {"reason": "detail"})
    assert "How is it going? Just starting" in words(page)
    rosa.send(f"{case}/mistake/detail", {"detail": "status.engagement"})
    right = {"asked": ["status.engagement"], "status.engagement": "engaged"}
    page = rosa.send(f"{case}/mistake/value", right)
    assert heading(page) == "Check and send" and "Taking part" in words(page)
    page = rosa.send(f"{case}/mistake/correct", {"seen": rosa.hidden("seen")})
    assert heading(page) == "Corrected"
    town.settle()
    officer.get(theirs)
    officer.send(f"{theirs}/open")
    shown = words(officer.get(theirs))
    assert "How is it going? Taking part" in shown and "Just starting" not in shown


@pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)
@pytest.mark.skipif(not HAS_AXE, reason=NO_AXE)
def test_axe_finds_nothing_on_the_pages_of_a_case(
    town: Running, consoles: Mapping[str, Caller], tmp_path: Path
) -> None:
    handle, other = refer(town, "Mia", "Nuñez"), refer(town, "Mia", "Nunez")
    secrets = {}
    for agency in ("crossroads", "police"):
        founder = founder_of(agency)
        with closing(operations.open_office(town.folder / agency, PASSPHRASE)) as office:
            operations.add_person(office, founder, "Olaf Perry", ["supervisor"])
            secrets[agency] = make_account(office, founder, "Olaf Perry")
    case, second = address(town, handle), address(town, other)
    own = address(town, handle, "police")
    found: dict[tuple[str, int], list[str]] = {}

    def check(name: str) -> None:
        for width, dark in ((320, True), (390, False), (1280, False)):
            browser.show(width=width, dark=dark)
            time.sleep(0.3)  # the colors of buttons change slowly
            found[name, width] = axe_violations(browser)
            wide = browser.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, (name, width)
            if PICTURES:
                browser.picture(Path(PICTURES) / f"{name.replace(' ', '-')}-{width}.png")

    def sign_in(agency: str) -> AgencyConsole:
        console = consoles[agency].console
        browser.open(f"{console.address}/sign-in")
        type_in(browser, "#name", "Olaf Perry")
        type_in(browser, "#password", PASSWORD)
        type_in(browser, "#code", code_of(secrets[agency]))
        press(browser, "form[action='/sign-in'] button")
        return console

    with Browser(tmp_path / "profile") as browser:
        console = sign_in("crossroads")
        browser.open(f"{console.address}{second}/open")
        press(browser, ".dock button")
        for name in ("today", "unassigned", f"{case[1:]}/open"):
            browser.open(f"{console.address}/{name}")
            check(name.rpartition("/")[2])
        press(browser, ".dock button")
        check("case")
        town.settle()
        pages = ("account", "knows", "hand-over", "status", "mistake", "recalled", "tell/intake")
        for name in (*pages, f"same/{second.rpartition('/')[2]}"):
            browser.open(f"{console.address}{case}/{name}")
            check(name.partition("/")[0])
        police = sign_in("police")
        browser.open(f"{police.address}{own}/mistake")
        check("mistake to choose")
        press(browser, "button[value=detail]")
        check("which detail")
        press(browser, "button[value='contact.given_name']")
        check("the right value")
        press(browser, ".dock button")
        check("the same value again")
        type_in(browser, "[id='contact.given_name']", "Maria")
        press(browser, ".dock button")
        check("check a correction")
        press(browser, ".dock button")
        check("corrected")
        browser.open(f"{police.address}{own}/mistake")
        press(browser, "button[value=duplicate]")
        check("which entry")
        browser.click("input[name=entry]")
        press(browser, ".dock button")
        check("check a recall")
        press(browser, ".dock button")
        check("asked back")
        town.settle()
        browser.open(f"{console.address}{case}/recalled")
        check("to answer")
        press(browser, "button[value=delete]")
        check("answered")
    assert {page: lines for page, lines in found.items() if lines} == {}


def test_what_the_hub_does_not_have_yet_is_saved_here_and_goes_by_itself(
    town: Running, rosa: Caller, officer: Caller
) -> None:
    handle = refer(town, "Tess", "Uribe", phone="505-555-0142")
    case, own = address(town, handle), address(town, handle, "police")
    rosa.get(f"{case}/open")
    rosa.send(f"{case}/open")
    town.stop()
    try:
        officer.get(f"{own}/mistake")
        officer.send(f"{own}/mistake", {"reason": "detail"})
        officer.send(f"{own}/mistake/detail", {"detail": "contact.phone"})
        field = {"asked": ["contact.phone"], "contact.phone": "505-555-0143"}
        officer.send(f"{own}/mistake/value", field)
        page = officer.send(f"{own}/mistake/correct", {"seen": officer.hidden("seen")})
        assert heading(page) == "Corrected" and "Saved here" in words(page)
        assert "Saved here, not sent yet" in words(officer.get(own))
        for name in ("account", "knows"):
            page = rosa.get(f"{case}/{name}")
            assert page.status_code == 200 and "The hub doesn’t answer now" in words(page)
    finally:
        town.start()
    town.settle()
    rosa.get(case)
    rosa.send(f"{case}/open")
    assert "505-555-0143" in rosa.get(case).text
