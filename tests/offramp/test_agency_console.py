"""The console of an agency: signing in, the frame of every page, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from markupsafe import escape
from starlette.responses import Response

from offramp.agency import operations
from offramp.agency.errors import AgencyError
from offramp.agency.operations.confirmation import is_evidence
from offramp.console.agency.office_thread import OfficeThread
from offramp.console.agency.routes import EVERYBODY, ROUTES, TABS, Route, collect_routes, tabs_of
from offramp.console.agency.server import make_agency_app
from offramp.console.agency.sessions import Box, Sessions
from offramp.console.agency.visit import Visit
from offramp.console.headers import HEADERS
from offramp.demo.consoles import ADMINISTRATOR, console_lines, keep_running, open_consoles
from offramp.demo.story import START
from offramp.demo.town import town
from tests.conftest import ROOT
from tests.support.agencies import Town
from tests.support.agency_console import (
    PASSWORD,
    AgencyConsole,
    Caller,
    add_authenticator,
    code_of,
    make_account,
    press,
    run_console_command,
    type_in,
)
from tests.support.browser import BROWSER, NO_BROWSER, Browser
from tests.support.running_agencies import SIX_ROLES
from tests.support.staff import founder_of

needs_browser = pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)
PASSPHRASE = b"a passphrase for tests"
ADMIN = "Rosa Quintana"
KB = 1024


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An agency that hasn't joined a hub yet, with its founder and four colleagues."""
    base = tmp_path_factory.mktemp("console")
    passphrase = base / "passphrase"
    passphrase.touch(0o600)
    passphrase.write_bytes(PASSPHRASE)
    operations.create_agency(base / "clinic", "clinic", PASSPHRASE, founder=ADMIN)
    return base / "clinic"


@pytest.fixture(scope="module")
def secrets(folder: Path) -> dict[str, str]:
    """The secrets of the one-time codes, by person."""
    people = {
        "Ana Lucero": ["member"],
        "Ben Ortiz": ["admin"],
        "Cora Vigil": ["auditor"],
        "Dan Reed": ["sender"],
        "Niamh O'Brien": ["sender"],
        "Eva Stone": ["supervisor"],
    }
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        for name, roles in people.items():
            operations.add_person(office, ADMIN, name, roles)
        return {name: make_account(office, ADMIN, name) for name in (ADMIN, *people)}


@pytest.fixture(scope="module")
def console(folder: Path, secrets: dict[str, str]) -> Iterator[AgencyConsole]:
    with run_console_command(folder, folder.parent / "passphrase") as process:
        yield process


_used: dict[str, str] = {}
NO_PAGES = "Your roles have no pages here but this one."


def signed_in(console: AgencyConsole, folder: Path, name: str) -> Caller:
    """Sign a person in with a new account: a code is good once."""
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        secret = make_account(office, ADMIN, name)
    caller = Caller(console)
    shown = caller.sign_in(name, PASSWORD, code_of(secret))
    assert "<h1>Sign in</h1>" not in shown.text and caller.token
    return caller


def looks_of(folder: Path, **more: Any) -> tuple[operations.Look, ...]:
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        return operations.list_looks(office, **more).looks


# Sign in


def test_an_invited_person_makes_an_account_and_signs_in(
    console: AgencyConsole, folder: Path
) -> None:
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        operations.add_person(office, ADMIN, "Fay Moss", ["member"])
        code = operations.invite(office, ADMIN, "Fay Moss").code
    caller = Caller(console)
    fields = {"name": "fay moss", "code": code.lower(), "password": "short"}
    assert "12 to 256 characters" in caller.send("/invited", fields).text
    wrong = caller.send("/invited", {**fields, "code": "A" * 16, "password": PASSWORD})
    assert wrong.status_code == 422
    made = caller.send("/invited", {**fields, "password": PASSWORD})
    secret = re.search(r'class="num">([A-Z2-7 ]+)<', made.text)
    assert secret is not None and made.headers["cache-control"] == "no-store"
    again = caller.send("/invited", {**fields, "password": PASSWORD})
    assert again.status_code == 422, "a code is good once"
    one_time = code_of(secret[1].replace(" ", ""))
    assert caller.sign_in("Fay Moss", "not the password", one_time).status_code == 422
    assert caller.sign_in("Fay Moss", PASSWORD, "000000").status_code == 422
    assert "Fay Moss" in caller.sign_in("Fay Moss", PASSWORD, one_time).text
    stolen = Caller(console)
    assert stolen.sign_in("Fay Moss", PASSWORD, one_time).status_code == 422, "the code was used"
    kinds = [(look.kind, look.refused) for look in looks_of(folder, person="Fay Moss")]
    assert ("sign-in", None) in kinds and ("refused", "wrong-secret") in kinds
    assert PASSWORD not in console.log.read_text()


