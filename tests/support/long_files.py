"""The order of the tests of a run, in which its processes share the long files evenly."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeVar

# Files whose tests take long, or share something that takes long, with the seconds of processor
# time that they and their processes took.
LONG = {
    "offramp/test_agency_console.py": 47,
    "offramp/test_console_consent.py": 41,
    "offramp/test_console_walk.py": 40,
    "offramp/test_mistakes_process.py": 40,
    "offramp/test_next_steps.py": 36,
    "offramp/test_beside.py": 34,
    "offramp/test_sql_conditions.py": 33,
    "offramp/test_change_cohort.py": 32,
    "offramp/test_retention.py": 30,
    "offramp/test_demo.py": 27,
    "offramp/test_console_decisions.py": 27,
    "rules/test_pack_schemas.py": 27,
    "offramp/test_console_person.py": 27,
    "offramp/test_acceptance_offer.py": 24,
    "rules/test_whole_packs.py": 23,
    "offramp/test_adopted_memo.py": 21,
    "offramp/test_acceptance_case.py": 20,
    "offramp/test_own_facts_told.py": 20,
    "offramp/test_report.py": 20,
    "offramp/test_agency_process.py": 20,
    "offramp/test_console_matrix.py": 19,
    "offramp/test_reports_beside.py": 19,
    "offramp/test_change_command.py": 19,
    "offramp/test_console_offer.py": 19,
    "offramp/test_new.py": 19,
    "offramp/test_forms.py": 18,
    "offramp/test_open_decisions.py": 18,
    "offramp/test_show.py": 18,
    "offramp/test_whole_story.py": 17,
    "offramp/test_second_engine.py": 16,
    "offramp/test_signed_names.py": 16,
    "offramp/test_command_server.py": 15,
    "offramp/test_report_attack.py": 15,
    "rules/test_engines_agree.py": 14,
    "offramp/test_consent_sets.py": 13,
    "offramp/test_hub_server.py": 13,
    "offramp/test_decisions_in_doubt.py": 13,
    "offramp/test_last_findings.py": 13,
    "offramp/test_one_case.py": 12,
    "offramp/test_console_case.py": 12,
    "offramp/test_draft_editor.py": 12,
    "offramp/test_answer_lines.py": 12,
    "rules/test_what_if.py": 10,
    "offramp/test_memo_page.py": 10,
    "offramp/test_meeting.py": 10,
}


class Test(Protocol):
    """A test of a file."""

    @property
    def path(self) -> Path: ...


SomeTest = TypeVar("SomeTest", bound=Test)


def share_out(tests: Sequence[SomeTest], processes: int) -> list[SomeTest]:
    """Order the tests so that each process begins with a fair share of the long files.

    `pytest-xdist` gives each process an equal number of tests that follow each other, and later
    moves tests from the end of one to another. In the order of the files one process got all
    long ones. The last tests of a run are now short, and no process waits long for another.
    """
    files: dict[str, list[SomeTest]] = {}
    short: deque[SomeTest] = deque()
    for test in tests:
        name = f"{test.path.parent.name}/{test.path.name}"
        if name in LONG:
            files.setdefault(name, []).append(test)
        else:
            short.append(test)
    shares: list[list[SomeTest]] = [[] for _ in range(processes)]
    seconds = [0] * processes
    for name in sorted(files, key=lambda name: (-LONG[name], name)):
        least = seconds.index(min(seconds))
        shares[least] += files[name]
        seconds[least] += LONG[name]
    ordered: list[SomeTest] = []
    for number, share in enumerate(shares):
        size = (len(tests) - len(ordered)) // (processes - number)
        ordered += share
        ordered += [short.popleft() for _ in range(min(len(short), size - len(share)))]
    return [*ordered, *short]
