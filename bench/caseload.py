"""Measure an agency's lists, a case's view, and a search over some numbers of cases.

Run it as `python bench/caseload.py 250 500 1000 2000`, where each number is a count of cases.
Police refer each person, and the case managers open every referral. Then each list of the case
managers is measured three times in one process: worked out anew, as it is remembered, and after one
case has changed. The last column is a new program that reads the kept index.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from exchange.errors import ExchangeError
from exchange.records.ids import new_id
from offramp.agency import operations
from offramp.agency.folder.office import Office
from offramp.agency.hub_link.delivery import pull_inbox, send_outbox
from tests.support.agencies import Town
from tests.support.chance import chance
from tests.support.simulator import part

OFFER = ("offer_and_hand_off", "offer_at_scene")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def spelled(number: int) -> str:
    """Return a number as a made-up name."""
    letters = []
    for _ in range(5):
        number, letter = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[letter])
    return "".join(letters).title()


def refer(town: Town, count: int) -> list[str]:
    """Refer people, and have the case managers open what came."""
    random = chance(9)
    cases = []
    for number in range(count):
        to = {"crossroads": OFFER}
        contact = {
            "given_name": spelled(number * 7919),
            "family_name": spelled(number * 104729),
            "birth_date": f"{1950 + number % 55}-{1 + number % 12:02}-{1 + number % 28:02}",
        }
        encounter = {"facts": {"encounter.date": "2026-11-02", "encounter.route": "arrest"}}
        says = {"answer": "accepted"}
        parts = (
            part("contact", contact, to=to, says=says, use="none"),
            part("encounter", encounter, to=to, says=says, use="none"),
        )
        cases.append(new_id(random))
        town.at["police"].compose("referral", parts, case=cases[-1])
        if number % 200 == 199:
            deliver(town)
    deliver(town)
    office = town.at["crossroads"]
    for case in cases:
        for record, part_id in office.working_set().closed_parts(case):
            with suppress(ExchangeError):
                office.open(record, part_id, by="Rosa Quintana")
    return cases


def deliver(town: Town) -> None:
    """Send what police composed, and pull it. The witnesses of the log have a day to sign."""
    send_outbox(town.link("police"))
    pull_inbox(town.link("crossroads"))


def looks(case: str) -> Iterator[tuple[str, Callable[[Office], Any]]]:
    """Yield each look at the cases with its name."""
    yield "cases", operations.list_cases
    yield "tasks", operations.list_tasks
    yield "meeting, own view", operations.show_agenda
    yield "meeting, with police", lambda office: operations.show_agenda(office, ("police",))
    yield "inbox", operations.list_inbox
    yield "a case's view", lambda office: operations.read_case(office, case).as_json()
    yield "find", lambda office: operations.find(office, spelled(7919))


def took(look: Callable[[Office], Any], office: Office) -> float:
    """Return the time of one look, in milliseconds."""
    start = time.perf_counter()
    look(office)
    return (time.perf_counter() - start) * 1000


def measure(count: int) -> None:
    """Print the times for one number of cases."""
    with tempfile.TemporaryDirectory() as scratch:
        town = Town(Path(scratch))
        start = time.perf_counter()
        cases = refer(town, count)
        print(f"\n{count} cases, made in {time.perf_counter() - start:.0f} s")
        office = town.at["crossroads"]
        anew = {name: took(look, office) for name, look in looks(cases[-1])}
        again = {
            name: sorted(took(look, office) for _ in range(5))[2] for name, look in looks(cases[-1])
        }
        changed = {}
        for number, (name, look) in enumerate(looks(cases[-1])):
            operations.note_facts(office, cases[number], {"case": {"missed_contacts": 1}})
            changed[name] = took(look, office)
        with closing(town.office("crossroads")) as another:
            another.working_set()
            kept = {name: took(look, another) for name, look in looks(cases[-1])}
        print("in ms: anew, remembered, after one case changed, and by the next program")
        for name in anew:
            figures = anew[name], again[name], changed[name], kept[name]
            print(f"{name:<22}" + "".join(f"{figure:>10.1f}" for figure in figures), flush=True)


if __name__ == "__main__":
    for cases in sys.argv[1:] or ["250"]:
        measure(int(cases))
