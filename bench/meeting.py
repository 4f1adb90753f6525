"""Measure the lists of an agency over growing numbers of cases: meeting, tasks, cases.

Run it as `python bench/meeting.py 250 500 1000 2000`. Each case has a referral, consents, an
intake, and a status. The figures are seconds of processor time at the case managers: the first look
after the folder was opened, and the next one. A list that is linear takes twice as long at twice as
many cases.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from exchange.hub import quota
from exchange.records.building import Part
from exchange.records.ids import new_id
from offramp.agency import operations
from offramp.agency.folder.office import Office
from tests.support.agencies import Town, referral
from tests.support.chance import chance
from tests.support.simulator import FORM, grant, part

TOGETHER = "diversion_coordination"
OPERATION = ("exchange_operation", "operation")
LISTS: dict[str, Callable[[Office], object]] = {
    "meeting": operations.show_agenda,
    "meeting with police": lambda office: operations.show_agenda(office, ("police", "prosecutor")),
    "tasks": operations.list_tasks,
    "cases": operations.list_cases,
}


def build(folder: Path, cases: int, at_once: int = 50) -> Town:
    """Return a town in which the case managers have this many open cases.

    `at_once` cases are sent together. Each time, every agency does its daily work, which looks at
    all of its cases, so a large town is made sooner with a large number.
    """
    town, random = Town(folder), chance(9)
    police, managers = town.at["police"], town.at["crossroads"]
    opened = []
    for number in range(cases):
        opened.append(new_id(random))
        police.compose("referral", (referral(),), case=opened[-1])
        if len(opened) == at_once or number == cases - 1:
            town.settle()
            later = [work(managers, case) for case in opened]
            town.settle()
            for act in later:
                act()
            town.settle()
            opened.clear()
    return town


def work(office: Office, case: str) -> Callable[[], None]:
    """Record two consents in a case, and return the act that tells its intake and status."""
    for jti, part_id in office.working_set().closed_parts(case):
        office.open(jti, part_id, by="Rosa Quintana")
    grants = (
        grant("crossroads", "prosecutor", ["status", "intake_status"], [TOGETHER]),
        grant("crossroads", "police", ["status"], [TOGETHER]),
    )
    consents = [
        part("consent_terms", to={terms["recipient"]: OPERATION}, says=terms) for terms in grants
    ]
    office.compose("consent", consents, case=case, form=FORM)
    now = datetime.fromtimestamp(office.clock(), UTC)
    intake = {
        "done_on": now.date().isoformat(),
        "facts": {"case.intake_at": now.strftime("%Y-%m-%dT%H:%M:%SZ")},
    }
    to = {"prosecutor": (TOGETHER, "consent")}
    return lambda: tell(office, case, part("intake_status", intake, to=to))


def tell(office: Office, case: str, intake: Part) -> None:
    """Send the intake and a status, when the consents are in the log."""
    office.compose("intake", [intake], case=case)
    to = dict.fromkeys(("police", "prosecutor"), (TOGETHER, "consent"))
    status = part("status", {"engagement": "engaged"}, to=to)
    office.compose("status", [status], case=case)


def main(sizes: list[int]) -> None:
    quota.MOST_OF_AGENCY = 10**9
    for size in sizes:
        with tempfile.TemporaryDirectory() as scratch:
            town = build(Path(scratch), size)
            office = town.office("crossroads")
            office.working_set()
            figures = []
            for name, look in LISTS.items():
                took = []
                for _ in range(2):
                    began = time.process_time()
                    look(office)
                    took.append(time.process_time() - began)
                figures.append(f"{name} {took[0]:.2f} {took[1]:.3f}")
            print(f"{size} cases: {'; '.join(figures)}", flush=True)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [250, 500, 1000, 2000])
