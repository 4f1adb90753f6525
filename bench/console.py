"""Measure each page of an agency's console over a number of cases.

Run it as `python bench/console.py 500`. Police refer each person, and the case managers open every
referral. Then the console serves the case managers' folder as a process, and each page, also each
to which a case leads, is asked for a hundred times over HTTP. The figures are milliseconds as the
browser waits, milliseconds of the processor, which another program's work doesn't change, and the
page's bytes. A page over its limit is marked.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import httpx

from bench.caseload import refer
from offramp.agency import operations
from offramp.console.agency.sessions import COOKIE
from tests.support.agencies import PASSPHRASE, Town
from tests.support.agency_console import PASSWORD, Caller, code_of, make_account, run_agency_console
from tests.support.staff import founder_of

TIMES = 100
# Milliseconds at the 95th percentile, up to 500 cases and above.
LIMITS = (20.0, 50.0)
PAGES = (
    *("/today", "/people", "/people?page=5", "/people/find", "/you"),
    *("/admin/people", "/admin/looked", "/admin/exchange"),
)


def measure(count: int) -> None:
    """Print the times of each page for one number of cases."""
    with tempfile.TemporaryDirectory() as scratch:
        town = Town(Path(scratch))
        refer(town, count)
        folder, person = town.at["crossroads"].folder, founder_of("crossroads")
        for office in town.at.values():
            office.close()
        passphrase = Path(scratch) / "passphrase"
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
                print(f"\n{count} cases, in ms: median, 95th percentile; processor, 95th; bytes")
                for path in (*PAGES, *pages_of_case(client)):
                    waited, worked, size = ask_page(client, path, console.pid)
                    late = "over" if worked[95] > LIMITS[count > 500] or size > 20_480 else ""
                    print(f"{path[:24]:<26}{waited[50]:>8.1f}{waited[95]:>8.1f}", end="")
                    print(f"{worked[50]:>8.1f}{worked[95]:>8.1f}{size:>8} {late}", flush=True)


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
