"""Beyond the own caseload, in browsers' pages: break-glass, medical emergencies, and reviews."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from exchange.records.ids import new_id
from offramp.agency import operations
from offramp.agency.hub_link.delivery import send_outbox
from offramp.agency.hub_link.link import link_of
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
from tests.support.chance import chance
from tests.support.running_agencies import PASSPHRASE, ROLES, Running, pull
from tests.support.simulator import part
from tests.support.staff import founder_of

needs_browser = pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)
PERSON = {"given_name": "Zelda", "family_name": "Muñoz Quillfeather", "birth_date": "1999-03-04"}
TEXT = "allergic to naltrexone"
FOUNDER, OWNER, OTHER, SUPER = "Rosa Quintana", "Olive Owner", "Ben Other", "Sue Super"


class WithHospital(Running):
    """A town with a health provider, whose case managers have two listed signing keys."""

    def join_all(self) -> None:
        """Let everybody join, and list the second key."""
        super().join_all()
        with closing(self.office("crossroads")) as office:
            operations.sign_in(office, by=FOUNDER)
            spare = operations.make_spare_key(office)
        for name in ("defender", "clinic"):
            assert self.agency("approve", name, spare.draft) == 0
        self.settle()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WithHospital]:
    folder = tmp_path_factory.mktemp("beyond")
    found = WithHospital(folder, {**ROLES, "hospital": "health_provider"})
    try:
        found.join_all()
        to = {"crossroads": ("offer_and_hand_off", "offer_at_scene")}
        says = {"answer": "accepted"}
        encounter = {"facts": {"encounter.route": "arrest"}}
        parts = (
            part("contact", PERSON, to=to, says=says, use="none"),
            part("encounter", encounter, to=to, says=says, use="none"),
        )
        case = new_id(chance(5))
        with closing(found.office("police")) as office:
            office.compose("referral", parts, case=case)
            send_outbox(link_of(office))
        pull(found, "crossroads")
        with closing(operations.open_office(folder / "crossroads", PASSPHRASE)) as office:
            operations.sign_in(office, by=FOUNDER)
            for name, roles in ((OWNER, ["member"]), (OTHER, ["member"]), (SUPER, ["supervisor"])):
                operations.add_person(office, FOUNDER, name, roles)
            session = operations.console_session(office, OWNER, "a test")
            with operations.acting(office, session):
                operations.open_case(office, OWNER, case)
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="module")
def console(town: Running) -> Iterator[AgencyConsole]:
    with run_agency_console(town.folder / "crossroads", town.passphrase) as process:
        yield process


_secrets: dict[str, str] = {}


def signed_in(town: Running, console: AgencyConsole, name: str, agency: str) -> Caller:
    with closing(operations.open_office(town.folder / agency, PASSPHRASE)) as office:
        operations.sign_in(office, by=founder_of(agency))
        _secrets[name] = make_account(office, founder_of(agency), name)
    caller = Caller(console)
    caller.get("/sign-in")
    caller.sign_in(name, PASSWORD, code_of(_secrets[name]))
    assert caller.token
    return caller


@pytest.fixture(scope="module")
def people(town: Running, console: AgencyConsole) -> dict[str, Caller]:
    names = (OWNER, OTHER, SUPER)
    return {name: signed_in(town, console, name, "crossroads") for name in names}


def text_of(page: httpx.Response) -> str:
    body = re.search(r"<body.*</body>", page.text, re.S)
    assert body is not None
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body[0])).split())


def confirmed(town: Running, name: str) -> dict[str, str]:
    """The fields with which a person confirms: a code is good once, so the account is made anew."""
    with closing(operations.open_office(town.folder / "crossroads", PASSPHRASE)) as office:
        operations.sign_in(office, by=FOUNDER)
        secret = make_account(office, FOUNDER, name)
    return {"password": PASSWORD, "code": code_of(secret)}


def path_of(caller: Caller) -> str:
    """Search for the person, and return the address of the colleague's case."""
    caller.get("/glass")
    page = caller.send("/glass", {"q": "munoz zelda"})
    assert "Zelda Muñoz Quillfeather" in text_of(page) and OWNER in text_of(page)
    found = re.search(r'href="(/people/[0-9a-f]+)/glass"', page.text)
    assert found is not None
    return found[1]


def test_a_case_of_a_colleague_opens_for_an_hour_and_is_reviewed(
    town: Running, people: dict[str, Caller]
) -> None:
    """A2: reason and confirmation, owner and supervisor told on their next page, until reviewed."""
    other, owner, supervisor = people[OTHER], people[OWNER], people[SUPER]
    path = path_of(other)
    assert other.get(path).status_code == 404
    assert "Nobody like that" in text_of(other_search(owner)), "the own cases aren't there"
    page = other.get(f"{path}/glass")
    assert "Choose the reason" in text_of(other.send(f"{path}/glass", {}))
    other.get(f"{path}/glass")
    other.send(f"{path}/glass", {"reason": "owner_away"})
    wrong = other.send(f"{path}/glass/break", {"password": PASSWORD, "code": "000000"})
    assert wrong.status_code == 422 and other.get(path).status_code == 404
    other.get(f"{path}/glass")
    opened = other.send(f"{path}/glass/break", confirmed(town, OTHER))
    assert "Zelda Muñoz Quillfeather" in text_of(opened)
    assert "You broke the glass of this case" in text_of(opened)
    assert "Zelda" not in page.text, "the page before shows no name"
    for caller in (owner, supervisor):
        assert "Somebody opened a case that isn’t theirs: 1 to review" in text_of(
            caller.get("/you")
        )
        listed = text_of(caller.get("/reviews"))
        assert OTHER in listed and "the owner is away" in listed and "Zelda" in listed
    number = re.search(r'name="number" value="(\d+)"', supervisor.get("/reviews").text)
    assert number is not None
    other.get("/reviews")
    assert other.send("/reviews/seen", {"number": number[1]}).status_code == 422, "never the own"
    supervisor.get("/reviews")
    assert "Nothing to review" in text_of(supervisor.send("/reviews/seen", {"number": number[1]}))
    assert "to review" not in text_of(owner.get("/you"))
    with closing(town.office("crossroads")) as office:
        (kept,) = office.journal.of_kind("confirmed")
        assert kept.body["by"] == OTHER and kept.body["method"] == "password"


