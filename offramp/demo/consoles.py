"""`offramp demo --console`: leave the town running, with a console for each agency."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from offramp.agency import operations
from offramp.demo.town import AGENCIES, LIMIT, Town, stuck
from offramp.documents.web_page import escape_html
from rules.frozen import frozen

# Beside the founder of each agency, who has every role but auditor: an admin, and one more person
# with the roles that the tour's task needs.
ADMINISTRATOR = "Kim Soto"
MORE: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "police": ("Officer Dana Lund", ("sender",)),
    "case-management": ("Luis Ortega", ("member",)),
    "program": ("Ines Vega", ("member", "chair")),
}
TOUR: Mapping[str, str] = {
    "police": "Make an offer as the officer, and see what became of it.",
    "case-management": "See what is due today. Find Ana Delgado, and open her case.",
    "prosecutor": "See who waits for your word.",
    "program": "See who applied, and what is missing.",
    "defender": "See what a client's case says, and why.",
    "treatment": "Tell the case manager something, and see who doesn't get it.",
}


@frozen
class Console:
    """A console of the town: the agency, its name, its address, and the people who sign in."""

    agency: str
    name: str
    address: str
    people: tuple[str, ...]


def open_consoles(town: Town) -> tuple[Console, ...]:
    """List more people, and start a console for each agency.

    Raises `RequestError` `demo-stuck`.
    """
    consoles = []
    for agency_id, (name, _, _, founder) in AGENCIES.items():
        people = [founder]
        office = town.agencies[agency_id].office
        operations.sign_in(office, by=founder)
        more = (MORE[agency_id],) if agency_id in MORE else ()
        for person, roles in (*more, (ADMINISTRATOR, ("admin",))):
            operations.add_person(office, founder, person, roles)
            people.append(person)
        port = _free_port()
        folder = str(town.folder / agency_id)
        words = ("agency", "console", folder, "--demo-sign-in", "--port", str(port))
        town.start(f"console-{agency_id}", *words, "--clock", str(town.clock))
        address = f"http://{agency_id}.localhost:{port}/"
        consoles.append(Console(agency_id, name, address, tuple(people)))
    for console in consoles:
        _wait_for(town, console)
    (town.folder / "tour.html").write_text(_tour(consoles), encoding="utf-8")
    return tuple(consoles)


def console_lines(consoles: tuple[Console, ...], folder: Path) -> list[str]:
    """Return the links, a line each, and how to stop."""
    width = max(len(console.name) for console in consoles)
    lines = ["", "The town goes on. Open a console, and choose who you are:", ""]
    for console in consoles:
        lines.append(f"  {console.name:<{width}}  {console.address}  {', '.join(console.people)}")
    return [*lines, "", f"The tour: file://{(folder / 'tour.html').absolute()}", "Ctrl-C ends it."]


def keep_running(town: Town, sleep: Callable[[float], None] = time.sleep) -> None:
    """Let the town's clock run until Ctrl-C or a signal to stop."""
    with _until_stopped() as is_stopped:
        started, at = time.monotonic(), town.now
        while not is_stopped():
            sleep(1.0)
            town.set(at + timedelta(seconds=int(time.monotonic() - started)))
            town.alive()


@contextmanager
def _until_stopped() -> Iterator[Callable[[], bool]]:
    stopped: list[bool] = []
    before = {
        number: signal.signal(number, lambda *_: stopped.append(True))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield lambda: bool(stopped)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait_for(town: Town, console: Console) -> None:
    port = int(console.address.rpartition(":")[2].rstrip("/"))
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        town.alive()
        with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), 1.0)):
            return
        time.sleep(0.1)
    raise stuck(f"the console of `{console.agency}` didn't start")


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _tour(consoles: list[Console]) -> str:
    """Return the page with all links and what to try."""
    rows = "\n".join(
        f'<li><a href="{escape_html(console.address)}">{escape_html(console.name)}</a>: '
        f"{escape_html(TOUR[console.agency])} Sign in as {escape_html(', '.join(console.people))}."
        for console in consoles
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<title>The tour – Offramp</title></head>\n<body><h1>The tour</h1>\n"
        "<p>Six agencies of a made-up town, each with its own console. All people are made up. "
        "What you send at one agency arrives at the others within seconds, if they may have it.\n"
        f"<ol>\n{rows}\n</ol></body></html>\n"
    )
