"""The case manager's lines about one case, each with its budget of taps, and the looks on record.

A real hub, six agencies, and the console of the case managers as a process. Rosa Quintana uses the
pages' own controls in a browser without scripts.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from shutil import copytree

import pytest

from exchange.consent.account_rows import Row
from offramp.agency import operations
from offramp.agency.cases.account import disclosures
from offramp.agency.cases.detail_words import in_third_person
from offramp.agency.cases.told_words import summed, told_contents
from offramp.console.agency import pages  # noqa: F401  # declares the routes
from offramp.console.agency.routes import collect_routes
from tests.support.agency_console import make_account, run_agency_console
from tests.support.browser import BROWSER, NO_BROWSER
from tests.support.local_day import local_day
from tests.support.printed import pages_of, print_faults
from tests.support.referrals import address, refer
from tests.support.running_agencies import PASSPHRASE, SIX_ROLES, Running, serve_joined
from tests.support.santa_fe_town import consent, open_offices, say_yes, settle
from tests.support.staff import founder_of
from tests.support.taps import Taps, founder_at

pytestmark = pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)
ROSA = founder_of("crossroads")
SEND = ".dock button"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serve_joined(tmp_path_factory.mktemp("case"), SIX_ROLES, "santa-fe") as found:
        yield found


@pytest.fixture(scope="module")
def rosa(town: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taps]:
    profile = tmp_path_factory.mktemp("desk") / "profile"
    with founder_at(town, "crossroads", profile, width=1280) as desk:
        yield desk


@pytest.fixture(scope="module")
def ana(town: Running, rosa: Taps) -> str:
    """Return the case of a person whose referral Rosa opens from the list of today.

    This shows C1.
    """
    case = refer(town, "Ana", "Lucero", phone="505-555-0123", birth_date="1990-04-17")
    path = address(town, case)
    rosa.begin("/today")
    rosa.press(f"a.btn[href='{path}/open']")
    assert "Ana" not in rosa.text, "it is closed"
    rosa.press(SEND)
    assert rosa.path == path and rosa.heading == "Ana Lucero" and rosa.count <= 2
    with closing(operations.open_office(town.folder / "crossroads", PASSPHRASE)) as office:
        for set_id in ("hand_off", "plan"):
            say_yes(office, case, set_id)
    town.settle()
    return case


def rows_of(town: Running, case: str, *, for_person: bool = False) -> tuple[Row, ...]:
    """Return the exchange's own account of a case."""
    with closing(operations.open_office(town.folder / "crossroads", PASSPHRASE)) as office:
        return operations.fetch_account(office, case, for_person=for_person).statement.rows


def test_last_nights_referral_is_opened_in_two_taps_and_acknowledged(
    town: Running, ana: str
) -> None:
    """C1. The notice of 42 CFR 2.32 is shown in `test_console_case.py`."""
    opened = [row for row in rows_of(town, ana) if row.to == "crossroads" and row.opened]
    assert {row.category for row in opened} >= {"contact", "encounter"}
    assert {row.issuer for row in opened} == {"police"}


def test_each_form_is_accepted_at_the_first_try(town: Running, rosa: Taps, ana: str) -> None:
    """C10."""
    path, now = address(town, ana), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    forms: dict[str, dict[str, str]] = {
        "intake": {"case.intake_at": now},
        "contact-try": {"case.missed_contacts": "1"},
        "plan": {"plan.text": "A room, and a job.", "case.plan_at": now},
    }
    for form, answers in forms.items():
        tell(rosa, path, form, answers)
    rosa.begin(path)
    rosa.press("button[name=word][value=engaged]")
    rosa.press(SEND)
    assert rosa.heading == "Sent" and rosa.count <= 2
    tell(rosa, path, "exit", {"enrollment.since": f"{local_day()}"})
    town.settle()


def tell(rosa: Taps, path: str, form: str, answers: dict[str, str]) -> None:
    rosa.begin(path)
    rosa.press(f"a[href='{path}/tell/{form}']")
    for name, text in answers.items():
        rosa.type(name, text)
    rosa.press(SEND)
    assert rosa.heading == "Check and send", (form, rosa.text)
    rosa.press(SEND)
    assert rosa.heading in ("Sent", "Kept here") and rosa.count <= 4, (form, rosa.text)


