"""Measure the proofs by the solver: what `offramp prove` does with all shipped packs.

Run it as `python bench/solver.py [--runs N] [--results FILE]`, with the extra `prove`. It is
processor time in one process, because wall time on a shared machine measures its neighbors. The
first run loads the solver and isn't counted.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

from measured import Bar, Measurement, options_of, write_results

from rules.prove.by_solver import prove_pack
from rules.shelf import read_pack, shipped

BAR = Bar(10, "s", "at most")


def main() -> None:
    """Print the seconds of the proofs of all packs, and what came of the claims."""
    options = options_of(argparse.ArgumentParser(description=__doc__), runs=3)
    seconds: list[float] = []
    for run in range(options.runs + 1):
        packs = [read_pack(name, whole=False) for name in shipped()]
        began = time.process_time()
        results = Counter(claim.result for pack in packs for claim in prove_pack(pack))
        seconds += [time.process_time() - began] if run else []
    counts = ", ".join(f"{count} {result}" for result, count in sorted(results.items()))
    print(f"{len(packs)} packs: {counts}")
    measured = Measurement.of("proofs of all packs by the solver", seconds, BAR)
    print(measured.line())
    write_results(options.results, [measured])


if __name__ == "__main__":
    main()