def test_five_failures_lock_a_name_and_an_unknown_name_looks_the_same(
    console: AgencyConsole, secrets: dict[str, str]
) -> None:
    shown: dict[str, list[tuple[int, str]]] = {}
    for name in ("Dan Reed", "Zeb Nobody"):
        caller = Caller(console)
        shown[name] = []
        for _ in range(6):
            answer = caller.sign_in(name, "wrong wrong wrong", "123456")
            text = re.sub(r"challenge(&#34;: &#34;|\" value=\")[\w-]+", "", answer.text)
            shown[name].append((answer.status_code, text.replace(name, "NAME")))
    assert shown["Dan Reed"] == shown["Zeb Nobody"]
    assert "Too many tries" in shown["Dan Reed"][-1][1]
    caller = Caller(console)
    right = caller.sign_in("Dan Reed", PASSWORD, code_of(secrets["Dan Reed"]))
    assert right.status_code == 422 and caller.token is None


def test_a_name_signs_in_however_a_phone_types_it_and_locks_as_one_name(
    console: AgencyConsole, secrets: dict[str, str]
) -> None:
    caller = Caller(console)
    secret = secrets["Niamh O'Brien"]
    caller.sign_in("niamh o\u2019brien", PASSWORD, code_of(secret))
    assert caller.token and "Niamh O&#39;Brien" in caller.get("/offer").text
    spellings = ("Zoe O'Dea", "Zo\u00eb O\u2019Dea", "zoe odea", "ZOE O\u2018DEA", "Zoe O\u02bcDea")
    for name in spellings:
        answer = Caller(console).sign_in(name, "wrong wrong wrong", "123456")
    assert "Too many tries" in answer.text


def test_the_roles_of_a_refused_colleague_are_not_ticked_for_the_next(
    console: AgencyConsole, folder: Path
) -> None:
    admin = signed_in(console, folder, "Ben Ortiz")
    admin.get("/admin/people")
    admin.send("/admin/people", {"name": "No One", "role": ["admin", "auditor"]})
    shown = admin.get("/admin/people").text
    assert 'name="role"' in shown and "No One" in shown
    assert not re.findall(r"<input[^>]*name=.role.[^>]*checked", shown)


def test_an_admin_ends_a_person_whose_sessions_end_at_once(
    console: AgencyConsole, folder: Path
) -> None:
    """C18 in the browser's pages. The cases that go over are tested with `staff end`."""
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        operations.add_person(office, ADMIN, "Lee Gone", ["member"])
    gone, admin = (signed_in(console, folder, name) for name in ("Lee Gone", "Ben Ortiz"))
    admin.get("/admin/people")
    shown = admin.send("/admin/people/choose", {"person": "Lee Gone"})
    assert "<h1>Lee Gone</h1>" in shown.text and "Lee" not in str(shown.url)
    shown = admin.send("/admin/people/roles", {"role": ["member", "chair"]})
    assert "member, chair" in shown.text
    admin.get("/admin/people/person")
    assert "Say that you are sure" in admin.send("/admin/people/end").text
    ended = admin.send("/admin/people/end", {"sure": "yes", "to": ADMIN})
    assert "<h1>Staff</h1>" in ended.text and "Lee Gone" not in ended.text
    assert "<h1>Sign in</h1>" in gone.get("/you").text
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        assert "Lee Gone" not in office.accounts.read()


def test_an_ended_person_is_out_at_the_next_request(console: AgencyConsole, folder: Path) -> None:
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        operations.add_person(office, ADMIN, "Gus Hale", ["auditor"])
    caller = signed_in(console, folder, "Gus Hale")
    assert caller.get("/admin/looked").status_code == 200
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        operations.end_person(office, ADMIN, "Gus Hale")
    assert "<h1>Sign in</h1>" in caller.get("/admin/looked").text


# Roles


ROLE_OF = {
    "Ana Lucero": "member",
    "Ben Ortiz": "admin",
    "Cora Vigil": "auditor",
    "Eva Stone": "supervisor",
}