def test_a_recall_is_answered_in_two_taps_and_its_sender_sees_how(
    town: Running, rosa: Taps
) -> None:
    """C15: deleted, or kept with a code."""
    for given, choose, said in (
        ("Rex", "button[value=delete]", "Crossroads deleted what was asked back."),
        (
            "Kay",
            "button[name=keep][value=court_order]",
            "Crossroads keeps what was asked back: a court ordered it.",
        ),
    ):
        case = refer(town, given, "Recalled")
        path = address(town, case)
        rosa.open(f"{path}/open")
        rosa.press(SEND)
        with closing(operations.open_office(town.folder / "police", PASSPHRASE)) as office:
            (entry,) = operations.list_own_entries(office, case)
            by = founder_of("police")
            operations.recall(office, by, case, "wrong_person", record=entry.record)
        town.settle()
        rosa.begin("/today")
        rosa.press(f"a.btn[href='{path}/recalled']")
        rosa.press(choose)
        assert rosa.count <= 2
        assert "Deleted" in rosa.text if given == "Rex" else "a court ordered it" in rosa.text
        town.settle()
        with closing(operations.open_office(town.folder / "police", PASSPHRASE)) as office:
            operations.open_arrivals(office, by, case)
            notes = [note.text for note in operations.describe_case(office, case).notes]
        assert [note for note in notes if note.startswith("Crossroads ")] == [said]


def test_the_account_is_the_whole_list_in_two_taps_and_two_pages(
    town: Running, rosa: Taps, ana: str
) -> None:
    """C16 and V5, in both languages."""
    items = disclosures(
        row
        for row in rows_of(town, ana, for_person=True)
        if not row.only_asks and row.category not in OF_THE_EXCHANGE
    )
    counts = set()
    for lang in ("en", "es"):
        rosa.begin(address(town, ana))
        rosa.press("a[href$='/account']")
        if lang == "es":
            rosa.press("a[href$='lang=es']")
        assert rosa.count <= 2
        numbers = "[...document.querySelectorAll('.summary li')].map(e => e.innerText)"
        lines = rosa.browser.evaluate(numbers)
        listed = rosa.browser.evaluate("document.querySelectorAll('.list-of-all li').length")
        summed = sum(int(found[1] or 1) for line in lines if (found := re.search(TIMES, line)))
        assert 1 <= len(lines) <= 12 and summed == listed > 5
        counts.add(listed)
        assert f"{listed} " in rosa.text
        # What changed, and who signed the log, as the command prints them for the person.
        signed = {"en": "You signed ", "es": "Usted firmó "}[lang]
        witnesses = {"en": "Independent witnesses", "es": "Testigos independientes"}[lang]
        assert signed in rosa.text and witnesses in rosa.text
        assert print_faults(rosa.browser) == []
        whole = pages_of(rosa.browser)
        rosa.browser.evaluate("document.querySelectorAll('.list-of-all').forEach(e => e.remove())")
        assert pages_of(rosa.browser) <= 2 and whole > 1
    assert counts == {len(items)}


# How often something was told, at the end of a line of the summary.
TIMES = r"\((?:(\d+) (?:times|veces)|once|una vez)\)$"


# What the exchange itself needs, which tells nobody anything about the person.
OF_THE_EXCHANGE = ("consent_terms", "operation")


def test_who_knows_what_is_the_exchanges_own_account(town: Running, rosa: Taps, ana: str) -> None:
    """C17: each cell follows from the account's rows with Crossroads, and no other cell is full."""
    rosa.open(f"{address(town, ana)}/knows")
    names, rows = rosa.browser.evaluate(
        "[[...document.querySelectorAll('.knows thead th')].slice(1).map(e => e.innerText),"
        " [...document.querySelectorAll('.knows tbody tr')].map(row =>"
        " [...row.children].map(e => e.innerText.trim()))]"
    )
    shown = {
        (cells[0], name): cell
        for cells in rows
        for name, cell in zip(names, cells[1:], strict=True)
        if cell not in ("Not told", "Not shown here")
    }
    with closing(operations.open_office(town.folder / "crossroads", PASSPHRASE)) as office:
        contents = told_contents(office.working_set(), ana)
    expected: dict[tuple[str, str], set[str]] = {}
    for row in rows_of(town, ana):
        is_between_others = "crossroads" not in (row.issuer, row.to)
        if is_between_others or row.only_asks or row.category in OF_THE_EXCHANGE:
            continue
        state = "Told, and opened" if row.opened else "Told, not opened"
        for words in summed([row], contents, 0, most=None):
            of_person = in_third_person(words)
            label = of_person[0].upper() + of_person[1:]
            expected.setdefault((label, row.issuer.title()), set()).add("Said it")
            expected.setdefault((label, row.to.title()), set()).add(state)
    assert shown.keys() == expected.keys()
    for cell, words in expected.items():
        assert "Said it" not in words or shown[cell].startswith("Said it"), cell
        assert any(word in shown[cell] for word in words), (cell, shown[cell], words)


