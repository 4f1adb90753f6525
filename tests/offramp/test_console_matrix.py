"""Every role at every page of the console, and what every page must hold (CONSOLE.md 5 and 6).

One console as a process, of case managers with cases of people whose names are hard to show.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import get_args

import pytest
from markupsafe import escape

from exchange.membership.directory import Role as Kind
from exchange.records.ids import new_id
from offramp.agency import operations
from offramp.agency.folder.staff import ROLES
from offramp.console.agency import pages  # noqa: F401  # declares the routes
from offramp.console.agency.own_sign_in import RETURN, START
from offramp.console.agency.routes import Route, collect_routes
from offramp.console.agency.sessions import COOKIE
from offramp.console.headers import HEADERS
from tests.support.agencies import PASSPHRASE, Town
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
from tests.support.chance import chance
from tests.support.simulator import part
from tests.support.staff import founder_of
from tests.support.traces import details_of, found_in, leave, look_over

needs_browser = pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)

# Who has which page, written out by hand from CONSOLE.md sections 3 and 5. The first pattern that
# fits an address counts. A page may be for fewer kinds of agencies than named here, never for more.
WORKERS, OFFERERS = {"member", "supervisor"}, {"sender", "member", "supervisor"}
ANY = frozenset(get_args(Kind))
CARERS = ANY - {"police", "prosecutor"}
# Case managers and providers ask for consent, and nobody else.
COLLECTORS = frozenset(
    {"case_management", "treatment_provider", "service_provider", "health_provider"}
)
TABLE: tuple[tuple[str, set[str], frozenset[str]], ...] = (
    ("/offer|/mine", OFFERERS, frozenset({"police"})),
    # A sender answers what is asked with the form that it leads to.
    ("/asked|/told|/people/{c}/tell", OFFERERS, ANY),
    # Everybody corrects and asks back what the own agency told in an own case.
    ("/people/{c}/mistake|/people/{c}/entries", OFFERERS, ANY),
    ("/people/{c}/represent", WORKERS, ("defender",)),
    ("/glass|/emergencies|/people/{c}/glass|/people/{c}/emergency", WORKERS, CARERS),
    ("/people/{c}/consent|/people/{c}/consents", WORKERS, COLLECTORS),
    ("/people/{c}/name|/people/{c}/name/check", WORKERS, COLLECTORS),
    ("/today|/people|/reviews|/inbox", WORKERS, ANY),
    ("/queue|/held|/new-charge", WORKERS, ANY),
    ("/applications|/places", WORKERS, ANY),
    ("/clients", WORKERS, ANY),
    ("/meeting", {"chair", *WORKERS}, ANY),
    ("/quarter|/roster", {"chair", "supervisor"}, ANY),
    # A supervisor gives recovery codes, and an admin ends devices.
    ("/colleagues", {"supervisor", "admin"}, ANY),
    ("/unassigned|/hand-over", {"supervisor"}, ANY),
    ("/admin/looked", {"supervisor", "auditor", "admin"}, ANY),
    ("/admin", {"admin"}, ANY),
    ("/you", set(ROLES), ANY),
)
# People's hard names that the exchange takes: quotes, accents, two family names, and the longest.
HARD = (
    ("D'Arcy-Ann O'Brien", "Quillfeather"),
    ("Zelda Ünal", "Muñoz Quillfeather"),
    (" ".join(["X" * 24] * 3), " ".join(["Y" * 24] * 3)),
)
PHONE_NUMBER = "505-555-0142"
# Colleagues' hard names: markup, a command, a picture, and the longest.
STAFF = ("<script>alert(1)</script>", 'O’Brien"; DROP TABLE', "🙂 Åse", "X" * 80)
PEOPLE = {f"Only {role.capitalize()}": [role] for role in ROLES}
FOUNDER = founder_of("crossroads")


def expected_of(path: str) -> tuple[set[str], frozenset[str]]:
    """The roles and kinds of agencies that the table names for an address."""
    for patterns, roles, kinds in TABLE:
        for pattern in patterns.split("|"):
            if path == pattern or path.startswith(f"{pattern}/"):
                return roles, kinds
    raise AssertionError(f"`{path}` isn't in the table: add it as CONSOLE.md says")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Case managers with a person for each role, and a case for each hard name."""
    base = tmp_path_factory.mktemp("matrix")
    town = Town(base)
    to = {"crossroads": ("offer_and_hand_off", "offer_at_scene")}
    says = {"answer": "accepted"}
    for number, (given, family) in enumerate(HARD):
        contact = {"given_name": given, "family_name": family, "birth_date": "1999-03-04"}
        contact |= {"phone": PHONE_NUMBER}
        encounter = {"facts": {"encounter.route": "arrest"}}
        parts = (
            part("contact", contact, to=to, says=says, use="none"),
            part("encounter", encounter, to=to, says=says, use="none"),
        )
        town.at["police"].compose("referral", parts, case=new_id(chance(40 + number)))
    town.settle()
    office = town.at["crossroads"]
    for case in tuple(office.working_set().cases.handles()):
        operations.open_case(office, FOUNDER, case)
    for name, roles in (*PEOPLE.items(), *((name, ["member"]) for name in STAFF)):
        operations.add_person(office, FOUNDER, name, roles)
    passphrase = base / "passphrase"
    passphrase.touch(0o600)
    passphrase.write_bytes(PASSPHRASE)
    for each in town.at.values():
        each.close()
    return base / "crossroads"