def test_each_role_has_its_pages_and_all_else_is_not_here(
    console: AgencyConsole, folder: Path, secrets: dict[str, str]
) -> None:
    """A1, for the pages without a case: what the table admits is shown, and all else is alike."""
    assert len(secrets) == 7
    for name, role in ROLE_OF.items():
        caller = signed_in(console, folder, name)
        refused = set()
        for route in collect_routes():
            if route.method != "GET" or "{" in route.path:
                continue
            answer = caller.get(route.path)
            is_admitted = role in route.roles and not route.kinds
            if not is_admitted:
                assert answer.status_code == 404, (name, route.path)
                refused.add(len(answer.content) - len(route.path))
        answers = [caller.ask("GET", path) for path in ("/no/such/page", "/people/ffff")]
        refused |= {len(answer.content) - len(answer.request.url.path) for answer in answers}
        assert len(refused) == 1, (name, refused)
        assert looks_of(folder, person=name, only_refused=True)


def test_a_person_has_at_most_five_tabs_and_finding_is_the_last() -> None:
    for kind in ("police", "prosecutor", "program", "case_management", "treatment_provider", None):
        for roles in ((role,) for role in EVERYBODY):
            tabs = tabs_of(roles, kind)
            assert len(tabs) <= 5
            assert all(tab.path != "/people/find" for tab in tabs[:-1])
    assert TABS[-1].path == "/people/find"


# Security


def test_every_answer_has_the_headers(console: AgencyConsole, folder: Path) -> None:
    """S1, errors and static files included."""
    caller = signed_in(console, folder, "Eva Stone")
    for method, path in (
        *(("GET", path) for path in ("/sign-in", "/invited", "/you", "/no/such", "/")),
        *(("GET", path) for path in ("/static/style.css", "/static/console.js", "/static/x")),
        *(("POST", path) for path in ("/people/find", "/sign-out", "/nothing")),
        ("PUT", "/you"),
    ):
        answer = caller.ask(method, path)
        for name, value in HEADERS.items():
            assert answer.headers[name] == value, (method, path, name)
        is_static = path in ("/static/style.css", "/static/console.js")
        assert (answer.headers["cache-control"] == "no-store") is not is_static, path
    assert len(caller.get("/static/style.css").content) <= 28 * KB
    assert len(caller.get("/static/console.js").content) <= 12 * KB


