"""The admin's pages of the exchange, beside a real hub: invitations, directory, keys, backups."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from offramp.agency import operations
from offramp.agency.folder.settings import read_settings, write_settings
from offramp.hub import operations as hub
from offramp.invitation_code import spelled_code
from tests.support.accessibility import page_faults
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
from tests.support.running_agencies import PASSPHRASE, Running
from tests.support.staff import founder_of

needs_browser = pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)
AGENCY = "defender"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A hub and four agencies. The defender's account runs the hub, too."""
    found = Running(tmp_path_factory.mktemp("exchange"))
    try:
        found.join_all()
        (found.folder / "backups").mkdir()
        folder = found.folder / AGENCY
        more = {
            "hub_folder": str(found.folder / "hub"),
            "backup_folder": str(found.folder / "backups"),
        }
        write_settings(folder, read_settings(folder).model_copy(update=more))
        yield found
    finally:
        found.stop()


@contextmanager
def admin_at(town: Running, agency: str) -> Iterator[tuple[AgencyConsole, Caller]]:
    founder = founder_of(agency)
    with closing(operations.open_office(town.folder / agency, PASSPHRASE)) as office:
        secret = make_account(office, founder, founder)
    with run_agency_console(town.folder / agency, town.passphrase) as console:
        caller = Caller(console)
        caller.get("/sign-in")
        caller.sign_in(founder, PASSWORD, code_of(secret))
        yield console, caller


@pytest.fixture(scope="module")
def console(town: Running) -> Iterator[tuple[AgencyConsole, Caller]]:
    with admin_at(town, AGENCY) as found:
        yield found


@pytest.fixture
def admin(console: tuple[AgencyConsole, Caller]) -> Caller:
    return console[1]


def text_of(page: httpx.Response) -> str:
    body = re.search(r"<main.*?</main>", page.text, re.S)
    assert body is not None
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body[0])).split())


def row_of(page: httpx.Response, name: str) -> str:
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", page.text, re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", next(row for row in rows if name in row)).split())


def test_an_agency_is_invited_joins_by_the_code_and_is_listed(town: Running, admin: Caller) -> None:
    """I1: QR, words, withdraw, expired. The invited agency pastes what the QR code says."""
    hub_folder = hub.open_folder(town.folder / "hub")
    week = 8 * 24 * 3600
    hub.invite_agency(hub_folder, "late", "police", "Late", now=int(time.time()) - week)
    admin.get("/admin/join")
    wrong = admin.send("/admin/join/invite", {"agency": "No Id", "name": "Court", "role": "police"})
    assert "No Id is no id of an agency" in wrong.text
    admin.get("/admin/join")
    fields = {"agency": "court", "name": "City Court", "role": "service_provider"}
    shown = admin.send("/admin/join/invite", fields)
    code = re.search(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){3}", shown.text)
    assert code is not None and spelled_code(code[0]) in text_of(shown)
    assert "<svg" in shown.text and "City Court" not in str(shown.url)
    assert town.url in text_of(shown)
    listed = admin.get("/admin/join")
    assert "Open" in row_of(listed, "City Court") and "Expired" in row_of(listed, "Late")
    again = admin.send("/admin/join/show", {"agency": "court"})
    assert code[0] in again.text
    assert town.agency("init", "court", "--id", "court", "--by", founder_of("court")) == 0
    with admin_at(town, "court") as (_, invited):
        page = invited.get("/admin/join")
        assert "Join a hub" in page.text
        other = f"{town.url} police {code[0]}"
        for typed, sentence in (
            ({"code": other, "part2": "no"}, "This invitation is for police"),
            ({"code": code[0], "part2": "no"}, "Write the hub’s address"),
            ({"code": code[0][:-1], "hub": town.url, "part2": "no"}, "is cut off"),
            ({"code": "0" * 16, "hub": town.url, "part2": "no"}, "This wasn’t done"),
            ({"code": f"{town.url} court {code[0]}"}, "Choose one, or not known yet"),
        ):
            invited.get("/admin/join")
            assert sentence in html.unescape(invited.send("/admin/join", typed).text)
        invited.get("/admin/join")
        done = invited.send("/admin/join", {"code": f"{town.url} court {code[0]}", "part2": "no"})
        assert "Asked to be listed" in done.text
    assert "Used" in row_of(admin.get("/admin/join"), "City Court")
    withdrawn = {"agency": "shelter", "name": "Shelter", "role": "service_provider"}
    admin.send("/admin/join/invite", withdrawn)
    admin.get("/admin/join")
    after = admin.send("/admin/join/withdraw", {"agency": "shelter"})
    assert "Withdrawn" in row_of(after, "Shelter")
    assert admin.send("/admin/join/show", {"agency": "shelter"}).status_code == 404