@pytest.fixture(scope="module")
def console(folder: Path) -> Iterator[AgencyConsole]:
    with run_agency_console(folder, folder.parent / "passphrase") as process:
        yield process


@pytest.fixture(scope="module")
def callers(console: AgencyConsole, folder: Path) -> dict[str, Caller]:
    """Somebody signed in for each role, and the founder, who owns all cases."""
    found = {}
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        operations.sign_in(office, by=FOUNDER)
        for name in (*PEOPLE, FOUNDER):
            secret = make_account(office, FOUNDER, name)
            caller = Caller(console)
            caller.get("/sign-in")
            caller.sign_in(name, PASSWORD, code_of(secret))
            assert caller.token, name
            found[name.removeprefix("Only ").lower() if name in PEOPLE else "founder"] = caller
    return found


@pytest.fixture(scope="module")
def case(callers: dict[str, Caller]) -> str:
    """The id of one case in addresses."""
    return re.findall(r'href="/people/([0-9a-f]{20})"', callers["founder"].get("/people").text)[0]


def address_of(route: Route, case: str) -> str:
    return (
        route.path.replace("{c}", case)
        .replace("{form}", "answer")
        .replace("{q}", "0")
        .replace("{o}", case)
    )


def token_of(caller: Caller) -> str:
    return caller.hidden("t", caller.ask("GET", "/you"))


# A1


def test_each_page_is_for_the_roles_and_agencies_of_the_table() -> None:
    wrong = []
    assert len(collect_routes()) > 60
    for route in collect_routes():
        roles, kinds = expected_of(route.path)
        if set(route.roles) != roles:
            wrong.append((route.method, route.path, route.roles))
        for kind in (*get_args(Kind), None):
            for role in ROLES:
                may = role in roles and (kind in kinds or kinds == ANY)
                if route.admits([role], kind) and not may:
                    wrong.append((route.method, route.path, role, kind))
    assert not wrong


def test_who_isnt_in_the_table_gets_one_answer_and_does_nothing(
    callers: dict[str, Caller], case: str, folder: Path
) -> None:
    """Each role, alone, at each page and form, of a real case too. An admin opens no case."""
    before = operations_done(folder)
    for role in ROLES:
        caller, sizes = callers[role], set()
        token = token_of(caller)
        for route in collect_routes():
            address = address_of(route, case)
            fields = {"t": token, "f": "0" * 32}
            admits = route.admits([role], "case_management")
            if admits and (route.method == "POST" or "{c}" in route.path):
                continue  # the tests of each page do that
            sent = {"data": fields} if route.method == "POST" else {}
            answer = caller.ask(route.method, address, **sent)
            if admits:
                # Some pages show what was chosen or sent before, and there is nothing yet.
                assert answer.status_code in (200, 303, 404, 422), (role, address)
            else:
                assert answer.status_code == 404, (role, route.method, address)
                sizes.add(len(answer.content) - len(address))
        for unknown in ("/people/ffffffffffffffffffff", "/no/such/page"):
            answer = caller.ask("GET", unknown)
            sizes.add(len(answer.content) - len(unknown))
        assert len(sizes) == 1, (role, sizes)
    assert operations_done(folder) == before


def operations_done(folder: Path) -> tuple[int, int]:
    """The events of the journal, and the people who are listed."""
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        return office.journal.size(), len(office.working_set().staff.people)


