"""Measure exact outcomes: the time that `decide --exact` adds to an undetermined answer.

Run it as `python bench/exact.py [--runs N] [--results FILE]`. The cases are the undetermined
scenarios of five shipped packs. It is processor time, because wall time on a shared machine
measures its neighbors. The first pass isn't counted: it loads the solver.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

from measured import Bar, Measurement, options_of, write_results

import rules
from rules.author.scenarios import read_scenarios
from rules.decide.decision import Decision
from rules.errors import Refusal
from rules.prove.exact import find_exact
from rules.prove.what_if import find_what_if
from rules.shelf import find

PACKS = ("santa-fe", "seattle", "nyc-violations", "multnomah-or", "san-francisco")
BAR = Bar(10, "ms", "at most")
WHAT_IF_BAR = Bar(200, "ms", "at most")


def main() -> None:
    """Print the time of exact outcomes, and of what-if on the same packs' decided scenarios."""
    options = options_of(argparse.ArgumentParser(description=__doc__), runs=3)
    times: list[float] = []
    for run in range(options.runs + 1):
        own = [timed(decision, find_exact) for decision in decisions("undetermined")]
        times += own if run else []
    changes = [timed(decision, find_what_if) for decision in [*decisions("decided")][:40]]
    exact = Measurement.of("exact outcomes of an undetermined case", times, BAR)
    what_if = Measurement.of("what-if of a decided case", changes, WHAT_IF_BAR)
    times.sort()
    print(f"{len(times)} cases; of 20 one took over {times[len(times) * 19 // 20]:.1f} ms")
    print(exact.line())
    print(what_if.line())
    write_results(options.results, [exact, what_if])


def decisions(status: str) -> Iterator[Decision]:
    """Yield the decisions of the scenarios with a status."""
    for pack in PACKS:
        for scenario in read_scenarios(find(pack)):
            try:
                decision = rules.load(pack, scenario.as_of).decide(
                    scenario.decision, scenario.facts
                )
            except Refusal:
                continue
            if decision.status == status:
                yield decision


def timed(decision: Decision, work: object) -> float:
    """Return the milliseconds of processor time that the work takes on a decision."""
    assert callable(work)
    start = time.process_time()
    work(decision)
    return (time.process_time() - start) * 1e3


if __name__ == "__main__":
    main()
