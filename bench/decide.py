"""Measure what a decision costs, cold from the shell and warm.

Each time is a ratio to a floor measured in the same run. Run it as `python bench/decide.py [--runs
N] [--imports]`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import rules
from rules.decide.walk import World, possible
from rules.shelf import read_pack

ROOT = Path(__file__).parent.parent
CASE = ROOT / "examples" / "arrest.json"
PACK = "santa-fe"


def main() -> None:
    """Print all measurements."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=15)
    options.add_argument(
        "--imports", action="store_true", help="show the slowest imports of a cold command"
    )
    arguments = options.parse_args()
    print(f"Python {sys.version.split()[0]}, {arguments.runs} runs each, alternating; medians\n")
    cold(arguments.runs)
    warm(arguments.runs)
    load(arguments.runs)
    if arguments.imports:
        imports()


def cold(runs: int) -> None:
    """Measure whole processes: `offramp decide` against an interpreter that does nothing."""
    bare = [sys.executable, "-c", "pass"]
    single = [sys.executable, "-m", "offramp", "decide", PACK, "eligibility", str(CASE)]
    several = [*single[:4], "santa-fe,seattle,nyc-violations,drug-court", *single[5:]]
    floor, *others = alternate(
        [lambda: process(bare), lambda: process(single), lambda: process(several)], runs
    )
    row("bare interpreter, start to end", floor)
    for name, times in zip(
        ("offramp decide, one program", "offramp decide, four programs"), others, strict=True
    ):
        row(name, times, floor)


def warm(runs: int) -> None:
    """Measure one decision in a running process, against the same rules written by hand.

    The rules by hand explain nothing.
    """
    program = rules.load(PACK)
    facts = json.loads(CASE.read_text())
    read = program.read(facts)
    segment = program.segment(rules.load(PACK).decide("eligibility", facts).as_of).segment
    world = World(read.known, segment.parameters, lambda _: "proceed", lambda _: None)
    print()
    labels: dict[str, Callable[[], Any]] = {
        "by hand, two-valued, no explanation": lambda: by_hand(facts),
        "bare outcome, facts read before": lambda: program.outcome("eligibility", read),
        "bare outcome, facts read now": lambda: program.outcome("eligibility", facts),
        "decision with reasons, facts read before": lambda: (
            program.decide("eligibility", read).reasons
        ),
        "decision with reasons, facts read now": lambda: (
            program.decide("eligibility", facts).reasons
        ),
        "whole JSON answer with digests": lambda: program.decide("eligibility", facts).as_json(),
        "tree walk, bare (the plain meaning)": lambda: possible(
            segment.decisions["eligibility"], world
        ),
    }
    all_times = alternate([repeated(work) for work in labels.values()], runs)
    for name, times in zip(labels, all_times, strict=True):
        row(name, times, all_times[0], unit=1e6, sign="µs")


def load(runs: int) -> None:
    """Measure reading, checking, and compiling a pack from its files."""
    print()
    row(
        "read and check the pack and its parents",
        alternate([lambda: timed(lambda: read_pack(PACK))], runs)[0],
    )
    row(
        "the same, with every proof",
        alternate([lambda: timed(lambda: read_pack(PACK, whole=True))], min(runs, 3))[0],
    )
    tracemalloc.start()
    kept = rules.load(PACK)
    kept.decide("eligibility", json.loads(CASE.read_text()))
    memory, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"{'memory that a loaded pack holds':46} {memory / 1e6:10.2f} MB")


def by_hand(facts: dict[str, Any]) -> str:
    """Decide for Santa Fe in hand-written Python, the least cost. A missing fact reads as no."""
    person, encounter, judgment = (
        facts.get("person", {}),
        facts["encounter"],
        facts.get("judgment", {}),
    )
    grams = sum(drug.get("grams", 0) for drug in encounter["drugs"] if drug.get("kind") == "opioid")
    barred = (
        grams > 3
        or any(
            charge.get("conduct") in ("sale", "intent_to_sell", "promoting_prostitution")
            or charge.get("violent")
            for charge in encounter["charges"]
        )
        or person.get("age", 18) < 18
        or judgment.get("amenable") is False
        or judgment.get("exploits_others") is True
        or facts.get("decisions", {}).get("screening") == "stop"
    )
    return "ineligible" if barred else "eligible"


def alternate(works: list[Callable[[], float]], runs: int) -> list[list[float]]:
    """Run every work once a round, so that the machine's load falls on all of them.

    The first round isn't counted.
    """
    all_times: list[list[float]] = [[] for _ in works]
    for round_number in range(runs + 1):
        for times, work in zip(all_times, works, strict=True):
            seconds = work()
            if round_number:
                times.append(seconds)
    return all_times


def process(command: list[str]) -> float:
    """Return the seconds that a command takes."""
    return timed(lambda: subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False))


def repeated(work: Callable[[], Any], least: float = 0.02) -> Callable[[], float]:
    """Return a function that measures one call, over enough calls to fill `least` seconds."""
    count = 1

    def often(count: int) -> float:
        """Return the seconds for so many calls."""
        return timed(lambda: [work() for _ in range(count)])

    while often(count) < least:
        count *= 2
    return lambda: often(count) / count


def timed(work: Callable[[], Any]) -> float:
    """Return the seconds that a work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def row(
    name: str,
    times: list[float],
    floor: list[float] | None = None,
    unit: float = 1e3,
    sign: str = "ms",
) -> None:
    """Print one measurement, with its ratio to the floor."""
    ratio = (
        f"  {statistics.median(a / b for a, b in zip(times, floor, strict=True)):6.2f} x the floor"
        if floor
        else ""
    )
    print(f"{name:46} {statistics.median(times) * unit:10.2f} {sign}{ratio}")


def imports() -> None:
    """Print the slowest imports of a cold command."""
    command = [
        sys.executable,
        "-X",
        "importtime",
        "-m",
        "offramp",
        "decide",
        PACK,
        "eligibility",
        str(CASE),
    ]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    lines = [
        line.split("|")
        for line in ran.stderr.splitlines()
        if line.startswith("import time:") and "[us]" not in line
    ]
    slowest = sorted(
        ((int(own.split(":")[1]), name.strip()) for own, _, name in lines), reverse=True
    )[:15]
    print("\nslowest imports of a cold command, own time")
    for own, name in slowest:
        print(f"{name:46} {own / 1000:10.2f} ms")


if __name__ == "__main__":
    main()
