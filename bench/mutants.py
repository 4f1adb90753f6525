"""Measure `offramp test --mutants`: small mistakes in a pack, and which scenarios notice them.

Run it as `python bench/mutants.py [--runs N]`. Each pack is measured twice: with its own scenarios,
which notice every mistake, and with the readable ones alone, as an author has them at first. The
figures are processor time in one process, with the solver already loaded.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import z3  # noqa: F401  # loaded before anything is measured
from measured import Bar, Measurement, options_of, write_results

from rules.author.mutants import MutantScore, try_mistakes
from rules.author.scenarios import Scenario, read_generated, read_scenarios
from rules.decide.program import Program
from rules.shelf import find, read_pack

BARS = {"santa-fe": 5.0, "seattle": 60.0}  # seconds


def main() -> None:
    """Print the seconds of each pack, and its score."""
    chosen = options_of(argparse.ArgumentParser(description=__doc__), runs=3)
    measured = []
    for name, limit in BARS.items():
        folder = find(name)
        readable = read_scenarios(folder)
        sets = {
            "": [*readable, *read_generated(folder, readable)],
            " with the readable scenarios alone": readable,
        }
        for which, scenarios in sets.items():
            seconds = []
            for _ in range(chosen.runs):
                spent, score = timed(folder, scenarios)
                seconds.append(spent)
            missed = len(score.of("missed"))
            print(
                f"{name}{which}: {score.made} mistakes, {score.noticed} noticed, {missed} missed, "
                f"{len(score.of('equal'))} change no answer"
            )
            bar = Bar(limit, "s", "at most")
            measured.append(Measurement.of(f"small mistakes of {name}{which}", seconds, bar))
    for measurement in measured:
        print(measurement.line())
    write_results(chosen.results, measured)


def timed(folder: Path, scenarios: list[Scenario]) -> tuple[float, MutantScore]:
    """Try the mistakes of a pack once, from a pack that was read anew."""
    pack = read_pack(folder.name, whole=False)
    parent = read_pack(pack.extends) if pack.extends is not None else None
    began = time.process_time()
    score = try_mistakes(Program(pack), parent, scenarios)
    return time.process_time() - began, score


if __name__ == "__main__":
    main()
