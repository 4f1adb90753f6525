"""Measure each page of an agency's console over a number of cases.

Run it as `python bench/console.py 500`. Police refer each person, and the case managers open every
referral. Then the console serves the case managers' folder as a process, and each page is asked for
a hundred times over HTTP. The figures are milliseconds as the browser waits, and the page's bytes.
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
            caller.sign_in(person, PASSWORD, code_of(secret))
            headers = {"host": console.host, "cookie": f"{COOKIE}={caller.token}"}
            base = f"http://127.0.0.1:{console.port}"
            with httpx.Client(base_url=base, headers=headers, timeout=60) as client:
                print(f"\n{count} cases, in ms: median, 95th percentile; bytes")
                for path in (*PAGES, *_case_of(client)):
                    times, size = _ask(client, path)
                    print(f"{path[:24]:<26}{times[len(times) // 2]:>8.1f}", end="")
                    print(f"{times[len(times) * 95 // 100]:>8.1f}{size:>8}", flush=True)


def _case_of(client: httpx.Client) -> Iterator[str]:
    found = re.search(r'href="(/people/[0-9a-f]{20})"', client.get("/people").text)
    if found is not None:
        yield found[1]


def _ask(client: httpx.Client, path: str) -> tuple[list[float], int]:
    """Return the sorted times of a page, and its size. The first request isn't counted."""
    assert client.get(path).status_code == 200, path
    times = []
    for _ in range(TIMES):
        start = time.perf_counter()
        size = len(client.get(path).content)
        times.append((time.perf_counter() - start) * 1000)
    return sorted(times), size


if __name__ == "__main__":
    for cases in sys.argv[1:] or ["500"]:
        measure(int(cases))