def test_an_admin_sees_no_case_and_an_auditor_only_who_looked(
    callers: dict[str, Caller], case: str
) -> None:
    admin, auditor = callers["admin"], callers["auditor"]
    for caller in (admin, auditor):
        assert caller.get(f"/people/{case}").status_code == 404
        assert caller.get("/people").status_code == 404
    shown = admin.get("/admin/looked")
    assert "Quillfeather" not in shown.text and case not in shown.text
    own = {
        route.path
        for route in collect_routes()
        if route.method == "GET" and route.admits(["auditor"], "case_management")
    }
    assert {path for path in own if not path.startswith("/you")} == {"/admin/looked"}


# S1 and S2


def test_every_page_has_the_headers_one_heading_and_no_inline_code(
    callers: dict[str, Caller], case: str
) -> None:
    """S1 and the title: its kind, and never a person."""
    caller = callers["founder"]
    for path in (*pages_of(case), "/no/such", "/sign-in", "/unlock", "/invited", START, RETURN):
        answer = caller.ask("GET", path)
        for name, value in HEADERS.items():
            assert answer.headers[name] == value, (path, name)
        assert answer.headers["cache-control"] == "no-store", path
        if answer.status_code == 303:
            continue
        assert answer.text.count("<h1") == 1, path
        for wrong in (" style=", "<style", "javascript:", " onclick", " onload"):
            assert wrong not in answer.text, (path, wrong)
        scripts = re.findall("<script[^>]*>", answer.text)
        assert all(script.startswith('<script src="/static/') for script in scripts), path
        title = re.search("<title>(.*?)</title>", answer.text)
        assert title is not None and "Quillfeather" not in title[1], path
        assert len(answer.content) <= 20 * 1024, (path, len(answer.content))


def pages_of(case: str) -> list[str]:
    """Every page that case managers have."""
    return [
        address_of(route, case)
        for route in collect_routes()
        if route.method == "GET" and route.admits(ROLES, "case_management")
    ]


def test_no_form_is_taken_without_its_token_or_from_another_site(
    callers: dict[str, Caller], console: AgencyConsole, case: str, folder: Path
) -> None:
    """S2 for every form there is. A GET of what a form does isn't there."""
    caller = callers["founder"]
    token, before = token_of(caller), operations_done(folder)
    gets = {route.path for route in collect_routes() if route.method == "GET"}
    outside = ("/sign-in", "/sign-in/passkey", "/unlock", "/unlock/passkey", "/lock", "/invited")
    for path in (*(route.path for route in collect_routes() if route.method == "POST"), *outside):
        address = (
            path.replace("{c}", case)
            .replace("{form}", "answer")
            .replace("{q}", "0")
            .replace("{o}", case)
        )
        fields = {"t": token, "f": "1" * 32, "sure": "yes"}
        for more, changed in (
            ({}, {"t": "x" * 32}),
            ({"origin": "https://evil.example"}, {}),
            ({"sec-fetch-site": "cross-site"}, {}),
            ({"host": "evil.example"}, {}),
        ):
            if path in ("/sign-in", "/sign-in/passkey", "/invited") and "t" in changed:
                continue  # nobody is signed in there
            answer = caller.ask("POST", address, data=fields | changed, headers=more)
            assert answer.status_code == 403, (path, more, changed)
        if path not in gets and path not in outside:
            assert caller.ask("GET", address).status_code == 404, path
    assert operations_done(folder) == before
    assert caller.ask("GET", "/you").status_code == 200, "and nobody was signed out"


# S3 and S4


def test_hard_names_are_shown_as_text(callers: dict[str, Caller], case: str) -> None:
    """S3 for the lists, the search, and each case."""
    caller = callers["founder"]
    listed = caller.get("/people").text
    caller.get("/people/find")
    found = caller.send("/people/find", {"q": "Quillfeather"}).text
    for given, family in HARD:
        shown = f"{given} {family}"
        assert str(escape(shown)) in listed, shown
        if "Quillfeather" in family:
            assert str(escape(shown)) in found, shown
    staff = callers["admin"].get("/admin/people").text
    for name in STAFF:
        assert str(escape(name)) in staff, name
        callers["admin"].get("/admin/people")
        chosen = callers["admin"].send("/admin/people/choose", {"person": name})
        assert "<script>alert" not in chosen.text and "A person" in chosen.text
    assert "<script>alert" not in staff


