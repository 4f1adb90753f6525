"""Measure a memo with a file of many rows: seconds of the processor, and the most memory.

Run it as `python bench/people.py [--rows 1000000,10000000] [--runs N] [--results FILE]`, with the
extras `prove` and `cohort`. The rows are the made-up arrests of `bench/spark.py`. Each run is a
process of its own with the whole memo: the proof of the change, the counts, and the page of text.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
from measured import Bar, Measurement, options_of, write_results
from spark import MAP, ROWS

CHANGE = ["change", "santa-fe@2014-04-01", "santa-fe@2018-10-01", "--decision", "eligibility"]
MILLION, TEN_MILLION = 1_000_000, 10_000_000
TIME_BAR, MEMORY_BAR = Bar(5, "s", "at most"), Bar(2, "GiB", "at most")


def main() -> None:
    """Print the seconds and the memory for each number of rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default=f"{MILLION},{TEN_MILLION}")
    options = options_of(parser, runs=3)
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        mapping, file = Path(folder) / "map.yaml", Path(folder) / "arrests.parquet"
        mapping.write_text(MAP)
        for rows in map(int, options.rows.split(",")):
            duckdb.execute(ROWS.format(rows=rows, file=file))
            runs = [memo_of(file, mapping) for _ in range(options.runs)]
            seconds, memory = [list(figures) for figures in zip(*runs, strict=True)]
            print(f"{rows:,} rows: {min(seconds):.1f} to {max(seconds):.1f} s of the processor")
            print(f"{rows:,} rows: {max(memory):.2f} GiB")
            if rows == MILLION:
                name = "a memo with a million rows"
                measured.append(Measurement.of(name, seconds, TIME_BAR))
            if rows == TEN_MILLION:
                name = "the memory of a memo with ten million rows"
                measured.append(Measurement.of(name, memory, MEMORY_BAR))
    for measurement in measured:
        print(measurement.line())
    write_results(options.results, measured)


def memo_of(file: Path, mapping: Path) -> tuple[float, float]:
    """Return the seconds of the processor and the GiB of one memo."""
    words = [*CHANGE, "--cohort", str(file), "--map", str(mapping), "--by", "race"]
    command = [sys.executable, "-m", "offramp", *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit("the memo failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20


if __name__ == "__main__":
    main()
