"""Count the taps, pages, and seconds of the tasks on which a case depends, in a real browser.

Run it as `python bench/flows.py [--runs N]`. It starts the demonstration with its consoles, and a
browser of a phone's width works as each person. A tap is a click on a control; typing isn't one.
The seconds are a script's, from the first page to the last: a person reads and thinks in between.
The milliseconds are of the processor, used by the agency's console from the first tap to the last.
Each task stands beside the commands that do the same.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from measured import Bar, Measurement, options_of, write_results

from bench.console import processor_time
from tests.support.agency_console import press, type_in
from tests.support.browser import Browser
from tests.support.demo_consoles import demo_consoles

PATIENCE = 60.0  # seconds for a referral to arrive
PEOPLE = {
    "police": "Officer Dana Lund",
    "case-management": "Rosa Quintana",
    "prosecutor": "Thomas Baca",
}
# The milliseconds of the page with the rules' answer, for each offer.
ANSWERS: list[float] = []
NAMES = ("Flora", "Gina", "Hugo", "Ines", "Jola")
# The most taps, by CONSOLE.md's budgets, and what the same takes at a command line.
TASKS = {
    "offer and referral, yes": (9, "`agency refer`"),
    "offer, no": (7, "none of its own"),
    "open what came": (2, "`agency tasks`, `agency case --open`"),
    "consent to all, 6 questions": (12, "`agency consent`"),
    "status": (2, "`agency report-status`"),
    "take all back": (3, "`agency revoke`"),
    "print what was told": (2, "`agency account`"),
    "records check, one word": (3, "`agency screen`"),
}


class Flow:
    """One task in the browser: its taps, its pages, and its seconds."""

    def __init__(self, desk: Desk) -> None:
        self._browser, self._console = desk.browser, desk.console
        self.taps = self.pages = 0
        self._began, self._used = time.perf_counter(), processor_time(self._console)
        self.last_page = 0.0

    def go(self, selector: str) -> None:
        """Tap, and wait for the next page."""
        used = processor_time(self._console)
        press(self._browser, selector)
        self.last_page = processor_time(self._console) - used
        self.taps += 1
        self.pages += 1

    def tick(self, selector: str) -> None:
        """Tap what leads to no page."""
        self._browser.click(selector)
        self.taps += 1

    def write(self, field: str, text: str) -> None:
        """Type a text into the field of a name."""
        type_in(self._browser, f"[name='{field}']", text)

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._began

    @property
    def server(self) -> float:
        """The milliseconds of the processor that the console used so far."""
        return processor_time(self._console) - self._used


class Desk:
    """The browser, and the consoles at which it signs in: addresses and processes by agency."""

    def __init__(
        self, browser: Browser, addresses: Mapping[str, str], consoles: Mapping[str, int]
    ) -> None:
        self.browser, self._addresses, self._consoles = browser, addresses, consoles
        self.console = 0

    def sign_in(self, agency: str, person: str) -> None:
        self.open(agency, "/sign-in")
        press(self.browser, f"button[value='{person}']")

    def open(self, agency: str, path: str) -> None:
        self.browser.open(self._addresses[agency] + path)
        self.console = self._consoles[agency]

    @property
    def heading(self) -> str:
        return str(self.browser.evaluate("document.querySelector('h1').innerText"))

    def links(self, ending: str) -> list[str]:
        """Return the addresses of a page's links with an ending, each once."""
        found = self.browser.evaluate(
            "[...document.querySelectorAll('main a')].map(link => link.getAttribute('href'))"
        )
        return [link for link in dict.fromkeys(found) if link.endswith(ending)]


def scene(flow: Flow) -> None:
    """Say what an officer saw, and see the answer."""
    flow.go("button[value=arrest]")
    flow.tick("input[value=opioid]")
    flow.tick("input[value=possession]")
    flow.write("person.age", "27")
    flow.go(".dock button")
    flow.tick("input[value=no]")
    flow.go(".dock button")
    ANSWERS.append(flow.last_page)