def test_no_name_is_in_an_address_a_title_a_cookie_or_the_log(
    callers: dict[str, Caller], console: AgencyConsole, case: str
) -> None:
    """S4, after every page was asked for and a search was made."""
    told: list[str] = []
    for typed in ("Quillfeather", "3/4/1999", "505-555-0142", "(505) 555 0142"):
        callers["founder"].get("/people/find")
        sent = {
            "t": callers["founder"].hidden("t"),
            "f": callers["founder"].hidden("f"),
            "q": typed,
        }
        answer = callers["founder"].ask("POST", "/people/find", data=sent)
        assert "Quillfeather" in callers["founder"].get(answer.headers["location"]).text, typed
        told += [answer.headers["location"], *answer.headers.get_list("set-cookie")]
    for caller in callers.values():
        for path in pages_of(case):
            answer = caller.ask("GET", path)
            told.append(answer.headers.get("location", ""))
            told += answer.headers.get_list("set-cookie")
            told += re.findall("<title>.*?</title>", answer.text)
            told += re.findall(r'(?:href|action|formaction)="([^"]*)"', answer.text)
    told.append(console.log.read_text())
    for text in told:
        for word in ("Quillfeather", "Zelda", "O'Brien", "alert(1)", "1999", "X" * 20, PASSWORD):
            assert word not in text, text
        # The one address with a number is that of the telephone itself.
        is_call = text.startswith("tel:")
        assert is_call or "5550142" not in re.sub(r"\W", "", text), text


def test_what_a_console_leaves_behind_is_searched_for_everybody_it_knows(
    callers: dict[str, Caller], console: AgencyConsole, folder: Path
) -> None:
    """S4 after every console of the suite, which `look_over` searches as it ends."""
    details = details_of(folder, PASSPHRASE)
    assert {"Quillfeather", "Muñoz", "1999-03-04", "3/4/1999", "5055550142"} <= details
    for left in (
        f"{console.address}/people/find?q=mu%C3%B1oz",
        "Zelda Ünal Muñoz Quillfeather – Offramp",
        f"{COOKIE}=quillfeather; Secure",
        "GET /people?born=1999-03-04 200",
        "found 505-555-0142",
    ):
        assert found_in(details, [left]), left
    assert not found_in(details, ["A person – Offramp", f"{COOKIE}={'Quillfeather' * 4}"])
    look_over(folder, PASSPHRASE, console.address, console.log.read_text())
    leave(f"{console.address}/people", "Quillfeather – Offramp")
    with pytest.raises(AssertionError, match="Quillfeather"):
        look_over(folder, PASSPHRASE, console.address, console.log.read_text())


# S5 and S6, in a browser


@needs_browser
def test_after_signing_out_no_page_comes_back(
    console: AgencyConsole, folder: Path, case: str, tmp_path: Path
) -> None:
    """S5 and S3: Back, Forward, and a new tab lead to the sign-in. Hard names fit 320 px."""
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        operations.sign_in(office, by=FOUNDER)
        secret = make_account(office, FOUNDER, FOUNDER)

    def shown(browser: Browser) -> str:
        return str(browser.evaluate("document.body.textContent"))

    with Browser(tmp_path / "profile") as browser:
        browser.show(width=320)
        browser.open(f"{console.address}/sign-in")
        type_in(browser, "#name", FOUNDER)
        type_in(browser, "#password", PASSWORD)
        type_in(browser, "#code", code_of(secret))
        press(browser, "form[action='/sign-in'] button")
        for path in pages_of(case):
            browser.open(f"{console.address}{path}")
            is_wide = browser.evaluate("document.documentElement.scrollWidth > innerWidth")
            assert not is_wide, f"{path} is wider than 320 px"
            assert not [each for each in browser.complaints if "Policy" in each], path
        browser.open(f"{console.address}/people/{case}")
        assert "Quillfeather" in shown(browser)
        browser.open(f"{console.address}/you")
        press(browser, "form[action='/sign-out'] button")
        for step in ("back", "back", "forward"):
            browser.events.clear()
            browser.go(step)
            browser.wait_for("Page.loadEventFired")
            text = shown(browser)
            assert "Sign in" in text and "Quillfeather" not in text, step
        browser.open(f"{console.address}/people/{case}")
        assert "Quillfeather" not in shown(browser)
        kept = browser.evaluate("localStorage.length + sessionStorage.length")
        assert kept == 0 and browser.evaluate("document.cookie") == ""


def test_no_secret_of_a_session_and_no_draft_is_on_the_disk(
    callers: dict[str, Caller], console: AgencyConsole, folder: Path
) -> None:
    """S6. What is typed and then locked is sealed in memory, and never on the disk."""
    caller = callers["member"]
    page = caller.get("/people/find")
    draft = "Wilhelmina Halfwritten"
    fields = {"t": caller.hidden("t", page), "lock": "/people/find", "q": draft}
    assert caller.ask("POST", "/lock", data=fields).headers["location"] == "/unlock"
    assert draft not in caller.get("/unlock").text
    for path in (*folder.rglob("*"), console.log):
        if path.is_file():
            data = path.read_bytes()
            for secret in (caller.token or "", draft, PASSWORD):
                assert secret.encode() not in data, path.name