def test_a_fault_of_a_page_has_the_headers_and_says_nothing_of_a_case(
    folder: Path, secrets: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """S1: the answer to a fault is made outside of all other answers."""

    def broken(visit: Visit) -> Response:
        raise ZeroDivisionError("Jo Secret")

    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        secret = make_account(office, ADMIN, "Ben Ortiz")
    ROUTES["GET", "/broken"] = Route("GET", "/broken", EVERYBODY, (), broken)
    try:
        with console_with_clock(folder, [1000.0]) as client:
            fields = {"name": "Ben Ortiz", "password": PASSWORD, "code": code_of(secret)}
            client.post("/sign-in", data=fields)
            answer = client.get("/broken")
    finally:
        del ROUTES["GET", "/broken"]
    assert answer.status_code == 500 and "Something went wrong" in answer.text
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert answer.headers["cache-control"] == "no-store"
    printed = capsys.readouterr().err
    assert "ZeroDivisionError at" in printed and "Jo Secret" not in printed + answer.text


def test_a_form_of_another_site_or_without_its_token_does_nothing(
    console: AgencyConsole, folder: Path
) -> None:
    """S2, with a name that mustn't be listed afterwards."""
    caller = signed_in(console, folder, "Ben Ortiz")
    page = caller.get("/admin/people")
    fields = {
        "t": caller.hidden("t", page),
        "f": caller.hidden("f", page),
        "name": "Ivo Forged",
        "role": "admin",
    }
    for more, changed in (
        ({}, {"t": ""}),
        ({}, {"t": "x" * 32}),
        ({"origin": "https://evil.example"}, {}),
        ({"origin": "null"}, {}),
        ({"sec-fetch-site": "cross-site"}, {}),
        ({"sec-fetch-site": "same-site"}, {}),
        ({"host": "evil.example"}, {}),
    ):
        answer = caller.ask("POST", "/admin/people", data=fields | changed, headers=more)
        assert answer.status_code == 403, (more, changed)
    assert caller.ask("POST", "/sign-out", data={"t": ""}).status_code == 403
    assert "Ivo Forged" not in caller.get("/admin/people").text


def test_a_form_that_is_sent_twice_is_done_once(console: AgencyConsole, folder: Path) -> None:
    caller = signed_in(console, folder, "Ben Ortiz")
    page = caller.get("/admin/people")
    fields = {
        "t": caller.hidden("t", page),
        "f": caller.hidden("f", page),
        "name": "Hal Once",
        "role": "member",
    }
    answers = [caller.ask("POST", "/admin/people", data=fields) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert len({answer.headers["location"] for answer in answers}) == 1
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        names = [person.name for person in operations.list_staff(office).people]
    assert names.count("Hal Once") == 1


def test_faults_of_a_form_keep_what_was_typed(console: AgencyConsole, folder: Path) -> None:
    caller = signed_in(console, folder, "Ben Ortiz")
    caller.get("/admin/people")
    shown = caller.send("/admin/people", {"name": "Ida <b>Rule</b>"})
    assert "<title>Error: Staff" in shown.text and "Choose at least one role" in shown.text
    assert 'value="Ida &lt;b&gt;Rule&lt;/b&gt;"' in shown.text
    again = caller.get("/admin/people")
    assert "<title>Staff" in again.text and "Ida &lt;b&gt;" in again.text
    taken = caller.send("/admin/people", {"name": ADMIN.upper(), "role": "member"})
    assert taken.status_code == 422 and "is or was listed here" in taken.text


def test_sign_out_ends_the_session_and_clears_the_browser(
    console: AgencyConsole, folder: Path
) -> None:
    caller = signed_in(console, folder, "Eva Stone")
    token = caller.token
    caller.get("/you")
    answer = caller.ask("POST", "/sign-out", data={"t": caller.hidden("t")})
    assert answer.headers["clear-site-data"] == '"cache", "cookies", "storage"'
    caller.token = token
    assert "<h1>Sign in</h1>" in caller.get("/you").text


# In a browser


def page_of(browser: Browser) -> str:
    return str(browser.evaluate("document.querySelector('h1').textContent"))


@needs_browser
def test_signing_in_locking_and_unlocking_in_a_browser(
    console: AgencyConsole, folder: Path, tmp_path: Path
) -> None:
    """A4 and S5: the draft is kept, nothing of it is in the locked page, and Back shows no page."""
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        secret = make_account(office, ADMIN, "Ben Ortiz")
    with Browser(tmp_path / "profile") as browser:
        browser.show(width=390)
        browser.open(f"{console.address}/admin/people")
        assert page_of(browser) == "Sign in"
        type_in(browser, "#name", "Ben Ortiz")
        type_in(browser, "#password", PASSWORD)
        type_in(browser, "#code", code_of(secret))
        press(browser, "form[action='/sign-in'] button")
        assert page_of(browser) == "Staff"
        cookies = browser.call("Network.getCookies")["cookies"]
        assert [(c["name"], c["secure"], c["httpOnly"], c["sameSite"]) for c in cookies] == [
            ("__Host-offramp", True, True, "Strict")
        ]
        type_in(browser, "form#add #name", "Jo Halftyped")
        press(browser, "button.lock")
        assert page_of(browser) == "Locked"
        assert "Halftyped" not in browser.evaluate("document.documentElement.outerHTML")
        browser.open(f"{console.address}/admin/people")
        assert page_of(browser) == "Locked"
        with closing(operations.open_office(folder, PASSPHRASE)) as office:
            secret = make_account(office, ADMIN, "Ben Ortiz")
        type_in(browser, "#password", PASSWORD)
        type_in(browser, "#code", code_of(secret))
        press(browser, "form[action='/unlock'] button")
        assert page_of(browser) == "Staff"
        assert browser.evaluate("document.querySelector('form#add #name').value") == "Jo Halftyped"
        browser.open(f"{console.address}/you")
        press(browser, "form[action='/sign-out'] button")
        assert page_of(browser) == "Sign in"
        browser.events.clear()
        browser.go("back")
        browser.wait_for("Page.loadEventFired")
        assert page_of(browser) == "Sign in"
        assert not browser.complaints


@needs_browser
def test_pages_break_no_policy_and_fit_a_phone(
    console: AgencyConsole, folder: Path, tmp_path: Path
) -> None:
    """V6, and no sideways scroll at 320 px, light and dark."""
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        secret = make_account(office, ADMIN, ADMIN)
    with Browser(tmp_path / "profile") as browser:
        browser.open(f"{console.address}/sign-in")
        type_in(browser, "#name", ADMIN)
        type_in(browser, "#password", PASSWORD)
        type_in(browser, "#code", code_of(secret))
        press(browser, "form[action='/sign-in'] button")
        paths = [
            route.path
            for route in collect_routes()
            if route.method == "GET" and "{" not in route.path and not route.kinds
        ]
        for dark in (False, True):
            browser.show(width=320, dark=dark)
            for path in ("/invited", "/no/such", *paths):
                browser.open(console.address + path)
                wide = "document.documentElement.scrollWidth - innerWidth"
                assert browser.evaluate(wide) <= 0, path
                html = browser.evaluate("document.documentElement.outerHTML")
                assert len(html.encode()) <= 20 * KB, path
                assert not re.search(r'\sstyle="|\son[a-z]+="|<style', html), path
                is_led = browser.evaluate("location.pathname") != path
                assert len(browser.requests) <= 3 + is_led, (path, browser.requests)
                broken = [text for text in browser.complaints if "Policy" in text]
                assert not broken, (path, broken)


def test_the_command_refuses_what_it_cannot_serve(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from offramp.cli import main

    words = ["agency", "console", str(folder), "--demo-sign-in", "--json"]
    assert main(words) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "no-demo"


@needs_browser
def test_a_passkey_signs_in_and_unlocks(
    console: AgencyConsole, folder: Path, tmp_path: Path
) -> None:
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        secret = make_account(office, ADMIN, "Cora Vigil")
    with Browser(tmp_path / "profile") as browser:
        add_authenticator(browser)
        browser.open(f"{console.address}/sign-in")
        type_in(browser, "#name", "Cora Vigil")
        type_in(browser, "#password", PASSWORD)
        type_in(browser, "#code", code_of(secret))
        press(browser, "form[action='/sign-in'] button")
        browser.open(f"{console.address}/you")
        type_in(browser, "#label", "work phone")
        press(browser, "form[action='/you/passkeys'] button")
        assert "work phone" in browser.evaluate("document.querySelector('main').textContent")
        press(browser, "button.lock")
        press(browser, "form[action='/unlock/passkey'] button")
        assert page_of(browser) == "Cora Vigil", "back where she was"
        press(browser, "form[action='/sign-out'] button")
        press(browser, "form[action='/sign-in/passkey'] button")
        assert page_of(browser) == "Who looked"
        browser.open(f"{console.address}/you")
        press(browser, "form[action='/you/passkeys/remove'] button")
        assert "None yet" in browser.evaluate("document.querySelector('main').textContent")
        press(browser, "form[action='/sign-out'] button")
        press(browser, "form[action='/sign-in/passkey'] button")
        assert page_of(browser) == "Sign in"
        assert "isn’t known here" in browser.evaluate("document.body.textContent")
        broken = [text for text in browser.complaints if "Policy" in text]
        assert not broken
    kinds = [look.refused for look in looks_of(folder, only_refused=True)]
    assert "wrong-secret" in kinds


def test_a_passkey_answer_that_fits_nothing_is_refused(console: AgencyConsole) -> None:
    for credential in ("", "[]", "{}", '{"id":"x","rawId":"x","type":"public-key"}', "{" * 20_000):
        caller = Caller(console)
        caller.get("/sign-in")
        challenge = caller.hidden("challenge")
        fields = {"challenge": challenge, "credential": credential}
        assert caller.send("/sign-in/passkey", fields).status_code == 422
        assert caller.token is None


def test_a_person_ends_the_session_of_a_lost_device(console: AgencyConsole, folder: Path) -> None:
    """A5: from another own device, dead at its next request."""
    lost = signed_in(console, folder, "Eva Stone")
    found = signed_in(console, folder, "Eva Stone")
    stranger = signed_in(console, folder, "Ben Ortiz")
    page = found.get("/you")
    *_, session = re.findall(r'name="session" value="([0-9a-f]+)"', page.text)
    stranger.get("/you")
    assert stranger.send("/you/sessions/end", {"session": session}).status_code == 404
    assert lost.get("/you").status_code == 200
    found.get("/you")
    found.send("/you/sessions/end", {"session": session})
    assert "<h1>Sign in</h1>" in lost.get("/you").text


def test_a_person_whose_roles_have_no_pages_is_told_so(
    console: AgencyConsole, folder: Path
) -> None:
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        operations.add_person(office, ADMIN, "Cora Bell", ["chair"])
    page = signed_in(console, folder, "Cora Bell").get("/you").text
    assert NO_PAGES in page and "an admin gives it to you" in page
    assert NO_PAGES not in signed_in(console, folder, "Eva Stone").get("/you").text


# Confirm what decides


def test_a_password_confirms_one_draft_of_one_person(tmp_path: Path) -> None:
    operations.create_agency(tmp_path / "a", "clinic", PASSPHRASE, founder=ADMIN)
    with closing(operations.open_office(tmp_path / "a", PASSPHRASE)) as office:
        secret = make_account(office, ADMIN, ADMIN)
        digest = operations.determination_digest("ab" * 16, "eligibility", "eligible", "rules")
        assert digest != operations.determination_digest(
            "ab" * 16, "eligibility", "ineligible", "rules"
        )
        now = 1_800_000_000.0
        code = pyotp.TOTP(secret).at(int(now))
        for password, typed in (("wrong wrong wrong", code), (PASSWORD, "000000")):
            with pytest.raises(AgencyError) as refusal:
                operations.confirm_by_password(office, ADMIN, digest, password, typed, now=now)
            assert refusal.value.code == "not-confirmed"
        made = operations.confirm_by_password(office, ADMIN, digest, PASSWORD, code, now=now)
        assert (made.by, made.digest, made.method) == (ADMIN, digest, "password")
        with pytest.raises(AgencyError):
            operations.confirm_by_password(office, ADMIN, digest, PASSWORD, code, now=now)


def test_a_confirmed_decision_keeps_its_confirmation(tmp_path: Path) -> None:
    """P2's ground, with the browser's own signature in the next test."""
    made_town = Town(tmp_path, SIX_ROLES, pack=ROOT / "jurisdictions" / "santa-fe")
    made_town.settle()
    office, person = made_town.at["police"], founder_of("police")
    secret = make_account(office, person, person)
    words = ("new", "offer", "may_not_offer", "safety")
    digest = operations.determination_digest(*words)
    now = 1_800_000_000.0
    code = pyotp.TOTP(secret).at(int(now))
    confirmed = operations.confirm_by_password(office, person, digest, PASSWORD, code, now=now)
    other = replace(confirmed, digest=operations.determination_digest(*words[:3], "rules"))
    stranger = replace(confirmed, by="Thomas Baca")
    for wrong in (other, stranger):
        with pytest.raises(AgencyError) as refusal:
            operations.determine(office, person, *words, confirmation=wrong)
        assert refusal.value.code == "not-confirmed"
    events = list(office.journal.of_kind("confirmed"))
    assert events == []
    made = operations.determine(office, person, *words, confirmation=confirmed)
    (kept,) = operations.list_confirmations(office, made.case)
    assert kept.record == made.record and kept.confirmation == confirmed
    assert kept.words == "confirmed without passkey"
    with closing(made_town.office("police")) as again:
        again.replay()
        operations.sign_in(again, by=person)
        assert operations.list_confirmations(again, made.case) == (kept,)
    # What somebody with access to the disk writes is reported.
    assert kept.is_sound
    body = next(iter(office.journal.of_kind("confirmed"))).body
    for changed in (
        {"method": "passkey"},
        {"method": "passkey", "evidence": {"credential": {"response": {}}}},
        {"draft": body["draft"] | {"outcome": "may_offer"}},
    ):
        with office.transaction() as working_set:
            office.append(working_set, "confirmed", body | changed)
    listed = operations.list_confirmations(office, made.case)
    reported = [each for each in listed if not each.is_sound]
    assert [each.words for each in reported] == [
        "the passkey doesn't fit",
        "the passkey doesn't fit",
        "the confirmation is of another decision",
    ]
    findings = [each.text for each in operations.examine(office) if "confirmation by" in each.text]
    assert len(findings) == 3 and all("doesn't fit" in text for text in findings)


@needs_browser
def test_a_passkey_signs_the_digest_of_a_draft(
    console: AgencyConsole, folder: Path, tmp_path: Path
) -> None:
    """The browser signs exactly the digest, and the evidence is checked without the console."""
    digest = operations.determination_digest("cd" * 16, "admission", "admitted", "rules")
    site = operations.Site(console.address, "clinic.localhost")
    with Browser(tmp_path / "profile") as browser:
        add_authenticator(browser)
        with closing(operations.open_office(folder, PASSPHRASE)) as office:
            secret = make_account(office, ADMIN, "Ana Lucero")
        browser.open(f"{console.address}/sign-in")
        type_in(browser, "#name", "Ana Lucero")
        type_in(browser, "#password", PASSWORD)
        type_in(browser, "#code", code_of(secret))
        press(browser, "form[action='/sign-in'] button")
        browser.open(f"{console.address}/you")
        type_in(browser, "#label", "work phone")
        press(browser, "form[action='/you/passkeys'] button")
        with closing(operations.open_office(folder, PASSPHRASE)) as office:
            session = operations.console_session(office, "Ana Lucero", "a test")
            with operations.acting(office, session):
                asked = operations.confirmation_request(office, "Ana Lucero", site, digest)
                assert asked is not None
                browser.evaluate(
                    "(() => { const f = document.querySelector('form[data-passkey]');"
                    f" f.dataset.asked = {json.dumps(asked)}; }})()"
                )
                credential = browser.evaluate(SIGN)
                made = operations.confirm_by_passkey(office, "Ana Lucero", digest, credential, site)
                assert made.method == "passkey" and is_evidence(made)
                other = operations.determination_digest("cd" * 16, "admission", "refused", "rules")
                assert not is_evidence(replace(made, digest=other))
                with pytest.raises(AgencyError):
                    operations.confirm_by_passkey(office, "Ana Lucero", other, credential, site)
            with (
                operations.acting(office, operations.console_session(office, ADMIN, "a test")),
                pytest.raises(AgencyError),
            ):
                operations.confirm_by_passkey(office, ADMIN, digest, credential, site)


# What the console's script does with the options of a form, for a page that isn't written yet.
SIGN = """(async () => {
  const bytes = (text) => Uint8Array.from(
    atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\\+/g, "-").replace(/\\//g, "_").replace(/=+$/, "");
  const options = JSON.parse(document.querySelector("form[data-passkey]").dataset.asked);
  options.challenge = bytes(options.challenge);
  options.allowCredentials = options.allowCredentials.map((e) => ({ ...e, id: bytes(e.id) }));
  const made = await navigator.credentials.get({ publicKey: options });
  const response = {};
  for (const name of ["clientDataJSON", "authenticatorData", "signature", "userHandle"])
    if (made.response[name]) response[name] = text(made.response[name]);
  return JSON.stringify({ id: made.id, rawId: text(made.rawId), type: made.type, response });
})()"""


# Time


class AppCaller:
    """Sends requests to the application in this process, as a browser behind a TLS proxy would."""

    def __init__(self, portal: BlockingPortal, client: httpx.AsyncClient) -> None:
        self._portal, self._client = portal, client

    def get(self, path: str) -> httpx.Response:
        return self._portal.call(self._client.get, path)

    def post(self, path: str, data: dict[str, Any]) -> httpx.Response:
        return self._portal.call(partial(self._client.post, path, data=data))


@contextmanager
def console_with_clock(folder: Path, now: list[float]) -> Iterator[AppCaller]:
    """The same application in this process, with a clock that a test moves."""
    address = "https://clinic.example"
    thread = OfficeThread(folder, PASSPHRASE, None)
    try:
        site = operations.Site(address, "clinic.example")
        app = make_agency_app(thread, lambda: now[0], site)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        headers = {"origin": address}
        with start_blocking_portal() as portal:
            client = httpx.AsyncClient(transport=transport, base_url=address, headers=headers)
            yield AppCaller(portal, client)
            portal.call(client.aclose)
    finally:
        thread.close()


def test_an_idle_session_locks_keeps_the_draft_and_ends_after_12_hours(
    folder: Path, secrets: dict[str, str]
) -> None:
    """A4: what was typed arrives after the lock, and is there again after it."""
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        secret = make_account(office, ADMIN, "Ben Ortiz")
    now = [1000.0]
    with console_with_clock(folder, now) as client:
        fields = {"name": "Ben Ortiz", "password": PASSWORD, "code": code_of(secret)}
        assert client.post("/sign-in", data=fields).headers["location"] == "/"
        token = re.findall('name="t" value="([^"]+)"', client.get("/admin/people").text)[0]
        for _ in range(4):  # the page tells that somebody types
            now[0] += 14 * 60
            assert client.get("/here").status_code == 204
        assert client.get("/admin/people").status_code == 200
        now[0] += 15 * 60 + 1
        assert client.get("/here").status_code == 205, "a page that is still open asks again"
        typed = {"t": token, "name": "Kay Halfway", "role": ["member", "chair"]}
        late = client.post("/admin/people", data=typed)
        assert late.headers["location"] == "/unlock"
        locked = client.get("/unlock").text
        assert "Halfway" not in locked and "Locked" in locked
        for path in ("/admin/people", "/you", "/people/found", "/no/such"):
            assert client.get(path).headers["location"] == "/unlock"
        with closing(operations.open_office(folder, PASSPHRASE)) as office:
            secret = make_account(office, ADMIN, "Ben Ortiz")
        fields = {"t": token, "password": PASSWORD, "code": code_of(secret)}
        unlocked = client.post("/unlock", data=fields)
        assert unlocked.headers["location"] == "/admin/people"
        shown = client.get("/admin/people").text
        assert 'value="Kay Halfway"' in shown and shown.count(" checked") == 2
        for _ in range(60):
            now[0] += 12 * 60
            answer = client.get("/admin/people")
        assert answer.headers["location"] == "/sign-in?to=/admin/people"


def test_a_locked_name_opens_again_after_15_minutes(folder: Path, secrets: dict[str, str]) -> None:
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        secret = make_account(office, ADMIN, "Ben Ortiz")
    now = [1000.0]
    with console_with_clock(folder, now) as client:
        wrong = {"name": "Ben Ortiz", "password": "wrong wrong wrong", "code": "000000"}
        for _ in range(5):
            assert client.post("/sign-in", data=wrong).status_code == 422
        right = {"name": "Ben Ortiz", "password": PASSWORD, "code": code_of(secret)}
        assert client.post("/sign-in", data=right).status_code == 422
        now[0] += 15 * 60 + 1
        assert client.post("/sign-in", data=right).status_code == 303
        assert "to sign in as you didn’t work" in client.get("/you").text
        assert "Was locked" in client.get("/admin/people").text
    assert any(look.refused == "locked" for look in looks_of(folder, person="Ben Ortiz"))


def test_a_session_keeps_nothing_that_its_token_does_not_open() -> None:
    """S6: what a session remembers is sealed under the token, which the process doesn't keep."""
    sessions = Sessions(lambda: 0.0)
    token, session = sessions.begin("Ana Lucero")
    Box(session, token).put("draft /x", {"fields": {"name": ["Jo Secret"]}})
    kept = repr(session).encode() + b"".join(session.boxes.values())
    assert token.encode() not in kept and b"Jo Secret" not in kept
    assert Box(session, token).get("draft /x") == {"fields": {"name": ["Jo Secret"]}}
    assert Box(session, "another token").get("draft /x") is None


# Names that are hard to show


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", "O’Brien; DROP TABLE", "X" * 200, "Ünal 🙂 Åse", "{{ 7*7 }}"],
)
def test_a_hostile_search_is_shown_as_text_and_in_no_address(
    console: AgencyConsole, folder: Path, name: str
) -> None:
    """S3 and S4 for the search: the result is in the session."""
    caller = signed_in(console, folder, "Ana Lucero")
    caller.get("/people/find")
    fields = {"t": caller.hidden("t"), "f": caller.hidden("f"), "q": name}
    answer = caller.ask("POST", "/people/find", data=fields)
    assert answer.headers["location"] in ("/people/found", "/people/find")
    shown = caller.get(answer.headers["location"])
    assert str(escape(name)) in shown.text
    assert "<title>Find a person" in shown.text.replace("Error: ", "")
    assert name not in console.log.read_text()
    stranger = signed_in(console, folder, "Eva Stone")
    assert str(escape(name)) not in stranger.get("/people/found").text


# The demo's town


def test_the_town_goes_on_with_a_console_for_each_agency(tmp_path: Path) -> None:
    with town(tmp_path / "town", START) as place:
        consoles = open_consoles(place)
        lines = "\n".join(console_lines(consoles, place.folder))
        assert len(consoles) == 6
        for console in consoles:
            port = int(console.address.rstrip("/").rpartition(":")[2])
            caller = Caller(AgencyConsole(console.address.rstrip("/"), port, tmp_path))
            assert console.address in lines and set(console.people) >= {"Kim Soto"}
            for person in console.people:
                page = caller.send("/demo-sign-in", {"name": person})
                assert page.status_code in (200, 404) and f">{person}<" in page.text
                assert NO_PAGES not in caller.get("/you").text, person
                if console.agency == "program" and person != ADMINISTRATOR:
                    assert caller.get("/applications").status_code == 200, person
            assert caller.send("/demo-sign-in", {"name": "Zeb Nobody"}).status_code == 404
        tour = (place.folder / "tour.html").read_text(encoding="utf-8")
        assert all(console.address in tour for console in consoles)
        before = place.now
        ticks = iter(range(2))

        def stop_soon(_: float) -> None:
            if next(ticks, None) is None:
                os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.6)

        keep_running(place, stop_soon)
        assert place.now > before


@pytest.mark.parametrize("port", ["99999", "-1"])
def test_a_port_that_there_isnt_is_one_sentence(folder: Path, port: str) -> None:
    passphrase = str(folder.parent / "passphrase")
    words = ["agency", "console", str(folder), "--port", port, "--passphrase-file", passphrase]
    ran = subprocess.run(
        [sys.executable, "-m", "offramp", *words], capture_output=True, text=True, cwd=ROOT
    )
    assert ran.returncode == 2 and "Traceback" not in ran.stderr
    assert f"`--port` can't be `{port}`" in ran.stderr