def tasks(desk: Desk, number: int) -> Iterator[tuple[str, Flow]]:
    """Do each task once. Yield it when it is done."""
    browser, name = desk.browser, NAMES[number % len(NAMES)]
    desk.open("police", "/offer")
    flow = Flow(desk)
    scene(flow)
    flow.go("button[value=declined]")
    yield "offer, no", flow

    desk.open("police", "/offer")
    flow = Flow(desk)
    scene(flow)
    flow.go("button[value=accepted]")
    flow.write("contact.given_name", name)
    flow.write("contact.family_name", "Bench")
    flow.write("contact.birth_date", f"1999-05-{number + 6:02}")
    flow.go(".dock button")
    flow.go(".dock button")
    assert desk.heading == "Sent", desk.heading
    yield "offer and referral, yes", flow

    flow, case = _open_referral(desk, name)
    yield "open what came", flow

    flow = Flow(desk)
    flow.go(f"a[href='{case}/consent']")
    flow.tick("input[name=set][value=hand_off]")
    flow.go("button[name=lang][value=en]")
    while "/sign" not in browser.evaluate("location.pathname"):
        flow.go("button[name=answer][value=yes]")
    flow.write("typed", f"{name} Bench")
    flow.go("button[value=sign]")
    flow.go("a.btn.wide")
    flow.go(".dock button")
    assert "copy" in desk.heading, desk.heading
    yield "consent to all, 6 questions", flow

    desk.open("case-management", case)
    flow = Flow(desk)
    flow.go("button[name=word][value=engaged]")
    flow.go(".dock button")
    assert desk.heading == "Sent", desk.heading
    yield "status", flow

    desk.open("case-management", case)
    flow = Flow(desk)
    flow.go(f"a[href='{case}/account']")
    yield "print what was told", flow

    desk.open("case-management", case)
    flow = Flow(desk)
    flow.go(f"a[href='{case}/consents']")
    flow.go("button[value=all]")
    yield "take all back", flow

    _wait_for(lambda: desk.open("prosecutor", "/queue"), lambda: desk.links("/screening"))
    flow = Flow(desk)
    flow.go(f"a[href='{desk.links('/screening')[-1]}']")
    yield "records check, one word", _screen(desk, flow)


def _open_referral(desk: Desk, name: str) -> tuple[Flow, str]:
    """Open the newest referral. Return its flow and the address of its case."""
    seen: set[str] = set()
    until = time.monotonic() + PATIENCE
    while True:
        desk.open("case-management", "/today")
        new = [link for link in desk.links("/open") if link not in seen]
        if not new:
            assert time.monotonic() < until, "the referral doesn't arrive"
            time.sleep(0.5)
            continue
        seen.add(new[0])
        flow = Flow(desk)
        flow.go(f"a.btn[href='{new[0]}']")
        flow.go(".dock button")
        if name in desk.heading:
            return flow, new[0].removesuffix("/open")


def _screen(desk: Desk, flow: Flow) -> Flow:
    """Say the word that lets the case go on."""
    flow.go("button[value=proceed]")
    flow.go(".dock button")
    return flow


def _wait_for(look: Callable[[], None], found: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE
    look()
    while not found():
        assert time.monotonic() < until, "nothing arrives"
        time.sleep(0.5)
        look()


@contextmanager
def opened_desk() -> Iterator[Desk]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with demo_consoles(folder / "town") as addresses, Browser(folder / "phone") as browser:
            browser.show(width=390)
            consoles = {agency: find_console(folder / "town" / agency) for agency in addresses}
            yield Desk(browser, addresses, consoles)


def find_console(folder: Path) -> int:
    """Return the process that serves an agency's console."""
    words = f'offramp.console.agency\0{{"folder": "{folder}"'
    for listed in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if words in listed.read_text():
                return int(listed.parent.name)
    raise LookupError(folder)


def main() -> None:
    given = options_of(argparse.ArgumentParser(description=__doc__), runs=5)
    flows: dict[str, list[Flow]] = {name: [] for name in TASKS}
    seconds: dict[str, list[float]] = {name: [] for name in TASKS}
    server: dict[str, list[float]] = {name: [] for name in TASKS}
    with opened_desk() as desk:
        for agency, person in PEOPLE.items():
            desk.sign_in(agency, person)
        for number in range(given.runs):
            for name, flow in tasks(desk, number):
                flows[name].append(flow)
                seconds[name].append(flow.seconds)
                server[name].append(flow.server)
    print("| task | taps | budget | pages | seconds of a script | server, ms | at a command line |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    measured = []
    for name, (most, commands) in TASKS.items():
        taps, pages = flows[name][0].taps, flows[name][0].pages
        spent, used = statistics.median(seconds[name]), statistics.median(server[name])
        print(f"| {name} | {taps} | {most} | {pages} | {spent:.1f} | {used:.0f} | {commands} |")
        bar = Bar(most, "taps", "at most")
        measured.append(Measurement.of(f"taps: {name}", [taps], bar))
    referral = server["offer and referral, yes"]
    measured.append(
        Measurement.of("server: offer and referral", referral, Bar(80, "ms", "at most"))
    )
    measured.append(Measurement.of("server: answer", ANSWERS, Bar(5, "ms", "at most")))
    print(f"the answer to the officer: {statistics.median(ANSWERS):.1f} ms of the server")
    write_results(given.results, measured)


if __name__ == "__main__":
    main()