def test_what_a_person_allows_is_taken_back_in_three_taps(town: Running, rosa: Taps) -> None:
    """C6 and C7: one permission, and then all of them while the hub is away."""
    case = refer(town, "Bea", "Lucero")
    path = address(town, case)
    rosa.open(f"{path}/open")
    rosa.press(SEND)
    with closing(operations.open_office(town.folder / "crossroads", PASSPHRASE)) as office:
        say_yes(office, case, "hand_off")
    town.settle()
    before = grants_of(town, case)
    rosa.begin(path)
    rosa.press(f"a[href='{path}/consents']")
    rosa.tap("input[name=grant]")
    rosa.press("button[value=some]")
    assert "Taken back" in rosa.text and rosa.count <= 3
    left = grants_of(town, case)
    assert len(before - left) == 1 and left < before
    town.stop()
    try:
        rosa.begin(path)
        rosa.press(f"a[href='{path}/consents']")
        rosa.press("button[value=all]")
        assert "Crossroads stopped at once" in rosa.text and rosa.count <= 3
        assert "The hub doesn’t have it yet." in rosa.text
        assert grants_of(town, case) == set()
    finally:
        town.start()


def test_a_person_takes_back_from_the_prosecutor_in_three_taps_while_the_hub_is_away(
    town: Running, rosa: Taps
) -> None:
    """N3, on the person's own phone."""
    case = refer(town, "Nora", "Lucero", birth_date="1990-04-17")
    rosa.open(f"{address(town, case)}/open")
    rosa.press(SEND)
    with closing(operations.open_office(town.folder / "crossroads", PASSPHRASE)) as office:
        say_yes(office, case, "hand_off")
        words = operations.issue_code(office, ROSA, case).words
    town.settle()
    nora = Taps(rosa.browser, rosa.address)
    nora.browser.show(width=390, dark=True)
    nora.open("/my?lang=en")
    nora.type("code", " ".join(words))
    nora.type("year", "1990")
    nora.press(SEND)
    town.stop()
    try:
        nora.begin("/my/page")
        nora.press("a[href='/my/take-back/prosecutor']")
        nora.press("a[href='/my/take-back/prosecutor/all']")
        nora.press("form.pair button")
        assert nora.count <= 3
        assert "You took it back. Crossroads stopped at once." in nora.text
        assert "The others are told to stop as soon as they can be reached." in nora.text
        with closing(operations.open_office(town.folder / "crossroads", PASSPHRASE)) as office:
            left = operations.list_standing_grants(office, case)
            assert left and "prosecutor" not in {grant.recipient for grant in left}
            waiting = [each for each in office.working_set().outbox.values() if not each.receipt]
            assert {(each.case, each.kind) for each in waiting} == {(case, "consent_change")}
    finally:
        town.start()
        nora.browser.show(width=1280)
    town.settle()
    with closing(operations.open_office(town.folder / "crossroads", PASSPHRASE)) as office:
        assert all(each.receipt for each in office.working_set().outbox.values())