def test_a_draft_is_approved_by_the_words_that_were_read(town: Running, admin: Caller) -> None:
    """I2: differing words are refused, with whom to call. The draft of the test before waits."""
    page = admin.get("/admin/directory")
    assert "Court" in text_of(page) and "You haven’t signed" in text_of(page)
    words = html.unescape(re.search(r'<p class="paper"><b>(.*?)</b>', page.text)[1])  # type: ignore[index]  # without a match the test fails
    assert len(words.split()) == 8
    assert "Choose" not in admin.send("/admin/directory", {}).text
    for typed in ("", "abandon " * 8, " ".join(words.split()[:7]), f"{words} abandon"):
        page = admin.get("/admin/directory")
        draft = admin.hidden("draft", page)
        refused = admin.send("/admin/directory", {"draft": draft, "words": typed})
        assert "You signed it" not in refused.text
        if typed:
            assert refused.status_code == 422 and "call Clinic" in refused.text
    page = admin.get("/admin/directory")
    draft = admin.hidden("draft", page)
    heard = ", ".join(word[:4].upper() for word in words.split())
    signed = admin.send("/admin/directory", {"draft": draft, "words": heard})
    assert "You signed it" in signed.text
    assert "You haven’t signed" not in admin.get("/admin/directory").text
    with closing(town.office("clinic")) as office:
        operations.sign_in(office, by=founder_of("clinic"))
        (seen,) = operations.read_directory_drafts(office).drafts
        assert seen[1] == tuple(words.split()), "both see the same words"


def test_a_restore_drill_works_on_a_copy_and_says_what_was_checked(
    town: Running, admin: Caller
) -> None:
    """I3, and a damaged backup is refused."""
    assert "No backup yet" in text_of(admin.get("/admin/backup"))
    assert "No backup yet" in text_of(admin.get("/admin/exchange"))
    made = admin.send("/admin/backup")
    assert "Backup made within the hour" in text_of(made)
    assert "Backup 0 hours old" in text_of(admin.get("/admin/exchange"))
    (file,) = (town.folder / "backups").glob("*.backup")
    before = sorted(path.name for path in (town.folder / AGENCY).iterdir())
    tried = admin.send("/admin/backup/drill", {"file": file.name})
    said = text_of(tried)
    assert "The restore drill worked" in said and "Not checked" in said
    assert re.search(r"\d+ entries of the journal fit", said) and re.search(r"\d+ keys are", said)
    assert sorted(path.name for path in (town.folder / AGENCY).iterdir()) == before
    for name in ("../agency.db", "/etc/passwd", "none.backup"):
        admin.get("/admin/backup")
        assert admin.send("/admin/backup/drill", {"file": name}).status_code == 422
    data = bytearray(file.read_bytes())
    data[-40] ^= 1
    file.write_bytes(bytes(data))
    admin.get("/admin/backup")
    broken = admin.send("/admin/backup/drill", {"file": file.name})
    assert broken.status_code == 422 and "The restore drill worked" not in broken.text


def test_doctor_says_in_the_browser_what_the_command_says(town: Running, admin: Caller) -> None:
    folder = town.folder / AGENCY
    admin.get("/admin/doctor")
    shown = text_of(admin.send("/admin/doctor"))
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        operations.sign_in(office, by=founder_of(AGENCY))
        examination = operations.Examination(operations.examine(office))
    assert examination.sentence.capitalize() in shown and examination.findings
    for finding in examination.findings:
        text = finding.text.replace(" DIR", f" {folder}").replace("`", "")
        assert text[1:] in shown, text


