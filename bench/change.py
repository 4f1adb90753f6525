"""Measure `offramp change`: cold for one decision, and every neighboring day of every pack.

The first figure is the processor's time of a whole process, the median of some runs, next to that
of a bare interpreter. The second is one process that compares each decision of each pack on each
day on which something changes with the day before it. It needs the extra `prove`.

    .venv/bin/python bench/change.py [--runs 7] [--packs santa-fe,lead] [--results FILE]
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import time
from statistics import median

from measured import Bar, Measurement, options_of, write_results

from rules.decide.program import Program
from rules.decide.search_space import SearchSpace
from rules.packs.resolve import segments_of
from rules.prove.changed_answers import changed_answers
from rules.prove.sides import Side
from rules.shelf import read_pack, shipped

COLD_BAR, ALL_BAR = Bar(1, "s", "at most"), Bar(10, "s", "at most")
CHANGE = ["change", "santa-fe@2014-04-01", "santa-fe@2018-10-01", "--decision", "eligibility"]


def seconds_of(command: list[str]) -> float:
    """Return the processor's seconds of a process."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    return usage.ru_utime + usage.ru_stime


def neighboring_days(name: str) -> tuple[int, int, int, int, float]:
    """Return the comparisons of a pack: all, the same, changed, pairs, and the seconds."""
    pack = read_pack(name)
    segments = list(segments_of(pack))
    compared = same = changed = pairs = 0
    started = time.process_time()
    sides = (Side(Program(pack, one.day), SearchSpace(one)) for one in segments)
    for old, new in itertools.pairwise(sides):
        for decision in pack.decisions:
            answers = changed_answers(old, new, decision)
            compared += 1
            same += answers.is_same or (answers.is_proved and not answers.pairs)
            changed += bool(answers.pairs)
            pairs += len(answers.pairs)
    return compared, same, changed, pairs, time.process_time() - started


def main() -> None:
    """Print both figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packs", default=",".join(shipped()))
    options = options_of(parser, runs=7)
    bare = [seconds_of([sys.executable, "-c", "pass"]) for _ in range(options.runs)]
    cold = [seconds_of([sys.executable, "-m", "offramp", *CHANGE]) for _ in range(options.runs)]
    print(f"one decision, cold: {median(cold):.2f} s of the processor, bare {median(bare):.3f} s")
    totals = [0.0] * 5
    for name in options.packs.split(","):
        figures = neighboring_days(name)
        totals = [total + figure for total, figure in zip(totals, figures, strict=True)]
        print(
            f"{name}: {figures[0]} compared, {figures[3]} changes, {figures[4]:.1f} s", flush=True
        )
    compared, same, changed, pairs, spent = totals
    print(
        f"all: {compared:.0f} compared in {spent:.1f} s: {same:.0f} proved unchanged, "
        f"{changed:.0f} with {pairs:.0f} changes"
    )
    name = f"{compared:.0f} comparisons of neighboring days, in one run"
    measured = [
        Measurement.of("one decision of a change, cold", cold, COLD_BAR),
        Measurement.of(name, [spent], ALL_BAR),
    ]
    for measurement in measured:
        print(measurement.line())
    write_results(options.results, measured)


if __name__ == "__main__":
    main()
