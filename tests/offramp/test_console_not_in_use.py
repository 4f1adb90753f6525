"""The console of a restored folder, and of one that another took over from, begins nothing.

A real hub, and consoles as processes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from offramp.agency import operations
from offramp.agency.folder.office import Office
from offramp.agency.hub_link.duties import run_duties
from offramp.agency.hub_link.link import link_of
from offramp.console.agency import pages  # noqa: F401  # declares the routes
from offramp.console.agency.routes import ROUTES
from tests.support.agency_console import (
    PASSWORD,
    Caller,
    code_of,
    make_account,
    run_agency_console,
)
from tests.support.running_agencies import PASSPHRASE, SIX_ROLES, Running, serve_joined
from tests.support.staff import founder_of

RESTORED = "This is a restored copy of your agency’s records."
SECOND = "Ola Berg"
OLD = "This is an old copy of your agency’s records."
# Pages with a form that are no beginning: lists, later steps, and what a person has in the hand.
NO_BEGINNINGS = {
    *("/asked", "/queue", "/applications", "/people/{c}/consents"),
    *("/offer/scene", "/offer/answer", "/offer/who", "/offer/check", "/offer/sent"),
    *("/people/{c}/tell/{form}/check", "/people/{c}/entries/check", "/people/{c}/emergency/check"),
    "/people/{c}/name/check",
    *("/queue/{c}/{decision}/check", "/applications/{c}/{decision}/check"),
    *("/people/{c}/mistake/detail", "/people/{c}/mistake/value", "/people/{c}/mistake/entry"),
    *("/people/{c}/mistake/correct", "/people/{c}/mistake/check"),
    # It confirms what a colleague wrote.
    "/emergencies/second",
}


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Running]:
    with serve_joined(tmp_path, SIX_ROLES, "santa-fe") as found:
        yield found


@contextmanager
def officer_at(
    town: Running, folder: str, account: tuple[str, str]
) -> Iterator[tuple[Caller, httpx.Response]]:
    """Sign an officer in at a folder's console. Yield the page of the sign-in with the officer."""
    name, secret = account
    with run_agency_console(town.folder / folder, town.passphrase) as console:
        caller = Caller(console)
        page = caller.get("/sign-in")
        caller.sign_in(name, PASSWORD, code_of(secret))
        assert caller.token is not None
        yield caller, page


def take_over(office: Office) -> None:
    run_duties(link_of(office))
    assert office.origin is not None and not office.origin.waits


def test_nothing_is_begun_where_the_agency_does_not_work(town: Running) -> None:
    with closing(operations.open_office(town.folder / "police", PASSPHRASE)) as office:
        founder = founder_of("police")
        operations.add_person(office, founder, SECOND, ["member"])
        first, second = ((name, make_account(office, founder, name)) for name in (founder, SECOND))
        operations.back_up(office, town.folder / "police.backup")
        # Its gateway stopped some minutes ago.
        with office.transaction():
            office.journal.put("line", {"time": office.clock() - 600})
    restored = town.folder / "police-2"
    operations.restore_agency(restored, town.folder / "police.backup", PASSPHRASE)
    with officer_at(town, "police", first) as (before, page):
        assert OLD not in page.text
        assert before.get("/offer").status_code == 200
        assert "At the scene" in before.send("/offer", {"route": "arrest"}).text
        with officer_at(town, "police-2", first) as (trial, page):
            # Each page says so, also the one before a sign-in.
            assert RESTORED in page.text
            for path in ("/mine", "/asked", "/you"):
                page = trial.get(path)
                assert page.status_code == 200 and RESTORED in page.text, path
            page = trial.get("/offer")
            assert page.status_code == 422 and "not in use yet" in page.text
            token = re.search(r'name="t" value="([^"]+)"', page.text)
            assert token is not None
            assert trial.send("/offer", {"route": "arrest", "t": token[1]}).status_code == 422
        with closing(Office(restored, PASSPHRASE, town.office("police").clock)) as office:
            assert office.origin is not None and office.origin.waits, "the console took nothing"
            take_over(office)
        # A console that starts now asks the hub before anything is typed.
        with officer_at(town, "police", second) as (later, _):
            page = later.get("/offer")
            assert page.status_code == 422 and "nothing can be told from it" in page.text
            assert "open the console that is in use" in page.text.lower()
        # Whoever was in the middle of a form is told at the next step, and what was typed stays.
        scene = before.get("/offer/scene")
        assert scene.status_code == 200 and OLD in scene.text
        asked = re.findall(r'name="asked" value="([^"]+)"', scene.text)
        typed = {"asked": asked, "person.age": "27"}
        refused = before.send("/offer/scene", typed)
        assert refused.status_code == 422 and "What you typed is still there" in refused.text
        again = before.get("/offer/scene")
        assert again.status_code == 200 and 'value="27"' in again.text
        for path in ("/mine", "/asked", "/you"):
            assert OLD in before.get(path).text, path
    with officer_at(town, "police-2", second) as (works, _):
        assert works.get("/offer").status_code == 200
        assert RESTORED not in works.get("/mine").text


def test_every_page_with_a_form_begins_an_act_or_is_known_not_to() -> None:
    stating = {path for (_, path), route in ROUTES.items() if route.states and not route.in_hand}
    beginnings = {path for (_, path), route in ROUTES.items() if route.begins}
    with_form = {path for method, path in ROUTES if method == "GET"} & {
        *stating,
        "/people/{c}/consents",
    }
    assert with_form - beginnings == NO_BEGINNINGS
    assert not beginnings & NO_BEGINNINGS