def test_an_entry_in_the_wrong_persons_case_is_recalled_at_all_in_five_taps(
    town: Running, rosa: Taps
) -> None:
    """C13: three recipients, one opened it, and one decided on it."""
    names = {"wrong": ("Rafaelito", "Senabrook"), "right": ("Ritalinda", "Sosamonte")}
    cases = {which: refer(town, *name) for which, name in names.items()}
    paths = {which: address(town, case) for which, case in cases.items()}
    wrong, now = cases["wrong"], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with open_offices(town) as offices:
        for case in cases.values():
            settle(offices, case)
        consent(offices, wrong)
        operations.represent(offices.at["defender"], wrong, although_unknown=True)
        settle(offices, wrong)
        tell(rosa, paths["wrong"], "intake", {"case.intake_at": now})
        assert rosa.heading == "Sent"
        offices.settle()
        program = offices.at["program"], founder_of("program")
        for office, person in ((offices.at["prosecutor"], founder_of("prosecutor")), program):
            operations.open_case(office, person, wrong)
        operations.determine(*program, wrong, "admission", "admitted", "discretion")
        offices.settle()
        operations.open_case(offices.at["crossroads"], ROSA, wrong)

        rosa.begin(paths["wrong"])
        rosa.press(f"a[href='{paths['wrong']}/mistake']")
        rosa.press("button[value=wrong_person]")
        rosa.tap("input[name=entry]")
        rosa.press(SEND)
        recipients = ("Defender", "Program", "Prosecutor")
        assert all(name in rosa.text for name in recipients)
        assert f"{program[1]}, Program, is asked to decide again." in rosa.text
        rosa.press(SEND)
        assert rosa.heading == "Asked back" and rosa.count <= 5
        assert all(name in rosa.text for name in recipients)
        offices.settle()
        for agency in ("defender", "program", "prosecutor"):
            (recall,) = operations.list_recalls(offices.at[agency], wrong)
            assert bool(recall.decisions) is (agency == "program"), agency
        secret = make_account(*program, program[1])
        with run_agency_console(town.folder / "program", town.passphrase) as console:
            desk = Taps(rosa.browser, console.address)
            desk.sign_in(program[1], secret)
            desk.open("/today")
            desk.press(f"a.btn[href='{address(town, wrong, 'program')}/recalled']")
            assert "Somebody decided on it. Look again at:" in desk.text
            assert not any(name in desk.content for name in names["right"])

        # The same form in the right case is filled in, and not sent yet.
        rosa.open(f"{paths['right']}/tell/intake")
        assert "Filled in with what you took back" in rosa.text
        assert rosa.browser.evaluate("document.getElementById('case.intake_at').value")
        rosa.press(SEND)
        rosa.press(SEND)
        assert rosa.heading in ("Sent", "Kept here")
        for which, other in (("wrong", "right"), ("right", "wrong")):
            for page in ("", "/open", "/knows", "/account", "/account?lang=es", "/mistake"):
                rosa.open(f"{paths[which]}{page}")
                assert not any(name in rosa.content for name in names[other]), (which, page)
        account = operations.fetch_account(offices.at["crossroads"], wrong, for_person=True)
        assert not any(name in str(account) for name in names["right"])
        looks = [look for office in offices.at.values() for look in office.looks.read()]
        assert not any(name in str(look) for look in looks for name in sum(names.values(), ()))
    kept = [
        *(town.folder / "hub").rglob("*"),
        *town.folder.glob("*.log"),
        *town.folder.glob("*.out"),
    ]
    for file in (file for file in kept if file.is_file()):
        text = file.read_bytes()
        assert not any(name.encode() in text for name in sum(names.values(), ())), file


def grants_of(town: Running, case: str) -> set[str]:
    """Return the ids of what a person allows now."""
    with closing(operations.open_office(town.folder / "crossroads", PASSPHRASE)) as office:
        return {grant.id for grant in operations.list_standing_grants(office, case)}


# A6


def looks_of(town: Running) -> list[operations.Look]:
    """Return every look at the case managers'."""
    with closing(operations.open_office(town.folder / "crossroads", PASSPHRASE)) as office:
        office.session = None
        return list(office.looks.read())


def test_each_view_search_and_print_is_one_line_of_who_looked(
    town: Running, rosa: Taps, ana: str, tmp_path: Path
) -> None:
    """A6: also when it is refused. Without one line the chain is broken."""
    path = address(town, ana)
    local = path.rpartition("/")[2]
    views = [
        route.path.replace("{c}", local).replace("{form}", "intake")
        for route in collect_routes()
        if route.method == "GET"
        and "{c}" in route.path
        and not route.in_hand
        and not re.search(
            r"\{[oq]\}|\{list\}|/glass$", route.path
        )  # the reason to open a case is asked
        and route.admits(["member"], "case_management")
    ]
    assert len(views) > 10 and f"{path}/account" in views
    unseen = []
    for view in (*views, "/people", "/today"):
        before = len(looks_of(town))
        rosa.open(view)
        made = looks_of(town)[before:]
        if not [look for look in made if look.person == ROSA]:
            unseen.append(view)
    assert unseen == []
    before = len(looks_of(town))
    rosa.open("/people/find")
    rosa.type("q", "lucero")
    rosa.press("#find button.btn")
    rosa.open(f"/people/{'0' * len(local)}")
    made = looks_of(town)[before:]
    assert len([look for look in made if look.kind == "search"]) == 1
    assert [look.refused for look in made if look.refused] == ["not-here"]
    copy = copytree(town.folder / "crossroads", tmp_path / "copy")
    with closing(sqlite3.connect(copy / "agency.db")) as db:
        db.execute("DELETE FROM look WHERE at = ?", (made[0].number,))
        db.commit()
    with closing(operations.open_office(copy, PASSPHRASE)) as office:
        assert list(office.looks.faults(office.journal.after(0))) != []
    with closing(operations.open_office(town.folder / "crossroads", PASSPHRASE)) as office:
        assert list(office.looks.faults(office.journal.after(0))) == []