def other_search(caller: Caller) -> httpx.Response:
    caller.get("/glass")
    return caller.send("/glass", {"q": "munoz zelda"})


def test_an_emergency_is_told_by_two_people(town: Running, people: dict[str, Caller]) -> None:
    """A3: the same person is refused, and everybody else is asked on each page."""
    other, supervisor = people[OTHER], people[SUPER]
    path = path_of(other)
    other.get(f"{path}/emergency")
    faults = text_of(other.send(f"{path}/emergency", {"text": TEXT}))
    assert "Choose who must know" in faults and TEXT in faults
    other.get(f"{path}/emergency")
    fields = {"recipient": "hospital", "nature": "overdose", "text": TEXT}
    shown = text_of(other.send(f"{path}/emergency", fields))
    assert "Hospital" in shown and TEXT in shown and "Not told: everybody else" in shown
    said = text_of(other.send(f"{path}/emergency/check", confirmed(town, OTHER)))
    assert "Nothing is sent yet" in said and TEXT not in said
    number = confirm_number(town)
    other.get("/emergencies")
    own = other.send("/emergencies/choose", {"number": number})
    assert "You reported this" in text_of(own) and "Confirm, and tell" not in own.text
    refused = other.send("/emergencies/second", confirmed(town, OTHER))
    assert refused.status_code == 422 and "ave another listed person" in text_of(refused)
    assert "A medical emergency waits" in text_of(supervisor.get("/today"))
    supervisor.get("/emergencies")
    asked = text_of(supervisor.send("/emergencies/choose", {"number": number}))
    assert TEXT in asked and "Hospital , at once" in asked
    unconfirmed = supervisor.send("/emergencies/second", {"password": PASSWORD, "code": "1"})
    assert unconfirmed.status_code == 422
    supervisor.get("/emergencies/second")
    told = text_of(supervisor.send("/emergencies/second", confirmed(town, SUPER)))
    assert "Tell the person and counsel now" in told
    assert "A medical emergency waits" not in text_of(supervisor.get("/today"))
    supervisor.get("/emergencies")
    gone = supervisor.send("/emergencies/choose", {"number": number})
    assert "No emergency waits" in text_of(gone)
    pull(town, "hospital")
    with closing(town.office("hospital")) as office:
        assert office.working_set().gateway.received
    with closing(town.office("crossroads")) as office:
        kept = [event.body for event in office.journal.of_kind("confirmed")]
        assert [body["by"] for body in kept[-2:]] == [OTHER, SUPER] and kept[-1]["record"]


def confirm_number(town: Running) -> str:
    with closing(operations.open_office(town.folder / "crossroads", PASSPHRASE)) as office:
        operations.sign_in(office, by=FOUNDER)
        (waiting,) = operations.list_emergencies(office)
        return str(waiting.number)


def test_police_have_no_such_page(town: Running) -> None:
    with run_agency_console(town.folder / "police", town.passphrase) as console:
        officer = signed_in(town, console, founder_of("police"), "police")
        for path in ("/glass", "/glass/found", "/emergencies", "/emergencies/second"):
            assert officer.get(path).status_code == 404, path
        officer.get("/you")
        assert officer.send("/glass", {"q": "Zelda"}).status_code == 404
        assert "glass" not in officer.get("/people/find").text


@needs_browser
def test_the_pages_are_sound_in_a_browser(
    town: Running, console: AgencyConsole, people: dict[str, Caller], tmp_path: Path
) -> None:
    path = path_of(people[OTHER])
    faults: dict[str, object] = {}
    with Browser(tmp_path / "profile") as browser:

        def check(name: str) -> None:
            """Note what is wrong with the page that is open."""
            if wrong := page_faults(browser):
                faults[name] = wrong

        fields = confirmed(town, OTHER)
        browser.open(f"{console.address}/sign-in")
        type_in(browser, "#name", OTHER)
        type_in(browser, "#password", fields["password"])
        type_in(browser, "#code", fields["code"])
        press(browser, "form[action='/sign-in'] button")
        browser.open(f"{console.address}/glass")
        type_in(browser, "#q", "zelda")
        press(browser, "form#find button")
        check("found")
        browser.open(f"{console.address}{path}/glass")
        check("reason")
        browser.click("input[value=safety]")
        press(browser, "form.stack button")
        check("confirm")
        browser.open(f"{console.address}{path}/emergency")
        check("emergency")
        for address in ("/emergencies", "/reviews"):
            browser.open(f"{console.address}{address}")
            check(address)
    assert not faults