def test_an_admin_who_types_an_address_is_led_to_the_page(
    console: tuple[AgencyConsole, Caller],
) -> None:
    """After the sign-in too. Under another name of the machine, the sentence has the address."""
    server, admin = console
    listed = admin.get("/admin/")
    assert listed.url.path == "/admin" and 'href="/admin/doctor"' in listed.text

    def ask(path: str, host: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{server.port}{path}", headers={"host": host})

    asked = ask("/admin/doctor/", server.host)
    assert asked.headers["location"] == "/sign-in?to=/admin/doctor"
    assert 'name="to" value="/admin/doctor"' in ask("/sign-in?to=/admin/doctor", server.host).text
    assert 'name="to"' not in ask("/sign-in?to=//elsewhere.example/admin", server.host).text
    assert "Passkeys work at" in ask("/sign-in", f"localhost:{server.port}").text
    refused = ask("/", "10.0.0.7")
    assert refused.status_code == 403 and f"open {server.address}/." in refused.text


def test_a_stolen_key_retires_at_once_with_whom_to_call(town: Running, admin: Caller) -> None:
    page = admin.get("/admin/exchange/stolen")
    keys = re.findall(r'name="key" value="([^"]+)"', page.text)
    assert {"defender.s1"} <= set(keys) and len(keys) >= 2
    foreign = admin.send("/admin/exchange/stolen", {"key": "clinic.s1", "sure": "yes"})
    assert "Choose the key that is stolen" in foreign.text
    opens = next(key for key in keys if key != "defender.s1")
    admin.get("/admin/exchange/stolen")
    assert "Say that you are sure" in admin.send("/admin/exchange/stolen", {"key": opens}).text
    admin.get("/admin/exchange/stolen")
    done = admin.send("/admin/exchange/stolen", {"key": opens, "sure": "yes"})
    said = text_of(done)
    assert f"{opens} is retired" in said and "takes its place" in said and "Clinic" in said
    assert opens not in re.findall(r'name="key" value="([^"]+)"', done.text)


@needs_browser
def test_the_pages_are_sound_in_a_browser(
    town: Running, console: tuple[AgencyConsole, Caller], tmp_path: Path
) -> None:
    """V1 for the admin's pages, in light and dark, and the key for codes as a QR code."""
    address = console[0].address
    with closing(operations.open_office(town.folder / AGENCY, PASSPHRASE)) as office:
        founder = founder_of(AGENCY)
        operations.add_person(office, founder, "Kit Newman", ["admin"])
        code = operations.invite(office, founder, "Kit Newman").code
    faults: dict[str, Any] = {}
    with Browser(tmp_path / "profile") as browser:

        def check(name: str) -> None:
            """Note what is wrong with the page that is open."""
            if wrong := page_faults(browser):
                faults[name] = wrong

        browser.open(f"{address}/invited")
        type_in(browser, "#name", "Kit Newman")
        type_in(browser, "#code", code)
        type_in(browser, "#password", PASSWORD)
        press(browser, "form button")
        secret = str(browser.evaluate("document.querySelector('.paper').textContent"))
        assert browser.evaluate("document.querySelector('.qr svg').getBoundingClientRect().width")
        check("enrolled")
        browser.open(f"{address}/sign-in")
        type_in(browser, "#name", "Kit Newman")
        type_in(browser, "#password", PASSWORD)
        type_in(browser, "#code", code_of(secret.replace(" ", "")))
        press(browser, "form[action='/sign-in'] button")
        for path in (
            *("/admin/exchange", "/admin/exchange/stolen", "/admin/directory", "/admin/join"),
            *("/admin/backup", "/admin/people", "/colleagues", "/you"),
        ):
            browser.open(f"{address}{path}")
            check(path)
        browser.open(f"{address}/admin/join")
        type_in(browser, "#agency", "library")
        type_in(browser, "#name", "City Library")
        browser.click("input[value=service_provider]")
        press(browser, "form[action='/admin/join/invite'] button")
        check("invited")
        assert not [each for each in browser.complaints if "Policy" in each]
    assert not faults


def test_the_last_signing_key_is_replaced_once_others_have_signed(
    town: Running, admin: Caller
) -> None:
    """Until then the agency can send nothing, and the page says so and whom to call."""
    admin.get("/admin/exchange/stolen")
    done = admin.send("/admin/exchange/stolen", {"key": "defender.s1", "sure": "yes"})
    said = text_of(done)
    assert "defender.s1 is retired" in said and "when enough agencies have signed" in said
    assert "Call now Clinic" in said and "read them the words" in said
    with closing(town.office("clinic")) as office:
        operations.sign_in(office, by=founder_of("clinic"))
        drafts = operations.read_directory_drafts(office).drafts
        assert any("defender.s2" in " ".join(draft.changes) for draft, _ in drafts)