# Lost devices and recovery


def account_of(folder: Path, name: str) -> operations.AccountState:
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        operations.sign_in(office, by=FOUNDER)
        return next(each for each in operations.list_accounts(office) if each.person == name)


def fresh(console: AgencyConsole, folder: Path, name: str, **headers: str) -> Caller:
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        operations.sign_in(office, by=FOUNDER)
        secret = make_account(office, FOUNDER, name)
    caller = Caller(console, headers=dict(headers))
    caller.get("/sign-in")
    caller.sign_in(name, PASSWORD, code_of(secret))
    assert caller.token
    return caller


PHONE = {"user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/604.1"}


def test_a_lost_phone_is_ended_from_another_device_and_shows_what_it_did(
    console: AgencyConsole, folder: Path, case: str
) -> None:
    """A5: dead at its next request, with the log of its last day, by its owner."""
    lost, here = fresh(console, folder, FOUNDER, **PHONE), fresh(console, folder, FOUNDER)
    lost.get(f"/people/{case}")
    page = here.get("/you")
    assert "Safari on an iPhone" in page.text
    row = next(row for row in page.text.split("<li") if "iPhone" in row)
    session = re.findall(r'name="session" value="([0-9a-f]+)"', row)[0]
    shown = here.send("/you/sessions/lost", {"session": session})
    assert "<h1>Sign in</h1>" in lost.get("/you").text
    assert "opened the case" in shown.text and "Quillfeather" in shown.text
    assert "signed out" in shown.text and "searched" not in shown.text
    ended = here.send("/you/lost", {"codes": "yes"})
    assert ended.status_code == 200 and not account_of(folder, FOUNDER).is_ready


def test_a_supervisor_ends_a_colleagues_device_and_gives_a_recovery_code(
    console: AgencyConsole, folder: Path
) -> None:
    lost, helper = fresh(console, folder, "Only Member"), fresh(console, folder, "Only Supervisor")
    listed = helper.get("/colleagues")
    assert "Only Member" in listed.text and "Only Admin" not in listed.text
    assert helper.send("/colleagues/choose", {"person": "Only Admin"}).status_code == 404
    helper.get("/colleagues")
    page = helper.send("/colleagues/choose", {"person": "Only Member"})
    assert "Choose what was on the device" in helper.send("/colleagues/lost", {}).text
    sessions = re.findall(r'name="session" value="([0-9a-f]+)"', page.text)
    helper.get("/colleagues/person")
    shown = helper.send("/colleagues/lost", {"session": sessions, "codes": "yes"})
    assert "Only Member’s device" in html.unescape(shown.text)
    assert "<h1>Sign in</h1>" in lost.get("/you").text
    assert not account_of(folder, "Only Member").is_ready
    helper.get("/colleagues/person")
    given = helper.send("/colleagues/recover")
    code = re.search(r'class="num">([A-Z2-9-]{19})<', given.text)
    assert code is not None
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        account = office.accounts.read()["Only Member"]
        assert 0 < account.invited_until - office.clock() <= 30 * 60
        assert account.invited_by == "Only Supervisor"
    again = Caller(console)
    again.get("/invited")
    fields = {"name": "Only Member", "code": code[1], "password": PASSWORD}
    assert "Add the codes to your phone" in again.send("/invited", fields).text
    assert account_of(folder, "Only Member").is_ready


# Guessing


def test_a_password_cannot_be_guessed_at_an_unlocked_screen(
    console: AgencyConsole, folder: Path, case: str
) -> None:
    """Five wrong confirmations lock the name for 15 minutes, as five wrong sign-ins do."""
    caller = fresh(console, folder, "Only Supervisor")
    caller.get(f"/people/{case}/glass")
    caller.send(f"/people/{case}/glass", {"reason": "safety"})
    answers = []
    for _ in range(6):
        caller.get(f"/people/{case}/glass")
        wrong = {"password": "wrong wrong wrong", "code": "000000"}
        answers.append(caller.send(f"/people/{case}/glass/break", wrong).status_code)
    assert answers == [422] * 5 + [429]
    other = Caller(console)
    other.get("/sign-in")
    assert "Too many tries" in other.sign_in("Only Supervisor", PASSWORD, "000000").text
