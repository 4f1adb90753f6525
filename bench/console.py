"""Measure each page of an agency's console over a number of cases.

Run it as `python bench/console.py 500`. Police refer each person, and the case managers open every
referral. Then the console serves the case managers' folder as a process, and each page, also each
to which a case leads, is asked for a hundred times over HTTP. So are those of the agencies that
refer and decide, with as many cases. The figures are milliseconds as the
browser waits, milliseconds of the processor, which another program's work doesn't change, and the
page's bytes. A page over its limit is marked.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import httpx

from bench.caseload import OFFER, refer, spelled
from exchange.errors import ExchangeError
from exchange.records.ids import new_id
from offramp.agency import operations
from offramp.agency.cases.caseload import handles
from offramp.agency.folder.office import Office
from offramp.console.agency.sessions import COOKIE
from tests.support.agencies import PASSPHRASE, ROLES, Town
from tests.support.agency_console import PASSWORD, Caller, code_of, make_account, run_agency_console
from tests.support.chance import chance
from tests.support.simulator import part
from tests.support.staff import founder_of

TIMES = 100
# Milliseconds at the 95th percentile, up to 500 cases and above.
LIMITS = (20.0, 50.0)
PAGES = (
    *("/today", "/people", "/people?page=5", "/people/find", "/you"),
    *("/admin/people", "/admin/looked", "/admin/exchange"),
)
# The pages of the agencies that refer and decide, and what the address of a decision begins with.
OTHERS = {
    "police": ("/offer", "/mine", "/asked", "/today", "/you"),
    "prosecutor": ("/queue", "/held", "/asked", "/today"),
    "program": ("/applications", "/places", "/asked", "/today"),
}
ROLES_OF_TOWN = {**ROLES, "program": "program"}


def measure(count: int) -> None:
    """Print the times of each page for one number of cases."""
    with tempfile.TemporaryDirectory() as scratch:
        town = Town(Path(scratch))
        refer(town, count)
        _close(town)
        with served(town, "crossroads") as (client, pid):
            print(f"\n{count} cases, in ms: median, 95th percentile; processor, 95th; bytes")
            _print_pages(client, pid, (*PAGES, *pages_of_case(client)), LIMITS[count > 500])


def measure_others(count: int) -> None:
    """Print the times of the pages of those who refer and decide."""
    with tempfile.TemporaryDirectory() as scratch:
        town = Town(Path(scratch), roles=ROLES_OF_TOWN)
        refer_to_all(town, count)
        _close(town)
        for agency, pages in OTHERS.items():
            with served(town, agency) as (client, pid):
                print(f"\n{agency}, {count} cases")
                decisions = pages_of_decision(client, pages[0])
                _print_pages(client, pid, (*pages, *decisions), LIMITS[count > 500])


def _close(town: Town) -> None:
    for office in town.at.values():
        office.close()


def refer_to_all(town: Town, count: int) -> None:
    """Refer people to the three agencies that a city's referral reaches, which open it."""
    random = chance(9)
    says = {"answer": "accepted"}
    reach = ("crossroads", "program", "prosecutor")
    for number in range(count):
        name = {"given_name": spelled(number * 7919), "family_name": spelled(number * 104729)}
        facts = {"encounter.date": "2026-11-02", "encounter.route": "arrest"}
        parts = [
            part("contact", name, to=dict.fromkeys(reach[:2], OFFER), says=says, use="none"),
            part(
                "encounter", {"facts": facts}, to=dict.fromkeys(reach, OFFER), says=says, use="none"
            ),
        ]
        case = new_id(random)
        town.at["police"].compose("referral", parts, case=case)
        if number % 200 in (199, count - 1):
            town.settle()
            for agency in reach:
                _open_all(town.at[agency], founder_of(agency))


def _open_all(office: Office, person: str) -> None:
    working_set = office.working_set()
    for case in handles(working_set):
        for record, part_id in working_set.closed_parts(case):
            with suppress(ExchangeError):
                office.open(record, part_id, by=person)


@contextmanager
def served(town: Town, agency: str) -> Iterator[tuple[httpx.Client, int]]:
    """Serve an agency's console as a process. Yield its founder's browser, and the process."""
    folder, person = town.at[agency].folder, founder_of(agency)
    passphrase = folder.parent / "passphrase"
    passphrase.touch(0o600)
    passphrase.write_bytes(PASSPHRASE)
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        secret = make_account(office, person, person)
    with run_agency_console(folder, passphrase) as console:
        caller = Caller(console)
        # The first page isn't asked for here: it waits until all tasks are worked out.
        typed = {"name": person, "password": PASSWORD, "code": code_of(secret)}
        caller.ask("POST", "/sign-in", data=typed)
        headers = {"host": console.host, "cookie": f"{COOKIE}={caller.token}"}
        base = f"http://127.0.0.1:{console.port}"
        with httpx.Client(base_url=base, headers=headers, timeout=600) as client:
            yield client, console.pid


def _print_pages(client: httpx.Client, pid: int, pages: Iterable[str], limit: float) -> None:
    for path in pages:
        waited, worked, size = ask_page(client, path, pid)
        late = "over" if worked[95] > limit or size > 20_480 else ""
        print(f"{path[:24]:<26}{waited[50]:>8.1f}{waited[95]:>8.1f}", end="")
        print(f"{worked[50]:>8.1f}{worked[95]:>8.1f}{size:>8} {late}", flush=True)


def pages_of_decision(client: httpx.Client, listing: str) -> Iterator[str]:
    """Yield the address of the first decision that a page lists, and of its case."""
    links = re.findall(r'href="(/[a-z]+/[0-9a-f]{20}[^"#?]*)"', client.get(listing).text)
    yield from (page for page in links[:2] if client.get(page).status_code == 200)


def pages_of_case(client: httpx.Client) -> Iterator[str]:
    """Yield the address of a case, if there is one, and the pages to which it leads.

    A form that would be refused isn't among them.
    """
    found = re.search(r'href="(/people/[0-9a-f]{20})"', client.get("/people").text)
    if found is not None:
        links = re.findall(rf'href="({found[1]}/[^"#?]+)"', client.get(found[1]).text)
        pages = dict.fromkeys((found[1], *links))
        yield from (page for page in pages if client.get(page).status_code == 200)


def ask_page(
    client: httpx.Client, path: str, pid: int, times: int = TIMES
) -> tuple[list[float], list[float], int]:
    """Return the sorted waits for a page, the console's sorted processor times, and its size.

    The first request isn't counted.
    """
    assert client.get(path).status_code == 200, path
    waited, worked = [], []
    for _ in range(times):
        start, used = time.perf_counter(), processor_time(pid)
        size = len(client.get(path).content)
        waited.append((time.perf_counter() - start) * 1000)
        worked.append(processor_time(pid) - used)
    return sorted(waited), sorted(worked), size


def processor_time(pid: int) -> float:
    """Return the milliseconds that all threads of a process have run."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e6


if __name__ == "__main__":
    for cases in sys.argv[1:] or ["500"]:
        measure(int(cases))
        measure_others(int(cases))
